"""Tests of the task YAML of other languages, which a script writes."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks.cli import tasks as command
from passk_tasks.judging.needs import listed
from passk_tasks.tasks import catalog

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "language_tasks.py"


def written() -> dict[str, str]:
    """Return what the script writes."""
    spec = importlib.util.spec_from_file_location("language_tasks", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    content: dict[str, str] = module.files()
    return content


def test_the_files_are_as_the_script_writes_them() -> None:
    """Whoever changes one of them by hand, or adds a family, is told."""
    root = catalog.task_configs_path()
    content = written()
    there = {
        path.relative_to(root).as_posix()
        for name in ("multiple", "humanevalpack")
        for path in (root / name).glob("*.yaml")
    }
    assert there == {relative for relative in content if not relative.startswith("groups/")}
    for relative, text in content.items():
        assert (root / relative).read_text() == text, f"{relative}: run {SCRIPT.name}"


def test_every_family_of_several_languages_has_its_tasks() -> None:
    """Base, chat and n = 200 for MultiPL-E; base and chat for HumanEvalPack; with the protocol's sampling."""
    names = set(catalog.task_names())
    families = [name for name in benchmarks.names() if benchmarks.get(name).variant]
    for family in families:
        assert {f"passk_{family}", f"passk_{family}_instruct"} <= names
        assert (f"passk_{family}_n200" in names) == family.startswith("multiple_")
    base = catalog.load_task("passk_multiple_mbpp_rs")
    many = catalog.load_task("passk_multiple_mbpp_rs_n200")
    assert (base.settings.samples, base.generation_kwargs["temperature"]) == (20, 0.2)
    assert (many.settings.samples, many.settings.k, many.generation_kwargs["temperature"]) == (
        200,
        (1, 10, 100),
        0.8,
    )
    assert {spec.generation_kwargs["max_gen_toks"] for spec in (base, many)} == {1024}


def test_groups_are_over_languages() -> None:
    """Six of the model cards, and all; a language counts once, whatever its number of problems."""
    root = catalog.task_configs_path() / "groups"
    six, every = (catalog.load_yaml(root / f"passk_multiple_{name}.yaml") for name in ("six", "all"))
    assert [name.rpartition("_")[2] for name in six["task"]] == ["cpp", "java", "js", "php", "rs", "sh"]
    assert set(six["task"]) < set(every["task"]) <= set(catalog.task_names())
    assert not six["aggregate_metric_list"][0]["weight_by_size"]


def test_tasks_that_differ_in_the_language_are_one_line() -> None:
    """The list names a task once with all its languages; those that lack something stand apart."""
    base = listed(catalog.load_task("passk_multiple_mbpp_js_instruct"))
    tasks = [
        replace(
            base,
            name=f"passk_multiple_mbpp_{language}_instruct",
            variant=language,
            source=f"hub: nuprl/MultiPL-E, mbpp-{language}",
            description=f"MultiPL-E, MBPP in {language.upper()}, for chat models",
            missing=missing,
        )
        for language, missing in (("d", ()), ("rs", ()), ("js", ("node",)))
    ]
    together, apart = command.folded(tasks)
    assert (together.task.name, together.variants) == ("passk_multiple_mbpp_<lang>_instruct", ["d", "rs"])
    assert together.task.source == "hub: nuprl/MultiPL-E, mbpp-<lang>"
    assert together.task.description == "MultiPL-E, MBPP in <lang>, for chat models"
    assert apart.variants == ["js"]
    (line,) = command.folded(tasks, by_missing=False)
    assert line.variants == ["d", "rs", "js"]
