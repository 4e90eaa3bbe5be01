"""The driver `script`: the program is a module, and the tests run in its process, after it.

Requests beside `load` (`isolated`):

    ["keep", names of modules]        -> ["ok"]; their content is put back before the tests run
    ["tests", prepared]               -> ["ended", flags] or an exception; `Prepared` makes the tests
    ["prove", proof]                  -> ["proof", proof]; the proof is sent only once the tests have ended;
                                         SECURITY.md says what that is worth

A program that passes runs again against tests that no right program passes (`second_look`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from passk_tasks.sandbox.box import codec, in_one_process
from passk_tasks.sandbox.box.candidate import Candidate
from passk_tasks.sandbox.box.remote import Remote
from passk_tasks.sandbox.box.second_look import Prepared
from passk_tasks.sandbox.box.suites import Suite
from passk_tasks.sandbox.box.trials import Trials
from passk_tasks.verdict import Outcome, Verdict

_PASSES_ANY = "it also passes with another expected value, so that its pass says nothing"


def tests(given: dict[str, Any]) -> Suite:
    """Return the suite of `program.Tests`."""
    return Suite(**given)


def judge(trials: Trials, suite: Suite, code: str, tell: Callable[[], None]) -> Outcome:
    """Run the tests in the candidate's process."""
    return judge_in_one_process(trials, suite, suite.prepared("script"), code, tell)


def judge_in_one_process(
    trials: Trials, suite: Suite, stages: list[Prepared], code: str, tell: Callable[[], None]
) -> Outcome:
    """Run prepared tests, the base's first, in the candidate's process; try what passes against others."""

    def passes_another(prepared: Prepared) -> bool:
        for others in prepared.others():
            tell()
            if trials.run(functools.partial(_run_other, prepared, others, code), suite)[0].passed:
                return True
        return False

    outcome, _ = trials.run(functools.partial(_run, stages, suite, code), suite)
    outcome = replace(outcome, judge="script")
    if outcome.base_passed and passes_another(stages[0]):
        outcome = replace(outcome, base_passed=False)
        if suite.base_decides:
            return replace(outcome, verdict=Verdict.FAILED, detail=_PASSES_ANY)
    if outcome.passed and passes_another(stages[-1]):
        return replace(outcome, verdict=Verdict.FAILED, detail=_PASSES_ANY)
    return outcome


def _run(stages: list[Prepared], suite: Suite, code: str, remote: Remote) -> None:
    *base, last = stages
    remote.keep(sorted({name for stage in stages for name in stage.modules}))
    remote.load(code)
    for stage in base:
        remote.run_base(functools.partial(remote.run_tests, stage.message()), suite.base_decides)
    remote.run_tests(last.message())


def _run_other(prepared: Prepared, others: dict[str, Any], code: str, remote: Remote) -> None:
    remote.keep(prepared.modules)
    remote.load(code)
    remote.run_tests(others)


# --- the candidate's end ---


def _keep(_candidate: Candidate, names: list[str]) -> bytes:
    in_one_process.keep(names)
    return b'["ok"]'


def _run_tests(candidate: Candidate, prepared: dict[str, Any]) -> bytes:
    candidate.phase = "tests"
    return codec.pack(["ended", in_one_process.run(candidate.module, prepared)])


def _prove(_candidate: Candidate, proof: str) -> bytes:
    return codec.pack(["proof", proof])


REQUESTS: dict[str, Callable[..., bytes]] = {"keep": _keep, "tests": _run_tests, "prove": _prove}
