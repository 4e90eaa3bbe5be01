"""HumanEvalPack (Muennighoff et al., 2023, arXiv:2308.07124): write, fix, explain, in six languages.

A family is a language and a task: `synthesize` shows the prompt, `fixdocs` a wrong function below it,
`fixtests` a wrong function below its bare declaration, with the tests. `explain` asks for a description of
the solution, then for code by that description and the bare declaration. Programs are put together as
bigcode-evaluation-harness does (bigcode_eval/tasks/humanevalpack.py): a text that continues the prompt ends
where the prompt's braces are closed; C++ stands below its includes, Go below the imports that its text uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar

from passk_tasks import extraction, languages
from passk_tasks.benchmarks import inspection
from passk_tasks.benchmarks.base import KEPT_TESTS, Benchmark, text
from passk_tasks.benchmarks.contests import below
from passk_tasks.errors import DatasetError
from passk_tasks.extraction import go_imports
from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import hidden
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.languages.packs import CPP_INCLUDES
from passk_tasks.problem import Problem, Protocol
from passk_tasks.program import AnyTests, CommandTests, Judge, Place, Program, Tests

KINDS = ("synthesize", "fixtests", "fixdocs", "explain")
LANGUAGES = {"python": "py", "js": "js", "java": "java", "go": "go", "cpp": "cpp", "rust": "rs"}
"""By the hub's configuration, the word for it elsewhere in this package."""

DIALECTS = {"cpp": "cpp_pack", "js": "js_pack", "java": "java_pack", "rs": "rs_pack"}
"""By language, the record of `languages` under which these tests run where it is not the language's own."""

# Where the harness puts them: IMPORT_HELPER in the same file.
_PYTHON = """\
import math
import re
import sys
import copy
import datetime
import itertools
import collections
import heapq
import statistics
import functools
import hashlib
import string
from typing import *
from collections import *
"""
# Takes a tenth of a second, so only candidates that use it get it.
_NUMPY = "import numpy\nimport numpy as np\n"
_CPP = "using namespace std;\n" + CPP_INCLUDES
_RUST_TEST = re.compile(r"#\[test\]([^{]*?)\bfn\s+(\w+)")
_PYTHON_STOPS = ("\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\nassert")
_COPIED = 21  # characters of a line of the solution, from which on no description may have it
_GO_STOPS = ("\n//", "\nfunc main(", "struct", "\nfunc")


class HumanEvalPack(Benchmark):
    """The problems of one language under one task."""

    kind: ClassVar[str]
    language: ClassVar[str]
    hidden: ClassVar[tuple[str, ...]] = ("bigcode_eval",)
    hub_path: ClassVar[str] = "bigcode/humanevalpack"
    hub_revision: ClassVar[str | None] = "9a41762f73a8cb23bb5811b73d5aab164efcf378"
    count: ClassVar[int | None] = 164
    split: ClassVar[str] = "test"
    own_problems: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = (
        "task_id",
        "prompt",
        "declaration",
        "canonical_solution",
        "buggy_solution",
        "test",
        "entry_point",
    )
    kinds: ClassVar[tuple[type[AnyTests], ...]] = (CommandTests,)

    def __init_subclass__(cls, kind: str, config: str) -> None:
        cls.kind, cls.language, cls.variant = kind, LANGUAGES[config], config
        if config != "python":
            cls.toolchains = (DIALECTS.get(cls.language, cls.language),)
        cls.name = f"humanevalpack_{kind}_{config}"
        cls.hub_name = config
        cls.count = 164

    def document(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row with `base`, the code that the model goes on from, and the language's `title`."""
        title = "Python" if self.language == "py" else syntax(self.language).title
        return {**row, "base": self._base(row), "title": title}

    def told(self, row: Mapping[str, object], said: str) -> str:
        """Return a description, as long as the docstring at most, without lines of the solution."""
        columns = (*self.columns, "docstring")
        description = strip_reasoning(said).text.strip()[: len(text(row, "docstring", columns))]
        for stop in {"go": _GO_STOPS, "py": _PYTHON_STOPS}.get(self.language, ()):
            description = description.partition(stop)[0]
        description = description.rstrip()
        for line in map(str.strip, text(row, "canonical_solution", columns).split("\n")):
            if len(line) >= _COPIED:
                description = description.replace(line, "")
        return description

    def _base(self, row: Mapping[str, object]) -> str:
        if self.kind not in ("fixtests", "explain"):
            return text(row, "prompt", self.columns)
        main = "fn main(){}\n" if self.language == "rs" else ""  # where the prompt has it too
        return main + text(row, "declaration", self.columns)

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns."""
        task_id, test, solution, name = (
            text(row, column, self.columns)
            for column in ("task_id", "test", "canonical_solution", "entry_point")
        )
        problem = Problem(
            task_id=task_id,
            # The question ends without its last line break, so the answer begins with it.
            prompt=self._base(row).rstrip(),
            entry_point=name,
            test=test,
            canonical_solution="\n" + solution,
        )
        if self.language == "py":
            return problem
        stops = _GO_STOPS if self.language == "go" else ()
        return replace(problem, protocol=Protocol(self.language, stops, to_brace=True))

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate within what its language needs, above the tests."""
        return Program(problem.task_id, code and self._framed(code, problem.test), _tests(problem), place)

    def _framed(self, code: str, test: str) -> str:
        if self.language == "cpp":
            return _CPP + re.split(r"\bint\s+main\b", code)[0]
        if self.language == "java":
            return re.sub(r"(?:public )?class Main \{\s*\}", "", code)
        if self.language == "go":
            return _with_go_imports(code, test)
        if self.language == "rs":
            return re.sub(r"\bfn\s+main\s*\(", "fn passk_main(", code)  # the tests' own calls them
        return code

    def written_tests(self, problem: Problem) -> Tests | None:  # noqa: ARG002
        """Return None: the tests are not Python."""
        return None

    def canonical(self, problem: Problem) -> str | None:
        """Return the prompt completed by the dataset's own solution."""
        return problem.prompt + (problem.canonical_solution or "")


class HumanEvalPackPython(HumanEvalPack, kind="synthesize", config="python"):
    """The problems in Python, whose tests are functions of plain data."""

    kinds: ClassVar[tuple[type[AnyTests], ...]] = (Tests,)
    places: ClassVar[tuple[Place, ...]] = (Judge.ISOLATED, Judge.SCRIPT)

    def __init_subclass__(cls, kind: str) -> None:
        super().__init_subclass__(kind=kind, config="python")

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row in the hub's columns."""
        problem = super().problem(row)
        tests = _python_tests(problem)
        return replace(
            problem, one_process=inspection.needs(tests.prelude + tests.source, tests.names).reason
        )

    def program(self, problem: Problem, code: str | None, place: Place) -> Program:
        """Return the candidate below the harness's imports."""
        if code is not None:
            code = below(_PYTHON + (_NUMPY if re.search(r"\bn(?:umpy|p)\b", code) else ""), code)
        return Program(problem.task_id, code, _python_tests(problem), self.place_of(problem, place))

    def written_tests(self, problem: Problem) -> Tests | None:
        """Return `check` and its call."""
        return _python_tests(problem)


class FixTestsPython(HumanEvalPackPython, kind="fixtests"):
    """A wrong function in Python, with its tests."""


class FixDocsPython(HumanEvalPackPython, kind="fixdocs"):
    """A wrong function in Python, with its docstring."""


class ExplainPython(HumanEvalPackPython, kind="explain"):
    """A right function in Python, to describe and to write again."""


@lru_cache(maxsize=KEPT_TESTS)
def _tests(problem: Problem) -> CommandTests:
    assert problem.protocol is not None
    language = problem.protocol.language
    test = _with_main(problem) if language == "rs" else problem.test
    return CommandTests(DIALECTS.get(language, language), test)


def _with_main(problem: Problem) -> str:
    """Return Rust's tests with a `main` that runs all of them, as the harness's `cargo test` does.

    Raises:
        DatasetError: they are not functions of a module `tests`.
    """
    text, count = _RUST_TEST.subn(r"\1pub fn \2", problem.test.replace("#[cfg(test)]", ""))
    if not count or "mod tests" not in text:
        raise DatasetError(f"{problem.task_id}: column 'test' has no #[test] functions in a module `tests`")
    calls = "".join(f"    tests::{found[2]}();\n" for found in _RUST_TEST.finditer(problem.test))
    return f"{text}\nfn main() {{\n{calls}}}\n"


@lru_cache(maxsize=KEPT_TESTS)
def _python_tests(problem: Problem) -> Tests:
    context = extraction.context(problem.prompt, problem.entry_point)
    return Tests(f"{problem.test}\n", (problem.entry_point,), prelude=context)


def _with_go_imports(code: str, test: str) -> str:
    """Return a file that imports what its text uses of its own imports (a prompt has more), and of a list."""
    record = syntax("go")
    _, own, body = go_imports.apart(code)
    used = hidden(f"{body}\n{test}", record)
    own = {path: name for path, name in own.items() if go_imports.used(path, name, used)}
    specs = {"testing": "", "github.com/stretchr/testify/assert": "", **own}
    specs.update(
        (path, "") for path in go_imports.STANDARD if path not in own and go_imports.used(path, "", used)
    )
    return f"package main\n\n{go_imports.above(specs)}\n{body}"


FAMILIES: tuple[type[HumanEvalPack], ...] = (
    HumanEvalPackPython,
    FixTestsPython,
    FixDocsPython,
    ExplainPython,
    *(
        type(f"HumanEvalPack_{kind}_{config}", (HumanEvalPack,), {}, kind=kind, config=config)
        for kind in KINDS
        for config, language in LANGUAGES.items()
        if config != "python" and DIALECTS.get(language, language) in languages.LANGUAGES
    ),
)
