"""Transactions that wait for approval, with all that a second person needs to decide."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from accounts.locks import LockedAccount
from accounts.models import Account
from core import clock
from core.errors import Refusal
from core.money import from_units, to_units
from transactions.ledger.execution import check
from transactions.ledger.posting import Posting
from transactions.ledger.spending import read_spending
from transactions.models import Transaction, TransactionEvent
from transactions.models.queries import SIDES, WAITS_FOR_APPROVAL
from transactions.states import TransactionEventType, TransactionType


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

    `asker_ids` may not decide: the maker, and everyone who retried it.
    """

    transaction: Transaction
    debited: ApprovalSide
    credited: ApprovalSide
    refusal: Refusal | None
    retries: list[TransactionEvent]
    asker_ids: frozenset[int]

    def is_asked_by(self, user_id: int | None) -> bool:
        """Whether the user may not decide it, as their own request."""
        return user_id in self.asker_ids

    def is_on_account_of(self, user_id: int | None) -> bool:
        """Whether the user may not decide it, as owner of one of the accounts."""
        return user_id in {side.account.owner_id for side in (self.debited, self.credited)}

    def may_be_decided_by(self, user_id: int | None) -> bool:
        return not (self.is_asked_by(user_id) or self.is_on_account_of(user_id))

    @property
    def waits_for_its_time(self) -> bool:
        """Whether an approval now would move nothing yet."""
        return waits_for_its_time(self.transaction)


def page_of_requests(*, after: UUID | None, limit: int) -> list[ApprovalRequest]:
    """Up to `limit` requests, longest waiting first, that follow an id. Two statements.

    Nothing is locked: the figures are those of this moment, for each request by itself.
    """
    waiting = Transaction.objects.filter(WAITS_FOR_APPROVAL)
    if after is not None:
        waiting = waiting.filter(pk__gt=after)
    waiting = waiting.select_related(*SIDES, "created_by")
    # An id carries the time of creation, so this is the order of the requests.
    page = list(waiting.order_by("created_at", "pk")[:limit])
    retries = _retries_of(page)
    return [_request(one, retries.get(one.pk, []), _accounts_of(one)) for one in page]


def requests_in_turn(
    transactions: Sequence[Transaction], decider_id: int | None
) -> list[ApprovalRequest]:
    """What approvals by this user would do now, one after the other.

    One statement, and one more for each transaction of an account with daily limits. A balance is
    the one at the request's turn, after all before it that would go through. The transactions wait
    for approval, and have their accounts.
    """
    retries = _retries_of(transactions)
    accounts: dict[UUID, LockedAccount] = {}
    requests = []
    for one in transactions:
        accounts = _accounts_of(one) | accounts
        request = _request(one, retries.get(one.pk, []), accounts)
        moves_now = request.refusal is None and not request.waits_for_its_time
        if moves_now and request.may_be_decided_by(decider_id):
            _move(one, accounts)
        requests.append(request)
    return requests


def _move(transaction: Transaction, accounts: Mapping[UUID, LockedAccount]) -> None:
    units = to_units(transaction.amount)
    for account_id, change in (
        (transaction.debit_account_id, -units),
        (transaction.credit_account_id, units),
    ):
        if account_id in accounts:
            accounts[account_id].balance += change
    paying = accounts.get(transaction.debit_account_id)
    if paying and transaction.type != TransactionType.REVERSAL:
        paying.spent += units
        paying.payments += 1


def _accounts_of(transaction: Transaction) -> dict[UUID, LockedAccount]:
    """The customers' accounts of a transaction, as they are now."""
    sides = (transaction.debit_account, transaction.credit_account)
    found = {one.pk: LockedAccount.of(one) for one in sides if one.balance is not None}
    read_spending(found.values(), clock.about_now())
    return found


def _request(
    transaction: Transaction,
    retries: list[TransactionEvent],
    accounts: Mapping[UUID, LockedAccount],
) -> ApprovalRequest:
    askers = {transaction.created_by_id, *(event.actor_id for event in retries)}
    units = to_units(transaction.amount)
    return ApprovalRequest(
        transaction=transaction,
        debited=_side(transaction.debit_account, -units, accounts),
        credited=_side(transaction.credit_account, units, accounts),
        refusal=None if waits_for_its_time(transaction) else _refusal(transaction, accounts),
        retries=retries,
        asker_ids=frozenset(asker for asker in askers if asker is not None),
    )


def _side(account: Account, change: int, accounts: Mapping[UUID, LockedAccount]) -> ApprovalSide:
    """Exact, in units: SQL applies the same arithmetic as the ledger."""
    if account.pk not in accounts:
        return ApprovalSide(account, None, None)
    balance = accounts[account.pk].balance
    return ApprovalSide(account, from_units(balance), from_units(balance + change))


def refusal_if_approved(transaction: Transaction) -> Refusal | None:
    """The error that approval would cause now; None if it would go through.

    What is scheduled for later is checked at its time: an approval moves nothing before.
    """
    if waits_for_its_time(transaction):
        return None
    return _refusal(transaction, _accounts_of(transaction))


def waits_for_its_time(transaction: Transaction) -> bool:
    """Whether an approval now would move nothing yet."""
    scheduled_for = transaction.scheduled_for
    return scheduled_for is not None and scheduled_for > clock.about_now()


def _refusal(transaction: Transaction, accounts: Mapping[UUID, LockedAccount]) -> Refusal | None:
    posting = Posting(
        transaction.debit_account_id,
        transaction.credit_account_id,
        to_units(transaction.amount),
        transaction.currency,
    )
    try:
        check(posting, accounts, is_payment=transaction.type != TransactionType.REVERSAL)
    except Refusal as refusal:
        return refusal
    return None


def _retries_of(transactions: Iterable[Transaction]) -> dict[UUID, list[TransactionEvent]]:
    """The retries of each transaction that has any, by its id. One statement."""
    retries: dict[UUID, list[TransactionEvent]] = {}
    for event in requests_to_retry(one.pk for one in transactions):
        retries.setdefault(event.transaction_id, []).append(event)
    return retries


def requests_to_retry(transaction_ids: Iterable[UUID]) -> list[TransactionEvent]:
    """The retries of these transactions, with who asked and why, oldest first."""
    retries = TransactionEvent.objects.filter(
        transaction_id__in=list(transaction_ids), event=TransactionEventType.RETRIED
    )
    return list(retries.select_related("actor").order_by("id"))
