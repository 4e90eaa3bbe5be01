"""Which condition moved the number."""

from __future__ import annotations

import json

import numpy as np
import pytest

from passk_tasks import api
from passk_tasks.cli.app import main
from passk_tasks.errors import UsageError
from passk_tasks.factors import attribute, changed
from passk_tasks.statistics.factors import effects
from passk_tasks.statistics.metrics import Metric

GENERATION = {"until": ["\ndef"], "do_sample": True, "temperature": 0.2, "top_p": 0.95, "max_gen_toks": 1024}
WARM = {"generation_kwargs": {**GENERATION, "temperature": 0.8}}


def counts(c, n=10):
    """(n, c) of problems."""
    return {f"HumanEval/{i}": (n, correct) for i, correct in enumerate(c)}


@pytest.fixture
def stored(tmp_path, evaluated):
    """Runs of these counts and changes, in folders by number, loaded."""

    def build(*runs):
        for number, (c, changes) in enumerate(runs):
            date = f"2026-01-{number + 1:02d}T03-04-05.678901"
            evaluated(tmp_path / str(number), counts(c), date=date, **changes)
        return api.load_runs([tmp_path / str(number) for number in range(len(runs))])

    return build


LOW, HIGH = [1, 2, 0, 3, 1, 0, 2, 4] * 3, [4, 6, 3, 7, 5, 2, 6, 9] * 3


def test_the_condition_that_did_it_is_named(stored):
    """The temperature moved it, the time limit did not, and the sentence says so."""
    limits = {"timeout_s": 9.0, "memory_mib": 512, "output_mib": 16, "processes": 64}
    found = attribute(stored((LOW, {}), (HIGH, WARM), (LOW, {"limits": limits})))
    first, second = found.effects
    assert (first.factors, first.before, first.after, first.kinds) == (
        ("temperature",), (0.2,), (0.8,), ("decoding",),
    )  # fmt: skip
    assert first.apart
    assert first.difference.value == pytest.approx(np.mean(np.subtract(HIGH, LOW)) / 10)
    assert (second.factors, second.kinds, second.apart) == (("limits.timeout_s",), ("tooling",), False)
    assert found.conclusion == (
        "Beyond noise in pass@1: decoding: temperature (A → B) +0.3625. "
        "No effect is shown of limits.timeout_s."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"content": {"system_instruction": "Be right."}, "prompt": "Be right. {task_id}"},
         "system_instruction none → Be right."),
        ({"config": {"doc_to_text": "Think.\n{{prompt}}"}, "prompt": "Think. {task_id}"}, "prompt"),
        ({"prompt": "With other examples: {task_id}"}, "prompt"),
        ({"content": {"n-shot": {"passk_humaneval": 3}}, "prompt": "3 {task_id}"}, "fewshot 0 → 3"),
        ({"packages": {"numpy": "2.1"}}, "packages (numpy not there → 2.1)"),
        ({"generation_kwargs": {**GENERATION, "until": []}}, 'stops ["\\ndef"] → []'),
        ({"judge": "script", "limits": {"timeout_s": 3.0, "whole_s": 6, "memory_mib": 512, "output_mib": 16,
          "processes": 64}}, "judge isolated → script"),
    ],
)  # fmt: skip
def test_one_change_is_one_effect(stored, changes, words):
    """What follows from a change, as the prompt that was sent or the time for all calls, is no other."""
    (effect,) = attribute(stored((LOW, {}), (HIGH, changes))).effects
    assert effect.words.startswith(words)
    assert len(effect.factors) == 1


def test_many_packages_are_a_number():
    """Three packages are named with their versions, more are counted."""
    four = dict.fromkeys("abcd", "1")
    assert changed("packages", four, {"a": "2"}) == "packages (4 differ)"
    assert changed("packages", {"a": "1", "b": "1"}, {"a": "2", "b": "1"}) == "packages (a 1 → 2)"


def test_confounded_conditions_stand_in_one_row(stored, tmp_path, capsys):
    """A temperature that came with a judge: one effect of both, and a sentence that names them."""
    stored((LOW, {}), (HIGH, {**WARM, "judge": "script"}))
    assert main(["factors", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "judge isolated → script with temperature 0.2 → 0.8" in shown
    assert "Only ever changed together, so not to be told apart: judge, temperature." in shown
    assert main(["factors", str(tmp_path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["only_together"] == [["judge", "temperature"]]
    assert result["effects"][0]["factors"] == ["judge", "temperature"]


def test_a_change_that_depends_on_another_is_named(stored):
    """A temperature that helps one stop list and harms another has no one effect, and that is said."""
    other = {"generation_kwargs": {**GENERATION, "until": []}}
    warm = {"generation_kwargs": {**GENERATION, "until": [], "temperature": 0.8}}
    found = attribute(stored((LOW, {}), (HIGH, WARM), (HIGH, other), (LOW, warm)))
    effect = next(one for one in found.effects if one.factors == ("temperature",))
    assert (effect.uneven, effect.difference.value) == (True, 0)
    assert effect.by_pair == pytest.approx((0.3625, -0.3625))
    assert (
        "temperature 0.2 → 0.8 does not do the same everywhere: A → B +0.3625, C → D -0.3625." in found.notes
    )


def test_repeats_that_differ_are_named(stored, tmp_path, capsys):
    """Two runs of the same conditions that are far apart: something that is not recorded changed."""
    stored((LOW, {}), (HIGH, {}))
    assert main(["factors", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "A, B have the same conditions and are averaged" in shown
    assert "A and B have the same conditions and differ beyond noise: +0.3625" in shown


def test_any_metric_over_the_problems_in_common(stored):
    """pass@10 of the problems that all runs have; a budget beyond n is refused by name."""
    runs = stored((LOW, {}), (HIGH[:12], WARM))
    found = api.attribute_runs(runs, "pass@10")
    assert (found.metric, len(found.problems), found.left_out) == (Metric("pass@K", 10), 12, 12)
    with pytest.raises(UsageError, match="pass@20 needs 20 samples"):
        api.attribute_runs(runs, "pass@20")


def test_one_run_has_no_effects(stored, tmp_path, capsys):
    """One run, and runs without a common problem, are a line of an error."""
    stored((LOW, {}))
    assert main(["factors", str(tmp_path)]) == 2
    assert "at least two" in capsys.readouterr().err


def null_runs(rng, problems, n, levels):
    """Scores of a baseline and of `levels` runs that differ from it in one condition each, without effect."""
    rates = rng.beta(0.4, 0.6, problems)
    return [rng.binomial(n, rates) / n for _ in range(levels + 1)]


def test_a_factor_without_effect_is_rarely_called_one():
    """Five factors that do nothing: in 200 repetitions any is called one in at most 5 %, up to chance.

    `bench/factor_power.py` has the table; 18 of 200 is what 5 % stays below with 99 % certainty.
    """
    rng = np.random.default_rng(20261129)
    called = 0
    for _ in range(200):
        found = effects(null_runs(rng, 50, 8, 5), [[(0, i)] for i in range(1, 6)], grid=8)
        called += any(p < 0.05 for _, p in found)
    assert called <= 18
