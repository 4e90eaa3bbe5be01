"""What can be known of tests from their syntax tree, before anything runs.

Under the judge `isolated` arguments cross to the candidate as plain data, and its functions are all that the
tests see of it. `needs_script` finds the tests that want more; nothing here executes them.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from keyword import iskeyword

from passk_tasks.errors import DatasetError

_ITERATORS = frozenset({"enumerate", "filter", "iter", "map", "open", "object", "reversed", "zip"})
_OBJECT_FACTORIES = frozenset({("re", "compile"), ("io", "StringIO"), ("io", "BytesIO")})
# In whose arguments the values to hand over are still found: loops run over them.
_TRANSPARENT = frozenset({"enumerate", "zip", "list", "tuple", "sorted", "reversed"})
_LONG_LINE = re.compile(r"^([ \t]*\w+[ \t]*=[ \t]*)(\[.{1000,}\])[ \t]*$", re.MULTILINE)
_TEXT = re.compile(r"""(?:\b[rbuRBU]{1,2})?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")


def functions(assertions: Sequence[str], setup: str = "", code: str = "") -> tuple[str, ...]:
    """Return what assertions call of the candidate, the function that most of them call first.

    Args:
        assertions: statements, e.g. `assert f(1) == 2`.
        setup: code that they need; names bound there are not the candidate's.
        code: a reference candidate. What it defines is the candidate's, even where Python has a function of
            that name: a few of MBPP's problems are about a `sum` of their own.

    Raises:
        DatasetError: they are not Python, or call nothing that a candidate could define.
    """
    counted: Counter[str] = Counter()
    bound = _bound(_parse(setup))
    defined = {n.name for n in _parse(code).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    for assertion in assertions:
        tree = _parse(_LONG_LINE.sub(_words_only, assertion))
        own = (_loaded(tree) - _bound(tree) - bound - set(dir(builtins))) | defined
        counted.update(dict.fromkeys((name for name in _called(tree) if name in own), 1))
    if not counted:
        raise DatasetError(f"no assertion calls a function to be tested: {' '.join(assertions)!r:.120}")
    # Of equals the first: most_common keeps the order of appearance.
    return tuple(name for name, _ in counted.most_common())


def needs_script(source: str, names: Collection[str]) -> bool:
    """Return whether tests hand over objects, or need more of the candidate than its functions.

    Args:
        source: the tests with all that they need, but for the candidate.
        names: those by which the tests call the candidate.
    """
    tree = _parse(_LONG_LINE.sub(_words_only, source))
    if _loaded(tree) - _bound(tree) - set(dir(builtins)) - set(names):
        return True
    # What a coroutine waits for is in its own event loop.
    if "asyncio" in _loaded(tree) or any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree)):
        return True
    # Inputs that are written as text are not in the tree.
    if "eval(" in source and "lambda" in source:
        return True
    classes = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}
    made_here = classes | {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    values = _values(tree)
    seen: set[str] = set()

    def is_object(node: ast.expr) -> bool:
        if isinstance(node, (ast.Lambda, ast.GeneratorExp)):
            return True
        if isinstance(node, ast.Constant):
            return False
        if isinstance(node, ast.Name):
            if node.id in made_here or (node.id not in values and _is_builtin_function(node.id)):
                return True
            if node.id in seen:
                return False
            seen.add(node.id)
            return any(map(is_object, values.get(node.id, ())))
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                return node.func.id in _ITERATORS or node.func.id in classes
            return _dotted(node.func) in _OBJECT_FACTORIES
        if isinstance(node, ast.Starred):
            return is_object(node.value)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return any(map(is_object, node.elts))
        if isinstance(node, ast.Dict):
            return any(map(is_object, (*filter(None, node.keys), *node.values)))
        return False

    return any(
        is_object(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
    )


def _words_only(line: re.Match[str]) -> str:
    """Return the assignment of a long list with nothing but the names in it.

    The trees of a benchmark's inputs take seconds and gigabytes; what matters of them here is their names.
    """
    words = set(_WORD.findall(_TEXT.sub("", line[2])))
    if any(map(iskeyword, words - {"None", "True", "False"})):
        return line[0]
    return f"{line[1]}[{', '.join(sorted(words))}]"


def _parse(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the texts of others
            return ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise DatasetError(f"this is not Python: {error}: {source!r:.120}") from None


def _called(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def _loaded(tree: ast.Module) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _bound(tree: ast.Module) -> set[str]:
    """Return the names bound anywhere in a tree, whatever their scope; `*` imports bind nothing known."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def _values(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what each name may hold: the values assigned to it, the items of what it loops over."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(target, [node.value]) for target in node.targets]
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            pairs = [(node.target, [node.value])]
        elif isinstance(node, (ast.For, ast.comprehension)):
            pairs = [(node.target, list(_looped(node.iter)))]
        else:
            continue
        for target, values in pairs:
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).extend(values)
    return found


def _looped(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TRANSPARENT:
        for argument in node.args:
            yield from _looped(argument)
    else:
        yield node


def _dotted(node: ast.expr) -> tuple[str, str] | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    return None


def _is_builtin_function(name: str) -> bool:
    value = getattr(builtins, name, None)
    return callable(value) and not isinstance(value, type)
