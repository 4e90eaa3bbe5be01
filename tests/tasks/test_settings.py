"""Tests of passk_tasks.tasks.settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.errors import SettingsError
from passk_tasks.program import Judge, Limits
from passk_tasks.tasks.settings import Settings, from_metadata

WHERE = "task passk_x"

budgets = st.lists(st.integers(1, 10_000), min_size=1, max_size=6)

settings = st.builds(
    Settings,
    benchmark=st.sampled_from(["humaneval", "mbpp"]),
    samples=st.integers(1, 10_000),
    k=budgets.map(tuple),
    judge=st.sampled_from(Judge),
    extraction=st.sampled_from(["completion", "answer", "verbatim"]),
    dataset=st.sampled_from(["embedded", "hub"]),
    data_files=st.none() | st.text(min_size=1),
    timeout_s=st.floats(0.05, 86_400),
    memory_mib=st.integers(64, 1 << 20),
    output_mib=st.integers(1, 1 << 16),
    processes=st.integers(1, 4096),
    workers=st.integers(0, 512),
    sandbox=st.sampled_from(["strict", "rlimits"]),
    seeds=st.sampled_from(["same", "distinct"]),
    journal=st.none() | st.text(min_size=1),
)


@given(settings)
def test_round_trip(original: Settings) -> None:
    """What `as_dict` gives survives JSON and parses back to equal settings."""
    stored = json.loads(json.dumps(original.as_dict()))
    assert Settings.parse(stored, where=WHERE) == original


@given(budgets)
def test_k_is_a_set_in_order(ks: list[int]) -> None:
    """However k is written, it comes out ascending and without repetition."""
    expected = tuple(sorted(set(ks)))
    as_text = ",".join(map(str, ks))
    for value in (ks, tuple(ks), as_text, f"[{as_text}]", f" {as_text.replace(',', ', ')} "):
        assert Settings.parse({"k": value}, where=WHERE).k == expected
    assert Settings(k=tuple(ks)).budgets == tuple(sorted({1, *ks}))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("k", 10, (10,)),
        ("k", "10", (10,)),
        ("samples", "20", 20),
        ("samples", 20.0, 20),
        ("timeout_s", "2.5", 2.5),
        ("timeout_s", 2, 2.0),
        ("memory_mib", "2048", 2048),
        ("workers", "0", 0),
        ("judge", "script", Judge.SCRIPT),
        ("judge", Judge.SCRIPT, Judge.SCRIPT),
        ("sandbox", "rlimits", "rlimits"),
        ("data_files", "rows.jsonl", "rows.jsonl"),
        ("data_files", Path("rows.jsonl"), "rows.jsonl"),
        ("data_files", None, None),
        ("journal", "", None),
    ],
)
def test_values_from_yaml_and_command_line(name: str, value: object, expected: object) -> None:
    """YAML values and the text of a command line become the setting's own type."""
    got = getattr(Settings.parse({name: value}, where=WHERE), name)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("k", 0, "at least 1"),
        ("k", [1, -10], "at least 1"),
        ("k", [], "at least 1"),
        ("k", "", "at least 1"),
        ("k", "1,,10", "whole numbers"),
        ("k", [1.5], "whole numbers"),
        ("k", [True], "whole numbers"),
        ("k", {"1": 10}, "whole numbers"),
        ("samples", 0, "generations a problem, at least 1"),
        ("samples", 2.5, "whole number"),
        ("samples", True, "whole number"),
        ("samples", "many", "whole number"),
        ("samples", "inf", "whole number"),
        ("samples", None, "whole number"),
        ("timeout_s", "soon", "seconds"),
        ("timeout_s", 0, "seconds"),
        ("timeout_s", "nan", "seconds"),
        ("timeout_s", [3], "seconds"),
        ("memory_mib", 1, "MiB"),
        ("memory_mib", 10**9, "MiB"),
        ("output_mib", 0, "MiB"),
        ("processes", 0, "processes"),
        ("workers", -1, "usable CPUs"),
        ("judge", "judy", "isolated, script"),
        ("extraction", "auto", "completion, answer, snippet, verbatim"),
        ("dataset", "disk", "embedded, hub"),
        ("skip_missing", "perhaps", "true or false"),
        ("sandbox", True, "strict, rlimits"),
        ("seeds", 1234, "same, distinct"),
        ("data_files", 7, "path"),
        ("journal", ["a"], "path"),
        ("benchmark", "", "humaneval"),
    ],
)
def test_impossible_values(name: str, value: object, says: str) -> None:
    """An impossible value is refused with the task, the setting, the value and what it must be."""
    with pytest.raises(SettingsError) as caught:
        Settings.parse({name: value}, where=WHERE)
    message = str(caught.value)
    assert message.startswith(f"{WHERE}: {name} ")
    assert says in message
    assert message.endswith((f"not {value!r}", f"not {value!r}.0", "not nan"))


@pytest.mark.parametrize(
    ("wrong", "right"), [("sampels", "samples"), ("timeout", "timeout_s"), ("datafiles", "data_files")]
)
def test_unknown_setting(wrong: str, right: str) -> None:
    """An unknown setting is refused, and the nearest known one is named."""
    with pytest.raises(SettingsError, match=rf"^{WHERE}: .*'{wrong}' \(did you mean '{right}'\?\)$"):
        Settings.parse({wrong: 1}, where=WHERE)


def test_base_is_kept() -> None:
    """Parsing on a base changes what the mapping names and nothing else."""
    base = Settings(samples=20, k=(1, 10), judge=Judge.SCRIPT)
    assert Settings.parse({"timeout_s": 9}, where=WHERE, base=base) == Settings(
        samples=20, k=(1, 10), judge=Judge.SCRIPT, timeout_s=9.0
    )


def test_constructor_checks_too() -> None:
    """No `Settings` with an impossible value can be made, whichever way."""
    with pytest.raises(SettingsError, match=r"^seeds must be one of same, distinct, not 'random'$"):
        Settings(seeds="random")


def test_k_larger_than_n() -> None:
    """`check_k` refuses k > n and says both remedies; parsing leaves it to the caller."""
    parsed = Settings.parse({"samples": 20, "k": [1, 10, 100, 200]}, where=WHERE)
    with pytest.raises(SettingsError) as caught:
        parsed.check_k(WHERE)
    message = str(caught.value)
    assert message.startswith(f"{WHERE}: ")
    assert "k is 100, 200" in message
    assert "raise passk.samples to 200" in message
    assert "lower passk.k" in message
    Settings(samples=10, k=(1, 10)).check_k()


def test_limits_carry_every_knob() -> None:
    """Each limit among the settings reaches the `Limits` it names."""
    limits = Settings(timeout_s=1.5, memory_mib=333, output_mib=7, processes=9).limits()
    assert limits == Limits(timeout_s=1.5, memory_mib=333, output_mib=7, processes=9)


def test_metadata_flat_keys_win() -> None:
    """A dotted key of the command line wins over the mapping of the YAML, and other keys are not ours."""
    metadata = {
        "version": 1.0,
        "pretrained": "some/model",
        "timeout": 600,
        "passk": {"samples": 20, "k": [1, 10]},
        "passk.k": [1, 5],
        "passk.judge": "script",
    }
    assert from_metadata(metadata) == {"samples": 20, "k": [1, 5], "judge": "script"}


def test_metadata_keeps_misspelt_keys() -> None:
    """A misspelt dotted key survives the merge, so that parsing reports it."""
    with pytest.raises(SettingsError, match="did you mean 'samples'"):
        Settings.parse(from_metadata({"passk.sampels": 3}), where=WHERE)


@pytest.mark.parametrize("metadata", [None, {}, {"passk": None}, {"passk": {}}, {"version": 1}])
def test_metadata_without_settings(metadata: dict[str, object] | None) -> None:
    """Metadata that says nothing of ours yields no settings."""
    assert from_metadata(metadata) == {}


@pytest.mark.parametrize("value", ["k=1", ["k"], 3])
def test_metadata_of_the_wrong_shape(value: object) -> None:
    """`passk` that is not a mapping is refused with the form that works."""
    with pytest.raises(
        SettingsError, match=r"metadata\.passk must be a mapping.*--metadata passk\.samples=20"
    ):
        from_metadata({"passk": value})
