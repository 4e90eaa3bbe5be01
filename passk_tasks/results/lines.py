"""Lines of JSON from plain or gzipped files and pipes, with errors that say where."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import stat
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from passk_tasks.errors import SamplesError

_GZIP_MAGIC = b"\x1f\x8b"
_WIDE = "UTF-16 or UTF-32, where UTF-8 is expected: iconv -f UTF-16 -t UTF-8 writes it so"
_FOREIGN = {
    b"BZh": "packed by bzip2, which is not read: unpack it, or name <(bzip2 -dc FILE)",
    b"\xfd7zXZ\0": "packed by xz, which is not read: unpack it, or name <(xz -dc FILE)",
    b"\x28\xb5\x2f\xfd": "packed by zstd, which is not read: unpack it, or name <(zstd -dc FILE)",
    _GZIP_MAGIC: "packed twice by gzip: unpack it once",
    **dict.fromkeys((b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{", b"\0\0\0{", b"\0\0\xfe\xff"), _WIDE),
}
"""What a file that holds no lines of UTF-8 begins with, after gzip is undone, and what to say of it."""
_TAR_MAGIC, _TAR_PLACE = b"ustar", 257

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""One path or several."""


def listed(paths: Paths) -> list[str | os.PathLike[str]]:
    """Return the paths as a list, one alone too; `SamplesError` at an empty one, which is no folder."""
    named = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if "" in named:
        raise SamplesError("an empty path, which names nothing: is a variable not set?")
    return named


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
        SamplesError: the file cannot be opened, is a device, packed by another tool than gzip or in another
            code than UTF-8, or its compressed stream is broken.
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
            with cast("io.BufferedReader", gzip.open(file) if zipped else file) as stream:
                _refuse_foreign(path, stream.peek(_TAR_PLACE + len(_TAR_MAGIC)))
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


def _refuse_foreign(path: Path, head: bytes) -> None:
    """Raise SamplesError where a file's first bytes show that it holds no lines of UTF-8."""
    said = next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)
    if head[_TAR_PLACE:].startswith(_TAR_MAGIC):
        said = "an archive of tar: unpack it, and name the file in it"
    if said is not None:
        raise SamplesError(f"{path}: {said}")


def loads(text: str | bytes) -> object:
    """Return the value of JSON text; `ValueError` also where an object has a key twice: one would be lost."""
    return json.loads(text, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice!r} stands twice in an object")
    return found


def parse_object(line: bytes, where: str) -> dict[str, object]:
    r"""Return the JSON object in `line`; lone surrogates written as `\ud800` survive.

    Raises:
        SamplesError: not UTF-8, not JSON, no object, or a key twice; the message starts with `where`.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise SamplesError(f"{where}: not UTF-8: byte 0x{byte:02x} at column {error.start + 1}") from error
    try:
        value = loads(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise SamplesError(f"{where}: not a line of JSON: {what} at column {error.colno}") from error
    # An integer of thousands of digits, a thousand brackets, a key twice.
    except (ValueError, RecursionError) as error:
        raise SamplesError(f"{where}: not a line of JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise SamplesError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value


def dump_line(value: Mapping[str, object]) -> bytes:
    """Return `value` as one line of pure ASCII, in which every str survives, lone surrogates too."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
