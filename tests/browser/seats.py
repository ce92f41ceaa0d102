"""Seats at a server of this process, without a form of login."""

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser

from tests.browser.watched import Watched, new_session


def seat(browser: Browser, client: Client, url: str) -> Watched:
    """A page of the session of a client of Django, on a server of this process."""
    session = new_session(browser)
    name = settings.SESSION_COOKIE_NAME
    session.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
    return Watched(session, url)
