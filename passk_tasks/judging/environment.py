"""What a verdict depends on besides its program, under one name: where it is the same, a verdict holds."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from passk_tasks._version import __version__
from passk_tasks.program import AnyTests, CommandTests, StdioTests
from passk_tasks.sandbox import toolchains
from passk_tasks.sandbox.interpreter import interpreter

if TYPE_CHECKING:
    from passk_tasks.judging.executor import Executor

_PACKAGE = Path(__file__).resolve().parents[1]
_JUDGE = ("sandbox", "languages")
"""The folders of this package whose code decides a verdict."""


class Environments:
    """The environments of an executor's programs: there is one for each kind of tests.

    Args:
        executor: that was entered, since its layers are part of them.

    Attributes:
        common: what all of them have in common, JSON-ready.
        seen: each environment that was asked for, by its name, JSON-ready.
    """

    def __init__(self, executor: Executor) -> None:
        confinement = executor.confinement
        self.seen: dict[str, dict[str, object]] = {}
        self._names: dict[tuple[str, ...], str] = {}
        self.common: dict[str, object] = {
            "passk_tasks": __version__,
            "judge": _code(),
            "python": interpreter(confinement.python).version,
            "machine": platform.machine(),
            "sandbox": confinement.mode,
            "layers": sorted(name for name, active in executor.layers.items() if active),
            "limits": confinement.limits.as_dict(),
            "packages": dict(executor.packages),
            "shown": [hash_of(Path(path).expanduser()) for path in confinement.shown],
            "loopback": confinement.loopback,
        }

    def name(self, tests: AnyTests) -> str:
        """Return the name of the environment in which programs with these tests are judged."""
        kind: tuple[str, ...] = ()
        if isinstance(tests, CommandTests):
            kind = ("language", tests.language)
        elif isinstance(tests, StdioTests):  # a program's hash has the rule's name alone
            kind = ("comparison", tests.comparison.name, tests.comparison.source)
        if kind not in self._names:
            described = dict(self.common)
            if isinstance(tests, CommandTests):
                described |= {"language": tests.language, "toolchain": toolchains.versions(tests.language)}
            elif kind:
                described |= {"comparison": [kind[1], hashlib.sha256(kind[2].encode()).hexdigest()]}
            raw = json.dumps(described, sort_keys=True).encode("ascii")
            name = self._names[kind] = hashlib.sha256(raw).hexdigest()[:32]
            self.seen[name] = described
        return self._names[kind]


@functools.cache
def _code() -> str:
    """Return a hash of the code that judges: while it is being written, its version tells nothing."""
    return " ".join(hash_of(_PACKAGE / name, "*.py") for name in _JUDGE)


def hash_of(shown: Path, pattern: str = "*") -> str:
    """Return a hash of the names and contents of all files in a folder, or of a file."""
    digest = hashlib.sha256()
    files = [shown] if shown.is_file() else sorted(p for p in shown.rglob(pattern) if p.is_file())
    for path in files:
        content = hashlib.sha256()
        with contextlib.suppress(OSError), path.open("rb") as file:  # nor can candidates read it
            while block := file.read(1 << 20):
                content.update(block)
        digest.update(
            f"{path.relative_to(shown)}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()
