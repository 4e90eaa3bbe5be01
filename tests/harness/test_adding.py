"""docs/adding-a-benchmark.md, done as it says: its class and its YAML, through lm-eval's own evaluate."""

from __future__ import annotations

import re
import shutil

import hub_layout
import lm_eval
import pytest
from lm_eval.tasks import TaskManager
from support import ROOT, record

from passk_tasks import benchmarks
from passk_tasks.tasks import catalog

DOCUMENT = (ROOT / "docs" / "adding-a-benchmark.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the document's one block of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize(("answer", "score"), [(hub_layout.right, 1.0), (hub_layout.wrong, 0.0)])
def test_the_example_is_all_there_is_to_it(canned, monkeypatch, tmp_path, answer, score) -> None:
    """The class and the YAML of the document make a task that scores right and wrong answers as such."""
    namespace: dict[str, object] = {}
    exec(compile(block("python"), "adding-a-benchmark.md", "exec"), namespace)
    (family,) = (
        value()
        for value in namespace.values()
        if isinstance(value, type) and value.__module__ == "builtins" and hasattr(value, "hub_path")
    )
    monkeypatch.setitem(benchmarks._FAMILIES, family.name, family)

    configs = tmp_path / "task_configs"
    shutil.copytree(catalog.task_configs_path(), configs)
    name = re.search(r"^task: (\w+)$", block("yaml"), flags=re.MULTILINE)[1]
    (path,) = configs.glob(f"**/{name}.yaml")
    path.write_text(f"{block('yaml')}")

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
