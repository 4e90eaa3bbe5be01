"""How often `passk gate` passes, fails, or cannot say, by what was truly lost.

    python bench/gate_power.py                   the table of docs/statistics.md, some minutes

A baseline with 20 samples of 164 problems and a run with n samples are drawn, over and over; pass rates are
Beta(0.4, 0.6) by problem, and of the run lower by the same share for all. 3 points may be lost, with a
confidence of 0.95. `theory` is the normal approximation of the share of passes and of fails. Over samples the
problems are the same in all repetitions, over problems they are drawn anew. The last rows take the n that an
inconclusive verdict calls enough, in the mean over runs of 4 samples.
"""

from __future__ import annotations

import argparse
from collections import Counter
from statistics import NormalDist

import numpy as np

from passk_tasks.statistics.gate import FAILED, INCONCLUSIVE, PASSED, PROBLEMS, SAMPLES, decide
from passk_tasks.statistics.metrics import PASS, Counts, Metric

M, BASELINE_N, ALLOWED, CONFIDENCE = 164, 20, 0.03, 0.95
LOST = (0.0, 0.03, 0.06)
NS = (4, 20, 100)


def lowered(rates, lost):
    return rates * (1 - lost / rates.mean())


def counts(rng, rates, n):
    return Counts(np.full(M, n), rng.binomial(n, rates))


def decided(rng, rates, lost, n, over, baseline_n=BASELINE_N):
    before, after = counts(rng, rates, baseline_n), counts(rng, lowered(rates, lost), n)
    return decide(Metric(PASS, 1), before, after, largest_drop=ALLOWED, confidence=CONFIDENCE, over=over)


def theory(rates, lost, n, over):
    """Return the chances of a pass and of a fail if everything were normal."""
    normal, after = NormalDist(), lowered(rates, lost)
    variance = np.mean(rates * (1 - rates)) / BASELINE_N + np.mean(after * (1 - after)) / n
    if over == PROBLEMS:
        variance += np.var(rates - after)
    se, z = np.sqrt(variance / M), normal.inv_cdf(CONFIDENCE)
    return normal.cdf((ALLOWED - lost) / se - z), normal.cdf((lost - ALLOWED) / se - z)


def row(rng, fixed, lost, n, over, repetitions, baseline_n=BASELINE_N):
    seen = Counter()
    for _ in range(repetitions):
        rates = fixed if over == SAMPLES else rng.beta(0.4, 0.6, M)
        seen[decided(rng, rates, lost, n, over, baseline_n).verdict] += 1
    return [seen[verdict] / repetitions for verdict in (PASSED, FAILED, INCONCLUSIVE)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    fixed = rng.beta(0.4, 0.6, M)
    large = rng.beta(0.4, 0.6, 200_000)
    print("| over | n | truly lost | pass | (theory) | fail | (theory) | inconclusive |")
    print("|---|---|---|---|---|---|---|---|")
    for over in (SAMPLES, PROBLEMS):
        for n in NS:
            for lost in LOST:
                passed, failed, unsure = row(rng, fixed, lost, n, over, options.repetitions)
                expected = theory(fixed if over == SAMPLES else large, lost, n, over)
                cells = (passed, expected[0], failed, expected[1], unsure)
                shown = " | ".join(f"{100 * share:.1f} %" for share in cells)
                print(f"| {over} | {n} | {lost:g} | {shown} |", flush=True)
    small = [decided(rng, fixed, 0.0, 4, SAMPLES).enough for _ in range(200)]
    enough = round(np.mean([n for n in small if n is not None]))
    for lost in (0.0, 0.06):
        shown = row(rng, fixed, lost, enough, SAMPLES, options.repetitions)
        print(
            f"| samples | {enough}, called enough | {lost:g} | "
            f"{100 * shown[0]:.1f} % | | {100 * shown[1]:.1f} % | | {100 * shown[2]:.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()
