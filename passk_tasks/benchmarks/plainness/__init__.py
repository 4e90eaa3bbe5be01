"""Whether tests can be judged in a process of their own: a proof from their syntax tree.

Under the judge `isolated` plain data crosses between tests and candidate, copied. Most tests cannot tell;
some can: they look at identity, change a result, keep one over a later call, patch a module, read what was
printed. `prove` follows the tests statement by statement with values that stand for what may be there, and
names the first thing of which it does not know that it comes out the same on either side. What it does not
know is a reason, so that a construct nobody has thought of costs isolation, and never a right program its
verdict.

What is taken for granted: a result has no surprises beyond what the tests use of it. A result that is
compared, indexed or counted is taken for plain data; one whose attributes or text are looked at is not.

The way of the proof, each a class over the one before it, with one state:

    holding      who may hold an object, and what may be done with it then
    names        what names stand for
    calls        what calls give
    expressions  what expressions may be
    statements   the walk from statement to statement

over `values`, what may be at a place of the tests, and `known`, what is known to come out the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass

from passk_tasks.benchmarks.plainness.holding import Needs
from passk_tasks.benchmarks.plainness.statements import Walk

__all__ = ["Proof", "prove"]


@dataclass(frozen=True)
class Proof:
    """What is known of tests.

    Attributes:
        reason: why they need one process, a few words; None where plain data is all that crosses.
        reached: they use the candidate at all, as far as they were followed.
    """

    reason: str | None
    reached: bool


def prove(
    tree: ast.Module, names: Collection[str], classes: Collection[str] = (), compares: Collection[str] = ()
) -> Proof:
    """Return whether tests can be judged in a process of their own.

    Args:
        tree: the tests with all that they need, but for the candidate.
        names: those by which the tests call the candidate.
        classes: those of them that are classes, of which the tests then make objects.
        compares: functions of the tests that are known to do nothing but compare, and are not looked through.
            The tests are then a family's own, whose texts hold literals where they hold no `lambda`.
    """
    walk = Walk(names, classes, compares)
    code = re.compile("lambda" if compares else r"lambda|\w\s*\(|__")
    walk.plain_texts = not any(
        isinstance(part, ast.Constant) and type(part.value) is str and code.search(part.value)
        for part in ast.walk(tree)
    )
    try:
        walk.block(tree.body, walk.module)
    except Needs as needs:
        return Proof(str(needs), walk.reached)
    except RecursionError:
        return Proof("nests too deep to be looked through", walk.reached)
    return Proof(None, walk.reached)
