"""What came of one sample: a record, and its line of `outcomes.jsonl`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from passk_tasks.extraction import Extraction
from passk_tasks.languages import LANGUAGES
from passk_tasks.program import Judge
from passk_tasks.results.samples import Sample
from passk_tasks.verdict import Outcome, Verdict

_LACKS_IN_PYTHON = re.compile(r"(?:\A|: )ModuleNotFoundError: No module named '(\w+)")
_LACKS_ELSEWHERE = re.compile(
    "|".join({language.absent for language in LANGUAGES.values()} - {""}), re.MULTILINE
)


class Kind(NamedTuple):
    """What of a sample counts in a run's numbers besides its text and its cost; few samples differ in it."""

    task_id: str
    form: str
    strategy: str
    verdict: Verdict
    flags: tuple[str, ...]
    unfinished: str | None
    limit_hit: bool | None
    lacks: str = ""  # the module whose import, or the library whose absence, ended it

    @property
    def cut_off(self) -> bool:
        """Whether the answer shows a sign of having been cut off."""
        return self.unfinished is not None or bool(self.limit_hit)


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one sample.

    Attributes:
        sample: as it was saved.
        extraction: the candidate found in it, and how.
        program_sha256: hash of what was executed; equal hashes were executed once.
        cluster: what its problem shares with others.
        unfinished: what never ended in it, `reasoning` or `fence`.
        left_out: whether the benchmark's own program leaves the answer out of n.
        share: of the cases, or of the tests as a whole, that hold; None where not asked for, or not known.
    """

    sample: Sample
    extraction: Extraction
    outcome: Outcome
    program_sha256: str
    cluster: str | None = None
    unfinished: str | None = None
    left_out: bool = False
    share: float | None = None

    @property
    def kind(self) -> Kind:
        """What of the sample counts in a run's numbers."""
        sample, outcome, spent = self.sample, self.outcome, self.sample.spent
        strategy = self.extraction.strategy
        limit_hit = None if spent is None else spent.limit_hit
        lacking = None
        if outcome.judge == Judge.COMMAND.value and outcome.verdict in (Verdict.ERROR, Verdict.SYNTAX_ERROR):
            lacking = _LACKS_ELSEWHERE.search(outcome.detail)
        elif outcome.verdict is Verdict.ERROR:
            lacking = _LACKS_IN_PYTHON.search(outcome.detail)
        return Kind(
            task_id=sample.task_id,
            form=sample.form,
            strategy=strategy,
            verdict=outcome.verdict,
            flags=outcome.flags,
            unfinished=self.unfinished,
            limit_hit=limit_hit,
            lacks=next(filter(None, lacking.groups())) if lacking else "",
        )

    def as_dict(self) -> dict[str, object]:
        """Return the sample's line of `outcomes.jsonl`; its last seven keys where they say something."""
        outcome = self.outcome
        line: dict[str, object] = {
            "task_id": self.sample.task_id,
            "sample": self.sample.index,
            "verdict": outcome.verdict.value,
            "detail": outcome.detail,
            "extraction": self.extraction.strategy,
            "judge": outcome.judge,
            "cpu_s": outcome.cpu_s,
            "wall_s": outcome.wall_s,
            "peak_mib": outcome.peak_mib,
            "program_sha256": self.program_sha256,
        }
        if outcome.base_passed is not None:
            line["base_passed"] = outcome.base_passed
        if outcome.actual:
            line["actual"] = outcome.actual
        if outcome.flags:
            line["flags"] = list(outcome.flags)
        if self.cluster is not None:
            line["cluster"] = self.cluster
        if self.left_out:
            line["left_out"] = True
        if self.share is not None:
            line["share"] = self.share
        if self.unfinished is not None:
            line["unfinished"] = self.unfinished
        if self.sample.spent is not None:
            line["spent"] = self.sample.spent.as_dict()
        return line
