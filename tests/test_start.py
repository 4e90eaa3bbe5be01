from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from under_load import HANG_S

PACKAGE = Path(__file__).resolve().parents[1] / "passk_tasks"
EMBEDDED = PACKAGE / "data" / "gemma3_270m_humaneval_n20.jsonl.gz"

ELSEWHERE = {"torch", "transformers", "datasets", "lm_eval", "pandas", "matplotlib", "scipy", "jinja2"}
"""Libraries of whole seconds, which no command but `passk run` and `passk report` needs."""
OURS = {"harness", "selfcheck", "report", "export", "audit", "compare", "factors", "trend", "gate"}
"""What scoring has no use for."""

RAN = """
import json, sys
from passk_tasks.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def loaded(script: str, *arguments: str) -> set[str]:
    """The modules that are imported when a script, which prints them in its last line, has run."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], [], ["--version"], ["scroe"]], ids=str)
def test_the_help_needs_no_command(arguments: list[str]) -> None:
    """What is said before any command is called comes without numpy, YAML, metadata, and the commands."""
    modules = loaded(RAN, *arguments)
    assert {name for name in modules if name.startswith("passk_tasks.cli.")} == {"passk_tasks.cli.app"}
    assert not modules & {"numpy", "yaml", "tqdm", "importlib.metadata", "passk_tasks.api", *ELSEWHERE}


def test_the_package_itself_needs_nothing() -> None:
    """`import passk_tasks` imports one more module, the version's."""
    modules = loaded("import json, sys, passk_tasks; print(json.dumps(sorted(sys.modules)))")
    assert {name for name in modules if name.startswith("passk_tasks.")} == {"passk_tasks._version"}
    assert not modules & {"numpy", "yaml", "tqdm", "importlib.metadata", *ELSEWHERE}


def test_scoring_needs_no_other_command(tmp_path: Path) -> None:
    """`passk score` of a file imports neither lm-eval and what it brings, nor what other commands need."""
    with gzip.open(EMBEDDED, "rt", encoding="utf-8") as lines:
        (tmp_path / "samples.jsonl").write_text(next(lines), encoding="utf-8")
    samples = str(tmp_path / "samples.jsonl")
    modules = loaded(
        RAN, "score", samples, "--task", "passk_humaneval", "--k", "1", "--out", str(tmp_path / "o")
    )
    assert (tmp_path / "o" / "results.json").is_file()
    assert not modules & ELSEWHERE
    assert not modules & {f"passk_tasks.{name}" for name in OURS}
