"""Answers in Ada: the function in the prompt's package, which the tests close."""

from __future__ import annotations

import re

import pytest

from passk_tasks import benchmarks
from passk_tasks.extraction import extract
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.languages.examples import EXAMPLES
from passk_tasks.problem import Protocol
from passk_tasks.program import CommandTests, Confinement, Judge, Limits, Program
from passk_tasks.sandbox import toolchains
from passk_tasks.verdict import Verdict

TESTS = EXAMPLES["adb"].tests
SPECIFICATION = (
    "pragma Ada_2022;\n\npackage Placeholder is\n   function F (X : Integer) return Integer;\n"
    "   -- Adds one; f (1) is 2.\n\nend Placeholder;\n"
)
BODY_HEAD = "\npragma Ada_2022;\n\npackage body Placeholder is\n"
PROMPT = f"{SPECIFICATION}{BODY_HEAD}   function F (X : Integer) return Integer"
FUNCTION = (
    "   function F (X : Integer) return Integer is\n   begin\n"
    "      if X > 99 then\n         return 1 + X;\n      end if;\n      return X + 1;\n   end F;\n"
)
HELPER = "   function One return Integer is (1);\n\n"
MAIN = "\nwith Placeholder;\nprocedure Main is\nbegin\n   pragma Assert (Placeholder.F (1) = 3);\nend Main;\n"

OPENED = f"{SPECIFICATION}{BODY_HEAD}"
CLOSED = "\nend Placeholder;\n"
PRINTS = FUNCTION.replace("      return X", '      Ada.Text_IO.Put ("end F;");\n      return X')
WITH_HELPER = FUNCTION.replace("+ 1;", "+ One;")

ANSWERS = {
    "the whole file": OPENED + FUNCTION + CLOSED,
    "with a main procedure": OPENED + FUNCTION + CLOSED + MAIN,
    "the body of the package": BODY_HEAD + HELPER + WITH_HELPER + CLOSED,
    "the body, in small letters": (BODY_HEAD + FUNCTION + CLOSED).lower(),
    "the function alone": FUNCTION,
    "the function with its context": f"with Ada.Text_IO;\n\n{PRINTS}",
    "a function without indentation": re.sub(r"^   ", "", FUNCTION, flags=re.MULTILINE),
    "an expression": "   function F (X : Integer) return Integer is (X + 1);\n",
    "a helper below it": f"{OPENED}   function One return Integer;\n{WITH_HELPER}{HELPER}{CLOSED}",
    "an end without a name": FUNCTION.replace("end F;", "end;"),
    "what the prompt lacks": f" is\n   begin\n      return X + 1;\n   end F;\n{CLOSED}",
}


def found(text: str, *, closes: bool = True) -> str:
    """Return the program in a chat model's answer."""
    protocol = Protocol("adb", (), closes)
    extracted = extract(text, mode="answer", prompt=PROMPT, entry_point="F", protocol=protocol)
    assert extracted.code is not None
    assert ("examples" in extracted.strategy) is (MAIN in text)
    return extracted.code


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_stands_in_the_package(what: str) -> None:
    """It has one specification and one body, left open where the tests close them, and no main procedure."""
    code = found(f"Here it is.\n```ada\n{ANSWERS[what]}```\nDone.").lower()
    assert len(re.findall(r"^package placeholder is", code, re.MULTILINE)) == 1
    assert len(re.findall(r"^package body placeholder is", code, re.MULTILINE)) == 1
    assert len(re.findall(r"^end placeholder;", code, re.MULTILINE)) == 1
    assert "main" not in code
    assert code.endswith("   procedure f is\n   begin\n      null;")


def test_a_function_that_breaks_off_stays_open() -> None:
    """Where the last `end` is missing, the tests' own closes the function."""
    open_ = found(f"```ada\n{FUNCTION.removesuffix('   end F;' + chr(10))}```")
    assert open_.rstrip().endswith("return X + 1;")


def test_tests_that_close_nothing() -> None:
    """Problems of one's own may have whole files: then the package stays closed."""
    code = found(f"```ada\n{OPENED}{FUNCTION}{CLOSED}{MAIN}```", closes=False)
    assert code == OPENED + FUNCTION + CLOSED


def test_the_programs_pass() -> None:
    """Each answer is right, and judged so."""
    if missing := toolchains.hint(["adb"]):
        pytest.skip(missing)
    tests = CommandTests("adb", TESTS)
    codes = [found(f"```ada\n{answer}```") for answer in ANSWERS.values()]
    programs = [Program(f"t/{n}", code, tests) for n, code in enumerate(codes)]
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=1)), 1)).outcomes
    failed = {what: outcome for what, outcome in zip(ANSWERS, outcomes, strict=True) if not outcome.passed}
    assert not failed


def test_a_completion_ends_at_the_rows_stop() -> None:
    """A row of our own in MultiPL-E's form: the function's name is found, and its `end` is the tests'."""
    row = {
        "name": "HumanEval_7_f",
        "language": "adb",
        "prompt": PROMPT,
        "tests": TESTS,
        "stop_tokens": ["\n   end "],
    }
    family = benchmarks.get("multiple_humaneval_adb")
    problem = family.problem(row)
    assert problem.entry_point == "F"
    protocol = problem.protocol
    assert protocol is not None
    text = " is\n   begin\n      return X + 1;\n   end F;\n\nend Placeholder;\n"
    found = extract(
        text, mode="completion", prompt=PROMPT, entry_point="F", stops=protocol.stops, protocol=protocol
    )
    assert found.code == PROMPT + " is\n   begin\n      return X + 1;"
    if missing := toolchains.hint(["adb"]):
        pytest.skip(missing)
    programs = [
        family.program(problem, code, Judge.ISOLATED) for code in (found.code, PROMPT + " is\n   begin")
    ]
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=1)), 1)).outcomes
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASSED, Verdict.SYNTAX_ERROR]


def test_the_tests_close_the_function() -> None:
    """The words that end it are seen, as the brace is in other languages."""
    assert Protocol.of("adb", (), TESTS).closed_by_tests
    assert Protocol.of("cpp", (), "}\nint main() {}").closed_by_tests
    assert not Protocol.of("lua", (), "lu = require('luaunit')\nend").closed_by_tests
