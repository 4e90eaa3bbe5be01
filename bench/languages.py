"""CPU seconds a program in other languages, beside MultiPL-E's own commands run as plain subprocesses.

    python bench/languages.py MULTIPL_E_FOLDER [--languages cpp,js] [--programs 5]

The folder has MultiPL-E's rows, `humaneval-<language>.jsonl.gz`, and answers, `solutions_dev.jsonl.gz`. For
each language the same programs run three times: by MultiPL-E's own commands (`rule`), by this package's
commands without a sandbox, and in the sandbox `strict`, with its own processes counted, and what starting
that costs once told apart. Every difference
between the verdicts of MultiPL-E's rule and of the sandbox is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks.judging.executor import local
from passk_tasks.languages import LANGUAGES
from passk_tasks.program import CommandTests, Confinement, Limits, Program
from passk_tasks.results.samples import RESPONSE, Sample
from passk_tasks.sandbox import toolchains
from passk_tasks.sandbox.box import kernel
from passk_tasks.sandbox.box.drivers.command import Plan
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.sandbox.box.protocol import GIVEN
from passk_tasks.scoring.candidates import candidate
from passk_tasks.tasks.catalog import load_task
from passk_tasks.verdict import Outcome, Verdict

_TUPLES = "/usr/share/java/javatuples.jar"
# MultiPL-E's own limits, 15 s, are wall time, which a busy machine breaks.
_CPU_S, _WAIT_S = 15, 300

# MultiPL-E's evaluators (nuprl/MultiPL-E, evaluation/src/eval_*.py): file, build, run; `{f}` is the file.
COMMANDS: dict[str, tuple[str, list[str], list[str]]] = {
    "cpp": ("f.cpp", ["g++", "{f}", "-o", "f", "-std=c++17"], ["./f"]),
    "java": (
        "Problem.java",
        ["javac", "-encoding", "UTF8", "-d", ".", "-cp", _TUPLES, "{f}"],
        ["java", "-ea", "-cp", f".:{_TUPLES}", "Problem"],
    ),
    "js": ("f.js", [], ["node", "{f}"]),
    "ts": ("f.ts", ["tsc", "--target", "esnext", "{f}"], ["node", "f.js"]),
    "go": ("f_test.go", [], ["go", "test", "{f}"]),
    "rs": ("f.rs", ["rustc", "{f}"], ["./f"]),
    "d": ("f.d", ["ldc2", "-unittest", "-of=f", "{f}"], ["./f"]),
    "cs": (
        "f.cs",
        ["mcs", "-d:DEBUG", "-r:System.Numerics.dll", "-out:f.exe", "{f}"],
        ["mono", "f.exe"],
    ),
    "scala": ("f.scala", ["scalac", "-d", ".", "{f}"], ["scala", "-cp", ".", "Problem"]),
    "rb": ("f.rb", [], ["ruby", "{f}"]),
    "php": ("f.php", [], ["php", "{f}"]),
    "pl": ("f.pl", [], ["perl", "{f}"]),
    "lua": ("f.lua", [], ["lua5.2", "{f}"]),
    "sh": ("f.sh", [], ["bash", "{f}"]),
    "r": ("f.r", [], ["Rscript", "{f}"]),
    "rkt": ("f.rkt", [], ["racket", "{f}"]),
}


def rule(language: str, text: str) -> tuple[bool, str]:
    """Return whether a program passes by MultiPL-E's own commands and rule, and what it said."""
    file, build, run = COMMANDS[language]
    if language == "go":  # whose cache of this user may have the same text, from the call before
        text += f"\n// {os.urandom(8).hex()}\n"
    environment = {**os.environ, "MONO_TRACE_LISTENER": "Console.Error", "GO111MODULE": "off"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, file).write_text(text, encoding="utf-8")
        for command in filter(None, (build, run)):
            limit_s = _CPU_S if command is run else 4 * _CPU_S
            try:
                done = subprocess.run(
                    ["prlimit", f"--cpu={limit_s}", *(word.replace("{f}", file) for word in command)],
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_WAIT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return False, "timeout"
            stdout, stderr = (raw.decode("utf-8", "replace") for raw in (done.stdout, done.stderr))
            if done.returncode:
                return False, stderr or stdout
    refused = {
        "go": re.search(r"FAIL|\[build failed\]|\[setup failed\]", stdout),
        "cs": re.search(r"DefaultTraceListener\.Fail|Unhandled Exception", stderr),
        "scala": stderr,
        "rkt": stderr,
        "pl": "ERROR" in stdout + stderr,
        "php": "PHP Parse error" in stdout,
    }
    return not refused.get(language), stderr or stdout


def plain(tests: CommandTests, code: str) -> None:
    """Run a program by this package's commands, without a sandbox."""
    given = toolchains.given(tests, prepared=True)
    fields = {name: getattr(given, name) for name in given.__slots__}
    plan = Plan({**fields, "signs": dict(given.signs), "build": given.build})
    text = plan.text(code, 1)
    with tempfile.TemporaryDirectory() as folder:
        files = plan.build_files(text)
        for name, content in files:
            Path(folder, name).write_text(content, encoding="utf-8")
        if given.makes.endswith("/"):
            Path(folder, given.makes).mkdir()
        cache = Path(given.environment.get("GOCACHE", ""))
        if cache.is_absolute():  # not to be written to
            shutil.copytree(cache, Path(folder, ".go"))
        words = {
            "{source}": files[-1][0],
            "{memory_mib}": "512",
            f"/proc/self/fd/{GIVEN}": f"{folder}/{given.makes}",
            f"/dev/fd/{GIVEN + 2}": f"{folder}/{given.makes or files[-1][0]}",
        }
        quick = given.quick_when and re.match(given.quick_when, text)
        for command in (*(given.quick_build if quick else given.build), given.run):
            filled = list(command)
            for word, value in words.items():
                filled = [part.replace(word, value) for part in filled]
            environment = {name: value.replace("@HOME@", folder) for name, value in given.environment.items()}
            if cache.is_absolute():
                environment["GOCACHE"] = f"{folder}/.go"
            with tempfile.TemporaryFile() as number:
                number.write(b"1\n")
                number.seek(0)
                done = subprocess.run(
                    [
                        "bash",
                        "-c",
                        f'ulimit -t {4 * _CPU_S}; exec "$@" {GIVEN + 1}<&{number.fileno()}',
                        "sh",
                        *filled,
                    ],
                    cwd=folder,
                    env={"HOME": folder, "TMPDIR": folder, **environment},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_WAIT_S,
                    check=False,
                    pass_fds=(number.fileno(),),
                )
            if done.returncode:
                return


def strict(language: str, programs: list[tuple[str, str, str]]) -> tuple[float, float, Sequence[Outcome]]:
    """Judge programs in the sandbox; return the CPU seconds of all, those of the start, and the outcomes."""
    given = [Program(name, code, CommandTests(language, tests)) for name, code, tests in programs]
    outcomes = [Outcome(Verdict.INFRA_ERROR)] * len(given)
    with local(Confinement(Limits()), 1) as executor:
        before_s = _below_s()
        ((_, first),) = executor.run(given[:1])  # its worker starts with the language's tools
        started_s = _below_s() - before_s - first.cpu_s
        before_s = _below_s()
        for index, outcome in executor.run(given):
            outcomes[index] = outcome
        return _below_s() - before_s, started_s, outcomes


def _below_s() -> float:
    """Return the CPU seconds of all processes below this one, and of those that they waited for."""
    used = _children_s()
    for process in descendants(os.getpid(), zombies=True):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            used += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return used


def answers(
    folder: Path, language: str, most: int, source: str = "humaneval"
) -> Iterator[tuple[str, str, str]]:
    """Yield name, candidate and tests of the answers to a language's problems, evenly spaced.

    The candidate is what stands before the tests, as the chat task finds it in the answer.
    """
    config = f"{source}-{language}"
    family = benchmarks.get(f"multiple_{source}_{language}")
    spec = load_task(f"passk_multiple_{source}_{language}_instruct")
    problems = {row["name"]: family.problem(row) for row in _lines(folder / f"{config}.jsonl.gz")}
    every = [s for s in _lines(folder / "solutions_dev.jsonl.gz") if s["config"] == config]
    count = min(most, len(every))
    for solution in (every[index * len(every) // count] for index in range(count)):
        problem = problems[solution["name"]]
        sample = Sample(problem.task_id, 0, solution["solution"], RESPONSE, config)
        yield problem.task_id, candidate(sample, problem, spec).code or "", problem.test


def _lines(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _waited_for_s() -> float:
    """Return `_children_s` once nothing is left that a command started: mold ends its work behind its end."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    return _children_s()


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--languages", default=",".join(COMMANDS))
    parser.add_argument("--programs", type=int, default=5)
    options = parser.parse_args()
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)  # so that `_waited_for_s` gets them
    print("CPU s a program: MultiPL-E's | ours, plain | strict | once, the start | passed, of | different")
    for language in options.languages.split(","):
        if missing := toolchains.hint([language]):
            print(f"{LANGUAGES[language].title}: {missing}")
            continue
        toolchains.shown([language])  # prepares, so that this is in nobody's time
        programs = list(answers(options.folder, language, options.programs))
        seconds: list[float] = [0.0, 0.0, 0.0]
        passed = []
        for _, code, tests in programs:
            before = _children_s()
            passed.append(rule(language, f"{code}\n{tests}"))
            between = _waited_for_s()
            plain(CommandTests(language, tests), code)
            seconds[0], seconds[1] = seconds[0] + between - before, seconds[1] + _waited_for_s() - between
        seconds[2], started_s, outcomes = strict(language, programs)
        different = [
            f"{name}: {ok} ({said.strip()[-80:]!r}), ours {outcome.verdict} ({outcome.detail[:80]!r})"
            for (name, *_), (ok, said), outcome in zip(programs, passed, outcomes, strict=True)
            if ok is not outcome.passed
        ]
        each = " | ".join(f"{total / len(programs):.2f}" for total in seconds)
        right = sum(ok for ok, _ in passed)
        said = "; ".join(different) or "none"
        print(
            f"{language} | {each} | {started_s:.2f} | {right}, {len(programs)} | {said}",
            flush=True,
        )


if __name__ == "__main__":
    main()
