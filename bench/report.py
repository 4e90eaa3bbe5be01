"""`passk report` for 164 problems x n samples x runs: what it takes to build, and until it can be used.

    python bench/report.py [--samples 200] [--runs 1] [--browser /usr/bin/chromium]

CPU seconds, memory and size are printed. Each problem gets texts of the embedded generations drawn from all
problems, and beyond the first ones a comment of its own, so that no two of its samples are alike: no model's
samples are harder to pack. Nothing is executed; the verdicts are made up. Chance is seeded.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from passk_tasks import benchmarks
from passk_tasks.results import reading, sample_files, samples, store
from passk_tasks.scoring.candidates import candidate
from passk_tasks.scoring.summary import estimate
from passk_tasks.tasks.catalog import load_task

GENERATIONS = (
    Path(__file__).resolve().parents[1] / "passk_tasks" / "data" / "gemma3_270m_humaneval_n20.jsonl.gz"
)
VERDICTS = ("passed", "failed", "failed", "error", "syntax_error")


def main() -> None:
    """Make the run, build the page, open it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # In a process of its own: what it takes is not the report's.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            stored = sum(pool.starmap(write_run, [(folder, options.samples, r) for r in range(options.runs)]))
        print(f"{options.runs} stored runs: {stored / 1e6:.0f} MB")
        start = time.process_time()
        found = reading.load_all([folder])
        read = time.process_time()
        from passk_tasks import report

        page = report.build(found).encode("utf-8")
        built = time.process_time()
        path = folder / "report.html"
        path.write_bytes(page)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"CPU: read in {read - start:.1f} s, built in {built - read:.1f} s; {most:.0f} MiB at most; "
            f"{len(page) / 1e6:.1f} MB"
        )
        browse(path, options.browser)


def write_run(folder: Path, n: int, run: int) -> int:
    """Write a run in the form of lm-eval's output folder; return its size in bytes."""
    draw = random.Random(run)
    texts = sorted({sample.text for sample in sample_files.read(GENERATIONS).samples})
    spec = load_task("passk_humaneval_n200", {"samples": n, "k": [k for k in (1, 10, 100) if k <= n]})
    dataset = benchmarks.load(benchmarks.get("humaneval"), spec.settings)
    family = benchmarks.get("humaneval")
    counts, verdicts, lines = {}, Counter(), []
    for row, (task_id, problem) in zip(dataset.rows, dataset.problems.items(), strict=True):
        # Extraction is slow: some texts are extracted, the others are these and a comment.
        some = draw.sample(texts, 40)
        codes = [
            candidate(samples.Sample(task_id, 0, text, samples.RESPONSE, "bench"), problem, spec).code
            for text in some
        ]
        answers, chosen = [], []
        for number in range(n):
            verdict, which = draw.choice(VERDICTS), number % len(some)
            own = f"\n    # {run} {number}\n" if number >= len(some) else ""
            chosen.append(some[which] + own)
            code = None if codes[which] is None else codes[which] + own
            verdicts[verdict] += 1
            detail = "" if verdict == "passed" else f"assert candidate({draw.random()}) == {draw.random()}"
            program = family.program(problem, code, spec.settings.judge)
            answers.append(
                {"verdict": verdict, "detail": detail, "judge": "isolated", "program_sha256": program.sha256}
                | {"cpu_s": draw.lognormvariate(-6, 1), "peak_mib": draw.uniform(13, 60)}
            )
        counts[task_id] = (n, sum(one["verdict"] == "passed" for one in answers))
        line = {"doc": row, "resps": [chosen], "filtered_resps": [list(map(json.dumps, answers))]}
        lines.append(json.dumps(line) + "\n")
    facts = {
        "task": spec.name,
        "task_version": spec.version,
        "problems": len(counts),
        "problems_total": len(counts),
        "coverage": 1.0,
        "samples": n * len(counts),
        "n": n,
        "k": list(spec.settings.k),
        "metrics": {name: one.as_dict() for name, one in estimate(counts, spec.settings.k).items()},
        "verdicts": dict(verdicts),
        "distinct": 1.0,
        "judge": "isolated",
        "sandbox": {"mode": "strict", "layers": {}},
        "limits": spec.settings.limits().as_dict(),
        "dataset": {"source": dataset.source, "sha256": dataset.sha256},
        "settings": spec.settings.as_dict(),
        "generation_kwargs": spec.generation_kwargs,
        **store.provenance("stdlib"),
        "date": f"2026-01-{run + 1:02d}T00:00:00+00:00",
    }
    date = f"2026-01-{run + 1:02d}T00-00-00.0"
    content = {
        "configs": {spec.name: {"metadata": {"passk_results": facts}}},
        "model_name": f"bench/model-{run}",
    }
    (folder / f"results_{date}.json").write_text(json.dumps(content))
    path = folder / f"samples_{spec.name}_{date}.jsonl"
    path.write_text("".join(lines))
    return path.stat().st_size


def browse(path: Path, browser: str) -> None:
    """Print how long a browser takes until the page can be used, to sort, to filter and to open a problem."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("no browser: pip install playwright")
        return
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page()
        start = time.perf_counter()
        page.goto(path.as_uri())
        ready = time.perf_counter()
        timed = page.evaluate(
            """async () => {
                const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
                const times = {};
                const measure = async (name, act) => {
                    const start = performance.now();
                    act();
                    await frame();
                    times[name] = performance.now() - start;
                };
                await measure("sort", () => document.querySelectorAll("#table thead button")[1].click());
                await measure("filter", () => {
                    document.getElementById("find").value = "humaneval/1";
                    document.getElementById("find").dispatchEvent(new Event("input"));
                });
                const start = performance.now();
                document.querySelector("#table tbody tr[data-i='100'] button").click();
                while (!document.querySelector(".candidate")) await frame();
                times.open = performance.now() - start;
                return times;
            }"""
        )
        print(f"ready after {ready - start:.2f} s; " + ", ".join(f"{k} {v:.0f} ms" for k, v in timed.items()))
        opened.close()


if __name__ == "__main__":
    main()
