"""What crosses between a candidate and its tests."""

from __future__ import annotations

import array
import collections
import contextlib
import datetime
import decimal
import enum
import fractions
import json
import math
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.sandbox.box import codec


def refuse(kind, value):
    """Refuse whatever is not plain data."""
    raise codec.UnsupportedError(kind)


def opaque(kind, value):
    """Send a name in place of an object."""
    return {"ob": type(value).__name__}


def resolve(tag, payload):
    """Give what stands for a name."""
    if tag == "ob":
        return codec.Opaque(payload)
    raise codec.ProtocolError(tag)


def cross(value):
    """There and back."""
    return codec.decode(codec.encode(value, opaque), resolve)


def shape(value):
    """A text that is equal for equal values of equal types, all the way down; NaN equals NaN."""
    kind = type(value)
    if kind in (set, frozenset):
        return f"{kind.__name__}({', '.join(sorted(map(shape, value)))})"
    if isinstance(value, dict):
        return f"{kind.__name__}({', '.join(shape(k) + ': ' + shape(v) for k, v in value.items())})"
    if isinstance(value, (list, tuple, collections.deque)):
        return f"{kind.__name__}({', '.join(map(shape, value))})"
    if isinstance(value, int) and value.bit_length() > 8000:
        return hex(value)
    return f"{kind.__name__}({value!r})"


def same(a, b):
    """Equality of values and of types."""
    return shape(a) == shape(b)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-5, 5).map(lambda n: n << 9000),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters()),  # lone surrogates among them
    st.text(st.sampled_from("\ud83d\ude00\U0001f600a")),  # and two that would make a pair
    st.binary(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | st.just(datetime.timezone.utc)),
    st.timedeltas(),
)
hashables = st.recursive(
    scalars, lambda inner: st.lists(inner).map(tuple) | st.frozensets(inner), max_leaves=5
)
values = st.recursive(
    hashables,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.sets(hashables),
        st.dictionaries(st.text(), inner),
        st.dictionaries(hashables, inner),
        st.lists(inner).map(collections.deque),
        st.binary().map(bytearray),
        st.dictionaries(st.text(), inner).map(collections.OrderedDict),
    ),
    max_leaves=12,
)


@given(values)
def test_plain_values_cross_unchanged(value):
    """Every plain value arrives equal and of the same type, down to its leaves."""
    assert same(cross(value), value)


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused_or_decoded(raw):
    """Whatever the bytes, decoding returns a value or raises ProtocolError."""
    with contextlib.suppress(codec.ProtocolError):
        codec.decode(raw, resolve)


tags = st.sampled_from([*codec._READERS, "ob", "x", "__class__"])
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(tags, inner, max_size=2)
        | st.tuples(tags, inner).map(lambda pair: {pair[0]: pair[1]})
    ),
    max_leaves=10,
)


@given(trees)
def test_hostile_trees_are_refused_or_decoded(tree):
    """Well-formed JSON with known tags and wrong payloads never raises anything but ProtocolError."""
    with contextlib.suppress(codec.ProtocolError):
        codec.decode(json.dumps(tree).encode(), resolve)


class Liar(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__

    def __int__(self):
        return 42


class Shade(enum.IntEnum):
    RED = 3


Point = collections.namedtuple("Point", "x y")


class LyingList(list):
    def __iter__(self):
        return iter([42])

    def __getitem__(self, key):
        return 42

    def __len__(self):
        return 1

    def __eq__(self, other):
        return True


class LyingText(str):
    def __str__(self):
        return "42"

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (Liar(7), 7),
        (Shade.RED, 3),
        (Point(1, 2), (1, 2)),
        (LyingList([1, 2]), [1, 2]),
        (LyingText("no"), "no"),
        ([Liar(7), {"a": LyingList([3])}], [7, {"a": [3]}]),
        (type("Own", (fractions.Fraction,), {})(1, 3), fractions.Fraction(1, 3)),
        (type("Own", (datetime.datetime,), {})(2024, 1, 2, fold=1), datetime.datetime(2024, 1, 2, fold=1)),
        (type("Own", (datetime.date,), {})(2024, 1, 2), datetime.date(2024, 1, 2)),
        (type("Own", (datetime.timedelta,), {})(1, 2, 3), datetime.timedelta(1, 2, 3)),
    ],
)
def test_subclasses_cross_as_the_value_they_hold(value, arrives):
    """What an overridden method claims stays behind: the base type's own data crosses."""
    assert same(cross(value), arrives)


class EqualsEverything:
    def __eq__(self, other):
        return True

    __hash__ = None


def test_other_objects_equal_nothing():
    """An object that equals everything in its own process equals no literal in the tests'."""
    result = cross(EqualsEverything())
    assert isinstance(result, codec.Opaque)
    for literal in (0, 1, "", [], None, True, {}, (1,)):
        assert result != literal
        assert cross([EqualsEverything()]) != [literal]


@pytest.mark.parametrize(
    "array", [np.array([1.5, 2.5]), np.array([[1, 2], [3, 4]]), np.array([True]), np.array(["a", "bc"])]
)
def test_numpy_arrays_cross(array):
    """Arrays arrive with dtype, shape and content, and can be written to."""
    result = cross(array)
    assert result.dtype == array.dtype
    assert np.array_equal(result, array)
    result[...] = result[0]


@pytest.mark.parametrize(
    "scalar", [np.int64(3), np.float64(0.5), np.float32(0.1), np.bool_(True), np.str_("x")]
)
def test_numpy_scalars_cross(scalar):
    """Numpy's scalars stay numpy's."""
    result = cross(scalar)
    assert type(result) is type(scalar)
    assert result == scalar


def test_arrays_of_objects_cross_item_by_item():
    """An array of plain objects arrives as one; what equals everything in it equals nothing any more."""
    value = np.empty((2, 2), dtype=object)
    value[:] = [[10**30, "a"], [None, 2.5]]
    value[1, 0] = [1, (2,)]
    result = cross(value)
    assert result.dtype == object
    assert result.tolist() == [[10**30, "a"], [[1, (2,)], 2.5]]
    hostile = cross(np.array([EqualsEverything()], dtype=object))
    assert not (hostile == np.array([3])).any()


@pytest.mark.parametrize(
    "payload",
    [[[2], [1]], [[-1, -1], [1]], [[1 << 40], []], [1, [1]], [[1], 1], [[1]], {"a": 1}, [["x"], [1]]],
)
def test_hostile_arrays_of_objects_are_refused(payload):
    """The shape has to be that of the items."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack({"no": payload}), resolve)


@pytest.mark.parametrize(
    "value",
    [
        collections.UserList([1, (2,)]),
        collections.UserDict({"a": [1], 2: None}),
        collections.UserString("ab\ud800"),
        collections.ChainMap({"a": 1}, {"b": 2}),
        types.MappingProxyType({"a": {1}}),
        array.array("i", [1, -2, 3]),
        array.array("d", []),
        memoryview(b"ab\xff"),
        memoryview(array.array("h", [1, -2])),
        slice(1, None, (2,)),
    ],
)
def test_wrappers_of_the_library_cross(value):
    """What compares with plain data in one process does so here, with its own type."""
    result = cross(value)
    assert type(result) is type(value)
    assert result == value


@pytest.mark.parametrize(
    "value", [array.array("u", "ab"), memoryview(b"abcd").cast("B", (2, 2)), memoryview(b"a").cast("c")]
)
def test_texts_and_tables_of_items_do_not_cross(value):
    """Not every pattern of bits is a character, and few ask for more dimensions."""
    assert isinstance(cross(value), codec.Opaque)


@pytest.mark.parametrize(
    "tree",
    [
        {"ul": {"t": [1]}},
        {"ud": [1]},
        {"us": 5},
        {"cm": [[1]]},
        {"mp": [1]},
        {"ar": ["u", "ab"]},
        {"ar": ["i", "abc"]},
        {"mv": ["c", "a"]},
        {"mv": ["i", "abc"]},
        {"sl": [1, 2, 3, 4]},
    ],
)
def test_wrappers_hold_what_they_say(tree):
    """A wrapper is made of its own kind of content only."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack(tree), resolve)


def test_two_lone_surrogates_are_no_character():
    """They are what JSON's escapes of one character look like."""
    pair, one = "\ud83d\ude00", "\U0001f600"
    assert cross(pair) == pair != cross(one) == one
    assert cross([pair, {pair: one}]) == [pair, {pair: one}]


@pytest.mark.parametrize("dtype", ["O", "V8", "i4,O", "object", "<M8[ns](2,)", "S1" * 50])
def test_hostile_dtypes_are_refused(dtype):
    """Only plain dtypes are looked up."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(json.dumps({"np": [dtype, [1], "\0" * 8]}).encode(), resolve)


def test_views_and_ranges_cross():
    """Dict views compare like sets, ranges like ranges."""
    assert cross({"a": 1}.keys()) == {"a"}
    assert cross({"a": 1}.items()) == {("a", 1)}
    assert list(cross({"a": 1}.values())) == [1]
    assert cross(range(3, 10**30, 7)) == range(3, 10**30, 7)
    assert cross(collections.Counter("aab")) == collections.Counter("aab")
    assert cross(collections.defaultdict(list, a=[1])) == {"a": [1]}
    assert cross(int) is int
    assert cross(math.nan) != cross(math.nan)


def test_deep_and_cyclic_values_are_refused_in_time():
    """A value that contains itself ends as unsupported, not as a crash."""
    cycle: list = []
    cycle.append(cycle)
    with pytest.raises(codec.UnsupportedError):
        codec.encode(cycle, refuse)


def test_a_message_over_the_limit_is_refused(monkeypatch):
    """Size is bounded where it is made."""
    monkeypatch.setattr(codec, "MAX_BYTES", 100)
    with pytest.raises(codec.ProtocolError, match="too large"):
        codec.encode("x" * 200, refuse)


mutable = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(st.integers(), max_size=3),
        st.lists(inner, max_size=3).map(collections.deque),
    ),
    max_leaves=8,
)


@given(mutable, mutable)
def test_assigning_makes_equal_and_keeps_identity(target, changed):
    """After `assign` the target equals the change; a container of the same type stays the same object."""
    result = codec.assign(target, changed)
    assert same(result, changed)
    if type(target) is type(changed) and isinstance(target, (list, dict, set, collections.deque)):
        assert result is target


@pytest.mark.parametrize(
    ("target", "changed"),
    [
        (array.array("i", [3, 1]), array.array("i", [1])),
        (collections.UserList([3, [1]]), collections.UserList([[2], 5])),
        (collections.UserDict(a=[1]), collections.UserDict(a=[2], b=3)),
    ],
)
def test_assigning_reaches_wrappers(target, changed):
    """Arrays and wrappers are changed in place too."""
    assert codec.assign(target, changed) is target
    assert target == changed


def test_assigning_reaches_inner_containers():
    """Whoever holds an inner list of an argument sees what the candidate did to it."""
    inner = [3, 1, 2]
    outer = {"a": (inner,)}
    codec.assign(outer, {"a": ([1, 2, 3],)})
    assert inner == [1, 2, 3]
    assert outer["a"][0] is inner


def test_decimal_and_fraction_subclasses_and_signs():
    """Signed zeros and exact numbers keep their sign and exactness."""
    assert repr(cross(-0.0)) == "-0.0"
    assert cross(decimal.Decimal("-0.10")).as_tuple() == decimal.Decimal("-0.10").as_tuple()
    assert cross(fractions.Fraction(1, 3)) == fractions.Fraction(1, 3)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_the_fast_encoder_writes_what_json_does(tree):
    """The same text as json.dumps, which every reader of JSON understands."""
    written = codec.dumps(tree)
    assert written == json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    assert repr(codec.loads(written)) == repr(json.loads(written))


def test_without_the_fast_encoder_messages_are_the_same(monkeypatch):
    """An interpreter may lack it."""
    tree = ["value", {"t": [1, 2.5, None, "\ud800"]}]
    expected = codec.dumps(tree)
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    assert codec._make_dumps()(tree) == expected


@pytest.mark.parametrize("raw", [b"[1] 2", b"", b" ", b"[1", b"\xff", b"nul", b"[1]\x00"])
def test_anything_but_one_value_is_a_protocol_error(raw):
    """Trailing text, half a message, no ASCII."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(raw, lambda *_: None)
