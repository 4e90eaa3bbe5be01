"""What people call a stored run, written into its results file: a label, a note, tags.

They stand among the run's settings, where `metadata.passk.label` and `--label` put them. Nothing else of the
file changes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from passk_tasks.errors import PasskError, SamplesError, UsageError
from passk_tasks.results import store
from passk_tasks.results.model import StoredRun
from passk_tasks.tasks.settings import OF_PEOPLE, Settings


def relabel(
    runs: Sequence[StoredRun],
    *,
    label: str | None = None,
    note: str | None = None,
    tags: Sequence[str] = (),
    without: Sequence[str] = (),
) -> list[StoredRun]:
    """Write what people call runs into their results files, as `api.label_runs` says."""
    if label and len({run.path for run in runs}) > 1:
        raise UsageError(
            f"a label is of one run, and these are {len(runs)}, {runs[0].path} and {runs[1].path} among "
            "them; name one, or mark them all with --tag"
        )
    changed = []
    for run in runs:
        kept = [tag for tag in (*run.tags, *tags) if tag not in without]
        given = {"label": run.label if label is None else label, "note": run.note if note is None else note}
        said = Settings.parse({**given, "tags": kept}, where=str(run.path)).as_dict()
        settings = {name: value for name, value in run.settings.items() if name not in OF_PEOPLE}
        changed.append(replace(run, settings={**settings, **{k: said[k] for k in OF_PEOPLE if k in said}}))
    for run in changed:
        _write(run)
    return changed


def _write(run: StoredRun) -> None:
    try:
        content: dict[str, Any] = json.loads(run.path.read_bytes())
        lm_eval = "configs" in content
        summary = content["configs"][run.task]["metadata"]["passk_results"] if lm_eval else content
        summary["settings"] = dict(run.settings)
        # As the one who wrote the file writes it.
        text = json.dumps(content, indent=2, ensure_ascii=False) if lm_eval else f"{store.dumps(content)}\n"
        store.replace(run.path, [text.encode("utf-8", "surrogatepass")])
    except OSError as error:
        raise PasskError(f"{run.path}: cannot be written: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SamplesError(f"{run.path}: it has changed since it was read: {error}") from error
