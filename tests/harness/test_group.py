"""Tests of the group over the Python benchmarks, through lm-eval's own evaluate."""

from __future__ import annotations

import json

import hub_layout
import pytest

from passk_tasks import benchmarks
from passk_tasks.tasks import catalog

TREE = catalog.load_yaml(catalog.task_configs_path() / "groups" / "passk_python.yaml")


def test_one_task_a_benchmark() -> None:
    """Every member is a task, and no benchmark counts twice."""
    families = [catalog.load_task(name).settings.benchmark for name in TREE["task"]]
    assert len(families) == len(set(families))
    assert all(1 in catalog.load_task(name).settings.k for name in TREE["task"])


def test_the_mean_is_weighted_by_size(evaluate, canned, tmp_path, monkeypatch) -> None:
    """pass@1 of the group is the mean over all problems, not over its tasks."""
    # One place for each benchmark: --metadata is the same for all members of a group.
    from passk_tasks.benchmarks import hub

    def read(path, name, split, **_):
        found = {"evalplus/humanevalplus": "humaneval_plus", "evalplus/mbppplus": "mbpp_plus"}
        found |= {"google-research-datasets/mbpp": "mbpp", "cruxeval-org/cruxeval": "cruxeval_output"}
        return hub_layout.rows(found[path])

    def download(path, names, _revision=None):
        assert path.startswith("evoeval/")
        lines = [json.dumps(row) + "\n" for row in hub_layout.rows("evoeval_subtle")]
        (tmp_path / names[0]).write_text("".join(lines))
        return tmp_path

    monkeypatch.setattr(hub, "read", read)
    monkeypatch.setattr(hub, "download", download)
    for name in {catalog.load_task(name).settings.benchmark for name in TREE["task"]}:  # no published rows
        monkeypatch.setattr(type(benchmarks.get(name)), "sha256", None)
    solved = {"EvoEval/1"}
    model = canned(lambda doc, _: (hub_layout.right if doc["task_id"] in solved else hub_layout.wrong)(doc))
    found = evaluate(
        model,
        "passk_python",
        limit=3,
        metadata={"passk.samples": 1, "passk.k": 1},
        gen_kwargs={"do_sample": False},
    )
    # lm-eval 0.5 puts the group's name before those of its members.
    results = {name.rpartition("::")[2]: values for name, values in found["results"].items()}
    counted = {name.rpartition("::")[2]: number for name, number in found["n-samples"].items()}
    assert set(TREE["task"]) <= set(results)
    sizes = {name: counted[name]["effective"] for name in TREE["task"]}
    assert len(set(sizes.values())) > 1
    passed = sum(results[name]["pass@1,none"] * size for name, size in sizes.items())
    assert passed == pytest.approx(7)
    group = found["groups"]["passk_python"]
    assert group["pass@1,none"] == pytest.approx(passed / sum(sizes.values()))
    assert group["pass@1,none"] != pytest.approx(sum(results[n]["pass@1,none"] for n in sizes) / len(sizes))
    assert group["pass@1_stderr,none"] > 0
