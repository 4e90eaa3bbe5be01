"""Programs to Outcomes: order kept, identical programs run once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tqdm import tqdm

from passk_tasks.judging.executor import Executor
from passk_tasks.program import Program
from passk_tasks.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a batch.

    Attributes:
        outcomes: one for each program, in the order given.
        layers: name of each sandbox layer and whether it was active.
        warnings: what a person must know of the layers.
    """

    outcomes: list[Outcome]
    layers: dict[str, bool]
    warnings: tuple[str, ...] = ()


def judge(
    programs: Sequence[Program],
    executor: Executor,
    *,
    progress: bool = False,
    shuffle: bool = False,
    told: Callable[[int, Outcome], None] | None = None,
) -> Judged:
    """Judge a batch of programs.

    Args:
        programs: what to judge; those with `code=None` are `no_code` and are not run.
        executor: what runs them, e.g. `executor.local(Confinement())`; it is entered here.
        progress: show a bar on standard error, if that is a terminal.
        shuffle: judge problems, and the programs of each, in an order that depends on all programs together,
            so that what one program leaves does not meet a certain other one.
        told: called with the position and the outcome of each program that was judged, as it is known.

    Raises:
        SandboxError: the host cannot give the sandbox asked for.
    """
    outcomes: list[Outcome | None] = [None] * len(programs)
    same: dict[str, list[int]] = {}
    for index, program in enumerate(programs):
        if program.code is None:
            outcomes[index] = _with_base(Outcome(Verdict.NO_CODE, "no code in the model's text"), program)
        else:
            same.setdefault(program.sha256, []).append(index)
    # Programs with the same tests follow each other: a worker keeps the compiled tests of some problems only.
    numbers = {tests: number for number, tests in enumerate(dict.fromkeys(p.tests for p in programs))}
    places = list(same.values())
    if shuffle:
        # By what all programs are together: the same batch has the same order, and no program knows it.
        order = random.Random("".join(sorted(same)))
        order.shuffle(places)
        numbers = dict(zip(numbers, order.sample(range(len(numbers)), len(numbers)), strict=True))
    places.sort(key=lambda where: numbers[programs[where[0]].tests])
    bar = tqdm(total=len(programs), desc="judging", unit="program", disable=None if progress else True)
    bar.update(len(programs) - sum(map(len, places)))
    with bar, executor:
        for number, outcome in executor.run([programs[where[0]] for where in places]):
            for index in places[number]:
                outcomes[index] = whole = _with_base(outcome, programs[index])
                if told is not None:
                    told(index, whole)
            bar.update(len(places[number]))
        layers, warnings = dict(executor.layers), executor.warnings
    missing = [index for index, outcome in enumerate(outcomes) if outcome is None]
    assert not missing, f"programs without an outcome: {missing[:5]}"
    return Judged([o for o in outcomes if o is not None], layers, warnings)


def _with_base(outcome: Outcome, program: Program) -> Outcome:
    """Let an outcome that no tests' side gave say that the base did not pass."""
    if outcome.base_passed is None and program.tests.base:
        return replace(outcome, base_passed=False)
    return outcome
