"""`passk score --shard` and `passk merge`: the result of one scoring; missing and doubled parts are named."""

from __future__ import annotations

import json
import platform
import re
import shutil
from pathlib import Path

import pytest

from passk_tasks import benchmarks
from passk_tasks.cli import main
from passk_tasks.tasks.catalog import load_task

PROBLEMS = list(
    benchmarks.load(benchmarks.get("humaneval"), load_task("passk_humaneval").settings).problems.values()
)
OPTIONS = ["--task", "passk_humaneval", "--k", "1,2", "--workers", "2", "--timeout", "0.3"]
TIMES = {"cpu_s", "wall_s", "peak_mib", "judging_s", "date"}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of three problems: right, wrong, without end, broken, without code, and two that are alike."""
    bodies = (None, "    return None\n", "    while True: pass\n", "    return (\n", "    return None\n")
    lines = [
        {"task_id": problem.task_id, "completion": problem.canonical_solution if body is None else body}
        for problem in PROBLEMS[:3]
        for body in bodies
    ]
    lines.append({"task_id": PROBLEMS[0].task_id, "solution": ""})
    path = tmp_path_factory.mktemp("samples") / "s.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def parts(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three parts of a scoring."""
    folder = tmp_path_factory.mktemp("parts")
    for number in range(3):
        assert main(["score", str(samples), *OPTIONS, "--shard", f"{number}/3", "--out", str(folder)]) == 0
    return folder


def without_times(folder: Path) -> list[str]:
    """Return the lines of both files of a scoring, but for times."""

    def kept(keys: dict[str, object]) -> dict[str, object]:
        return {key: value for key, value in keys.items() if key not in TIMES}

    texts = [(folder / "results.json").read_text(), *(folder / "outcomes.jsonl").read_text().splitlines()]
    return [json.dumps(json.loads(text, object_hook=kept)) for text in texts]


def copied(parts: Path, folder: Path, *numbers: int) -> list[Path]:
    """Copy parts into a new folder and return their files."""
    folder.mkdir()
    files = []
    for number in numbers:
        name = f"shard-{number}-of-3.jsonl"
        (folder / name).write_bytes((parts / name).read_bytes())
        files.append(folder / name)
    return files


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must be refused as a mistake, and return its message."""
    capsys.readouterr()
    assert main(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_merged_parts_are_one_scoring(capsys, samples: Path, parts: Path, tmp_path: Path) -> None:
    """Byte for byte but for times, both files; and what is printed."""
    assert main(["score", str(samples), *OPTIONS, "--out", str(tmp_path / "one")]) == 0
    alone = capsys.readouterr().out
    assert main(["merge", str(parts), "--out", str(tmp_path / "merged")]) == 0
    merged = capsys.readouterr().out
    assert without_times(tmp_path / "merged") == without_times(tmp_path / "one")

    def timeless(text: str) -> str:
        return re.sub(r"judging [\d.]+ s|[\d.]+ s of judging|/merged|/one", "", text)

    assert timeless(merged).splitlines()[:8] == timeless(alone).splitlines()[:8]


def test_every_sample_is_in_one_part(parts: Path, samples: Path) -> None:
    """The parts share the samples out; texts that are alike are judged by one of them."""
    files = sorted(parts.glob("*.jsonl"))
    lines = [[json.loads(line) for line in path.read_text().splitlines()] for path in files]
    assert sum(of_part[-1]["end"] for of_part in lines) == len(samples.read_text().splitlines())
    programs = [line["program_sha256"] for of_part in lines for line in of_part if "verdict" in line]
    assert len(programs) == len(set(programs)) == 12


def test_a_part_goes_on(capsys, parts: Path, samples: Path, tmp_path: Path) -> None:
    """A part that was killed has a torn end: the same command judges what is missing."""
    (path,) = copied(parts, tmp_path / "p", 0)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:2]) + whole[2][:-30])
    others = copied(parts, tmp_path / "q", 1, 2)
    assert "not complete, the same command goes on: 0/3" in refused(capsys, "merge", path, *others)
    command = ["score", str(samples), *OPTIONS, "--shard", "0/3", "--out", str(tmp_path / "p"), "--json"]
    assert main(command) == 0
    assert 0 < json.loads(capsys.readouterr().out)["resumed"] <= 2
    judged = [
        json.loads(line).get("program_sha256")
        for line in path.read_bytes().splitlines()
        if line.endswith(b"}")
    ]
    assert len([name for name in judged if name]) == len([line for line in whole if b'"verdict"' in line])
    assert main(["merge", str(path), *map(str, others), "--out", str(tmp_path / "m")]) == 0


def test_machines_of_parts_are_named(capsys, parts: Path, tmp_path: Path) -> None:
    """Parts that several machines judged name each with its programs; those of one machine name none."""
    files = copied(parts, tmp_path / "p", 0, 1, 2)
    here = f'"name": {json.dumps(platform.node())}'
    assert here in files[1].read_text()
    files[1].write_text(files[1].read_text().replace(here, '"name": "node (10.0.0.2)"'))
    assert main(["merge", str(tmp_path / "p"), "--json"]) == 0
    machines = json.loads(capsys.readouterr().out)["machines"]
    assert [machine["name"] for machine in machines] == sorted([platform.node(), "node (10.0.0.2)"])
    assert sum(machine["programs"] for machine in machines) == 12


def test_missing_and_doubled_parts_are_named(capsys, parts: Path, tmp_path: Path) -> None:
    """By their numbers, and the doubled ones by their files."""
    some = copied(parts, tmp_path / "some", 1)
    assert "missing: 0/3, 2/3" in refused(capsys, "merge", tmp_path / "some")
    said = refused(capsys, "merge", parts, *some)
    assert "twice: 1/3 in" in said
    assert str(some[0]) in said
    shutil.copy(some[0], many := tmp_path / "shard-0-of-many.jsonl")
    many.write_text(many.read_text().replace('"of": 3', '"of": 100000000000000000000', 1))
    assert "… (99,999,999,999,999,999,999 in all)" in refused(capsys, "merge", many)
    (tmp_path / "none").mkdir()
    assert "no shards in it" in refused(capsys, "merge", tmp_path / "none")
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n')
    assert "other.jsonl: no shard" in refused(capsys, "merge", tmp_path / "other.jsonl")


def test_parts_of_other_scorings_and_environments_are_refused(
    capsys, parts: Path, samples: Path, tmp_path: Path
) -> None:
    """Other settings, another environment, other samples: each is named."""
    copied(parts, tmp_path / "a", 0, 1)
    shard = ["--shard", "2/3", "--out", tmp_path / "a"]
    assert main(list(map(str, ["score", samples, *OPTIONS[:-1], "2", *shard]))) == 0
    assert "not of the same scoring" in refused(capsys, "merge", tmp_path / "a")
    assert "settings differ" in refused(capsys, "score", samples, *OPTIONS, *shard)
    files = copied(parts, tmp_path / "b", 0, 1, 2)
    files[2].write_text(files[2].read_text().replace('"python": "3.', '"python": "4.'))
    assert "python: 3." in refused(capsys, "merge", tmp_path / "b")
    lines = samples.read_text().splitlines(keepends=True)
    (tmp_path / "fewer.jsonl").write_text("".join(lines[1:]))
    for file in copied(parts, tmp_path / "c", 0, 1, 2):
        file.write_text(file.read_text().replace(str(samples), str(tmp_path / "fewer.jsonl")))
    assert "not the samples that the shards have judged" in refused(capsys, "merge", tmp_path / "c")


@pytest.mark.parametrize("shard", ["3/3", "1", "a/2", "-1/2", "1/0"])
def test_a_part_that_cannot_be_is_refused(capsys, samples: Path, tmp_path: Path, shard: str) -> None:
    """Numbers count from 0, as arrays of jobs do."""
    assert "counted from 0" in refused(
        capsys, "score", samples, *OPTIONS, f"--shard={shard}", "--out", tmp_path
    )
    assert "--out" in refused(capsys, "score", samples, *OPTIONS, "--shard", "0/2")
