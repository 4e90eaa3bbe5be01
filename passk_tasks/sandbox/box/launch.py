"""Start of a worker: from a clean interpreter to the two sides of the sandbox.

    worker (waits, on the host)
    └── tests' side: init of pid namespace A; sees the private root
        └── nursery: starts a zygote, and another one each time a candidate left traces
            └── zygote: init of pid namespace B, inside A; has the writable folders
                └── one candidate at a time

This is the way `namespaces`; `landlock` and `rlimits` are for hosts that forbid namespaces (`on_host`).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import traceback
from typing import Any, NoReturn

from passk_tasks.sandbox.box import (
    frames,
    imports,
    inherited,
    kernel,
    ledger,
    nursery,
    on_host,
    rlimits,
    tests_side,
    trials,
)
from passk_tasks.sandbox.box.limits import TESTS_EXTRA_MIB
from passk_tasks.sandbox.box.namespaces import Namespaces
from passk_tasks.sandbox.box.protocol import Configuration, Greeting

_WAYS: dict[str, type[on_host.OnHost]] = {
    "namespaces": Namespaces,
    "landlock": on_host.Landlock,
    "rlimits": on_host.OnHost,
}


def main(config: Configuration, fork_hooks: list[dict[str, Any]]) -> NoReturn:
    """Become a worker. Descriptor 0 is the supervisor's socket, 1 a pipe that closes when the supervisor
    dies; `imports.withhold_fork_hooks` has made `fork_hooks`.
    """
    supervisor, lifeline = os.dup(0), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    layers: dict[str, bool] = {}
    try:
        inherited.forget()
        rlimits.raise_all(config)
        for group in config["cgroups"]:
            kernel.put(os.path.join(group, "cgroup.procs"), str(os.getpid()))
        if config["cpu"] is not None:
            os.sched_setaffinity(0, {config["cpu"]})
        numbers = ledger.File(config["numbers"], config["cpu"])
        way = _WAYS[config["way"]](config)
        way.enter(layers, supervisor, lifeline)
        os.close(lifeline)
        imports.preload(config["preload"], config["packages"], config["shown"])
        way.prepare(layers)
        # In a root of their own, where nothing that an import writes is left on the host.
        loaded = imports.load(config["libraries"] if way.is_init else ())
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nursery_pid = os.fork()
        if not nursery_pid:
            nursery.run(theirs, way, fork_hooks)
        theirs.close()
        told = numbers.ledger()
        layers.update(_first_zygotes_layers(ours))
        way.confine_tests_side()
        address_mib = config["memory_mib"] + TESTS_EXTRA_MIB + loaded.reserved_mib
        resource.setrlimit(resource.RLIMIT_AS, rlimits.at_most(resource.RLIMIT_AS, address_mib))
        _greet(supervisor, {"layers": layers})
        try:
            tests_side.serve(supervisor, trials.Trials(ours, config, nursery_pid, way, told, loaded))
        finally:
            ours.close()
            way.end()
    except BaseException as error:
        with contextlib.suppress(OSError):
            limit = isinstance(error, rlimits.LimitError)
            text = str(error) if limit else "".join(traceback.format_exception_only(error)).strip()
            _greet(supervisor, {"fatal": text, "layers": layers, "limit": limit})
        os._exit(1)
    os._exit(0)


def _greet(supervisor: int, greeting: Greeting) -> None:
    frames.write(supervisor, json.dumps(greeting).encode("ascii"))


def _first_zygotes_layers(control: socket.socket) -> dict[str, Any]:
    answer: Greeting = json.loads(control.recv(1 << 16))
    if "fatal" in answer:
        raise RuntimeError(answer["fatal"])
    return answer["layers"]
