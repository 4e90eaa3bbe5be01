"""What a run says of whom it asked, and with which texts: labels and prompts, from journal to comparison."""

from __future__ import annotations

from support import canonical

from passk_tasks.compare import compare
from passk_tasks.results import reading, sample_files
from passk_tasks.results.samples import as_text, prompt_of
from passk_tasks.scoring.saved import score_samples

SETTINGS = {"passk.samples": 2, "passk.k": 1, "passk.label": "a try", "passk.tags": "x,y"}


def test_a_journal_knows_what_was_asked(evaluate, canned, state_folder, tmp_path) -> None:
    """Scored from the journal, a run has its label, its texts, and each prompt as it was sent."""
    told = "You write Python."
    for instruction in (None, told):
        evaluate(canned(canonical), metadata=dict(SETTINGS), limit=2, system_instruction=instruction)
    journals = sorted(state_folder.glob("passk_journal_*"), key=lambda path: path.stat().st_mtime_ns)
    header = sample_files.read(journals[0]).header
    assert header is not None
    assert (header.settings["label"], header.settings["tags"]) == ("a try", ["x", "y"])
    for number, journal in enumerate(journals):
        score_samples(journal, out=tmp_path / str(number))
    plain, instructed = reading.load_all([tmp_path / "0", tmp_path / "1"])
    assert (plain.label, plain.tags, plain.note) == ("a try", ("x", "y"), None)
    assert (plain.conditions.prompt, plain.conditions.system_instruction) == ("{{prompt}}", "none")
    assert instructed.conditions.system_instruction == told
    assert plain.model == "Canned"
    assert plain.prompts.keys() == plain.outcomes.keys()
    assert plain.prompts["HumanEval/0"].startswith("from typing import List")
    assert all(told in prompt for prompt in instructed.prompts.values())
    found = compare([plain, instructed])
    assert [one.name for one in found.conditions] == ["system_instruction"]
    assert found.conditions[0].values == ("none", told)


def test_lm_eval_s_results_have_the_label(evaluate, canned) -> None:
    """It stands among the settings of the run, where `passk label` changes it."""
    found = evaluate(canned(canonical), metadata=dict(SETTINGS), limit=1)
    settings = found["configs"]["passk_humaneval"]["metadata"]["passk_results"]["settings"]
    assert (settings["label"], settings["tags"]) == ("a try", ["x", "y"])
    assert "note" not in settings


def test_prompts_are_text_however_they_are_logged() -> None:
    """Plain ones, those of chats as JSON and as lists, in either layout of lm-eval; nothing else is one."""
    chat = '[{"role": "system", "content": "Be short."}, {"role": "user", "content": "1 + 1?"}]'
    shown = "[system]\nBe short.\n\n[user]\n1 + 1?"
    for given, text in ((chat, shown), ([chat], shown), ("def f():", "def f():"), ("[1, 2]", "[1, 2]")):
        assert prompt_of({"gen_args_0": {"arg_0": given, "arg_1": {}}}) == text
        assert prompt_of([[given, {}]]) == text
    assert as_text([{"role": "user", "content": [{"type": "text", "text": "a"}]}]) == (
        '[user]\n[{"type": "text", "text": "a"}]'
    )
    for nothing in (None, {}, [], {"gen_args_0": {}}, [[3]], "text"):
        assert prompt_of(nothing) is None
