"""Programs in other languages: built and run by their toolchains, with their tests below them."""

from __future__ import annotations

import os
import re
import shutil

import pytest

from passk_tasks.errors import SandboxError
from passk_tasks.judging import batch, selftest
from passk_tasks.judging.executor import local
from passk_tasks.languages import LANGUAGES, Tool
from passk_tasks.languages.examples import EXAMPLES
from passk_tasks.program import CommandTests, Confinement, Limits, Program
from passk_tasks.sandbox import supervisor, toolchains
from passk_tasks.sandbox.box import landlock
from passk_tasks.verdict import Outcome, Verdict

LONG = "x" * 200_000


def ada(statements: str, above: str = "") -> str:
    """Return an Ada program whose function does that, with declarations above it in the package's body."""
    start, between, _ = EXAMPLES["adb"].right.rpartition("   function F")
    return f"{start}{above}\n{between} (X : Integer) return Integer is\n   begin\n      {statements};"


# By language: a text that does not compile, one that raises where it is called, and one that takes memory
# without end.
BROKEN = {
    "cpp": (
        "int f(int x) { return x",
        "#include <stdexcept>\nint f(int x) { throw std::runtime_error(\"no\");",
        "#include <string>\n#include <vector>\nint f(int x) { std::vector<std::string> v; "
        "for (;;) v.push_back(std::string(1000000, 'x'));",
    ),
    "java": (
        "class Problem {\n static int f(int x) {\n return x\n",
        "class Problem {\n static int f(int x) {\n throw new RuntimeException();\n",
        "class Problem {\n static int f(int x) {\n java.util.List<long[]> l = new java.util.ArrayList<>(); "
        "while (true) l.add(new long[1000000]);\n",
    ),
    "go": (
        'package f_test\n\nimport (\n\t"testing"\n)\n\nfunc f(x int) int {\n\treturn "a"\n}\n',
        'package f_test\n\nimport (\n\t"testing"\n)\n\nfunc f(x int) int {\n\tpanic("no")\n}\n',
        'package f_test\n\nimport (\n\t"testing"\n)\n\nvar kept [][]int\n\nfunc f(x int) int {\n\tfor {\n'
        "\t\tpart := make([]int, 1000000)\n\t\tfor i := range part {\n\t\t\tpart[i] = i\n\t\t}\n"
        "\t\tkept = append(kept, part)\n\t}\n}\n",
    ),
    "rs": (
        "fn f(x: i64) -> i64 {\n    let y: i32 = \"a\";\n    x",
        'fn f(x: i64) -> i64 {\n    if x == 1 { panic!("no") }\n    x',
        "fn f(_: i64) -> i64 {\n    let mut v: Vec<Vec<u64>> = Vec::new();\n"
        "    loop { v.push(vec![1; 1000000]); }",
    ),
    "js": (
        "function f(x) {",
        "function f(x) { throw new Error('no'); }",
        "function f(x) { const a = []; for (;;) a.push(Buffer.alloc(1e7, 1)); }",
    ),
    "ts": (
        "function f(x: number): number { return 'a'; }",
        "function f(x: number): number { throw new Error('no'); }",
        "function f(x: number): number { const a: number[][] = [];\n"
        "for (;;) a.push(new Array(1e6).fill(1.5)); }",
    ),
    "rb": (
        "def f(x)\n  (\nend\n",
        "def f(x)\n  raise 'no'\nend\n",
        "def f(x)\n  a = []\n  loop { a << 'x' * 10_000_000 }\nend\n",
    ),
    "php": (
        "<?php\nfunction f($x) { return (; }\n",
        "<?php\nfunction f($x) { throw new TypeError('no'); }\n",
        "<?php\nfunction f($x) { $a = []; while (true) $a[] = str_repeat('x', 1000000); }\n",
    ),
    "pl": (
        "sub f { my $x = (; }\n",
        "sub f { die 'no'; }\n",
        "sub f { my @a; while (1) { push @a, 'x' x 10_000_000; } }\n",
    ),
    "lua": (
        "local function f(x) return ( end\n",
        "local function f(x) error('no') end\n",
        "local function f(x) local a = {} while true do\n"
        "a[#a + 1] = string.rep('x', 10000000) .. #a end end\n",
    ),
    "sh": (
        "f() {\n    if",
        "f() {\n    echo 2\n}\nno_such_command_at_all || exit 3\ng() {",
        "f() {\n    x=x; while true; do x=$x$x; done",
    ),
    "d": (
        "int f(int x)\n{\n    return x\n}\n",
        "int f(int x)\n{\n    throw new Exception(\"no\");\n}\n",
        "int f(int x)\n{\n    long[][] kept;\n    for (;;) {\n        auto part = new long[](1_000_000);\n"
        "        part[] = 1;\n        kept ~= part;\n    }\n}\n",
    ),
    "cs": (
        "class Problem {\n public static int F(int x) {\n return x\n",
        "class Problem {\n public static int F(int x) {\n throw new System.Exception(\"no\");\n",
        "class Problem {\n public static int F(int x) {\n"
        " var kept = new System.Collections.Generic.List<long[]>();\n while (true) {\n"
        " var part = new long[1000000]; for (int i = 0; i < 1000000; i++) part[i] = i; kept.Add(part); }\n",
    ),
    "scala": (
        "object Problem {\n    def f(x : Int) : Int = {\n        return (\n",
        "object Problem {\n    def f(x : Int) : Int = {\n        throw new Exception(\"no\")\n",
        "object Problem {\n    def f(x : Int) : Int = {\n        var kept = List[Array[Long]]()\n"
        "        while (true) kept = new Array[Long](1000000) :: kept\n        x\n",
    ),
    "r": (
        "f <- function(x) {\n    (\n}\n",
        "f <- function(x) {\n    stop('no')\n}\n",
        "f <- function(x) {\n    kept <- list()\n    repeat kept[[length(kept) + 1]] <- rep(1, 1e6)\n}\n",
    ),
    "rkt": (
        "#lang racket\n(define (f x) (+ x 1)\n",
        "#lang racket\n(define (f x) (error \"no\"))\n",
        "#lang racket\n(define (f x)\n  (let loop ([kept '()])\n"
        "    (loop (cons (make-vector 1000000 x) kept))))\n",
    ),
    "hs": (
        "f :: Int -> Int\nf x = (\n",
        "f :: Int -> Int\nf x = error \"no\"\n",
        "f :: Int -> Int\nf x = let l = [x ..] in sum l + length l\n",
    ),
    "ml": (
        "let f (x : int) : int = (\n",
        "let f (x : int) : int = failwith \"no\"\n",
        "let kept = ref []\nlet f (x : int) : int =\n"
        "  while true do kept := Array.make 1000000 x :: !kept done; x\n",
    ),
    "clj": (
        "(defn f\n  [x]\n  (+ x 1)\n",
        "(defn f\n  [x]\n  (throw (Exception. \"no\")))\n",
        "(defn f\n  [x]\n  (loop [kept []] (recur (conj kept (long-array 1000000)))))\n",
    ),
    "elixir": (
        "defmodule HumanEval do\n  def f(x) do\n    (\n  end\nend\n",
        "defmodule HumanEval do\n  def f(x) do\n    raise \"no\"\n  end\nend\n",
        "defmodule HumanEval do\n  def f(x), do: grow(x, [])\n"
        '  defp grow(x, kept), do: grow(x, [:binary.copy("x", 10_000_000) | kept])\nend\n',
    ),
    "adb": (
        ada("return X +"),
        ada("raise Program_Error; return X"),
        ada("loop Kept := new Node'(Next => Kept, Data => (others => X)); end loop; return X",
            "type Node;\n   type Reference is access Node;\n"
            "   type Numbers is array (1 .. 100000) of Integer;\n"
            "   type Node is record\n      Next : Reference;\n      Data : Numbers;\n   end record;\n"
            "   Kept : Reference;"),
    ),
}  # fmt: skip


def example_tests(language: str) -> CommandTests:
    """Return the example's tests; skip where the toolchain is missing."""
    if missing := toolchains.hint([language]):
        pytest.skip(missing)
    return CommandTests(language, EXAMPLES[language].tests)


def judge(language: str, *codes: str, mode: str = "strict", **limits: float) -> list[Outcome]:
    """Judge texts in one worker."""
    tests = example_tests(language)
    programs = [Program(f"t/{n}", code, tests) for n, code in enumerate(codes)]
    given = Limits(**{"timeout_s": 1, "memory_mib": 128, **limits})  # type: ignore[arg-type]
    confinement = Confinement(given, mode)
    return list(batch.judge(programs, local(confinement, 1)).outcomes)


def verdicts(outcomes: list[Outcome]) -> list[Verdict]:
    """Return the verdicts; pytest shows the outcomes where they are wrong."""
    return [outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize("language", LANGUAGES)
def test_right_passes_and_wrong_fails(language):
    """In every language a right program passes, and a wrong one fails its assertion."""
    example = EXAMPLES[language]
    outcomes = judge(language, example.right, example.wrong)
    assert verdicts(outcomes) == [Verdict.PASSED, Verdict.FAILED], outcomes
    assert {outcome.judge for outcome in outcomes} == {"command"}


# Of each kind of tools one: built, built with libraries, a virtual machine, an interpreter.
KINDS = ("cpp", "rs_pack", "java", "cs", "js", "sh")


@pytest.mark.parametrize(
    "language", [pytest.param(name, marks=[pytest.mark.slow] * (name not in KINDS)) for name in LANGUAGES]
)
@pytest.mark.skipif(landlock.abi() < 1, reason="this kernel has no Landlock")
def test_without_namespaces(language, monkeypatch):
    """What was built is executed under Landlock too; what cannot be judged there is refused by name.

    That is C#, whose runtime needs /proc, and for root Rust with crates, whose folder no candidate can read.
    Others of these kinds differ in what is shown to them, not in how the rest is hidden: they are slow.
    """
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    example = EXAMPLES[language]
    refused = {"cs": r"C# programs need /proc"}
    if os.getuid() == 0:
        refused["rs_pack"] = "Rust programs need libraries in root's caches"
    if language in refused:
        with pytest.raises(SandboxError, match=refused[language]):
            judge(language, example.right)
        return
    codes = (example.right,) if LANGUAGES[language].build else (example.right, example.wrong)
    assert verdicts(judge(language, *codes)) == [Verdict.PASSED, Verdict.FAILED][: len(codes)]


@pytest.mark.parametrize("language", ["cpp", "js"])
def test_by_resource_limits_alone(language):
    """The weakest mode judges them too."""
    example = EXAMPLES[language]
    outcomes = judge(language, example.right, example.wrong, mode="rlimits")
    assert verdicts(outcomes) == [Verdict.PASSED, Verdict.FAILED], outcomes


@pytest.mark.parametrize("language", BROKEN)
def test_verdicts_say_what_went_wrong(language):
    """What does not compile is a syntax error, an uncaught exception an error, a hog ends at its memory."""
    outcomes = judge(language, *BROKEN[language])
    assert verdicts(outcomes) == [Verdict.SYNTAX_ERROR, Verdict.ERROR, Verdict.MEMORY_LIMIT], outcomes


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("js", "function f(x) { for (;;) {} }"),
        ("rb", "def f(x)\n  sleep\nend\n"),
    ],
)
def test_time_limits(language, code):
    """An endless loop, and a program that sleeps, end at the language's time limit."""
    assert verdicts(judge(language, code)) == [Verdict.TIMEOUT]


def test_endless_output_ends():
    """A program that prints without end ends at the limit of a file."""
    outcome = judge("js", "function f(x) { for (;;) console.log('x'.repeat(100000)); }", output_mib=1)[0]
    assert outcome.verdict is Verdict.OUTPUT_LIMIT, outcome


def test_output_of_a_right_program_is_no_fault():
    """A right program may print what it likes, also a line without an end before the proof."""
    code = "process.stdout.write('no end'); console.error('hm');\n" + EXAMPLES["js"].right
    assert verdicts(judge("js", code)) == [Verdict.PASSED]


def test_a_long_text_crosses():
    """A text that no pipe takes at once is read to its end."""
    for language, comment in (("js", "//"), ("sh", "#"), ("php", "<?php //")):
        right = EXAMPLES[language].right.removeprefix("<?php\n")
        assert verdicts(judge(language, f"{comment}{LONG}\n{right}")) == [Verdict.PASSED], language


def test_what_was_built_is_read_only_in_the_run():
    """A program cannot write to its own file, under any of its names."""
    code = (
        (
            "#include <fcntl.h>\n#include <unistd.h>\n#include <errno.h>\nint f(int x) { "
            'for (const char* name : {"/proc/self/exe", "/dev/fd/20", "/proc/self/fd/20"}) '
            "if (open(name, O_RDWR) >= 0) return 0; "
            "if (write(20, name_, 4) >= 0 || ftruncate(20, 0) == 0) return 0; return x + 1;"
        )
        .replace("name_", '"text"')
        .replace("#include <fcntl.h>", "#include <initializer_list>\n#include <fcntl.h>")
    )
    assert verdicts(judge("cpp", code)) == [Verdict.PASSED]


def test_the_source_is_gone_when_the_program_runs():
    """Neither the source nor anything else of the build is in the folders of the run."""
    code = (
        '#include <dirent.h>\n#include <string.h>\nint f(int x) { DIR* here = opendir("."); int n = 0; '
        "while (here && readdir(here)) n++; return n == 2 ? x + 1 : 0;"
    )
    assert verdicts(judge("cpp", code)) == [Verdict.PASSED]


def test_candidates_share_nothing():
    """What one program leaves in its folder, the next one does not find."""
    leave = "require('fs').writeFileSync('left', 'x');\n" + EXAMPLES["js"].right
    look = "if (require('fs').existsSync('left')) process.exit(1);\n" + EXAMPLES["js"].right
    assert verdicts(judge("js", leave, look)) == [Verdict.PASSED, Verdict.PASSED]


def test_files_of_the_problem_are_there():
    """The problem's own files stand in the working folder."""
    example_tests("js")
    tests = CommandTests("js", EXAMPLES["js"].tests, files=(("data/one.txt", "1"),))
    code = "function f(x) { return x + Number(require('fs').readFileSync('data/one.txt', 'utf8')); }"
    outcome = batch.judge([Program("t/0", code, tests)], local(Confinement(), 1)).outcomes[0]
    assert outcome.passed, outcome


def test_python_candidates_see_no_toolchain():
    """The same sandbox shows a language's tools to its programs alone."""
    example = EXAMPLES["js"]
    tests = example_tests("js")
    python = next(iter(selftest.EXAMPLES.values()))[0]
    node = shutil.which("node")
    code = f"import os\ndef following(x): return x + (not os.path.exists({node!r}))"
    hidden = Program("t/0", code, python.tests)
    with local(Confinement(), 1) as executor:
        assert [o.passed for _, o in executor.run([Program("t/1", example.right, tests)])] == [True]
        assert [o.passed for _, o in executor.run([hidden])] == [True]


def test_identical_programs_are_built_once():
    """Texts that several samples share are judged once."""
    tests = example_tests("sh")
    told = []
    programs = [Program("t/0", EXAMPLES["sh"].right, tests)] * 3

    class Counting:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def __enter__(self):
            self.inner.__enter__()
            return self

        def __exit__(self, *error):
            return self.inner.__exit__(*error)

        def run(self, programs):
            told.append(len(programs))
            return self.inner.run(programs)

    assert all(
        outcome.passed for outcome in batch.judge(programs, Counting(local(Confinement(), 1))).outcomes
    )
    assert told == [1]


def test_a_missing_toolchain_is_named_before_anything_runs(monkeypatch):
    """The error says which tool is missing, and the command that installs it."""
    lacking = LANGUAGES["lua"].tools[0]
    monkeypatch.setattr(toolchains, "_find", lambda tool, _: None if tool == lacking else "/bin/true")
    toolchains.find.cache_clear()
    try:
        tests = CommandTests("lua", EXAMPLES["lua"].tests)
        with pytest.raises(SandboxError, match=r"Lua needs lua5\.2.*: apt-get install lua5\.2 lua-unit"):
            selftest.require([Program("t/0", None, tests)], local(Confinement(), 1))
    finally:
        toolchains.find.cache_clear()


def test_versions_are_numbers():
    """Each tool that is here tells its version."""
    for name in LANGUAGES:
        for tool, version in toolchains.versions(name).items():
            assert re.match(r"\d+\.\d+", version), (name, tool, version)


def test_tools_that_do_not_exist_are_not_found():
    """A tool is looked for under all of its names."""
    assert toolchains._find(Tool(("no-such-tool", "neither-this")), ()) is None
