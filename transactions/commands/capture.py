"""Capture a hold: pay what it reserves, whole or in parts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from core.commands import Origin
from core.errors import HoldNotOpen
from core.money import format_amount, from_units, units_to_move
from transactions.commands.holds import stored_hold
from transactions.commands.transfer import Transfer
from transactions.commands.withdraw import Withdraw
from transactions.ledger import holds
from transactions.ledger.command import MoneyCommand
from transactions.ledger.execution import needs_approval
from transactions.ledger.hold_items import ItemAboutHold
from transactions.ledger.idempotency import refuse_used_key
from transactions.ledger.journal import JournalRow
from transactions.ledger.run import Run
from transactions.models import Hold, HoldCapture
from transactions.states import HoldAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(ItemAboutHold[JournalRow]):
    """Posts a part of a hold, or with no `amount` all that is left of it.

    The transaction is a transfer to the hold's target account, or a withdrawal. The hold stays open
    for what is left, unless `final` releases it. A capture that needs approval waits, and the hold
    with it. Any other refusal leaves nothing behind: the hold is still there.

    Raises NotFound, InvalidInput, HoldNotOpen if the hold has ended, has expired by the bank's
    clock or reserves less, and the refusals of a transfer or withdrawal.
    """

    verb: ClassVar[str] = "capture"
    action: ClassVar[HoldAction] = HoldAction.CAPTURE

    hold_id: UUID
    amount: Decimal | None = None
    final: bool = False
    # The hold as `prepare` has read it: its accounts, currency and description never change.
    hold: Hold | None = None

    def prepare(self) -> "Capture":
        if self.hold is not None:
            return self
        return replace(self, hold=stored_hold(self.hold_id))

    def account_ids(self) -> tuple[UUID, ...]:
        assert self.hold is not None, "The processor prepares first."
        target = self.hold.target_account_id
        return (self.hold.account_id,) if target is None else (self.hold.account_id, target)

    def makers(
        self, origin: Origin, stored: Mapping[UUID, JournalRow]
    ) -> tuple[tuple[int | None, datetime | None]]:
        return ((origin.user_id, None),)

    def execute(self, run: Run) -> JournalRow:
        refuse_used_key(self, run.origin)
        # Earlier commands of the list may have changed the account.
        run.flush()
        hold = holds.open_hold(self.hold_id)
        money = self._money(hold, run.now)
        row = money.row(money.posting(run.accounts), run.origin, run.now, run.index)
        if run.batch_id is not None:
            row.batch_id, row.batch_index = run.batch_id, run.index
        row.approval_required = needs_approval(row, run.totals)
        if not row.approval_required:
            holds.execute_capture(row, hold, run.accounts, run.origin, run.now, final=self.final)
            if refusal := row.refusal():
                refusal.transaction_id = None
                raise refusal
        if run.totals is not None:
            run.totals.add(row)
        run.rows.append(row)
        run.flush()
        HoldCapture.objects.create(transaction_id=row.id, hold=hold, final=self.final)
        return row

    def _money(self, hold: Hold, now: datetime) -> MoneyCommand:
        """The transfer or withdrawal. Raises HoldNotOpen and InvalidInput."""
        if now >= hold.expires_at:
            raise HoldNotOpen("The hold has expired.")
        left = holds.left_of(hold)
        shown = format_amount(from_units(left), hold.currency)
        amount = Decimal(shown) if self.amount is None else self.amount
        if units_to_move(amount, hold.currency) > left:
            raise HoldNotOpen(f"{shown} {hold.currency} are left of the hold.")
        values: dict[str, Any] = {
            "account_id": hold.account_id,
            "amount": amount,
            "description": hold.description,
            "idempotency_key": self.idempotency_key,
            "request_fingerprint": self.request_fingerprint,
        }
        if hold.target_account_id is None:
            return Withdraw(**values)
        return Transfer(target_account_id=hold.target_account_id, **values)
