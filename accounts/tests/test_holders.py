"""Whose account it is, as staff read it."""

import pytest

from accounts.models import Account
from tests.api import make_user
from tests.factories import make_account, make_customer

pytestmark = pytest.mark.django_db


def held(**opening: object) -> tuple[str, str]:
    account: Account = make_account(**opening)  # type: ignore[arg-type]
    return account.holder, account.full_name


def test_a_customer_without_a_user_is_the_holder() -> None:
    customer = make_customer(name="Grace Hopper")
    assert held(name="Savings", customer_id=customer.pk) == (
        "Grace Hopper",
        "Grace Hopper, Savings",
    )


def test_a_name_with_the_holder_in_it_says_enough() -> None:
    customer = make_customer(name="Grace Hopper")
    opening = {"name": "GRACE HOPPER, savings", "customer_id": customer.pk}
    assert held(**opening) == ("Grace Hopper", "GRACE HOPPER, savings")


def test_the_customer_counts_before_the_login() -> None:
    customer = make_customer(name="Grace Hopper", user="grace")
    assert held(name="Savings", customer_id=customer.pk)[0] == "Grace Hopper"


def test_without_a_customer_it_is_the_owner() -> None:
    owner = make_user("ghopper")
    assert held(name="Savings", owner_id=owner.pk) == ("ghopper", "ghopper, Savings")
    owner.first_name, owner.last_name = "Grace", "Hopper"
    owner.save()
    assert held(name="Savings", owner_id=owner.pk) == ("Grace Hopper", "Grace Hopper, Savings")


def test_an_account_of_nobody_has_no_holder() -> None:
    assert held(name="Rainy days") == ("", "Rainy days")
