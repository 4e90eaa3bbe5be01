# ruff: noqa: E501 (a row of a table is a line)
"""Tests of excerpts: blocks below the answer that show parts of it again, in every language and kind of task."""

from __future__ import annotations

import time

import pytest
from shapes import FUNCTION, answer, fence, run

from passk_tasks.extraction import extract
from passk_tasks.extraction.excerpts import body_lines, repeats
from passk_tasks.problem import Protocol

GUARDED = (
    "def total(xs: List[int]) -> int:\n    if not xs:\n        return 0\n    result = 0\n"
    "    for x in xs:\n        result += x\n    return result\n"
)
GUARD = "def total(xs):\n    if not xs:\n        return 0\n"


@pytest.mark.parametrize(
    ("excerpt", "strategy"),
    [
        (GUARD, "fence"),
        (GUARD.replace("\n    if", '\n    """Sum."""\n    # Nothing to add up:\n    if'), "fence"),
        (GUARD + "    result = 0\n    for x in xs:\n        pass\n", "fence"),
        (GUARD + "    # rest of the function\n", "fence"),
        ("def total(xs):\n    # ...\n    result = 0\n    return result\n", "fence"),
        ("def total(xs):\n    # … as above\n    return result\n", "fence"),
        (GUARDED.replace("    return result\n", ""), "fence+undecided"),
    ],
)
def test_a_block_that_repeats_lines_of_the_function_explains_it(excerpt, strategy):
    """The function goes on below them, or dots stand between them; where one line is missing, nobody knows."""
    found = answer(f"{fence(GUARDED)}How it works:\n\n{fence(excerpt)}Done.\n")
    assert run(found)["total"]([1, 2, 3]) == 6
    assert run(found)["total"]([]) == 0
    assert found.strategy == strategy


def test_excerpts_without_a_fence():
    """Among prose they give way as well; what stands below the last block, and is no excerpt, may be the answer."""
    found = answer(f"Here it is:\n\n{GUARDED}\nThe first lines:\n\n{GUARD}\nThey're simple.\n")
    assert (run(found)["total"]([1, 2]), found.strategy) == (3, "prose_code")
    found = answer(f"Let's see:\n\n{GUARD}    return 1\n\nNo, that's wrong:\n\n{FUNCTION}\nThat's it.\n")
    assert (run(found)["total"]([1, 2]), found.strategy) == (3, "prose_code")
    found = answer(f"{fence(GUARD)}That isn't all. So it's:\n\n{FUNCTION}")
    assert found.strategy == "fence+undecided"


def test_a_later_version_that_leaves_lines_out_is_the_answer():
    """It ends as the earlier one does; since it may be shown for comparison, the strategy has `undecided`."""
    draft = GUARDED.replace("    if not", "    xs = xs[1:]\n    if not")
    found = answer(f"{fence(draft)}Without the slip:\n\n{fence(GUARDED)}")
    assert run(found)["total"]([1, 2, 3]) == 6
    assert found.strategy == "fence+undecided"
    other = answer(f"{fence(GUARDED)}Shorter:\n\n{fence(FUNCTION.replace('result', 'a'))}")
    assert ("if not" in other.code, other.strategy) == (False, "fence")


def test_a_block_that_is_called_wrong_takes_no_place():
    """A right version may have nothing but lines of one that an answer calls wrong, above it or below."""
    right = GUARDED.replace(
        "    for x in xs:\n        result += x\n    return result\n", "    return sum(xs)\n"
    )
    bad = right + "    print(0)\n    exit()\n"
    for text in (f"The wrong code:\n{fence(bad)}Now:\n{fence(right)}", f"{fence(right)}Wrong:\n{fence(bad)}"):
        assert "exit()" not in answer(text).code


@pytest.mark.parametrize(
    "variant",
    [
        "async def total(xs):\n    return sum(xs)\n",
        "def total(xs, start):\n    return sum(xs, start)\n",
        "def total():\n    return sum(map(int, input().split()))\n",
        "def total(xs, *, start):\n    return sum(xs, start)\n",
    ],
)
def test_a_variant_that_the_tests_cannot_call_gives_way(variant):
    """The prompt says how the function is called; a variant with defaults can be called so."""
    for text in (fence(FUNCTION) + "If you need:\n" + fence(variant), fence(variant) + fence(FUNCTION)):
        assert run(answer(text))["total"]([1, 2]) == 3
    assert variant in answer(fence(variant)).code  # where there is no other
    extended = "def total(xs, start=0, *rest):\n    return sum(xs, start)\n"
    assert extended in answer(fence(FUNCTION) + fence(extended)).code


def test_a_function_in_steps_is_put_together():
    """Where no block has all of it, indented blocks go on with what the block above them began."""
    first, rest = GUARDED.split("    result = 0\n", 1)
    loop, end = "    result = 0\n" + rest.removesuffix("    return result\n"), "    return result\n"
    usage = fence("print(total([1]))\n")
    found = answer(f"Step 1\n{fence(first)}Step 2\n{fence(loop)}Step 3\n{fence(end)}Use it:\n{usage}")
    assert run(found)["total"]([1, 2, 3]) == 6
    assert found.strategy.startswith("fence_joined")
    # A function that ends by a result is whole, and so is one that nothing gives a result.
    shown = answer(fence(GUARDED) + fence("    return 0\n"))
    assert (run(shown)["total"]([1]), shown.strategy) == (1, "fence")
    in_place = "def total(xs):\n    xs.sort()\n"
    assert answer(fence(in_place) + fence("    xs.pop()\n")).strategy == "fence"


def test_a_body_above_prose_is_the_body():
    """Up to the first line at the margin; what is fenced below it shows it again."""
    body = "    result = sum(xs)\n    return result\n"
    for text in (body, body.lstrip()):
        for below in ("\nIt's the sum.\n", "\nThe base case:\n\n" + fence("return sum(xs[1:])\n")):
            found = answer(text + below)
            assert run(found)["total"]([1, 2, 3]) == 6
            assert found.strategy.startswith("body")
    assert answer("    It's simple.\n\nYes.\n").code is None


METHOD = (
    "class Solution:\n    def total(self, xs):\n        result = 0\n        for x in xs:\n"
    "            result += x\n        return result\n"
)


@pytest.mark.parametrize(
    "excerpt",
    [
        "class Solution:\n    def total(self, xs):\n        result = 0\n",
        "class Solution:\n    def total(self, xs: list[int]) -> int:\n        result = 0\n        for x in xs:\n            pass\n",
        "def total(self, xs):\n    result = 0\n    for x in xs:\n        result += x\n",
    ],
)  # fmt: skip
def test_a_part_of_a_method_explains_it(excerpt):
    """Whether its class stands around it or not."""
    text = f"{fence(METHOD)}Step by step:\n\n{fence(excerpt)}{fence('        return result')}"
    found = extract(text, mode="answer", prompt="", entry_point="", also=("total",))
    assert (found.code, found.strategy) == (METHOD, "fence")


PROGRAM = (
    "import sys\n\n\ndef main():\n    data = sys.stdin.read().split()\n    xs = list(map(int, data[1:]))\n"
    "    result = 0\n    for x in xs:\n        result += x\n    print(result)\n\n\nmain()\n"
)
READS = "data = sys.stdin.read().split()\nxs = list(map(int, data[1:]))\n"
ADDS = "result = 0\nfor x in xs:\n    result += x\nprint(result)\n"


def test_parts_of_a_program_explain_it():
    """Cells that need each other are a program only where no program above them has all their lines."""
    found = extract(
        f"{fence(PROGRAM)}- Read:\n\n{fence(READS)}\n- Add up:\n\n{fence(ADDS)}",
        mode="answer", prompt="", entry_point="",
    )  # fmt: skip
    assert (found.code, found.strategy) == (PROGRAM, "fence")
    changed = (
        ADDS.replace("result = 0", "result = 0  # so far")
        .replace("x in xs", "y in xs")
        .replace("+= x", "+= y")
    )
    found = extract(
        f"{fence(PROGRAM)}Or in cells:\n\n{fence('import sys' + chr(10) + READS)}\n{fence(changed)}",
        mode="answer", prompt="", entry_point="",
    )  # fmt: skip
    assert changed in found.code
    assert found.strategy == "fence_joined+undecided"


FUNCTIONS = {
    "js": ("function twice(n) {\n", "  if (n < 0) {\n    return -twice(-n);\n  }\n", "  let m = n + n;\n  return m;\n", "}\n"),
    "php": ("function twice($n) {\n", "    if ($n < 0) {\n        return -twice(-$n);\n    }\n", "    $m = $n + $n;\n    return $m;\n", "}\n"),
    "rb": ("def twice(n)\n", "  if n < 0\n    return -twice(-n)\n  end\n", "  m = n + n\n  m\n", "end\n"),
    "lua": ("function twice(n)\n", "  if n < 0 then\n    return -twice(-n)\n  end\n", "  local m = n + n\n  return m\n", "end\n"),
    "sh": ("twice() {\n", '    if [ "$1" -lt 0 ]; then\n        echo 0\n        return\n    fi\n', "    m=$(($1 + $1))\n    echo $m\n", "}\n"),
    "go": ("func twice(n int) int {\n", "\tif n < 0 {\n\t\treturn -twice(-n)\n\t}\n", "\tm := n + n\n\treturn m\n", "}\n"),
    "rs": ("fn twice(n: isize) -> isize {\n", "    if n < 0 {\n        return -twice(-n);\n    }\n", "    let m = n + n;\n    m\n", "}\n"),
    "java": ("class Problem {\n    public static long twice(long n) {\n", "        if (n < 0) {\n            return -twice(-n);\n        }\n", "        long m = n + n;\n        return m;\n", "    }\n}\n"),
}  # fmt: skip


def in_language(language, text):
    """Return what is found of an answer in another language, below a prompt with the declaration alone."""
    prompt = FUNCTIONS[language][0]
    protocol = Protocol(language, (), False)
    return extract(text, mode="answer", prompt=prompt, entry_point="twice", protocol=protocol)


@pytest.mark.parametrize("language", FUNCTIONS)
def test_excerpts_in_other_languages(language):
    """The declaration, its first lines, or lines between dots, closed or not: none is the answer."""
    head, guard, rest, end = FUNCTIONS[language]
    whole, line = head + guard + rest + end, head.rstrip("\n").rsplit("\n")[-1] + "\n"
    dots = ("# ..." if language in ("rb", "sh") else "-- ..." if language == "lua" else "// ...") + "\n"
    expected = in_language(language, fence(whole, ""))
    assert rest in expected.code
    parts = [line, line + guard, line + guard + end, line + guard + dots + end, line + dots + rest + end]
    for part in parts:
        found = in_language(language, f"{fence(whole, '')}It works so:\n\n{fence(part, '')}Then more.\n")
        assert (found.code, found.strategy) == (expected.code, expected.strategy)
    steps = "Then:\n".join(fence(part, "") for part in (head + guard, rest, end))
    assert in_language(language, steps).code.split() == expected.code.split()


@pytest.mark.parametrize("language", FUNCTIONS)
def test_a_body_alone_is_closed(language):
    """Where the tests do not close the function, the prompt's brace or word needs its end."""
    head, guard, rest, _ = FUNCTIONS[language]
    code = in_language(language, fence(guard + rest, "")).code
    assert code.split() == (head + guard + rest + FUNCTIONS[language][3]).split()


def test_a_later_one_liner_is_the_answer():
    """It has no line of its own below the declaration, and yet a body."""
    for short in ("const twice = (n) => add(n, n)\n", "function twice(n) { return 2 * n; }\n"):
        head, guard, rest, end = FUNCTIONS["js"]
        found = in_language("js", fence(head + guard + rest + end, "js") + "Or:\n" + fence(short, "js"))
        assert short in found.code
        assert "let m" not in found.code


@pytest.mark.parametrize(
    ("language", "declaration"),
    [
        ("rs", "fn twice(n: isize) -> isize;\n"),
        ("rs", "fn twice(n: isize) -> isize\n"),
        ("php", "function twice(int $n): int;\n"),
    ],
)
def test_a_declaration_without_a_brace_is_no_answer(language, declaration):
    """Answers show the type of a function so."""
    whole = fence("".join(FUNCTIONS[language]), "")
    code = in_language(language, whole).code
    assert in_language(language, f"{whole}Its type:\n{fence(declaration, '')}").code == code


def test_a_later_promise_is_no_answer():
    """Where the prompt's function gives its result at once; where it does not, or there is no other, it is."""
    whole = "".join(FUNCTIONS["js"])
    promise = f"async {whole.replace('let m', 'const m')}"
    assert "async" not in in_language("js", fence(whole, "js") + fence(promise, "js")).code
    assert "async" in in_language("js", fence(promise, "js")).code


def test_a_short_function_in_other_languages():
    """One line may hold a whole function: no brace, no `=`, and yet a body."""
    for language, long, short in (
        ("lua", "".join(FUNCTIONS["lua"]), "function twice(n) return n + n end\n"),
        ("rkt", "(define (twice n)\n  (define m n)\n  (+ n m))\n", "(define (twice n) (* 2 n))\n"),
    ):
        protocol = Protocol(language, (), False)
        text = fence(long, "") + "Or:\n" + fence(short, "")
        code = extract(text, mode="answer", prompt="x\n", entry_point="twice", protocol=protocol).code
        assert short in code


def test_lines_of_a_definition():
    """Its own ones, without closing marks, whatever the indentation of the definition."""
    for margin in ("", "\t"):
        lines = [
            margin + line
            for line in ("f(x) {", "", "    a;", "    if (b) {", "      c;", "    }", "}", "g();")
        ]
        assert body_lines(lines, 0) == ["a", "if (b", "  c"]
    assert not repeats(["a", "b"], ["b", "a", "c"])
    assert repeats([], ["a"])
    assert not repeats(["a"], ["a"])


@pytest.mark.parametrize(
    "line", ["<a>\nfunction twice(n) {\n", "let {} = g({});\n", "```js\nfunction twice(n) {{\n}}\n```\n"]
)
def test_the_work_on_long_answers_is_bounded(line):
    """Tags that nothing closes, chains of statements that feed an example, the same block again and again."""
    lines = "".join(line.replace("{}", f"a{n}", 1).replace("{}", f"a{n - 1}") for n in range(4000))
    text = "function twice(n) {\n}\n" + lines + "twice(a3999);\n"
    began = time.process_time()
    in_language("js", text)
    assert time.process_time() - began < 20
