"""Open an account."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.commands.base import AccountRun, record_event, snapshot
from accounts.models import CASH, Account, internal_account_id
from accounts.self_dealing import refuse_self_dealing
from accounts.states import AccountEventType, AccountKind
from accounts.words import AccountWord
from core import clock
from core.commands import KeyedCommand, Origin
from core.errors import ApprovalRequired, FieldError, InvalidInput
from core.four_eyes import is_large
from core.identifiers import moment_of, uuid7
from core.money import validate_amount
from core.name_words import add_words
from core.numbers import new_account_number
from customers.commands.base import refuse_inactive
from customers.selectors import customer_of_opening

# In a bank with a million accounts, one new number in ten thousand is already taken.
_NUMBER_ATTEMPTS = 5
_SHOWN = ("name", "number", "currency", "owner_id", "overdraft_limit", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount(KeyedCommand[Account]):
    """Opens an empty customer account. For an initial balance, a Deposit follows in the same list.

    The user of a customer owns the customer's accounts. So an `owner_id` with a customer gets an
    account of this customer.

    Raises InvalidInput for an unknown customer, an owner who is not the customer's user, and an
    overdraft limit that is negative, too large or has too many digits; InvalidTransition if the
    customer is not active; ApprovalRequired if a user sets a limit that needs a second person;
    SelfDealing if the member of staff would own the account.
    """

    verb: ClassVar[str] = "open account"
    opens_account: ClassVar[bool] = True

    name: str
    currency: str
    owner_id: int | None = None
    customer_id: UUID | None = None
    overdraft_limit: Decimal = Decimal(0)
    metadata: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    account_id: UUID = field(default_factory=lambda: uuid7(clock.now()))

    def account_ids(self) -> tuple[UUID, ...]:
        return ()

    def execute(self, run: AccountRun) -> Account:
        return run.change(self.apply)

    def apply(self, origin: Origin, now: datetime) -> Account:
        """Inserts the account and its event, and the currency's cash account if it is missing."""
        validate_overdraft_limit(self.overdraft_limit, self.currency)
        if origin.user_id is not None and is_large(self.overdraft_limit, self.currency):
            raise ApprovalRequired(
                "A limit of this size needs a second person: open the account without it, and then"
                " request the limit."
            )
        customer_id, owner_id = self._customer_and_owner()
        if owner_id is not None:
            opened = Account(id=self.account_id, owner_id=owner_id)
            refuse_self_dealing([opened], origin)
        ensure_cash_account(self.currency, now)
        account = self._insert(origin, customer_id, owner_id)
        add_words(AccountWord, account)
        record_event(
            account,
            AccountEventType.OPENED,
            origin,
            now,
            reason=self.reason,
            before={},
            after=snapshot(account, (*_SHOWN, "customer_id") if customer_id else _SHOWN),
        )
        return account

    def _customer_and_owner(self) -> tuple[UUID | None, int | None]:
        """Their ids. The customer stays locked, so that their user cannot change meanwhile."""
        customer = customer_of_opening(self.customer_id, self.owner_id)
        if customer is None:
            return None, self.owner_id
        refuse_inactive(customer)
        if self.owner_id not in (None, customer.user_id):
            raise InvalidInput(
                errors=[FieldError("/owner", "other_user", "The customer has another user.")]
            )
        return customer.pk, customer.user_id

    def _insert(self, origin: Origin, customer_id: UUID | None, owner_id: int | None) -> Account:
        # The account's time is that of its id, so a range of ids is a range of creation times.
        created_at = moment_of(self.account_id)
        for _ in range(_NUMBER_ATTEMPTS):
            number = new_account_number()
            try:
                with transaction.atomic():
                    return Account.objects.create(
                        id=self.account_id,
                        number=number,
                        name=self.name,
                        kind=AccountKind.CUSTOMER,
                        owner_id=owner_id,
                        customer_id=customer_id,
                        currency=self.currency,
                        overdraft_limit=self.overdraft_limit,
                        metadata=self.metadata,
                        idempotency_caller=origin.caller if self.idempotency_key else None,
                        idempotency_key=self.idempotency_key,
                        request_fingerprint=self.request_fingerprint,
                        created_at=created_at,
                        updated_at=created_at,
                    )
            except IntegrityError:
                if not Account.objects.filter(number=number).exists():
                    raise
        raise AssertionError(f"No free account number in {_NUMBER_ATTEMPTS} attempts.")


def validate_overdraft_limit(limit: Decimal, currency: str) -> None:
    """Raises InvalidInput unless 0 <= limit <= 10^11 main units, with the currency's decimals."""
    validate_amount(limit, currency, pointer="/overdraft_limit", allow_zero=True)


def ensure_cash_account(currency: str, now: datetime) -> None:
    """Creates the currency's cash account, which deposits debit, if it does not exist yet."""
    Account.objects.bulk_create(
        [
            Account(
                id=internal_account_id(CASH, currency),
                number=f"{CASH}-{currency}",
                name=f"Cash {currency}",
                kind=AccountKind.INTERNAL,
                code=CASH,
                currency=currency,
                balance=None,
                last_sequence=None,
                created_at=now,
                updated_at=now,
            )
        ],
        ignore_conflicts=True,
    )
