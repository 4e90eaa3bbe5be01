"""Chat and reasoning models that were asked for a whole program: the block that is one.

LiveCodeBench takes the last block of an answer (`lcb_runner/utils/extraction_utils.py`). So do we, but for
blocks that are no programs: example input and output are often fenced too. Nothing is cut off a program.
"""

from __future__ import annotations

import ast

from passk_tasks.extraction.fences import blocks, prefilled
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import Parser
from passk_tasks.extraction.tokens import cut_at_token, strip_outer

_ACTING = (
    ast.Call,
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AugAssign,
    ast.For,
    ast.While,
)
_MAX_BLOCKS = 64  # the last ones; bounds the work on degenerate texts


def find_program(text: str) -> Extraction:
    """Return the program in a chat model's answer."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    repairs: set[Repair] = set()
    if not text.strip():
        return extraction(None, Strategy.NONE_EMPTY, frozenset())
    outer = strip_outer(text)
    stripped = strip_reasoning(outer)
    inner = cut_at_token(strip_outer(stripped.text) if stripped.cut else outer)
    if outer != text or inner != stripped.text:
        repairs.add(Repair.SPECIAL_TOKENS)
    if stripped.cut:
        repairs.add(Repair.REASONING)
    parser = Parser()
    if stripped.unterminated:
        return extraction(None, Strategy.NONE_UNTERMINATED_REASONING, frozenset(repairs))
    code, strategy = _find(inner, parser)
    if code is None and not inner.strip():
        strategy = Strategy.NONE_EMPTY
    return extraction(code, strategy, frozenset(repairs))


def _find(text: str, parser: Parser) -> tuple[str | None, Strategy]:
    if _is_program(text, parser):  # before fences are looked for: strings may hold them
        return text, Strategy.WHOLE_FILE
    split = prefilled(text)
    if split is not None and _is_program(split[0] + "\n", parser):
        return split[0] + "\n", Strategy.FENCE_PREFILLED
    fenced = [b for b in blocks(text) if b.may_be_python and b.content.strip()][-_MAX_BLOCKS:]
    # What breaks off at the end of the text must not replace what is complete.
    ordered = [*reversed([b for b in fenced if b.closed]), *(b for b in fenced if not b.closed)]
    chosen = next((b for b in ordered if _is_program(b.content, parser)), None)
    # Broken code is the model's, for an honest `syntax_error`.
    chosen = chosen or next((b for b in ordered if b.language), ordered[0] if ordered else None)
    if chosen is None:
        return None, Strategy.NONE_NO_CODE_FOUND
    return chosen.content, Strategy.FENCE if chosen.closed else Strategy.FENCE_UNCLOSED


def _is_program(source: str, parser: Parser) -> bool:
    parsed = parser.parse(source)
    return parsed is not None and any(isinstance(node, _ACTING) for node in ast.walk(parsed.tree))
