"""`passk run`: lm-eval's `run` with all of its arguments, plus what our tasks need.

    --include_path   our task folders and those of installed packages are added to the one that the user names
    --model          is `replay` where none is named, and lm-eval always knows that model
    confirmation     lm-eval's question about unsafe code is answered, only for our sandboxed tasks
    passk.seeds      is `distinct` for OpenAI-style servers, unless the user says otherwise
    --resume         goes on where a run broke off; it becomes passk.resume

Our summary of each task follows lm-eval's table. The exit code says whether everything was done and saved.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lm_eval._cli import HarnessCLI
from lm_eval._cli.utils import handle_cli_value_string
from lm_eval.config.evaluate_config import EvaluatorConfig
from lm_eval.utils import setup_logging, simple_parse_args_string

from passk_tasks.errors import PasskError, UsageError, did_you_mean
from passk_tasks.harness import provenance, replay, resume
from passk_tasks.harness.preflight import OPENAI_STYLE
from passk_tasks.harness.task import PasskTask
from passk_tasks.tasks.catalog import task_folders, task_names
from passk_tasks.tasks.settings import NAMESPACE
from passk_tasks.text import summary
from passk_tasks.text.terminal import colour_wanted, width_of

DEFAULT_MODEL = "replay"

_NEXT_NAME = re.compile(r",(?=[A-Za-z_][\w.]*=)")

# A ValueError from these modules is a user's mistake, with a message that needs no traceback.
_CHECKS_OF_LM_EVAL = ("lm_eval.config.evaluate_config", "lm_eval.api.registry")


def main(argv: Sequence[str]) -> int:
    """Run lm-eval with the arguments of its `run` and return the exit code.

    Raises:
        PasskError: the run failed; it has the message and the exit code for the user.
    """
    setup_logging()
    arguments = parse(argv)
    with provenance.collecting() as finished, _confirmed(), _without_traceback():
        arguments.func(arguments)
    for result in finished.results:
        print()
        print(summary.render(result, colour=colour_wanted(sys.stdout), width=width_of(sys.stdout)))
    check_saved(finished, samples=_logs_samples(arguments))
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments of lm-eval's `run`, plus what our tasks need.

    Raises:
        UsageError: no task is named, or the `--config` file cannot be read.
    """
    ours = argparse.ArgumentParser(
        usage="passk run [--resume [JOURNAL]] ARGUMENTS OF lm-eval run",
        description=f"Without --model the model is `{DEFAULT_MODEL}`, which plays back generations that ship "
        "with this package. Settings of our tasks: --metadata passk.NAME=VALUE. lm-eval's help follows.",
        add_help=False,
        allow_abbrev=False,
    )
    ours.add_argument(
        "--resume",
        nargs="?",
        const=resume.LATEST,
        metavar="JOURNAL",
        help="go on where a run broke off, from its journal or the newest one; repeat its command",
    )
    # lm-eval's line 0.5 takes JSON alone, and 0.4 breaks `passk.k=1,10` at the comma.
    ours.add_argument("--metadata", nargs="+", action="extend", default=[], help=argparse.SUPPRESS)
    own, argv = ours.parse_known_args(argv)
    if {"-h", "--help"} & set(argv):
        print(ours.format_help())
    # lm-eval's parser reads sys.argv. The usage line names lm-eval, since these are its arguments.
    before, sys.argv = sys.argv, ["lm-eval", "run", *argv]
    try:
        arguments: argparse.Namespace = HarnessCLI().parse_args()
    finally:
        sys.argv = before
    arguments.metadata = metadata_of(own.metadata) or None
    fill_in(arguments, _config_file(arguments.config), own.resume)
    return arguments


def metadata_of(words: Sequence[str]) -> dict[str, Any]:
    """Return what the words after `--metadata` say: each is a JSON object, or `name=value,name=value`.

    A comma ends a value only where a name follows, so that `passk.k=1,10` is one value.

    Raises:
        UsageError: a word is neither.
    """
    metadata: dict[str, Any] = {}
    for word in words:
        if word.lstrip().startswith("{"):
            try:
                metadata.update(json.loads(word))
            except ValueError as error:
                raise UsageError(f"--metadata {word}: no JSON object ({error})") from None
            continue
        for item in _NEXT_NAME.split(word):
            name, equals, value = item.partition("=")
            if not (name and equals):
                raise UsageError(
                    f"--metadata {word}: write name=value, e.g. --metadata passk.samples=20 passk.k=1,10, "
                    "or a JSON object"
                )
            metadata[name] = handle_cli_value_string(value)
    return metadata


def fill_in(arguments: argparse.Namespace, config: Mapping[str, Any], journal: str | None = None) -> None:
    """Set what our tasks need where neither the command line nor the `--config` file sets it.

    Args:
        arguments: lm-eval's parsed arguments, which win over the file; changed in place.
        config: contents of the file.
        journal: what `--resume` names.
    """
    if not (arguments.tasks or config.get("tasks")):
        raise UsageError("no task is named: add --tasks passk_humaneval; `passk tasks` lists all tasks")
    arguments.include_path = _include_paths(arguments.include_path or config.get("include_path"))
    model = arguments.model or config.get("model")
    if model is None:
        print(
            f"passk run: without --model, the model is `{DEFAULT_MODEL}`, which plays back generations that "
            "ship with passk-tasks; to run your own model: --model hf --model_args pretrained=…",
            file=sys.stderr,
        )
        arguments.model = model = DEFAULT_MODEL
    if model == DEFAULT_MODEL and not (arguments.model_args or config.get("model_args")):
        # lm-eval names the results folder after this; without it the name would be random.
        arguments.model_args = {"path": replay.EMBEDDED}
    metadata = arguments.metadata or config.get("metadata") or {}
    if isinstance(metadata, str):
        metadata = simple_parse_args_string(metadata)
    added = {} if journal is None else {f"{NAMESPACE}.{resume.KEY}": journal}
    said = f"{NAMESPACE}.seeds" in metadata or "seeds" in (metadata.get(NAMESPACE) or {})
    if model in OPENAI_STYLE and not said:
        added[f"{NAMESPACE}.seeds"] = "distinct"
    if added:
        # The command line's metadata replaces the file's, so the file's must be included.
        arguments.metadata = {**metadata, **added}


def check_saved(finished: provenance.Collected, *, samples: bool) -> None:
    """Raise unless lm-eval's files are on disk; lm-eval itself logs a failure and exits with 0.

    Args:
        finished: the results that were collected.
        samples: whether the samples must be there too (`--log_samples`).
    """
    run = finished.invocation
    if run is None or run.output_path is None or run.results_folder is None or not finished.speaks:
        return
    date = getattr(run.tracker, "date_id", None)
    given = Path(run.output_path)
    stem = given.stem if given.suffix == ".json" else "results"
    path = run.results_folder / f"{stem}_{date}.json"
    try:
        json.loads(path.read_text(encoding="utf-8"))
        for result in finished.results if samples else []:
            path = run.results_folder / f"samples_{result.task}_{date}.jsonl"
            lines = path.read_bytes().count(b"\n")
            if lines != result.problems:
                raise ValueError(f"{lines} of {result.problems} lines")
    except (OSError, ValueError) as error:
        journals = " ".join(journal for result in finished.results for journal in result.journals)
        raise PasskError(
            f"lm-eval could not save {path} ({error}); its log says more at the level INFO. The generations "
            f"are saved, and `passk score` can read them: {journals or 'the log has their path'}"
        ) from error


def _include_paths(given: Any) -> str | list[str]:
    # lm-eval's command line takes one folder, but its task manager takes several, and the last one wins.
    ours = [str(folder) for folder in task_folders()]
    if len(ours) > 1:
        task_names()  # raises where a package's task would hide another
    theirs = [] if given is None else [given] if isinstance(given, (str, Path)) else list(given)
    others = [str(path) for path in theirs if str(Path(path).resolve()) not in ours]
    return [*ours, *others] if len(ours) + len(others) > 1 else ours[0]


def _logs_samples(arguments: argparse.Namespace) -> bool:
    # `arguments` holds only what the command line says.
    said = {**_config_file(arguments.config), **vars(arguments)}
    return bool(said.get("log_samples"))


def _config_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return dict(EvaluatorConfig.load_yaml_config(path))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"--config {path}: {error}") from error


@contextmanager
def _confirmed() -> Iterator[None]:
    PasskTask.confirmed = True
    try:
        yield
    finally:
        PasskTask.confirmed = False


@contextmanager
def _without_traceback() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        if isinstance(error, PasskError) or error.__traceback__ is None:
            raise
        trace = error.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        if trace.tb_frame.f_globals.get("__name__") not in _CHECKS_OF_LM_EVAL:
            raise
        message = str(error)
        if message.startswith("Tasks not found: "):
            name = message.removeprefix("Tasks not found: ")
            message += did_you_mean(name, task_names())
        raise UsageError(message) from error
