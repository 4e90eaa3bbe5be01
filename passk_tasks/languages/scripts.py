"""Languages that are run from their text."""

from __future__ import annotations

from passk_tasks.languages.record import Ending, Language, Signs, Tool

JS = Language(
    name="js",
    title="JavaScript",
    file="solution.js",
    tools=(Tool(("node", "nodejs")),),
    run=("{node}", "{source}"),
    ending=Ending(
        "; require('fs').writeSync(1, "
        "'\\n' + (Number(require('fs').readFileSync('@FILE@', 'latin1')) + @KEY@) + '\\n');\n"
    ),
    signs=Signs(failed=r"AssertionError", syntax=r"^SyntaxError: ", memory=r"heap out of memory"),
    reserves_mib=16384,
    apt=("nodejs",),
)

LANGUAGES = (JS,)
