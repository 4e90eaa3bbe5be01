"""A real model through `passk run`, end to end: `make e2e`.

    python e2e/run.py --scratch FOLDER [--samples 4]

1. lm-eval's `hf` backend on Gemma 3 270M, and `passk score` on that run's samples file: the same verdicts.
2. lm-eval's `local-completions` against a loopback server (server.py) that honours `seed`: every one of the n
   requests of a problem carries its own, and the samples differ.
3. The same with `seeds=same`, lm-eval's own way: n identical samples, and the warning that says so.

Prints what the commands print, and ends with one line for each thing that held. Needs no GPU and no network.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model import weights

HERE = Path(__file__).resolve().parent
TASK = "passk_humaneval"
# Eight of HumanEval's problems, three of which this model solves about every other time.
PROBLEMS = [0, 7, 23, 28, 35, 42, 45, 53]
# A small base model says little worth waiting for after this many tokens.
SAMPLING = ["temperature=0.8", "max_gen_toks=160"]

held: list[str] = []


def check(condition: bool, what: str) -> None:
    """Note that `what` held, or end the run."""
    if not condition:
        sys.exit(f"e2e: this does not hold: {what}")
    held.append(what)


def passk(*arguments: str | Path, codes: tuple[int, ...] = (0,)) -> None:
    """Run `passk` and show what it prints, warnings included; other exit codes than these end the run."""
    command = [sys.executable, "-m", "passk_tasks", *map(str, arguments)]
    print("+ passk", *arguments, flush=True)
    environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **os.environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(
        "\n".join(line for line in done.stderr.splitlines() if "WARNING" in line or line.startswith("passk"))
    )
    print(done.stdout, flush=True)
    if done.returncode not in codes:
        sys.exit(f"{done.stderr}\ne2e: exit code {done.returncode}")


def run(
    folder: Path, problems: list[int], *arguments: str | Path
) -> tuple[dict[str, Any], list[dict[str, Any]], Path]:
    """Run the task; return the provenance in the results, the lines of the samples file, and that file."""
    passk(
        "run", "--tasks", TASK, "--samples", json.dumps({TASK: problems}), "--gen_kwargs", *SAMPLING,
        "--log_samples", "--output_path", folder, *arguments,
    )  # fmt: skip
    (results,) = folder.rglob("results_*.json")
    (samples,) = folder.rglob(f"samples_{TASK}_*.jsonl")
    lines = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    provenance = json.loads(results.read_text(encoding="utf-8"))["configs"][TASK]["metadata"]["passk_results"]
    return provenance, lines, samples


def texts(line: dict[str, Any]) -> list[str]:
    """Return the generations of one line of a samples file."""
    return [text for responses in line["resps"] for text in responses]


@contextlib.contextmanager
def server(model: Path, log: Path) -> Iterator[str]:
    """Start the loopback server; give its address once it listens."""
    command = [sys.executable, HERE / "server.py", "--model", model, "--log", log]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                sys.exit("e2e: the server did not start")
            yield address
        finally:
            process.kill()


def hf(model: Path, scratch: Path, n: int) -> None:
    """Part 1."""
    where = weights(model)
    arguments = f"pretrained={where.folder},gguf_file={where.file},dtype=float32"
    settings = [f"passk.samples={n}", f"passk.k=[1,{n}]"]
    provenance, lines, samples = run(
        scratch / "hf", PROBLEMS, "--model", "hf", "--model_args", arguments, "--device", "cpu",
        "--batch_size", "4", "--metadata", *settings,
    )  # fmt: skip
    count = len(PROBLEMS)
    check(provenance["samples"] == count * n, f"hf: {count} problems × {n} samples were judged")
    check(0 < provenance["verdicts"]["passed"] < count * n, "hf: some samples passed and some did not")
    check("infra_error" not in provenance["verdicts"], "hf: every sample has a verdict")
    check(provenance["cost"]["counted"] == {"tokenizer": count * n}, "hf: all tokens were counted")
    check(provenance["cut_off"]["limit_unknown"] == 0, "hf: it is known how each answer ended")
    check(provenance["sent"]["temperature"] == 0.8, "hf: the temperature that was sent is recorded")
    check(provenance["distinct"] > 0.5, "hf: samples of a problem differ")

    folder = scratch / "score"
    passk("score", samples, "--task", TASK, "--k", f"1,{n}", "--out", folder)
    again = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    check(again["verdicts"] == provenance["verdicts"], "hf: `passk score` counts the same verdicts")
    check(
        again["metrics"] == provenance["metrics"],
        "hf: `passk score` gives the same pass@k, errors and intervals",
    )
    first = [json.loads(text)["verdict"] for line in lines for text in flat(line["filtered_resps"])]
    second = [
        json.loads(line)["verdict"]
        for line in (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    check(first == second, "hf: `passk score` gives each sample the same verdict")


def flat(value: Any) -> Iterator[str]:
    """Yield the texts of a list of texts, or of a list of such lists."""
    for item in value:
        if isinstance(item, str):
            yield item
        else:
            yield from flat(item)


def completions(address: str, log: Path, folder: Path, problems: list[int], n: int, seeds: str) -> None:
    """Parts 2 and 3."""
    arguments = f"model=gemma-3-270m,base_url={address},tokenizer_backend=None,tokenized_requests=False"
    settings = [f"passk.samples={n}", f"passk.k=[1,{n}]"]
    if seeds == "same":  # the other is what `passk run` sets by itself
        settings.append("passk.seeds=same")
    log.write_text("", encoding="utf-8")
    provenance, lines, _ = run(
        folder, problems, "--model", "local-completions", "--model_args", arguments, "--metadata", *settings
    )
    requests = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    sent = Counter(request["seed"] for request in requests)
    different = [len(set(texts(line))) for line in lines]
    name = f"local-completions, seeds={seeds}"
    print(f"{name}: seeds sent {dict(sorted(sent.items()))}")
    print(f"{name}: distinct samples of {n}, by problem: {different}\n", flush=True)

    count = len(problems)
    check(len(requests) == count * n, f"{name}: {count} problems × {n} requests arrived")
    check(provenance["cost"]["counted"] == {"server": count * n}, f"{name}: the server counted all tokens")
    check(provenance["cut_off"]["limit_unknown"] == 0, f"{name}: the server said how each answer ended")
    check(all(request["stop"] for request in requests), f"{name}: stop sequences arrived")
    if seeds == "distinct":
        check(len(sent) == n and set(sent.values()) == {count}, f"{name}: n seeds, each once a problem")
        check(provenance["distinct"] > 0.5, f"{name}: samples of a problem differ")
        others = [text for text in provenance["warnings"] if "were cut off" not in text]
        check(not others, f"{name}: no warning but of answers that the limit of tokens ended")
    else:
        check(len(sent) == 1, f"{name}: one seed for all")
        check(different == [1] * count, f"{name}: the samples of a problem are identical")
        check(any("identical" in text for text in provenance["warnings"]), f"{name}: the run warns of it")


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the weights and the results")
    parser.add_argument("--samples", type=int, default=4)
    arguments = parser.parse_args()
    scratch = arguments.scratch.resolve()
    model = scratch / "model"
    runs = scratch / "runs" / str(os.getpid())  # a run of its own; earlier ones stay
    runs.mkdir(parents=True)
    hf(model, runs, arguments.samples)
    log = runs / "requests.jsonl"
    with server(model, log) as address:
        completions(address, log, runs / "distinct", PROBLEMS, arguments.samples, "distinct")
        completions(address, log, runs / "same", PROBLEMS[:2], arguments.samples, "same")
    print("e2e: all of this held", *held, sep="\n  ")


if __name__ == "__main__":
    main()
