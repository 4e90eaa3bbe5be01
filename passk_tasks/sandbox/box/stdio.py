"""The judge `stdio`, as the tests' side sees it: cases, and the standard streams of one process."""

from __future__ import annotations

import base64
import json
import os
import zlib

from passk_tasks.sandbox.box import compare, kernel


class WrongAnswerError(Exception):
    """The output is not the expected one."""


class Cases:
    """The cases of one problem, shared by all of its candidates.

    Args:
        packed: (input, expected output) of each as JSON, compressed, in base64.
        comparison: name of the rule, see `compare`.
        timeout_s: the problem's own limit for each case; None where it has none.
        base: how many of them, the first ones, are the base stage.
    """

    def __init__(self, packed: str, comparison: str, timeout_s: float | None, base: int) -> None:
        self.pairs: list[list[str]] = json.loads(zlib.decompress(base64.b64decode(packed)))
        self.comparison, self.timeout_s, self.base = comparison, timeout_s or 0.0, base


class Streams:
    """Standard input and output of one process, as files in memory; a context manager."""

    def __init__(self, given: str) -> None:
        self.fds = (kernel.file_in_memory(given.encode("utf-8", "surrogatepass")), kernel.file_in_memory())

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self.fds:
            os.close(fd)

    def check(self, comparison: str, expected: str) -> None:
        """Compare what was written with what was expected, once nobody is left to write.

        Raises:
            WrongAnswerError: they differ.
        """
        size = os.fstat(self.fds[1]).st_size
        # Never more than the limit of a file, so one call reads it.
        wrong = compare.complaint(comparison, os.pread(self.fds[1], size, 0), expected)
        if wrong:
            raise WrongAnswerError(wrong)
