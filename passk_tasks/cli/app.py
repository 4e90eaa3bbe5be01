"""The commands of `passk`, what is printed for an error, and the exit code.

0    done
1    failed for a reason that the message gives; compare: the last run is worse;
     audit: a reference does not pass
2    the user's mistake: arguments, files, settings
3    this host cannot give the sandbox asked for
4    samples remained without a verdict; everything else was saved
5    gate: more was lost than the policy allows
6    gate: the run is too small to say
130  interrupted
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path

from passk_tasks._version import __version__
from passk_tasks.errors import PasskError, TerminatedError, check_name

_INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell reports for a process that SIGPIPE ended

_RUN = "run"
_COMMANDS = {
    _RUN: "run lm-eval on our tasks: all of its `run` arguments, with the include path filled in",
    "score": "judge saved samples again, without a model",
    "merge": "add up the parts of a scoring, which `passk score --shard i/N` has judged",
    "runs": "the runs in a folder of results: date, model, task, conditions, scores",
    "label": "give a stored run a label, a note, tags",
    "show": "the summary of a stored run, with the metrics asked for",
    "compare": "which of several runs is better, beyond noise, and which problems changed",
    "factors": "which condition moved the number: prompt, decoding, tooling or model",
    "trend": "a metric over time, and where the conditions changed",
    "curve": "pass@k for every k up to n: what each further sample adds",
    "gate": "for CI: whether new runs lost more than a policy allows, or are too small to say",
    "plan": "how many samples a problem a half-width needs",
    "report": "one self-contained HTML page about a run, or several compared",
    "export": "the files that a leaderboard or another tool accepts",
    "tasks": "the tasks and what each needs",
    "audit": "how good the tests of a benchmark are",
    "selfcheck": "what the sandbox guarantees on this host, proved by attacking it",
    "path": "the folder for lm-eval's --include_path",
}
"""Every command and what it does, in the order of the help. Each is a module, imported when it is called."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    Args:
        argv: the arguments after the program's name; None takes those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    try:
        code = _dispatch(arguments)
        # If the reader of a pipe is gone, flushing fails: better here than at exit.
        sys.stdout.flush()
        return code
    except PasskError as error:
        print(f"passk: error: {_printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("passk: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except TerminatedError as error:
        print("passk: terminated", file=sys.stderr)
        return int(error.code or 0)
    except BrokenPipeError:
        _give_up_output()
        return _BROKEN_PIPE
    except OSError as error:
        # A failure of files that no command expects, e.g. a full disk or a loop of links.
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        print(f"passk: error: {_printable(where)}{error.strerror or error}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _give_up_output()
        return 1


def parser(wanted: Collection[str] = tuple(_COMMANDS)) -> argparse.ArgumentParser:
    """Return the parser of the commands.

    Args:
        wanted: those whose arguments it takes; of the others it knows the names.
    """
    top = argparse.ArgumentParser(
        prog="passk", description="HumanEval-style tasks for lm-eval, judged in a sandbox, with error bars."
    )
    top.add_argument("--version", action="version", version=f"passk-tasks {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, what in _COMMANDS.items():
        # `_dispatch` hands the arguments of `run` to lm-eval.
        if name in wanted and name != _RUN:
            import_module(f"passk_tasks.cli.{name}").add_parser(commands, what)
        else:
            commands.add_parser(name, help=what, add_help=False)
    return top


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == [_RUN]:
        # Imported here so that the other commands start without lm-eval, which is slow to load.
        from passk_tasks.harness import run

        return run.main(arguments[1:])
    top = parser(arguments[:1])
    if not arguments:
        top.print_help()
        return 0
    if not arguments[0].startswith("-"):
        check_name("command", arguments[0], _COMMANDS)
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows `?` for an ellipsis instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = top.parse_args(arguments)
    return int(options.run(options))


def _open_closed_streams() -> None:
    """Let the standard streams that our parent closed, as daemons do, read and write nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It takes the lowest free number, which is that of the stream: no other file gets it now.
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # open to the end
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


def _give_up_output() -> None:
    """Redirect standard output to nowhere, so that the interpreter's flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _printable(text: str) -> str:
    """Return text that cannot move the cursor, since messages quote files that others wrote."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
