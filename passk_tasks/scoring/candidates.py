"""Which candidate a text holds, and the proof that it is the one that a stored run judged.

    sample, problem, task -> candidate          by the sample's form, the task's extraction, and the stops
    stored run, its texts -> Prover.candidate   the same, proved by the hash of the program that was judged

A run stores hashes of what it executed, and the texts stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from passk_tasks import benchmarks, extraction
from passk_tasks.benchmarks import Dataset
from passk_tasks.errors import SamplesError, UsageError
from passk_tasks.extraction import Extraction, Strategy
from passk_tasks.extraction.unfinished import unfinished as never_ended
from passk_tasks.problem import Problem
from passk_tasks.program import Judge
from passk_tasks.results import store
from passk_tasks.results.model import Run, StoredRun
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Sample
from passk_tasks.tasks import stops
from passk_tasks.tasks.catalog import TaskSpec, load_task, task_names
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome

EXTRACT = (
    "auto",
    "verbatim",
    "completion",
    "answer",
    "snippet",
    "snippet_exact",
    "snippet_indented",
    "sanitized",
)
"""What `extract` may be; `auto` lets each sample's form decide."""


def candidate(sample: Sample, problem: Problem, spec: TaskSpec, extract: str = "auto") -> Extraction:
    """Return the candidate in a sample: taken as it stands, or extracted from the model's text.

    `extract` is one of `EXTRACT`; the task has the mode for responses, and the stop sequences.
    """
    if sample.form == SOLUTION and extract in ("auto", "verbatim"):
        if not sample.text.strip():  # what EvalPlus writes where a model gave nothing
            return Extraction(None, Strategy.NONE_EMPTY.value)
        return Extraction(sample.text, Strategy.VERBATIM.value)
    mode, own = mode_of(sample, problem, spec, extract), spec.settings.extraction
    return extraction.extract(
        sample.text,
        mode=mode,
        # A snippet goes into a program of the tests, whose prompt is prose.
        prompt="" if mode == "verbatim" and own.startswith("snippet") else problem.prompt,
        entry_point=problem.entry_point,
        suffix=problem.suffix,
        also=problem.functions,
        protocol=problem.protocol,
        stops=_stops(sample, problem, spec, mode)[1],
    )


def unfinished(sample: Sample, found: Extraction, spec: TaskSpec) -> str | None:
    """Return what never ended in a model's text, `reasoning` or `fence`; None for other forms of samples."""
    if sample.form != RESPONSE:
        return None
    return never_ended(sample.text, found.strategy, spec.until if sample.stops is None else sample.stops)


def mode_of(sample: Sample, problem: Problem, spec: TaskSpec, extract: str) -> str:
    """Return how a sample is read, one of `tasks.settings.EXTRACTIONS`; arguments as `candidate`."""
    own = spec.settings.extraction
    if extract != "auto":
        return extract
    if sample.form == SOLUTION:
        return "verbatim"
    if sample.form == COMPLETION and problem.protocol is not None:
        return "completion"  # where it ends is part of the benchmark
    return "verbatim" if sample.form == COMPLETION and not own.startswith("snippet") else own


def _stops(
    sample: Sample, problem: Problem, spec: TaskSpec, mode: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stops that a text was asked for with, and those of them at which it ends."""
    recorded = sample.stops is not None
    if not recorded and mode.startswith("snippet"):
        return spec.until, ()  # DS-1000 cuts a text that is there by the rule for snippets alone
    given = sample.stops if sample.stops is not None else spec.until
    asked = sample.asked if recorded else spec.asked or spec.settings.extraction
    return given, stops.applied(given, problem.entry_point, mode, asked, problem.protocol)


def extract_as_set(samples: Sequence[Sample], spec: TaskSpec, extract: str) -> str:
    """Return how code is to be found where the user names the setting `extraction`: so in every form.

    Solutions cannot continue a prompt; they stay as they are where that is what the setting says.
    """
    own, forms = spec.settings.extraction, {sample.form for sample in samples}
    follow = extract == "auto" and forms != {RESPONSE}
    return own if follow and (own != "completion" or SOLUTION not in forms) else extract


def verbatim_warning(samples: Sequence[Sample], spec: TaskSpec, extract: str) -> str | None:
    """Return what to say where completions are taken as they are though the task asks for answers."""
    count = sum(sample.form == COMPLETION for sample in samples)
    if not count or extract != "auto" or spec.settings.extraction != stops.ANSWER:
        return None
    return (
        f"{count} completions are appended to their prompts as they stand, though {spec.name} asks for "
        "answers of chat models: --extract answer looks for the code in them"
    )


def cut_warning(
    samples: Sequence[Sample], spec: TaskSpec, dataset: Dataset, extract: str = "auto"
) -> str | None:
    """Return what to say where texts were asked for with stops that do not go with how they are read."""
    unlike: dict[str, None] = {}
    count = 0
    for sample in samples:
        problem = dataset.problems[sample.task_id]
        mode = mode_of(sample, problem, spec, extract)
        if mode == "verbatim" or sample.stops is None:
            continue
        given, applied = _stops(sample, problem, spec, mode)
        unapplied = [stop for stop in given if stop not in applied]
        unlike.update(dict.fromkeys(unapplied))
        count += bool(unapplied)
    if not count:
        return None
    return (
        f"{count} samples were asked for with stop sequences that also stand within what they are read as "
        f"({', '.join(map(repr, unlike))}): no text is cut at those here, and what a server cut off at them "
        "is missing"
    )


# ---------------------------------------------------------------------- stored runs


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored sample with the program that its text holds.

    Attributes:
        text: what the model wrote, as it was saved.
        code: the whole program in the text; None where the text holds none.
        strategy: how the code was found in the text.
        proved: whether the code gives the program that was judged, by the hash that the run stored.
    """

    text: str
    code: str | None
    strategy: str
    outcome: Outcome
    proved: bool


class Prover:
    """Finds the candidates of a stored run in its texts again, and proves each by its hash.

    Raises:
        SamplesError: the run has outcomes of a problem that is not among them.
        UsageError: the run has settings that this version does not know.
    """

    def __init__(self, run: Run, problems: Mapping[str, Problem]) -> None:
        unknown = next((task_id for task_id in run.outcomes if task_id not in problems), None)
        if unknown is not None:
            raise SamplesError(f"{run.samples_path}: {run.task} has no problem {unknown!r}")
        self._run, self._problems = run, problems
        self._spec = spec_of(run)
        self._family = benchmarks.get(self._spec.settings.benchmark)

    def candidate(self, sample: Sample, number: int) -> Candidate:
        """Return the candidate in a sample, which is the run's `number`-th of its problem, from 0."""
        problem = self._problems[sample.task_id]
        extracted = candidate(sample, problem, self._spec, self._run.extract or "auto")
        return Candidate(
            text=sample.text,
            code=extracted.code,
            strategy=extracted.strategy,
            outcome=self._run.outcomes[sample.task_id][number],
            proved=self._gives(problem, extracted.code, self._run.programs[sample.task_id][number]),
        )

    def _gives(self, problem: Problem, code: str | None, program_sha256: str) -> bool:
        family = self._family
        program = family.program(problem, code, self._spec.settings.judge.place)
        if program.sha256 == program_sha256:
            return True
        # Whether a reference of people's own problems passed in one process only is not stored with the run.
        if not family.own_problems or program.judge is not Judge.ISOLATED:
            return False
        return family.program(problem, code, Judge.SCRIPT).sha256 == program_sha256


def spec_of(run: StoredRun) -> TaskSpec:
    """Return the task that a run was scored by, from what the run recorded.

    Its stops are those of texts that do not record their own: for `passk score` the task's, for lm-eval those
    that it sent.

    Raises:
        UsageError: the run has settings that this version does not know.
    """
    settings = Settings.parse(run.settings, where=str(run.path))
    spec = TaskSpec(
        name=run.task,
        version=run.task_version or "",
        description="",
        settings=settings,
        generation_kwargs={"until": list(run.conditions.stops or ())},
        source=run.path,
    )
    if run.task not in task_names():  # the user's own
        return spec
    task = load_task(run.task)
    of_score = run.samples_path is not None and run.samples_path.name == store.OUTCOMES
    if of_score or run.conditions.stops is None:
        spec = replace(spec, generation_kwargs=task.generation_kwargs)
    return replace(spec, asked=task.asked)


def problems_of(run: StoredRun, data_files: str | None = None) -> Dataset:
    """Return the problems of a run: of a file or folder, or of what its settings say.

    Raises:
        DatasetError: they cannot be had.
        UsageError: the ones that are there are not those of the run.
    """
    settings = Settings.parse(run.settings, where=str(run.path))
    if data_files is not None:
        settings = replace(settings, data_files=data_files)
    dataset = benchmarks.load(benchmarks.get(settings.benchmark), settings)
    if dataset.sha256 != run.dataset_sha256:
        raise UsageError(
            f"{dataset.source} has others by now (sha256 {dataset.sha256[:12]}, and those of the run had "
            f"{str(run.dataset_sha256)[:12]})"
        )
    return dataset
