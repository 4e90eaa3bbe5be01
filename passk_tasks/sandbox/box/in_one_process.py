"""Runs tests in the candidate's own interpreter, for the judge `script`.

The candidate is there first. So what the tests rely on is kept before the candidate is loaded, and put back
before they run. The tests come compiled, so that none of the candidate's code takes part in compiling them.
Its objects that the tests see are asked whether they equal what nothing equals. A candidate can undo all of
that from within, but not the second look from outside (`box/second_look.py`).
"""

from __future__ import annotations

import builtins
import importlib
import marshal
import os
import random
import sys
import types
from collections.abc import Callable
from typing import Any

# Constants in the tests' code that stand for two functions of `run`.
SEEN, UNMASK = "\0passk seen", "\0passk unmask"

_exec, _loads, _settrace, _setprofile = exec, marshal.loads, sys.settrace, sys.setprofile
_SCALARS = {int, float, complex, bool, str, bytes, type(None), type(...), range, types.FunctionType, type}
_LIES = 24  # an object that equals so many values of a kind equals all of them
# Types of Python's own that leave comparisons to another object.
_DELEGATES = {"weakproxy", "weakcallableproxy", "ProxyType", "CallableProxyType", "mappingproxy", "_ANY"}

_MADE_AT_RUN_TIME = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not a static type of C code

# By module name: the module, its callables, and what is within those (owner, name, value).
_kept: dict[str, tuple[types.ModuleType, dict[str, Any], list[tuple[Any, str, Any]]]] = {}


def keep(names: list[str]) -> None:
    """Load modules, and remember what can be called in each."""
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception:  # the tests raise it again
            continue
        values = {key: value for key, value in vars(module).items() if callable(value)}
        within: list[tuple[Any, str, Any]] = []
        for value in values.values():
            if type(value) is types.FunctionType:
                within += [(value, key, getattr(value, key)) for key in ("__code__", "__defaults__")]
            elif isinstance(value, type) and value.__flags__ & _MADE_AT_RUN_TIME:
                within += [(value, key, own) for key, own in vars(value).items() if callable(own)]
        _kept[name] = module, values, within


keep(["builtins", "copy", "json", "math", "random"])


def _put_back(vars: Any = vars, modules: Any = sys.modules, kept: Any = _kept) -> list[str]:
    """Put back what the tests rely on; return what had been changed. Uses no builtin before that is done."""
    flags = []
    for name, (module, values, within) in kept.items():
        modules[name] = module
        there = vars(module)
        for key, value in values.items():
            if key not in there or there[key] is not value:
                there[key] = value
                flags += [f"patched {name}.{key}"]
        for owner, key, value in within:
            now = owner.__dict__.get(key) if isinstance(owner, type) else getattr(owner, key)
            if now is not value:
                setattr(owner, key, value)
                flags += [f"patched {name}.{owner.__name__}.{key}"]
    return flags


def _watchers() -> list[str]:
    """Remove what watches the tests run; return what there was."""
    flags = []
    if sys.gettrace() is not None or sys.getprofile() is not None:
        _settrace(None)
        _setprofile(None)
        flags.append("trace function")
    if len(sys._current_frames()) > 1:
        flags.append("thread left running")
    return flags


def run(module: types.ModuleType, given: dict[str, Any]) -> list[str]:
    """Run tests in a candidate's namespace; return what it had changed that they rely on.

    Args:
        module: the candidate.
        given: `code`, the tests; `key`, the mask of their literals; `used`, the builtins and other names that
            they use and do not define; `helpers`, code of functions that stay the tests' own even where the
            candidate defines their names, or "". It is emptied, so that no calling frame has it.

    Raises:
        BaseException: what the tests raised.
    """
    flags = [*_put_back(), *_watchers()]
    key = bytes.fromhex(given.pop("key"))
    lies: list[str] = []
    trusts = _Trust(any_is_the_tests="ANY" in given["used"])

    def unmask(text: bytes) -> Any:
        size = len(text)
        mask = (key * (size // len(key) + 1))[:size]
        return _loads((int.from_bytes(text, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big"))

    def seen(value: Any) -> Any:
        if type(value) not in _SCALARS:
            lie = _lie(value, trusts)
            if lie:
                lies.append(lie)
                raise AssertionError(lie)
        return value

    code = _filled(_loads(bytes.fromhex(given.pop("code"))), {SEEN: seen, UNMASK: unmask}, trusts.codes)
    main = _main(module, given.pop("helpers"), given.pop("used"))
    sys.modules["__main__"] = sys.modules[module.__name__] = main  # where unittest and doctest look for tests
    _exec(code, main.__dict__)
    if lies:  # raised once already, but the tests may have caught it
        raise AssertionError(lies[0])
    return sorted({*flags, *_put_back(), *_watchers()})


def _filled(code: types.CodeType, functions: dict[str, Any], codes: list[types.CodeType]) -> types.CodeType:
    """Return code with functions in place of the constants that stand for them: no name leads to them.

    Args:
        code: code of the tests.
        functions: the functions by their constant.
        codes: a list, to which every code object of the tests is added.
    """
    constants = tuple(
        _filled(value, functions, codes)
        if type(value) is types.CodeType
        else functions.get(value, value)
        if type(value) is str
        else value
        for value in code.co_consts
    )
    codes.append(code.replace(co_consts=constants))
    return codes[-1]


_OF_MODULES = frozenset({"__name__", "__doc__", "__spec__", "__loader__", "__package__"})


def _main(module: types.ModuleType, helpers: str, used: list[str]) -> types.ModuleType:
    """Return the tests' module: the candidate's, but without names that hide the tests' own."""
    own = module.__dict__
    own["__builtins__"] = builtins
    shadowed = [name for name in used if name in own and name in vars(builtins) and name not in _OF_MODULES]
    if not shadowed and not helpers:
        return module
    main = types.ModuleType(module.__name__)
    space = main.__dict__
    space.update({name: value for name, value in own.items() if name not in shadowed})
    if helpers:
        _exec(_loads(bytes.fromhex(helpers)), trusted := {"__name__": "tests", "__builtins__": builtins})
        space.update({name: trusted[name] for name in used if name in trusted})
    return main


class _Trust:
    """Tells types of Python and libraries from the candidate's."""

    def __init__(self, *, any_is_the_tests: bool) -> None:
        self.codes: list[types.CodeType] = []
        self._known: dict[int, tuple[type, bool]] = {}
        self._any = any_is_the_tests

    def __call__(self, kind: type) -> bool:
        if id(kind) not in self._known:
            self._known[id(kind)] = kind, self._looked_up(kind)
        return self._known[id(kind)][1]

    def _looked_up(self, kind: type) -> bool:
        # What a module has under that name counts: a class may claim any name.
        equal = getattr(_defined("__eq__", kind), "__code__", None)
        if any(equal is code for code in self.codes):  # a class that the tests define
            return True
        name = _of_type("__qualname__", kind)
        if name in _DELEGATES:
            return name == "_ANY" and self._any
        if not _of_type("__flags__", kind) & _MADE_AT_RUN_TIME:
            return True
        value: Any = sys.modules.get(str(_of_type("__module__", kind)))
        if value is None or _of_type("__name__", type(value)) == "solution":
            return False
        if getattr(value, "__name__", "") in ("solution", "__main__"):
            return False
        for part in name.split("."):
            value = getattr(value, part, None)
        return value is kind


def _of_type(attribute: str, kind: type) -> Any:
    """Return an attribute of a class, bypassing its metaclass."""
    return type.__dict__[attribute].__get__(kind)


def _defined(method: str, kind: type) -> Any:
    """Return the method that a class or one of its bases defines under a name; None if none does."""
    tables = (_of_type("__dict__", base) for base in _of_type("__mro__", kind))
    return next((table[method] for table in tables if method in table), None)


def _lie(value: Any, trusts: _Trust) -> str:
    """Return what is wrong with a value that, itself or in a part, equals everything; or ""."""
    met: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind in _SCALARS or id(value) in met:
            continue
        met[id(value)] = value
        lie = "" if trusts(kind) else _lies_itself(value, kind)
        if lie:
            return lie
        waiting += _parts(value, _of_type("__mro__", kind))
    return ""


def _parts(value: Any, bases: tuple[type, ...]) -> Any:
    """Return the items that a value is compared by."""
    try:
        for base in (list, tuple, set, frozenset):
            if base in bases:
                items: list[Any] = list(base.__iter__(value))
                return () if set(map(type, items)) <= _SCALARS else items
        if dict in bases:
            items = [*dict.keys(value), *dict.values(value)]
            return () if set(map(type, items)) <= _SCALARS else items
        names = {_of_type("__name__", base) for base in bases}
        if "deque" in names:
            return list(value)
        if "ndarray" in names and value.dtype.hasobject:
            return value.ravel().tolist()
        if names & {"UserList", "UserDict", "UserString", "ChainMap"}:
            return list(vars(value).values())
    except Exception:
        pass
    return ()


class _Nothing:
    """Equals nothing but itself."""


def _lies_itself(value: Any, kind: type) -> str:
    """Return an answer of a candidate's object that no honest object gives, in words; or ""."""
    equal = _defined("__eq__", kind)
    if _of_type("__name__", type(equal)) == "MagicProxy":  # a mock: it would record the questions
        return ""
    who = f"an object of the class {str(_of_type('__name__', kind))[:80]} says that it"
    draw = random.Random(os.urandom(8)).randrange
    sizes = [draw(1 << draw(4, 40)) for _ in range(_LIES)]
    small = [size % 1000 for size in sizes]
    # A `!=` of its own; else it is the inverse of `==`, asked about below.
    differs = _defined("__ne__", kind) is not vars(object)["__ne__"]
    if differs and all(_holds(lambda n=n: (value != n) is False) for n in sizes + small):
        return f"{who} differs from nothing"
    if equal is not vars(object)["__eq__"]:
        for make in _KINDS:
            if all(_holds(lambda size=size, make=make: value == make(size)) for size in sizes):
                return f"{who} equals everything"
        if _holds(lambda: value == True) and _holds(lambda: value == False):  # noqa: E712
            return f"{who} equals both True and False"
    contains = _defined("__contains__", kind)  # without it, the question would exhaust an iterator
    if contains and all(_holds(lambda make=make: make(sizes[0]) in value) for make in _KINDS[:5]):
        return f"{who} holds everything"
    far = [sign * (1 << 50) - sizes[0] for sign in (-1, 1)]
    if all(_holds(lambda n=n: value < n) and _holds(lambda n=n: value > n) for n in far):
        return f"{who} is both less and greater than a number"
    if any(all(_holds(lambda n=n: abs(value - n) < 1) for n in numbers) for numbers in (far, small)):
        return f"{who} is near every number"
    return ""


# Makes, of a number, values that an object has no reason to equal.
_KINDS: tuple[Callable[[int], Any], ...] = (
    lambda _n: _Nothing(),
    lambda n: n,
    lambda n: n % 1000,
    lambda n: n / 7,
    lambda n: f"{n:x}",
    lambda n: b"%x" % n,
    lambda _n: [_Nothing()],
    lambda n: (_Nothing(), n),
    lambda n: {n, n + 1},
    lambda n: {n: _Nothing()},
)


def _holds(question: Any) -> bool:
    try:
        said = question()
        # An object of the candidate's class is no answer: in libraries for queries or algebra, `==` makes
        # one.
        return not _of_type("__flags__", type(said)) & _MADE_AT_RUN_TIME and bool(said)
    except BaseException:  # the candidate's class may raise anything; that is no yes
        return False
