"""Tests of passk_tasks.benchmarks.hub, with the real `datasets` and a hub on the loopback device.

The libraries read their environment when they are imported, so each case runs in a process of its own.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from under_load import HANG_S

from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.benchmarks.loading import rows_sha256

REPOSITORY = HumanEval.hub_path
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CARD = """\
---
configs:
- config_name: openai_humaneval
  data_files:
  - split: test
    path: openai_humaneval/test-*
  default: true
---
"""

LOAD = """
import json, os, sys
import datasets
from passk_tasks import benchmarks
from passk_tasks.benchmarks import hub
from passk_tasks.errors import DatasetError
from passk_tasks.tasks.settings import Settings
hub.PROBE_TIMEOUT_S = float(os.environ.get("PROBE_S", 120))
family = benchmarks.get("humaneval")
asked = []
sys.addaudithook(lambda event, given: event == "socket.connect" and asked.append(given[1]))
try:
    hub = benchmarks.load(family, Settings(dataset="hub"))
except DatasetError as error:
    print(json.dumps({"error": str(error), "asked": len(asked)}))
else:
    embedded = benchmarks.load(family, Settings())
    same = [list(row.items()) for row in hub.rows] == [list(row.items()) for row in embedded.rows]
    print(json.dumps({
        "source": hub.source,
        "same_rows": same,
        "same_problems": hub.problems == embedded.problems,
        "same_sha256": hub.sha256 == embedded.sha256,
    }))
"""


class Hub(ThreadingHTTPServer):
    """As much of the hub as `datasets.load_dataset` asks for: one dataset repository with its files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def entry(self, path: str) -> dict[str, Any]:
        content = self.files.get(path)
        if content is None:
            return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}
        return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def tree(self, folder: str) -> list[dict[str, Any]]:
        prefix = f"{folder}/" if folder else ""
        below = [path[len(prefix) :] for path in self.files if path.startswith(prefix)]
        return [self.entry(prefix + name) for name in sorted({path.split("/")[0] for path in below})]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    server: Hub
    repository = REPOSITORY

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        # It has every commit that it is asked for.
        asked = re.search(r"/([0-9a-f]{40})(?=/|$)", path)
        commit = asked[1] if asked else COMMIT
        api = f"/api/datasets/{self.repository}"
        for revision in ("main", commit):
            resolve = f"/datasets/{self.repository}/resolve/{revision}/"
            if path.startswith(resolve) and path[len(resolve) :] in self.server.files:
                content = self.server.files[path[len(resolve) :]]
                etag = hashlib.sha1(content).hexdigest()
                return self.answer(200, content, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'})
        if path in (api, f"{api}/revision/main", f"{api}/revision/{commit}"):
            siblings = [{"rfilename": name} for name in self.server.files]
            return self.answer(200, {"id": self.repository, "sha": commit, "siblings": siblings})
        if path.startswith(f"{api}/tree/{commit}"):
            return self.answer(200, self.server.tree(path[len(f"{api}/tree/{commit}") :].strip("/")))
        if path == "/":
            return self.answer(200, b"")
        return self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})

    do_HEAD = do_GET

    def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


def repository(rows: list[dict[str, Any]]) -> dict[str, bytes]:
    """Return the files of a repository as the hub has them."""
    import pyarrow
    from pyarrow import parquet

    packed = io.BytesIO()
    ordered = [{column: row[column] for column in HumanEval.columns} for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(ordered), packed)
    return {"README.md": CARD.encode(), "openai_humaneval/test-00000-of-00001.parquet": packed.getvalue()}


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """The embedded rows."""
    embedded = HumanEval().embedded_rows()
    assert embedded is not None
    return embedded


@pytest.fixture
def hub(rows: list[dict[str, Any]]) -> Iterator[Hub]:
    """A hub that has HumanEval."""
    with Hub(repository(rows)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def load(endpoint: str, home: Path, **environment: str) -> dict[str, Any]:
    """Load HumanEval from the hub at `endpoint` in a fresh process, with `home` for its cache."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={
            **inherited,
            "NO_PROXY": "127.0.0.1",
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(home),
            **environment,
        },
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def assert_unavailable(answer: dict[str, Any], endpoint: str, reason: str, asked: int = 1) -> None:
    """Check that loading failed without a second try, with what happened and both ways out."""
    message = answer["error"]
    assert (
        f"openai/openai_humaneval cannot be loaded from {endpoint} and is not in the local cache" in message
    )
    assert reason in message
    assert "data_files=PATH" in message
    assert "dataset=embedded" in message
    assert "\n" not in message
    assert answer["asked"] == asked


@pytest.mark.whole
def test_hub_and_cache(hub: Hub, tmp_path: Path) -> None:
    """The hub gives the embedded documents, and so does its cache once the hub is gone or forbidden."""
    expected = {
        "source": f"hub: openai/openai_humaneval (test at {HumanEval.hub_revision})",
        "same_rows": True,
        "same_problems": True,
        "same_sha256": True,
    }
    assert load(hub.url, tmp_path) == expected
    hub.shutdown()
    hub.server_close()
    assert load(hub.url, tmp_path) == expected
    assert load(hub.url, tmp_path, HF_HUB_OFFLINE="1") == expected


def test_hub_with_other_problems(hub: Hub, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """A repository that does not hold the published problems is refused."""
    hub.files = repository(rows[:-1])
    message = load(hub.url, tmp_path)["error"]
    assert "not the published problems of humaneval: 163 rows" in message
    assert rows_sha256(rows[:-1]) in message


def test_hub_without_the_repository(hub: Hub, tmp_path: Path) -> None:
    """A hub that answers but has no such split is an error with its reason and both ways out."""
    hub.files = {"README.md": b"nothing here"}
    message = load(hub.url, tmp_path)["error"]
    assert message.startswith(f"the dataset openai/openai_humaneval cannot be loaded from {hub.url} (")
    assert "data_files=PATH" in message


def test_no_hub(tmp_path: Path) -> None:
    """A hub that refuses connections is an error at the first try, not after a minute of retries."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"  # bound, and not listening
        assert_unavailable(load(endpoint, tmp_path), endpoint, "Connection refused")


def test_mute_hub(tmp_path: Path) -> None:
    """A hub that accepts and never answers is an error at the first try."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        assert_unavailable(load(endpoint, tmp_path, PROBE_S="2.5"), endpoint, "no answer")


def test_offline(tmp_path: Path) -> None:
    """HF_HUB_OFFLINE is honoured: nothing is asked, and the error says why."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        answer = load(endpoint, tmp_path, HF_HUB_OFFLINE="1")
        assert_unavailable(answer, endpoint, "HF_HUB_OFFLINE is set", asked=0)
