"""Runs to export: HumanEval's problems with candidates whose verdicts are known, and other problems."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from passk_tasks import benchmarks
from passk_tasks.export.source import Source
from passk_tasks.problem import Problem
from passk_tasks.results import store
from passk_tasks.results.conditions import Conditions
from passk_tasks.results.model import StoredRun
from passk_tasks.results.samples import COMPLETION, RESPONSE, Sample
from passk_tasks.results.spent import SERVER, Spent
from passk_tasks.scoring.candidates import Candidate, candidate
from passk_tasks.scoring.summary import Record, Scored, estimate, summarise
from passk_tasks.tasks.catalog import TaskSpec, load_task
from passk_tasks.verdict import Outcome, Verdict

GENERATION = {"until": ["\ndef"], "do_sample": True, "temperature": 0.2, "top_p": 0.95, "max_gen_toks": 512}
DATE = "2026-01-02T03-04-05.678901"


@pytest.fixture(scope="session")
def humaneval() -> benchmarks.Dataset:
    """HumanEval's problems."""
    task = load_task("passk_humaneval_greedy")
    return benchmarks.load(benchmarks.get(task.settings.benchmark), task.settings)


def candidate_text(row: Mapping[str, Any], index: int) -> str:
    """Return the completion that is sample `index` of a problem: right, wrong, endless, or nothing."""
    answers = (row["canonical_solution"], "    return None\n", "    while True: pass\n", "")
    return str(answers[index % len(answers)])


SPENT = Spent(7, 3, limit_hit=False, by=SERVER)
VERDICTS = (Verdict.PASSED, Verdict.FAILED, Verdict.TIMEOUT, Verdict.FAILED)


def summarised(
    dataset: benchmarks.Dataset, n: int, form: str, leave_out: Sequence[str] = ()
) -> tuple[TaskSpec, Scored]:
    """Return what scoring n samples a problem gives; the verdicts are those that judging gives."""
    spec = load_task("passk_humaneval_greedy", {"samples": str(n)})
    family = benchmarks.get(spec.settings.benchmark)
    records = []
    for row in dataset.rows:
        if row["task_id"] in leave_out:
            continue
        problem = dataset.problems[row["task_id"]]
        for index in range(n):
            sample = Sample(problem.task_id, index, candidate_text(row, index), form, "x:1", spent=SPENT)
            found = candidate(sample, problem, spec)
            program = family.program(problem, found.code, spec.settings.judge)
            verdict = VERDICTS[index % len(VERDICTS)]
            outcome = Outcome(verdict, "" if verdict is Verdict.PASSED else "assert f(1) == 2", "isolated")
            records.append(Record(sample, found, outcome, program.sha256))
    return spec, summarise(records, spec=spec, dataset=dataset, layers={"seccomp": True})


@pytest.fixture
def scored_run(humaneval: benchmarks.Dataset) -> Callable[..., Path]:
    """Write samples and what `passk score --out FOLDER` leaves of them; return the folder."""

    def write(folder: Path, n: int = 4, leave_out: Sequence[str] = (), **changes: Any) -> Path:
        _, scored = summarised(humaneval, n, COMPLETION, leave_out)
        folder.mkdir(parents=True, exist_ok=True)
        samples = folder / "given.jsonl"
        lines = [
            {"task_id": record.sample.task_id, "completion": record.sample.text} for record in scored.records
        ]
        samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
        facts = {**scored.as_dict(), "extract": "auto", "inputs": [str(samples)], "generation_kwargs": None}
        facts |= {**store.provenance("stdlib"), "date": "2026-01-02T03:04:05+00:00", **changes}
        store.write(folder, facts, (record.as_dict() for record in scored.records))
        return folder

    return write


@pytest.fixture
def evaluated_run(humaneval: benchmarks.Dataset) -> Callable[..., Path]:
    """Write what lm-eval leaves of a run with --log_samples; return the folder."""

    def write(folder: Path, n: int = 4, generation: Mapping[str, Any] = GENERATION, **changes: Any) -> Path:
        spec, scored = summarised(humaneval, n, RESPONSE)
        facts = {**scored.as_dict(), "generation_kwargs": dict(generation), **store.provenance("stdlib")}
        facts |= {"date": "2026-01-02T03:04:05+00:00", **changes}
        config = {"task": spec.name, "doc_to_text": "{{prompt}}", "metadata": {"passk_results": facts}}
        content = {"configs": {spec.name: config}, "model_name": "org/model", "config": {"model": "hf"}}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"results_{DATE}.json").write_text(json.dumps(content))
        lines = []
        for number, row in enumerate(humaneval.rows):
            mine = [record for record in scored.records if record.sample.task_id == row["task_id"]]
            line = {
                "doc_id": number,
                "doc": row,
                "resps": [[record.sample.text for record in mine]],
                "filtered_resps": [[json.dumps(record.as_dict()) for record in mine]],
                "filter": "none",
            }
            lines.append(json.dumps(line) + "\n")
        (folder / f"samples_{spec.name}_{DATE}.jsonl").write_text("".join(lines))
        return folder

    return write


@pytest.fixture
def source() -> Callable[..., Source]:
    """Make a source of any family's problems: rows, and for each problem codes with their verdicts."""

    def make(
        rows: Sequence[Mapping[str, Any]],
        codes: Sequence[tuple[str | None, Verdict]],
        *,
        family: str = "family",
        published: bool = False,
        total: int | None = None,
        model: str | None = "org/model",
        text: str = "text",
        **changes: Any,
    ) -> Source:
        n, c = len(codes), sum(verdict is Verdict.PASSED for _, verdict in codes)
        counts = {str(row["task_id"]): (n, c) for row in rows}
        conditions = {"n": n, "temperature": 0.2, "sampling": {"top_p": 0.95}, "dataset": "ab" * 32}
        conditions |= {"judge": "isolated", "extraction": "completion", "task": "task", "version": "1.0"}
        run = StoredRun(
            path=Path("results.json"),
            samples_path=None,
            task="task",
            model=model,
            date=datetime.fromisoformat("2026-01-02T03:04:05+00:00"),
            conditions=Conditions(**{**conditions, **changes}),
            problems=len(rows),
            problems_total=total or len(rows),
            samples=n * len(rows),
            k=(1,),
            metrics=estimate(counts, [1]),
            verdicts={"passed": c * len(rows), "failed": (n - c) * len(rows)},
        )
        found = tuple(
            Candidate(
                text, code, "body", Outcome(verdict, "" if verdict is Verdict.PASSED else "why"), proved=True
            )
            for code, verdict in codes
        )
        return Source(
            run=run,
            family=family,
            hub_path=f"hub/{family}",
            hub_name=None,
            split="test",
            published=published,
            problems={
                str(row["task_id"]): Problem(str(row["task_id"]), str(row.get("prompt", "")), "f", "")
                for row in rows
            },
            rows={str(row["task_id"]): row for row in rows},
            candidates=dict.fromkeys(counts, found),
        )

    return make
