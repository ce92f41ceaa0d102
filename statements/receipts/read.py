"""Reads the receipt of a transaction."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import Account
from accounts.states import AccountKind
from core.errors import InvalidTransition
from core.money import format_units
from statements.receipts.content import Receipt, ReceiptParty
from transactions.models import Transaction
from transactions.reads.representation import represent
from transactions.reads.selectors import transaction_detail
from transactions.states import TransactionStatus, TransactionType


def receipt_of(user: Any, transaction_id: UUID) -> Receipt:
    """The receipt as the user sees the transaction. One statement more than its detail.

    Raises NotFound as the transaction itself, and InvalidTransition unless it is completed.
    """
    return _receipt(user, transaction_id, is_handed_out=False)


def printed_receipt(
    user: Any, transaction_id: UUID, *, customer_account: UUID | None = None
) -> Receipt:
    """As `receipt_of`, to be handed to a customer, also by staff.

    Staff get what either customer may read: no name of the other's account and no balance of it, no
    reason of staff, and no reversal that is not completed. If they name the account of the customer
    at the counter, they get what that customer may read.
    """
    return _receipt(user, transaction_id, is_handed_out=True, customer_account=customer_account)


def counter_receipt(user: Any, transaction_id: UUID, customer_account: UUID | None) -> Receipt:
    """As `printed_receipt`, with the member of staff who posted it. One statement more."""
    receipt = printed_receipt(user, transaction_id, customer_account=customer_account)
    row = Transaction.objects.select_related("created_by").get(pk=transaction_id)
    maker = row.created_by
    if maker is None or not maker.is_staff:
        return receipt
    return replace(receipt, posted_by=str(maker.get_full_name() or maker))


def _receipt(
    user: Any,
    transaction_id: UUID,
    *,
    is_handed_out: bool,
    customer_account: UUID | None = None,
) -> Receipt:
    detail = transaction_detail(user, transaction_id)
    row = detail.row
    if row.status != TransactionStatus.COMPLETED:
        raise InvalidTransition(f"Only a completed transaction has a receipt; it is {row.status}.")
    assert row.completed_at is not None, "A completed transaction has its moment."
    sides = (row.debit_account_id, row.credit_account_id)
    accounts = Account.objects.only("number", "name", "kind", "customer", "owner").in_bulk(sides)
    own = detail.own
    if is_handed_out and _are_of_one_customer(*(accounts[side] for side in sides)):
        own = frozenset(sides)
    elif is_handed_out:
        own = own or frozenset(side for side in sides if side == customer_account)
    debited, credited = (
        _party(accounts[side], own, after, row.currency)
        for side, after in zip(
            sides, (row.debit_balance_after, row.credit_balance_after), strict=True
        )
    )
    reversed_by = detail.reversed_by
    if is_handed_out and reversed_by is not None and not _is_completed(reversed_by):
        reversed_by = None
    members = represent(row, own=own)
    return Receipt(
        bank_name=settings.BANK_NAME,
        transaction_id=row.id,
        kind=row.type,
        text=str(TransactionType(row.type).label),
        amount=Decimal(format_units(row.amount, row.currency)),
        currency=row.currency,
        debited=debited,
        credited=credited,
        description=members["description"],
        completed_at=row.completed_at,
        effective_at=row.effective_at,
        reverses=row.reverses_id,
        reversed_by=reversed_by,
        time_zone=ZoneInfo(settings.TIME_ZONE),
    )


def _are_of_one_customer(one: Account, other: Account) -> bool:
    """Also where one side is cash: nobody else is named then. The rule of `statements.entries`."""
    if AccountKind.INTERNAL in (one.kind, other.kind):
        return True
    pairs = ((one.customer_id, other.customer_id), (one.owner_id, other.owner_id))
    return any(first is not None and first == second for first, second in pairs)


def _is_completed(transaction_id: UUID) -> bool:
    completed = Transaction.objects.filter(status=TransactionStatus.COMPLETED)
    return completed.filter(pk=transaction_id).exists()


def _party(
    account: Account, own: frozenset[UUID] | None, after: int | None, currency: str
) -> ReceiptParty | None:
    """A customer sees the names and balances of their own accounts, and the numbers of others."""
    if account.kind == AccountKind.INTERNAL:
        return None
    is_known = own is None or account.pk in own
    is_told = is_known and after is not None
    return ReceiptParty(
        account_id=account.pk,
        number=account.number,
        name=account.name if is_known else "",
        balance_after=Decimal(format_units(after or 0, currency)) if is_told else None,
    )
