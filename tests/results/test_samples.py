from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passk_tasks import benchmarks
from passk_tasks.errors import SamplesError
from passk_tasks.results import sample_files, samples

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def jsonl(path, *lines):
    """Write objects, or lines given as text, and return the path."""
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def texts(read):
    """Return what matters of each sample but its place."""
    return [(sample.task_id, sample.index, sample.text, sample.form) for sample in read.samples]


def lm_eval_line(task_id, resps, filter_="passk", until=("\ndef ",), **more):
    """Return a line as lm-eval 0.4.13 logs it, with the keys that matter here."""
    arguments = {
        f"gen_args_{i}": {"arg_0": "prompt", "arg_1": {"until": list(until), "do_sample": True}}
        for i in range(len(resps or [None]))
    }
    doc = {"task_id": task_id, "prompt": "def f():\n"}
    return {"doc_id": 0, "doc": doc, "resps": resps, "filter": filter_, "arguments": arguments, **more}


def test_human_eval_lines_are_numbered_per_problem_in_their_order(tmp_path):
    """Samples of interleaved problems each get the next number of their own problem."""
    path = jsonl(
        tmp_path / "s.jsonl",
        {"task_id": "HumanEval/1", "completion": "a"},
        {"task_id": "HumanEval/0", "completion": "b", "tokens": 3},
        {"task_id": "HumanEval/1", "completion": "c"},
    )
    read = sample_files.read(path)
    assert texts(read) == [
        ("HumanEval/1", 0, "a", "completion"),
        ("HumanEval/0", 0, "b", "completion"),
        ("HumanEval/1", 1, "c", "completion"),
    ]
    assert [sample.origin for sample in read.samples] == [f"{path}:{n}" for n in (1, 2, 3)]
    assert read.header is None


def test_a_solution_wins_over_a_completion(tmp_path):
    """EvalPlus lines may carry both; the self-contained one counts, unless it is null."""
    path = jsonl(
        tmp_path / "s.jsonl",
        {"task_id": "HumanEval/0", "completion": "a", "solution": "b"},
        {"task_id": "HumanEval/0", "completion": "a", "solution": None},
        {"task_id": "HumanEval/0", "solution": ""},
    )
    assert texts(sample_files.read(path)) == [
        ("HumanEval/0", 0, "b", "solution"),
        ("HumanEval/0", 1, "a", "completion"),
        ("HumanEval/0", 2, "", "solution"),
    ]


def test_several_files_and_compressions_continue_the_numbers(tmp_path):
    """A second file, gzipped under any name, continues the numbering of the first."""
    first = jsonl(tmp_path / "a.jsonl", {"task_id": "HumanEval/0", "completion": "a"})
    second = tmp_path / "b.jsonl"
    second.write_bytes(gzip.compress(b'\n{"task_id": "HumanEval/0", "completion": "b"}\n'))
    read = sample_files.read([first, str(second)])
    assert [(s.index, s.text, s.origin) for s in read.samples] == [
        (0, "a", f"{first}:1"),
        (1, "b", f"{second}:2"),
    ]


def test_a_folder_of_solutions_is_read_in_numeric_order(tmp_path):
    """EvalPlus' folder gives its files by problem and number, 2 before 10, other things left alone."""
    for name in (
        "HumanEval_10/0.py",
        "HumanEval_2/10.py",
        "HumanEval_2/2.py",
        "HumanEval_2/__pycache__/x.pyc",
    ):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(name)
    assert texts(sample_files.read(tmp_path / "out")) == [
        ("HumanEval/2", 0, "HumanEval_2/2.py", "solution"),
        ("HumanEval/2", 1, "HumanEval_2/10.py", "solution"),
        ("HumanEval/10", 0, "HumanEval_10/0.py", "solution"),
    ]


def test_a_folder_without_solutions_names_the_files_in_it(tmp_path):
    """The folder that lm-eval writes to holds no solutions; the error points at its samples file."""
    (tmp_path / "samples_passk_humaneval_2026.jsonl").write_text("")
    with pytest.raises(SamplesError, match=r"name a file in it: samples_passk_humaneval_2026\.jsonl"):
        sample_files.read(tmp_path)


def test_lm_evals_samples_are_joined_on_the_documents_task_id(tmp_path):
    """The wrong doc_id that lm-eval logs under --samples is not looked at."""
    path = jsonl(
        tmp_path / "samples_x.jsonl",
        {**lm_eval_line("HumanEval/5", [["a", "b"]]), "doc_id": 0},
        {**lm_eval_line("HumanEval/3", [["c", "d"]]), "doc_id": 1},
    )
    read = sample_files.read(path)
    assert texts(read) == [
        ("HumanEval/5", 0, "a", "response"),
        ("HumanEval/5", 1, "b", "response"),
        ("HumanEval/3", 0, "c", "response"),
        ("HumanEval/3", 1, "d", "response"),
    ]
    assert read.until == ("\ndef ",)


def test_one_request_a_sample_reads_like_one_request_with_n(tmp_path):
    """Under distinct seeds lm-eval logs n lists of one text each; they are the same n samples."""
    one = sample_files.read(jsonl(tmp_path / "one.jsonl", lm_eval_line("HumanEval/0", [["a", "b", "c"]])))
    many = sample_files.read(
        jsonl(tmp_path / "many.jsonl", lm_eval_line("HumanEval/0", [["a"], ["b"], ["c"]]))
    )
    assert texts(one) == texts(many)


def test_a_second_filters_lines_are_not_more_samples(tmp_path):
    """lm-eval repeats a document once a filter; its responses count once."""
    path = jsonl(
        tmp_path / "s.jsonl",
        lm_eval_line("HumanEval/0", [["a"]], "first"),
        lm_eval_line("HumanEval/1", [["b"]], "first"),
        lm_eval_line("HumanEval/0", [["a"]], "second"),
        lm_eval_line("HumanEval/1", [["b"]], "second"),
    )
    assert [sample.text for sample in sample_files.read(path).samples] == ["a", "b"]


@pytest.mark.parametrize("as_list", [False, True])
def test_only_a_repeated_document_is_left_out_for_its_filter(tmp_path, as_list):
    """Files put together may have other filters, or no lm-eval line first; none of their samples is lost."""
    lines = [
        lm_eval_line("HumanEval/0", [["a"]], "first"),
        lm_eval_line("HumanEval/0", [["a"]], "second"),
        lm_eval_line("HumanEval/1", [["b"]], "second"),
        lm_eval_line("HumanEval/0", [["another run"]], "second"),
    ]
    path = tmp_path / "s.jsonl"
    if as_list:
        path.write_text(json.dumps(lines))
    else:
        jsonl(path, {"task_id": "HumanEval/2", "completion": "c"}, *lines)
    found = [text for _, _, text, _ in texts(sample_files.read(path))]
    assert found == [*(["c"] if not as_list else []), "a", "b", "another run"]


def test_extra_responses_of_a_padded_rank_are_spoken_of(tmp_path):
    """A problem with more responses than the others is named, with the setting that cuts them off."""
    path = jsonl(
        tmp_path / "s.jsonl",
        *(lm_eval_line(f"HumanEval/{i}", [["a"] * 3]) for i in range(3)),
        lm_eval_line("HumanEval/3", [["a"] * 6]),
    )
    (warning,) = sample_files.read(path).warnings
    assert "HumanEval/3 has 6" in warning
    assert "--set samples=3" in warning


def test_several_runs_of_lm_eval_are_pooled_with_a_warning(tmp_path):
    """A pattern that matches the files of two runs doubles n; that is said, with both files."""
    files = [jsonl(tmp_path / f"{text}.jsonl", lm_eval_line("HumanEval/0", [[text]])) for text in "ab"]
    read = sample_files.read(files)
    assert [sample.index for sample in read.samples] == [0, 1]
    assert read.warnings == (f"{files[0]} and {files[1]} both have samples of HumanEval/0; they are pooled",)
    assert read.runs == tuple(files)


def test_one_file_named_twice_is_one(tmp_path, monkeypatch):
    """The same file under two spellings of its path gives its samples once."""
    jsonl(tmp_path / "s.jsonl", GOOD)
    monkeypatch.chdir(tmp_path)
    assert len(sample_files.read(["s.jsonl", tmp_path / "s.jsonl"]).samples) == 1


DATE, LATER = "2026-11-28T10-00-00.000001", "2026-11-29T10-00-00.000001"


def two_lines(first="a", second="b"):
    """Return lm-eval's lines of two problems with two samples each."""
    return [lm_eval_line(f"HumanEval/{i}", [[f"{first}{i}", f"{second}{i}"]]) for i in range(2)]


def test_a_copy_counts_once_whatever_its_name(tmp_path):
    """A file, its copy under another name, and its gzipped copy are the samples of one run; that is said."""
    name = f"samples_passk_humaneval_{DATE}.jsonl"
    one = jsonl(tmp_path / name, *two_lines())
    (tmp_path / "other").mkdir()
    copies = [tmp_path / "other" / name, tmp_path / "copy.jsonl", tmp_path / f"{name}.gz"]
    for copy in copies[:2]:
        copy.write_bytes(one.read_bytes())
    copies[2].write_bytes(gzip.compress(one.read_bytes()))
    read = sample_files.read([one, *copies])
    assert texts(read) == texts(sample_files.read(one))
    assert read.runs == ()
    assert read.warnings == tuple(f"4 samples of {copy} are in {one} too; they count once" for copy in copies)


def test_equal_texts_of_two_dates_are_two_runs(tmp_path):
    """Greedy runs may leave equal files; lm-eval's dates tell them apart, and their samples add up."""
    files = [
        jsonl(tmp_path / f"samples_passk_humaneval_{date}.jsonl", *two_lines()) for date in (DATE, LATER)
    ]
    read = sample_files.read(files)
    assert read.runs == tuple(files)
    assert [(s.task_id[-1], s.index) for s in read.samples] == [
        *(("0", 0), ("0", 1), ("1", 0), ("1", 1)),
        *(("0", 2), ("0", 3), ("1", 2), ("1", 3)),
    ]


def test_parts_of_one_run_need_no_word(tmp_path):
    """Files with other problems each, or one that has the beginning of another, are of one run."""
    first, second = two_lines()
    shards = [
        jsonl(tmp_path / f"samples_t_{DATE}.jsonl", first),
        jsonl(tmp_path / f"samples_t_{LATER}.jsonl", second),
    ]
    assert (sample_files.read(shards).runs, len(sample_files.read(shards).samples)) == ((), 4)
    broken_off = jsonl(tmp_path / "part.jsonl", first)
    whole = jsonl(tmp_path / "whole.jsonl", first, second)
    assert len(sample_files.read([broken_off, whole]).samples) == 4


def test_three_runs_are_numbered_on(tmp_path):
    """Each further run begins where the last sample of a problem ended, with copies of it in between."""
    files = [jsonl(tmp_path / f"{text}.jsonl", *two_lines(text)) for text in "acd"]
    copy = tmp_path / "again.jsonl"
    copy.write_bytes(files[1].read_bytes())
    read = sample_files.read([*files[:2], copy, files[2]])
    numbers = [s.index for s in read.samples if s.task_id == "HumanEval/1"]
    assert numbers == [0, 1, 2, 3, 4, 5]
    assert read.runs == tuple(files)


def journal_of(path, *entries, n=2):
    """Write a journal with (task_id, index, text) entries."""
    from passk_tasks.results.journal import Journal, JournalHeader

    with Journal(path, JournalHeader("t", "1", {"samples": n}, (), "00")) as journal:
        for entry in entries:
            journal.write(*entry)
    return path


def test_a_journal_may_stand_beside_the_samples_of_its_run(tmp_path):
    """lm-eval's samples of a run, with a rank's padding in them, add nothing to the run's journal."""
    entries = [(f"HumanEval/{i}", j, f"{'ab'[j]}{i}") for i in range(2) for j in range(2)]
    journal = journal_of(tmp_path / "j.jsonl", *entries)
    padded = [two_lines()[0], lm_eval_line("HumanEval/1", [["a1", "b1", "a1", "b1"]])]
    logged = jsonl(tmp_path / f"samples_t_{DATE}.jsonl", *padded)
    for paths in ([journal, logged], [logged, journal]):
        read = sample_files.read(paths)
        assert texts(read) == texts(sample_files.read(journal))
        assert read.header is not None
    with pytest.raises(SamplesError, match=r"not a journal, but .*j\.jsonl is one, of other samples"):
        sample_files.read([journal, jsonl(tmp_path / "b.jsonl", *two_lines("other"))])


def test_journals_of_two_runs_are_two_runs(tmp_path):
    """Journals that give other texts for one sample are named, and their samples are numbered on."""
    files = [journal_of(tmp_path / f"{text}.jsonl", ("HumanEval/0", 0, text), n=1) for text in "ab"]
    read = sample_files.read(files)
    assert read.runs == tuple(files)
    assert [(s.index, s.text) for s in read.samples] == [(0, "a"), (1, "b")]


def test_the_first_samples_of_every_problem_can_be_taken():
    """`first` keeps n of each problem in their order, counts the rest, and misses none silently."""
    given = samples.Samples()
    for i, t in itertools.product(range(3), "ab"):
        given.append(samples.Sample(t, i, "", "completion", f"f:{i}"))
    kept, left_out = samples.first(given, 2)
    assert [(s.task_id, s.index) for s in kept] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert left_out == 2
    with pytest.raises(SamplesError, match=r"f:2: samples=4 were asked for, but a has 3"):
        samples.first(given, 4)


def test_the_first_samples_are_those_with_the_lowest_numbers():
    """A journal's lines may stand in any order; its numbers say which samples come first."""
    given = samples.Samples()
    for index in (3, 0, 2, 1):
        given.append(samples.Sample("a", index, f"text {index}", "response", "x:1"))
    kept, left_out = samples.first(given, 2)
    assert sorted(sample.index for sample in kept) == [0, 1]
    assert left_out == 2


def test_recorded_stop_sequences_that_differ_are_left_to_the_task(tmp_path):
    """Two files made with different stop sequences give none, and a warning."""
    path = jsonl(
        tmp_path / "s.jsonl",
        lm_eval_line("HumanEval/0", [["a"]]),
        lm_eval_line("HumanEval/1", [["a"]], until=[]),
    )
    read = sample_files.read(path)
    assert read.until is None
    assert "different stop sequences" in read.warnings[0]


@pytest.mark.parametrize(
    ("resps", "expected"),
    [
        (None, [""]),
        ([], [""]),
        ([[]], [""]),
        ([None], [""]),
        ([[None]], [""]),
        ([[None, "a"]], ["", "a"]),
        ([["a"], []], ["a", ""]),
        ([[[]]], [""]),
        ([[[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]]], ["ab"]),
        ([[{"role": "assistant", "content": [{"type": "text", "text": "a"}]}]], ["a"]),
        ([[{"content": None}]], [""]),
        (["a", None], ["a", ""]),
    ],
)
def test_an_answer_that_is_no_bare_text(tmp_path, resps, expected):
    """Null and empty lists are an answer without text, parts and messages are the text in them."""
    read = sample_files.read(jsonl(tmp_path / "s.jsonl", lm_eval_line("HumanEval/0", resps)))
    assert [(sample.text, sample.form) for sample in read.samples] == [
        (text, "response") for text in expected
    ]


def test_a_completion_that_is_null_is_an_answer_without_text(tmp_path):
    """A line whose completion or solution is null counts its problem as answered with nothing."""
    path = jsonl(
        tmp_path / "s.jsonl",
        {"task_id": "HumanEval/0", "completion": None},
        {"task_id": "HumanEval/1", "solution": None, "completion": None},
    )
    assert texts(sample_files.read(path)) == [(f"HumanEval/{i}", 0, "", "response") for i in range(2)]


@pytest.mark.parametrize(
    "doc",
    [
        {"id": "sample_1"},
        {"question_id": "sample_1", "id": 7},
        {"problem_id": "sample_1"},
        {"name": "sample_1"},
        {"metadata": {"problem_id": "sample_1"}},
        {"task_id": "sample_1", "id": 3, "name": "x"},
    ],
)
def test_a_document_names_its_problem_in_the_dataset_s_own_column(tmp_path, doc):
    """Stock tasks log rows as the hub has them, where the column is not everywhere `task_id`."""
    path = jsonl(tmp_path / "s.jsonl", {"doc": doc, "resps": [["a"]]})
    assert sample_files.read(path).samples[0].task_id == "sample_1"


def test_names_of_other_tools_lead_to_a_benchmark_s_problems(tmp_path):
    """One problem under two names is numbered on in a file, and a copy under other names is a copy."""
    mbpp = benchmarks.get("mbpp")
    problems = ["Mbpp/11", "Mbpp/12"]
    first = jsonl(tmp_path / "a.jsonl", *(lm_eval_line(name, [["a"]]) for name in (11, 12)))
    same = jsonl(tmp_path / "b.jsonl", *(lm_eval_line(name, [["a"]]) for name in ("Mbpp/11", "mbpp_12")))
    read = sample_files.read([first, same]).named(mbpp, problems)
    assert texts(read) == [(name, 0, "a", "response") for name in problems]
    both = jsonl(
        tmp_path / "c.jsonl", {"task_id": 11, "completion": "a"}, {"task_id": "Mbpp/11", "completion": "b"}
    )
    read = sample_files.read(both).named(mbpp, problems)
    assert [(s.task_id, s.index) for s in read.samples] == [("Mbpp/11", 0), ("Mbpp/11", 1)]
    unknown = sample_files.read(jsonl(tmp_path / "d.jsonl", {"task_id": 7, "completion": "a"})).named(
        mbpp, problems
    )
    assert unknown.samples[0].task_id == "7"


def test_a_numeric_task_id_becomes_text(tmp_path):
    """MBPP numbers its problems; they are read as the text of the number."""
    path = jsonl(tmp_path / "s.jsonl", {"task_id": 11, "completion": "a"})
    assert sample_files.read(path).samples[0].task_id == "11"


def test_a_lone_surrogate_in_a_samples_file_survives(tmp_path):
    """An escape that is no character of its own reaches the sample unchanged."""
    path = jsonl(tmp_path / "s.jsonl", '{"task_id": "HumanEval/0", "completion": "\\udfff"}')
    assert sample_files.read(path).samples[0].text == "\udfff"


GOOD = {"task_id": "HumanEval/0", "completion": "a"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('{"task_id": "HumanEval/0", "compl', "not a line of JSON"),
        ({"task_id": "HumanEval/0"}, "'task_id' with 'completion' or 'solution' expected, found 'task_id'"),
        ({"completion": "a"}, "no task_id"),
        ({"task_id": ["x"], "completion": "a"}, "task_id should be a string, not list"),
        ({"task_id": True, "completion": "a"}, "task_id should be a string, not bool"),
        (
            {"task_id": "HumanEval/0", "completion": ["a"]},
            "the completion of HumanEval/0 should be a string, not list",
        ),
        (
            {"task_id": "HumanEval/0", "solution": 3},
            "the solution of HumanEval/0 should be a string, not int",
        ),
        ({"doc": {"prompt": ""}, "resps": [["a"]]}, r"no task_id, by which samples find their problems"),
        ({"doc": {"task_id": "HumanEval/0"}, "resps": "a"}, "'resps' should be a list of lists"),
        (
            {"doc": {"task_id": "HumanEval/0"}, "resps": [[["a"]]]},
            "the response of HumanEval/0 should be a string",
        ),
        (
            {"doc": {"task_id": "HumanEval/0"}, "resps": [[7]]},
            "the response of HumanEval/0 .* is .*no text: int",
        ),
        (
            {"task_id": "HumanEval/0", "verdict": "passed", "program_sha256": ""},
            "outcomes of `passk score` have no",
        ),
        ({"passk_journal": 1}, "a journal begins inside a file"),
    ],
)
def test_a_line_that_is_no_sample_is_an_error_with_its_place(tmp_path, bad, message):
    """Whatever is wrong, the error starts with the file and the number of the line, blank lines counted."""
    path = jsonl(tmp_path / "s.jsonl", GOOD, "", bad, GOOD)
    with pytest.raises(SamplesError, match=rf"s\.jsonl:3: .*{message}"):
        sample_files.read(path)


def test_lm_evals_results_file_is_recognised_as_the_wrong_one(tmp_path):
    """One JSON document over many lines gets an error that names the file to give instead."""
    path = tmp_path / "results_2026.json"
    path.write_text(json.dumps({"results": {}}, indent=2))
    with pytest.raises(SamplesError, match=r"results_2026\.json:1: one JSON document.*samples_\*\.jsonl"):
        sample_files.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", gzip.compress(b"")], ids=["empty", "blank lines", "empty gzip"]
)
def test_a_file_without_samples_is_an_error(tmp_path, content):
    """Nothing to score is said so, with the file's name."""
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    with pytest.raises(SamplesError, match=r"empty\.jsonl: no samples"):
        sample_files.read(path)


def test_no_files_are_an_error():
    """An empty list of paths is no samples either."""
    with pytest.raises(SamplesError, match="no samples"):
        sample_files.read([])


def test_a_journal_is_not_mixed_with_other_files(tmp_path):
    """The settings of a journal are for its own samples, so other files beside it are refused."""
    from passk_tasks.results.journal import Journal, JournalHeader

    with Journal(tmp_path / "j.jsonl", JournalHeader("t", "1", {}, (), "00")) as journal:
        journal.write("HumanEval/0", 0, "a")
    with pytest.raises(SamplesError, match=r"s\.jsonl: not a journal, but .*j\.jsonl is one"):
        sample_files.read([tmp_path / "j.jsonl", jsonl(tmp_path / "s.jsonl", GOOD)])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    [
        *(
            "task_id",
            "completion",
            "solution",
            "doc",
            "resps",
            "filter",
            "arguments",
            "text",
            "sample",
            "end",
        ),
        *("passk_journal", "task", "settings", "until", "dataset_sha256", "task_version"),
    ]
)
odd_lines = st.one_of(
    st.dictionaries(
        keys, json_values | st.sampled_from([1, "HumanEval/0", {"task_id": "x"}]), max_size=6
    ).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=12),
    st.just(b'{"task_id": "HumanEval/0", "completion": "a"}'),
)


@settings(max_examples=300)
@given(lines=st.lists(odd_lines, max_size=4), gzipped=st.booleans())
def test_any_file_is_read_or_refused_with_its_name(tmp_path_factory, lines, gzipped):
    """Whatever a file holds, it is read as samples of text, or refused by an error that names it."""
    path = tmp_path_factory.mktemp("any") / "odd.jsonl"
    data = b"\n".join(lines)
    path.write_bytes(gzip.compress(data) if gzipped else data)
    try:
        read = sample_files.read(path)
    except SamplesError as error:
        assert str(error).startswith(str(path))  # noqa: PT017
    else:
        assert all(isinstance(s.text, str) and isinstance(s.task_id, str) for s in read.samples)
        assert len({(s.task_id, s.index) for s in read.samples}) == len(read.samples) > 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not beside this checkout")
def test_real_generations_are_read_whole():
    """The 164 × 20 generations of a real model are all there, each problem numbered 0 to 19."""
    read = sample_files.read(SHARED / "gemma3_270m_humaneval_n20.jsonl.gz")
    assert len(read.samples) == 164 * 20
    numbers = {}
    for sample in read.samples:
        numbers.setdefault(sample.task_id, []).append(sample.index)
    assert set(numbers) == {f"HumanEval/{i}" for i in range(164)}
    assert all(indices == list(range(20)) for indices in numbers.values())
    assert {sample.form for sample in read.samples} == {"completion"}
