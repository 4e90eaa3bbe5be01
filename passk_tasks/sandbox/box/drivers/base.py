"""What a driver is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from passk_tasks.sandbox.box.trials import Trials
from passk_tasks.verdict import Outcome


class Driver(Protocol):
    """A way in which programs are run and judged; a module of this package is one.

    It has two ends, which share no process at any time.
    """

    @property
    def REQUESTS(self) -> Mapping[str, Callable[..., bytes]]:  # noqa: N802  a constant of the module
        """The candidate's end: by the verb of a request, what answers it.

        Called with the `Candidate` and the rest of the request. What it raises is the answer, too.
        """

    def tests(self, given: dict[str, Any], /) -> Any:
        """Return the tests of a problem, ready for all of its candidates, from the fields of its tests."""

    def judge(self, trials: Trials, tests: Any, code: str, tell: Callable[[], None], /) -> Outcome:
        """Judge a candidate on the tests' side.

        Args:
            trials: starts the candidate's process, and says what came of it.
            tests: what `tests` returned.
            code: the candidate's source.
            tell: says that this side is alive; called between two processes of the candidate's.
        """
