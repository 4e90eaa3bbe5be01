from __future__ import annotations

import copy
import re
from dataclasses import replace

from passk_tasks.results.summary import Summary
from passk_tasks.statistics.intervals import Estimate
from passk_tasks.text import summary
from passk_tasks.text.terminal import WIDTH

RESULT = {
    "task": "passk_humaneval",
    "problems": 82,
    "problems_total": 164,
    "coverage": 0.5,
    "samples": 1640,
    "n": 20,
    "metrics": {
        "pass@1": {
            "value": 0.02621,
            "over_problems": {"se": 0.00694, "ci95": [0.01273, 0.03969], "method": "over-problems"},
            "over_samples": {"se": 0.00217, "ci95": [0.02201, 0.03112], "method": "over-samples"},
        },
        "pass@10": {
            "value": 0.10321,
            "over_problems": {"se": 0.01812, "ci95": [0.06771, 0.13871], "method": "over-problems"},
            "over_samples": {"se": 0.01812, "ci95": [0.06771, 0.13871], "method": "over-samples-bound"},
        },
    },
    "verdicts": {"passed": 86, "failed": 1500, "timeout": 54},
    "distinct": 0.9912,
    "judge": "isolated",
    "sandbox": {"mode": "strict", "layers": {"user namespace": True, "seccomp": True, "cgroup": False}},
    "limits": {"timeout_s": 3.0, "memory_mib": 1024, "output_mib": 16, "processes": 64, "backstop": 20.0},
    "dataset": {"source": "embedded", "sha256": "53e6de8cb31dc96b8f53"},
    "warnings": [],
}


def render(result, **keywords):
    """Return the summary of a stored object."""
    return summary.render(Summary.from_dict(result), **keywords)


def changed(**changes):
    """Return the result with some keys replaced."""
    return {**copy.deepcopy(RESULT), **changes}


def test_everything_a_person_needs_is_in_the_summary():
    """Metrics with error and interval, verdicts, coverage, distinct share, limits and layers all appear."""
    text = render(RESULT)
    for part in (
        "passk_humaneval: 82 of 164 problems, 1,640 samples (n = 20)",
        "pass@1   0.0262  0.0069  0.0127 … 0.0397    0.0022  0.0220 … 0.0311",
        "pass@10  0.1032  0.0181  0.0677 … 0.1387  ≤ 0.0181  0.0677 … 0.1387",
        "≤ bound: no unbiased estimate",
        "50.0% of the task's problems",
        "99.1%",
        "isolated; 3 s, 1024 MiB of memory",
        "strict: user namespace, seccomp; without cgroup",
        "embedded, sha256 53e6de8cb31d",
    ):
        assert part in text
    assert re.search(r"^ +passed +86 +5\.24%$", text, re.M)


def test_columns_are_aligned():
    """Values stand under their heads, whatever the length of the names."""
    lines = render(RESULT).splitlines()
    rows = [line for line in lines if line.strip().startswith("pass@")]
    assert len({line.index("0.") for line in rows}) == 1
    head = next(line for line in lines if "value" in line)
    assert head.index("value") + len("value") <= rows[0].index("0.0262") + len("0.0262")
    verdicts = [line for line in lines if re.match(r"  (verdict|passed|failed|timeout) ", line)]
    assert len({len(line) for line in verdicts}) == 1


def test_colour_adds_nothing_but_escape_codes():
    """The coloured text without its codes is the plain text, and the plain text has none."""
    result = changed(warnings=["something is odd"], verdicts={"passed": 1, "infra_error": 2})
    assert re.sub(r"\033\[[0-9;]*m", "", render(result, colour=True)) == render(result)
    assert "\033" not in render(result)


def test_one_problem_has_no_interval():
    """Where the standard error cannot be known, the table says so instead of 0."""
    unknown = {"se": None, "ci95": None}
    known = {"se": 0.1, "ci95": [0.8, 1.0], "method": "over-samples"}
    one = {"value": 1.0, "over_problems": {**unknown, "method": "over-problems"}, "over_samples": known}
    text = render(changed(metrics={"pass@1": one}))
    assert "pass@1  1.0000   -  none from one  0.1000  0.8000 … 1.0000" in text
    assert "bound" not in text


def test_a_credible_interval_and_max_at_k_are_explained():
    """What stands in a column without being what its head says is marked, and a line says what it is."""
    assert not re.search(r"credible|max@", render(RESULT))
    known = {"se": 0.1, "ci95": [0.4, 0.8], "method": "over-problems"}
    bayes = {"value": 0.6, "over_problems": known, "over_samples": {**known, "method": "credible"}}
    largest = {
        "value": 0.6,
        "over_problems": known,
        "over_samples": {**known, "method": "over-samples-bound"},
    }
    text = render(changed(metrics={"bayes@20": bayes, "max@2": largest}), width=200)
    assert re.search(r"bayes@20 .* credible 0\.1000 +0\.4000 … 0\.8000", text)
    assert summary.CREDIBLE_MEANING in text
    assert summary.MAX_MEANING in text


def test_full_coverage_and_single_samples_are_not_spoken_of():
    """Lines that would say nothing are left out."""
    text = render(changed(coverage=1.0, problems=164, samples=164, n=1, distinct=None))
    assert "coverage" not in text
    assert "distinct" not in text


def test_warnings_stand_out_and_are_wrapped():
    """Every warning appears whole, and no line is wider than a terminal."""
    warning = "the samples of a problem are all or nearly all identical " * 5
    lines = render(changed(warnings=[warning])).splitlines()
    assert " ".join(" ".join(lines).split()).count("nearly all identical") == 5
    assert max(map(len, lines)) <= WIDTH


def test_names_from_files_cannot_move_the_cursor():
    """A journal's task name with an escape sequence loses the escape character."""
    text = render(changed(task="\033[2Jowned", warnings=["\033]0;title\a"]))
    assert "\033" not in text
    assert "\a" not in text
    assert "owned" in text


def test_nothing_ran_is_said():
    """Without any program there are no layers, which is not the same as a weak sandbox."""
    assert "strict: nothing was run" in render(changed(sandbox={"mode": "strict", "layers": {}}, metrics={}))


def test_topping_up_is_told():
    """What was wanted, what was reached, how n is spread, and that scouts do not count."""
    told = {"k": 1, "wanted": 0.01, "half_width": 0.00971, "rounds": 3, "least": 5, "most": 120}
    told["scouts"] = {"each": 8, "samples": 1312, "tokens_in": 1, "tokens_out": 20_000, "money": 1.5}
    text = dict(summary.facts(replace(Summary.from_dict(RESULT), top_up=told)))["top-up"]
    assert text == (
        "pass@1 within ± 0.0097 over samples (wanted: ± 0.01), with 5 to 120 samples a problem; 8 scouts of "
        "each besides, 1,312 answers with 20,000 tokens for 1.5, which do not count, here or in the cost"
    )
    told |= {"least": 120, "half_width": None, "scouts": {"each": 0}}
    text = dict(summary.facts(replace(Summary.from_dict(RESULT), top_up=told)))["top-up"]
    assert text.startswith(
        "without an interval over samples (wanted: ± 0.01), with 120 samples of each problem"
    )
    assert "scouts" not in text
    again = Summary.from_dict(replace(Summary.from_dict(RESULT), top_up=told).as_dict())
    assert again.top_up == told
    assert "top_up" not in again.more


def test_no_bound_stands_where_there_is_no_interval():
    """`≤ -` says nothing; one problem with one sample has no interval at all."""
    assert summary.bounded(Estimate(1.0, None, None, "over-samples-bound")) == "-"
    assert summary.bounded(Estimate(0.5, 0.1, (0.3, 0.7), "over-samples-bound")) == "≤ 0.3000 … 0.7000"
    assert summary.bounded(Estimate(0.5, 0.1, (0.3, 0.7), "over-samples")) == "0.3000 … 0.7000"
