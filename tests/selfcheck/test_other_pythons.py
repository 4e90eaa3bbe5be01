"""Right programs in the other Pythons of this host: a verdict does not depend on the version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from passk_tasks.program import Tests
from passk_tasks.selfcheck.check import check
from passk_tasks.selfcheck.corpus import CORPUS


def others() -> dict[int, str]:
    """Return CPython 3.10 and later, but for this version, by number: on PATH, or where pyenv has them."""
    beside = [path for path in Path(sys.base_prefix).parent.glob("3.*/bin/python3") if path.is_file()]
    found = {int(path.parts[-3].split(".")[1]): str(path) for path in beside}
    for minor in range(10, 20):
        path = None if minor in found else shutil.which(f"python3.{minor}")
        # pyenv's own commands of that name may lead nowhere.
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            found[minor] = path
    return {minor: found[minor] for minor in sorted(found) if minor >= 10 and minor != sys.version_info[1]}


OTHERS = others()
VERSIONS = [pytest.param(minor, marks=[pytest.mark.slow] * (minor != max(OTHERS))) for minor in OTHERS]


@pytest.mark.whole
@pytest.mark.skipif(not OTHERS, reason="no other Python from 3.10 on is on PATH, or beside this one")
@pytest.mark.parametrize("minor", VERSIONS or [0])
def test_right_programs_pass(minor: int) -> None:
    """Each right Python program of the corpus passes in another version, under every judge it is for."""
    right = [attack for attack in CORPUS if attack.is_right and isinstance(attack.tests, Tests)]
    report = check(attacks=right, python=OTHERS[minor])
    assert len(report.trials) > 200
    assert set(report.absent) <= {"numpy"}  # a bare interpreter has no libraries
    assert [(trial.name, trial.broken) for trial in report.trials if trial.broken] == []
