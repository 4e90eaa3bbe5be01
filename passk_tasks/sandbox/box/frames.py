"""Messages on a stream socket: four bytes of length, then the message."""

from __future__ import annotations

import os

HEADER = 4
MOST_BYTES = (1 << 8 * HEADER) - 1


def pack(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(message).to_bytes(HEADER, "little") + message


def write(fd: int, message: bytes) -> None:
    """Send one message on a blocking descriptor."""
    view = memoryview(pack(message))
    while view:
        view = view[os.write(fd, view) :]


def _exactly(fd: int, size: int) -> bytes:
    data = os.read(fd, size) if size else b""
    if len(data) == size:
        return data
    parts = [data]
    missing = size - len(data)
    while missing:
        if not parts[-1]:
            raise EOFError("the other side closed the channel")
        parts.append(os.read(fd, min(missing, 1 << 20)))
        missing -= len(parts[-1])
    return b"".join(parts)


class Reader:
    """Receives messages on a blocking descriptor; a short one takes one system call."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._data = b""

    def read(self) -> bytes:
        """Return the next message; EOFError when the other side is gone."""
        while len(self._data) < HEADER:
            self._more()
        end = HEADER + int.from_bytes(self._data[:HEADER], "little")
        if len(self._data) < end:
            self._data += _exactly(self._fd, end - len(self._data))
        message, self._data = self._data[HEADER:end], self._data[end:]
        return message

    def _more(self) -> None:
        data = os.read(self._fd, 1 << 16)
        if not data:
            raise EOFError("the other side closed the channel")
        self._data += data


class Buffer:
    """Collects what arrives on a non-blocking descriptor until a message is whole."""

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        self._data += data

    def take(self) -> bytes | None:
        """Return the next whole message, None when more is needed.

        Raises:
            ValueError: the length in the header is over the limit.
        """
        if len(self._data) < HEADER:
            return None
        size = int.from_bytes(self._data[:HEADER], "little")
        if size > self._limit:
            raise ValueError(f"a message of {size} bytes is over the limit of {self._limit}")
        if len(self._data) < HEADER + size:
            return None
        message = bytes(self._data[HEADER : HEADER + size])
        del self._data[: HEADER + size]
        return message
