"""Operations, by name, that tests can do to an object in the candidate's process.

Both sides use this module: the tests' side for the names, the candidate's side for the functions.
"""

from __future__ import annotations

import builtins
import copy
import math
import operator
from collections.abc import Callable
from typing import Any

# `a OP b`, by the names of the methods behind it.
BINARY = (
    "add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor",
    "pow", "divmod",
)  # fmt: skip
COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")
# `f(a)`, where the method has the function's name.
UNARY = (
    "repr", "str", "bytes", "bool", "len", "hash", "iter", "next", "reversed", "dir", "int", "float",
    "complex", "index", "neg", "pos", "abs", "invert", "round", "trunc", "floor", "ceil", "format",
)  # fmt: skip


def _call(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _enter(manager: Any) -> Any:
    return type(manager).__enter__(manager)


def _exit(manager: Any, kind: str | None, arguments: list[Any]) -> Any:
    """Leave a `with` block; an exception in it is made again, as the nearest builtin one."""
    if kind is None:
        return type(manager).__exit__(manager, None, None, None)
    made = getattr(builtins, kind)(*arguments)
    return type(manager).__exit__(manager, type(made), made, made.__traceback__)


def _is_instance(kind: Any, value: Any) -> bool:
    return isinstance(value, kind)


def _is_subclass(kind: Any, other: Any) -> bool:
    return issubclass(other, kind)


def _named(name: str) -> Callable[..., Any]:
    for module in (operator, builtins, math):
        for spelled in (f"{name}_", name):
            if hasattr(module, spelled):
                return getattr(module, spelled)  # type: ignore[no-any-return]
    raise AttributeError(name)


OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: _named(name) for name in (*BINARY, *COMPARISONS, *UNARY)},
    **{f"i{name}": _named(f"i{name}") for name in BINARY if name != "divmod"},
    "pow": pow,
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "call": _call,
    "enter": _enter,
    "exit": _exit,
    "instancecheck": _is_instance,
    "subclasscheck": _is_subclass,
}
