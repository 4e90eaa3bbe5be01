"""Tests of infilling through lm-eval: the prompt, the stop sequences, the candidate."""

from __future__ import annotations

import re

import hub_layout
import pytest
from support import ROOT, record

from passk_tasks.errors import PreflightError
from passk_tasks.harness import run
from passk_tasks.tasks.settings import Settings, from_metadata

NAME = "passk_humaneval_infilling_random_span"
PREFIX, SUFFIX = hub_layout.rows("humaneval_infilling_random_span")[1]["prompt"], " b)"


@pytest.mark.parametrize(
    ("fim", "asked", "stops"),
    [
        ("codellama", f"<PRE> {PREFIX} <SUF>{SUFFIX} <MID>", [" <EOT>", "▁<EOT>", "<EOT>"]),
        ("<s>{suffix}<p>{prefix}", f"<s>{SUFFIX}<p>{PREFIX}", []),
    ],
)
def test_the_family_s_own_tokens(evaluate, canned, here, fim, asked, stops) -> None:
    """The model sees prefix and suffix in its own tokens, and its end-of-middle tokens stop it."""
    model = canned(lambda doc, _: doc["canonical_solution"] + "".join(f"{stop} f(" for stop in stops))
    found = evaluate(model, NAME, metadata={**here(NAME), "passk.fim": fim}, limit=None)
    assert found["results"][NAME]["pass@1,none"] == 1.0
    _, request = model.requests
    assert request.args[0] == asked
    assert request.args[1]["until"] == stops
    assert record(found, NAME)["generation_kwargs"]["until"] == stops


def test_stops_of_one_s_own_stay(evaluate, canned, here) -> None:
    """Stop sequences from --gen_kwargs come after the family's."""
    model = canned(lambda doc, _: doc["canonical_solution"])
    evaluate(model, NAME, metadata={**here(NAME), "passk.fim": "codellama"}, gen_kwargs={"until": ["\n\n"]})
    assert model.requests[0].args[1]["until"] == [" <EOT>", "▁<EOT>", "<EOT>", "\n\n"]


def test_without_a_choice(evaluate, canned, here) -> None:
    """Without `passk.fim` nothing is generated, and the families are listed."""
    model = canned(lambda doc, _: "")
    with pytest.raises(
        PreflightError, match=r"passk\.fim=NAME, one of starcoder, .*, codegemma, or give your own text"
    ):
        evaluate(model, NAME, metadata={**here(NAME), "passk.fim": ""})
    assert model.requests == []


def test_a_template_on_the_command_line() -> None:
    """A template of one's own comes through lm-eval's parser as JSON, and is what docs/tasks.md shows."""
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    (metadata,) = re.findall(r"`--metadata '(\{.*fim.*\})'`", page)
    arguments = run.parse(["--model", "hf", "--tasks", NAME, "--metadata", metadata])
    settings = Settings.parse(from_metadata(arguments.metadata), where="README")
    assert settings.fim == "<S>{suffix}<P>{prefix}<M>"
