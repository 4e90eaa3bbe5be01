"""What differs between runs: changed alone, changed together, or only since something else did."""

from __future__ import annotations

import pytest

from passk_tasks.results.changes import DECODING, MODEL, PROMPT, TOOLING, Changes, kind

BASE = {
    "model": "m",
    "task": "t",
    "version": "1.0",
    "prompt": "{{prompt}}",
    "fewshot": 0,
    "chat_template": "none",
    "system_instruction": "none",
    "temperature": 0.2,
    "sampling.top_p": 0.95,
    "stops": ["\ndef"],
    "extraction": "completion",
    "judge": "isolated",
    "limits.timeout_s": 3.0,
    "packages": {"numpy": "2.0"},
}


def runs(*changes):
    """Runs that are `BASE` but for these."""
    return [BASE | changed for changed in changes]


def found(*changes):
    """(factors, pairs) of each change between these runs."""
    return [(one.factors, one.pairs) for one in Changes(runs(*changes)).found()]


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, value in BASE.items() if name != "chat_template"],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_condition_alone_is_found(name, value):
    """Two runs that differ in one condition, whichever, show its effect."""
    assert found({}, {name: f"another {value}"}) == [((name,), ((0, 1),))]


def test_values_are_set_against_the_first():
    """Three temperatures are two changes, both from that of the first run."""
    assert found({}, {"temperature": 0.8}, {"temperature": 1.0}) == [
        (("temperature",), ((0, 1),)),
        (("temperature",), ((0, 2),)),
    ]


def test_the_same_change_elsewhere_is_the_same_effect():
    """Both stop lists show what the temperature does: one change, two pairs, one direction."""
    stops = {"stops": ["\n#"]}
    assert found({}, {"temperature": 0.8}, {**stops, "temperature": 0.8}, stops) == [
        (("temperature",), ((0, 1), (3, 2))),
        (("stops",), ((0, 3), (1, 2))),
    ]


def test_what_only_changed_together_is_one_change():
    """A stop list that came with a temperature has no effect of its own."""
    changes = Changes(runs({}, {"temperature": 0.8, "stops": []}, {"judge": "script"}))
    assert [one.factors for one in changes.found()] == [("stops", "temperature"), ("judge",)]
    assert changes.together() == (("stops", "temperature"),)
    assert changes.never_alone() == {}


def test_what_changed_alone_elsewhere_explains_its_part():
    """The judge changed alone in one pair, the stop list only with it: that is said by name."""
    changes = Changes(runs({}, {"judge": "script"}, {"judge": "other", "stops": []}))
    assert [one.factors for one in changes.found()] == [("judge",), ("judge", "stops")]
    assert changes.together() == ()
    assert changes.never_alone() == {"stops": ("judge",)}


def test_of_larger_changes_only_the_smallest_count():
    """Where each of two changed alone, runs in which both changed say nothing more."""
    assert found(
        {}, {"judge": "script"}, {"judge": "script", "stops": []}, {"stops": []}, {"judge": "x"}
    ) == [
        (("judge",), ((0, 1), (3, 2))),
        (("stops",), ((0, 3), (1, 2))),
        (("judge",), ((0, 4),)),
    ]
    shown = found({}, {"judge": "a", "stops": []}, {"judge": "b", "stops": ["x"], "extraction": "answer"})
    assert [factors for factors, _ in shown] == [("judge", "stops"), ("extraction", "judge", "stops")]


def test_repeats_are_no_change():
    """Runs of the same conditions are repeats, and each serves for every change."""
    changes = Changes(runs({}, {}, {"temperature": 0.8}))
    assert changes.repeats() == ((0, 1),)
    assert [(one.factors, one.pairs) for one in changes.found()] == [(("temperature",), ((0, 2), (1, 2)))]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"task": "mine", "prompt": "Solve: {{prompt}}"}, ("prompt",)),
        ({"task": "mine", "version": "7"}, ("task",)),
        ({"temperature": 0, "sampling.top_p": None}, ("temperature",)),
        ({"model": "n", "chat_template": "none"}, ("model",)),
    ],
)
def test_what_follows_from_a_change_is_no_other(changed, names):
    """A task's name follows from what it changes, and what is drawn of nothing is no condition."""
    assert [one.factors for one in Changes(runs({}, changed)).found()] == ([names])


def test_a_model_brings_its_own_template():
    """Another model has another chat template; a template where there was none is somebody's choice."""
    first = {"chat_template": "<m>"}
    assert Changes(runs(first, {"model": "n", "chat_template": "<n>"})).found()[0].factors == ("model",)
    chosen = Changes(runs({}, {"model": "n", "chat_template": "<n>"})).found()
    assert chosen[0].factors == ("chat_template", "model")


def test_what_one_run_did_not_record_may_have_changed():
    """The change is shown with the name of what is not known; a pair where all is known goes first."""
    (only,) = Changes(runs({}, {"temperature": 0.8, "stops": None})).found()
    assert (only.factors, only.unknown) == (("temperature",), ("stops",))
    changes = Changes(runs({}, {"temperature": 0.8, "stops": None}, {"temperature": 0.8}))
    assert [(one.pairs, one.unknown) for one in changes.found()] == [(((0, 2),), ())]
    assert changes.unrecorded() == ("stops",)
    assert changes.repeats() == ()


def test_every_condition_has_a_kind():
    """Parts of a condition are of its kind, and what has no other is tooling."""
    assert [kind(name) for name in ("prompt", "sampling.top_p", "limits.timeout_s", "model", "python")] == [
        PROMPT, DECODING, TOOLING, MODEL, TOOLING,
    ]  # fmt: skip
