"""Pages of the console, in this process."""

from dataclasses import replace
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from benchmarks.jobs.watching import hide_log
from benchmarks.measure import Moved, Slice, measure
from benchmarks.target import Target

_HOST = "127.0.0.1"


def today(_: Target, seconds: float) -> Slice:
    """The page Today, for someone who may see all of it; nothing is kept from one to the next."""
    hide_log()
    browser = Client(SERVER_NAME=_HOST)
    browser.force_login(User.objects.create_superuser(f"reader-{uuid4().hex[:8]}"))

    def read(_: None) -> Moved:
        response = browser.get("/admin/")
        assert response.status_code == 200, response.status_code
        return Moved(1)

    return replace(measure(cache.clear, read, seconds), moved=Moved())
