from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from passk_tasks.cli import main
from passk_tasks.errors import UsageError
from passk_tasks.report import build, data, packed, page
from passk_tasks.report.marked import plain
from passk_tasks.report.svg import COLOURS
from passk_tasks.results import reading
from passk_tasks.results.findings import Finding
from passk_tasks.scoring.summary import estimate
from passk_tasks.statistics.metrics import Metric

REPORT = Path(page.__file__).parent
PROBLEMS = [f"HumanEval/{i}" for i in range(12)]
RIGHT, WRONG = ("    return 1\n", "passed", ""), ("    return 2\n", "failed", "assert candidate(1) == 1")
ANSWERS = {task_id: [RIGHT] * (i % 5) + [WRONG] * (4 - i % 5) for i, task_id in enumerate(PROBLEMS)}
BETTER = {
    task_id: [RIGHT] * min(4, i % 5 + 1) + [WRONG] * max(0, 3 - i % 5) for i, task_id in enumerate(PROBLEMS)
}


class Elements(HTMLParser):
    """The elements of a page: (tag, attributes, text in it)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[list] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def named(self, tag):
        return [one for one in self.found if one[0] == tag]


def details(html: str) -> list[dict]:
    """Return what is packed for each problem."""
    packed = re.findall(r'<script type="text/plain" id="d\d+">([^<]*)</script>', html)
    return [json.loads(gzip.decompress(base64.b64decode(one))) for one in packed]


def test_the_page_asks_nothing_of_anybody(tmp_path, loaded):
    """No element loads anything, and the policy forbids all but the page's own style and script, by hash."""
    html = build([loaded(tmp_path, ANSWERS)])
    found = Elements(html)
    for tag, attributes, _ in found.found:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "audio", "video"}
        for name in ("src", "srcset", "data", "action", "style", "background"):
            assert name not in attributes, (tag, name)
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
    (policy,) = (one[1]["content"] for one in found.named("meta") if one[1].get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    (style,) = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    for source in (style, script):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'" in policy
    assert "url(" not in style
    assert "unsafe" not in policy


def test_the_numbers_are_those_of_passk_show(tmp_path, stored, capsys):
    """Every metric has the value and both intervals that the command prints, pass@1 first."""
    folder = stored(tmp_path, ANSWERS)
    assert main(["show", str(folder), "--k", "2,4", "--metrics", "pass^2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["metrics"]
    wanted = [Metric.parse(name) for name in ("pass@2", "pass@4", "pass^2")]
    html = build(reading.load_all([folder]), metrics=wanted)
    table = html.split('id="summary"')[1].split("</table>")[0]
    cells = re.findall(r"<t[hd]>([^<]*)</t[hd]>", table)[6:]
    assert cells[::6] == ["pass@1", "pass@2", "pass@4", "pass^2"]
    for number, one in enumerate(shown.values()):
        row = cells[6 * number : 6 * number + 6]
        assert row[1] == f"{one['value']:.4f}"
        low, high = one["over_problems"]["ci95"]
        assert row[3] == f"{low:.4f} … {high:.4f}"
        low, high = one["over_samples"]["ci95"]
        assert row[5] == f"{low:.4f} … {high:.4f}"
    assert "≤ bound" in html  # pass@4 of 4 samples


def test_every_problem_has_its_candidates(tmp_path, loaded):
    """What opens below a problem has its prompt, and each candidate with count, verdict and assertion."""
    html = build([loaded(tmp_path, ANSWERS)])
    packed = details(html)
    assert len(packed) == len(PROBLEMS)
    one = packed[3]
    assert plain(one["prompt"]).startswith("from typing import List")
    (run,) = one["runs"]
    assert run["distinct"] == 2
    right, wrong = run["candidates"]
    assert (right["samples"], right["verdict"]) == ([0, 1, 2], "passed")
    assert (wrong["samples"], wrong["verdict"]) == ([3], "failed")
    assert wrong["detail"] == "assert candidate(1) == 1"
    assert plain(wrong["code"]) == "    return 2\n"
    assert "METADATA" in one["tests"]
    assert plain(one["reference"]).startswith("    ")
    rows = [one[1] for one in Elements(html).named("tr") if "data-t" in one[1]]
    assert [row["data-q"].split()[0] for row in rows] == [name.lower() for name in PROBLEMS]
    assert rows[0]["data-t"].split() == ["never", "v-failed"]
    assert set(rows[3]["data-t"].split()) == {"sometimes", "v-passed", "v-failed"}
    assert rows[4]["data-t"].split() == ["always", "v-passed"]


def test_a_problem_without_a_verdict_is_not_called_unsolved(tmp_path, loaded):
    """Nobody knows whether a right answer is among those that were not judged."""
    answers = {**ANSWERS, PROBLEMS[0]: [("    return 1\n", "infra_error", "the host")] * 4}
    html = build([loaded(tmp_path, answers)])
    (row, *_) = (one[1] for one in Elements(html).named("tr") if "data-t" in one[1])
    assert row["data-t"].split() == ["v-infra_error"]


def test_several_runs_are_compared(tmp_path, loaded):
    """Conclusion, changes and conditions that differ are there, as `compare` has them."""
    found = [
        loaded(tmp_path / "a", ANSWERS, model="org/a"),
        loaded(tmp_path / "b", BETTER, model="org/b", python="3.13.0"),
    ]
    html = build(found)
    assert "B (org/b) is better than A (org/a) by 0.2" in html
    assert "<th>python</th>" in html.split("Conditions that differ")[1].split("</table>")[0]
    assert "0 lost" in html
    assert "3 gained" in html
    rows = [one[1] for one in Elements(html).named("tr") if "data-t" in one[1]]
    assert set(rows[0]["data-t"].split()) == {"sometimes", "better", "gained", "v-passed", "v-failed"}
    assert [len(one["runs"]) for one in details(html)] == [2] * 12


def test_problems_that_one_run_lacks(tmp_path, loaded):
    """They are in the table, without a number for that run, and left out of the comparison."""
    fewer = {task_id: BETTER[task_id] for task_id in PROBLEMS[:8]}
    html = build([loaded(tmp_path / "a", ANSWERS), loaded(tmp_path / "b", fewer)])
    assert "4 that not all have are left out" in html
    assert [one["runs"][1] is None for one in details(html)] == [False] * 8 + [True] * 4


def test_unlike_runs_are_compared_only_anyway(tmp_path, loaded):
    """The refusal is that of `passk compare`."""
    other = {"source": "elsewhere", "sha256": "1" * 64}
    found = [loaded(tmp_path / "a", ANSWERS), loaded(tmp_path / "b", BETTER, dataset=other)]
    with pytest.raises(UsageError, match="measured different things"):
        build(found)
    assert '<tr class="unlike"><th>dataset</th>' in build(found, anyway=True)


def test_flagged_passes_are_listed(tmp_path, loaded):
    """A pass that looks like an attempt has its problem, its samples and its flags."""
    html = build([loaded(tmp_path, ANSWERS, flags=["equal to everything"])])
    section = html.split('id="flagged"')[1].split("</section>")[0]
    assert section.count("equal to everything") == sum(
        any(a is RIGHT for a in one) for one in ANSWERS.values()
    )
    assert "<td>4</td>" in section
    assert 'id="flagged"' not in build([loaded(tmp_path / "b", ANSWERS)])


def test_the_base_stage_is_told(tmp_path, loaded):
    """The metrics of the base stage stand beside the others, and a failure says how far it came."""
    base = estimate({"HumanEval/0": (4, 3), "HumanEval/1": (4, 4)}, [1])["pass@1"]
    run = loaded(tmp_path, ANSWERS, base_passed=True)
    html = build([replace(run, metrics={**run.metrics, "base_pass@1": base})])
    assert "<th>base_pass@1</th><td>0.8750</td>" in html
    assert details(html)[0]["runs"][0]["candidates"][0]["base"] == "base tests passed"
    assert "base" not in details(html)[4]["runs"][0]["candidates"][0]  # passed


def test_conditions_and_warnings_are_there(tmp_path, loaded):
    """What the numbers rest on can be read, and what the run warned of stands with them."""
    html = build([loaded(tmp_path, ANSWERS, warnings=["the samples are <all> alike"])])
    assert "the samples are &lt;all&gt; alike" in html
    section = html.split('id="conditions"')[1]
    for text in ("limits: timeout_s", "temperature", "org/model", "3.12.1", "strict: seccomp"):
        assert text in section


def test_a_note_that_runs_share_stands_once(stored, tmp_path):
    """Runs whose problems are not at hand are named together, before what is said of them."""
    other = {"source": "elsewhere", "sha256": "f" * 64}
    found = reading.load_all([stored(tmp_path / name, ANSWERS, dataset=other) for name in "ab"])
    html = build([replace(run, samples_path=tmp_path / "outcomes.jsonl") for run in found])
    assert html.count("The problems cannot be shown: ") == 1
    assert "A, B: The problems cannot be shown: " in html


def test_the_same_run_makes_the_same_page(tmp_path, loaded):
    """There is no date and no chance in it."""
    run = loaded(tmp_path, ANSWERS)
    assert build([run]) == build([run])


def test_a_page_that_would_be_too_large_says_what_it_leaves_out(tmp_path, loaded, monkeypatch):
    """First the models' own words go, then candidates beyond a number, each verdict keeping some."""
    answers = {
        PROBLEMS[0]: [(f"    return {i}\n\nprint('{i:09}')", "failed", "") for i in range(150)]
        + [("    return True\n", "passed", "")]
    }
    run = loaded(tmp_path, answers)
    whole = build([run])
    assert "To keep this page small" not in whole
    assert "text" in details(whole)[0]["runs"][0]["candidates"][0]
    size = len(re.findall(r'id="d0">([^<]*)<', whole)[0])
    monkeypatch.setattr(packed, "PACKED_LIMIT", size - 1)
    html = build([run])
    assert "the models&#39; texts are left out" in html
    assert not any("text" in one for one in details(html)[0]["runs"][0]["candidates"])
    monkeypatch.setattr(packed, "PACKED_LIMIT", size // 2)
    html = build([run])
    (found,) = details(html)[0]["runs"]
    assert f"{len(found['candidates'])} of 151 distinct candidates are here" in html
    assert found["left_out"] == 151 - len(found["candidates"])
    assert "passed" in {one["verdict"] for one in found["candidates"]}


def test_problems_are_in_the_order_of_their_numbers(tmp_path, loaded):
    """HumanEval/2 comes before HumanEval/10."""
    answers = {f"HumanEval/{i}": [WRONG] for i in (10, 2, 1, 100)}
    names = data.task_ids_in_order([loaded(tmp_path, answers)])
    assert names == ["HumanEval/1", "HumanEval/2", "HumanEval/10", "HumanEval/100"]


def test_the_style_sheet_knows_every_colour_in_both_schemes():
    """A colour that a figure uses has a value in light and in dark."""
    css = (REPORT / "page.css").read_text(encoding="utf-8")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)")
    for name in COLOURS.values():
        assert f"--{name}:" in light
        assert f"--{name}:" in dark.split("* { box-sizing")[0]
    for colour, name in COLOURS.items():  # a notebook shows what the page shows
        assert f"--{name}: {colour};" in light


def test_no_runs_are_an_error():
    """There is nothing to report."""
    with pytest.raises(UsageError, match="at least one run"):
        build([])


# ---------------------------------------------------------------------- the command


def test_the_command_writes_the_page(tmp_path, stored, capsys):
    """What it writes is what `build` returns, and it says where and how large."""
    folder = stored(tmp_path / "runs", ANSWERS)
    out = tmp_path / "page.html"
    assert main(["report", str(folder), "-o", str(out), "--title", "Ours & theirs"]) == 0
    assert out.read_text(encoding="utf-8") == build(reading.load_all([folder]), title="Ours & theirs")
    assert "<h1>Ours &amp; theirs</h1>" in out.read_text(encoding="utf-8")
    assert capsys.readouterr().out == f"{out}: one run, {out.stat().st_size / 1e6:.1f} MB\n"


def test_clustered_errors_reach_the_page(tmp_path, stored, capsys):
    """`--cluster` gives the intervals that `passk show` gives."""
    folder = stored(tmp_path / "runs", ANSWERS, doc={"source": "one"})
    (path,) = folder.glob("samples_*")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for number, line in enumerate(lines):
        line["doc"]["source"] = number // 3
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["show", str(folder), "--cluster", "source", "--json"]) == 0
    low, high = json.loads(capsys.readouterr().out)["metrics"]["pass@1"]["over_problems"]["ci95"]
    out = tmp_path / "page.html"
    assert main(["report", str(folder), "--cluster", "source", "-o", str(out)]) == 0
    assert f"<td>{low:.4f} … {high:.4f}</td>" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("out", ["nowhere/page.html", "."])
def test_a_place_that_cannot_be_written_is_found_first(tmp_path, monkeypatch, capsys, out):
    """It is named before any run is read."""
    monkeypatch.chdir(tmp_path)
    assert main(["report", "nothing-there", "-o", out]) == 2
    assert f"--out {out}" in capsys.readouterr().err


AUDIT = {
    "task": "passk_humaneval",
    "problems": 2,
    "problems_total": 164,
    "references_failing": [],
    "without_reference": 0,
    "trivial_passes": 1,
    "mutants": 30,
    "caught": 0.75,
    "base_caught": None,
    "infra_errors": 0,
    "sandbox_layers": {},
    "by_problem": [
        {"task_id": "HumanEval/0", "caught": 1.0, "trivial_passes": []},
        {"task_id": "HumanEval/1", "caught": 0.5, "trivial_passes": ["constant <b>1</b>"]},
    ],
}


def test_an_audit_says_what_each_problems_tests_catch(tmp_path, stored, capsys):
    """A section for the whole, a column for each problem; problems that were not audited have none."""
    folder = stored(tmp_path / "run", ANSWERS)
    (tmp_path / "audit.json").write_text(json.dumps(AUDIT))
    out = tmp_path / "report.html"
    assert main(["report", str(folder), "-o", str(out), "--audit", str(tmp_path / "audit.json")]) == 0
    html = out.read_text()
    assert "75.0 % (30 mutants)" in html
    assert re.findall(r'<td data-k="([-\d.]+)">(?:<b.*?</b> )?([\d]+ %|–)</td>', html)[:3] == [
        ("1.0", "100 %"),
        ("0.5", "50 %"),
        ("-1", "–"),
    ]
    assert "constant &lt;b&gt;1&lt;/b&gt;" in html


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"task": 1}', json.dumps({**AUDIT, "by_problem": [1]})])
def test_what_is_no_audit_is_the_users_mistake(tmp_path, stored, capsys, content):
    """Said with the file's name."""
    (tmp_path / "audit.json").write_text(content)
    folder = stored(tmp_path / "run", ANSWERS)
    assert main(["report", str(folder), "--audit", str(tmp_path / "audit.json")]) == 2
    assert "passk audit" in capsys.readouterr().err


def test_an_audit_of_other_problems_is_an_error(tmp_path, loaded):
    """It would say nothing of these."""
    other = {**AUDIT, "by_problem": [{"task_id": "Mbpp/11", "caught": 1.0, "trivial_passes": []}]}
    with pytest.raises(UsageError, match="none of its problems"):
        build([loaded(tmp_path / "run", ANSWERS)], audit=other)


def test_prompts_as_sent_are_there(tmp_path, stored):
    """Where lm-eval's file holds what went out, each problem has it, once for all runs that sent the same."""
    folders = [stored(tmp_path / name, ANSWERS) for name in "abc"]
    for folder, extra in zip(folders[:2], ("Complete this:", "Complete this:"), strict=True):
        (path,) = folder.glob("samples_*")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            prompt = extra + line["doc"]["prompt"]
            line["arguments"] = {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": []}}}
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    one = details(build([run for folder in folders for run in reading.load_all([folder])]))[0]
    ((of, text),) = one["sent"]
    assert of == [0, 1]
    assert text.startswith("Complete this:from typing")


def test_what_came_stands_beside_what_was_expected(tmp_path, loaded):
    """The right side of the assertion, and what the last call returned, where the run knows it."""
    run = loaded(
        tmp_path, {PROBLEMS[0]: [WRONG, ("    return 3\n", "failed", "assert 'more' in candidate(1)")]}
    )
    known = {PROBLEMS[0]: tuple(replace(one, actual="2") for one in run.outcomes[PROBLEMS[0]])}
    first, second = details(build([replace(run, outcomes=known)]))[0]["runs"][0]["candidates"]
    assert (first["expected"], first["actual"]) == ("1", "2")
    assert "expected" not in second
    assert second["actual"] == "2"
    (unknown, _) = details(build([run]))[0]["runs"][0]["candidates"]
    assert not {"expected", "actual"} & unknown.keys()


def test_findings_stand_on_top(tmp_path, loaded):
    """Each with its remedy and its command, before all numbers, and not among the warnings again."""
    found = Finding("identical", "all are <alike>", "use a seed", ("passk", "run", "a b"))
    run = replace(loaded(tmp_path, ANSWERS), findings=(found,), warnings=(str(found), "something else"))
    html = build([run])
    section = html.split('id="summary"')[1]
    before, after = section.split("<table", 1)
    assert "all are &lt;alike&gt;." in before
    assert "use a seed." in before
    assert "<code>passk run &#39;a b&#39;</code>" in before
    assert "&lt;alike&gt;" not in after
    assert "something else" in after


def test_many_runs_begin_with_the_answer(tmp_path, loaded):
    """Who is best comes first, then what runs suffer from, once for all that do; each run is folded away."""
    found = Finding("identical", "all are alike", "use a seed")
    runs = [replace(loaded(tmp_path / name, ANSWERS), findings=(found,)) for name in "abcd"]
    summary = build(runs).split('id="summary"')[1].split("</section>")[0]
    answer, finding, folded = (summary.index(text) for text in ("is best", "all are alike.", "<details>"))
    assert answer < finding < folded < summary.index("<article")
    assert build(runs).count("all are alike") == 1
    assert summary[answer:finding].count('class="run') == 4


def test_every_sample_has_its_verdict_in_the_picture(tmp_path, loaded):
    """A letter a sample, in the order of the samples, for each problem in turn."""
    html = build([loaded(tmp_path, ANSWERS)])
    (text,) = re.findall(r'id="grid-data">([^<]*)<', html)
    grid = json.loads(gzip.decompress(base64.b64decode(text)))
    names = [[grid["verdicts"][letter] for letter in column] for column in grid["runs"][0]]
    assert names == [[verdict for _, verdict, _ in ANSWERS[task_id]] for task_id in PROBLEMS]


def test_names_of_problems_that_links_cannot_have():
    """Those that the page may use itself, or that are no names of elements, get a number."""
    names = ["HumanEval/23", "summary", "p7", "d1", "a b/1", "x'1", "mbpp_11"]
    found = data.anchors(names)
    assert [found[name] for name in names] == ["HumanEval/23", "p1", "p2", "p3", "p4", "p5", "mbpp_11"]
