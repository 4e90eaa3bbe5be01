"""Under which conditions a run's numbers came about: what must be the same before two are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from passk_tasks.results.keys import Keys
from passk_tasks.results.summary import Summary
from passk_tasks.tasks.catalog import temperature

NONE = "none"
"""The value of a condition that was left out: no chat template, no system instruction, no data shown."""

_ADDED = ("max_gen_toks", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty")  # by backends unasked
_LIMITS = ("timeout_s", "call_s", "whole_s", "memory_mib", "output_mib", "processes")


@dataclass(frozen=True)
class Conditions:
    """All values are JSON-ready; None means that the run did not record it.

    Attributes:
        dataset: sha256 of the problems.
        task: name of the task.
        version: its `metadata.version`.
        prompt: the task's prompt template; what each problem made of it is in `Run.prompts`.
        fewshot: how many examples stood before each problem.
        chat_template: the template, or `none` where the prompt was sent as it is.
        system_instruction: its text, or `none`.
        n: samples a problem; None where it differs between problems.
        temperature: that was sent, as far as it is known, else that was asked for; 0 for greedy decoding.
        sampling: the same of all other generation arguments but the stops, e.g. `top_p`, `max_gen_toks`.
        stops: the stop sequences.
        extraction: how code was found in the text.
        judge: who decided that a candidate passed.
        limits: what a candidate may use.
        sandbox: its mode.
        packages: versions of the packages that candidates could import, by name.
        toolchains: versions of the tools that built and ran candidates in other languages, by name.
        machines: nodes of the cluster, or several machines, that judged, or `one machine`.
        shown: hash of the data that candidates were shown, or `none`.
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
    sampling: Mapping[str, object] | None = None
    stops: tuple[str, ...] | None = None
    extraction: str | None = None
    judge: str | None = None
    limits: Mapping[str, float] | None = None
    sandbox: str | None = None
    packages: Mapping[str, str] | None = field(default=None, repr=False)
    toolchains: Mapping[str, str] | None = None
    machines: str | None = None
    shown: str | None = None
    python: str | None = None
    passk_tasks: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the conditions by name, JSON-ready."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "stops": None if self.stops is None else list(self.stops)}

    def flat(self) -> dict[str, object]:
        """Return the conditions by name, each part of a mapping under its own, e.g. `sampling.top_p`."""
        parts: dict[str, object] = {}
        for name, value in self.as_dict().items():
            inner = value if isinstance(value, Mapping) else None
            parts |= {name: value} if inner is None else {f"{name}.{part}": inner[part] for part in inner}
        return parts


def from_score(summary: Summary) -> Conditions:
    """Return the conditions that a `results.json` records; how the samples were asked for, journals know."""
    asked = Keys(summary.asked)
    return replace(
        _common(summary, summary.generation_kwargs),
        prompt=asked.text("prompt"),
        fewshot=asked.whole("fewshot"),
        chat_template=asked.text("chat_template"),
        system_instruction=asked.text("system_instruction"),
    )


def from_lm_eval(content: Keys, config: Keys, summary: Summary) -> Conditions:
    """Return the conditions that lm-eval's results record."""
    arguments = summary.generation_kwargs or config.inner("generation_kwargs").values
    settings = content.inner("config")
    if "replay" in settings:
        # Played back: the task's arguments drew nothing, nor did anybody see its prompt. The stops are
        # applied in extraction, so they count.
        drawn = settings.inner("replay").inner("drawn_with").without(["model"])
        stops = {key: value for key, value in arguments.items() if key == "until"}
        return _common(summary, {"do_sample": True, **drawn, **stops} if drawn else stops)
    prompt, shots = config.text("doc_to_text"), content.inner("n-shot").whole(summary.task)
    return replace(
        _common(summary, arguments),
        prompt=prompt,
        fewshot=config.whole("num_fewshot") if shots is None else shots,
        chat_template=template_of(_stored_text(content, "chat_template")),
        system_instruction=_stored_text(content, "system_instruction") or NONE,
    )


def _common(summary: Summary, arguments: Mapping[str, object] | None) -> Conditions:
    extraction = Keys(summary.settings).text("extraction")
    limits, packages = summary.limits, summary.packages
    sent = None if summary.sent is None else Keys(summary.sent).number("temperature")
    return Conditions(
        dataset=summary.dataset_sha256,
        task=summary.task,
        version=summary.task_version,
        n=summary.n,
        temperature=temperature(arguments or {}) if sent is None else sent,
        sampling=_sampling(arguments or {}, summary.sent),
        stops=_stops((arguments or {}).get("until")),
        extraction=extraction if summary.extract in (None, "auto") else summary.extract,
        judge=summary.judge,
        limits={name: limits[name] for name in _LIMITS if name in limits} or None,
        sandbox=summary.sandbox,
        packages=None if packages is None else dict(packages),
        toolchains=dict(summary.toolchains) or None,
        machines=", ".join(machine.name for machine in summary.machines) or "one machine",
        shown=summary.shown or NONE,
        python=summary.python,
        passk_tasks=summary.passk_tasks,
    )


def _sampling(arguments: Mapping[str, object], sent: Mapping[str, object] | None) -> dict[str, object] | None:
    told_apart = {"until", "temperature", "do_sample"}
    if sent is not None:
        # What no task asks for is of the backend, and stands in every request: its seed, its switches.
        asked = {**arguments, **dict.fromkeys(_ADDED)}
        arguments = {key: value for key, value in sent.items() if key in asked}
    return {key: value for key, value in sorted(arguments.items()) if key not in told_apart} or None


def _stops(until: object) -> tuple[str, ...] | None:
    if until is None:
        return None
    return tuple(map(str, until)) if isinstance(until, (list, tuple)) else (str(until),)


def template_of(template: str | None) -> str:
    """Return what is said of lm-eval's chat template: None is none, and empty is one that a server has."""
    if template is None:
        return NONE
    return template or "the server's own"  # lm-eval sends roles and never sees it


def _stored_text(content: Keys, name: str) -> str | None:
    """Return a text that lm-eval stores beside its hash; None where there was none."""
    text, sha256 = content.text(name), content.text(f"{name}_sha")
    return f"(its text is not stored; sha256 {sha256})" if sha256 and not text else text
