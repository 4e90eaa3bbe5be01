"""Small mistakes made in a right program by its text, for languages whose parser is not at hand.

As `mutations`, which works on syntax trees of Python: each mutant differs from the program in one place,
comments and strings stay as they are, and only the order is random.
"""

from __future__ import annotations

import random
import re

from passk_tasks.audit.mutations import Mutant

# Operators with a space on both sides, since `<` without may open type parameters.
_SWAPS = {
    "comparison": {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "===": "!=="},
    "arithmetic": {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/"},
    "logic": {"&&": "||", "||": "&&"},
}
_OPERATOR = re.compile(r"(?<= )(?:[<>]=?|[!=]==?|&&|\|\||[-+*/%])(?= )")
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_WORD = re.compile(r"(?<![\w.])(?:true|false)(?!\w)")
_NEGATED = {"true": "false", "false": "true"}


def mutants(source: str, code: str, start: int, *, limit: int, seed: int) -> list[Mutant]:
    """Return at most so many programs with one mistake each, without repetition; `seed` draws them.

    `code` is `source` with spaces for what holds no code; what stands before `start` stays.
    """
    changes: list[tuple[int, int, str, str]] = []
    for match in _OPERATOR.finditer(code, start):
        changes += [
            (*match.span(), swaps[match.group()], operator)
            for operator, swaps in _SWAPS.items()
            if match.group() in swaps
        ]
    for match in _NUMBER.finditer(code, start):
        changes.append((*match.span(), str(int(match.group()) + 1), "constant"))
        if int(match.group()):
            changes.append((*match.span(), str(int(match.group()) - 1), "constant"))
    for match in _WORD.finditer(code, start):
        changes.append((*match.span(), _NEGATED[match.group()], "constant"))
    random.Random(seed).shuffle(changes)
    return [
        Mutant(source[:begin] + new + source[end:], operator, source.count("\n", 0, begin) + 1)
        for begin, end, new, operator in changes[:limit]
    ]
