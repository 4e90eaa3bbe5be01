"""Builtins, modules and methods of plain data that are known to give the same in two processes as in one.

Whatever is not listed here is a reason for one process.
"""

from __future__ import annotations

import importlib


def names(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# The types that can be handed over; `codec._TYPES`.
CROSSING = names("bool int float complex str bytes bytearray list tuple set frozenset dict")
KINDS = CROSSING | names("range slice object memoryview")
TEXTS = names("str repr format ascii")
SCALARS = TEXTS | names("abs bin chr complex divmod float hex int len oct ord pow round")
COPIES = names("list tuple set frozenset sorted dict bytes bytearray")
LAZY = names("enumerate filter iter map reversed zip")
PICKS = names("max min next sum")
BUILTINS = (
    SCALARS | COPIES | LAZY | PICKS | names("all any bool callable eval isinstance print range slice type")
)

# Modules, and those of their names that depend only on arguments or chance and change nothing; None: all
# names.
MODULES: dict[str, frozenset[str] | None] = {
    "array": names("array"),
    "bisect": names("bisect bisect_left bisect_right"),
    "cmath": None,
    "collections": names("Counter OrderedDict abc defaultdict deque"),
    "collections.abc": names("Hashable Iterable Mapping Sequence"),
    "copy": names("copy deepcopy"),
    "datetime": names("date datetime time timedelta timezone"),
    "decimal": names("Decimal ROUND_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP"),
    "fractions": names("Fraction"),
    "functools": names("reduce"),
    "heapq": names("nlargest nsmallest"),
    "itertools": None,
    "json": names("dumps loads"),
    "math": None,
    "numpy": names(
        "abs all allclose any arange argmax argmin argsort array array_equal asarray bool_ ceil "
        "concatenate cos cumsum diff dot dtype e exp eye float32 float64 floating floor full generic "
        "hstack identity inf int32 int64 integer isclose isfinite isinf isnan linalg linspace log matmul "
        "max mean median min nan ndarray number ones pi prod repeat reshape round shape sign sin sort "
        "sqrt stack std sum tan testing tile transpose trunc uint8 unique var vstack where zeros"
    ),
    "numpy.linalg": names("det inv norm"),
    "numpy.testing": names(
        "assert_allclose assert_almost_equal assert_array_almost_equal assert_array_equal assert_equal"
    ),
    "random": names("Random choice choices randint random randrange sample shuffle uniform"),
    "re": names(
        "A ASCII DOTALL I IGNORECASE M MULTILINE S X compile escape findall fullmatch match search split sub"
    ),
    "statistics": None,
    "string": None,
    # EvoEval's tests compare large numbers, and raise the limit of their digits.
    "sys": names("maxsize set_int_max_str_digits"),
    "typing": None,
}
# Those of them that make objects which cannot be handed over, or only in part.
OWN_MAKERS = names("collections.defaultdict random.Random re.compile re.fullmatch re.match re.search")
LAZY_MODULES = names("itertools")
SCALAR_MODULES = names("math cmath statistics json re fractions decimal datetime numpy.testing")
NUMBERS_BY_CHANCE = names("randint randrange random uniform")
# Methods that change no type of plain data.
READING = frozenset(
    name
    for kind in (str, bytes, int, float, complex, tuple, frozenset, range)
    for name in dir(kind)
    if not name.startswith("_")
) | names("get items keys values copy most_common elements tolist")
# Methods that put their arguments themselves into what they change; others may put the items there.
ADDING = names("add append appendleft insert setdefault")
PLAIN_NAMES = (
    READING
    | frozenset(name for kind in (bytearray, list, set, dict) for name in dir(kind))
    | names("appendleft popleft extendleft rotate fill move_to_end subtract")
)
# Exceptions that may be raised differently in two processes.
UNCATCHABLE = (RecursionError, MemoryError, Warning, StopAsyncIteration)


def public(module: str) -> list[str]:
    """Return the names that `from module import *` binds; none where the module is not there."""
    try:
        return [name for name in dir(importlib.import_module(module)) if not name.startswith("_")]
    except ImportError:
        return []
