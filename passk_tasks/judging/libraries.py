"""Which libraries problems need, which of them candidates cannot import here, and how to install them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Benchmark, Dataset
from passk_tasks.errors import DatasetError, PreflightError
from passk_tasks.program import CommandTests, Judge, Place
from passk_tasks.sandbox import packages
from passk_tasks.sandbox.interpreter import interpreter
from passk_tasks.tasks.settings import Settings

# Distributions on PyPI whose name is not the name that code imports. Only libraries of benchmarks are listed,
# since a package on PyPI may not be what its name says.
_DISTRIBUTIONS = {
    "Crypto": "pycryptodome",
    "Levenshtein": "python-Levenshtein",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",  # opencv-python needs libraries of a display, which no sandbox has
    "dateutil": "python-dateutil",
    "django": "Django",
    "dns": "dnspython",
    "docx": "python-docx",
    "faker": "Faker",
    "flask_login": "Flask-Login",
    "flask_mail": "Flask-Mail",
    "flask_restful": "Flask-RESTful",
    "flask_wtf": "Flask-WTF",
    "mpl_toolkits": "matplotlib",
    "pkg_resources": "setuptools",
    "pylab": "matplotlib",
    "requests_mock": "requests-mock",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "werkzeug": "Werkzeug",
    "wtforms": "WTForms",
    "yaml": "PyYAML",
}


def languages(benchmark: Benchmark, dataset: Dataset) -> frozenset[str]:
    """Return the languages of a dataset's programs, by the names of their records; Python has none."""
    if CommandTests not in benchmark.kinds:
        return frozenset()
    place: Place = Judge.ISOLATED
    tests = (benchmark.program(problem, None, place).tests for problem in dataset.problems.values())
    return frozenset(of.language for of in tests if isinstance(of, CommandTests))


def distribution(name: str) -> str:
    """Return the name for `pip install` of an import name."""
    return _DISTRIBUTIONS.get(name, name)


def install_line(
    names: Iterable[str], pins: Mapping[str, str] | None = None, python: str | None = None
) -> str:
    """Return the command that installs libraries where candidates import them.

    Args:
        names: import names.
        pins: the versions to install, by import name; without one, the newest.
        python: the setting `python`.
    """
    pins = pins or {}
    wanted = {distribution(name) + (f"=={pins[name]}" if name in pins else "") for name in names}
    pip = "pip" if python is None else f"{interpreter(python).executable} -m pip"
    return " ".join([pip, "install", *sorted(wanted, key=str.lower)])


def install_hint(names: Iterable[str], dataset: Dataset, settings: Settings) -> str:
    """Return the command by which candidates get libraries in the benchmark's own versions.

    Where those are of another Python than the candidates', it makes an environment with all that the problems
    need, since old versions can rarely be installed for a newer Python.
    """
    pins = benchmarks.get(settings.benchmark).pins
    wanted = pins.get("python", "")
    if interpreter(settings.python).version.startswith(f"{wanted}."[wanted == "" :]):
        return install_line(names, pins, settings.python)
    needed = {name for problem in dataset.problems.values() for name in problem.libraries}
    make = f"python{wanted} -m venv ENV && ENV/bin/{install_line({*names, *needed}, pins)}"
    return f"{make}; then set python=ENV"


def absent(names: Iterable[str], choice: str | Sequence[str], python: str | None = None) -> tuple[str, ...]:
    """Return the libraries that a candidate cannot import, sorted.

    Imports nothing: a library that lies where candidates look for it counts as importable.

    Raises:
        SettingsError: there is no such interpreter, or a chosen distribution is not installed.
    """
    wanted = sorted(set(names), key=str.lower)
    if not wanted:
        return ()
    used, shown = interpreter(python), None
    if choice != packages.INSTALLED:  # import names of what candidates see in these folders
        shown = {Path(path).name.partition(".")[0] for path in packages.resolve(choice, python).shown}
    return tuple(
        name
        for name in wanted
        if name not in used.standard and ((shown is not None and name not in shown) or not used.has(name))
    )


def missing(
    dataset: Dataset, settings: Settings, task_ids: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return by task_id the libraries that a problem needs and candidates cannot import; no empty entries.

    Of these `task_ids`, None for all that are not left out.
    """
    needed = {
        task_id: problem.libraries
        for task_id, problem in dataset.problems.items()
        if task_id not in dataset.skipped and (task_ids is None or task_id in task_ids)
    }
    lacking = absent(
        (name for names in needed.values() for name in names), settings.packages, settings.python
    )
    by_problem = {key: tuple(name for name in names if name in lacking) for key, names in needed.items()}
    return {task_id: names for task_id, names in by_problem.items() if names}


def leave_out(dataset: Dataset, settings: Settings) -> Dataset:
    """Return the dataset; with the setting `skip_missing`, without the rows that this host cannot judge.

    `problems` keeps them, so that coverage counts them.

    Raises:
        DatasetError: no problem is left.
    """
    if not settings.skip_missing:
        return dataset
    lacking = missing(dataset, settings)
    rows = [row for row in dataset.rows if str(row["task_id"]) not in lacking]
    if not rows:
        raise DatasetError(
            f"skip_missing leaves no problem: {explain(lacking, len(dataset.problems), dataset, settings)}"
        )
    return replace(dataset, rows=rows, left_out={**dataset.left_out, **lacking})


def require(
    dataset: Dataset, settings: Settings, where: str, task_ids: Collection[str] | None = None
) -> None:
    """Check that candidates can import what problems need; without it every candidate would fail.

    Raises:
        PreflightError: some libraries are missing; the message names them and how to install them.
    """
    if lacking := missing(dataset, settings, task_ids):
        total = len(dataset.problems if task_ids is None else task_ids)
        raise PreflightError(
            f"{where}: {explain(lacking, total, dataset, settings)}. Install them, or leave those problems "
            "out: --metadata passk.skip_missing=true for `passk run`, --set skip_missing=true for the other "
            "commands"
        )


def explain(lacking: Mapping[str, Iterable[str]], total: int, dataset: Dataset, settings: Settings) -> str:
    """Return one sentence: how many of `total` problems lack which libraries, and how to install them."""
    names = sorted({name for needed in lacking.values() for name in needed}, key=str.lower)
    return (
        f"{len(lacking)} of {total} problems need libraries that candidates cannot import here: "
        f"{', '.join(names)} ({install_hint(names, dataset, settings)})"
    )
