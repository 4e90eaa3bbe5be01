"""Chat and reasoning models: a function somewhere in an answer.

The search goes in this order and stops at the first success. "Defines" means: it compiles, and it binds the
entry point to more than a stub.

1. The whole text defines the function, or continues the prompt. What looks like a tag or a fence in such a
   text stands in its strings.
2. The text without reasoning and control tokens does so.
3. The text up to a closing fence defines it: the opening fence is in the chat template.
4. The last fenced block that defines the function, unless the words above it say that it is wrong; an
   unclosed block only if no other does. Models draft first and settle last; other tools take the first block
   (lm-eval, bigcode), the last (LiveCodeBench) or the longest (EvalPlus). Helpers that the block lacks and
   other blocks define are put above it. A block that shows only a part of what an earlier one has, with fewer
   methods, fewer lines or `...`, gives way to that, and so does one that the tests cannot call.
5. Lines of code among prose that define the function.
6. All blocks together; or one block that is a body and completes the prompt.
7. Whatever was at least meant as code, so that the verdict is an honest `syntax_error` or `error`, not
   `no_code`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from passk_tasks.extraction.classes import members, with_methods
from passk_tasks.extraction.completion import restated_as, with_first_line
from passk_tasks.extraction.examples import without_examples
from passk_tasks.extraction.excerpts import elides, repeats, shows_again, statements
from passk_tasks.extraction.fences import (
    Block,
    blocks,
    closed_last_best,
    dedent,
    longer,
    passed_over,
    prefilled,
)
from passk_tasks.extraction.helpers import MAX_BLOCKS, Rest, defined, without_stand_ins
from passk_tasks.extraction.prompts import body_indent, context, first_line, fits, with_context
from passk_tasks.extraction.reasoning import strip_reasoning, thinks_in_words
from passk_tasks.extraction.runs import compiling_run, compiling_runs, compiling_segments
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.syntax import Parsed, Parser, leaves_out
from passk_tasks.extraction.tokens import (
    cut_at_token,
    ends_turn,
    other_reading,
    strip_outer,
    without_marks,
)
from passk_tasks.extraction.wrapped import in_fences, readings, visible

_LANGUAGE_LINE = re.compile(r"\A(?:python3?|py)[ \t]*\n", re.IGNORECASE)
_RESULT = re.compile(r"^[ \t]*(?:return|yield|raise)\b", re.MULTILINE)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CODE_LINE = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+\w", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Code that was extracted, and how."""

    code: str
    strategy: Strategy
    repairs: frozenset[Repair] = frozenset()
    sound: bool = True  # whether it compiles and defines the function, so that it can be right


def find(text: str, prompt: str, entry_point: str, also: Sequence[str] = ()) -> Extraction:
    """Return the candidate in a chat model's answer; `also` are other names that the tests call."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return extraction(None, Strategy.NONE_EMPTY, frozenset())
    # HumanEvalPack's prompts end without their line break, and a body in a fence begins without one.
    search = _Search(prompt + "\n" * prompt.rstrip(" \t").endswith((":", '"""', "'''")), entry_point, also)
    repairs = set()
    outer = strip_outer(text)
    if outer != text:
        repairs.add(Repair.SPECIAL_TOKENS)
    candidate = search.whole(outer)
    if candidate is None:
        stripped = strip_reasoning(outer)
        if stripped.cut:
            repairs.add(Repair.REASONING)
        shown = strip_outer(stripped.text) if stripped.cut else outer
        inner = in_fences(shown)
        short = cut_at_token(inner, ends_turn)
        if inner.strip():
            candidate = search.anywhere(short)
        if short != inner and (candidate is None or not candidate.sound):
            # The token may stand in a string that spans lines.
            longer = search.anywhere(inner)
            candidate = longer if longer is not None and longer.sound else candidate
        if candidate is None or not candidate.sound:
            unmarked = without_marks(inner)
            longer = search.anywhere(unmarked.text) if unmarked.tokens else None
            if longer is not None and longer.sound:
                candidate = longer
                repairs.add(Repair.SPECIAL_TOKENS)
        if short != inner or (stripped.cut and shown != stripped.text):
            repairs.add(Repair.SPECIAL_TOKENS)
        reading = other_reading(inner, short)
        if reading is not None and candidate is not None and candidate.sound:
            other = search.anywhere(reading.text)
            if other is not None and other.sound and other.code != candidate.code:
                repairs.add(Repair.UNDECIDED)
                candidate = other if reading.likelier else candidate
        if thinks_in_words(inner):
            repairs.add(Repair.UNDECIDED)
        if candidate is None or not candidate.sound:
            best: _Candidate | None = None
            for other in filter(None, map(search.anywhere, readings(shown))):
                best = other if other.sound else best or other
                if other.sound:
                    break
            if best is not None and (best.sound or candidate is None):
                candidate = best
                repairs.add(Repair.UNWRAPPED)
        if candidate is None or (stripped.unterminated and not candidate.sound):
            none = Strategy.NONE_NO_CODE_FOUND if shown.strip() else Strategy.NONE_EMPTY
            if stripped.unterminated:
                none = Strategy.NONE_UNTERMINATED_REASONING
            return extraction(None, none, frozenset(repairs))
    return extraction(candidate.code, candidate.strategy, frozenset(repairs | candidate.repairs))


class _Search:
    def __init__(self, prompt: str, entry_point: str, also: Sequence[str]) -> None:
        self._prompt = prompt.replace("\r\n", "\n").replace("\r", "\n")
        self._entry = entry_point
        self._asked = tuple(dict.fromkeys((entry_point, *also)))
        self._parser = Parser()
        self._rest = Rest("", (), self._asked, frozenset(), self._parser)
        self._borrows = False  # whether an import of the function counts as its definition
        above = Parser().parse(context(self._prompt, entry_point))
        # Names that the prompt binds, but for functions that it only announces.
        self._given = (
            frozenset(name for name in above.bound if not above.is_stub(name)) if above else frozenset()
        )
        self._helpers = defined(above) - set(self._asked) if above else set[str]()
        self._definition = re.compile(
            rf"^[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(entry_point)}\b", re.MULTILINE
        )

    def whole(self, text: str) -> _Candidate | None:
        """Return the text where it is a program, or a body below the prompt."""
        for source, repairs in ((text, frozenset[Repair]()), *self._dedented(text)):
            parsed = self._defining(source)
            if parsed is not None:
                return self._program(parsed, restated_as(parsed, self._entry), repairs)
        return self._body(text, Strategy.BODY)

    def anywhere(self, text: str) -> _Candidate | None:
        """Return the best code in a text without reasoning."""
        fenced = blocks(text)
        self._rest = Rest(text, fenced, self._asked, self._given, self._parser)
        candidate = (
            self._defined(text, fenced)
            or self._body_on_top(text)
            or self._in_body_blocks(fenced, certain=True)
        )
        if candidate is None:
            # Nothing in the text is the function's source: an import of it may be the answer.
            self._borrows = True
            candidate = self._defined(text, fenced)
            self._borrows = False
        return (
            candidate
            or self._in_body_blocks(fenced)
            or self._mended_body(text, Strategy.BODY)
            or self._unsound(text, fenced)
        )

    def _defined(self, text: str, fenced: list[Block]) -> _Candidate | None:
        """Return the best code that defines the function."""
        return (
            self.whole(text)
            or self._prefilled(text)
            or self._in_block(fenced, text)
            or self._in_prose(text)
            or self._in_blocks_together(fenced)
        )

    def _dedented(self, text: str) -> list[tuple[str, frozenset[Repair]]]:
        """Return the text without its indentation where it is an indented function, not a body."""
        # Only `def` shows that, since a body may assign its result to the function's own name.
        flat = dedent(text) if text.lstrip("\n")[:1] in (" ", "\t") else text
        return [(flat, frozenset({Repair.INDENT}))] if flat != text and self._definition.search(flat) else []

    def _defining(self, source: str) -> Parsed | None:
        """Return the parsed source where it defines the entry point as more than a stub, else None."""
        if self._entry not in source:
            return None
        parsed = self._parser.parse(source)
        return parsed if parsed is not None and self._defines(parsed) else None

    def _defines(self, parsed: Parsed) -> bool:
        if self._borrows:
            return parsed.defines(self._entry) and not parsed.is_stub(self._entry)
        return parsed.writes(self._entry, self._given)

    def _program(
        self,
        parsed: Parsed,
        strategy: Strategy,
        repairs: frozenset[Repair] = frozenset(),
        *,
        sound: bool = True,
    ) -> _Candidate:
        """Return the program as a candidate: with the prompt's context, without examples."""
        parsed = without_stand_ins(parsed, self._helpers, self._parser)
        complete = self._rest.with_others(parsed)
        if complete is not parsed and strategy in (Strategy.FENCE, Strategy.FENCE_UNCLOSED):
            strategy = Strategy.FENCE_JOINED
        parsed = complete
        source = without_examples(parsed, self._asked, self._given)
        if source != parsed.source:
            shorter = Parser().parse(source)
            if shorter is not None:
                parsed, repairs = shorter, repairs | {Repair.EXAMPLES}
        return _Candidate(with_context(parsed, self._prompt, self._entry), strategy, repairs, sound)

    def _body(self, text: str, strategy: Strategy) -> _Candidate | None:
        """Return prompt + text where the text is a body with its indentation."""
        return self._below(text, strategy) if first_line(text).startswith((" ", "\t")) else None

    def _below(
        self, text: str, strategy: Strategy, repairs: frozenset[Repair] = frozenset()
    ) -> _Candidate | None:
        """Return prompt + text where that compiles, without examples below the body."""
        parsed = self._parser.parse(self._prompt + text)
        if parsed is None:
            return None
        source = without_examples(parsed, self._asked, first_line=self._prompt.count("\n") + 1)
        if source != parsed.source:
            repairs |= {Repair.EXAMPLES}
        return _Candidate(source, strategy, repairs)

    def _mended_body(self, text: str, strategy: Strategy) -> _Candidate | None:
        """Return prompt + text with the indentation that the text's first line, or every line, has lost.

        None where prompt + text compiles as it is, since `print(f(1))` is an example, not a body.
        """
        if not text.strip() or self._parser.parse(self._prompt + text) is not None:
            return None
        indent = body_indent(self._prompt)
        first = with_first_line(text, indent)
        ways = [] if first is None else [first]
        if strategy is Strategy.FENCE_BODY:
            # Markdown drops the left margin. Where putting it back mixes spaces and tabs, expand the tabs.
            lines = dedent(text).split("\n")
            margin = "".join(indent + line + "\n" if line.strip() else "\n" for line in lines)
            ways += [margin, margin.expandtabs(4)]
        bodies = (self._below(way, strategy, frozenset({Repair.INDENT})) for way in ways)
        return next((body for body in bodies if body is not None), None)

    def _prefilled(self, text: str) -> _Candidate | None:
        split = prefilled(text)
        if split is None:
            return None
        head = split[0] + "\n"
        parsed = self._defining(head)
        if parsed is not None:
            return self._program(parsed, Strategy.FENCE_PREFILLED)
        return self._body(head, Strategy.FENCE_PREFILLED)

    def _body_on_top(self, text: str) -> _Candidate | None:
        """Return prompt + the lines above the first one at the margin, where these are a body."""
        lines = text.split("\n")
        first = next((at for at, line in enumerate(lines) if line.strip()), 0)
        end = next((at for at in range(first + 1, len(lines)) if lines[at][:1].strip()), len(lines))
        body = "\n".join(lines[:end]).rstrip("\n") + "\n"
        if _RESULT.search(body) is None:
            return None
        return self._body(body, Strategy.BODY) or self._mended_body(body, Strategy.BODY)

    def _in_block(self, fenced: list[Block], text: str) -> _Candidate | None:
        mentioning = [block for block in fenced if self._entry in block.content][-MAX_BLOCKS:]
        # A block that breaks off at the end of the text must not replace a complete one.
        closed = closed_last_best(mentioning)
        unclosed = [block for block in mentioning if not block.closed]
        best: tuple[Block, Parsed, frozenset[Repair]] | None = None
        doubtful = False  # whether a block gave way that may be the answer after all
        for block in [*reversed(closed), *unclosed]:
            if best is not None and not block.closed:
                break
            if best is not None and block.disowned and not best[0].disowned:
                continue
            found = next(
                ((p, repairs) for way, repairs in self._readings(block, text) if (p := self._defining(way))),
                None,
            )
            if found is None:
                continue
            gives_way, sure = self._gives_way(best[1], found[0]) if best is not None else (True, True)
            doubtful |= not sure
            if gives_way:
                best = (block, *found)
        if best is None:
            return None
        block, parsed, repairs = best
        after = "\n".join(text.split("\n")[fenced[-1].last + 1 :])
        if (
            self._definition.search(after) is not None
        ):  # the answer may stand below the blocks, without a fence
            doubtful |= compiling_run(after, self._entry, self._parser, self._defines) is not None
        if doubtful or any(self._defining(other.content) for other in passed_over(block, closed)):
            repairs |= {Repair.UNDECIDED}
        others = [other for other in fenced if other is not block]
        below = [other.content for other in others if other.first > block.first and other.may_be_python]
        whole = with_methods(parsed, self._definition_in(parsed), below[:MAX_BLOCKS], self._parser)
        whole = whole or self._continued(parsed, below[:MAX_BLOCKS])
        stands = self._rest.sources(others) - set(self._asked)
        full = without_stand_ins(whole or parsed, stands, self._parser)
        joined = self._rest.with_helpers(full, others) or whole
        if joined is not None:
            return self._program(joined, Strategy.FENCE_JOINED, repairs)
        return self._program(parsed, Strategy.FENCE if block.closed else Strategy.FENCE_UNCLOSED, repairs)

    def _continued(self, parsed: Parsed, below: list[str]) -> Parsed | None:
        """Return a function that ends without a result, and the indented blocks below that give it one."""
        whole = parsed
        for content in below:
            node = self._definition_in(whole)
            if not isinstance(node, _FUNCTIONS) or isinstance(node.body[-1], ast.Return):
                break
            if first_line(content).startswith((" ", "\t")):
                whole = self._parser.parse(whole.source.rstrip("\n") + "\n" + content) or whole
        ends = getattr(self._definition_in(whole), "body", [None])[-1]
        return whole if whole is not parsed and isinstance(ends, ast.Return) else None

    def _definition_in(self, parsed: Parsed) -> ast.stmt:
        named = [node for node in parsed.tree.body if getattr(node, "name", "") == self._entry]
        return named[-1] if named else parsed.tree.body[-1]

    def _gives_way(self, parsed: Parsed, other: Parsed) -> tuple[bool, bool]:
        """Return whether a block gives way to an earlier one, and whether that is sure."""
        mine, its = self._definition_in(parsed), self._definition_in(other)
        can_be_called, it_can = (fits(node, self._prompt, self._entry) for node in (mine, its))
        if leaves_out(its):
            return False, True
        if can_be_called != it_can:
            return it_can, True
        fewer = members(mine) < members(its)
        dots = fewer or leaves_out(mine) or elides(parsed.source)
        shown, whole = (statements(getattr(node, "body", [node])) for node in (mine, its))
        if repeats(shown, whole):
            return shows_again(shown, whole, dots=dots)
        if (fewer or leaves_out(mine)) and members(mine) <= members(its):
            lines, own = (set(map(str.strip, p.source.split("\n"))) for p in (parsed, other))
            return True, lines <= own | {"..."}
        return False, True

    def _readings(self, block: Block, text: str) -> Iterator[tuple[str, frozenset[Repair]]]:
        """Yield the ways to read a block, from the most to the least literal."""
        # Some models write "```" on one line and "python" on the next.
        yield _LANGUAGE_LINE.sub("", block.content, count=1), frozenset()
        yield from self._dedented(block.content)
        for source in longer(block, text):
            yield source, frozenset()
        unmarked = without_marks(block.content)
        if unmarked.text != block.content:
            yield unmarked.text, frozenset({Repair.SPECIAL_TOKENS})
        if (seen := visible(block.content)) not in (None, block.content):
            yield seen, frozenset({Repair.UNWRAPPED})
        run = compiling_run(block.content, self._entry, self._parser, self._defines)
        if run is not None:
            yield run.source, frozenset({Repair.TRIMMED})

    def _in_prose(self, text: str) -> _Candidate | None:
        repairs = set[Repair]()
        parsed = None
        for other in compiling_runs(text, self._entry, self._parser, self._defines):
            gives_way, sure = self._gives_way(parsed, other) if parsed is not None else (True, True)
            parsed = other if gives_way else parsed
            repairs |= set[Repair]() if sure else {Repair.UNDECIDED}
        if parsed is None:
            unmarked = without_marks(text)
            if unmarked.text != text and not unmarked.tokens:
                parsed = compiling_run(unmarked.text, self._entry, self._parser, self._defines)
        if parsed is None and self._borrows and self._definition.search(text) is None:
            segments = compiling_segments(text.split("\n"), self._parser)
            imports = (p for _, source in segments if (p := self._parser.parse(source)) is not None)
            parsed = next((p for p in imports if self._entry in p.imported and self._defines(p)), None)
        return self._program(parsed, Strategy.PROSE_CODE, frozenset(repairs)) if parsed is not None else None

    def _in_blocks_together(self, fenced: list[Block]) -> _Candidate | None:
        pieces = [block.content for block in fenced if block.may_be_python][-MAX_BLOCKS:]
        parsed = self._defining("\n".join(pieces)) if len(pieces) > 1 else None
        return self._program(parsed, Strategy.FENCE_JOINED) if parsed is not None else None

    def _in_body_blocks(self, fenced: list[Block], *, certain: bool = False) -> _Candidate | None:
        """Return a block that completes the prompt; if `certain`, one that can be nothing but a body."""
        bodies = [b.content for b in fenced if b.may_be_python and b.content.strip()][-MAX_BLOCKS:]
        for content in reversed(bodies):
            # A broken definition of the function must not end up inside the prompt's.
            if self._definition.search(content) is None:
                if certain and self._parser.parse(content) is not None:
                    continue
                candidate = self._body(content, Strategy.FENCE_BODY)
                candidate = candidate or self._mended_body(content, Strategy.FENCE_BODY)
                if candidate is not None:
                    return candidate
        return None

    def _unsound(self, text: str, fenced: list[Block]) -> _Candidate | None:
        """Return what the model meant as code: a stub, a broken function, a program without the function."""
        above = context(self._prompt, self._entry)
        python = [block for block in fenced if block.may_be_python and block.content.strip()][-MAX_BLOCKS:]
        for wanted in (self._definition, _CODE_LINE):
            for block in reversed(python):
                if wanted.search(block.content):
                    strategy = Strategy.FENCE if block.closed else Strategy.FENCE_UNCLOSED
                    return self._as_it_is(block.content, strategy, above)
        if _CODE_LINE.search(text) and self._parser.parse(text) is not None:
            return self._as_it_is(text, Strategy.WHOLE_FILE, above)
        match = self._definition.search(text)
        return self._as_it_is(text[match.start() :], Strategy.PROSE_CODE, above) if match else None

    def _as_it_is(self, source: str, strategy: Strategy, above: str) -> _Candidate:
        parsed = self._parser.parse(source)
        if parsed is not None:
            return _Candidate(with_context(parsed, self._prompt, self._entry), strategy, sound=False)
        return _Candidate(above + source, strategy, sound=False)
