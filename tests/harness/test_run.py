from __future__ import annotations

import json
import logging
import re
import shlex
import subprocess
import sys
from argparse import Namespace

import pytest
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager
from support import environment, logged, outcomes, record, results, samples_file
from under_load import HANG_S

from passk_tasks.errors import PasskError, UsageError
from passk_tasks.harness import provenance, run
from passk_tasks.harness.invocation import Invocation
from passk_tasks.plugins import TASKS
from passk_tasks.results.summary import Summary
from passk_tasks.tasks.catalog import task_configs_path

OURS = str(task_configs_path())


def parse(*arguments: str) -> Namespace:
    """The arguments that lm-eval gets."""
    return run.parse(["--tasks", "passk_humaneval", *arguments])


def test_the_help_is_our_own(capsys) -> None:
    """`passk run --help` has our defaults and settings, and points to lm-eval's help for the rest."""
    for word in ("--help", "-h"):
        with pytest.raises(SystemExit) as ended:
            parse(word)
        said = capsys.readouterr().out
        assert ended.value.code == 0
        assert said.startswith("usage: passk run ")
        for part in ("--resume [JOURNAL]", "--verbose", "default here: replay", "passk.seeds=distinct"):
            assert part in said
        assert said.endswith("all others: lm-eval run --help\n")
        assert "usage: lm-eval" not in said


def test_the_help_names_real_arguments(capsys) -> None:
    """Each argument in our help is one that the two parsers take."""
    with pytest.raises(SystemExit):
        parse("--help")
    named = set(re.findall(r"^  (--[a-z_]+)", capsys.readouterr().out, flags=re.MULTILINE))
    values = {"--model_args": ["path=x"], "--gen_kwargs": ["top_p=1"], "--metadata": ["passk.k=1"]}
    for name in ("tasks", "model", "limit", "output_path", "include_path", "label", "note", "tag"):
        values[f"--{name}"] = ["1"]
    assert named > values.keys()
    run.parse([word for name in sorted(named) for word in (name, *values.get(name, []))])


def test_the_last_lines_say_where_and_what_next(passk, tmp_path) -> None:
    """A run ends with the folder of its results and a command that reads them, or with its journal's."""
    words = ("run", "--tasks", "passk_humaneval_greedy", "--limit", "1")
    folder = tmp_path / "my results"
    stored = passk(*words, "--output_path", str(folder), XDG_STATE_HOME=str(tmp_path)).stdout
    where = folder / "embedded"
    assert stored.endswith(f"\n  results: {where}\n  next: passk runs '{where}'\n")
    assert passk("runs", str(where)).stdout.count("passk_humaneval_greedy") == 1
    kept = passk(*words, XDG_STATE_HOME=str(tmp_path)).stdout.splitlines()[-1]
    command = shlex.split(kept.removeprefix("  next: passk "))
    out = tmp_path / "out"
    assert command[0] == "score"
    assert passk(*command[:-1], str(out)).stdout.endswith(f"  next: passk report {out}\n")


def test_the_defaults_are_filled_in(capsys) -> None:
    """Without a model it is `replay` with the embedded generations, and a note says so."""
    arguments = parse()
    assert arguments.include_path == OURS
    assert (arguments.model, arguments.model_args) == ("replay", {"path": "embedded"})
    assert "--model hf --model_args pretrained=" in capsys.readouterr().err


def test_what_the_user_says_stays() -> None:
    """Every argument of lm-eval's goes through as it is."""
    arguments = parse("--model", "hf", "--model_args", "pretrained=m", "--limit", "3", "-s", "-o", "runs")
    assert (arguments.model, arguments.model_args) == ("hf", {"pretrained": "m"})
    assert (arguments.limit, arguments.log_samples, arguments.output_path) == (3.0, True, "runs")
    assert arguments.metadata is None


def test_labels_are_settings_of_our_tasks() -> None:
    """`--label`, `--note` and `--tag` become metadata beside what else is there; two labels are refused."""
    given = ("--label", "few-shot", "--note", "3, by hand", "--tag", "a", "--tag", "b")
    found = parse(*given, "--metadata", "passk.samples=2", "passk.label=few-shot").metadata
    assert found == {
        "passk.samples": 2,
        "passk.label": "few-shot",
        "passk.note": "3, by hand",
        "passk.tags": "a,b",
    }
    with pytest.raises(UsageError, match="an option gives few-shot; give it once"):
        parse(*given, "--metadata", "passk.label=another")


def test_the_users_folder_comes_besides_ours(tmp_path) -> None:
    """The user's own --include_path is kept, after ours, so that it wins; our own path is not doubled."""
    assert parse("--include_path", str(tmp_path)).include_path == [OURS, str(tmp_path)]
    assert parse("--include_path", OURS).include_path == OURS


def test_folders_of_packages_come_between(package, tmp_path) -> None:
    """Tasks of installed packages are included, after ours and before the user's own folder."""
    files = {"its/__init__.py": "", "its/tasks/t.yaml": "task: t\n"}
    theirs = str(package("its-tasks", {TASKS: {"its": "its.tasks"}}, files) / "its" / "tasks")
    assert parse().include_path == [OURS, theirs]
    assert parse("--include_path", str(tmp_path)).include_path == [OURS, theirs, str(tmp_path)]
    assert parse("--include_path", theirs).include_path == [OURS, theirs]


def test_a_package_cannot_hide_our_task(package) -> None:
    """lm-eval would run the package's task under our task's name; `passk run` refuses it."""
    files = {"its/__init__.py": "", "its/tasks/t.yaml": "task: passk_humaneval\n"}
    package("its-tasks", {TASKS: {"its": "its.tasks"}}, files)
    with pytest.raises(UsageError, match=r"t\.yaml: the task 'passk_humaneval' is already in "):
        parse()


def test_a_config_file_is_respected(tmp_path) -> None:
    """A --config file's model, include path, tasks and metadata count as said by the user."""
    path = tmp_path / "run.yaml"
    path.write_text(
        "tasks: [passk_humaneval]\nmodel: local-completions\nmodel_args: {model: m}\n"
        f"include_path: {tmp_path}\nmetadata: {{passk.samples: 4}}\n"
    )
    arguments = run.parse(["--config", str(path)])
    assert (arguments.model, arguments.model_args) == (None, None)
    assert arguments.include_path == [OURS, str(tmp_path)]
    assert arguments.metadata == {"passk.samples": 4, "passk.seeds": "distinct"}


def test_a_broken_config_file_is_named(tmp_path) -> None:
    """A --config file that is not there is an error with its name."""
    with pytest.raises(UsageError, match=r"--config .*nowhere.yaml: .*not found"):
        run.parse(["--config", str(tmp_path / "nowhere.yaml")])


@pytest.mark.parametrize(
    ("said", "metadata"),
    [
        ([], {"passk.seeds": "distinct"}),
        (["--metadata", "passk.samples=2"], {"passk.samples": 2, "passk.seeds": "distinct"}),
        (["--metadata", "passk.seeds=same"], {"passk.seeds": "same"}),
        (["--metadata", '{"passk": {"seeds": "same"}}'], {"passk": {"seeds": "same"}}),
        (
            ["--metadata", '{"passk": {"samples": 3}}'],
            {"passk": {"samples": 3}, "passk.seeds": "distinct"},
        ),
    ],
)
@pytest.mark.parametrize("model", ["local-completions", "openai-chat-completions"])
def test_servers_get_distinct_seeds(model, said, metadata) -> None:
    """OpenAI-style models get distinct seeds, unless the user says otherwise in either form."""
    assert parse("--model", model, *said).metadata == metadata


@pytest.mark.parametrize(
    "words",
    [
        ["samples=5"],
        ["k=1,10"],
        ['{"samples": 5}'],
        ["sample=5"],
        ["Samples=5"],
        ["data-files=x.jsonl"],
        ["timeout=3"],
        ["passk_samples=5"],
        ["passksamples=5"],
        ["Passk.samples=5"],
        ["passk:samples=5"],
        ["passk.k=1", "packages=stdlib"],
    ],
    ids=" ".join,
)
def test_a_setting_without_its_prefix_is_an_error(words) -> None:
    """lm-eval hands unknown metadata to tasks that ignore it, so what looks like a setting is refused."""
    with pytest.raises(UsageError, match=r"are written passk\.[a-z_]+="):
        parse("--metadata", *words)


def test_a_setting_without_its_prefix_in_a_file_is_an_error(tmp_path) -> None:
    """The same holds for the metadata of a --config file."""
    path = tmp_path / "run.yaml"
    path.write_text("tasks: [passk_humaneval]\nmetadata: {samples: 4}\n")
    with pytest.raises(UsageError, match=r"written passk\.samples=4"):
        run.parse(["--config", str(path)])


def test_keys_of_other_tasks_stay() -> None:
    """Metadata that other tasks of lm-eval's need, and our settings in each form, go through."""
    words = [
        "tokenizer=gpt2",
        "max_seq_lengths=[4096]",
        "passk.skip_untested=true",
        '{"passk": {"samples": 3}}',
    ]
    assert set(parse("--metadata", *words).metadata) == {
        "tokenizer",
        "max_seq_lengths",
        "passk.skip_untested",
        "passk",
    }


def test_no_task_is_an_error() -> None:
    """A command without tasks is an error that names one."""
    with pytest.raises(UsageError, match="--tasks passk_humaneval"):
        run.parse(["--model", "replay"])


def scored(task: str, problems: int, journal: str) -> Summary:
    """What is known of a task that has finished."""
    return Summary(
        task=task,
        problems=problems,
        problems_total=problems,
        samples=problems,
        metrics={},
        verdicts={},
        journals=(journal,),
    )


@pytest.mark.parametrize("path", ["runs", "runs/named.json"])
def test_results_that_were_not_saved(evaluate, canned, tmp_path, path) -> None:
    """Results that lm-eval failed to save, which it only logs, are an error with the journal's name."""
    tracker = EvaluationTracker(output_path=str(tmp_path / path))
    tracker.general_config_tracker.model_name_sanitized = "m"
    finished = provenance.Collected([scored("t", 1, "runs/journal.jsonl")], Invocation(tracker=tracker))
    with pytest.raises(PasskError, match=r"could not save .*\.json .*runs/journal\.jsonl"):
        run.check_saved(finished, samples=False)
    tracker.save_results_aggregated(results={"configs": {}})
    run.check_saved(finished, samples=False)


def test_samples_that_were_not_saved(tmp_path) -> None:
    """Samples that lm-eval failed to write, or wrote in part, are an error with the file's name."""
    tracker = EvaluationTracker(output_path=str(tmp_path))
    tracker.general_config_tracker.model_name_sanitized = "m"
    tracker.save_results_aggregated(results={"configs": {}})
    finished = provenance.Collected(
        [scored("passk_humaneval", 2, "journal.jsonl")], Invocation(tracker=tracker)
    )
    hashes = {"doc_hash": "", "prompt_hash": "", "target_hash": "", "arguments": [], "target": ""}
    lines = [{**hashes, "resps": [[text]], "filtered_resps": [["{}"]]} for text in ("fine", "\ud800")]
    tracker.save_results_samples(task_name="passk_humaneval", samples=lines)  # UTF-8 has no lone surrogates
    with pytest.raises(PasskError, match=r"samples_passk_humaneval_.*1 of 2 lines"):
        run.check_saved(finished, samples=True)
    tracker.save_results_samples(task_name="passk_humaneval", samples=lines[:1])
    run.check_saved(finished, samples=True)


def test_nothing_to_save_is_no_error() -> None:
    """Without --output_path, and without a task of ours, there is nothing to check."""
    run.check_saved(provenance.Collected([], None), samples=True)
    run.check_saved(provenance.Collected([], Invocation(tracker=EvaluationTracker())), samples=True)


@pytest.fixture
def lm_eval_logging():
    """Undo what `setup_logging` does to lm-eval's logger, for the tests that read the log."""
    logger = logging.getLogger("lm_eval")
    before = logger.propagate, logger.level, logger.handlers[:]
    yield
    logger.propagate, logger.level, logger.handlers[:] = before


@pytest.mark.usefixtures("lm_eval_logging")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tasks", "passk_humanevl"], "Tasks not found: passk_humanevl (did you mean 'passk_humaneval'?)"),
        (["--tasks", "passk_humaneval", "--log_samples"], "Specify --output_path"),
    ],
)
def test_mistakes_are_the_users(arguments, said, monkeypatch) -> None:
    """A user's mistake, whether lm-eval or we find it, is an error for people."""
    monkeypatch.setattr(TaskManager.__init__, "__defaults__", (None, None, False, None))  # ours alone
    with pytest.raises(UsageError) as caught:
        run.main(arguments)
    assert said in str(caught.value)


def test_a_mistake_ends_without_a_traceback(passk) -> None:
    """A user's mistake ends the command with exit code 2 and one message."""
    done = passk("run", "--model", "replay", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("passk: error: no task is named")
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def finished(passk, tmp_path_factory):
    """One run of the command on a few problems: its output and its folder."""
    folder = tmp_path_factory.mktemp("run")
    done = passk(
        "our_run", "--tasks", "passk_humaneval,passk_humaneval_greedy", "--limit", "12", "--log_samples",
        "--output_path", str(folder), XDG_STATE_HOME=str(folder / "state"),
    )  # fmt: skip
    return done, folder


def test_table_and_summary(finished) -> None:
    """lm-eval's table is printed, and after it our summary of each task, on standard output."""
    done, _ = finished
    table = done.stdout.index("|passk_humaneval ")
    for task, samples in (("passk_humaneval", 240), ("passk_humaneval_greedy", 12)):
        assert done.stdout.index(f"\n{task}: 12 of 164 problems, {samples} samples") > table
    assert "pass@10" in done.stdout
    assert "(n = 20)" in done.stdout
    assert "temperature 0.8 (the task asks for 0.2)" in done.stderr


def test_results_and_samples_are_left(finished) -> None:
    """lm-eval's files and our journals are in one folder, named after the embedded samples."""
    _, folder = finished
    names = sorted(path.name.split("_20")[0] for path in (folder / "embedded").iterdir())
    assert names == [
        "passk_journal_passk_humaneval",
        "passk_journal_passk_humaneval_greedy",
        "results",
        "samples_passk_humaneval",
        "samples_passk_humaneval_greedy",
    ]
    found = results(folder)
    assert found["config"]["replay"]["drawn_with"]["temperature"] == 0.8
    for key in (
        "settings",
        "limits",
        "sandbox",
        "journals",
        "python",
        "packages",
        "distinct",
        "generation_kwargs",
    ):
        assert record(found)[key]


@pytest.mark.parametrize("source", ["samples", "journal"])
def test_score_gives_the_same_verdicts(finished, passk, tmp_path, source) -> None:
    """`passk score` on the run's samples file, and on its journal, repeats its verdicts sample by sample."""
    _, folder = finished
    path = samples_file(folder)
    if source == "journal":
        (path,) = (folder / "embedded").glob("passk_journal_passk_humaneval_2*")
    passk("score", str(path), "--task", "passk_humaneval", "--json", "--out", str(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").read_text().splitlines()]
    again = [(line["task_id"], line["sample"], line["verdict"], line["program_sha256"]) for line in lines]
    before = [
        (line["doc"]["task_id"], index, one["verdict"], one["program_sha256"])
        for line in logged(folder)
        for index, one in enumerate(outcomes(line))
    ]
    assert again == before
    scored, ran = json.loads((tmp_path / "results.json").read_text()), record(results(folder))
    for key in ("metrics", "verdicts", "distinct", "problems", "samples", "coverage"):
        assert scored[key] == ran[key]


def test_lm_eval_alone_runs_the_task(tmp_path) -> None:
    """Plain `lm-eval run` with --include_path runs our tasks too, and the summary is in its log."""
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({"task_id": "HumanEval/0", "completion": "    return True\n"}) + "\n")
    # `--model replay` needs its module imported; any model of lm-eval's own does not.
    code = (
        "import passk_tasks.harness.replay\nfrom lm_eval.__main__ import cli_evaluate\n"
        "from lm_eval.tasks import TaskManager\n"
        "TaskManager.__init__.__defaults__ = (None, None, False, None)\ncli_evaluate()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--include_path", OURS, "--tasks", "passk_humaneval_greedy",
         "--confirm_run_unsafe_code", "--model", "replay", "--model_args", f"path={path}", "--limit", "1"],
        capture_output=True, text=True, env=environment(XDG_STATE_HOME=str(tmp_path)), timeout=HANG_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "|passk_humaneval_greedy|" in done.stdout
    assert "passk_humaneval_greedy: 1 of 164 problems, 1 samples" in done.stderr


def test_a_price_is_understood_wherever_it_stands() -> None:
    """lm-eval alone would take a first value with a brace for JSON, and raise."""
    price = 'passk.price={"in": 0.15, "out": 0.6}'
    for given in ([price], [price, "passk.samples=2"], ["passk.samples=2", price]):
        arguments = run.parse(["--tasks", "passk_humaneval", "--metadata", *given, "--limit", "3"])
        assert arguments.metadata["passk.price"] == {"in": 0.15, "out": 0.6}
        assert arguments.limit == 3
    with pytest.raises(UsageError, match="expected"):
        run.parse(["--tasks", "passk_humaneval", "--metadata", 'passk.price={"in":', "x"])
