"""What the buttons of one page share: read once for a request."""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from django.http import HttpRequest

T = TypeVar("T")


class RequestCache(Generic[T]):
    """One value for each request, forgotten with the request."""

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[HttpRequest, T] = WeakKeyDictionary()

    def get(self, request: HttpRequest, read: Callable[[], T]) -> T:
        """The value of the request; read the first time that it is asked for."""
        if request not in self._values:
            self._values[request] = read()
        return self._values[request]
