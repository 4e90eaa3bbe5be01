"""Messages with their length before them."""

from __future__ import annotations

import os
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.sandbox.box import frames


@given(st.lists(st.binary(max_size=50)), st.integers(1, 20))
def test_buffer_gives_whole_messages_however_they_arrive(messages, step):
    """Cut into pieces of any size, the same messages come out."""
    stream = b"".join(map(frames.pack, messages))
    buffer, out = frames.Buffer(100), []
    for start in range(0, len(stream), step):
        buffer.feed(stream[start : start + step])
        while (message := buffer.take()) is not None:
            out.append(message)
    assert out == messages


def test_an_announced_length_over_the_limit_is_an_error():
    """Four hostile bytes do not make the reader wait for four gigabytes."""
    buffer = frames.Buffer(100)
    buffer.feed(b"\xff\xff\xff\xff")
    with pytest.raises(ValueError, match="over the limit"):
        buffer.take()


def test_pipe_round_trip_of_a_message_larger_than_the_pipe():
    """Writing and reading go on until the message is whole; an end in between is EOFError."""
    reading, writing = os.pipe()
    message = os.urandom(300_000)
    writer = threading.Thread(target=lambda: (frames.write(writing, message), os.close(writing)))
    writer.start()
    reader = frames.Reader(reading)
    assert reader.read() == message
    writer.join()
    with pytest.raises(EOFError):
        reader.read()
    os.close(reading)


@given(st.lists(st.binary(max_size=200) | st.just(b"x" * 300_000), max_size=5))
def test_a_reader_returns_messages_however_they_arrive(messages):
    """Several in one piece, one in several pieces, empty ones."""
    left, right = socket.socketpair()
    with left, right:
        data = b"".join(map(frames.pack, messages))
        sender = threading.Thread(target=lambda: (left.sendall(data), left.shutdown(socket.SHUT_WR)))
        sender.start()
        reader = frames.Reader(right.fileno())
        assert [reader.read() for _ in messages] == messages
        with pytest.raises(EOFError):
            reader.read()
        sender.join()
