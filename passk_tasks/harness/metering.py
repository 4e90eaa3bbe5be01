"""What an answer took: heard from the backend while it generates, or counted with the tokenizer.

lm-eval hands answers over as bare texts. What it knew of them passes by before that, and is heard there:

    parse_generations   servers: the whole reply, with `usage` and the reason why the answer ended
    tok_decode          hf: the tokens that were generated

Where nothing passes by, texts are counted with the tokenizer that the model object has; without one, nothing
is known. What a server bills and does not say, such as requests that failed, is in no count.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from passk_tasks.harness import replies, sent
from passk_tasks.results.answers import written_text_of
from passk_tasks.results.spent import ESTIMATE, SERVER, TOKENIZER, Spent

_log = logging.getLogger("lm_eval.passk")

_OF_THE_LIMIT = frozenset({"length", "max_tokens", "max_output_tokens", "max_new_tokens", "model_length"})
_PATIENCE_S = 5  # for a server that counts tokens

# A text is encoded again, and what a model wrote in rare pieces comes back in fewer: so much of the limit is
# taken for all of it.
_NEARLY = 0.99


class Timed(Protocol):
    """What seconds of generation are given to."""

    seconds: float


class Clock:
    """Gives the seconds of generation to the tasks for which they were spent."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def give(self, tasks: Sequence[Timed | None]) -> None:
        """Give what has passed since the last time in equal parts; None is a task of somebody else."""
        passed, self._last = time.monotonic() - self._last, time.monotonic()
        for task in tasks:
            if task is not None:
                task.seconds += passed / len(tasks)


class _Heard(NamedTuple):
    """What a backend said of an answer before it handed it over.

    Attributes:
        told: the answer as it will be handed over; None where stop sequences are yet to cut it.
        raw: the text with whatever is yet to be cut off.
        spent: what it took.
    """

    told: str | None
    raw: str
    spent: Spent


class Meter:
    """Hears or counts what each answer of a model took."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._heard: deque[_Heard] = deque()  # of the last reply, those that were not asked for yet
        self._count, self._own = _counter(model)
        self._prompts: dict[str, int] = {}
        self._limits: dict[str, int | None] = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what the backend says while it generates inside."""
        place = _place(self._model)
        if place is None:
            yield
            return
        name, hear = place
        original, own = getattr(self._model, name), name in vars(self._model)

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            said = kwargs.get("outputs", kwargs.get("tokens", args[0] if args else None))
            if hear is _reply and _is_lm_eval_s(self._model, name):
                replies.check(said, kwargs.get("contexts"), getattr(self._model, "_batch_size", 1))
            answer = _filled(original(*args, **kwargs))
            with contextlib.suppress(Exception):  # what cannot be understood here is counted instead
                self._heard = deque(hear(self._model, said, answer))
            return answer

        setattr(self._model, name, stand_in)
        try:
            yield
        finally:
            self._heard.clear()
            delattr(self._model, name)
            if own:
                setattr(self._model, name, original)

    def spent(self, request: Sequence[Any], text: str) -> Spent | None:
        """Return what an answer took, just after the backend made it; None where nothing is known."""
        arguments = request[1] if len(request) > 1 and isinstance(request[1], Mapping) else {}
        heard, counted = self._taken(text), self._counted(request, text, arguments) or Spent()
        spent = counted
        if heard is not None:
            said = heard.spent
            own = said.tokens_out is not None and not (heard.told is None and _stopped(heard.raw, arguments))
            spent = Spent(
                tokens_in=counted.tokens_in if said.tokens_in is None else said.tokens_in,
                tokens_out=said.tokens_out if own else counted.tokens_out,
                limit_hit=counted.limit_hit if said.limit_hit is None else said.limit_hit,
                by=said.by if own else counted.by,
            )
        if spent.limit_hit and _stopped(text if heard is None else heard.raw, arguments):
            spent = replace(spent, limit_hit=False)  # it had come to its end before the limit
        return None if spent == Spent() else spent

    def _taken(self, text: str) -> _Heard | None:
        """Return what was heard of this answer; of a batch the answers are told in order, some left out."""
        while self._heard:
            heard = self._heard.popleft()
            if heard.told in (None, text):
                return heard
        return None

    def _counted(self, request: Sequence[Any], text: str, arguments: Mapping[str, Any]) -> Spent | None:
        if self._count is None:
            return None
        prompt, chat = _prompt_text(request[0])
        try:
            if prompt not in self._prompts:
                self._prompts[prompt] = self._count(prompt)
            tokens_out = self._count(text)
        except Exception:  # foreign code: a server that cannot be reached, an encoder that refuses
            self._count = None
            return None
        own = self._own and not chat and not getattr(self._model, "think_end_token", None)
        limit = self._limit(arguments) if self._own else None
        hit = None if limit is None else tokens_out >= _NEARLY * limit
        return Spent(self._prompts[prompt], tokens_out, hit, TOKENIZER if own else ESTIMATE)

    def _limit(self, arguments: Mapping[str, Any]) -> int | None:
        name = repr(sorted(arguments.items(), key=str))
        if name not in self._limits:
            goes_out = sent.of(self._model, arguments)
            asked = next((arguments[key] for key in sent.TOKEN_LIMITS if key in arguments), None)
            unsure = None if asked is None else int(asked)
            self._limits[name] = unsure if goes_out is None else goes_out.max_tokens
        return self._limits[name]


# ---------------------------------------------------------------------- what backends say


def _place(model: Any) -> tuple[str, Callable[[Any, Any, Any], Iterator[_Heard]]] | None:
    """Return the method through which answers pass, and what reads them there."""
    if hasattr(model, "parse_generations"):
        return "parse_generations", _reply
    return ("tok_decode", _generated) if sent.is_plain_hf(model) else None


def _is_lm_eval_s(model: Any, name: str) -> bool:
    """Whether a method of the model is lm-eval's own; backends of others have replies of their own form."""
    owner = next((cls for cls in type(model).__mro__ if name in vars(cls)), None)
    return owner is not None and owner.__module__.startswith("lm_eval.models.")


def _reply(_: Any, outputs: Any, texts: Any) -> Iterator[_Heard]:
    """Read replies of OpenAI's, Anthropic's and SGLang's form, each with its answers in order."""
    answers = iter(texts)
    for reply in outputs if isinstance(outputs, list) else [outputs]:
        choices = sorted(reply.get("choices") or [reply], key=lambda choice: choice.get("index", 0))
        details = reply.get("meta_info") or {}
        # A reply with several answers counts their tokens together.
        usage = (reply.get("usage") or details) if len(choices) == 1 else {}
        tokens_in, tokens_out = (
            next((int(usage[name]) for name in names if usage.get(name) is not None), None)
            for names in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
        )
        for choice in choices:
            reason = choice.get("finish_reason") or choice.get("stop_reason") or details.get("finish_reason")
            reason = reason.get("type") if isinstance(reason, Mapping) else reason
            hit = reason.lower() in _OF_THE_LIMIT if isinstance(reason, str) else None
            by = "" if tokens_out is None else SERVER
            text = written_text_of(next(answers))
            yield _Heard(text, text, Spent(tokens_in, tokens_out, hit, by))


def _generated(model: Any, tokens: Any, text: Any) -> Iterator[_Heard]:
    """Read the tokens that hf generated: those of one answer, and what its batch put behind its end."""
    if not isinstance(tokens, list):
        return
    ends = {model.eot_token_id, *_ids(getattr(model.model.generation_config, "eos_token_id", None))}
    end = next((number for number, token in enumerate(tokens) if token in ends), None)
    # Without an end it was cut off by the limit, or by a stop sequence, which its batch may have outlived.
    count, hit = (len(tokens), True) if end is None else (end + 1, False)
    by = ESTIMATE if isinstance(model.think_end_token, int) else TOKENIZER  # the reasoning is gone by now
    yield _Heard(None, text, Spent(None, count, hit, by))


def _ids(value: Any) -> set[int]:
    return {value} if isinstance(value, int) else set(value or ())


def _filled(answers: Any) -> Any:
    """Return a server's answers with a text for each null, the one that lm-eval itself puts in there.

    Where lm-eval asks for one at a time it tells its cache hook of no null, so that it would be saved only
    with the last answer of the run.
    """
    if not isinstance(answers, list) or None not in answers:
        return answers
    models = sys.modules.get("lm_eval.models.api_models")
    text = getattr(models, "LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER", "")
    _log.warning("the server's answer has null for its text, and counts as %r", text)
    return [text if answer is None else answer for answer in answers]


# ---------------------------------------------------------------------- counting


def _counter(model: Any) -> tuple[Callable[[str], int] | None, bool]:
    """Return what counts the tokens of a text, and whether it is the model's own tokenizer."""
    # It is loaded now, by a library or from a place that is not there: no run ends for that.
    try:
        tokenizer = getattr(model, "tokenizer", None)
    except Exception:
        return None, False
    if tokenizer is None or isinstance(tokenizer, str):
        return None, False
    of_server = hasattr(model, "_create_payload")
    own = not of_server or getattr(tokenizer, "name_or_path", model.model) == model.model
    if hasattr(tokenizer, "session"):  # lm-eval's RemoteTokenizer: one try, or an answer would wait for it
        tokenizer = copy.copy(tokenizer)
        tokenizer.timeout, tokenizer.max_retries = _PATIENCE_S, 1
    if callable(tokenizer):  # of transformers, or of a server
        return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]), own
    if hasattr(tokenizer, "special_tokens_set"):  # of tiktoken
        return lambda text: len(tokenizer.encode(text, disallowed_special=())), own
    return (lambda text: len(tokenizer.encode(text))), own


def _prompt_text(prompt: Any) -> tuple[str, bool]:
    """Return the text of a prompt, and whether it is a chat, to which the server adds what nobody sees."""
    if isinstance(prompt, str):
        return prompt, False
    messages = getattr(prompt, "prompt", prompt)
    with contextlib.suppress(TypeError, ValueError):
        messages = json.loads(messages)
    if not isinstance(messages, list):
        return str(messages), True
    return "\n".join(str(m.get("content", "")) if isinstance(m, dict) else str(m) for m in messages), True


def _stopped(text: str, arguments: Mapping[str, Any]) -> bool:
    """Whether one of the stop sequences stands in a text."""
    until = arguments.get("until") or []
    return any(stop and stop in text for stop in ([until] if isinstance(until, str) else until))
