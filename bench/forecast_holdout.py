"""How often the forecast from 20 of 100 samples covers what the 100 samples show.

    python bench/forecast_holdout.py [--counts COUNTS.json …]    tables of docs/statistics.md, some minutes

First table: pass rates from a distribution, 100 samples a problem; the forecast sees the first 20 and is held
against the share of problems that all 100 solve. With --counts, rates like those of real models too, drawn
around their counts, and a second table of real samples only: a fifth seen, the rest held out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from interval_coverage import DIFFICULTIES, draw_rates

from passk_tasks.statistics.forecast import forecast

SHAPES = {
    name: (lambda rng, m, mixture=mixture: draw_rates(mixture, m, rng))
    for name, mixture in DIFFICULTIES.items()
}
SHAPES |= {
    "30 % out of reach, else Beta(0.8, 1.5)": lambda rng, m: np.where(
        rng.random(m) < 0.3, 0, rng.beta(0.8, 1.5, m)
    ),
    "log-uniform from 1e-4 to 1": lambda rng, m: 10 ** -rng.uniform(0, 4, m),
    "logit-normal(-3, 3)": lambda rng, m: 1 / (1 + np.exp(-rng.normal(-3, 3, m))),
    "logit-normal(0, 3)": lambda rng, m: 1 / (1 + np.exp(-rng.normal(0, 3, m))),
}
# Added after the forecast had been made with those above in sight. The first, fourth and fifth of these were
# covered in 50 to 70 % then, and it was made again; `last` came after that, and changed nothing.
SHAPES |= {
    "later: 60 % hard, 40 % middling": lambda rng, m: np.where(
        rng.random(m) < 0.6, rng.beta(0.6, 60, m), rng.beta(3, 3, m)
    ),
    "later: half out of reach, else Beta(0.4, 4)": lambda rng, m: np.where(
        rng.random(m) < 0.5, 0, rng.beta(0.4, 4, m)
    ),
    "later: logit-normal(-4, 1.5)": lambda rng, m: 1 / (1 + np.exp(-rng.normal(-4, 1.5, m))),
    "later: 70 % Beta(1, 40), 30 % Beta(2, 5)": lambda rng, m: np.where(
        rng.random(m) < 0.7, rng.beta(1, 40, m), rng.beta(2, 5, m)
    ),
    "later: half Beta(0.5, 30), half logit-normal(0.5, 1)": lambda rng, m: np.where(
        rng.random(m) < 0.5, rng.beta(0.5, 30, m), 1 / (1 + np.exp(-rng.normal(0.5, 1, m)))
    ),
    "later: uniform": lambda rng, m: rng.random(m),
    "later: three levels, 0.2, 5 and 80 %": lambda rng, m: rng.choice([0.002, 0.05, 0.8], m),
}
SHAPES |= {
    "last: 80 % Beta(2, 150), 20 % uniform": lambda rng, m: np.where(
        rng.random(m) < 0.8, rng.beta(2, 150, m), rng.random(m)
    ),
    "last: half Beta(0.3, 5), half Beta(5, 2)": lambda rng, m: np.where(
        rng.random(m) < 0.5, rng.beta(0.3, 5, m), rng.beta(5, 2, m)
    ),
    "last: 10^-Gamma(2, 0.8)": lambda rng, m: 10 ** -rng.gamma(2, 0.8, m),
    "last: 40 % out of reach, 30 % Beta(1, 30), 30 % Beta(4, 4)": lambda rng, m: np.choose(
        rng.choice(3, m, p=(0.4, 0.3, 0.3)), (np.zeros(m), rng.beta(1, 30, m), rng.beta(4, 4, m))
    ),
}


def around(n, counts):
    """Rates like those of a real model: a problem of it at random, and a rate that its counts allow."""
    c = np.array(counts)

    def draw(rng, m):
        chosen = rng.choice(c, m)
        return rng.beta(chosen + 0.3, n - chosen + 0.3)

    return draw


def measure(draw, n, k, repetitions):
    """Coverage, mean width and bias of the forecast, in percent; `draw` gives seen and held-out counts."""
    covered, width, bias = 0, 0.0, 0.0
    for _ in range(repetitions):
        seen, rest = draw()
        truth = np.mean((seen + rest) > 0)
        (found,) = forecast(n, seen, [k])
        low, high = found.ci95
        covered += low - 1e-9 <= truth <= high + 1e-9
        width += high - low
        bias += found.value - truth
    return 100 * covered / repetitions, 100 * width / repetitions, 100 * bias / repetitions


def simulated(draw, problems, rng, repetitions):
    def both():
        rates = draw(rng, problems)
        return rng.binomial(20, rates), rng.binomial(80, rates)

    return measure(both, 20, 100, repetitions)


def held_out(n, counts, rng, repetitions):
    c, seen_n = np.array(counts), n // 5

    def both():
        seen = rng.hypergeometric(c, n - c, seen_n)
        return seen, c - seen

    return measure(both, seen_n, n, repetitions)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=300)
    parser.add_argument(
        "--counts", type=Path, nargs="*", default=[], help='{"n": 10, "correct": {model: {task_id: c}}}'
    )
    parser.add_argument("--problems", type=int, nargs="+", default=[164, 50, 500])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    real = {}
    for path in options.counts:
        table = json.loads(path.read_text())
        real |= {name: (table["n"], list(correct.values())) for name, correct in table["correct"].items()}
    rows = {**SHAPES, **{f"like {name}": around(n, counts) for name, (n, counts) in real.items()}}
    first, *others = options.problems
    print(f"| true pass rates | M = {first} | width | bias |{''.join(f' M = {m} |' for m in others)}")
    print("|---" * (4 + len(others)) + "|")
    for name, draw in rows.items():
        covered, width, bias = simulated(draw, first, rng, options.repetitions)
        more = "".join(f" {simulated(draw, m, rng, options.repetitions)[0]:.1f} |" for m in others)
        print(f"| {name} | {covered:.1f} | {width:.1f} | {bias:+.1f} |{more}", flush=True)
    if real:
        print("\n| model | seen of | solved | covered | width | bias |\n|---|---|---|---|---|---|")
    for name, (n, counts) in real.items():
        covered, width, bias = held_out(n, counts, rng, options.repetitions)
        solved = 100 * np.mean(np.array(counts) > 0)
        print(
            f"| {name} | {n // 5} of {n} | {solved:.1f} % | {covered:.1f} | {width:.1f} | {bias:+.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
