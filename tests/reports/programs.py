"""The programs of ../shared/data/reports as `Program`s, judged in one batch a judge."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import shared_data

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset, output_rules
from passk_tasks.program import Judge, Program, StdioTests
from passk_tasks.sandbox.box.drivers import stdio
from passk_tasks.tasks.settings import Settings

# These mean something only beside others, or show on the host: their own tests are in tests/sandbox.
IN_ORDER = frozenset(
    {
        "oracle-by-inode-counter",
        "names-left-for-the-next",
        "right-imports-after-names-left",
        "names-look",
        "folder-size-tells",
        "pipes-of-the-user-used-up",
        "dgram-pair-to-host-socket",
        "sh-state-pid",  # right by chance once in 256 times, whatever it knows
    }
)


def rows() -> list[dict[str, Any]]:
    """Return the programs that can be judged one by one."""
    return [row for row in shared_data.rows("reports/programs.jsonl") if row["id"] not in IN_ORDER]


def program(row: dict[str, Any], judge: Judge = Judge.ISOLATED) -> Program:
    """Return a program of the file under its problem's tests."""
    family, _, name = row["task_id"].partition("/")
    if family == "custom":
        return _of("custom", _data("custom_problems.jsonl"), name, row, judge)
    if family == "stdio":
        return _of("custom", _data("stdio_problems.jsonl"), name, row, judge)
    if family == "Mbpp":
        file = str(shared_data.path("mbppplus_like.jsonl.gz"))
        return _of("mbpp_plus", Settings(benchmark="mbpp_plus", data_files=file), row["task_id"], row, judge)
    return _of("humaneval", Settings(), row["task_id"], row, judge)


def _data(name: str) -> Settings:
    return Settings(benchmark="custom", data_files=str(shared_data.path(f"reports/{name}")))


_LOADED: dict[str, Dataset] = {}


def _of(benchmark: str, settings: Settings, task_id: str, row: dict[str, Any], judge: Judge) -> Program:
    family = benchmarks.get(benchmark)
    if settings not in _LOADED:
        _LOADED[settings] = benchmarks.load(family, settings)
    problem = _LOADED[settings].problems[task_id]
    code = row["completion"] if row.get("form") == "solution" else problem.prompt + row["completion"]
    return family.program(problem, code, judge)


def bare(row: dict[str, Any]) -> bool:
    """Whether a right program passes in a bare interpreter, with its tests below it, or case by case."""
    judged = program(row, Judge.SCRIPT)
    tests = judged.tests
    if isinstance(tests, StdioTests):
        rule = getattr(output_rules, tests.comparison.name)
        return all(
            run.returncode == 0 and not stdio.complaint(rule, run.stdout, expected)
            for given, expected in tests.cases()
            for run in [_run(judged.code or "", given)]
        )
    return _run(f"{judged.code}\n{tests.source}", "").returncode == 0


def _run(code: str, given: str) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "solution.py")
        file.write_bytes(code.encode("utf-8", "surrogatepass"))
        command = ["timeout", "-s", "KILL", "20", sys.executable, str(file)]
        return subprocess.run(command, cwd=folder, input=given.encode(), capture_output=True, check=False)
