"""`passk run` in a process of its own that knows our tasks alone: to read lm-eval's own takes 8 CPU seconds.

What the whole index is for, the README's first command shows in tests/test_docs.py.
"""

from __future__ import annotations

import sys

_RUN = """
import sys
from lm_eval.tasks import TaskManager
from passk_tasks.cli import main
TaskManager.__init__.__defaults__ = (None, None, False, None)
sys.exit(main(["run", *sys.argv[1:]]))
"""
RUN = (sys.executable, "-c", _RUN)
