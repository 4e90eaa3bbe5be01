"""The tasks of this package and of those that bring more: YAML read into `TaskSpec`, without lm-eval.

The loader reads YAML as lm-eval does (`lm_eval/tasks/_yaml_loader.py`), and a test compares the two for every
task: `include` names one file or several, local keys win, and nested mappings are replaced, never merged.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from passk_tasks import plugins
from passk_tasks.errors import PasskError, SettingsError, UsageError, did_you_mean
from passk_tasks.tasks import fim, stops
from passk_tasks.tasks.settings import Settings, from_metadata

_PACKAGE = Path(__file__).resolve().parents[1]
_IGNORED_FOLDERS = {"__pycache__", ".ipynb_checkpoints"}
# The name of a task that needs no quotes, in its own file: that of an included file does not count.
_PLAIN_NAME = re.compile(rb"^task: *([A-Za-z]+_\w+) *$", re.MULTILINE | re.ASCII)
_GROUP = re.compile(rb"^group *:", re.MULTILINE)
_SafeLoader: TypeAlias = "type[yaml.SafeLoader | yaml.CSafeLoader]"
# As lm-eval has it: the parser in C, ten times as fast, where PyYAML was built with it.
_SAFE_LOADER: _SafeLoader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


@dataclass(frozen=True)
class TaskSpec:
    """What running and scoring need to know of a task.

    Attributes:
        name: the name that `--tasks` takes.
        version: version of the task's definition; it changes when scores may change.
        description: one line for people, `metadata.description`. (lm-eval's own `description` is prepended
            to prompts, so it cannot serve.)
        settings: the settings under `metadata.passk`.
        generation_kwargs: as in the YAML, with lm-eval's overrides if there are any.
        source: the YAML file.
        asked: the extraction for which the stop sequences were written; None if it is that of the settings.
        examples: the worked examples that stand above each problem: the number of each in the dataset, or
            `""` where it is this package's own. Of several kinds each problem gets those that fit.
    """

    name: str
    version: str
    description: str
    settings: Settings
    generation_kwargs: dict[str, Any]
    source: Path
    asked: str | None = None
    examples: tuple[str, ...] = ()

    @property
    def until(self) -> tuple[str, ...]:
        """The stop sequences; those of the setting `fim` come first, since some servers take only four.

        Where the settings ask for a chat model's answer, stops that were written for another way of asking
        are left out.
        """
        until = self.generation_kwargs["until"] or ()
        own = (until,) if isinstance(until, str) else tuple(until)
        if self.settings.extraction == stops.ANSWER and self.asked not in (None, stops.ANSWER):
            own = ()
        fims = fim.template(self.settings.fim).stops if self.settings.fim else ()
        return tuple(dict.fromkeys((*fims, *own)))


def task_configs_path() -> Path:
    """Return the folder of task YAML, absolute: the wheel's, or the checkout's.

    Raises:
        PasskError: the installation has none.
    """
    folder = (_PACKAGE / "task_configs").resolve()  # a link in a checkout
    if not folder.is_dir():
        raise PasskError(f"the task YAML is missing: {folder} is not there; reinstall passk-tasks")
    return folder


def task_folders() -> list[Path]:
    """Return the folders of task YAML: ours first, then those that other packages bring.

    Raises:
        PasskError: one of them is missing.
    """
    return [task_configs_path(), *plugins.task_folders()]


def task_folder(name: str) -> Path:
    """Return the folder of task YAML that has a task, for lm-eval's `--include_path`.

    Raises:
        UsageError: there is no such task.
    """
    source = load_task(name).source
    return next(folder for folder in task_folders() if source.is_relative_to(folder))


def load_yaml(path: Path, _seen: set[Path] | None = None) -> dict[str, Any]:
    """Return a task file with its includes; `!function x.y` stays text, joined to the file's folder.

    Raises:
        UsageError: the file is missing, is not YAML, is not a mapping, or is included twice.
    """
    path = path.expanduser().resolve()
    seen = set() if _seen is None else _seen
    if path in seen:
        raise UsageError(f"{path}: included twice in one task, or includes itself")
    seen.add(path)
    config, includes = _read_yaml(path)
    merged: dict[str, Any] = {}
    for include in includes:
        included = load_yaml(include, seen)
        included.pop("task_list", None)  # belongs to the included file only
        merged.update(included)
    merged.update(config)
    return merged


def _read_yaml(path: Path) -> tuple[dict[str, Any], list[Path]]:
    """Return the content of a task file, and the files that it includes."""
    try:
        config = _parsed(path.parent, path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(config, dict):
        raise UsageError(f"{path}: must hold a mapping, not {type(config).__name__}")
    config = dict(config)
    includes = config.pop("include", [])
    return config, [
        path.parent / include for include in (includes if isinstance(includes, list) else [includes])
    ]


@lru_cache(maxsize=1024)  # a file is read for each task that includes it, and twice for its own
def _parsed(folder: Path, content: bytes) -> Any:
    return yaml.load(content, Loader=_loader(folder))


def _asked(path: Path) -> tuple[bool, str | None]:
    """Return whether a task file has stop sequences, and the extraction for which they were written.

    The extraction is that of the file with the stop sequences, or of the nearest file that includes it and
    has one.
    """
    config, includes = _read_yaml(path)
    extraction = from_metadata(config.get("metadata")).get("extraction")
    if "generation_kwargs" in config:
        return True, extraction
    for include in reversed(includes):
        has_stops, included_extraction = _asked(include)
        if has_stops:
            return True, included_extraction or extraction
    return False, None


def _loader(folder: Path) -> _SafeLoader:
    loader: _SafeLoader = type("Loader", (_SAFE_LOADER,), {})

    def function(reader: yaml.SafeLoader | yaml.CSafeLoader, node: Any) -> str:
        return str(folder / str(reader.construct_scalar(node)))

    yaml.add_constructor("!function", function, Loader=loader)
    return loader


def spec_from_config(config: Mapping[str, Any], *, source: str | Path) -> TaskSpec:
    """Return the spec of a task's configuration, as it is in the YAML or as lm-eval built it.

    In lm-eval, `--metadata '{"passk": {…}}'` replaces the YAML's whole `passk` mapping. Settings that it does
    not name are therefore read from `source` again, so that the object form and the dotted form of an
    override mean the same.

    Args:
        config: keys of a task YAML: `task`, `generation_kwargs`, `metadata`.
        source: the YAML file, or a word for where the configuration comes from.

    Raises:
        SettingsError: settings that cannot be, or no `until` (lm-eval would then cut at the first blank
        line).
    """
    name = str(config.get("task") or "unnamed")
    source = Path(source)
    where = f"task {name}"
    metadata = config.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise SettingsError(f"{where}: metadata must be a mapping, not {metadata!r}")
    declared = load_yaml(source).get("metadata") if source.is_file() else None
    generation_kwargs = dict(config.get("generation_kwargs") or {})
    if generation_kwargs.get("until") is None:
        raise SettingsError(
            f"{where}: generation_kwargs.until is missing in {source}; without it lm-eval cuts programs at "
            "the first blank line; write `until: []` for no stop sequence"
        )
    spec = TaskSpec(
        name=name,
        version=str(metadata.get("version", "0")),
        description=str(metadata.get("description", "")),
        settings=Settings.parse({**from_metadata(declared), **from_metadata(metadata)}, where=where),
        generation_kwargs=generation_kwargs,
        source=source,
        asked=_asked(source)[1] if source.is_file() else None,
        examples=_examples(config),
    )
    return _check_shots(spec)


def _examples(config: Mapping[str, Any]) -> tuple[str, ...]:
    samples = (config.get("fewshot_config") or {}).get("samples") or ()
    return tuple(str(sample.get("task_id", "")) for sample in samples) if config.get("num_fewshot") else ()


def _check_shots(spec: TaskSpec) -> TaskSpec:
    if spec.settings.shots is not None and not spec.examples:
        raise SettingsError(f"task {spec.name}: its prompt has no worked examples: leave passk.shots out")
    return spec


def task_names() -> list[str]:
    """Return the names of all tasks, sorted.

    Raises:
        UsageError: a task file cannot be read, or two tasks have one name; lm-eval would drop one silently.
    """
    for source in (sources := _sources()).values():
        _config(source)
    return sorted(sources)


def load_task(name: str, settings: Mapping[str, Any] | None = None) -> TaskSpec:
    """Return a task by name.

    Args:
        name: as `passk tasks` prints it.
        settings: what to change of those under `metadata.passk`, e.g. `{"samples": 50, "k": [1, 10]}`.

    Raises:
        UsageError: there is no such task, an override names no setting, or its value cannot be.
    """
    sources = _sources()
    if name not in sources:
        raise UsageError(f"there is no task {name!r}{did_you_mean(name, sources)}; `passk tasks` lists them")
    spec = _spec(sources[name])
    parsed = Settings.parse(settings or {}, where=f"task {name}", base=spec.settings)
    return _check_shots(
        replace(spec, settings=parsed, generation_kwargs=copy.deepcopy(spec.generation_kwargs))
    )


@lru_cache(maxsize=1024)
def _spec(source: Path) -> TaskSpec:
    return spec_from_config(_config(source), source=source)


def temperature(generation_kwargs: Mapping[str, Any]) -> float | None:
    """Return the temperature that generation arguments sample at: 0 is greedy, None is not said."""
    if not {"do_sample", "temperature"} & generation_kwargs.keys():
        return None
    # Without do_sample lm-eval's models are greedy, whatever the temperature says.
    return float(generation_kwargs.get("temperature", 1.0)) if generation_kwargs.get("do_sample") else 0.0


def _task_files(root: Path) -> Iterator[Path]:
    for path in sorted(root.glob("**/*.yaml"), key=lambda path: path.as_posix()):
        if not _IGNORED_FOLDERS.intersection(path.relative_to(root).parts):
            yield path


def _sources() -> dict[str, Path]:
    """Return the file of each task, by name."""
    return _sources_below(tuple(task_folders()))


@lru_cache(maxsize=4)  # without it, loading each task by name would read all files each time
def _sources_below(roots: tuple[Path, ...]) -> dict[str, Path]:
    sources: dict[str, Path] = {}
    for path in (path for root in roots for path in _task_files(root)):
        name = _name_in(path)
        if name is None:
            continue
        if name in sources:
            raise UsageError(f"{path}: the task {name!r} is already in {sources[name]}")
        sources[name] = path
    return sources


def _name_in(path: Path) -> str | None:
    """Return the name of the task in a file; None for a group."""
    text = path.read_bytes() if path.is_file() else b""
    if len(names := _PLAIN_NAME.findall(text)) == 1 and not _GROUP.search(text):
        return str(names[0], "ascii")  # to read a file as YAML takes fifty times as long
    config = load_yaml(path)
    name = config.get("task")
    if "group" in config and "class" not in config:
        return None
    if not isinstance(name, str):
        raise UsageError(f"{path}: a task file needs `task`, its name")
    return name


@lru_cache(maxsize=1024)
def _config(source: Path) -> dict[str, Any]:
    return load_yaml(source)
