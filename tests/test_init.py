from __future__ import annotations

import passk_tasks


def test_the_public_names_are_these():
    """What the package shows is a decision, so a change of it is seen here; sorted, and all of it exists."""
    assert passk_tasks.__all__ == [
        "Judge",
        "Limits",
        "Outcome",
        "PasskError",
        "Verdict",
        "__version__",
        "pass_at_k",
        "pass_hat_k",
        "task_configs_path",
    ]
    assert passk_tasks.__all__ == sorted(passk_tasks.__all__)
    assert all(hasattr(passk_tasks, name) for name in passk_tasks.__all__)


def test_the_estimators_are_at_hand():
    """`passk_tasks.pass_at_k` and `pass_hat_k` take scalars and arrays."""
    assert passk_tasks.pass_at_k(10, 3, 1) == 0.3
    assert list(passk_tasks.pass_hat_k([2, 2], [1, 2], 2)) == [0.0, 1.0]
