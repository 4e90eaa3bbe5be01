from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from passk_tasks import __version__, benchmarks
from passk_tasks.cli import app, main
from passk_tasks.errors import PasskError, SandboxError
from passk_tasks.tasks import catalog

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_prints_the_help(capsys):
    """`passk` alone shows its commands and is content."""
    assert main([]) == 0
    out = capsys.readouterr().out
    for command in ("run", "score", "runs", "show", "compare", "curve", "plan", "export", "tasks", "path"):
        assert f"\n    {command} " in out


def test_the_version_is_printed(capsys):
    """`passk --version` names the distribution and its version."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"passk-tasks {__version__}\n"


def test_an_unknown_command_names_the_nearest(capsys):
    """A misspelt command is one clean line on standard error and exit code 2."""
    assert main(["scroe", "x"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "passk: error: there is no command 'scroe' (did you mean 'score'?)\n"
    assert captured.out == ""


def test_a_wrong_option_is_exit_code_2():
    """What argparse refuses has the code of a user's mistake."""
    with pytest.raises(SystemExit) as ended:
        main(["path", "--nonsense"])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (PasskError("it broke"), 1, "passk: error: it broke\n"),
        (SandboxError("no namespaces"), 3, "passk: error: no namespaces\n"),
        (PasskError("\033[2Jowned\nsecond line"), 1, "passk: error: \ufffd[2Jowned\nsecond line\n"),
        (KeyboardInterrupt(), 130, "passk: interrupted\n"),
    ],
)
def test_errors_become_one_message_and_a_code(monkeypatch, capsys, error, code, shown):
    """An error raised on purpose has no traceback, its class's code, and cannot move the cursor."""

    def fail(options):
        raise error

    monkeypatch.setattr("passk_tasks.cli.path.run", fail)
    assert main(["path"]) == code
    assert capsys.readouterr().err == shown


def test_run_hands_over_every_argument(monkeypatch):
    """`passk run` passes its arguments on untouched, even --help, and returns the code."""
    from passk_tasks.harness import run

    seen = []
    monkeypatch.setattr(run, "main", lambda argv: seen.append(list(argv)) or 7)
    assert main(["run", "--help", "--tasks", "x", "--whatever=1", "--"]) == 7
    assert seen == [["--help", "--tasks", "x", "--whatever=1", "--"]]


def test_the_help_of_every_command_is_there(capsys):
    """Each command but `run`, most of whose help is lm-eval's, explains itself."""
    for command in ("score", "runs", "show", "compare", "curve", "plan", "export", "tasks", "path"):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert f"usage: passk {command}" in capsys.readouterr().out
    assert app.parser().prog == "passk"


def test_path_prints_the_folder_of_the_tasks(capsys):
    """`passk path` prints one line, the folder for --include_path."""
    assert main(["path"]) == 0
    shown = Path(capsys.readouterr().out.removesuffix("\n"))
    assert shown == catalog.task_configs_path()
    assert list(shown.glob("**/*.yaml"))


def test_path_prints_the_evaluate_module(capsys):
    """`passk path --code-eval` prints a file that exists."""
    assert main(["path", "--code-eval"]) == 0
    shown = Path(capsys.readouterr().out.removesuffix("\n"))
    assert shown.name == "code_eval.py"
    assert "class CodeEval" in shown.read_text()


def test_tasks_are_listed(capsys):
    """`passk tasks` has a line a task with n, k and temperature, below dataset, judge and what is missing.

    Tasks that differ only in the language are one line for each thing that they lack.
    """
    assert main(["tasks"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "n", "k", "temperature"]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("  passk_")}
    languages = {
        name: benchmarks.get(catalog.load_task(name).settings.benchmark).variant
        for name in catalog.task_names()
    }
    names = {name.replace(f"_{one}", "_<lang>", 1) if one else name for name, one in languages.items()}
    assert sorted(rows) == sorted(names)
    assert rows["passk_humaneval"] == ["20", "1,10", "0.2"]
    assert rows["passk_humaneval_greedy"] == ["1", "1", "0"]
    heads: dict[str, list[str]] = {}
    above: list[str] = []
    for line in lines:
        if line.startswith("  "):
            heads[line.split()[0]] = above
        else:
            above = [*above, line] if line else []
    assert heads["passk_humaneval"] == [
        "humaneval, installed with this package; judge: isolated",
        "missing: nothing",
    ]
    assert heads["passk_mbpp"][0] == "hub: google-research-datasets/mbpp, full; judge: isolated"
    assert heads["passk_ds1000"][0] == "hub: xlangai/DS-1000; judge: script"
    assert heads["passk_ds1000"][1].startswith("missing: ")
    assert heads["passk_custom"][1] == "missing: problems (set data_files or dataset)"


def test_tasks_fit_a_terminal(capsys):
    """No line is wider than the 80 columns that any terminal has."""
    assert main(["tasks"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) < 80


def test_tasks_say_which_libraries_are_missing(capsys, monkeypatch):
    """A task whose libraries are not here says how many, and `--json` which."""
    monkeypatch.setattr(benchmarks.get("ds1000_numpy").__class__, "libraries", ("numpy", "passk_no_such_one"))
    assert main(["tasks", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["passk_humaneval"]["missing_libraries"] == []
    assert rows["passk_ds1000_numpy"]["missing_libraries"] == ["passk_no_such_one"]
    assert "1 library" in rows["passk_ds1000_numpy"]["missing"]


def test_tasks_say_what_is_missing(capsys, tmp_path, monkeypatch):
    """A task whose problems have to be fetched says so, until the cache of `datasets` has them."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))

    def missing():
        assert main(["tasks", "--json"]) == 0
        return {row["name"]: row["missing"] for row in json.loads(capsys.readouterr().out)}

    before = missing()
    assert before["passk_humaneval"] == []
    assert before["passk_mbpp_plus"] == ["problems (to be fetched from the hub)"]
    (tmp_path / "evalplus___mbppplus").mkdir()
    (tmp_path / "evoeval___evo_eval_tool_use").mkdir()
    after = missing()
    found = {"passk_mbpp_plus", "passk_mbpp_plus_n20", "passk_mbpp_plus_instruct"}
    found |= {"passk_mbpp_plus_fewshot_greedy"}
    found |= {"passk_evoeval_tool_use", "passk_evoeval_tool_use_instruct"}
    assert {name for name in before if before[name] != after[name]} == found
    assert not any(after[name] for name in found)


def test_tasks_as_json(capsys):
    """`passk tasks --json` has every detail, in the same order."""
    assert main(["tasks", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == catalog.task_names()
    big = next(row for row in rows if row["name"] == "passk_humaneval_n200")
    assert big["n"] == 200
    assert big["k"] == [1, 10, 100]
    assert big["temperature"] == 0.8
    assert big["generation_kwargs"]["top_p"] == 0.95
    assert all(row["description"] for row in rows)


def test_python_m_is_the_same_command(tmp_path):
    """`python -m passk_tasks` works from anywhere and exits with the command's code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "passk_tasks"]
    good = subprocess.run([*command, "path"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert good.returncode == 0
    assert Path(good.stdout.strip()).is_dir()
    bad = subprocess.run([*command, "pth"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert bad.returncode == 2
    assert bad.stderr == "passk: error: there is no command 'pth' (did you mean 'path'?)\n"


def test_a_reader_that_leaves_early_is_no_traceback(tmp_path):
    """Standard output closed by `head` ends the command quietly, with the code of SIGPIPE."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    ended = subprocess.run(
        [sys.executable, "-m", "passk_tasks", "tasks", "--json"],
        cwd=ROOT,
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert ended.stderr == ""
    assert ended.returncode == 141


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_streams_that_the_parent_closed_are_no_failure(tmp_path, closed):
    """Daemons close them: a run is judged and saved all the same, and no file of it becomes a stream."""
    samples = tmp_path / "samples.jsonl"
    samples.write_text(json.dumps({"task_id": "HumanEval/53", "completion": "    return x + y\n"}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "passk_tasks", "score", samples, "--out", tmp_path, "--k", "1"),
            *("--task", "passk_humaneval"),
        ],
        preexec_fn=lambda: [os.close(fd) for fd in closed],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert 1 in closed or "pass@1" in done.stdout
    assert json.loads((tmp_path / "outcomes.jsonl").read_text())["verdict"] == "passed"


def test_a_terminal_without_utf_8_is_no_failure():
    """Under an ASCII output encoding the table is printed with `?` for what cannot be shown."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [sys.executable, "-m", "passk_tasks", "tasks"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_light_commands_do_not_import_the_framework():
    """`passk path` and `passk tasks` start without lm_eval, torch or datasets."""
    script = (
        "import sys; from passk_tasks.cli import main; main(['path']); main(['tasks']);"
        "main(['runs', 'docs']);"
        "print([m for m in ('lm_eval', 'torch', 'datasets', 'pandas') if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == "[]"
