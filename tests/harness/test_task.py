from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lm_eval.caching.cache
import pytest
from lm_eval.api.metrics import mean
from support import alternating, canonical, outcomes, record

from passk_tasks import benchmarks
from passk_tasks.errors import InfrastructureError, PasskError, PreflightError, SettingsError
from passk_tasks.harness import beside, host
from passk_tasks.judging import batch, selftest
from passk_tasks.program import Judge
from passk_tasks.results import sample_files
from passk_tasks.tasks import catalog
from passk_tasks.verdict import Outcome, Verdict


@pytest.mark.parametrize("name", catalog.task_names())
def test_lm_eval_builds_every_task(load, here, name) -> None:
    """lm-eval builds each YAML into a task whose repeats, metrics and documents are the settings'."""
    files = here(name)
    task, spec = load(name, **files), catalog.load_task(name)
    ours = replace(task.spec.settings, data_files=None, fim=None, since=spec.settings.since)
    assert ours == spec.settings
    assert task.spec.generation_kwargs == spec.generation_kwargs
    assert task.config.repeats == spec.settings.samples
    family = benchmarks.get(spec.settings.benchmark)
    stages = ("", "base_") if family.base_stage else ("",)
    expected = [f"{stage}pass@{k}" for stage in stages for k in spec.settings.budgets]
    if family.own_n:
        expected += [f"kept_pass@{k}" for k in spec.settings.budgets]
    expected += [f"{n}@{k}" for k in spec.settings.k for n in family.submissions if n < k]
    # Where --repeats may come later, it is known how `distinct` is added up.
    assert list(task.aggregation()) == expected + ["distinct"] * (spec.settings.samples > 1 or host.IS_NEW)
    problems = benchmarks.load(family, task.spec.settings).problems
    assert [doc["task_id"] for doc in task.eval_docs] == list(problems)
    assert task.UNSAFE_CODE


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in catalog.task_names()
        if catalog.load_task(name).settings.extraction in ("completion", "sanitized")
        and catalog.load_task(name).settings.judge is not Judge.STDIO  # the prompt is a text, not code
        and "fewshot" not in name
        and not benchmarks.get(catalog.load_task(name).settings.benchmark).fills_gaps
        # Their questions are tested where they are written.
        and not benchmarks.get(catalog.load_task(name).settings.benchmark).variant
    ],
)
def test_base_models_get_the_prompt_itself(load, here, name) -> None:
    """A completion task's prompt is the problem's, which the candidate starts with, to the last newline."""
    task = load(name, **here(name))
    spec = task.spec
    problems = benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings).problems
    prompts = {doc["task_id"]: task.doc_to_text(doc) for doc in task.eval_docs}
    if spec.settings.benchmark == "humaneval_plus":  # EvalPlus strips it
        assert prompts == {task_id: p.prompt.strip() + "\n" for task_id, p in problems.items()}
    else:
        assert prompts == {task_id: problem.prompt for task_id, problem in problems.items()}


def test_the_mean_is_lm_evals_own(load) -> None:
    """Every metric is aggregated by the one function that lm-eval has a standard error for."""
    assert all(function is mean for function in load().aggregation().values())


def test_metadata_in_both_forms(load) -> None:
    """Dotted keys and one JSON object override the same settings, and both keep the YAML's others."""
    flat = load(**{"passk.samples": 3, "passk.k": [1, 3], "timeout": 300})
    nested = load(passk={"samples": 3, "k": [1, 3]})
    assert flat.spec.settings == nested.spec.settings
    assert flat.spec.settings.extraction == "completion"
    assert flat.config.repeats == nested.config.repeats == 3


def test_an_unknown_setting_is_named(load) -> None:
    """A setting that does not exist is an error that names the nearest one."""
    with pytest.raises(SettingsError, match=r"task passk_humaneval: .*'sample'.*did you mean 'samples'"):
        load(**{"passk.sample": 3})


def test_the_configuration_can_be_copied_and_dumped(load) -> None:
    """The task's configuration is deep-copied and written as JSON, as lm-eval does with it."""
    task = load()
    assert copy.deepcopy(task.config).repeats == 20
    json.dumps(task.dump_config())


@pytest.mark.parametrize("seeds", ["same", "distinct"])
def test_a_run_end_to_end(evaluate, canned, state_folder, seeds) -> None:
    """Samples are judged and counted in both shapes of requests, and the standard error is lm-eval's."""
    model = canned(alternating)
    found = evaluate(model, metadata={"passk.samples": 3, "passk.k": [1, 2], "passk.seeds": seeds}, limit=3)
    values = found["results"]["passk_humaneval"]
    assert values["pass@1,none"] == pytest.approx(2 / 3)
    assert values["pass@2,none"] == pytest.approx(1.0)
    assert values["pass@1_stderr,none"] == pytest.approx(0.0, abs=1e-12)
    assert values["distinct,none"] == 1.0
    for logged in found["samples"]["passk_humaneval"]:
        assert [one["verdict"] for one in outcomes(logged)] == ["passed", "failed", "passed"]
        assert type(logged["pass@1"]) is float

    facts = record(found)
    assert facts["verdicts"] == {"passed": 6, "failed": 3}
    assert (facts["n"], facts["k"], facts["problems"], facts["coverage"]) == (3, [1, 2], 3, 3 / 164)
    assert facts["metrics"]["pass@1"]["value"] == values["pass@1,none"]
    assert facts["metrics"]["pass@1"]["over_problems"]["se"] == pytest.approx(values["pass@1_stderr,none"])
    assert facts["distinct"] == 1.0
    assert any(facts["sandbox"]["layers"].values())
    assert facts["dataset"]["source"] == "embedded"
    (journal,) = facts["journals"]
    assert Path(journal).parent == state_folder
    saved = sample_files.read(journal)
    assert saved.header.settings["samples"] == 3
    assert [s.text for s in saved.samples] == [
        text for logged in found["samples"]["passk_humaneval"] for group in logged["resps"] for text in group
    ]


def test_greedy_has_no_distinct(evaluate, canned) -> None:
    """With one sample a problem, all documents have the same single metric, and it has its standard error."""
    model = canned(
        lambda doc, _: canonical(doc, 0) if doc["task_id"] == "HumanEval/1" else "    return None\n"
    )
    found = evaluate(model, "passk_humaneval_greedy", limit=4)
    values = found["results"]["passk_humaneval_greedy"]
    assert values["pass@1,none"] == 0.25
    assert values["pass@1_stderr,none"] == pytest.approx(0.5 / math.sqrt(4))
    assert "distinct,none" not in values
    assert len(model.requests) == 4


def test_distinct_seeds(evaluate, canned) -> None:
    """Sample i of every problem has the seed 1234 + i, or i more than the one in the generation arguments."""
    metadata = {"passk.samples": 3, "passk.k": 1, "passk.seeds": "distinct"}
    for arguments, base in (({}, 1234), ({"gen_kwargs": {"seed": 0}}, 0)):
        model = canned(canonical)
        evaluate(model, metadata=metadata, limit=2, **arguments)
        assert [(r.doc["task_id"], r.idx, r.args[1]["seed"]) for r in model.requests] == [
            (f"HumanEval/{problem}", index, base + index) for problem in range(2) for index in range(3)
        ]
        assert all(r.args[1]["temperature"] == 0.2 and r.repeats == 1 for r in model.requests)


@pytest.mark.parametrize(("given", "first"), [({}, 7), ({"seed": 30}, 30)])
def test_distinct_seeds_begin_with_the_model_s(evaluate, canned, given, first) -> None:
    """`seed=` in --model_args, which servers' models keep, is the first one; the task's own wins."""
    model = canned(canonical)
    model._seed = 7
    settings = {"passk.samples": 2, "passk.k": [1], "passk.seeds": "distinct"}
    evaluate(model, limit=1, metadata=settings, gen_kwargs={"temperature": 0.8, **given})
    assert [request.args[1]["seed"] for request in model.requests] == [first, first + 1]


def test_extra_responses_are_cut_off(load, dataset) -> None:
    """Answers beyond a request's repeats, which lm-eval's padding of ranks adds, are not counted."""
    task = load(**{"passk.samples": 2, "passk.k": 2})
    task.set_fewshot_seed(1)
    task.build_all_requests(limit=2)
    for instance in task.instances:
        instance.resps = [canonical(instance.doc, 0), "    return None\n"]
    task.instances[-1].resps += [canonical(instance.doc, 2)] * 4
    task.apply_filters()
    assert [len(one.resps) for one in task.instances] == [2, 2]
    for instance in task.instances:
        answers = instance.filtered_resps["none"]
        given = answers if host.IS_NEW else [answers]
        assert task.process_results(instance.doc, given)["pass@2"] == 1.0
    assert task.dump_config()["metadata"]["passk_results"]["verdicts"] == {"passed": 2, "failed": 2}


def test_missing_responses_are_an_error(load) -> None:
    """A problem with fewer answers than n is an error that names it, not a smaller n."""
    task = load(**{"passk.samples": 2, "passk.k": 2})
    task.set_fewshot_seed(1)
    task.build_all_requests(limit=2)
    task.instances[0].resps = ["    pass\n", "    pass\n"]
    task.instances[1].resps = ["    pass\n"]
    with pytest.raises(PasskError, match=r"HumanEval/1 has 1 generations and should have 2"):
        task.apply_filters()


def test_predict_only_executes_nothing(evaluate, canned, monkeypatch, state_folder) -> None:
    """Under --predict_only generations are saved and code is looked for, and no program is started."""

    def tripwire(*_: Any, **__: Any) -> None:
        raise AssertionError("something was executed")

    monkeypatch.setattr(batch.Batch, "run", tripwire)
    monkeypatch.setattr(selftest, "require", tripwire)
    found = evaluate(
        canned(canonical), metadata={"passk.samples": 2, "passk.k": 1}, limit=2, predict_only=True
    )
    assert found["results"]["passk_humaneval"]["bypass,none"] == 999
    for logged in found["samples"]["passk_humaneval"]:
        assert [set(one) for one in outcomes(logged)] == [{"extraction"}] * 2
    (journal,) = state_folder.iterdir()
    assert len(sample_files.read(journal).samples) == 4


def test_every_journal_comes_before_the_first_program(evaluate, canned, monkeypatch, state_folder) -> None:
    """All tasks of a run have their generations on disk, complete, before a candidate of any is executed."""
    seen: list[list[sample_files.SampleFile]] = []
    run = batch.Batch.run

    def look(*programs: Any, **options: Any) -> Iterator[tuple[int, Outcome]]:
        seen.append([sample_files.read(path) for path in sorted(state_folder.glob("passk_journal_*"))])
        return run(*programs, **options)

    evaluate(canned(canonical), limit=1)  # the sandbox is tried beforehand, once a process
    for path in state_folder.iterdir():
        path.unlink()
    monkeypatch.setattr(batch.Batch, "run", look)
    evaluate(
        canned(canonical),
        "passk_humaneval",
        "passk_humaneval_greedy",
        metadata={"passk.samples": 1, "passk.k": 1},
        limit=2,
    )
    assert len(seen) == 2
    assert [file.header.task for file in seen[0]] == ["passk_humaneval", "passk_humaneval_greedy"]
    assert all(len(file.samples) == 2 and not file.warnings for file in seen[0])


def test_infra_errors_save_everything_and_fail(evaluate, canned, monkeypatch, state_folder) -> None:
    """Samples without a verdict end the run with an error, after outcomes and generations are on disk."""
    run = batch.Batch.run

    def break_one(programs: Any, *given: Any, **options: Any) -> Iterator[tuple[int, Outcome]]:
        broken = programs.numbers[2] if len(programs.numbers) == 4 else None
        for number, outcome in run(programs, *given, **options):
            is_broken = number == broken
            yield number, Outcome(Verdict.INFRA_ERROR, "the worker died") if is_broken else outcome

    monkeypatch.setattr(batch.Batch, "run", break_one)
    with pytest.raises(
        InfrastructureError, match=r"1 samples remain.*passk score .*_rank0\.jsonl --task passk_human"
    ):
        evaluate(canned(canonical), metadata={"passk.samples": 2, "passk.k": 1}, limit=2)
    (journal,) = state_folder.glob("*.jsonl")
    assert len(sample_files.read(journal).samples) == 4
    (lines,) = state_folder.glob("*/outcomes.jsonl")
    verdicts = [json.loads(line)["verdict"] for line in lines.read_text().splitlines()]
    assert verdicts == ["passed", "passed", "infra_error", "passed"]


def test_cached_requests_are_not_used(evaluate, canned, monkeypatch, tmp_path, caplog) -> None:
    """--cache_requests neither stores requests of ours nor brings back those of another n."""
    monkeypatch.setattr(lm_eval.caching.cache, "PATH", str(tmp_path / "cache"))
    for n in (2, 3):
        model = canned(canonical)
        evaluate(model, metadata={"passk.samples": n, "passk.k": 1}, limit=1, cache_requests=True)
        assert len(model.requests) == n
    assert not (tmp_path / "cache").exists()
    assert "--cache_requests is not used" in caplog.text


@pytest.mark.skipif(not host.IS_NEW, reason="this lm-eval logs chosen documents")
def test_documents_that_cannot_be_logged(evaluate, canned) -> None:
    """Where lm-eval would fail after the last answer, nothing is asked; without the log all goes well."""
    model, name = canned(canonical), "passk_humaneval_greedy"
    with pytest.raises(PreflightError, match="leave --log_samples out"):
        evaluate(model, name, limit=None, samples={name: [9, 7, 3]})
    assert not model.requests
    found = evaluate(model, name, limit=None, samples={name: [9, 7, 3]}, log_samples=False)
    assert found["results"][name]["pass@1,none"] == 1.0
    found = evaluate(model, name, limit=None, samples={name: [0, 1]})
    assert [one["doc_id"] for one in found["samples"][name]] == [0, 1]


@pytest.mark.skipif(host.IS_NEW, reason="lm-eval 0.5.0.dev1 fails at a log of chosen documents")
def test_documents_in_any_order(evaluate, canned) -> None:
    """With --samples out of order, each document keeps its own verdicts."""
    model = canned(
        lambda doc, _: canonical(doc, 0) if doc["task_id"] == "HumanEval/7" else "    return None\n"
    )
    found = evaluate(
        model, "passk_humaneval_greedy", limit=None, samples={"passk_humaneval_greedy": [9, 7, 3]}
    )
    scores = {one["doc"]["task_id"]: one["pass@1"] for one in found["samples"]["passk_humaneval_greedy"]}
    assert scores == {"HumanEval/3": 0.0, "HumanEval/7": 1.0, "HumanEval/9": 0.0}


def test_arguments_that_json_does_not_know(evaluate, canned) -> None:
    """Generation arguments may be any Python objects; journal and provenance describe them."""
    found = evaluate(canned(canonical), "passk_humaneval_greedy", limit=1, gen_kwargs={"stopper": Path("x")})
    facts = record(found, "passk_humaneval_greedy")
    assert facts["generation_kwargs"]["stopper"] == "PosixPath('x')"
    assert (
        sample_files.read(facts["journals"]).header.extra["generation_kwargs"]["stopper"] == "PosixPath('x')"
    )


def test_identical_samples_are_a_loud_warning(evaluate, canned, caplog) -> None:
    """Samples that are all alike at T > 0 are warned of in the log and in the results, with the remedy."""
    model = canned(lambda doc, _: canonical(doc, 0))
    found = evaluate(model, metadata={"passk.samples": 4, "passk.k": 1})
    facts = record(found)
    assert found["results"]["passk_humaneval"]["distinct,none"] == facts["distinct"] == 0.25
    (warning,) = facts["warnings"]
    assert "passk.seeds=distinct" in warning
    assert any(warning in line.message and line.levelname == "WARNING" for line in caplog.records)


def test_the_summary_is_logged_once(evaluate, canned, caplog) -> None:
    """In plain lm-eval the summary of each task goes to the log, once."""
    caplog.set_level("INFO", logger="lm_eval")
    evaluate(canned(canonical), metadata={"passk.samples": 2, "passk.k": 1}, limit=2)
    assert caplog.text.count("passk_humaneval: 2 of 164 problems, 4 samples (n = 2)") == 1


def test_cpus_are_divided_among_local_ranks(monkeypatch) -> None:
    """Each rank on a host judges with its share of the CPUs."""
    monkeypatch.setattr(beside, "usable_cpus", lambda: 8)
    for ranks, cpus in (("", 8), ("3", 2), ("16", 1)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
        assert beside.here() == cpus


def test_the_workers_reach_the_judge(evaluate, canned, monkeypatch) -> None:
    """The limits, the sandbox and the workers of the settings are those that the judge gets."""
    got: list[Any] = []
    run = batch.Batch.run

    def look(programs: Any, executor: Any, **options: Any) -> Iterator[tuple[int, Outcome]]:
        got.append(executor)
        return run(programs, executor, **options)

    monkeypatch.setattr(batch.Batch, "run", look)
    settings = {"timeout_s": 7, "memory_mib": 300, "workers": 1, "samples": 1, "k": 1, "sandbox": "rlimits"}
    evaluate(canned(canonical), metadata={"passk": settings}, limit=1)
    confinement = got[-1].confinement
    assert (confinement.limits.timeout_s, confinement.limits.memory_mib) == (7.0, 300)
    assert (got[-1].workers, confinement.mode) == (1, "rlimits")


def test_lm_eval_asks_before_unsafe_code(manager, canned, monkeypatch) -> None:
    """Without confirmation lm-eval refuses the task; `passk run` confirms for our tasks alone."""
    from passk_tasks.harness.task import PasskTask

    arguments = {"tasks": ["passk_humaneval_greedy"], "limit": 1, "bootstrap_iters": 0}
    with pytest.raises(ValueError, match="marked as unsafe"):
        lm_eval.simple_evaluate(model=canned(canonical), task_manager=manager(), **arguments)
    monkeypatch.setattr(PasskTask, "confirmed", True)
    found = lm_eval.simple_evaluate(model=canned(canonical), task_manager=manager(), **arguments)
    assert found["results"]["passk_humaneval_greedy"]["pass@1,none"] == 1.0


def test_provenance_needs_no_frames(evaluate, canned, monkeypatch) -> None:
    """Where lm-eval's frames cannot be read, the run works and only the facts from there are missing."""
    from passk_tasks.harness import invocation

    monkeypatch.setattr(invocation, "current", invocation.Invocation)
    found = evaluate(canned(canonical), metadata={"passk.samples": 1, "passk.k": 1}, limit=1)
    facts = record(found)
    assert facts["verdicts"] == {"passed": 1}
    assert facts["ranks"] == 1


def test_what_references_show_is_in_the_results(evaluate, canned, tmp_path) -> None:
    """A wrong reference of people's own problems is in the results, and who judged, with reasons."""
    wrong = {"task_id": "wrong", "test": "assert f(1) == 3\n", "canonical_solution": "    return x\n"}
    shared = {
        "task_id": "shared",
        "test": "r = f([1])\nassert r is not f([1])\n",
        "canonical_solution": "    return x\n",
    }
    rows = [{"prompt": "def f(x):\n", "entry_point": "f", **row} for row in (wrong, shared)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = evaluate(
        canned(canonical),
        "passk_custom_greedy",
        metadata={"passk.data_files": str(tmp_path / "mine.jsonl")},
    )
    facts = record(found, "passk_custom_greedy")
    assert any("reference solution of wrong (failed" in warning for warning in facts["warnings"])
    assert facts["judges"] == {"isolated": 1, "script": 1}
    assert sum(facts["one_process"].values()) == 1
