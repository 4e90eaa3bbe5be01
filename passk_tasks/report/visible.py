"""Text that others wrote, fit to be shown: nothing in it is invisible, turns text around, or is endless."""

from __future__ import annotations

import functools
import unicodedata

# Categories without a picture of their own: controls, formats (bidi overrides, zero widths), lone surrogates,
# line and paragraph separators, and blanks, of which only one is what it looks like.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_KEPT = "\n\t "
# Nothing is drawn for these either, whatever their category: fillers, variation selectors, joiners (Unicode's
# Default_Ignorable_Code_Point, which Python does not know), and the empty Braille pattern.
_FILLERS = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE1000),
    )
)

LINE = 2_000
"""Characters of a line that are shown."""

TEXT = 20_000
"""Characters of a text that are shown."""


def visible(text: str) -> str:
    r"""Return text in which every character can be seen: U+202E becomes `⟦U+202E⟧`.

    Line feeds and tabs stay, and `\r\n` is a line feed.
    """
    text = text.replace("\r\n", "\n")
    unseen = {ord(char): f"⟦U+{ord(char):04X}⟧" for char in set(text) if _is_unseen(char)}
    return text.translate(unseen) if unseen else text


def shortened(text: str, *, line: int = LINE, whole: int = TEXT) -> str:
    """Return text without the rest of its long lines, and without what is beyond `whole`; both are noted."""
    cut = text[:whole]
    lines = [
        row if len(row) <= line else f"{row[:line]} […{len(row) - line:,} more characters in this line]"
        for row in cut.split("\n")
    ]
    if len(text) > whole:
        lines.append(f"[… {len(text) - whole:,} more characters]")
    return "\n".join(lines)


@functools.lru_cache(maxsize=65536)
def _is_unseen(char: str) -> bool:
    return char not in _KEPT and (unicodedata.category(char) in _UNSEEN or ord(char) in _FILLERS)
