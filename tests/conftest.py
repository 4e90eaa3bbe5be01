"""Stored runs in both of their forms, with whatever counts and conditions a test needs."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import started

from passk_tasks import benchmarks, plugins
from passk_tasks.judging import executor
from passk_tasks.results import store
from passk_tasks.sandbox.cpus import usable_cpus
from passk_tasks.scoring.summary import estimate

# No test depends on the clock. The same examples everywhere: a change that is red here is red for everyone.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

# Files that take longest come first, so that no process waits for another one at the end.
_LONG = (
    *("selfcheck/test_corpus.py", "test_docs.py", "test_documented_commands.py", "sandbox/test_command.py"),
    *("cli/test_score.py", "harness/test_run.py", "harness/test_ranks.py", "judging/test_cluster.py"),
    *("golden/test_golden.py", "sandbox/test_verdicts.py", "sandbox/test_stdio.py", "report/test_browser.py"),
)


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist nobody asks
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes `-n auto` means: one more than CPUs, since tests of limits wait."""
    return usable_cpus() + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the order within a file stays."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


FACTS: dict[str, Any] = {
    "task": "passk_humaneval",
    "task_version": "1.0",
    "problems_total": 164,
    "distinct": 1.0,
    "judge": "isolated",
    "sandbox": {"mode": "strict", "layers": {"seccomp": True}},
    "limits": {"timeout_s": 3.0, "memory_mib": 512, "output_mib": 16, "processes": 64, "backstop": 20.0},
    "dataset": {"source": "embedded", "sha256": "53e6" + "0" * 60},
    "settings": {"extraction": "completion", "judge": "isolated"},
    "warnings": [],
    "passk_tasks": "0.1.0",
    "date": "2026-01-02T03:04:05+00:00",
    "python": "3.12.1",
    "packages": {},
}
GENERATION = {"until": ["\ndef"], "do_sample": True, "temperature": 0.2, "top_p": 0.95, "max_gen_toks": 1024}


def facts_of(counts: Mapping[str, tuple[int, int]], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that both kinds of results hold."""
    fewest, ns = min(n for n, _ in counts.values()), {n for n, _ in counts.values()}
    samples, passed = (sum(nc[i] for nc in counts.values()) for i in (0, 1))
    ks = [k for k in (1, 10) if k <= fewest]
    verdicts = {"passed": passed, "failed": samples - passed}
    return {
        **copy.deepcopy(FACTS),
        "problems": len(counts),
        "coverage": len(counts) / 164,
        "samples": samples,
        "n": ns.pop() if len(ns) == 1 else None,
        "k": ks,
        "k_skipped": [],
        "metrics": {name: one.as_dict() for name, one in estimate(counts, ks).items()},
        "verdicts": {name: count for name, count in verdicts.items() if count},
        **changes,
    }


def outcome(passed: bool) -> dict[str, Any]:
    """Return what is stored of one sample, but for its problem."""
    verdict, detail = ("passed", "") if passed else ("failed", "assert f(1) == 2")
    return {"verdict": verdict, "detail": detail, "extraction": "body", "judge": "isolated"} | {
        "cpu_s": 0.002,
        "wall_s": 0.003,
        "peak_mib": 13.5,
        "program_sha256": "0" * 64,
    }


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[None]:
    """Keep what the sandbox remembers of this host out of the user's own cache.

    What builds of a language rest on is kept in pytest's cache, under a name that says what it was made of.
    """
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
        patch.setenv("XDG_CACHE_HOME", str(folder))
        if getattr(pytestconfig, "cache", None) is not None:  # -p no:cacheprovider
            (folder / "passk-tasks").mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):  # another process of this run was first
                (folder / "passk-tasks" / "toolchains").symlink_to(pytestconfig.cache.mkdir("toolchains"))
        yield


@pytest.fixture(autouse=True, scope="module")
def sandboxes() -> Iterator[None]:
    """End the sandboxes that a file of tests shares."""
    yield
    started.close()


# Modules of tests that look at how sandboxes start and end.
_COLD = {
    *(
        "ahead",
        "batch",
        "beside",
        "cgroups",
        "check",
        "cluster",
        "corpus",
        "cpus",
        "environment",
        "full_disk",
    ),
    *(
        "host",
        "imports",
        "inherited",
        "interpreter",
        "leftovers",
        "load",
        "ordinary_user",
        "packages",
        "probes",
    ),
    *("processes", "remembered", "seccomp", "selftest", "suites", "traces", "without_namespaces"),
}


@pytest.fixture(autouse=True, scope="module")
def warm(request: pytest.FixtureRequest) -> Iterator[None]:
    """Judge in sandboxes that tests before left running."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.stem.removeprefix("test_") not in _COLD:
            patch.setattr(executor, "Sandbox", started.Kept)
        yield


@pytest.fixture(autouse=True, scope="session")
def kept() -> Iterator[None]:
    """End the sandboxes that all tests share."""
    yield
    started.Kept.end()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a distribution without building it: files and metadata, in a folder that Python searches."""
    monkeypatch.setattr(benchmarks, "_families", dict(benchmarks._families))
    modules = set(sys.modules)

    def install(name: str, points: Mapping[str, Mapping[str, str]], files: Mapping[str, str]) -> Path:
        folder = tmp_path / f"site-of-{name}"
        sections = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items())
            for group, named in points.items()
        ]
        metadata = {
            f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{name}-1.0.dist-info/entry_points.txt": "\n".join(sections),
        }
        for path, content in {**metadata, **files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        plugins.declared.cache_clear()
        return folder

    yield install
    plugins.declared.cache_clear()
    for module in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]


@pytest.fixture(scope="session")
def facts() -> Callable[..., dict[str, Any]]:
    """`facts_of`, for the conftest of a folder."""
    return facts_of


@pytest.fixture
def scored() -> Callable[..., Path]:
    """Write what `passk score --out FOLDER` leaves for these (n, c); keyword arguments change its facts."""

    def write(
        folder: Path,
        counts: Mapping[str, tuple[int, int]],
        cluster: Callable[[str], str] | None = None,
        **changes: Any,
    ) -> Path:
        lines = [
            {
                "task_id": task_id,
                "sample": i,
                **outcome(i < c),
                **({"cluster": cluster(task_id)} if cluster else {}),
            }
            for task_id, (n, c) in counts.items()
            for i in range(n)
        ]
        store.write(folder, {"extract": "auto", "inputs": ["x.jsonl"], **facts_of(counts, changes)}, lines)
        return folder

    return write


@pytest.fixture
def evaluated() -> Callable[..., Path]:
    """Write what lm-eval leaves for these (n, c) and return the results file.

    `content` and `config` change the file and the task's configuration in it, `doc` adds columns to a
    problem, all other keyword arguments change the facts.
    """

    def write(
        folder: Path,
        counts: Mapping[str, tuple[int, int]],
        *,
        content: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        doc: Callable[[str], Mapping[str, Any]] = lambda task_id: {},
        prompt: str = "{task_id}",
        date: str = "2026-01-02T03-04-05.678901",
        cluster: Callable[[str], str] | None = None,
        **changes: Any,
    ) -> Path:
        facts = facts_of(counts, {"generation_kwargs": GENERATION, **changes})
        task = facts["task"]
        whole = {
            "results": {task: {}},
            "configs": {
                task: {
                    "task": task,
                    "doc_to_text": "{{prompt}}",
                    "num_fewshot": 0,
                    "metadata": {"version": 1.0, "passk": {}, "passk_results": facts},
                    **(config or {}),
                }
            },
            "n-shot": {task: 0},
            "config": {"model": "hf", "model_args": {"pretrained": "org/model"}},
            "model_name": "org/model",
            "system_instruction": None,
            "system_instruction_sha": None,
            "chat_template": None,
            "chat_template_sha": None,
            **(content or {}),
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"results_{date}.json"
        path.write_text(json.dumps(whole))
        lines = []
        for number, (task_id, (n, c)) in enumerate(counts.items()):
            more = {"cluster": cluster(task_id)} if cluster else {}
            answers = [json.dumps({**outcome(i < c), "text_sha256": f"{i:016x}", **more}) for i in range(n)]
            line = {
                "doc_id": number,
                "doc": {"task_id": task_id, **doc(task_id)},
                # As lm-eval has it: one request with n answers.
                "filtered_resps": [answers],
                "arguments": {"gen_args_0": {"arg_0": prompt.format(task_id=task_id), "arg_1": {}}},
            }
            lines.append(json.dumps(line) + "\n")
        (folder / f"samples_{task}_{date}.jsonl").write_text("".join(lines))
        return path

    return write
