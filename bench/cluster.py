"""What judging on a Ray cluster costs, and how it grows with nodes; the nodes are started on this machine.

    python bench/cluster.py [--programs 640] [--nodes 1,2,4]

Two kinds of programs. `empty` ones cost the engine's share: CPU seconds of the driver a program, and the wall
time beside a local run. `sleeping` ones emulate machines that this one does not have: a node judges one at a
time and sleeps half a second, so N nodes should take 1/N of the time of one.
"""

from __future__ import annotations

import argparse
import time

from ray.cluster_utils import Cluster as Nodes

from passk_tasks.judging import batch
from passk_tasks.judging.cluster import Cluster
from passk_tasks.judging.executor import local
from passk_tasks.judging.portions import BATCH
from passk_tasks.program import Confinement, Limits, Program, Tests

TESTS = Tests("assert f() is None\n", ("f",))
CONFINEMENT = Confinement(Limits(), packages="stdlib")
SLEEPERS = 2 * BATCH


def programs(count: int, body: str) -> list[Program]:
    """Return so many programs, no two of them alike."""
    return [Program(f"p{n}", f"def f():  # {n}\n    {body}\n", TESTS) for n in range(count)]


def timed(asked: list[Program], executor: object) -> tuple[float, float]:
    """Return wall seconds, and CPU seconds of this process, of judging with an executor that is open."""
    wall, cpu = time.monotonic(), time.process_time()
    judged = batch.judge(asked, executor)  # type: ignore[arg-type]
    assert all(outcome.passed for outcome in judged.outcomes)
    return time.monotonic() - wall, time.process_time() - cpu


def main() -> None:
    """Print a line for each number of nodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", type=int, default=640)
    parser.add_argument("--nodes", default="1,2,4")
    options = parser.parse_args()
    with local(CONFINEMENT) as here:
        list(here.selftest(programs(2, "pass")))
        wall, cpu = timed(programs(options.programs, "pass"), here)
        print(f"local, empty: {wall:.2f} s, driver {cpu / options.programs * 1e6:.0f} us CPU a program")
    first = 0.0
    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    count = 1
    for wanted in map(int, options.nodes.split(",")):
        while count < wanted:
            nodes.add_node(num_cpus=1)
            count += 1
        with Cluster(nodes.address, CONFINEMENT, 1) as there:
            list(there.selftest(programs(2, "pass")))
            wall, cpu = timed(programs(options.programs, "pass"), there)
            slept, _ = timed(programs(SLEEPERS, "__import__('time').sleep(0.5)"), there)
        first = first or slept
        print(
            f"{count} nodes, empty: {wall:.2f} s, driver {cpu / options.programs * 1e6:.0f} us a program; "
            f"sleeping: {slept:.1f} s, {first / slept:.2f} x one node",
            flush=True,
        )
    nodes.shutdown()


if __name__ == "__main__":
    main()
