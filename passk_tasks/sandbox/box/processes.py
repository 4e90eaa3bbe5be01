"""Finds and ends the processes below this one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator


def descendants(root: int, *, zombies: bool = False, below: int = 0) -> set[int]:
    """Return the descendants of a process, by /proc.

    Args:
        root: the process.
        zombies: return also those that have ended and were not waited for.
        below: how many generations to leave out.
    """
    parents: dict[int, list[int]] = {}
    for pid, state, parent, _group in _running():
        if zombies or state != b"Z":
            parents.setdefault(parent, []).append(pid)
    tree: set[int] = set()
    rest = [root]
    for _ in range(below):
        rest = [child for parent in rest for child in parents.get(parent, ())]
    while rest:
        for child in parents.get(rest.pop(), ()):
            if child not in tree:
                tree.add(child)
                rest.append(child)
    return tree


def of_group(group: int) -> set[int]:
    """Return the processes of a group that have not ended, by /proc."""
    return {pid for pid, state, _parent, its_group in _running() if its_group == group and state != b"Z"}


def _running() -> Iterator[tuple[int, bytes, int, int]]:
    """Yield the number, state, parent and group of each process."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                # Without a file object, which costs several times as much; the line has some 300 bytes.
                fd = os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
                try:
                    line = os.read(fd, 4096)
                finally:
                    os.close(fd)
                state, parent, group = line.rpartition(b")")[2].split()[:3]
            except (OSError, ValueError):  # it ended meanwhile
                continue
            yield int(name), state, int(parent), int(group)


def end(pid: int, *, is_init: bool) -> tuple[int, float, int]:
    """Kill whatever is left below this process and wait for it.

    Args:
        pid: the candidate's process.
        is_init: whether this process is init of a pid namespace, where one signal reaches every process below
            it at once, even those that are being forked. Else it is a subreaper.

    Returns:
        The candidate's wait status; of all processes together the CPU seconds, and the KiB at the peak of the
        largest.
    """
    status, cpu_s, peak_kib = 0, 0.0, 0
    while True:
        if is_init:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            _kill_tree(pid)
        options = 0
        while True:
            try:
                ended, how, usage = os.wait4(-1, options)
            except ChildProcessError:
                return status, cpu_s, peak_kib
            if not ended:
                break  # there are more, which came up to us when their parent ended
            cpu_s += usage.ru_utime + usage.ru_stime
            peak_kib = max(peak_kib, usage.ru_maxrss)
            if ended == pid:
                status = how
            options = os.WNOHANG


def _kill_tree(pid: int) -> None:
    """Kill every descendant of this subreaper: stop all, until a pass finds no new one, then kill all.

    The candidate's own group goes first, in one call that no fork escapes: where hundreds of processes run,
    this one waits for the CPU between two signals. Nearly every candidate is alone; then no list of the
    host's processes is needed, which takes longer than most programs.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    if _was_alone(pid):
        return
    seen: set[int] = set()
    # A process with only its main thread ended looks like a zombie.
    while new := descendants(os.getpid(), zombies=True) - seen:
        seen |= new
        _signal(new, signal.SIGSTOP)  # a stopped process cannot fork
    _signal(seen, signal.SIGKILL)


def _was_alone(pid: int) -> bool:
    """Whether a process that was killed has no thread and no descendant, and is this process's only child.

    What ends hands its children to another thread of its own or to us, so this asks in that order.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        return threads == [str(pid)] and _children(pid) == b"" and _children(os.getpid()) == b"%d " % pid
    except OSError:
        return False  # the kernel has no such lists, or the process is gone


def _children(pid: int) -> bytes:
    with open(f"/proc/{pid}/task/{pid}/children", "rb", 0) as file:
        return file.read()


def _signal(processes: set[int], number: int) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except OSError:
            pass
