"""The languages that the judge `command` knows; data only.

record     what a language is: `Language`, with its tools, commands, limits, rule and ending
compiled   those that are built before they are run
scripts    those that are run from their text
others     those that few hosts have
packs      HumanEvalPack's dialects of some of them
examples   a right and a wrong program of each

A benchmark's own dialect is another record: `dataclasses.replace(LANGUAGES["cpp"], name="…", …)`, added to
`LANGUAGES`.
"""

from __future__ import annotations

from passk_tasks.languages import compiled, others, packs, scripts
from passk_tasks.languages.record import Ending, Language, Prepared, Rule, Signs, Tool

LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (*compiled.LANGUAGES, *scripts.LANGUAGES, *others.LANGUAGES, *packs.LANGUAGES)
}
"""By name."""

__all__ = ["LANGUAGES", "Ending", "Language", "Prepared", "Rule", "Signs", "Tool"]
