"""Data files read directly from a repository, with the real `huggingface_hub` and a hub on this machine.

The libraries read their environment when they are imported, so each case runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import test_hub
from contest_rows import apps_row, contests_row, lcb_row, write_jsonl, write_parquet
from under_load import HANG_S

LOAD = """
import json, sys
import datasets
from passk_tasks import benchmarks
from passk_tasks.benchmarks import hub
from passk_tasks.errors import DatasetError
from passk_tasks.tasks.settings import Settings
hub.PROBE_TIMEOUT_S = 120
name, *overrides = sys.argv[1:]
family = benchmarks.get(name)
settings = Settings(benchmark=name, dataset="hub", judge="stdio", **dict(o.split("=") for o in overrides))
asked = []
sys.addaudithook(lambda event, given: event == "socket.connect" and asked.append(given[1]))
try:
    hub = benchmarks.load(family, settings)
except DatasetError as error:
    print(json.dumps({"error": str(error), "asked": len(asked)}))
else:
    print(json.dumps({"ids": list(hub.problems), "source": hub.source, "missing": family.missing(settings)}))
"""


class Handler(test_hub.Handler):
    """Answers for the repository of its server, and notes which files were fetched."""

    def do_GET(self) -> None:
        repository = self.server.repository
        self.path = self.path.replace(repository, test_hub.REPOSITORY)
        if "/resolve/" in self.path and self.command == "GET":
            self.server.fetched.append(self.path.rpartition("/")[2])
        if "/tree/" in self.path and "recursive=" in self.path:
            return self.answer(200, [self.server.entry(name) for name in self.server.files])
        return super().do_GET()

    do_HEAD = do_GET


class Hub(test_hub.Hub):
    """A hub with one repository of data files and a dataset script."""

    def __init__(self, repository: str, folder: Path) -> None:
        files = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        super().__init__(files)
        self.RequestHandlerClass = Handler
        self.repository, self.fetched = repository, []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a folder with all that the three repositories have."""
    folder = tmp_path / "repository"
    for number in range(1, 7):
        name = "test.jsonl" if number == 1 else f"test{number}.jsonl"
        write_jsonl(folder / "livecodebench" / name, [lcb_row(number)])
    write_jsonl(folder / "apps_introductory" / "test.jsonl", [apps_row(1)])
    write_jsonl(folder / "apps_introductory" / "train.jsonl", [apps_row(2)])
    data = folder / "code_contests" / "data"
    write_parquet(data / "test-00000-of-00001-9c49eeff30aacaa8.parquet", [contests_row(1)])
    write_parquet(data / "train-00000-of-00039-e991a271dbfa9925.parquet", [contests_row(2)])
    for name in ("livecodebench", "apps_introductory", "code_contests"):
        (folder / name / "script.py").write_text("raise SystemExit('never run')\n")
        (folder / name / "README.md").write_text("---\n---\n")
    return folder


FAMILIES = {
    "livecodebench": (
        "livecodebench/code_generation_lite",
        ["release=release_v2"],
        ["abc1_a", "abc2_a"],
        {"test.jsonl", "test2.jsonl"},
    ),
    "apps_introductory": ("codeparrot/apps", [], ["APPS/1"], {"test.jsonl"}),
    "code_contests": (
        "deepmind/code_contests",
        [],
        ["1_A. Sum"],
        {"test-00000-of-00001-9c49eeff30aacaa8.parquet"},
    ),
}


@pytest.fixture(params=FAMILIES)
def hub(request: pytest.FixtureRequest, repository: Path) -> Iterator[tuple[str, Hub]]:
    """Yield each family with its repository on a hub."""
    with Hub(FAMILIES[request.param][0], repository / request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield request.param, server
        server.shutdown()


def load(name: str, endpoint: str, home: Path, *settings: str, **environment: str) -> dict[str, Any]:
    """Load a family from the hub at `endpoint` in a fresh process, with `home` for its cache."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, name, *settings],
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


def test_hub_and_cache(hub: tuple[str, Hub], tmp_path: Path) -> None:
    """The wanted files alone are fetched, and used again once the hub is gone or forbidden."""
    name, server = hub
    repository, settings, ids, files = FAMILIES[name]
    answer = load(name, server.url, tmp_path, *settings)
    assert answer.get("ids") == ids, answer
    assert answer["source"].startswith(f"hub: {repository} (")
    assert answer["missing"] == []
    assert set(server.fetched) == files
    server.shutdown()
    server.server_close()
    assert load(name, server.url, tmp_path, *settings)["ids"] == ids
    assert load(name, server.url, tmp_path, *settings, HF_HUB_OFFLINE="1")["ids"] == ids


def test_a_file_that_was_never_fetched(hub: tuple[str, Hub], tmp_path: Path) -> None:
    """A cache that lacks a file of the release is no cache of it."""
    name, server = hub
    if name != "livecodebench":
        pytest.skip("has one file only")
    load(name, server.url, tmp_path, "release=release_v1")
    server.shutdown()
    server.server_close()
    message = load(name, server.url, tmp_path, "release=release_v2", HF_HUB_OFFLINE="1")["error"]
    assert "is not in the local cache (HF_HUB_OFFLINE is set)" in message
    assert "data_files=PATH" in message


@pytest.mark.parametrize("name", FAMILIES)
def test_no_hub(name: str, tmp_path: Path) -> None:
    """A hub that nobody answers for is one error at the first try, which names both remedies."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"  # bound, and not listening
        answer = load(name, endpoint, tmp_path)
    assert (
        f"{FAMILIES[name][0]} cannot be loaded from {endpoint} and is not in the local cache"
        in answer["error"]
    )
    assert "data_files=PATH" in answer["error"]
    assert "\n" not in answer["error"]
    assert answer["asked"] == 1


def test_a_repository_that_lacks_them(hub: tuple[str, Hub], tmp_path: Path) -> None:
    """A repository without the data files is an error, not an empty benchmark."""
    name, server = hub
    server.files = {"README.md": b"nothing here"}
    message = load(name, server.url, tmp_path)["error"]
    assert message.startswith(f"the dataset {FAMILIES[name][0]} cannot be loaded from {server.url} (")
    assert "missing" in message
