"""Candidates in another interpreter than the one that runs this package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from passk_tasks.benchmarks.contests import LINES
from passk_tasks.errors import SettingsError
from passk_tasks.judging import batch, libraries
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, StdioTests, Tests
from passk_tasks.results import store
from passk_tasks.sandbox import packages
from passk_tasks.sandbox.interpreter import interpreter

OTHERS = sorted(
    path
    for path in Path.home().glob(".pyenv/versions/*/bin/python")
    if (match := re.fullmatch(r"3\.(\d+)\.\d+", path.parents[1].name)) and int(match[1]) >= 10
)
LIMITS = Limits(timeout_s=10.0)


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A virtual environment with one package in it, and nothing of ours."""
    folder = tmp_path_factory.mktemp("other") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    [place] = folder.glob("lib/python*/site-packages")
    (place / "only_there.py").write_text("VALUE = 7\n")
    (place / "only_there-1.5.dist-info").mkdir()
    (place / "only_there-1.5.dist-info" / "METADATA").write_text("Name: only-there\nVersion: 1.5\n")
    (place / "only_there-1.5.dist-info" / "RECORD").write_text("only_there.py,,\n")
    return folder


@pytest.mark.parametrize("sandbox", ["strict", "rlimits"])
@pytest.mark.parametrize("chosen", ["installed", ("only-there",)])
def test_an_environment(environment, sandbox, chosen):
    """Candidates import the packages of the environment that is named, and none of ours."""
    code = "import only_there\ntry: import numpy\nexcept ImportError:\n    def f(): return only_there.VALUE\n"
    programs = [
        Program("t", code, Tests("assert f() == 7\n", ("f",)), how) for how in (Judge.ISOLATED, Judge.SCRIPT)
    ]
    confinement = Confinement(LIMITS, sandbox, chosen, python=str(environment))
    assert [o.verdict.value for o in batch.judge(programs, local(confinement, 1)).outcomes] == ["passed"] * 2


def test_versions_are_stored_from_there(environment):
    """Version and packages in results are those of the interpreter that judged."""
    there = store.provenance("installed", str(environment))
    assert there["packages"] == {"only-there": "1.5"}
    assert libraries.absent(["only_there", "numpy", "json"], "installed", str(environment)) == ("numpy",)
    with pytest.raises(SettingsError, match=rf"{environment}/bin/python -m pip install numpy"):
        packages.resolve(["numpy"], str(environment))


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.parents[1].name)
def test_other_versions(path):
    """Every way of judging works in each version that this package supports; the tests run there, too."""
    version = path.parents[1].name
    code = "import sys\ndef f(): return sys.version.split()[0]\n"
    tests = Tests(f"import sys\nassert f() == {version!r} == sys.version.split()[0]\n", ("f",))
    programs = [
        Program("t", code, tests, Judge.ISOLATED),
        Program("t", code, tests, Judge.SCRIPT),
        Program(
            "t", "import sys\nprint(sys.version.split()[0])", StdioTests.of([("", version)], comparison=LINES)
        ),
        Program("t", code + "x = 1\n", Tests("assert f() == 0\n", ("f",))),
    ]
    outcomes = batch.judge(programs, local(Confinement(LIMITS, python=str(path)), 1)).outcomes
    assert [o.verdict.value for o in outcomes] == ["passed", "passed", "passed", "failed"]
    assert store.provenance("stdlib", str(path))["python"] == version


def _script(folder: Path, text: str, mode: int = 0o755) -> Path:
    path = folder / "python"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("#!/bin/sh\nexit 3\n", 0o755, "is no Python interpreter"),
        ("#!/bin/sh\necho no such version >&2; exit 1\n", 0o755, r"interpreter \(no such version\)"),
        ("not a program", 0o755, "is no Python interpreter"),
        ("#!/bin/sh\n", 0o644, "cannot be executed"),
        (
            '#!/bin/sh\necho \'{"version": "3.8.1", "numbers": [3, 8]}\'\n',
            0o755,
            r"Python 3\.8\.1, and the sandbox needs 3\.10",
        ),
        ('#!/bin/sh\necho \'{"version": "2.7.18", "numbers": [2, 7]}\'\n', 0o755, r"Python 2\.7\.18"),
        (
            '#!/bin/sh\necho \'{"version": "3.11.1", "numbers": [3, 11], "implementation": "pypy"}\'\n',
            0o755,
            "is pypy, and the sandbox needs CPython",
        ),
        (
            '#!/bin/sh\necho \'{"version": "3.11.1", "numbers": [3, 11], "implementation": "cpython",'
            ' "absent": ["_ctypes"]}\'\n',
            0o755,
            "was built without _ctypes",
        ),
    ],
)
def test_what_is_no_interpreter_for_the_sandbox(tmp_path, text, mode, said):
    """Each is an error of one line before anything runs, which says what to give."""
    path = _script(tmp_path, text, mode)
    with pytest.raises(SettingsError, match=said) as error:
        local(Confinement(python=str(path)))
    assert "\n" not in str(error.value)
    assert "give" in str(error.value)


@pytest.mark.parametrize("path", ["/nowhere/python", "no-such-python", "/"])
def test_a_path_that_is_nothing(path):
    """So is a path, a name or a folder where there is none."""
    with pytest.raises(SettingsError, match="does not exist: give the path of a Python interpreter"):
        interpreter(path)


@pytest.mark.parametrize(
    "path", sorted(Path.home().glob(".pyenv/versions/[23].[6789].*/bin/python")), ids=str
)
def test_versions_that_are_too_old(path):
    """Real ones, as far as this host has them, are refused by name."""
    with pytest.raises(
        SettingsError, match=rf"is Python {path.parents[1].name}, and the sandbox needs 3\.10"
    ):
        interpreter(str(path))
