"""HumanEval-style tasks for lm-evaluation-harness: an honest sandbox, unbiased pass@k, error bars."""

from __future__ import annotations

from passk_tasks._version import __version__

__all__ = ["__version__"]
