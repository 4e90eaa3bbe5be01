"""Every error this package raises on purpose.

PasskError                    what a person can mend; the command line prints it without a traceback
├── UsageError                the user's mistake (exit code 2)
│   ├── SettingsError         an unknown or impossible setting of a task
│   ├── SamplesError          a samples file that cannot be read, with file and line
│   ├── DatasetError          problems that cannot be loaded, or are not the ones they should be
│   ├── PreflightError        found before the first token was generated
│   └── ExportError           a run that is not what a leaderboard or tool takes, with all that is missing
├── SandboxError              no sandbox of the wanted strength on this host (exit code 3)
│   └── SelftestError         it fails a program that should pass
└── InfrastructureError       samples remained without a verdict, for a reason that is ours (exit code 4)

TerminatedError is no PasskError: SIGTERM, on its way up to whoever ends the process.

`ValueError` is a base of `UsageError`, so that callers of the Python API may catch either.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TerminatedError(SystemExit):
    """SIGTERM came; what a run started is ended on the way up, and the process ends with status 143."""

    def __init__(self) -> None:
        super().__init__(143)


class PasskError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns for it."""

    exit_code = 1


class UsageError(PasskError, ValueError):
    """The user's mistake: the message says what is wrong, where, and how to mend it."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting that does not exist or whose value is impossible."""


class SamplesError(UsageError):
    """A samples file that cannot be read; the message starts with `file:line`."""


class DatasetError(UsageError):
    """Problems that cannot be loaded, or that are not what they should be."""


class PreflightError(UsageError):
    """Something that would spoil the run, found before the first token was generated."""


class ExportError(UsageError):
    """A run that its receiver would turn down.

    Args:
        where: the run, and what it was to be exported as.
        missing: everything that the receiver demands and the run has not, a line each.
    """

    def __init__(self, where: str, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__("\n  - ".join([f"{where}: the receiver demands what it has not", *self.missing]))


class SandboxError(PasskError):
    """This host cannot give a sandbox of the strength asked for."""

    exit_code = 3


class SelftestError(SandboxError):
    """The sandbox fails a program that should pass; the fault may be the program's."""


class InfrastructureError(PasskError):
    """Samples remained without a verdict for a reason that is not the model's."""

    exit_code = 4


def check_name(what: str, name: str, known: Iterable[str]) -> None:
    """Raise `UsageError` unless a name is one of those known; `what` says of what kind they are."""
    if name not in (names := list(known)):
        raise UsageError(f"there is no {what} {name!r}{did_you_mean(name, names)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest of `known`, or the list of them when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (known: {', '.join(names)})"
