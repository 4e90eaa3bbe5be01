"""Tests of extraction in other languages than Python: what continues a prompt, and files in chat answers."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import shared_data
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks import benchmarks
from passk_tasks.errors import UsageError
from passk_tasks.extraction import extract
from passk_tasks.extraction.languages import SYNTAXES, syntax
from passk_tasks.extraction.pieces import balanced, depth_of, hidden, members, split
from passk_tasks.languages import LANGUAGES
from passk_tasks.problem import Protocol
from passk_tasks.tasks.settings import Settings

CPP_PROMPT = "#include<assert.h>\n#include<bits/stdc++.h>\n// Twice.\nlong twice(long n) {\n"
JAVA_PROMPT = (
    "import java.util.*;\nimport org.javatuples.*;\nclass Problem {\n    // Twice.\n"
    "    public static long twice(long n) {\n"
)
GO_PROMPT = 'package twice_test\n\nimport (\n    "testing"\n    "fmt"\n)\n\nfunc twice(n int) int {\n'
SH_PROMPT = "#!/bin/bash\n# Twice.\ntwice() {\n"


def answer(text: str, language: str, prompt: str, *, closes: bool = True):
    """Return what is found in a chat model's answer."""
    return extract(
        text, mode="answer", prompt=prompt, entry_point="twice", protocol=Protocol(language, (), closes)
    )


def code_of(text: str, language: str, prompt: str, *, closes: bool = True) -> str:
    """Return the program in a chat model's answer."""
    code = answer(text, language, prompt, closes=closes).code
    assert code is not None
    return code


def squeezed(text: str) -> str:
    """Return a text without its white space."""
    return re.sub(r"\s+", "", text)


def test_every_language_of_the_judge_has_a_record() -> None:
    """Whatever is judged can be extracted: dialects have the record of their language."""
    assert {name.removesuffix("_pack") for name in LANGUAGES} <= set(SYNTAXES)
    with pytest.raises(UsageError, match="no language 'rus'"):
        syntax("rus")


# ---------------------------------------------------------------------- continuing a prompt


def test_a_completion_ends_at_the_first_stop() -> None:
    """Prompt and text up to the earliest stop, and nothing else is done to it."""
    found = extract(
        "    return 2 * n;\n}\nint main() {}\n",
        mode="completion",
        prompt=CPP_PROMPT,
        entry_point="twice",
        stops=("\nint", "\n}"),
        protocol=Protocol("cpp", ("\n}",), closed_by_tests=True),
    )
    assert (found.code, found.strategy) == (CPP_PROMPT + "    return 2 * n;", "body")


def test_a_completion_ends_where_braces_balance() -> None:
    """Braces in comments and strings do not count; Java's class has to be closed too."""
    java = Protocol("java", to_brace=True)
    text = '\n        String s = "}"; // }\n        return 2 * n;\n    }\n}\nclass Other { }\n'
    found = extract(text, mode="completion", prompt=JAVA_PROMPT, entry_point="twice", protocol=java)
    assert found.code == JAVA_PROMPT + text[: text.index("\nclass")]
    cut = extract("        return 2", mode="completion", prompt=JAVA_PROMPT, entry_point="f", protocol=java)
    assert cut.code == JAVA_PROMPT + "        return 2"


def test_an_empty_completion_is_none() -> None:
    """Nothing, and nothing but a token, is no program."""
    for text in ("", " \n", "<|im_end|>"):
        found = extract(text, mode="completion", prompt="x", entry_point="f", protocol=Protocol("js"))
        assert (found.code, found.strategy.startswith("none:empty")) == (None, True)


# ---------------------------------------------------------------------- files in answers


def test_the_tests_brace_closes_an_empty_function() -> None:
    """A whole function stays as it is; where the tests do not begin with a brace, nothing is added."""
    fenced = "Sure!\n```cpp\n#include <vector>\nlong twice(long n) {\n    return 2 * n;\n}\n```\nDone."
    code = code_of(fenced, "cpp", CPP_PROMPT)
    assert code.startswith("#include<assert.h>\n#include<bits/stdc++.h>\n#include <vector>\n")
    assert depth_of(code) == 1
    assert "return 2 * n;\n}\n" in code
    assert depth_of(code_of(fenced, "cpp", CPP_PROMPT, closes=False)) == 0
    dart = code_of("```dart\nint twice(int n) => 2 * n;\n```", "dart", "// Twice.\nint twice(int n) {\n")
    assert dart.endswith("int twice(int n) => 2 * n;\n\nvoid passk_end() {")


@pytest.mark.parametrize(
    ("language", "main"),
    [
        ("cpp", "int main() {\n    assert(twice(1) == 3);\n    return 0;\n}\n"),
        ("cpp", "int\nmain()\n{\n}\n".replace("int\nmain", "int main")),
        ("rs", 'fn main() {\n    println!("{}", twice(1));\n}\n'),
        ("rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn t() { panic!(); }\n}\n"),
        ("go", "func main() {\n}\n"),
        ("go", "func TestTwice(t *testing.T) {\n\tif twice(1) != 3 { t.Fail() }\n}\n"),
        ("go", "func ExampleTwice() {\n}\n"),
        ("d", "unittest {\n    assert(twice(1) == 3);\n}\n"),
        ("d", "void main()\n{\n    assert(twice(1) == 3);\n}\n"),
        ("dart", "void main() {\n  print(twice(1));\n}\n"),
        ("dart", "void expect(dynamic a, dynamic b) {\n  assert(a == b);\n}\n"),
    ],
)
def test_an_answers_own_main_and_tests_are_dropped(language: str, main: str) -> None:
    """They would be a second `main`, or fail a right function by a wrong example."""
    heads = {"rs": "fn twice(n: i64) -> i64", "go": "package twice_test\n\nfunc twice(n int) int"}
    function = f"{heads.get(language, 'long twice(long n)')} {{\n    return 2 * n;\n}}\n"
    prompt = GO_PROMPT if language == "go" else function.partition("{")[0] + "{\n"
    found = answer(f"```{language}\n{function}\n{main}```", language, prompt, closes=False)
    assert found.strategy == "fence+examples"
    assert squeezed(function.partition("{")[2]) in squeezed(found.code)
    assert squeezed(main).rstrip("}") not in squeezed(found.code)
    assert "#[cfg" not in found.code


def test_a_function_named_like_a_test_stays() -> None:
    """`test_duplicate`, `Testify` and a variable `main_value` are the model's own."""
    go = (
        "package p\n\nfunc Testify(n int) int {\n\treturn n\n}\n\n"
        "func twice(n int) int {\n\treturn 2 * Testify(n)\n}\n"
    )
    assert "func Testify" in code_of(f"```go\n{go}```", "go", GO_PROMPT, closes=False)


def test_classes_stay_open_for_the_tests() -> None:
    """Java, C# and Scala: the last brace is the tests', other classes stand above, the own `main` is gone."""
    source = (
        "class Problem {\n    public static long twice(long n) {\n        return Helper.two() * n;\n    }\n\n"
        "    public static void main(String[] args) {\n        System.out.println(twice(1));\n    }\n}\n\n"
        "class Helper {\n    static long two() { return 2; }\n}\n"
    )
    code = code_of(f"```java\n{source}```", "java", JAVA_PROMPT)
    assert depth_of(code) == 2
    assert "main" not in code
    assert code.startswith("import java.util.*;\nimport org.javatuples.*;\n")
    assert code.index("class Helper") < code.index("class Problem")


def test_a_method_without_its_class_gets_the_prompts() -> None:
    """An answer may hold the method alone: the class of the prompt is put around it."""
    method = "public static long twice(long n) {\n    return 2 * n;\n}\n"
    code = code_of(f"```java\n{method}```", "java", JAVA_PROMPT)
    assert code.count("class Problem {") == 1
    assert depth_of(code) == 2
    whole = code_of(f"```java\n{method}```", "java", JAVA_PROMPT, closes=False)
    assert depth_of(whole) == 0


def test_c_sharp_keeps_the_prompts_usings() -> None:
    """What the tests need of the prompt's imports is there, each once."""
    prompt = (
        "using System;\nusing System.Diagnostics;\nclass Problem {\n    public static long Twice(long n) {\n"
    )
    source = (
        "using System;\n\nclass Problem {\n    public static long Twice(long n) => 2 * n;\n\n"
        "    public static void Main() {\n    }\n}\n"
    )
    found = extract(
        f"```csharp\n{source}```",
        mode="answer",
        prompt=prompt,
        entry_point="Twice",
        protocol=Protocol("cs", (), closed_by_tests=True),
    )
    assert found.code.count("using System;") == 1
    assert "using System.Diagnostics;" in found.code
    assert "Main" not in found.code


def test_go_imports_what_is_used_and_no_more() -> None:
    """What only a dropped test used goes; what the model imported for nothing stays its own mistake."""
    source = (
        'package main\n\nimport (\n\t"math"\n\t"os"\n\t"reflect"\n\tm "strings"\n)\n\n'
        'import "errors"\n\n'
        'func twice(n int) int {\n\treturn int(math.Abs(2)) * n * len(m.Fields("a"))\n}\n\n'
        'func TestTwice(t *testing.T) {\n\treflect.DeepEqual(1, 2)\n\terrors.New("")\n}\n'
    )
    code = code_of(f"```go\n{source}```", "go", GO_PROMPT, closes=False)
    for path in ('"testing"', '"fmt"', '"math"', '"os"', 'm "strings"'):
        assert code.count(path) == 1, path
    assert "reflect" not in code
    assert "errors" not in code
    assert code.count("package") == 1


def test_examples_below_the_function_are_dropped() -> None:
    """From the first call or print on, whatever defines nothing; definitions stay."""
    source = (
        "function twice(n) {\n  return two * n;\n}\n\nconst two = 2;\n\nconst result = twice(1);\n"
        "for (const x of result) {\n  console.log(x);\n}\n\nfunction helper() {\n  return twice(1);\n}\n"
    )
    code = code_of(f"```js\n{source}```", "js", "function twice(n){\n", closes=False)
    assert "const two" in code
    assert "function helper" in code
    assert "result" not in code
    assert "console" not in code


def test_php_and_racket_have_one_head_and_no_tail() -> None:
    """`<?php` stands once, `?>` not at all, and `#lang` first."""
    php = "function twice($n) {\n    return 2 * $n;\n}\n?>\n"
    code = code_of(f"```php\n{php}```", "php", "<?php\nfunction twice($n) {\n", closes=False)
    assert code.startswith("<?php\n")
    assert "?>" not in code
    racket = "(define (twice n)\n  (* 2 n))\n\n(twice 1)\n"
    prompt = "#lang racket\n\n;; Twice.\n(define (twice n)\n"
    code = code_of(f"```racket\n{racket}```", "rkt", prompt, closes=False)
    assert code.startswith("#lang racket\n")
    assert "(twice 1)" not in code


def test_the_prompt_is_never_put_before_a_whole_file() -> None:
    """A function under another name is the model's own mistake; only a body goes below the prompt."""
    renamed = "fn Twice(n: i64) -> i64 {\n    2 * n\n}\n"
    prompt = "/// Twice.\nfn twice(n: i64) -> i64 {\n"
    found = answer(f"```rust\n{renamed}```", "rs", prompt)
    assert "fn twice" not in found.code
    body = answer("```rust\n    2 * n\n```", "rs", prompt)
    assert (body.strategy, body.code.startswith(prompt)) == ("fence_body", True)
    bare = answer("    2 * n\n}\n", "rs", prompt)
    assert bare.strategy == "body"
    assert bare.code.startswith(prompt + "    2 * n\n}")
    assert depth_of(bare.code) == 1


def test_other_blocks_are_looked_through() -> None:
    """Usage in a block of its own is left, a helper in one is put above, and reasoning is cut."""
    text = (
        "<think>\n```bash\ntwice() {\n    echo wrong\n}\n```\n</think>\n"
        "First:\n```bash\ntwo() {\n    echo 2\n}\n```\n"
        "Then:\n```bash\ntwice() {\n    echo $(( $(two) * $1 ))\n}\n```\nUse it so:\n```bash\ntwice 4\n```\n"
    )
    code = code_of(text, "sh", SH_PROMPT)
    assert "wrong" not in code
    assert "twice 4" not in code
    assert code.index("echo $((") > 0
    other = (
        "First:\n```js\nfunction two() { return 2 }\n```\n"
        "and\n```js\nfunction twice(n) { return two() * n }\n```"
    )
    assert "function two" in code_of(other, "js", "function twice(n){\n", closes=False)


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("", "none:empty"),
        ("I cannot help with that.", "none:no_code_found"),
        ("```python\nprint(1)\n```", "none:no_code_found"),
        ("<think>I wonder", "none:unterminated_reasoning+reasoning"),
    ],
)
def test_no_program(text: str, strategy: str) -> None:
    """An answer without code in the language is none, and says why."""
    found = answer(text, "cpp", CPP_PROMPT)
    assert (found.code, found.strategy) == (None, strategy)


@given(st.sampled_from(sorted(SYNTAXES)), st.text(alphabet="ab{}()[]\"'`#/*-;=<>\n\\ ~?$|@", max_size=80))
def test_any_text(language: str, text: str) -> None:
    """No text raises; hiding keeps every length; the pieces of a program are the program."""
    record = syntax(language)
    code = hidden(text, record)
    assert len(code) == len(text)
    assert [a for a, b in zip(text, code, strict=True) if a == "\n"] == [b for b in code if b == "\n"]
    assert "".join(piece.text for piece in split(text, record)) == text
    assert balanced(text, record, 1) == text[: len(balanced(text, record, 1))]
    assert all(start < end for start, end in members(code, re.compile(r"\w")))
    for closes in (True, False):
        answer(f"```{record.fences.split()[0]}\n{text}\n```", language, "twice() {\n", closes=closes)
        answer(text, language, "", closes=closes)


def test_the_answers_of_a_real_model() -> None:
    """Of the 720 published answers, each of which has one right fence, every one gives a program."""
    strategies: Counter[str] = Counter()
    for row in shared_data.rows("multipl_e/solutions_dev.jsonl.gz"):
        name = f"multiple_{row['config'].replace('-', '_')}"
        problem = _problems(name, row["config"])[row["name"]]
        found = extract(
            row["solution"],
            mode="answer",
            prompt=problem.prompt,
            entry_point=problem.entry_point,
            protocol=problem.protocol,
        )
        strategies[found.strategy.partition("+")[0]] += 1
        if problem.protocol.closed_by_tests:
            record = syntax(problem.protocol.language)
            depth = depth_of(hidden(f"{found.code}\n{problem.test}", record))
            assert depth == 0 or problem.protocol.language == "sh", (row["config"], row["name"])
    assert set(strategies) <= {"fence", "fence_joined"}
    assert sum(strategies.values()) == 720


def _problems(name: str, config: str):
    if name not in _LOADED:
        path = shared_data.path(f"multipl_e/{config}.jsonl.gz")
        settings = Settings(benchmark=name, data_files=str(path), judge="command")
        _LOADED[name] = benchmarks.load(benchmarks.get(name), settings).problems
    return _LOADED[name]


_LOADED: dict[str, dict] = {}


# ---------------------------------------------------------------------- what would stand in the tests' way


@pytest.mark.parametrize(
    ("language", "prompt", "text", "gone", "kept"),
    [
        (
            "js",
            "function twice(n){\n",
            "const assert = require('assert');\nexport default function twice(n) {\n  return 2 * n;\n}\n"
            "export { twice };\n",
            ("assert", "export"),
            "function twice(n) {\n  return 2 * n;\n}",
        ),
        (
            "lua",
            "local function twice(n)\n",
            "function twice(n)\n    return 2 * n\nend\n\nfunction testTwice()\n    lu.fail()\nend\n\n"
            "os.exit(lu.LuaUnit.run())\nreturn twice\n",
            ("lu.fail", "os.exit", "return twice"),
            "return 2 * n\nend",
        ),
        (
            "pl",
            "sub twice {\n",
            "use Test::More tests => 1;\nsub twice {\n    return 2 * shift;\n}\nis(twice(1), 3);\n"
            "done_testing();\n__END__\n\n=head1 NAME\n\ntwice\n",
            ("Test::More", "is(", "done_testing", "__END__", "=head1"),
            "return 2 * shift;",
        ),
        (
            "rb",
            "def twice(n)\n",
            "def twice(n)\n  2 * n\nend\n\nclass TwiceTest < Minitest::Test\n  def test_it\n"
            "    flunk\n  end\nend\n",
            ("Minitest", "flunk"),
            "2 * n\nend",
        ),
        (
            "java",
            JAVA_PROMPT,
            "package a.b;\n\nclass Problem {\n    public static long twice(long n) {\n"
            "        return 2 * n;\n    }\n}\n\n"
            "public class Main {\n    public static void main(String[] args) { }\n}\n",
            ("package", "public class", "void main"),
            "return 2 * n;",
        ),
        (
            "d",
            "long twice(long n)\n",
            "module a.b;\nlong twice(long n)\n{\n    return 2 * n;\n}\n",
            ("module",),
            "n;\n}",
        ),
        (
            "rs",
            "fn twice(n: i64) -> i64 {\n",
            "#![allow(x)]\nfn twice(n: i64) -> i64 {\n    2 * n\n}\n",
            ("#!",),
            "2 * n\n}",
        ),
        (
            "scala",
            "object Problem {\n    def twice(n : Long) : Long = {\n",
            "package a\n\nobject Problem extends App {\n  def twice(n: Long): Long = 2 * n\n}\n",
            ("package", "App"),
            "2 * n",
        ),
        (
            "java",
            JAVA_PROMPT,
            "import org.junit.jupiter.api.Test;\nimport static org.junit.Assert.*;\nimport java.util.Set;\n\n"
            "class Problem {\n    public static long twice(long n) {\n        return 2 * n;\n    }\n\n"
            "    @Test\n    void two() {\n        assertEquals(2, twice(1));\n    }\n}\n",
            ("junit", "@Test", "assertEquals"),
            "import java.util.Set;",
        ),
        (
            "cs",
            "using System;\nclass Problem {\n    public static long twice(long n) {\n",
            "using NUnit.Framework;\nnamespace A.B;\nclass Problem {\n"
            "    public static long twice(long n) {\n"
            "        return 2 * n;\n    }\n}\n\n[TestFixture]\npublic class Tests {\n    [Test]\n"
            "    public void Two() {\n        Assert.Fail();\n    }\n}\n",
            ("NUnit", "namespace", "Fail"),
            "return 2 * n;",
        ),
        (
            "cpp",
            CPP_PROMPT,
            "#include <gtest/gtest.h>\nlong twice(long n) {\n    return 2 * n;\n}\n\n"
            "TEST(Twice, Two) {\n    FAIL();\n}\n",
            ("gtest", "FAIL"),
            "return 2 * n;\n}",
        ),
        (
            "scala",
            "object Problem {\n    def twice(n : Long) : Long = {\n",
            "import org.scalatest.funsuite.AnyFunSuite\n\nobject Problem {\n"
            "  def twice(n: Long): Long = 2 * n\n}\n\n"
            "class TwiceTest extends AnyFunSuite {\n  test(\"two\") {\n    fail()\n  }\n}\n",
            ("scalatest", "fail()"),
            "2 * n",
        ),
        (
            "php",
            "<?php\nfunction twice($n) {\n",
            "<?php\nfunction twice($n) {\n    return 2 * $n;\n}\n\nfunction test(): void {\n"
            "    no(twice(0));\n}\n"
            "<?php\nclass TwiceTest extends TestCase {\n    function testTwo() { fail(); }\n}\ntest();\n",
            ("function test", "no(", "fail", "TestCase", "test();"),
            "return 2 * $n;\n}",
        ),
        (
            "ts",
            "function twice(n: number): number {\n",
            "import { strict as assert } from 'assert';\nimport { expect, it } from 'vitest';\n"
            "import { helper } from './helper';\n\nfunction twice(n: number): number {\n  return 2 * n;\n"
            "}\n\n"
            "function test() {\n  assert(false);\n}\n\nit('is two', () => {\n  expect(twice(1)).toBe(2);\n"
            "});\n",
            ("assert", "vitest", "expect"),
            "import { helper } from './helper';",
        ),
        (
            "r",
            "twice <- function(n) {\n",
            "library(testthat)\ntwice <- \\(n) 2 * n\n",
            ("testthat",),
            "2 * n",
        ),
    ],
)  # fmt: skip
def test_what_stands_in_the_tests_way_is_cut_out(language, prompt, text, gone, kept) -> None:
    """What must begin a file, ends it, is a test or names what the tests name is no part of the program."""
    closes = language in ("java", "cs", "cpp", "rs", "scala")
    code = code_of(f"```{language}\n{text}```", language, prompt, closes=closes)
    assert not [word for word in gone if word in code], code
    assert squeezed(kept).rstrip("}") in squeezed(code)


def test_a_namespace_is_taken_off_its_class() -> None:
    """The tests close a C# class that stands at the top."""
    prompt = "using System;\nclass Problem {\n    // Twice.\n    public static long Twice(long n) {\n"
    text = (
        "using System;\n\nnamespace A.B\n{\n    public class Problem\n    {\n"
        "        public static long twice(long n) => 2 * n;\n    }\n}\n"
    )
    code = code_of(f"```csharp\n{text}```", "cs", prompt)
    assert "namespace" not in code
    assert depth_of(code) == 2


def test_functions_without_their_class_are_put_into_it() -> None:
    """Helpers beside the function are methods too; imports stay outside."""
    text = (
        "import java.io.*;\nstatic long two() { return 2; }\n\n"
        "static long twice(long n) { return two() * n; }\n"
    )
    code = code_of(f"```java\n{text}```", "java", JAVA_PROMPT)
    assert code.index("import java.io") < code.index("class Problem {") < code.index("static long two()")


@pytest.mark.parametrize(
    ("language", "helper", "function"),
    [
        ("js", "const two = (n) => 2 * n;\n", "function twice(n) {\n  return [n].map(two)[0];\n}\n"),
        ("sh", "two() {\n    echo $((2 * $1))\n}\n", 'twice() {\n    echo "$(two "$1")"\n}\n'),
        (
            "php",
            "function two($n) { return 2 * $n; }\n",
            "function twice($n) { return array_map('two', [$n])[0]; }\n",
        ),
    ],
)  # fmt: skip
def test_helpers_of_other_blocks_are_found_by_name(language, helper, function) -> None:
    """Also one that is handed over, named in a string, or called as a command."""
    text = f"```{language}\n{helper}```\nThen:\n```{language}\n{function}```\n"
    assert helper.strip() in code_of(text, language, "x\n", closes=False)


SCRIPT = "function twice(n) {\n  return two() * n;\n}\n"
PHP = "function twice($n) { return two() * $n; }\n"


@pytest.mark.parametrize(
    ("language", "line", "helper", "function"),
    [
        ("js", "const { two } = require('./two');\n", "const two = () => 2;\n", SCRIPT),
        ("ts", "import { two } from './two';\n", "function two() {\n  return 2;\n}\n", SCRIPT),
        ("rb", "require_relative 'two'\n", "def two\n  2\nend\n", "def twice(n)\n  two * n\nend\n"),
        ("php", "require_once __DIR__ . '/two.php';\n", "function two() { return 2; }\n", PHP),
        (
            "cpp",
            '#include "two.h"\n',
            "int two() { return 2; }\n",
            "long twice(long n) { return two() * n; }\n",
        ),
    ],
)
def test_another_file_of_the_answer_is_not_imported(language, line, helper, function) -> None:
    """Nobody has it; what it defines stands above, and what any host has is still imported."""
    text = f"```{language}\n{helper}```\nThen:\n```{language}\n{line}{function}```\n"
    code = code_of(text, language, "x\n", closes=False)
    assert line.strip() not in code
    assert helper.strip() in code
    assert '#include "math.h"' in code_of(
        f'```cpp\n#include "math.h"\n{function}```', "cpp", "x\n", closes=False
    )


def test_what_only_examples_use_goes_with_them() -> None:
    """A reader of input, which some hosts lack, and its import; a table that the function uses stays."""
    function = "const table = new Map([[1, 2]]);\n\nfunction twice(n) {\n  return table.get(n);\n}\n"
    example = (
        'const rl = readline.createInterface({ input });\nrl.on("line", (s) => console.log(twice(+s)));\n'
    )
    code = code_of(
        f'```ts\nimport * as readline from "readline";\n{function}{example}```', "ts", "x\n", closes=False
    )
    assert "readline" not in code
    assert "const table" in code
    shell = (
        'twice() {\n    echo "$((factor * $1))"\n}\nfactor=$((1 + 1))\nn=$(cat)\necho "$factor"\ntwice "$n"\n'
    )
    code = code_of(f"```bash\n{shell}```", "sh", SH_PROMPT)
    assert "factor=$((1 + 1))" in code
    assert "cat" not in code


def test_a_main_below_the_function_is_not_called() -> None:
    """A statement that calls what calls the function is an example as well; one that binds a name is not."""
    text = (
        "sub twice {\n    return $table->{$_[0]};\n}\n\nour $table = table();\n\n"
        "sub table { return { map { $_ => 2 * $_ } 0 .. 9 }; }\n\nsub main {\n"
        '    print twice(1), "\\n";\n    exit;\n}\n\n'
        "main();\n"
    )
    code = code_of(f"```perl\n{text}```", "pl", "sub twice {\n", closes=False)
    assert "main();" not in code
    assert "our $table = table();" in code


NOTATIONS = {
    "block quotes": lambda text: "".join(f"> {line}\n" for line in f"```\n{text}```".split("\n")),
    "numbers": lambda text: "".join(f"{n:3} {line}\n" for n, line in enumerate(text.splitlines(), 1)),
    "numbers and arrows": lambda text: "".join(f"{n}\u2192{s}\n" for n, s in enumerate(text.splitlines(), 1)),
    "tags": lambda text: f"Here:\n<answer>\n{text}</answer>\nThat's it.\n",
    "a call of a tool": lambda text: (
        f"<call>\n<function=write>\n<arg=code>\n{text}</arg>\n</function>\n</call>"
    ),
    "tags on the line of code": lambda text: f'<p n="path">a</p>\n<p n="code">{text.rstrip()}</p>\n',
}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("language", "function"),
    [
        ("js", "const two = 2;\nfunction twice(n) {\n  return n < 0 ? 0 : two * n;\n}\n"),
        ("rb", "def two\n  2\nend\n\ndef twice(n)\n  two * n\nend\n"),
        ("go", "func twice(n int) int {\n\treturn 2 * n\n}\n"),
        (
            "cpp",
            "#include <vector>\nlong twice(long n) {\n    return std::vector<long>{n, n}.size() * n;\n}\n",
        ),
    ],
)
def test_notations_in_other_languages(notation, language, function) -> None:
    """A quotation, numbers before lines and tags around the program are no part of it."""
    plain = code_of(f"```\n{function}```\n", language, "x {\n", closes=False)
    assert code_of(NOTATIONS[notation](function), language, "x {\n", closes=False).split() == plain.split()


def test_prose_below_a_function_without_a_fence_is_left_out() -> None:
    """Sentences, headings and bullets are no code; a helper below them is."""
    text = (
        "Here it is:\n\nfunction twice(n) {\n  return two() * n;\n}\n\nExplanation:\n\n"
        "- It doubles the number.\n"
        "This runs in O(1), and it's short.\n\nfunction two() {\n  return 2;\n}\n"
    )
    found = answer(text, "js", "function twice(n){\n", closes=False)
    assert "prose_code" in found.strategy
    assert squeezed(found.code) == squeezed(
        "function twice(n) {\n  return two() * n;\n}\nfunction two() {\n  return 2;\n}\n"
    )


@pytest.mark.parametrize(
    ("language", "comment"),
    [
        ("ts", "/**\n * Twice.\n * ```ts\n * twice(1)\n * ```\n */\n"),
        ("rs", "/// Twice.\n/// ```\n/// f\n/// ```\n"),
    ],
)  # fmt: skip
def test_a_fence_in_a_comment_is_a_comment(language, comment) -> None:
    """Documentation of a function may hold Markdown; it neither ends the block nor begins one."""
    function = "function twice(n) {\n  return 2 * n;\n}\n" if language == "ts" else "fn twice() {\n    2\n}\n"
    code = code_of(f"```{language}\n{comment}{function}```", language, "x {\n", closes=False)
    assert code.endswith(comment + function)


def test_the_class_has_the_prompts_name() -> None:
    """The tests' class is run by its name; where the answer has another class of that name, it stays."""
    text = (
        "class Twice {\n    private Twice() { }\n\n    public static long twice(long n) {\n"
        '        return n + Twice.one(n, "Twice");\n    }\n\n'
        "    static long one(long n, String s) { return n; }\n}\n"
    )
    code = code_of(f"```java\n{text}```", "java", JAVA_PROMPT)
    assert "class Problem {\n    private Problem() { }" in code
    assert 'Problem.one(n, "Twice")' in code
    other = code_of(f"```java\n{text}\nclass Problem {{\n}}\n```", "java", JAVA_PROMPT)
    assert "class Twice {" in other


def test_a_file_in_two_blocks_is_one_file() -> None:
    """What one block leaves open, the next ones close; imports of any block stand at the top."""
    text = (
        "```java\nclass Problem {\n    public static long twice(long n) {\n        return two() * n;\n"
        "    }\n```\n"
        "with\n```java\n    static long two() {\n        return 2;\n    }\n}\n```\n"
    )
    code = code_of(text, "java", JAVA_PROMPT)
    assert code.index("return two() * n;") < code.index("static long two()")
    assert depth_of(code) == 2
    helper = "```java\nimport a.b;\nclass Helper {\n}\n```\n"
    function = "static long twice(long n) { return Helper.x(n); }"
    main = f"```java\nimport c.d;\nclass Problem {{\n    {function}\n}}\n```\n"
    assert code_of(helper + main, "java", JAVA_PROMPT).index("import c.d") < 200


def test_a_whole_file_without_a_fence_begins_with_its_class() -> None:
    """Prose above it and below it is left out, also sentences with signs of code in them."""
    text = (
        "Sure, an object for you:\n\nobject Problem {\n  def twice(n: Long): Long = 2 * n\n}\n\n"
        "This runs in O(1); it returns {} of nothing.\n"
    )
    code = code_of(text, "scala", "object Problem {\n    def twice(n : Long) : Long = {\n")
    assert code.startswith("object Problem {\n  def twice")
    assert "runs" not in code


def test_an_indented_body_with_a_lambda_is_a_body() -> None:
    """A lambda's braces make no definition of an indented statement."""
    text = "```cpp\n    return apply([](auto& a) { return 2 * a; }, n);\n}\n```"
    assert code_of(text, "cpp", CPP_PROMPT).startswith(CPP_PROMPT + "    return apply")


def test_go_functions_alone_are_given_their_imports() -> None:
    """A file says what it imports; a function without one is read. The tests' names stay as they are."""
    alone = 'func twice(n int) int {\n\treturn n + len(strings.Fields("a"))*n\n}\n'
    assert '"strings"' in code_of(f"```go\n{alone}```", "go", GO_PROMPT, closes=False)
    assert '"strings"' not in code_of(f"```go\npackage main\n\n{alone}```", "go", GO_PROMPT, closes=False)
    renamed = (
        'package main\n\nimport f "fmt"\n\nfunc twice(n int) int {\n\treturn 2 * n\n}\n\n'
        "func main() {\n\tf.Println(twice(1))\n}\n"
    )
    code = code_of(f"```go\n{renamed}```", "go", GO_PROMPT, closes=False)
    assert '"fmt"' in code
    assert 'f "fmt"' not in code


@pytest.mark.parametrize(
    "dress",
    [
        lambda code: "".join(f"> {line}" for line in f"```go\n{code}```\n".splitlines(True)),
        lambda code: f"<pre><code>{code.replace('<', '&lt;')}</code></pre>",
        lambda code: (
            "```\n" + "".join(f"{n:2} | {x}" for n, x in enumerate(code.splitlines(True), 1)) + "```\n"
        ),
        lambda code: "```diff\n" + "".join(f"+{x}" for x in code.splitlines(True)) + "```\n",
        lambda code: (
            "```diff\n" + "-func twice() {\n" + "".join(f" {x}" for x in code.splitlines(True)) + "```\n"
        ),
        lambda code: f"```sh\ncat > twice.go <<EOF\n{code}EOF\n```\n",
    ],
    ids=["quoted", "HTML", "numbered", "new", "patch", "written by a shell"],
)
def test_notations_are_undone(dress) -> None:
    """They are the same in every language."""
    code = "func twice(n int) int {\n    if n < 0 {\n        return -twice(-n)\n    }\n    return 2 * n\n}\n"
    found = code_of(dress(code), "go", GO_PROMPT, closes=False)
    assert squeezed(code) in squeezed(found)
    assert "&lt;" not in found
