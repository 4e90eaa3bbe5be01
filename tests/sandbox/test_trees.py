"""What a program left is removed whole."""

from __future__ import annotations

import os
from pathlib import Path

from passk_tasks.sandbox.box import trees


def test_every_name_is_removed_however_many_deep_or_locked(tmp_path, monkeypatch):
    """More names than are held at one time, paths longer than the system takes, folders closed to all."""
    monkeypatch.setattr(trees, "_BATCH", 7)
    folder = tmp_path / "left"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}").write_text("x")
        (folder / f"d{number}" / "e").mkdir(parents=True)
        (folder / f"d{number}" / "e" / "f").write_text("x")
        (folder / f"d{number}").chmod(0)
    here = Path.cwd()
    os.chdir(folder)
    for _ in range(60):
        Path("n" * 200).mkdir()
        os.chdir("n" * 200)
    os.chdir(here)
    trees.remove(str(folder))
    assert list(tmp_path.iterdir()) == []
