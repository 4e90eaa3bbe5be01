"""The wheel: what is in it, and that it works where it is installed."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from under_load import HANG_S

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "passk_tasks"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command outside of the checkout's import path and return what it printed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and the wheel from it; return their folder."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment that has the wheel; its dependencies are borrowed from this one."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=folder,
    )
    site_packages = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    )
    # Folders named in a .pth file come after the environment's own, and their .pth files are not read: an
    # editable installation of this package over there stays out of sight.
    borrowed = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site_packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    return folder / "bin"


def names_in(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_the_package_and_the_tasks(wheel: Path) -> None:
    """The wheel has every file of the package, the YAML at `passk_tasks/task_configs/`, and no other file."""

    def files(folder: Path) -> set[str]:
        found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix() for path in found}

    expected = {f"passk_tasks/{name}" for name in files(PACKAGE)}
    expected |= {f"passk_tasks/task_configs/{name}" for name in files((PACKAGE / "task_configs").resolve())}
    assert {name for name in names_in(wheel) if ".dist-info/" not in name} == expected
    assert any(name.endswith(".yaml") for name in expected)
    assert "passk_tasks/py.typed" in expected


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    """The licence is in the wheel, whole."""
    (name,) = (name for name in names_in(wheel) if name.endswith("licenses/LICENSE"))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(name) == (ROOT / "LICENSE").read_bytes()


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    """The source distribution has the tests, the documents and the commands to run them."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/test_package.py", "docs/architecture.md", "README.md", "Makefile", "LICENSE"} <= names


def test_the_entry_points_are_declared_and_load(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """The console script, and the groups that the next lm-eval reads, name things that can be imported."""
    (name,) = (name for name in names_in(wheel) if name.endswith("entry_points.txt"))
    declared = configparser.ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        declared.read_string(archive.read(name).decode())
    assert {group: sorted(declared[group]) for group in declared.sections()} == {
        "console_scripts": ["passk"],
        "lm_eval.filters": ["passk_code"],
        "lm_eval.metrics": ["passk_tests"],
        "lm_eval.models": ["replay"],
        "lm_eval.tasks": ["passk"],
    }
    code = (
        "from importlib.metadata import distribution\n"
        "for point in distribution('passk-tasks').entry_points:\n"
        "    assert callable(point.load()) or point.group == 'lm_eval.tasks', point"
    )
    run(installed / "python", "-c", code, cwd=tmp_path)


def test_the_tasks_are_found_by_name_without_an_import(installed: Path, tmp_path: Path) -> None:
    """lm-eval's line to come looks for a package's folder by its spec: of a wheel, and of a checkout."""
    code = (
        "import sys; from importlib.util import find_spec; from pathlib import Path\n"
        "[folder] = find_spec('passk_tasks.task_configs').submodule_search_locations\n"
        "assert (Path(folder) / 'humaneval' / 'passk_humaneval.yaml').is_file(), folder\n"
        "assert 'lm_eval' not in sys.modules\n"
        "print(Path(folder).resolve())"
    )
    for python, cwd in ((installed / "python", tmp_path), (Path(sys.executable), ROOT)):
        shown = run(python, "-c", code, cwd=cwd)
        assert shown == run(python, "-m", "passk_tasks", "path", cwd=cwd)


def test_path_is_the_same_from_checkout_and_wheel(installed: Path, tmp_path: Path) -> None:
    """`passk path` names a folder with the same YAML from a checkout and from an installed wheel."""
    checkout = Path(run(sys.executable, "-m", "passk_tasks", "path", cwd=ROOT))
    wheel = Path(run(installed / "passk", "path", cwd=tmp_path))
    assert checkout == (PACKAGE / "task_configs").resolve()
    assert wheel.is_relative_to(installed.parent)

    def content(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}

    assert content(checkout) == content(wheel)
    assert "passk_humaneval" in run(installed / "passk", "tasks", cwd=tmp_path)


def test_an_editable_installation_copies_nothing(tmp_path: Path) -> None:
    """An editable installation has no folder of the package beside the checkout's."""
    target = tmp_path / "editable"
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", target)
    run(sys.executable, "-m", "pip", "install", *options, "--editable", ROOT, cwd=tmp_path)
    assert not (target / "passk_tasks").exists()
    (pth,) = target.glob("*.pth")
    assert pth.read_text().strip() == str(ROOT)


def test_the_installed_version_is_the_package_s(installed: Path, tmp_path: Path) -> None:
    """The distribution's version and `passk_tasks.__version__` are one."""
    code = (
        "import importlib.metadata, passk_tasks\n"
        "assert importlib.metadata.version('passk-tasks') == passk_tasks.__version__\n"
        "print(passk_tasks.__file__)"
    )
    assert Path(run(installed / "python", "-c", code, cwd=tmp_path)).is_relative_to(installed.parent)
