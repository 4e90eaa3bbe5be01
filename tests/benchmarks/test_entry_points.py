"""Families and tasks of other packages, from their entry points."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from passk_tasks import benchmarks, plugins
from passk_tasks.cli.app import main
from passk_tasks.errors import UsageError
from passk_tasks.plugins import FAMILIES, TASKS
from passk_tasks.tasks import catalog

Install = Callable[..., Path]

FAMILY = """
from passk_tasks.benchmarks.humaneval import HumanEval

class Sums(HumanEval):
    name = "sums"
    sha256 = None
"""
TASK = """
task: {name}
class: !function passk_tasks.harness.task.PasskTask
generation_kwargs: {{until: []}}
metadata: {{passk: {{benchmark: {benchmark}}}}}
"""


def task_file(name: str, benchmark: str = "humaneval") -> str:
    """A task's YAML."""
    return TASK.format(name=name, benchmark=benchmark)


def refusal(name: str) -> str:
    """What a person is told who asks for a family."""
    with pytest.raises(UsageError) as raised:
        benchmarks.get(name)
    return str(raised.value)


def test_a_family_is_imported_when_it_is_asked_for(package: Install) -> None:
    """The names of all families are known before; one instance serves everyone."""
    package("sums-tasks", {FAMILIES: {"sums": "its_sums:Sums"}}, {"its_sums.py": FAMILY})
    assert "sums" in benchmarks.names()
    assert benchmarks.get("humaneval").name == "humaneval"
    assert "did you mean 'sums'" in refusal("sumz")
    assert "its_sums" not in sys.modules
    assert "sums" not in {family.name for family in benchmarks.imported()}
    assert benchmarks.get("sums") is benchmarks.get("sums")
    assert "its_sums" in sys.modules
    assert "sums" in {family.name for family in benchmarks.imported()}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "cannot be imported: ModuleNotFoundError: No module named 'its_sums'"),
        ("import gone_astray", "cannot be imported: ModuleNotFoundError: No module named 'gone_astray'"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(7)", "cannot be imported: SystemExit: 7"),
        ("", "cannot be imported: AttributeError: module 'its_sums' has no attribute 'Sums'"),
        ("Sums = 1", "is no subclass of passk_tasks.benchmarks.Benchmark"),
        ("class Sums: name = 'sums'", "is no subclass of passk_tasks.benchmarks.Benchmark"),
        (
            "from passk_tasks.benchmarks import Benchmark\n"
            "class Sums(Benchmark):\n    name, hub_path, hub_name = 'sums', '', None\n"
            "    def problem(self, row): ...\n",
            "lacks split, columns, canonical, program; passk_tasks/benchmarks/base.py says what they are",
        ),
        (
            FAMILY.replace('"sums"', '"totals"'),
            "calls itself 'totals'; entry point and class must have one name",
        ),
    ],
)
def test_a_family_that_cannot_be_used_is_named_with_its_package(
    package: Install, source: str | None, reason: str
) -> None:
    """The message has the family, the distribution, the class and the reason; other families work."""
    files = {} if source is None else {"its_sums.py": source}
    package("sums-tasks", {FAMILIES: {"sums": "its_sums:Sums"}}, files)
    assert benchmarks.get("mbpp").name == "mbpp"
    assert refusal("sums").startswith(f"the benchmark 'sums' of sums-tasks 1.0: its_sums:Sums {reason}")


def test_a_name_that_two_packages_give_is_refused(package: Install) -> None:
    """Neither of them is imported, and both are named."""
    package("sums-tasks", {FAMILIES: {"sums": "its_sums:Sums"}}, {"its_sums.py": FAMILY})
    package("more-sums", {FAMILIES: {"sums": "more_sums:Sums"}}, {"more_sums.py": FAMILY})
    told = refusal("sums")
    assert told.startswith("the benchmark 'sums' comes from more-sums 1.0 and from sums-tasks 1.0, so its")
    assert not {"its_sums", "more_sums"} & set(sys.modules)


def test_a_name_that_hides_one_of_ours_is_refused(package: Install) -> None:
    """A score of humaneval is that of our family, or there is none."""
    package("sly-tasks", {FAMILIES: {"humaneval": "sly:Sums"}}, {"sly.py": FAMILY})
    assert "comes from passk-tasks and from sly-tasks 1.0" in refusal("humaneval")


def test_without_its_package_a_family_is_missed(package: Install) -> None:
    """A run of a family whose package is not installed any more says what is needed."""
    assert refusal("sums").endswith("if another package brings it, install that package")


def test_tasks_of_a_package_are_found(package: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """Its YAML is listed and loaded like ours without an import, and `passk path` names its folder."""
    site = package(
        "sums-tasks",
        {FAMILIES: {"sums": "its.sums:Sums"}, TASKS: {"sums": "its.sums.task_configs"}},
        {
            "its/__init__.py": "",
            "its/sums/__init__.py": FAMILY,
            "its/sums/task_configs/a/sums_greedy.yaml": task_file("sums_greedy", "sums"),
        },
    )
    assert "sums_greedy" in catalog.task_names()
    assert catalog.load_task("sums_greedy").settings.benchmark == "sums"
    assert main(["path", "sums_greedy"]) == 0
    assert main(["path", "passk_humaneval"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [str(site / "its" / "sums" / "task_configs"), str(catalog.task_configs_path())]
    with pytest.raises(UsageError, match="did you mean 'sums_greedy'"):
        catalog.load_task("sums_greed")
    assert plugins.packages() == {"its"}
    assert "its" not in sys.modules


def test_passk_tasks_names_what_packages_bring(package: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """Each family of a package is listed with it, those without a task too, and tasks beside ours."""
    package(
        "sums-tasks",
        {
            FAMILIES: {"sums": "its_sums:Sums", "products": "its_products:Products"},
            TASKS: {"sums": "its_sums.task_configs"},
        },
        {"its_sums/__init__.py": FAMILY, "its_sums/task_configs/t.yaml": task_file("sums_greedy", "sums")},
    )
    assert main(["tasks"]) == 0
    shown = capsys.readouterr().out
    assert "\nsums, installed with its_sums; judge: isolated\nmissing: nothing\n  sums_greedy " in shown
    assert shown.endswith(
        "\nbenchmarks of other packages: products (sums-tasks 1.0), sums (sums-tasks 1.0)\n"
    )
    assert main(["tasks", "--json"]) == 0
    assert "sums_greedy" in {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_a_folder_of_tasks_that_does_not_exist_is_named(package: Install) -> None:
    """A package whose declared folder is missing is named, with the entry point's group."""
    package("sums-tasks", {TASKS: {"sums": "its_sums.task_confgis"}}, {"its_sums/__init__.py": ""})
    with pytest.raises(
        UsageError, match=r"sums-tasks 1\.0 declares a folder of tasks, its_sums\.task_confgis"
    ):
        catalog.task_names()
    package("more-sums", {TASKS: {"sums": "nowhere.task_configs"}}, {})
    with pytest.raises(UsageError, match=r"more-sums 1\.0 declares a folder of tasks, nowhere\.task_configs"):
        catalog.load_task("passk_humaneval")


def test_a_task_that_hides_one_of_ours_is_refused(package: Install) -> None:
    """Two files with a task of one name are both named."""
    files = {"its_sums/__init__.py": "", "its_sums/task_configs/t.yaml": task_file("passk_humaneval")}
    package("sums-tasks", {TASKS: {"sums": "its_sums.task_configs"}}, files)
    with pytest.raises(UsageError, match=r"its_sums/.*t\.yaml: the task 'passk_humaneval' is already in .*"):
        catalog.load_task("passk_humaneval")
