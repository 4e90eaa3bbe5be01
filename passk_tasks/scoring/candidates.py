"""Which candidate a sample holds: by its form, the task's extraction, and the stops it was asked for with."""

from __future__ import annotations

from collections.abc import Sequence

from passk_tasks import extraction
from passk_tasks.benchmarks import Dataset
from passk_tasks.extraction import Extraction, Strategy
from passk_tasks.problem import Problem
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample
from passk_tasks.tasks import stops
from passk_tasks.tasks.catalog import TaskSpec

EXTRACT = ("auto", "verbatim", "completion", "answer", "snippet")
"""What `extract` may be; `auto` lets each sample's form decide."""


def candidate(sample: Sample, problem: Problem, spec: TaskSpec, extract: str = "auto") -> Extraction:
    """Return the candidate in a sample: taken as it stands, or extracted from the model's text.

    Args:
        sample: what was saved.
        problem: its problem.
        spec: the task; it gives the mode for responses, and the stop sequences.
        extract: one of `EXTRACT`.
    """
    if sample.form == SOLUTION and extract in ("auto", "verbatim"):
        if not sample.text.strip():  # what EvalPlus writes where a model gave nothing
            return Extraction(None, Strategy.NONE_EMPTY.value)
        return Extraction(sample.text, Strategy.VERBATIM.value)
    mode, own = _mode(sample, spec, extract), spec.settings.extraction
    return extraction.extract(
        sample.text,
        mode=mode,
        # A snippet goes into a program of the tests, whose prompt is prose.
        prompt="" if mode == "verbatim" and own == "snippet" else problem.prompt,
        entry_point=problem.entry_point,
        suffix=problem.suffix,
        also=problem.functions,
        stops=_stops(sample, problem, spec, mode)[1],
    )


def _mode(sample: Sample, spec: TaskSpec, extract: str) -> str:
    own = spec.settings.extraction
    if extract != "auto":
        return extract
    if sample.form == SOLUTION:
        return "verbatim"
    return "verbatim" if sample.form == COMPLETION and own != "snippet" else own


def _stops(
    sample: Sample, problem: Problem, spec: TaskSpec, mode: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stops that a text was asked for with, and those of them at which it ends."""
    recorded = sample.stops is not None
    given = sample.stops if sample.stops is not None else spec.until
    asked = sample.asked if recorded else spec.asked or spec.settings.extraction
    return given, stops.applied(given, problem.entry_point, mode, asked)


def extract_as_set(samples: Sequence[Sample], spec: TaskSpec, extract: str) -> str:
    """Return how code is to be found where the user names the setting `extraction`: so in every form.

    Solutions cannot continue a prompt; they stay as they are where that is what the setting says.
    """
    own, forms = spec.settings.extraction, {sample.form for sample in samples}
    follow = extract == "auto" and own in EXTRACT and forms != {RESPONSE}
    return own if follow and (own != "completion" or SOLUTION not in forms) else extract


def verbatim_warning(samples: Sequence[Sample], spec: TaskSpec, extract: str) -> str | None:
    """Return what to say where completions are taken as they are though the task asks for answers."""
    count = sum(sample.form == COMPLETION for sample in samples)
    if not count or extract != "auto" or spec.settings.extraction != stops.ANSWER:
        return None
    return (
        f"{count} completions are appended to their prompts as they stand, though {spec.name} asks for "
        "answers of chat models: --extract answer looks for the code in them"
    )


def cut_warning(
    samples: Sequence[Sample], spec: TaskSpec, dataset: Dataset, extract: str = "auto"
) -> str | None:
    """Return what to say where texts were asked for with stops that do not go with how they are read."""
    unlike: dict[str, None] = {}
    count = 0
    for sample in samples:
        mode = _mode(sample, spec, extract)
        if mode == "verbatim" or sample.stops is None:
            continue
        given, applied = _stops(sample, dataset.problems[sample.task_id], spec, mode)
        unlike.update(dict.fromkeys(stop for stop in given if stop not in applied))
        count += given != applied
    if not count:
        return None
    return (
        f"{count} samples were asked for with stop sequences that also stand within what they are read as "
        f"({', '.join(map(repr, unlike))}): no text is cut at those here, and what a server cut off at them "
        "is missing"
    )
