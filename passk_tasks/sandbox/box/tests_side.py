"""The tests' side: a trusted program, in a sandbox of its own, that judges what the supervisor sends."""

from __future__ import annotations

import functools
import gc
import json
from typing import Any

from passk_tasks.sandbox.box import frames
from passk_tasks.sandbox.box.codec import reading
from passk_tasks.sandbox.box.drivers import DRIVERS
from passk_tasks.sandbox.box.protocol import packed_outcome
from passk_tasks.sandbox.box.trials import Trials


def serve(supervisor: int, trials: Trials) -> None:
    """Answer the supervisor until it closes its socket; see `protocol`."""
    reading.may_load_numpy = False
    gc.collect()
    gc.freeze()  # the collector never looks again at what is loaded by now
    tests: dict[int, Any] = {}
    requests = frames.Reader(supervisor)
    while True:
        try:
            request = json.loads(requests.read())
        except EOFError:
            return
        if "program" in request:
            index, driver = request["program"], DRIVERS[request["judge"]]
            tell = functools.partial(_tell, supervisor, {"alive": index})
            trials.traces.tell = functools.partial(_tell, supervisor, {"alive": index, "removes": True})
            trials.is_starved = False
            outcome = driver.judge(trials, tests[request["tests"]], request["code"], tell)
            judged = {
                "outcome": packed_outcome(outcome),
                "crowds_others": trials.crowds_others,
                "is_crowded": trials.is_crowded,
                "is_starved": trials.is_starved,
            }
            _tell(supervisor, {"program": index, **judged})
        elif "drop" in request:
            tests.pop(request["drop"], None)
        else:
            tests[request["tests"]] = DRIVERS[request["judge"]].tests(request["given"])


def _tell(supervisor: int, answer: dict[str, Any]) -> None:
    frames.write(supervisor, json.dumps(answer).encode("ascii"))
