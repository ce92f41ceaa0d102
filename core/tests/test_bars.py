"""Bars on top of each page of the console."""

from collections.abc import Iterator

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from core.console.bars import Bar, register, unregister
from tests.api import staff

pytestmark = pytest.mark.django_db

TODAY = reverse("admin:index")
ACCOUNTS = reverse("admin:accounts_account_changelist")
WRONG = Bar("The roof <leaks>.", link="/roof/", link_text="Mend it")
LATE = Bar("The post is late.", is_urgent=False)


def _late(request: HttpRequest) -> list[Bar]:
    return [LATE]


def _wrong(request: HttpRequest) -> list[Bar]:
    return [WRONG] if request.user.has_perm("auth.view_user") else []


@pytest.fixture
def sources() -> Iterator[None]:
    register(_late)
    register(_wrong)
    register(_wrong)
    yield
    unregister(_wrong)
    unregister(_late)


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("path", [TODAY, ACCOUNTS, reverse("audit"), "/admin/nothing-here/"])
def test_each_page_has_the_bars_urgent_ones_first(path: str) -> None:
    html = staff("supervisor").get(path).content.decode()
    urgent = html.index("The roof &lt;leaks&gt;.")
    assert '<a href="/roof/">Mend it</a>' in html
    assert html.count("The roof") == 1
    assert urgent < html.index("The post is late.")


@pytest.mark.usefixtures("sources")
def test_a_source_knows_its_reader() -> None:
    html = staff("teller").get(TODAY).content.decode()
    assert "The roof" not in html
    assert "The post is late." in html


@pytest.mark.usefixtures("sources")
def test_strangers_see_no_bar(client: Client) -> None:
    html = client.get(reverse("admin:login")).content.decode()
    assert "The post is late." not in html
