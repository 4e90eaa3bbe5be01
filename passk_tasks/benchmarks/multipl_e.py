"""MultiPL-E (Cassano et al., 2022, arXiv:2208.08227): HumanEval and MBPP in two dozen other languages.

A family is a configuration of `nuprl/MultiPL-E`: `humaneval-cpp`, `mbpp-rs`, … A program is the prompt, the
completion up to the earliest stop token, a line's end, and the tests. The stop tokens are part of that: in
nine languages the tests begin with the brace or the words that end the function, and a completion that has
them too does not compile. No row has a solution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text, texts
from passk_tasks.errors import DatasetError
from passk_tasks.extraction.languages import SYNTAXES, syntax
from passk_tasks.extraction.pieces import hidden
from passk_tasks.languages import LANGUAGES
from passk_tasks.problem import Problem, Protocol
from passk_tasks.program import AnyTests, CommandTests, Place, Program

# Rows by language, of the hub's dataset card.
_ROWS = {
    "humaneval": {
        **{"adb": 157, "clj": 161, "cpp": 161, "cs": 158, "d": 156, "dart": 157, "elixir": 161, "go": 154},
        **{"hs": 156, "java": 158, "jl": 159, "js": 161, "lua": 161, "ml": 155, "php": 161, "pl": 161},
        **{"r": 161, "rb": 161, "rkt": 161, "rs": 156, "scala": 160, "sh": 158, "swift": 158, "ts": 159},
    },
    "mbpp": {
        **{"adb": 365, "clj": 397, "cpp": 397, "cs": 386, "d": 358, "elixir": 397, "go": 374, "hs": 355},
        **{"java": 386, "jl": 390, "js": 397, "lua": 397, "ml": 355, "php": 397, "pl": 396, "r": 397},
        **{"rb": 397, "rkt": 397, "rs": 354, "scala": 396, "sh": 382, "swift": 396, "ts": 390},
    },
}
_NUMBER = re.compile(r"(?:HumanEval|mbpp)_\d+_")
_WORD = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"(\w+)\s*\(")


class MultiPLE(Benchmark):
    """The problems of one configuration."""

    source: ClassVar[str]
    language: ClassVar[str]
    hidden: ClassVar[tuple[str, ...]] = ("multipl_e", "bigcode_eval")
    hub_path: ClassVar[str] = "nuprl/MultiPL-E"
    hub_revision: ClassVar[str | None] = "3a9e8d226c127392ce81dca29d09f33f0ce3247d"
    split: ClassVar[str] = "test"
    columns: ClassVar[tuple[str, ...]] = (
        "name",
        "language",
        "prompt",
        "doctests",
        "original",
        "prompt_terminology",
        "tests",
        "stop_tokens",
    )
    kinds: ClassVar[tuple[type[AnyTests], ...]] = (CommandTests,)
    own_problems: ClassVar[bool] = False

    def __init_subclass__(cls, source: str, language: str) -> None:
        cls.count = _ROWS[source][language]
        cls.source, cls.language, cls.variant, cls.toolchains = source, language, language, (language,)
        cls.name = f"multiple_{source}_{language}"
        cls.hub_name = f"{source}-{language}"

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row with its name as `task_id`, and the word for the language in a Markdown fence."""
        return {"task_id": row["name"], **row, "fence": syntax(self.language).fences.split()[0]}

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns."""
        name = text(row, "name", self.columns)
        row = {"task_id": name, **row}
        language, prompt, tests = (
            text(row, column, self.columns) for column in ("language", "prompt", "tests")
        )
        if language in SYNTAXES and language != self.language:
            raise DatasetError(
                f"row {name!r}: column 'language' is {language!r}, and these problems are {self.language}: "
                f"name data of {self.hub_name}"
            )
        stops = tuple(stop for stop in texts(row, "stop_tokens", self.columns) if stop)
        return Problem(
            task_id=name,
            prompt=prompt,
            entry_point=_function(name, prompt, tests, self.language),
            test=tests,
            protocol=Protocol.of(self.language, stops, tests),
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate above the tests."""
        return Program(problem.task_id, code, _tests(problem), place)

    def written_tests(self, problem: Problem) -> None:
        """Return None: the tests are not Python."""

    def canonical(self, problem: Problem) -> None:
        """Return None: no row has a solution."""


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: Problem) -> CommandTests:
    assert problem.protocol is not None
    return CommandTests(problem.protocol.language, problem.test)


def _function(name: str, prompt: str, tests: str, language: str) -> str:
    """Return the name of the function in a prompt: the row's, written as the language writes it.

    A few functions are called otherwise (`strlen` is `string_length` in C++): then it is the last name before
    a parenthesis.
    """
    wanted = _NUMBER.sub("", name).replace("_", "").lower()
    code = hidden(prompt, SYNTAXES[language])
    same = [word for word in _WORD.findall(code) if word.replace("_", "").lower() == wanted and word in tests]
    called: list[str] = _CALLED.findall(code)
    return (same or called or [wanted])[-1]


FAMILIES: tuple[type[MultiPLE], ...] = tuple(
    type(f"MultiPLE_{source}_{language}", (MultiPLE,), {}, source=source, language=language)
    for source, rows in _ROWS.items()
    for language in rows
    if language in LANGUAGES
)
"""Those whose language can be judged."""
