"""A value shared by the buttons of one page, read once per request."""

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
        """The request's value, read on first use."""
        if request not in self._values:
            self._values[request] = read()
        return self._values[request]
