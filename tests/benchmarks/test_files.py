"""Tests of passk_tasks.benchmarks.files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from passk_tasks.benchmarks import files
from passk_tasks.errors import DatasetError


def put(folder: Path, *names: str) -> None:
    """Write files with one row each, which says the file's name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        row = {"file": name}
        if name.endswith(".parquet"):
            import pyarrow
            from pyarrow import parquet

            parquet.write_table(pyarrow.Table.from_pylist([row]), path)
        else:
            path.write_text(json.dumps(row) + "\n")


def read(path: Path, config: str | None = "config", split: str = "test") -> list[str]:
    """Return which files were read, in order."""
    return [row["file"] for row in files.read(path, config=config, split=split)]


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (["test.jsonl", "train.jsonl"], ["test.jsonl"]),
        (["data/test-0-of-1.parquet", "data/train-0-of-1.parquet"], ["data/test-0-of-1.parquet"]),
        (["data/test-00001-of-00002.parquet", "data/test-00000-of-00002.parquet"],
         ["data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet"]),
        (["config/test.jsonl", "other/test.jsonl"], ["config/test.jsonl"]),
        (["test/a.jsonl", "test/b.jsonl", "dev/a.jsonl"], ["test/a.jsonl", "test/b.jsonl"]),
        (["humaneval_test.jsonl", "humaneval_validation.jsonl"], ["humaneval_test.jsonl"]),
        (["HumanEval.jsonl"], ["HumanEval.jsonl"]),
        (["latest.jsonl", "train.jsonl"], ["latest.jsonl"]),
        (["split=test/0.parquet", "split=train/0.parquet"], ["split=test/0.parquet"]),
        (["test.jsonl", "README.md", "dataset_infos.json", ".cache/huggingface/test.json"], ["test.jsonl"]),
    ],
)  # fmt: skip
def test_layouts(there: list[str], chosen: list[str], tmp_path: Path) -> None:
    """In a folder, the files of the split are read in the order of their names, the configuration's first."""
    put(tmp_path, *there)
    assert read(tmp_path) == chosen


@pytest.mark.parametrize("there", [[], ["train.jsonl", "validation.jsonl"], ["notes.txt"]])
def test_no_file_of_the_split(there: list[str], tmp_path: Path) -> None:
    """A folder without the split is an error that says what there is instead."""
    put(tmp_path, *there)
    with pytest.raises(DatasetError) as caught:
        read(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: no data file of the split 'test'")
    assert all(name in message for name in there if name.endswith(".jsonl"))


def test_missing_file(tmp_path: Path) -> None:
    """A missing file is named, and so is the folder that relative paths start from."""
    with pytest.raises(DatasetError, match=rf"^{tmp_path}/gone\.jsonl: no such file.*seen from {Path.cwd()}"):
        read(tmp_path / "gone.jsonl")


def test_unknown_kind(tmp_path: Path) -> None:
    """A file of an unknown kind is refused with the known ones."""
    put(tmp_path, "rows.xml")
    with pytest.raises(
        DatasetError, match=r"rows\.xml: unknown kind of file; known are \.jsonl, .*\.parquet"
    ):
        read(tmp_path / "rows.xml")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"file": 1}\n\n{"file": \n', r"a\.jsonl:3: not valid JSON"),
        ("a.jsonl", b'{"file": 1}\n[1]\n', r"a\.jsonl:2: a row must be a JSON object, not list"),
        ("a.jsonl", b'"text"\n', r"a\.jsonl:1: a row must be a JSON object, not str"),
        ("a.json", b'[{"file": 1},\n 7]', r"a\.json: item 2: a row must be a JSON object, not int"),
        ("a.json", b'[{"file": 1},\n', r"a\.json:2: not valid JSON"),
        ("a.jsonl", b'{"file": ' + b"9" * 5000 + b"}\n", r"a\.jsonl:1: not JSON that can be read: Exceeds"),
        ("a.jsonl", b'{"file": ' + b"[" * 10**6, r"a\.jsonl:1: not JSON that can be read: .*recursion"),
        ("a.json", b"[" * 10**6, r"a\.json: not JSON that can be read: .*recursion"),
        ("a.jsonl", b'{"file": "\xff"}\n', r"a\.jsonl: cannot be read: .*utf-8"),
        ("a.jsonl.gz", b"not gzip", r"a\.jsonl\.gz: cannot be read: "),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"file": 1}\n' * 99, mtime=0)[:-12],
            r"a\.jsonl\.gz: cannot be read: ",
        ),
        ("a.parquet", b"PAR1 or not", r"a\.parquet: cannot be read as Parquet: "),
        ("a.parquet", b"", r"a\.parquet: cannot be read as Parquet: "),
    ],
)
def test_broken_files(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    """A broken file is an error with its path, and the line where there is one."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=says):
        read(tmp_path / name)


def test_text_is_kept(tmp_path: Path) -> None:
    """A byte order mark is dropped, and separators that only look like line ends stay in the text."""
    text = "a\u2028b\x85c\x0cd"
    row = json.dumps({"file": text}, ensure_ascii=False)
    (tmp_path / "rows.jsonl").write_text(f"\ufeff{row}\r\n{row}", encoding="utf-8", newline="")
    assert read(tmp_path / "rows.jsonl") == [text, text]
