"""What the processes of a worker tell each other.

    supervisor <-> tests' side    JSON, a frame each (`frames`): the mappings below
    tests' side <-> zygote        one packet each: the letters and structs below

A driver (`drivers`) defines what the tests' side and a candidate tell each other.
"""

from __future__ import annotations

import struct
from typing import Any, TypedDict

from passk_tasks.verdict import Outcome, Verdict


class Configuration(TypedDict):
    """The first message to a worker.

    `stand_in` maps names of packages to folders; `keep_compiled` says whether the worker's own modules may be
    written beside their source as bytecode; `way` names a class in `launch`. `packages` are folders for
    `sys.path`, `shown` are the parts of them that candidates see, `beside` are commands and data that they
    see, and `hidden` are the names of packages that no candidate ever sees. `loopback` gives candidates a
    network that ends in their machine. `numbers` is the path of the file of `ledger`. `backstop_s` is in wall
    seconds; the rest are the fields of `Limits`.
    """

    stand_in: dict[str, str]
    keep_compiled: bool
    way: str
    scratch: str | None
    slot: int
    cgroups: list[str]
    cpu: int | None
    numbers: str
    packages: tuple[str, ...]
    shown: tuple[str, ...]
    beside: tuple[str, ...]
    hidden: tuple[str, ...]
    loopback: bool
    preload: tuple[str, ...]
    libraries: tuple[str, ...]
    timeout_s: float
    backstop_s: float
    memory_mib: int
    output_mib: int
    processes: int


class Greeting(TypedDict, total=False):
    """The worker's answer to the configuration, and its last message if an error ends it (`fatal`).

    `limit` says that a resource limit of the user caused the error, so that no other way would help.
    """

    layers: dict[str, bool]
    fatal: str
    limit: bool


# Then the supervisor sends these; tests come before the programs that use them:
#     {"tests": number, "judge": name of a driver, "given": the fields that the driver makes its tests from}
#     {"drop": number of tests}
#     {"program": index, "tests": number, "code": source, "judge": name of a driver}
# and the worker sends these, while it judges and when it has judged:
#     {"alive": index, "removes": whether what it does next is to remove what a candidate left; else absent}
#     {"program": index, "outcome": fields of `Outcome`, and what `Trials` says of the program:
#         "crowds_others", "is_crowded", "is_starved"}


def packed_outcome(outcome: Outcome) -> list[Any]:
    """Return an outcome as JSON holds it; `unpacked_outcome` reads it."""
    return [getattr(outcome, name) for name in Outcome.__slots__]


def unpacked_outcome(fields: list[Any]) -> Outcome:
    """Return the outcome that a worker sent.

    Raises:
        ValueError, TypeError: the fields are not an outcome's.
    """
    verdict, detail, judge, cpu_s, wall_s, peak_mib, flags, base_passed, actual = fields
    return Outcome(
        Verdict(verdict), detail, judge, cpu_s, wall_s, peak_mib, tuple(flags), base_passed, actual
    )


# To the zygote: fork a candidate. The first descriptor that comes along is its channel; two more, if they
# come, are its standard input and output, a fourth its standard error, and a fifth gets the number GIVEN. The
# zygote answers STARTED, with a pidfd; a new one also with its folders and the file for output.
FORK, STARTED = b"F", b"P"
# FORK, and limits of each process of the candidate: RLIMIT_CPU in seconds; RLIMIT_AS and RLIMIT_FSIZE in MiB.
FORKING = struct.Struct("<cIII")
GIVEN = 20
# To the zygote: count what the candidate's processes hold, for at most so many CPU seconds.
LOOKING = struct.Struct("<cd")  # one of the letters below, and the CPU seconds
AMOUNTS = struct.Struct("<QQd")  # two amounts, and the CPU seconds that counting took
MEMORY = b"M"  # KiB of all processes (0 where unknown), and how much of that is in shared mappings
SHARED = b"H"  # KiB in shared mappings, and how many processes cannot be read
SOCKETS = b"S"  # stream sockets, and datagram sockets
DISK = b"W"  # KiB on the disk, and what there may be beyond them
UNSEEN_KIB = 1 << 62  # where something is hidden
PIPES = b"N"  # pipes, and files that were sent and not received
SMALL = b"Q"  # open ends of pipes that take no more than those of a user who has too many, and 0
# To the zygote: end the candidate and kill everything that it left. It answers ENDED and the report.
END, ENDED = b"E", b"R"
REPORT = struct.Struct("<idI")  # the candidate's wait status, CPU seconds of all its processes, peak KiB
# To the zygote: the last candidate left something, so end.
RENEW = b"X"
# Exit status of a zygote: the next candidate could see what this one changed, so a new zygote takes over.
FRESH = 64
