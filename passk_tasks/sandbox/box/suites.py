"""The tests of one problem, compiled once for all of its candidates."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import types

from passk_tasks.sandbox.box.second_look import Prepared

_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
_CALLS_AHEAD = re.compile(r"\b(\w+)\.each\(")  # a proxy has this method, a function does not
_SETS_DIGITS = re.compile(r"\bset_int_max_str_digits\s*\(\s*(\w*)")
_USUAL_DIGITS: int | None = getattr(sys, "get_int_max_str_digits", lambda: None)()
_LEAST_DIGITS = 640  # the interpreter refuses a lower limit
TESTS_FILE, BASE_FILE = "<tests>", "<base tests>"


class Suite:
    """The tests of one problem, compiled once for all of its candidates; the fields of `program.Tests`."""

    def __init__(
        self,
        source: str,
        prelude: str,
        names: list[str],
        base: str,
        base_decides: bool,
        objects: bool,
        timeout_s: float | None = None,
        whole_times: float | None = None,
    ) -> None:
        self.source, self.names, self.base, self.base_decides = source, names, base, base_decides
        self.objects, self.timeout_s, self.whole_times = objects, timeout_s or 0.0, whole_times
        self._prelude = prelude
        # Tests that set this mean the candidate too, which they have in their own process.
        set_to = _SETS_DIGITS.findall(f"{prelude}\n{base}\n{source}")
        numbers = [int(word) if word.isdecimal() else 0 for word in set_to]
        numbers = [number for number in numbers if number == 0 or _LEAST_DIGITS <= number < 1 << 31]
        self._digits = (0 if 0 in numbers else max(numbers)) if numbers else _USUAL_DIGITS
        self.set_digits()
        self.prelude = compile(prelude, "<prelude>", "exec", dont_inherit=True) if prelude else None
        self._codes: list[types.CodeType] = []
        self._prepared: dict[str, list[Prepared]] = {}

    def set_digits(self) -> None:
        """Let texts of integers have as many digits, in this process, as the tests say; 0 is any number.

        What earlier tests said is undone. A candidate's process gets the same (`Remote.load`).
        """
        if self._digits is not None:
            sys.set_int_max_str_digits(self._digits)

    def stages(self) -> list[types.CodeType]:
        """Return the base tests, if there are any, and the tests."""
        if not self._codes:
            self.set_digits()
            named = [(self.base, BASE_FILE)] if self.base else []
            named.append((self.source, TESTS_FILE))
            self._codes = [compile(source, name, "exec", dont_inherit=True) for source, name in named]
            text = f"{self.base}\n{self.source}"
            used = set().union(*map(_names, self._codes))
            for name in dict.fromkeys(_IMPORT.findall(text)):
                if name in used:
                    with contextlib.suppress(Exception):  # the tests raise it again, where it is explained
                        importlib.import_module(name)
        return self._codes

    def prepared(self, written_for: str) -> list[Prepared]:
        """Return the stages for a candidate's own interpreter.

        Args:
            written_for: the judge. Tests for `isolated` bring their prelude along, and call proxies.
        """
        if written_for not in self._prepared:
            sources, helpers = [self.base, self.source] if self.base else [self.source], self._prelude
            if written_for == "isolated":
                starmap = r"__import__('itertools').starmap(\1, "
                sources = [helpers + _CALLS_AHEAD.sub(starmap, source) for source in sources]
                helpers = ""
            self._prepared[written_for] = [Prepared(source, self.names, helpers) for source in sources]
        return self._prepared[written_for]

    def line(self, file: str, number: int) -> str:
        """Return a line of either stage, stripped; "" if there is no such line."""
        lines = (self.base if file == BASE_FILE else self.source).split("\n")
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _names(code: types.CodeType) -> set[str]:
    """Return the names that a code object and the functions in it use."""
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)
