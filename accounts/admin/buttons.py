"""Buttons of an account's page that move no money: rename, freeze, unfreeze, close.

Each button opens a page that asks for a reason and runs the same command as the API. A button is
shown if the user's rights and the account's state allow it; otherwise its page gives 403. The
command checks a posted form, and the account's state, under the account's lock.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin.customer_forms import GiveCustomerForm
from accounts.admin.forms import FreezeForm, RenameForm
from accounts.commands import (
    AccountCommand,
    CloseAccount,
    FreezeAccount,
    GiveCustomer,
    ReleaseDebits,
    RenameAccount,
    ReopenAccount,
    UnfreezeAccount,
)
from accounts.commands.reopen import is_too_late
from accounts.models import Account
from accounts.permissions import CanManageAccounts, CanOpenAccounts
from accounts.states import AccountKind, FreezeScope
from core import clock
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.commands import process
from core.console.admin import shown_money
from core.console.command_form import form_page
from core.console.forms import ReasonForm, set_currency
from core.console.request_cache import RequestCache

_ACCOUNT = RequestCache[Account | None]()


def _is_open(account: Account) -> bool:
    return not account.is_closed


def _can_be_reopened(account: Account) -> bool:
    if not account.is_closed or (account.customer and not account.customer.is_active):
        return False
    return not is_too_late(account, clock.about_now())


class AccountButtons:
    """Mixin for the admin of accounts."""

    admin_site: Any

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Account | None:
        """Reads the account once for the page and all its buttons."""
        read = super().get_object  # type: ignore[misc]
        return _ACCOUNT.get(request, lambda: read(request, object_id, from_field))

    def may(
        self,
        request: HttpRequest,
        object_id: str,
        right: str,
        state: Callable[[Account], bool] = _is_open,
    ) -> bool:
        """Whether the right and the current state of a customer's account allow the command.

        A posted form goes to the command in any state. So the second of two clicks gets not a 403,
        but an error code that explains why nothing is left to do.
        """
        if not has_right(request.user, right):
            return False
        account = self.get_object(request, object_id)
        if account is None or account.kind != AccountKind.CUSTOMER:
            return False
        return request.method == "POST" or state(account)

    def has_rename_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanOpenAccounts.right)

    def has_manage_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right)

    def has_give_customer_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right, _has_no_customer)

    def has_freeze_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right, _has_side_to_block)

    def has_unfreeze_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right, _has_block)

    def has_reopen_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right, _can_be_reopened)

    def has_release_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right, _has_debits_held)

    def has_close_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageAccounts.right, _can_be_closed)

    @action(description="Rename", icon="edit", permissions=["view", "rename"])
    def rename(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            command = RenameAccount(account_id=account.id, **values)
            return f'Renamed: the account is now "{self._apply(request, command).name}".'

        form = RenameForm(request.POST or None, initial={"name": self._name(request, object_id)})
        return self._ask(request, object_id, "Rename", form, run)

    @action(
        description="Give a customer",
        url_path="customer",
        icon="person_add",
        permissions=["view", "give_customer"],
    )
    def give_customer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            customer = values["customer"]
            command = GiveCustomer(
                account_id=account.id, customer_id=customer.pk, reason=values["reason"]
            )
            self._apply(request, command)
            return f"The account is one of {customer} now."

        form = GiveCustomerForm(request.POST or None)
        return self._ask(request, object_id, "Give a customer", form, run)

    @action(description="Freeze", icon="ac_unit", permissions=["view", "freeze"])
    def freeze(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            scope = FreezeScope(values["scope"])
            command = FreezeAccount(account_id=account.id, scope=scope, reason=values["reason"])
            return f"Frozen: {blocked_in_words(self._apply(request, command))}"

        return self._ask(request, object_id, "Freeze", FreezeForm(request.POST or None), run)

    @action(description="Unfreeze", icon="sunny", permissions=["view", "unfreeze"])
    def unfreeze(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            self._apply(request, UnfreezeAccount(account_id=account.id, **values))
            return "Unfrozen: money can leave and enter the account again."

        return self._ask(request, object_id, "Unfreeze", ReasonForm(request.POST or None), run)

    @action(
        description="Release debits",
        url_path="release-debits",
        icon="healing",
        permissions=["view", "release"],
    )
    def release_debits(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            released = self._apply(request, ReleaseDebits(account_id=account.id, **values))
            return f"Released: money can leave account {released.number} in spite of the damage."

        form = ReasonForm(request.POST or None)
        return self._ask(request, object_id, "Release debits", form, run)

    @action(
        description="Close",
        icon="lock",
        variant=ActionVariant.DANGER,
        permissions=["view", "close"],
    )
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            closed = self._apply(request, CloseAccount(account_id=account.id, **values))
            return f"Closed: account {closed.number} neither receives nor pays money any more."

        return self._ask(request, object_id, "Close", ReasonForm(request.POST or None), run)

    @action(description="Reopen", icon="lock_open", permissions=["view", "reopen"])
    def reopen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(account: Account, values: dict[str, Any]) -> str:
            reopened = self._apply(request, ReopenAccount(account_id=account.id, **values))
            return f"Reopened: account {reopened.number} receives money again. It is empty."

        return self._ask(request, object_id, "Reopen", ReasonForm(request.POST or None), run)

    def _name(self, request: HttpRequest, object_id: str) -> str:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."
        return account.name

    def _apply(self, request: HttpRequest, command: AccountCommand) -> Account:
        account: Account = process([command], origin_of(request))[0]
        return account

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        title: str,
        form: forms.Form,
        run: Callable[[Account, dict[str, Any]], str],
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."
        set_currency(form, account.currency)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": in_words(account),
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        return form_page(
            request, context, form=form, back=back, run=lambda values: run(account, values)
        )


def in_words(account: Account) -> str:
    """The facts that staff need to know before they change the account."""
    balance = shown_money(account.balance, account.currency)
    available = shown_money(account.available_balance, account.currency)
    return (
        f"Account {account.number}, {account.full_name}: balance {balance},"
        f" available {available}. {blocked_in_words(account)}"
    )


def blocked_in_words(account: Account) -> str:
    if account.debits_held and not account.debits_blocked:
        also = " No money can enter it either." if account.credits_blocked else ""
        return f"No money can leave the account, because its books are damaged.{also}"
    if account.debits_blocked and account.credits_blocked:
        return "No money can leave or enter the account."
    if account.debits_blocked:
        return "No money can leave the account."
    return "No money can enter the account." if account.credits_blocked else "Nothing is blocked."


def why_not_closed(account: Account) -> str:
    """Why an open account has no button to close it; empty if it has one."""
    if account.is_closed or _can_be_closed(account):
        return ""
    amount = shown_money(abs(account.balance or account.held), account.currency)
    return f"Close: it still {'owes' if (account.balance or 0) < 0 else 'holds'} {amount}."


def split_buttons(buttons: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The coloured buttons, which move money, and behind "More" the others.

    Where none moves money, all are shown at once.
    """
    first = [button for button in buttons if button["variant"] == ActionVariant.PRIMARY]
    rest = [button for button in buttons if button not in first]
    return {"buttons": first, "more": rest} if first else {"buttons": rest, "more": []}


def _can_be_closed(account: Account) -> bool:
    return _is_open(account) and not (account.balance or account.held)


def _has_block(account: Account) -> bool:
    return _is_open(account) and (account.debits_blocked or account.credits_blocked)


def _has_debits_held(account: Account) -> bool:
    return account.debits_held


def _has_no_customer(account: Account) -> bool:
    return _is_open(account) and account.customer_id is None


def _has_side_to_block(account: Account) -> bool:
    return _is_open(account) and not (account.debits_blocked and account.credits_blocked)
