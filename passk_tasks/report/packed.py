r"""The programs of each problem as the page carries them: JSON, gzipped, in base64.

script/table.js unpacks them when a problem is opened: megabytes of code cost nothing until somebody reads it.
The object of a problem; what is not known is left out, and all code is `marked`:

    {"prompt": code, "tests": code, "reference": code,
     "sent": [[[run, …], text], …]                  the prompt as it went to these runs
     "runs": [null, or
       {"distinct": how many there are, "left_out": how many of them are not here,
        "candidates": [{"verdict", "detail", "flags", "samples", "cpu_s", "peak_mib", "base",
                        "code": code, "text": what the model wrote beyond it,
                        "expected": the right side of a failed assertion, "actual": what came}, …]}, …]}

`grid` packs the verdict of every sample alike.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Sequence
from typing import Any

from passk_tasks.extraction.syntax import sides
from passk_tasks.report.distinct import Details, Distinct, Shown, spread
from passk_tasks.report.marked import marked
from passk_tasks.report.visible import shortened, visible
from passk_tasks.results.model import Run
from passk_tasks.verdict import Verdict

PACKED_LIMIT = 8_500_000
"""Characters that the packed programs may take in all; beyond, some of them are left out."""

MOST_CANDIDATES = 18_000
"""Programs that a page shows in all, so that it is built within seconds."""

_TESTS = 6_000  # characters of tests that are shown
_LETTERS = {verdict: chr(ord("a") + number) for number, verdict in enumerate(Verdict)}

# What is kept of the programs until they fit: the model's own words beside the code, programs a problem.
_LEVELS: tuple[tuple[bool, float], ...] = (
    (True, 1.0),
    (False, 1.0),
    (False, 0.6),
    (False, 0.3),
    (False, 0.1),
    (False, 0.0),
)


def packed(details: Sequence[Details], task_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a base64 text for each problem, and notes on what is left out of them."""
    for texts, share in _LEVELS:
        chunks = [_chunk(task_id, details, texts=texts, share=share) for task_id in task_ids]
        if sum(map(len, chunks)) <= PACKED_LIMIT:
            break
    notes = []
    if not texts:
        notes.append(
            "To keep this page small, the models' texts are left out; the code found in them is here."
        )
    counted = [
        (of_run.distinct[task_id], _kept(of_run.programs[task_id], share))
        for of_run in details
        for task_id in of_run.programs
    ]
    left_out = sum(all_of_it - kept for all_of_it, kept in counted)
    if left_out:
        shown = sum(kept for _, kept in counted)
        notes.append(
            f"To keep this page small, {shown:,} of {shown + left_out:,} distinct candidates are here: of "
            "each problem the most frequent of each verdict."
        )
    return chunks, notes


def grid(runs: Sequence[Run], task_ids: Sequence[str]) -> str:
    """Return the verdict of every sample, packed.

    {"verdicts": {letter: verdict}, "runs": [[a letter a sample, for each problem in turn], …]}
    """
    columns = [
        ["".join(_LETTERS[one.verdict] for one in run.outcomes.get(task_id, ())) for task_id in task_ids]
        for run in runs
    ]
    verdicts = {letter: verdict.value for verdict, letter in _LETTERS.items()}
    return _packed({"verdicts": verdicts, "runs": columns})


def _packed(content: object) -> str:
    # Without the time in its head: the same runs make the same page.
    raw = gzip.compress(json.dumps(content, separators=(",", ":")).encode("ascii"), 6, mtime=0)
    return base64.b64encode(raw).decode("ascii")


def _chunk(task_id: str, details: Sequence[Details], *, texts: bool, share: float) -> str:
    known = next((of_run.problems[task_id] for of_run in details if task_id in of_run.problems), None)
    language = None if known is None else known.language
    content: dict[str, Any] = {} if known is None else _problem(known)
    sent: dict[str, list[int]] = {}
    for number, of_run in enumerate(details):
        if task_id in of_run.sent:
            sent.setdefault(_shown(of_run.sent[task_id]), []).append(number)
    if sent:
        content["sent"] = [[numbers, text] for text, numbers in sent.items()]
    content["runs"] = [_of_run(task_id, of_run, language, texts, share) for of_run in details]
    return _packed(content)


def _problem(known: Shown) -> dict[str, Any]:
    content = {
        "prompt": marked(_shown(known.prompt.strip("\n")), known.language),
        "tests": marked(visible(shortened(known.tests.strip("\n"), whole=_TESTS)), known.language),
    }
    if known.reference is not None:
        content["reference"] = marked(_shown(known.reference), known.language)
    return content


def _of_run(
    task_id: str, details: Details, language: str | None, texts: bool, share: float
) -> dict[str, Any] | None:
    programs = details.programs.get(task_id)
    if programs is None:
        return None
    outcomes = [program.outcome for program in programs]
    kept = [programs[place] for place in spread(outcomes, _kept(programs, share))]
    distinct = details.distinct[task_id]
    content: dict[str, Any] = {
        "distinct": distinct,
        "candidates": [_as_dict(program, language, texts=texts) for program in kept],
    }
    if len(kept) < distinct:
        content["left_out"] = distinct - len(kept)
    return content


def _kept(programs: Sequence[Distinct], share: float) -> int:
    return min(len(programs), max(1, round(share * len(programs))))


def _as_dict(program: Distinct, language: str | None, *, texts: bool) -> dict[str, Any]:
    outcome = program.outcome
    content: dict[str, Any] = {
        "verdict": outcome.verdict.value,
        "detail": _shown(outcome.detail),
        "flags": [_shown(flag) for flag in outcome.flags],
        "samples": list(program.samples),
        "cpu_s": round(outcome.cpu_s, 4),
        "peak_mib": round(outcome.peak_mib, 1),
    }
    if outcome.base_passed is not None and not (outcome.passed and outcome.base_passed):
        content["base"] = "base tests passed" if outcome.base_passed else "base tests failed"
    if outcome.actual:
        content["actual"] = _shown(outcome.actual)
        if (expected := _expected(outcome.detail)) is not None:
            content["expected"] = expected
    if program.code is not None:
        content["code"] = _code(program.code, language)
    if program.text is not None and (texts or program.code is None):
        content["text"] = _shown(program.text)
    return content


@functools.lru_cache(maxsize=4096)  # runs that are compared have many programs in common
def _code(code: str, language: str | None) -> str:
    return marked(_shown(code), language)


@functools.lru_cache(maxsize=4096)
def _expected(detail: str) -> str | None:
    """Return what an assertion of equality expects, as source; None where it is another one."""
    compared = sides(detail)
    return None if compared is None else _shown(compared[1])


def _shown(text: str) -> str:
    return visible(shortened(text))
