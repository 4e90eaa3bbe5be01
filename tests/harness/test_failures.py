from __future__ import annotations

import importlib.util
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import our_tasks
import pytest
from serving import Server, serve
from support import environment
from under_load import HANG_S

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.harness import run

NOWHERE = "http://127.0.0.1:9/v1/completions"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this host."""
    with serve() as started:
        yield started


def start(url: str, *more: str, **arguments: str) -> None:
    """`passk run` of one problem with a server."""
    asked = {"model": "m", "base_url": url, "tokenizer_backend": "None", "max_retries": "1", **arguments}
    given = [f"{name}={value}" for name, value in asked.items()]
    run.main(
        [
            "--tasks",
            "passk_humaneval",
            "--limit",
            "1",
            "--model",
            "local-completions",
            "--model_args",
            *given,
            *more,
        ]
    )


@pytest.mark.parametrize("concurrent", ["1", "4"])
def test_a_server_that_is_down(concurrent: str, tmp_path: Path) -> None:
    """Both ways in which lm-eval asks a server end in one message with its address."""
    with pytest.raises(PasskError, match=f"the server {NOWHERE} does not answer: start it") as raised:
        start(NOWHERE, num_concurrent=concurrent)
    assert raised.value.exit_code == 1
    assert "--verbose" in str(raised.value)
    assert "--resume" not in str(raised.value)


@pytest.mark.parametrize("concurrent", ["1", "4"])
@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "OPENAI_API_KEY"),
        (404, "base_url"),
        (429, "num_concurrent"),
        (500, "its own log"),
        (418, "its own"),
    ],
)
def test_a_server_that_refuses(status: int, remedy: str, concurrent: str, server: Server) -> None:
    """A status is named with what to do."""
    server.failure = lambda _: (status, {"error": "no"})
    with pytest.raises(PasskError, match=f"answers with status {status}: .*{remedy}"):
        start(server.url, num_concurrent=concurrent)


def test_the_answers_before_a_failure_are_named(server: Server, tmp_path: Path) -> None:
    """Where answers are saved, the message says how to go on, and the journal is there."""
    server.failure = lambda number: (500, {}) if number >= 3 else None
    with pytest.raises(PasskError, match=r"answers with status 500: .*\n3 of 20 answers are saved") as raised:
        start(server.url, "--output_path", str(tmp_path / "o"))
    (journal,) = (tmp_path / "o").glob("**/passk_journal_*.jsonl")
    assert f"goes on from there with --resume {journal} " in str(raised.value)


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed here")
def test_a_backend_that_is_not_installed() -> None:
    """The package is named with the command that brings it."""
    with pytest.raises(UsageError, match=r"model hf needs .*'torch': pip install 'lm_eval\[hf\]'"):
        run.main(["--tasks", "passk_humaneval", "--model", "hf", "--model_args", "pretrained=no/model"])


def test_a_tokenizer_that_is_not_there(capsys) -> None:
    """A name that the tokenizer's library does not know is an error about names; --verbose has the rest."""
    pytest.importorskip("tiktoken")
    named = ["--model", "openai-completions", "--model_args", "model=no-such-model", "--verbose"]
    with pytest.raises(
        UsageError, match=r"tokenizer cannot be loaded: .*no-such-model.*tokenizer_backend=None"
    ):
        run.main(["--tasks", "passk_humaneval", *named])
    assert "Traceback" in capsys.readouterr().err


def test_a_defect_keeps_its_traceback(monkeypatch) -> None:
    """What nobody foresaw is no message for people: the traceback says where it is."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("lm_eval.simple_evaluate", broken)
    with pytest.raises(ZeroDivisionError):
        run.main(["--tasks", "passk_humaneval", "--limit", "1"])


def test_ctrl_c_says_how_to_go_on(server: Server, tmp_path: Path) -> None:
    """Interrupted while the model answers, a run names its journal and `--resume`."""
    server.failure = lambda number: time.sleep(HANG_S) if number >= 3 else None
    command = [
        *(*our_tasks.RUN, "--tasks", "passk_humaneval", "--limit", "1"),
        *("--model", "local-completions", "--output_path", str(tmp_path / "o"), "--model_args"),
        *("model=m", f"base_url={server.url}", "tokenizer_backend=None"),
    ]
    with subprocess.Popen(
        command,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, a shell has the signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        while server.asked.total() < 4 and running.poll() is None:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=HANG_S)
    (journal,) = (tmp_path / "o").glob("**/passk_journal_*.jsonl")
    assert running.returncode == 130
    assert (
        f"3 of 20 answers are saved in {journal}. The same command goes on from there with --resume" in said
    )
    assert "passk: interrupted\n" in said
    assert "Traceback" not in said
