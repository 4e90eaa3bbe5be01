"""`passk run` in a process of its own that knows our tasks alone: to read lm-eval's own takes 8 CPU seconds.

What the whole index is for, the README's first command shows in tests/test_docs.py.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from passk_tasks.tasks.catalog import task_configs_path

_RUN = """
import sys
from lm_eval.tasks import TaskManager
from passk_tasks.cli import main
TaskManager.__init__.__defaults__ = (None, None, False, None)
sys.exit(main(["run", *sys.argv[1:]]))
"""
LM_EVAL = """
from lm_eval.tasks import TaskManager
from lm_eval.__main__ import cli_evaluate
TaskManager.__init__.__defaults__ = (None, None, False, None)
cli_evaluate()
"""
RUN = (sys.executable, "-c", _RUN)


@contextmanager
def read_once(*, own: bool) -> Iterator[None]:
    """Let lm-eval, in this process, read our folder of tasks once, its own once or never, others as ever."""
    from lm_eval import tasks
    from lm_eval.tasks._index import TaskIndex

    build, theirs, ours = TaskIndex.build, Path(tasks.__file__).parent, task_configs_path()
    once = functools.cache(lambda root: build([root]) if own or root == ours else {})

    def merged(paths: list[Path], **how: Any) -> dict[str, Any]:
        index = {}
        for root in paths:
            index |= once(root) if root in (theirs, ours) else build([root], **how)
        return index

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskIndex, "build", staticmethod(merged))
        yield
