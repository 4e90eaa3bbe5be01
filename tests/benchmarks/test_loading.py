"""Tests of passk_tasks.benchmarks.loading: one set of documents, whichever way it comes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks import benchmarks
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.benchmarks.loading import rows_sha256
from passk_tasks.errors import DatasetError
from passk_tasks.tasks.settings import Settings

FAMILY = HumanEval()
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"

Row = dict[str, Any]

rows_strategy = st.lists(
    st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.lists(st.text()), max_size=5),
    max_size=5,
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The embedded rows, as the file has them."""
    embedded = FAMILY.embedded_rows()
    assert embedded is not None
    return embedded


def write_jsonl(path: Path, rows: list[Row]) -> None:
    """Write a row a line."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def write_json(path: Path, rows: list[Row]) -> None:
    """Write one list."""
    path.write_text(json.dumps(rows, indent=2))


def write_parquet(path: Path, rows: list[Row]) -> None:
    """Write a Parquet file."""
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def load(path: Path) -> benchmarks.Dataset:
    """Load local rows as HumanEval."""
    return benchmarks.load(FAMILY, Settings(data_files=str(path)))


def test_embedded_is_the_default(rows: list[Row]) -> None:
    """Without any setting the embedded rows are loaded, in the hub's columns and with the known hash."""
    dataset = benchmarks.load(FAMILY, Settings())
    assert dataset.source == "embedded"
    assert dataset.sha256 == FAMILY.sha256
    assert [list(row) for row in dataset.rows] == [list(FAMILY.columns)] * 164
    assert dataset.rows == rows  # the values; dicts compare without order
    assert [problem.task_id for problem in dataset.problems.values()] == list(dataset.problems)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.jsonl", write_jsonl),
        ("rows.jsonl.gz", write_jsonl),
        ("rows.json", write_json),
        ("rows.json", write_jsonl),
        ("rows.parquet", write_parquet),
    ],
)
def test_every_format_gives_the_same_documents(
    name: str, write: Any, rows: list[Row], tmp_path: Path
) -> None:
    """Each kind of local file gives the documents and the hash of the embedded rows."""
    write(tmp_path / name, rows)
    dataset = load(tmp_path / name)
    embedded = benchmarks.load(FAMILY, Settings())
    assert [list(row.items()) for row in dataset.rows] == [list(row.items()) for row in embedded.rows]
    assert dataset.problems == embedded.problems
    assert dataset.sha256 == embedded.sha256
    assert dataset.source == str(tmp_path / name)


def test_folder_in_the_hubs_layout(rows: list[Row], tmp_path: Path) -> None:
    """A copy of the hub's repository gives the documents and the hash of the embedded rows."""
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    (tmp_path / "openai_humaneval").mkdir()
    write_parquet(tmp_path / "openai_humaneval" / "test-00000-of-00001.parquet", rows)
    dataset = load(tmp_path)
    assert dataset.sha256 == FAMILY.sha256
    assert dataset.problems == benchmarks.load(FAMILY, Settings()).problems


def test_data_files_win(rows: list[Row], tmp_path: Path) -> None:
    """`data_files` wins over `dataset`, and a subset in any order is fine."""
    write_jsonl(tmp_path / "few.jsonl", [rows[7], rows[3]])
    dataset = benchmarks.load(FAMILY, Settings(data_files=str(tmp_path / "few.jsonl"), dataset="hub"))
    assert list(dataset.problems) == ["HumanEval/7", "HumanEval/3"]
    assert dataset.sha256 != FAMILY.sha256


def test_extra_columns_come_last(rows: list[Row], tmp_path: Path) -> None:
    """Columns of no use to the benchmark are kept behind its own."""
    write_jsonl(tmp_path / "more.jsonl", [{"level": 3, **rows[0], "tags": ["a"]}])
    assert list(load(tmp_path / "more.jsonl").rows[0]) == [*FAMILY.columns, "level", "tags"]


def test_home_is_expanded(rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `~` in `data_files` means the home folder, also where no shell has expanded it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write_jsonl(tmp_path / "few.jsonl", rows[:2])
    assert len(benchmarks.load(FAMILY, Settings(data_files="~/few.jsonl")).rows) == 2


def test_problems_with_stronger_tests() -> None:
    """Another set in HumanEval's columns, with its own tests, loads through `data_files`."""
    path = SHARED / "humanevalplus_like.jsonl.gz"
    if not path.exists():
        pytest.skip("needs ../shared/data beside the checkout")
    dataset = load(path)
    assert list(dataset.problems) == list(benchmarks.load(FAMILY, Settings()).problems)
    assert dataset.sha256 != FAMILY.sha256


def test_missing_column(rows: list[Row], tmp_path: Path) -> None:
    """A missing column names the file, the row, its columns and the expected ones."""
    bad = {("tests" if key == "test" else key): value for key, value in rows[1].items()}
    write_jsonl(tmp_path / "bad.jsonl", [rows[0], bad])
    with pytest.raises(DatasetError) as caught:
        load(tmp_path / "bad.jsonl")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'bad.jsonl'}: problem 2: row 'HumanEval/1': ")
    assert "column 'test' is missing; the row has" in message
    assert "tests" in message


def test_duplicates(rows: list[Row], tmp_path: Path) -> None:
    """A problem that is there twice is named."""
    write_jsonl(tmp_path / "twice.jsonl", [rows[0], rows[5], rows[0]])
    with pytest.raises(DatasetError, match=r"'HumanEval/0' is there twice \(again as problem 3\)"):
        load(tmp_path / "twice.jsonl")


def test_no_problems(tmp_path: Path) -> None:
    """An empty file is refused."""
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(DatasetError, match=r"empty\.jsonl: holds no problems"):
        load(tmp_path / "empty.jsonl")


def test_changed_embedded_rows(rows: list[Row]) -> None:
    """Embedded rows that are not the published ones are refused, down to one character."""

    class Changed(HumanEval):
        def embedded_rows(self) -> list[Row] | None:
            return [{**rows[0], "test": rows[0]["test"].replace("0.3", "0.4", 1)}, *rows[1:]]

    with pytest.raises(
        DatasetError, match=rf"not the published problems of humaneval.*expected {FAMILY.sha256}"
    ):
        benchmarks.load(Changed(), Settings())


def test_family_without_embedded_rows() -> None:
    """A family that ships no rows says where to get them."""

    class Remote(HumanEval):
        def embedded_rows(self) -> list[Row] | None:
            return None

    with pytest.raises(DatasetError, match=r"no embedded problems: set dataset=hub, or data_files=PATH"):
        benchmarks.load(Remote(), Settings())


@given(rows_strategy)
def test_hash_ignores_the_order_of_columns(rows: list[Row]) -> None:
    """The hash of rows does not depend on the order of their columns."""
    assert rows_sha256(rows) == rows_sha256([dict(reversed(row.items())) for row in rows])


@given(rows_strategy, rows_strategy)
def test_hash_tells_rows_apart(one: list[Row], other: list[Row]) -> None:
    """Two lists of rows have one hash exactly when they are equal."""
    assert (rows_sha256(one) == rows_sha256(other)) == (one == other)
