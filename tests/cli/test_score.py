from __future__ import annotations

import fcntl
import gzip
import json
import os
import signal
import struct
import subprocess
import sys
import termios
from collections import Counter
from pathlib import Path

import library_layout
import pytest
from under_load import HANG_S, groups_of, still_running, wait_until

from passk_tasks import benchmarks
from passk_tasks.cli import main
from passk_tasks.results.journal import Journal, JournalHeader
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.tasks.catalog import load_task
from passk_tasks.verdict import Outcome, Verdict

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"

SPEC = load_task("passk_humaneval", {"samples": 4, "k": [1, 2], "workers": 2})
DATASET = benchmarks.load(benchmarks.get("humaneval"), SPEC.settings)
PROBLEMS = list(DATASET.problems.values())
WRONG = "    return None\n"
TASK = ["--task", "passk_humaneval", "--workers", "2"]


def jsonl(path, lines):
    """Write objects as lines and return the path as text."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def completions(problems, *bodies):
    """Return a line a problem and body; None stands for the dataset's own solution."""
    return [
        {"task_id": problem.task_id, "completion": problem.canonical_solution if body is None else body}
        for problem in problems
        for body in bodies
    ]


def score(capsys, *arguments, code=0):
    """Run `passk score --json` and return its object."""
    assert main(["score", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def outcomes(folder):
    """Return the lines of outcomes.jsonl."""
    return [json.loads(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()]


def verdicts(folder):
    """Return what must be the same whenever the same samples are scored."""
    keys = ("task_id", "sample", "verdict", "extraction", "judge", "program_sha256")
    return [tuple(line[key] for key in keys) for line in outcomes(folder)]


@pytest.fixture
def four(tmp_path):
    """Four problems, each with a right and a wrong completion."""
    return jsonl(tmp_path / "four.jsonl", completions(PROBLEMS[:4], None, WRONG))


def fails(capsys, *arguments, code=2):
    """Run `passk score`, which must fail, and return its message."""
    assert main(["score", *map(str, arguments)]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("passk: error: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("passk: error: ")


# ---------------------------------------------------------------- what comes out


def test_the_json_object(capsys, four):
    """One object on standard output has every promised key with the right values."""
    result = score(capsys, four, *TASK, "--k", "1,2")
    assert result["task"] == "passk_humaneval"
    assert result["problems"] == 4
    assert result["samples"] == 8
    assert result["coverage"] == 4 / 164
    assert result["metrics"]["pass@1"]["value"] == 0.5
    assert result["metrics"]["pass@1"]["over_problems"]["se"] == 0.0
    assert result["metrics"]["pass@1"]["over_samples"]["se"] == pytest.approx(0.25)
    assert result["metrics"]["pass@2"]["value"] == 1.0
    low, high = result["metrics"]["pass@1"]["over_problems"]["ci95"]
    assert low < 0.5 < high
    assert result["verdicts"] == {"passed": 4, "failed": 4}
    assert result["judge"] == "isolated"
    assert result["sandbox"]["mode"] == "strict"
    assert any(result["sandbox"]["layers"].values())
    assert result["limits"]["timeout_s"] == 3.0
    assert result["distinct"] == 1.0


def test_out_has_the_same_object_and_a_line_a_sample(capsys, tmp_path, four):
    """results.json is what was printed; outcomes.jsonl has the promised keys in the order of the input."""
    result = score(capsys, four, *TASK, "--k", "1,2", "--out", tmp_path / "new" / "out")
    folder = tmp_path / "new" / "out"
    assert json.loads((folder / "results.json").read_text()) == result
    lines = outcomes(folder)
    keys = [
        *("task_id", "sample", "verdict", "detail", "extraction"),
        *("judge", "cpu_s", "wall_s", "peak_mib", "program_sha256"),
    ]
    assert [list(line) for line in lines] == 4 * [keys, [*keys, "actual"]]
    expected = [(f"HumanEval/{p}", i, v) for p in range(4) for i, v in enumerate(("passed", "failed"))]
    assert [(line["task_id"], line["sample"], line["verdict"]) for line in lines] == expected


def test_the_table(capsys, tmp_path, four):
    """Without --json a person gets metrics, verdicts, coverage, limits and where the files are."""
    assert main(["score", four, *TASK, "--k", "1", "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    for part in ("4 of 164 problems", "pass@1  0.5000", "passed", "coverage", "isolated; 3 s", "strict: "):
        assert part in captured.out
    assert str(tmp_path / "out" / "outcomes.jsonl") in captured.out
    assert "\033" not in captured.out
    assert captured.err == "", "progress goes to a terminal only"


def test_two_scorings_give_the_same_verdicts(capsys, tmp_path, four):
    """The same samples have the same outcome whenever they are scored; a second --out replaces the first."""
    first = score(capsys, four, *TASK, "--out", tmp_path / "out")
    before = verdicts(tmp_path / "out")
    second = score(capsys, four, *TASK, "--out", tmp_path / "out", "--workers", "1")
    assert verdicts(tmp_path / "out") == before
    assert second["metrics"] == first["metrics"]


def test_every_form_of_the_same_samples_scores_alike(capsys, tmp_path):
    """Lines, gzip, solutions, EvalPlus' folder and several files give the same verdicts."""
    problems = PROBLEMS[:2]
    lines = completions(problems, None, WRONG)
    plain = jsonl(tmp_path / "plain.jsonl", lines)
    zipped = tmp_path / "zipped"
    zipped.write_bytes(gzip.compress(Path(plain).read_bytes()))
    prompts = {problem.task_id: problem.prompt for problem in problems}
    solutions = [
        {"task_id": line["task_id"], "solution": prompts[line["task_id"]] + line["completion"]}
        for line in lines
    ]
    whole = jsonl(tmp_path / "solutions.jsonl", solutions)
    halves = [jsonl(tmp_path / f"half{i}.jsonl", lines[2 * i : 2 * i + 2]) for i in range(2)]
    for number, line in enumerate(solutions):
        path = tmp_path / "folder" / line["task_id"].replace("/", "_") / f"{number % 2}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line["solution"])
    seen = []
    for given in ([plain], [zipped], [whole], halves, [tmp_path / "folder"]):
        score(capsys, *given, *TASK, "--k", "1", "--out", tmp_path / "out")
        seen.append([(o["task_id"], o["sample"], o["verdict"]) for o in outcomes(tmp_path / "out")])
    assert seen[0] == [(p.task_id, i, v) for p in problems for i, v in enumerate(("passed", "failed"))]
    assert all(one == seen[0] for one in seen)


def test_progress_goes_to_a_terminal_on_standard_error(tmp_path, four):
    """With a terminal as standard error a bar is shown there, and standard output stays one JSON object."""
    terminal, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    ended = subprocess.run(
        [sys.executable, "-m", "passk_tasks", "score", four, *TASK, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=inside,
        check=False,
    )
    os.close(inside)
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["samples"] == 8
    assert b"8/8" in os.read(terminal, 1 << 16)
    os.close(terminal)


# ---------------------------------------------------------------- options reach what they name


def test_the_judge_is_chosen(capsys, four, tmp_path):
    """--judge script gives the same verdicts on honest samples and is recorded."""
    result = score(capsys, four, *TASK, "--judge", "script", "--out", tmp_path / "out")
    assert result["judge"] == "script"
    assert {line["judge"] for line in outcomes(tmp_path / "out")} == {"script"}
    assert result["verdicts"] == {"passed": 4, "failed": 4}


def test_the_timeout_reaches_the_candidate(capsys, tmp_path):
    """A candidate that works for half a second passes under twenty and not under a third."""
    busy = (
        "    import time\n    end = time.process_time() + 0.16\n    while time.process_time() < end: pass\n"
    )
    path = jsonl(tmp_path / "s.jsonl", completions(PROBLEMS[4:5], busy + PROBLEMS[4].canonical_solution))
    # The tests of HumanEval/4 call it three times.
    assert score(capsys, path, *TASK, "--timeout", "20")["verdicts"] == {"passed": 1}
    short = score(capsys, path, *TASK, "--timeout", "0.3")
    assert short["verdicts"] == {"timeout": 1}
    assert short["limits"]["timeout_s"] == 0.3


def test_the_memory_limit_reaches_the_candidate(capsys, tmp_path):
    """A candidate that holds 100 MiB passes under 2 GiB and not under 96 MiB."""
    hungry = "    hold = bytearray(100 << 20)\n" + PROBLEMS[4].canonical_solution
    path = jsonl(tmp_path / "s.jsonl", completions(PROBLEMS[4:5], hungry))
    assert score(capsys, path, *TASK, "--memory", "2048")["verdicts"] == {"passed": 1}
    small = score(capsys, path, *TASK, "--memory", "96")
    assert small["verdicts"] == {"memory_limit": 1}
    assert small["limits"]["memory_mib"] == 96


def test_the_weaker_sandbox_is_chosen_and_recorded(capsys, four):
    """--sandbox rlimits judges too, with fewer layers."""
    strict = score(capsys, four, *TASK)
    weak = score(capsys, four, *TASK, "--sandbox", "rlimits")
    assert weak["sandbox"]["mode"] == "rlimits"
    assert weak["verdicts"] == strict["verdicts"]
    assert sum(weak["sandbox"]["layers"].values()) < sum(strict["sandbox"]["layers"].values())


def test_set_overrides_any_setting(capsys, tmp_path):
    """--set data_files scores against problems of one's own."""
    row = {
        "task_id": "Own/1",
        "prompt": "def one():\n",
        "canonical_solution": "    return 1\n",
        "test": "def check(candidate):\n    assert candidate() == 1\n",
        "entry_point": "one",
    }
    problems = jsonl(tmp_path / "problems.jsonl", [row])
    lines = [{"task_id": "Own/1", "completion": body} for body in ("    return 1\n", "    return 2\n")]
    samples = jsonl(tmp_path / "s.jsonl", lines)
    result = score(capsys, samples, *TASK, "--set", f"data_files={problems}", "--set", "passk.k=1,2")
    assert result["coverage"] == 1.0
    assert result["metrics"]["pass@1"]["value"] == 0.5
    assert result["metrics"]["pass@1"]["over_problems"]["se"] is None, "one problem says nothing about others"
    assert problems in result["dataset"]["source"]


def test_set_samples_takes_the_first_n(capsys, four):
    """--set samples=1 scores the first sample of each problem and says how many were left out."""
    result = score(capsys, four, *TASK, "--set", "samples=1", "--k", "1")
    assert result["verdicts"] == {"passed": 4}
    assert any(
        "4 samples beyond the first 1 of a problem are left out" in note for note in result["warnings"]
    )


def test_extraction_is_chosen(capsys, tmp_path):
    """A fenced answer in a completion line passes when --extract answer is asked for, and not verbatim."""
    problem = PROBLEMS[0]
    text = f"Here it is:\n```python\n{problem.prompt}{problem.canonical_solution}```\nDone."
    path = jsonl(tmp_path / "s.jsonl", completions([problem], text))
    assert "passed" not in score(capsys, path, *TASK)["verdicts"]
    assert score(capsys, path, *TASK, "--extract", "answer")["verdicts"] == {"passed": 1}


def test_a_default_k_beyond_n_is_skipped_and_said(capsys, four):
    """The task's own pass@10 cannot come from two samples: it is left out, listed and warned of."""
    assert main(["score", four, *TASK, "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert list(result["metrics"]) == ["pass@1"]
    assert result["k_skipped"] == [10]
    assert "passk: warning: pass@10 cannot be estimated and is left out" in captured.err


# ---------------------------------------------------------------- mistakes


@pytest.fixture
def unjudged(monkeypatch):
    """Fail the test if anything is executed."""

    def run(*_, **__):
        raise AssertionError("nothing may be executed")

    monkeypatch.setattr("passk_tasks.sandbox.supervisor.Sandbox.run", run)


@pytest.mark.usefixtures("unjudged")
def test_a_wanted_k_beyond_n_is_an_error(capsys, four):
    """--k 10 with two samples a problem names the problem, before anything runs."""
    assert "pass@10 needs at least 10 samples of every problem, but HumanEval/0 has 2" in fails(
        capsys, four, *TASK, "--k", "1,10"
    )


@pytest.mark.usefixtures("unjudged")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"task_id": "HumanEval/999", "completion": ""}, "passk_humaneval has no problem 'HumanEval/999'"),
        ({"task_id": "HumanEval/0"}, "no sample in this line"),
        ("garbage", "expected a JSON object, found str"),
    ],
)
def test_a_bad_line_is_an_error_with_its_place(capsys, tmp_path, line, message):
    """An unknown problem or a broken line gives file and line, and nothing runs."""
    path = jsonl(tmp_path / "s.jsonl", [*completions(PROBLEMS[:1], None), line])
    error = fails(capsys, path, *TASK)
    assert error.startswith(f"{path}:2: ")
    assert message in error


@pytest.mark.usefixtures("unjudged")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--task", "passk_humanevla"],
            "there is no task 'passk_humanevla' (did you mean 'passk_humaneval'?)",
        ),
        ([], "--task is needed"),
        ([*TASK, "--set", "timeout=3"], "there is no setting 'timeout' (did you mean 'timeout_s'?)"),
        ([*TASK, "--set", "timeout_s"], "--set timeout_s: KEY=VALUE expected"),
        ([*TASK, "--timeout", "5", "--set", "timeout_s=3"], "timeout_s is also given as 5"),
        ([*TASK, "--timeout", "soon"], "timeout_s must be a number of seconds, not 'soon'"),
        ([*TASK, "--memory", "1"], "memory_mib must be between"),
        ([*TASK, "--k", "0"], "k must be one or more whole numbers"),
        ([*TASK, "--set", "samples=3"], "samples=3 were asked for, but HumanEval/0 has 2"),
        ([*TASK, "--set", "data_files=nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_a_mistake_in_the_arguments_is_exit_code_2(capsys, four, arguments, message):
    """Every mistake is one clean message that says what to change, and nothing runs."""
    assert message in fails(capsys, four, *arguments)


@pytest.mark.usefixtures("unjudged")
def test_an_output_folder_that_cannot_be_written_is_found_first(capsys, tmp_path, four):
    """A bad --out fails before the judging, not after it."""
    (tmp_path / "file").write_text("")
    assert "cannot be written" in fails(capsys, four, *TASK, "--out", tmp_path / "file" / "out")


@pytest.mark.usefixtures("unjudged")
def test_no_samples_are_an_error(capsys, tmp_path):
    """An empty file and a missing one are named."""
    assert "empty.jsonl: no samples" in fails(capsys, jsonl(tmp_path / "empty.jsonl", []), *TASK)
    assert "missing.jsonl: cannot be read" in fails(capsys, tmp_path / "missing.jsonl", *TASK)


def test_remaining_infra_errors_are_exit_code_4_with_everything_saved(capsys, monkeypatch, tmp_path, four):
    """Samples without a verdict fail the command after results were printed and saved."""
    infra = Outcome(Verdict.INFRA_ERROR, "the worker vanished")
    passed = Outcome(Verdict.PASSED, judge="isolated")

    def run(_, programs):
        for position, program in enumerate(programs):
            vanished = program.task_id == PROBLEMS[1].task_id and program.code.endswith(WRONG)
            yield position, infra if vanished else passed

    monkeypatch.setattr("passk_tasks.sandbox.supervisor.Sandbox.run", run)
    monkeypatch.setattr("passk_tasks.judging.selftest.require", lambda *_: None)
    assert main(["score", four, *TASK, "--json", "--out", str(tmp_path / "out")]) == 4
    captured = capsys.readouterr()
    assert json.loads(captured.out)["verdicts"] == {"passed": 7, "infra_error": 1}
    assert "1 of 8 samples remained without a verdict" in captured.err
    assert "the worker vanished" in captured.err
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == json.loads(captured.out)
    assert len(outcomes(tmp_path / "out")) == 8


# ---------------------------------------------------------------- journals and lm-eval's files


def journal(path, responses, **header):
    """Write the journal of a run over the first problems, with its own settings, and return its path."""
    fields = {
        "task": "passk_humaneval",
        "task_version": SPEC.version,
        "settings": {**SPEC.settings.as_dict(), "timeout_s": 5.0},
        "until": SPEC.until,
        "dataset_sha256": DATASET.sha256,
        "dataset_source": DATASET.source,
    }
    with Journal(path, JournalHeader(**{**fields, **header})) as file:
        for problem, texts in zip(PROBLEMS, responses, strict=False):
            for index, text in enumerate(texts):
                file.write(problem.task_id, index, text)
    return str(path)


def responses(problems=3):
    """Return four texts a problem, as a base model would go on: right, wrong, with more behind it."""
    return [
        [
            problem.canonical_solution,
            WRONG,
            problem.canonical_solution + "\ndef another():\n    broken(\n",
            "    return (",
        ]
        for problem in PROBLEMS[:problems]
    ]


def test_a_journal_brings_its_runs_settings(capsys, tmp_path):
    """Task, k, limits and stop sequences come from the journal; nothing has to be repeated."""
    result = score(capsys, journal(tmp_path / "j.jsonl", responses()))
    assert result["task"] == "passk_humaneval"
    assert list(result["metrics"]) == ["pass@1", "pass@2"]
    assert result["limits"]["timeout_s"] == 5.0
    assert result["verdicts"] == {"passed": 6, "failed": 3, "syntax_error": 3}


def test_options_win_over_a_journal(capsys, tmp_path):
    """What is given on the command line replaces what the run had."""
    path = journal(tmp_path / "j.jsonl", responses(1))
    result = score(capsys, path, "--timeout", "7", "--k", "4", "--judge", "script", "--extract", "verbatim")
    assert result["limits"]["timeout_s"] == 7.0
    assert list(result["metrics"]) == ["pass@1", "pass@4"]
    assert result["judge"] == "script"


def test_lm_evals_samples_score_like_the_journal(capsys, tmp_path):
    """The samples file and the journal of one run give the same verdicts, sample by sample."""
    lines = [
        {
            "doc_id": 0,
            "doc": {"task_id": problem.task_id},
            "resps": [texts],
            "filter": "none",
            "arguments": {"gen_args_0": {"arg_0": "", "arg_1": {"until": list(SPEC.until)}}},
        }
        for problem, texts in zip(PROBLEMS, responses(), strict=False)
    ]
    score(capsys, journal(tmp_path / "j.jsonl", responses()), "--out", tmp_path / "a")
    path = jsonl(tmp_path / "samples_passk_humaneval_x.jsonl", lines)
    score(capsys, path, *TASK, "--k", "1,2", "--out", tmp_path / "b")
    assert verdicts(tmp_path / "a") == verdicts(tmp_path / "b")


def test_the_stop_sequences_of_the_run_are_applied(capsys, tmp_path):
    """Where lm-eval recorded other stop sequences than the task's, those are used."""
    problem = PROBLEMS[0]
    line = {
        "doc": {"task_id": problem.task_id},
        "resps": [[problem.canonical_solution + "STOP broken("]],
        "arguments": {"gen_args_0": {"arg_0": "", "arg_1": {"until": ["STOP"]}}},
    }
    assert score(capsys, jsonl(tmp_path / "s.jsonl", [line]), *TASK)["verdicts"] == {"passed": 1}


@pytest.mark.usefixtures("unjudged")
def test_a_journal_of_another_task_is_refused(capsys, tmp_path):
    """--task that contradicts the journal is a mistake."""
    path = journal(tmp_path / "j.jsonl", responses(1))
    assert "the journal is of passk_humaneval, not of passk_humaneval_instruct" in fails(
        capsys, path, "--task", "passk_humaneval_instruct"
    )


@pytest.mark.usefixtures("unjudged")
def test_a_journal_of_other_problems_is_refused(capsys, tmp_path):
    """Scoring against problems that the run did not have is an error."""
    path = journal(tmp_path / "j.jsonl", responses(1), dataset_sha256="0" * 64)
    assert "are not those of the journal" in fails(capsys, path)


def test_a_truncated_journal_is_scored_with_a_warning(capsys, tmp_path):
    """A run killed while it wrote its journal is scored as far as it goes, and that is said."""
    path = Path(journal(tmp_path / "j.jsonl", responses()))
    path.write_bytes(path.read_bytes()[:-60])
    result = score(capsys, path)
    assert result["samples"] == 11
    assert any("ends early" in warning for warning in result["warnings"])
    assert any("n differs between problems: 3 to 4" in warning for warning in result["warnings"])


def test_a_scoring_that_is_killed_can_be_done_again(capsys, tmp_path):
    """After a real kill in the middle of the judging, the same command gives the undisturbed result."""
    # Under rlimits a candidate sees the host: these wait until they may go on.
    go = tmp_path / "go"
    wait = f"    import os, time\n    while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    texts = [[f"{wait}    x = {i}\n" + PROBLEMS[4].canonical_solution for i in range(4)] for _ in range(2)]
    path = journal(tmp_path / "j.jsonl", texts)
    options = ["--workers", "1", "--sandbox", "rlimits", "--timeout", "1000"]
    command = [sys.executable, "-m", "passk_tasks", "score", path, *options, "--out"]
    before = Path(path).read_bytes()
    process = subprocess.Popen(
        [*command, str(tmp_path / "killed")], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_until(lambda: descendants(process.pid) or process.poll() is not None, "its workers")
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "killed" / "results.json").exists()
    assert Path(path).read_bytes() == before
    go.touch()
    again = score(capsys, path, *options, "--out", tmp_path / "again")
    undisturbed = score(capsys, path, *options, "--out", tmp_path / "undisturbed")
    assert verdicts(tmp_path / "again") == verdicts(tmp_path / "undisturbed")
    assert again["metrics"] == undisturbed["metrics"]


# ---------------------------------------------------------------- several files, and names of other tools


def lm_eval(path, problems, *texts, until=SPEC.until):
    """Write the samples of a run as lm-eval logs them and return the path as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arguments = {"gen_args_0": {"arg_0": "", "arg_1": {"until": list(until)}}}
    lines = [
        {"doc": {"task_id": one.task_id}, "resps": [[one.canonical_solution + text for text in texts]]}
        for one in problems
    ]
    return jsonl(path, [{**line, "arguments": arguments} for line in lines])


@pytest.fixture
def two_runs(tmp_path):
    """Two runs of one task, n = 2, in lm-eval's layout."""
    dates = ("2026-11-28T10-00-00.000001", "2026-11-29T10-00-00.000001")
    return [
        lm_eval(
            tmp_path / model / f"samples_passk_humaneval_{date}.jsonl", PROBLEMS[:2], "", f"    # {model}\n"
        )
        for model, date in zip("ab", dates, strict=True)
    ]


@pytest.mark.usefixtures("unjudged")
def test_several_runs_need_a_word(capsys, two_runs):
    """A pattern that matches two runs is refused before anything is judged, with both and the word."""
    message = fails(capsys, *two_runs, *TASK)
    assert all(path in message for path in two_runs)
    assert "--pool" in message


def test_pooled_runs_add_up(capsys, two_runs, tmp_path):
    """Under --pool n is the sum of the runs', the samples are numbered on, and it is said."""
    result = score(capsys, *two_runs, *TASK, "--pool", "--k", "1,4", "--out", tmp_path / "out")
    assert (result["n"], result["samples"], result["verdicts"]) == (4, 8, {"passed": 8})
    numbers = [(line["task_id"], line["sample"]) for line in outcomes(tmp_path / "out")]
    assert sorted(numbers) == [(f"HumanEval/{p}", i) for p in range(2) for i in range(4)]
    assert any("they are pooled" in warning for warning in result["warnings"])


def test_copies_of_a_run_count_once(capsys, two_runs, tmp_path):
    """A file with its copies, gzipped too, and a shard of other problems need no --pool."""
    copy = tmp_path / "copy.jsonl.gz"
    copy.write_bytes(gzip.compress(Path(two_runs[0]).read_bytes()))
    shard = lm_eval(tmp_path / "shard.jsonl", PROBLEMS[2:3], "", "    # c\n")
    result = score(capsys, two_runs[0], copy, two_runs[0], shard, *TASK, "--k", "1,2")
    assert (result["n"], result["problems"], result["samples"]) == (2, 3, 6)
    assert [w for w in result["warnings"] if "count once" in w] == [
        f"4 samples of {copy} are in {two_runs[0]} too; they count once"
    ]


def test_numbers_of_other_tools_are_problems(capsys, tmp_path):
    """Samples that number HumanEval's problems score as those under its own names."""
    lines = completions(PROBLEMS[:2], None)
    names = [0, "humaneval_1"]
    path = jsonl(tmp_path / "s.jsonl", [{**line, "task_id": n} for line, n in zip(lines, names, strict=True)])
    result = score(capsys, path, *TASK, "--k", "1", "--out", tmp_path / "out")
    assert result["verdicts"] == {"passed": 2}
    assert [line["task_id"] for line in outcomes(tmp_path / "out")] == ["HumanEval/0", "HumanEval/1"]


# ---------------------------------------------------------------- all of HumanEval


@pytest.mark.parametrize("judge", ["isolated", pytest.param("script", marks=pytest.mark.slow)])
def test_all_canonical_solutions_pass_and_none_bodies_fail(capsys, tmp_path, judge):
    """Of 164 problems every canonical solution passes and no `return None` does, under both judges."""
    path = jsonl(tmp_path / "s.jsonl", completions(PROBLEMS, None, WRONG))
    result = score(capsys, path, *TASK, "--judge", judge, "--k", "1", "--out", tmp_path / "out")
    assert result["coverage"] == 1.0
    by_sample = Counter((line["sample"], line["verdict"] == "passed") for line in outcomes(tmp_path / "out"))
    assert by_sample == {(0, True): 164, (1, False): 164}
    assert result["metrics"]["pass@1"]["value"] == 0.5


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not beside this checkout")
def test_the_judges_agree_on_real_generations(capsys, tmp_path):
    """On 3,280 generations of a real model both judges pass the same samples."""
    path = SHARED / "gemma3_270m_humaneval_n20.jsonl.gz"
    passed = {}
    for judge in ("isolated", "script"):
        score(capsys, path, *TASK, "--judge", judge, "--out", tmp_path / judge)
        passed[judge] = [line["verdict"] == "passed" for line in outcomes(tmp_path / judge)]
    assert passed["isolated"] == passed["script"]
    assert sum(passed["isolated"]) > 0


def test_problems_whose_libraries_are_missing(capsys, tmp_path):
    """They are an error that names the install line, or are left out and counted in the coverage."""
    rows = [library_layout.NEEDS_ABSENT, library_layout.BIGCODEBENCH[1]]
    problems = library_layout.lines(tmp_path / "problems.jsonl", rows)
    body = library_layout.BIGCODEBENCH[1]["canonical_solution"]
    lines = [{"task_id": row["task_id"], "completion": body} for row in rows]
    task = ["--task", "passk_bigcodebench_complete", "--set", f"data_files={problems}", "--memory", "1024"]
    given = [jsonl(tmp_path / "samples.jsonl", lines), *task]
    assert main(["score", *given]) == 2
    said = capsys.readouterr().err
    assert "1 of 2 problems need libraries" in said
    assert "pip install" in said
    assert "--set skip_missing=true" in said
    found = score(capsys, *given, "--set", "skip_missing=true")
    assert (found["coverage"], found["problems"], found["problems_total"]) == (0.5, 1, 2)
    assert found["metrics"]["pass@1"]["value"] == 1.0
    assert list(found["left_out"]) == ["BigCodeBench/9002"]
    assert "1 samples of problems that are left out are not judged" in found["warnings"]


def test_what_was_judged_is_printed_where_it_cannot_be_saved(tmp_path, capsys, monkeypatch):
    """A disk that is full at the end takes the files, not the numbers."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    samples = jsonl(tmp_path / "s.jsonl", completions(PROBLEMS[:2], None))
    monkeypatch.setattr("os.fsync", full)
    assert main(["score", samples, *TASK, "--k", "1", "--out", str(tmp_path / "o"), "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["metrics"]["pass@1"]["value"] == 1.0
    assert "No space left on device" in printed.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_outcomes_are_written_as_they_come(tmp_path, number):
    """Whatever ends a scoring, the outcomes that were known by then are in its folder."""
    # One is never done, and its worker may hold another one back.
    bodies = ["    import time\n    time.sleep(1000)\n", *(f"    return {n}\n" for n in range(8))]
    samples = jsonl(tmp_path / "s.jsonl", completions(PROBLEMS[:1], *bodies))
    folder = tmp_path / "o"
    options = ["--k", "1", "--timeout", "1000", "--out", str(folder)]
    command = [sys.executable, "-m", "passk_tasks", "score", samples, *TASK, *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    unfinished = folder / "outcomes.unfinished.jsonl"

    def seven() -> bool:
        return unfinished.exists() and unfinished.read_bytes().count(b'"verdict"') >= 7

    wait_until(lambda: seven() or process.poll() is not None, "seven outcomes")
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}[number], said
    lines = [json.loads(line) for line in unfinished.read_text().splitlines()]
    verdicts = [line["verdict"] for line in lines if "judged_by" not in line]
    assert len(verdicts) in (7, 8)
    assert set(verdicts) == {"failed"}
    assert not (folder / "results.json").exists()
    assert (str(unfinished) in said) is (number != signal.SIGKILL)
    assert "Traceback" not in said


def test_nothing_unfinished_is_left_by_a_scoring_that_ends(tmp_path, capsys):
    """Once the results are there, the lines that came before them are gone."""
    samples = jsonl(tmp_path / "s.jsonl", completions(PROBLEMS[:1], None))
    score(capsys, samples, *TASK, "--k", "1", "--out", tmp_path / "o")
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["outcomes.jsonl", "results.json"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_scoring_that_is_terminated_leaves_nothing(tmp_path, workers):
    """SIGTERM ends it with status 143: no process of it, no group, no file, no results; no traceback."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # Each with a daemon, to be ended, too.
    code = "    import os, time\n    if os.fork() == 0:\n        os.setsid()\n    time.sleep(1000)\n"
    lines = completions(PROBLEMS[:3], code, code + "    pass\n")
    samples = jsonl(tmp_path / "samples.jsonl", lines)
    options = ["--workers", str(workers), "--set", "timeout_s=1000", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "passk_tasks", "score", samples, "--task", "passk_humaneval", *options]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)

    def all_there() -> set[int]:
        below = descendants(process.pid)
        return below if len(below) >= 6 * workers or process.poll() is not None else set()

    below = wait_until(all_there, f"{6 * workers} processes below {process.pid}")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=HANG_S)[1]
    assert process.returncode == 143
    assert "Traceback" not in said
    assert still_running(below) == set()
    assert list(scratch.iterdir()) == []
    assert groups_of(process.pid) == []
    assert not (tmp_path / "out" / "results.json").exists()
