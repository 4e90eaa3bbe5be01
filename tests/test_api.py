"""The functions behind the commands, held against the commands and docs/api.md by their syntax trees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import passk_tasks
from passk_tasks import api
from passk_tasks.cli import app

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = sorted(set(app._COMMANDS) - {"run"})
# What turns words into values or values into text; whatever finds, reads or computes is in `api`.
HELPERS = {"check_name", "label", "decimal", "interval", "p_value", "facts", "share", "budgets_to_show"}
HELPERS |= {"tail_budget", "colour_wanted", "width_of", "lettered"}


def tree_of(module: str) -> ast.Module:
    """Return the syntax tree of a module of the package."""
    path = ROOT.joinpath("passk_tasks", *module.split(".")).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_of_api() -> set[str]:
    """Return the functions that `api` shows."""
    return set(api.__all__)


def called(module: str) -> set[str]:
    """Return the functions of `api` that a module of the command line names."""
    return {
        node.attr
        for node in ast.walk(tree_of(f"cli.{module}"))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "api"
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_goes_through_the_api(command: str) -> None:
    """A command calls `api`, which has what it calls."""
    assert called(command)
    assert all(hasattr(api, name) for name in called(command))


@pytest.mark.parametrize("module", [*COMMANDS, "options"])
def test_a_command_has_no_second_path(module: str) -> None:
    """Besides `api` a command imports types, constants, rendering, and helpers that read no run."""
    for node in ast.walk(tree_of(f"cli.{module}")):
        if not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("passk_tasks")):
            continue
        assert node.module is not None
        part = node.module.removeprefix("passk_tasks").removeprefix(".").split(".")[0]
        names = {alias.name for alias in node.names}
        allowed = {
            "": {"api"},
            "cli": {"options"},
            "text": names,  # rendering
            "results": {"store", "names"},  # what files and runs are called
            "selfcheck": {"table"},  # rendering
        }.get(part, set())
        classes = {name for name in names if name[0].isupper()}
        assert names - classes - allowed - HELPERS == set(), f"cli/{module}.py, line {node.lineno}"


def test_every_function_of_the_api_is_used() -> None:
    """Each function of `api` is called by a command or in docs/api.md, and a name of the package."""
    document = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    used = set(re.findall(r"`(\w+)\(|passk_tasks\.(\w+)\(", document))
    named = {name for pair in used for name in pair} | {name for c in COMMANDS for name in called(c)}
    assert functions_of_api() - named - called("options") == set()
    assert functions_of_api() <= set(passk_tasks.__all__)


def test_the_api_s_own_list_is_complete() -> None:
    """The head of `api` names each of its functions once, and each command but `run`."""
    head = ast.get_docstring(tree_of("api.__init__")) or ""
    rows = [re.split(r" {2,}", row.strip()) for row in head.splitlines() if row.startswith("    ")]
    assert sorted(", ".join(row[0] for row in rows).split(", ")) == sorted(functions_of_api())
    assert set(re.findall(r"passk ([a-z]+)", head)) == set(COMMANDS)
