"""What a host gave before and does not give now is said."""

from __future__ import annotations

import pytest

from passk_tasks.sandbox import remembered

NAMESPACES = {"private root": True, "pid namespace": True, "seccomp": True}
LANDLOCK = {"reaper": True, "seccomp": True, "unprivileged user": False}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_layer_that_was_there_before_is_missed():
    """Until it is back; and a stronger way makes the layers of the weaker one no loss."""
    assert remembered.lost_layers("strict", LANDLOCK) == ()
    assert remembered.lost_layers("strict", NAMESPACES) == ()
    assert remembered.lost_layers("strict", LANDLOCK) == ("pid namespace", "private root")
    assert remembered.lost_layers("strict", {**NAMESPACES, "seccomp": False}) == ("seccomp",)
    assert remembered.lost_layers("strict", NAMESPACES) == ()
    assert remembered.lost_layers("rlimits", {"resource limits": True}) == ()


@pytest.mark.parametrize("content", ["", "{", "3", "[[]]"])
def test_a_cache_that_cannot_be_read_is_no_error(cache, content):
    """What is in it is ignored and written anew."""
    remembered.lost_layers("strict", NAMESPACES)
    [file] = (cache / "passk-tasks").iterdir()
    file.write_text(content)
    assert remembered.lost_layers("strict", NAMESPACES) == ()
    assert remembered.lost_layers("strict", {"private root": True}) == ("pid namespace", "seccomp")


def test_a_cache_that_cannot_be_written_is_no_error(cache):
    """Nothing is remembered then."""
    cache.write_text("a file")
    assert remembered.lost_layers("strict", NAMESPACES) == ()
    assert remembered.lost_layers("strict", LANDLOCK) == ()
