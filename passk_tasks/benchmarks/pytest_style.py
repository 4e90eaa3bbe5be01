"""What pytest would run of people's own tests, and the statements that run it here.

pytest collects functions named `test…` and classes named `Test…`. The tests themselves call none of them, and
tests that never run pass anything. Plain functions are called by statements that a proof can look through,
all others by functions that do what pytest does with marks, classes and setups. What only pytest can do
(fixtures, coroutines) is refused by name.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from passk_tasks.errors import DatasetError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FINDERS = frozenset({"globals", "locals", "vars", "dir", "eval", "exec", "getmembers"})
_OF_MODULE = ("setup_module", "setup_function", "teardown_function", "teardown_module")
_RUNNER = """
def passk_hand(function, given):
    import inspect
    if function is not None:
        function(*[given][: len(inspect.signature(function).parameters)])
def passk_marks(holders):
    made = [getattr(holder, "pytestmark", []) for holder in holders]
    return [mark for marks in made for mark in (marks if isinstance(marks, (list, tuple)) else [marks])]
def passk_left_out(marks, space):
    import os, platform, sys
    names = {"os": os, "platform": platform, "sys": sys, **space}
    for mark in marks:
        asked = mark.args or [mark.kwargs.get("condition", True)]
        if mark.name == "skip" or mark.name in ("skipif", "xfail") and any(
            eval(one, names) if isinstance(one, str) else one for one in asked
        ):
            return True
    return False
def passk_rows(marks):
    rows = [({}, [])]
    for mark in marks:
        if mark.name == "parametrize":
            given = dict(zip(("argnames", "argvalues"), mark.args), **mark.kwargs)
            names, cells = given["argnames"], []
            alone = isinstance(names, str) and "," not in names
            if isinstance(names, str):
                names = [name.strip() for name in names.split(",") if name.strip()]
            for value in given["argvalues"]:
                if isinstance(getattr(value, "values", None), tuple) and hasattr(value, "marks"):
                    cells.append((value.values, list(value.marks)))
                else:
                    cells.append(((value,) if alone else value, []))
            rows = [
                ({**row, **dict(zip(names, cell, strict=True))}, [*held, *more])
                for row, held in rows
                for cell, more in cells
            ]
    return rows
def passk_settle(test):
    from hypothesis import settings
    chosen = test._hypothesis_internal_use_settings
    late = None if chosen.deadline == settings.default.deadline else chosen.deadline
    chosen = settings(chosen, deadline=late, derandomize=True, database=None)
    test._hypothesis_internal_use_settings = chosen
def passk_run(test, holders, kind=None, name="", before=None, after=None):
    if not callable(test):
        return
    if hasattr(test, "_hypothesis_internal_use_settings"):
        passk_settle(test)
    marks = passk_marks([*holders, test])
    for row, held in passk_rows(marks):
        if not passk_left_out([*marks, *held], getattr(test, "__globals__", {})):
            owner = kind and kind()
            passk_hand(getattr(owner, "setup_method", before), test)
            (getattr(owner, name) if kind else test)(**row)
            passk_hand(getattr(owner, "teardown_method", after), test)
def passk_class(kind, holders):
    first, last = (getattr(kind, name, None) for name in ("setup_class", "teardown_class"))
    passk_hand(getattr(first, "__func__", first), kind)
    for name in dict.fromkeys(name for base in reversed(kind.__mro__) for name in vars(base)):
        part = getattr(kind, name)
        if isinstance(part, type) and name.startswith("Test"):
            passk_class(part, [*holders, part])
        elif name.startswith("test"):
            passk_run(part, holders, kind, name)
    passk_hand(getattr(last, "__func__", last), kind)
"""


def calls_of_tests(tree: ast.Module, cases: Collection[str]) -> str:
    """Return statements that run the functions and classes that pytest would, unless the module does.

    Args:
        tree: the tests.
        cases: the names of unittest's classes, which are run otherwise.

    Raises:
        DatasetError: one of them needs what only pytest has.
    """
    at_once = list(module_level(tree.body))
    found = {node.name: node for node in at_once if isinstance(node, _DEFINITIONS)}  # the last of a name
    reached = reached_from(tree, [node for node in at_once if not isinstance(node, _DEFINITIONS)])
    if not _FINDERS.isdisjoint(reached):
        return ""  # it finds them by their names
    wanted = {
        name: node for name, node in found.items() if _collects(node) and name not in {*reached, *cases}
    }
    named = {inner for name, node in wanted.items() for inner in _names(node) if inner != name}
    first = [name for name in wanted if name not in named]  # the others may be run by these
    calls = []
    of_module = [name for name in (*_OF_MODULE, "pytestmark") if name in found or name in _bound(at_once)]
    for name in (*first, *(name for name in wanted if name in named)):
        if name not in reached:
            reached |= {name, *reached_from(tree, [wanted[name]])}
            _refuse(wanted[name], has_marks="pytestmark" in of_module)
            calls.append((found[name].lineno, _call(wanted[name], of_module, tree)))
    texts = [text for _, text in sorted(calls)]
    if texts:
        _refuse_fixtures(tree)
        for name, place in (("setup_module", 0), ("teardown_module", len(texts) + 1)):
            if name in of_module:
                texts.insert(place, f"passk_hand({name}, __import__('sys').modules['__main__'])\n")
    text = "".join(texts)
    return _RUNNER + text if "passk_" in text else text


def module_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run with the module, those of its branches too."""
    for node in body:
        yield node
        if not isinstance(node, _DEFINITIONS):
            for part in ast.iter_child_nodes(node):
                inner = [part] if isinstance(part, ast.stmt) else getattr(part, "body", [])
                yield from module_level(inner if isinstance(inner, list) else [])


def reached_from(tree: ast.Module, roots: Iterable[ast.stmt]) -> set[str]:
    """Return the names that these statements use, and those of the tests' functions and classes so named.

    What a definition needs at once counts as the module's own: its decorators, defaults and bases.
    """
    of_name: dict[str, list[ast.AST]] = {}
    todo: list[ast.AST] = list(roots)
    for node in module_level(tree.body):
        if isinstance(node, _DEFINITIONS):
            of_name.setdefault(node.name, []).append(node)
            todo += node.decorator_list
            if isinstance(node, ast.ClassDef):
                todo += node.bases
            else:
                todo += [default for default in node.args.defaults if default]
    reached: set[str] = set()
    while todo:
        new = _names(todo.pop()) - reached
        reached |= new
        todo += [node for name in new for node in of_name.get(name, [])]
    return reached


def _names(node: ast.AST) -> set[str]:
    """Return the names that are loaded, except for functions of which only an attribute is used."""
    parts = list(ast.walk(node))
    if isinstance(node, _DEFINITIONS):
        parts = [part for inner in node.body for part in ast.walk(inner)]
    held = {
        part.value
        for part in parts
        if isinstance(part, ast.Attribute) and getattr(part.value, "id", "").startswith("test")
    }
    loaded = {
        part.id
        for part in parts
        if isinstance(part, ast.Name) and part not in held and isinstance(part.ctx, ast.Load)
    }
    return loaded | {part.attr for part in parts if isinstance(part, ast.Attribute)} & _FINDERS


def _bound(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that assignments of the module bind."""
    targets = [target for node in statements if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _collects(node: Definition) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test")
    return node.name.startswith("test") and not any(
        mark.partition("(")[0].endswith("fixture") for mark in _marks(node)
    )


def _marks(node: Definition) -> list[str]:
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def _call(node: Definition, of_module: Collection[str], tree: ast.Module) -> str:
    """Return the statement that runs a test."""
    module = "[__import__('sys').modules['__main__']]" if "pytestmark" in of_module else "[]"
    if isinstance(node, ast.ClassDef):
        return f"passk_class({node.name}, [*{module}, {node.name}])\n"
    if _is_run_by_decorator(node, tree):
        return ""
    around = [
        f", {when}={name}"
        for when, name in (("before", "setup_function"), ("after", "teardown_function"))
        if name in of_module
    ]
    if node in tree.body and not node.decorator_list and not around and module == "[]":
        return f"{node.name}()\n"
    return f"passk_run(globals().get({node.name!r}), {module}{''.join(around)})\n"


def _is_run_by_decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> bool:
    """Whether a decorator of the tests' own runs or lists a function at once, and puts no other around it."""
    made = {part.name: part for part in tree.body if isinstance(part, ast.FunctionDef)}
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        function = made.get(getattr(called, "id", ""))
        if function is not None:
            inner = [part for part in function.body if isinstance(part, ast.FunctionDef)]
            taker = inner[-1] if isinstance(decorator, ast.Call) and inner else function
            within = [part for statement in taker.body for part in ast.walk(statement)]
            if not any(isinstance(part, (ast.FunctionDef, ast.Lambda)) for part in within):
                return True
    return False


def _refuse(node: Definition, *, has_marks: bool) -> None:
    """Raise what names a test that only pytest itself can run."""
    for part in ast.walk(node):
        if isinstance(part, ast.AsyncFunctionDef) and part.name.startswith("test"):
            raise DatasetError(
                f"the tests' coroutine {part.name} is never awaited: run it by `asyncio.run`, or in "
                "unittest's IsolatedAsyncioTestCase"
            )
        if isinstance(part, ast.ClassDef) and part.name.startswith("Test"):
            if any(getattr(method, "name", "") == "__init__" for method in part.body):
                raise DatasetError(
                    f"the tests' class {part.name} is never used, and pytest runs no class with `__init__`: "
                    "make it in `setup_method`, or call its methods"
                )
            for method in part.body:
                if isinstance(method, ast.FunctionDef) and method.name.startswith("test"):
                    static = "staticmethod" in _marks(method)
                    _refuse_missing(
                        method, bound=not static, has_marks=has_marks or bool(part.decorator_list)
                    )
        elif part is node and isinstance(part, ast.FunctionDef):
            _refuse_missing(part, bound=False, has_marks=has_marks)


def _refuse_missing(function: ast.FunctionDef, *, bound: bool, has_marks: bool) -> None:
    """Raise what names the arguments of a test that nothing here hands over."""
    given: set[str] = set()
    for decorator, mark in zip(function.decorator_list, _marks(function), strict=True):
        of_pytest = mark.startswith(("pytest.mark.", "mark."))
        if isinstance(decorator, ast.Call) and mark.partition("(")[0].endswith("mark.parametrize"):
            named = [key.value for key in decorator.keywords if key.arg == "argnames"]
            texts = [
                part.value if isinstance(part, ast.Constant) else None
                for part in [*named, *decorator.args][:1]
                for part in (part.elts if isinstance(part, (ast.List, ast.Tuple)) else [part])
            ]
            has_marks = has_marks or not all(isinstance(text, str) for text in texts)
            given |= {name.strip() for text in texts for name in str(text).split(",")}
        elif not of_pytest and mark not in ("staticmethod", "classmethod"):
            has_marks = True  # what hands over is not known
    spec = function.args
    positional = [*spec.posonlyargs, *spec.args][bound:]
    needed = positional[: len(positional) - len(spec.defaults)]
    needed += [arg for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if default is None]
    missing = [arg.arg for arg in needed if arg.arg not in given]
    if missing and not has_marks:
        raise DatasetError(
            f"the tests' function {function.name} is never called, and needs {', '.join(missing)}: fixtures "
            "of pytest, which is not run here; make them within the function, or call it"
        )


def _refuse_fixtures(tree: ast.Module) -> None:
    """Raise what names decorators that pytest alone obeys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            keywords = {key.arg for key in node.keywords}
            if (
                (name.endswith("fixture") and "autouse" in keywords)
                or name.endswith(("mark.usefixtures", "mark.filterwarnings"))
                or (name.endswith("mark.parametrize") and "indirect" in keywords)
            ):
                raise DatasetError(
                    f"the tests use `{ast.unparse(node):.60}`, and pytest is not run here: do within the "
                    "functions what that does"
                )
