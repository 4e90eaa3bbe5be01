"""Stored runs in a notebook: a table in HTML, a frame of pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from passk_tasks.errors import UsageError
from passk_tasks.results.spent import Spent
from passk_tasks.verdict import Outcome


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *before: str) -> str:
    """Return an HTML table below paragraphs of text; all of it is escaped."""
    cells = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    said = "".join(f"<p>{escape(text)}</p>" for text in before)
    return f"{said}<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"


def frame(
    outcomes: Mapping[str, Sequence[Outcome]],
    programs: Mapping[str, Sequence[str]],
    spent: Mapping[str, Sequence[Spent | None]],
) -> Any:
    """Return a pandas `DataFrame` with a row a sample, see `Run.to_frame`.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UsageError(f"a frame needs pandas ({error}): pip install 'passk-tasks[notebook]'") from None
    rows = []
    for task_id, of_problem in outcomes.items():
        hashes, took_all = programs.get(task_id, ()), spent.get(task_id, ())
        for number, outcome in enumerate(of_problem):
            took = took_all[number] if number < len(took_all) else None
            rows.append(
                {
                    "task_id": task_id,
                    "sample": number,
                    "verdict": outcome.verdict.value,
                    "passed": outcome.passed,
                    "base_passed": outcome.base_passed,
                    "detail": outcome.detail,
                    "judge": outcome.judge,
                    "flags": ", ".join(outcome.flags),
                    "cpu_s": outcome.cpu_s,
                    "wall_s": outcome.wall_s,
                    "peak_mib": outcome.peak_mib,
                    "program_sha256": hashes[number] if number < len(hashes) else "",
                    "tokens_in": None if took is None else took.tokens_in,
                    "tokens_out": None if took is None else took.tokens_out,
                    "limit_hit": None if took is None else took.limit_hit,
                }
            )
    return pandas.DataFrame(rows)
