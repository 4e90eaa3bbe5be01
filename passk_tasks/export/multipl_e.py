"""MultiPL-E: a results file for each problem, as its evaluation writes them and `pass_k.py` reads them.

nuprl/MultiPL-E, pass_k.py: correct is status OK with exit code 0; temperature 0.2 gives pass@1, 0.8 gives
pass@10 and pass@100, any other is an error. evaluation/src/main.py writes the files: the problem with its
sampling, and for each completion the whole program and how it ended. A folder is one configuration of the
hub's set.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from passk_tasks.export import base
from passk_tasks.export.base import Details, Format
from passk_tasks.export.source import Source
from passk_tasks.scoring.candidates import Candidate
from passk_tasks.verdict import Verdict

_COLUMNS = ("name", "language", "prompt", "tests")
_TEMPERATURES = (0.2, 0.8)


class MultiPLE(Format):
    """A gzipped file a problem, with every program and how it ended."""

    name: ClassVar[str] = "multipl-e"
    summary: ClassVar[str] = "MultiPL-E: NAME.results.json.gz for each problem"

    def missing(self, sources: Sequence[Source], details: Details) -> Iterator[str]:
        """Every problem of one language, at T = 0.2 or 0.8."""
        (source,) = sources
        absent = list(base.demand_columns(source, _COLUMNS, "MultiPL-E"))
        yield from absent
        if not absent:
            for row in source.rows.values():
                for column, what in (
                    ("name", "names that can be files'"),
                    ("language", "languages that can be folders'"),
                ):
                    yield from base.demand_name(str(row[column]), f"problems' {what}", "--data-files")
        yield from base.demand_all(source)
        yield from base.demand_sampling(source, temperatures=_TEMPERATURES)

    def files(self, sources: Sequence[Source], details: Details) -> dict[str, bytes]:
        """One file a problem, in a folder for the language."""
        (source,) = sources
        date = source.run.date
        timestamp = 0 if date is None else int(date.timestamp())
        files = {}
        for _, row, candidates in source.in_order():
            content = {
                "name": row["name"],
                "language": row["language"],
                "temperature": source.temperature,
                **({} if source.top_p is None else {"top_p": source.top_p}),
                "prompt": row["prompt"],
                "tests": row["tests"],
                **({"stop_tokens": row["stop_tokens"]} if "stop_tokens" in row else {}),
                "results": [_result(row, candidate, timestamp) for candidate in candidates],
            }
            packed = gzip.compress(json.dumps(content).encode("ascii"), mtime=timestamp)
            files[f"{source.hub_name or row['language']}/{row['name']}.results.json.gz"] = packed
        return files

    def note(self, sources: Sequence[Source], details: Details) -> str:
        """What reads them."""
        k = "1" if sources[0].temperature == _TEMPERATURES[0] else "10 and pass@100"
        return (
            f"MultiPL-E's pass_k.py DIR reads the folder; at this temperature it prints pass@{k}. There is "
            "no submission of such files: they are for whoever compares with published ones."
        )


def _result(row: Mapping[str, object], candidate: Candidate, timestamp: int) -> dict[str, object]:
    verdict = candidate.outcome.verdict
    status, exit_code = "Exception", 1
    if verdict is Verdict.PASSED:
        status, exit_code = "OK", 0
    elif verdict is Verdict.TIMEOUT:
        status, exit_code = "Timeout", -1
    elif verdict is Verdict.SYNTAX_ERROR:
        status = "SyntaxError"
    return {
        "program": f"{candidate.code or ''}\n{row['tests']}",
        "stdout": "",
        "stderr": candidate.outcome.detail,
        "exit_code": exit_code,
        "status": status,
        "timestamp": timestamp,
    }
