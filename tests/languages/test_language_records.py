"""The records of languages: they are whole, and the driver makes programs of them."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Barrier

import pytest

from passk_tasks.errors import SandboxError, did_you_mean
from passk_tasks.languages import LANGUAGES
from passk_tasks.languages.examples import EXAMPLES
from passk_tasks.program import CommandTests, Judge, Program
from passk_tasks.results.conditions import from_score
from passk_tasks.results.summary import Summary
from passk_tasks.sandbox import toolchains
from passk_tasks.sandbox.box import landlock
from passk_tasks.sandbox.box.drivers.command import Plan

WORDS = {"source", "built", "text", "memory_mib", "prepared"}


def plan(language: str, source: str | None = None) -> Plan:
    """Return what the driver makes of a language's tests; what programs do without is not prepared."""
    record = LANGUAGES[language]
    needed = record.prepared is not None and record.prepared.needed
    if needed and (missing := toolchains.hint([language])):
        pytest.skip(missing)
    given = toolchains.given(CommandTests(language, source or EXAMPLES[language].tests), prepared=needed)
    return Plan(asdict(given))


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_name_only_what_there_is(language):
    """Each word in braces is a tool of the language, or one that the driver fills in."""
    record = LANGUAGES[language]
    known = WORDS | {tool.names[0] for tool in record.tools}
    prepared = record.prepared
    more = [] if prepared is None else [*prepared.commands, *prepared.build, prepared.run]
    for command in (*record.build, record.run, *more):
        words = re.findall(r"\{([\w+.]+)\}", " ".join(command))
        assert set(words) <= known, command
    assert bool(record.build) == bool(record.makes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ending_stands_once_in_every_program(language):
    """The number is in the program's text once, behind the candidate and most of the tests."""
    example = EXAMPLES[language]
    text = plan(language).text(example.right, 8_765_432_109)
    assert text.startswith(example.right)
    assert text.count("8765432109") == 1
    assert "@KEY@" not in text
    assert text.index("8765432109") > len(example.right)
    again = plan(language).text(example.right, 1)
    assert "8765432109" not in again


@pytest.mark.parametrize("language", [name for name, record in LANGUAGES.items() if record.ending.before])
def test_the_ending_is_within_the_tests(language):
    """Where the tests are a function or a method, the proof is printed by its last statement."""
    text = plan(language).text("", 8_765_432_109)
    after = text[text.index("8765432109") :]
    assert re.search(r"\}|\bend\b|pure", after), after


def test_expressions_of_every_record_compile():
    """Signs, rules and places are regular expressions."""
    for record in LANGUAGES.values():
        texts = [record.named, record.ending.before, *(pattern for pattern, _ in record.ending.replaced)]
        texts += [text for text in asdict(record.rule).values() if isinstance(text, str)]
        texts += [text for text in asdict(record.signs).values() if isinstance(text, str)]
        texts += [record.prepared.when] if record.prepared else []
        for text in texts:
            re.compile(text)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("#include<assert.h>\n#include<bits/stdc++.h>\nint f() {", True),
        ("// a\n\n  # include <map>\n#include <bits/stdc++.h>\n", True),
        ("#define assert\n#include<bits/stdc++.h>\n", False),
        ("#include <vector>\nint f() {", False),
        ('#include "own.h"\n#include<bits/stdc++.h>\n', False),
        ("using namespace std;\n#include<bits/stdc++.h>\n", False),
    ],
)
def test_the_prepared_header_is_for_programs_that_begin_with_it(text, fits):
    """A program whose meaning it could change is built without it."""
    prepared = LANGUAGES["cpp"].prepared
    assert prepared is not None
    assert bool(re.match(prepared.when, text)) is fits


def test_an_unknown_language_is_refused():
    """The error names the nearest one."""
    with pytest.raises(ValueError, match=re.escape(did_you_mean("jaav", LANGUAGES))):
        CommandTests("jaav", "")


def test_everything_that_decides_is_in_the_hash():
    """Language, tests, files and limit change the hash of a program; its judge is `command`."""
    tests = CommandTests("js", "f();")
    program = Program("t/0", "x", tests)
    assert program.judge is Judge.COMMAND
    others = [
        CommandTests("ts", "f();"),
        CommandTests("js", "g();"),
        CommandTests("js", "f();", (("a", "b"),)),
        CommandTests("js", "f();", timeout_s=20.0),
    ]
    assert len({program.sha256, *(Program("t/0", "x", other).sha256 for other in others)}) == 5


def test_versions_are_compared():
    """Runs that other versions of a toolchain judged are not comparable in silence."""
    summary = Summary.from_dict({"task": "t", "problems": 1, "samples": 1, "toolchains": {"g++": "12.2.0"}})
    assert from_score(summary).toolchains == {"g++": "12.2.0"}
    assert summary.as_dict()["toolchains"] == {"g++": "12.2.0"}
    older = Summary.from_dict({"task": "t", "problems": 1, "samples": 1})
    assert from_score(older).toolchains is None
    assert "toolchains" not in older.as_dict()


def test_libraries_that_cannot_be_had_are_an_error(monkeypatch, tmp_path):
    """What makes builds faster may fail in silence; where programs need it, no program is judged without."""
    with pytest.raises(SandboxError, match="Rust programs need libraries in root's caches"):
        toolchains.given(CommandTests("rs_pack", ""), prepared=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(toolchains, "_command", lambda *_, **__: ("false",))
    toolchains.prepare.cache_clear()
    try:
        assert toolchains.prepare("java") is None
        assert toolchains.slower(["java", "js"]) == (
            "Java programs are built without what makes that faster: false failed: ",
        )
        with pytest.raises(SandboxError, match="what Rust programs need cannot be built: false failed"):
            toolchains.prepare("rs_pack")
    finally:
        toolchains._failed.clear()
        toolchains.prepare.cache_clear()


def test_what_two_want_at_once_is_prepared_once(monkeypatch, tmp_path):
    """Whoever comes second waits, and takes what is there."""
    made, both = [], Barrier(2)

    def prepare(language, folder):
        made.append(language.name)
        time.sleep(0.5)

    def ask(_):
        both.wait()
        return toolchains.prepare.__wrapped__("java")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(toolchains, "_prepare", prepare)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert (first, made) == (second, ["java"])


def test_what_is_prepared_is_written_to_its_folder_alone(monkeypatch, tmp_path):
    """A preparing command that writes elsewhere fails; in its folder it may."""
    if landlock.abi() < 1:
        pytest.skip("this kernel has no Landlock")
    outside = tmp_path / "outside"
    script = 'touch "$HOME/inside" && touch "$0"'
    monkeypatch.setattr(toolchains, "_command", lambda *_, **__: ("/bin/sh", "-c", script, str(outside)))
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(OSError, match=r"outside.*Permission denied"):
        toolchains._prepare(LANGUAGES["java"], inside)
    assert (inside / "inside").exists()
    assert not outside.exists()


def test_a_program_that_a_tool_only_starts_is_run_itself(monkeypatch, tmp_path):
    """TypeScript's compiler is node's script, or a program beside it, in either layout of npm's."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    script = tmp_path / "node_modules" / "typescript" / "bin" / "tsc"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tsc").symlink_to(script)
    tool = LANGUAGES["ts"].tools[1]
    for place in ("", "typescript/node_modules/", "@typescript/"):
        native = tmp_path / "node_modules" / f"{place.removesuffix('@typescript/')}@typescript/linux/lib/tsc"
        for file in (script, *([native] if place else [])):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")
            file.chmod(0o755)
        assert toolchains._find(tool, ()) == str(native if place else tmp_path / "bin" / "tsc")
        native.unlink(missing_ok=True)


def test_a_tool_that_cannot_say_where_it_is_is_missing(monkeypatch, tmp_path):
    """Rustup's `rustc` says at length, and fails, that its user has chosen no toolchain."""
    rustc = tmp_path / "rustc"
    rustc.write_text(
        f"#!/bin/sh\necho '{'no toolchain is configured ' * 20}' >&2\nexit 1\n", encoding="utf-8"
    )
    rustc.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchains, "_PATH", str(tmp_path))
    monkeypatch.setattr(toolchains, "find", toolchains.find.__wrapped__)
    assert "rustc" in toolchains.find("rs").missing
    rustc.write_text("#!/bin/sh\necho /usr\n", encoding="utf-8")
    assert toolchains.find("rs").paths["rustc"] in (str(rustc), "/usr/bin/rustc")


def test_a_linker_is_used_where_the_compiler_has_it():
    """A flag for a linker that is not there is left out."""
    assert not toolchains._links_by("no-such-linker", "cc")
    assert not toolchains._links_by("mold", "/no/such/compiler")
