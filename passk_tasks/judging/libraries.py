"""Which libraries problems need, which of them candidates do not find on this host, and how to get them."""

from __future__ import annotations

import importlib.machinery
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import DatasetError, PreflightError
from passk_tasks.sandbox import packages
from passk_tasks.tasks.settings import Settings

# Where a distribution's name on PyPI is not the name that code imports. Only libraries of benchmarks: names
# found on PyPI are not all what they seem.
_DISTRIBUTIONS = {
    "Crypto": "pycryptodome",
    "Levenshtein": "python-Levenshtein",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",  # the other one needs a display's libraries, which no sandbox has
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


@dataclass(frozen=True, slots=True)
class Missing:
    """What a set of problems needs and this host lacks.

    Attributes:
        problems: libraries that it lacks, by task_id; only problems that lack any.
    """

    problems: Mapping[str, tuple[str, ...]]

    @property
    def libraries(self) -> tuple[str, ...]:
        """All of them, sorted without regard to case."""
        return tuple(sorted({name for names in self.problems.values() for name in names}, key=str.lower))


def distribution(name: str) -> str:
    """Return what to hand to `pip install` for an import name."""
    return _DISTRIBUTIONS.get(name, name)


def install_line(names: Iterable[str]) -> str:
    """Return the command that installs libraries, given their import names."""
    wanted = sorted({distribution(name) for name in names}, key=str.lower)
    return "pip install " + " ".join(wanted)


def absent(names: Iterable[str], choice: str | Sequence[str]) -> tuple[str, ...]:
    """Return those of the libraries that a candidate cannot import.

    Nothing is imported: a library counts as there when it lies where candidates look for it.

    Args:
        names: import names, e.g. `sklearn`.
        choice: the setting `packages`.
    """
    wanted = sorted(set(names), key=str.lower)
    if not wanted:
        return ()
    folders, shown = packages.site_packages(), None
    if choice != packages.INSTALLED:  # what is shown of the folders, by the names that it can be imported by
        shown = {Path(path).name.partition(".")[0] for path in packages.resolve(choice).shown}
    return tuple(
        name
        for name in wanted
        if (shown is not None and name not in shown)
        or importlib.machinery.PathFinder.find_spec(name, folders) is None
    )


def missing(dataset: Dataset, settings: Settings, task_ids: Collection[str] | None = None) -> Missing:
    """Return what problems that are not left out need and candidates cannot import.

    Args:
        dataset: the problems.
        settings: of the task; `packages` counts.
        task_ids: those to look at; None for all.
    """
    names = {
        task_id: problem.libraries
        for task_id, problem in dataset.problems.items()
        if task_id not in dataset.left_out and (task_ids is None or task_id in task_ids)
    }
    lacking = set(absent((name for needed in names.values() for name in needed), settings.packages))
    return Missing(
        {
            task_id: tuple(name for name in needed if name in lacking)
            for task_id, needed in names.items()
            if lacking.intersection(needed)
        }
    )


def leave_out(dataset: Dataset, settings: Settings) -> Dataset:
    """Return the dataset without what this host cannot judge, where the setting `skip_missing` asks for it.

    The problems stay in `problems`, so that coverage counts them; only `rows` lose them.

    Raises:
        DatasetError: no problem is left.
    """
    if not settings.skip_missing:
        return dataset
    found = missing(dataset, settings)
    rows = [row for row in dataset.rows if str(row["task_id"]) not in found.problems]
    if not rows:
        raise DatasetError(f"skip_missing leaves no problem: {explain(found, len(dataset.problems))}")
    return replace(dataset, rows=rows, left_out={**dataset.left_out, **found.problems})


def require(
    dataset: Dataset, settings: Settings, where: str, task_ids: Collection[str] | None = None
) -> None:
    """Raise where problems need libraries that candidates cannot import: each would fail for that alone.

    Args:
        dataset: the problems.
        settings: of the task.
        where: opens the message, e.g. `task passk_bigcodebench_instruct`.
        task_ids: the problems that are to be run; None for all.

    Raises:
        PreflightError: it names the libraries, and what installs them.
    """
    found = missing(dataset, settings, task_ids)
    if found.problems:
        total = len(dataset.problems if task_ids is None else task_ids)
        raise PreflightError(
            f"{where}: {explain(found, total)}. Install them, or leave those problems out: --metadata "
            "passk.skip_missing=true for `passk run`, --set skip_missing=true for the other commands"
        )


def explain(found: Missing, total: int) -> str:
    """Return one sentence: how many problems need which libraries, and how to install them."""
    names = found.libraries
    return (
        f"{len(found.problems)} of {total} problems need libraries that candidates cannot import here: "
        f"{', '.join(names)} ({install_line(names)})"
    )
