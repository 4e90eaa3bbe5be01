"""What a backend makes of the generation arguments: the temperature, limit and stops that go out.

lm-eval's backends rename arguments, drop them, or put others in their place: `openai-chat-completions` sends
temperature 1 for every name with a `5`, `o1`, `o3` or `o4` in it, most servers' backends forget `do_sample`,
chat servers get four stop sequences, `gguf` is greedy whatever it is asked. So a backend's own code is asked,
before the first token, with the arguments of the task:

    _create_payload      servers: the very request
    modify_gen_kwargs    vllm, sglang, trtllm: the sampling parameters
    normalize_gen_kwargs hf: the arguments of `generate`, and what the model's own generation_config adds

The few that build their request in the middle of other code are described in `_WRITTEN_OUT`. Of any other
backend nothing is known, and the results say nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lm_eval.models.utils import normalize_gen_kwargs

from passk_tasks.errors import PreflightError

TOKEN_LIMITS = ("max_gen_toks", "max_completion_tokens", "max_tokens", "max_new_tokens")
"""Names of the limit of generated tokens; a server that gets two of them takes the one that stands first."""

DEFAULT_SEED = 1234  # the seed that lm-eval's OpenAI-style models send by default
_LIMITS_SENT = (*TOKEN_LIMITS[1:], "max_tokens_to_sample", "n_predict")
_STOPS_SENT = ("stop", "stop_sequences")
_CONTENT = ("messages", "prompt", "text", "input_ids", "model", "system", "logprobs")  # no sampling argument
_OWN_NAMES = ("until", "do_sample", "temperature", "seed", "max_length", *TOKEN_LIMITS)
# What `generate` of transformers reads from a model's generation_config, with the value that does nothing.
_OF_CONFIG = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0, "repetition_penalty": 1.0}


@dataclass(frozen=True)
class Sent:
    """The sampling that goes out with a request; None where the backend leaves it to the server.

    Attributes:
        temperature: 0 for greedy decoding.
        max_tokens: most tokens of an answer.
        stops: the stop sequences, the tokenizer's end of text perhaps among them.
        others: every other sampling argument, by its name.
    """

    temperature: float | None
    max_tokens: int | None
    stops: tuple[str, ...] = ()
    seed: int | None = None
    others: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return it under the names of generation arguments, those left to the server left out."""
        named = {"temperature": self.temperature, "max_gen_toks": self.max_tokens, "seed": self.seed}
        known = {name: value for name, value in named.items() if value is not None}
        return {**known, "until": list(self.stops), **self.others}


def first_seed(arguments: Mapping[str, Any], model: Any) -> int:
    """Return the seed of the first of several samples: the task's, the one in --model_args, or lm-eval's."""
    for seed in (arguments.get("seed"), getattr(model, "_seed", None)):
        if isinstance(seed, (int, float, str)):
            return int(seed)
    return DEFAULT_SEED


def of(model: Any, arguments: Mapping[str, Any]) -> Sent | None:
    """Return what a model of lm-eval sends for generation arguments; None where that cannot be known."""
    with contextlib.suppress(Exception):  # foreign code; what it cannot answer is not known
        if hasattr(model, "_create_payload"):
            return _of_request(model, arguments)
        if hasattr(model, "modify_gen_kwargs"):
            return _of_engine(model, arguments)
        if is_plain_hf(model):
            return _of_hf(model, arguments)
        for cls in type(model).__mro__:
            if cls.__name__ in _WRITTEN_OUT:
                return _WRITTEN_OUT[cls.__name__](model, arguments)
    return None


def check(sent: Sent, arguments: Mapping[str, Any], samples: int, *, seeds: bool, where: str) -> list[str]:
    """Return what to say where that is not what was asked for.

    Raises:
        PreflightError: a greedy task would be sampled, or n samples would be the same greedy answer.
    """
    asked, greedy = _asked_temperature(arguments), sent.temperature == 0 or sent.others.get("top_k") == 1
    said = []
    if asked == 0 and not greedy:
        shown = "the server's own" if sent.temperature is None else f"{sent.temperature:g}"
        raise PreflightError(
            f"{where} is asked for greedy decoding, but sends temperature {shown}, so its one answer would "
            "be a sample: run a task that samples (see `passk tasks`), or say --gen_kwargs do_sample=true "
            f"temperature={shown if sent.temperature else '…'}; or leave the temperature out if you gave it"
        )
    if asked != 0 and greedy and samples > 1:
        raise PreflightError(
            f"{where} decodes greedily whatever it is asked, so all {samples} samples of a problem would be "
            "the same answer: take one sample with --metadata passk.samples=1 passk.k=1"
        )
    if asked is not None and asked != 0 and sent.temperature != asked:
        shown = "none" if sent.temperature is None else f"{sent.temperature:g}"
        said.append(f"{where} sends temperature {shown}, not the {asked:g} that was asked for")
    said += _of_limit(sent, arguments, where)
    lost = [stop for stop in _texts(arguments.get("until")) if stop not in sent.stops]
    if lost:
        said.append(
            f"{where} does not send the stop sequences {', '.join(map(repr, lost))}: answers are cut there "
            "afterwards, but the tokens beyond are generated and paid for"
        )
    if seeds and sent.seed is None:
        said.append(f"{where} does not send the seeds that passk.seeds=distinct asks for")
    for name in sorted(set(arguments) - set(_OWN_NAMES)):
        if sent.others.get(name) != arguments[name] and not greedy:
            goes = f"{name}={sent.others[name]!r}" if name in sent.others else f"no {name}"
            said.append(f"{where} sends {goes}, not {name}={arguments[name]!r} as was asked for")
    return said


def _asked_temperature(arguments: Mapping[str, Any]) -> float | None:
    if arguments.get("do_sample") is False:
        return 0.0
    value = arguments.get("temperature")
    return None if value is None else float(value)


def _of_limit(sent: Sent, arguments: Mapping[str, Any], where: str) -> list[str]:
    asked = {name: arguments[name] for name in TOKEN_LIMITS if name in arguments}
    if not asked or sent.max_tokens in [int(value) for value in asked.values()]:
        return []
    named = ", ".join(f"{name}={value}" for name, value in asked.items())
    goes = "no limit of tokens" if sent.max_tokens is None else f"a limit of {sent.max_tokens} tokens"
    other = "" if "max_gen_toks" in asked else ": write --gen_kwargs max_gen_toks=…, which it understands"
    return [f"{where} sends {goes}, not {named} as was asked for{other}"]


def _texts(stops: Any) -> list[str]:
    return [stops] if isinstance(stops, str) else list(stops or ())


# ---------------------------------------------------------------------- what is asked


def _of_request(model: Any, arguments: Mapping[str, Any]) -> Sent:
    """A server's backend: the body of the request for an empty message."""
    payload = model._create_payload(
        [{"role": "user", "content": ""}],
        generate=True,
        gen_kwargs=deepcopy(dict(arguments)),
        seed=model._seed,
    )
    return _read({name: value for name, value in payload.items() if name not in _CONTENT})


def _of_engine(model: Any, arguments: Mapping[str, Any]) -> Sent:
    """An engine in this process: its sampling parameters."""
    given = deepcopy(dict(arguments))
    try:
        kwargs, stops, most = model.modify_gen_kwargs(
            given, eos=None, default_max_gen_toks=model.max_gen_toks
        )
    except TypeError:  # sglang's takes the arguments alone, without stops and limit
        given = deepcopy(dict(arguments))
        stops, most = _texts(given.pop("until", None)), given.pop("max_gen_toks", model.max_gen_toks)
        kwargs = model.modify_gen_kwargs(given)
    if getattr(model, "think_end_token", None) and type(model).__name__ == "VLLM":
        stops = []  # they could stand in the reasoning, so they are applied afterwards
    return _read({**kwargs, "max_tokens": most, "stop": stops})


def is_plain_hf(model: Any) -> bool:
    """Whether generation is `HFLM`'s own; classes that inherit from it may change all of it."""
    owners = (
        next((cls.__name__ for cls in type(model).__mro__ if name in vars(cls)), "")
        for name in ("generate_until", "_model_generate")
    )
    return set(owners) == {"HFLM"}


def _of_hf(model: Any, arguments: Mapping[str, Any]) -> Sent:
    kwargs: dict[str, Any] = {**normalize_gen_kwargs(dict(arguments), model.max_gen_toks)}
    sampled = kwargs.pop("do_sample")
    config = getattr(model.model, "generation_config", None)
    added = {}
    for name, neutral in _OF_CONFIG.items():
        value = getattr(config, name, None)
        if value not in (None, neutral) and (sampled or name == "repetition_penalty"):
            added[name] = value
    if not sampled:
        kwargs["temperature"] = 0.0
    stops, most = kwargs.pop("until"), kwargs.pop("max_gen_toks")
    return _read({**added, **kwargs, "stop": stops, "max_tokens": most})


def _read(sent: Mapping[str, Any]) -> Sent:
    """Return what a request or sampling parameters say; some servers have these in an object within."""
    flat: dict[str, Any] = {}
    for name, value in sent.items():
        flat |= value if isinstance(value, Mapping) and name == "sampling_params" else {name: value}
    limits = [flat.pop(name, None) for name in _LIMITS_SENT]
    stops = [_texts(flat.pop(name, None)) for name in _STOPS_SENT]
    temperature, seed = flat.pop("temperature", None), flat.pop("seed", None)
    return Sent(
        temperature=None if temperature is None else float(temperature),
        max_tokens=next((int(limit) for limit in limits if limit is not None), None),
        stops=tuple(str(stop) for listed in stops for stop in listed if stop),
        seed=None if seed is None else int(seed),
        others=flat,
    )


# ---------------------------------------------------------------------- what lm-eval 0.4.13 has in its loops


def _greedy(arguments: Mapping[str, Any], limit: int | None) -> Sent:
    return Sent(0.0, limit, tuple(_texts(arguments.get("until"))))


def _limit(model: Any, arguments: Mapping[str, Any]) -> int:
    return int(arguments.get("max_gen_toks", model.max_gen_toks))


def _of_megatron(model: Any, arguments: Mapping[str, Any]) -> Sent:
    others = {name: arguments[name] for name in ("top_p", "top_k") if name in arguments}
    stops = tuple(_texts(arguments.get("until")))
    return Sent(float(arguments.get("temperature", 0.0)), _limit(model, arguments), stops, others=others)


def _of_anthropic(model: Any, arguments: Mapping[str, Any]) -> Sent:
    limit = int(arguments.get("max_gen_toks", model.max_length))
    temperature = float(arguments.get("temperature", model.temperature))
    return Sent(temperature, limit, tuple(_texts(arguments.get("until"))), others=dict(model.kwargs))


def _of_watsonx(model: Any, _: Mapping[str, Any]) -> Sent:
    return _read(
        {"temperature": 0.0, **model.generate_params}
        if model.generate_params.get("decoding_method") == "greedy"
        else model.generate_params
    )


_WRITTEN_OUT: dict[str, Callable[[Any, Mapping[str, Any]], Sent]] = {
    "GGUFLM": lambda _, arguments: _greedy(arguments, None),
    "TextSynthLM": lambda model, arguments: _greedy(arguments, int(model.max_gen_toks)),
    "NeMoLM": lambda model, arguments: _greedy(arguments, _limit(model, arguments)),
    "MegatronLMEval": _of_megatron,
    "AnthropicLM": _of_anthropic,
    "WatsonxLLM": _of_watsonx,
}
