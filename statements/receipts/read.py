"""Reads the receipt of a transaction."""

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
from transactions.reads.representation import represent
from transactions.reads.selectors import TransactionDetail, transaction_detail
from transactions.states import TransactionStatus, TransactionType


def receipt_of(user: Any, transaction_id: UUID) -> Receipt:
    """The receipt of a transaction that the user may see. One statement more than its detail.

    Raises NotFound as the transaction itself, and InvalidTransition unless it is completed.
    """
    detail = transaction_detail(user, transaction_id)
    row = detail.row
    if row.status != TransactionStatus.COMPLETED:
        raise InvalidTransition(f"Only a completed transaction has a receipt; it is {row.status}.")
    assert row.completed_at is not None, "A completed transaction has its moment."
    sides = (row.debit_account_id, row.credit_account_id)
    accounts = Account.objects.only("number", "name", "kind").in_bulk(sides)
    debited, credited = (_party(accounts[side], detail) for side in sides)
    members = represent(row, own=detail.own)
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
        reversed_by=detail.reversed_by,
        time_zone=ZoneInfo(settings.TIME_ZONE),
    )


def _party(account: Account, detail: TransactionDetail) -> ReceiptParty | None:
    """A customer sees the names of their own accounts, and the numbers of others."""
    if account.kind == AccountKind.INTERNAL:
        return None
    is_known = detail.own is None or account.pk in detail.own
    return ReceiptParty(
        account_id=account.pk, number=account.number, name=account.name if is_known else ""
    )
