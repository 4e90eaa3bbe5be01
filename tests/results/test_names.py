"""What runs are called: their labels, else what differs between them."""

from __future__ import annotations

import pytest

from passk_tasks.results import reading
from passk_tasks.results.names import LONGEST, named

COUNTS = {"HumanEval/0": (4, 1), "HumanEval/1": (4, 2)}
PACKAGES = {"numpy": "2.0.0", "pandas": "2.2.0"}


def asked(temperature=0.8, until=("\ndef",), **more):
    """Return changes of a run: generation arguments and others."""
    arguments = {"do_sample": True, "temperature": temperature, "top_p": 0.95, "until": list(until)}
    return {"generation_kwargs": arguments, "packages": PACKAGES, **more}


@pytest.fixture
def runs(tmp_path, evaluated):
    """Runs with these changes, a day between two."""

    def build(*changes):
        paths = [evaluated(tmp_path / f"run{i}", COUNTS, **change) for i, change in enumerate(changes)]
        for day, path in enumerate(paths, 1):
            path.write_text(path.read_text().replace("2026-01-02T", f"2026-01-{day:02d}T"))
        return reading.load_all(paths)

    return build


def test_each_run_is_called_by_what_sets_it_apart(runs):
    """Nine runs that each change one thing: the one with what most have, and eight by that thing."""
    found = runs(
        asked(),
        asked(temperature=0.2),
        asked(temperature=1.0),
        asked(config={"doc_to_text": "{{prompt}}\n# think step by step"}),
        asked(content={"system_instruction": "You are an expert in Python.", "system_instruction_sha": "a"}),
        asked(until=()),
        asked(limits={"timeout_s": 10.0, "memory_mib": 512, "output_mib": 16, "processes": 64}),
        asked(packages={}),
        asked(content={"model_name": "org/other"}),
    )
    assert named(found) == [
        "common settings",
        "T=0.2",
        "T=1",
        "prompt “…# think step by step”",
        "system “You are an expert in Python.”",
        "no stops",
        "timeout_s=10",
        "no numpy, no pandas",
        "org/other",
    ]


def test_two_runs_are_called_by_both_of_their_values(runs):
    """Of two, neither value is the usual one; stops are listed where they are few."""
    one, two = asked(temperature=0.2), asked(temperature=0.8, until=("\ndef", "\n#"))
    assert named(runs(one, two)) == ["T=0.2, stops '\\ndef'", "T=0.8, stops '\\ndef', '\\n#'"]


def test_a_label_wins_and_two_alike_get_their_dates(runs):
    """People's own names come first; one given twice says when, and so do runs of which nothing differs."""
    nightly = {"settings": {"benchmark": "humaneval", "label": "nightly"}}
    found = runs(asked(**nightly), asked(temperature=0.2), asked(**nightly), asked(), asked())
    assert named(found) == [
        "nightly, 2026-01-01",
        "T=0.2",
        "nightly, 2026-01-03",
        "common settings, 2026-01-04",
        "common settings, 2026-01-05",
    ]
    assert named(found[:1]) == ["nightly"]
    assert named(found[1:2]) == ["org/model"]


def test_versions_tell_runs_apart_that_nothing_else_does(runs):
    """A package set is in the name where it is what differs, and is not where prompts do."""
    newer = {**PACKAGES, "numpy": "2.1.0"}
    assert named(runs(asked(), asked(packages=newer))) == ["numpy 2.0.0", "numpy 2.1.0"]
    assert named(runs(asked(), asked(temperature=1.0, packages=newer))) == ["T=0.8", "T=1"]


def test_long_texts_are_cut_and_stay_apart(runs):
    """A name has at most LONGEST characters before a date; prompts that differ far behind are numbered."""
    texts = [f"{{{{prompt}}}}{'word ' * 30}{i}" for i in "ab"] + ["Solve {{prompt}}"]
    found = named(runs(*(asked(config={"doc_to_text": text}) for text in texts)))
    assert len(set(found)) == 3
    assert all(len(name) <= LONGEST for name in found)
    assert named(runs(*(asked(config={"doc_to_text": text}) for text in texts[:2]))) == [
        "prompt “…a”",
        "prompt “…b”",
    ]
