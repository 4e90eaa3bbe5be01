"""Whether tests can be judged in a process of their own: a proof from their syntax tree.

Under the judge `isolated` plain data is copied between tests and candidate. Most tests cannot tell the
difference. Some can: they look at identity, change a result, keep one over a later call, patch a module, or
read what was printed. `prove` walks through the tests statement by statement, with values that stand for what
may be there, and names the first construct that it does not know to give the same in two processes. So a
construct that nobody thought of costs isolation, and never costs a right program its verdict.

One thing is assumed: results hold no surprises that the tests do not look at. A result that is compared,
indexed or counted is taken for plain data; one whose attributes or text are read is not.

The modules of the proof; each has a class that extends the one before, and all share one state:

    holding      who may hold an object, and what may be done with it then
    names        what names stand for
    calls        what calls return
    expressions  what expressions may be
    statements   the walk from statement to statement

They use `values`, what may be at one place of the tests, and `known`, what gives the same in two processes.
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
        reason: why they need one process, in a few words; None where they exchange only plain data.
        reached: whether they use the candidate, as far as the walk came.
    """

    reason: str | None
    reached: bool


def prove(
    tree: ast.Module, names: Collection[str], classes: Collection[str] = (), compares: Collection[str] = ()
) -> Proof:
    """Return whether tests can be judged in a process of their own.

    Args:
        tree: the tests with all that they need, except for the candidate.
        names: the names by which the tests call the candidate.
        classes: those of the names that are classes; the tests may then make objects of them.
        compares: functions of the tests that are known only to compare; the walk does not enter them. Such
            tests are a family's own, and `eval` of their texts gives literals if none has a `lambda`.
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
