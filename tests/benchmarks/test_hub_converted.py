"""The hub's own conversion to Parquet, read with the real `huggingface_hub` from the loopback device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import hub_layout
import pytest
from test_hub import REPOSITORY, Handler, Hub
from under_load import HANG_S

from passk_tasks import benchmarks

FAMILY = benchmarks.get("humaneval_infilling_random_span")
BRANCH = "refs%2Fconvert%2Fparquet"

LOAD = """
import json
from passk_tasks import benchmarks
from passk_tasks.tasks.settings import Settings
family = benchmarks.get("humaneval_infilling_random_span")
found = benchmarks.load(family, Settings(benchmark=family.name, dataset="hub"))
print(json.dumps({"rows": found.rows, "cached": family.missing(Settings(dataset="hub")) == []}))
"""


class Converted(Handler):
    """A repository with nothing in its main branch but a script, and Parquet in the hub's own branch."""

    def do_GET(self) -> None:
        if "/main" in self.path:
            return self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        self.path = unquote(self.path.replace(FAMILY.hub_path, REPOSITORY).replace(BRANCH, "main"))
        if "recursive=true" in self.path:
            return self.answer(200, [self.server.entry(path) for path in sorted(self.server.files)])
        return super().do_GET()

    do_HEAD = do_GET


@pytest.mark.whole
def test_a_repository_with_a_script(tmp_path: Path) -> None:
    """One configuration's split is read from the branch of converted files, and from the cache afterwards."""
    folder = hub_layout.folder(FAMILY.name, tmp_path)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
    assert len(files) == 2
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    with Hub(files) as server:
        server.RequestHandlerClass = Converted
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for changes in ({}, {"HF_HUB_OFFLINE": "1"}):
            done = subprocess.run(
                [sys.executable, "-c", LOAD],
                env={
                    **inherited,
                    "NO_PROXY": "127.0.0.1",
                    "HF_ENDPOINT": server.url,
                    "HF_HOME": str(tmp_path / "home"),
                    **changes,
                },
                cwd=Path(__file__).resolve().parents[2],
                capture_output=True,
                text=True,
                timeout=HANG_S,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            found = json.loads(done.stdout.splitlines()[-1])
            assert found["rows"] == hub_layout.rows(FAMILY.name)
            assert found["cached"]
        server.shutdown()
