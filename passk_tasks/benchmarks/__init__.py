"""Benchmarks: one module a family, from a dataset row to a `Problem`, from a candidate to a `Program`.

base            what a family has to say of itself
loading         its rows: embedded, from the hub, or from local files; checked and hashed
inspection      what tests call, and whether they need one process
asserting       tests that pass anything
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
multipl_e       MultiPL-E, a family for each configuration
humanevalpack   HumanEvalPack, a family for each of its tasks in each language

To add a family, write its module and name it in `_CLASSES`. Other packages bring theirs as entry points
(`passk_tasks.plugins`), and are imported when a family of theirs is asked for.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint

from passk_tasks import plugins
from passk_tasks.benchmarks import apps, ds1000, evoeval, humanevalpack, infilling, multipl_e
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

__all__ = ["Benchmark", "Dataset", "get", "hidden_packages", "imported", "load", "names"]

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
    *multipl_e.FAMILIES,
    *humanevalpack.FAMILIES,
)
_OWN: dict[str, Benchmark] = {family.name: family() for family in _CLASSES}
_families = dict(_OWN)
"""Ours, and those of other packages that were asked for."""


def names() -> list[str]:
    """Return the names of all families, those of other packages among them, sorted."""
    return sorted({*_OWN, *(point.name for point in plugins.declared(plugins.FAMILIES))})


def imported() -> list[Benchmark]:
    """Return the families that need no import any more: ours, and those that were asked for."""
    return list(_families.values())


def hidden_packages() -> frozenset[str]:
    """Return the packages that no candidate may see: it would read tests, solutions, or how others did."""
    return frozenset(_HIDDEN).union(plugins.packages(), *(family.hidden for family in imported()))


def get(name: str) -> Benchmark:
    """Return a family by name; the package that brings it is imported when this is first asked for.

    Raises:
        UsageError: there is none of that name, several packages claim it, or its package cannot be used.
    """
    points = [point for point in plugins.declared(plugins.FAMILIES) if point.name == name]
    owners = [*(["passk-tasks"] if name in _OWN else []), *map(plugins.owner, points)]
    if not owners:
        raise UsageError(
            f"there is no benchmark {name!r}{did_you_mean(name, names())}; if another package brings it, "
            "install that package"
        )
    if len(owners) > 1:
        raise UsageError(
            f"the benchmark {name!r} comes from {' and from '.join(owners)}, so its name does not say what a "
            "score measures: uninstall one of them, or rename its family"
        )
    if name not in _families:
        _families[name] = _brought(points[0])
    return _families[name]


def _brought(point: EntryPoint) -> Benchmark:
    """Return the family that an entry point names, once it is known to be one."""
    where = f"the benchmark {point.name!r} of {plugins.owner(point)}: {point.value}"
    try:
        family = point.load()
    except (Exception, SystemExit) as error:  # a package's own code may raise anything: it is the reason
        raise UsageError(
            f"{where} cannot be imported: {type(error).__name__}: {error}; mend or uninstall that package"
        ) from error
    if not (isinstance(family, type) and issubclass(family, Benchmark)):
        raise UsageError(f"{where} is no subclass of passk_tasks.benchmarks.Benchmark")
    attributes = [name for name in Benchmark.__annotations__ if not hasattr(family, name)]
    absent = [*attributes, *sorted(family.__abstractmethods__)]
    if absent:
        raise UsageError(
            f"{where} lacks {', '.join(absent)}; passk_tasks/benchmarks/base.py says what they are"
        )
    if family.name != point.name:
        raise UsageError(f"{where} calls itself {family.name!r}; entry point and class must have one name")
    return family()
