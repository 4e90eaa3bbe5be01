"""Tests of what problems need and this host lacks."""

from __future__ import annotations

import sys

import library_layout
import pytest

from passk_tasks import benchmarks
from passk_tasks.errors import DatasetError, PreflightError, SettingsError
from passk_tasks.judging import libraries
from passk_tasks.program import Judge
from passk_tasks.tasks.settings import Settings

ABSENT = library_layout.ABSENT


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sklearn", "scikit-learn"),
        ("PIL", "pillow"),
        ("bs4", "beautifulsoup4"),
        ("yaml", "PyYAML"),
        ("Crypto", "pycryptodome"),
        ("skimage", "scikit-image"),
        ("dateutil", "python-dateutil"),
        ("cv2", "opencv-python-headless"),
        ("docx", "python-docx"),
        ("Levenshtein", "python-Levenshtein"),
        ("dns", "dnspython"),
        ("pandas", "pandas"),
    ],
)
def test_names_of_distributions(name, wanted) -> None:
    """Where pip knows a library by another name, that name is the one shown."""
    assert libraries.distribution(name) == wanted


def test_the_install_line() -> None:
    """It installs each distribution once, in an order that does not change."""
    assert libraries.install_line(["yaml", "pylab", "matplotlib", "PIL"]) == (
        "pip install matplotlib pillow PyYAML"
    )


def test_every_name_is_one_that_a_family_knows() -> None:
    """The libraries that families name are no parts of the standard library."""
    named = {name for family in map(benchmarks.get, benchmarks.names()) for name in family.libraries}
    assert len(named) > 60
    assert not named & sys.stdlib_module_names


def test_what_candidates_cannot_import() -> None:
    """What this interpreter has counts, as far as the setting shows it to candidates."""
    names = ["numpy", "yaml", ABSENT]
    assert libraries.absent(names, "installed") == (ABSENT,)
    assert libraries.absent(names, "stdlib") == ("numpy", ABSENT, "yaml")
    assert libraries.absent(names, ("numpy",)) == (ABSENT, "yaml")
    assert libraries.absent([], "installed") == ()
    with pytest.raises(SettingsError, match=ABSENT):
        libraries.absent(names, (ABSENT,))


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Three problems, of which one needs what nobody has."""
    rows = [library_layout.NEEDS_ABSENT, *library_layout.BIGCODEBENCH]
    return Settings(
        benchmark="bigcodebench",
        judge=Judge.SCRIPT,
        data_files=str(library_layout.folder("bigcodebench", tmp_path, rows)),
    )


def test_missing(settings) -> None:
    """Each problem that lacks something is named with what it lacks."""
    dataset = benchmarks.load(benchmarks.get("bigcodebench"), settings)
    lacking = libraries.missing(dataset, settings)
    assert list(lacking) == ["BigCodeBench/9002"]
    assert ABSENT in lacking["BigCodeBench/9002"]
    assert libraries.missing(dataset, settings, {"BigCodeBench/9000"}) == {}
    libraries.require(dataset, settings, "here", {"BigCodeBench/9000"})
    with pytest.raises(PreflightError, match=f"^here: 1 of 3 problems need .*pip install .*{ABSENT}"):
        libraries.require(dataset, settings, "here")


def test_leaving_out(settings) -> None:
    """Left out are rows, never problems: whoever counts those counts all of them."""
    dataset = benchmarks.load(benchmarks.get("bigcodebench"), settings)
    assert libraries.leave_out(dataset, settings) is dataset
    skipping = Settings.parse({"skip_missing": "true"}, where="here", base=settings)
    kept = libraries.leave_out(dataset, skipping)
    assert [row["task_id"] for row in kept.rows] == ["BigCodeBench/9000", "BigCodeBench/9001"]
    assert len(kept.problems) == 3
    assert list(kept.left_out) == ["BigCodeBench/9002"]
    assert kept.sha256 == dataset.sha256
    libraries.require(kept, skipping, "here")


def test_nothing_is_left(tmp_path) -> None:
    """A set of which no problem can be judged here is an error that says what to install."""
    path = library_layout.folder("bigcodebench", tmp_path, [library_layout.NEEDS_ABSENT])
    settings = Settings(benchmark="bigcodebench", judge=Judge.SCRIPT, data_files=str(path), skip_missing=True)
    dataset = benchmarks.load(benchmarks.get("bigcodebench"), settings)
    with pytest.raises(DatasetError, match=r"skip_missing leaves no problem: 1 of 1 .*pip install"):
        libraries.leave_out(dataset, settings)
