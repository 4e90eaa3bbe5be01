"""One line of progress while a model generates: how many of how many, rate, time left, cost, how many passed.

On a terminal the line is written over itself; on a pipe or in a file there is one every ten seconds. The bars
of lm-eval's models that count the same answers are not shown beside it.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from tqdm import tqdm

from passk_tasks.results.spent import Spent
from passk_tasks.tasks.values import Price

_TERMINAL_S, _PIPE_S = 0.2, 10.0


class Judged(Protocol):
    """What knows how many answers were judged."""

    judged: int
    passed: int


class Progress:
    """The line, while its `with` is open."""

    def __init__(
        self,
        total: int,
        known: int,
        judging: Sequence[Judged],
        *,
        shown: bool = True,
        every_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.done = total, known
        self.shown = shown
        self._known, self._judging, self._clock = known, judging, clock
        self._began = clock()
        self._tokens, self._money, self._priced = 0, 0.0, False
        self._stream = sys.stderr
        self._terminal = self._stream.isatty()
        self._every_s = every_s or (_TERMINAL_S if self._terminal else _PIPE_S)
        self._lines = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="passk progress", daemon=True)

    def heard(self, spent: Spent | None, price: Price | None) -> None:
        """Count an answer, and what it took."""
        self.done += 1
        if spent is not None:
            self._tokens += spent.tokens_out or 0
            if price is not None and spent.tokens_out is not None:
                self._priced = True
                self._money += price.of(spent.tokens_in or 0, spent.tokens_out)

    def line(self) -> str:
        """Return the line as it is now."""
        passed_s, fresh = self._clock() - self._began, self.done - self._known
        share = self.done / self.total if self.total else 1.0
        parts = [f"{self.done:,} of {self.total:,} answers ({share:.0%})"]
        if fresh and passed_s > 0:
            rate = fresh / passed_s
            parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each")
            if self.done < self.total:
                parts.append(f"{_time((self.total - self.done) / rate)} left")
        if self._tokens:
            parts.append(f"{self._tokens:,} tokens" + (f" for {self._money:.2f}" if self._priced else ""))
        if judged := sum(one.judged for one in self._judging):
            parts.append(f"{sum(one.passed for one in self._judging):,} of {judged:,} judged passed")
        return "passk: " + ", ".join(parts)

    def __enter__(self) -> Progress:
        if self.shown:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if not self.shown:
            return
        self._thread.join()
        if self._lines:
            self._write(last=True)

    def _tick(self) -> None:
        while not self._ended.wait(self._every_s):
            self._write()

    def _write(self, *, last: bool = False) -> None:
        line = self.line()
        if self._terminal:
            width = shutil.get_terminal_size().columns
            line = f"\r{line[: width - 1]}\x1b[K"
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more
            self._stream.write(line + ("\n" if last or not self._terminal else ""))
            self._stream.flush()
        self._lines += 1


@contextlib.contextmanager
def alone(silent: bool) -> Iterator[None]:
    """Show none of the bars that are made inside, if `silent`."""
    if not silent:
        yield
        return
    original: Any = tqdm.__init__

    def hidden(bar: Any, *args: Any, **kwargs: Any) -> None:
        original(bar, *args, **{**kwargs, "disable": True})

    tqdm.__init__ = hidden  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        tqdm.__init__ = original  # type: ignore[method-assign]


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
    )
