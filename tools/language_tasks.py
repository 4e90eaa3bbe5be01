"""Writes the task YAML of MultiPL-E and HumanEvalPack: one small file a task, since lm-eval wants that.

    python tools/language_tasks.py

What tasks share stands in the files that they include; here is what differs. A test holds that the files are
as this writes them.
"""

from __future__ import annotations

from pathlib import Path

from passk_tasks.benchmarks import humanevalpack, multipl_e
from passk_tasks.extraction.languages import syntax

FOLDER = Path(__file__).resolve().parents[1] / "task_configs"
SOURCES = {"humaneval": "HumanEval", "mbpp": "MBPP"}
SIX = ("cpp", "java", "js", "php", "rs", "sh")

_TASK = """\
# Written by tools/language_tasks.py; what it means stands in the file that it includes.
include: {include}
task: {name}
{kwargs}metadata:
  version: 1.0
  description: {description}
  passk:
    benchmark: {benchmark}
    dataset: hub
    judge: {judge}
    extraction: {extraction}
    samples: {samples}
    k: {k}
{more}"""
_PYTHON_STOPS = """\
generation_kwargs:
  until: ["\\nclass", "\\ndef", "\\n#", "\\n@", "\\nprint", "\\nif", "\\nassert"]
  max_gen_toks: 2048
  do_sample: true
  temperature: 0.2
  top_p: 0.95
"""
_CHAT_LENGTH = """\
generation_kwargs:
  until: []
  max_gen_toks: 16384
  do_sample: true
  temperature: 0.2
  top_p: 0.95
"""
_GROUP = """\
# Written by tools/language_tasks.py. {what}: the mean over the languages, whatever their number of problems,
# as model cards give it for MultiPL-E (arXiv:2208.08227; nuprl/MultiPL-E, README.md).
group: {name}
task:
{members}aggregate_metric_list:
  - metric: pass@1
    aggregation: mean
    weight_by_size: false
metadata:
  version: 1.0
"""


def files() -> dict[str, str]:
    """Return the content of every file by its path below `task_configs`."""
    return {**_multipl_e(), **_humanevalpack(), **_groups()}


def _multipl_e() -> dict[str, str]:
    content = {}
    for family in multipl_e.FAMILIES:
        what = f"MultiPL-E, {SOURCES[family.source]} in {syntax(family.language).title}"
        for suffix, how, extraction, samples, k in (
            ("", "code completion, 20 samples at T=0.2", "completion", 20, [1, 10]),
            ("_instruct", "for chat models, 20 samples at T=0.2", "answer", 20, [1, 10]),
            ("_n200", "code completion, 200 samples at T=0.8", "completion", 200, [1, 10, 100]),
        ):
            name = f"passk_{family.name}{suffix}"
            content[f"multiple/{name}.yaml"] = _TASK.format(
                include=f"_multiple{suffix}_yaml",
                name=name,
                kwargs="",
                description=f"{what}, {how}",
                benchmark=family.name,
                judge="command",
                extraction=extraction,
                samples=samples,
                k=k,
                more="",
            )
    return content


def _humanevalpack() -> dict[str, str]:
    words = {
        "synthesize": "writing",
        "fixtests": "fixing by the tests",
        "fixdocs": "fixing by the docstring",
        "explain": "explaining and writing again",
    }
    content = {}
    for family in humanevalpack.FAMILIES:
        python = family.language == "py"
        title = "Python" if python else syntax(family.language).title
        for suffix, how, extraction, kwargs in (
            ("", "code completion", "completion", _PYTHON_STOPS if python else ""),
            ("_instruct", "for chat models", "answer", _CHAT_LENGTH),
        ):
            name = f"passk_{family.name}{suffix}"
            content[f"humanevalpack/{name}.yaml"] = _TASK.format(
                include=f"_{family.kind}_yaml",
                name=name,
                kwargs=kwargs,
                description=f"HumanEvalPack, {words[family.kind]} in {title}, {how}, 20 samples at T=0.2",
                benchmark=family.name,
                judge="isolated" if python else "command",
                extraction=extraction,
                samples=20,
                k=[1, 10],
                more="    timeout_s: 10\n",
            )
    return content


def _groups() -> dict[str, str]:
    every = [f"passk_{family.name}" for family in multipl_e.FAMILIES]
    six = [f"passk_multiple_humaneval_{language}" for language in SIX]
    return {
        f"groups/{name}.yaml": _GROUP.format(
            name=name, what=what, members="".join(f"  - {member}\n" for member in members)
        )
        for name, what, members in (
            ("passk_multiple_six", "HumanEval in the six languages that model cards report", six),
            ("passk_multiple_all", "HumanEval and MBPP in every language", every),
        )
    }


def main() -> None:
    """Write the files, and remove those that are not written any more."""
    content = files()
    for folder in ("multiple", "humanevalpack"):
        for path in (FOLDER / folder).glob("*.yaml"):
            if f"{folder}/{path.name}" not in content:
                path.unlink()
    for relative, text in content.items():
        (FOLDER / relative).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
