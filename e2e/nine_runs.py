"""Nine runs of a real model under nine conditions, and what is said of them: causes, trend, gate, report.

    python e2e/nine_runs.py --scratch FOLDER [--samples 4]

Gemma 3 270M completes four of HumanEval's problems under: its task as it is; a warm temperature; another
prompt; a system instruction; another stop list; a short time limit; no packages; another seed, which is a
repeat; and two settings changed together. Prints what the commands print, and ends with one line for each
thing that held. Runs that are in the folder already are not made again. Needs no GPU and no network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import yaml
from model import weights
from run import TASK, check, held, passk
from transformers import AutoModelForCausalLM, AutoTokenizer

from passk_tasks import api, cli

PROBLEMS = [23, 28, 42, 53]
VARIANT = f"{TASK}_hint"
DRAWN = {"temperature": 0.2, "top_p": 0.95, "max_gen_toks": 24}

CONDITIONS: dict[str, dict[str, Any]] = {
    "1-base": {},
    "2-warm": {"drawn": {"temperature": 0.8}},
    "3-hint": {"task": VARIANT},
    "4-system": {"more": ["--system_instruction", "# Correct, tested Python."]},
    "5-stops": {"drawn": {"until": ["\n\n", "\ndef"]}},
    "6-timeout": {"judged": "timeout_s=1"},
    "7-packages": {"judged": "packages=stdlib"},
    "8-again": {"more": ["--seed", "7"]},
    "9-both": {"drawn": {"top_p": 1.0, "max_gen_toks": 16}},
}
"""What each run changes of the first; where that is the judging, the first one's answers are judged again."""


def variant(folder: Path) -> Path:
    """Write a task that asks with another prompt, and return its folder."""
    folder.mkdir(exist_ok=True)
    base = {"include": str(api.load_task(TASK).source), "task": VARIANT}
    prompt = {"doc_to_text": "# Complete this function. It must pass all of its doctests.\n{{prompt}}"}
    (folder / f"{VARIANT}.yaml").write_text(yaml.safe_dump(base | prompt), encoding="utf-8")
    return folder


def unpacked(model: Path) -> Path:
    """Write the weights as transformers keeps them, once: a GGUF file takes a minute of CPU to load."""
    folder = model / "gemma-3-270m"
    if not folder.exists():
        where, making = weights(model), model / "unpacked"
        loaded = AutoModelForCausalLM.from_pretrained(where.folder, gguf_file=where.file, dtype=torch.float32)
        loaded.hf_quantizer = None  # they are plain numbers now, and it would refuse to write any
        loaded.config.__dict__.pop("quantization_config", None)
        loaded.save_pretrained(making)
        AutoTokenizer.from_pretrained(where.folder, gguf_file=where.file).save_pretrained(making)
        making.rename(folder)
    return folder


def generate(model: Path, runs: Path, tasks: Path, n: int) -> None:
    """Make the runs that are not there yet."""
    arguments = f"pretrained={unpacked(model)},dtype=float32"
    for name, changed in CONDITIONS.items():
        if list((runs / name).rglob("results*.json")):
            continue
        if "judged" in changed:
            journals = (runs / "1-base").rglob("passk_journal_*.jsonl")
            passk(
                "score", *journals, "--set", changed["judged"], "--set", f"label={name}", "--out", runs / name
            )
            continue
        task = changed.get("task", TASK)
        words = [
            "run", "--tasks", task, "--include_path", tasks, "--samples", json.dumps({task: PROBLEMS}),
            "--gen_kwargs", json.dumps(DRAWN | changed.get("drawn", {})), "--log_samples",
            "--output_path", runs / name, "--model", "hf", "--model_args", arguments, "--device", "cpu",
            "--batch_size", "16", *changed.get("more", []),
            "--metadata", f"passk.samples={n}", f"passk.k=[1,{n}]", f"passk.label={name}",
        ]  # fmt: skip
        print("+ passk", *words, flush=True)
        # In this process: torch alone takes longer to start than these answers to generate.
        check(cli.main(list(map(str, words))) == 0, f"{name}: the run ends with code 0")


def told_apart(runs: Path) -> None:
    """What `passk factors` must find in these runs, and what judging again must say."""
    paths = [runs / name for name in CONDITIONS]
    found = api.attribute_runs(api.load_runs(paths), rescore=True)
    factors = {effect.factors: effect for effect in found.effects}
    both = ("sampling.max_gen_toks", "sampling.top_p")
    wanted = {("temperature",), ("prompt",), ("system_instruction",), ("stops",), ("limits.timeout_s",)}
    wanted |= {("packages",), both}
    check(set(factors) == wanted, f"factors: seven changes are found, {len(factors)} of {len(wanted)}")
    check(found.together == (both,), "factors: the two that only changed together are said to be confounded")
    check(found.repeats == ((0, 7),), "factors: the run with another seed is a repeat of the first")
    for name in ("limits.timeout_s", "packages"):
        split = factors[name,].split
        check(split is not None, f"factors: {name} was judged again, both ways")
        assert split is not None
        total = split.model.value + split.tooling.value
        check(abs(total - split.total.value) < 1e-12, f"factors: {name}: model and tooling add up")


def story(runs: Path, folder: Path) -> None:
    """Type what a person would, in that order."""
    paths = [runs / name for name in CONDITIONS]
    passk("runs", runs)
    passk("compare", *paths)
    passk("factors", *paths)
    passk("factors", *paths, "--rescore")
    passk("trend", *paths)
    rule = {"baseline": str(runs / "1-base"), "largest_drop": 0.05}
    policy = folder / "policy.yaml"
    policy.write_text(yaml.safe_dump({"tasks": {TASK: rule}}), encoding="utf-8")
    passk("gate", runs / "5-stops", "--policy", policy, codes=(0, 5, 6))
    passk("gate", runs / "8-again", "--policy", policy, codes=(0, 5, 6))
    passk("report", *paths, "-o", folder / "nine.html")


def main() -> None:
    """Make the runs, then tell their story."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the weights and the results")
    parser.add_argument("--samples", type=int, default=4)
    arguments = parser.parse_args()
    scratch = arguments.scratch.resolve()
    folder = scratch / "nine"
    runs = folder / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    generate(scratch / "model", runs, variant(folder / "tasks"), arguments.samples)
    story(runs, folder)
    told_apart(runs)
    print("e2e: all of this held", *held, sep="\n  ")


if __name__ == "__main__":
    main()
