"""Judging beside generation: sooner, with the same verdicts, and never instead of judging."""

from __future__ import annotations

import io
import types
from pathlib import Path
from typing import Any

import pytest
from serving import Server, serve
from support import outcomes, record
from under_load import wait_until

from passk_tasks.errors import SandboxError
from passk_tasks.harness import beside, progress
from passk_tasks.harness.invocation import Invocation
from passk_tasks.harness.progress import Progress
from passk_tasks.results.spent import Spent
from passk_tasks.sandbox import supervisor
from passk_tasks.tasks.settings import Settings
from passk_tasks.tasks.values import Price

pytest.importorskip("tenacity", reason="needs lm_eval[api]")

TASK = "passk_humaneval"
SAMPLES = 4  # of each of three problems


class Writing(Server):
    """Answers with programs that leave a file when they are judged; `rlimits` lets them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.waits_for = 0  # so many programs must have been judged before the last answer is given

    @property
    def judged(self) -> list[Path]:
        return list(self.folder.iterdir())

    def answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        status, reply = super().answer(body)
        with self.lock:
            number = self.answered
        if number == 3 * SAMPLES - 1:
            wait_until(lambda: len(self.judged) >= self.waits_for, "verdicts before the last answer")
        name = reply["choices"][0]["text"].split()[-1]
        text = f"    open({str(self.folder)!r} + '/{name}-' + __import__('os').urandom(4).hex(), 'w')\n"
        right = int(name, 16) % 2 and "    return None\n"
        reply["choices"][0]["text"] = text + (right or "    raise ValueError\n")
        return status, reply


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The server, with the folder of what was judged."""
    folder = tmp_path / "judged"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    monkeypatch.setattr("serving.Server", lambda: Writing(folder))
    with serve() as running:
        yield running


@pytest.fixture
def go(evaluate, server, tmp_path):
    """A run against the server."""

    def run(**metadata: Any) -> dict[str, Any]:
        settings = {"samples": SAMPLES, "k": 1, "seeds": "distinct", "sandbox": "rlimits", "workers": 1}
        arguments = {"model": "m", "base_url": server.url, "num_concurrent": 1, "max_retries": 1}
        return evaluate(
            "local-completions",
            TASK,
            limit=3,
            metadata={f"passk.{name}": value for name, value in {**settings, **metadata}.items()},
            model_args={**arguments, "tokenized_requests": False, "tokenizer_backend": None},
            gen_kwargs={"do_sample": True, "temperature": 0.8, "max_gen_toks": 64},
        )

    return run


def verdicts(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Program and verdict of each sample."""
    lines = sorted(found["samples"][TASK], key=lambda line: line["doc_id"])
    return [(one["program_sha256"], one["verdict"]) for line in lines for one in outcomes(line)]


def test_verdicts_come_before_the_last_answer(go, server) -> None:
    """Answers are judged while others are awaited, once each, with the verdicts of judging at the end."""
    server.waits_for = 3 * SAMPLES - 2
    found = go()
    # The worker that judges beside the model is ended with what it holds.
    assert len(server.judged) <= 3 * SAMPLES + supervisor._QUEUE, "more was judged twice than a worker holds"
    assert record(found)["cost"]["judging_s"] > 0
    server.waits_for = 0
    for path in server.judged:
        path.unlink()
    server.answered = 0
    at_the_end = go(beside=0)
    assert len(server.judged) == 3 * SAMPLES
    assert verdicts(found) == verdicts(at_the_end)
    assert record(found)["metrics"] == record(at_the_end)["metrics"]


def test_known_answers_are_judged_beside_the_others(go, server, tmp_path) -> None:
    """A run that goes on judges what was there while it asks for the rest."""
    go(samples=2, beside=0, journal=str(tmp_path / "journals"))
    for path in server.judged:
        path.unlink()
    server.answered = 6
    server.waits_for = 3 * SAMPLES - 2
    go(journal=str(tmp_path / "journals"), resume="latest")
    assert server.asked.total() == 3 * SAMPLES


def test_a_thread_that_fails_costs_nothing(go, monkeypatch, caplog) -> None:
    """Where judging beside generation fails, that is said, and everything is judged at the end."""

    def broken(*_: Any) -> Any:
        raise SandboxError("no more processes")

    monkeypatch.setattr(beside, "local", broken)
    monkeypatch.setattr(beside.Beside, "executor", lambda *_: None)
    found = go()
    assert "nothing more is judged beside generation (no more processes)" in caplog.text
    assert sum(record(found)["verdicts"].values()) == 3 * SAMPLES


def test_nothing_without_a_verdict_is_kept(go, server, monkeypatch) -> None:
    """What has no verdict is judged again at the end."""
    from passk_tasks.judging.executor import local
    from passk_tasks.verdict import Outcome, Verdict

    class Failing:
        layers = ()
        warnings = ()

        def run(self, programs: list[Any]) -> Any:
            return ((number, Outcome(Verdict.INFRA_ERROR, "")) for number in range(len(programs)))

        def __enter__(self) -> Failing:
            monkeypatch.setattr(beside, "local", local)
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(beside, "local", lambda *_: Failing())
    found = go()
    assert "infra_error" not in record(found)["verdicts"]
    assert len(server.judged) == 3 * SAMPLES


def invocation(name: str, **attributes: Any) -> Invocation:
    """A run with a model of this class."""
    return Invocation(lm=type(name, (), attributes)())


def test_at_most_the_cores_that_are_granted(monkeypatch) -> None:
    """Servers and accelerators leave all CPUs but one; a model on the CPU none; the setting wins."""
    monkeypatch.setattr(beside, "usable_cpus", lambda: 8)
    gpu = types.SimpleNamespace(type="cuda")
    assert beside.granted(Settings(), invocation("TemplateAPI")) == 7
    assert beside.granted(Settings(workers=2), invocation("TemplateAPI")) == 2
    assert beside.granted(Settings(), invocation("HFLM", device="cuda:0")) == 7
    assert beside.granted(Settings(), invocation("HFLM", device="cpu")) == 0
    assert beside.granted(Settings(), invocation("ReplayLM")) == 0
    assert beside.granted(Settings(), invocation("Unknown", device=gpu)) == 7
    assert beside.granted(Settings(), invocation("Unknown")) == 0
    assert beside.granted(Settings(beside="3"), invocation("HFLM", device="cpu")) == 3
    assert beside.granted(Settings(beside=0), invocation("TemplateAPI")) == 0
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert beside.granted(Settings(), invocation("HFLM", device="cuda:1")) == 1
    monkeypatch.setattr(beside, "usable_cpus", lambda: 1)
    assert beside.granted(Settings(), invocation("TemplateAPI")) == 1


def test_the_setting_is_stored_where_it_was_given() -> None:
    """Settings without it are written as before, so that earlier versions read the journal."""
    assert "beside" not in Settings(beside="auto").as_dict()
    assert Settings.parse(Settings(beside=2).as_dict(), where="").beside == 2


class Clock:
    """Stands still until it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_line_says_how_far_the_run_is() -> None:
    """How many of how many, rate, time left, tokens, money, and how many passed."""
    clock = Clock()
    judged = types.SimpleNamespace(judged=0, passed=0)
    shown = Progress(40, 10, [judged], clock=clock)
    assert shown.line() == "passk: 10 of 40 answers (25%)"
    clock.now = 2.0
    for _ in range(5):
        shown.heard(Spent(100, 1000, False, "server"), Price(10, 100))
    judged.judged, judged.passed = 12, 3
    assert shown.line() == (
        "passk: 15 of 40 answers (38%), 2.5/s, 10 s left, 5,000 tokens for 0.51, 3 of 12 judged passed"
    )
    clock.now = 2000.0
    assert ", 400.0 s each, 2 h 46 min left, " in shown.line()
    for _ in range(25):
        shown.heard(None, None)
    assert "left" not in shown.line()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_pipe_gets_lines_and_a_terminal_one(monkeypatch, terminal) -> None:
    """A pipe gets a line now and then, a terminal one line that is written over itself."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(progress.sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "20")
    with Progress(4, 1, [], every_s=0.001) as shown:
        wait_until(lambda: shown._lines > 2, "three lines")
    text = stream.getvalue()
    if terminal:
        assert text.startswith("\rpassk: 1 of 4 answe\x1b[K\r")
        assert text.count("\n") == 1
    else:
        assert set(text.splitlines()) == {"passk: 1 of 4 answers (25%)"}


def test_a_run_that_is_soon_over_says_nothing(capsys) -> None:
    """On a pipe the first line comes after ten seconds."""
    with Progress(4, 0, []):
        pass
    assert capsys.readouterr().err == ""


def test_other_bars_are_silent(capsys) -> None:
    """No bar of lm-eval's is shown beside the line, and bars are shown again afterwards."""
    from tqdm import tqdm

    with progress.alone(True):
        list(tqdm([1, 2]))
    assert capsys.readouterr().err == ""
    list(tqdm([1, 2]))
    assert "2/2" in capsys.readouterr().err
