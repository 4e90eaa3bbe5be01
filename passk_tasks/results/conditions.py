"""Under which conditions a run's numbers came about: what must be the same before two are compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from passk_tasks.tasks.catalog import temperature

_LIMITS = ("timeout_s", "memory_mib", "output_mib", "processes")


@dataclass(frozen=True)
class Conditions:
    """All values are JSON-ready; None means that the run did not record it.

    Attributes:
        dataset: sha256 of the problems.
        task: name of the task.
        version: its `metadata.version`.
        prompt: hash of the task's prompt template; what each problem made of it is in `Run.prompts`.
        fewshot: how many examples stood before each problem.
        chat_template: sha256 of the template, or `none` where the prompt was sent as it is.
        system_instruction: sha256 of it, or `none`.
        n: samples a problem; None where it differs between problems.
        temperature: 0 for greedy decoding.
        sampling: all other generation arguments but the stops, e.g. `top_p`, `max_gen_toks`.
        stops: the stop sequences.
        extraction: how code was found in the text.
        judge: who decided that a candidate passed.
        limits: what a candidate may use.
        sandbox: its mode.
        packages: hash of the packages that candidates could import, with their versions.
        python: version of the interpreter that judged.
        passk_tasks: version of this package.
    """

    dataset: str | None = None
    task: str | None = None
    version: str | None = None
    prompt: str | None = None
    fewshot: int | None = None
    chat_template: str | None = None
    system_instruction: str | None = None
    n: int | None = None
    temperature: float | None = None
    sampling: Mapping[str, Any] | None = None
    stops: tuple[str, ...] | None = None
    extraction: str | None = None
    judge: str | None = None
    limits: Mapping[str, Any] | None = None
    sandbox: str | None = None
    packages: str | None = None
    python: str | None = None
    passk_tasks: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the conditions by name, JSON-ready."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "stops": None if self.stops is None else list(self.stops)}


def from_score(facts: Mapping[str, Any]) -> Conditions:
    """Return the conditions that a `results.json` records: who made the samples, and how, it rarely says."""
    return _common(facts, facts.get("generation_kwargs"))


def from_lm_eval(
    content: Mapping[str, Any], config: Mapping[str, Any], facts: Mapping[str, Any]
) -> Conditions:
    """Return the conditions that lm-eval's results record.

    Args:
        content: the whole file.
        config: of the task.
        facts: what stands in the config under `metadata.passk_results`.
    """
    arguments = facts.get("generation_kwargs") or config.get("generation_kwargs")
    replay = (content.get("config") or {}).get("replay")
    if replay is not None:
        # Played back: the task's arguments drew nothing. The stops are applied in extraction, so they count.
        drawn = replay.get("drawn_with")
        stops = {key: value for key, value in (arguments or {}).items() if key == "until"}
        arguments = {"do_sample": True, **drawn, **stops} if drawn else stops
        arguments.pop("model", None)
    common = _common(facts, arguments)
    prompt = config.get("doc_to_text")
    if replay is not None:  # nor did anybody see this prompt
        return common
    return Conditions(
        **{
            **{item.name: getattr(common, item.name) for item in fields(Conditions)},
            "prompt": None if prompt is None else _sha256(str(prompt)),
            "fewshot": _whole((content.get("n-shot") or {}).get(facts["task"], config.get("num_fewshot"))),
            "chat_template": _template(content),
            "system_instruction": content.get("system_instruction_sha")
            or _sha256_or_none(content.get("system_instruction")),
        }
    )


def _common(facts: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> Conditions:
    settings = facts.get("settings") or {}
    limits = facts.get("limits") or {}
    extract = facts.get("extract", "auto")
    return Conditions(
        dataset=(facts.get("dataset") or {}).get("sha256"),
        task=facts.get("task"),
        version=None if facts.get("task_version") is None else str(facts["task_version"]),
        n=facts.get("n"),
        temperature=temperature(arguments or {}),
        sampling=_sampling(arguments),
        stops=_stops(arguments),
        extraction=settings.get("extraction") if extract == "auto" else extract,
        judge=facts.get("judge"),
        limits={name: limits[name] for name in _LIMITS if name in limits} or None,
        sandbox=(facts.get("sandbox") or {}).get("mode"),
        packages=_sha256(json.dumps(facts["packages"], sort_keys=True)) if "packages" in facts else None,
        python=facts.get("python"),
        passk_tasks=facts.get("passk_tasks"),
    )


def _sampling(arguments: Mapping[str, Any] | None) -> dict[str, Any] | None:
    told_apart = {"until", "temperature", "do_sample"}
    rest = {key: value for key, value in (arguments or {}).items() if key not in told_apart}
    return dict(sorted(rest.items())) or None


def _stops(arguments: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    until = (arguments or {}).get("until")
    if until is None:
        return None
    return (until,) if isinstance(until, str) else tuple(map(str, until))


def _template(content: Mapping[str, Any]) -> str:
    if content.get("chat_template_sha"):
        return str(content["chat_template_sha"])
    template = content.get("chat_template")
    if template is None:
        return "none"
    return _sha256(template) if template else "the server's own"  # lm-eval sends roles and never sees it


def _sha256_or_none(text: Any) -> str:
    return _sha256(str(text)) if text else "none"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
