"""The driver `command`: the program is a text in any language, with its tests below it.

A language is data (`passk_tasks.languages`), and its commands come with the tests. Build and run are two
processes of the zygote, each with its own limits:

    ["build", files, commands, environment, makes]    writes the files, runs the commands, and copies what
                                                      they made into the descriptor GIVEN
    ["run", files, command, environment, text, number]    becomes the command

What was built is sealed before the run and has no name. A text that is run as it is comes through a pipe
that is empty once it was read; so does the number that the ending adds to the one in its text. The sum, on a
line of its own, is the proof that the tests ended. Both streams are files in memory that the tests' side
holds; the language's rule reads them when no process of the candidate is left.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

from passk_tasks.sandbox.box import kernel
from passk_tasks.sandbox.box.candidate import Candidate
from passk_tasks.sandbox.box.limits import Room
from passk_tasks.sandbox.box.process import CandidateGone
from passk_tasks.sandbox.box.protocol import GIVEN
from passk_tasks.sandbox.box.trials import Trials
from passk_tasks.sandbox.box.verdicts import WrongAnswerError
from passk_tasks.verdict import Outcome, Verdict

_NUMBER_BITS = 50  # the sum of two is exact in a double
_FD = str(GIVEN + 1)
_FILE, _TEXT = f"/dev/fd/{_FD}", f"/dev/fd/{GIVEN + 2}"
_ANY = r"(?s).*"
_PLACE = re.compile(rf"{_TEXT}\b|/proc/\d+/fd/pipe:\[\d+\]")
_BUILT_MIB = 64  # what a build may make
_PIPE_BYTES = 60_000  # that a pipe takes at once
_READ_BYTES = 1 << 20  # of each stream, from either end
_BUILD_FAILED = 1


class Plan:
    """The tests of one problem with its language's commands, shared by all of its candidates.

    Args:
        given: the fields of `toolchains.Given`.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self.file: str = given["file"]
        self.named: str = given["named"]
        self.source: str = given["source"]
        self.ending: str = given["ending"]
        self.before: str = given["before"]
        self.build: list[list[str]] = given["build"]
        self.quick_build: list[list[str]] = given["quick_build"]
        self.quick_when: str = given["quick_when"]
        self.makes: str = given["makes"]
        self.run: list[str] = given["run"]
        self.files: list[list[str]] = given["files"]
        self.environment: dict[str, str] = given["environment"]
        self.rule: dict[str, Any] = given["rule"]
        self.failed_status: int = given["signs"].pop("failed_status")
        self.signs: dict[str, str] = given["signs"]
        self.build_s: float = given["build_s"]
        self.run_s: float = given["run_s"]
        self.build_mib: int = given["build_mib"]
        self.reserves_mib: int = given["reserves_mib"]
        self.overhead_mib: int = given["overhead_mib"]
        for pattern, replacement in given["replaced"]:
            self.source = re.sub(pattern, replacement, self.source, flags=re.MULTILINE)
        self.start, self.rest = _divided(self.source, self.before)

    def text(self, code: str, key: int) -> str:
        """Return the program's text, with its ending."""
        ending = self.ending.replace("@KEY@", str(key)).replace("@FILE@", _FILE).replace("@FD@", _FD)
        # Not the key's digits, which stack traces would tell.
        name = str(int.from_bytes(os.urandom(8), "big"))
        start, rest = (part.replace("@NAME@", name) for part in (self.start, self.rest))
        return f"{code}\n{start}{ending}{rest}"

    def build_files(self, text: str) -> list[list[str]]:
        """Return the files of a build, as name and text."""
        found = re.search(self.named, text, re.MULTILINE) if self.named else None
        named = found[1] if found else "solution"
        files = [
            [name, content.replace("@NAMED@", named).replace("@FILE@", _FILE)] for name, content in self.files
        ]
        return [*files, [self.file.replace("*", named), text]]


tests = Plan


def _divided(source: str, before: str) -> tuple[str, str]:
    """Return a text in two, at the last place where the expression matches; `""` is the end."""
    if not before:
        return (source if source.endswith("\n") else source + "\n"), ""
    places = [match.start() for match in re.finditer(before, source, re.MULTILINE)]
    at = places[-1] if places else len(source)
    return source[:at], source[at:]


def judge(trials: Trials, plan: Plan, code: str, tell: Callable[[], None]) -> Outcome:
    """Build a program where its language needs that, and run it."""
    key, number = (int.from_bytes(os.urandom(8), "big") >> 64 - _NUMBER_BITS for _ in range(2))
    text = plan.text(code, key)
    with _Files() as files:
        if not plan.build:
            return _run(trials, plan, files, text, number, str(key + number))
        built = _build(trials, plan, files, text)
        if not built.passed:
            return built
        tell()
        outcome = _run(trials, plan, files, "", number, str(key + number))
    return replace(
        outcome, cpu_s=round(built.cpu_s + outcome.cpu_s, 6), wall_s=round(built.wall_s + outcome.wall_s, 6)
    )


def _build(trials: Trials, plan: Plan, files: _Files, text: str) -> Outcome:
    sources = plan.build_files(text)
    quick = plan.quick_when and re.match(plan.quick_when, text)
    chosen = plan.quick_build if quick else plan.build
    commands = [[word.replace("{source}", sources[-1][0]) for word in command] for command in chosen]
    request = ["build", sources, commands, plan.environment, plan.makes]
    room = Room(plan.build_mib, plan.reserves_mib + plan.build_mib, plan.build_mib, _BUILT_MIB)
    with files.streams() as streams:

        def explained(status: int, memory_spent: bool) -> tuple[Verdict, str] | None:
            if not os.WIFEXITED(status):
                return None
            told = streams.told()
            if memory_spent or _found(plan.signs["memory"], told):
                return Verdict.MEMORY_LIMIT, "the build ran out of memory"
            return Verdict.SYNTAX_ERROR, _telling(told, plan.signs["wrong"])

        remote = trials.start(plan.build_s, (*streams.fds, files.built), room=room)
        outcome = trials.outcome(
            remote,
            lambda: _ended(remote.box.finish(request)),
            plan.build_s,
            check=lambda: kernel.seal(files.built),
            explained=explained,
        )
    if outcome.verdict not in (Verdict.PASSED, Verdict.SYNTAX_ERROR):
        outcome = replace(outcome, detail=f"the build: {outcome.detail}")
    return replace(outcome, judge="command")


def _run(trials: Trials, plan: Plan, files: _Files, text: str, number: int, proof: str) -> Outcome:
    timeout_s = max(trials.timeout_s, plan.run_s)
    together_mib = trials.memory_mib + plan.overhead_mib
    room = Room(together_mib, plan.reserves_mib + together_mib, together_mib, trials.room.file_mib)
    command = [word.replace("{memory_mib}", str(trials.memory_mib)) for word in plan.run]
    if plan.build and _TEXT in command:
        text = files.built_text()
    request = ["run", plan.files, command, plan.environment, text, f"{number}\n"]
    with files.streams() as streams:

        def explained(status: int, memory_spent: bool) -> tuple[Verdict, str] | None:
            told = streams.told()
            if memory_spent or _found(plan.signs["memory"], told):
                return Verdict.MEMORY_LIMIT, _telling(told, plan.signs["memory"]) or "out of memory"
            for sign, verdict in (
                ("syntax", Verdict.SYNTAX_ERROR),
                ("raised", Verdict.ERROR),
                ("failed", Verdict.FAILED),
            ):
                if _found(plan.signs[sign], told):
                    return verdict, _telling(told, plan.signs[sign])
            if os.WIFEXITED(status) and os.WEXITSTATUS(status):
                if os.WEXITSTATUS(status) == plan.failed_status:
                    return Verdict.FAILED, _telling(told, "") or "a test failed"
                return Verdict.ERROR, _telling(told, plan.signs["wrong"])
            return None

        given = (*streams.fds, files.built) if plan.build else streams.fds
        remote = trials.start(timeout_s, given, room=room)
        outcome = trials.outcome(
            remote,
            lambda: _ended(remote.box.finish(request)),
            timeout_s,
            check=lambda: streams.check(plan, proof),
            explained=explained,
        )
        if not outcome.passed and streams.full(trials.room.file_mib):  # whatever it did then
            told = f"{trials.room.file_mib} MiB were written"
            outcome = replace(outcome, verdict=Verdict.OUTPUT_LIMIT, detail=told)
    return replace(outcome, judge="command")


def _ended(reply: bytes | None) -> None:
    """Raise if the process answered: it should have become the command, or ended."""
    if reply is not None:
        raise CandidateGone(Verdict.CRASHED, "the candidate's process wrote to its channel")


class _Files:
    """What build and run of one candidate have in common; a context manager."""

    def __init__(self) -> None:
        self.built = kernel.file_in_memory()
        self._null = os.open("/dev/null", os.O_RDONLY)

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.built)
        os.close(self._null)

    def streams(self) -> _Streams:
        """Return standard streams for one process."""
        return _Streams(self._null)

    def built_text(self) -> str:
        """Return what was built, as a text."""
        raw = os.pread(self.built, os.fstat(self.built).st_size, 0)
        return raw.decode("utf-8", "surrogatepass")


class _Streams:
    """Both output streams of one process, as files in memory; a context manager."""

    def __init__(self, null: int) -> None:
        self._stdout, self._stderr = kernel.file_in_memory(), kernel.file_in_memory()
        self.fds = (null, self._stdout, self._stderr)

    def __enter__(self) -> _Streams:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stdout)
        os.close(self._stderr)

    def told(self) -> str:
        """Return what it said, standard error first."""
        return f"{_read(self._stderr)}\n{_read(self._stdout)}"

    def full(self, file_mib: int) -> bool:
        """Return whether a stream has reached the limit of a file."""
        return any(os.fstat(fd).st_size >= file_mib << 20 for fd in (self._stdout, self._stderr))

    def check(self, plan: Plan, proof: str) -> None:
        """Raise unless the tests ended and the language's rule holds; nobody is left to write.

        Raises:
            WrongAnswerError: the rule does not hold.
            CandidateGone: the tests did not end.
        """
        stdout, stderr = _read(self._stdout), _read(self._stderr)
        proved = re.search(rf"^{proof}$", stdout, re.MULTILINE)
        rule = plan.rule
        # The first newline is the ending's, too.
        rest = stdout.replace(f"\n{proof}\n", "").strip()
        for refused, told in (
            (rule["refused_stdout"], stdout),
            (rule["refused_stderr"], stderr),
            (_ANY if rule["required_stdout"] and not _found(rule["required_stdout"], stdout) else "", stdout),
            (_ANY if rule["clean_stderr"] and stderr else "", stderr),
            (_ANY if rule["silent"] and rest + stderr else "", rest + stderr),
        ):
            if _found(refused, told):
                sign = plan.signs["syntax"]
                if _found(sign, told):
                    raise CandidateGone(Verdict.SYNTAX_ERROR, _telling(told, sign))
                sign = plan.signs["failed"] if _found(plan.signs["failed"], told) else refused
                raise WrongAnswerError(_telling(told, sign) or "it printed something")
        if not proved:
            raise CandidateGone(Verdict.CRASHED, "exited with status 0 before the tests ended")


def _read(fd: int) -> str:
    """Return a stream's text; of a very long one, both ends."""
    size = os.fstat(fd).st_size
    raw = os.pread(fd, min(size, _READ_BYTES), 0)
    if size > _READ_BYTES:
        raw += b"\n" + os.pread(fd, _READ_BYTES, max(size - _READ_BYTES, _READ_BYTES))
    # The text's place, which differs from run to run.
    return _PLACE.sub("the program", raw.decode("utf-8", "replace"))


def _found(pattern: str, told: str) -> bool:
    return bool(pattern) and re.search(pattern, told, re.MULTILINE) is not None


def _telling(told: str, pattern: str) -> str:
    """Return the line that matches, or the first one that says something."""
    match = re.search(pattern, told, re.MULTILINE) if pattern else None
    if match:
        start = told.rfind("\n", 0, match.start()) + 1
        end = told.find("\n", match.end())
        return told[start : end if end >= 0 else len(told)].strip()
    return next((line.strip() for line in told.split("\n") if line.strip()), "")


# --- the candidate's end ---


def _write(files: list[list[str]]) -> None:
    for name, text in files:
        if folder := os.path.dirname(name):
            os.makedirs(folder, exist_ok=True)
        with open(name, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.write(text)


def _build_here(
    _candidate: Candidate,
    files: list[list[str]],
    commands: list[list[str]],
    environment: dict[str, str],
    makes: str,
) -> NoReturn:
    os.set_inheritable(GIVEN, False)
    _write(files)
    if makes.endswith("/"):
        os.mkdir(makes)
    for command in commands:
        pid = os.fork()
        if not pid:
            _become(command, environment)
        status = os.waitpid(pid, 0)[1]
        if status:
            code = os.waitstatus_to_exitcode(status)
            if code < 0:  # as if it were the command itself
                signal.signal(-code, signal.SIG_DFL)
                os.kill(os.getpid(), -code)
            os._exit(_BUILD_FAILED)
    try:
        raw = _packed(makes) if os.path.isdir(makes) else _content(makes)
    except OSError as error:
        os.write(2, f"the build made no {makes}: {error.strerror}\n".encode())
        os._exit(_BUILD_FAILED)
    view = memoryview(raw)
    while view:
        view = view[os.write(GIVEN, view) :]
    os._exit(0)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _packed(folder: str) -> bytes:
    """Return a folder as a jar, uncompressed."""
    import zipfile  # no other kind of program needs it

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as jar:
        for place, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                path = os.path.join(place, name)
                jar.write(path, os.path.relpath(path, folder))
    return packed.getvalue()


def _run_here(
    _candidate: Candidate,
    files: list[list[str]],
    command: list[str],
    environment: dict[str, str],
    text: str,
    number: str,
) -> NoReturn:
    _write(files)
    _hand_over(number.encode("ascii"), GIVEN + 1)
    if text:
        _hand_over(text.encode("utf-8", "surrogatepass"), GIVEN + 2)
    _become(command, environment)


def _hand_over(content: bytes, number: int) -> None:
    """Put a content into a pipe, to be read once under this descriptor."""
    reading, writing = os.pipe()
    if len(content) <= _PIPE_BYTES:
        os.write(writing, content)
    elif not os.fork():
        os.close(reading)
        if not os.fork():  # whoever waits for children is not to meet this one
            with contextlib.suppress(OSError):
                view = memoryview(content)
                while view:
                    view = view[os.write(writing, view) :]
        os._exit(0)
    else:
        os.wait()
    os.close(writing)
    os.dup2(reading, number)
    os.close(reading)


def _become(command: list[str], environment: dict[str, str]) -> NoReturn:
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    home = os.getcwd()
    given = {name: value.replace("@HOME@", home) for name, value in environment.items()}
    try:
        os.execve(command[0], command, {"HOME": home, "TMPDIR": home, **given})
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(126)


REQUESTS: dict[str, Callable[..., bytes]] = {"build": _build_here, "run": _run_here}
