"""What was sent to models, and under which conditions: of one run, and what differs between several."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from passk_tasks.results import names
from passk_tasks.results.conditions import NONE
from passk_tasks.results.differing import ABSENT, TEXTS, Condition
from passk_tasks.results.model import Run, StoredRun
from passk_tasks.text.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page

_BESIDE = 3  # most runs whose values stand in columns
_PARTS = 4  # most parts of one condition that are listed: packages
_LINES = 14  # most lines of one difference
NAMES = {
    "prompt": "prompt",
    "system_instruction": "system instruction",
    "chat_template": "chat template",
    "stops": "stop list",
}


def head(
    page: Page,
    runs: Sequence[StoredRun],
    called: Sequence[str],
    letters: Sequence[str],
    problems: int,
    left_out: int,
) -> None:
    """Add how much is compared, and what each run is called, when it was and where it is."""
    without = f"; {left_out} that some run lacks are left out" if left_out else ""
    page.line(f"{len(runs)} runs over {problems} problems{without}", BOLD)
    page.line()
    rows = list(zip(letters, called, names.dates(runs), names.places(runs), strict=True))
    page.table(("", "run", "date", "results"), rows, "llll")


def differing(
    page: Page,
    conditions: Sequence[Condition],
    unrecorded: Sequence[str],
    letters: Sequence[str],
    *,
    everything: bool = False,
) -> None:
    """Add what differs between runs: a row a condition, and the lines that differ in texts.

    With `everything` all parts of all conditions and all lines.
    """
    shown = list(conditions) if everything else first_parts(conditions)
    if not conditions:
        page.line("  every condition that all runs recorded is the same")
    elif len(letters) <= _BESIDE:
        rows = [(condition.name, *condition.shown()) for condition in shown]
        styles = [RED if condition.unlike else YELLOW for condition in shown]
        page.table(("differs", *letters), rows, "l" * (1 + len(letters)), styles=styles)
    else:
        page.line("  what differs", BOLD)
        page.facts([(condition.name, by_value(condition, letters)) for condition in shown])
    if more := len(conditions) - len(shown):
        page.line(f"  … and {more} more packages or arguments: --all", DIM)
    if unrecorded:
        page.text(f"not recorded by all: {', '.join(unrecorded)}", DIM)
    page.line()
    for title, lines in texts(conditions, letters):
        page.line(f"  {title}", BOLD)
        for mark, line in lines if everything else lines[:_LINES]:
            page.verbatim(line, {"-": RED, "+": GREEN}.get(mark, DIM), mark=f"{mark} ")
        if not everything and len(lines) > _LINES:
            page.line(f"  … and {len(lines) - _LINES} more lines: --all", DIM)
        page.line()


def texts(
    conditions: Sequence[Condition], letters: Sequence[str]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield how each text differs from the one that most runs have: a title, and `changed_lines`."""
    for condition in conditions:
        groups = [(value, runs) for value, runs in condition.groups if value is not None]
        if condition.name not in NAMES or len(groups) < 2:
            continue
        usual, most = max(groups, key=lambda group: len(group[1]))
        for value, runs in groups:
            if value == usual:
                continue
            others = len(most) > 1 and len(most) + len(runs) == len(letters)
            minus, plus = (", ".join(letters[i] for i in of) for of in (most, runs))
            before, after = map(_lines, (usual, value))
            lines = [pair for pair in changed_lines(before, after) if pair not in (("-", ""), ("+", ""))]
            yield f"{NAMES[condition.name]}: - {'others' if others else minus}, + {plus}", lines


def _lines(value: object) -> str:
    """Return a text, or a list as one with an item a line; empty for what is not there."""
    if isinstance(value, (list, tuple)):
        return "\n".join(json.dumps(item, ensure_ascii=False) for item in value)
    return "" if value in (NONE, ABSENT) else str(value)


def changed_lines(before: str, after: str, around: int = 1) -> Iterator[tuple[str, str]]:
    """Yield the lines that differ between two texts, each behind its mark: `-`, `+`, or a blank for both.

    Lines that neither changed nor stand beside one that did are left out; `…` marks the place.
    """
    old, new = before.split("\n"), after.split("\n")
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for number, group in enumerate(groups.get_grouped_opcodes(around)):
        if number or group[0][1]:
            yield "…", ""
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from ((" ", line) for line in old[i:j])
                continue
            yield from (("-", line) for line in old[i:j])
            yield from (("+", line) for line in new[k:m])


def sent(page: Page, run: Run, task_id: str | None = None) -> None:
    """Add what the model was asked: every text, one problem's prompt as it was sent, every setting."""
    conditions = run.conditions
    for name in reversed(TEXTS):
        value = getattr(conditions, name)
        if name == "prompt":
            page.line("  prompt, the template", BOLD)
        else:
            page.line(f"  {NAMES[name]}", BOLD)
        _quoted(page, "not recorded" if value is None else value, plain=value in (None, NONE))
        page.line()
    shown = task_id if task_id is not None else next(iter(run.prompts), None)
    page.line(f"  {shown or 'a prompt'}, as it was sent", BOLD)
    text = run.prompts.get(shown) if shown is not None else None
    _quoted(page, "not recorded" if text is None else text, plain=text is None)
    page.line()
    page.line("  conditions", BOLD)
    page.facts([(name, _value(value)) for name, value in conditions.as_dict().items() if name not in TEXTS])


def _quoted(page: Page, text: str, *, plain: bool) -> None:
    for line in text.split("\n"):
        page.verbatim(line, DIM if plain else "")


def _value(value: object) -> str:
    if value is None:
        return "not recorded"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items()) or "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def first_parts(conditions: Sequence[Condition]) -> list[Condition]:
    """Return the conditions, of those with many parts the first ones."""
    seen: Counter[str] = Counter()
    kept = []
    for condition in conditions:
        seen[condition.factor] += 1
        if seen[condition.factor] <= _PARTS:
            kept.append(condition)
    return kept


def by_value(condition: Condition, letters: Sequence[str]) -> str:
    """Return each value behind the letters of its runs, the one that most have last and without them."""
    shown = condition.shown()
    groups = sorted(condition.groups, key=lambda group: len(group[1]))
    parts = []
    for number, (_, runs) in enumerate(groups):
        others = number == len(groups) - 1 and len(runs) > 1
        parts.append(f"{'others' if others else ', '.join(letters[i] for i in runs)}: {shown[runs[0]]}")
    return "; ".join(parts)
