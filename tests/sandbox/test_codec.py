"""What crosses between a candidate and its tests."""

from __future__ import annotations

import array
import collections
import contextlib
import copy
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import time
import types
import uuid
import zoneinfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.sandbox.box import codec
from passk_tasks.sandbox.box.codec import form, reading, writing


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


tags = st.sampled_from(
    [*reading._READERS, *reading._FILLERS, *reading._UNNUMBERED, "parts", "ob", "x", "__class__"]
)
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


@st.composite
def views(draw):
    """Some views of one array."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    dtype = draw(st.sampled_from(["i4", "f8", "c16", "U3", "M8[s]", "?"]))
    array = np.arange(math.prod(shape)).astype("i8").astype(dtype).reshape(shape)
    made = [array]
    for _ in range(draw(st.integers(1, 3))):
        part = made[draw(st.integers(0, len(made) - 1))]
        slices = [
            slice(draw(st.integers(0, length - 1)), None, draw(st.integers(1, 2))) for length in part.shape
        ]
        part = part[tuple(slices)]
        made.append(draw(st.sampled_from([part, part.T, part[::-1]])))
    chosen = draw(st.permutations(made))
    return chosen[: draw(st.integers(1, len(chosen)))]


@given(views())
def test_arrays_that_share_memory_go_on_to_share_it(arrays):
    """Each pair that does, and no other; and each has its own content."""
    arrived = cross(arrays)
    assert [a.tolist() for a in arrived] == [a.tolist() for a in arrays]
    assert [a.dtype for a in arrived] == [a.dtype for a in arrays]
    pairs = [(i, j) for i in range(len(arrays)) for j in range(i)]
    for i, j in pairs:
        assert np.shares_memory(arrived[i], arrived[j]) == np.shares_memory(arrays[i], arrays[j])


def test_a_part_of_a_large_array_does_not_bring_it_along():
    """Nor do two parts of a far larger one."""
    large = np.zeros(1 << 20)
    assert len(codec.encode([large[:3]], opaque)) < 1000
    assert len(codec.encode([large[:3], large[1:3]], opaque)) < 1000


def test_a_result_can_be_a_part_of_an_argument():
    """On the side that gets it, it shows the memory of its own argument."""
    mine, given_ = [], []
    sent = np.arange(6.0)
    raw = codec.text([sent], refuse, memo=mine)
    [there] = codec.decode(raw, resolve, given_)
    back = codec.decode(codec.encode(there[2:4], refuse, given_), resolve, mine)
    assert back.tolist() == [2, 3]
    assert np.shares_memory(back, sent)


@pytest.mark.parametrize(
    "place",
    [
        ["<f8", 8, [4], [8]],  # one item too many
        ["<f8", -8, [1], [8]],
        ["<f8", 0, [3], [-8]],
        ["<f8", 0, [1 << 40], [0]],  # a terabyte of one item
        ["<f8", 0, [3, 3], [1 << 62, 1 << 62]],
        ["<f8", 0, [2], [8, 8]],
        ["<f8", 0, [0], [8]],
        ["<f8", 0, [-1], [8]],
        ["<f8", 0.0, [1], [8]],
        ["<f8", True, [1], [8]],
        ["<f8", 0, "ab", [8, 8]],
        ["<U2", 0, [1], [8]],  # any bytes are no text
        ["O", 0, [1], [8]],
        ["f8,f8", 0, [1], [8]],
    ],
)
def test_hostile_views_are_refused(place):
    """What does not lie in its owner, or would be larger than it."""
    raw = codec.pack([{"np": ["<f8", [4], "\0" * 32]}, {"nv": [{"=": 1}, *place]}])
    with pytest.raises(codec.ProtocolError):
        codec.decode(raw, resolve)


@pytest.mark.parametrize("owner", [{"=": 0}, 3, {"no": [[2], [1, 2]]}, {"np": ["<U1", [8], "a\0\0\0" * 8]}])
def test_hostile_owners_are_refused(owner):
    """What is no array, or one of references or texts."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack([{"nv": [owner, "<f8", 0, [1], [8]]}]), resolve)


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
        collections.ChainMap(collections.OrderedDict(a=1), collections.Counter("b")),
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


@pytest.mark.parametrize("value", [bytes(100_000), bytes(range(256)) * 300, bytearray(70_000)])
def test_long_bytes_are_not_many_times_as_long(value):
    """A byte that JSON would escape takes six."""
    assert cross(value) == value
    assert len(codec.encode(value, opaque)) < 1.5 * len(value)
    assert np.array_equal(cross(np.zeros(100_000)), np.zeros(100_000))


@pytest.mark.parametrize("payload", [[], ["A"], ["AAAA", "AAAA"], [5], [["AAAA"]], ["\u1234AAA"]])
def test_hostile_bytes_in_base64_are_refused(payload):
    """One text, and a valid one."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack({"b": payload}), resolve)


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


Point = collections.namedtuple("Point", "x y")


class Sneaky(tuple):
    __slots__ = ()
    _fields = ("count",)

    def __eq__(self, other):
        return True

    __hash__ = tuple.__hash__


def test_named_tuples_keep_the_names_of_their_fields():
    """Fields can be read by name; the rest is a tuple's."""
    result = cross([Point(1, [2])])[0]
    assert (result.x, result.y) == (1, [2])
    assert result == (1, [2])
    assert result != (1, [3])
    assert isinstance(result, tuple)
    assert type(result) is not tuple
    assert repr(result) == "Point(x=1, y=[2])"
    assert hash(cross(Point(1, 2))) == hash((1, 2))


@pytest.mark.parametrize("fields", [("count",), ("__len__",), ("class",), ("a b",), ("_x",), (1,), ["x"], ()])
def test_what_hides_a_tuples_methods_names_no_field(fields):
    """A class can call its fields what it likes; only names that a tuple has not are taken."""
    kind = type("Own", (tuple,), {"_fields": fields})
    assert same(cross(kind((1,))), (1,))
    assert same(cross(Sneaky((1,))), (1,))


@pytest.mark.parametrize(
    "payload",
    [
        ["P", ["count"], [1]],
        ["P", ["x", "x"], [1, 2]],
        ["P", ["x"], [1, 2]],
        ["P", ["x"], 5],
        ["P", "x", [1]],
        ["1P", ["x"], [1]],
        ["P", ["__class__"], [1]],
        ["P", ["x, __builtins__"], [1]],
        ["P", [["x"]], [1]],
        [5, ["x"], [1]],
    ],
)
def test_hostile_fields_are_refused(payload):
    """A class is made of names that were looked at."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack({"nt": payload}), resolve)


def nested(levels, wrap):
    """A value of that many levels around a list."""
    value: object = []
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    ("wrap", "inner"),
    [
        (lambda v: [v], lambda v: v[0]),
        (lambda v: (v, 1), lambda v: v[0]),
        (lambda v: {"a": v}, lambda v: v["a"]),
        (lambda v: {1: v}, lambda v: v[1]),
        (lambda v: collections.deque([v]), lambda v: v[0]),
        (lambda v: collections.OrderedDict(a=v), lambda v: v["a"]),
        (lambda v: Point(v, 2), lambda v: v.x),
    ],
)
def test_a_thousand_levels_cross(wrap, inner):
    """A value may nest deeper than the interpreter recurses by itself."""
    result = cross(nested(1100, wrap))
    for _ in range(1100):
        result = inner(result)
    assert result == []


def test_deeper_than_that_is_refused_by_name():
    """However deep a value is, it ends as an error and not as a crash."""
    with pytest.raises(codec.TooDeepError, match="levels"):
        codec.encode(nested(form.MAX_DEPTH + 1, lambda v: [v]), refuse)


@pytest.mark.parametrize(
    "message",
    [
        "[" * 1_000_000,
        '{"t":[' * 200_000,
        {"parts": [{"part": 0}, [{"part": 0}]]},
        {"parts": [{"part": 0}, [{"part": 1}, {"part": 0}]]},
        {"parts": [[{"part": 0}, {"part": 0}], [[1]]]},
        {"parts": [{"part": 5}, []]},
        {"parts": [{"part": -1}, [1]]},
        {"parts": [{"part": 0}, {"part": 0}]},
        {"parts": [{"part": 0}, [{"part": n + 1} for n in range(200_000)]]},
        {"parts": 5},
        [{"parts": [1, []]}],
    ],
)
def test_hostile_depth_is_refused(message):
    """Parts are read once each, and never without end."""
    raw = message.encode() if isinstance(message, str) else codec.pack(message)
    with pytest.raises(codec.ProtocolError):
        codec.decode(raw, resolve)


def test_a_float_that_is_no_number_keeps_its_identity():
    """What compares equal only where it is the same object does so on the other side."""
    one, other = float("nan"), float("nan")
    first, second, third, known, numpys = cross([one, one, other, math.nan, np.nan])
    assert first is second
    assert first is not third
    assert known is math.nan
    assert numpys is np.nan
    assert cross([one]) != cross([one])


@pytest.mark.parametrize("value", [decimal.Decimal("nan"), complex(math.nan, 0), np.float64("nan")])
def test_other_values_that_equal_only_themselves_do_so(value):
    """Not only floats are like that."""
    first, second = cross([value, value])
    assert first is second


def test_what_a_value_shares_within_itself_is_shared():
    """A change in one place is seen in the other, as where it was made."""
    row = [0]
    result = cross({"a": [row] * 2, "b": (row, {1: row})})
    result["a"][0].append(1)
    assert result == {"a": [[0, 1], [0, 1]], "b": ([0, 1], {1: [0, 1]})}


def cycles():
    """Values that hold themselves, each with how to get from it to itself."""
    plain: list = [1]
    plain.append(plain)
    mapping: dict = {}
    mapping["me"] = [mapping]
    inside = ([],)
    inside[0].append(inside)
    queue: collections.deque = collections.deque()
    queue.append(queue)
    wrapped = collections.UserList([])
    wrapped.append(wrapped)
    objects = np.empty(1, dtype=object)
    objects[0] = [objects]
    factory: collections.defaultdict = collections.defaultdict(list)
    factory[0].append(factory)
    two = ((inside[0], inside), inside)
    return [
        (plain, lambda v: v[1]),
        (mapping, lambda v: v["me"][0]),
        (inside, lambda v: v[0][0]),
        (queue, lambda v: v[0]),
        (wrapped, lambda v: v[0]),
        (objects, lambda v: v[0][0]),
        (factory, lambda v: v[0][0]),
        (two[1], lambda v: v[0][0]),
    ]


@pytest.mark.parametrize(("value", "again"), cycles())
def test_a_value_that_holds_itself_crosses(value, again):
    """Also where the way to itself is through a tuple."""
    result = cross(value)
    assert again(result) is result


@pytest.mark.parametrize(
    "tree",
    [
        {"=": 0},
        [{"=": 1}],
        [{"=": -1}],
        [{"=": "0"}],
        [{"=": True}],
        {"t": [{"=": 0}]},
        {"again": [[1], 5]},
        {"again": [1]},
        [[1], {"s": [{"=": 1}]}],
        [[1], {"ud": {"=": 1}}],
        {"dd": [5, []]},
        {"fs": [{"=": 0}]},
    ],
)
def test_hostile_references_are_refused(tree):
    """A number stands for what came before it, is finished, and may stand there."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack(tree), resolve)


@pytest.mark.parametrize(
    "value",
    [
        uuid.UUID(int=5),
        pathlib.Path("/a/b"),
        pathlib.PurePosixPath("a"),
        pathlib.PureWindowsPath("c:/a"),
        datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        datetime.datetime(2024, 7, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1), "X")),
        datetime.time(1, tzinfo=datetime.timezone.utc),
        datetime.timezone.utc,
        time.gmtime(0),
        collections.defaultdict(list, a=[1]),
        collections.defaultdict(None, a=[1]),
    ],
)
def test_what_the_library_makes_crosses_as_itself(value):
    """With type, value and text."""
    result = cross(value)
    assert type(result) is type(value)
    assert (result, repr(result)) == (value, repr(value))


def test_a_class_may_be_defined_elsewhere_than_it_is_imported_from(monkeypatch):
    """The library moves classes between its modules from version to version; `pathlib` has, for a while."""
    for kind in (pathlib.PosixPath, uuid.UUID):
        monkeypatch.setattr(kind, "__module__", f"{kind.__module__}._elsewhere")
    assert [cross(value) for value in (pathlib.Path("/a"), uuid.UUID(int=5))] == [
        pathlib.Path("/a"),
        uuid.UUID(int=5),
    ]


def test_a_default_dictionary_still_makes_its_values():
    """A builtin factory crosses too."""
    result = cross(collections.defaultdict(list))
    result["x"].append(1)
    assert result == {"x": [1]}


class Odd(datetime.tzinfo):
    def utcoffset(self, when):
        return datetime.timedelta(minutes=7)

    def tzname(self, when):
        return "ODD"

    def dst(self, when):
        return None


def test_a_time_zone_of_ones_own_crosses_as_what_it_says():
    """The offset and the name of that one time."""
    result = cross(datetime.datetime(2024, 7, 1, tzinfo=Odd()))
    assert (result.utcoffset(), result.tzname()) == (datetime.timedelta(minutes=7), "ODD")


@pytest.mark.parametrize(
    "tree",
    [
        {"zi": "../../etc/passwd"},
        {"zi": 5},
        {"zi": "Europe"},
        {"path": ["Popen", "/"]},
        {"path": ["Path", 5]},
        {"uuid": "-1"},
        {"tz": [5, 0, 0]},
        {"dt": ["2024-01-01T00:00:00", 0, "utc"]},
        {"st": [1]},
        {"nan": 5},
    ],
)
def test_hostile_values_of_the_library_are_refused(tree):
    """Each is made by its own class, which looks at what it is given."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(codec.pack(tree), resolve)


def test_a_message_over_the_limit_is_refused(monkeypatch):
    """Size is bounded where it is made."""
    monkeypatch.setattr(writing, "MAX_BYTES", 100)
    with pytest.raises(codec.ProtocolError, match="too large"):
        codec.encode("x" * 200, refuse)


def call(function, *args):
    """Call a function on the other side; its arguments change here as they do there."""
    crossed: list = []
    raw = codec.text(list(args), opaque, memo=crossed)
    sent = len(crossed)
    there: list = []
    given = codec.decode(raw, resolve, there)
    assert len(there) == sent
    result = function(*given)
    before: list = []
    codec.decode(raw, resolve, before)
    changes = [[number, codec.Content(there[number])] for number in codec.changed(there, before)]
    result, changes = codec.decode(codec.encode([result, changes], opaque, there), resolve, crossed)
    for number, content in changes:
        codec.assign(crossed[number], content)
    return result


def picture(value, seen=None):
    """A value as nested tuples in which a container that came before is its number."""
    seen = {} if seen is None else seen
    if type(value) not in (list, dict, tuple, set, collections.deque):
        return repr(value)
    if id(value) in seen and type(value) is not tuple:
        return seen[id(value)]
    seen[id(value)] = len(seen)
    items = value.items() if type(value) is dict else sorted(value) if type(value) is set else value
    return (type(value).__name__, *(picture(item, seen) for item in items))


MAKERS = (
    lambda *_: [],
    lambda *_: {},
    lambda *_: {1},
    lambda *_: collections.deque(),
    lambda a, b: [a, b],
    lambda a, b: (a, b),
    lambda a, b: {"a": a, 1: b},
    lambda a, b: collections.deque([a, b]),
    lambda a, b: a,
)


def insert(target, value):
    """Put a value into a container, whatever that is."""
    if type(target) in (list, collections.deque):
        target.append(value)
    elif type(target) is dict:
        target[len(target)] = value
    elif type(target) is set:
        target.add(len(target))


def shrink(target, _value):
    """Take something out of a container."""
    if type(target) in (list, set, collections.deque) and target:
        target.pop()
    elif type(target) is dict and target:
        target.popitem()


def swap(target, value):
    """Let items change places."""
    if type(target) in (list, collections.deque):
        target.reverse()
        if target:
            target[0] = value


STEPS = (insert, insert, shrink, swap)
plans = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), max_size=8)


def build(plan):
    """Make containers that hold one another."""
    pool: list = [1]
    for maker, first, second in plan:
        pool.append(MAKERS[maker % len(MAKERS)](pool[first % len(pool)], pool[second % len(pool)]))
    for index, value in enumerate(pool):
        insert(value, pool[-1 - index // 2])
    return pool


@given(plans, plans)
def test_a_call_leaves_what_it_leaves_in_one_process(made, done):
    """Arguments and result are the same, and the same objects, whatever holds what."""

    def function(*args):
        pool = list(args)
        for step, target, value in done:
            STEPS[step % len(STEPS)](pool[target % len(pool)], pool[value % len(pool)])
            pool.append(MAKERS[step % len(MAKERS)](pool[target % len(pool)], pool[value % len(pool)]))
        return pool[-4:]

    here, there = build(made)[-3:], build(made)[-3:]
    expected = function(*here)
    result = call(function, *there)
    assert picture([result, *there]) == picture([expected, *here])


def test_an_argument_that_comes_back_is_the_object_that_was_given():
    """At any depth, in the result or in another argument."""
    inner, outer = [1], {"a": 2}
    assert call(lambda a: a, inner) is inner
    assert call(lambda a, b: [(a,), b], inner, outer)[0][0] is inner
    pair = [inner, [2]]
    call(lambda p: p.reverse(), pair)
    assert pair[1] is inner
    call(lambda a, b: b.update(k=a), inner, outer)
    assert outer["k"] is inner
    nan = float("nan")
    assert call(lambda a: list(a), [nan]) == [nan]


def test_one_object_given_twice_is_one_there():
    """What is done to the first is done to the second."""
    both: list = []
    assert call(lambda a, b: (a.append(1), len(b))[1], both, both) == 1
    assert both == [1]


@pytest.mark.parametrize(
    ("target", "change"),
    [
        (array.array("i", [3, 1]), lambda v: v.pop()),
        (bytearray(b"ab"), lambda v: v.reverse()),
        (collections.UserList([3, [1]]), lambda v: v.reverse()),
        (collections.UserDict(a=[1]), lambda v: v.update(a=[2], b=3)),
        (collections.Counter("aab"), lambda v: v.update("bb")),
        (collections.OrderedDict(a=1, b=2), lambda v: v.move_to_end("a")),
        (collections.defaultdict(list), lambda v: v[1].append(2)),
        (collections.ChainMap({"a": 1}), lambda v: v.update(b=2)),
        (collections.deque([1, 2, 3], 3), lambda v: v.append(4)),
        ({3, 4}, lambda v: v.discard(3)),
        (np.arange(4), lambda v: v.__setitem__(0, 9)),
        (np.arange(4), lambda v: v.resize((2, 2), refcheck=False)),
        (np.array([[1], None], dtype=object), lambda v: v[0].append(2)),
    ],
)
def test_changes_reach_containers_of_every_kind(target, change):
    """The tests' own object holds afterwards what it would in one process."""
    expected = copy.deepcopy(target)
    change(expected)
    assert call(lambda v: (change(v), v)[1], target) is target
    assert repr(target) == repr(expected)


@pytest.mark.parametrize(
    ("target", "content"), [([1], {}), ((1,), (2,)), (5, [1]), (collections.deque(), [1]), ("a", "b")]
)
def test_a_change_of_another_kind_is_refused(target, content):
    """A candidate's process can say that anything changed into anything."""
    with pytest.raises(codec.ProtocolError):
        codec.assign(target, content)


@pytest.mark.parametrize("size", [0, 2, 200_000])
def test_no_array_of_the_tests_gets_other_memory(size):
    """They may hold views of it, which numpy does not count: these would show freed memory."""
    target = np.arange(100_000)
    first, last = target[:3], memoryview(target)[-3:]
    with pytest.raises(codec.ProtocolError, match="another size"):
        codec.assign(target, np.arange(size))
    codec.assign(target, np.arange(100_000, 200_000).reshape(2, -1))  # another shape of the same memory
    assert target.shape == (2, 50_000)
    with pytest.raises(codec.UnsupportedError, match="another size"):  # the candidate's end says it in words
        call(lambda v: v.resize(size, refcheck=False), np.arange(4))
    assert (first.tolist(), last.tolist()) == ([100_000, 100_001, 100_002], [199_997, 199_998, 199_999])


def test_decimal_and_fraction_subclasses_and_signs():
    """Signed zeros and exact numbers keep their sign and exactness."""
    assert repr(cross(-0.0)) == "-0.0"
    assert cross(decimal.Decimal("-0.10")).as_tuple() == decimal.Decimal("-0.10").as_tuple()
    assert cross(fractions.Fraction(1, 3)) == fractions.Fraction(1, 3)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_the_fast_encoder_writes_what_json_does(tree):
    """The same text as json.dumps, which every reader of JSON understands."""
    written = form.dumps(tree)
    assert written == json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
    assert repr(form.loads(written)) == repr(json.loads(written))


def test_without_the_fast_encoder_messages_are_the_same(monkeypatch):
    """An interpreter may lack it."""
    tree = ["value", {"t": [1, 2.5, None, "\ud800"]}]
    expected = form.dumps(tree)
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    assert form._make_dumps()(tree) == expected


@pytest.mark.parametrize("raw", [b"[1] 2", b"", b" ", b"[1", b"\xff", b"nul", b"[1]\x00"])
def test_anything_but_one_value_is_a_protocol_error(raw):
    """Trailing text, half a message, no ASCII."""
    with pytest.raises(codec.ProtocolError):
        codec.decode(raw, lambda *_: None)
