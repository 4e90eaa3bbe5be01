from __future__ import annotations

import json
import re

import pytest

from passk_tasks import compare
from passk_tasks.cli import compare as command
from passk_tasks.cli import main
from passk_tasks.cli import runs as command_runs
from passk_tasks.results import reading
from passk_tasks.statistics.metrics import Metric


def counts(*correct, n=10):
    """Return (n, c) of problems in a row."""
    return {f"HumanEval/{i}": (n, c) for i, c in enumerate(correct)}


@pytest.fixture
def folders(tmp_path, scored):
    """A good run and a worse one."""
    good = scored(tmp_path / "good", counts(*[9] * 20, 0, 10))
    bad = scored(tmp_path / "bad", counts(*[6] * 20, 2, 0), limits={"timeout_s": 9.0, "memory_mib": 512})
    return str(good), str(bad)


def test_what_a_person_needs_is_shown(folders, capsys):
    """Runs, conditions, scores, difference, changed problems and the conclusion, in this order."""
    assert main(["compare", *folders]) == 0
    out = capsys.readouterr().out
    parts = [
        "2 runs over 22 problems",
        "  A  good ",
        "limits.timeout_s  3",
        "not recorded by all: limits.output_mib",
        "  pass@1          over problems    over samples",
        "  A → B      -0.3",
        "worse in B",
        "HumanEval/21  10/10  →  0/10  lost  10 passed → 10 failed",
        "… and 11 more: --all",
        "better in B",
        "HumanEval/20  0/10  →  2/10  gained",
        "1 problems lost (solved in A, never in B), 1 gained",
        "B (bad) is worse than A (good) by 0.3",
    ]
    places = [out.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert main(["compare", *folders, "--all"]) == 0
    assert "more: --all" not in capsys.readouterr().out


def test_a_regression_fails_when_asked(folders, capsys):
    """Exit code 1 for the worse run given last, 0 the other way round and without the option."""
    good, bad = folders
    assert main(["compare", good, bad]) == 0
    assert main(["compare", good, bad, "--fail-on-regression"]) == 1
    assert main(["compare", good, bad, "--fail-on-regression", "--json"]) == 1
    assert main(["compare", bad, good, "--fail-on-regression"]) == 0
    assert main(["compare", good, good, "--fail-on-regression"]) == 2, "a run is no comparison with itself"
    assert "holds one run" in capsys.readouterr().err


def test_json_is_one_object(folders, capsys):
    """`--json` prints nothing else, and what `as_dict` says."""
    assert main(["compare", *folders, "--json", "--metrics", "pass^2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(
        json.dumps(compare.compare(reading.load_all(folders), metrics=[Metric.parse("pass^2")]).as_dict())
    )
    assert list(found["metrics"]) == ["pass@1", "pass^2"]
    assert found["regressed"] is True


def test_several_runs_are_ranked_in_groups(tmp_path, scored, capsys):
    """A folder gives all of its runs; the table has the best first and says who cannot be told apart."""
    scored(tmp_path / "a", counts(*[2] * 20), date="2026-01-01T00:00:00+00:00")
    scored(tmp_path / "b", counts(*[8] * 19, 7), date="2026-01-02T00:00:00+00:00")
    scored(tmp_path / "c", counts(*[8] * 20), date="2026-01-03T00:00:00+00:00")
    assert main(["compare", str(tmp_path), "--k", "1"]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines() if "0.8000 " in line or "0.7950 " in line]
    assert [row[0] for row in rows[:2]] == ["C", "B"]
    assert [row[-1] for row in rows[:2]] == ["1", "1"]
    assert "p is corrected for all pairs." in out
    assert "Runs of one group cannot be told apart by pass@1." in out
    assert "worse in" not in out
    assert "0 problems lost (solved in B, never in C), 0 gained" in out
    said = " ".join(out.split())
    assert "C (c) is best: 0.8000 of pass@1. Second is B (b), 0.0050 lower: no difference is shown" in said
    assert "It is better beyond noise than A (a)." in said
    assert "\n\n\n" not in out


def test_unchanged_problems_are_those_of_two_runs(tmp_path, scored, capsys):
    """Where nothing changed from the best to the second, other runs may still differ: the two are named."""
    for name, passed in (("a", 8), ("b", 2), ("c", 8)):
        scored(tmp_path / name, counts(*[passed] * 20))
    assert main(["compare", str(tmp_path), "--k", "1"]) == 0
    assert "no problem changed its pass rate from C to A\n" in capsys.readouterr().out


def test_many_runs_are_one_table_unless_all_is_wanted(tmp_path, scored, capsys):
    """Six runs are set against the best in one table; --all has every pair, and the problems that changed."""
    for i in range(6):
        scored(tmp_path / f"run{i}", counts(*[i + 1] * 20))
    main(["compare", str(tmp_path), "--k", "1"])
    out = capsys.readouterr().out
    assert out.count(" → ") == 0
    assert re.search(r"^  F  run5 +0.6000 .*\n  E  run4 +0.5000 .* -0.1000 ", out, re.MULTILINE)
    assert "20 changed from E to F: --all" in out
    main(["compare", str(tmp_path), "--k", "1", "--all"])
    out = capsys.readouterr().out
    assert len(re.findall(r"^  [A-F] → [A-F] ", out, re.MULTILINE)) == 15
    assert re.search(r"HumanEval/0 +5/10  →  6/10 +5 passed, 5 failed → 6 passed, 4 failed", out)


def test_the_question_is_the_one_that_was_asked(tmp_path, scored, capsys):
    """Each against a baseline, by label, letter or folder; the last against the one before; the exit code."""
    for name, correct in {"a": 4, "b": 8, "c": 7}.items():
        settings = {"benchmark": "humaneval", "label": f"try {name}"}
        scored(tmp_path / name, counts(*[correct] * 20), settings=settings)
    runs = [str(tmp_path / name) for name in "abc"]
    for named in ("try a", "A", runs[0]):
        assert main(["compare", *runs, "--baseline", named, "--fail-on-regression"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "Against A (try a), 0.4000 of pass@1: better: B (try b) +0.4000 and C (try c) +0.3000" in said
    assert main(["compare", *runs, "--baseline", "try b", "--fail-on-regression"]) == 1
    assert "worse: C (try c) -0.1000 and A (try a) -0.4000" in " ".join(capsys.readouterr().out.split())
    assert main(["compare", *runs, "--last", "--fail-on-regression"]) == 1
    assert "C (try c) is worse than B (try b) by 0.1000 of pass@1" in capsys.readouterr().out
    assert main(["compare", *runs, "--fail-on-regression"]) == 0
    capsys.readouterr()
    for arguments, message in (
        (["--baseline", "try d"], "no run here has that label, name, letter or path (did you mean"),
        (["--baseline", str(tmp_path)], "that may be A (try a), B (try b), C (try c); name one"),
        (["--baseline", "A", "--last"], "choose"),
    ):
        assert main(["compare", *runs, *arguments]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nine_runs_fit(tmp_path, evaluated, width):
    """No line is wider than the terminal, texts are compared as texts, and all runs keep their numbers."""
    sets = {"packages": {"numpy": "2.0.0", "pandas": "2.2.0"}}
    added = "\n    # Think step by step, then write the body.\n"
    told = {"system_instruction": "You are careful.\nYou write Python.", "system_instruction_sha": "x"}
    changes = [
        {"config": {"doc_to_text": "{{prompt}}" + added}, "prompt": "{task_id}" + added},
        {"content": told},
        {"packages": {"numpy": "2.1.0", "pandas": "2.2.0"}},
        {"generation_kwargs": {"do_sample": True, "temperature": 1.0, "until": []}},
        *({"settings": {"benchmark": "humaneval", "label": f"a label of some length {i}"}} for i in range(5)),
    ]
    paths = [
        evaluated(tmp_path / f"run-{i}", counts(*[i + 1] * 12), **{**sets, **change})
        for i, change in enumerate(changes)
    ]
    out = command.render(compare.compare(reading.load_all(paths)), width=width)
    assert [line for line in out.splitlines() if len(line) > width] == []
    assert "    +     # Think step by step, then write the body." in out
    assert "    + You are careful.\n    + You write Python." in out
    assert re.search(r"packages.numpy +C: 2.1.0; others: 2.0.0", out)
    assert all(f"0.{i}000 " in out for i in range(1, 10))


def test_unlike_runs_are_exit_code_2(tmp_path, scored, capsys):
    """Runs on other problems are refused unless --anyway; the difference is then listed first."""
    one = scored(tmp_path / "one", counts(1, 2))
    two = scored(tmp_path / "two", counts(1, 2), dataset={"source": "x", "sha256": "f" * 64}, judge="script")
    assert main(["compare", str(one), str(two)]) == 2
    assert "these runs measured different things (dataset: 53e600000000 and ffffffffffff)" in (
        capsys.readouterr().err
    )
    assert main(["compare", str(one), str(two), "--anyway"]) == 0
    out = capsys.readouterr().out
    assert out.index("dataset") < out.index("judge")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "pass@x"], "there is no metric 'pass@x'"),
        (["--k", "0"], "there is no metric 'pass@0'"),
        (["--k", "11"], "pass@11 needs 11 samples of each problem"),
        (["--cluster", "source"], "name a file that does with --problems"),
        (["--problems", "x"], "--problems needs --cluster"),
        (["--task", "nope"], "no run of nope"),
    ],
)
def test_mistakes_are_told(folders, capsys, arguments, message):
    """Each mistake is one line and exit code 2."""
    assert main(["compare", *folders, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_clusters_may_come_from_a_file(folders, tmp_path, capsys):
    """`--cluster` with `--problems` gives clustered standard errors."""
    problems = tmp_path / "problems.jsonl"
    lines = [{"task_id": f"HumanEval/{i}", "source": i // 6} for i in range(22)]
    problems.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["compare", *folders, "--cluster", "source", "--problems", str(problems), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    methods = {score["over_problems"]["method"] for score in found["metrics"]["pass@1"]["scores"]}
    assert methods == {"over-problems-clustered"}


def test_colour_is_only_paint(folders):
    """The coloured page without its codes is the plain one; a worse run is red."""
    result = compare.compare(reading.load_all(folders))
    plain, coloured = command.render(result), command.render(result, colour=True)
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == plain
    assert "\033" not in plain
    assert "\033[31m" in coloured


def test_names_from_files_cannot_move_the_cursor(tmp_path, evaluated, capsys):
    """A model name with an escape sequence loses the escape character, here and in the list of runs."""
    content = {"model_name": "\033[2Jowned"}
    for name in ("a", "b"):
        evaluated(tmp_path / name, counts(1, 2), content=content)
    assert main(["compare", str(tmp_path)]) == 0
    assert main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "\033" not in out
    assert "owned" in out


def test_runs_are_listed(tmp_path, scored, evaluated, capsys):
    """`passk runs` has a line a run: date, name, scores, conditions and where it is."""
    scored(tmp_path / "scored", counts(1, 2))
    path = evaluated(tmp_path / "lm", counts(3, 4, n=4))
    next(path.parent.glob("samples_*")).unlink()
    assert main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    task, head, first, second = out.splitlines()[:4]
    assert task == "passk_humaneval, 2 runs"
    assert head.split()[:6] == ["date", "run", "pass@1", "over", "problems", "pass@10"]
    assert head.split()[6:] == ["n", "T", "problems", "judge", "results"]
    assert re.search(r"^01-02 03:04  org/model \*  0.8750  .*  -   4  0.2     2/164  isolated  lm$", first)
    assert re.search(r"^01-02 03:04  scored       0.1500  .*  1.0000  .*  isolated  scored$", second)
    assert "* the samples are not beside the results" in out
    assert main(["runs", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["has_samples"] for one in listed] == [False, True]
    assert listed[0]["conditions"]["temperature"] == 0.2
    assert [one["name"] for one in listed] == ["org/model", "scored"]


def test_runs_of_several_folders_are_listed_once(tmp_path, scored, capsys):
    """Folders and files may be named beside each other, and in each other: a run is one row."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        scored(folder, counts(1, 2))
    assert main(["runs", *map(str, [*folders, tmp_path, folders[0] / "results.json"]), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main(["runs", *map(str, folders)]) == 0
    out = capsys.readouterr().out
    assert [line.split()[-1] for line in out.splitlines()[2:4]] == list(map(str, folders))


def test_an_empty_folder_is_no_error(tmp_path, capsys):
    """Nothing to list is said, with exit code 0; a folder that is not there is a mistake."""
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}\n"
    assert main(["runs", str(tmp_path / "x")]) == 2


def test_runs_on_a_narrow_terminal_keep_what_matters(tmp_path, scored):
    """In 60 columns each run has its day, its name, its score and its place; what has no room is named."""
    for i in range(9):
        name = f"a-folder-with-a-rather-long-name-{i}"
        settings = {"label": f"the label of run {i}"} if i % 2 else {}
        scored(tmp_path / name, counts(i, 2), settings=settings, date=f"2026-{i + 1:02d}-02T03:04:05+00:00")
    out = command_runs.render(reading.listing(tmp_path), [str(tmp_path)], width=60)
    assert [line for line in out.splitlines() if len(line) > 60] == []
    for i in range(9):
        assert re.search(rf"^2026-0{i + 1}-02  .*  0.{(i + 2) * 5:02d}00  ", out, re.MULTILINE)
    assert "no room for over problems, pass@10, problems, n, T, judge" in " ".join(out.split())


def test_runs_are_sorted_and_filtered(tmp_path, scored, evaluated, capsys):
    """By tag, task, model and day; the best first; and nothing left says what there is."""
    scored(
        tmp_path / "old", counts(5, 5), settings={"tags": ["nightly", "x"]}, date="2026-01-02T00:00:00+00:00"
    )
    scored(tmp_path / "new", counts(4, 4), settings={"tags": ["nightly"]}, date="2026-03-02T00:00:00+00:00")
    evaluated(tmp_path / "lm", counts(9, 9))

    def names(*arguments):
        assert main(["runs", str(tmp_path), "--json", *arguments]) == 0
        return [one["name"] for one in json.loads(capsys.readouterr().out)]

    assert names() == ["old", "org/model", "new"]
    assert names("--best") == ["org/model", "old", "new"]
    assert names("--tag", "nightly") == ["old", "new"]
    assert names("--tag", "nightly", "--tag", "x") == ["old"]
    assert names("--since", "2026-01-02", "--model", "ORG") == ["org/model"]
    assert names("--since", "2026-03-01") == ["new"]
    assert names("--task", "humaneval", "--best", "pass@1", "--model", "ne") == ["new"]
    for arguments, message in (
        (["--tag", "y"], "none of 3 runs: --tag y, and there are nightly, x"),
        (["--since", "soon"], "--since soon: a day (YYYY-MM-DD), or how long ago"),
        (["--best", "pass@5"], "--best pass@5: no run has it"),
    ):
        assert main(["runs", str(tmp_path), *arguments]) == 2
        assert message in capsys.readouterr().err


def test_single_samples_show_mcnemars_test_and_no_empty_column(tmp_path, scored, capsys):
    """For n = 1 nothing is known over samples: the pairs have McNemar's counts in that place."""
    one = scored(tmp_path / "one", counts(*[1] * 9, 0, n=1))
    two = scored(tmp_path / "two", counts(*[0] * 8, 1, 1, n=1))
    assert main(["compare", str(one), str(two)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (number,) = [
        i for i, line in enumerate(lines) if "difference" in line and line.strip().startswith("pass@1")
    ]
    head = re.split(r"  +", lines[number].strip())
    assert head == ["pass@1", "difference", "over problems", "p", "only first", "only second", "p (McNemar)"]
    assert re.split(r"  +", lines[number + 1].strip())[-3:] == ["8", "1", "0.0391"]
