"""An executor that judges on the nodes of a Ray cluster: a sandbox on each, and batches of programs for them.

    run(programs) -> batches of one problem's programs -> [actor on a node: its sandbox] -> outcomes by index

The driver is one loop over what it waits for. A node that is new, or that lost its actor, is tried before it
gets a program: it must have the driver's environment and give the verdicts of the self-test.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from passk_tasks.errors import SandboxError, UsageError
from passk_tasks.judging.head import Head, in_time, refused
from passk_tasks.judging.node import (
    Facts,
    Node,
    differences,
    environment,
    listed,
    reason_of,
    share_out,
    tools,
)
from passk_tasks.judging.portions import Batch, Waiting
from passk_tasks.program import CommandTests, Confinement, Program
from passk_tasks.sandbox import packages
from passk_tasks.verdict import Machine, Outcome, Verdict, added_up

_IN_FLIGHT = 2  # batches that a node holds: one in judgement, one waiting
_RESTARTS = 5  # of a node's actor without a finished batch in between
_LOOK_S = 5.0  # between two looks for nodes that joined
_START_S = 180.0  # for an actor to start its sandbox
_END_S = 10.0


@dataclass(eq=False)
class _Member:
    """A node that may judge: its actor, and what is known of it."""

    node_id: str
    name: str
    actor: Any
    layers: Mapping[str, bool] = field(default_factory=dict)
    differs: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    cpus: int = 0
    held: int = 0  # batches
    alone: bool = False  # whether the one that it holds must be the only one
    judged: int = 0  # programs


class Cluster:
    """The nodes of a Ray cluster as an executor.

    Args:
        address: `auto` for the cluster that this machine is part of, or `ray://HOST:PORT`.
        confinement: limits, mode and packages of the candidates.
        workers: candidates at one time on each node; 0 for as many as it has usable CPUs.
        mixed: let nodes judge whose environment differs from this one; the results name the difference.

    Attributes:
        layers: whether each layer is active on all nodes.
        warnings: what a person must know of nodes and layers.

    Raises:
        UsageError: Ray is not installed.
    """

    def __init__(
        self, address: str, confinement: Confinement, workers: int = 0, *, mixed: bool = False
    ) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError(
                f"cluster={address} needs Ray ({error}): pip install 'passk-tasks[ray]'"
            ) from None
        self._ray = ray
        self._address, self._workers, self._mixed = address, workers, mixed
        self.confinement = confinement
        self.layers: dict[str, bool] = {}
        self.warnings: tuple[str, ...] = ()
        self._entered = 0
        self._connected = False
        self._head = Head(address, [])
        self._here: Facts = {}
        self._languages: list[str] = []  # whose tools must be the same
        self._members: list[_Member] = []
        self._past: list[_Member] = []  # those that are no longer in use
        self._names: dict[str, str] = {}  # by node; several on one host are numbered
        self._refused: dict[str, str] = {}  # why, by node
        self._restarts: dict[str, int] = {}
        self._examples: tuple[Sequence[Program], list[Verdict]] | None = None
        self._looked_s = 0.0

    @property
    def packages(self) -> dict[str, str]:
        """The version of each distribution that candidates can import; reads the metadata of each."""
        return packages.resolve(self.confinement.packages, self.confinement.python).versions()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The nodes that judged or may judge."""
        return added_up(
            Machine(member.name, member.cpus, member.judged, dict(member.differs))
            for member in (*self._past, *self._members)
        )

    def __enter__(self) -> Cluster:
        self._entered += 1
        if self._entered > 1:
            return self
        try:
            self._connect()
            self._here = environment(self.confinement)
            self._past, self._refused, self._restarts, self._languages = [], {}, {}, []
            self.warnings = ()
            self._join(self._alive())
            if self._refused:
                raise SandboxError(self._why_not())
            if not self._members:
                told = "; ".join(self.warnings) or "it has none"
                raise SandboxError(f"no node of the cluster {self._address} judges: {told}")
            heads = self._each("head", {self._members[0]: ()}).values()
            self._head = Head(self._address, [*heads, self._address])
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered == 1:
            self.close()
        else:
            self._entered -= 1

    def close(self) -> None:
        """End the actors and all that runs in them, and the connection if it was made here."""
        self._entered = 0
        ending = []
        for member in self._members:
            with contextlib.suppress(Exception):  # one that is dead needs no end
                ending.append(member.actor.end.remote())
        if ending:  # without a connection, Ray would start a cluster of its own for this call
            with contextlib.suppress(Exception):
                self._ray.wait(ending, num_returns=len(ending), timeout=_END_S)
        if self._head.silent:
            self._head.leave_behind(self._ray)
        else:
            for member in self._members:
                self._kill(member)
            if self._connected:
                self._ray.shutdown()
        self._past += self._members
        self._members = []
        self._connected = False

    def _connect(self) -> None:
        # A backend that uses Ray may be connected already, and ends that by itself when it is done.
        if self._ray.is_initialized():
            there = in_time(lambda: self._ray.get_runtime_context().gcs_address)  # a client does not know it
            if there is not None and self._address not in ("auto", there):
                raise SandboxError(
                    f"this process is connected to the Ray cluster {there}, not to {self._address}: "
                    "end that connection, or name auto"
                )
            return
        try:
            address = os.environ.get("RAY_ADDRESS", "auto") if self._address == "auto" else self._address
            # Ray itself would try for ever.
            if address != "auto" and (why := refused(address)) is not None:
                raise why
            self._ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            raise SandboxError(
                f"no Ray cluster at {self._address} ({str(error).splitlines()[0]:.200}): start one with "
                "`ray start --head`, or name another address"
            ) from None
        self._connected = True

    def _alive(self) -> dict[str, str]:
        """Return the name of each node that is alive, by its id."""
        self._looked_s = time.monotonic()
        alive = {node["NodeID"]: node for node in self._ray.nodes() if node["Alive"]}
        for node_id, node in sorted(alive.items()):
            name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            same = sum(other.startswith(name) for other in self._names.values())
            self._names.setdefault(node_id, f"{name} no. {same + 1}" if same else name)
        return {node_id: self._names[node_id] for node_id in alive}

    # ------------------------------------------------------------------ nodes

    def _join(self, nodes: Mapping[str, str]) -> None:
        """Start an actor on each of these nodes, try it, and take in those that are right."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remote = self._ray.remote(Node)
        starting = []
        for node_id, name in nodes.items():
            # No CPUs are asked of Ray's own count: an actor that waits for another job's would wait for ever.
            # Time limits are CPU time, so a node that others use makes nothing fail.
            where = NodeAffinitySchedulingStrategy(node_id=node_id, soft=False)
            actor = remote.options(num_cpus=0, scheduling_strategy=where, max_restarts=0).remote(
                self.confinement
            )
            starting.append(_Member(node_id, name, actor))
        shares = share_out(self._each("cpus", dict.fromkeys(starting, ())))
        calls = {}
        for member, (mine, most) in shares.items():
            member.cpus = min(self._workers or most, most)
            calls[member] = (mine[: member.cpus], member.cpus, self._languages)
        for member, (layers, warnings, facts) in self._each("start", calls).items():
            member.layers = layers
            self.warnings += tuple(w for w in warnings if w not in self.warnings)
            self._take_in(member, facts)
        self._count_layers()

    def _each(self, method: str, calls: Mapping[_Member, tuple[Any, ...]]) -> dict[_Member, Any]:
        """Call a method of each actor at the same time; return the answers, and refuse who gives none."""
        refs = {member: getattr(member.actor, method).remote(*args) for member, args in calls.items()}
        if refs:
            self._ray.wait(list(refs.values()), num_returns=len(refs), timeout=_START_S)
        answers = {}
        for member, ref in refs.items():
            try:
                answers[member] = self._ray.get(ref, timeout=0.1)
            except Exception as error:  # noqa: PERF203  Ray's errors, and those of the node's own sandbox
                self._fail(member, error)
        return answers

    def _take_in(self, member: _Member, facts: Facts) -> None:
        """Let a node judge if its environment is this one and its verdicts are those of the others."""
        member.differs |= differences(self._here, facts)
        for layers in [other.layers for other in self._members][:1]:
            member.differs |= differences(dict(layers), dict(member.layers))
        needed = {name: there for name, there in member.differs.items() if name == "passk-tasks"}
        if needed or (member.differs and not self._mixed):
            self._refuse(member, listed(needed or member.differs))
            return
        if self._examples is not None:
            programs, verdicts = self._examples
            try:
                outcomes = dict(self._ray.get(member.actor.run.remote(programs), timeout=_START_S))
            except Exception as error:
                self._fail(member, error)
                return
            if [outcomes[index].verdict for index in range(len(programs))] != verdicts:
                self._refuse(member, "its verdicts on the programs of the self-test are wrong")
                return
        self._members.append(member)

    def _fail(self, member: _Member, error: Exception) -> None:
        """Refuse a node that cannot judge; one that is not there any more, or does not answer, is said."""
        if isinstance(error, self._ray.exceptions.RayTaskError) or "creation task" in str(error):
            self._refuse(member, reason_of(error))
            return
        self.warnings += (f"the node {member.name} cannot be reached and does not judge: {reason_of(error)}",)
        self._kill(member)

    def _refuse(self, member: _Member, reason: str) -> None:
        self._refused[member.name] = reason
        self._kill(member)

    def _kill(self, member: _Member) -> None:
        in_time(lambda: self._ray.kill(member.actor))

    def _why_not(self) -> str:
        listed = "; ".join(f"{name}: {reason}" for name, reason in sorted(self._refused.items()))
        return (
            f"nodes of the cluster {self._address} cannot judge: {listed}. Give them the environment of this "
            "machine, end them, or let them judge as they are by --mixed (mixed=true), which the results say"
        )

    def _count_layers(self) -> None:
        known = [member.layers for member in self._members]
        names = dict.fromkeys(name for layers in known for name in layers)
        self.layers = {name: all(layers.get(name, False) for layers in known) for name in names}

    def _look_for_nodes(self) -> None:
        """Take in nodes that joined, and those that lost their actor but live."""
        if time.monotonic() - self._looked_s < _LOOK_S and self._members:
            return
        alive = in_time(self._alive) if self._head.answers() else None
        if alive is None:
            self._looked_s = time.monotonic()
            return
        have = {member.node_id for member in self._members}
        new = {
            node_id: name
            for node_id, name in alive.items()
            if node_id not in have
            and name not in self._refused
            and self._restarts.get(node_id, 0) < _RESTARTS
        }
        before = set(self._refused)
        if new:
            self._join(new)
        for name in sorted(set(self._refused) - before):
            self.warnings += (f"the node {name} joined and cannot judge: {self._refused[name]}",)

    def _lose(self, member: _Member, reason: str) -> None:
        if member not in self._members:
            return
        self._members.remove(member)
        self._past.append(member)
        self._restarts[member.node_id] = self._restarts.get(member.node_id, 0) + 1
        self._kill(member)
        told = f"the node {member.name} was lost while it judged ({reason}); others judged its programs again"
        if told not in self.warnings:
            self.warnings += (told,)

    # ------------------------------------------------------------------ programs

    def selftest(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge each program on every node; yield its position and outcome for each."""
        self._check_tools(programs)
        answers = self._each("run", dict.fromkeys(self._members, (programs,)))
        if self._refused:
            raise SandboxError(self._why_not())
        verdicts: list[Verdict] = []
        for outcomes in answers.values():
            verdicts = [outcome.verdict for _, outcome in sorted(outcomes, key=lambda item: item[0])]
            yield from outcomes
        self._examples = (programs, verdicts)

    def _check_tools(self, programs: Sequence[Program]) -> None:
        """Refuse nodes whose tools for these programs' languages differ from this machine's."""
        self._languages = sorted({p.tests.language for p in programs if isinstance(p.tests, CommandTests)})
        if not self._languages:
            return
        here = tools(self._languages)
        self._here |= here  # nodes that join later are held against it too
        calls = dict.fromkeys(self._members, (self._languages,))
        for member, there in self._each("toolchains", calls).items():
            differs = differences(here, there)
            member.differs |= differs
            if differs and not self._mixed:
                self._refused[member.name] = listed(differs)
        if self._refused:
            raise SandboxError(self._why_not())

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Outcome]]:
        """Judge programs on all nodes; yield each one's position and outcome as its batch comes back.

        A batch whose node is lost goes to another one; after two losses its programs are sent one by one, and
        one that loses its node again is `infra_error`.

        Raises:
            SandboxError: no node is left.
        """
        waiting = Waiting(len(programs))
        flying: dict[Any, tuple[_Member, Batch]] = {}
        done = 0
        while waiting or flying:
            self._send(programs, waiting, flying)
            if not flying:
                self._look_for_nodes()
                if not self._members:
                    raise SandboxError(
                        f"no node of the cluster {self._address} is left; {done} of {len(programs)} programs "
                        "are judged. Start nodes, and type the same command again"
                    )
                continue
            ready, _ = self._ray.wait(list(flying), num_returns=1, timeout=_LOOK_S)
            for ref in ready:
                member, batch = flying.pop(ref)
                member.held -= 1
                member.alone = False
                try:
                    outcomes = self._ray.get(ref)
                except Exception as error:  # the actor or its node died, or its sandbox cannot go on
                    self._lose(member, reason_of(error))
                    for index in waiting.put_back(batch):
                        done += 1
                        detail = f"three nodes were lost with it, the last one alone with it: {member.name}"
                        yield index, Outcome(Verdict.INFRA_ERROR, detail, programs[index].judge.value)
                    continue
                self._restarts.pop(member.node_id, None)
                member.judged += len(outcomes)
                for number, outcome in outcomes:
                    done += 1
                    yield batch.indices[number], outcome
            self._look_for_nodes()

    def _send(
        self, programs: Sequence[Program], waiting: Waiting, flying: dict[Any, tuple[_Member, Batch]]
    ) -> None:
        """Give nodes what they can take; a program that may be what ends nodes gets one for itself."""
        while free := [member for member in self._members if not member.alone and member.held < _IN_FLIGHT]:
            member = min(free, key=lambda free_one: free_one.held)
            batch = waiting.take(len(self._members), alone=member.held == 0)
            if batch is None:
                return
            member.held += 1
            member.alone = batch.alone
            ref = member.actor.run.remote([programs[index] for index in batch.indices])
            flying[ref] = (member, batch)
