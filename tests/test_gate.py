"""Whether new runs keep to a policy, and whether its file says what it means."""

from __future__ import annotations

import json

import numpy as np
import pytest

from passk_tasks import api, gate
from passk_tasks.cli.app import main
from passk_tasks.errors import UsageError
from passk_tasks.statistics.gate import FAILED, INCONCLUSIVE, PASSED

PASSK, OTHER = "passk_humaneval", "passk_mbpp"


def counts(rate, n=40, problems=60):
    """(n, c) of problems that are solved at this rate."""
    return {f"HumanEval/{i}": (n, round(n * rate)) for i in range(problems)}


@pytest.fixture
def policy(tmp_path, scored):
    """A baseline that solves half, a policy about it, and a function that stores a run and asks."""
    scored(tmp_path / "baseline", counts(0.5))

    def ask(run=None, *, text=None, **rule):
        if run is not None:
            scored(tmp_path / "new", run)
        rule = {"baseline": "baseline", "largest_drop": 0.05, **rule}
        file = tmp_path / "policy.yaml"
        file.write_text(json.dumps({"tasks": {PASSK: rule}}) if text is None else text, encoding="utf-8")
        return main(["gate", str(tmp_path / "new"), "--policy", str(file)])

    return ask


@pytest.mark.parametrize(
    ("run", "code", "word"),
    [
        (counts(0.5), 0, PASSED),
        (counts(0.35), 5, FAILED),
        (counts(0.45), 6, INCONCLUSIVE),
        (counts(0.25, n=4, problems=2), 6, INCONCLUSIVE),
    ],
)
def test_each_verdict_has_its_exit_code(policy, run, code, word, capsys):
    """Nothing lost, much lost, as much as is allowed, and a large drop in a run that is too small to say."""
    assert policy(run) == code
    shown = capsys.readouterr().out
    assert shown.startswith(f"{PASSK}: {word}")
    assert f"\n{word}\n" in shown
    assert (word == FAILED) == ("passk compare" in shown), (
        "the next command, where something is to be looked at"
    )


def test_a_small_run_is_told_what_is_enough(policy, capsys):
    """With as many samples as it says, a run that lost nothing passes."""
    small = counts(0.5, n=2)
    assert policy(small, largest_drop=0.06) == 6
    shown = capsys.readouterr().out
    enough = int(shown.split("n = ")[1].split()[0].replace(",", ""))
    assert 2 < enough < 40
    assert policy(counts(0.5, n=enough + enough % 2), largest_drop=0.06) == 0


def test_problems_that_were_not_sampled_do_not_pass(policy, capsys):
    """A run of half the problems is inconclusive however well it does, and says why."""
    assert policy(counts(0.9, problems=30)) == 6
    assert "30 of the baseline's 60 problems have no samples" in capsys.readouterr().out


def test_of_several_tasks_the_worst_counts(tmp_path, scored):
    """One task fails and one passes: the gate fails; a task that the policy does not name is said."""
    for task, rate in ((PASSK, 0.5), (OTHER, 0.3), ("passk_mbpp_plus", 0.1)):
        scored(tmp_path / "old" / task, counts(0.5), task=task)
        scored(tmp_path / "new" / task, counts(rate), task=task)
    rules = {task: {"baseline": f"old/{task}", "largest_drop": 0.05} for task in (PASSK, OTHER)}
    (tmp_path / "policy.yaml").write_text(json.dumps({"confidence": 0.9, "tasks": rules}))
    found = api.gate_runs(tmp_path / "new", tmp_path / "policy.yaml")
    assert [one.verdict for one in found.verdicts] == [PASSED, FAILED]
    assert found.verdict == FAILED
    assert [one.rule.confidence for one in found.verdicts] == [0.9, 0.9]
    assert found.notes == ("not in the policy, so not looked at: passk_mbpp_plus",)


def test_the_newest_of_several_runs_is_tested(tmp_path, scored, policy, capsys):
    """In a folder that grows, the newest run counts, and the output says of how many."""
    scored(tmp_path / "new" / "a", counts(0.5), date="2026-03-02T00:00:00+00:00")
    scored(tmp_path / "new" / "b", counts(0.2), date="2026-03-01T00:00:00+00:00")
    assert policy() == 0
    assert "the newest of 2 runs" in capsys.readouterr().out
    scored(tmp_path / "new" / "c", counts(0.5), date="2026-03-02T00:00:00+00:00")
    assert policy() == 2
    assert "which is the newest is not recorded" in capsys.readouterr().err


def test_other_problems_are_no_drop(policy, tmp_path, scored, capsys):
    """A run of other problems, or of another version of the task, cannot be held against the baseline."""
    scored(tmp_path / "new", counts(0.5), dataset={"source": "x", "sha256": "f" * 64})
    assert policy() == 2
    assert "another dataset; make a new baseline" in capsys.readouterr().err


def test_greedy_runs_are_tested_over_problems(policy, tmp_path, scored, capsys):
    """More samples of a greedy run are the same sample, so other problems are what may vary."""
    greedy = {"generation_kwargs": {"do_sample": False, "temperature": 0.0}}
    for name in ("baseline", "new"):
        scored(tmp_path / name, counts(1, n=1, problems=164), **greedy)
    assert policy() == 0
    assert "over problems" in capsys.readouterr().out


def test_json_has_every_number(policy, tmp_path, capsys):
    """`--json` prints the verdict, its bounds and what would be enough, with the same exit code."""
    policy(counts(0.45))
    capsys.readouterr()
    assert main(["gate", str(tmp_path / "new"), "--policy", str(tmp_path / "policy.yaml"), "--json"]) == 6
    (one,) = json.loads(capsys.readouterr().out)["tasks"]
    assert one["verdict"] == INCONCLUSIVE
    assert one["difference"]["low"] < one["difference"]["value"] < one["difference"]["high"]
    assert one["enough"]["samples"] > 1


RULE = "tasks:\n  passk_humaneval:\n    baseline: baseline\n    largest_drop: 0.05\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a mapping with confidence and tasks is expected, not nothing"),
        ("- a", "a mapping with confidence and tasks is expected, not list"),
        ("tasks: [", "no YAML"),
        ("tasks: {}", "tasks: there is none"),
        ("task: {}", "there is no key 'task' (did you mean 'tasks'?)"),
        ("confidence: 0.9", "tasks: a mapping with names of tasks is expected, not nothing"),
        ("tasks: {1: {}}", "the name of a task is expected"),
        ("tasks: {a: 0.1}", "a: a mapping with baseline and largest_drop is expected, not float"),
        (RULE + "    drop: 1", "there is no key 'drop'"),
        (RULE + "    largest_drop: 0.1", "'largest_drop' stands twice"),
        (RULE.replace("0.05", "5"), "largest_drop: a number above 0 and below 1 is expected, e.g. 0.03"),
        (RULE.replace("0.05", "0"), "largest_drop: a number above 0 and below 1"),
        (RULE.replace("0.05", "yes"), "largest_drop: a number above 0 and below 1"),
        (RULE.replace("0.05", ".nan"), "largest_drop: a number above 0 and below 1"),
        (RULE.replace("    largest_drop: 0.05\n", ""), "e.g. 0.03 for three points, and there is none"),
        (RULE.replace(": baseline", ": 7"), "baseline: the path of a run is expected, not 7"),
        (RULE.replace(": baseline", ": nowhere"), "nowhere: no such file or folder"),
        (RULE + "    metric: pass", "metric: there is no metric 'pass'"),
        (RULE + "    metric: pass@50", "pass@50 needs 50 samples"),
        (RULE + "    over: chance", "over: samples or problems is expected, not 'chance'"),
        (RULE + "    confidence: 95", "a number above 0.5 and below 1 is expected, e.g. 0.95, not 95"),
        (RULE + "confidence: 0.5", "confidence: a number above 0.5"),
        (RULE.replace("passk_humaneval", "passk_humanevl"), "no run of passk_humanevl"),
        ("tasks: {a: &x {b: *x}}", "there is no key 'b'"),
        ("? [1]\n: 2", "unhashable key"),
        ("\x00", "no YAML"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_one_line(policy, text, said, capsys):
    """Each mistake is named in one line, with the file; nothing is a traceback."""
    assert policy(counts(0.5), text=text) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_policy_that_is_not_there(tmp_path, capsys, scored):
    """A missing file, a folder, and bytes that are no text."""
    scored(tmp_path / "new", counts(0.5))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    for name, said in (("none", "No such file"), (".", "Is a directory"), ("bytes", "no YAML")):
        assert main(["gate", str(tmp_path / "new"), "--policy", str(tmp_path / name)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line


def test_paths_are_relative_to_the_policy(tmp_path, scored, monkeypatch):
    """A policy in another folder names its baseline from there, wherever the command is typed."""
    scored(tmp_path / "ci" / "base", counts(0.5))
    (tmp_path / "ci" / "policy.yaml").write_text(RULE.replace(": baseline", ": base"))
    monkeypatch.chdir("/")
    assert gate.read(tmp_path / "ci" / "policy.yaml")[0].baseline == tmp_path / "ci" / "base"


def test_a_baseline_is_one_run(policy, tmp_path, scored, capsys):
    """A folder with two runs of the task is no baseline, in one line."""
    scored(tmp_path / "baseline" / "another", counts(0.5), date="2026-05-01T00:00:00+00:00")
    assert policy(counts(0.5)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds 2 runs of it, and a baseline is one" in line


def test_a_baseline_is_not_held_against_itself(tmp_path, scored):
    """A folder in which the newest run is the baseline has no new run."""
    scored(tmp_path / "baseline", counts(0.5))
    (tmp_path / "policy.yaml").write_text(RULE)
    with pytest.raises(UsageError, match="is the baseline itself"):
        api.gate_runs(tmp_path, tmp_path / "policy.yaml")


def test_verdicts_err_as_rarely_as_the_policy_says():
    """A run that lost exactly what is allowed passes in 5 % and fails in 5 % of 300 repetitions.

    `bench/gate_power.py` has the table. More than 26 of 300 would be chance in one of a thousand.
    """
    from passk_tasks.statistics.gate import decide
    from passk_tasks.statistics.metrics import PASS, Counts, Metric

    rng = np.random.default_rng(20261129)
    rates = rng.beta(0.4, 0.6, 80)
    lower = rates * (1 - 0.05 / rates.mean())
    n = np.full(80, 20)
    seen = [
        decide(
            Metric(PASS, 1),
            Counts(n, rng.binomial(20, rates)),
            Counts(n, rng.binomial(20, lower)),
            largest_drop=0.05,
        ).verdict
        for _ in range(300)
    ]
    assert seen.count(PASSED) <= 26
    assert seen.count(FAILED) <= 26
