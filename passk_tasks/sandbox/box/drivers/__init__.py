"""The kinds of program. A driver says what a candidate's process does with its source, and judges it.

isolated  the program is a module, and the tests call it from a process of their own
script    the program is a module, and the tests run in its process, below it
stdio     the program reads its input and prints its output; it runs once for each case
command   the program is a text in any language: its tests stand below it, its toolchain builds and runs it

To add a kind, write its module (`base` says what it must have) and name it here.
"""

from __future__ import annotations

from passk_tasks.sandbox.box.drivers import command, isolated, script, stdio
from passk_tasks.sandbox.box.drivers.base import Driver

DRIVERS: dict[str, Driver] = {
    "isolated": isolated,
    "script": script,
    "stdio": stdio,
    "command": command,
}
"""The drivers by the name that the worker's protocol uses: the value of a `program.Judge`."""
