"""Every repository that `datasets` itself reads, from a hub on this machine that has all of them.

Those whose files are read directly are in test_hub_files.py and test_hub_converted.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hub_layout
import language_rows
import pytest
from test_hub import Handler, Hub
from under_load import HANG_S

from passk_tasks import benchmarks
from passk_tasks.tasks.settings import Settings

OWN = "someone/problems"
FAMILIES = [
    name
    for name in benchmarks.names()
    if name != "humaneval"
    and benchmarks.get(name).files(Settings(benchmark=name)) is None
    and not name.startswith("ds1000_")  # the rows of ds1000, by library
    # One configuration of many of one repository stands for all.
    and (name not in language_rows.FAMILIES or name == "multiple_humaneval_cpp")
]

LOAD = """
import json, sys
from passk_tasks import benchmarks
from passk_tasks.tasks.settings import Settings
found = {}
for name, folder in json.loads(sys.argv[1]).items():
    family = benchmarks.get(name)
    type(family).sha256 = None  # these few rows are not the published ones
    settings = dict(benchmark=name, judge=family.judges[0])
    hub = Settings(dataset="hub" if family.hub_path else sys.argv[2], **settings)
    loaded = benchmarks.load(family, hub)
    local = benchmarks.load(family, Settings(data_files=folder, **settings))
    same = loaded.problems == local.problems and loaded.sha256 == local.sha256
    found[name] = [list(loaded.problems), same, loaded.source, family.missing(hub)]
print(json.dumps(found))
"""


class Chooser(Handler):
    """Answers for the repository that a request is about."""

    def setup(self) -> None:
        super().setup()
        self.hub = self.server

    def do_GET(self) -> None:
        asked = re.match(r"/(?:api/)?datasets/([^/]+/[^/?]+)", self.path)
        if asked:
            self.repository = asked[1]
            self.server = self.hub.repositories.get(asked[1], self.hub)
        return super().do_GET()

    do_HEAD = do_GET


class Repository(Hub):
    """The files of one repository, which answers nothing itself."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files


class ManyHub(Hub):
    """A hub with many repositories."""

    def __init__(self, repositories: dict[str, Repository]) -> None:
        super().__init__({})
        self.RequestHandlerClass = Chooser
        self.repositories = repositories


def card(name: str, folder: Path) -> str:
    """Return the README of a repository, which says what its configurations and splits are."""
    lines = ["---"]
    configs = sorted({p.parent for p in folder.rglob("*.parquet")})
    if "mbpp" in name or "bigcodebench" in name or "multiple" in name:
        lines.append("configs:")
    for config in configs if lines[1:] else []:
        lines += [f"- config_name: {'default' if config.name == 'data' else config.name}", "  data_files:"]
        for file in sorted(config.iterdir()):
            split = file.name.partition("-")[0]
            lines += [f"  - split: {split}", f"    path: {config.name}/{split}-*"]
    return "\n".join([*lines, "---", ""])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a copy of each family's repository."""
    return {name: hub_layout.folder(name, tmp_path_factory.mktemp(name)) for name in FAMILIES}


@pytest.fixture(scope="module")
def hub(folders: dict[str, Path]) -> Iterator[ManyHub]:
    """Yield a hub that has the repositories of all families."""
    found: dict[str, Repository] = {}
    for name, folder in folders.items():
        family = benchmarks.get(name)
        files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        files["README.md"] = card(name, folder).encode()
        repository = found.setdefault(family.hub_path or OWN, Repository(files))
        for path in files:  # of families that share a repository each has what it reads in its own folder
            if family.hub_name and path.startswith(f"{family.hub_name}/"):
                repository.files[path] = files[path]
    with ManyHub(found) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.whole
def test_every_family(hub: ManyHub, folders: dict[str, Path], tmp_path: Path) -> None:
    """`datasets` gives what a local copy gives, from the hub, and from its cache in offline mode."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    for changes in ({}, {"HF_HUB_OFFLINE": "1"}):
        done = subprocess.run(
            [sys.executable, "-c", LOAD, json.dumps({n: str(f) for n, f in folders.items()}), OWN],
            env={
                **inherited,
                "NO_PROXY": "127.0.0.1",
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(tmp_path),
                **changes,
            },
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            timeout=HANG_S,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout.splitlines()[-1])
        assert list(found) == FAMILIES
        for name, (ids, same, source, missing) in found.items():
            assert len(ids) > 0, name
            assert same, name
            assert source.startswith(f"hub: {benchmarks.get(name).hub_path or OWN} ("), name
            if name.startswith(("evoeval_", "humaneval_infilling_")):  # where none is fixed, that which came
                assert re.search(r" at [0-9a-f]{40}\)$", source), name
            assert missing == [], name
