"""The commands of `passk`, what is printed for an error, and the exit code.

0    done
1    failed for another reason that the message gives; compare: the last run is worse;
     audit: a reference does not pass
2    the user's mistake: arguments, files, settings
3    no sandbox of the wanted strength on this host
4    samples remained without a verdict; everything else was saved
130  interrupted
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from passk_tasks._version import __version__
from passk_tasks.cli import (
    audit,
    compare,
    curve,
    export,
    path,
    plan,
    report,
    runs,
    score,
    selfcheck,
    show,
    tasks,
)
from passk_tasks.errors import PasskError, TerminatedError, check_name

_INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell reports for a process that SIGPIPE ended

_MODULES = (score, runs, show, compare, curve, plan, report, export, tasks, audit, selfcheck, path)
_COMMANDS = {module.__name__.rpartition(".")[2]: module for module in _MODULES}
"""Every command but `run`, by its name, in the order of the help."""

_RUN_HELP = "run lm-eval on our tasks: all of its `run` arguments, with the include path filled in"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    Args:
        argv: the arguments without the program's name; those of the process where None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        # A reader that left early shows itself when the buffer is flushed: better here than at exit.
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
        # Whatever a command did not expect of files: a full disk under the output, a name that is a loop.
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        print(f"passk: error: {_printable(where)}{error.strerror or error}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _give_up_output()
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="passk", description="HumanEval-style tasks for lm-eval, judged in a sandbox, with error bars."
    )
    top.add_argument("--version", action="version", version=f"passk-tasks {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    # Only for the list in the help: its arguments are lm-eval's and never pass through here.
    commands.add_parser("run", help=_RUN_HELP, add_help=False)
    for module in _COMMANDS.values():
        module.add_parser(commands)
    return top


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["run"]:
        # Here, so that the other commands start without lm-eval and its weight.
        from passk_tasks.harness import run

        return run.main(arguments[1:])
    top = parser()
    if not arguments:
        top.print_help()
        return 0
    if not arguments[0].startswith("-"):
        check_name("command", arguments[0], ("run", *_COMMANDS))
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 shows `?` for an ellipsis; it is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = top.parse_args(arguments)
    code: int = options.run(options)
    return code


def _give_up_output() -> None:
    """Write no more to standard output: the interpreter flushes it at exit, and that must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _printable(text: str) -> str:
    """Return text that cannot move the cursor: messages quote files that others wrote."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
