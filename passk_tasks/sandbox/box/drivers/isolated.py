"""The driver `isolated`: the program is a module, and tests call it from a process of their own.

Requests, each a JSON list:

    ["load", source, own classes, digits] -> ["ok"] or an exception; `own classes` says whether instances of
                                         the candidate's classes cross as objects even where their base is
                                         plain, `digits` how many digits texts of integers may have, None if
                                         this Python has no such limit
    ["call", name, arguments]         -> ["value", result], and a third item if the call changed arguments: a
                                         list of [number in the message, content]
    ["apply", n, arguments]           -> the same, for a function that crossed as reference n
    ["do", operation, arguments]      -> the same, for one of `operations`
    ["next", n]                       -> ["value", item] or ["stop", value] for an iterator, and a third item
                                         if objects that it gave before have changed

Arguments are encoded as one list. If some have names, they are a dictionary by name, with the others under
"".

An exception is ["raised", name of the nearest builtin class, arguments as an encoded list, text, own name,
phase, the rest], and an eighth item, the changes, if the call changed arguments. The rest is an encoded
dictionary: the exception's `fields`, its `cause` and `context` (None, or a list of the same parts without the
phase), and whether the context is `hidden`.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from passk_tasks.sandbox.box import codec
from passk_tasks.sandbox.box.candidate import Candidate, register
from passk_tasks.sandbox.box.drivers import script
from passk_tasks.sandbox.box.operations import OPERATIONS
from passk_tasks.sandbox.box.remote import Remote, RemoteFunction, RemoteObject
from passk_tasks.sandbox.box.suites import Suite
from passk_tasks.sandbox.box.trials import Trials
from passk_tasks.sandbox.box.verdicts import one_line
from passk_tasks.verdict import Outcome


def tests(given: dict[str, Any]) -> Suite:
    """Return the suite of `program.Tests`."""
    return Suite(**given)


def judge(trials: Trials, suite: Suite, code: str, tell: Callable[[], None]) -> Outcome:
    """Run the tests here; where they hand over what is not plain data, in one process with the candidate."""
    with contextlib.suppress(Exception):  # the tests raise it again, where it is explained
        # Megabytes of literals and imports take long: that must not count as the first candidate's time.
        suite.stages()
    tests = functools.partial(_run, suite, code)
    outcome, remote = trials.run(tests, suite, objects=suite.objects, each_call=True)
    if remote.not_plain is None:
        return replace(outcome, judge="isolated")
    # Whatever the outcome was: the tests may have caught the exception, and blamed the candidate.
    outcome = script.judge_in_one_process(trials, suite, suite.prepared("isolated"), code, tell)
    why = f"judged in one process: the tests hand over {remote.not_plain}"
    return replace(outcome, flags=(*outcome.flags, one_line(why)))


def _run(suite: Suite, code: str, remote: Remote) -> None:
    remote.load(code)
    namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
    if suite.prelude is not None:
        exec(suite.prelude, namespace)
    for name in suite.names:
        proxy = RemoteObject(remote, name) if suite.objects else RemoteFunction(remote, "call", name)
        namespace[name] = proxy
    *base, last = suite.stages()
    for stage in base:
        remote.run_base(functools.partial(exec, stage, dict(namespace)), suite.base_decides)
    exec(last, namespace)


# --- the candidate's end ---


def _load(candidate: Candidate, source: str, own_classes: bool, digits: int | None) -> bytes:
    if digits is not None:
        sys.set_int_max_str_digits(digits)
    file = register(candidate.module, source)
    code = compile(source, file, "exec", dont_inherit=True)
    candidate.phase = "load"
    candidate.references.own_classes = own_classes
    exec(code, candidate.module.__dict__)
    return b'["ok"]'


def _called(
    find: Callable[[Candidate, Any], Any], candidate: Candidate, target: str | int, arguments: str
) -> bytes:
    """Call the target's function without a frame in between: candidates recurse deep."""
    candidate.phase, candidate.arguments = "call", arguments
    function = find(candidate, target)
    given = codec.decode(arguments, candidate.handed_back, candidate.crossed)
    if type(given) is list:
        result = function(*given)
    else:
        result = function(*given[""], **{name: value for name, value in given.items() if name})
    candidate.phase = "reply"
    reply = ["value", result]
    if changes := candidate.changes():
        reply.append(changes)
    return candidate.encoded(reply)


def _next(candidate: Candidate, number: int) -> bytes:
    candidate.phase = "call"
    try:
        reply = ["value", next(candidate.references.values[number])]
    except StopIteration as stop:
        reply = ["stop", stop.value]
    candidate.phase = "reply"
    return candidate.step(number, reply)


def _operation(_candidate: Candidate, name: str) -> Callable[..., Any]:
    return OPERATIONS[name]


REQUESTS: dict[str, Callable[..., bytes]] = {
    "load": _load,
    "call": functools.partial(_called, Candidate.named),
    "apply": functools.partial(_called, Candidate.referred),
    "do": functools.partial(_called, _operation),
    "next": _next,
}
