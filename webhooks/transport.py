"""One request to an endpoint: to a checked address, within ten seconds, whatever answers.

The request runs in a thread of its own, because neither a name server nor TLS can be told to stop
at a moment. The caller goes on after ten seconds at most. A thread that is late sends nothing.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.files import reason_of
from webhooks.addresses import AddressRefused, parts_of, port_of, resolved

TIMEOUT_SECONDS = 10.0
# What is read of an answer: its content is of no use.
_MOST_ANSWER_BYTES = 16 * 1024
# And of all that comes before and around it: a flood of "100 Continue" must not keep a thread busy.
_MOST_BYTES = 128 * 1024
# A name may have thousands of addresses, and none of them need answer.
_MOST_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a request ended: by the status of the answer, or else by an error, in a sentence."""

    status: int | None
    error: str
    milliseconds: int

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Late(Exception):
    """The caller waits no longer."""


class AnswerTooLong(http.client.HTTPException):
    """The other side has sent more than `_MOST_BYTES`."""


class _Limited:
    """What is read of a connection, up to an end. Raises AnswerTooLong beyond."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left = _MOST_BYTES

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._file.readline(size))

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._file.read(size))

    def _counted(self, part: bytes) -> bytes:
        self._left -= len(part)
        if self._left < 0:
            raise AnswerTooLong
        return part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Answer(http.client.HTTPResponse):
    """An answer of which no more than `_MOST_BYTES` are read, heads included."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.fp: Any = _Limited(self.fp)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Request(http.client.HTTPConnection):
    """A request that another thread can end. It connects to a checked address of the host alone,
    and speaks TLS with the name of the URL.
    """

    response_class = _Answer

    def __init__(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        self._parts = parts_of(url)
        self._end = time.monotonic() + TIMEOUT_SECONDS
        super().__init__(self._parts.hostname or "", port_of(self._parts), timeout=TIMEOUT_SECONDS)
        self._content = body
        self._headers = {**headers, "Host": self._parts.netloc}
        self._lock = threading.Lock()
        self._opened: socket.socket | None = None
        self._is_cut = False
        self.status: int | None = None
        self.error = ""

    def run(self) -> None:
        """Sends, and reads the status into `status`, or says in `error` why there is none."""
        try:
            target = (self._parts.path or "/") + (
                f"?{self._parts.query}" if self._parts.query else ""
            )
            self.request("POST", target, self._content, self._headers)
            answer = self.getresponse()
            self.status = answer.status
            with suppress(OSError, http.client.HTTPException):
                answer.read(_MOST_ANSWER_BYTES)
        except AddressRefused as refused:
            self.error = str(refused)
        except (OSError, http.client.HTTPException, ValueError, _Late) as error:
            self.error = _sentence(error)
        finally:
            self.close()

    def connect(self) -> None:
        self._go_on_with(self._connected(resolved(self.host, self.port)))
        if self._parts.scheme == "https":
            secure = _trust().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self._go_on_with(secure)
            secure.do_handshake()

    def _connected(self, addresses: Sequence[str]) -> socket.socket:
        """To the first of the addresses that answers, of the first four.

        Each of them has its share of the time that is left, so one that hangs does not keep the
        bank from the next one. Raises OSError.
        """
        tried = addresses[:_MOST_ADDRESSES]
        for following, address in zip(range(len(tried))[::-1], tried, strict=True):
            share = (self._end - time.monotonic()) / (following + 1)
            if share <= 0:
                break
            try:
                opened = socket.create_connection((address, self.port), share)
            except OSError:
                if not following:
                    raise
            else:
                opened.settimeout(self.timeout)
                return opened
        raise TimeoutError

    def _go_on_with(self, opened: socket.socket) -> None:
        with self._lock:
            self.sock = self._opened = opened
            if self._is_cut:
                raise _Late

    def cut(self) -> None:
        """Ends whatever waits on the connection, now or later, from another thread."""
        with self._lock:
            self._is_cut = True
            if self._opened is not None:
                with suppress(OSError):
                    # That of TLS would take away what the other thread uses.
                    socket.socket.shutdown(self._opened, socket.SHUT_RDWR)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
    """Sends the body. Redirects are not followed: 3xx is a failure like any other."""
    began = time.monotonic()

    def ended(status: int | None, error: str = "") -> Attempt:
        return Attempt(status, error, round((time.monotonic() - began) * 1000))

    try:
        request = _Request(url, body, headers)
    except AddressRefused as refused:
        return ended(None, str(refused))
    thread = threading.Thread(target=request.run, daemon=True, name="webhook")
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    if not thread.is_alive():
        return ended(request.status, "" if request.status is not None else request.error)
    # Read before the cut, which looks like the end of headers to the other thread.
    status = request.status
    request.cut()
    return ended(status, "" if status is not None else _timed_out())


def _timed_out() -> str:
    return f"No answer within {TIMEOUT_SECONDS:g} seconds."


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return _timed_out()
    if isinstance(error, ssl.SSLError):
        trouble = getattr(error, "verify_message", "") or error.reason or "no known certificate"
        return f"TLS failed: {trouble.rstrip('.')}."
    if isinstance(error, OSError) and (reason := reason_of(error)):
        return f"No answer: {reason.rstrip('.')}."
    if isinstance(error, http.client.BadStatusLine | http.client.UnknownProtocol):
        return "The answer is not HTTP."
    if isinstance(error, http.client.HTTPException):
        return "The answer begins with too much text: HTTP limits lines and headers."
    return "No answer."
