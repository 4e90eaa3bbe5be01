"""What can be seen of a run from outside: CPU time of others, memory of each process, what is left, costs."""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
_PR_SET_CHILD_SUBREAPER = 36
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_SAMPLE_S = 0.25
SUPERVISOR_MIB, ZYGOTE_MIB = 200, 40
LONG_SAMPLES = 200  # of each of the 164 problems: 32,800


def busy_s():
    """CPU seconds that the whole machine has spent, those that its own host took from it included."""
    words = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words[:8])
    return (user + nice + system + irq + softirq + steal) * _TICK_S


def available_gib():
    found = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="ascii"))
    return int(found[1]) / (1 << 20)


# --- memory and what is left ---


def children_of(pid):
    children = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it ended meanwhile
        return children
    for task in tasks:
        try:
            children += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:  # noqa: PERF203
            continue
    return children


def usage_below(pid):
    """CPU seconds and page faults of all descendants of a process, and of those they have waited for."""
    total = {"user_s": 0.0, "kernel_s": 0.0, "faults": 0}
    rest = children_of(pid)
    while rest:
        process = rest.pop()
        rest += children_of(process)
        try:
            words = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        total["faults"] += int(words[7]) + int(words[8])
        total["user_s"] += (int(words[11]) + int(words[13])) * _TICK_S
        total["kernel_s"] += (int(words[12]) + int(words[14])) * _TICK_S
    return total


def _kib(path, name):
    try:
        found = re.search(rf"^{name}:\s+(\d+)", path.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def watch(pid, seen):
    """Note the largest memory of each level of our process tree: 0 the supervisor, 3 the zygote."""
    level, depth = [pid], 0
    while level:
        for process in level:
            peak = _kib(Path(f"/proc/{process}/status"), "VmHWM")
            proportional = _kib(Path(f"/proc/{process}/smaps_rollup"), "Pss")
            before = seen.get(depth, (0, 0))
            seen[depth] = max(before[0], peak), max(before[1], proportional)
        level = [child for process in level for child in children_of(process)]
        depth += 1


def traces():
    """What a run could leave outside its temporary folder: mounts, cgroups, shared memory."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    found = {f"mount {line.split()[4]}" for line in mounts}
    found |= {f"cgroup {folder}" for folder, _, _ in os.walk("/sys/fs/cgroup")}
    found |= {f"file {path}" for path in Path("/dev/shm").iterdir()}
    for kind in ("shm", "sem", "msg"):
        lines = Path(f"/proc/sysvipc/{kind}").read_text(encoding="ascii").splitlines()[1:]
        found |= {f"{kind} {line}" for line in lines}
    return found


def watched(command):
    """Run a command to its end; return seconds, memory by level, its output, and what it left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # orphans of the command come to us
    mine, before = set(children_of(os.getpid())), traces()
    temporary = tempfile.mkdtemp(prefix="bench-")
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115
    started, seen = time.perf_counter(), {}
    process = subprocess.Popen(command, stdout=output, env={**os.environ, "TMPDIR": temporary})
    while process.poll() is None:
        watch(process.pid, seen)
        time.sleep(_SAMPLE_S)
    seconds = time.perf_counter() - started
    time.sleep(0.5)
    left = [f"process {pid}" for pid in set(children_of(os.getpid())) - mine]
    left += [f"file {path.name}" for path in Path(temporary).iterdir()]
    shutil.rmtree(temporary)
    # Cgroups carry the number of the process that made them; the machine's other users make some too.
    left += sorted(
        line
        for line in traces() - before
        if not line.startswith("cgroup ") or f"passk-{process.pid}-" in line
    )
    for pid in set(children_of(os.getpid())) - mine:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    output.seek(0)
    return seconds, seen, output.read(), left


def _contender(programs, options, scratch):
    file = Path(scratch) / "watched.pickle"
    with file.open("wb") as opened:
        pickle.dump({"programs": programs, "options": {**options, "scratch": scratch}}, opened)
    return [sys.executable, str(HERE / "contenders.py"), "ours", str(file)]


def scale_part(contender, problems, scratch, *, long):
    print("## Scale: strict, isolated\n")
    columns = (
        "programs", "seconds", "ms a program", "supervisor, peak MiB", "zygote, peak MiB (proportional)",
        "passed", "left behind",
    )  # fmt: skip
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for count in (1_000, 10_000, *((100_000,) if long else ())):
        programs = [
            {
                key: value
                for key, value in problem.items()
                if key in ("task_id", "tests", "entry_point", "prelude")
            }
            | {"code": f"{problem['prompt']}{problem['canonical']}\n# {i // len(problems)}\n"}
            for i, problem in ((i, problems[i % len(problems)]) for i in range(count))
        ]
        programs.sort(key=lambda p: p["task_id"])  # as a run has them: a problem's samples together
        _, seen, said, left = watched(_contender(programs, contender.options, scratch))
        answer = json.loads(said.splitlines()[-1])
        _scale_row(f"{count:,}", answer["seconds"], count, seen, sum(answer["passed"]), left)
    if long:
        file = Path(scratch) / "samples.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for problem in problems:
                for i in range(LONG_SAMPLES):
                    sample = {"task_id": problem["task_id"], "completion": f"{problem['canonical']}\n# {i}\n"}
                    lines.write(json.dumps(sample) + "\n")
        count = LONG_SAMPLES * len(problems)
        command = [sys.executable, "-m", "passk_tasks", "score", str(file), "--json"]
        command += ["--task", "passk_humaneval"]
        seconds, seen, said, left = watched(command)
        score = re.search(r'"pass@1".*?([\d.]+)', said, re.DOTALL)
        _scale_row(
            f"`passk score`, {count:,}", seconds, count, seen, f"pass@1 {score[1] if score else '?'}", left
        )
    print(f"\n- wanted: supervisor under {SUPERVISOR_MIB} MiB at 32,800, a zygote under {ZYGOTE_MIB} MiB\n")


def _scale_row(label, seconds, count, seen, passed, left):
    supervisor, zygote = seen.get(0, (0, 0)), seen.get(3, (0, 0))
    print(
        f"| {label} | {seconds:.1f} | {1000 * seconds / count:.2f} | {supervisor[0] / 1024:.0f} "
        f"| {zygote[0] / 1024:.1f} ({zygote[1] / 1024:.1f}) | {passed} | {'; '.join(left) or 'nothing'} |",
        flush=True,
    )


# --- where the time goes ---


def costs_part(contenders, problems, scratch, canonical_programs):
    """Costs of one program more: a longer run less a shorter one, so that starting cancels out."""
    print("## Where the time goes, a program\n")
    few, many = (canonical_programs(problems, 164, samples) for samples in (2, 6))
    empty = [
        [{**p, "code": f"# {i}\n", "tests": "", "prelude": ""} for i, p in enumerate(programs)]
        for programs in (few, many)
    ]
    print("| | CPU ms, user | kernel | of it the candidate's process | page faults | context switches |")
    print("|---|---|---|---|---|---|")
    cases = [
        (contenders[name].label, contenders[name].options, few, many)
        for name in ("isolated", "script", "rlimits")
    ]
    cases.append(("strict, isolated, an empty program and no test", contenders["isolated"].options, *empty))
    perf = shutil.which("perf")
    for label, options, short, long in cases:
        costs = []
        for programs in (short, long):
            report = Path(scratch) / "perf.txt"
            counted = [perf, "stat", "-x,", "-e", "context-switches", "-o", str(report), "--"] if perf else []
            command = counted + _contender(programs, options, scratch)
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            used = json.loads(done.stdout.splitlines()[-1])["usage"]
            switches = re.search(r"^(\d+),", report.read_text(), re.MULTILINE) if perf else None
            times = [1000 * used[name] for name in ("user_s", "kernel_s", "candidates_s")]
            costs.append([*times, used["faults"], int(switches[1]) if switches else float("nan")])
        each = [(b - a) / (len(long) - len(short)) for a, b in zip(*costs, strict=True)]
        print(
            f"| {label} | {each[0]:.2f} | {each[1]:.2f} | {each[2]:.2f} | {each[3]:.0f} | {each[4]:.1f} |",
            flush=True,
        )
    print()
    if perf is None:
        print("- context switches: not counted, perf is not installed\n")
    strace = shutil.which("strace")
    if strace is None:
        print("- system calls: not counted, strace is not installed\n")
        return
    counts = []
    short, long = (canonical_programs(problems, 164, samples) for samples in (1, 3))
    for programs in (short, long):
        report = Path(scratch) / "strace.txt"
        command = [strace, "-c", "-f", "-qq", "-U", "name,calls", "-o", str(report)]
        subprocess.run(
            command + _contender(programs, contenders["isolated"].options, scratch),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        rows = re.findall(r"^(\w+)\s+(\d+)$", report.read_text(encoding="ascii"), re.MULTILINE)
        counts.append({name: int(calls) for name, calls in rows if name != "total"})
    each = {name: (counts[1][name] - counts[0].get(name, 0)) / (len(long) - len(short)) for name in counts[1]}
    total = sum(each.values())
    print(f"System calls a program, all processes together (strict, isolated): {total:.0f}\n")
    shown = [(n, c) for n, c in sorted(each.items(), key=lambda item: -item[1]) if c >= 0.5]
    print(", ".join(f"{name} {calls:.1f}" for name, calls in shown) + "\n")
