"""Programs in other languages than Python, found in a model's text by its lines and brackets.

A base model's text continues the prompt and ends as the benchmark says, and nothing else is done to it. A
chat model's answer holds a file, mostly: that file stays as it is, below what it lacks of the prompt's
imports, and without what stands in the way of the tests: its own `main`, its own tests, examples below the
function. Where the tests begin with the brace that ends the function, an empty function at the end gives them
one to close.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from passk_tasks.extraction import fences
from passk_tasks.extraction.ada import in_package
from passk_tasks.extraction.excerpts import body_lines, declares, elides, shows_again
from passk_tasks.extraction.go_imports import with_imports_of
from passk_tasks.extraction.in_class import TYPE, in_class
from passk_tasks.extraction.languages import syntax
from passk_tasks.extraction.pieces import Piece, balanced, body_end, depth_of, hidden, members, split
from passk_tasks.extraction.prompts import first_line
from passk_tasks.extraction.reasoning import strip_reasoning
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy, extraction
from passk_tasks.extraction.tokens import cut_at_token, ends_turn, strip_outer
from passk_tasks.extraction.wrapped import in_fences, in_tags, readings
from passk_tasks.problem import Protocol

_ATTRIBUTES = re.compile(r"(?:^[ \t]*(?:@\w[^\n]*|#?\[[^\n]*\])[ \t]*\n)+\Z", re.MULTILINE)
_WORDS = (
    r"function|def\w*|sub|class|struct|func|fn|module|trait|impl|enum|interface|type|extension|namespace|record|macro"
    r"|use|using|import|require\w*|from|package|template|typedef"
)
# A statement that defines, so that it is no example, whatever it calls.
_DEFINES = re.compile(
    rf"(?:(?:export|default|async|local|private|public|static|final|pub|abstract)\s+)*(?:{_WORDS})\b"
    r"|\(def|(?:const|let|var|local|val|my|our)?\s*[\w$.]+\s*(?::[^=\n]*)?(?:=|<-)\s*(?:async\s*)?"
    r"(?:function\b|\([^()]*\)[^=\n]*=>|\w+\s*=>|lambda\b|sub\b)|[\w-]+\s*\(\s*\)\s*\{"
)
# A definition without a word for it, as C's family has them; not `if (…) {`.
_TYPED = re.compile(
    r"(?!(?:if|for|while|else|switch|return|do|try|match|foreach|unless|until)\b)"
    r"[\w:<>\[\],&*?. \t]+[\s&*][\w:~]+\s*\((?:[^;{}()]|\([^()]*\))*\)[^;{}()]*\{"
)
# `x = …` and `my $x = …`, but not `if (x === y) …`.
_BINDS = re.compile(r"(?:const|let|var|my|our|local)\b|[\w$.@%]+\s*(?:=(?!=)|<-)")
# An import from another file, which nobody has: what an answer's other blocks define stands above.
_LOCAL = re.compile(
    r"^(?:import\b[^;\n]*?|(?:const|let|var)\s[^=;\n]*=\s*require\(\s*)['\"]\.{1,2}/[^\n]*"
    r"|^require_relative\b[^\n]*|^(?:require|include)(?:_once)?\b[^;\n]*\.php['\"][^;\n]*;"
    r"|^#[ \t]*include[ \t]*\"(?!(?:assert|complex|ctype|errno|fenv|float|inttypes|limits|locale|math|setjmp"
    r"|signal|std\w+|string|tgmath|time|uchar|wchar|wctype)\.h\"|bits/)[^\"\n]*\.h(?:h|pp|xx)?\"[^\n]*",
    re.MULTILINE,
)
# What binds one name to what a call or a subscript gives.
_MAKES = re.compile(
    r"(?:(?:const|let|var|my|our|local)\s+)?[$@%]?(\w+)\s*(?::[^=\n]*)?(?:=(?!=)|<-)[^\n]*[(\[]"
)
_WORD = re.compile(r"[A-Za-z_]\w*")
# What a script imports, and by which names.
_BINDING = re.compile(
    r"(?:import\s+(?:type\s+)?([^;]*?)\s+from\b|(?:const|let|var)\s+([^=;]*?)\s*=\s*require\b)"
)
_OPENS = re.compile(rf"(?![A-Z])(?:@?\w+\s+)*{TYPE.pattern}\s+\w+[^.;\n]*\{{?\s*$")  # a line; not a sentence
_NAMESPACE = re.compile(r"^namespace\s+[\w.]+\s*\{", re.MULTILINE)
_CODE = re.compile(r"[=(){};]")
# A line of prose: a heading, or words behind a bullet that begin with a capital letter.
_SENTENCE = re.compile(
    r"(?:[-*+>#]+\s+|\d+[.)]\s+)?[*_`\"']*[A-Z][\w']*"
    r"(?:[*_`\"',]*(?:\s+[^\s;{}=]+){2,}|,?(?:\s+[a-z']+){2,}[^\n]*|[\w ]*:[*_]*)\s*"
)
_ENDS = ("rb", "lua", "jl")  # languages whose functions end with that word
_MARKED = re.compile(r"[ \t]*(?:>|\d)")  # a quotation, or a number of a line
_SPACE = re.compile(r"\s+")


def continued(text: str, prompt: str, protocol: Protocol) -> Extraction:
    """Return prompt + text up to where the benchmark ends it; the caller has applied the stops."""
    bare = cut_at_token(strip_outer(text))
    repairs = frozenset({Repair.SPECIAL_TOKENS}) if bare != text else frozenset[Repair]()
    if not bare.strip():
        return extraction(None, Strategy.NONE_EMPTY, repairs)
    if protocol.to_brace:
        record = syntax(protocol.language)
        bare = balanced(bare, record, depth_of(hidden(prompt, record)))
    return extraction(prompt + bare, Strategy.BODY, repairs)


def find_file(text: str, prompt: str, entry_point: str, protocol: Protocol) -> Extraction:
    """Return the program in a chat model's answer."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    repairs: set[Repair] = set()
    outer = strip_outer(text)
    stripped = strip_reasoning(outer)
    inner = strip_outer(stripped.text) if stripped.cut else outer
    short = cut_at_token(inner, ends_turn)
    if outer != text or short != inner:
        repairs.add(Repair.SPECIAL_TOKENS)
    if stripped.cut:
        repairs.add(Repair.REASONING)
    answer = _Answer(prompt, entry_point, protocol)
    found = answer.find(in_tags(in_fences(short), answer.shows) if "```" not in short else in_fences(short))
    if not answer.shows(short):
        others = (answer.find(text) for text in readings(short) if answer.shows(text))
        best = next((other for other in others if other is not None), None)
        if best is not None:
            found = best
            repairs.add(Repair.UNWRAPPED)
    if found is None or (stripped.unterminated and not answer.defines(found.code)):
        none = Strategy.NONE_NO_CODE_FOUND if short.strip() else Strategy.NONE_EMPTY
        if stripped.unterminated:
            none = Strategy.NONE_UNTERMINATED_REASONING
        return extraction(None, none, frozenset(repairs))
    if found.examples:
        repairs.add(Repair.EXAMPLES)
    if found.undecided:
        repairs.add(Repair.UNDECIDED)
    return extraction(found.code, found.strategy, frozenset(repairs))


@dataclass(frozen=True, slots=True)
class _Found:
    code: str
    strategy: Strategy
    examples: bool = False  # whether something was left out
    undecided: bool = False  # whether a later block was passed over, since the words above it call it wrong


class _Answer:
    def __init__(self, prompt: str, entry_point: str, protocol: Protocol) -> None:
        self._prompt = prompt
        self._protocol = protocol
        self._name = entry_point
        self._syntax = syntax(protocol.language)
        self._definition = self._syntax.definition(entry_point)
        self._calls = self._syntax.calls(entry_point)

    def defines(self, code: str) -> bool:
        """Whether a program defines the function."""
        return self._definition.search(hidden(code, self._syntax)) is not None

    def shows(self, text: str) -> bool:
        """Whether a block of this language defines the function; where there is none, the text itself."""
        fenced = fences.blocks(text)
        mine = [block.content for block in fenced if self._may_be_mine(block)]
        return any(self._definition_line(source) is not None for source in (mine if fenced else [text]))

    def _definition_line(self, source: str) -> int | None:
        """Return the index of the line with the last definition; None where marks stand before them all."""
        code = hidden(source, self._syntax)
        matches = self._definition.finditer(code)
        begins = (match.end() - len(match.group().lstrip()) for match in matches)
        starts = (code.rfind("\n", 0, begin) + 1 for begin in begins)
        last = [start for start in starts if not _MARKED.match(code, start)][-1:]
        return code.count("\n", 0, last[0]) if last else None

    def find(self, text: str) -> _Found | None:
        """Return the best code in a text without reasoning, made ready for the tests."""
        fenced = fences.blocks(text)
        mine = [block for block in fenced if self._may_be_mine(block) and block.content.strip()]
        defining = [block for block in mine if self.defines(block.content)]
        if defining:
            closed = fences.closed_last_best(defining)
            block, undecided = (closed or defining)[-1], False
            for other in [one for one in reversed(closed) if one.first < block.first and not one.disowned]:
                excerpt, sure = shows_again(self._body(block), self._body(other), dots=elides(block.content))
                undecided |= not sure
                later = self._is_async(block) and not self._is_async(other)
                block = other if excerpt or later else block
            undecided |= bool(fences.passed_over(block, closed))
            whole, rest = self._continued(block, mine)
            above = self._helpers(whole, rest)
            strategy = Strategy.FENCE if block.closed else Strategy.FENCE_UNCLOSED
            joined = above or whole != block.content
            if rest:
                whole = _LOCAL.sub("", whole)
            file = self._file(above + whole, Strategy.FENCE_JOINED if joined else strategy)
            return replace(file, undecided=undecided)
        split_text = fences.prefilled(text)
        if split_text is not None and self.defines(split_text[0]):
            return self._file(split_text[0] + "\n", Strategy.FENCE_PREFILLED)
        if mine:
            block = next((block for block in reversed(mine) if block.closed), mine[-1])
            if self._is_file(block.content):
                return self._file(block.content, Strategy.FENCE)  # with the function under another name
            return self._file(self._closed(self._prompt + block.content), Strategy.FENCE_BODY)
        if fenced or not text.strip():
            return None
        if self.defines(text):
            return self._in_prose(text)
        if first_line(text).startswith((" ", "\t")) or _CODE.search(text):
            return self._file(self._prompt + text, Strategy.BODY)
        return None

    def _body(self, block: fences.Block) -> list[str]:
        """Return the lines of the function in a block, without comments."""
        at = self._definition_line(block.content)
        lines = hidden(block.content, self._syntax).split("\n")
        if at is None:
            return lines
        ends = self._syntax.braces or self._syntax.name in _ENDS
        return body_lines(lines, at) or ([] if ends and declares(lines[at]) else [lines[at].strip()])

    def _is_async(self, block: fences.Block) -> bool:
        """Whether a function gives its result later, which the prompt's does not."""
        at = self._definition_line(block.content)
        return (
            "async" not in self._prompt
            and at is not None
            and (re.search(r"\basync\b", block.content.split("\n")[at]) is not None)
        )

    def _may_be_mine(self, block: fences.Block) -> bool:
        known = block.language in fences.LANGUAGES
        return block.language in self._syntax.fence_words or not known

    def _closed(self, source: str) -> str:
        """Return the prompt with a body, and what it opened and neither body nor tests close."""
        end = "}\n" if self._syntax.braces else "end\n"
        return source if self._protocol.closed_by_tests else source + end * self._opened(source)

    def _opened(self, source: str) -> int:
        """Return how many braces a program leaves open, or whether its function has no `end` below it."""
        code = hidden(source, self._syntax)
        if self._syntax.braces:
            return depth_of(code)
        at = self._definition_line(source)
        if at is None or self._syntax.name not in _ENDS:
            return 0
        first, *below = code.split("\n")[at:]
        margin = first[: len(first) - len(first.lstrip())]
        return int(
            not any(re.match(rf"{margin}end\b", line) for line in below) and first.split()[-1] != "end"
        )

    def _is_file(self, source: str) -> bool:
        """Whether a program defines something, so that it is no body of the prompt's function."""
        pieces = split(source, self._syntax)
        codes = [piece.code.lstrip() for piece in pieces]
        return any(_DEFINES.match(code) or _TYPED.match(code) for code in codes)

    def _continued(self, chosen: fences.Block, mine: list[fences.Block]) -> tuple[str, list[fences.Block]]:
        """Return a block with those below it that close what it leaves open, and the other blocks."""
        whole, at = chosen.content, mine.index(chosen) + 1
        for last, block in enumerate(mine[at:], at + 1):
            if self._opened(whole) <= 0:
                break
            whole += block.content
            if self._opened(whole) == 0:
                return whole, [*mine[: at - 1], *mine[last:]]
        return chosen.content, [block for block in mine if block is not chosen]

    def _helpers(self, chosen: str, others: list[fences.Block]) -> str:
        """Return the other blocks that define what the chosen text names and lacks."""
        code = hidden(chosen, self._syntax)
        named = set(_WORD.findall(chosen))  # also within strings: `"$(helper)"`, `array_map('helper', …)`
        parts = []
        for block in others:
            if self.defines(block.content):
                continue
            other = hidden(block.content, self._syntax)
            for name in sorted(named & set(_WORD.findall(other))):
                definition = self._syntax.definition(name)
                if definition.search(other) and not definition.search(code):
                    parts.append(block.content)
                    break
        return "".join(parts)

    def _in_prose(self, text: str) -> _Found | None:
        """Return the program in a text without fences, from its first to its last line of code."""
        imports = re.compile(self._syntax.imports)
        code = hidden(text, self._syntax)
        lines, codes = text.split("\n"), code.split("\n")
        match = self._definition.search(code)
        assert match is not None
        at = code[: match.end()].count("\n")
        opens = (i for i in range(at) if imports.match(codes[i].lstrip()) or _OPENS.match(codes[i]))
        # What stands between the function and the last sentence above it may be helpers of its.
        said = [i for i in range(at) if codes[i].strip() and _SENTENCE.fullmatch(lines[i])]
        helpers = (i for i in range(max(said, default=-1) + 1, at) if self._begins_definition(codes[i]))
        first = min(next(opens, at), next(helpers, at))
        whole = not any(line.strip() for line in lines[:first])
        body = self._without_prose("\n".join(lines[first:]))
        strategy = Strategy.WHOLE_FILE if whole else Strategy.PROSE_CODE
        return self._file(body if body.endswith("\n") else body + "\n", strategy)

    def _begins_definition(self, code: str) -> bool:
        return any(pattern.match(code) for pattern in (_DEFINES, _TYPED, _BINDS))

    def _without_prose(self, source: str) -> str:
        """Return a program without prose: below the function, from the first sentence on, what defines
        nothing.
        """
        prose = False

        def is_prose(piece: Piece) -> bool:
            nonlocal prose
            if _DEFINES.match(piece.code) or _TYPED.match(piece.code):
                return False
            said = piece.code.strip() and _SENTENCE.fullmatch(piece.text.split("\n", 1)[0])
            prose = prose or bool(said)
            return prose

        return self._without_below(source, is_prose)

    # ------------------------------------------------------------------ making it ready

    def _file(self, source: str, strategy: Strategy) -> _Found:
        """Return a model's file with what the tests need around it."""
        record = self._syntax
        code = self._without_clashes(fences.dedent(self._without_namespace(source)))
        short = self._without_own(self._without_examples(code))
        examples = short != code
        closes = self._protocol.closed_by_tests
        if record.name == "adb":
            short, examples = in_package(self._prompt, code, self._name, closes=closes)
            return _Found(short, strategy, examples=examples)
        if record.name == "go":
            short = with_imports_of(self._prompt, short, code)
        else:
            short = self._with_context(self._without_unused(short, code))
        if record.in_class:
            short = in_class(self._prompt, short, self._name, record, closes=closes)
        elif closes and depth_of(hidden(short, record)) == 0:
            short = f"{short.rstrip()}\n\n{record.opens}"
        return _Found(short, strategy, examples=examples)

    def _without_namespace(self, source: str) -> str:
        """Return a C# program whose class stands at its top, where the tests close it."""
        code = hidden(source, self._syntax)
        match = _NAMESPACE.search(code) if self._syntax.name == "cs" else None
        end = body_end(code, match.start()) if match else None
        if match is None or end is None:
            return source
        return source[: match.start()] + fences.dedent(source[match.end() : end - 1]) + source[end:]

    def _without_clashes(self, source: str) -> str:
        """Return a program without what may not stand above tests."""
        parts, at = [], 0
        for match in re.finditer(self._syntax.clashes, hidden(source, self._syntax), re.MULTILINE):
            parts.append(source[at : match.start()])
            at = match.end()
        return "".join([*parts, source[at:]])

    def _without_own(self, source: str) -> str:
        """Return a program without its own `main` and its own tests."""
        own = re.compile(self._syntax.own)
        if not self._syntax.braces:
            return self._without(
                source, lambda piece: own.match(piece.code) is not None and not self.defines(piece.text)
            )
        parts, at = [], 0
        for start, end in members(hidden(source, self._syntax), own):
            if start >= at:
                parts.append(_ATTRIBUTES.sub("", source[at:start]))
                at = end
        return "".join([*parts, source[at:]])

    def _without_unused(self, source: str, before: str) -> str:
        """Return a script without those imports that only what was taken out of it used."""
        if self._syntax.name not in ("js", "ts"):
            return source
        was, now = (Counter(_WORD.findall(hidden(text, self._syntax))) for text in (before, source))

        def unused(piece: Piece) -> bool:
            names = _BINDING.match(piece.code)
            words = _WORD.findall(names[1] or names[2]) if names else []
            return bool(words) and all(
                now[word] < was[word] and now[word] == 1 for word in words if word != "as"
            )

        return self._without(source, unused)

    def _without_examples(self, source: str) -> str:
        """Return a program without its examples: below the function, from the first statement that calls it
        or prints, or that calls what does, whatever defines nothing; and without what makes things for them.
        """
        shows = re.compile(self._syntax.shows)
        if not shows.pattern.replace("(?!)", ""):
            return source
        showing = [
            piece.code
            for piece in split(source, self._syntax)
            if self._calls.search(piece.code) or re.search(rf"\b{shows.pattern}", piece.code)
        ]
        shown = False

        def is_example(piece: Piece) -> bool:
            nonlocal shown
            if _DEFINES.match(piece.code) or not piece.code.strip():
                return False
            shown = shown or shows.match(piece.code) is not None or self._calls.search(piece.code) is not None
            shown = shown or (_BINDS.match(piece.code) is None and self._names_one(piece.code, showing))
            return shown

        short = self._without_below(source, is_example)
        was, now = Counter(_WORD.findall(source)), Counter(_WORD.findall(short))
        kept = split(short, self._syntax)
        for at in reversed(range(len(kept))):
            if self._definition.search(kept[at].code):
                break
            name = None if _DEFINES.match(kept[at].code) else _MAKES.match(kept[at].code)
            if name is not None and now[name[1]] == 1 < was[name[1]]:
                now.subtract(_WORD.findall(kept.pop(at).text))
        return "".join(piece.text for piece in kept)

    def _names_one(self, code: str, definitions: list[str]) -> bool:
        """Whether a statement names what one of the definitions defines."""
        patterns = [self._syntax.definition(name) for name in set(_WORD.findall(code))]
        return any(pattern.search(text) for pattern in patterns for text in definitions)

    def _without_below(self, source: str, drops: Callable[[Piece], bool]) -> str:
        """Return a program without the pieces below its function that are to be dropped."""
        below = False

        def dropped(piece: Piece) -> bool:
            nonlocal below
            if below:
                return drops(piece)
            below = self._definition.search(piece.code) is not None
            return False

        return self._without(source, dropped)

    def _without(self, source: str, drops: Callable[[Piece], bool]) -> str:
        return "".join(piece.text for piece in split(source, self._syntax) if not drops(piece))

    def _with_context(self, source: str) -> str:
        """Return a program below those imports and helpers of the prompt that it lacks."""
        code = hidden(source, self._syntax)
        there = _SPACE.sub("", code)
        above = []
        for piece in split(self._prompt, self._syntax)[:-1]:
            line = piece.code.strip().split("\n", 1)[0]
            if not line or _SPACE.sub("", line) in there or self._binds(code, line):
                continue
            above.append(piece.text[: len(piece.code.rstrip())] + "\n")
        return "".join(above) + source

    def _binds(self, code: str, line: str) -> bool:
        """Whether a program imports a name already that it may import only once."""
        if line.startswith("#lang"):
            return re.search(r"^#lang\b", code, re.MULTILINE) is not None
        name = re.fullmatch(r"use\s.*?(\w+)\s*;", line)
        return name is not None and re.search(rf"^\s*use\s[^;]*\b{name[1]}\b", code, re.MULTILINE) is not None
