"""Stored runs with texts, whose programs have their real hashes; nothing is executed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from passk_tasks import benchmarks
from passk_tasks.results import reading, samples
from passk_tasks.results.model import Run
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import load_task

Answer = tuple[str, str, str]  # text, verdict, detail


@pytest.fixture(scope="session")
def stored(facts: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """Write what lm-eval leaves for these answers to problems of HumanEval; return the folder.

    `flags` belong to every passed sample, `base_passed` to every other, `doc` changes the rows, other keyword
    arguments the facts.
    """
    family = benchmarks.get("humaneval")

    def write(
        folder: Path,
        answers: Mapping[str, Sequence[Answer]],
        *,
        model: str = "org/model",
        flags: Sequence[str] = (),
        doc: Mapping[str, Any] | None = None,
        base_passed: bool | None = None,
        **changes: Any,
    ) -> Path:
        spec = load_task("passk_humaneval")
        dataset = benchmarks.load(family, spec.settings)
        rows = {row["task_id"]: {**row, **(doc or {})} for row in dataset.rows}
        lines = []
        for task_id, given in answers.items():
            problem = family.problem(rows[task_id])
            outcomes = []
            for number, (text, verdict, detail) in enumerate(given):
                sample = samples.Sample(task_id, number, text, samples.RESPONSE, "test")
                code = candidate(sample, problem, spec).code
                outcome = {
                    "verdict": verdict,
                    "detail": detail,
                    "judge": "isolated",
                    "cpu_s": 0.002 + number / 1000,
                }
                outcome |= {"wall_s": 0.01, "peak_mib": 13.0 + number}
                outcome["program_sha256"] = family.program(problem, code, spec.settings.judge).sha256
                if verdict == "passed" and flags:
                    outcome["flags"] = list(flags)
                if verdict != "passed" and base_passed is not None:
                    outcome["base_passed"] = base_passed
                outcomes.append(json.dumps(outcome))
            texts = [text for text, _, _ in given]
            lines.append({"doc": rows[task_id], "resps": [texts], "filtered_resps": [outcomes]})
        counts = {
            task_id: (len(given), sum(verdict == "passed" for _, verdict, _ in given))
            for task_id, given in answers.items()
        }
        verdicts = Counter(verdict for given in answers.values() for _, verdict, _ in given)
        found = {
            **facts(counts, {}),
            "verdicts": dict(verdicts),
            "settings": spec.settings.as_dict(),
            "generation_kwargs": spec.generation_kwargs,
            **changes,
        }
        folder.mkdir(parents=True, exist_ok=True)
        date = "2026-01-02T03-04-05.678901"
        content = {"configs": {found["task"]: {"metadata": {"passk_results": found}}}, "model_name": model}
        (folder / f"results_{date}.json").write_text(json.dumps(content))
        path = folder / f"samples_{found['task']}_{date}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return folder

    return write


@pytest.fixture(scope="session")
def loaded(stored: Callable[..., Path]) -> Callable[..., Run]:
    """The same, read back."""

    def load(*arguments: Any, **keywords: Any) -> Run:
        (run,) = reading.load_all([stored(*arguments, **keywords)])
        return run

    return load
