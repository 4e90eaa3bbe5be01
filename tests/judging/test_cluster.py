"""Judging on the nodes of a Ray cluster: real nodes on this machine, which are ended while they judge."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from under_load import HANG_S, still_running, wait_until

from passk_tasks.api import load_problems, score_samples
from passk_tasks.cli.app import main
from passk_tasks.errors import SandboxError, SettingsError, UsageError
from passk_tasks.judging import batch, cluster, portions, selftest
from passk_tasks.judging.executor import executor_for, local
from passk_tasks.program import Confinement, Judge, Limits, Program, StdioTests, Tests
from passk_tasks.sandbox.box.processes import descendants
from passk_tasks.tasks.settings import Settings
from passk_tasks.verdict import Outcome, Verdict

pytestmark = [
    pytest.mark.whole,
    # Ray lets go of processes that it killed a second ago; under load they have not ended by then.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

CONFINEMENT = Confinement(Limits(timeout_s=2.0), packages="stdlib")
TESTS = Tests("assert following(1) == 2\nassert following(5) == 6\n", ("following",))


too_busy: list[str] = []  # why Ray's own processes did not start


def started(start: Callable[..., Any], **options: object) -> Any:
    """Start processes of Ray, which give themselves 15 to 30 s; where that is too short, skip the test."""
    try:
        return start(**options)
    except Exception as error:
        if "timed out during startup" not in str(error):
            raise
        too_busy.append(f"this machine is too busy for Ray's own processes: {error}")
        pytest.skip(too_busy[0])


@pytest.fixture(autouse=True)
def not_too_busy() -> None:
    """Skip what comes after such a start: the node may still join."""
    if too_busy:
        pytest.skip(too_busy[0])


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[Any]:
    """A Ray cluster of two nodes on this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'passk-tasks[ray]'")
    from ray.cluster_utils import Cluster as Nodes

    head = {"num_cpus": 1, "include_dashboard": False}
    nodes = started(Nodes, initialize_head=True, head_node_args=head)
    try:
        started(nodes.add_node, num_cpus=1)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()
        del nodes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def programs(count: int) -> list[Program]:
    """Return programs of every way of judging, right ones and wrong ones, no two of them alike."""
    cases = StdioTests.of([("1\n", "2\n")], comparison=selftest.EXAMPLES[Judge.STDIO][0].tests.comparison)
    made = []
    for number in range(count):
        right, text = number % 3, f"def following(x):  # {number}\n    return x + {1 if number % 3 else 2}\n"
        if number % 4 == 3:
            code = f"print(int(input()) + {1 if right else 2})  # {number}\n"
            made.append(Program(f"p{number}", code, cases))
        else:
            made.append(
                Program(f"p{number}", text, TESTS, Judge.SCRIPT if number % 4 == 2 else Judge.ISOLATED)
            )
    return made


def untimed(outcomes: list[Outcome]) -> list[Outcome]:
    """Return outcomes without what differs from run to run."""
    return [replace(outcome, cpu_s=0.0, wall_s=0.0, peak_mib=0.0) for outcome in outcomes]


def test_outcomes_are_those_of_this_machine(ray_nodes: Any) -> None:
    """Two nodes give the verdicts, details, order and layers of a local run, and say who judged how many."""
    asked = programs(150)
    here = batch.judge(asked, local(CONFINEMENT, 1))
    there = batch.judge(asked, cluster.Cluster(ray_nodes.address, CONFINEMENT))
    assert untimed(there.outcomes) == untimed(here.outcomes)
    assert there.layers == here.layers
    assert len(there.machines) == 2
    assert sum(machine.programs for machine in there.machines) == 150
    assert all(machine.cpus == 1 and machine.differs == {} for machine in there.machines)


def test_a_node_that_is_killed_costs_no_verdict(ray_nodes: Any) -> None:
    """The programs of a node that dies midway are judged by others, and a warning names it."""
    third = started(ray_nodes.add_node, num_cpus=1)
    asked = programs(6 * portions.BATCH)
    expected = [Verdict.PASSED if number % 3 else Verdict.FAILED for number in range(len(asked))]
    executor = cluster.Cluster(ray_nodes.address, CONFINEMENT)
    verdicts: dict[int, Verdict] = {}
    with executor:
        assert len(executor.machines) == 3
        for index, outcome in executor.run(asked):
            if not verdicts:  # all three have two batches now
                ray_nodes.remove_node(third, allow_graceful=False)
            verdicts[index] = outcome.verdict
    assert [verdicts[index] for index in range(len(asked))] == expected
    assert any("was lost while it judged" in warning for warning in executor.warnings)


class EndedBySome(cluster.Node):
    """An actor whose process ends at certain programs, as if they had taken their node with them."""

    def run(self, programs: Any) -> list[tuple[int, Outcome]]:
        """End, or judge."""
        if any("# ends its node" in (program.code or "") for program in programs):
            os._exit(1)
        return super().run(programs)


@pytest.fixture
def ended_by_some(ray_nodes: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nodes whose actors are `EndedBySome`, and are looked for at once."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(cluster, "Node", EndedBySome)
    monkeypatch.setattr(cluster, "_LOOK_S", 0.2)
    yield ray_nodes
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_what_ends_every_node_is_an_infra_error(ended_by_some: Any) -> None:
    """A program that three nodes were lost with has no verdict; those that were sent with it do."""
    asked = programs(100)
    asked[40] = replace(asked[40], code=f"{asked[40].code}# ends its node\n")
    judged = batch.judge(asked, cluster.Cluster(ended_by_some.address, CONFINEMENT))
    assert judged.outcomes[40].verdict is Verdict.INFRA_ERROR
    assert "three nodes were lost with it" in judged.outcomes[40].detail
    others = [outcome.verdict for number, outcome in enumerate(judged.outcomes) if number != 40]
    assert others == [Verdict.PASSED if n % 3 else Verdict.FAILED for n in range(100) if n != 40]


def test_no_node_left_is_said(ended_by_some: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no node is left, the error says how much is judged; a run ends with it instead of waiting."""
    monkeypatch.setattr(cluster, "_RESTARTS", 1)
    asked = [replace(program, code=f"{program.code}# ends its node\n") for program in programs(4)]
    with pytest.raises(SandboxError, match=r"no node of the cluster .* is left; 0 of 4 programs are judged"):
        batch.judge(asked, cluster.Cluster(ended_by_some.address, CONFINEMENT))


def test_a_node_may_join(ray_nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that joins during a run is tried, and judges."""
    monkeypatch.setattr(cluster, "_LOOK_S", 0.0)
    executor = cluster.Cluster(ray_nodes.address, CONFINEMENT)
    asked, added = programs(8 * portions.BATCH), []
    with executor:
        selftest.require(asked, executor)
        for _, _ in executor.run(asked):
            if not added:
                added.append(started(ray_nodes.add_node, num_cpus=1))
        assert len(executor.machines) == 3
    ray_nodes.remove_node(added[0])


def test_a_node_with_another_environment_is_refused_by_name(
    ray_nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes whose Python or packages are not this machine's are refused; `mixed` takes them, and says so."""
    real = cluster.environment
    monkeypatch.setattr(cluster, "environment", lambda confinement: {**real(confinement), "python": "3.9.1"})
    with pytest.raises(SandboxError, match=r"python 3\.\d+\.\d+ \(here 3\.9\.1\)") as raised:
        batch.judge(programs(1), cluster.Cluster(ray_nodes.address, CONFINEMENT))
    assert "--mixed" in str(raised.value)
    judged = batch.judge(programs(1), cluster.Cluster(ray_nodes.address, CONFINEMENT, mixed=True))
    assert [machine.differs["python"][0] for machine in judged.machines] == ["3.9.1", "3.9.1"]
    monkeypatch.setattr(cluster, "environment", lambda c: {**real(c), "passk-tasks": "0.0.1"})
    with pytest.raises(SandboxError, match="passk-tasks"):
        batch.judge(programs(1), cluster.Cluster(ray_nodes.address, CONFINEMENT, mixed=True))


def test_the_self_test_runs_on_every_node(ray_nodes: Any) -> None:
    """Each example gets an outcome from each node, so one bad node is found before anything rests on it."""
    with cluster.Cluster(ray_nodes.address, CONFINEMENT) as executor:
        examples = selftest.EXAMPLES[Judge.ISOLATED]
        outcomes = list(executor.selftest(examples))
    assert sorted(index for index, _ in outcomes) == [0, 0, 1, 1]
    assert all(outcome.passed is (index == 0) for index, outcome in outcomes)


def test_nothing_is_left_behind(ray_nodes: Any) -> None:
    """After a run no actor is left on the nodes, nor a worker of its sandbox."""
    with cluster.Cluster(ray_nodes.address, CONFINEMENT) as executor:
        list(executor.run(programs(3)))
        tree = {os.getpid(), *descendants(os.getpid())}
        actors = {pid for pid in tree if b"ray::Node" in Path(f"/proc/{pid}/cmdline").read_bytes()}
        theirs = {pid for actor in actors for pid in descendants(actor)}
        assert len(actors) == 2
        assert theirs
    while still_running(actors | theirs):  # Ray ends actors after it said so
        time.sleep(0.05)


def test_score_on_a_cluster(ray_nodes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`passk score --cluster` prints and stores what `passk score` does, but for times and who judged."""
    problems = list(load_problems("passk_humaneval").problems.values())[:12]
    lines = [
        {"task_id": p.task_id, "completion": p.canonical_solution if number % 2 else "    return None\n"}
        for number, p in enumerate(problems)
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    results = []
    for more in ([], ["--cluster", ray_nodes.address]):
        assert main(["score", str(file), "--task", "passk_humaneval", "--json", *more]) == 0
        results.append(json.loads(capsys.readouterr().out))
    here, there = results
    assert len(there.pop("machines")) == 2
    assert there["settings"].pop("cluster") == ray_nodes.address
    for result in results:
        result.pop("date")
        result.pop("cost", None)
    assert there == here


@pytest.mark.slow
def test_a_head_node_that_dies(tmp_path: Path) -> None:
    """An error says so before Ray ends the process; the same command goes on from what is judged."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'passk-tasks[ray]'")
    from ray.cluster_utils import Cluster as Nodes

    problem = next(iter(load_problems("passk_humaneval").problems.values()))
    wait = "\nimport time\ntime.sleep(0.3)  # "
    lines = [
        {"task_id": problem.task_id, "completion": f"{problem.canonical_solution}{wait}{n}\n"}
        for n in range(200)
    ]
    file, folder = tmp_path / "samples.jsonl", tmp_path / "out"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ["score", str(file), "--task", "passk_humaneval", "--k", "1", "--out", str(folder)]
    code = (
        "import sys; from passk_tasks.cli.app import main; from passk_tasks.judging import head;"
        "head._SILENT_S = 0.0; sys.exit(main(sys.argv[1:]))"
    )
    head = {"num_cpus": 1, "include_dashboard": False}
    nodes = Nodes(initialize_head=True, head_node_args=head)
    try:
        driver = subprocess.Popen(
            [sys.executable, "-c", code, *command, "--cluster", nodes.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        unfinished = folder / "outcomes.unfinished.jsonl"
        wait_until(lambda: driver.poll() is not None or (unfinished.exists() and unfinished.stat().st_size))
        nodes.head_node.kill_gcs_server()
        _, said = driver.communicate(timeout=HANG_S)
    finally:
        nodes.shutdown()
    assert driver.returncode == 3, said
    assert "the head node of the cluster" in said
    scored = score_samples(file, "passk_humaneval", {"k": (1,)}, out=folder)
    assert scored.verdicts == {"passed": 200}
    assert scored.resumed > 0


def test_a_cluster_that_is_not_there(ray_nodes: Any) -> None:
    """An address where nothing listens is an error of one line, which says what to do, and starts nothing."""
    import ray

    with pytest.raises(SandboxError, match="no Ray cluster at"):
        batch.judge(programs(1), cluster.Cluster("127.0.0.1:1", CONFINEMENT))
    assert not ray.is_initialized()


def test_a_connection_of_others_is_used(ray_nodes: Any) -> None:
    """Whoever is connected to a cluster judges there and stays connected; another address is refused."""
    import ray

    ray.init(ray_nodes.address, log_to_driver=False)
    try:
        with pytest.raises(SandboxError, match=r"connected to the Ray cluster .*, not to 127\.0\.0\.1:1"):
            batch.judge(programs(1), cluster.Cluster("127.0.0.1:1", CONFINEMENT))
        judged = batch.judge(programs(2), cluster.Cluster("auto", CONFINEMENT))
        assert len(judged.machines) == 2
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_ray_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Ray the setting is refused with the command that installs it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'passk-tasks\[ray\]'"):
        executor_for(Settings(cluster="auto"))


def test_an_address_is_checked() -> None:
    """What is no address of a cluster is refused with the settings."""
    with pytest.raises(SettingsError, match="cluster must be auto, or the address"):
        Settings(cluster="somewhere")


def test_what_is_lost_comes_back_smaller() -> None:
    """A lost batch is sent again whole, then program by program, each alone, and then has no verdict."""
    waiting = portions.Waiting(3)
    first = waiting.take(1, alone=False)
    assert first is not None
    assert first.indices == [0]  # a share of what is left
    lost = portions.Batch([0, 1, 2])
    waiting = portions.Waiting(0)
    assert waiting.put_back(lost) == []
    again = waiting.take(1, alone=False)
    assert again is not None
    assert again.indices == [0, 1, 2]
    assert waiting.put_back(again) == []
    assert waiting.take(1, alone=False) is None  # not beside another batch
    singles = [waiting.take(1, alone=True) for _ in range(3)]
    assert [single.indices for single in singles if single is not None] == [[0], [1], [2]]
    assert not waiting
    assert singles[0] is not None
    assert waiting.put_back(singles[0]) == [0]


@given(st.integers(0, 2000), st.integers(1, 9))
def test_every_program_is_sent_once(count: int, nodes: int) -> None:
    """Batches cover all positions in order, none is over the most, and the last ones are small."""
    waiting = portions.Waiting(count)
    sizes, seen = [], []
    while (batch := waiting.take(nodes, alone=True)) is not None:
        sizes.append(len(batch.indices))
        seen += batch.indices
    assert seen == list(range(count))
    assert all(0 < size <= portions.BATCH for size in sizes)
    assert sizes[-1:] in ([], [1])


_PLACES = st.dictionaries(
    st.integers(0, 9),
    st.tuples(st.sampled_from("ab"), st.sets(st.integers(0, 7), min_size=1).map(sorted), st.integers(1, 8)),
)


@given(_PLACES)
def test_cpus_are_handed_out(places: dict[int, tuple[str, list[int], int]]) -> None:
    """No two actors of one machine get the same CPU, none gets one that it may not use, each has a worker."""
    shares = cluster.share_out({str(actor): place for actor, place in places.items()})
    for machine in "ab":
        mine = [
            cpu for actor, (cpus, _) in shares.items() for cpu in cpus if places[int(actor)][0] == machine
        ]
        assert len(mine) == len(set(mine))
    for actor, (cpus, workers) in shares.items():
        _, usable, most = places[int(actor)]
        assert set(cpus) <= set(usable)
        assert 1 <= workers <= max(1, most)
        assert len(cpus) in (0, workers)
