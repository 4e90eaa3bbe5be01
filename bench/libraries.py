"""CPU of judging DS-1000's references where each candidate imports its libraries, and where each worker does.

    python bench/libraries.py DS1000.jsonl.gz [problems] [rounds]

Needs numpy, pandas, scipy, scikit-learn and matplotlib; problems that need others are left out.
"""

from __future__ import annotations

import os
import random
import sys
from dataclasses import replace

import observe

from passk_tasks import benchmarks
from passk_tasks.benchmarks import loading
from passk_tasks.judging import batch, libraries
from passk_tasks.judging.executor import local
from passk_tasks.tasks.settings import Settings


def main() -> None:
    """Print a line for each round and way, by turns."""
    path, count, rounds = (*sys.argv[1:], "60", "3")[:3]
    settings = Settings(benchmark="ds1000", judge="script", data_files=path, skip_missing=True)
    family = benchmarks.get("ds1000")
    dataset = libraries.leave_out(loading.load(family, settings), settings)
    judged = [dataset.problems[str(row["task_id"])] for row in dataset.rows]
    problems = random.Random(0).sample(judged, int(count))
    programs = [family.program(p, family.canonical(p), "script") for p in problems]
    confinement = family.confinement(settings)
    for _ in range(int(rounds)):
        for way in (replace(confinement, libraries=()), confinement):
            with local(way, 2) as executor:
                outcomes = batch.judge(programs, executor).outcomes
                used = observe.usage_below(os.getpid())
            who = "each worker imports" if way.libraries else "each candidate imports"
            passed = sum(outcome.passed for outcome in outcomes)
            print(f"{who}: {used['user_s'] + used['kernel_s']:.1f} s of CPU, {passed} of {count} passed")


if __name__ == "__main__":
    main()
