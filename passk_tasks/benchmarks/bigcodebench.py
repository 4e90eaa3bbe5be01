"""BigCodeBench (Zhuo et al., 2024, arXiv:2406.15877): 1140 functions that call libraries, 148 of them "hard".

On the hub, the splits of `bigcode/bigcodebench` and `bigcode/bigcodebench-hard` are their versions. A row has
two prompts, one to complete and one that instructs, and a `unittest.TestCase`. That patches modules and reads
files, so only the judge `script` can run it: `suite` does so in the candidate's process.

A candidate is calibrated by default, as in `bigcodebench.evaluate`: the imports and the signature of
`code_prompt` stand above it, so that an answer that leaves them out does not fail for that.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar

from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text
from passk_tasks.errors import DatasetError
from passk_tasks.extraction.syntax import silently
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Place, Program, Tests

_CASE = "TestCases"  # the only class that BigCodeBench's runner loads


@dataclass(frozen=True, slots=True)
class BigCodeProblem(Problem):
    """A problem with a `TestCase`.

    Attributes:
        code_prompt: imports and signature, which calibration puts above a candidate; `""` for no calibration.
        methods: names of the test methods.
        may_skip: the test methods that may be skipped, by a decorator or a call in them.
    """

    code_prompt: str = ""
    methods: tuple[str, ...] = ()
    may_skip: tuple[str, ...] = ()


class BigCodeBench(Benchmark):
    """All problems, candidates calibrated."""

    hidden: ClassVar[tuple[str, ...]] = ("bigcodebench",)
    loopback: ClassVar[bool] = True
    name: ClassVar[str] = "bigcodebench"
    count: ClassVar[int | None] = 1140
    hub_path: ClassVar[str] = "bigcode/bigcodebench"
    hub_revision: ClassVar[str | None] = "b74c0d0bf70d2c0bc459be537895cca163007f1a"
    hub_name: ClassVar[str | None] = None
    numbered: ClassVar[str] = "BigCodeBench/{}"
    split: ClassVar[str] = "v0.1.4"
    places: ClassVar[tuple[Place, ...]] = (Judge.SCRIPT,)
    own_problems: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (
        "task_id",
        "complete_prompt",
        "instruct_prompt",
        "canonical_solution",
        "code_prompt",
        "test",
        "entry_point",
        "libs",
    )
    # Requirements/requirements-eval.txt of bigcode-project/bigcodebench at 47eff25a, by the names that code
    # imports; Docker/Evaluate.Dockerfile has the interpreter.
    pins: ClassVar[Mapping[str, str]] = {
        "python": "3.10", "Crypto": "3.14.1", "Levenshtein": "0.25.0", "PIL": "10.3.0", "blake3": "0.4.1",
        "bs4": "4.8.2", "chardet": "5.2.0", "cryptography": "38.0.0", "cv2": "4.9.0.80",
        "dateutil": "2.9.0", "django": "4.2.7", "dns": "2.6.1", "docx": "1.1.0", "docxtpl": "0.11.5",
        "faker": "20.1.0", "flask": "3.0.3", "flask_login": "0.6.3", "flask_mail": "0.9.1",
        "flask_restful": "0.3.10", "flask_wtf": "1.2.1", "folium": "0.16.0", "gensim": "4.3.2",
        "geopandas": "0.13.2", "geopy": "2.4.1", "holidays": "0.29", "keras": "2.11.0",
        "librosa": "0.10.1", "lxml": "4.9.3", "matplotlib": "3.7.0", "mechanize": "0.4.9",
        "natsort": "7.1.1", "networkx": "2.6.3", "nltk": "3.8", "numba": "0.55.0", "numpy": "1.21.2",
        "openpyxl": "3.1.2", "pandas": "2.0.3", "prettytable": "3.10.0", "psutil": "5.9.5",
        "pyfakefs": "5.4.1", "pyquery": "1.4.3", "pytesseract": "0.3.10", "python_http_client": "3.3.7",
        "pytz": "2023.3.post1", "requests": "2.31.0", "requests_mock": "1.11.0", "rsa": "4.9",
        "scipy": "1.7.2", "seaborn": "0.13.2", "selenium": "4.15", "sendgrid": "6.11.0",
        "shapely": "2.0.4", "skimage": "0.18.0", "sklearn": "1.3.1", "soundfile": "0.12.1",
        "statsmodels": "0.14.0", "sympy": "1.12", "tensorflow": "2.11.0", "textblob": "0.18.0",
        "texttable": "1.7.0", "werkzeug": "3.0.1", "wikipedia": "1.4.0", "wordcloud": "1.9.3",
        "wordninja": "2.0.0", "wtforms": "3.1.2", "xlrd": "2.0.1", "xlwt": "1.3.0",
        "xmltodict": "0.13.0", "yaml": "6.0.1",
    }  # fmt: skip
    libraries: ClassVar[tuple[str, ...]] = tuple(name for name in pins if name != "python")

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns.

        Raises:
            DatasetError: as `Benchmark.problem`, or the tests have no `TestCases` with a test method.
        """
        values = {column: text(row, column, self.columns) for column in self.columns if column != "libs"}
        task_id, test = values["task_id"], values["test"]
        try:
            head = _parse(_complete(values["code_prompt"]), "code_prompt")
            solution = _parse(_canonical(values), "complete_prompt with canonical_solution")
            tree = _parse(test, "test")
            methods, may_skip = _methods(tree)
            imported = {*_libs(row, self.columns), *_imports(head), *_imports(solution), *_imports(tree)}
        except DatasetError as error:
            raise DatasetError(f"row {task_id!r}: {error}") from None
        return BigCodeProblem(
            task_id=task_id,
            prompt=self._prompt(values),
            entry_point=values["entry_point"],
            test=test,
            canonical_solution=_canonical(values),
            one_process="unittest classes that patch modules and read files of the candidate",
            libraries=tuple(sorted(imported - sys.stdlib_module_names)),
            code_prompt=self._code_prompt(values),
            methods=methods,
            may_skip=may_skip,
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the calibrated candidate under its `TestCase`."""
        assert isinstance(problem, BigCodeProblem)
        if code is not None and problem.code_prompt:
            code = _complete(problem.code_prompt) + code
        return Program(problem.task_id, code, _tests(problem), self.place_of(problem, place))

    def canonical(self, problem: Problem) -> str | None:
        """Return the prompt completed by the dataset's own solution."""
        return problem.canonical_solution

    def _prompt(self, values: Mapping[str, str]) -> str:
        return values["complete_prompt"]

    def _code_prompt(self, values: Mapping[str, str]) -> str:
        return values["code_prompt"]


class BigCodeBenchHard(BigCodeBench):
    """The 148 problems of BigCodeBench-Hard, candidates calibrated."""

    name: ClassVar[str] = "bigcodebench_hard"
    count: ClassVar[int | None] = 148
    hub_path: ClassVar[str] = "bigcode/bigcodebench-hard"
    hub_revision: ClassVar[str | None] = "298d2cc7b96612e15e47313c3603ee124cee0c1f"


class BigCodeBenchUncalibrated(BigCodeBench):
    """All problems, for answers of chat models that are judged as they stand.

    Not for completions: only the signature of the prompt is kept, so that extraction cannot add imports that
    the model left out.
    """

    name: ClassVar[str] = "bigcodebench_uncalibrated"
    count: ClassVar[int | None] = 1140

    def _prompt(self, values: Mapping[str, str]) -> str:
        head = values["code_prompt"]
        return head[max(0, head.rfind(f"def {values['entry_point']}")) :]

    def _code_prompt(self, _values: Mapping[str, str]) -> str:
        return ""


class BigCodeBenchHardUncalibrated(BigCodeBenchUncalibrated):
    """BigCodeBench-Hard, for answers of chat models that are judged as they stand."""

    name: ClassVar[str] = "bigcodebench_hard_uncalibrated"
    count: ClassVar[int | None] = 148
    hub_path: ClassVar[str] = "bigcode/bigcodebench-hard"
    hub_revision: ClassVar[str | None] = "298d2cc7b96612e15e47313c3603ee124cee0c1f"


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: BigCodeProblem) -> Tests:
    # The driver has a namespace of its own, since a candidate may define its own `set` or `run`.
    arguments = (
        f"_passk_solution, {problem.test!r}, set({list(problem.methods)!r}), set({list(problem.may_skip)!r})"
    )
    driver = f"{_suite()}\nrun({arguments})\n"
    source = (
        "import builtins as _passk_builtins\n"
        f"_passk_builtins.exec({driver!r}, {{'__name__': 'suite', '__builtins__': _passk_builtins, "
        "'_passk_solution': _passk_builtins.globals()})\n"
    )
    return Tests(source=source, names=(problem.entry_point,))


@cache
def _suite() -> str:
    return Path(__file__).with_name("suite.py").read_text(encoding="utf-8")


def _complete(code_prompt: str) -> str:
    """Return imports and signature as a program, word for word as calibration in bigcodebench/evaluate.py."""
    return f"{code_prompt}\n    pass\n"


def _canonical(values: Mapping[str, str]) -> str:
    return f"{values['complete_prompt']}\n{values['canonical_solution']}"


def _parse(source: str, column: str) -> ast.Module:
    try:
        return silently(lambda: ast.parse(source))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise DatasetError(f"column {column!r} is not Python: {error}") from None


def _methods(tree: ast.Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the test methods of `TestCases`, inherited ones included, and those that may be skipped."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if _CASE not in classes:
        raise DatasetError(f"column 'test' has no class {_CASE}")
    tests: dict[str, ast.stmt] = {}
    rest, seen = [_CASE], set[str]()
    skips_all = False
    while rest:
        name = rest.pop()
        if name in seen or name not in classes:
            continue
        seen.add(name)
        node = classes[name]
        skips_all = skips_all or any(map(_skips, node.decorator_list))
        rest += [base.id for base in node.bases if isinstance(base, ast.Name)]
        for item in node.body:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                skips_all = skips_all or (item.name in ("setUp", "setUpClass") and _skips(item))
                if item.name.startswith("test"):
                    tests.setdefault(item.name, item)
    if not tests:
        raise DatasetError(f"the class {_CASE} of column 'test' has no test method")
    return tuple(sorted(tests)), tuple(sorted(n for n, item in tests.items() if skips_all or _skips(item)))


def _skips(node: ast.AST) -> bool:
    return any(
        isinstance(part, (ast.Name, ast.Attribute))
        and (part.id if isinstance(part, ast.Name) else part.attr).lower().startswith("skip")
        for part in ast.walk(node)
    )


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level packages that a program imports anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _libs(row: Mapping[str, object], columns: Sequence[str]) -> set[str]:
    """Return the column `libs`, a list that the hub stores as text."""
    value: Any = row.get("libs")
    if isinstance(value, str) or "libs" not in row:
        written = text(row, "libs", tuple(columns))
        try:
            value = ast.literal_eval(written)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise DatasetError(f"column 'libs' must be a list of names, not {row['libs']!r:.80}")
    return {name.partition(".")[0] for name in value}
