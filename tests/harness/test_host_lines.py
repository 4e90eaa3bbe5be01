"""What differs between the lines of lm-eval is not seen by those who run our tasks."""

from __future__ import annotations

import pytest

from passk_tasks.errors import SettingsError, UsageError
from passk_tasks.harness import host
from passk_tasks.harness.run import metadata_of, parse

needs_new = pytest.mark.skipif(not host.IS_NEW, reason="this lm-eval has no --repeats")
SAID = [
    (["passk.k=1,10"], {"passk.k": (1, 10)}),
    (["passk.k=[1,10]", "passk.samples=20"], {"passk.k": [1, 10], "passk.samples": 20}),
    (["passk.k=1,10,passk.samples=20"], {"passk.k": (1, 10), "passk.samples": 20}),
    (["passk.skip_missing=true,passk.timeout_s=2.5"], {"passk.skip_missing": True, "passk.timeout_s": 2.5}),
    (['{"passk": {"samples": 20}}', "a=b"], {"passk": {"samples": 20}, "a": "b"}),
    (['passk.price={"in": 1, "out": 2}'], {"passk.price": {"in": 1, "out": 2}}),
    (["passk.data_files=a=b.jsonl"], {"passk.data_files": "a=b.jsonl"}),
]


@pytest.mark.parametrize(("words", "meant"), SAID)
def test_metadata_is_read_alike(words, meant):
    """Pairs and JSON objects, in one word or several, mean the same on both lines."""
    assert metadata_of(words) == meant
    assert parse(["--tasks", "passk_humaneval", "--metadata", *words]).metadata == meant


@pytest.mark.parametrize("word", ["passk.samples", "=1", "{'passk': 1}", "{"])
def test_metadata_that_says_nothing_is_an_error(word):
    """It names the words, and shows the right form."""
    with pytest.raises(UsageError, match="--metadata"):
        metadata_of([word])


@needs_new
def test_repeats_are_n(load):
    """`--repeats` says how many samples a problem gets, for requests, settings and checks alike."""
    task = load(**{"passk.k": [1, 2]})
    task.set_repeats(4)
    task.build_all_requests(limit=1)
    assert (task.spec.settings.samples, [request.repeats for request in task.instances]) == (4, [4])


@needs_new
@pytest.mark.parametrize("metadata", [{"passk.samples": 20}, {"passk": {"samples": 20}}])
def test_two_sayings_of_n_that_differ_are_an_error(load, metadata):
    """In the dotted form and in the object form, even where n is the task's own."""
    task = load(**metadata)
    task.set_repeats(20)
    with pytest.raises(SettingsError, match=r"--repeats 4 and passk\.samples=20"):
        task.set_repeats(4)
