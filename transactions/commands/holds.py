"""Place a hold on an account's money, void it, and end it when its time is over."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from accounts.locks import lock_if_free
from accounts.models import CASH, Account, internal_account_id
from accounts.self_dealing import refuse_self_dealing
from accounts.states import AccountKind
from core.commands import Origin
from core.errors import (
    Busy,
    CurrencyMismatch,
    FieldError,
    HoldNotOpen,
    InvalidInput,
    NotFound,
    SameAccount,
)
from core.identifiers import moment_of, uuid7
from core.money import from_units, units_to_move
from transactions.ledger import holds
from transactions.ledger.execution import check
from transactions.ledger.hold_items import ItemAboutHold
from transactions.ledger.idempotency import refuse_used_key
from transactions.ledger.posting import Posting
from transactions.ledger.run import Run
from transactions.models import Hold, HoldItem
from transactions.states import HoldAction, HoldEventType, HoldStatus

# How long a hold lasts if nobody says, and at most.
USUAL_TIME = timedelta(days=7)
LONGEST_TIME = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold(ItemAboutHold[Hold]):
    """Reserves `amount`, in main units of the account's currency. No money moves.

    Raises the refusal of a withdrawal of that amount, and then leaves nothing behind; InvalidInput
    for a bad amount or a bad moment of expiry; and NotFound, SameAccount or CurrencyMismatch for
    the target.
    """

    verb: ClassVar[str] = "hold"
    action: ClassVar[HoldAction] = HoldAction.HOLD
    keys_of: ClassVar[tuple[type[Hold], str]] = (Hold, "caller")

    account_id: UUID
    amount: Decimal
    target_account_id: UUID | None = None
    description: str = ""
    expires_at: datetime | None = None

    def account_ids(self) -> tuple[UUID, ...]:
        return (self.account_id,)

    def execute(self, run: Run) -> Hold:
        refuse_used_key(self, run.origin)
        account = run.accounts[self.account_id]
        units = units_to_move(self.amount, account.currency)
        self._check_target(account.currency, run.origin)
        expires_at = self.expiry(run.now)
        cash = internal_account_id(CASH, account.currency)
        check(Posting(account.id, cash, units, account.currency), {account.id: account})

        def place(origin: Origin, now: datetime) -> Hold:
            hold_id = self.new_id(now)
            created_at = moment_of(hold_id)
            hold = Hold.objects.create(
                id=hold_id,
                account_id=self.account_id,
                target_account_id=self.target_account_id,
                amount=from_units(units),
                currency=account.currency,
                description=self.description,
                expires_at=expires_at,
                created_by_id=origin.user_id,
                caller=origin.caller,
                idempotency_key=self.idempotency_key,
                request_fingerprint=self.request_fingerprint,
                request_id=origin.request_id,
                address=origin.address,
                created_at=created_at,
                updated_at=created_at,
            )
            account.held += units
            holds.write_held(account, now)
            holds.record(hold, HoldEventType.PLACED, origin)
            return hold

        return run.call(place)

    def expiry(self, now: datetime) -> datetime:
        """When the hold expires if it is placed now. Raises InvalidInput for a bad moment."""
        wanted = self.expires_at
        if wanted is None:
            return now + USUAL_TIME
        if wanted <= now:
            raise _bad_expiry("in_the_past", "A hold expires in the future.")
        if wanted > now + LONGEST_TIME:
            raise _bad_expiry("too_late", f"A hold lasts at most {LONGEST_TIME.days} days.")
        return wanted

    def new_id(self, now: datetime) -> UUID:
        """The id of the hold, which carries the time of its creation."""
        return uuid7(now)

    def _check_target(self, currency: str, origin: Origin) -> None:
        """Needs no lock: what it checks never changes. A capture checks the rest."""
        if self.target_account_id is None:
            return
        if self.target_account_id == self.account_id:
            raise SameAccount("An account cannot transfer to itself.")
        customers = Account.objects.filter(kind=AccountKind.CUSTOMER)
        target = customers.filter(pk=self.target_account_id).first()
        if target is None:
            raise NotFound(f"There is no account {self.target_account_id}.")
        refuse_self_dealing([target], origin)
        if target.currency != currency:
            raise CurrencyMismatch(
                f"A transfer needs one currency, not {currency} and {target.currency}."
            )


def _bad_expiry(code: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[FieldError("/expires_at", code, detail)])


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCommand(ItemAboutHold[Hold]):
    """Base of the commands that end a hold: what is left of it is free again."""

    hold_id: UUID
    # The hold's own account. `prepare` reads it, because it never changes.
    account_id: UUID | None = None

    def prepare(self) -> "HoldCommand":
        if self.account_id is not None:
            return self
        return replace(self, account_id=stored_hold(self.hold_id).account_id)

    def account_ids(self) -> tuple[UUID, ...]:
        assert self.account_id is not None, "The processor prepares first."
        return (self.account_id,)

    def execute(self, run: Run) -> Hold:
        refuse_used_key(self, run.origin)
        (account_id,) = self.account_ids()
        account = run.accounts[account_id]

        def end(origin: Origin, now: datetime) -> Hold:
            hold = holds.open_hold(self.hold_id)
            holds.end(hold, self.ending(hold, origin, now), account, now)
            holds.write(hold, account, now)
            holds.record(hold, HoldEventType(hold.status), origin)
            return hold

        return run.call(end)

    def ending(self, hold: Hold, origin: Origin, now: datetime) -> HoldStatus:
        """How the open hold ends. Raises HoldNotOpen if it must not end now."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidHold(HoldCommand):
    """Releases what is left of a hold. Frozen accounts allow it: no money moves.

    Raises NotFound, and HoldNotOpen if the hold has ended or a capture waits for approval.
    """

    verb: ClassVar[str] = "void hold"
    action: ClassVar[HoldAction] = HoldAction.VOID
    # The item of a batch that voided it has the key.
    keys_of: ClassVar[tuple[type[HoldItem], str]] = (HoldItem, "caller")

    reason: str = ""

    def ending(self, hold: Hold, origin: Origin, now: datetime) -> HoldStatus:
        hold.ended_by_id, hold.end_reason = origin.user_id, self.reason
        return HoldStatus.VOIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireHold(HoldCommand):
    """Releases what is left of a hold whose time is over by the bank's clock.

    Waits for nobody: the queue waits for it. Raises Busy if the account is locked, NotFound, and
    HoldNotOpen if there is nothing to end, or not yet.
    """

    verb: ClassVar[str] = "expire hold"

    def prepare(self) -> "HoldCommand":
        prepared = HoldCommand.prepare(self)
        if not all(map(lock_if_free, prepared.account_ids())):
            raise Busy("The account is in use. Nothing was done.")
        return prepared

    def ending(self, hold: Hold, origin: Origin, now: datetime) -> HoldStatus:
        if now < hold.expires_at:
            raise HoldNotOpen("The hold has not expired yet.")
        return HoldStatus.EXPIRED


def stored_hold(hold_id: UUID) -> Hold:
    """The hold as it stands, without a lock. Raises NotFound."""
    hold = Hold.objects.filter(pk=hold_id).first()
    if hold is None:
        raise NotFound(f"There is no hold {hold_id}.")
    return hold
