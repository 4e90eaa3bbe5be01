"""What judging on a Ray cluster costs, and how it grows with nodes; the nodes are started on this machine.

    python bench/cluster.py [--programs 640] [--nodes 1,2,4]

Two kinds of programs. `empty` ones cost the engine's share: CPU seconds a program, of the driver and of all
processes together, beside a local run. `sleeping` ones emulate machines that this one does not have: a node
judges one at a time and sleeps half a second, so N nodes should take 1/N of the time of one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from pathlib import Path

from ray.cluster_utils import Cluster as Nodes

from passk_tasks.judging import batch
from passk_tasks.judging.cluster import Cluster
from passk_tasks.judging.executor import local
from passk_tasks.judging.portions import BATCH
from passk_tasks.program import Confinement, Limits, Program, Tests
from passk_tasks.sandbox.box.processes import descendants

TESTS = Tests("assert f() is None\n", ("f",))
CONFINEMENT = Confinement(Limits(), packages="stdlib")
SLEEPERS = 2 * BATCH


def programs(count: int, body: str) -> list[Program]:
    """Return so many programs, no two of them alike."""
    return [Program(f"p{n}", f"def f():  # {n}\n    {body}\n", TESTS) for n in range(count)]


def cpu_s() -> float:
    """Return the CPU seconds of this process and of all below it, those that have ended among them."""
    ticks = 0
    for pid in (os.getpid(), *descendants(os.getpid())):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def timed(asked: list[Program], executor: object) -> tuple[float, str]:
    """Return the wall seconds of judging with an executor that is open, and what a program took, in words."""
    wall, own, whole = time.monotonic(), time.process_time(), cpu_s()
    judged = batch.judge(asked, executor)  # type: ignore[arg-type]
    assert all(outcome.passed for outcome in judged.outcomes)
    own, whole = (taken / len(asked) for taken in (time.process_time() - own, cpu_s() - whole))
    return (
        time.monotonic() - wall,
        f"CPU a program: {own * 1e6:.0f} us of the driver, {whole * 1e3:.2f} ms of all",
    )


def main() -> None:
    """Print a line for each number of nodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", type=int, default=640)
    parser.add_argument("--nodes", default="1,2,4")
    options = parser.parse_args()
    with local(CONFINEMENT) as here:
        list(here.selftest(programs(2, "pass")))
        wall, taken = timed(programs(options.programs, "pass"), here)
        print(f"local, empty: {wall:.2f} s, {taken}", flush=True)
    first = 0.0
    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    count = 1
    for wanted in map(int, options.nodes.split(",")):
        while count < wanted:
            nodes.add_node(num_cpus=1)
            count += 1
        with Cluster(nodes.address, CONFINEMENT, 1) as there:
            list(there.selftest(programs(2, "pass")))
            wall, taken = timed(programs(options.programs, "pass"), there)
            slept, _ = timed(programs(SLEEPERS, "__import__('time').sleep(0.5)"), there)
        first = first or slept
        print(
            f"{count} nodes, empty: {wall:.2f} s, {taken}; "
            f"sleeping: {slept:.1f} s, {first / slept:.2f} x one node",
            flush=True,
        )
    nodes.shutdown()


if __name__ == "__main__":
    main()
