"""The kinds of program: what a candidate's process does with its source, and what judges it meanwhile.

isolated  the program is a module, and the tests call it from a process of their own
script    the program is a module, and the tests run in its process, below it
stdio     the program is one for the command line, run once for each case

To add a kind, write its module (`base` says what it needs) and name it here.
"""

from __future__ import annotations

from passk_tasks.sandbox.box.drivers import isolated, script, stdio
from passk_tasks.sandbox.box.drivers.base import Driver

DRIVERS: dict[str, Driver] = {"isolated": isolated, "script": script, "stdio": stdio}
"""By the name that the worker's protocol has for them, the value of a `program.Judge`."""
