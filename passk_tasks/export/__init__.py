"""The files that leaderboards and other tools accept, made from stored runs. Nothing is uploaded or executed.

    StoredRun -> source.load -> Source -> Format.missing: refused with all of it -> Format.files

source.py           outcomes, texts and problems joined; a candidate that is not proved is refused
base.py             what a format has to say of itself, what receivers demand
human_eval.py       OpenAI human-eval           evalplus.py     EvalPlus
bigcode.py          BigCode models leaderboard  bigcodebench.py BigCodeBench
livecodebench.py    LiveCodeBench               multipl_e.py    MultiPL-E
huggingface.py      .eval_results and model-index
every_eval_ever.py  Every Eval Ever             inspect_log.py  Inspect
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from passk_tasks.errors import ExportError, PasskError, UsageError, check_name
from passk_tasks.export import source as source_module
from passk_tasks.export.base import Details, Format, conditions, interval
from passk_tasks.export.bigcode import BigCode
from passk_tasks.export.bigcodebench import BigCodeBench
from passk_tasks.export.evalplus import EvalPlus
from passk_tasks.export.every_eval_ever import EveryEvalEver
from passk_tasks.export.huggingface import EvalResults, ModelIndex
from passk_tasks.export.human_eval import HumanEvalSamples
from passk_tasks.export.inspect_log import InspectLog
from passk_tasks.export.livecodebench import LiveCodeBench
from passk_tasks.export.multipl_e import MultiPLE
from passk_tasks.results import store
from passk_tasks.results.model import StoredRun

__all__ = ["FORMATS", "Details", "Exported", "Format", "export"]

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        HumanEvalSamples(),
        EvalPlus(),
        BigCode(),
        BigCodeBench(),
        LiveCodeBench(),
        MultiPLE(),
        EvalResults(),
        ModelIndex(),
        EveryEvalEver(),
        InspectLog(),
    )
}
"""By the name that `--format` takes."""


@dataclass(frozen=True)
class Exported:
    """What an export left.

    Attributes:
        format: its name.
        files: that were written.
        scores: of each run, each metric with its uncertainty in words.
        conditions: of each run, in words.
        note: how to submit the files, and what to know before.
    """

    format: str
    files: tuple[Path, ...]
    scores: tuple[dict[str, str], ...]
    conditions: tuple[str, ...]
    note: str

    def as_dict(self) -> dict[str, object]:
        """Return it as `passk export --json` prints it."""
        return {
            "format": self.format,
            "files": [str(path) for path in self.files],
            "scores": list(self.scores),
            "conditions": list(self.conditions),
            "note": self.note,
        }


def export(
    stored: Sequence[StoredRun],
    name: str,
    folder: str | os.PathLike[str],
    details: Details | None = None,
    *,
    samples: Iterable[str | os.PathLike[str]] | None = None,
    data_files: str | None = None,
) -> Exported:
    """Write the files of a format, as `api.export_runs` says; those of an earlier export are replaced."""
    check_name("format", name, FORMATS)
    folder = store.path_of(folder)
    chosen, details = FORMATS[name], details or Details()
    if len(stored) != 1 and not (chosen.several and stored):
        named = "".join(f"\n  {run.path} ({run.task})" for run in stored)
        raise UsageError(f"the format {name} takes one run, not {len(stored)}; name one, or --task:{named}")
    sources = [
        source_module.load(run, candidates=chosen.candidates, texts=samples, data_files=data_files)
        for run in stored
    ]
    where = f"{', '.join(str(run.path) for run in stored)} as {name}"
    missing = list(dict.fromkeys(chosen.missing(sources, details)))
    if missing:
        raise ExportError(where, missing)
    content = chosen.files(sources, details)
    outside = [relative for relative in content if not _is_inside(folder, relative)]
    if outside:
        wanted = f"files inside --out: {outside[0]!r}, which a problem's row names, lies elsewhere"
        raise ExportError(where, [wanted])
    written = []
    try:
        for relative, data in content.items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            store.replace(path, [data])
            written.append(path)
    except OSError as error:
        raise PasskError(f"{folder}: the export cannot be written: {error.strerror or error}") from error
    return Exported(
        format=name,
        files=tuple(written),
        scores=tuple(
            {metric: interval(score) for metric, score in source.run.metrics.items()} for source in sources
        ),
        conditions=tuple(map(conditions, sources)),
        note=chosen.note(sources, details),
    )


def _is_inside(folder: Path, relative: str) -> bool:
    """Whether a file lies below a folder, wherever links lead."""
    root = os.path.realpath(folder)
    try:
        path = os.path.realpath(os.path.join(root, relative))  # noqa: PTH118  pathlib refuses loops of links
    except ValueError:  # a null byte
        return False
    return path.startswith(os.path.join(root, ""))  # noqa: PTH118
