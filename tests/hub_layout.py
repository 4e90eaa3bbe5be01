"""A few problems of each family of the hub, of our own making, in folders as the hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import contest_rows
import language_rows
import library_layout
import pyarrow
from pyarrow import parquet

from passk_tasks import benchmarks
from passk_tasks.benchmarks import hub
from passk_tasks.benchmarks.humaneval import HumanEval

Row = dict[str, Any]

_PLUS_HEAD = """import numpy as np

def is_floats(x) -> bool:
    if isinstance(x, float):
        return True
    if isinstance(x, (list, tuple)):
        return all(isinstance(i, float) for i in x)
    return False


def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if not exact_match and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert exact_match

"""

MBPP_PLUS: list[Row] = [
    {
        "task_id": 11,
        "code": "def double(n):\r\n    return 2 * n",
        "prompt": "Write a function to double a number.",
        "source_file": "",
        "test_imports": [],
        "test_list": ["assert double(1) == 2", "assert double(2) == 4", "assert double(3) == 6"],
        "test": _PLUS_HEAD
        + "inputs = [[1], [2], [3], [10], [-4]]\nresults = [2, 4, 6, 20, -8]\n"
        + "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(double(*inp), exp, 0)\n",
    },
    {
        "task_id": 12,
        "code": "import math\ndef hypotenuse(a, b):\n    return math.sqrt(a * a + b * b)\n",
        "prompt": "Write a function to find the longest side of a right triangle.",
        "source_file": "",
        "test_imports": ["import math"],
        "test_list": ["assert math.isclose(hypotenuse(3, 4), 5.0)", "assert hypotenuse(6, 8) == 10.0"],
        "test": _PLUS_HEAD
        + "inputs = [[3, 4], [6, 8], [1, 1]]\nresults = [5.0, 10.0, 1.4142135]\n"
        + "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(hypotenuse(*inp), exp, 0)\n",
    },
]

MBPP: list[Row] = [
    {
        "task_id": row["task_id"],
        "text": row["prompt"],
        "code": row["code"],
        "test_list": row["test_list"],
        "test_setup_code": "\r\n".join(row["test_imports"]),
        "challenge_test_list": [],
    }
    for row in MBPP_PLUS
]

_EVOEVAL: list[Row] = [
    {
        "task_id": f"EvoEval/{number}",
        "prompt": f'def add_{number}(x: int) -> int:\n    """Add {number} to x."""\n',
        "canonical_solution": f"    return x + {number}\n",
        "entry_point": f"add_{number}",
        "test": "def check(candidate):\n    inputs = [eval(f\"[{i}]\") for i in ['1', '2', '-7']]\n"
        f"    outputs = [{1 + number}, {2 + number}, {number - 7}]\n"
        "    for inp, exp in zip(inputs, outputs):\n        assert candidate(*inp) == exp\n",
    }
    for number in (1, 2)
]

_CRUXEVAL: list[Row] = [
    {
        "code": "def f(text):\n    return text.split('==')",
        "input": "'a==b'",
        "output": "['a', 'b']",
        "id": "sample_0",
    },
    {
        "code": "def f(n, by=2):\n    return (n, n // by)",
        "input": "7, by=3",
        "output": "(7, 2)",
        "id": "sample_1",
    },
]

_INFILLING: list[Row] = [
    {
        "task_id": "SingleLineInfilling/HumanEval/32/L0",
        "entry_point": "root",
        "prompt": 'def square(x):\n    return x * x\n\n\ndef root(n: int):\n    """Square root."""\n',
        "suffix": "    return x\n",
        "canonical_solution": "    x = next(x for x in range(n + 1) if square(x) == n)\n",
        "test": "def check(candidate):\n    for i in range(5):\n        assert candidate(square(i)) == i\n",
    },
    {
        "task_id": "RandomSpanInfilling/HumanEval/1/1",
        "entry_point": "add",
        "prompt": 'def add(a, b):\n    """Sum of {prefix} and {suffix}."""\n    return (a ',
        "suffix": " b)",
        "canonical_solution": "+",
        "test": "def check(candidate):\n    assert candidate(2, 3) == 5\n",
    },
]

CUSTOM: list[Row] = [
    {
        "task_id": 1,
        "prompt": 'import math\n\n\ndef area(r):\n    """Area of a circle."""\n',
        "entry_point": "area",
        "test": "def check(candidate):\n    assert math.isclose(candidate(1), math.pi)\n",
        "test_list": None,
        "canonical_solution": "    return math.pi * r * r\n",
        "setup": None,
    },
    {
        "task_id": 2,
        "prompt": 'def half(n):\n    """Half of a fraction."""\n',
        "entry_point": "half",
        "test": None,
        "test_list": ["assert half(F(1, 2)) == F(1, 4)", "assert half(2) == 1"],
        "canonical_solution": "from fractions import Fraction\n\ndef half(n):\n    return n / Fraction(2)\n",
        "setup": "from fractions import Fraction as F",
    },
]


def humaneval_plus_rows() -> list[Row]:
    """Return HumanEval's first problems with tests of which the original ones are a part."""
    rows = []
    for row in (HumanEval().embedded_rows() or [])[:2]:
        extra = {
            "HumanEval/0": "    inputs = [[[1.0, 2.0], 0.3], [[], 1.0]]\n    results = [False, False]\n",
            "HumanEval/1": "    inputs = [['()'], ['((()))()']]\n    results = [['()'], ['((()))', '()']]\n",
        }[row["task_id"]]
        loop = "    for inp, exp in zip(inputs, results):\n        assertion(candidate(*inp), exp, 0)\n"
        rows.append({**row, "test": f"\n\n{_PLUS_HEAD}\ndef check(candidate):\n{extra}{loop}"})
    return rows


def rows(benchmark: str) -> list[Row]:
    """Return the rows of a family of the hub, in its columns."""
    if benchmark in library_layout.FAMILIES:
        return library_layout.rows(benchmark)
    if benchmark in language_rows.FAMILIES:
        return language_rows.rows(benchmark)
    if benchmark == "humaneval_plus":
        return humaneval_plus_rows()
    if benchmark == "mbpp":
        return MBPP
    if benchmark == "mbpp_sanitized":
        return [{key: value for key, value in row.items() if key != "test"} for row in MBPP_PLUS]
    if benchmark == "mbpp_plus":
        return MBPP_PLUS
    if benchmark == "custom":
        return CUSTOM
    if benchmark.startswith("cruxeval_"):
        return _CRUXEVAL
    if benchmark.startswith("humaneval_infilling_"):
        return _INFILLING
    assert benchmark.startswith("evoeval_")
    return _EVOEVAL


def folder(benchmark: str, path: Path) -> Path:
    """Write a family's rows below `path` as its repository has them, and return the folder."""
    if benchmark in library_layout.FAMILIES:
        return library_layout.folder(benchmark, path)
    if benchmark in contest_rows.FAMILIES:
        return contest_rows.folder(benchmark, path)
    family = benchmarks.get(benchmark)
    root = path / (family.hub_path or "owner/name").replace("/", "___")
    root.mkdir(parents=True)
    (root / "README.md").write_text("---\nlicense: mit\n---\n")
    found = rows(benchmark)
    one_file = ("evoeval_", "cruxeval_", "custom", "humanevalpack_")
    if benchmark.startswith(one_file):
        (root / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
        return root
    if family.hub_revision == hub.CONVERTED:
        for config in (family.hub_name, "HumanEval-Another"):
            (root / str(config) / "test").mkdir(parents=True)
            parquet.write_table(
                pyarrow.Table.from_pylist(found), root / str(config) / "test" / "0000.parquet"
            )
        return root
    inner = root / (family.hub_name or "data")
    inner.mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(found), inner / "test-00000-of-00001.parquet")
    if (
        family.hub_name and benchmark not in language_rows.FAMILIES
    ):  # splits that are not to be run, and another configuration
        others = [{**row, "task_id": row["task_id"] + 600} for row in found]
        for split in ("prompt", "train", "validation"):
            parquet.write_table(pyarrow.Table.from_pylist(others), inner / f"{split}-00000-of-00001.parquet")
        other = root / ("sanitized" if family.hub_name == "full" else "full")
        other.mkdir()
        parquet.write_table(pyarrow.Table.from_pylist(others), other / "test-00000-of-00001.parquet")
    return root


def wrong_candidate(benchmark: str, entry_point: str) -> str:
    """Return a whole candidate that is wrong for any problem of a family."""
    if benchmark.startswith("cruxeval_"):
        return "None" if benchmark == "cruxeval_output" else "f(None)"
    return f"def {entry_point}(*args):\n    return None\n"


def right(doc: Row) -> str:
    """Return what a base model would have to go on with to be right."""
    if "output" in doc:
        return f"assert f({doc['input']}) == {doc['output']}\n[/ANSWER]"
    return str(doc["canonical_solution"] if "canonical_solution" in doc else doc["code"])


def wrong(doc: Row) -> str:
    """Return a completion that runs and is wrong."""
    if "output" in doc:
        return "assert f(None) == None\n"
    if "suffix" in doc:
        return "-" if doc["suffix"] == " b)" else "    x = None\n"
    if "canonical_solution" in doc:
        return "    return None\n"
    name = "double" if "double" in doc["code"] else "hypotenuse"
    return f"def {name}(*args):\n    return None\n"
