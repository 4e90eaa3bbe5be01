"""A few problems of the families that need libraries, of our own making, in folders as the hub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

Row = dict[str, Any]

FAMILIES = {
    "bigcodebench": "passk_bigcodebench_complete",
    "bigcodebench_hard": "passk_bigcodebench_hard_complete",
    "bigcodebench_uncalibrated": "passk_bigcodebench_instruct_uncalibrated",
    "bigcodebench_hard_uncalibrated": "passk_bigcodebench_hard_instruct_uncalibrated",
    "ds1000": "passk_ds1000",
    "ds1000_matplotlib": "passk_ds1000_matplotlib",
    "ds1000_numpy": "passk_ds1000_numpy",
    "ds1000_pandas": "passk_ds1000_pandas",
    "ds1000_pytorch": "passk_ds1000_pytorch",
    "ds1000_scipy": "passk_ds1000_scipy",
    "ds1000_sklearn": "passk_ds1000_sklearn",
    "ds1000_tensorflow": "passk_ds1000_tensorflow",
}
"""One task of each family."""

ABSENT = "passk_no_such_library"
"""What no host has."""

BIGCODEBENCH: list[Row] = [
    {
        "task_id": "BigCodeBench/9000",
        "complete_prompt": "import json\nimport os\n\ndef task_func(path, key='total'):\n"
        '    """\n    Sum up the numbers in a JSON file and write the sum beside it.\n\n'
        '    Requirements:\n    - json\n    - os\n    """\n',
        "instruct_prompt": "Sum up the numbers in a JSON file and write the sum beside it.\n"
        "You should write self-contained code starting with:\n```\nimport json\nimport os\n"
        "def task_func(path, key='total'):\n```",
        "canonical_solution": "    with open(path) as file:\n        total = sum(json.load(file))\n"
        "    with open(os.path.join(os.path.dirname(path), 'sum.json'), 'w') as file:\n"
        "        json.dump({key: total}, file)\n    return total",
        "code_prompt": "import json\nimport os\ndef task_func(path, key='total'):\n",
        "test": "import unittest\nfrom unittest.mock import patch\nimport tempfile\nimport numpy as np\n"
        "class TestCases(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.folder = tempfile.TemporaryDirectory()\n"
        "        self.path = os.path.join(self.folder.name, 'numbers.json')\n"
        "        with open(self.path, 'w') as file:\n            json.dump([1, 2, 3.5], file)\n"
        "    def tearDown(self):\n        self.folder.cleanup()\n"
        "    def test_sum(self):\n        self.assertTrue(np.isclose(task_func(self.path), 6.5))\n"
        "    def test_file(self):\n        task_func(self.path)\n"
        "        with open(os.path.join(self.folder.name, 'sum.json')) as file:\n"
        "            self.assertEqual(json.load(file), {'total': 6.5})\n"
        "    @patch('json.dump')\n"
        "    def test_dump_is_called(self, dump):\n"
        "        self.assertEqual(task_func(self.path, key='all'), 6.5)\n"
        "        self.assertEqual(dump.call_args[0][0], {'all': 6.5})\n",
        "entry_point": "task_func",
        "doc_struct": "{}",
        "libs": "['json', 'os']",
    },
    {
        "task_id": "BigCodeBench/9001",
        "complete_prompt": 'import collections\n\ndef task_func(words):\n    """Count words."""\n',
        "instruct_prompt": "Count words.\nYou should write self-contained code starting with:\n```\n"
        "import collections\ndef task_func(words):\n```",
        "canonical_solution": "    return dict(collections.Counter(words))",
        "code_prompt": "import collections\ndef task_func(words):\n",
        "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
        "    def test_none(self):\n        self.assertEqual(task_func([]), {})\n"
        "    def test_two(self):\n        self.assertEqual(task_func(['a', 'b', 'a']), {'a': 2, 'b': 1})\n",
        "entry_point": "task_func",
        "doc_struct": "{}",
        "libs": "['collections']",
    },
]

_ARRAYS = """import numpy as np
import copy

def generate_test_case(test_case_id):
    def define_test_input(test_case_id):
        return np.arange(6) if test_case_id == 1 else np.array([5, 1])

    def generate_ans(data):
        return np.sort(data)[::-1]

    test_input = define_test_input(test_case_id)
    expected_result = generate_ans(copy.deepcopy(test_input))
    return test_input, expected_result


def exec_test(result, ans):
    np.testing.assert_array_equal(result, ans)
    return 1


exec_context = r'''
import numpy as np
a = test_input
[insert]
'''


def test_execution(solution: str):
    code = exec_context.replace("[insert]", solution)
    for i in range(2):
        test_input, expected_result = generate_test_case(i + 1)
        test_env = {"test_input": test_input}
        exec(code, test_env)
        assert exec_test(test_env["result"], expected_result)
"""

_WORDS = (
    _ARRAYS.replace("a = test_input\n[insert]\n", "def f(a):\n[insert]\nresult = f(test_input)\n")
    + """

def test_string(solution: str):
    assert "for" not in solution.split()
"""
)

DS1000: list[Row] = [
    {
        "prompt": "Problem:\nHow can I sort an array from the largest value to the smallest?\n\nA:\n<code>\n"
        "import numpy as np\na = np.array([3, 1, 2])\n</code>\nresult = ... # put solution in this variable\n"
        "BEGIN SOLUTION\n<code>\n",
        "reference_code": "result = np.sort(a)[::-1]",
        "metadata": {
            "problem_id": 9001,
            "library_problem_id": 0,
            "library": "Numpy",
            "test_case_cnt": 2,
            "perturbation_type": "Origin",
            "perturbation_origin_id": 0,
        },
        "code_context": _ARRAYS,
    },
    {
        "prompt": "Problem:\nHow can I sort an array from the largest value, without a loop?\n\n"
        "A:\n<code>\nimport numpy as np\nexample_a = np.array([3, 1, 2])\ndef f(a = example_a):\n"
        "    # return the solution in this function\n    # result = f(a)\n    ### BEGIN SOLUTION",
        "reference_code": "    result = np.sort(a)[::-1]\n\n    return result",
        "metadata": {
            "problem_id": 9002,
            "library_problem_id": 1,
            "library": "Numpy",
            "test_case_cnt": 2,
            "perturbation_type": "Surface",
            "perturbation_origin_id": 0,
        },
        "code_context": _WORDS,
    },
]

NEEDS_ABSENT: Row = {
    **BIGCODEBENCH[1],
    "task_id": "BigCodeBench/9002",
    "libs": f"['collections', 'skimage.{ABSENT}', '{ABSENT}']",
}
"""A problem that no host can judge."""


def rows(benchmark: str) -> list[Row]:
    """Return the rows of a family, in the hub's columns.

    Only the tests of two families can run without the libraries they are about. The others have rows that say
    they are about theirs, and do not use it.
    """
    if benchmark.startswith("bigcodebench"):
        return BIGCODEBENCH
    library = benchmark.partition("_")[2].capitalize() or "Numpy"
    return [{**row, "metadata": {**row["metadata"], "library": library}} for row in DS1000]


def folder(benchmark: str, path: Path, found: list[Row] | None = None) -> Path:
    """Write a family's rows below `path` as its repository has them, and return the folder."""
    found = rows(benchmark) if found is None else found
    root = path / benchmark
    if benchmark.startswith("ds1000"):
        root.mkdir(parents=True)
        (root / "environment.yml").write_text("name: ds1000\n")
        lines(root / "test.jsonl", found)
        return root
    inner = root / "data"
    inner.mkdir(parents=True)
    (root / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    for version in ("v0.1.0_hf", "v0.1.3", "v0.1.4"):  # each a split, and every problem in each
        table = [row if version == "v0.1.4" else {**row, "test": "old"} for row in found]
        parquet.write_table(pyarrow.Table.from_pylist(table), inner / f"{version}-00000-of-00001.parquet")
    return root


def lines(path: Path, found: list[Row]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path
