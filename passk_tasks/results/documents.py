"""Samples in files that hold no line a sample: a document of JSON, a log in a zip, an API's answer a line.

BigCode        generations.json             [[program, …], …], a list a problem, in the problems' order
LiveCodeBench  its output                   [{"question_id", "code_list" or "output_list"}, …]
lm-eval 0.4.2  samples_*.jsonl              a list of what later versions write a line
Inspect        a log, .json or .eval        {"eval", "samples"}; a zip with a file a sample
OpenAI         the output of a batch        {"custom_id", "response"} a line
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from passk_tasks.errors import SamplesError
from passk_tasks.results.answers import text_of
from passk_tasks.results.lines import loads
from passk_tasks.results.samples import COMPLETION, RESPONSE, SOLUTION, Source, task_id_of

# Inspect packs with zstd, which Python's own module knows from 3.14 on.
if sys.version_info >= (3, 14):
    import zipfile
else:
    try:
        from backports.zstd import zipfile
    except ImportError:  # older logs need none of it
        import zipfile  # type: ignore[no-redef]

ZIP_MAGIC = b"PK\x03\x04"
_SHOWN = 3  # names in a warning
# Of a log of Inspect; one that was killed has the second alone.
_HEADS = ("header.json", "_journal/start.json")


def read_list(source: Source, items: Sequence[object]) -> None:
    """Take in a document that is a list, of whichever tool its items show.

    Raises:
        SamplesError: of none, or of several.
    """
    if not items:
        return
    first = items[0]
    read: Callable[[Source, object, str], None]
    if isinstance(first, list):
        _bigcode(source, items)
        return
    if isinstance(first, dict) and "question_id" in first:
        read = _livecodebench
    elif isinstance(first, dict) and "resps" in first:
        read = _lm_eval
    else:
        held = ", ".join(map(repr, first)) if isinstance(first, dict) else type(first).__name__
        raise SamplesError(
            f"{source.path}: a JSON list whose first item is of no known kind ({held:.80}): lists of "
            "programs (BigCode) or objects with question_id (LiveCodeBench) are expected, or a line a sample"
        )
    for number, item in enumerate(items):
        read(source, item, f"{source.path}: item {number + 1}")


def _bigcode(source: Source, items: Sequence[object]) -> None:
    source.positions = len(items)
    source.warnings.append(
        f"{source.path}: generations name no problems; the first list is taken for the first problem of the "
        "task, and so on"
    )
    for number, programs in enumerate(items):
        where = f"{source.path}: item {number + 1}"
        if not isinstance(programs, list):
            raise SamplesError(f"{where}: a list of programs expected, as the first item is")
        for program in programs:
            source.add(source.position(number), program, SOLUTION, where)


def _livecodebench(source: Source, item: object, where: str) -> None:
    """Take in a question: the code that LiveCodeBench found and judged, else the texts it was found in."""
    if not isinstance(item, dict) or "question_id" not in item:
        raise SamplesError(f"{where}: an object with 'question_id' expected, as the first item is")
    task_id = task_id_of(item["question_id"], where)
    lists = {key: item[key] for key in ("code_list", "output_list") if item.get(key) is not None}
    if not lists or not all(isinstance(texts, list) for texts in lists.values()):
        raise SamplesError(f"{where}: {task_id} has no list of samples, neither code_list nor output_list")
    if len({len(texts) for texts in lists.values()}) > 1:
        sizes = " and ".join(f"{len(texts)} in {key}" for key, texts in lists.items())
        raise SamplesError(f"{where}: {task_id} has {sizes}: which are its samples cannot be known")
    form = SOLUTION if "code_list" in lists else RESPONSE
    for text in lists.get("code_list", lists.get("output_list", [])):
        source.add(task_id, text, form, where)


def _lm_eval(source: Source, item: object, where: str) -> None:
    if not isinstance(item, dict) or "resps" not in item:
        raise SamplesError(f"{where}: a document of lm-eval expected, as the first item is")
    source.add_lm_eval(item, where)


# ---------------------------------------------------------------------- Inspect


def is_inspect(document: Mapping[str, object]) -> bool:
    """Return whether an object is a log of Inspect."""
    return isinstance(document.get("eval"), dict) and "status" in document


def read_inspect(source: Source, log: Mapping[str, object]) -> None:
    """Take in a log of Inspect; `SamplesError` where it holds no samples."""
    samples = log.get("samples")
    if not isinstance(samples, list):
        raise SamplesError(f"{source.path}: this log of Inspect has no samples in it (--no-log-samples)")
    _inspect(source, log, [(sample, f"{source.path}: sample {n + 1}") for n, sample in enumerate(samples)])


def read_zip(source: Source) -> None:
    """Take in a zip, which is a log of Inspect.

    Raises:
        SamplesError: it is none, or broken, or packed in a way that this Python cannot unpack.
    """
    path = source.path
    if not path.is_file():
        raise SamplesError(f"{path}: a zip cannot be read from a pipe; name the file")
    files = _unpacked(path)
    head = next((name for name in _HEADS if name in files), None)
    if head is None:
        raise SamplesError(f"{path}: a zip that is no log of Inspect (no header.json): unpack it first")
    log = {"status": "started", **_object(files[head], f"{path}: {head}")}
    names = [name for name in files if name not in _HEADS]
    _inspect(source, log, ((_object(files[name], f"{path}: {name}"), f"{path}: {name}") for name in names))


def _unpacked(path: Path) -> dict[str, bytes]:
    """Return the heads and the samples in a log, by their names in it."""
    try:
        with zipfile.ZipFile(path) as file:
            wanted = (n for n in file.namelist() if n in _HEADS or re.fullmatch(r"samples/.+\.json", n))
            return {name: file.read(name) for name in wanted}
    except OSError as error:
        raise SamplesError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (NotImplementedError, RuntimeError) as error:
        raise SamplesError(
            f"{path}: this zip cannot be unpacked here ({error}): pip install 'passk-tasks[inspect]', or "
            "write it as JSON with `inspect log dump`"
        ) from error
    except Exception as error:  # each way of packing has errors of its own
        raise SamplesError(f"{path}: the zip is broken ({error}); copy the file again") from error


def _inspect(source: Source, log: Mapping[str, object], samples: Iterable[tuple[object, str]]) -> None:
    if log.get("status") != "success":
        source.warnings.append(
            f"{source.path}: the run of Inspect did not end well (status {log.get('status')!r:.40}): samples "
            "may be missing"
        )
    answers, failed = [], []
    places: dict[tuple[str, int], str] = {}
    for sample, where in samples:
        if not isinstance(sample, dict) or "id" not in sample:
            raise SamplesError(f"{where}: a sample of Inspect with 'id' expected")
        task_id, epoch, output = task_id_of(sample["id"], where), sample.get("epoch", 1), sample.get("output")
        if sample.get("error") is not None:
            failed.append(f"{task_id}, epoch {epoch}")
            continue
        if not isinstance(output, dict) or not isinstance(epoch, int):
            raise SamplesError(f"{where}: {task_id} has no 'output', or no number for 'epoch'")
        text = _inspect_text(output.get("choices"), sample.get("attachments"), where)
        if places.setdefault((task_id, epoch), where) != where:
            raise SamplesError(
                f"{where}: {task_id}, epoch {epoch}, was given already at {places[task_id, epoch]}"
            )
        answers.append(_Answer(task_id, epoch, 0, text, where))
    _add(source, answers)
    _say_failed(source, failed, "samples ended with an error of Inspect's")


def _inspect_text(choices: object, attachments: object, where: str) -> str:
    """Return the text that Inspect scores, the first choice's; the model gave nothing where there is none."""
    if not isinstance(choices, list):
        raise SamplesError(f"{where}: the sample's output has no 'choices'")
    text = _text(choices[0], where) if choices else ""
    if not text.startswith("attachment://"):
        return text
    held = attachments.get(text.removeprefix("attachment://")) if isinstance(attachments, dict) else None
    if not isinstance(held, str):
        raise SamplesError(f"{where}: the answer is {text:.60}, which the log does not hold")
    return held


# ---------------------------------------------------------------------- OpenAI


def is_batch(line: Mapping[str, object]) -> bool:
    """Return whether a line is one of the output of a batch."""
    return "custom_id" in line and "response" in line


def read_batch(source: Source, lines: Iterable[tuple[Mapping[str, object], str]]) -> None:
    """Take in the output of a batch: `custom_id` is the task_id, or `task_id#number` of one of its samples.

    The lines stand in any order. Requests that failed have no sample, and the warnings say how many.

    Raises:
        SamplesError: a line of something else, a custom_id given twice, or an answer that is no text.
    """
    answers: list[_Answer] = []
    failed: list[str] = []
    places: dict[object, str] = {}
    for line, where in lines:
        if not is_batch(line) or COMPLETION in line or SOLUTION in line:
            raise SamplesError(f"{where}: a batch's answer expected, with custom_id and response alone")
        name = task_id_of(line["custom_id"], where)
        if places.setdefault(name, where) != where:
            raise SamplesError(f"{where}: custom_id {name!r} was given already at {places[name]}")
        response = line["response"]
        body = response.get("body") if isinstance(response, dict) else None
        if line.get("error") is not None or not isinstance(body, dict) or body.get("error") is not None:
            failed.append(name)
            continue
        task_id, _, number = name.rpartition("#") if re.search(r".#[0-9]{1,18}$", name) else (name, "", "0")
        texts = _texts(body, where)
        answers += [_Answer(task_id, int(number), place, text, where) for place, text in enumerate(texts)]
        failed += [] if texts else [name]
    _add(source, answers)
    _say_failed(source, failed, "requests of the batch failed")


def _texts(body: Mapping[str, object], where: str) -> list[str]:
    """Return the texts of chat completions, completions, or a response."""
    choices = body.get("choices")
    if isinstance(choices, list):
        numbers = [choice.get("index", 0) if isinstance(choice, dict) else 0 for choice in choices]
        if not all(type(number) is int for number in numbers):
            raise SamplesError(f"{where}: a choice with no number for 'index'")
        return [
            _text(choices[place], where) for place in sorted(range(len(choices)), key=numbers.__getitem__)
        ]
    if isinstance(body.get("output"), list):
        return [_answer_text(body["output"], where)]
    raise SamplesError(f"{where}: the response's body has neither 'choices' nor 'output'")


# ---------------------------------------------------------------------- what they share


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer, and what it is ordered by among those of its problem."""

    task_id: str
    number: int
    choice: int
    text: str
    where: str


def _add(source: Source, answers: Sequence[_Answer]) -> None:
    """Take in answers that stand in any order, those of a problem by their numbers."""
    for answer in sorted(answers, key=lambda answer: (answer.number, answer.choice)):
        source.add(answer.task_id, answer.text, RESPONSE, answer.where)


def _text(choice: object, where: str) -> str:
    """Return the text of one choice: its message's, or its own where it completes a prompt."""
    if not isinstance(choice, dict) or not ("message" in choice or "text" in choice):
        raise SamplesError(f"{where}: a choice without 'message' or 'text'")
    return _answer_text(choice["message"] if "message" in choice else choice["text"], where)


def _answer_text(answer: object, where: str) -> str:
    try:
        return text_of(answer)
    except ValueError as error:
        raise SamplesError(f"{where}: {error}") from None


def _say_failed(source: Source, failed: Sequence[str], what: str) -> None:
    if failed:
        more = ", …" if failed[_SHOWN:] else ""
        source.warnings.append(
            f"{source.path}: {len(failed)} {what} and are no samples: {', '.join(failed[:_SHOWN])}{more}"
        )


def _object(raw: bytes, where: str) -> dict[str, object]:
    try:
        value = loads(raw)
    except (ValueError, RecursionError) as error:
        raise SamplesError(f"{where}: no JSON: {error}") from error
    if not isinstance(value, dict):
        raise SamplesError(f"{where}: expected a JSON object, found {type(value).__name__}")
    return value
