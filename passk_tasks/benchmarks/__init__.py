"""Benchmarks: one module a family, from a dataset row to a `Problem`, from a candidate to a `Program`.

base            what a family has to say of itself
loading         its rows: embedded, from the hub, or from local files; checked and hashed
inspection      what tests call, and whether they need one process
plainness/      the proof that they do not, from their syntax tree
humaneval       HumanEval
humaneval_plus  HumanEval+, with HumanEval's tests as its base stage
evalplus        the loop that ends the tests of HumanEval+ and MBPP+
evoeval         EvoEval's seven subsets
bigcodebench    BigCodeBench and BigCodeBench-Hard, calibrated and not
suite           runs their unittest classes, in the candidate's process
ds1000          DS-1000, as a whole and by library
cruxeval        CRUXEval: predict an output, or an input for it
infilling       HumanEval infilling's four subsets
custom          problems of one's own, in columns that any of them can be brought into
mbpp            MBPP, sanitized MBPP, and MBPP+ with the assertions measured beside its tests
contests        what contest problems share: programs, functions, data that is not trusted
livecodebench   LiveCodeBench, by release and by day
code_contests   CodeContests
apps            APPS, a family for each of its levels

To add a family, write its module and name it in `_CLASSES`.
"""

from __future__ import annotations

from passk_tasks.benchmarks import apps, ds1000, evoeval, infilling
from passk_tasks.benchmarks.base import Benchmark
from passk_tasks.benchmarks.bigcodebench import (
    BigCodeBench,
    BigCodeBenchHard,
    BigCodeBenchHardUncalibrated,
    BigCodeBenchUncalibrated,
)
from passk_tasks.benchmarks.code_contests import CodeContests
from passk_tasks.benchmarks.cruxeval import CruxEvalInput, CruxEvalOutput
from passk_tasks.benchmarks.custom import Custom
from passk_tasks.benchmarks.humaneval import HumanEval
from passk_tasks.benchmarks.humaneval_plus import HumanEvalPlus
from passk_tasks.benchmarks.livecodebench import LiveCodeBench
from passk_tasks.benchmarks.loading import Dataset, load
from passk_tasks.benchmarks.mbpp import Mbpp, MbppPlus, MbppSanitized
from passk_tasks.errors import UsageError, did_you_mean

__all__ = ["Benchmark", "Dataset", "get", "hidden_packages", "load", "names"]

# Those that this package works with have tests of several families.
_HIDDEN = ("passk_tasks", "lm_eval", "every_eval_ever")

_CLASSES: tuple[type[Benchmark], ...] = (
    HumanEval,
    HumanEvalPlus,
    Mbpp,
    MbppSanitized,
    MbppPlus,
    Custom,
    CruxEvalOutput,
    CruxEvalInput,
    *evoeval.SUBSETS,
    *infilling.SUBSETS,
    LiveCodeBench,
    CodeContests,
    *apps.LEVELS,
    BigCodeBench,
    BigCodeBenchHard,
    BigCodeBenchUncalibrated,
    BigCodeBenchHardUncalibrated,
    *ds1000.FAMILIES,
)
_FAMILIES: dict[str, Benchmark] = {family.name: family() for family in _CLASSES}


def names() -> list[str]:
    """Return the names of all families, sorted."""
    return sorted(_FAMILIES)


def hidden_packages() -> frozenset[str]:
    """Return the packages that no candidate may see: it would read tests, solutions, or how others did."""
    return frozenset(_HIDDEN).union(*(family.hidden for family in _CLASSES))


def get(name: str) -> Benchmark:
    """Return a family by name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in _FAMILIES:
        raise UsageError(f"there is no benchmark {name!r}{did_you_mean(name, _FAMILIES)}")
    return _FAMILIES[name]
