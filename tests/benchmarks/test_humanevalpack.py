"""Tests of HumanEvalPack's families, and its own solutions under the judge."""

from __future__ import annotations

import re

import pytest
import shared_data

from passk_tasks import benchmarks, extraction
from passk_tasks.benchmarks import humanevalpack
from passk_tasks.errors import DatasetError
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.languages import LANGUAGES
from passk_tasks.program import CommandTests, Judge, Program
from passk_tasks.sandbox import toolchains
from passk_tasks.tasks.catalog import load_task, load_yaml
from passk_tasks.tasks.settings import Settings

# Helpers below the function, `struct` and a directive below the end: the benchmark cuts there, too.
CUT = {
    "go": {"Go/72", "Go/90", "Go/158"},
    "cpp": {"CPP/94"},
    "rust": {"Rust/137", "Rust/145"},
}
# A zero is not found for every polynomial that is drawn; a result depends on the order of a map.
BY_CHANCE = {"rust": {"Rust/32"}, "go": {"Go/95"}}
# Compile below the prompt alone: the declaration lacks a helper, or has the first half of the body already.
BELOW_PROMPT = {"go": {"Go/10", "Go/32", "Go/38", "Go/50"}, "cpp": {"CPP/38"}}
# Its tests call C's function of the same name, from the includes: whatever is written passes.
NEVER_CALLED = {"cpp": {"CPP/23"}}
CONFIGS = [
    config
    for config in ("js", "java", "go", "cpp", "rust", "python")
    if f"humanevalpack_synthesize_{config}" in benchmarks.names()
]


def dataset(name: str):
    """Return the problems of a family, from the data beside the checkout."""
    family = benchmarks.get(name)
    path = shared_data.path(f"humanevalpack/{family.hub_name}.jsonl.gz")
    judge = family.judges[0].value
    return benchmarks.load(family, Settings(benchmark=name, data_files=str(path), judge=judge))


def programs(name: str, column: str, count: int | None):
    """Return the first programs of a column, completed as a base model's text would be."""
    family, found = benchmarks.get(name), dataset(name)
    stops = load_task(f"passk_{name}").until
    built = []
    for row in found.rows[:count]:
        problem = found.problems[row["task_id"]]
        code = extraction.extract(
            f"\n{row[column]}",
            mode="completion",
            prompt=problem.prompt,
            entry_point=problem.entry_point,
            stops=(*stops, *(problem.protocol.stops if problem.protocol else ())),
            protocol=problem.protocol,
        ).code
        built.append(family.program(problem, code, Judge.ISOLATED))
    return built


def whole(name: str, column: str) -> list[Program]:
    """Return the programs of a column below the prompt, uncut."""
    family, found = benchmarks.get(name), dataset(name)
    return [
        family.program(
            found.problems[row["task_id"]],
            f"{found.problems[row['task_id']].prompt}\n{row[column]}",
            Judge.ISOLATED,
        )
        for row in found.rows
    ]


def words(program: Program) -> list[str]:
    """Return the words of a program's text."""
    assert program.code is not None
    return program.code.split()


def passes(name: str, given: list[Program]) -> dict[str, bool]:
    """Judge programs of a family; return which passed."""
    languages = {program.tests.language for program in given if isinstance(program.tests, CommandTests)}
    if missing := toolchains.hint(sorted(languages)):
        pytest.skip(missing)
    outcomes = batch.judge(given, local(Settings(timeout_s=10).confinement, 1)).outcomes
    return {program.task_id: outcome.passed for program, outcome in zip(given, outcomes, strict=True)}


@pytest.mark.parametrize("config", CONFIGS)
def test_solutions_pass_and_wrong_ones_do_not(config: str) -> None:
    """The first of each language, as continuations of the prompt."""
    name = f"humanevalpack_synthesize_{config}"
    assert list(passes(name, programs(name, "canonical_solution", 2)).values()) == [True, True]
    assert list(passes(name, programs(name, "buggy_solution", 2)).values()) == [False, False]


@pytest.mark.parametrize("config", CONFIGS)
def test_only_known_solutions_are_cut(config: str) -> None:
    """As continuations they are whole, but for the few that the benchmark's own cut breaks as well."""
    name = f"humanevalpack_synthesize_{config}"
    for column in ("canonical_solution", "buggy_solution"):
        pairs = zip(programs(name, column, None), whole(name, column), strict=True)
        cut = {
            full.task_id for short, full in pairs if (short.code or "").split() != (full.code or "").split()
        }
        assert cut == CUT.get(config, set())


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS)
def test_whole_sets(config: str) -> None:
    """All canonical solutions pass, and no wrong one does, but for the known ones."""
    name = f"humanevalpack_fixtests_{config}"
    right, wrong = (passes(name, whole(name, column)) for column in ("canonical_solution", "buggy_solution"))
    assert len(right) == len(wrong) == 164
    failed = {task_id for task_id, passed in right.items() if not passed}
    others = BELOW_PROMPT.get(config, set())
    assert others <= failed <= others | BY_CHANCE.get(config, set())
    below_prompt = whole(f"humanevalpack_synthesize_{config}", "canonical_solution")
    assert all(passes(name, [program for program in below_prompt if program.task_id in others]).values())
    assert {task_id for task_id, passed in wrong.items() if passed} == NEVER_CALLED.get(config, set())


@pytest.mark.parametrize("family", humanevalpack.FAMILIES, ids=lambda family: family.name)
def test_requests_are_the_benchmarks_own(family) -> None:
    """Instruction, context and the beginning of the answer stand as bigcode-evaluation-harness puts them."""
    from lm_eval.utils import apply_template

    found = dataset(family.name)
    row = found.rows[3]
    text = load_yaml(load_task(f"passk_{family.name}").source)["doc_to_text"]
    bare = family.kind in ("fixtests", "explain")
    base = row["declaration"] if bare else row["prompt"]
    base = f"fn main(){{}}\n{base}" if bare and family.language == "rs" else base
    tests = "\n" + row["test"] if family.kind == "fixtests" else ""
    ask = {
        "synthesize": row["instruction"].strip(),
        "explain": f"A sum.\nWrite functional code in {row['title']} according to the description.",
    }.get(family.kind, f"{base}{row['buggy_solution']}{tests}\nFix bugs in {row['entry_point']}.")
    expected = f"{ask}\n\n{base}".strip()
    assert apply_template(text, {**row, "told": "A sum."} if family.kind == "explain" else row) == expected
    assert found.problems[row["task_id"]].prompt == base.rstrip()
    assert expected.endswith(base.strip())
    if family.kind == "explain":
        ask = (
            "Provide a concise natural language description of the code using at most "
            f"{len(row['docstring'])} characters."
        )
        assert apply_template(text, row) == f"{base}{row['canonical_solution']}\n{ask}".strip()


def test_descriptions_are_cut_as_the_benchmark_cuts_them() -> None:
    """By the docstring's length, at the language's stops, and without long lines of the solution."""
    row = {
        "task_id": "Go/0",
        "canonical_solution": "    for i := range numbers {\n    x\n",
        "docstring": "d" * 60,
    }
    go, cpp = (benchmarks.get(f"humanevalpack_explain_{config}") for config in ("go", "cpp"))
    assert cpp.told(row, "  Adds.\n// x \n" + "y" * 90) == "Adds.\n// x \n" + "y" * 48
    assert go.told(row, "  Adds \n// x") == "Adds"
    assert go.told(row, "Loops: for i := range numbers { x }") == "Loops:  x }"
    assert go.told(row, "<think>\nA loop.\n</think>\n\nAdds.") == "Adds."
    with pytest.raises(DatasetError, match="column 'docstring' is missing"):
        go.told({name: row[name] for name in ("task_id", "canonical_solution")}, "")


def test_rust_runs_its_tests_and_no_main_of_the_candidate() -> None:
    """Tests are called one after another by a `main` of ours; another shape of them is an error."""
    family = benchmarks.get("humanevalpack_synthesize_rust")
    row = {
        **dict.fromkeys(family.columns, ""),
        "task_id": "Rust/0",
        "test": "#[cfg(test)]\nmod tests {\n    use super::*;\n\n#[test]\n    // one\n    fn one() {\n"
        "        assert!(f());\n    }\n\n#[test]\n    fn two() {}\n}\n",
    }
    program = family.program(family.problem(row), "fn main(){}\nfn f() {}", Judge.ISOLATED)
    assert program.code == "fn passk_main(){}\nfn f() {}"
    source = program.tests.source
    assert source.endswith("\nfn main() {\n    tests::one();\n    tests::two();\n}\n")
    assert "pub fn one() {" in source
    assert "#[" not in source
    with pytest.raises(DatasetError, match=r"Rust/0: column 'test' has no #\[test\] functions"):
        family.program(family.problem({**row, "test": "fn main() {}"}), "", Judge.ISOLATED)


def test_go_imports_what_its_text_uses() -> None:
    """The harness's list is looked through; names in comments and strings do not count."""
    family = benchmarks.get("humanevalpack_synthesize_go")
    problem = dataset(family.name).problems["Go/0"]
    code = (
        'package main\n\nimport (\n    "os"\n)\n\n// strings.Join\n'
        'func F() string { os.Exit(1); return strconv.Itoa(1) + "time." }\n'
    )
    framed = family.program(problem, code, Judge.ISOLATED).code
    assert framed is not None
    head = framed.partition(")")[0]
    for path in ("testing", "github.com/stretchr/testify/assert", "os", "strconv"):
        assert head.count(f'"{path}"') == 1, path
    for path in ("strings", "time", "math"):
        assert f'"{path}"' not in head, path
    assert framed.count("package main") == 1


def test_cpp_stands_below_the_includes_and_without_its_main() -> None:
    """The header is the harness's, and the candidate ends where it begins a `main`."""
    family = benchmarks.get("humanevalpack_synthesize_cpp")
    problem = dataset(family.name).problems["CPP/0"]
    framed = family.program(problem, "int f() { return 1; }\nint  main() { return 1; }", Judge.ISOLATED).code
    assert framed is not None
    assert framed.startswith("using namespace std;\n")
    assert "#include<boost/any.hpp>" in framed
    assert framed.endswith("int f() { return 1; }\n")
    prepared = LANGUAGES["cpp_pack"].prepared
    assert prepared is not None
    assert re.match(prepared.when, framed), "the includes are compiled once on a host"
    assert family.program(problem, None, Judge.ISOLATED).code is None


def test_go_files_import_what_they_use() -> None:
    """A prompt's import that the solution does not need is left out, as the harness does by the text."""
    head = 'import (\n    "strings"\n)\n\n'
    framed = humanevalpack._with_go_imports
    assert '"strings"' not in framed(head + "func F() string {\n    return `strings.ToUpper`\n}\n", "")
    assert '"strings"' in framed(head + 'func F() string {\n    return strings.ToUpper("a")\n}\n', "")
