"""Answers of DS-1000 judged by DS-1000's own rule and by ours, and the answers that differ.

    python bench/ds1000_rule.py PROBLEMS ANSWERS... --python ENVIRONMENT --kept FOLDER [--part 1/4]

PROBLEMS is the hub's test.jsonl, ANSWERS are published answers (`code` and `metadata` a line), ENVIRONMENT is
a virtual environment with the benchmark's own versions. Both sides keep their verdicts in FOLDER, so that a
run that was killed goes on. Problems that import what ENVIRONMENT lacks are left out and counted.

Theirs is `postprocess` of test_ds1000.py and its test program, executed in a fork of that interpreter, as its
execution.py does, without a sandbox; where the two sides differ, as a plain subprocess, six times. Ours is
`passk score --task passk_ds1000 --set python=ENVIRONMENT`, without its tables.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from passk_tasks import benchmarks
from passk_tasks.audit.kept import Kept
from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.problem import Problem
from passk_tasks.program import Judge, Program
from passk_tasks.results.lines import numbered_lines
from passk_tasks.results.samples import COMPLETION, Sample
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import TaskSpec, load_task

TASK, SECONDS, TRIES = "passk_ds1000", 120, 6
# Reads programs, a line of JSON each; forks for each, and says how it ended. test_ds1000.py has pandas
# imported, too; the others save an import in each fork.
FORKS = """
import importlib, json, os, resource, sys, tempfile
for name in ("pandas", "scipy.stats", "matplotlib.pyplot", "sklearn.linear_model"):
    importlib.import_module(name)
for line in sys.stdin:
    program = json.loads(line)
    said = tempfile.TemporaryFile()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        os.chdir(tempfile.mkdtemp(dir=os.environ["TMPDIR"]))
        null = os.open(os.devnull, os.O_RDWR)
        for number, descriptor in ((0, null), (1, null), (2, said.fileno())):
            os.dup2(descriptor, number)
        passed = 1
        try:
            exec(program, {"__name__": "__main__"})
            passed = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}".encode())
        os._exit(passed)
    status = os.waitpid(child, 0)[1]
    said.seek(0)
    print(json.dumps([status == 0, said.read()[-300:].decode(errors="replace")]), flush=True)
"""


class Answer(NamedTuple):
    """One answer: which, the program of DS-1000's own rule, and ours."""

    name: str
    theirs: str
    ours: Program

    @property
    def key(self) -> str:
        """Names the rule's program."""
        return hashlib.sha256(self.theirs.encode()).hexdigest()


def postprocess(code: str) -> str:
    """Return what DS-1000's rule takes of an answer."""
    code = code.split("</code>")[0].replace("```python", "")
    return code.split("```")[0].split("\nEND SOLUTION")[0].replace("<code>", "")


def their_program(problem: Problem, code: str) -> str:
    """Return the test program of DS-1000."""
    string = "test_string(code)\n" if "test_string(" in problem.test else "\n"
    return f"{problem.test}\ncode = {postprocess(code)!r}\ntest_execution(code)\n{string}"


def answers(paths: list[str], problems: dict[str, Problem], spec: TaskSpec) -> Iterator[Answer]:
    """Yield the answers to problems that are not left out."""
    family = benchmarks.get("ds1000")
    for path in paths:
        for row in (json.loads(line) for _, line in numbered_lines(Path(path))):
            problem = problems.get(f"DS-1000/{row['metadata']['problem_id']}")
            if problem is None:
                continue
            code = row["code"] if isinstance(row["code"], str) else row["code"][0]
            found = candidate(Sample(problem.task_id, 0, code, COMPLETION, path), problem, spec)
            name = f"{Path(path).name.removesuffix('.gz')} {problem.task_id}"
            yield Answer(
                name, their_program(problem, code), family.program(problem, found.code, Judge.SCRIPT)
            )


def by_the_rule(found: list[Answer], python: str, kept: Path) -> dict[str, tuple[bool, str]]:
    """Return whether each program passes by the rule, and what it said, by its key."""
    known = dict(map(json.loads, kept.read_text().splitlines())) if kept.exists() else {}
    new = {answer.key: answer.theirs for answer in found if answer.key not in known}
    with kept.open("a") as out, tempfile.TemporaryDirectory() as folder:
        command = [python, "-c", FORKS.replace("SECONDS", str(SECONDS))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        forks = subprocess.Popen(command, text=True, bufsize=1, env=environment(folder), **pipes)
        for number, (key, program) in enumerate(new.items()):
            print(json.dumps(program), file=forks.stdin, flush=True)
            known[key] = json.loads(forks.stdout.readline())
            print(json.dumps([key, known[key]]), file=out, flush=True)
            if number % 100 == 99:
                print(f"rule: {number + 1} of {len(new)}", file=sys.stderr, flush=True)
        forks.stdin.close()
        forks.wait()
    return known


def plainly(program: str, python: str) -> tuple[bool, str]:
    """Return whether a program passes as a plain subprocess, and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(program, encoding="utf-8", errors="surrogatepass")
        run = subprocess.run(
            [python, path.name],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20 * SECONDS,  # a guard against a hang; a busy machine takes its time
            check=False,
        )
    return run.returncode == 0, run.stderr[-300:].decode(errors="replace")


def environment(folder: str) -> dict[str, str]:
    """Return the variables of programs that may write to a folder."""
    return {"TMPDIR": folder, "HOME": folder, "PATH": "/usr/bin:/bin", "MPLBACKEND": "Agg"}


def main() -> None:
    """Judge both ways, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("problems")
    parser.add_argument("answers", nargs="+")
    parser.add_argument("--python", required=True, help="the environment with the benchmark's versions")
    parser.add_argument("--kept", required=True, type=Path, help="the folder of verdicts")
    parser.add_argument("--part", default="1/1", help="the first of so many parts of the answers, or another")
    given = parser.parse_args()
    spec = load_task(TASK, {"data_files": given.problems, "python": given.python, "workers": 1})
    dataset = benchmarks.load(benchmarks.get("ds1000"), spec.settings)
    interpreter = str(Path(given.python) / "bin" / "python")
    problems = {t: p for t, p in dataset.problems.items() if importable(p, given.python)}
    part, parts = map(int, given.part.split("/"))
    found = [a for a in answers(given.answers, problems, spec) if int(a.key[:8], 16) % parts == part - 1]
    given.kept.mkdir(parents=True, exist_ok=True)
    theirs = by_the_rule(found, interpreter, given.kept / "theirs.jsonl")
    confinement = benchmarks.get("ds1000").confinement(spec.settings)
    with Kept(given.kept / "ours.jsonl", {"confinement": repr(confinement)}) as kept:
        new = [a.ours for a in found if a.ours.code is not None and a.ours.sha256 not in kept.outcomes]
        judged = batch.judge(new, local(confinement, 1), told=lambda i, outcome: kept.add(new[i], outcome))
    ours = kept.outcomes | dict(zip((program.sha256 for program in new), judged.outcomes, strict=True))
    counts: collections.Counter[str] = collections.Counter()
    for answer in found:
        model = answer.name.split()[0]
        outcome = ours.get(answer.ours.sha256)
        here, (there, said) = outcome is not None and outcome.passed, theirs[answer.key]
        if here is not there:  # some answers draw numbers without a seed, and pass by chance
            tried = [plainly(answer.theirs, interpreter) for _ in range(TRIES)]
            chance, there, said = any(ok is here for ok, _ in tried), *tried[0]
            print(f"{answer.name}: theirs {[ok for ok, _ in tried]} ({said!r}), ours {outcome}")
            counts.update({f"{model} by chance" if chance else f"{model} differ": 1})
        counts.update({f"{model} judged": 1, f"{model} theirs": there, f"{model} ours": here})
    print(f"{len(problems)} of {len(dataset.problems)} problems;", dict(counts))


def importable(problem: Problem, python: str) -> bool:
    """Whether an environment has all that a problem imports."""
    folders = next(Path(python).glob("lib/python*/site-packages"))
    return all(list(folders.glob(f"{name}*")) for name in problem.libraries)


if __name__ == "__main__":
    main()
