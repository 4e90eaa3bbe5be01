"""Rows from the Hugging Face hub, or a quick and clear error.

`datasets.load_dataset` retries an unreachable hub for half a minute and more. So one short request asks first
whether the hub answers; if it does not, only the local cache is used.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from passk_tasks.errors import DatasetError

# Without a whole answer in this time, name resolution included, the hub counts as unreachable.
PROBE_TIMEOUT_S = 2.5


CONVERTED = "refs/convert/parquet"
"""The branch in which the hub keeps a dataset as Parquet: `<configuration>/<split>/0000.parquet`."""


def read(path: str, name: str | None, split: str, revision: str | None = None) -> list[dict[str, object]]:
    """Return the rows of one split of a dataset repository, `owner/name`, at a commit or branch of it.

    Raises:
        DatasetError: the dataset is neither reachable nor in the cache, or lacks this configuration or split.
    """
    # Slow to import, and not needed for embedded problems or local files.
    import datasets

    with _reached(path):
        rows: list[dict[str, object]] = datasets.load_dataset(
            path, name, split=split, revision=revision
        ).to_list()
    return rows


def download(path: str, names: Sequence[str], revision: str | None = None) -> Path:
    """Return a folder that holds these files of a dataset repository, in the cache of `huggingface_hub`.

    Args:
        path: the repository, `owner/name`.
        names: files, by name or pattern.
        revision: commit or branch; None for the main one.

    Raises:
        DatasetError: the files are neither reachable nor in the cache.
    """
    with _reached(path):
        from huggingface_hub import constants, snapshot_download

        folder = Path(
            snapshot_download(
                path,
                repo_type="dataset",
                revision=revision,
                allow_patterns=list(names),
                local_files_only=constants.HF_HUB_OFFLINE,
            )
        )
        not_there = [name for name in names if not any(folder.glob(name))]
        if not_there:
            raise FileNotFoundError(f"{', '.join(not_there)} missing")
    return folder


@contextmanager
def _reached(path: str) -> Iterator[None]:
    """Use only the cache if the hub does not answer; turn every failure into one error."""
    import datasets

    why = _unreachable(datasets.config)
    with nullcontext() if why is None else _offline():
        try:
            yield
        except Exception as error:  # every layer below raises its own kinds
            first_line = (str(error).strip() or "no message").splitlines()[0]
            reason = why or f"{type(error).__name__}: {first_line}"
            raise DatasetError(
                f"the dataset {path} cannot be loaded from {datasets.config.HF_ENDPOINT}"
                f"{' and is not in the local cache' if why else ''} ({reason}); "
                f"set data_files=PATH to a local copy of it, or dataset=embedded where the task has that"
            ) from error


def is_cached(path: str) -> bool:
    """Return whether this host keeps a copy of a repository, judging by names of folders."""
    # Not from datasets.config, whose import takes seconds.
    from huggingface_hub import constants

    if (Path(constants.HF_HUB_CACHE) / f"datasets--{path.replace('/', '--')}").is_dir():
        return True  # files that were read directly
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets").expanduser()
    # `datasets` writes `evoeval/EvoEval_subtle` as `evoeval___evo_eval_subtle`.
    wanted = re.sub(r"[/_]", "", path).lower()
    return cache.is_dir() and any(
        re.sub("_", "", folder.name).lower() == wanted for folder in cache.iterdir()
    )


def _unreachable(config: Any) -> str | None:
    """Return why the hub cannot be reached, or None when it answers."""
    if config.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    # This session has the user's proxies and certificates.
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    result: list[str] = []

    def probe() -> None:
        try:
            get_session().head(config.HF_ENDPOINT, timeout=PROBE_TIMEOUT_S)
            result.append("")
        except Exception as error:
            result.append(f"no answer: {error}")

    # In a thread, since name resolution has no timeout.
    thread = threading.Thread(target=probe, name="hub probe", daemon=True)
    thread.start()
    thread.join(PROBE_TIMEOUT_S)
    return (result[0] or None) if result else f"no answer within {PROBE_TIMEOUT_S:g} s"


@contextmanager
def _offline() -> Iterator[None]:
    """Make both libraries use only their caches; each reads its flag at every call."""
    import datasets.config
    from huggingface_hub import constants

    before = (datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE)
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
