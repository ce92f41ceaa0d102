"""Transactions that wait for approval, with all that a second person needs to decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from accounts.locks import LockedAccount
from accounts.models import Account
from core.errors import Refusal
from core.money import from_units, to_units
from transactions.ledger.execution import check
from transactions.ledger.posting import Posting
from transactions.models import Transaction, TransactionEvent
from transactions.models.queries import WAITS_FOR_APPROVAL
from transactions.states import TransactionEventType


@dataclass(frozen=True, slots=True)
class ApprovalSide:
    """An account and, in main units, its balance now and after approval.

    An internal account has neither.
    """

    account: Account
    balance: Decimal | None
    balance_after: Decimal | None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """`refusal` is the error that approval would cause now; None if it would go through.

    `asker_ids` may not approve: the maker, and everyone who retried it.
    """

    transaction: Transaction
    debited: ApprovalSide
    credited: ApprovalSide
    refusal: Refusal | None
    retries: list[TransactionEvent]
    asker_ids: frozenset[int]


def page_of_requests(*, after: UUID | None, limit: int) -> list[ApprovalRequest]:
    """Up to `limit` requests, longest waiting first, that follow an id. Two statements.

    Nothing is locked: the figures are those of this moment, for each request by itself.
    """
    waiting = Transaction.objects.filter(WAITS_FOR_APPROVAL)
    if after is not None:
        waiting = waiting.filter(pk__gt=after)
    waiting = waiting.select_related("debit_account", "credit_account", "created_by")
    # An id carries the time of creation, so this is the order of the requests.
    page = list(waiting.order_by("created_at", "pk")[:limit])
    retries: dict[UUID, list[TransactionEvent]] = {}
    for event in requests_to_retry(one.pk for one in page):
        retries.setdefault(event.transaction_id, []).append(event)
    return [_request(one, retries.get(one.pk, [])) for one in page]


def _request(transaction: Transaction, retries: list[TransactionEvent]) -> ApprovalRequest:
    askers = {transaction.created_by_id, *(event.actor_id for event in retries)}
    return ApprovalRequest(
        transaction=transaction,
        debited=_side(transaction.debit_account, -transaction.amount),
        credited=_side(transaction.credit_account, transaction.amount),
        refusal=refusal_if_approved(transaction),
        retries=retries,
        asker_ids=frozenset(asker for asker in askers if asker is not None),
    )


def _side(account: Account, change: Decimal) -> ApprovalSide:
    if account.balance is None:
        return ApprovalSide(account, None, None)
    # Exact, in units: SQL applies the same arithmetic as the ledger.
    after = from_units(to_units(account.balance) + to_units(change))
    return ApprovalSide(account, account.balance, after)


def refusal_if_approved(transaction: Transaction) -> Refusal | None:
    """The error that approval would cause now, by the checks of the ledger under its locks."""
    sides = (transaction.debit_account, transaction.credit_account)
    accounts = {one.pk: LockedAccount.of(one) for one in sides if one.balance is not None}
    posting = Posting(
        transaction.debit_account_id,
        transaction.credit_account_id,
        to_units(transaction.amount),
        transaction.currency,
    )
    try:
        check(posting, accounts)
    except Refusal as refusal:
        return refusal
    return None


def requests_to_retry(transaction_ids: Iterable[UUID]) -> list[TransactionEvent]:
    """The retries of these transactions, with who asked and why, oldest first."""
    retries = TransactionEvent.objects.filter(
        transaction_id__in=list(transaction_ids), event=TransactionEventType.RETRIED
    )
    return list(retries.select_related("actor").order_by("id"))
