from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lm_eval.tasks import TaskManager

from passk_tasks.harness import finding, host, run
from passk_tasks.tasks.catalog import task_configs_path

FILES = {
    "mine.yaml": "task: mine\ntag: [my_tag, passk_my_tag]\n",
    "mine_and_ours.yaml": "group: mine_and_ours\ntask: [mine, passk, {group: mine_alone}]\n",
    "mine_alone.yaml": "group: mine_alone\ntask: [{task: mine, num_fewshot: 1}, passk]\n",
    "with_theirs.yaml": "group: with_theirs\ntask: [mine, hellaswag]\n",
    "above_theirs.yaml": "group: above_theirs\ntask: [{group: with_theirs}]\n",
    "written_out.yaml": "group: written_out\ntask: [{group: passk_new, task: [{task: arc_easy}]}]\n",
    "tagged.yaml": "group: tagged\ntask: [my_tag]\n",
}


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Our folder, and one of a user's own."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return [str(task_configs_path()), str(tmp_path)]


def names_found(named: str | list[str], folders: list[str]) -> list[str]:
    """What lm-eval's task manager knows when these names are asked for."""
    with finding.ours_first(named):
        return TaskManager(include_path=folders, metadata={}).all_tasks


@pytest.mark.parametrize(
    "named",
    [
        "passk_humaneval",
        ["passk_humaneval", "passk_mbpp,mine"],
        "passk",
        "passk_*",
        "passk_humaneva?",
        "passk_my_tag",
        "passk_humanevil",
        "mine_and_ours",
        "mine_alone",
    ],
)
def test_what_is_ours_needs_no_other_file(named: str | list[str], folders: list[str]) -> None:
    """Tasks, groups and tags of our folders and the user's are found without lm-eval's own."""
    found = names_found(named, folders)
    assert {"passk_humaneval", "passk", "mine", "mine_and_ours"} <= set(found)
    assert "hellaswag" not in found


@pytest.mark.parametrize(
    "named",
    [
        "hellaswag",
        "passkey",
        "passk*",
        "*humaneval*",
        "*",
        "my_tag",
        "mine.yaml",
        "with_theirs",
        "above_theirs",
        "written_out",
        "tagged",
    ],
)
def test_a_name_that_may_be_theirs_needs_their_files(named: str, folders: list[str]) -> None:
    """A name, tag, pattern or member of a group that lm-eval's own tasks may have is not taken for ours."""
    index = host.index(TaskManager(include_path=folders, include_defaults=False))
    assert not finding.is_complete(named, index)
    assert finding.is_complete("mine", index)


@pytest.mark.slow
def test_their_tasks_are_found_beside_ours(folders: list[str]) -> None:
    """One name of lm-eval's is enough for all its tasks to be read, and no name of its own is like ours."""
    found = names_found(["passk_humaneval", "hellaswag"], folders)
    assert {"passk_humaneval", "hellaswag", "mine"} <= set(found)
    theirs = set(TaskManager().all_tasks)
    assert [name for name in theirs if finding.OURS.fullmatch(name)] == []


def test_the_task_manager_is_as_it_was() -> None:
    """Afterwards a task manager reads what lm-eval says, also where the run failed."""
    before = TaskManager.__init__
    with pytest.raises(ValueError, match="broke"), finding.ours_first("passk"):
        raise ValueError("broke")
    assert TaskManager.__init__ is before


def test_who_wants_no_other_tasks_gets_none(folders: list[str]) -> None:
    """`include_defaults=False` holds, whatever is named."""
    with finding.ours_first("hellaswag"):
        assert "hellaswag" not in TaskManager(include_path=folders, include_defaults=False).all_tasks


def test_a_folder_that_lm_eval_finds_by_itself_is_not_read_twice(
    monkeypatch: pytest.MonkeyPatch, folders: list[str]
) -> None:
    """A line to come reads the folders of installed packages first, and warns of each task read twice."""
    ours, mine = map(Path, folders)
    assert finding.unknown_to_host([ours, mine]) == [ours, mine]
    read = TaskManager.__init__

    def with_entry_points(
        manager: TaskManager, *, include_path: list[str] | None = None, **rest: Any
    ) -> None:
        read(manager, include_path=[str(ours), *(include_path or [])], **rest)

    monkeypatch.setattr(TaskManager, "__init__", with_entry_points)
    assert finding.unknown_to_host([ours, mine]) == [mine]
    assert finding.unknown_to_host([ours]) == []
    arguments = run.parse(["--tasks", "passk_humaneval"])
    assert arguments.include_path is None
    assert run.parse(["--tasks", "mine", "--include_path", str(mine)]).include_path == str(mine)
