from __future__ import annotations

import bz2
import gzip
import json
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.errors import SamplesError
from passk_tasks.results.lines import dump_line, numbered_lines, parse_object

any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too


@given(st.dictionaries(any_text, st.one_of(any_text, st.integers(), st.none(), st.booleans()), max_size=5))
def test_every_object_survives_a_round_trip(value):
    """What dump_line writes is one line of ASCII, and parse_object returns the same object."""
    line = dump_line(value)
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert parse_object(line, "x:1") == value


def test_a_lone_surrogate_escape_is_read_as_it_stands():
    """A surrogate without its partner, written as an escape, is the same one character afterwards."""
    assert parse_object(b'{"text": "a\\ud800b"}', "x:1") == {"text": "a\ud800b"}


@pytest.mark.parametrize("zipped", [False, True])
def test_lines_are_numbered_from_one_and_blank_ones_are_left_out(tmp_path, zipped):
    """Blank lines, a byte order mark and CRLF do not disturb, and numbers count every line."""
    data = b'\xef\xbb\xbf{"a": 1}\r\n\n   \n{"b": "\xe2\x80\xa8"}'
    path = tmp_path / "named-like-nothing"
    path.write_bytes(gzip.compress(data) if zipped else data)
    lines = [(number, parse_object(line, "x")) for number, line in numbered_lines(path)]
    assert lines == [(1, {"a": 1}), (4, {"b": "\u2028"})]


def test_a_truncated_gzip_says_so_with_its_file(tmp_path):
    """A gzip stream that ends early is an error that names the file, not a shorter list."""
    path = tmp_path / "s.jsonl.gz"
    whole = gzip.compress(b"".join(json.dumps({"i": i, "p": i**9}).encode() + b"\n" for i in range(5000)))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SamplesError, match=r"s\.jsonl\.gz:\d+: the gzip stream is broken"):
        list(numbered_lines(path))


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (bz2.compress, "packed by bzip2"),
        (lzma.compress, "packed by xz"),
        (lambda data: b"\x28\xb5\x2f\xfd" + data, "packed by zstd"),
        (lambda data: gzip.compress(gzip.compress(data)), "packed twice by gzip"),
        (lambda data: gzip.compress(bz2.compress(data)), "packed by bzip2"),
        (lambda data: data.decode().encode("utf-16"), "UTF-16"),
        (lambda data: data.decode().encode("utf-16-le"), "UTF-16"),
        (lambda data: data.decode().encode("utf-16-be"), "UTF-16"),
        (lambda data: data.decode().encode("utf-32"), "UTF-32"),
        (lambda data: (b"a.jsonl" + b"\0" * 250 + b"ustar\0").ljust(512, b"\0") + data, "archive of tar"),
    ],
)
def test_what_holds_no_lines_of_utf_8_is_called_by_its_name(tmp_path, pack, said):
    """A file in another packing or code is refused with what it is, and what to do about it."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(pack(b'{"a": 1}\n'))
    with pytest.raises(SamplesError, match=rf"s\.jsonl: .*{said}.*: "):
        list(numbered_lines(path))


def test_a_missing_file_is_named(tmp_path):
    """A path that does not exist is an error with that path."""
    with pytest.raises(SamplesError, match=r"nowhere\.jsonl: cannot be read: No such file"):
        list(numbered_lines(tmp_path / "nowhere.jsonl"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1,}', "f:7: not a line of JSON: .* at column"),
        (b'{"a": "x\n"}', "f:7: not a line of JSON: Invalid control character at column 9"),
        (b'{"a": "x", "a": "y"}', "f:7: .*the key 'a' stands twice"),
        (b'{"b": {"a": 1, "c": 2, "a": 1}}', "f:7: .*the key 'a' stands twice"),
        (b"[1]", "f:7: expected a JSON object, found list"),
        (b'{"a": "\xff"}', "f:7: not UTF-8: byte 0xff at column 8"),
        (b"[" * 100_000, "f:7: not a line of JSON that can be read"),
        (b'{"a": ' + b"9" * 5000 + b"}", "f:7: not a line of JSON that can be read"),
    ],
)
def test_a_broken_line_says_where_and_why(line, message):
    """Whatever is wrong with a line, the error starts with its place."""
    with pytest.raises(SamplesError, match="^" + message):
        parse_object(line, "f:7")
