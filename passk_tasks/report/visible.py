"""Text that others wrote, fit to be shown: nothing in it is invisible, turns text around, or is endless."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata

# Categories without a picture of their own: controls, formats (bidi overrides, zero widths), lone surrogates,
# line and paragraph separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_KEPT = "\n\t"

LINE = 2_000
"""Characters of a line that are shown."""

TEXT = 20_000
"""Characters of a text that are shown."""


def visible(text: str) -> str:
    r"""Return text in which every character can be seen: U+202E becomes `⟦U+202E⟧`.

    Line feeds and tabs stay, and `\r\n` is a line feed.
    """
    if text.isascii() and text.isprintable():
        return text
    return _unseen().sub(lambda match: f"⟦U+{ord(match[0]):04X}⟧", text.replace("\r\n", "\n"))


def shortened(text: str, *, line: int = LINE, whole: int = TEXT) -> str:
    """Return text without the rest of its long lines, and without what is beyond `whole`; both are noted.

    Args:
        text: any.
        line: characters of a line that are kept.
        whole: characters that are kept in all.
    """
    cut = text[:whole]
    lines = [
        row if len(row) <= line else f"{row[:line]} […{len(row) - line:,} more characters in this line]"
        for row in cut.split("\n")
    ]
    if len(text) > whole:
        lines.append(f"[… {len(text) - whole:,} more characters]")
    return "\n".join(lines)


@functools.cache
def _unseen() -> re.Pattern[str]:
    # Found out instead of listed: each Python brings a newer Unicode.
    codes = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(char := chr(code)) in _UNSEEN and char not in _KEPT
    ]
    return re.compile("[" + "".join(re.escape(chr(code)) for code in codes) + "]")
