"""Finds the toolchains of languages on this host, and says what is missing and how to get it."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from passk_tasks.errors import SandboxError
from passk_tasks.languages import LANGUAGES
from passk_tasks.languages.record import Language, Tool
from passk_tasks.program import CommandTests
from passk_tasks.sandbox.box import kernel, landlock
from passk_tasks.sandbox.box.protocol import GIVEN

_SYSTEM = ("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/include", "/usr/share", "/bin", "/lib", "/lib64")
_PROBE_S = 60
MOST_MIB = 2 * max(language.build_mib for language in LANGUAGES.values())
"""What build and its files take at most."""
_PATH = "/usr/local/bin:/usr/bin:/bin"
_BUILT, _TEXT = f"/proc/self/fd/{GIVEN}", f"/dev/fd/{GIVEN + 2}"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What this host has of one language's toolchain.

    Attributes:
        paths: where each tool is, by its first name.
        missing: what is not here: names of tools, and paths.
        shown: what programs must see of the host, read-only.
    """

    paths: dict[str, str]
    missing: tuple[str, ...]
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What the driver `command` gets of a problem's tests: the record's fields, with this host's paths."""

    source: str
    files: tuple[tuple[str, str], ...]
    file: str
    named: str
    build: tuple[tuple[str, ...], ...]
    quick_build: tuple[tuple[str, ...], ...]
    quick_when: str
    makes: str
    run: tuple[str, ...]
    environment: dict[str, str]
    ending: str
    before: str
    replaced: tuple[tuple[str, str], ...]
    rule: dict[str, object]
    signs: dict[str, str | int]
    build_s: float
    run_s: float
    build_mib: int
    reserves_mib: int
    overhead_mib: int


@functools.cache
def find(name: str) -> Toolchain:
    """Return what this host has of a language's toolchain; looked for once in a process."""
    language = LANGUAGES[name]
    paths: dict[str, str] = {}
    shown = [*_SYSTEM, "/etc/alternatives"]
    missing: list[str] = []
    for tool in language.tools:
        path = _find(tool, {str(Path(path).parent) for path in paths.values()})
        if path is None:
            missing.append(tool.names[0])
            continue
        paths[tool.names[0]] = path
        real = os.path.realpath(path)
        if not _is_system(real):
            inside, packages, _ = real.partition("/node_modules/")
            shown.append(inside + packages[:-1] if packages else str(Path(real).parents[1]))
    missing += [pattern for pattern in language.files if not _matching(pattern)]
    for pattern in (*language.files, *language.shows):
        shown += [path for path in _matching(pattern) if not _is_system(path)]
    return Toolchain(
        paths, tuple(missing), tuple(path for path in dict.fromkeys(shown) if Path(path).exists())
    )


def _matching(pattern: str) -> list[str]:
    return sorted(map(str, Path("/").glob(pattern.lstrip("/"))))


def _is_system(path: str) -> bool:
    return any(path.startswith(folder + "/") for folder in _SYSTEM)


def _find(tool: Tool, beside: Iterable[str]) -> str | None:
    """Return the path of a tool, preferably in a folder that another one of the toolchain was found in."""
    places = ":".join([*beside, os.environ.get("PATH", ""), _PATH])
    for name in tool.names:
        path = shutil.which(name, path=places)
        if path is None:
            continue
        if tool.home:
            home = _run([path, *tool.home])
            if home is None or home.returncode != 0:
                continue  # rustup's `rustc` runs nothing for a user who has chosen no toolchain
            inside = Path(home.stdout.strip()) / "bin" / name
            return str(inside) if inside.exists() else path
        beside_it = Path(os.path.realpath(path)).parent
        started = (os.path.normpath(found) for pattern in tool.starts for found in beside_it.glob(pattern))
        return next(started, path)
    return None


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a tool to ask it something; return None where it cannot be run, or does not end."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None


@functools.cache
def versions(name: str) -> dict[str, str]:
    """Return the version of each tool of a language, as the tool prints it, by the tool's name."""
    toolchain, found = find(name), {}
    for tool in LANGUAGES[name].tools:
        if tool.names[0] in toolchain.paths:
            done = _run([toolchain.paths[tool.names[0]], *tool.version])
            said = "" if done is None else (done.stdout or done.stderr).strip()
            number = re.search(r"\d+(?:\.\d+)+[\w.+~-]*", said)
            found[tool.names[0]] = number[0] if number else said.partition("\n")[0]
    return found


def hint(names: Iterable[str]) -> str:
    """Return what is missing of languages, and the commands that install it; `""` if nothing is."""
    lines = []
    packages: dict[str, list[str]] = {"apt-get install": [], "npm install -g": [], "pip install": []}
    for name in names:
        language, missing = LANGUAGES[name], find(name).missing
        if missing:
            lines.append(f"{language.title} needs {', '.join(missing)}")
            for manager, wanted in zip(packages, (language.apt, language.npm, language.pip), strict=True):
                packages[manager] += [package for package in wanted if package not in packages[manager]]
    if not lines:
        return ""
    commands = " && ".join(f"{manager} {' '.join(them)}" for manager, them in packages.items() if them)
    return f"{'; '.join(lines)}: {commands or 'no Debian package brings it; install it from its own site'}"


def shown(names: Iterable[str]) -> tuple[str, ...]:
    """Return what programs of these languages must see of the host.

    Raises:
        SandboxError: a toolchain is not complete, or what programs need besides cannot be built.
    """
    languages = sorted(names)
    if missing := hint(languages):
        raise SandboxError(f"this host cannot judge these programs: {missing}")
    folders = [folder for name in languages if (folder := prepare(name)) is not None]
    return tuple(dict.fromkeys([*(path for name in languages for path in find(name).shown), *folders]))


def slower(names: Iterable[str]) -> tuple[str, ...]:
    """Return, for people, which languages are built the plain way, and why; after `shown`."""
    return tuple(
        f"{LANGUAGES[name].title} programs are built without what makes that faster: {_failed[name]}"
        for name in sorted(names)
        if name in _failed
    )


def given(tests: CommandTests, *, prepared: bool, proc: bool = True) -> Given:
    """Return the tests as the driver gets them.

    Args:
        tests: the tests.
        prepared: whether programs can read what was prepared on this host.
        proc: whether they can read `/proc`.

    Raises:
        SandboxError: they need one of these, and cannot.
    """
    language = LANGUAGES[tests.language]
    if language.needs_proc and not proc:
        raise SandboxError(
            f"{language.title} programs need /proc, which none may read where the host has no user "
            "namespaces: judge on a host that has them"
        )
    if not prepared and language.prepared is not None and language.prepared.needed:
        raise SandboxError(
            f"{language.title} programs need libraries in root's caches, which no other user can read: judge "
            "as an ordinary user, or on a host with user namespaces"
        )
    folder = prepare(tests.language) if prepared else None
    quick = language.prepared if folder is not None else None
    command = functools.partial(_command, tests.language, folder=folder)
    build = [command(part, built=language.makes) for part in language.build]
    quick_build = [command(part, built=language.makes) for part in (quick.build if quick else ())]
    environment = _environment(language)
    if quick is not None:
        environment |= {name: _filled(value, folder) for name, value in quick.environment}
    return Given(
        source=tests.source,
        files=(*language.extras, *tests.files),
        file=language.file,
        named=language.named,
        build=tuple(quick_build if quick is not None and not quick.when else build),
        quick_build=tuple(quick_build),
        quick_when=quick.when if quick is not None else "",
        makes=language.makes,
        run=command((quick.run if quick is not None else ()) or language.run, built=_BUILT),
        environment=environment,
        ending=language.ending.statement,
        before=language.ending.before,
        replaced=language.ending.replaced,
        rule=asdict(language.rule),
        signs=asdict(language.signs),
        build_s=language.build_s,
        run_s=max(language.run_s, tests.timeout_s or 0.0),
        build_mib=language.build_mib,
        reserves_mib=language.reserves_mib,
        overhead_mib=language.overhead_mib,
    )


def _command(name: str, parts: tuple[str, ...], *, built: str, folder: str | None) -> tuple[str, ...]:
    """Return a command with this host's paths in place of the words in braces."""
    words = {f"{{{tool}}}": path for tool, path in find(name).paths.items()}
    words |= {"{built}": built, "{text}": _TEXT}
    filled = []
    for part in parts:
        if part.startswith("?"):
            linker, _, part = part[1:].partition(":")
            if not _links_by(linker, find(name).paths.get("g++") or "cc"):
                continue
        for word, value in words.items():
            part = part.replace(word, value)
        filled.append(_filled(part, folder))
    return tuple(filled)


@functools.cache
def _links_by(linker: str, compiler: str) -> bool:
    """Return whether a compiler links by a linker, from where programs see both."""
    command = [compiler, f"-fuse-ld={linker}", "-Wl,--version"]
    try:
        return (
            linker.encode()
            in subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False).stdout
        )
    except OSError:
        return False


def _filled(text: str, folder: str | None) -> str:
    return text.replace("{prepared}", folder or "")


_failed: dict[str, str] = {}  # by language, why nothing could be prepared


@functools.cache
def prepare(name: str) -> str | None:
    """Return the folder with what makes builds of a language faster, made where it is not there yet.

    It lies with this user's caches, under a name that tells the tools' versions. None where the language has
    nothing to prepare, or where that failed: then builds take longer (`slower`).

    Raises:
        SandboxError: it failed, and programs need it.
    """
    language = LANGUAGES[name]
    if language.prepared is None:
        return None
    conditions = [repr(language.prepared), sorted(versions(name).items()), sorted(find(name).paths.items())]
    key = hashlib.sha256(json.dumps(conditions).encode()).hexdigest()[:16]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "passk-tasks" / "toolchains" / f"{name}-{key}"
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with (folder.parent / f"{name}.lock").open("w") as lock:
                with contextlib.suppress(OSError):  # no locks on this file system: each process makes its own
                    fcntl.flock(lock, fcntl.LOCK_EX)
                if not folder.is_dir():
                    _make(language, folder)
        except (OSError, subprocess.SubprocessError) as error:
            if not folder.is_dir():
                if language.prepared.needed:
                    raise SandboxError(
                        f"what {language.title} programs need cannot be built: {error}"
                    ) from error
                _failed[name] = str(error)
                return None
    return str(folder)


def _make(language: Language, folder: Path) -> None:
    # Made under its own name, which stands in some of the files; complete once it has this one.
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        _prepare(language, Path(unfinished))
        Path(unfinished).chmod(0o755)
        shutil.copytree(unfinished, f"{unfinished}.done")
        Path(f"{unfinished}.done").rename(folder)


def _prepare(language: Language, folder: Path) -> None:
    """Run a language's preparing commands in a folder; raises OSError if one fails.

    Where the kernel has Landlock they can write to that folder alone, and open no connection.
    """
    assert language.prepared is not None
    rules = landlock.ruleset(["/"], [str(folder), "/dev/null"]) if landlock.abi() else None

    def confine() -> None:
        if rules is not None:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            landlock.enforce(rules)

    for file, text in language.prepared.files:
        (folder / file).write_text(text, encoding="utf-8")
    environment = {"HOME": str(folder), "TMPDIR": str(folder), **_environment(language)}
    environment |= {key: _filled(value, str(folder)) for key, value in language.prepared.environment}
    try:
        for parts in language.prepared.commands:
            command = _command(language.name, parts, built="", folder=str(folder))
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                preexec_fn=confine,
            )
            if done.returncode:
                said = done.stderr.decode("utf-8", "replace").strip()
                raise OSError(f"{' '.join(command)} failed: {said[-1000:]}")
    finally:
        if rules is not None:
            os.close(rules)


def _environment(language: Language) -> dict[str, str]:
    folders = [str(Path(path).parent) for path in find(language.name).paths.values()]
    path = ":".join(dict.fromkeys([*folders, "/usr/bin", "/bin"]))
    return {"PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", **dict(language.environment)}
