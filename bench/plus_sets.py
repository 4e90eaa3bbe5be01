"""What judging costs over tests of many inputs, beside plain execution of the same tests.

    python bench/plus_sets.py HUMANEVAL_PLUS MBPP_PLUS [--samples 4] [--rounds 3]

Each argument is a file or a folder in the hub's layout. Every reference solution that passes is run `samples`
times, told apart by a comment. Plain execution is candidate and tests in one fork of an interpreter that has
numpy loaded already, without a sandbox, a limit or a reader of what happened: what evalplus does for one
candidate, and the least that any judge could do that compiles the tests anew. CPU seconds of all processes
count; the contenders take turns.
"""

from __future__ import annotations

import argparse
import collections
import os
import resource
import statistics
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import observe  # noqa: E402

from passk_tasks import benchmarks  # noqa: E402
from passk_tasks.judging import batch  # noqa: E402
from passk_tasks.program import Confinement, Judge, Limits  # noqa: E402
from passk_tasks.sandbox.supervisor import Sandbox  # noqa: E402
from passk_tasks.tasks.settings import Settings  # noqa: E402

LIMITS = Limits(timeout_s=10.0)
WANTED = 1.5


class Measured(Sandbox):
    """Reads what its processes used while they live: what dies with its namespace is nobody's child."""

    cpu_s = 0.0

    def __exit__(self, *error):
        used = observe.usage_below(os.getpid())
        Measured.cpu_s = used["user_s"] + used["kernel_s"]
        super().__exit__(*error)


def own_cpu_s(who=resource.RUSAGE_SELF):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def ours(programs):
    """Return CPU seconds and who passed."""
    before = own_cpu_s()
    outcomes = batch.judge(
        programs, Measured(Confinement(LIMITS), hidden=benchmarks.hidden_packages())
    ).outcomes
    return own_cpu_s() - before + Measured.cpu_s, [outcome.passed for outcome in outcomes]


def plain(programs):
    """Run each program in a fork of this interpreter; return CPU seconds and who passed."""
    import numpy  # noqa: F401

    before = own_cpu_s() + own_cpu_s(resource.RUSAGE_CHILDREN)
    passed = []
    for program in programs:
        tests = program.tests
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, 1)
                os.dup2(null, 2)
                namespace = {"__name__": "program"}
                exec(compile(f"{program.code}\n{tests.prelude}", "program", "exec"), namespace)
                try:
                    exec(compile(tests.base, "base", "exec"), namespace)
                except Exception:
                    if tests.base_decides:
                        raise
                exec(compile(tests.source, "tests", "exec"), namespace)
                status = 0
            finally:
                os._exit(status)
        passed.append(os.waitpid(pid, 0)[1] == 0)
    return own_cpu_s() + own_cpu_s(resource.RUSAGE_CHILDREN) - before, passed


def programs_of(name, path, samples):
    """Return the programs of the reference solutions that pass, as isolated and as script has them."""
    family = benchmarks.get(name)
    problems = benchmarks.load(family, Settings(data_files=path)).problems.values()
    first = [family.program(problem, family.canonical(problem), Judge.ISOLATED) for problem in problems]
    outcomes = batch.judge(first, Measured(Confinement(LIMITS), hidden=benchmarks.hidden_packages())).outcomes
    passing = [
        (program, family.program(problem, program.code, Judge.SCRIPT))
        for problem, program, outcome in zip(problems, first, outcomes, strict=True)
        if outcome.passed and program.judge is Judge.ISOLATED
    ]
    print(f"{name}: {len(passing)} of {len(first)} reference solutions pass under isolated")
    told_apart = [
        tuple(replace(p, code=f"{p.code}\n# sample {i}\n") for p in pair)
        for pair in passing
        for i in range(samples)
    ]
    return tuple(zip(*told_apart, strict=True))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("humaneval_plus")
    parser.add_argument("mbpp_plus")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--isolated-only", action="store_true", help="leave script out, which takes longest")
    options = parser.parse_args()
    print("| set | programs | plain, ms | isolated, ms | × plain | script, ms | × plain | wanted |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("humaneval_plus", "mbpp_plus"):
        programs, scripts = programs_of(name, getattr(options, name), options.samples)
        spent = collections.defaultdict(list)
        for _ in range(options.rounds):
            for label, run, jobs in (
                ("plain", plain, scripts),
                ("isolated", ours, programs),
                *([] if options.isolated_only else [("script", ours, scripts)]),
            ):
                cpu_s, passed = run(jobs)
                if not all(passed):
                    print(f"{label}: {passed.count(False)} of {len(jobs)} do not pass", file=sys.stderr)
                spent[label].append(1000 * cpu_s / len(jobs))
        ms = {label: statistics.median(values) for label, values in spent.items()}
        cells = [f"{ms['plain']:.2f}"]
        for label in ("isolated", "script"):
            cells += [f"{ms[label]:.2f}", f"{ms[label] / ms['plain']:.2f}"] if label in ms else ["", ""]
        print(f"| {name} | {len(programs)} | {' | '.join(cells)} | {WANTED} |")


if __name__ == "__main__":
    main()
