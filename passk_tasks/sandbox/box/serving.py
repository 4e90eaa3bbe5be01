"""A candidate's process: it answers requests, with the drivers' functions, until the channel closes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, NoReturn

from passk_tasks.sandbox.box import codec, frames
from passk_tasks.sandbox.box.candidate import CHANNEL, Candidate
from passk_tasks.sandbox.box.drivers import DRIVERS

_REQUESTS = {verb: answer for driver in DRIVERS.values() for verb, answer in driver.REQUESTS.items()}


def ready() -> Callable[[], NoReturn]:
    """Return what a candidate's process does; made before the fork, it costs the candidate fewer pages."""
    return functools.partial(_serve, Candidate(), frames.Reader(CHANNEL))


def _serve(candidate: Candidate, channel: frames.Reader) -> NoReturn:
    """Answer requests, each a JSON list of a verb and its arguments; never returns."""
    try:
        while True:
            frames.write(CHANNEL, _answer(codec.unpack(channel.read()), candidate))
    except MemoryError:
        os._exit(77)
    except BaseException:
        os._exit(78)


def _answer(request: list[Any], candidate: Candidate) -> bytes:
    verb, *needed = request
    candidate.begin()
    try:
        return _REQUESTS[verb](candidate, *needed)
    except MemoryError:
        return candidate.raised_memory_error()
    except BaseException as error:
        return candidate.raised(error)
