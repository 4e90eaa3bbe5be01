"""docs/adding-a-benchmark.md, done as it says: its package is built, installed and run; its class too."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import hub_layout
import lm_eval
import pytest
from lm_eval.tasks import TaskManager
from support import ROOT, environment, logged, outcomes, record, results

from passk_tasks import benchmarks
from passk_tasks.tasks import catalog

pytestmark = pytest.mark.whole

DOCUMENT = (ROOT / "docs" / "adding-a-benchmark.md").read_text(encoding="utf-8")
OUTSIDE, INSIDE = DOCUMENT.split("\n## In this package\n")


def block(text: str, language: str) -> str:
    """Return the one block of a language in a part of the document."""
    (content,) = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return content


def files() -> dict[str, str]:
    """Return the files of the document's package, each named in the line above its block."""
    named = re.findall(r"^`([\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```$", OUTSIDE, flags=re.MULTILINE | re.DOTALL)
    return dict(named)


def run(line: str, folder: Path) -> str:
    """Return what a command prints beside the installed package; it must succeed."""
    paths = {
        "PATH": os.pathsep.join([str(folder.with_name("bin")), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(folder.with_name("site-packages")), str(ROOT)]),
        "PYTHONSAFEPATH": "1",
        "XDG_STATE_HOME": str(folder.with_name("state")),
    }
    done = subprocess.run(
        ["bash", "-euc", line], cwd=folder, capture_output=True, text=True, env=environment(**paths)
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the document's package, where its commands have run; what they printed is there too."""
    folder = tmp_path_factory.mktemp("package") / "sums"
    for path, content in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    commands = folder.with_name("bin")
    commands.mkdir()
    site = shlex.quote(str(folder.with_name("site-packages")))
    offline = f"--quiet --no-build-isolation --no-deps --no-index --target {site}"
    for name, module, more in (
        ("pip", "pip", offline),
        ("passk", "passk_tasks", ""),
        ("lm-eval", "lm_eval", ""),
    ):
        (commands / name).write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@" {more}\n', encoding="utf-8"
        )
        (commands / name).chmod(0o755)
    for number, line in enumerate(block(OUTSIDE, "sh").splitlines()):
        done = run(line, folder)
        (folder / f"output-{number}-{shlex.split(line)[1]}").write_text(done, encoding="utf-8")
    return folder


def output(folder: Path, command: str) -> str:
    """Return what the one command of that name has printed."""
    (path,) = folder.glob(f"output-*-{command}")
    return path.read_text(encoding="utf-8")


def test_a_package_of_ones_own_is_built_and_installed(folder: Path) -> None:
    """The wheel has module, problems and YAML, and `passk tasks` lists its task and its family."""
    site = folder.with_name("site-packages")
    inside = {path.removeprefix("passk_sums/") for path in files() if path.startswith("passk_sums/")}
    assert inside == {"__init__.py", "problems.jsonl", "task_configs/sums_greedy.yaml"}
    assert all((site / "passk_sums" / path).is_file() for path in inside)
    listed = output(folder, "tasks")
    assert "\n  sums_greedy " in listed
    assert "benchmarks of other packages: sums (passk-sums 1.0)" in listed


def test_its_samples_are_scored_and_its_tests_audited(folder: Path) -> None:
    """`passk score` finds one of the two answers right; `passk audit` finds both references right."""
    scored = json.loads((folder / "scored" / "results.json").read_text(encoding="utf-8"))
    assert (scored["metrics"]["pass@1"]["value"], scored["problems"]) == (0.5, 2)
    assert re.search(r"references that pass +2 of 2\n", output(folder, "audit"))


CURIOUS = """    import sys
    for folder in sys.path:
        try:
            open(folder + "/passk_sums/problems.jsonl").read()
        except OSError:
            continue
        return None
    return 2 * x
"""


def test_candidates_cannot_read_it(folder: Path) -> None:
    """No candidate reads the package's files, which hold the answers, wherever it looks for them."""
    line = json.dumps({"task_id": "sums/1", "completion": CURIOUS})
    (folder / "curious.jsonl").write_text(line, encoding="utf-8")
    scored = json.loads(run("passk score curious.jsonl --task sums_greedy --json", folder))
    assert scored["packages"]["passk-sums"] == "1.0"
    assert scored["verdicts"] == {"passed": 1}


def test_its_run_through_lm_eval_is_reported_and_exported(folder: Path) -> None:
    """`passk run` has the same score and programs, which the report shows and the export proves."""
    found = results(folder / "runs")
    assert found["results"]["sums_greedy"]["pass@1,none"] == 0.5
    assert record(found, "sums_greedy")["settings"]["benchmark"] == "sums"
    lines = (folder / "scored" / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    judged = [outcomes(line)[0]["program_sha256"] for line in logged(folder / "runs", "sums_greedy")]
    assert judged == [json.loads(line)["program_sha256"] for line in lines]
    assert 'data-q="sums/1 double"' in (folder / "report.html").read_text(encoding="utf-8")
    (exported,) = (folder / "export").glob("**/*_samples.jsonl")
    assert "return x + 2" in exported.read_text(encoding="utf-8")


def test_lm_eval_itself_runs_its_task(folder: Path) -> None:
    """Plain lm-eval finds the task by --include_path and the family by its entry point."""
    shown = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("output-*-run"))]
    assert [text.split(" ", 1)[0] for text in shown] == ["replay", "dummy"]
    assert all("|sums_greedy|" in text for text in shown)


def test_the_names_for_other_packages_exist() -> None:
    """Each name in the table of what other packages may use can be imported from its module."""
    rows = re.findall(r"^\| `(passk_tasks[\w.]*)` \| (.*) \|$", OUTSIDE, flags=re.MULTILINE)
    assert len(rows) == 9
    for module, cell in rows:
        for name in re.findall(r"`(\w+)`", cell):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize(("answer", "score"), [(hub_layout.right, 1.0), (hub_layout.wrong, 0.0)])
def test_the_example_is_all_there_is_to_it(canned, monkeypatch, tmp_path, answer, score) -> None:
    """The class and the YAML of the document make a task that scores right and wrong answers as such."""
    namespace: dict[str, object] = {}
    exec(compile(block(INSIDE, "python"), "adding-a-benchmark.md", "exec"), namespace)
    (family,) = (
        value()
        for value in namespace.values()
        if isinstance(value, type) and value.__module__ == "builtins" and hasattr(value, "hub_path")
    )
    monkeypatch.setitem(benchmarks._families, family.name, family)

    configs = tmp_path / "task_configs"
    shutil.copytree(catalog.task_configs_path(), configs)
    name = re.search(r"^task: (\w+)$", block(INSIDE, "yaml"), flags=re.MULTILINE)[1]
    (path,) = configs.glob(f"**/{name}.yaml")
    path.write_text(block(INSIDE, "yaml"), encoding="utf-8")

    folder = hub_layout.folder(family.name, tmp_path / "hub")
    manager = TaskManager(
        include_path=str(configs), include_defaults=False, metadata={"passk.data_files": str(folder)}
    )
    found = lm_eval.simple_evaluate(
        model=canned(lambda doc, _: answer(doc)),
        tasks=[name],
        task_manager=manager,
        confirm_run_unsafe_code=True,
        bootstrap_iters=1,
    )
    assert found["results"][name]["pass@1,none"] == score
    assert record(found, name)["settings"]["benchmark"] == family.name
    assert type(family).__module__ == "builtins"  # it is the document's class that ran


def test_what_it_names_exists() -> None:
    """Files and names that the document speaks of are there."""
    for path in re.findall(r"`((?:passk_tasks|tests|task_configs)/[\w/.]+)`", DOCUMENT):
        assert (ROOT / path).exists(), path
    assert hasattr(benchmarks, "_CLASSES")
