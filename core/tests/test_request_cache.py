"""A value is read once for each request, and dropped at its end."""

import gc
import weakref

from django.test import RequestFactory

from core.console.request_cache import RequestCache


class Found:
    pass


def test_a_value_is_read_once_for_each_request() -> None:
    kept = RequestCache[Found | None]()
    one, other = RequestFactory().get("/"), RequestFactory().get("/")
    first = kept.get(one, Found)
    assert kept.get(one, Found) is first
    assert kept.get(other, Found) is not first
    nothing = RequestFactory().get("/")
    assert kept.get(nothing, lambda: None) is None
    assert kept.get(nothing, Found) is None, "That there is none is known, too."


def test_a_value_goes_with_its_request() -> None:
    kept = RequestCache[Found]()
    request = RequestFactory().get("/")
    found = weakref.ref(kept.get(request, Found))
    assert found() is not None
    del request
    gc.collect()
    assert found() is None
