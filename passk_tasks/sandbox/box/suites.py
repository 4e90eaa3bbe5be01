"""The tests of one problem, compiled once for all of its candidates."""

from __future__ import annotations

import contextlib
import importlib
import re
import types

from passk_tasks.sandbox.box.second_look import Prepared

_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
_CALLS_AHEAD = re.compile(r"\b(\w+)\.each\(")  # a proxy has this method, a function does not
TESTS_FILE, BASE_FILE = "<tests>", "<base tests>"


class Suite:
    """The tests of one problem, compiled once for all of its candidates."""

    def __init__(
        self, source: str, prelude: str, names: list[str], base: str, base_decides: bool, objects: bool
    ) -> None:
        self.source, self.names, self.base, self.base_decides = source, names, base, base_decides
        self.objects = objects
        self._prelude = prelude
        self.prelude = compile(prelude, "<prelude>", "exec", dont_inherit=True) if prelude else None
        self._codes: list[types.CodeType] = []
        self._prepared: dict[str, list[Prepared]] = {}

    def stages(self) -> list[types.CodeType]:
        """Return the base tests, if there are any, and the tests."""
        if not self._codes:
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
