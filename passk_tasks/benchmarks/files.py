"""Rows from local files: one file, or a folder in the layout of a hub repository."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from passk_tasks.errors import DatasetError

_JSON = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
_FORMATS = (*_JSON, ".parquet")

# Splits, as the paths of a hub repository name them: `test.jsonl`, `data/test-00000-of-00001.parquet`.
_SPLITS = ("train", "validation", "valid", "dev", "test", "prompt")
# BigCodeBench's splits are its versions: `data/v0.1.4-00000-of-00001.parquet`, `v0.1.0_hf`.
_VERSION = re.compile(r"v\d+(?:\.\d+)+(?:_hf)?")


def read(
    path: Path, *, config: str | None, split: str, names: Sequence[str] | None = None
) -> Iterator[dict[str, object]]:
    """Yield the rows of a file, or of the files of one split in a folder.

    Args:
        path: a file (`.jsonl`, `.json`, each also `.gz`, or `.parquet`), or a folder with such files in the
            layout of a hub repository.
        config: where the folder has a folder of this name, only that is read.
        split: files that name another split are left out.
        names: exactly these files of the folder, by name or pattern, instead of all of the split.

    Raises:
        DatasetError: there is no such file, or it cannot be read; the message has the path and the line.
    """
    if path.is_dir():
        for file in _files(path, config, split) if names is None else _named(path, names):
            yield from _read_file(file)
        return
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder (data_files, seen from {Path.cwd()})")
    yield from _read_file(path)


def _named(folder: Path, names: Sequence[str]) -> list[Path]:
    matches = {name: sorted(folder.glob(name)) for name in names}
    unmatched = [name for name in names if not matches[name]]
    if unmatched:
        raise DatasetError(f"{folder}: {', '.join(unmatched)} missing; name one file with data_files=PATH")
    return [path for name in names for path in matches[name]]


def _files(folder: Path, config: str | None, split: str) -> list[Path]:
    root = folder / config if config and (folder / config).is_dir() else folder
    paths = [
        file
        for file in sorted(root.rglob("*"))
        if file.name.endswith(_FORMATS)
        and file.is_file()
        # Downloads leave folders such as .cache and .git behind.
        and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    # A repository's metadata is JSON too.
    paths = [file for file in paths if file.name != "dataset_infos.json"]
    named = {file: _named_splits(file.relative_to(root), split) for file in paths}
    chosen = [file for file in paths if split in named[file]] or [file for file in paths if not named[file]]
    if not chosen:
        there = ", ".join(str(file.relative_to(folder)) for file in paths[:5]) or "none"
        raise DatasetError(
            f"{folder}: no data file of the split {split!r} in it "
            f"(files ending in {', '.join(_FORMATS)}: {there}); name one file with data_files=PATH"
        )
    return chosen


def _named_splits(path: Path, wanted: str) -> set[str]:
    if _VERSION.fullmatch(wanted):
        return set(_VERSION.findall(path.as_posix()))
    words = re.split(r"[^a-z]+", path.as_posix().lower())
    return {word for word in words if word in _SPLITS}


def _read_file(path: Path) -> Iterator[dict[str, object]]:
    if not path.name.endswith(_FORMATS):
        raise DatasetError(f"{path}: unknown kind of file; known are {', '.join(_FORMATS)}")
    try:
        if path.is_char_device() or path.is_block_device():
            raise DatasetError(f"{path}: a device, where a file is expected")
        if path.name.endswith(".parquet"):
            yield from _read_parquet(path)
            return
        binary = gzip.open(path) if path.name.endswith(".gz") else path.open("rb")  # noqa: SIM115  closed below
        # Files have gigabytes, so they are read by lines. Only "\n" ends one: a text may hold a bare U+2028.
        with binary, io.TextIOWrapper(binary, encoding="utf-8-sig", newline="\n") as stream:
            yield from _read_json(path, stream)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _read_json(path: Path, stream: Iterable[str]) -> Iterator[dict[str, object]]:
    lines = enumerate(stream, start=1)
    first = True
    for number, line in lines:
        if not line.strip():
            continue
        if first and line.lstrip().startswith("["):  # one list, the `.json` of many repositories
            before = "\n" * (number - 1)
            try:
                rows = json.loads(before + line + "".join(rest for _, rest in lines))
            except json.JSONDecodeError as error:
                raise DatasetError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
            except (ValueError, RecursionError) as error:  # a number of thousands of digits, a deep nest
                raise DatasetError(f"{path}: not JSON that can be read: {error}") from error
            for item, row in enumerate(rows, start=1):
                yield _checked(row, f"{path}: item {item}")
            return
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DatasetError(f"{path}:{number}: not valid JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path}:{number}: not JSON that can be read: {error}") from error
        first = False
        yield _checked(row, f"{path}:{number}")


def _checked(row: Any, where: str) -> dict[str, object]:
    if not isinstance(row, dict):
        raise DatasetError(f"{where}: a row must be a JSON object, not {type(row).__name__}")
    return row


def _read_parquet(path: Path) -> Iterator[dict[str, object]]:
    import pyarrow
    from pyarrow import parquet

    try:
        # Given a path instead of a stream, pyarrow would also read `key=value` folder names as columns.
        with path.open("rb") as stream:
            for batch in parquet.ParquetFile(stream).iter_batches(batch_size=64):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise DatasetError(f"{path}: cannot be read as Parquet: {error}") from error
