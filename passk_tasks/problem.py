"""One item of a benchmark."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLOSES = re.compile(r"\s*(?:\}|end\s+\w+\s*;)")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a program in a language other than Python is put together from a model's text.

    Attributes:
        language: MultiPL-E's word for it, e.g. `cpp`.
        stops: a text that continues the prompt ends at the first of them; part of the benchmark.
        closed_by_tests: whether the tests begin with the brace, or the words, that end the function.
        to_brace: whether a text that continues the prompt ends where the last brace of the prompt is closed.
    """

    language: str
    stops: tuple[str, ...] = ()
    closed_by_tests: bool = False
    to_brace: bool = False

    @classmethod
    def of(cls, language: str, stops: tuple[str, ...], tests: str) -> Protocol:
        """Return the protocol of programs that stand above `tests`."""
        return cls(language, stops, closed_by_tests=_CLOSES.match(tests) is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One benchmark item.

    Attributes:
        task_id: the benchmark's own identifier, e.g. `HumanEval/0`.
        prompt: the code that the model completes: imports, helpers, signature and docstring.
        entry_point: name of the function that the tests call.
        test: source of the tests, as the benchmark ships it.
        canonical_solution: a reference completion of `prompt`, where the benchmark has one.
        one_process: why the tests need the candidate in their own process, so that only the judge `script`
            can run them, a few words; None where they can do without, or where the family finds it out when
            it is asked (`Benchmark.one_process`).
        libraries: what solution and tests import besides the standard library, as import names, sorted.
        data: files that its tests read and libraries would download, as paths below the folder of the setting
            `shown`, sorted.
        suffix: the code below the gap, where the model fills one; `prompt` is what stands above.
        functions: what the tests call of the candidate, where that is more than the entry point, which then
            comes first, or where a program need not define one.
        cluster: what the problem shares with others that were made from the same source; None where each
            problem stands for itself.
    """

    task_id: str
    prompt: str
    entry_point: str
    test: str
    canonical_solution: str | None = None
    one_process: str | None = None
    libraries: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    suffix: str | None = None
    cluster: str | None = None
    functions: tuple[str, ...] = ()
    protocol: Protocol | None = None
