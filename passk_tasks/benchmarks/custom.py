"""Your own problems: a JSON Lines file, or any dataset of the hub, in the columns below.

    task_id             text or a number
    prompt              what the model is shown: the beginning of the function, or a request
    entry_point         name of the function; not with stdin_tests
    canonical_solution  optional: what follows the prompt, or a whole program
    setup               optional: code that the tests need besides the function

and exactly one of these:

    test                statements; HumanEval's `def check(candidate)` and unittest's classes are run for you
    test_list           a list of assertions, as MBPP has it
    stdin_tests         a list of `{"input": …, "output": …}`; the model writes a program that reads input
    tests               text in the language of the column `language`, which stands after the program and must
                        run to its end where that is right (a name of `passk_tasks.languages`, e.g. `cpp`);
                        optional are `stop_tokens`, at which a text that continues the prompt ends, and
                        `files`, further files beside the program, as `{"name": text}`

Other columns are left alone, and may be used in a `doc_to_text`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

from passk_tasks import extraction
from passk_tasks.benchmarks import inspection
from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text, texts
from passk_tasks.benchmarks.own_outputs import INDENTED, indented
from passk_tasks.benchmarks.own_tests import refuse_unasserted, runnable
from passk_tasks.errors import DatasetError, did_you_mean
from passk_tasks.extraction.languages import SYNTAXES
from passk_tasks.languages import LANGUAGES
from passk_tasks.problem import Problem, Protocol
from passk_tasks.program import AnyTests, CommandTests, Judge, Place, Program, StdioTests, Tests

_FILE = re.compile(r"\w[\w.-]*", re.ASCII)
_EXPECTED = (
    "task_id, prompt, and entry_point with test or test_list, or stdin_tests, or language, entry_point and "
    "tests; optional are canonical_solution and setup, or stop_tokens and files"
)


@dataclass(frozen=True, slots=True)
class CustomProblem(Problem):
    """A problem with what its tests need.

    Attributes:
        setup: statements that the tests need, including the prompt's imports and helpers.
        cases: inputs with their outputs, where candidates are programs; tests in another language.
        objects: whether the tests make objects of a class of the candidate.
    """

    setup: str = ""
    cases: StdioTests | CommandTests | None = None
    objects: bool = False


class Custom(Benchmark):
    """Any problems whose tests call functions, or whose programs read input."""

    name: ClassVar[str] = "custom"
    hub_path: ClassVar[str] = ""  # the user names it in `dataset`
    hub_name: ClassVar[str | None] = None
    split: ClassVar[str] = "test"
    columns: ClassVar[tuple[str, ...]] = ("task_id", "prompt", "entry_point")
    kinds: ClassVar[tuple[type[AnyTests], ...]] = (Tests, StdioTests, CommandTests)
    of_tests: ClassVar[tuple[str, ...]] = ("test", "test_list", "stdin_tests", "tests")

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row.

        Raises:
            DatasetError: a column is missing or wrong; the message shows the row and what is expected.
        """
        try:
            return self._problem(row)
        except DatasetError as error:
            shown = {key: f"{value!r:.60}" for key, value in row.items()}
            row_text = ", ".join(f"{key}: {value}" for key, value in shown.items())
            raise DatasetError(f"{error}\n  the row: {{{row_text}}}\n  expected: {_EXPECTED}") from None

    def _problem(self, row: Mapping[str, object]) -> Problem:
        given = [column for column in self.of_tests if row.get(column) is not None]
        if given[1:] and given[-1] == "tests":
            given.pop()  # any other column has its own meaning, so this one is left alone
        programs = given == ["stdin_tests"]
        task_id, prompt = (text(row, column, self.columns) for column in self.columns[:2])
        entry_point = "" if programs else text(row, "entry_point", self.columns)
        where = f"row {task_id!r}: "
        if not task_id.strip():
            raise DatasetError(f"{where}column 'task_id' must name the problem")
        if not programs and given != ["tests"] and not entry_point.isidentifier():
            raise DatasetError(f"{where}column 'entry_point' must be the name of a function: {entry_point!r}")
        if len(given) != 1:
            wanted, there = ", ".join(self.of_tests), " and ".join(given) or "none of them"
            raise DatasetError(f"{where}one of the columns {wanted} is needed, there is {there}")
        setup, solution = (
            text(row, column, self.columns) if row.get(column) is not None else None
            for column in ("setup", "canonical_solution")
        )
        if programs:
            cases = StdioTests.of(_cases(row["stdin_tests"], where), comparison=INDENTED)
            return CustomProblem(task_id, "", "", "", solution, cases=cases)
        if given == ["tests"]:
            return _in_language(row, CustomProblem(task_id, prompt, entry_point, "", solution), self.columns)
        setup = extraction.context(prompt, entry_point) + (f"{setup}\n" if setup else "")
        problem = CustomProblem(task_id, prompt, entry_point, "", solution, setup=setup)
        try:
            if given == ["test"]:
                test = runnable(text(row, "test", self.columns), entry_point)
                functions: tuple[str, ...] = (entry_point,)
            else:
                assertions = texts(row, "test_list", self.columns)
                test = "".join(line + "\n" for line in assertions)
                called = inspection.functions(assertions, setup, self.canonical(problem) or "")
                if entry_point not in called:
                    raise DatasetError(f"no assertion of 'test_list' calls the entry_point {entry_point!r}")
                functions = tuple(dict.fromkeys((entry_point, *called)))
            classes = inspection.classes_of(functions, prompt, self.canonical(problem))
            proof = inspection.needs(setup + test, functions, classes)
            if proof.reason is None and not proof.reached:
                raise DatasetError(
                    f"the tests never call {entry_point!r}, so that anything would pass: a function of tests "
                    "has to be called (only `check` and those named `test…` are called for you)"
                )
            if not inspection.passes_anything(f"{setup}\n{test}", functions):
                refuse_unasserted(test)  # else the whole row is left out, or refused
        except DatasetError as error:
            raise DatasetError(f"{where}{error}" if where not in str(error) else str(error)) from None
        return replace(
            problem, test=test, functions=functions, one_process=proof.reason, objects=bool(classes)
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate under its tests, in its own namespace where those need it."""
        assert isinstance(problem, CustomProblem)
        place = self.place_of(problem, place)
        return Program(problem.task_id, code, problem.cases or _tests(problem, place), place)

    def canonical(self, problem: Problem) -> str | None:
        """Return the reference solution, below its prompt unless it is a whole program."""
        if problem.canonical_solution is None or not problem.entry_point:
            return problem.canonical_solution
        return extraction.extract(
            problem.canonical_solution,
            mode="completion",
            prompt=problem.prompt,
            entry_point=problem.entry_point,
            stops=problem.protocol.stops if problem.protocol else (),
            protocol=problem.protocol,
        ).code


def _in_language(
    row: Mapping[str, object], problem: CustomProblem, columns: tuple[str, ...]
) -> CustomProblem:
    """Return a problem in the language that its row names."""
    language, tests = (text(row, column, columns) for column in ("language", "tests"))
    where = f"row {problem.task_id!r}: "
    if language not in LANGUAGES or language not in SYNTAXES:
        near = did_you_mean(language, LANGUAGES.keys() & SYNTAXES.keys())
        raise DatasetError(f"{where}column 'language' is {language!r}, which no judge knows{near}")
    files = row.get("files") or {}
    named = {}
    if isinstance(files, Mapping):  # a Parquet file has every name that any row has
        named = {name: content for name, content in files.items() if content is not None}
    if not isinstance(files, Mapping) or not all(
        _FILE.fullmatch(name) and isinstance(content, str) for name, content in named.items()
    ):
        raise DatasetError(
            f"{where}column 'files' must hold texts by plain names, {{\"name\": text}}, not {files!r:.80}"
        )
    stops = tuple(texts(row, "stop_tokens", columns)) if row.get("stop_tokens") is not None else ()
    protocol = Protocol.of(language, stops, tests)
    cases = CommandTests(language, tests, tuple(sorted(named.items())))
    return replace(problem, test=tests, protocol=protocol, cases=cases)


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: Problem, place: Place) -> Tests:
    assert isinstance(problem, CustomProblem)
    if place is Judge.SCRIPT:
        return Tests(problem.setup + problem.test, problem.functions)
    return Tests(problem.test, problem.functions, prelude=problem.setup, objects=problem.objects)


def _cases(value: Any, where: str) -> list[tuple[str, str]]:
    """Return inputs and outputs of the column `stdin_tests`."""
    given = value if isinstance(value, (list, tuple)) else []
    pairs = [(c.get("input"), c.get("output")) if isinstance(c, Mapping) else (None, None) for c in given]
    if not pairs or not all(isinstance(part, str) for pair in pairs for part in pair):
        wanted = 'a list of {"input": text, "output": text}, one or more'
        raise DatasetError(f"{where}column 'stdin_tests' must be {wanted}, not {value!r:.80}")
    cases = [(str(given), str(expected)) for given, expected in pairs]
    first: dict[str, str] = {}
    for stdin, expected in cases:
        if indented(expected, first.setdefault(stdin, expected)):
            outputs = f"{first[stdin]!r:.40} and {expected!r:.40}"
            raise DatasetError(
                f"{where}column 'stdin_tests' wants two outputs for the input {stdin!r:.40}: {outputs}"
            )
    return cases
