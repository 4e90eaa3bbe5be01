"""One self-contained HTML page about a run or several, and its figures for a notebook.

    runs -> distinct         every program that was executed, proved by its hash
         -> figures          matplotlib -> svg, coloured by the page's own style sheet
         -> data, packed     what stands in the page: tables, and the programs as embedded JSON, `marked`
         -> page             page.html.j2 with page.css and script/*.js in it

`visible` stands between all text and the page: what a model wrote is hostile. Needs the extra
`passk-tasks[report]`; importing it without is a `UsageError` that says so.
"""

from __future__ import annotations

from passk_tasks.report.figures import costs, curves, differences, resources, verdicts
from passk_tasks.report.page import build

__all__ = ["build", "costs", "curves", "differences", "resources", "verdicts"]
