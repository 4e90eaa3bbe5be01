"""Random candidates, and random tests as lists of statements; a step `LOOK x` becomes an assertion of `x`."""

from __future__ import annotations

import random
import textwrap

# Both sides have these; whatever they are given, they do something to it.
HELPERS = textwrap.dedent(
    """
    import copy

    def get(x, i=0):
        if type(x) in (list, tuple):
            return x[i % len(x)] if x else x
        return list(x.values())[i % len(x)] if type(x) is dict and x else x

    def put(x, y):
        if type(x) is list:
            x.append(y)
        elif type(x) is dict:
            x[len(x)] = y
        elif type(x) is set:
            x.add(len(x))

    def drop(x):
        if type(x) in (list, set) and x:
            x.pop()
        elif type(x) is dict and x:
            x.popitem()

    def turn(x):
        if type(x) is list:
            x.reverse()

    def again(x, y):
        for i in (4, 5):
            put(x, i)
            yield x
            put(x, y)

    def same(x, y):
        return x is y and type(x) in (list, dict, set)
    """
)
PROMPT = HELPERS + '\n\ndef f(a, b=None):\n    """Do something."""\n'


def a_candidate(chance: random.Random) -> str:
    """Return a function of some random steps; one in three keeps objects from one call to the next."""
    steps = [
        "x = a", "x = b", "x = [x]", "x = [a, a]", "x = [x, b]", "x = (a, x)", "x = {'k': x, 'l': a}",
        "x = get(a)", "x = get(x, 1)", "x = copy.copy(x)", "x = copy.deepcopy(x)", "put(a, x)", "put(x, b)",
        "put(b, a)", "drop(a)", "drop(x)", "turn(a)", "a, b = b, a", "x = [[0] * 2] * 2", "x = [a == b]",
        "x = same(a, b)", "x = len(repr(a))", "x = [float('nan')] * 2", "x = x == [x]", "put(get(a), x)",
        "x = {1, 2}", "x = list(a) if type(a) is list else x", "x = iter(x) if type(x) is list else x",
        "x = (y for y in list(x)) if type(x) in (list, tuple) else x",
        "x = again(x, b)", "x = again([], x)", "x = ((y, z) for z in again([], 1) for y in [x])",
        f"if {chance.random() < 0.3}: raise ValueError(repr(x))",
    ]  # fmt: skip
    kept = [
        "kept.append(a)", "kept.append(x)", "x = kept", "x = get(kept)", "put(get(kept), b)", "put(kept, 3)",
        "put(kept[-1], 4)", "drop(kept)", "x = list(kept)", "kept[:] = [x]", "turn(get(kept))",
        "x = len(kept)",
    ]  # fmt: skip
    body = [chance.choice(steps) for _ in range(chance.randint(1, 5))]
    if chance.random() < 1 / 3:
        body += chance.sample(kept, chance.randint(2, 4))
        chance.shuffle(body)
    lines = [
        "kept = []",
        "def f(a, b=None):",
        "    x = [1]",
        *(f"    {step}" for step in body),
        "    return x",
    ]
    return HELPERS + "\n".join(lines) + "\n"


LITERALS = (
    "[]", "[1, 2]", "[[1], [2]]", "{'a': [1]}", "3", "'ab'", "(1, [2])", "{1, 3}", "None", "[1.5, 'x', None]",
    "{1: {2: []}}", "[[]] * 2",
)  # fmt: skip


def common_steps(chance: random.Random) -> list[str]:
    """Return tests as people write them: calls in a row, each result compared when it comes."""
    steps = []
    for _ in range(chance.randint(1, 2)):
        given, other = chance.choice(LITERALS), chance.choice(LITERALS)
        call = f"f({given}, {other})"
        forms = [
            f"LOOK {call}", f"LOOK {call}", f"LOOK {call} == {other}", f"LOOK len({call})", f"LOOK {call}[0]",
            f"LOOK list({call})", f"LOOK isinstance({call}, list)", f"LOOK type({call}) is tuple",
            f"LOOK {given} in {call}", f"LOOK [f(x) for x in {given}]", f"LOOK f({call})",
            f"LOOK sum(1 for x in {call} if x == {other})", f"LOOK {call} is None", f"LOOK not {call}",
            f"a = {given}\nLOOK f(a, a)\nLOOK a",
            f"a = {given}\nb = [a, a]\nr = f(b, {other})\nLOOK r\nLOOK b",
            f"a = {given}\nb = {other}\nr = f(a, b)\nLOOK r == a\nLOOK b\nLOOK r",
            f"a = {given}\nr = f(copy.deepcopy(a))\nLOOK r\nLOOK a", f"r = {call}\nLOOK r\nLOOK get(r)",
            f"r = {call}\nLOOK [r, r] == [{given}, {other}]\nLOOK copy.deepcopy(r)", f"r = {call}\nLOOK f(r)",
            f"LOOK sorted({call})", f"LOOK {call} + {call}", f"LOOK set({call})", f"LOOK dict({call})",
            f"for x, y in [({given}, 1), ({other}, {given})]:\n    assert f(x, y) == f(x, y)",
            f"for x in {call}:\n    assert x == x",
        ]  # fmt: skip
        steps += _statements(chance.choice(forms))
    return steps


def daring_steps(chance: random.Random) -> list[str]:
    """Return tests near the edge: names used again, results kept and handed on, objects shared."""
    steps = [f"{name} = {chance.choice(LITERALS)}" for name in "ab"] + ["r = f(a, b)"]
    literal, other = chance.choice(LITERALS), chance.choice(LITERALS)
    more = [
        "b = [a, a]", "b = (a, 1)", "b = {'a': a}", "b = a", f"a = {literal}", f"b = [{literal}, {other}]",
        "r = f(a)", "r = f(a, b)", "r = f(b, a)", "r = f(r)", "r = f(a, r)", "s = r", "s = [r]", "s = (r, a)",
        f"r = f({literal})", f"s = f({literal}, {other})", "LOOK r", "LOOK a", "LOOK b", "LOOK s",
        "LOOK r == s",
        "LOOK r == a", "LOOK a == b", "LOOK f(a) == f(a)", f"LOOK f(b, {literal}) == a", "LOOK len(r)",
        "LOOK r[0]",
        "LOOK f(r, s)", f"LOOK f(f({literal})) == r", "put(a, 5)", f"put(b, {literal})", "drop(a)", "turn(b)",
        "a = get(b, 1)", "a = copy.deepcopy(r)", "b = list(r)", "a = copy.copy(b)", "a = sorted(b)",
        "s = r + r",
        "a = [f(x) for x in b]", "s = list(map(f, b))", "a = {'k': f(b)}", "LOOK list(zip(a, r))",
        "s = r[1:]",
        "LOOK all(x == y for x, y in zip(r, a))", f"LOOK max(f(a), {literal})", f"b = ({literal}, f(a))",
    ]  # fmt: skip
    for _ in range(chance.randint(2, 7)):
        steps += _statements(chance.choice(more))
    return ["s = None", *steps, f"LOOK {chance.choice(['r', 'a', 'b', 's', 'f(a)', 'r == a'])}"]


def curious_steps(chance: random.Random) -> list[str]:
    """Return tests that change what they gave and got, and look at identity."""
    steps = [f"{name} = {chance.choice(LITERALS)}" for name in "abr"]
    more = [
        "b = [a, a]", "b = (a, [a])", "b = {'a': a}", "put(a, a)", "put(a, b)", "b = a", "r = f(a)",
        "r = f(a, b)", "r = f(b, a)", "r = f(r, a)", "r = f(a, get(b))", "s = r\nr = f(a, s)", "put(r, 5)",
        "put(a, 6)", "drop(r)", "turn(a)", "put(get(r), 7)", "a = get(b, 1)", "n = float('nan')\na = [n, n]",
        "LOOK repr([a, b, r])", "LOOK r == a", "LOOK a == [get(a)]", "LOOK same(get(r), get(r, 1))",
        "LOOK [same(x, y) for x in (a, b, r, get(r)) for y in (a, b, r, get(b))]",
    ]  # fmt: skip
    for _ in range(chance.randint(3, 9)):
        steps += _statements(chance.choice(more))
    return [
        "s = None",
        *steps,
        "r = f(a)",
        "LOOK repr([a, b, r, s])",
        "LOOK [same(x, y) for x in (r, s) for y in (a, b, r)]",
    ]


def several_steps(chance: random.Random) -> list[str]:
    """Return tests that hold results of several calls at one time, and look at them then."""
    given, other = chance.choice(LITERALS), chance.choice(LITERALS)
    one, two, xs = f"f({given})", f"f({other}, {given})", chance.choice(("[1, 2]", "'ab'", "[[], [1]]"))
    held = [
        f"[f(x) for x in {xs}]", f"[f(x, y) for x in {xs} for y in {xs}]", f"[{one}, {two}]",
        f"({one}, {two})", f"{{'k': {one}, 'l': {two}}}", f"{{str(x): f(x) for x in {xs}}}",
        f"list(map(f, {xs}))", f"[(x, f(x)) for x in {xs}]", f"[list(f(x)) for x in {xs}]",
        f"[[f(x)] for x in {xs}]", f"[f(x)[0] for x in {xs}]", f"[x for x in {one}] + [x for x in {two}]",
        f"list(zip({one}, {two}))", f"[y for x in {xs} for y in f(x)]", f"[*{one}, *{two}]",
        f"dict(k={one}, l={two})", f"{one} + {two}", f"[r for r in ({one}, {two})]",
        f"[f(x) for x in {xs}][0]", f"({one}, {two})[0]", f"max({one}, {two})",
        f"sorted(map(f, {xs}), key=repr)", f"sorted([{one}, {two}], key=len)", f"[f(f(x)) for x in {xs}]",
        f"sum([f(x) for x in {xs}], [])", f"list(enumerate(map(f, {xs})))", f"[{one}] + [{two}]",
        f"list(filter(None, map(f, {xs})))", f"[{one}] * 2 + [{two}]", f"copy.deepcopy([{one}, {two}])",
        f"(lambda r, s: [r, s])({one}, {two})", f"tuple(f(x) for x in {xs})",
        f"dict(zip('ab', map(f, {xs})))", f"dict([('k', {one}), ('l', {two})])", f"min(map(f, {xs}))",
        f"sorted(map(f, {xs}))", f"[len(r) for r in map(f, {xs})]",
    ]  # fmt: skip
    value = chance.choice(held)
    looks = [
        f"LOOK {value}", f"LOOK {value} == {chance.choice(held)}", f"LOOK ({value}, {chance.choice(held)})",
        f"LOOK {given} in {value}", f"LOOK len({value})", f"r = {value}\nLOOK r",
        f"r = {value}\nf(3)\nLOOK r", f"r, s = {one}, {two}\nLOOK (r, s)",
        f"r, s = {one}, {two}\nLOOK r == s\nLOOK s", f"r = []\nfor x in {xs}: r.append(f(x))\nLOOK r",
        f"r = []\nfor x in {xs}: r += [f(x)]\nLOOK r", f"r = {{}}\nfor x in {xs}: r[str(x)] = f(x)\nLOOK r",
        f"r = []\nr.extend({value})\nLOOK r", f"r = []\nfor x in {xs}: r[:0] = [f(x)]\nLOOK r",
        f"r = {{}}\nfor x in {xs}: r.update({{str(x): f(x)}})\nLOOK r",
        f"r = {{}}\nfor x in {xs}: r.update([(str(x), f(x))])\nLOOK r",
        f"r = {{}}\nfor x in {xs}: r |= {{str(x): f(x)}}\nLOOK r", f"r = []\nr.extend(map(f, {xs}))\nLOOK r",
        f"LOOK [{value}] == [{value}]", f"r = {one}\nLOOK [r, {two}]", f"r = {one}\nLOOK {two} == r",
        f"LOOK all(x for x in {value})", f"LOOK [x == y for x, y in zip({value}, {chance.choice(held)})]",
        f"LOOK isinstance({value}, list)", f"for x, y in zip({value}, {xs}):\n    assert x != y or x == y",
        f"LOOK {value} or {two}",
    ]  # fmt: skip
    return _statements(chance.choice(looks))


def _statements(text: str) -> list[str]:
    return [text] if "\n    " in text else text.split("\n")
