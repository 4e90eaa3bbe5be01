"""How often the 95 % intervals contain the truth, by simulation. Prints the tables of docs/statistics.md.

    python bench/interval_coverage.py            all of it, about a minute
    python bench/interval_coverage.py --repetitions 500

Problems are drawn from a distribution of true pass rates, samples from the problems, and the intervals are
computed as passk_tasks does. The plain normal interval, value ± 1.96 standard errors, stands in brackets.
"""

from __future__ import annotations

import argparse

import numpy as np

from passk_tasks.statistics.estimators import pass_at_k, sampling_variance
from passk_tasks.statistics.intervals import (
    Z95,
    effective_draws,
    effective_problems,
    over_problems,
    wilson,
)
from passk_tasks.statistics.metrics import PASS, Metric, score

# Mixtures of Beta distributions of the true pass rate: (weight, a, b).
DIFFICULTIES = {
    "near 0: Beta(0.1, 9.9)": [(1.0, 0.1, 9.9)],
    "near 0: Beta(0.5, 9.5)": [(1.0, 0.5, 9.5)],
    "low, skewed: Beta(0.3, 1.7)": [(1.0, 0.3, 1.7)],
    "low, narrow: Beta(2, 8)": [(1.0, 2.0, 8.0)],
    "centre: Beta(5, 5)": [(1.0, 5.0, 5.0)],
    "U-shaped: Beta(0.3, 0.3)": [(1.0, 0.3, 0.3)],
    "U-shaped: Beta(0.1, 0.1)": [(1.0, 0.1, 0.1)],
    "30 % hard, 70 % easy": [(0.3, 0.2, 5.0), (0.7, 5.0, 0.2)],
    "90 % hard, 10 % easy": [(0.9, 0.2, 20.0), (0.1, 20.0, 0.5)],
    "high, skewed: Beta(1.7, 0.3)": [(1.0, 1.7, 0.3)],
    "near 1: Beta(9.5, 0.5)": [(1.0, 9.5, 0.5)],
    "near 1: Beta(9.9, 0.1)": [(1.0, 9.9, 0.1)],
}
PROBLEMS = (8, 20, 50, 164, 500)
BUDGETS = ((1, 1), (10, 1), (10, 10), (20, 1), (20, 10))
FIXED_PROBLEMS = (1, 8, 20, 164)
FIXED_BUDGETS = ((10, 1), (20, 1), (20, 10), (200, 10), (200, 100))
FIXED_DIFFICULTIES = (
    "near 0: Beta(0.5, 9.5)",
    "low, skewed: Beta(0.3, 1.7)",
    "centre: Beta(5, 5)",
    "U-shaped: Beta(0.3, 0.3)",
    "30 % hard, 70 % easy",
    "90 % hard, 10 % easy",
    "near 1: Beta(9.5, 0.5)",
)
FIXED_SETS = 8  # problem sets drawn per row of the second table
SLACK = 1e-12  # an end that is the truth up to rounding contains it


def draw_rates(mixture, shape, rng):
    weights, a, b = np.array(mixture).T
    which = rng.choice(len(weights), p=weights, size=shape)
    return rng.beta(a[which], b[which])


def true_score(mixture, k):
    """Mean of 1 - (1-p)^k: for Beta(a, b), 1 - Π (b+i)/(a+b+i) over i < k."""
    i = np.arange(k)
    return sum(w * (1 - np.prod((b + i) / (a + b + i))) for w, a, b in mixture)


def covered(low, high, truth):
    return float(np.mean((low - SLACK <= truth) & (truth <= high + SLACK)))


def coverage_over_problems(mixture, n, k, problems, repetitions, rng):
    """Coverage of ours and of the normal interval, and how often all scores are 0 or all are 1."""
    rates = draw_rates(mixture, (repetitions, problems), rng)
    scores = pass_at_k(n, rng.binomial(n, rates), k)
    value, variance = scores.mean(axis=1), scores.var(axis=1, ddof=1)
    low, high = wilson(value, effective_problems(value, variance, problems))
    # The vectorised formulas are the ones that over_problems applies.
    one = over_problems(scores[0]).ci95
    assert np.allclose(one, (low[0], high[0]), atol=1e-9), (one, low[0], high[0])
    half = Z95 * np.sqrt(variance / problems)
    truth = true_score(mixture, k)
    alike = np.mean((scores == 0).all(axis=1) | (scores == 1).all(axis=1))
    return covered(low, high, truth), covered(value - half, value + half, truth), float(alike)


def coverage_over_samples(mixture, n, k, problems, repetitions, rng):
    """Mean coverage over a few fixed problem sets, of ours and of the normal interval, and our lowest."""
    ours, normal = [], []
    for _ in range(FIXED_SETS):
        rates = draw_rates(mixture, problems, rng)
        truth = np.mean(1 - (1 - rates) ** k)
        correct = rng.binomial(n, rates, size=(repetitions, problems))
        value = pass_at_k(n, correct, k).mean(axis=1)
        variance = sampling_variance(n, correct, k).sum(axis=1) / problems**2
        low, high = wilson(value, effective_draws(value, variance, k / n / problems))
        one = score(Metric(PASS, k), n, correct[0]).over_samples.ci95
        assert np.allclose(one, (low[0], high[0]), atol=1e-9), (one, low[0], high[0])
        ours.append(covered(low, high, truth))
        half = Z95 * np.sqrt(variance)
        normal.append(covered(value - half, value + half, truth))
    return float(np.mean(ours)), float(np.mean(normal)), min(ours)


def table_over_problems(repetitions, rng):
    print(f"| true pass rates | n | k | pass@k | {' | '.join(f'M = {m}' for m in PROBLEMS)} |")
    print("|---" * (4 + len(PROBLEMS)) + "|")
    results = {m: [] for m in PROBLEMS}
    for name, mixture in DIFFICULTIES.items():
        for n, k in BUDGETS:
            cells = []
            for m in PROBLEMS:
                ours, normal, alike = coverage_over_problems(mixture, n, k, m, repetitions, rng)
                results[m].append((ours, normal, alike))
                cells.append(f"{100 * ours:.1f}{'°' if alike > 0.01 else ''} ({100 * normal:.1f})")
            print(f"| {name} | {n} | {k} | {true_score(mixture, k):.3f} | {' | '.join(cells)} |")
    print(
        "\n| M | cells without ° | 93–97 | below 93 | above 97 | lowest | normal: 93–97 | below 93 | lowest |"
    )
    print("|---" * 9 + "|")
    for m, cells in results.items():
        ours, normal = np.array([cell[:2] for cell in cells if cell[2] <= 0.01]).T
        print(
            f"| {m} | {len(ours)} | {share((ours >= 0.93) & (ours <= 0.97))} | {share(ours < 0.93)} "
            f"| {share(ours > 0.97)} | {100 * ours.min():.1f} | {share((normal >= 0.93) & (normal <= 0.97))} "
            f"| {share(normal < 0.93)} | {100 * normal.min():.1f} |"
        )


def table_over_samples(repetitions, rng):
    print(f"| true pass rates | n | k | {' | '.join(f'M = {m}' for m in FIXED_PROBLEMS)} |")
    print("|---" * (3 + len(FIXED_PROBLEMS)) + "|")
    for name in FIXED_DIFFICULTIES:
        for n, k in FIXED_BUDGETS:
            cells = []
            for m in FIXED_PROBLEMS:
                ours, normal, lowest = coverage_over_samples(DIFFICULTIES[name], n, k, m, repetitions, rng)
                cells.append(f"{100 * ours:.1f}, {100 * lowest:.1f} ({100 * normal:.1f})")
            print(f"| {name} | {n} | {k} | {' | '.join(cells)} |")


def table_clustered(repetitions, rng):
    """Problems of a cluster have one pass rate; clusters of four, or of one to twelve; n = 1."""
    print("| true pass rates | clusters | of | clustered | plain |\n|---|---|---|---|---|")
    for name in ("U-shaped: Beta(0.3, 0.3)", "low, skewed: Beta(0.3, 1.7)", "centre: Beta(5, 5)"):
        for clusters in (8, 20, 50, 160):
            for sizes in ("4", "1 to 12"):
                counts = np.zeros(2)
                for _ in range(repetitions):
                    many = np.full(clusters, 4) if sizes == "4" else rng.integers(1, 13, clusters)
                    names = np.repeat(np.arange(clusters), many)
                    rates = draw_rates(DIFFICULTIES[name], clusters, rng)[names]
                    scores = (rng.random(len(names)) < rates).astype(float)
                    for i, groups in enumerate((names.tolist(), None)):
                        low, high = over_problems(scores, groups).ci95
                        counts[i] += low - SLACK <= true_score(DIFFICULTIES[name], 1) <= high + SLACK
                ours, plain = 100 * counts / repetitions
                print(f"| {name} | {clusters} | {sizes} | {ours:.1f} | {plain:.1f} |")


def share(flags):
    return f"{100 * np.mean(flags):.0f} %"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=4000, help="simulated runs a cell")
    parser.add_argument("--seed", type=int, default=20240)
    arguments = parser.parse_args()
    print(f"Coverage in percent; {arguments.repetitions} repetitions a cell, seed {arguments.seed}.\n")
    print("### Over problems\n")
    table_over_problems(arguments.repetitions, np.random.default_rng(arguments.seed))
    print("\n### Over samples\n")
    table_over_samples(arguments.repetitions // 4, np.random.default_rng(arguments.seed))
    print("\n### Clusters\n")
    table_clustered(arguments.repetitions // 4, np.random.default_rng(arguments.seed))


if __name__ == "__main__":
    main()
