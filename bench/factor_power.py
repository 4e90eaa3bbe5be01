"""How often `passk factors` calls a change an effect: where it has none, and where it has one.

    python bench/factor_power.py                 the table of docs/statistics.md, some minutes

A baseline and `changes` runs that differ from it in one condition each are drawn on 164 problems with 20
samples. Their pass rates are Beta(0.4, 0.6) by problem. Of the changes none has an effect, or the first one
has: each problem's rate is raised by a random share of what is missing, so many points in the mean. `theory`
is the normal approximation of the power: the chance that the mean difference is beyond the critical value of
the sign-flip test, whose variance is the mean of the squared differences, for the smallest of `changes`
p-values by Holm's method, which is Bonferroni's.
"""

from __future__ import annotations

import argparse
from statistics import NormalDist

import numpy as np

from passk_tasks.statistics.factors import effects

PROBLEMS, SAMPLES = 164, 20
POINTS = (0.05, 0.02)
CHANGES = (1, 3, 8)


def shifted(rng, rates, points):
    """Return rates that are higher by so much in the mean, by another share of what is missing each."""
    share = rng.beta(0.5, 1.5, rates.shape)
    share *= points / np.mean(share * (1 - rates))
    return np.minimum(rates + share * (1 - rates), 1.0)


def theory(rng, changes, points, repetitions=400):
    """Return the mean over problem sets of the chance that Bonferroni's test finds the effect."""
    normal = NormalDist()
    critical = normal.inv_cdf(1 - 0.025 / changes)
    found = []
    for _ in range(repetitions):
        rates = rng.beta(0.4, 0.6, PROBLEMS)
        raised = shifted(rng, rates, points)
        noise = (rates * (1 - rates) + raised * (1 - raised)) / SAMPLES
        se = np.sqrt((np.mean((raised - rates) ** 2) + np.mean(noise)) / PROBLEMS)
        chance = np.sqrt(np.mean(noise) / PROBLEMS)  # what varies when the problems stay the same
        found.append(1 - normal.cdf((critical * se - np.mean(raised - rates)) / chance))
    return float(np.mean(found))


def simulate(rng, changes, points, repetitions):
    """Return how often any change without effect is called one, and how often the first one is."""
    wrong = right = 0
    for _ in range(repetitions):
        rates = rng.beta(0.4, 0.6, PROBLEMS)
        runs = [rates, shifted(rng, rates, points) if points else rates, *[rates] * (changes - 1)]
        values = [rng.binomial(SAMPLES, of_run) / SAMPLES for of_run in runs]
        found = effects(values, [[(0, i)] for i in range(1, changes + 1)], grid=SAMPLES)
        called = [p < 0.05 for _, p in found]
        right += called[0]
        wrong += any(called[1:] if points else called)
    return wrong / repetitions, right / repetitions


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    head = ["changes", "none has an effect: any called one"]
    for points in POINTS:
        head += [f"one has {points:g}: found", "theory", "others called one"]
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for changes in CHANGES:
        shown = [simulate(rng, changes, 0.0, options.repetitions)[0]]
        for points in POINTS:
            others, found = simulate(rng, changes, points, options.repetitions)
            shown += [found, theory(rng, changes, points), others]
        print(f"| {changes} | {' | '.join(f'{100 * share:.1f} %' for share in shown)} |", flush=True)


if __name__ == "__main__":
    main()
