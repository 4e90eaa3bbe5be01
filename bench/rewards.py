"""Seconds of a call of `Rewards` with 256 short programs, and of as many calls from 64 threads.

    python bench/rewards.py [workers]

The programs are HumanEval's references, each made another one by a comment: identical ones would run once.
"""

from __future__ import annotations

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import passk_tasks

SIZE, THREADS, ROUNDS = 256, 64, 3


def main() -> None:
    """Print what it took to make the rewards, and each round."""
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    problems = list(passk_tasks.load_problems("passk_humaneval").problems.values())
    began = time.monotonic()
    with passk_tasks.Rewards("passk_humaneval", {"workers": workers}) as rewards:
        print(f"made: {time.monotonic() - began:.2f} s")
        for turn in range(ROUNDS):
            chosen = itertools.islice(itertools.cycle(problems), SIZE)
            answers = [
                (problem.task_id, f"{problem.canonical_solution}    # {turn} {number}\n")
                for number, problem in enumerate(chosen)
            ]
            began = time.monotonic()
            got = rewards([""] * SIZE, [text for _, text in answers], task_id=[name for name, _ in answers])
            print(f"one call of {SIZE}: {time.monotonic() - began:.2f} s, {sum(map(bool, got))} right")
            answers = [(name, f"{text}    # once more\n") for name, text in answers]
            began = time.monotonic()
            with ThreadPoolExecutor(THREADS) as threads:
                got = list(
                    threads.map(lambda answer: rewards.compute_score("", answer[1], answer[0]), answers)
                )
            took_s = time.monotonic() - began
            print(f"{SIZE} calls from {THREADS} threads: {took_s:.2f} s, {sum(map(bool, got))} right")


if __name__ == "__main__":
    main()
