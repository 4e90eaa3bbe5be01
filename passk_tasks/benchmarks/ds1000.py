"""DS-1000 (Lai et al., 2023, arXiv:2211.11501): 1000 questions about seven libraries, from StackOverflow.

The hub's `xlangai/DS-1000` has one file of rows. An answer is a snippet: `code_context` puts it into a
program, runs that and compares a result; for some problems it also checks the snippet's text. All of that
happens in one interpreter, so only the judge `script` can run it.

The tests exec the snippet. The candidate's module is therefore only an assignment of the snippet's text to
`code`, the name that DS-1000's own test programs (test_ds1000.py) give it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import ClassVar

from passk_tasks.benchmarks import data_sets
from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text
from passk_tasks.errors import DatasetError
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Place, Program, Tests

# The name of a library in the column `metadata`, and its import name.
_MODULES = {
    "Matplotlib": "matplotlib",
    "Numpy": "numpy",
    "Pandas": "pandas",
    "Pytorch": "torch",
    "Scipy": "scipy",
    "Sklearn": "sklearn",
    "Tensorflow": "tensorflow",
}
# An import at the start of a line of `code_context`, or of the program text in it.
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+(\w+)[\w.]*[ \t]+import\b|import[ \t]+(\w[^\n#;]*))", re.MULTILINE)
# environment.yml of xlang-ai/DS-1000, by the names that code imports.
_PINS = {
    "python": "3.10", "gensim": "4.3.2", "matplotlib": "3.8.4", "numpy": "1.26.4", "pandas": "1.5.3",
    "scipy": "1.12.0", "seaborn": "0.13.2", "sklearn": "1.4.0", "statsmodels": "0.14.1",
    "tensorflow": "2.16.1", "torch": "2.2.0", "xgboost": "2.0.3",
}  # fmt: skip
# Judged in November 2026: they pass with the pins, and fail with the newest libraries of that month.
_OUTGROWN = {"Pandas": 47, "Scipy": 7, "Numpy": 6, "Sklearn": 4, "Matplotlib": 1}
_TEXT_CHECK = "test_string("

_PUBLISHED = {
    "Matplotlib": (155, "9d9d51e4a68037c245944b541b0133ff036f1f47210319a9bab6de5e0f2b6939"),
    "Numpy": (220, "872a6671b56ab1445a18b4522374d71e4fce98bc0bcf480d2d1b85056ef67421"),
    "Pandas": (291, "e37d7f15c690ef81ca3b0e3ee8419c6af870fde3cc4942a9fbf87fd5cd951531"),
    "Pytorch": (68, "28860a2ebcb37f4af965b02e315da92132c6f8a30a59821e4ff649aa6fc29cf3"),
    "Scipy": (106, "486c849522e35d81245dd761bc6d597080aff9bb2844da7ef4ef9e8eb94648c7"),
    "Sklearn": (115, "67339d252d971e5d06e987f2a1c517e734e7755626991db4741e7e7a8b456b86"),
    "Tensorflow": (45, "48ecdce28b59ad3e3e6d5221443673f3dd75340441cf117cfdc0eaea32409996"),
}
"""How many problems each library has, and the hash of their rows: `loading.rows_sha256`."""


class Ds1000(Benchmark):
    """All problems."""

    name: ClassVar[str] = "ds1000"
    hub_path: ClassVar[str] = "xlangai/DS-1000"
    hub_revision: ClassVar[str | None] = "4416080ac5cb80bdf7576aefb8f9a0b4d5426a44"
    count: ClassVar[int | None] = 1000
    # Of test.jsonl at this revision (SHA-256 26a492838b05f9d0…).
    sha256: ClassVar[str | None] = "f2426faffe7b288f16676d17772f16cd52b0d34b5765b24c865de99c1ee63583"
    hub_name: ClassVar[str | None] = None
    split: ClassVar[str] = "test"
    places: ClassVar[tuple[Place, ...]] = (Judge.SCRIPT,)
    numbered: ClassVar[str] = "DS-1000/{}"
    own_problems: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ("task_id", "prompt", "reference_code", "metadata", "code_context")
    libraries: ClassVar[tuple[str, ...]] = tuple(sorted(_MODULES.values()))
    library: ClassVar[str | None] = None
    pins: ClassVar[Mapping[str, str]] = _PINS
    outgrown: ClassVar[Mapping[str, int]] = _OUTGROWN
    outgrown_with: ClassVar[str] = "pandas 3.1, numpy 2.4, scipy 1.17, scikit-learn 1.9, matplotlib 3.11"
    trivial: ClassVar[Mapping[str, str]] = {
        "empty": "pass",
        "stub": "raise NotImplementedError",
        **{f"constant {value}": f"result = {value}" for value in ("None", "True", "0", "[]")},
    }

    def __init_subclass__(cls, library: str) -> None:
        cls.name = f"ds1000_{library.lower()}"
        cls.library = library
        cls.count, cls.sha256 = _PUBLISHED[library]
        cls.libraries = (_MODULES[library],)
        cls.outgrown = {library: _OUTGROWN[library]} if library in _OUTGROWN else {}

    def rows(self, rows: Iterable[Mapping[str, object]]) -> Iterable[Mapping[str, object]]:
        """Yield the rows of this library with a `task_id` made of their `problem_id`, e.g. `DS-1000/511`.

        A row without its library stays as it is, and `problem` explains what is wrong with it.
        """
        for row in rows:
            metadata = row.get("metadata")
            if not isinstance(metadata, Mapping) or metadata.get("library") not in _MODULES:
                yield row
            elif self.library in (None, metadata["library"]):
                yield {"task_id": f"DS-1000/{metadata.get('problem_id')}", **row}

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns.

        Raises:
            DatasetError: as `Benchmark.problem`, or the context has no `test_execution`.
        """
        metadata = row.get("metadata")
        if not isinstance(metadata, Mapping) or not {"problem_id", "library"} <= metadata.keys():
            raise DatasetError(
                f"column 'metadata' must be a mapping with problem_id and library, not {metadata!r:.80}; the "
                f"row has {', '.join(map(str, row))}"
            )
        if metadata["library"] not in _MODULES:
            raise DatasetError(
                f"column 'metadata': there is no library {metadata['library']!r} in DS-1000 "
                f"(known: {', '.join(_MODULES)})"
            )
        task_id = text(row, "task_id", self.columns)
        context = text(row, "code_context", self.columns)
        if "def test_execution(" not in context:
            raise DatasetError(f"row {task_id!r}: column 'code_context' defines no test_execution")
        needed = {_MODULES[metadata["library"]], *_imported(context)}
        origin = metadata.get("perturbation_origin_id")
        return Problem(
            task_id=task_id,
            prompt=text(row, "prompt", self.columns),
            entry_point="",  # a snippet has none
            test=context,
            canonical_solution=text(row, "reference_code", self.columns),
            one_process="the test program runs the answer within itself",
            libraries=tuple(sorted(needed - sys.stdlib_module_names)),
            data=data_sets.read_by(context),
            # A question and its rewritten forms are one cluster: 453 questions are 1,000 problems.
            cluster=None if origin is None else f"{metadata['library']}/{origin}",
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the text of the snippet under the test program of its problem."""
        loaded = None if code is None else f"code = {code!r}\n"
        return Program(problem.task_id, loaded, _tests(problem), self.place_of(problem, place))

    def canonical(self, problem: Problem) -> str | None:
        """Return the reference snippet."""
        return problem.canonical_solution


FAMILIES: tuple[type[Ds1000], ...] = (
    Ds1000,
    *(type(f"Ds1000{library}", (Ds1000,), {}, library=library) for library in _MODULES),
)


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: Problem) -> Tests:
    checks = "test_execution(code)\n" + ("test_string(code)\n" if _TEXT_CHECK in problem.test else "")
    return Tests(source=f"{problem.test}\n{checks}", names=("code",))


def _imported(context: str) -> Iterator[str]:
    for match in _IMPORT.finditer(context):
        if match[1]:
            yield match[1]
        else:
            yield from (part.split()[0].partition(".")[0] for part in match[2].split(",") if part.split())
