from __future__ import annotations

import dataclasses
import json
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks import benchmarks
from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.extraction import Extraction
from passk_tasks.results.conditions import from_score
from passk_tasks.results.samples import Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.scoring.score import check, check_task_ids, score
from passk_tasks.scoring.summary import Record, kept_counts, summarise
from passk_tasks.statistics.estimators import n_at_k
from passk_tasks.statistics.metrics import Metric
from passk_tasks.tasks.catalog import load_task
from passk_tasks.text import summary
from passk_tasks.verdict import Outcome, Verdict

SPEC = load_task("passk_humaneval", {"samples": 2, "k": [1, 2], "workers": 2})
DATASET = benchmarks.load(benchmarks.get("humaneval"), SPEC.settings)
PROBLEM = DATASET.problems["HumanEval/0"]
BODY = PROBLEM.canonical_solution


def sample(text, form="completion", task_id="HumanEval/0", index=0):
    """Return a sample as a reader would."""
    return Sample(task_id, index, text, form, f"s.jsonl:{index + 1}")


def record(task_id, index, verdict, text=None, flags=()):
    """Return a record as the judge would leave it."""
    text = f"text {index}" if text is None else text
    outcome = Outcome(Verdict(verdict), flags=flags)
    return Record(sample(text, task_id=task_id, index=index), Extraction("", "x"), outcome, "00")


def contest(verdicts):
    """Return records of CodeContests-like problems: a verdict a sample, and whether its base stage held."""
    return [
        Record(sample("x", index=i), Extraction("", "x"), Outcome(Verdict(verdict), base_passed=base), "00")
        for i, (verdict, base) in enumerate(verdicts)
    ]


def summary_of(records, spec=SPEC):
    """Return the score of records."""
    return summarise(records, spec=spec, dataset=DATASET, layers={"seccomp": True})


# ---------------------------------------------------------------- candidates


def test_a_completion_is_appended_to_the_prompt_verbatim():
    """Under `auto` nothing is cut from a completion, not even what a stop sequence would cut."""
    text = BODY + "\ndef helper():\n    pass\n"
    assert candidate(sample(text), PROBLEM, SPEC).code == PROBLEM.prompt + text


def test_a_solution_is_taken_as_it_stands():
    """A self-contained solution is the candidate, without the prompt, also under `verbatim`."""
    for extract in ("auto", "verbatim"):
        found = candidate(sample("x = 1\n", "solution"), PROBLEM, SPEC, extract)
        assert found == Extraction("x = 1\n", "verbatim")


def test_a_blank_solution_is_no_code():
    """EvalPlus writes an empty solution where a model gave none; there is nothing to run."""
    assert candidate(sample(" \n", "solution"), PROBLEM, SPEC) == Extraction(None, "none:empty")


def test_a_response_is_extracted_as_the_task_says():
    """A response gets the task's mode with the task's stop sequences; another mode on request."""
    text = BODY + "\ndef helper():\n    pass\n"
    completion = candidate(sample(text, "response"), PROBLEM, SPEC)
    assert "def helper" not in completion.code
    fenced = f"Sure!\n```python\n{PROBLEM.prompt}{BODY}\n```\nBye."
    answer = candidate(sample(fenced, "response"), PROBLEM, SPEC, "answer")
    assert "Sure" not in answer.code
    compile(answer.code, "candidate", "exec")


def test_extraction_can_be_asked_for_on_completions():
    """`--extract completion` applies the stop sequences to lines that are taken verbatim otherwise."""
    text = BODY + "\ndef helper():\n    pass\n"
    assert "def helper" not in candidate(sample(text), PROBLEM, SPEC, "completion").code


def test_the_stops_of_a_completion_task_do_not_cut_answers():
    """`--extract answer` on a completion task finds the function, which begins with a stop sequence."""
    assert "\ndef" in SPEC.until
    for form in ("response", "completion", "solution"):
        text = f"Sure!\n```python\n\ndef {PROBLEM.entry_point}(x, y):\n    return x\n```\n"
        assert "return x" in candidate(sample(text, form), PROBLEM, SPEC, "answer").code


def test_a_solution_cannot_continue_the_prompt():
    """`--extract completion` on a self-contained solution is refused with its place."""
    with pytest.raises(UsageError, match=r"^s\.jsonl:1: --extract completion .* self-contained"):
        check([sample("x", "solution")], spec=SPEC, dataset=DATASET, extract="completion")


def test_an_unknown_extraction_names_the_nearest():
    """A misspelt mode is the user's mistake, found before anything runs."""
    with pytest.raises(UsageError, match=r"no extraction 'verbatm' \(did you mean 'verbatim'\?\)"):
        score([sample("")], spec=SPEC, dataset=DATASET, extract="verbatm")


# ---------------------------------------------------------------- what is refused


def test_an_unknown_task_id_is_an_error_with_its_place():
    """A sample of a problem that the task does not have names file, line and the nearest problem."""
    stray = Sample("HumanEval/1640", 0, "", "completion", "s.jsonl:7")
    with pytest.raises(
        SamplesError, match=r"^s\.jsonl:7: passk_humaneval has no problem 'HumanEval/1640' \(did"
    ):
        score([sample(""), stray], spec=SPEC, dataset=DATASET)
    stray = Sample("Mbpp/2", 0, "", "completion", "s.jsonl:9")
    with pytest.raises(SamplesError, match=r"no problem 'Mbpp/2' \(it has HumanEval/0 to HumanEval/163\)"):
        check_task_ids([stray], DATASET, "passk_humaneval")


def test_a_wanted_k_beyond_n_is_an_error_that_names_the_problem():
    """Under `strict_k` a budget that one problem cannot give is refused before anything runs."""
    samples = [sample("a"), sample("b", index=1), sample("c", task_id="HumanEval/1", index=2)]
    with pytest.raises(UsageError, match=r"s\.jsonl:3: pass@2 needs at least 2 samples .* HumanEval/1 has 1"):
        check(samples, spec=SPEC, dataset=DATASET, strict_k=True)


# ---------------------------------------------------------------- counts and metrics


def test_metrics_are_the_mean_over_problems_with_its_standard_error():
    """pass@1 is the mean of c/n over problems, its error their sd/√M, with n differing between problems."""
    records = [
        *(record("HumanEval/0", i, "passed" if i < 1 else "failed") for i in range(2)),
        *(record("HumanEval/1", i, "passed" if i < 3 else "timeout") for i in range(4)),
        *(record("HumanEval/2", i, "error") for i in range(3)),
    ]
    scored = summary_of(records)
    values = [1 / 2, 3 / 4, 0]
    assert scored.counts == {"HumanEval/0": (2, 1), "HumanEval/1": (4, 3), "HumanEval/2": (3, 0)}
    assert scored.metrics["pass@1"].value == pytest.approx(statistics.mean(values), abs=1e-12)
    over_problems = scored.metrics["pass@1"].over_problems
    assert over_problems.se == pytest.approx(statistics.stdev(values) / math.sqrt(3), abs=1e-12)
    within = [n / (n - 1) * p * (1 - p) / n for n, p in zip((2, 4, 3), values, strict=True)]
    assert scored.metrics["pass@1"].over_samples.se == pytest.approx(math.sqrt(sum(within)) / 3, abs=1e-12)
    assert scored.metrics["pass@2"].value == pytest.approx((1 + 1 + 0) / 3, abs=1e-12)
    assert scored.verdicts == {"passed": 4, "failed": 1, "error": 3, "timeout": 1}
    assert any("n differs between problems: 2 to 4" in warning for warning in scored.warnings)


@given(st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(rng):
    """Metrics are the same to the last bit in whatever order, from however many ranks, samples come."""
    chance = random.Random(7)
    records = [
        record(f"HumanEval/{p}", i, chance.choice(["passed", "failed"])) for p in range(12) for i in range(3)
    ]
    shuffled = list(records)
    rng.shuffle(shuffled)
    assert summary_of(shuffled).metrics == summary_of(records).metrics


def test_a_default_k_beyond_n_is_left_out_and_said():
    """A budget that nobody asked for by name is skipped, listed and warned of."""
    scored = summary_of([record("HumanEval/0", 0, "passed"), record("HumanEval/1", 0, "failed")])
    assert list(scored.metrics) == ["pass@1"]
    assert scored.k_skipped == (2,)
    assert any(
        "pass@2 cannot be estimated and is left out: HumanEval/0 has 1 sample" in w for w in scored.warnings
    )


def test_pass_at_1_is_always_there_and_first():
    """Whatever budgets were asked for, the single shot stands before them; `k` is what was asked for."""
    spec = dataclasses.replace(SPEC, settings=dataclasses.replace(SPEC.settings, k=(2,)))
    scored = summary_of([record("HumanEval/0", i, "passed" if i else "failed") for i in range(2)], spec=spec)
    assert {name: one.value for name, one in scored.metrics.items()} == {"pass@1": 0.5, "pass@2": 1.0}
    assert list(scored.metrics) == ["pass@1", "pass@2"]
    assert scored.as_dict()["k"] == [2]


def test_infra_errors_are_not_incorrect_samples():
    """A sample without a verdict leaves n, is counted, and the numbers are called not final."""
    records = [record("HumanEval/0", 0, "passed"), record("HumanEval/0", 1, "infra_error")]
    scored = summary_of(records)
    assert scored.counts == {"HumanEval/0": (1, 1)}
    assert scored.metrics["pass@1"].value == 1.0
    assert scored.k_skipped == (2,)
    assert scored.infra_errors == 1
    assert "not final" in scored.warnings[0]


def test_a_problem_with_nothing_but_infra_errors_leaves_no_metric():
    """With n = 0 for one problem, no mean over the problems is honest."""
    records = [record("HumanEval/0", 0, "passed"), record("HumanEval/1", 0, "infra_error")]
    assert summary_of(records).metrics == {}


def test_coverage_is_the_share_of_the_tasks_problems():
    """Two of 164 problems are covered, and one has no interval."""
    scored = summary_of([record("HumanEval/0", 0, "passed"), record("HumanEval/1", 0, "failed")])
    assert scored.coverage == 2 / 164
    assert summary_of([record("HumanEval/0", 0, "passed")]).metrics["pass@1"].over_problems.se is None


def test_distinct_is_the_mean_share_of_different_texts():
    """Texts are compared within a problem; problems with one sample say nothing."""
    records = [
        record("HumanEval/0", 0, "passed", "a"),
        record("HumanEval/0", 1, "passed", "a"),
        record("HumanEval/1", 0, "failed", "a"),
        record("HumanEval/1", 1, "failed", "b"),
        record("HumanEval/2", 0, "failed", "a"),
    ]
    assert summary_of(records).distinct == 0.75
    assert summary_of([records[-1]]).distinct is None


@pytest.mark.parametrize(("distinct", "warned"), [(1, True), (2, False), (20, False)])
def test_identical_samples_are_a_loud_warning(distinct, warned):
    """Twenty equal samples a problem are warned of, with the remedy; a few different ones are not."""
    records = [
        record(f"HumanEval/{p}", i, "failed", f"text {i % distinct}") for p in range(5) for i in range(20)
    ]
    warnings = [warning for warning in summary_of(records).warnings if "identical" in warning]
    assert bool(warnings) is warned
    assert all("passk.seeds=distinct" in warning for warning in warnings)


def test_nearly_identical_samples_are_warned_of_too():
    """One odd sample in one of many problems does not hide that the rest are copies."""
    records = [
        record(f"HumanEval/{p}", i, "failed", "odd" if (p, i) == (0, 0) else "same")
        for p in range(10)
        for i in range(20)
    ]
    assert any("identical" in warning for warning in summary_of(records).warnings)


# ---------------------------------------------------------------- the stored form


def test_the_object_has_all_that_is_promised():
    """Every key of `passk score --json` is there, JSON-ready."""
    result = summary_of([record(f"HumanEval/{p}", i, "passed") for p in range(2) for i in range(2)]).as_dict()
    assert result.keys() >= {
        *("task", "problems", "samples", "coverage", "metrics", "verdicts"),
        *("judge", "sandbox", "limits", "distinct", "warnings", "dataset", "settings"),
    }
    assert result["metrics"]["pass@2"].keys() == {"value", "over_problems", "over_samples"}
    low, high = result["metrics"]["pass@2"]["over_problems"]["ci95"]
    assert 0 <= low <= 1 <= high or low <= high == 1
    assert result["n"] == 2
    assert result["verdicts"] == {"passed": 4}
    assert result["sandbox"] == {"mode": "strict", "layers": {"seccomp": True}}


def test_an_outcome_line_has_the_promised_keys_and_flags_only_where_raised():
    """outcomes.jsonl has ten keys in their order; a flag of the judge adds an eleventh."""
    keys = ["task_id", "sample", "verdict", "detail", "extraction", "judge", "cpu_s", "wall_s", "peak_mib"]
    keys.append("program_sha256")
    assert list(record("HumanEval/0", 3, "passed").as_dict()) == keys
    flagged = record("HumanEval/0", 3, "passed", flags=("early exit",))
    assert flagged.as_dict()["flags"] == ["early exit"]
    assert summary_of([flagged]).as_dict()["flags"] == {"early exit": 1}


def test_problems_of_one_source_are_a_cluster():
    """What problems share widens what holds over them, is in their lines, and is counted in the result."""
    verdicts = [["passed"] * 2, ["passed"] * 2, ["failed"] * 2, ["failed"] * 2]
    records = [
        record(f"HumanEval/{p}", i, verdict)
        for p, found in enumerate(verdicts)
        for i, verdict in enumerate(found)
    ]
    clustered = [dataclasses.replace(one, cluster=str(int(one.sample.task_id[-1]) // 2)) for one in records]
    assert "cluster" not in records[0].as_dict()
    assert clustered[0].as_dict()["cluster"] == "0"
    alone, together = summary_of(records), summary_of(clustered)
    assert (alone.clusters, together.clusters) == (None, 2)
    assert "clusters" not in alone.as_dict()
    assert together.as_dict()["clusters"] == 2
    plain, wide = alone.metrics["pass@1"], together.metrics["pass@1"]
    assert (plain.over_problems.method, wide.over_problems.method) == (
        "over-problems",
        "over-problems-clustered",
    )
    assert wide.over_problems.se > plain.over_problems.se
    assert wide.over_samples == plain.over_samples


# ---------------------------------------------------------------- with the sandbox


def test_every_score_is_of_the_metric_it_is_named_after():
    """n@k and the base stage's pass@k are metrics of their own, and not pass@k under another name."""
    spec = dataclasses.replace(SPEC, settings=dataclasses.replace(SPEC.settings, benchmark="code_contests"))
    verdicts = [("passed", True), ("failed", True), ("failed", False), ("passed", True)]
    scores = summary_of(contest(verdicts), spec).metrics
    assert list(scores) == ["pass@1", "pass@2", "base_pass@1", "base_pass@2", "1@2"]
    assert {name: score.name for name, score in scores.items()} == {name: name for name in scores}
    assert scores["1@2"].value == n_at_k(4, 3, 2, 1, 2)
    assert scores["1@2"].over_samples.method == "over-samples-bound"


def test_samples_are_judged_in_input_order():
    """Right, wrong, broken, endless and missing code each get their verdict, in the order given."""
    texts = [BODY, "    return None\n", "    return (\n", "    while True: pass\n"]
    samples = [sample(text, index=i) for i, text in enumerate(texts)]
    samples.append(sample("", "solution", index=4))
    spec = dataclasses.replace(SPEC, settings=dataclasses.replace(SPEC.settings, timeout_s=0.5))
    scored = score(samples, spec=spec, dataset=DATASET)
    assert [str(r.outcome.verdict) for r in scored.records] == [
        "passed",
        "failed",
        "syntax_error",
        "timeout",
        "no_code",
    ]
    assert [r.sample for r in scored.records] == samples
    assert scored.metrics["pass@1"].value == pytest.approx(1 / 5)
    assert scored.layers


def test_who_judged_is_counted(tmp_path):
    """The result counts the problems of each judge, with the reasons for one process."""
    rows = [
        {"task_id": "a", "prompt": "def f():\n", "entry_point": "f", "test": "assert f() == 1\n"},
        {"task_id": "b", "prompt": "def f():\n", "entry_point": "f", "test": "assert f.__doc__ is None\n"},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = load_task("passk_custom_greedy", {"data_files": str(path)})
    dataset = benchmarks.load(benchmarks.get("custom"), spec.settings)
    samples = [Sample(name, 0, "def f():\n    return 1\n", "solution", "here") for name in "ab"]
    result = score(samples, spec=spec, dataset=dataset)
    assert result.judges == {"isolated": 1, "script": 1}
    assert result.one_process == {"reads f.__doc__": 1}
    assert "1 isolated, 1 in one process (1 reads f.__doc__)" in summary.render(result)


def test_no_samples_give_an_empty_score():
    """A rank without documents scores nothing, and that is no error."""
    scored = score([], spec=SPEC, dataset=DATASET)
    assert scored.metrics == {}
    assert scored.as_dict()["samples"] == 0


# ---------------------------------------------------------------- answers that a benchmark leaves out of n


def repository_pass_at_k(answers, k):
    """Return pass@k as CRUXEval's evaluation computes it: left-out answers have no result."""
    results = [verdict == "passed" for verdict, left_out in answers if not left_out]
    if True not in results:
        results = [False] * len(answers)
    n, c = len(results), results.count(True)
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


@given(
    st.lists(
        st.tuples(st.sampled_from(["passed", "failed", "error"]), st.booleans()), min_size=5, max_size=9
    ),
    st.sampled_from([1, 2, 5]),
)
def test_kept_counts_give_what_the_repository_computes(answers, k):
    """Whatever is left out and right, pass@k of the kept counts is the repository's."""
    n, c = kept_counts(answers, k)
    assert Metric("pass@K", k).values(n, c)[0] == pytest.approx(repository_pass_at_k(answers, k))


def test_what_has_no_verdict_is_in_no_count():
    """An infra_error is neither kept nor left out."""
    assert kept_counts([("passed", False), ("infra_error", False), ("failed", True)], 1) == (1, 1)
    assert kept_counts([("failed", False), ("infra_error", False), ("failed", True)], 1) == (2, 0)


def test_both_numbers_of_a_benchmark_that_leaves_answers_out():
    """pass@k counts every answer; kept_pass@k stands beside it, and the summary says which is which."""
    spec = load_task("passk_cruxeval_input", {"samples": 4, "k": [1, 2]})
    answers = [("passed", False), ("failed", False), ("failed", True), ("failed", True)]
    records = [
        dataclasses.replace(record("HumanEval/0", i, verdict), left_out=left_out)
        for i, (verdict, left_out) in enumerate(answers)
    ]
    scored = summary_of(records, spec)
    assert scored.scores == {"pass@1": 0.25, "pass@2": 0.5, "kept_pass@1": 0.5, "kept_pass@2": 1.0}
    assert [line.get("left_out") for line in map(Record.as_dict, scored.records)] == [None, None, True, True]
    shown = summary.render(scored)
    assert "kept_pass@1" in shown
    assert "kept_pass@k is what the benchmark's own program reports" in " ".join(shown.split())
    assert not any(name.startswith("kept") for name in summary_of(records).scores)


# ---------------------------------------------------------------- what time limits are for


def test_limits_say_what_they_are_for():
    """Where calls are timed one by one, the stored limits say so, and what all of them may take."""
    (one,) = [record("HumanEval/0", 0, "passed")]
    plus = summary_of([one], load_task("passk_humaneval_plus"))
    assert plus.limits | {"call_s": 4.0, "whole_s": 62.0, "timeout_s": 4.0} == plus.limits
    assert "isolated; 4 s a call, 62 s for all calls, 4096 MiB of memory" in " ".join(
        summary.render(plus, width=200).split()
    )
    script = summary_of([one], load_task("passk_humaneval_plus", {"judge": "script", "timeout_s": 8}))
    assert "call_s" not in script.limits
    assert summary.shown_times(script.limits, script.judge) == ["124 s for all calls"]
    apps = summary_of([one], load_task("passk_apps_interview"))
    assert summary.shown_times(apps.limits, apps.judge) == ["4 s a call or case", "11 s for all calls"]
    assert not {"call_s", "whole_s"} & set(summary_of([one]).limits)


def test_runs_whose_limits_mean_something_else_are_told_apart():
    """The same number of seconds, once for each call and once for all, is another condition."""
    (one,) = [record("HumanEval/0", 0, "passed")]
    plus = summary_of([one], load_task("passk_humaneval_plus"))
    before = dataclasses.replace(
        plus, limits={name: value for name, value in plus.limits.items() if name not in ("call_s", "whole_s")}
    )
    assert from_score(plus).limits != from_score(before).limits
