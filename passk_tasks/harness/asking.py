"""Who is asked, and with which texts: a journal says it, so that whoever scores the journal knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lm_eval.api.instance import Instance

from passk_tasks.harness.invocation import Invocation
from passk_tasks.harness.replay import ReplayLM
from passk_tasks.results.conditions import NONE, template_of
from passk_tasks.results.samples import as_text


def described(
    run: Invocation, config: Mapping[str, Any], instances: Iterable[Instance], system: str | None
) -> dict[str, object]:
    """Return what a journal's header says, under `asked`; of samples that are played back, their model."""
    if isinstance(run.model, ReplayLM):  # its prompts are sent to nobody
        drawn_by = (run.model.origin or {}).get("model")
        return {"asked": {"model": drawn_by}} if drawn_by else {}
    known = getattr(run.tracker, "general_config_tracker", None)
    given = run.model_args
    model = getattr(known, "model_name", None) or given.get("pretrained") or given.get("model")
    prompts = {str(instance.doc["task_id"]): as_text(_plain(instance.args[0])) for instance in instances}
    asked: dict[str, object] = {
        "model": str(model or run.model_name),
        "prompt": str(config.get("doc_to_text")),
        "fewshot": int(config.get("num_fewshot") or 0),
        "system_instruction": system or NONE,
        "prompts": {task_id: text for task_id, text in prompts.items() if text is not None},
    }
    if known is not None:
        asked["chat_template"] = template_of(getattr(known, "chat_template", None))
    return {"asked": asked}


def _plain(prompt: Any) -> Any:
    """Return the text in lm-eval's `JsonChatStr`, a tuple with one text."""
    return prompt[0] if isinstance(prompt, tuple) and len(prompt) == 1 else prompt
