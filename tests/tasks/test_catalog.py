"""Tests of passk_tasks.tasks.catalog and of the task YAML itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from passk_tasks import benchmarks
from passk_tasks.errors import PasskError, SettingsError, UsageError
from passk_tasks.tasks import catalog
from passk_tasks.tasks.settings import Settings

STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
SAMPLED = {"do_sample": True, "temperature": 0.2, "top_p": 0.95}
GREEDY = {"do_sample": False, "temperature": 0.0}

# name: (n, k, extraction, until, sampling)
PROTOCOLS = {
    "passk_humaneval": (20, (1, 10), "completion", STOPS, SAMPLED),
    "passk_humaneval_greedy": (1, (1,), "completion", STOPS, GREEDY),
    "passk_humaneval_n200": (200, (1, 10, 100), "completion", STOPS, {**SAMPLED, "temperature": 0.8}),
    "passk_humaneval_instruct": (20, (1, 10), "answer", (), SAMPLED),
    "passk_humaneval_instruct_greedy": (1, (1,), "answer", (), GREEDY),
}


# folder: (seconds of a call, a case or all tests; seconds of all calls or cases; MiB), as in docs/judges.md
LIMITS = {
    "apps": (4, 11, 4096),
    "bigcodebench": (240, None, 4096),
    "code_contests": (10, None, 300),
    "cruxeval": (3, None, 512),
    "ds1000": (120, None, 8192),
    "evoeval": (4, 62, 4096),
    "humaneval": (3, None, 512),
    "humaneval_infilling": (3, None, 512),
    "humaneval_plus": (4, 62, 4096),
    "livecodebench": (6, 300, 4096),
    "mbpp": (10, None, 512),
    "mbpp_plus": (4, 62, 4096),
}


def task_files() -> list[Path]:
    """All task YAML."""
    return sorted(catalog.task_configs_path().glob("**/*.yaml"))


def write(folder: Path, **files: str) -> None:
    """Write files, whose names have `__` for a dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_task_names() -> None:
    """Every task is listed, sorted, and its name has the prefix that keeps built-in tasks untouched."""
    names = catalog.task_names()
    assert names == sorted(names)
    assert set(PROTOCOLS) <= set(names)
    assert all(name.startswith("passk_") for name in names)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_protocols(name: str) -> None:
    """A task's n, k, extraction, stops and sampling are the documented protocol."""
    spec = catalog.load_task(name)
    n, k, extraction, until, sampling = PROTOCOLS[name]
    assert (spec.settings.samples, spec.settings.k, spec.settings.extraction) == (n, k, extraction)
    assert spec.until == until
    assert {key: spec.generation_kwargs.get(key) for key in sampling} == sampling
    assert ("top_p" in spec.generation_kwargs) == ("top_p" in sampling)


@pytest.mark.parametrize("name", catalog.task_names())
def test_every_task_can_run(name: str) -> None:
    """Every task has a known benchmark, a k it can estimate, a version, a description, and its one file."""
    spec = catalog.load_task(name)
    assert benchmarks.get(spec.settings.benchmark)
    spec.settings.check_k()
    assert spec.version != "0"
    assert spec.description
    assert spec.source.stem == name
    assert spec.generation_kwargs["max_gen_toks"] >= 512


def comments(path: Path) -> str:
    """Return the comments of a task file and of all that it includes."""
    text = path.read_text()
    included = re.findall(r"^include: (\S+)$", text, re.MULTILINE)
    own = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    return "\n".join([own, *(comments(path.parent / name) for name in included)])


@pytest.mark.parametrize("path", task_files(), ids=lambda path: path.stem)
def test_every_file_says_where_it_comes_from(path: Path) -> None:
    """A task file, with what it includes, names a paper and a file or a repository as its source."""
    assert path.read_text().startswith("# ")
    if path.stem != "passk_python":  # a group, of tasks that say it
        assert re.search(r"arXiv:\d{4}\.\d{5}", comments(path))
        assert re.search(r"\w+\.py\b|README|github\.com/", comments(path))


@pytest.mark.parametrize("path", task_files(), ids=lambda path: path.stem)
def test_same_as_lm_eval(path: Path) -> None:
    """Our loader reads each task file exactly as lm-eval's does."""
    from lm_eval.tasks._yaml_loader import load_yaml

    assert catalog.load_yaml(path) == load_yaml(path, resolve_func=False)


def test_includes_same_as_lm_eval(tmp_path: Path) -> None:
    """Includes of includes and lists of them merge as in lm-eval: shallowly, later and local keys win."""
    from lm_eval.tasks._yaml_loader import load_yaml

    write(
        tmp_path,
        a="a: 1\nshared: a\ntask_list: [x]\nmetadata: {passk: {samples: 3}}\nclass: !function m.C\n",
        b="include: a\nb: 2\nshared: b\n",
        c="c: 3\nshared: c\n",
        task__yaml="include: [b, c]\ntask: t\nmetadata: {passk: {k: [1]}}\n",
    )
    ours = catalog.load_yaml(tmp_path / "task.yaml")
    assert ours == load_yaml(tmp_path / "task.yaml", resolve_func=False)
    assert ours["shared"] == "c"
    assert ours["metadata"] == {"passk": {"k": [1]}}
    assert "task_list" not in ours


def test_only_tasks_are_registered() -> None:
    """lm-eval's index finds our tasks, the group, tags, and nothing else: no shared file counts as a task."""
    from lm_eval.tasks._index import Kind, TaskIndex

    index = TaskIndex.build([catalog.task_configs_path()])
    tasks = {name for name, entry in index.items() if entry.kind not in (Kind.TAG, Kind.GROUP)}
    assert tasks == set(catalog.task_names())
    groups = [name for name, entry in index.items() if entry.kind is Kind.GROUP]
    assert groups == ["passk_multiple_all", "passk_multiple_six", "passk_python"]
    need_a_setting = index["passk_custom_all"].tags | index["passk_humaneval_infilling"].tags
    need_a_toolchain = index["passk_languages"].tags
    assert index["passk"].tags == tasks - need_a_setting - need_a_toolchain


def test_prompts_are_the_rows_own() -> None:
    """Completion tasks prompt with the problem's prompt unchanged, whatever is in it."""
    from lm_eval.utils import apply_template

    template = catalog.load_yaml(catalog.load_task("passk_humaneval").source)["doc_to_text"]
    for row in benchmarks.load(benchmarks.get("humaneval"), Settings()).rows:
        assert apply_template(template, row) == row["prompt"]


@pytest.mark.parametrize("name", ["passk_humaneval_instruct", "passk_humaneval_instruct_greedy"])
def test_chat_tasks(name: str) -> None:
    """Chat tasks ask for code in a fence, show the whole prompt, and begin no answer for the model."""
    from lm_eval.utils import apply_template

    config = catalog.load_yaml(catalog.load_task(name).source)
    assert "gen_prefix" not in config
    for row in benchmarks.load(benchmarks.get("humaneval"), Settings()).rows[:5]:
        message = apply_template(config["doc_to_text"], row)
        assert "markdown code block" in message
        assert f"```python\n{row['prompt'].strip()}\n```" in message


@pytest.mark.parametrize("name", catalog.task_names())
def test_a_completion_task_s_stops_are_none_of_an_answer(name: str) -> None:
    """Under extraction=answer only the stops of a task that asks for answers are left."""
    task = catalog.load_task(name)
    assert task.asked == task.settings.extraction or task.until == ()
    answers = catalog.load_task(name, {"extraction": "answer"})
    assert answers.until == (task.until if task.asked == "answer" else ())


def test_stops_belong_to_the_file_that_states_them(tmp_path: Path) -> None:
    """Included stops keep their way of asking; those that say none, or are stated anew, have the task's."""
    base = catalog.task_configs_path() / "humaneval" / "passk_humaneval_greedy.yaml"
    answer = "metadata: {passk: {extraction: answer}}\n"
    for stated, until in (("", ()), ("generation_kwargs: {until: [STOP]}\n", ("STOP",))):
        path = tmp_path / "mine.yaml"
        path.write_text(f"include: {base}\ntask: mine\n{answer}{stated}")
        assert catalog.spec_from_config(catalog.load_yaml(path), source=path).until == until
    bare = tmp_path / "_shared_yaml"
    bare.write_text("generation_kwargs: {until: [STOP]}\n")
    path.write_text(f"include: {bare.name}\ntask: mine\n{answer}")
    assert catalog.spec_from_config(catalog.load_yaml(path), source=path).until == ("STOP",)


@pytest.mark.parametrize("folder", LIMITS)
def test_limits_are_the_benchmarks_own(folder: str) -> None:
    """Time a call, a cap for all calls, and memory are the family's, in every task of it."""
    files = [path for path in task_files() if path.parent.name == folder]
    assert files
    for path in files:
        settings = catalog.load_task(path.stem).settings
        times = benchmarks.get(settings.benchmark).whole_times
        whole_s = None if times is None else times * settings.timeout_s
        assert (settings.timeout_s, whole_s, settings.memory_mib) == LIMITS[folder], path.stem


def test_overrides() -> None:
    """Overrides change the settings they name, and no others."""
    plain = catalog.load_task("passk_humaneval")
    spec = catalog.load_task("passk_humaneval", {"samples": "50", "k": "1,25", "timeout_s": "10"})
    assert (spec.settings.samples, spec.settings.k, spec.settings.timeout_s) == (50, (1, 25), 10.0)
    assert spec.settings.memory_mib == plain.settings.memory_mib
    assert spec.generation_kwargs == plain.generation_kwargs


def test_unknown_override_names_the_task() -> None:
    """A misspelt override names the task and the nearest setting."""
    with pytest.raises(
        SettingsError, match=r"task passk_humaneval: .*'tiemout_s' \(did you mean 'timeout_s'\?\)"
    ):
        catalog.load_task("passk_humaneval", {"tiemout_s": 3})


def test_unknown_task() -> None:
    """An unknown task names the nearest one."""
    with pytest.raises(UsageError, match="did you mean 'passk_humaneval_greedy'"):
        catalog.load_task("passk_humaneval_gready")


@pytest.mark.parametrize(
    "override",
    [{"passk.k": [1, 5]}, {"passk": {"k": [1, 5]}}],
    ids=["dotted", "object"],
)
def test_both_forms_of_metadata_mean_the_same(override: dict[str, object]) -> None:
    """An override as one object, which replaces the YAML's mapping, still keeps the task's other settings."""
    source = catalog.load_task("passk_humaneval").source
    config = catalog.load_yaml(source)
    config["metadata"] = {**config["metadata"], **override, "pretrained": "some/model"}
    settings = catalog.spec_from_config(config, source=source).settings
    assert settings == catalog.load_task("passk_humaneval", {"k": [1, 5]}).settings


def test_spec_without_a_file() -> None:
    """A configuration that comes from no file is taken as it is."""
    config = {"task": "mine", "generation_kwargs": {"until": "\n\n"}, "metadata": {"passk.samples": 3}}
    spec = catalog.spec_from_config(config, source="inline")
    assert (spec.name, spec.version, spec.until, spec.settings) == (
        "mine",
        "0",
        ("\n\n",),
        Settings(samples=3),
    )


@pytest.mark.parametrize("generation_kwargs", [None, {}, {"until": None}])
def test_missing_until(generation_kwargs: dict[str, object] | None) -> None:
    """A task without `until` is refused, since lm-eval would cut programs at the first blank line."""
    with pytest.raises(SettingsError, match=r"task mine: generation_kwargs\.until is missing.*until: \[\]"):
        catalog.spec_from_config({"task": "mine", "generation_kwargs": generation_kwargs}, source="inline")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"t__yaml": "task: [unclosed\n"}, r"t\.yaml: is not valid YAML.*line"),
        ({"t__yaml": "- a list\n"}, r"t\.yaml: must hold a mapping, not list"),
        ({"t__yaml": "include: gone\ntask: t\n"}, r"gone: cannot be read: No such file"),
        (
            {"t__yaml": "include: t.yaml\ntask: t\n"},
            r"t\.yaml: included twice in one task, or includes itself",
        ),
        ({"t__yaml": "dataset: x\n"}, r"t\.yaml: a task file needs `task`"),
        (
            {"t__yaml": "task: same\n", "u__yaml": "task: same\n"},
            r"u\.yaml: the task 'same' is already in .*t\.yaml",
        ),
    ],
)
def test_broken_files(
    files: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken task file is an error that names it, where lm-eval would leave the task out silently."""
    (tmp_path / "task_configs").mkdir()
    write(tmp_path / "task_configs", **files)
    monkeypatch.setattr(catalog, "_PACKAGE", tmp_path)
    with pytest.raises(UsageError, match=rf"(?s){says}"):
        catalog.task_names()


@pytest.mark.parametrize(
    "text",
    [
        "task: its_name\n",
        "task: 'its_name'  # quoted\r\n",
        "include: other\ntask:   its_name  \n",
        "description: 'x\n\n  task: no_name'\ntask: its_name\n",
    ],
)
def test_a_task_is_found_by_its_name(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is written; names in included and in broken files do not count."""
    folder = tmp_path / "task_configs"
    folder.mkdir()
    rest = "generation_kwargs: {until: []}\n"
    write(
        folder, t__yaml=text + rest, other="task: other_name\n", u__yaml="task: a_broken_one\ninclude: gone\n"
    )
    monkeypatch.setattr(catalog, "_PACKAGE", tmp_path)
    assert catalog.load_task("its_name").source == folder / "t.yaml"
    with pytest.raises(UsageError, match="gone: cannot be read"):
        catalog.load_task("a_broken_one")
    with pytest.raises(UsageError, match="gone: cannot be read"):
        catalog.task_names()


def test_path_is_absolute() -> None:
    """The folder for --include_path is absolute and holds the tasks."""
    path = catalog.task_configs_path()
    assert path.is_absolute()
    assert (path / "humaneval" / "passk_humaneval.yaml").is_file()


def test_path_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the YAML there is a clear error."""
    monkeypatch.setattr(catalog, "_PACKAGE", tmp_path / "passk_tasks")
    with pytest.raises(PasskError, match="reinstall passk-tasks"):
        catalog.task_configs_path()


def test_needs_no_lm_eval() -> None:
    """Reading a task imports neither lm-eval nor datasets, which take seconds."""
    code = (
        "import sys; from passk_tasks.tasks import catalog; catalog.load_task('passk_humaneval');"
        "print(sorted({'lm_eval', 'datasets', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
