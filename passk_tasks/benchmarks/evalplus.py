"""What HumanEval+ and MBPP+ share: how numbers are compared, time limits, and the loop that ends the tests.

The column `test` compares unequal numbers by `np.allclose` alone. That holds wherever one side is empty or
can be repeated to the shape of the other: `[]` is close to 5.0, and to any number. EvalPlus's evaluator first
asks for the same type and length (evalplus/eval/__init__.py, 0.3.1). So does `like_evalplus`, and it asks for
the same length at every depth.

The tests end with a loop over some hundred calls:

    for i, (inp, exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, 0)

Under the judge `isolated` each call goes to another process, and waiting for each answer costs as much as
most calls. `without_waiting` loops over `candidate.each(inputs)` instead: it compares the same answers in the
same order and stops at the same one, but sends the next calls meanwhile.
"""

from __future__ import annotations

import re

WHOLE_TIMES = 15.5
"""EvalPlus gives each call 4 s, or four times the reference's time if that is more, and a stage's calls 62 s
together: untrusted_check in evalplus/eval/__init__.py, and DEFAULT_MIN_TIME_LIMIT in evalplus/config.py, of
the main branch (0.3.1, the newest release, has 1 s). EvoEval's evaluator is made of that one."""
REFERENCE_TIMES = 4.0
"""A call may take so many times as long as the reference's."""

# Matches the loop to the letter: one that only looks like it stays as it is.
_LOOP = re.compile(
    r"^(?P<indent> *)for i, \(inp, exp\) in enumerate\(zip\(inputs, results\)\):\n"
    r"(?P=indent)    assertion\((?P<name>\w+)\(\*inp\), exp, (?P<atol>[0-9.e-]+)\)\n*\Z",
    re.MULTILINE,
)

# The function of three problems computes what is right and asserts nothing; EvalPlus's evaluator does.
_UNASSERTED = re.compile(
    r"^def assertion\(out, exp, atol\):\n(?:(?!.*\bassert\b)(?: .*)?\n)*?"
    r"(?: +(?:el.*:\n +)?exact_match = .*\n)(?=\s*^\S)",
    re.MULTILINE,
)
_CLOSE = re.compile(r"^(?P<indent> +)(?=assert np\.allclose\((?P<out>\w+), (?P<exp>\w+),)", re.MULTILINE)


def like_evalplus(test: str) -> str:
    """Return tests in which only values of one type and shape are close, and what is compared is asserted."""
    test = _UNASSERTED.sub(r"\g<0>    assert exact_match\n", test)
    head, asserting, rest = test.partition("def assertion(")
    alike = (
        r"\g<indent>assert type(\g<out>) == type(\g<exp>) and np.shape(\g<out>) == np.shape(\g<exp>)"
        "\n\\g<indent>"
    )
    return head + asserting + _CLOSE.sub(alike, rest, count=1) if asserting else test


def without_waiting(test: str) -> str:
    """Return tests that call ahead, for `isolated` only; tests that end otherwise are returned unchanged."""
    loop_match = _LOOP.search(test, max(0, len(test) - 400))
    if loop_match is None:
        return test
    indent, name, atol = loop_match["indent"], loop_match["name"], loop_match["atol"]
    loop = (
        f"{indent}for exp, out in zip(results, {name}.each(inputs)):\n"
        f"{indent}    assertion(out, exp, {atol})\n"
    )
    return test[: loop_match.start()] + loop
