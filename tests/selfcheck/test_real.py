"""The corpus against a harness without isolation: attacks are real, right programs are right."""

from __future__ import annotations

import os

import naive
import pytest

from passk_tasks.selfcheck.attack import Attack
from passk_tasks.selfcheck.check import broken_by
from passk_tasks.selfcheck.corpus import CORPUS
from passk_tasks.selfcheck.probes import Probes

pytestmark = pytest.mark.slow

HOSTILE = [a for a in CORPUS if not a.is_right and a.real != "unseen"]
RIGHT = [a for a in CORPUS if a.is_right and a.real != "unseen"]


@pytest.mark.parametrize("attack", HOSTILE, ids=[a.name for a in HOSTILE])
def test_attack_is_real(attack: Attack) -> None:
    """Against exec in one process, or a verdict by exit status, the attack succeeds."""
    if attack.real == "root" and os.getuid() != 0:
        pytest.skip("only root may do this, whatever the harness")
    assert not attack.harms
    with Probes() as probes:
        code = probes.fill(attack, attack.code)
        outcome = naive.judge(code, attack.tests.source)
        broken = [*broken_by(attack, outcome, None, probes), *probes.findings([attack]).get(attack.name, [])]
    assert broken, outcome


@pytest.mark.parametrize("attack", RIGHT, ids=[a.name for a in RIGHT])
def test_right_program_is_right(attack: Attack) -> None:
    """In a plain interpreter the program passes its tests."""
    with Probes() as probes:
        outcome = naive.judge(probes.fill(attack, attack.code), attack.tests.source)
    assert outcome.passed, outcome
