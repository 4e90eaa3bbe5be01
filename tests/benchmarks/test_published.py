"""Published sets are known by their counts and hashes; problems whose tests cannot fail may be left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import shared_data

from passk_tasks import api, benchmarks
from passk_tasks.benchmarks import Dataset, loading
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.errors import DatasetError
from passk_tasks.results.summary import Summary
from passk_tasks.tasks.catalog import load_task
from passk_tasks.tasks.settings import Settings

INFILLING = "whole/infilling/HumanEval-{}Infilling.jsonl.gz"
WHOLE = [
    ("passk_cruxeval_output", "whole/cruxeval/test.jsonl.gz"),
    ("passk_cruxeval_input", "whole/cruxeval/test.jsonl.gz"),
    ("passk_ds1000", "whole/ds1000/test.jsonl.gz"),
    ("passk_ds1000_pandas", "whole/ds1000/test.jsonl.gz"),
    ("passk_ds1000_tensorflow", "whole/ds1000/test.jsonl.gz"),
    ("passk_humaneval_infilling_single_line", INFILLING.format("SingleLine")),
    ("passk_humaneval_infilling_random_span", INFILLING.format("RandomSpan")),
    ("passk_mbpp", "mbpp.jsonl.gz"),
]


def loaded(task: str, path: Path, **settings: object) -> Dataset:
    """Load the problems of a task from a file."""
    spec = load_task(task, {"data_files": str(path), **settings})
    return benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings)


@pytest.mark.parametrize(("task", "name"), WHOLE)
def test_the_published_rows(task: str, name: str) -> None:
    """Whole sets have the count and the hash that the family knows, so there is nothing to say of them."""
    assert loaded(task, shared_data.path(name)).warnings == ()


@pytest.mark.parametrize(("task", "name"), [WHOLE[0], WHOLE[2], WHOLE[5], WHOLE[7]])
def test_other_rows_in_files(task: str, name: str, tmp_path: Path) -> None:
    """A set that lacks a row, and one with another word in it, are named with what differs."""
    rows = shared_data.rows(name)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (*rows[:20], *rows[21:])))
    (warning,) = loaded(task, path).warnings
    published = benchmarks.get(load_task(task).settings.benchmark).published(Settings())
    assert f"{published - 1:,} rows, and {published:,} were published" in warning  # type: ignore[operator]
    column = next(c for c in ("prompt", "text", "code") if c in rows[20])
    changed = {**rows[20], column: rows[20][column] + " "}
    path.write_text("".join(json.dumps(row) + "\n" for row in (*rows[:20], changed, *rows[21:])))
    (warning,) = loaded(task, path).warnings
    assert "other rows, expected" in warning


@pytest.mark.parametrize("dataset", ["hub", "embedded"])
def test_other_rows_where_the_published_ones_should_be(dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the hub, or a package, another number of rows is an error before anything is generated."""
    rows = (HumanEval().embedded_rows() or [])[:-1]
    monkeypatch.setattr(loading.hub, "read", lambda *_, **__: rows)
    monkeypatch.setattr(HumanEval, "embedded_rows", lambda _: rows)
    with pytest.raises(DatasetError, match="of humaneval: 163 rows, and 164 were published"):
        benchmarks.load(HumanEval(), Settings(dataset=dataset))


def test_a_set_of_ones_own_is_not_measured_by_its_parent() -> None:
    """A family that another package derives has no published count unless it says one."""

    class Derived(HumanEval):
        """Problems of somebody else."""

    assert HumanEval().published(Settings()) == 164
    assert Derived().published(Settings()) is None


def test_counts_of_releases() -> None:
    """LiveCodeBench's releases have 400, 511, 612, 713, 880 and 1,055 problems."""
    family = benchmarks.get("livecodebench")
    releases = [family.published(Settings(release=f"release_v{n}", judge="stdio")) for n in range(1, 7)]
    assert releases == [400, 511, 612, 713, 880, 1055]


# ---------------------------------------------------------------------- tests that cannot fail


def problem(number: int, test: str) -> dict[str, str]:
    """Return a problem in HumanEval's columns."""
    return {
        "task_id": f"T/{number}",
        "prompt": "def f(n):\n",
        "canonical_solution": "    return n\n",
        "test": test,
        "entry_point": "f",
    }


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    """Return a file of three problems; the tests of the second assert nothing."""
    real, idle = (
        "def check(candidate):\n    assert candidate(1) == 1\n",
        "def check(candidate):\n    candidate(1)\n",
    )
    path = tmp_path / "problems.jsonl.gz"
    rows = [problem(1, real), problem(2, idle), problem(3, real)]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


def test_named_and_refused(problems: Path) -> None:
    """By default they are an error, which names them and the setting that leaves them out."""
    with pytest.raises(DatasetError, match=r"1 of 3 problems pass whatever.*T/2.*skip_untested=true"):
        loaded("passk_custom", problems)


@pytest.mark.parametrize(
    ("tests", "idle"),
    [
        ("assert(twice(2) === 4)\n", False),
        ("let candidate = twice;\nassert(candidate(2) === 4)\n", False),
        ("assert(2 + 2 === 4)\n", True),
        ("", True),
    ],
)
def test_tests_in_other_languages_name_the_function(tmp_path: Path, tests: str, idle: bool) -> None:
    """Those that name neither it nor `candidate` pass anything that compiles."""
    row = {"task_id": "J/1", "prompt": "function twice(n) {\n", "entry_point": "twice", "language": "js"}
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps({**row, "tests": tests}) + "\n")
    if idle:
        with pytest.raises(DatasetError, match=r"J/1|tests"):
            loaded("passk_custom", path)
    else:
        assert loaded("passk_custom", path).untested == ()


def test_sets_in_other_languages_have_tests() -> None:
    """No published row is taken for one without, also where the function has another name in the prompt."""
    for name in ("humaneval-java", "mbpp-rkt", "humaneval-sh", "mbpp-scala"):
        rows = shared_data.path(f"multipl_e/{name}.jsonl.gz")
        source, language = name.split("-")
        assert loaded(f"passk_multiple_{source}_{language}", rows).untested == ()
    assert loaded("passk_humanevalpack_synthesize_java", shared_data.path("humanevalpack/java.jsonl.gz")).rows


def test_left_out_and_counted(problems: Path, tmp_path: Path) -> None:
    """With the setting they are not asked, not judged, listed in the results and missing in the coverage."""
    assert [row["task_id"] for row in loaded("passk_custom", problems, skip_untested=True).rows] == [
        "T/1",
        "T/3",
    ]
    samples = tmp_path / "samples.jsonl"
    lines = [{"task_id": f"T/{n}", "completion": f"    return {n}\n"} for n in (1, 2, 3)]
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scored = api.score_samples(
        samples,
        "passk_custom_greedy",
        {"data_files": str(problems), "skip_untested": True},
        out=tmp_path / "out",
    )
    assert (scored.untested, scored.problems, scored.problems_total) == (("T/2",), 2, 3)
    assert scored.scores["pass@1"] == 0.5
    said = " ".join(scored.warnings)
    assert "1 of 3 problems pass whatever a candidate returns" in said
    assert "1 samples of problems that are left out are not judged" in said
    stored = json.loads((tmp_path / "out" / "results.json").read_text())
    assert stored["untested"] == ["T/2"]
    assert Summary.from_dict(stored).untested == ("T/2",)
    both = api.compare_runs(api.load_runs([tmp_path / "out", tmp_path / "out"]) * 2)
    assert any("pass whatever a candidate returns" in warning for warning in both.warnings)


def test_when_nothing_is_left(tmp_path: Path) -> None:
    """A set without any test that can fail stays an error."""
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(problem(1, "def check(candidate):\n    candidate(1)\n")) + "\n")
    with pytest.raises(DatasetError, match="1 of 1 problems pass whatever"):
        loaded("passk_custom", path, skip_untested=True)
