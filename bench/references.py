"""The table of docs/judges.md about reference solutions, from what `passk audit` judged.

    for task in …; do passk audit $task --references --json > audits/$task.json; done
    python bench/references.py audits/*.json

replaces what stands between the two markers in docs/judges.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "judges.md"
BEGIN, END = "<!-- bench/references.py: begin -->\n", "<!-- bench/references.py: end -->\n"
HEAD = ["| set | problems | judged | pass | do not pass | seconds |", "|---|---|---|---|---|---|"]


def row(audit: dict[str, Any]) -> str:
    """Return the line of one audit."""
    judged = sum(problem["reference"] is not None for problem in audit["by_problem"])
    failing = [name.rpartition("/")[2] for name in audit["references_failing"]]
    numbers = (f"{number:,}" for number in (audit["problems_total"], judged, judged - len(failing)))
    seconds = "resumed" if audit["kept"] else f"{audit['seconds']:,.0f}"
    cells = (audit["task"], *numbers, ", ".join(failing) or "–", seconds)
    return f"| {' | '.join(cells)} |"


def versions(audits: list[dict[str, Any]]) -> list[str]:
    """Return with what, and when, the references were judged: a line for each of Python's versions."""
    lines = {}
    for audit in audits:
        found = dict(audit["versions"])
        date, own, python = (found.pop(name) for name in ("date", "passk_tasks", "python"))
        tasks, libraries = lines.setdefault((python, date, own), ([], {}))
        tasks.append(audit["task"])
        libraries |= found
    return [
        f"{', '.join(tasks)}: judged on {date}, with passk_tasks {own}, "
        + ", ".join(f"{name} {version}" for name, version in {"python": python, **libraries}.items())
        + "."
        for (python, date, own), (tasks, libraries) in lines.items()
    ]


def main() -> None:
    """Write the table into the document."""
    audits = [json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:]]
    audits.sort(key=lambda audit: audit["task"])
    table = "\n".join([*HEAD, *map(row, audits), "", "\n\n".join(versions(audits))])
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
