"""`passk score` that was killed goes on: the undisturbed result, and no program judged twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from under_load import wait_until

from passk_tasks import benchmarks
from passk_tasks.cli import main
from passk_tasks.tasks.catalog import load_task

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = list(
    benchmarks.load(benchmarks.get("humaneval"), load_task("passk_humaneval").settings).problems.values()
)
OPTIONS = [
    "--task",
    "passk_humaneval",
    "--k",
    "1,2",
    "--workers",
    "2",
    "--sandbox",
    "rlimits",
    "--timeout",
    "1",
]
SAMPLES = 12
"""Of each of two problems."""
TIMES = {"cpu_s", "wall_s", "peak_mib", "judging_s", "date"}


def written(path: Path, executed: Path) -> str:
    """Write samples and return the path as text; each notes in a file of the host that it was executed.

    There are right and wrong ones, one that takes too long, and two texts that are one program.
    """
    lines = []
    for problem in PROBLEMS[:2]:
        for number in range(SAMPLES):
            number %= SAMPLES - 1  # the last text is the first once more
            name = f"{problem.task_id} {number}"
            body = problem.canonical_solution if number % 2 else "    return None\n"
            note = f"\nimport time\nopen({str(executed)!r}, 'a').write({name!r} + chr(10))\n"
            wait = f"time.sleep({100 if number == 3 else 0.02})\n"
            lines.append({"task_id": problem.task_id, "completion": body + note + wait})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def started(samples: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start `passk score`."""
    command = [sys.executable, "-m", "passk_tasks", "score", samples, *OPTIONS, "--out", str(folder), *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kept(folder: Path) -> list[str]:
    """Return the programs that have a verdict in a folder, in the order of their verdicts."""
    unfinished = folder / "outcomes.unfinished.jsonl"
    if not unfinished.exists():
        return []
    return [
        json.loads(line)["program_sha256"]
        for line in unfinished.read_bytes().splitlines(keepends=True)
        if line.endswith(b"\n")
    ]


def killed(samples: str, folder: Path, verdicts: int) -> list[str]:
    """Start a scoring, kill it once there are so many verdicts, and return the programs that have one."""
    process = started(samples, folder)
    try:
        wait_until(
            lambda: len(kept(folder)) >= verdicts or process.poll() is not None, f"{verdicts} verdicts"
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return kept(folder)


def without_times(folder: Path) -> tuple[str, list[str]]:
    """Return the bytes of both files of a scoring but for times."""

    def timeless(text: str) -> str:
        return json.dumps(
            json.loads(text, object_hook=lambda keys: {k: v for k, v in keys.items() if k not in TIMES})
        )

    return timeless((folder / "results.json").read_text()), [
        timeless(line) for line in (folder / "outcomes.jsonl").read_text().splitlines()
    ]


def resumed(tmp_path: Path, moments: list[int]) -> None:
    """Kill a scoring at each of the moments in turn, let it end, and hold it against an undisturbed one."""
    executed = tmp_path / "executed"
    samples = written(tmp_path / "s.jsonl", executed)
    assert started(samples, tmp_path / "undisturbed").wait() == 0
    distinct = len(Counter(executed.read_text().splitlines()))
    assert distinct == 2 * (SAMPLES - 1)
    executed.unlink()
    folder = tmp_path / "killed"
    before: list[str] = []
    for moment in moments:
        there = killed(samples, folder, moment)
        assert there[: len(before)] == before, "a verdict was lost"
        before = there
    ended = folder / "results.json"
    assert started(samples, folder).wait() == 0
    assert ended.exists()
    for mine, theirs in zip(without_times(folder), without_times(tmp_path / "undisturbed"), strict=True):
        assert mine == theirs
    assert len(before) == len(set(before)), "a program with a verdict was judged again"
    # What was in judgement at a kill has no verdict: two workers, each with one program and one waiting.
    runs = Counter(executed.read_text().splitlines())
    assert sum(runs.values()) <= distinct + 4 * len(moments)
    assert len(runs) == distinct


@pytest.mark.whole
def test_a_scoring_that_is_killed_goes_on(tmp_path: Path) -> None:
    """Killed after its first verdict, in its middle and near its end: as if nothing had been."""
    resumed(tmp_path, [1, SAMPLES, 2 * (SAMPLES - 1) - 1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_scoring_that_is_killed_at_any_moment_goes_on(tmp_path: Path, seed: int) -> None:
    """Five moments by chance each, four times."""
    chance = random.Random(seed)
    resumed(tmp_path, sorted(chance.sample(range(1, 2 * (SAMPLES - 1) + 1), 5)))


def scored(capsys: pytest.CaptureFixture[str], samples: str, *more: object) -> tuple[dict[str, object], str]:
    """Run `passk score --json` here; return its object, and what it said besides."""
    assert main(["score", samples, *OPTIONS, *map(str, more), "--json"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def runs(executed: Path) -> int:
    """Return how often a program was executed since this was last asked."""
    count = len(executed.read_text().splitlines()) if executed.exists() else 0
    executed.unlink(missing_ok=True)
    return count


def test_what_has_a_verdict_is_not_judged_again(capsys, tmp_path: Path) -> None:
    """The same command a second time executes nothing; other limits do, and so does --again."""
    executed, out = tmp_path / "executed", tmp_path / "o"
    samples = written(tmp_path / "s.jsonl", executed)
    first, said = scored(capsys, samples, "--out", out)
    assert runs(executed) == 22
    assert "already" not in said
    before = without_times(out)
    second, said = scored(capsys, samples, "--out", out)
    assert runs(executed) == 0
    assert "24 of 24 samples had a verdict" in said
    assert "--again" in said
    assert without_times(out) == before
    assert second["metrics"] == first["metrics"]
    scored(capsys, samples, "--out", out, "--again")
    assert runs(executed) == 22
    scored(capsys, samples, "--out", out, "--set", "memory_mib=500")
    assert runs(executed) == 22
    scored(capsys, samples, "--out", out, "--judge", "script")
    assert runs(executed) > 22  # a pass in one process is executed thrice


def test_new_samples_alone_are_judged(capsys, tmp_path: Path) -> None:
    """A file that has grown costs what has been added."""
    executed, out, path = tmp_path / "executed", tmp_path / "o", tmp_path / "s.jsonl"
    samples = written(path, executed)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:20]))
    scored(capsys, samples, "--out", out)
    there = runs(executed)
    path.write_text("".join(lines))
    result, _ = scored(capsys, samples, "--out", out)
    assert runs(executed) == 22 - there
    assert result["samples"] == 24


def test_a_store_is_shared_by_runs(capsys, tmp_path: Path) -> None:
    """Another run with the same store executes what the store has not: timeouts, which it never holds."""
    executed, store = tmp_path / "executed", tmp_path / "store"
    samples = written(tmp_path / "s.jsonl", executed)
    first, _ = scored(capsys, samples, "--verdicts", store)
    assert (runs(executed), first["from_store"]) == (22, 0)
    held = [path.read_text() for path in store.glob("*/*.jsonl")]
    assert len(held) == 1
    assert '"timeout"' not in held[0]
    assert sum(bool(line) for line in held[0].splitlines()) == 20
    second, _ = scored(capsys, samples, "--verdicts", store)
    assert (runs(executed), second["from_store"]) == (2, 22)
    assert second["verdicts"] == first["verdicts"]
    again, _ = scored(capsys, samples, "--verdicts", store, "--again")
    assert (runs(executed), again["from_store"]) == (22, 0)
    other, _ = scored(capsys, samples, "--verdicts", store, "--set", "packages=stdlib")
    assert (runs(executed), other["from_store"]) == (22, 0)
    assert len(list(store.glob("*/environment.json"))) == 2


def test_the_summary_says_what_came_from_the_store(capsys, tmp_path: Path) -> None:
    """A number that rests on another run's judging says so."""
    samples = written(tmp_path / "s.jsonl", tmp_path / "executed")
    for count in ("0", "22"):
        assert main(["score", samples, *OPTIONS, "--verdicts", str(tmp_path / "store")]) == 0
        assert f"{count} of 24 verdicts came from it" in capsys.readouterr().out


def test_a_store_that_cannot_be_written_is_found_first(capsys, tmp_path: Path) -> None:
    """The folder is tried before anything is judged."""
    (tmp_path / "file").write_text("")
    samples = written(tmp_path / "s.jsonl", tmp_path / "executed")
    assert main(["score", samples, *OPTIONS, "--verdicts", str(tmp_path / "file")]) == 2
    assert "--verdicts" in capsys.readouterr().err
    assert runs(tmp_path / "executed") == 0
