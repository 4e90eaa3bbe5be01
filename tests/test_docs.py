"""The documents, held against what they describe."""

from __future__ import annotations

import argparse
import functools
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from under_load import HANG_S

import passk_tasks
from passk_tasks import benchmarks, errors
from passk_tasks.cli import app
from passk_tasks.cli.gate import EXIT_CODES
from passk_tasks.tasks import catalog
from passk_tasks.tasks.catalog import load_task, task_names
from passk_tasks.tasks.settings import Settings, from_metadata
from passk_tasks.verdict import Verdict

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = ("models", "tasks", "prompts", "scoring", "runs", "settings", "api")
TEXT = "\n".join([README, *((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in NAMES)])
"""The README, and the pages of docs/ for people who use the package."""


def committed() -> list[Path]:
    """Return the files that git knows or, where this is no clone, all that a clone would have."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        unwanted = {".venv", "build", "dist", "runs", "__pycache__"}
        return [p for p in ROOT.rglob("*") if p.is_file() and not unwanted & set(p.relative_to(ROOT).parts)]
    return [path for name in listed if name and (path := ROOT / name).is_file()]


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language, the README's first."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def commands() -> Iterator[list[str]]:
    """Yield the words of every command in the shell blocks."""
    for block in blocks("sh"):
        for line in block.splitlines():
            words: list[str] = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word != "&&":
                    words.append(word)
                elif words:
                    yield words
                    words = []


def passk_commands() -> list[list[str]]:
    """Return the arguments of every `passk` in the shell blocks."""
    return [words[1:] for words in commands() if Path(words[0]).name == "passk"]


def table(header: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this name, without the header."""
    lines = iter(TEXT.splitlines())
    for line in lines:
        if line.startswith(f"| {header} |"):
            next(lines)  # the rule
            break
    else:
        raise AssertionError(f"there is no table of {header}s")
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def code(cell: str) -> str:
    """Return what stands in backticks in a cell, the whole of it."""
    assert re.fullmatch(r"`[^`]+`", cell), cell
    return cell[1:-1]


def subcommands() -> argparse._SubParsersAction:
    """Return what the real parser knows of the commands of `passk`."""
    (found,) = (action for action in app.parser()._actions if isinstance(action, argparse._SubParsersAction))
    return found


@functools.cache
def names_of_tasks() -> set[str]:
    """Return what `--tasks` takes: names and the tag."""
    tags = {tag for name in task_names() for tag in tags_of(name)}
    return {*task_names(), *tags}


def tags_of(name: str) -> list[str]:
    """Return the tags of a task."""
    tag = catalog.load_yaml(load_task(name).source)["tag"]
    return [tag] if isinstance(tag, str) else tag


# ---------------------------------------------------------------------- commands


def test_there_are_commands() -> None:
    """The pages show runs with every kind of model, and scoring."""
    shown = [words[0] for words in passk_commands()]
    reading = {
        "label",
        "runs",
        "show",
        "compare",
        "factors",
        "trend",
        "gate",
        "curve",
        "plan",
        "report",
        "export",
    }
    assert set(shown) == {"run", "score", "merge", "audit", *reading}
    models = {words[words.index("--model") + 1] for words in passk_commands() if "--model" in words}
    assert {"hf", "vllm", "local-completions", "local-chat-completions", "replay"} <= models


@pytest.mark.parametrize("words", [w for w in passk_commands() if w[0] == "run"], ids=" ".join)
def test_run_commands_parse(words: list[str]) -> None:
    """A `passk run` of the pages is understood by the real parser, names real tasks and real settings."""
    from passk_tasks.harness import run

    arguments = run.parse(words[1:])
    named = set(arguments.tasks.split(",") if isinstance(arguments.tasks, str) else arguments.tasks)
    assert named <= {*names_of_tasks(), "humaneval_hint"}  # a task that the README writes
    Settings.parse(from_metadata(arguments.metadata), where="README").check_k()


@pytest.mark.parametrize("words", [w for w in passk_commands() if w[0] != "run"], ids=" ".join)
def test_other_commands_parse(words: list[str]) -> None:
    """Any other `passk` command of the pages is understood by the real parser."""
    options = app.parser().parse_args(words)
    if words[0] == "score":
        assert options.task is None or options.task in names_of_tasks()
        overrides = dict(item.split("=", 1) for item in options.set)
        Settings.parse(overrides, where="README")


@pytest.mark.whole
def test_the_first_command_prints_what_is_shown(tmp_path: Path) -> None:
    """The README's first command gives the numbers that the README shows below it.

    Eleven of its programs do not end under any time limit; what they cost is a sixth of it here.
    """
    words = next(words for words in passk_commands() if words[0] == "run")
    done = subprocess.run(
        [sys.executable, "-m", "passk_tasks", *words, "--metadata", "passk.timeout_s=0.5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def numbers(text: str) -> list[str]:
        # Other lines depend on the host: sandbox layers, and how a candidate fails that exhausts something.
        kept = re.findall(
            r"^\|.*pass@.*\||^passk_humaneval:.*|^ +pass@.*|^ +passed .*", text, flags=re.MULTILINE
        )
        return [line.strip() for line in kept]

    shown = next(block for block in blocks("text") if "pass@1" in block)
    assert numbers(done.stdout) == numbers(shown)
    assert len(numbers(shown)) == 6
    assert list(tmp_path.glob("runs/*/results_*.json"))
    assert list(tmp_path.glob("runs/*/samples_passk_humaneval_*.jsonl"))
    assert list(tmp_path.glob("runs/*/passk_journal_*.jsonl"))


def test_lm_eval_s_own_command_parses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The `lm-eval run` of the pages is understood by lm-eval's parser and includes our tasks."""
    from lm_eval._cli import HarnessCLI

    (words,) = (words for words in commands() if words[0] == "lm-eval")
    monkeypatch.setattr("sys.argv", words)
    arguments = HarnessCLI().parse_args()
    assert arguments.include_path == "$(passk path)"
    assert arguments.confirm_run_unsafe_code


def test_commands_in_the_text_exist() -> None:
    """Whatever stands as `passk …` within the text is a command."""
    assert set(re.findall(r"`passk ([a-z]+)", TEXT)) <= set(subcommands().choices)


def test_every_option_has_a_help_text() -> None:
    """Each command and option of `passk` says what it is for."""
    assert all(choice.help for choice in subcommands()._choices_actions)
    for name, parser in subcommands().choices.items():
        assert all(action.help for action in parser._actions), name


# ---------------------------------------------------------------------- tables


def test_the_settings_table_is_complete() -> None:
    """The documented settings are the fields of `Settings`, in their order, with their defaults."""
    expected = []
    defaults = Settings().as_dict()
    for field in fields(Settings):
        assert field.default is not MISSING
        # What nobody named (a price, a label) is left out.
        value = defaults.get(field.name, field.default)
        expected.append([f"`{field.name}`", "–" if value in (None, ()) else f"`{value}`"])
    assert [row[:2] for row in table("setting")] == expected


def test_the_task_table_is_complete() -> None:
    """The documented tasks are those of the YAML; those of several languages are one row, which names all."""
    shown = {code(row[0]): row[1:] for row in table("task")}
    expected = {}
    languages: dict[str, list[str]] = {}
    for name in task_names():
        variant = benchmarks.get(load_task(name).settings.benchmark).variant
        if variant:
            languages.setdefault(name.replace(f"_{variant}", "_<lang>", 1), []).append(variant)
            continue
        spec = load_task(name)
        greedy = not spec.generation_kwargs.get("do_sample")
        temperature = "0" if greedy else f"{spec.generation_kwargs['temperature']:g}"
        ks = ", ".join(map(str, spec.settings.k))
        expected[name] = [str(spec.settings.samples), ks, temperature, spec.description]
    folded = {name: shown.pop(name) for name in languages}
    assert shown == expected
    for name, variants in languages.items():
        assert folded[name][3].endswith(f"(<lang>: {', '.join(sorted(variants))})")


def test_the_task_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of docs/tasks.md is what `passk tasks --markdown` prints, to the letter."""
    assert app.main(["tasks", "--markdown"]) == 0
    assert capsys.readouterr().out in (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")


def test_every_task_is_tagged() -> None:
    """All tasks have the tag `passk`, but those that need a setting or a toolchain first."""
    for name in task_names():
        need_a_setting = name.startswith(("passk_humaneval_infilling", "passk_custom"))
        need_a_toolchain = bool(benchmarks.get(load_task(name).settings.benchmark).variant)
        assert ("passk" in tags_of(name)) is not (need_a_setting or need_a_toolchain)
        assert all(f"`{tag}`" in TEXT for tag in tags_of(name))


def test_the_verdict_table_is_complete() -> None:
    """The documented verdicts are the members of `Verdict`, in their order."""
    assert [code(row[0]) for row in table("verdict")] == [verdict.value for verdict in Verdict]


def test_the_exit_codes_are_those_of_the_errors() -> None:
    """The documented exit codes are 0, those that the errors carry, and those of the gate's verdicts."""
    kinds = (errors.PasskError, errors.UsageError, errors.SandboxError, errors.InfrastructureError)
    codes = {kind.exit_code for kind in kinds}
    assert [int(row[0]) for row in table("code")] == sorted(codes | set(EXIT_CODES.values()))


# ---------------------------------------------------------------------- code


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.split("\n", 1)[0])
def test_python_blocks_run(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluated: Callable[..., Path]
) -> None:
    """The Python of the pages runs as it stands there, in a folder that has the runs that it names."""
    for name in ("base", "tuned"):
        evaluated(tmp_path / "runs" / name, {"HumanEval/0": (4, 1), "HumanEval/1": (4, 3)})
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "a document", "exec"), {})


def test_the_api_s_table_is_complete() -> None:
    """docs/api.md names every public function, and no other; each command beside it exists."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").split("## An example")[0]
    named = set(re.findall(r"`(\w+)\(", text)) | {"pass_at_k", "pass_hat_k", "g_pass_at_k", "mg_pass_at_k"}
    assert named == {n for n in passk_tasks.__all__ if inspect.isfunction(getattr(passk_tasks, n))}
    assert set(re.findall(r"^\| `passk ([a-z]+)", text, flags=re.MULTILINE)) <= set(subcommands().choices)


def test_the_test_command_is_ci_s() -> None:
    """`.ci/run` finds the README's test command, and there is one such line."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if "-m pytest" in line]
    assert len(lines) == 1
    found = subprocess.run(
        ["grep", "-m", "1", "-e", "-m pytest", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == lines[0]
    assert """grep -m 1 -e '-m pytest' README.md""" in (ROOT / ".ci" / "run").read_text()


def test_make_check_is_ci_s() -> None:
    """`.ci/run` checks what `make check` checks."""
    recipe = re.search(r"^check:\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert recipe
    wanted = [line.strip().replace("$(PYTHON)", ".venv/bin/python") for line in recipe[1].splitlines()]
    assert "\n".join(wanted) in (ROOT / ".ci" / "run").read_text()


# ---------------------------------------------------------------------- the other documents


def test_links_lead_somewhere() -> None:
    """Every relative link of every document names a file or folder that is there."""
    broken = []
    for path in committed():
        if path.suffix != ".md":
            continue
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if "://" not in link and not link.startswith("#"):
                target = path.parent / link.partition("#")[0]
                if not target.exists():
                    broken.append(f"{path.relative_to(ROOT)}: {link}")
    assert broken == []


def test_the_version_is_one() -> None:
    """CITATION.cff has the package's version, and the changelog a heading that it can be released under."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {re.escape(passk_tasks.__version__)}$", citation, flags=re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    assert releases
    assert all("### Scores\n" in release for release in releases)


def test_no_file_names_a_developer_s_machine() -> None:
    """No committed file holds an absolute path that exists on one machine only."""
    # In pieces, so that this file does not find itself.
    folders = "|".join(("/work/(?:main|shared)", "/home/[a-z]+", "/root", "/Users/[A-Za-z]+", "/tmp/w"))
    pattern = re.compile(rf"(?<![\w.}}\])~*-])(?:{folders})/[\w.]")
    found = []
    for path in committed():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # compressed
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert found == []
