"""What candidates see beside interpreter and packages: commands, and folders that a run names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from passk_tasks.errors import SettingsError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox import beside, supervisor
from passk_tasks.sandbox.box import landlock
from passk_tasks.sandbox.interpreter import interpreter

LIMITS = Limits(timeout_s=20.0)


@pytest.fixture(params=["namespaces", "landlock", "rlimits"])
def way(request, monkeypatch) -> str:
    """Each way of confining, as far as this host has it."""
    if request.param == "rlimits":
        return "rlimits"
    if request.param == "landlock" and landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    monkeypatch.setitem(supervisor._WAYS, "strict", (request.param,))
    return "strict"


def says(expression: str, sandbox: str = "strict", shown: tuple[str, ...] = ()) -> None:
    """Assert that an expression is true in a candidate."""
    code = f"import os, shutil, subprocess\ndef f(): return {expression}\n"
    program = Program("t", code, Tests("assert f() is True, f()\n", ("f",)))
    confinement = Confinement(LIMITS, sandbox, shown=shown)
    [outcome] = batch.judge([program], local(confinement, 1)).outcomes
    assert outcome.passed, outcome


@pytest.mark.parametrize(
    "expression",
    [
        "subprocess.run(['true']).returncode == 0",
        "subprocess.run('echo a | tr a b', shell=True, capture_output=True, text=True).stdout == 'b\\n'",
        "os.system('test -x /bin/sh && test -x /usr/bin/env') == 0",
        "subprocess.run(['python3', '-c', 'import sys; sys.exit(4)']).returncode == 4",
        "shutil.which('ls') is not None",
    ],
)
def test_ordinary_commands_run(way, expression):
    """A right program calls them by name, in each way of confining."""
    says(expression, way)


def test_only_ordinary_commands_are_shown():
    """Nothing of the host's PATH that is not on the list, and nothing with the rights of others."""
    says("not any(map(shutil.which, ['su', 'sudo', 'mount', 'passwd', 'gcc', 'apt-get', 'git', 'ssh']))")
    names = {Path(path).name for path in beside.beside(interpreter(None), ()).paths}
    assert names <= {*beside._COMMANDS.split(), "python", "python3"}


def test_a_command_with_the_rights_of_its_owner_is_left_out(tmp_path, monkeypatch):
    """So is one that not everybody may run, and a folder of its name."""
    for name, mode in (("ls", 0o4755), ("cat", 0o2755), ("tr", 0o700), ("sort", 0o755)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    (tmp_path / "cut").mkdir()
    assert (tmp_path / "ls").stat().st_mode & stat.S_ISUID
    monkeypatch.setattr(beside, "_SYSTEM_FOLDERS", (str(tmp_path),))
    assert beside._commands() == [str(tmp_path / "sort")]


@pytest.fixture
def data(tmp_path) -> Path:
    """A folder as seaborn and scikit-learn keep their data."""
    folder = tmp_path / "data"
    for name in ("seaborn-data/tips.csv", "scikit_learn_data/cal_housing_py3.pkz"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
        (folder / name).chmod(0o644)
    for parent in (folder, *folder.parents):
        if (
            parent != Path("/tmp")
            and os.access(parent, os.W_OK)
            and parent.is_relative_to(tmp_path.parents[1])
        ):
            parent.chmod(0o755)  # pytest's own are closed to candidates without a private root
    return folder


def test_a_named_folder_is_read_where_libraries_look(way, data):
    """The variables of seaborn and scikit-learn point into it; those of others are not set."""
    says("open(os.environ['SEABORN_DATA'] + '/tips.csv').read() == 'text'", way, (str(data),))
    says("os.path.isfile(os.environ['SCIKIT_LEARN_DATA'] + '/cal_housing_py3.pkz')", way, (str(data),))
    says("'NLTK_DATA' not in os.environ", way, (str(data),))


@pytest.mark.parametrize("file", ["tips.csv", "new.csv"])
def test_a_named_folder_is_not_written(data, file):
    """Neither what is in it changes, nor does anything come into it."""
    code = f"import os\ndef f():\n    open(os.environ['SEABORN_DATA'] + '/{file}', 'a').write('x')\n"
    program = Program("t", code, Tests("f()\n", ("f",)))
    [outcome] = batch.judge([program], local(Confinement(LIMITS, shown=(str(data),)), 1)).outcomes
    assert "Read-only file system" in outcome.detail or "Permission denied" in outcome.detail
    assert [path.read_text() for path in (data / "seaborn-data").iterdir()] == ["text"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nowhere", "does not exist"),
        ("/", "no candidate may see"),
        ("/etc", "no candidate may see"),
        ("~", "no candidate may see"),
        (str(Path(beside.__file__).parents[1]), "no candidate may see"),
        ("/proc/self", "the kernel's own"),
    ],
)
def test_what_may_not_be_shown(path, said):
    """A folder with secrets or tests in it is an error of one line before anything runs."""
    with pytest.raises(SettingsError, match=f"shown: .*{said}"):
        local(Confinement(shown=(path,)))
