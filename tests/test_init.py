from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import passk_tasks
from passk_tasks import api

ROOT = Path(__file__).resolve().parents[1]


def test_the_public_names_are_these():
    """What the package shows is sorted and exists: the functions of `api`, and what they take and give."""
    classes = {"Judge", "Limits", "Metric", "Outcome", "PasskError", "Rewards", "Verdict"}
    estimators = {"g_pass_at_k", "mg_pass_at_k", "pass_at_k", "pass_hat_k"}
    assert set(passk_tasks.__all__) == {*api.__all__, *classes, *estimators, "__version__", "task_names"}
    assert passk_tasks.__all__ == sorted(passk_tasks.__all__)
    assert all(hasattr(passk_tasks, name) for name in passk_tasks.__all__)


def test_the_estimators_are_at_hand():
    """`passk_tasks.pass_at_k` and `pass_hat_k` take scalars and arrays."""
    assert passk_tasks.pass_at_k(10, 3, 1) == 0.3
    assert list(passk_tasks.pass_hat_k([2, 2], [1, 2], 2)) == [0.0, 1.0]


def test_the_package_itself_loads_nothing():
    """`import passk_tasks` loads no numpy and no second module; a name that is asked for brings its own."""
    code = (
        "import sys, passk_tasks; "
        "print(sorted(m for m in sys.modules if m.startswith('passk_tasks') or m == 'numpy')); "
        "passk_tasks.Verdict; print('numpy' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    assert shown.splitlines() == ["['passk_tasks', 'passk_tasks._version']", "False"]


def test_every_public_name_is_documented_and_typed():
    """Each function of the API has a docstring, and a type for every argument and for what it returns."""
    for name in passk_tasks.__all__:
        found = getattr(passk_tasks, name)
        if not inspect.isfunction(found):
            continue
        signature = inspect.signature(found)
        assert found.__doc__, name
        assert signature.return_annotation is not inspect.Signature.empty, name
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty, f"{name}: {parameter.name}"


def test_an_unknown_name_is_an_attribute_error():
    """What is not public is not there, and `dir` shows what is."""
    with pytest.raises(AttributeError, match="no attribute 'scoer_run'"):
        passk_tasks.scoer_run  # noqa: B018
    assert set(passk_tasks.__all__) <= set(dir(passk_tasks))
