"""The environment of a verdict: whatever decides one and is no part of the program has another name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from passk_tasks.judging import environment
from passk_tasks.judging.environment import Environments, hash_of
from passk_tasks.program import CommandTests, Comparison, Confinement, Limits, StdioTests, Tests
from passk_tasks.sandbox import toolchains

TESTS = Tests("assert f() == 1\n", ("f",))


@dataclasses.dataclass
class Known:
    """What is asked of an executor."""

    confinement: Confinement = dataclasses.field(default_factory=Confinement)
    packages: Mapping[str, str] = dataclasses.field(default_factory=lambda: {"numpy": "1"})
    layers: Mapping[str, bool] = dataclasses.field(default_factory=lambda: {"seccomp": True, "ipc": False})


def name(tests: Any = TESTS, **changes: Any) -> str:
    """Return the name of an environment."""
    return Environments(Known(**changes)).name(tests)


def test_what_decides_a_verdict_has_another_name(tmp_path: Path) -> None:
    """Limits, mode, layers, packages, data that is shown: each moves the name; the same has the same."""
    (tmp_path / "data").write_text("1")
    unlike = [
        {},
        {"confinement": Confinement(Limits(timeout_s=4.0))},
        {"confinement": Confinement(Limits(memory_mib=511))},
        {"confinement": Confinement(mode="rlimits")},
        {"confinement": Confinement(loopback=True)},
        {"confinement": Confinement(shown=(str(tmp_path),))},
        {"layers": {"seccomp": False, "ipc": False}},
        {"packages": {"numpy": "2"}},
    ]
    names = [name(**changes) for changes in unlike]
    assert len(set(names)) == len(names)
    assert names == [name(**changes) for changes in unlike]
    (tmp_path / "data").write_text("2")
    assert name(confinement=Confinement(shown=(str(tmp_path),))) not in names


def test_tests_of_functions_share_an_environment_and_others_have_their_own(monkeypatch) -> None:
    """The hash of a program has its tests; a rule's source and a toolchain's versions it has not."""
    found = Environments(Known())
    assert found.name(TESTS) == found.name(Tests("assert g()", ("g",)))
    rules = [Comparison(f"r{i}", f"def r{i}(a, b): return ''") for i in range(2)]
    stdio = [StdioTests.of([("1", "2")], comparison=rule) for rule in rules]
    monkeypatch.setattr(toolchains, "versions", lambda _: {"tool": "1"})
    languages = [CommandTests(language, "") for language in ("sh", "lua")]
    names = [found.name(tests) for tests in (TESTS, *stdio, *languages)]
    assert len(set(names)) == 5
    assert found.seen.keys() == set(names)
    monkeypatch.setattr(toolchains, "versions", lambda _: {"tool": "2"})
    assert Environments(Known()).name(languages[0]) not in names


def test_the_code_that_judges_is_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout the version stays the same while the code changes."""
    before = name()
    environment._code.cache_clear()
    monkeypatch.setattr(environment, "_JUDGE", ("languages",))
    assert name() != before
    environment._code.cache_clear()


def test_a_folder_is_known_by_names_and_contents(tmp_path: Path) -> None:
    """A file that is renamed or changed is another folder; a file alone is known by its content."""
    (tmp_path / "a").write_text("1")
    before = hash_of(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = hash_of(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({before, renamed, hash_of(tmp_path), hash_of(tmp_path / "b")}) == 4
