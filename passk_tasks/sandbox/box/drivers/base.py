"""The interface of a driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from passk_tasks.sandbox.box.trials import Trials
from passk_tasks.verdict import Outcome


class Driver(Protocol):
    """Runs and judges one kind of program; each module of this package beside this one is a driver.

    A driver has two ends, the candidate's and the tests'. They never run in the same process.
    """

    @property
    def REQUESTS(self) -> Mapping[str, Callable[..., bytes]]:  # noqa: N802  a constant of the module
        """The candidate's end: the function that answers a request, by the request's verb.

        It is called with the `Candidate` and the rest of the request. An exception that it raises is sent
        back.
        """

    def tests(self, given: dict[str, Any], /) -> Any:
        """Return a problem's tests, ready for all of its candidates; `given` has the fields of the tests."""

    def judge(self, trials: Trials, tests: Any, code: str, tell: Callable[[], None], /) -> Outcome:
        """Judge a candidate on the tests' side.

        Args:
            trials: starts the candidate's process, and returns the outcome.
            tests: what `tests` returned.
            code: the candidate's source.
            tell: tells the supervisor that this side is alive; call it between two of the candidate's
                processes.
        """
