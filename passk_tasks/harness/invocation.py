"""What a task needs to know about its run and lm-eval does not pass to it.

The model object and the output path are local variables of `lm_eval.evaluator.simple_evaluate` and
`evaluate`, the functions that call a task's hooks. They are read from the calling frames, so that the command
line, a `--config` file and the Python API work alike. Without these frames everything here is None.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from lm_eval.api.model import CachingLM
from lm_eval.utils import simple_parse_args_string

from passk_tasks.harness import host

_WANTED = ("lm", "evaluation_tracker", "model", "model_args", "log_samples")


@dataclass(frozen=True)
class Invocation:
    """The run that calls the task, as far as its frames show it.

    Attributes:
        tracker: lm-eval's `EvaluationTracker`, which writes the results.
        named: the model as the user named it, a name or an object.
        arguments: the model's arguments, a text or a mapping.
        logs_samples: whether lm-eval will put every answer into its results.
    """

    lm: Any = None
    tracker: Any = None
    named: Any = None
    arguments: Any = None
    logs_samples: Any = None

    @property
    def model(self) -> Any:
        """The model itself, without the wrapper that `--use_cache` puts around it."""
        return self.lm.lm if isinstance(self.lm, CachingLM) else self.lm

    @property
    def model_name(self) -> str:
        """Name under which lm-eval knows the model; the name of its class where an object was given."""
        return self.named if isinstance(self.named, str) else type(self.model).__name__

    @property
    def model_args(self) -> dict[str, Any]:
        """The model's arguments by name."""
        if isinstance(self.arguments, str):
            return dict(simple_parse_args_string(self.arguments))
        return dict(self.arguments or {})

    @property
    def rank(self) -> int:
        """Number of this process among those that share the documents."""
        return int(getattr(self.lm, "rank", 0) or 0)

    @property
    def world_size(self) -> int:
        """Number of processes that share the documents."""
        return int(getattr(self.lm, "world_size", 1) or 1)

    @property
    def output_path(self) -> str | None:
        """The `--output_path` that was given."""
        return getattr(self.tracker, "output_path", None) or None

    @property
    def results_folder(self) -> Path | None:
        """The folder into which lm-eval will write its results; None without `--output_path`."""
        if self.output_path is None:
            return None
        path = Path(self.output_path)
        if path.suffix == ".json":
            return path.parent
        model = getattr(self.tracker.general_config_tracker, "model_name_sanitized", None)
        return path / str(model) if model else path

    def model_is(self, *names: str) -> bool:
        """Whether the model's class, or one that it inherits from, has one of these names.

        Compared by name, since importing the class would import a backend that may not be installed.
        """
        return any(cls.__name__ in names for cls in type(self.model).__mro__)

    def gather(self, value: Any) -> list[Any] | None:
        """Return the `value` of every rank on rank 0, and None elsewhere. All ranks must call it.

        lm-eval gathers its own metrics in the same way.
        """
        return self._gather(value, 0)

    def agreed(self, value: Any) -> Any:
        """Return rank 0's `value` on every rank. All ranks must call it."""
        if self.world_size <= 1:
            return value
        gathered = [self._gather(value, rank) for rank in range(self.world_size)]
        own = gathered[self.rank]
        assert own is not None
        return own[0]

    def _gather(self, value: Any, to: int) -> list[Any] | None:
        if self.world_size <= 1:
            return [value]
        return host.gather(self.lm, value, self.rank, self.world_size, to)


def current() -> Invocation:
    """Return the run on whose stack this call stands."""
    values: dict[str, object] = {}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "lm_eval.evaluator":
            seen = frame.f_locals
            for name in _WANTED:
                if name not in values and seen.get(name) is not None:
                    values[name] = seen[name]
        frame = frame.f_back
    return Invocation(*(values.get(name) for name in _WANTED))
