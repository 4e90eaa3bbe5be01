"""Lines of JSON from plain or gzipped files and pipes, with errors that say where."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from passk_tasks.errors import SamplesError

_GZIP_MAGIC = b"\x1f\x8b"

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""One path or several."""


def listed(paths: Paths) -> list[str | os.PathLike[str]]:
    """Return the paths as a list, one alone too."""
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)


def refuse_device(path: Path) -> None:
    """Raise SamplesError for a device, which may never end; OSError where there is no such file."""
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise SamplesError(f"{path}: a device, where a file is expected")


def is_pipe(path: str | os.PathLike[str]) -> bool:
    """Return whether a path gives its bytes once, e.g. `/dev/stdin` or what a shell makes of `<(…)`."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    r"""Yield the lines of `path` that are not blank, each with its number counted from 1.

    Lines end at `\n` and nowhere else: U+2028 and its kin are legal inside JSON strings. Gzip is
    recognised by its first two bytes, whatever the file is called.

    Raises:
        SamplesError: the file cannot be opened, is a device, or its compressed stream is broken.
    """
    number = 0
    try:
        refuse_device(path)
        with contextlib.ExitStack() as closing:
            file: IO[bytes] = closing.enter_context(path.open("rb"))
            if not file.seekable():  # a pipe gives its bytes once
                pipe, file = file, closing.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(pipe, file)
                file.seek(0)
            zipped = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            with cast("IO[bytes]", gzip.open(file)) if zipped else file as stream:
                for number, line in enumerate(stream, 1):
                    if number == 1:
                        line = line.removeprefix(b"\xef\xbb\xbf")
                    if line.strip():
                        yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SamplesError(
            f"{path}:{number + 1}: the gzip stream is broken ({error}); copy the file again"
        ) from error
    except OSError as error:
        raise SamplesError(f"{path}: cannot be read: {error.strerror or error}") from error


def parse_object(line: bytes, where: str) -> dict[str, object]:
    r"""Return the JSON object in `line`; lone surrogates written as `\ud800` survive.

    Raises:
        SamplesError: not UTF-8, not JSON, or not an object; the message starts with `where`.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise SamplesError(f"{where}: not UTF-8: byte 0x{byte:02x} at column {error.start + 1}") from error
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SamplesError(f"{where}: not a line of JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, a thousand brackets
        raise SamplesError(f"{where}: not a line of JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise SamplesError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value


def dump_line(value: Mapping[str, object]) -> bytes:
    """Return `value` as one line of pure ASCII, in which every str survives, lone surrogates too."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
