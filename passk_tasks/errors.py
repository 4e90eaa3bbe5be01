"""Every error this package raises on purpose.

PasskError                    the user can mend it; the command line prints it without a traceback
├── UsageError                the user's mistake (exit code 2)
│   ├── SettingsError         an unknown or impossible setting of a task
│   ├── SamplesError          a samples file that cannot be read, with file and line
│   ├── DatasetError          problems that cannot be loaded, or are not the expected ones
│   ├── PreflightError        a mistake found before the first token is generated
│   └── ExportError           a leaderboard or tool would turn the run down; lists all that is missing
├── SandboxError              this host cannot give the sandbox asked for (exit code 3)
│   └── SelftestError         the sandbox fails a program that should pass
└── InfrastructureError       samples remained without a verdict; the model is not to blame (exit code 4)

TerminatedError is no PasskError: it carries SIGTERM up the stack, so that everything is ended on the way.

`ValueError` is a base of `UsageError`, so that callers of the Python API may catch either.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TerminatedError(SystemExit):
    """SIGTERM was received; the process ends with status 143."""

    def __init__(self) -> None:
        super().__init__(143)


class PasskError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns for it."""

    exit_code = 1


class UsageError(PasskError, ValueError):
    """The user's mistake: the message says what is wrong, where, and how to mend it."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting that does not exist, or an impossible value."""


class SamplesError(UsageError):
    """A samples file that cannot be read; the message starts with `file:line`."""


class DatasetError(UsageError):
    """Problems that cannot be loaded, or are not the expected ones."""


class PreflightError(UsageError):
    """A mistake that would spoil the run, found before the first token is generated."""


class ExportError(UsageError):
    """A run that its receiver would turn down."""

    def __init__(self, where: str, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__("\n  - ".join([f"{where}: the receiver demands what this run lacks", *self.missing]))


class SandboxError(PasskError):
    """This host cannot give the sandbox asked for."""

    exit_code = 3


class SelftestError(SandboxError):
    """The sandbox fails a program that should pass; the program itself may be at fault."""


class InfrastructureError(PasskError):
    """Samples remained without a verdict for a reason that is not the model's."""

    exit_code = 4


def check_name(what: str, name: str, known: Iterable[str]) -> None:
    """Raise `UsageError` unless `name` is among `known`; the message calls it a `what`."""
    if name not in (names := list(known)):
        raise UsageError(f"there is no {what} {name!r}{did_you_mean(name, names)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest of `known`, or a list of all if none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else f" (known: {', '.join(names)})"
