"""Fixtures of the tests of harness/: our tasks as lm-eval loads and evaluates them, `passk` as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hub_layout
import lm_eval
import our_tasks
import pytest
from lm_eval.tasks import TaskManager
from support import Answer, Canned, environment
from under_load import HANG_S

from passk_tasks import benchmarks
from passk_tasks.benchmarks import Dataset
from passk_tasks.harness import recorder
from passk_tasks.tasks.catalog import load_task, task_configs_path
from passk_tasks.tasks.settings import Settings


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep journals out of the home folder, and each test's waiting tasks to itself."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    recorder._waiting.clear()
    yield tmp_path / "state" / "passk"
    recorder._waiting.clear()


@pytest.fixture(autouse=True, scope="session")
def index() -> Iterator[None]:
    """Let lm-eval read its folder and ours once: ours takes a fifth of a second, its own eight."""
    with our_tasks.read_once(own=True):
        yield


@pytest.fixture
def manager() -> Callable[..., TaskManager]:
    """lm-eval's task manager with our tasks only; its arguments are `--metadata`."""

    def build(**metadata: Any) -> TaskManager:
        return TaskManager(include_path=str(task_configs_path()), include_defaults=False, metadata=metadata)

    return build


@pytest.fixture
def load(manager: Callable[..., TaskManager]) -> Callable[..., Any]:
    """One task, built by lm-eval from its YAML."""

    def build(name: str = "passk_humaneval", **metadata: Any) -> Any:
        return manager(**metadata).load([name])["tasks"][name]

    return build


@pytest.fixture
def here(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Metadata that lets a task find its problems here: a folder in the hub's layout, or nothing."""

    def build(name: str) -> dict[str, str]:
        settings = load_task(name).settings
        if settings.dataset == "embedded":
            return {}
        files = {"passk.data_files": str(hub_layout.folder(settings.benchmark, tmp_path / "hub"))}
        if settings.since is not None:  # the problems at hand are older
            files["passk.since"] = "2023-01-01"
        return {**files, "passk.fim": "qwen"} if benchmarks.get(settings.benchmark).fills_gaps else files

    return build


@pytest.fixture
def evaluate(manager: Callable[..., TaskManager]) -> Callable[..., dict[str, Any]]:
    """lm-eval's `simple_evaluate` on our tasks."""

    def run(
        model: Any,
        *names: str,
        metadata: dict[str, Any] | None = None,
        limit: int | None = 3,
        **arguments: Any,
    ) -> dict[str, Any]:
        return lm_eval.simple_evaluate(
            model=model,
            tasks=list(names) or ["passk_humaneval"],
            task_manager=manager(**(metadata or {})),
            limit=limit,
            confirm_run_unsafe_code=True,
            bootstrap_iters=2,
            **arguments,
        )

    return run


@pytest.fixture
def canned() -> Callable[[Answer], Canned]:
    """A model with canned answers."""
    return Canned


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """HumanEval's problems."""
    settings = Settings()
    return benchmarks.load(benchmarks.get(settings.benchmark), settings)


@pytest.fixture(scope="session")
def passk() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`passk` in a process of its own; `our_run` is `passk run` that knows our tasks alone."""

    def run(*arguments: str, check: bool = True, **changes: str) -> subprocess.CompletedProcess[str]:
        plain = (sys.executable, "-m", "passk_tasks", arguments[0])
        done = subprocess.run(
            [*(our_tasks.RUN if arguments[0] == "our_run" else plain), *arguments[1:]],
            capture_output=True,
            text=True,
            env=environment(**changes),
            timeout=HANG_S,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
