"""The programs: one module a kind of attack, plain data, in the order of the table of guarantees."""

from __future__ import annotations

from passk_tasks.selfcheck.attack import Attack
from passk_tasks.selfcheck.corpus import (
    between,
    channel,
    commands,
    exits,
    forged,
    hostfiles,
    kernel,
    loopback,
    memory,
    network,
    objects,
    output,
    patches,
    programs,
    reading,
    right_language,
    right_library,
    right_values,
    secrets,
    stopping,
    survivors,
    timeouts,
    values,
)

_MODULES = (
    forged,
    objects,
    patches,
    reading,
    exits,
    channel,
    values,
    stopping,
    between,
    survivors,
    timeouts,
    memory,
    output,
    hostfiles,
    secrets,
    network,
    kernel,
    commands,
    loopback,
    programs,
    right_library,
    right_language,
    right_values,
)

CORPUS: tuple[Attack, ...] = tuple(attack for module in _MODULES for attack in module.ATTACKS)

CATEGORIES = (
    "forged verdicts",
    "oracle attacks",
    "early exits",
    "hostile channel",
    "hostile values",
    "stops the run",
    "between candidates",
    "descendants",
    "timeouts",
    "memory",
    "output",
    "host files",
    "secrets",
    "network",
    "signals",
    "kernel",
    "right programs",
)
