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
asked = []
sys.addaudithook(lambda event, given: event == "socket.connect" and asked.append(given[1]))
answers = {}
for name, more in json.loads(sys.argv[1]).items():
    family = benchmarks.get(name)
    settings = Settings(benchmark=name, dataset="hub", judge="stdio", **more)
    asked.clear()
    try:
        loaded = benchmarks.load(family, settings)
    except DatasetError as error:
        answers[name] = {"error": str(error), "asked": len(asked)}
    else:
        missing = family.missing(settings)
        answers[name] = {"ids": list(loaded.problems), "source": loaded.source, "missing": missing}
print(json.dumps(answers))
"""


class Repository(test_hub.Hub):
    """The files of one repository, which answers nothing itself, and which of them were fetched."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.fetched = files, []


class Handler(test_hub.Handler):
    """Answers for the repository that a request is about, and notes which files were fetched."""

    def setup(self) -> None:
        super().setup()
        self.hub = self.server

    def do_GET(self) -> None:
        for name, repository in self.hub.repositories.items():
            if name in self.path:
                self.repository, self.server = name, repository
        if "/resolve/" in self.path and self.command == "GET":
            self.server.fetched.append(self.path.rpartition("/")[2])
        if "/tree/" in self.path and "recursive=" in self.path:
            return self.answer(200, [self.server.entry(name) for name in self.server.files])
        return super().do_GET()

    do_HEAD = do_GET


class Hub(test_hub.Hub):
    """A hub with the repositories of all three families: data files and a dataset script each."""

    def __init__(self, folder: Path) -> None:
        super().__init__({})
        self.RequestHandlerClass = Handler
        self.repositories = {}
        for name, (repository, *_) in FAMILIES.items():
            below = folder / name
            files = {
                str(path.relative_to(below)): path.read_bytes() for path in below.rglob("*") if path.is_file()
            }
            self.repositories[repository] = Repository(files)


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
        {"release": "release_v2"},
        ["abc1_a", "abc2_a"],
        {"test.jsonl", "test2.jsonl"},
    ),
    "apps_introductory": ("codeparrot/apps", {}, ["APPS/1"], {"test.jsonl"}),
    "code_contests": (
        "deepmind/code_contests",
        {},
        ["1_A. Sum"],
        {"test-00000-of-00001-9c49eeff30aacaa8.parquet"},
    ),
}


@pytest.fixture
def hub(repository: Path) -> Iterator[Hub]:
    """Yield a hub with all families' repositories."""
    with Hub(repository) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def load(
    endpoint: str, home: Path, settings: dict[str, dict[str, str]] | None = None, **environment: str
) -> dict[str, dict[str, Any]]:
    """Load families from the hub at `endpoint` in a fresh process, with `home` for its cache."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    wanted = {name: more for name, (_, more, *_) in FAMILIES.items()} if settings is None else settings
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(wanted)],
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
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    assert answers.keys() == wanted.keys()
    return answers


@pytest.mark.whole
def test_hub_and_cache(hub: Hub, tmp_path: Path) -> None:
    """The wanted files alone are fetched, and used again once the hub is gone or forbidden."""
    answers = load(hub.url, tmp_path)
    for name, (repository, _, ids, files) in FAMILIES.items():
        answer = answers[name]
        assert answer.get("ids") == ids, answer
        assert answer["source"].startswith(f"hub: {repository} (")
        assert answer["missing"] == []
        assert set(hub.repositories[repository].fetched) == files
    hub.shutdown()
    hub.server_close()
    for offline in ({}, {"HF_HUB_OFFLINE": "1"}):
        again = load(hub.url, tmp_path, **offline)
        assert {name: answer.get("ids") for name, answer in again.items()} == {
            name: ids for name, (_, _, ids, _) in FAMILIES.items()
        }


@pytest.mark.whole
def test_a_file_that_was_never_fetched(hub: Hub, tmp_path: Path) -> None:
    """A cache that lacks a file of the release is no cache of it."""
    load(hub.url, tmp_path, {"livecodebench": {"release": "release_v1"}})
    hub.shutdown()
    hub.server_close()
    answers = load(hub.url, tmp_path, {"livecodebench": {"release": "release_v2"}}, HF_HUB_OFFLINE="1")
    message = answers["livecodebench"]["error"]
    assert "is not in the local cache (HF_HUB_OFFLINE is set)" in message
    assert "data_files=PATH" in message


def test_no_hub(tmp_path: Path) -> None:
    """A hub that nobody answers for is one error at the first try, which names both remedies."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"  # bound, and not listening
        answers = load(endpoint, tmp_path)
    for name, answer in answers.items():
        said = f"{FAMILIES[name][0]} cannot be loaded from {endpoint} and is not in the local cache"
        assert said in answer["error"]
        assert "data_files=PATH" in answer["error"]
        assert "\n" not in answer["error"]
        assert answer["asked"] == 1


def test_a_repository_that_lacks_them(hub: Hub, tmp_path: Path) -> None:
    """A repository without the data files is an error, not an empty benchmark."""
    for repository in hub.repositories.values():
        repository.files = {"README.md": b"nothing here"}
    for name, answer in load(hub.url, tmp_path).items():
        start = f"the dataset {FAMILIES[name][0]} cannot be loaded from {hub.url} ("
        assert answer["error"].startswith(start)
        assert "missing" in answer["error"]
