"""The filter and the metric that other people's task files name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lm_eval
import pytest
from lm_eval.tasks import TaskManager
from support import Canned

from passk_tasks.errors import UsageError
from passk_tasks.harness import offered
from passk_tasks.judging import executor
from passk_tasks.judging.executor import Executor

ROWS = [
    {"task_id": "a", "prompt": "def add(a, b):\n", "entry_point": "add", "test": "assert add(1, 2) == 3"},
    {"task_id": "b", "prompt": "def sub(a, b):\n", "entry_point": "sub", "test": "assert sub(3, 2) == 1"},
]
YAML = """\
task: their_own
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
output_type: generate_until
test_split: test
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{test}}}}"
filter_list:
  - name: code
    filter: [{{function: passk_code, mode: answer}}]
metric_list:
  - {{metric: passk_tests, k: [1, 2], aggregation: mean, higher_is_better: true}}
generation_kwargs: {{until: []}}
repeats: 2
"""


def test_a_task_file_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval's own task class scores chat answers in one sandbox: one of two right, and none of two."""
    opened: list[Executor] = []

    def local(*given: Any) -> Executor:
        opened.append(executor.local(*given))
        return opened[-1]

    monkeypatch.setattr(offered, "local", local)
    monkeypatch.setattr(offered, "_open", {})
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "their_own.yaml").write_text(YAML.format(data=data))
    answers = iter("+-**")

    def answer(*_: Any) -> str:
        return f"Sure:\n```python\ndef add(a, b):\n    return a {next(answers)} b\n```\nIt adds."

    found = lm_eval.simple_evaluate(
        model=Canned(answer),
        tasks=["their_own"],
        task_manager=TaskManager(include_path=str(tmp_path), include_defaults=False),
        bootstrap_iters=0,
    )
    assert found["results"]["their_own"]["pass@1,code"] == pytest.approx(1 / 4)
    assert found["results"]["their_own"]["pass@2,code"] == pytest.approx(1 / 2)
    (sandbox,) = opened
    assert list(sandbox.layers)  # it is still open
    (place,) = offered._open
    with pytest.raises(UsageError), offered._sandbox(place[1]):
        raise UsageError("a batch that breaks off")
    assert not offered._open


def test_wrong_words_are_refused() -> None:
    """A mode that is none, a column that is not there, and a k beyond the answers."""
    with pytest.raises(UsageError, match="mode of passk_code"):
        offered.CodeFilter(mode="anwser")
    with pytest.raises(UsageError, match="needs the columns 'prompt' and 'entry_point'"):
        offered.CodeFilter().apply([["x"]], [{"prompt": "p"}])
    with pytest.raises(UsageError, match=r"has 1 answers to a problem, too few for pass@2"):
        offered.judged(["assert f()"], [["def f(): return 1"]], k=[1, 2])
