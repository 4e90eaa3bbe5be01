"""What a run as a whole suffers from: a sentence, a remedy in words, and the command to type.

They are found once, when a run is scored (`scoring/diagnosis.py`), and stored with it, so that terminal,
comparison and report say the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from passk_tasks.results.keys import Keys

CHAT_ANSWERS = "chat_answers"
BASE_COMPLETIONS = "base_completions"
EXTRACTION = "extraction"
UNDECIDED = "undecided"
NEWER_SYNTAX = "newer_syntax"
ABSENT_MODULES = "absent_modules"
NO_PROGRAMS = "no_programs"
CUT_OFF = "cut_off"
CUT_REASONING = "cut_reasoning"
IDENTICAL = "identical"
WRONG_REFERENCE = "wrong_reference"
"""What a run can suffer from; a version may add words."""

SAMPLES = "SAMPLES"
"""Stands in a command for the files with the samples, until these are known."""


@dataclass(frozen=True)
class Finding:
    """One thing that a run suffers from.

    Attributes:
        kind: one of the words above.
        says: what it is, a sentence without its full stop.
        remedy: what to do about it, in words.
        command: what to type, as its words; empty where there is nothing to type.
    """

    kind: str
    says: str
    remedy: str
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.says}: {self.remedy}"

    @property
    def typed(self) -> str:
        """The command as a shell takes it; empty where there is none."""
        return shlex.join(self.command)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON; `from_dict` takes it back."""
        stored = {"kind": self.kind, "says": self.says, "remedy": self.remedy}
        return {**stored, "command": list(self.command)} if self.command else dict(stored)

    @classmethod
    def from_dict(cls, stored: object) -> Finding:
        """Return what is stored; raises ValueError where a key is missing or of another type."""
        keys = Keys(stored)
        kind, says, remedy = (keys.must(keys.text, name) for name in ("kind", "says", "remedy"))
        return cls(kind, says, remedy, keys.texts("command"))


def with_samples(findings: Sequence[Finding], paths: Sequence[str]) -> tuple[Finding, ...]:
    """Return findings whose commands name the files with the samples; without files, as they are."""
    if not paths:
        return tuple(findings)
    return tuple(
        replace(
            found,
            command=tuple(
                word for given in found.command for word in (paths if given == SAMPLES else (given,))
            ),
        )
        for found in findings
    )
