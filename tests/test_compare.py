from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from passk_tasks.compare import GAINED, LOST, compare, label
from passk_tasks.errors import UsageError
from passk_tasks.results import differing, joining, reading
from passk_tasks.statistics.metrics import Metric

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT.parent / "shared" / "data" / "humaneval_n10_counts.json"


def counts(*correct, n=10):
    """Return (n, c) of problems in a row."""
    return {f"HumanEval/{i}": (n, c) for i, c in enumerate(correct)}


@pytest.fixture
def pair(tmp_path, evaluated):
    """Two runs of these counts, loaded; keyword arguments change the second."""

    def build(first, second, **changes):
        one = evaluated(tmp_path / "one", first)
        two = evaluated(tmp_path / "two", second, **changes)
        return reading.load_all([one, two])

    return build


def test_the_published_models_are_told_apart(tmp_path, scored):
    """GPT-4, GPT-3.5 and CodeLlama-34B: 84.8, 77.0 and 45.1, and no two of them by chance."""
    if not PUBLISHED.exists():
        pytest.skip(f"the published counts are not here: {PUBLISHED}")
    table = json.loads(PUBLISHED.read_text())["correct"]
    names = list(table)
    for name, correct in table.items():
        scored(tmp_path / name, {task_id: (10, c) for task_id, c in correct.items()})
    found = compare(reading.load_all([tmp_path / name for name in names]))
    assert [found.runs[i].name for i in found.order] == ["gpt-4", "gpt-3.5-turbo", "codellama-34b-instruct"]
    one, ten = found.scores["pass@1"], found.scores["pass@10"]
    assert [round(100 * score.value, 3) for score in one] == [45.122, 76.951, 84.817]
    assert [round(100 * score.value, 3) for score in ten] == [54.268, 85.976, 90.854]
    llama_gpt35, llama_gpt4, gpt35_gpt4 = found.pairs["pass@1"]
    assert all(pair.apart and pair.difference.exact for pair in found.pairs["pass@1"])
    assert llama_gpt35.p_adjusted < 1e-12
    assert llama_gpt4.p_adjusted < 1e-15
    # 7.9 points, and the two intervals of the models alone overlap: pairing is what tells them apart.
    assert gpt35_gpt4.difference.value == pytest.approx(0.07866, abs=1e-5)
    assert one[1].over_problems.ci95[1] > one[2].over_problems.ci95[0]
    assert 1e-5 < gpt35_gpt4.p_adjusted < 0.01
    assert 0 < gpt35_gpt4.difference.ci95[0] < gpt35_gpt4.difference.ci95[1] < 0.15
    assert found.groups == ((2,), (1,), (0,))
    # With ten draws both solve most of it: 4.9 points that 164 problems do not tell from chance.
    assert found.pairs["pass@10"][2].difference.value == pytest.approx(0.04878, abs=1e-5)
    assert not found.pairs["pass@10"][2].apart
    assert not found.regressed


def test_a_run_against_itself(tmp_path, scored):
    """Nothing differs, nothing changed, p is 1, and the interval is no point."""
    one, two = scored(tmp_path / "a", counts(0, 3, 10)), scored(tmp_path / "b", counts(0, 3, 10))
    found = compare(reading.load_all([one, two]))
    assert (found.conditions, found.changes, found.left_out) == ((), (), 0)
    assert found.question.pairs[0].difference.p == 1
    low, high = found.question.pairs[0].difference.ci95
    assert low < 0 < high
    assert found.groups == ((0, 1),)
    assert not found.regressed


def test_every_condition_that_differs_is_named(pair):
    """Temperature, stops, limits and prompt of the second run are set against the first's."""
    before, after = pair(
        counts(1, 2, 3),
        counts(1, 2, 4),
        prompt="Solve {task_id}",
        config={"doc_to_text": "Solve {{prompt}}"},
        generation_kwargs={"until": [], "do_sample": True, "temperature": 0.8, "top_p": 0.9},
        judge="script",
        limits={"timeout_s": 9.0, "memory_mib": 512, "output_mib": 16, "processes": 64},
        content={"chat_template": "x", "chat_template_sha": "y", "n-shot": {"passk_humaneval": 3}},
    )
    found = compare([before, after])
    assert {one.name for one in found.conditions} == {
        "prompt",
        "temperature",
        "stops",
        "sampling.top_p",
        "sampling.max_gen_toks",
        "judge",
        "limits.timeout_s",
        "chat_template",
        "fewshot",
    }
    assert next(one for one in found.conditions if one.name == "temperature").values == (0.2, 0.8)
    assert found.unrecorded == ()
    assert not any(one.unlike for one in found.conditions)


def test_prompts_are_compared_over_the_problems_in_common(pair):
    """A run on fewer problems has the same prompts, and a template that renders alike is no difference."""
    before, after = pair(counts(1, 2, 3), counts(1, 2), config={"doc_to_text": "{{ prompt }}"})
    found = compare([before, after])
    assert found.conditions == ()
    assert (found.left_out, len(found.problems)) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"dataset": {"source": "x", "sha256": "f" * 64}}, "dataset"), ({"task_version": "2.0"}, "version")],
)
def test_unlike_runs_need_a_word(pair, changes, name):
    """Other problems, or another version of the task, are compared only when asked to."""
    both = pair(counts(1, 2, 3), counts(1, 2, 4), **changes)
    with pytest.raises(UsageError, match=rf"{name}: .* and .*--anyway"):
        compare(both)
    found = compare(both, anyway=True)
    assert found.conditions[0].name == name
    assert found.conditions[0].unlike


def test_tasks_that_share_their_problems_may_be_compared(pair):
    """Two prompts for one dataset are two tasks; their versions have nothing to do with each other."""
    both = pair(counts(1, 2, 3), counts(1, 2, 4), task="passk_humaneval_instruct", task_version="2.0")
    found = compare(both)
    assert {one.name for one in found.conditions} == {"task", "version"}
    assert not any(one.unlike for one in found.conditions)


def test_problems_that_flipped_have_their_verdicts(pair):
    """Lost, gained and merely changed problems, the worst first, with verdicts before and after."""
    before, after = pair(counts(10, 0, 8, 5, 0), counts(0, 4, 2, 5, 0))
    found = compare([before, after])
    assert [(one.task_id, one.flip) for one in found.changes] == [
        ("HumanEval/0", LOST),
        ("HumanEval/2", None),
        ("HumanEval/1", GAINED),
    ]
    first = found.changes[0]
    assert (first.before, first.after, first.difference) == ((10, 10), (10, 0), -1.0)
    assert (first.verdicts_before, first.verdicts_after) == ({"passed": 10}, {"failed": 10})


def test_equal_rates_of_different_n_are_no_change(pair):
    """5 of 10 and 2 of 4 are the same rate, to the last bit."""
    before, after = pair(counts(5, 3), counts(2, 2, n=4))
    assert [one.task_id for one in compare([before, after]).changes] == ["HumanEval/1"]


def test_single_samples_get_mcnemars_test(pair):
    """For n = 1 the discordant problems are counted, and p is that of the sign flips too."""
    before, after = pair(counts(*[1] * 12, 0, 0, n=1), counts(*[0] * 9, 1, 1, 1, 1, 0, n=1))
    (found,) = compare([before, after]).pairs["pass@1"]
    assert found.mcnemar[:2] == (9, 1)
    assert found.mcnemar[2] == pytest.approx(2 * 11 / 1024)
    assert found.difference.p == pytest.approx(found.mcnemar[2])
    assert found.difference.exact


def test_a_regression_is_the_last_run_worse_than_the_first(pair):
    """Worse beyond noise fails, better does not, and worse within noise does not."""
    good, bad = pair(counts(*[9] * 30), counts(*[7] * 30))
    assert compare([good, bad]).regressed
    assert not compare([bad, good]).regressed
    good, bad = pair(counts(9, 2, 3), counts(8, 2, 3))
    assert not compare([good, bad]).regressed


def test_pass_at_1_is_always_there_and_the_first_asked_for_decides(pair):
    """A strong pass@10 cannot hide a poor single shot; ranking goes by what was asked."""
    before, after = pair(counts(10, 10, 0, 0), counts(1, 1, 1, 0))
    found = compare([before, after], metrics=[Metric.parse("pass@10"), Metric.parse("pass^2")])
    assert [metric.name for metric in found.metrics] == ["pass@1", "pass@10", "pass^2"]
    assert found.primary.name == "pass@10"
    assert found.order == (1, 0)
    assert compare([before, after]).order == (0, 1)


def test_a_budget_beyond_n_is_refused(pair):
    """The message has the run and the problem with too few samples."""
    before, after = pair(counts(1, 2), {**counts(1, n=4), "HumanEval/1": (3, 1)})
    with pytest.raises(
        UsageError, match=r"two/.*: pass@4 needs 4 samples of each problem, but HumanEval/1 has 3"
    ):
        compare([before, after], metrics=[Metric.parse("pass@4")])
    assert [metric.name for metric in compare([before, after]).metrics] == ["pass@1"]


@pytest.mark.parametrize("name", ["base_pass@1", "1@4"])
def test_a_metric_of_the_base_stage_needs_one(pair, name):
    """Where the tests have none, the message says so, and of which run."""
    before, after = pair(counts(1, 2), counts(1, 1))
    with pytest.raises(UsageError, match=f"json: {name} needs tests with a base stage, and these have none"):
        compare([before, after], metrics=[Metric.parse(name)])
    with pytest.raises(UsageError, match="needs tests with a base stage"):
        joining.scores(before, [Metric.parse(name)])


def test_runs_without_a_common_problem_are_refused(pair):
    """There is nothing to pair then."""
    before, after = pair({"HumanEval/0": (2, 1)}, {"HumanEval/1": (2, 1)})
    with pytest.raises(UsageError, match="no problem in common"):
        compare([before, after])
    with pytest.raises(UsageError, match="at least two"):
        compare([before])


def test_clusters_widen_the_interval(pair):
    """Problems that share a source count as fewer."""
    first, second = counts(*[3, 4, 5, 6] * 5), counts(*[9] * 10, *[4] * 10)
    before, after = pair(first, second)
    plain = compare([before, after]).question.pairs[0].difference
    shared = {f"HumanEval/{i}": i // 10 for i in range(20)}
    together = compare([before, after], clusters=shared)
    assert together.question.pairs[0].difference.se > plain.se
    assert together.scores["pass@1"][0].over_problems.method == "over-problems-clustered"


def test_clusters_of_the_benchmark_need_no_asking(pair):
    """What the runs' own lines say of their problems is used, and can be overruled."""
    first, second = counts(*[3, 4, 5, 6] * 5), counts(*[9] * 10, *[4] * 10)
    before, after = pair(first, second, cluster=lambda task_id: str(int(task_id[10:]) // 10))
    plain = compare([before, after], clusters={}).question.pairs[0].difference
    assert compare([before, after]).question.pairs[0].difference.se > plain.se


def test_warnings_travel_with_the_runs(pair):
    """Runs given in the wrong order, runs on a part of the task, and what a run itself had to say."""
    before, after = pair(counts(1, 2), counts(1, 3), warnings=["all samples identical"])
    found = compare([before, after])
    assert "A, B: 2 of the task's 164 problems have samples" in found.warnings
    assert "B: all samples identical" in found.warnings
    assert not any("older" in warning for warning in found.warnings)
    older = replace(after, date=before.date - timedelta(days=1))
    assert "B, given last, is older than A" in compare([before, older]).warnings
    assert not any("older" in warning for warning in compare([before, replace(after, date=None)]).warnings)


def test_json_has_everything(pair):
    """`as_dict` is JSON without NaN, and says of each number which uncertainty it is."""
    before, after = pair(counts(10, 0, 8), counts(0, 4, 2))
    found = json.loads(json.dumps(compare([before, after]).as_dict(), allow_nan=False))
    (one,) = found["metrics"]["pass@1"]["pairs"]
    assert (one["first"], one["second"], one["p_method"]) == ("A", "B", "exact")
    for key in ("over_problems", "over_samples"):
        low, high = one[key]["ci95"]
        assert low < one["difference"] < high
    assert one["over_problems"]["se"] > 0
    score = found["metrics"]["pass@10"]["scores"][0]
    assert score.keys() == {"value", "over_problems", "over_samples"}
    assert score["over_samples"]["method"] == "over-samples-bound"
    assert found["changes"][0] == {
        "task_id": "HumanEval/0",
        "flip": "lost",
        "before": {"n": 10, "c": 10, "verdicts": {"passed": 10}},
        "after": {"n": 10, "c": 0, "verdicts": {"failed": 10}},
    }


def test_labels_go_on_beyond_z():
    """Runs are A to Z, then AA."""
    assert [label(i) for i in (0, 25, 26, 51, 52, 702)] == ["A", "Z", "AA", "AZ", "BA", "AAA"]


def test_nothing_that_executes_is_loaded():
    """Comparing stored runs imports neither sandbox nor runner, nor lm-eval."""
    code = (
        "import sys, passk_tasks.compare; print([m for m in sys.modules if m == 'lm_eval' or m.startswith("
        "('passk_tasks.sandbox.supervisor', 'passk_tasks.judging.batch', 'passk_tasks.scoring'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert shown.stdout.strip() == "[]"
    assert differing.UNLIKE == ("dataset", "version")
