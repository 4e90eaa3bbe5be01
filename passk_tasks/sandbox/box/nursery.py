"""Starts a zygote, and another one when it ends because a candidate left traces.

The nursery learns nothing from candidates but how their zygote ended. It keeps the privileges that are needed
to make a zygote. No program can reach it: under `namespaces` it is in another pid namespace, and in the other
ways nothing can signal it or write to it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import sys
import traceback
from typing import Any, NoReturn

from passk_tasks.sandbox.box import candidate, imports, kernel, protocol, rlimits, traces, zygote
from passk_tasks.sandbox.box.on_host import OnHost, is_fresh


def run(control: socket.socket, way: OnHost, fork_hooks: list[dict[str, Any]]) -> NoReturn:
    """Become the nursery."""
    # This closes the socket's other end, too: the nursery, and all below it, end with the tests' side.
    os.dup2(control.fileno(), candidate.CHANNEL)
    control.detach()
    control = socket.socket(fileno=candidate.CHANNEL)
    os.closerange(candidate.CHANNEL + 1, 4096)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    gc.collect()
    gc.freeze()  # no zygote's collector goes through what exists now, and copies its pages
    is_first = True
    while True:
        folders = way.make_folders()
        pid = os.fork()
        if not pid:
            _become_zygote(control, way, folders, fork_hooks, is_first=is_first)
        status = way.wait_for_zygote(pid)
        is_first = False
        if not is_fresh(status):
            os._exit(0)
        way.remove_folders(folders)


def _become_zygote(
    control: socket.socket,
    way: OnHost,
    folders: tuple[str, ...],
    fork_hooks: list[dict[str, Any]],
    *,
    is_first: bool,
) -> NoReturn:
    layers: dict[str, bool] = {}
    answer: protocol.Greeting = {"layers": layers}
    try:
        way.enter_zygote()
        oom_score = None
        with contextlib.suppress(OSError):
            # If memory runs out, the kernel ends candidates first. A confined process cannot open this file.
            oom_score = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        network = way.own_loopback()
        way.show_folders(folders, layers)
        os.chdir(folders[0])
        sys.path.insert(0, folders[0])  # as for a script: a program may import what it wrote
        # One file for all candidates of this zygote, so that a file's number can carry no message.
        output = traces.nameless_file(".")
        opened = {folder: os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for folder in folders}
        os.utime(output, (0, 0))
        if way.identity is not None and way.identity != os.getuid():
            os.fchown(output, way.identity, way.identity)
        rlimits.limit_candidates()
        layers["resource limits"] = True
        confine = way.confine_zygote(folders, layers)
        rlimits.let_limits_be_raised()
        imports.drop_traces()
    except BaseException as error:
        answer = {"fatal": "".join(traceback.format_exception_only(type(error), error)).strip()}
    if is_first:
        control.send(json.dumps(answer).encode())
    if "fatal" in answer:
        os._exit(1)
    zygote.Zygote(
        control,
        opened,
        output=output,
        is_init=way.is_init,
        confine=confine,
        most_processes=way.most_processes(),
        oom_score=oom_score,
        network=network,
        only_host_removes=way.only_host_removes,
        fork_hooks=fork_hooks,
    ).run()
