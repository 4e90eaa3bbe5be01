"""How often the 95 % interval of a paired difference contains the truth, and how often alike runs differ.

    python bench/paired_coverage.py              the table of docs/statistics.md, about a minute

Problems are drawn with a pass rate for each of two models, samples from those, and the difference of pass@k
is estimated as passk_tasks.statistics.paired does. In brackets the plain normal interval, mean ± 1.96
standard errors. The last columns: how often the sign-flip test finds a difference at p < 0.05 where both
models are the same.
"""

from __future__ import annotations

import argparse

import numpy as np

from passk_tasks.statistics.estimators import pass_at_k
from passk_tasks.statistics.intervals import Z95
from passk_tasks.statistics.paired import difference

PROBLEMS = (8, 20, 50, 164)
BUDGETS = ((1, 1), (10, 1), (20, 10))


def same(rng, shape):
    rates = rng.beta(0.4, 0.6, shape)
    return rates, rates


def shifted(rng, shape):
    rates = rng.beta(0.4, 0.6, shape)
    return rates, rates**0.7


def rare(rng, shape):
    """Alike but for one problem in fifty, which only the second model solves."""
    rates = rng.beta(0.4, 0.6, shape)
    return np.where(rng.random(shape) < 0.02, 0.0, rates), rates


def unrelated(rng, shape):
    return rng.beta(0.4, 0.6, shape), rng.beta(0.6, 0.4, shape)


def strong(rng, shape):
    """Both near 1, the second a little nearer."""
    rates = rng.beta(9.5, 0.5, shape)
    return rates, rates**0.5


PAIRS = {"the same": same, "somewhat better": shifted, "one problem in fifty": rare}
PAIRS |= {"unrelated": unrelated, "both near 1": strong}


def row(draw, n, k, problems, repetitions, rng):
    one, two = draw(rng, (200_000,))
    truth = np.mean((1 - (1 - two) ** k) - (1 - (1 - one) ** k))
    ours = normal = found = 0
    for _ in range(repetitions):
        one, two = draw(rng, (problems,))
        a, b = (pass_at_k(n, rng.binomial(n, rates), k) for rates in (one, two))
        got = difference(a, b, grid=n if k == 1 else None, draws=1000)
        low, high = got.ci95
        ours += low <= truth <= high
        normal += abs(got.value - truth) <= Z95 * got.se
        found += got.beyond_noise
    return ours / repetitions, normal / repetitions, found / repetitions


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print(f"| second model | n | k | {' | '.join(f'M = {m}' for m in PROBLEMS)} | found, M = 20 | M = 164 |")
    print("|---" * (5 + len(PROBLEMS)) + "|")
    for name, draw in PAIRS.items():
        for n, k in BUDGETS:
            cells = {m: row(draw, n, k, m, options.repetitions, rng) for m in PROBLEMS}
            shown = " | ".join(f"{100 * o:.1f} ({100 * w:.1f})" for o, w, _ in cells.values())
            found = " | ".join(f"{100 * cells[m][2]:.1f} %" for m in (20, 164))
            print(f"| {name} | {n} | {k} | {shown} | {found} |", flush=True)


if __name__ == "__main__":
    main()
