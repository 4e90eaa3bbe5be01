"""HumanEval infilling (Bavarian et al., 2022, arXiv:2207.14255): HumanEval's solutions with a gap to fill.

The rows are those of openai/human-eval-infilling. The hub's `loubnabnl/humaneval_infilling` has a dataset
script, which `datasets` does not run any more, so the hub's own conversion to Parquet is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from passk_tasks import extraction
from passk_tasks.benchmarks import hub
from passk_tasks.benchmarks.base import text
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.problem import Problem
from passk_tasks.tasks import fim
from passk_tasks.tasks.settings import Settings

_FUNCTION = re.compile(r"HumanEval/[0-9]+")  # in `SingleLineInfilling/HumanEval/0/L3`


class Infilling(HumanEval):
    """What the subsets share. A candidate is the prefix, the middle and the suffix, one after the other."""

    hidden: ClassVar[tuple[str, ...]] = ("human_eval_infilling",)
    hub_path: ClassVar[str] = "loubnabnl/humaneval_infilling"
    numbered: ClassVar[str] = ""  # each problem of HumanEval has many gaps, so a number names none
    hub_revision: ClassVar[str | None] = hub.CONVERTED
    columns: ClassVar[tuple[str, ...]] = (
        "task_id",
        "entry_point",
        "prompt",
        "suffix",
        "canonical_solution",
        "test",
    )
    sha256: ClassVar[str | None] = None
    fills_gaps: ClassVar[bool] = True

    def __init_subclass__(cls, subset: str, count: int, authors_sha256: str) -> None:
        cls.name = f"humaneval_infilling_{subset}"
        words = subset.replace("_light", "").title().replace("_", "")
        cls.hub_name = f"HumanEval-{words}Infilling{'Light' * subset.endswith('_light')}"
        cls.count, cls.authors_sha256 = count, authors_sha256

    def files(self, settings: Settings) -> tuple[str, ...] | None:  # noqa: ARG002
        """Return the converted files of the subset."""
        return (f"{self.hub_name}/{self.split}/*.parquet",)

    def problem(self, row: Mapping[str, object]) -> Problem:
        """Return the problem of a row; gaps of one function are a cluster."""
        problem = super().problem(row)
        function = _FUNCTION.search(problem.task_id)
        return replace(problem, cluster=function[0] if function else None)

    def request(self, row: Mapping[str, object], settings: Settings) -> str | None:
        """Return prefix and suffix in the template of the setting `fim`."""
        prefix, suffix = (text(row, column, self.columns) for column in ("prompt", "suffix"))
        return settings.fim and fim.template(settings.fim).render(prefix, suffix)

    def context(self, problem: Problem) -> str:
        """Return the imports and helpers; of the whole function, since a prefix may end within a line."""
        return extraction.context(self.canonical(problem) or problem.prompt, problem.entry_point)

    def canonical(self, problem: Problem) -> str | None:
        """Return the whole function."""
        above = super().canonical(problem)
        return None if above is None or problem.suffix is None else above + problem.suffix


# A line of the solution; some lines; a span of characters, ten a problem; one a problem. The hashes are of
# data/ in openai/human-eval-infilling.
_SUBSETS = {
    "single_line": (1033, "b8fd535e01b1634abd3606d4aa83a4a69fbad2f7efe236b62abfa233a423430f"),
    "multi_line": (5815, "e70156f037fe55e67bee7e532745e3ffd3b48aef1fe375f48f71ccc2d92762a1"),
    "random_span": (1640, "116b0ecbe79f4121c4a30020e738efb53e88304fe9cb6b0ce30241161f04abe2"),
    "random_span_light": (164, "d2add9ac3646adb1a085b59c017937359cb27232b76663fa4a594f94451748ad"),
}
SUBSETS: tuple[type[Infilling], ...] = tuple(
    type(f"Infilling_{name}", (Infilling,), {}, subset=name, count=count, authors_sha256=sha256)
    for name, (count, sha256) in _SUBSETS.items()
)
