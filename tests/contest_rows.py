"""Rows of LiveCodeBench, CodeContests and APPS in the hub's own columns, and answers to them."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

from passk_tasks import benchmarks
from passk_tasks.tasks.settings import Settings

PROGRAM = "import sys\nprint(sum(map(int, sys.stdin.read().split())))\n"
METHOD = "class Solution:\n    def total(self, nums: List[int]) -> int:\n        return sum(nums)\n"
FUNCTION = "def total(nums):\n    return sum(nums)\n"


def packed(value: object) -> str:
    """Return a value as LiveCodeBench packs its private tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


def lcb_row(
    number: int, *, functional: bool = False, day: str = "2024-03-02", **changes: Any
) -> dict[str, Any]:
    """Return a row of `livecodebench/code_generation_lite`: add up numbers."""
    kind = "functional" if functional else "stdin"

    def case(*numbers: int) -> dict[str, str]:
        given = json.dumps(numbers) if functional else " ".join(map(str, numbers)) + "\n"
        return {"input": given, "output": f"{sum(numbers)}" + ("" if functional else "\n"), "testtype": kind}

    return {
        "question_title": f"Sum {number}",
        "question_content": "Add up the numbers.",
        "platform": "leetcode" if functional else "atcoder",
        "question_id": f"abc{number}_a",
        "contest_id": f"abc{number}",
        "contest_date": f"{day}T00:00:00",
        "starter_code": "class Solution:\n    def total(self, nums: List[int]) -> int:\n        "
        * functional,
        "difficulty": "easy",
        "public_test_cases": json.dumps([case(1, 2)]),
        "private_test_cases": packed(json.dumps([case(3, 4, 5), case(10**9, 10**9)])),
        "metadata": json.dumps({"func_name": "total"} if functional else {}),
        **changes,
    }


def contests_row(number: int, **changes: Any) -> dict[str, Any]:
    """Return a row of `deepmind/code_contests`: add up numbers."""
    return {
        "name": f"{number}_A. Sum",
        "description": "Add up the numbers.",
        "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
        "private_tests": {"input": ["3 4 5\n"], "output": ["12\n"]},
        "generated_tests": {"input": ["5\n", "7 7\n"], "output": ["5\n", "14\n"]},
        "source": 2,
        "difficulty": 7,
        "solutions": {"language": [2, 1, 3], "solution": ["int main() {}", "print raw_input()", PROGRAM]},
        "incorrect_solutions": {"language": [3], "solution": ["print(3)\n"]},
        "cf_contest_id": number,
        "cf_index": "A",
        "cf_points": 500.0,
        "cf_rating": 800,
        "cf_tags": ["math"],
        "is_description_translated": False,
        "untranslated_description": "",
        "time_limit": {"seconds": 2, "nanos": 500_000_000},
        "memory_limit_bytes": 256_000_000,
        "input_file": "",
        "output_file": "",
        **changes,
    }


def apps_row(number: int, *, functional: bool = False, **changes: Any) -> dict[str, Any]:
    """Return a row of `codeparrot/apps`, as its `test.jsonl` has it: add up numbers."""
    tests: dict[str, Any] = {"inputs": ["1 2\n", "3 4 5\n"], "outputs": ["3\n", "12\n"]}
    if functional:
        tests = {"fn_name": "total", "inputs": [[[1, 2]], [[3, 4, 5]]], "outputs": [3, [12]]}
    return {
        "id": number,
        "question": "Add up the numbers.",
        "solutions": json.dumps([FUNCTION if functional else PROGRAM]),
        "input_output": json.dumps(tests),
        "difficulty": "introductory",
        "url": "https://example.org",
        "starter_code": "def total(nums):\n\t" * functional,
        **changes,
    }


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a row a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a Parquet file."""
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


FAMILIES = ("livecodebench", "code_contests", "apps_introductory", "apps_interview", "apps_competition")


def folder(benchmark: str, path: Path) -> Path:
    """Write two problems of a family as its repository has them, a program's and a function's; return where.

    LiveCodeBench's have days in 2024, and there is one of 2020 in each further file.
    """
    root = path / benchmark
    if benchmark == "livecodebench":
        rows = [lcb_row(1, functional=False), lcb_row(2, functional=True)]
        for number, file in enumerate(benchmarks.get(benchmark).files(Settings(benchmark=benchmark))):
            write_jsonl(root / file, rows if number == 0 else [lcb_row(10 + number, day="2020-01-01")])
    elif benchmark == "code_contests":
        rows = [contests_row(1), contests_row(2, time_limit=None)]
        write_parquet(root / "data" / "test-00000-of-00001-9c49eeff30aacaa8.parquet", rows)
    else:
        level = benchmark.removeprefix("apps_")
        rows = [apps_row(1, difficulty=level), apps_row(2, functional=True, difficulty=level)]
        write_jsonl(root / "test.jsonl", rows)
    return root
