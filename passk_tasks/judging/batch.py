"""Judges a batch of programs: keeps their order and runs identical ones once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tqdm import tqdm

from passk_tasks.judging.executor import Executor
from passk_tasks.program import Program
from passk_tasks.verdict import Machine, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of a batch.

    Attributes:
        outcomes: one for each program, in the order given.
        layers: whether each sandbox layer was active, by name.
        warnings: what the user must know about the layers.
        machines: who judged, where that was not this machine.
    """

    outcomes: list[Outcome]
    layers: dict[str, bool]
    warnings: tuple[str, ...] = ()
    machines: tuple[Machine, ...] = ()


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
        programs: those with `code=None` get `no_code` and are not run.
        executor: runs the programs, e.g. `executor.local(Confinement())`; this function enters it.
        progress: show a bar on standard error, if that is a terminal.
        shuffle: judge problems, and the programs of each, in an order that depends on the whole batch. So no
            program can choose which other one meets what it leaves behind.
        told: called with each judged program's position and outcome, as soon as it is known.

    Raises:
        SandboxError: this host cannot give the sandbox asked for.
    """
    outcomes: list[Outcome | None] = [None] * len(programs)
    positions: dict[str, list[int]] = {}  # of identical programs, by their hash
    for index, program in enumerate(programs):
        if program.code is None:
            outcomes[index] = _with_base(Outcome(Verdict.NO_CODE, "no code in the model's text"), program)
        else:
            positions.setdefault(program.sha256, []).append(index)
    # Programs with the same tests follow each other, since a worker keeps few problems' compiled tests.
    ranks = {tests: rank for rank, tests in enumerate(dict.fromkeys(p.tests for p in programs))}
    groups = list(positions.values())
    if shuffle:
        # The seed is the whole batch: the same batch has the same order, and no program knows it.
        order = random.Random("".join(sorted(positions)))
        order.shuffle(groups)
        ranks = dict(zip(ranks, order.sample(range(len(ranks)), len(ranks)), strict=True))
    groups.sort(key=lambda group: ranks[programs[group[0]].tests])
    bar = tqdm(total=len(programs), desc="judging", unit="program", disable=None if progress else True)
    bar.update(len(programs) - sum(map(len, groups)))
    with bar, executor:
        for number, outcome in executor.run([programs[group[0]] for group in groups]):
            for index in groups[number]:
                outcomes[index] = complete = _with_base(outcome, programs[index])
                if told is not None:
                    told(index, complete)
            bar.update(len(groups[number]))
        layers, warnings, machines = dict(executor.layers), executor.warnings, executor.machines
    assert None not in outcomes, f"no outcome for program {outcomes.index(None)}"
    return Judged([outcome for outcome in outcomes if outcome is not None], layers, warnings, machines)


def _with_base(outcome: Outcome, program: Program) -> Outcome:
    """Return the outcome; if it says nothing of the base tests, which the program has, they did not pass."""
    if outcome.base_passed is None and program.tests.base:
        return replace(outcome, base_passed=False)
    return outcome
