"""`passk run`: lm-eval's `run` with all of its arguments, plus what our tasks need.

    --tasks          lm-eval's own task files are read only where the names may need them
    --include_path   our task folders and those of installed packages are added to the one that the user
                     names, unless lm-eval finds them by itself
    --model          is `replay` where none is named, and lm-eval always knows that model
    confirmation     lm-eval's question about unsafe code is answered, only for our sandboxed tasks
    passk.seeds      is `distinct` for OpenAI-style servers, unless the user says otherwise
    --resume         goes on where a run broke off; it becomes passk.resume

Our summary of each task follows lm-eval's table. The exit code says whether everything was done and saved.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from lm_eval._cli import HarnessCLI
from lm_eval._cli.utils import handle_cli_value_string
from lm_eval.config.evaluate_config import EvaluatorConfig
from lm_eval.utils import setup_logging, simple_parse_args_string

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.harness import (
    failures,
    finding,
    offered,  # noqa: F401  registers what task files may name
    provenance,
    replay,
    resume,
)
from passk_tasks.harness.preflight import OPENAI_STYLE
from passk_tasks.harness.task import PasskTask
from passk_tasks.tasks.catalog import task_folders, task_names
from passk_tasks.tasks.settings import NAMESPACE, Settings
from passk_tasks.text import summary
from passk_tasks.text.terminal import colour_wanted, width_of

DEFAULT_MODEL = "replay"

_EPILOG = f"""\
the arguments of lm-eval that are used most:
  --tasks TASKS          names, separated by commas: `passk tasks` lists them
  --model NAME           default here: {DEFAULT_MODEL}, which plays back generations that ship with passk;
                         others: hf, vllm, local-completions, local-chat-completions, openai-chat-completions
  --model_args K=V …     e.g. pretrained=PATH, or base_url=URL model=NAME; of {DEFAULT_MODEL}: path=SAMPLES
  --apply_chat_template  for the tasks with `instruct` in their names
  --gen_kwargs K=V …     e.g. temperature=0.8; default: the task's
  --metadata passk.K=V … settings of our tasks, e.g. passk.samples=50 passk.k=1,10; default: the task's, and
                         passk.seeds=distinct for servers that take a seed
  --limit N              only the first N problems
  --output_path DIR      folder for the results; without it only the answers are kept, in a journal
  --log_samples          keep every sample too: compare, report and export read them
  --include_path DIR     one more folder of task YAML; ours are always there
  --confirm_run_unsafe_code  not needed for our tasks, which run in a sandbox

all others: lm-eval run --help"""

_NEXT_NAME = re.compile(r",(?=[A-Za-z_][\w.]*=)")


def main(argv: Sequence[str]) -> int:
    """Run lm-eval with the arguments of its `run` and return the exit code.

    Raises:
        PasskError: the run failed; it has the message and the exit code for the user.
    """
    setup_logging()
    arguments = parse(argv)
    verbose = vars(arguments).pop("verbose")  # lm-eval takes no argument that it does not know
    said = _said(arguments)
    explained = failures.explained(said["model"], _mapping(said["model_args"]), verbose=verbose)
    with provenance.collecting() as finished, _confirmed(), explained, finding.ours_first(said["tasks"]):
        arguments.func(arguments)
    for result in finished.results:
        print()
        print(summary.render(result, colour=colour_wanted(sys.stdout), width=width_of(sys.stdout)))
    samples = bool(said.get("log_samples"))
    check_saved(finished, samples=samples)
    if finished.results:
        print(f"\n{_where(finished, samples=samples)}")
    return 0


def _where(finished: provenance.Collected, *, samples: bool) -> str:
    """Return where the results are, and the command to type next."""
    folder = finished.invocation and finished.invocation.results_folder
    if folder is not None:
        reads = "report" if samples and len(finished.results) == 1 else "runs"
        return f"  results: {folder}\n  next: {shlex.join(['passk', reads, str(folder)])}"
    first = finished.results[0]
    return (
        "  the results are not stored, since there is no --output_path; the answers are\n"
        f"  next: {shlex.join(['passk', 'score', *first.journals, '--out', first.task])}"
    )


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments of lm-eval's `run`, plus what our tasks need.

    Raises:
        UsageError: no task is named, or the `--config` file cannot be read.
    """
    ours = argparse.ArgumentParser(
        prog="passk run",
        usage="passk run --tasks TASKS [--label L] [--note TEXT] [--tag T] [--resume [JOURNAL]] "
        "[arguments of lm-eval run]",
        description="Ask a model for samples of a task, judge them in the sandbox, estimate pass@k.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    ours.add_argument(
        "--resume",
        nargs="?",
        const=resume.LATEST,
        metavar="JOURNAL",
        help="go on where a run broke off, from its journal or the newest one; repeat its command",
    )
    ours.add_argument(
        "--verbose",
        action="store_true",
        help="show the traceback of a failure; lm-eval's log: --verbosity DEBUG",
    )
    # lm-eval's line 0.5 takes JSON alone, and 0.4 breaks `passk.k=1,10` at the comma.
    ours.add_argument("--metadata", nargs="+", action="extend", default=[], help=argparse.SUPPRESS)
    ours.add_argument("--label", metavar="L", help="what the run is called, in whatever shows it")
    ours.add_argument("--note", metavar="TEXT", help="what there is to say of the run")
    ours.add_argument(
        "--tag", action="append", default=[], metavar="T", help="a word to find the run by; may be repeated"
    )
    own, argv = ours.parse_known_args(argv)
    # lm-eval's parser reads sys.argv. The usage line names lm-eval, since these are its arguments.
    before, sys.argv = sys.argv, ["lm-eval", "run", *argv]
    try:
        arguments: argparse.Namespace = HarnessCLI().parse_args()
    finally:
        sys.argv = before
    arguments.verbose = own.verbose
    arguments.metadata = metadata_of(own.metadata) or None
    named = {"label": own.label, "note": own.note, "tags": ",".join(own.tag) or None}
    fill_in(arguments, _config_file(arguments.config), own.resume, named)
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
                    f"--metadata {word}: name=value expected, e.g. --metadata passk.samples=20 passk.k=1,10, "
                    "or a JSON object"
                )
            metadata[name] = handle_cli_value_string(value)
    return metadata


def fill_in(
    arguments: argparse.Namespace,
    config: Mapping[str, Any],
    journal: str | None = None,
    named: Mapping[str, str | None] | None = None,
) -> None:
    """Set what our tasks need where neither the command line nor the `--config` file sets it.

    `arguments`, lm-eval's own, win over the file and are changed in place. `journal` is what `--resume`
    names, `named` has the settings that options of ours give.

    Raises:
        UsageError: no task is named, or a setting lacks its prefix or is given twice.
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
    metadata = _mapping(arguments.metadata or config.get("metadata"))
    _check_prefix(metadata)
    added = {f"{NAMESPACE}.{name}": text for name, text in (named or {}).items() if text is not None}
    for name, text in added.items():
        if str(metadata.get(name, text)) != text:
            raise UsageError(f"--metadata {name}={metadata[name]}: an option gives {text}; give it once")
    added |= {} if journal is None else {f"{NAMESPACE}.{resume.KEY}": journal}
    said = f"{NAMESPACE}.seeds" in metadata or "seeds" in (metadata.get(NAMESPACE) or {})
    if model in OPENAI_STYLE and not said:
        added[f"{NAMESPACE}.seeds"] = "distinct"
    if added:
        # The command line's metadata replaces the file's, so the file's must be included.
        arguments.metadata = {**metadata, **added}


def _check_prefix(metadata: Mapping[str, Any]) -> None:
    """Raise where a setting of our tasks lacks `passk.`: lm-eval would hand it to tasks that ignore it."""
    known = [field.name for field in fields(Settings)]
    for name, value in metadata.items():
        if name == NAMESPACE or name.startswith(f"{NAMESPACE}."):
            continue
        bare = re.sub(rf"^{NAMESPACE}\W?_?", "", name.strip().lower().replace("-", "_"))
        near = difflib.get_close_matches(bare, known, n=1, cutoff=0.8)
        if near or bare != name.lower():
            raise UsageError(
                f"--metadata {name}={value}: settings of our tasks are written "
                f"{NAMESPACE}.{(near or ['NAME'])[0]}={value}; where this is another task's own key, use "
                "`lm-eval run`"
            )


def check_saved(finished: provenance.Collected, *, samples: bool) -> None:
    """Raise unless lm-eval's files are on disk; lm-eval itself logs a failure and exits with 0.

    With `samples` those of `--log_samples` must be there too.
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


def _include_paths(given: Any) -> str | list[str] | None:
    # lm-eval's command line takes one folder, but its task manager takes several, and the last one wins.
    ours = task_folders()
    if len(ours) > 1:
        task_names()  # raises where a package's task would hide another
    theirs = [] if given is None else [given] if isinstance(given, (str, Path)) else list(given)
    others = [str(path) for path in theirs if Path(path).resolve() not in ours]
    paths = [*map(str, finding.unknown_to_host(ours)), *others]
    return paths if len(paths) > 1 else paths[0] if paths else None


def _said(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says, and the `--config` file where the former says nothing."""
    given = {name: value for name, value in vars(arguments).items() if value or value == 0}
    return {"model_args": {}, **_config_file(arguments.config), **given}


def _mapping(given: Any) -> dict[str, Any]:
    """Return arguments of lm-eval's that may be a text."""
    return dict(simple_parse_args_string(given) if isinstance(given, str) else given or {})


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
