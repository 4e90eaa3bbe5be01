"""Says what a failure inside lm-eval means for the user: what is wrong, and the remedy.

What is not known here keeps its traceback, since it is a defect: lm-eval's, a backend's or ours.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import requires
from pathlib import Path
from typing import Any

from passk_tasks.errors import InfrastructureError, PasskError, UsageError, did_you_mean
from passk_tasks.harness import host, journaling
from passk_tasks.results import store
from passk_tasks.results.summary import Summary
from passk_tasks.scoring.summary import Scored
from passk_tasks.tasks.catalog import task_names

# A ValueError from these modules is a user's mistake, with a message that needs no traceback.
_CHECKS_OF_LM_EVAL = ("lm_eval.config.evaluate_config", "lm_eval.api.registry")
_LOADERS = {"transformers", "huggingface_hub", "tokenizers", "tiktoken"}
"""Packages in which a failure is one to load the model or its tokenizer."""
_NO_ANSWER = {"ConnectionError", "ClientConnectionError", "ConnectError", "Timeout", "TimeoutError"}
"""Names of the classes, of any HTTP library, that say that no answer came."""
_HUB = "huggingface.co"
_REMEDIES = {
    400: "the request was turned down: its text says why",
    401: "the key is missing or wrong: set OPENAI_API_KEY, or the variable that this model reads",
    403: "the key may not use this model",
    404: "check the path in base_url, and the name in model= against those that the server lists",
    429: "too many requests: lower num_concurrent",
}


@contextmanager
def explained(model: str, arguments: Mapping[str, Any], *, verbose: bool) -> Iterator[None]:
    """Turn a failure that is known into a `PasskError` that says what is wrong and the remedy.

    With `verbose` the traceback is printed too.
    """
    try:
        yield
    except Exception as error:
        stopped = isinstance(error, journaling.StoppedError)
        if isinstance(error, PasskError) and not stopped:
            raise
        known = next(filter(None, (_known(cause, model, arguments) for cause in _chain(error))), None)
        if verbose or (stopped and known is None):
            traceback.print_exception(error)
        if known is None:
            raise
        hint = "" if verbose else " (--verbose shows the traceback)"
        rest = f"\n{error.how_to_go_on}" if isinstance(error, journaling.StoppedError) else ""
        raise type(known)(f"{known}{hint}{rest}") from error


def refuse_infra_errors(scored: Scored, whole: Summary, journal: Path) -> None:
    """Raise where samples remained without a verdict; outcomes are stored beside the journal.

    Args:
        scored: what this rank judged.
        whole: of all ranks, where this one gathers them.
        journal: of this rank.
    """
    count = whole.infra_errors
    if not count:
        return
    folder = journal.with_suffix("")
    store.write(folder, whole.as_dict(), (record.as_dict() for record in scored.records))
    journals = " ".join(whole.journals or [str(journal)])
    raise InfrastructureError(
        f"task {scored.task}: {count} samples remain without a verdict, and not through the model's "
        f"fault, so there is no pass@k. The outcomes of the others are in {folder}. To finish without "
        f"the model: passk score {journals} --task {scored.task}"
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it; tenacity keeps the last attempt's error to itself."""
    while error is not None:
        yield error
        attempt = getattr(error, "last_attempt", None)
        error = (attempt and attempt.exception()) or error.__cause__ or error.__context__


def _known(error: BaseException, model: str, arguments: Mapping[str, Any]) -> PasskError | None:
    if isinstance(error, PasskError) and not isinstance(error, journaling.StoppedError):
        return error
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    classes = {cls.__name__ for cls in type(error).__mro__}
    first = str(error).strip().partition("\n")[0] or type(error).__name__
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "status", None)
    loading = any(name.partition(".")[0] in _LOADERS for name in frames)
    if (name := host.name_not_found(error)) is not None:
        return UsageError(f"Tasks not found: {name}{did_you_mean(name, task_names())}")
    if isinstance(error, ValueError) and frames and frames[-1] in _CHECKS_OF_LM_EVAL:
        return UsageError(str(error))
    if isinstance(error, ImportError) and not (error.name or "").startswith("passk_tasks"):
        return UsageError(f"the model {model} needs a package that is not there: {first}: {_install(error)}")
    if loading and (_HUB in str(error) or classes & _NO_ANSWER):
        return PasskError(
            f"the model or its tokenizer is not here, and the hub does not give it: {first}: check the name, "
            "or name a local folder with --model_args pretrained=PATH (a server's: tokenizer=PATH)"
        )
    if loading:
        return UsageError(
            f"the model or its tokenizer cannot be loaded: {first}: check the names in --model_args; a "
            "server that counts tokens itself needs no tokenizer: tokenizer_backend=None"
        )
    server = arguments.get("base_url") or f"of the model {model}"
    if isinstance(status, int) and status >= 400:
        remedy = _REMEDIES.get(status, "the server failed: its own log says why")
        return PasskError(f"the server {server} answers with status {status}: {remedy} ({first:.300})")
    if classes & _NO_ANSWER:
        return PasskError(
            f"the server {server} does not answer: start it, or mend base_url in --model_args ({first:.300})"
        )
    return None


def _install(error: ImportError) -> str:
    """Return the command that brings what is missing: an extra of lm-eval's that has it, or the package."""
    name = (error.name or "").partition(".")[0]
    for requirement in requires("lm_eval") or []:
        package, _, extra = requirement.partition("extra == ")
        if name and extra and re.split(r"[^\w-]", package, maxsplit=1)[0].replace("-", "_") == name:
            return f"pip install 'lm_eval[{extra.strip(chr(34))}]'"
    return f"pip install {name}" if name else "install it"
