"""The cheapest client that still reads every response: it shares the machine with the bank."""

import re
import socket

_TIMEOUT_SECONDS = 60
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
OK = b"HTTP/1.1 200 "
BUSY = b"HTTP/1.1 503 "
# The response to If-None-Match. It has no body, although it has a Content-Length.
UNCHANGED = b"HTTP/1.1 304 "
_MOST_AT_ONCE = 1 << 20


class Connection:
    """One client of the bank's API, with one request at a time.

    The connection is kept open as long as the bank keeps it, and then reopened. A response is read
    if it begins with one of `expected`.
    """

    def __init__(self, port: int | None, expected: tuple[bytes, ...] = (OK, UNCHANGED)) -> None:
        assert port is not None
        self._may_be = expected
        self._address = ("127.0.0.1", port)
        self._socket: socket.socket | None = None
        self._answer = bytearray()
        self._expected = 0

    def fileno(self) -> int:
        """For `select`, from `send` until the response is complete."""
        assert self._socket is not None
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        if self._socket is None:
            self._socket = socket.socket()
            self._socket.settimeout(_TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.connect(self._address)
        self._answer.clear()
        self._expected = 0
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """Waits for more of the response. Returns it once it is complete, until then None.

        Raises RuntimeError for another status than the expected ones.
        """
        assert self._socket is not None
        received = self._socket.recv(_MOST_AT_ONCE)
        self._answer += received
        if not self._expected:
            self._expected = self._length()
        if received and not 0 < self._expected <= len(self._answer):
            return None
        answer = bytes(self._answer)
        if not received or not answer.startswith(self._may_be):
            raise RuntimeError(f"The bank answered:\n{answer[:4000].decode(errors='replace')}")
        if _CLOSE.search(answer, 0, answer.index(b"\r\n\r\n") + 2):
            self.close()
        return answer

    def ask(self, request: bytes) -> bytes:
        """Sends a request and waits for the response."""
        self.send(request)
        while (answer := self.receive()) is None:
            pass
        return answer

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _length(self) -> int:
        """Bytes of the whole response, headers included; 0 until the headers are complete."""
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if self._answer.startswith(UNCHANGED):
            return end + 4
        match = _LENGTH.search(self._answer, 0, end + 2)
        if match is None:
            raise RuntimeError(f"An answer without a length:\n{bytes(self._answer[:4000])!r}")
        return end + 4 + int(match[1])
