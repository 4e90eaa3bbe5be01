from __future__ import annotations

import pytest

from passk_tasks.results.findings import SAMPLES, Finding, with_samples

FOUND = Finding(
    "chat_answers", "all are answers", "read them so", ("passk", "score", SAMPLES, "--extract", "x")
)


@pytest.mark.parametrize("found", [FOUND, Finding("identical", "a", "b")])
def test_what_is_stored_comes_back(found):
    """With a command and without."""
    assert Finding.from_dict(found.as_dict()) == found


def test_commands_name_the_files():
    """Each as the shell takes it; without files the placeholder stays."""
    (named,) = with_samples([FOUND], ["a b.jsonl", "c.jsonl"])
    assert named.typed == "passk score 'a b.jsonl' c.jsonl --extract x"
    assert with_samples([FOUND], []) == (FOUND,)


@pytest.mark.parametrize("stored", [{"kind": "x"}, {"kind": "x", "says": "y", "remedy": []}, 3])
def test_what_nobody_writes_is_refused(stored):
    """A key that is missing, or of another type."""
    with pytest.raises(ValueError, match=r"says|remedy|object"):
        Finding.from_dict(stored)
