"""The models that `passk run` can name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_lm_eval_s_own_models_are_known_beside_replay() -> None:
    """Registering `replay` leaves lm-eval's own models in place."""
    # In an interpreter of its own: here, something else may have imported lm_eval.models already.
    code = (
        "import passk_tasks.harness.run\n"
        "from lm_eval.api.registry import get_model, model_registry\n"
        "assert get_model('replay').__name__ == 'ReplayLM'\n"
        "assert {'hf', 'vllm', 'local-completions', 'local-chat-completions'} <= set(model_registry.keys())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
