"""Runs the corpus, and says which guarantees hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from passk_tasks.errors import SandboxError
from passk_tasks.judging import batch, libraries
from passk_tasks.judging.executor import Executor, local
from passk_tasks.languages import LANGUAGES
from passk_tasks.program import CommandTests, Confinement, Judge, Limits, Program, Tests
from passk_tasks.sandbox import packages, toolchains
from passk_tasks.selfcheck.attack import SOLVE, Attack, Guarantee
from passk_tasks.selfcheck.corpus import CORPUS
from passk_tasks.selfcheck.corpus.timeouts import ENDLESS_LOOP
from passk_tasks.selfcheck.probes import Probes
from passk_tasks.verdict import Outcome, Verdict

# Short, so that loops and hogs end soon; large enough for every right program of the corpus.
LIMITS = Limits(timeout_s=1.0, memory_mib=384, output_mib=8, processes=48, backstop=10.0)
# Programs that take memory get twice the time limit, and half of the memory: on some hosts they need half a
# second of CPU to reach the memory limit, which is the one that they test.
_HOGS_TIMES, _HOGS_SHARE = 2.0, 0.5
# Those that nothing but the time limit ends get less. One that dodges it is still seen: its backstop comes
# after what `ENDLESS_LOOP`, which has the whole limit, allows it.
_LOOPS_TIMES = 0.4
# Seconds that a busy machine may add before a program counts as having dodged the time limit.
_SLACK_S = 1.0

# What programs of the corpus import beside the standard library.
_LIBRARY = "numpy"
_IMPORTS = re.compile(rf"^\s*(?:import|from) {_LIBRARY}\b", re.MULTILINE)

# What gives each guarantee: names of `Sandbox.layers`, or a few words about how the judge is built.
GIVEN_BY: dict[Guarantee, tuple[str, ...]] = {
    Guarantee.VERDICT: ("tests in a process of their own",),
    Guarantee.ORACLE: ("tests in a process of their own", "private root", "pid namespace"),
    Guarantee.EXIT: ("tests in a process of their own",),
    Guarantee.CHANNEL: ("plain data on the channel",),
    Guarantee.RUN: ("pid namespace", "resource limits", "process cgroup", "plain data on the channel"),
    Guarantee.BETWEEN: ("a process for each program", "private root", "ipc namespace"),
    Guarantee.SURVIVOR: ("pid namespace",),
    Guarantee.TIME: ("CPU and wall clock", "resource limits"),
    Guarantee.MEMORY: ("resource limits", "memory cgroup"),
    Guarantee.OUTPUT: ("resource limits", "private root"),
    Guarantee.READ: ("private root", "private proc", "landlock"),
    Guarantee.WRITE: ("private root", "landlock", "unprivileged user"),
    Guarantee.SECRET: ("clean interpreter", "private root", "pid namespace"),
    Guarantee.NETWORK: ("network namespace", "seccomp", "landlock"),
    Guarantee.SIGNAL: ("pid namespace", "landlock"),
    Guarantee.KERNEL: ("seccomp", "no new privileges", "unprivileged user", "user namespace"),
    Guarantee.RIGHT: (),
}


@dataclass(frozen=True)
class Trial:
    """The result of one attack under one judge.

    Attributes:
        attack: the program.
        judge: the judge.
        outcome: its outcome; None where it was not tried, as it would harm this host.
        broken: what it achieved; empty where the guarantee held.
    """

    attack: Attack
    judge: Judge
    outcome: Outcome | None
    broken: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Attack and judge in one word."""
        return f"{self.attack.name}[{self.judge}]"

    @property
    def is_known_gap(self) -> bool:
        """Whether this judge is known to be unable to refuse it."""
        return self.attack.gap(self.judge) is not None


@dataclass(frozen=True)
class Row:
    """One guarantee and whether it held.

    Attributes:
        guarantee: what is promised.
        layers: what gives it, and whether that is active; None for what is no layer of the sandbox.
        tried: how many trials there were.
        broken: the trials that broke it.
        untried: how many attacks were left out, as they would harm this host.
    """

    guarantee: Guarantee
    layers: dict[str, bool | None]
    tried: int
    broken: tuple[Trial, ...]
    untried: int

    @property
    def state(self) -> str:
        """`proved`, `NOT proved`, or `not tried`."""
        if self.broken:
            return "NOT proved"
        # Where the harmful attacks are left out, the rest proves nothing.
        return "not tried" if self.untried or not self.tried else "proved"


@dataclass(frozen=True)
class Report:
    """The result of one self-check.

    Attributes:
        sandbox: the mode, `strict` or `rlimits`.
        layers: the sandbox's layers and whether each is active.
        trials: every attack under each of its judges, in the corpus's order.
        host: changes of the host that cannot be blamed on a single attack.
        without: languages that were not tried, as this host lacks their toolchains.
        refused: languages that the sandbox refuses to judge on this host, and why.
        unpromised: how many right programs are promised nothing on this host.
        absent: libraries that the interpreter lacks, and how many programs import each: they were not tried.
    """

    sandbox: str
    layers: dict[str, bool]
    trials: tuple[Trial, ...]
    host: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    unpromised: int = 0
    absent: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """One row for each guarantee. Known gaps of the judge `script` do not count here."""
        rows = []
        for guarantee in Guarantee:
            mine = [t for t in self.trials if t.attack.guarantee is guarantee and not t.is_known_gap]
            rows.append(
                Row(
                    guarantee,
                    {name: self.layers.get(name) for name in GIVEN_BY[guarantee]},
                    sum(t.outcome is not None for t in mine),
                    tuple(t for t in mine if t.broken),
                    sum(t.outcome is None for t in mine),
                )
            )
        return rows

    @property
    def known_gaps(self) -> list[Trial]:
        """The trials that passed, as SECURITY.md says they can."""
        return [t for t in self.trials if t.is_known_gap and t.broken]

    @property
    def proved(self) -> bool:
        """Whether every guarantee is proved."""
        return not self.host and all(row.state == "proved" for row in self.rows)


def check(
    *,
    sandbox: str = "strict",
    workers: int = 0,
    attacks: Sequence[Attack] = CORPUS,
    limits: Limits = LIMITS,
    python: str | None = None,
    progress: bool = False,
) -> Report:
    """Attack the sandbox with these attacks under these limits, as `api.check_sandbox` says.

    Under `rlimits` attacks that would harm the host are left out.
    """
    trials: list[Trial] = []
    layers: dict[str, bool] = {}
    lacking = {name for name in map(_language, attacks) if name and toolchains.hint([name])}
    attacks = [a for a in attacks if _language(a) not in lacking]
    unknown = libraries.absent([_LIBRARY], packages.INSTALLED, python)
    absent = {name: sum(_library(a) == name for a in attacks) for name in unknown}
    attacks = [a for a in attacks if _library(a) not in absent]
    tried = [a for a in attacks if sandbox == "strict" or not a.harms]
    refused: dict[str, str] = {}
    unpromised: set[str] = set()
    with Probes() as probes:
        for judge in Judge:
            outcomes: dict[str, Outcome] = {}
            for group, number, given in _groups([a for a in tried if judge in a.judges], workers, limits):
                for (loopback, language), alike in _alike(group).items():
                    confinement = Confinement(given, sandbox, python=python, loopback=loopback)
                    try:
                        judged = _run(alike, judge, probes, local(confinement, number), progress)
                    except SandboxError as error:
                        if language is None:
                            raise
                        refused[language] = str(error)  # this host cannot judge it, and says so to users
                        continue
                    outcomes.update(judged[0])
                    layers.update(judged[1])
            loop = outcomes.get(ENDLESS_LOOP.name)
            slow = [a for a in tried if a.name in outcomes and _too_long(a, outcomes[a.name], loop)]
            for (loopback, _), alike in _alike(slow).items():  # once more, alone: others may have had the CPU
                executor = local(Confinement(limits, sandbox, python=python, loopback=loopback), 1)
                again, _ = _run([ENDLESS_LOOP, *alike], judge, probes, executor, progress)
                loop = again[ENDLESS_LOOP.name]
                outcomes.update(again)
            mine = [a for a in attacks if judge in a.judges and _language(a) not in refused]
            kept = [attack for attack in mine if _promised(attack, sandbox, layers)]
            unpromised |= {attack.name for attack in mine}.difference(attack.name for attack in kept)
            trials += [_trial(attack, judge, outcomes, loop, probes) for attack in kept]
        findings = probes.findings(tried)
        host = tuple(probes.host_findings())
    trials = [_blamed(trial, findings) for trial in trials]
    without = tuple(sorted(LANGUAGES[name].title for name in lacking))
    cannot = {LANGUAGES[name].title: why for name, why in refused.items()}
    return Report(sandbox, layers, tuple(trials), host, without, cannot, len(unpromised), absent)


def _language(attack: Attack) -> str | None:
    return attack.tests.language if isinstance(attack.tests, CommandTests) else None


def _library(attack: Attack) -> str | None:
    """Return the library that a Python program or its tests import, if it is not the standard one."""
    sources = (attack.code, *attack.before, attack.tests.source) if isinstance(attack.tests, Tests) else ()
    return _LIBRARY if any(map(_IMPORTS.search, sources)) else None


def _alike(attacks: Sequence[Attack]) -> dict[tuple[bool, str | None], list[Attack]]:
    """Return the attacks that one sandbox can judge, by loopback device and language."""
    groups: dict[tuple[bool, str | None], list[Attack]] = {}
    for attack in attacks:
        groups.setdefault((attack.loopback, _language(attack)), []).append(attack)
    return groups


def _promised(attack: Attack, sandbox: str, layers: dict[str, bool]) -> bool:
    """Whether its guarantee is given here: no candidate gets the host's network, or its `/dev/shm`."""
    if sandbox != "strict" or not attack.is_right:
        return True
    return ("network namespace" in layers or not attack.loopback) and (
        "private root" in layers or not attack.own_root
    )


def _groups(
    attacks: Sequence[Attack], workers: int, limits: Limits
) -> tuple[tuple[list[Attack], int, Limits], ...]:
    """Return the attacks by what they need, each group with its number of workers and its limits."""
    # Programs that must follow each other need one worker, which takes programs in their order.
    in_rows = [a for a in attacks if a.before]
    alone = [a for a in attacks if not a.before]
    hogs = [a for a in alone if a.guarantee is Guarantee.MEMORY]
    loops = [a for a in alone if a.times and a.expected == {Verdict.TIMEOUT} and a is not ENDLESS_LOOP]
    together = _mixed([a for a in alone if a not in hogs and a not in loops])
    shorter = replace(limits, timeout_s=_LOOPS_TIMES * limits.timeout_s)
    timeout_s, memory_mib = _HOGS_TIMES * limits.timeout_s, int(limits.memory_mib * _HOGS_SHARE)
    of_hogs = replace(limits, timeout_s=timeout_s, memory_mib=memory_mib)
    return (
        (together, workers, limits),
        (loops, workers, shorter),
        (hogs, workers, of_hogs),
        (in_rows, 1, limits),
    )


def _mixed(attacks: list[Attack]) -> list[Attack]:
    """Spread the right programs evenly among the others."""
    right = [a for a in attacks if a.is_right]
    others = [a for a in attacks if not a.is_right]
    both = [(i / max(1, len(group)), a.name, a) for group in (right, others) for i, a in enumerate(group)]
    return [attack for _, _, attack in sorted(both, key=lambda item: item[:2])]


def _run(
    attacks: Sequence[Attack],
    judge: Judge,
    probes: Probes,
    executor: Executor,
    progress: bool,
) -> tuple[dict[str, Outcome], dict[str, bool]]:
    programs: list[Program] = []
    places: dict[str, int] = {}
    for attack in attacks:
        for number, code in enumerate(attack.before):
            # Each program is made unique, since identical programs run only once.
            unique = f"{probes.fill(attack, code)}\n# {attack.name} {number}\n"
            programs.append(Program(f"before {attack.name}", unique, SOLVE, judge.place))
        places[attack.name] = len(programs)
        programs.append(Program(attack.name, probes.fill(attack, attack.code), attack.tests, judge.place))
    judged = batch.judge(programs, executor, progress=progress)
    return {name: judged.outcomes[place] for name, place in places.items()}, judged.layers


def _trial(
    attack: Attack, judge: Judge, outcomes: Mapping[str, Outcome], yardstick: Outcome | None, probes: Probes
) -> Trial:
    outcome = outcomes.get(attack.name)
    if outcome is None:
        return Trial(attack, judge, None)
    return Trial(attack, judge, outcome, broken_by(attack, outcome, yardstick, probes))


def _too_long(attack: Attack, outcome: Outcome, yardstick: Outcome | None) -> str:
    if not attack.times or yardstick is None:
        return ""
    longest_s = attack.times * yardstick.wall_s + _SLACK_S
    if outcome.wall_s <= longest_s:
        return ""
    return f"it took {outcome.wall_s:.1f} s where {longest_s:.1f} s is the most"


def broken_by(attack: Attack, outcome: Outcome, yardstick: Outcome | None, probes: Probes) -> tuple[str, ...]:
    """Return what an attack broke, as far as its outcome shows.

    `yardstick` is the outcome of a plain endless loop in the same batch.
    """
    said = []
    if outcome.verdict not in attack.expected:
        said.append(f"{outcome.verdict}: {outcome.detail}" if outcome.detail else str(outcome.verdict))
    if outcome.verdict is Verdict.INFRA_ERROR and attack.guarantee is not Guarantee.RUN:
        said.append("the run is left without a verdict")
    if attack.times and outcome.verdict is Verdict.TIMEOUT and outcome.wall_s == 0:
        said.append("its worker had to be given up")
    if too_long := _too_long(attack, outcome, yardstick):
        said.append(too_long)
    if probes.told(outcome):
        said.append("the outcome tells the user's secret")
    return tuple(said)


def _blamed(trial: Trial, findings: dict[str, list[str]]) -> Trial:
    said = findings.get(trial.attack.name)
    if trial.outcome is None or not said:
        return trial
    return Trial(trial.attack, trial.judge, trial.outcome, (*trial.broken, *said))
