"""Topping up, simulated: is pass@k unbiased, do the intervals hold, and what does it save.

    python bench/top_up.py [--repetitions 1000] [--processes 2]

Problems are drawn from a distribution of true pass rates, and samples from the problems, round by round as
`passk run` does with `passk.top_up`. Prints the table of docs/statistics.md.

bias         mean of pass@k minus the true one of the very problems, in points; in brackets its own standard
             error, and the bias if the scouts counted too
over …       how often, in percent, the interval over samples contained the true pass@k of the problems, and
             the one over problems that of the distribution
samples      a problem, scouts included; then the smallest fixed n whose interval is as short, which nobody
             knows beforehand
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from passk_tasks.statistics import plan, top_up
from passk_tasks.statistics.intervals import effective_draws
from passk_tasks.statistics.metrics import PASS, Metric, score

SEED = 20240
PROBLEMS = 164
Rates = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]


def _mixed(share: float, first: Rates, second: Rates) -> Rates:
    return lambda chance, m: np.where(chance.random(m) < share, first(chance, m), second(chance, m))


SHAPES: dict[str, Rates] = {
    "low, skewed: Beta(0.3, 1.7)": lambda chance, m: chance.beta(0.3, 1.7, m),
    "low, narrow: Beta(2, 8)": lambda chance, m: chance.beta(2, 8, m),
    "centre: Beta(5, 5)": lambda chance, m: chance.beta(5, 5, m),
    "U-shaped: Beta(0.3, 0.3)": lambda chance, m: chance.beta(0.3, 0.3, m),
    "U-shaped: Beta(0.1, 0.1)": lambda chance, m: chance.beta(0.1, 0.1, m),
    "high, skewed: Beta(1.7, 0.3)": lambda chance, m: chance.beta(1.7, 0.3, m),
    "90 % hard, 10 % easy": _mixed(
        0.9, lambda chance, m: chance.beta(0.2, 9, m), lambda chance, m: chance.beta(8, 2, m)
    ),
    "half out of reach, else Beta(0.8, 1.5)": _mixed(
        0.5, lambda _, m: np.zeros(m), lambda chance, m: chance.beta(0.8, 1.5, m)
    ),
}


class Case(NamedTuple):
    """What is asked: pass@k within a half-width, with so many samples of a problem at least and at most."""

    k: int
    half_width: float
    least: int
    most: int


CASES = [Case(1, 0.01, 5, 200), Case(1, 0.005, 10, 1000), Case(10, 0.02, 20, 200), Case(10, 0.01, 20, 1000)]


class Run(NamedTuple):
    """One simulated run."""

    error: float
    covered: bool
    covered_problems: bool
    pooled_error: float
    reached: bool
    scouts: int
    samples: float
    looks: int


def one_run(chance: np.random.Generator, rates: npt.NDArray[np.float64], case: Case, of_all: float) -> Run:
    """Simulate a run, as harness/topping_up.py has it."""
    k, half_width, least, most = case
    n = np.full(len(rates), least)
    c = chance.binomial(n, rates)
    scouts, passed, looks = 0, np.zeros(len(rates), np.int64), 1
    if top_up.half_width_of(n, c, k) > half_width:
        scouts = top_up.needed(n, c, k, half_width, least, most).scouts
        passed = chance.binomial(scouts, rates)
        asked = None if not scouts else (np.full(len(rates), scouts), passed)
        rounds = top_up.TopUp.of((n, c), asked, k, half_width, least, most)
        while (more := rounds.following(n, c, n)) is not None:
            c, n, looks = c + chance.binomial(more - n, rates), more, looks + 1
    truth = float(np.mean(1 - (1 - rates) ** k))
    found = score(Metric(PASS, k), n, c)
    pooled = score(Metric(PASS, k), n + scouts, c + passed).value
    assert found.over_samples.ci95 is not None
    assert found.over_problems.ci95 is not None
    (low, high), (lowest, highest) = found.over_samples.ci95, found.over_problems.ci95
    return Run(
        found.value - truth,
        low <= truth <= high,
        lowest <= of_all <= highest,
        pooled - truth,
        (high - low) / 2 <= half_width,
        scouts,
        float(n.mean()) + scouts,
        looks,
    )


def fixed(rates: npt.NDArray[np.float64], case: Case) -> int:
    """Return the smallest n of all problems whose interval is expected to be short enough."""
    powers = np.array([np.mean((1 - rates) ** m) for m in range(2 * case.k + 1)])
    value = 1 - float(powers[case.k])

    def enough(n: int) -> bool:
        variance = plan._within(powers, n, case.k) / len(rates)
        unit = case.k / n / len(rates)
        return plan._half(value, effective_draws(value, variance, unit)) <= case.half_width

    return plan.least(case.least, case.most, enough) or case.most


def row(shape: str, case: Case, repetitions: int) -> str:
    """Return a row of the table."""
    draw = SHAPES[shape]
    chance = np.random.default_rng([SEED, zlib.crc32(f"{shape} {case}".encode())])
    of_all = float(np.mean(1 - (1 - draw(chance, 4_000_000)) ** case.k))
    runs, fixed_n = [], []
    for number in range(repetitions):
        rates = draw(chance, PROBLEMS)
        runs.append(one_run(chance, rates, case, of_all))
        if number < 50:
            fixed_n.append(fixed(rates, case))
    errors = np.array([run.error for run in runs])
    bias, own = 100 * errors.mean(), 100 * errors.std() / np.sqrt(repetitions)
    pooled = 100 * np.mean([run.pooled_error for run in runs])
    share = {name: 100 * np.mean([getattr(run, name) for run in runs]) for name in Run._fields}
    samples, against = share["samples"] / 100, float(np.mean(fixed_n))
    return (
        f"| {shape} | {case.k} | {100 * case.half_width:g} | {bias:+.3f} ({own:.3f}, {pooled:+.3f}) | "
        f"{share['covered']:.1f} | {share['covered_problems']:.1f} | {share['reached']:.0f} % | "
        f"{share['scouts'] / 100:.1f} | {samples:.1f} | {against:.1f} | {1 - samples / against:+.0%} | "
        f"{1 - samples / case.most:.0%} of {case.most} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print(
        "| true pass rates | k | ± | bias (its error, with scouts) | over samples | over problems | reached "
        "| scouts | samples | fixed n | saved | saved of most |\n" + "|---" * 12 + "|"
    )
    cells = [(shape, case) for case in CASES for shape in SHAPES]
    with ProcessPoolExecutor(arguments.processes) as pool:
        waiting = [pool.submit(row, shape, case, arguments.repetitions) for shape, case in cells]
        for one in waiting:
            print(one.result(), flush=True)


if __name__ == "__main__":
    main()
