"""Changes of holds under the lock of their account, and the postings that capture them.

The account's lock guards its holds: nobody changes a hold, or the account's `held`, without it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, QuerySet, Value
from django.db.models.functions import Greatest

from accounts.locks import LockedAccount
from accounts.models import Account
from core.commands import Origin
from core.errors import HoldNotOpen
from core.identifiers import uuid7
from core.money import from_units, to_units
from transactions.ledger.execution import Accounts, execute
from transactions.ledger.journal import JournalRow
from transactions.models import Hold, HoldCapture, HoldEvent
from transactions.states import OPEN, HoldEventType, HoldStatus, TransactionStatus

_TICK = timedelta(microseconds=1)


def waiting_captures() -> QuerySet[HoldCapture]:
    """The captures that wait for approval."""
    return HoldCapture.objects.filter(transaction__status__in=OPEN)


def open_hold(hold_id: UUID) -> Hold:
    """The hold, which must be open, read under its account's lock. One statement.

    Raises HoldNotOpen if it has ended or a capture of it waits for approval.
    """
    waiting = waiting_captures().filter(hold=hold_id)
    hold = Hold.objects.annotate(waits=Exists(waiting)).get(pk=hold_id)
    if hold.status != HoldStatus.OPEN:
        raise HoldNotOpen(f"The hold is {hold.status} already.")
    if hold.waits:
        raise HoldNotOpen("A capture of the hold waits for approval: decide on that first.")
    return hold


def left_of(hold: Hold) -> int:
    """What is not captured yet, in units."""
    return to_units(hold.amount) - to_units(hold.captured)


def end(hold: Hold, status: HoldStatus, account: LockedAccount, now: datetime) -> None:
    """Ends an open hold in memory, and gives back what is left of it."""
    account.held -= left_of(hold)
    hold.status, hold.ended_at = status, now


def record(
    hold: Hold,
    event: HoldEventType,
    origin: Origin,
    transaction_id: UUID | None = None,
) -> None:
    """Writes the event of the hold's last change, which is written. One statement."""
    HoldEvent.objects.create(
        id=uuid7(hold.updated_at),
        hold=hold,
        event=event,
        status=hold.status,
        captured=hold.captured,
        currency=hold.currency,
        transaction_id=transaction_id,
        actor_id=origin.user_id,
        caller=origin.caller,
        reason=hold.end_reason,
        request_id=origin.request_id,
        address=origin.address,
        at=hold.updated_at,
    )


def write(hold: Hold, account: LockedAccount, now: datetime) -> None:
    """Writes a changed hold, and then what its account holds. Two statements."""
    # The ids of its events follow their order, whatever the clock says.
    hold.updated_at = max(now, hold.updated_at + _TICK)
    hold.save(
        update_fields=["captured", "status", "updated_at", "ended_at", "ended_by", "end_reason"]
    )
    write_held(account, now)


def write_held(account: LockedAccount, now: datetime) -> None:
    """Writes what the account holds, after the holds themselves: a guard compares the two."""
    Account.objects.filter(pk=account.id).update(
        held=from_units(account.held), updated_at=Greatest(F("updated_at"), Value(now))
    )


def execute_capture(
    row: JournalRow, hold: Hold, accounts: Accounts, origin: Origin, now: datetime, *, final: bool
) -> None:
    """Completes or fails the row, as `execute` does, from the money that the open hold reserves.

    If it completes, writes the hold and what the account still holds; the caller writes the row.
    """
    account = accounts[row.debit_account_id]
    account.held -= row.amount
    execute(row, accounts, now)
    if row.status != TransactionStatus.COMPLETED:
        account.held += row.amount
        return
    hold.captured += from_units(row.amount)
    if final or left_of(hold) == 0:
        end(hold, HoldStatus.CAPTURED, account, now)
        hold.ended_by_id = row.created_by_id
    write(hold, account, now)
    record(hold, HoldEventType.CAPTURED, origin, row.id)


def execute_stored(row: JournalRow, accounts: Accounts, origin: Origin, now: datetime) -> None:
    """As `execute`, for a stored row, which may be a capture that has waited for approval.

    Only a row that needed approval, of an account with holds, costs a statement to find out.
    """
    account = accounts.get(row.debit_account_id)
    if row.approval_required and account and account.held and (capture := capture_of(row.id)):
        row.is_final = True  # If it fails, the hold is captured again instead.
        execute_capture(row, capture.hold, accounts, origin, now, final=capture.final)
    else:
        execute(row, accounts, now)


def capture_of(transaction_id: UUID) -> HoldCapture | None:
    """The link of a transaction to its hold, with the hold; None if it captures none."""
    links = HoldCapture.objects.select_related("hold")
    return links.filter(pk=transaction_id).first()
