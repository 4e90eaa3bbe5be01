"""EvoEval (Xia et al., 2024, arXiv:2403.19114): HumanEval's problems, evolved in seven ways.

Each subset is a repository of its own, `evoeval/EvoEval_<subset>`, in HumanEval's columns: one file, whose
commit is fixed where the hub's pages are on public record. Elsewhere what the hub has that day is read, and
the source names the commit.
"""

from __future__ import annotations

from typing import ClassVar

from passk_tasks.benchmarks.evalplus import WHOLE_TIMES
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.tasks.settings import Settings


class EvoEval(HumanEval):
    """What the subsets share."""

    hidden: ClassVar[tuple[str, ...]] = ("evoeval",)
    hub_name: ClassVar[str | None] = None
    numbered: ClassVar[str] = "EvoEval/{}"
    sha256: ClassVar[str | None] = None
    compares: ClassVar[tuple[str, ...]] = ("is_equal",)
    whole_times: ClassVar[float | None] = WHOLE_TIMES

    def __init_subclass__(cls, subset: str, commit: str | None, count: int) -> None:
        cls.name = f"evoeval_{subset}"
        cls.hub_path = f"evoeval/EvoEval_{subset}"
        cls.hub_revision, cls.count = commit, count

    def files(self, settings: Settings) -> tuple[str, ...]:  # noqa: ARG002
        """Return the subset's only file."""
        return (f"{self.split}.jsonl",)


_COMMITS = {
    "creative": "18da99f1c8aad4636fe5d6f8d6a1e9388583015b",
    "subtle": "b1d6d9da3220957e7d299b0fc90189babb45ce88",
    "combine": "f58d1bc4e17e83125c108b8a1d071b7fbf639990",
}
_COUNTS = {"verbose": 164, "concise": 164}

# More constraints; a more unusual story; a small change; two problems in one; helpers in the prompt to build
# on; and HumanEval's own problems in more and in fewer words.
SUBSETS: tuple[type[EvoEval], ...] = tuple(
    type(
        f"EvoEval_{name}",
        (EvoEval,),
        {},
        subset=name,
        commit=_COMMITS.get(name),
        count=_COUNTS.get(name, 100),
    )
    for name in ("difficult", "creative", "subtle", "combine", "tool_use", "verbose", "concise")
)
