"""For each language, tests with a right and a wrong program: they show whether a host judges it rightly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """Programs whose `f` should add one.

    Attributes:
        right: passes.
        wrong: does not.
        tests: what judges them.
    """

    right: str
    wrong: str
    tests: str


def _example(code: str, tests: str) -> Example:
    """Return an example from a program with `@` where its result stands."""
    return Example(code.replace("@", "x + 1"), code.replace("@", "x + 2"), tests)


_NODE = _example(
    "function f(x) {\n  return @;\n}",
    "const assert = require('node:assert');\n\n"
    "function test() {\n  assert.deepEqual(f(1), 2);\n}\n\ntest();\n",
)

EXAMPLES: dict[str, Example] = {
    "cpp": _example(
        "#include <assert.h>\nint f(int x) {\n  return @;", "}\nint main() {\n    assert(f(1) == 2);\n}\n"
    ),
    "java": _example(
        "class Problem {\n    static int f(int x) {\n        return @;\n",
        "    }\n    public static void main(String[] args) {\n    assert(f(1) == 2);\n    }\n\n}\n",
    ),
    "go": _example(
        'package f_test\n\nimport (\n\t"testing"\n)\n\nfunc f(x int) int {\n\treturn @\n}\n',
        'func TestF(t *testing.T) {\n\tif f(1) != 2 {\n\t\tt.Errorf("wrong")\n\t}\n}\n',
    ),
    "rs": _example(
        "fn f(x: i64) -> i64 {\n    @",
        "}\n\nfn main() {\n    let candidate = f;\n    assert_eq!(candidate(1), 2);\n}\n",
    ),
    "d": _example(
        "int f(int x)\n{\n    return @;\n}\n",
        "unittest\n{\n    alias candidate = f;\n    assert(candidate(1) == 2);\n}\nvoid main(){}\n",
    ),
    "cs": _example(
        "using System;\nusing System.Diagnostics;\nclass Problem {\n"
        "    public static int F(int x) {\n        return @;\n",
        "    }\n    public static void Main(string[] args) {\n    Debug.Assert(F(1) == 2);\n    }\n\n}\n",
    ),
    "scala": _example(
        "object Problem {\n    def f(x : Int) : Int = {\n        return @\n",
        "    }\n    def main(args: Array[String]) = {\n    assert(f(1) == 2);\n    }\n\n}\n",
    ),
    "cpp_pack": _example(
        "int f(int x) {\n  return @;\n}", "#include <assert.h>\nint main() {\n    assert(f(1) == 2);\n}\n"
    ),
    "java_pack": _example(
        "class Solution {\n    int f(int x) {\n        return @;\n    }\n}",
        "public class Main {\n    public static void main(String[] args) {\n"
        "        if (new Solution().f(1) != 2) {\n            throw new AssertionError();\n"
        "        }\n    }\n}\n",
    ),
    "rs_pack": _example(
        "use rand::Rng;\nuse regex::Regex;\nuse md5;\nfn f(x: i64) -> i64 {\n    @\n}",
        "mod tests {\n    use super::*;\n    pub fn test_f() {\n        assert!(f(1) == 2);\n    }\n}\n"
        "fn main() {\n    tests::test_f();\n}\n",
    ),
    "js_pack": _example("const f = (x) => {\n  return @;\n}", "console.assert(f(1) === 2)\n"),
    "js": _NODE,
    "ts": _example(
        "function f(x: number): number {\n  return @;\n}",
        "declare var require: any;\nconst assert = require('node:assert');\n\n"
        "function test() {\n  assert.deepEqual(f(1), 2);\n}\n\ntest();\n",
    ),
    "rb": _example(
        "def f(x)\n  @\nend\n",
        "require 'test/unit'\nclass TestF < Test::Unit::TestCase\n  def test_f\n    assert_equal(2, f(1))\n"
        "  end\nend\n",
    ),
    "php": _example(
        "<?php\nfunction f($x) {\n    return $@;\n}\n",
        'if (f(1) !== 2) { throw new Exception("Test failed!"); }\n',
    ),
    "pl": _example(
        "sub f {\n    my $x = shift;\n    return $@;\n}\n",
        "use Test::Deep;\n\nsub testf {\n    if(eq_deeply(f(1),2)) {\n"
        '    print "ok!" }else{\n    exit 1;\n    }\n}\n\n'
        "testf();\n",
    ),
    "lua": _example(
        "local function f(x)\n    return @\nend\n",
        "lu = require('luaunit')\n\nfunction test_f()\n    lu.assertEquals(f(1), 2)\nend\n\n"
        "os.exit(lu.LuaUnit.run())\n",
    ),
    "sh": _example(
        "f() {\n    local x=$1\n    echo $((@))",
        '}\n\nset -e\nrun_test() {\n    [[ $(f "1") = "2" ]]\n}\n\nrun_test\n',
    ),
    "jl": _example(
        "function f(x::Int64)::Int64\n    @\nend\n",
        "using Test\n\n@testset begin\n\n\t@test(f(1) == 2)\nend\n",
    ),
    "swift": _example("func f(x: Int) -> Int {\n    return @", "}\n\nassert(f(x: 1) == 2)\n"),
    "hs": _example(
        "f :: Int -> Int\nf x = @\n",
        "\nmain :: IO ()\nmain = do\n  let candidate = f\n"
        '  if candidate 1 == 2 then pure () else error "assertion failed"\n  pure ()\n',
    ),
    "ml": _example(
        "let f (x : int) : int = @\n",
        "\nlet assertions =\n let candidate = f in\n  (assert ((candidate 1) = 2));\n  ()\n",
    ),
    "clj": Example(
        "(defn f\n  [x]\n  (+ x 1))\n",
        "(defn f\n  [x]\n  (+ x 2))\n",
        "(require '[clojure.test :refer [deftest is run-test]])\n\n(def candidate f)\n\n"
        "(deftest test-humaneval\n\n  (is (= (candidate 1) 2))\n)\n\n(run-test test-humaneval)",
    ),
    "elixir": _example(
        "defmodule HumanEval do\n  def f(x) do\n    @\n  end\nend\n",
        "ExUnit.start()\n\ndefmodule HumanEvalTest do\n  use ExUnit.Case, async: true\n"
        '  test "f" do\n    assert HumanEval.f(1) == 2\n  end\nend\n',
    ),
    "dart": _example(
        "int f(int x) {\n  return @;",
        "}\nvoid main() {\n  final candidate = f;\n\n  expect(candidate(1), 2);\n}\n\n"
        "void expect(dynamic a, dynamic b) {\n  if (a == b) return;\n  throw '$a != $b';\n}\n",
    ),
    "adb": _example(
        "pragma Ada_2022;\n\npackage Placeholder is\n   function F (X : Integer) return Integer;\n\n"
        "end Placeholder;\n\npragma Ada_2022;\n\npackage body Placeholder is\n"
        "   function F (X : Integer) return Integer is\n   begin\n      return @;",
        "\n   end F;\n\nend Placeholder;\n\npragma Ada_2022;\nwith Placeholder; use Placeholder;\n\n"
        "procedure Main is\n\n   function Candidate (X : Integer) return Integer renames Placeholder.F;\n\n"
        "begin\n   pragma Assert (Candidate (1) = 2);\nend Main;\n",
    ),
    "r": _example(
        "f <- function(x) {\n    @\n}\n",
        "test_f <- function() {\n    stopifnot(isTRUE(all.equal(f(1), 2)))\n}\ntest_f()\n",
    ),
    "rkt": Example(
        "#lang racket\n(define (f x) (+ x 1))\n",
        "#lang racket\n(define (f x) (+ x 2))\n",
        "(require rackunit)\n\n(define (test-f)\n  (check-within (f 1) 2 0.001))\n\n(test-f)\n",
    ),
}
"""By the language's name."""
