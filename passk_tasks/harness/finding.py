"""Finds the tasks that a run names without lm-eval's own 14,000 files, where those cannot matter.

lm-eval's task manager reads all its task files before it looks for a name: seven of nine seconds of a short
run. They matter unless each name is, in our folders and those of `--include_path`, a task, or a group of
such names. A tag or a pattern also brings lm-eval's tasks of that tag or pattern, unless it begins with
`passk_`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lm_eval.tasks import TaskManager

from passk_tasks.harness import host

OURS = re.compile(r"passk(_.*)?")
"""The names of our tasks and tags, and patterns that match nothing else; lm-eval has none that begins so."""


@contextmanager
def ours_first(named: str | Sequence[str]) -> Iterator[None]:
    """Let lm-eval's task manager read its own tasks only where the named ones may need them."""
    names = [
        name.strip() for part in ([named] if isinstance(named, str) else named) for name in part.split(",")
    ]
    read = TaskManager.__init__

    def read_ours_first(manager: TaskManager, *, include_defaults: bool = True, **arguments: Any) -> None:
        read(manager, include_defaults=False, **arguments)
        if include_defaults and not all(is_complete(name, host.index(manager)) for name in names):
            read(manager, **arguments)

    TaskManager.__init__ = read_ours_first
    try:
        yield
    finally:
        TaskManager.__init__ = read


def unknown_to_host(folders: Sequence[Path]) -> list[Path]:
    """Return those folders of task YAML that lm-eval does not find by itself.

    A line to come reads the entry points `lm_eval.tasks` of installed packages; a folder that is included
    besides would be read twice, with a warning for each of its tasks.
    """
    read = [entry.yaml_path for entry in host.index(TaskManager(include_defaults=False)).values()]
    paths = [Path(path).resolve() for path in read if path]
    return [folder for folder in folders if not any(path.is_relative_to(folder) for path in paths)]


def is_complete(name: Any, index: Mapping[str, Any]) -> bool:
    """Return whether a name means the same with lm-eval's tasks in the index."""
    entry = index.get(name)
    if entry is None or entry.kind.name == "TAG":
        return OURS.fullmatch(str(name)) is not None
    if entry.kind.name != "GROUP":
        return True
    return _members_are_complete(entry.cfg.get("task"), index)


def _members_are_complete(members: Any, index: Mapping[str, Any]) -> bool:
    for member in members if isinstance(members, list) else [members]:
        if not isinstance(member, Mapping):
            complete = is_complete(member, index)
        elif "group" in member:  # a group that is known, or one that is written out here
            complete = is_complete(member["group"], index) and _members_are_complete(
                member.get("task", []), index
            )
        else:
            complete = is_complete(member.get("task"), index)
        if not complete:
            return False
    return True
