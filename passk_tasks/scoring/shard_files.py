"""The file of a part of a scoring: its first line and its last one, and which files are one scoring's parts.

Between the two lines are verdicts, as `results.verdicts` has them.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from passk_tasks._version import __version__
from passk_tasks.errors import UsageError
from passk_tasks.results import store, verdicts
from passk_tasks.results.keys import Keys
from passk_tasks.results.lines import Paths, dump_line, listed, numbered_lines, parse_object
from passk_tasks.results.samples import Sample

_NAMED = 20  # most missing parts that are named
MARK = "passk_shard"
END = "end"


def header(number: int, of: int, asked: Mapping[str, object], samples: Sequence[Sample]) -> dict[str, object]:
    """Return the first line of a part's file, which says of which scoring it is a part."""
    numbers = {MARK: number, "of": of, "passk_tasks": __version__}
    whole = {"samples": len(samples), "samples_sha256": hash_of(samples)}
    # As it is read back: the two are compared.
    line: dict[str, object] = json.loads(json.dumps({**numbers, **asked, **whole}, default=str))
    return line


def hash_of(samples: Iterable[Sample]) -> str:
    """Return a hash of samples in their order."""
    digest = hashlib.sha256()
    for sample in samples:
        text = sample.text.encode("utf-8", "surrogatepass")
        digest.update(f"{sample.task_id}\0{sample.index}\0{sample.form}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def path_of(folder: Path, number: int, of: int) -> Path:
    """Return where a part's file lies."""
    return folder / f"shard-{number:0{len(str(of - 1))}}-of-{of}.jsonl"


def begin(path: Path, header: Mapping[str, object], *, again: bool) -> None:
    """Make the file of a part with its first line, or see that the one that is there is of this part."""
    if again or not path.exists() or not path.stat().st_size:
        store.replace(path, [dump_line(header)])
        return
    there = _first(path)
    if there is None or (unlike := [name for name in header if there.get(name) != header[name]]):
        what = "no shard" if there is None else f"a shard of another scoring ({', '.join(unlike)} differ)"
        raise UsageError(f"{path}: holds {what}: name another folder, or --again to begin anew")


def _first(path: Path) -> dict[str, object] | None:
    """Return the first line of a part's file; None where it is none."""
    for number, raw in numbered_lines(path):
        line = parse_object(raw, f"{path}:{number}")
        return line if MARK in line else None
    return None


def end(path: Path, footer: Mapping[str, object], lost: str | None) -> None:
    """Write the last line of a part's file; `UsageError` where it is not kept, or a verdict is `lost`."""
    with verdicts.Appended(path, at_once=True) as file:
        file.add({**footer})
    if file.lost or lost:
        raise UsageError(
            f"{path}: cannot be written ({file.lost or lost}): give the disk room, and run again"
        )


@dataclass(frozen=True)
class Part:
    """The file of a part: its first line, and its last one where it is complete."""

    path: Path
    header: Keys
    end: Keys

    @property
    def name(self) -> str:
        """As people gave it: `i/N`."""
        return f"{self.header.whole(MARK)}/{self.header.whole('of')}"


def found(paths: Paths) -> list[Part]:
    """Return the parts in files or folders; `UsageError` where there is none, or a file is another."""
    files: dict[str, Path] = {}
    for path in map(Path, listed(paths)):
        below = sorted(path.glob("shard-*-of-*.jsonl")) if path.is_dir() else [path]
        if not below:
            raise UsageError(f"{path}: no shards in it: `passk score … --shard i/N --out {path}` writes them")
        files |= {os.path.realpath(file): file for file in below}
    parts = []
    for file in files.values():
        header = _first(file)
        if header is None:
            raise UsageError(f"{file}: no shard: `passk score … --shard i/N --out FOLDER` writes them")
        try:
            line = json.loads(deque(numbered_lines(file), 1)[0][1])
        except ValueError:  # torn
            line = {}
        parts.append(Part(file, Keys(header), Keys(line if isinstance(line, dict) and END in line else {})))
    return parts


def complete(parts: Sequence[Part]) -> list[Part]:
    """Return the parts in their order; `UsageError` unless they are one scoring's, each there once."""
    first = parts[0]
    own = ("passk_tasks", "of", "task", "settings", "extract", "pool", "samples_sha256")
    for part in parts:
        if unlike := [key for key in own if part.header.values.get(key) != first.header.values.get(key)]:
            raise UsageError(
                f"{part.path}: not of the same scoring as {first.path} ({', '.join(unlike)} differ)"
            )
    of = first.header.must(first.header.whole, "of")
    counts = Counter(part.header.whole(MARK) for part in parts)
    if doubled := [part for part in parts if counts[part.header.whole(MARK)] > 1]:
        files = ", ".join(f"{part.name} in {part.path}" for part in doubled)
        raise UsageError(f"shards that are there twice: {files}; name each once")
    absent = (f"{number}/{of}" for number in range(of) if number not in counts)
    lacking = list(itertools.islice(absent, _NAMED))
    lacking += [f"… ({of - len(counts):,} in all)"] * (of - len(counts) > _NAMED)
    broken = [part.name for part in parts if not part.end.values]
    if lacking or broken:
        said = [f"missing: {', '.join(lacking)}"] * bool(lacking)
        said += [f"not complete, the same command goes on: {', '.join(broken)}"] * bool(broken)
        raise UsageError(f"{first.path.parent}: not all of the {of} shards are done ({'; '.join(said)})")
    for part in parts:
        if unlike := _unlike(first.end, part.end):
            raise UsageError(
                f"{part.path}: judged in another environment than {first.path} ({', '.join(unlike)}): judge "
                "one of them again where the other was judged, with --again"
            )
    return sorted(parts, key=lambda part: part.header.whole(MARK) or 0)


def _unlike(one: Keys, other: Keys) -> list[str]:
    """Return what differs between the environments of two parts."""
    pairs = [(one.inner("environment").values, other.inner("environment").values)]
    pairs.append(
        (
            one.inner("provenance").inner("toolchains").values,
            other.inner("provenance").inner("toolchains").values,
        )
    )
    unlike = []
    for mine, theirs in pairs:
        for name in sorted(mine.keys() | theirs.keys()):
            a, b = mine.get(name), theirs.get(name)
            if a != b and isinstance(a, Mapping) and isinstance(b, Mapping):
                unlike += [
                    f"{name} {key}: {a.get(key)} and {b.get(key)}"
                    for key in sorted(a.keys() | b.keys())
                    if a.get(key) != b.get(key)
                ]
            elif a != b:
                unlike.append(f"{name}: {a} and {b}")
    return unlike
