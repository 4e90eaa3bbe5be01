"""A matplotlib figure as SVG that takes its colours from the style sheet of the page it stands in."""

from __future__ import annotations

import io
import re
import warnings

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from passk_tasks.report.figures import DIM, GRID, INK, RUNS, VERDICTS

COLOURS: dict[str, str] = {
    INK: "ink",
    DIM: "dim",
    GRID: "grid",
    **{colour: f"run-{i}" for i, colour in enumerate(RUNS)},
    **{colour: f"v-{verdict.value}" for verdict, colour in VERDICTS.items()},
}
"""A colour of the figures, and the CSS variable that stands for it on the page."""


def themed(figure: Figure, name: str, alternative: str) -> Markup:
    """Return a figure as an `<svg>` element whose colours are CSS variables.

    It has no colours but those of `COLOURS`. Its ids start from `name`, `alternative` says what it shows.
    """
    file = io.StringIO()
    # Text stays text: small, searchable, in the reader's font. The salt makes ids the same every time.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that the measuring font lacks
        figure.patch.set_alpha(0)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\bstyle="([^"]*)"', _attributes, text)
    for colour, variable in COLOURS.items():
        text = text.replace(f'"{colour}"', f'"var(--{variable})"')
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    # Ids like `figure_1` are the same in every figure, and nothing refers to them.
    wanted = set(re.findall(r"[\"(]#([^\")]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in wanted else "", text)
    text = re.sub(r"\n\s*", "\n", text)
    return Markup(text.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(alternative), 1))


def _attributes(match: re.Match[str]) -> str:
    """Turn `style="fill: #fff; font: 10px sans"` into attributes; the font itself is the page's."""
    kept = []
    for declaration in match[1].split(";"):
        name, colon, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            size = re.search(r"([\d.]+)px", value)
            name, value = "font-size", size[1] if size else "10"
        elif name in ("font-family", "font-style", "font-weight", "font-stretch", "font-variant"):
            continue
        if colon:
            kept.append(f'{name}="{value}"')
    return " ".join(kept)
