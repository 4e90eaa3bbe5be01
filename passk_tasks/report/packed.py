"""The programs of each problem as the page carries them: JSON, gzipped, in base64.

page.js unpacks them when a problem is opened: megabytes of code cost nothing until somebody reads them.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from passk_tasks.report.distinct import Details, Distinct
from passk_tasks.report.visible import shortened, visible
from passk_tasks.verdict import Verdict

PACKED_LIMIT = 12_000_000
"""Characters that the packed programs may take in all; beyond, some of them are left out."""

# What is kept of the programs until they fit: the model's own words beside the code, programs a problem.
_LEVELS: tuple[tuple[bool, int | None], ...] = (
    (True, None),
    (False, None),
    (False, 100),
    (False, 50),
    (False, 20),
    (False, 5),
    (False, 1),
)


def packed(details: Sequence[Details], task_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a base64 text for each problem, and notes on what is left out of them."""
    for texts, most in _LEVELS:
        chunks = [_chunk(task_id, details, texts=texts, most=most) for task_id in task_ids]
        if sum(map(len, chunks)) <= PACKED_LIMIT:
            break
    notes = []
    if not texts:
        notes.append(
            "To keep this page small, the models' texts are left out; the code found in them is here."
        )
    if most is not None:
        notes.append(f"To keep this page small, at most {most} candidates of a problem are here.")
    return chunks, notes


def _chunk(task_id: str, details: Sequence[Details], *, texts: bool, most: int | None) -> str:
    problem: dict[str, Any] = {"runs": [_of_run(task_id, of_run, texts, most) for of_run in details]}
    prompt = next((of_run.prompts[task_id] for of_run in details if task_id in of_run.prompts), None)
    if prompt is not None:
        problem["prompt"] = _shown(prompt.strip("\n"))
    # Without the time in its head: the same runs make the same page.
    raw = gzip.compress(json.dumps(problem, separators=(",", ":")).encode("ascii"), 6, mtime=0)
    return base64.b64encode(raw).decode("ascii")


def _of_run(task_id: str, details: Details, texts: bool, most: int | None) -> dict[str, Any] | None:
    programs = details.programs.get(task_id)
    if programs is None:
        return None
    kept = programs if most is None else _spread(programs, most)
    content: dict[str, Any] = {
        "distinct": len(programs),
        "candidates": [_as_dict(program, texts=texts) for program in kept],
    }
    if len(kept) < len(programs):
        content["left_out"] = len(programs) - len(kept)
    return content


def _spread(programs: Sequence[Distinct], most: int) -> list[Distinct]:
    """Return the most frequent programs, each verdict in its turn, in their order."""
    seen: Counter[Verdict] = Counter()
    turns = []
    for number, program in enumerate(programs):
        turns.append((seen[program.outcome.verdict], number))
        seen[program.outcome.verdict] += 1
    return [programs[number] for number in sorted(number for _, number in sorted(turns)[:most])]


def _as_dict(program: Distinct, *, texts: bool) -> dict[str, Any]:
    outcome = program.outcome
    content: dict[str, Any] = {
        "verdict": outcome.verdict.value,
        "detail": _shown(outcome.detail),
        "flags": [_shown(flag) for flag in outcome.flags],
        "samples": list(program.samples),
        "cpu_s": outcome.cpu_s,
        "peak_mib": outcome.peak_mib,
    }
    if outcome.base_passed is not None and not (outcome.passed and outcome.base_passed):
        content["base"] = "base tests passed" if outcome.base_passed else "base tests failed"
    if program.code is not None:
        content["code"] = _shown(program.code.strip("\n"))
    if program.text is not None and (texts or program.code is None):
        content["text"] = _shown(program.text)
    return content


def _shown(text: str) -> str:
    return visible(shortened(text))
