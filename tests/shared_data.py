"""Data for development beside the checkout, read in place; tests that need it skip where it is missing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def path(name: str) -> Path:
    """Return a file of ../shared/data, or skip the test."""
    found = FOLDER / name
    if not found.exists():
        pytest.skip(f"needs ../shared/data/{name} beside the checkout")
    return found


def rows(name: str) -> list[dict[str, Any]]:
    """Return the lines of a file, or skip the test."""
    raw = path(name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def evoeval_rows() -> list[dict[str, Any]]:
    """Return SandboxFusion's samples of EvoEval in the columns of the hub's `evoeval/EvoEval_combine`."""
    return [
        {
            "task_id": row["id"],
            "prompt": row["content"] + "\n",
            "canonical_solution": row["canonical_solution"],
            "entry_point": json.loads(row["labels"])["entry_point"],
            "test": row["test"],
        }
        for row in rows("more/evoeval.jsonl")
    ]
