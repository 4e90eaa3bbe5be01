"""What the processes of a worker say to each other.

    supervisor <-> tests' side    JSON, a frame each (`frames`): the mappings below
    tests' side <-> zygote        one packet each: the letters and structs below

What the tests' side says to a candidate, and hears from it, belongs to the driver (`drivers`).
"""

from __future__ import annotations

import struct
from typing import Any, TypedDict

from passk_tasks.verdict import Outcome, Verdict


class Configuration(TypedDict):
    """The first message to a worker.

    `limits` is `Limits.as_dict()` and its wall seconds `backstop_s`; `packages` are folders for `sys.path`,
    `shown` what of them candidates see, `hidden` packages that they never see.
    """

    stand_in: dict[str, str]
    way: str
    scratch: str | None
    slot: int
    cgroups: list[str]
    cpu: int | None
    packages: tuple[str, ...]
    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    preload: tuple[str, ...]
    timeout_s: float
    backstop_s: float
    memory_mib: int
    output_mib: int
    processes: int


class Greeting(TypedDict, total=False):
    """The worker's answer, and its last word where it ends over an error: `fatal` says which.

    `limit` says that the error is a limit of whoever started the run, so that no other way would help.
    """

    layers: dict[str, bool]
    fatal: str
    limit: bool


# Then, to the worker, in any order that names tests before they are used:
#     {"tests": number, "judge": name of a driver, "given": what that driver's tests are made of}
#     {"drop": number of tests}
#     {"program": index, "tests": number, "code": source, "judge": name of a driver}
# and from it, while it judges and when it has judged:
#     {"alive": index}
#     {"program": index, "outcome": fields of `Outcome`, "crowds_others": bool}


def packed_outcome(outcome: Outcome) -> list[Any]:
    """Return an outcome as JSON holds it; `unpacked_outcome` reads it."""
    return [getattr(outcome, name) for name in Outcome.__slots__]


def unpacked_outcome(fields: list[Any]) -> Outcome:
    """Return the outcome that a worker sent.

    Raises:
        ValueError, TypeError: it is none.
    """
    verdict, detail, judge, cpu_s, wall_s, peak_mib, flags, base_passed = fields
    return Outcome(Verdict(verdict), detail, judge, cpu_s, wall_s, peak_mib, tuple(flags), base_passed)


# To the zygote: fork a candidate that owns the socket that comes along as a descriptor, and where two more
# come, has them for its standard input and output. It answers STARTED, with a pidfd.
FORK, STARTED = b"F", b"P"
FORKING = struct.Struct("<cI")  # FORK, and RLIMIT_CPU of each process of the candidate in seconds
# To the zygote: say what the candidate's processes hold. It stops looking after so many CPU seconds.
LOOKING = struct.Struct("<cd")  # one of the letters below, and the CPU seconds
AMOUNTS = struct.Struct("<QQd")  # the two amounts, and the CPU seconds that it took to see them
MEMORY = b"M"  # KiB together (0 where unknown), and how much of that is in shared mappings
SOCKETS = b"S"  # sockets of streams, and of datagrams
DISK = b"W"  # KiB of the disk, and 1 where they may hold more
PIPES = b"N"  # pipes, and 0
# To the zygote: end the candidate and kill everything that it left. It answers ENDED and how it ended.
END, ENDED = b"E", b"R"
REPORT = struct.Struct("<idI")  # wait status of the candidate, CPU seconds of all, peak resident KiB
# Exit status of a zygote: something moved that the next candidate could see, another one is to take over.
FRESH = 64
