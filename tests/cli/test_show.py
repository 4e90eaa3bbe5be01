from __future__ import annotations

import json

import pytest

from passk_tasks.cli import main
from passk_tasks.statistics.estimators import pass_hat_k

COUNTS = {f"HumanEval/{i}": (8, c) for i, c in enumerate((0, 1, 8, 4, 4, 3))}


@pytest.fixture
def folder(tmp_path, scored):
    """A stored run."""
    return str(scored(tmp_path / "run", COUNTS))


def test_the_run_s_own_metrics_are_shown_again(folder, capsys):
    """Without options the table is the one that the run ended with."""
    assert main(["show", folder]) == 0
    out = capsys.readouterr().out
    assert "passk_humaneval: 6 of 164 problems, 48 samples (n = 8)" in out
    assert "  pass@1  0.4167 " in out
    assert "over problems" in out
    assert "over samples" in out


def test_other_metrics_stand_beside_pass_at_1(folder, capsys):
    """Whatever is asked for, pass@1 comes first; the names are those of the papers."""
    asked = ["--k", "5", "--metrics", "pass^2,g-pass@4_0.5,mg-pass@4"]
    assert main(["show", folder, "--json", *asked]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]
    assert list(found) == ["pass@1", "pass@5", "pass^2", "g-pass@4_0.5", "mg-pass@4"]
    hat = pass_hat_k(8, [c for _, c in COUNTS.values()], 2)
    assert found["pass^2"]["value"] == pytest.approx(hat.mean())
    assert found["pass@5"]["over_samples"]["method"] == "over-samples-bound"
    assert found["pass^2"]["over_samples"]["method"] == "over-samples"
    assert main(["show", folder, *asked]) == 0
    out = capsys.readouterr().out
    assert out.index("pass@1 ") < out.index("pass@5 ") < out.index("pass^2 ")
    assert "≤ bound" in out


def test_clusters_are_named_by_a_column(tmp_path, evaluated, capsys):
    """Problems of one source widen what holds over problems, and leave what holds over samples."""
    path = str(evaluated(tmp_path, COUNTS, doc=lambda task_id: {"source": int(task_id[-1]) // 2}))
    main(["show", path, "--json"])
    alone = json.loads(capsys.readouterr().out)["metrics"]["pass@1"]
    assert main(["show", path, "--json", "--cluster", "source"]) == 0
    together = json.loads(capsys.readouterr().out)["metrics"]["pass@1"]
    assert together["over_problems"]["method"] == "over-problems-clustered"
    assert together["over_problems"]["se"] != alone["over_problems"]["se"]
    assert together["over_samples"] == alone["over_samples"]


@pytest.mark.parametrize("kind", ["evaluated", "scored"])
def test_clusters_of_the_benchmark_need_no_asking(tmp_path, request, capsys, kind):
    """Where the run says what its problems share, standard errors are clustered, unless that is unwanted."""
    path = str(
        request.getfixturevalue(kind)(
            tmp_path, COUNTS, cluster=lambda task_id: f"source {int(task_id[-1]) // 2}"
        )
    )
    methods = {}
    for name, command in {
        "show": ["show"],
        "none": ["show", "--cluster", "none"],
        "curve": ["curve"],
    }.items():
        assert main([*command, path, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        methods[name] = (found["points"][0] if name == "curve" else found["metrics"]["pass@1"])[
            "over_problems"
        ]["method"]
    assert methods == {
        "show": "over-problems-clustered",
        "none": "over-problems",
        "curve": "over-problems-clustered",
    }


def test_a_budget_beyond_n_names_the_problem(folder, capsys):
    """There is no pass@9 of 8 samples."""
    assert main(["show", folder, "--k", "9"]) == 2
    assert "pass@9 needs 9 samples of each problem, but HumanEval/0 has 8" in capsys.readouterr().err


def test_a_folder_of_several_runs_lists_them(tmp_path, scored, capsys):
    """One run is shown; where there are several, the message has their files."""
    scored(tmp_path / "a", COUNTS)
    scored(tmp_path / "b", COUNTS, task="other")
    assert main(["show", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "a/results.json (passk_humaneval)" in message
    assert "b/results.json (other)" in message
    assert main(["show", str(tmp_path), "--task", "other"]) == 0
