"""Programs whose function stands in a class: Java, C#, Scala.

The class gets the prompt's name, and imports and other classes stand above it.
"""

from __future__ import annotations

import re

from passk_tasks.extraction.languages import Syntax
from passk_tasks.extraction.pieces import Piece, depth_of, hidden, split

TYPE = re.compile(r"\b(?:class|object|record|struct|interface|enum|trait)\b")
_CLASS = re.compile(rf"{TYPE.pattern}\s+(\w+)")


def in_class(prompt: str, source: str, name: str, record: Syntax, *, closes: bool) -> str:
    """Return a program whose function stands in a class, left open where the tests close it."""
    definition = record.definition(name)
    pieces = split(source, record)
    holding = [piece for piece in pieces if definition.search(piece.code)]
    if not holding:
        return source
    main = holding[-1]
    imports = re.compile(record.imports)
    heads = [piece for piece in pieces if imports.match(piece.code.lstrip())]
    rest = [piece for piece in pieces if piece is not main and piece not in heads]
    others = "".join(piece.text for piece in (*heads, *rest))
    depth = depth_of(main.code)
    text = _renamed(prompt, main, rest, record)
    if not TYPE.search(main.code):
        head = split(prompt, record)[-1]  # functions without their class
        line = head.text[: head.text.index("\n") + 1] if "\n" in head.text else head.text
        outside = [p for p in pieces if imports.match(p.code.lstrip()) or TYPE.search(p.code)]
        text = line + "".join(piece.text for piece in pieces if piece not in outside)
        others = "".join(piece.text for piece in (*split(prompt, record)[:-1], *outside))
        if not closes:
            return f"{others}{text.rstrip()}\n}}\n"
    elif depth == 0 and closes:
        text = text[: hidden(text, record).rindex("}")]
    elif depth != 1 or not closes:
        return source
    return f"{others}{text.rstrip()}\n\n{record.opens}"


def _renamed(prompt: str, main: Piece, others: list[Piece], record: Syntax) -> str:
    """Return the class that holds the function under the prompt's name, by which it is run."""
    own, asked = (_CLASS.search(piece.code) for piece in (main, split(prompt, record)[-1]))
    if own is None or asked is None or own[1] == asked[1]:
        return main.text
    word = re.compile(rf"(?<![\w.]){own[1]}(?!\w)")
    if re.search(rf"\b{asked[1]}\b", main.code + "".join(piece.code for piece in others)):
        return main.text
    parts, at = [], 0
    for match in word.finditer(main.code):
        parts += [main.text[at : match.start()], asked[1]]
        at = match.end()
    return "".join([*parts, main.text[at:]])
