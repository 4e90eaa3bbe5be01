"""Objects, exceptions and large values of a candidate as its tests see them, compared with one process."""

from __future__ import annotations

import re
import textwrap

from passk_tasks.judging import batch
from passk_tasks.judging.executor import local
from passk_tasks.program import Confinement, Judge, Limits, Program, Tests
from passk_tasks.verdict import Outcome, Verdict

STACK = """
    class Stack:
        \"\"\"A stack.\"\"\"
        MAX = 3

        def __init__(self, items=()):
            self.items = list(items)
            self.label = None

        @classmethod
        def of(cls, *items, **more):
            made = cls(items)
            made.label = more.get("label")
            return made

        @staticmethod
        def double(x):
            return [x, x]

        @property
        def top(self):
            if not self.items:
                raise IndexError("empty")
            return self.items[-1]

        def push(self, x, *, times=1):
            self.items.extend([x] * times)
            return self

        def pop(self):
            return self.items.pop()

        def drain(self, target):
            while self.items:
                target.append(self.items.pop())

        def each(self, function):
            return [function(x) for x in self.items]

        def __len__(self):
            return len(self.items)

        def __getitem__(self, key):
            return self.items[key]

        def __setitem__(self, key, value):
            self.items[key] = value

        def __delitem__(self, key):
            del self.items[key]

        def __contains__(self, x):
            return x in self.items

        def __iter__(self):
            return iter(self.items)

        def __repr__(self):
            return f"Stack({self.items})"

        def __format__(self, spec):
            return spec + str(len(self))

        def __eq__(self, other):
            return self.items == (other.items if isinstance(other, Stack) else other)

        def __lt__(self, other):
            return self.items < other.items

        def __hash__(self):
            return hash(tuple(self.items))

        def __bool__(self):
            return bool(self.items)

        def __add__(self, other):
            return Stack(self.items + (other.items if isinstance(other, Stack) else [other]))

        def __radd__(self, other):
            return Stack([other] + self.items) if other else self

        def __iadd__(self, other):
            self.items.append(other)
            return self

        def __neg__(self):
            return Stack([-x for x in self.items])

        def __call__(self, n):
            return self.items[:n]

        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            self.label = kind and f"{kind.__name__}: {error}"
            return kind is KeyError
"""
VECTOR = """
    from dataclasses import dataclass, field

    @dataclass(order=True)
    class Vector:
        x: float
        y: float = 0.0
        tags: list = field(default_factory=list)

        def __mul__(self, k):
            return Vector(self.x * k, self.y * k)

        __rmul__ = __mul__

        def __matmul__(self, other):
            return self.x * other.x + self.y * other.y

        def __pow__(self, n):
            return self.x ** n

        def __abs__(self):
            return (self.x ** 2 + self.y ** 2) ** 0.5

        def __int__(self):
            return int(self.x)

        def __index__(self):
            return int(self.x)

        def __round__(self, n=None):
            return round(self.x, n)

        def __divmod__(self, k):
            return divmod(self.x, k)
"""
# Name, candidate, what must hold: with the entry point's objects across the channel as in one process.
RIGHT = {
    "methods": (
        STACK,
        """
        s = Stack()
        s.push(1)
        s.push(2, times=2)
        assert s.pop() == 2
        assert len(s) == 2
        """,
    ),
    "chained": (
        STACK,
        """
        s = Stack().push(1).push(2)
        assert s.pop() + s.pop() == 3
        """,
    ),
    "same-object": (
        STACK,
        """
        s = Stack()
        assert s.push(1) is s
        """,
    ),
    "attributes": (
        STACK,
        """
        s = Stack([1])
        assert s.items == [1] and s.top == 1
        s.label = 'a'
        assert s.label == 'a'
        """,
    ),
    "missing-attribute": (
        STACK,
        """
        s = Stack()
        assert not hasattr(s, 'size')
        assert getattr(s, 'size', 5) == 5
        try:
            s.size
        except AttributeError as e:
            assert 'size' in str(e)
        else:
            assert False
        """,
    ),
    "delete-attribute": (
        STACK,
        """
        s = Stack()
        del s.label
        assert not hasattr(s, 'label')
        """,
    ),
    "property-raises": (
        STACK,
        """
        try:
            Stack().top
        except IndexError as e:
            assert e.args == ('empty',)
        else:
            assert False
        """,
    ),
    "class-attributes": (
        STACK,
        """
        assert Stack.MAX == 3
        assert Stack.double(2) == [2, 2]
        assert Stack.__doc__ == 'A stack.'
        assert Stack.__name__ == 'Stack'
        """,
    ),
    "class-methods": (
        STACK,
        """
        s = Stack.of(1, 2, label='x')
        assert s.label == 'x' and len(s) == 2
        """,
    ),
    "method-of-class": (
        STACK,
        """
        s = Stack([1])
        assert Stack.pop(s) == 1
        """,
    ),
    "set-class-attribute": (
        STACK,
        """
        Stack.MAX = 7
        assert Stack().MAX == 7
        """,
    ),
    "items": (
        STACK,
        """
        s = Stack([1, 2, 3])
        s[0] = 9
        del s[1]
        assert s[0] == 9 and s[-1] == 3 and s[0:2] == [9, 3]
        """,
    ),
    "contains": (
        STACK,
        """
        s = Stack([1])
        assert 1 in s and 2 not in s
        """,
    ),
    "iteration": (
        STACK,
        """
        assert [x for x in Stack([1, 2])] == [1, 2]
        assert list(Stack('ab')) == ['a', 'b']
        assert sorted(Stack([2, 1])) == [1, 2]
        a, b = Stack([1, 2])
        assert (a, b) == (1, 2)
        """,
    ),
    "truth": (
        STACK,
        """
        assert not Stack()
        assert Stack([1])
        assert bool(Stack([0])) is True
        """,
    ),
    "texts": (
        STACK,
        """
        s = Stack([1])
        assert repr(s) == str(s) == 'Stack([1])'
        assert f'{s} {s!r} {s:n}' == '1 Stack([1]) n1'
        assert '%s' % s == 'Stack([1])'
        """,
    ),
    "equality": (
        STACK,
        """
        assert Stack([1]) == Stack([1]) != Stack([2])
        assert Stack([1]) == [1]
        assert [1] == Stack([1])
        assert [Stack([1])] == [Stack([1])]
        """,
    ),
    "order": (
        STACK,
        """
        assert Stack([1]) < Stack([2])
        assert sorted([Stack([2]), Stack([1])])[0] == [1]
        assert max([Stack([2]), Stack([1])], key=len) == [2]
        """,
    ),
    "hash": (
        STACK,
        """
        assert len({Stack([1]), Stack([1]), Stack([2])}) == 2
        assert {Stack([1]): 'a'}[Stack([1])] == 'a'
        assert hash(Stack([1])) == hash((1,))
        """,
    ),
    "sums": (
        STACK,
        """
        assert Stack([1]) + Stack([2]) == [1, 2]
        assert Stack([1]) + 2 == [1, 2]
        assert 2 + Stack([1]) == [2, 1]
        assert sum([Stack([1]), Stack([2])]) == [1, 2]
        """,
    ),
    "in-place": (
        STACK,
        """
        s = t = Stack([1])
        s += 2
        assert s is t and t == [1, 2]
        """,
    ),
    "unary": (
        STACK,
        """
        assert -Stack([1]) == [-1]
        """,
    ),
    "called": (
        STACK,
        """
        assert Stack([1, 2])(1) == [1]
        """,
    ),
    "argument-changes": (
        STACK,
        """
        found = []
        Stack([1, 2]).drain(found)
        assert found == [2, 1]
        """,
    ),
    "with": (
        STACK,
        """
        with Stack([1]) as s:
            s.push(2)
        assert s == [1, 2] and s.label is None
        """,
    ),
    "with-swallows": (
        STACK,
        """
        with Stack([1]) as s:
            raise KeyError('a')
        assert s.label == "KeyError: 'a'"
        """,
    ),
    "with-passes-on": (
        STACK,
        """
        try:
            with Stack() as s:
                raise ValueError(5)
        except ValueError as e:
            assert e.args == (5,)
        else:
            assert False
        assert s.label == 'ValueError: 5'
        """,
    ),
    "isinstance": (
        STACK,
        """
        assert isinstance(Stack(), Stack) and not isinstance(5, Stack) and not isinstance([1], Stack)
        assert not isinstance(Stack(), (int, str))
        """,
    ),
    "class-of": (
        STACK,
        """
        assert Stack().__class__.__name__ == 'Stack'
        assert Stack().__class__ == Stack
        """,
    ),
    "copies": (
        STACK,
        """
        import copy
        s = Stack([1])
        t, u = copy.copy(s), copy.deepcopy(s)
        s.push(2)
        assert (t, u) == ([1, 2], [1])
        assert t is not s
        """,
    ),
    "object-as-argument": (
        STACK,
        """
        s = Stack([Stack([1])])
        assert s[0].pop() == 1
        """,
    ),
    "dataclass": (
        VECTOR,
        """
        assert Vector(1) == Vector(1.0) != Vector(2)
        assert repr(Vector(1, 2)) == 'Vector(x=1, y=2, tags=[])'
        assert Vector(1) < Vector(1, 5)
        """,
    ),
    "arithmetic": (
        VECTOR,
        """
        v = Vector(3, 4)
        assert 2 * v == v * 2 == Vector(6, 8)
        assert v @ v == 25 and v ** 2 == 9 and abs(v) == 5.0
        assert divmod(v, 2) == (1, 1)
        """,
    ),
    "conversions": (
        VECTOR,
        """
        v = Vector(2.6)
        assert int(v) == 2 and round(v) == 3 and round(v, 1) == 2.6 and [1, 2, 3][v] == 3
        """,
    ),
    "list-subclass": (
        """
        class Stack(list):
            def top(self):
                return self[-1]
        """,
        """
        s = Stack([1])
        s.append(2)
        assert s.top() == 2 and s == [1, 2] and len(s) == 2 and list(s) == [1, 2]
        """,
    ),
    "named-tuple-class": (
        """
        from typing import NamedTuple
        class P(NamedTuple):
            x: int
            def twice(self):
                return self.x * 2
        """,
        """
        p = P(4)
        assert p.x == 4 and p.twice() == 8 and p == (4,)
        """,
    ),
    "enum": (
        """
        from enum import Enum
        class C(Enum):
            RED = 1
            BLUE = 2
        """,
        """
        assert C.RED.value == 1 and C(2) is C.BLUE and C['RED'] is C.RED
        assert [c.name for c in C] == ['RED', 'BLUE']
        """,
    ),
    "iterator-class": (
        """
        class Up:
            def __init__(self, n):
                self.n, self.i = n, 0
            def __iter__(self):
                return self
            def __next__(self):
                self.i += 1
                if self.i > self.n:
                    raise StopIteration
                return self.i
        """,
        """
        u = Up(3)
        assert next(u) == 1 and u.i == 1 and list(u) == [2, 3] and next(u, 0) == 0
        """,
    ),
    "linked": (
        """
        class Node:
            def __init__(self, v, next=None):
                self.v, self.next = v, next
        """,
        """
        b = Node(2)
        a = Node(1, b)
        assert a.next is b and a.next.v == 2
        a.next = a
        assert a.next.next is a
        """,
    ),
    "generator": (
        """
        class T:
            def walk(self):
                got = yield 1
                yield got
        """,
        """
        g = T().walk()
        assert next(g) == 1 and g.send(5) == 5
        g.close()
        """,
    ),
    "descriptor-of-closure": (
        """
        class T:
            def adder(self, n):
                return lambda x: x + n
        """,
        """
        assert T().adder(2)(3) == 5
        """,
    ),
}
# The same candidates, slightly wrong.
WRONG = {
    "methods": (
        STACK.replace("self.items.pop()", "self.items.pop(0)"),
        RIGHT["methods"][1],
    ),
    "equality": (
        STACK.replace("return self.items ==", "return self.items !="),
        RIGHT["equality"][1],
    ),
    "missing-class": (
        """
        x = 5
        """,
        """
        s = Stack()
        """,
    ),
    "missing-method": (
        STACK,
        """
        Stack().shove(1)
        """,
    ),
    "no-order": (
        """
        class A:
            pass
        """,
        """
        assert A() < A()
        """,
    ),
    "no-length": (
        """
        class A:
            pass
        """,
        """
        assert len(A()) == 0
        """,
    ),
    "no-iteration": (
        """
        class A:
            pass
        """,
        """
        assert list(A()) == []
        """,
    ),
    "no-context": (
        """
        class A:
            pass
        """,
        """
        with A():
            pass
        """,
    ),
    "unhashable": (
        """
        class A:
            def __eq__(self, o):
                return type(o) is A
        """,
        """
        assert {A()}
        """,
    ),
    "length-of-wrong-type": (
        """
        class A:
            def __len__(self):
                return 'a'
        """,
        """
        assert len(A()) == 1
        """,
    ),
    "text-of-wrong-type": (
        """
        class A:
            def __str__(self):
                return 5
        """,
        """
        assert str(A()) == '5'
        """,
    ),
}
# Functions, whose results and exceptions arrive as they would in one process.
VALUES = {
    "returns-its-argument": (
        """
        def f(x): return x
        """,
        """
        a = [1]
        assert f(a) is a
        f(a).append(2)
        assert a == [1, 2]
        """,
    ),
    "part-of-its-argument": (
        """
        def f(x): return {'k': x[0]}
        """,
        """
        a = [[1]]
        f(a)['k'].append(2)
        assert a == [[1, 2]]
        """,
    ),
    "copy": (
        """
        def f(x): return list(x)
        """,
        """
        a = [[1]]
        r = f(a)
        assert r is not a and r[0] is a[0]
        r.append(3)
        assert a == [[1]]
        """,
    ),
    "rows": (
        """
        def f(n): return [[0] * n] * n
        """,
        """
        g = f(2)
        g[0][0] = 1
        assert g == [[1, 0], [1, 0]]
        """,
    ),
    "not-a-number": (
        """
        def f(x): return list(x)
        """,
        """
        n = float('nan')
        assert f([n]) == [n] and f([1.0, n]) != [1.0, float('nan')]
        """,
    ),
    "math-nan": (
        """
        import math
        def f(): return [math.nan]
        """,
        """
        import math
        assert f() == [math.nan] and f() != [float('nan')]
        """,
    ),
    "given-twice": (
        """
        def f(a, b=None, *, c=None):
            a.append(1)
            return len(b), len(c)
        """,
        """
        a = []
        assert f(a, a, c=a) == (1, 1)
        """,
    ),
    "arguments-swapped": (
        """
        def f(a, b): a[0], b[0] = b[0], a[0]
        """,
        """
        a, b = [[1]], [[2]]
        x, y = a[0], b[0]
        f(a, b)
        assert a[0] is y and b[0] is x
        """,
    ),
    "equal-one-in-its-place": (
        """
        def f(a): a[0] = [1]; return a[0]
        """,
        """
        a = [[1]]
        inner = a[0]
        r = f(a)
        assert a == [[1]] and a[0] is r and a[0] is not inner
        """,
    ),
    "holds-itself": (
        """
        def f(a):
            a.append(a)
            return [a]
        """,
        """
        a = []
        r = f(a)
        assert a[0] is a and r[0] is a
        """,
    ),
    "given-what-holds-itself": (
        """
        def f(a): return a[0] is a and len(a)
        """,
        """
        a = [0]
        a[0] = a
        assert f(a) == 1
        """,
    ),
    "object-put-into-argument": (
        """
        def f(a): a.append(object())
        """,
        """
        a = [1]
        f(a)
        assert len(a) == 2 and a != [1]
        """,
    ),
    "handed-back": (
        """
        def f(x=None): return object() if x is None else (type(x).__name__, x)
        """,
        """
        r = f()
        assert f(r)[0] == 'object' and f(r)[1] is r
        """,
    ),
    "named-fields": (
        """
        from collections import namedtuple
        def f(): return namedtuple('P', 'x y')(1, [2])
        """,
        """
        p = f()
        x, y = p
        assert p.x == x == 1 and p == (1, [2]) and p._asdict() == {'x': 1, 'y': [2]}
        assert p._replace(x=5) == (5, [2]) and isinstance(p, tuple)
        """,
    ),
    "typed-fields": (
        """
        from typing import NamedTuple
        class P(NamedTuple):
            x: int = 3
        def f(): return {'p': P()}
        """,
        """
        assert f()['p'].x == 3 and repr(f()['p']) == 'P(x=3)'
        """,
    ),
    "parsed-address": (
        """
        from urllib.parse import urlparse as f
        """,
        """
        assert f('http://a/b').netloc == 'a'
        """,
    ),
    "time-fields": (
        """
        import time
        def f(): return time.gmtime(0)
        """,
        """
        assert f().tm_year == 1970 and len(f()) == 9
        """,
    ),
    "deep-result": (
        """
        def f(n):
            r = []
            for _ in range(n): r = [r]
            return r
        """,
        """
        r, n = f(1100), 0
        while r:
            r, n = r[0], n + 1
        assert n == 1100
        """,
    ),
    "deep-argument": (
        """
        def f(x):
            n = 0
            while x: x, n = x['a'], n + 1
            return n
        """,
        """
        x = {}
        for _ in range(1100): x = {'a': x}
        assert f(x) == 1100
        """,
    ),
    "deep-tuples": (
        """
        def f(x): return (x, x[1]) if x else ()
        """,
        """
        x = ()
        for i in range(1100): x = (i, x)
        r = f(x)
        assert r[0] is x and r[1] is x[1]
        """,
    ),
    "large-text": (
        """
        def f(n): return 'x' * n
        """,
        """
        assert len(f(38 << 20)) == 38 << 20
        """,
    ),
    "large-bytes": (
        """
        def f(n): return bytes(n)
        """,
        """
        assert len(f(38 << 20)) == 38 << 20
        """,
    ),
    "large-argument": (
        """
        def f(x): return len(x)
        """,
        """
        assert f('x' * (38 << 20)) == 38 << 20
        """,
    ),
    "large-list": (
        """
        def f(n): return list(range(n))
        """,
        """
        assert f(10 ** 6)[-1] == 10 ** 6 - 1
        """,
    ),
    "default-dict": (
        """
        from collections import defaultdict
        def f(): return defaultdict(list)
        """,
        """
        d = f()
        d['x'].append(1)
        assert d == {'x': [1]}
        """,
    ),
    "default-dict-of-function": (
        """
        from collections import defaultdict
        def f(): return defaultdict(lambda: 7)
        """,
        """
        assert f()['x'] == 7
        """,
    ),
    "uuid": (
        """
        import uuid
        def f(): return uuid.UUID(int=5)
        """,
        """
        import uuid
        assert f() == uuid.UUID(int=5) and f().hex[-1] == '5'
        """,
    ),
    "path": (
        """
        from pathlib import Path
        def f(p): return Path(p) / 'b'
        """,
        """
        from pathlib import Path
        assert f('/a') == Path('/a/b') and f('/a').name == 'b'
        assert f(Path('/a')) == Path('/a/b')
        """,
    ),
    "zone": (
        """
        import datetime, zoneinfo
        def f(): return datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))
        """,
        """
        assert f().tzname() == 'CEST' and str(f().tzinfo) == 'Europe/Berlin'
        """,
    ),
    "exception-text": (
        """
        def f(): raise ValueError('neg', 5)
        """,
        """
        try:
            f()
        except ValueError as e:
            assert e.args == ('neg', 5) and type(e) is ValueError
        else:
            assert False
        """,
    ),
    "exception-cause": (
        """
        def f():
            try:
                1 / 0
            except ZeroDivisionError as e:
                raise ValueError('a') from e
        """,
        """
        try:
            f()
        except ValueError as e:
            assert isinstance(e.__cause__, ZeroDivisionError) and e.__suppress_context__
            assert str(e.__cause__) == 'division by zero'
        else:
            assert False
        """,
    ),
    "exception-context": (
        """
        def f():
            try:
                1 / 0
            except ZeroDivisionError:
                raise KeyError('a')
        """,
        """
        try:
            f()
        except KeyError as e:
            assert e.__cause__ is None and isinstance(e.__context__, ZeroDivisionError)
        else:
            assert False
        """,
    ),
    "exception-hidden": (
        """
        def f():
            try:
                1 / 0
            except ZeroDivisionError:
                raise KeyError('a') from None
        """,
        """
        try:
            f()
        except KeyError as e:
            assert e.__cause__ is None and e.__suppress_context__
        else:
            assert False
        """,
    ),
    "exception-fields": (
        """
        class E(ValueError):
            def __init__(self, code):
                super().__init__(f'code {code}')
                self.code, self.more = code, {'a': [1]}
        def f(): raise E(7)
        """,
        """
        try:
            f()
        except ValueError as e:
            assert e.code == 7 and e.more == {'a': [1]} and str(e) == 'code 7' and type(e).__name__ == 'E'
        else:
            assert False
        """,
    ),
    "exception-own-text": (
        """
        class E(Exception):
            def __str__(self): return 'own'
        def f(): raise E(1)
        """,
        """
        try:
            f()
        except Exception as e:
            assert str(e) == 'own' and e.args == (1,)
        else:
            assert False
        """,
    ),
    "exception-decode": (
        """
        def f(): b'\\xff'.decode()
        """,
        """
        try:
            f()
        except UnicodeDecodeError as e:
            assert (e.start, e.end, e.encoding, e.object) == (0, 1, 'utf-8', b'\\xff') and e.reason in str(e)
        else:
            assert False
        """,
    ),
    "exception-encode": (
        """
        def f(): '\\xff'.encode('ascii')
        """,
        """
        try:
            f()
        except UnicodeEncodeError as e:
            assert e.start == 0 and e.object == '\\xff'
        else:
            assert False
        """,
    ),
    "exception-file": (
        """
        def f(): open('/none/such')
        """,
        """
        import errno
        try:
            f()
        except FileNotFoundError as e:
            assert e.filename == '/none/such' and e.errno == errno.ENOENT and 'none' in str(e)
        else:
            assert False
        """,
    ),
    "exception-key": (
        """
        def f(): {}['a', 1]
        """,
        """
        try:
            f()
        except KeyError as e:
            assert e.args == (('a', 1),)
        else:
            assert False
        """,
    ),
    "exception-stop": (
        """
        def f(): raise StopIteration(5)
        """,
        """
        try:
            f()
        except StopIteration as e:
            assert e.value == 5
        else:
            assert False
        """,
    ),
    "exception-name": (
        """
        def f(): return zz
        """,
        """
        try:
            f()
        except NameError as e:
            assert e.name == 'zz'
        else:
            assert False
        """,
    ),
}
NAMES = ("f", "Stack", "Vector", "P", "C", "Up", "Node", "T", "A")


def trials(cases: dict[str, tuple[str, str]], *, objects: bool = True) -> list[tuple[Outcome, Outcome]]:
    """Judge each case across the channel and in one process."""
    programs = []
    for judge in (Judge.ISOLATED, Judge.SCRIPT):
        for code, source in cases.values():
            used = tuple(name for name in NAMES if re.search(rf"\b{name}[(.\[]", source))
            tests = Tests(textwrap.dedent(source), used, objects=objects)
            programs.append(Program("t/0", textwrap.dedent(code), tests, judge))
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=5.0)))).outcomes
    return list(zip(outcomes[: len(cases)], outcomes[len(cases) :], strict=True))


def test_objects_behave_as_in_one_process() -> None:
    """What tests do to an object of the candidate's class has the same effect across the channel."""
    for name, both in zip(RIGHT, trials(RIGHT), strict=True):
        for outcome in both:
            assert (outcome.verdict, outcome.flags) == (Verdict.PASSED, ()), f"{name}: {outcome}"


def test_values_arrive_as_in_one_process() -> None:
    """Results and exceptions are what they are there, whatever they share and however large they are."""
    for name, both in zip(VALUES, trials(VALUES, objects=False), strict=True):
        for outcome in both:
            assert (outcome.verdict, outcome.flags) == (Verdict.PASSED, ()), f"{name}: {outcome}"


def test_wrong_classes_fail_as_in_one_process() -> None:
    """A class that does not do what it should gets the same verdict."""
    for name, (isolated, script) in zip(WRONG, trials(WRONG), strict=True):
        assert not isolated.passed, name
        assert isolated.verdict is script.verdict, f"{name}: {isolated} {script}"
        assert isolated.judge == "isolated"


def test_what_is_too_large_or_too_deep_has_a_verdict() -> None:
    """Beyond the limits of the channel there is a verdict and its reason, whichever side made the value."""
    deep = "def deep(n):\n    r = []\n    for _ in range(n): r = [r]\n    return r\n"
    cases = {
        f"{deep}f = deep\n": ("f(20_000)\n", "", Verdict.FAILED, "levels"),
        "def f(x): return 1\n": ("f(deep(20_000))\n", deep, Verdict.ERROR, "levels"),
        "def f(): return 'x' * (300 << 20)\n": ("f()\n", "", Verdict.OUTPUT_LIMIT, "too large"),
        "def f(): return ['x' * (9 << 20)] * 60\n": ("f()\n", "", Verdict.OUTPUT_LIMIT, "too large"),
    }
    programs = [
        Program("t/0", code, Tests(source, ("f",), prelude)) for code, (source, prelude, *_) in cases.items()
    ]
    outcomes = batch.judge(programs, local(Confinement(Limits(timeout_s=20.0, memory_mib=3000)), 1)).outcomes
    for outcome, (_, _, verdict, reason) in zip(outcomes, cases.values(), strict=True):
        assert (outcome.verdict, outcome.judge) == (verdict, "isolated")
        assert reason in outcome.detail


def test_a_hostile_argument_of_an_exception_is_left_out() -> None:
    """Positions outside the text of a UnicodeError never reach the tests, and its class does."""
    code = "def f(): raise UnicodeDecodeError('utf-8', b'a', 5, 10 ** 9, 'x')\n"
    source = (
        "try:\n    f()\nexcept UnicodeDecodeError as e:\n    assert e.args == ()\nelse:\n    assert False\n"
    )
    [outcome] = batch.judge([Program("t/0", code, Tests(source, ("f",)))], local(Confinement(), 1)).outcomes
    assert outcome.passed


# The tests take what `f` returns for plain data; it is an object of the program's own class.
_BAG = """
class Bag:
    def __init__(self, *items): self.items = items
    def __iter__(self): return iter(self.items)
    def __len__(self): return len(self.items)
    def __getitem__(self, key): return self.items[key]
    def __eq__(self, other): return True
    def __contains__(self, item): return True
def f(*items): return Bag(*items)
"""
_BAGS = {
    "assert list(f(1, 2)) == [1, 2]": True,
    "assert [x for x in f(3)] == [3] and sum(f(3, 4)) == 7": True,
    "a, b = f(5, 6)\nassert (a, b) == (5, 6)": True,
    "assert len(f(1, 2, 3)) == 3": True,
    "assert f(7, 8)[1] == 8 and f(7, 8)[0] == 7": True,
    "assert f(1) and not f()": True,
    "assert 2 in f(1, 2)": True,
    "assert sorted(f(2, 1)) == [1, 2]": True,
    "for x in f(1):\n    assert x == 2": False,
    "assert f(1) == [1]": False,  # nothing but its items is believed
    "assert 3 in f(1, 2)": False,
    "assert f() == f()": False,
}


def test_an_own_container_is_looped_over_counted_and_indexed() -> None:
    """Its items are compared, on the tests' side, and what its class says about equality is not believed."""
    programs = [Program("t/0", _BAG, Tests(source + "\n", ("f",))) for source in _BAGS]
    outcomes = batch.judge(programs, local(Confinement(), 1)).outcomes
    assert {outcome.judge for outcome in outcomes} == {"isolated"}
    assert dict(zip(_BAGS, (outcome.passed for outcome in outcomes), strict=True)) == _BAGS, outcomes


# A right body of a generator, one that gives the same object again, and tests.
STEPS = [
    ("yield [i]", "kept[:] = [i]; yield kept", "assert list(f(3)) == [[0], [1], [2]]"),
    ("yield (i, [i])", "kept[:] = [i]; yield (i, kept)", "assert dict(f(3)) == {0: [0], 1: [1], 2: [2]}"),
    ("yield kept[:]; kept.append(i)", "yield kept; kept.append(i)", "assert list(f(2)) == [[], [0]]"),
    (
        "yield [i] if i < 1 else i",
        "kept.append(i); yield kept if i < 1 else i",
        "assert list(f(2)) == [[0], 1]",
    ),
    ("yield {'i': i}", "both.update(i=i); yield both", "assert [*f(2)] == [{'i': 0}, {'i': 1}]"),
    ("yield [i, [i]], kept[:]", "yield [i, [i]], kept; kept.append(i)", "assert [*f(99)][60][1] == []"),
    ("yield Own([i])", "kept[:] = [i]; yield Own(kept) if i else kept", "assert list(f(2)) == [[0], [1]]"),
    ("yield [0] * 2**19", "kept[:] = [i] * 2**19; yield kept", "assert {x[0] for x in list(f(3))} == {0}"),
    ("yield E(1); yield [i]", "yield E(1); kept[:] = [i]; yield kept", "assert [*f(2)] == [1, [0], 1, [1]]"),
]


def test_an_iterators_items_keep_identity() -> None:
    """An item that a generator gives again, and changes, is one object for the tests too."""
    code = """
        import enum
        E = enum.IntEnum("E", "A B")
        class Own(list): pass
        def f(n):
            kept, both = [], {{}}
            for i in range(n):
                {}
    """
    programs = [
        Program("t", textwrap.dedent(code).format(body), Tests(test, ("f",)), judge)
        for right, wrong, test in STEPS
        for body in (right, wrong)
        for judge in (Judge.ISOLATED, Judge.SCRIPT)
    ]
    outcomes = batch.judge(programs, local(Confinement())).outcomes
    assert [outcome.judge for outcome in outcomes] == ["isolated", "script"] * (len(outcomes) // 2)
    assert [outcome.verdict for outcome in outcomes] == (
        [Verdict.PASSED, Verdict.PASSED, Verdict.FAILED, Verdict.FAILED] * len(STEPS)
    )
