"""A problem of each family in another language, of our own making: twice a number."""

from __future__ import annotations

from typing import Any

from passk_tasks import benchmarks

FAMILIES = tuple(n for n in benchmarks.names() if n.startswith(("multiple_", "humanevalpack_")))


def rows(name: str) -> list[dict[str, Any]]:
    """Return a row in the hub's columns; its text is right in form, and in no language."""
    family = benchmarks.get(name)
    prompt = "// Return twice a number.\nint twice(int n) {\n"
    if name.startswith("multiple_"):
        return [
            {
                "name": "HumanEval_7_twice",
                "language": family.variant,
                "prompt": prompt,
                "doctests": "transform",
                "original": "HumanEval_7_twice.py",
                "prompt_terminology": "reworded",
                "tests": "}\nint main() {\n    assert(twice(2) == 4);\n}\n",
                "stop_tokens": ["\n}"],
            }
        ]
    if family.variant == "python":
        prompt = 'def twice(n: int) -> int:\n    """Return twice a number."""\n'
    right, wrong = (
        ("    return 2 * n\n", "    return n\n") if family.variant == "python" else ("2 * n }", "n }")
    )
    test = "assert twice(2) == 4\n"
    if family.variant == "rust":
        test = f"#[cfg(test)]\nmod tests {{\n    use super::*;\n    #[test]\n    fn t() {{ {test} }}\n}}\n"
    return [
        {
            "task_id": f"{family.variant}/0",
            "prompt": prompt,
            "declaration": prompt,
            "canonical_solution": right,
            "buggy_solution": wrong,
            "test": test,
            "entry_point": "twice",
            "instruction": "Write `twice`.",
            "docstring": "Return twice a number.",
            "signature": "twice(n)",
        }
    ]
