"""Places of a verification's findings, in words for staff, with links to what they name."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.models import Account
from transactions.models import Verification

# These members of a place have a cell or a link of their own.
_SHOWN = {
    "code", "rule", "account_id", "account_number", "transaction_id", "customer_id", "expected",
    "found",
}  # fmt: skip
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class FindingPlace:
    """Where a rule is broken. `others` has all names but those that have a link."""

    code: str
    rule: str
    account: str
    account_page: str
    transaction_page: str
    customer_page: str
    others: str
    expected: str
    found: str

    @property
    def sentence(self) -> str:
        return f"{self.rule} Expected {self.expected}, found {self.found}."


def places_of(verification: Verification) -> list[FindingPlace]:
    """The kept places, the first of each rule first."""
    return [_place(place) for place in verification.places or ()]


def damage_of(account: Account) -> list[FindingPlace]:
    """The places at this account that the newest broken verification has kept. One statement."""
    broken = Verification.objects.filter(is_sound=False).order_by("-id").first()
    kept = (broken.places if broken else None) or ()
    return [_place(place) for place in kept if place.get("account_id") == str(account.pk)]


def _place(place: dict[str, Any]) -> FindingPlace:
    others = (f"{name.replace('_', ' ')} {value}" for name, value in place.items())
    named = zip(place, others, strict=True)
    account_id, transaction_id = place.get("account_id"), place.get("transaction_id")
    return FindingPlace(
        code=place["code"],
        rule=place["rule"],
        account=str(place.get("account_number") or account_id or ""),
        account_page=_page("accounts_account", account_id),
        transaction_page=_page("transactions_transaction", transaction_id),
        customer_page=_page("customers_customer", place.get("customer_id")),
        others=", ".join(words for name, words in named if name not in _SHOWN),
        expected=place.get("expected") or _NOTHING,
        found=place.get("found") or _NOTHING,
    )


def _page(model: str, pk: str | None) -> str:
    return reverse(f"admin:{model}_change", args=(pk,)) if pk else ""
