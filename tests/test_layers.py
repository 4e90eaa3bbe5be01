"""The layer table of docs/architecture.md, held against the syntax trees of the package."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "passk_tasks"
DOCUMENT = ROOT / "docs" / "architecture.md"

# What stands outside the table: the package's face may show any layer, the version knows nothing.
FACE = {"__init__"}
BOTTOM = {"_version"}
SAME_AS_CLI = {"__main__"}

FRAMEWORK = "lm_eval"
FRAMEWORK_LAYER = "harness"
PURE = "statistics"
IMPURE = {
    "datetime",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "time",
}


@dataclass(frozen=True)
class Import:
    """One import of a module, wherever in the module it stands."""

    module: str  # who imports, dotted below the package: `results.journal`
    target: str  # what, dotted and absolute: `passk_tasks.errors`
    line: int


def layers() -> dict[str, int]:
    """Return the depth of each part of the package, 0 at the top, as the document has it."""
    section = DOCUMENT.read_text(encoding="utf-8").split("## Layers", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    depths: dict[str, int] = {}
    for depth, row in enumerate(rows):
        for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
            part = name.removesuffix("/").removesuffix(".py")
            assert part not in depths, f"{part} stands twice in the layer table"
            depths[part] = depth
    return depths


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


def imports(module: str, source: str, *, is_package: bool = False) -> list[Import]:
    """Return the imports of `source`: at its top, in functions, under TYPE_CHECKING, by `import_module`."""
    here = ["passk_tasks", *module.split(".")]
    if not is_package:
        here = here[:-1]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module.split(".") if node.module else [])])
            # The last part is a module in `from passk_tasks import errors`, and a name in one elsewhere.
            targets = [f"{origin}.{alias.name}" for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).rsplit(".", 1)[-1] in {"import_module", "__import__"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            targets = [str(node.args[0].value)]
        else:
            continue
        found += [Import(module, target, node.lineno) for target in targets]
    return found


def part_of(target: str) -> str | None:
    """Return the row's name of an absolute target inside the package, None for everything outside."""
    head, _, rest = target.partition(".")
    if head != "passk_tasks":
        return None
    return rest.split(".")[0] or "__init__"


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Return one line for each import of `source` that the table does not allow."""
    depths = layers()
    own = module.split(".")[0]
    if own not in depths and own not in FACE | BOTTOM | SAME_AS_CLI:
        return [f"{module}: the layer table has no row for it"]
    found = []
    for imported in imports(module, source, is_package=is_package):
        where = f"{module}, line {imported.line}: {imported.target}"
        if imported.target.split(".")[0] == FRAMEWORK and own != FRAMEWORK_LAYER:
            found.append(f"{where}: only {FRAMEWORK_LAYER}/ may import {FRAMEWORK}")
        if own == PURE and imported.target.split(".")[0] in IMPURE:
            found.append(f"{where}: {own} is mathematics, without I/O, clock or chance")
        part = part_of(imported.target)
        if part is None or part == own or own in FACE:
            continue
        if part in BOTTOM or imported.target == "passk_tasks":  # the bare package is there anyway
            continue
        if part not in depths:
            found.append(f"{where}: no layer; import from the module that defines it")
        elif own in BOTTOM or depths["cli" if own in SAME_AS_CLI else own] > depths[part]:
            found.append(f"{where}: imports go down only")
    return found


SOURCES = modules()


def test_every_module_has_a_row() -> None:
    """Each module and folder of the package stands in the document's layer table."""
    parts = {name.split(".")[0] for name in SOURCES}
    assert parts - set(layers()) == (FACE | BOTTOM | SAME_AS_CLI) & parts


def test_every_row_has_a_module() -> None:
    """The document's layer table names nothing that does not exist."""
    assert set(layers()) - {name.split(".")[0] for name in SOURCES} == set()


@pytest.mark.parametrize("module", SOURCES)
def test_imports_go_down(module: str) -> None:
    """A module imports from its own row and the rows below, and lm_eval only in harness/."""
    path = SOURCES[module]
    found = violations(module, path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py")
    assert found == []


def test_there_is_no_cycle() -> None:
    """Modules do not import each other in a circle, at whatever level the imports stand."""
    edges: dict[str, set[str]] = {}
    for module, path in SOURCES.items():
        edges[module] = set()
        for imported in imports(
            module, path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py"
        ):
            target = imported.target.removeprefix("passk_tasks.")
            if target == imported.target:
                continue
            # The longest prefix that is a module: what follows is a name in it.
            while target not in SOURCES and "." in target:
                target = target.rsplit(".", 1)[0]
            if target in SOURCES and target != module:
                edges[module].add(target)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"cycle: {' -> '.join([*path[path.index(module) :], module])}"
        if module not in done:
            for target in sorted(edges[module]):
                visit(target, (*path, module))
            done.add(module)

    for module in edges:
        visit(module, ())


MODULE_LINES, FUNCTION_LINES = 450, 60
CORPUS = "selfcheck.corpus"  # programs of the self-check: data, in texts
# Its text is a part of every program that it judges, and so of their hashes: stored verdicts name these.
AS_IT_WAS = {"benchmarks.suite: run"}


def long_functions(module: str, source: str) -> list[str]:
    """Return the functions of more lines than a function may have, docstring included, at any depth."""
    return [
        f"{module}: {node.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]


def test_modules_and_functions_are_short() -> None:
    """No module has over 450 lines and no function over 60, so that each can be read at one go."""
    long_modules, found = [], []
    for module, path in SOURCES.items():
        if f"{module}.".startswith(f"{CORPUS}."):
            continue
        source = path.read_text(encoding="utf-8")
        if len(source.splitlines()) > MODULE_LINES:
            long_modules.append(module)
        found += long_functions(module, source)
    assert long_modules == []
    assert set(found) == AS_IT_WAS


@pytest.mark.parametrize(
    ("lines", "found"), [(FUNCTION_LINES, []), (FUNCTION_LINES + 1, ["m: f"])], ids=["60", "61"]
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_long_function_is_seen(kind: str, lines: int, found: list[str]) -> None:
    """The walk counts from `def` to the last line, in a class or another function too."""
    body = "    pass\n" * (lines - 1)
    source = f"{kind} f():\n{body}"
    assert long_functions("m", source) == found
    assert long_functions("m", f"class C:\n{indent(source, '    ')}") == found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sandbox.box", "from passk_tasks.judging import batch"),
        ("sandbox.box", "from passk_tasks.judging.batch import judge"),
        ("sandbox.box", "from ..judging.batch import judge"),
        ("scoring", "def f():\n    from passk_tasks.cli import main"),
        ("scoring", "import importlib\nimportlib.import_module('passk_tasks.cli')"),
        ("scoring", "if TYPE_CHECKING:\n    import passk_tasks.harness.task"),
        ("tasks.catalog", "import lm_eval"),
        ("cli.score", "def f():\n    from lm_eval.api import registry"),
        ("cli.run", "__import__('lm_eval.tasks')"),
        ("scoring", "from passk_tasks import pass_at_k"),
        ("statistics.estimators", "import time"),
        ("_version", "from passk_tasks import errors"),
    ],
)
def test_a_forbidden_import_is_seen(module: str, source: str) -> None:
    """The walk sees an upward import in each of the forms that Python has for it."""
    assert len(violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("harness.task", "import lm_eval.api.task"),
        ("scoring", "from passk_tasks import statistics\nfrom passk_tasks._version import __version__"),
        ("cli.path", "import passk_tasks"),
        ("sandbox.pool", "from . import zygote\nfrom ..program import Program"),
        ("program", "from passk_tasks.errors import SettingsError"),
        ("__init__", "from passk_tasks.statistics.estimators import pass_at_k"),
        ("__main__", "from passk_tasks.cli import main"),
        ("statistics.estimators", "import numpy, math"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    """The walk lets through what goes down."""
    assert violations(module, source) == []


def test_the_package_itself_imports_no_framework() -> None:
    """`import passk_tasks` loads neither lm_eval nor torch, so that scoring starts fast."""
    code = "import sys, passk_tasks; print([m for m in ('lm_eval', 'torch', 'datasets') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert shown.stdout.strip() == "[]"
