"""What the demo bank holds. The examples of the API's description have the ids of these rows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from accounts.commands import CloseAccount, CloseCustomer, FreezeAccount, GiveUser, OpenAccount
from accounts.models import LimitRequest
from accounts.selectors import currencies_of
from accounts.states import FreezeScope
from bankproject import example_ids
from bankproject.demo_holds import hold_money
from bankproject.demo_webhooks import make_webhooks
from core import clock
from core.commands import Command, Origin
from core.identifiers import moment_of
from customers.commands import RegisterCustomer
from customers.states import CustomerKind
from jobs.runs import ask_for, business_date
from jobs.working import work_on
from statements.issuing import issue_for_account
from statements.periods import Month
from transactions.commands import AddNote, Deposit, Transfer, Withdraw
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import Posting
from transactions.ledger.processor import process
from transactions.ledger.writer import insert_pending
from transactions.queue.acceptance import accept
from transactions.statistics.spans import Calendar


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A command whose transaction has a given id, and the moment of its creation with it."""

    known_id: UUID

    def row(
        self, posting: Posting, origin: Origin, created_at: datetime, index: int = 0
    ) -> JournalRow:
        made: JournalRow = super().row(  # type: ignore[misc]
            posting, origin, moment_of(self.known_id), index
        )
        made.id = self.known_id
        return made


@dataclass(frozen=True, kw_only=True)
class _KnownDeposit(_Known, Deposit):
    pass


@dataclass(frozen=True, kw_only=True)
class _KnownTransfer(_Known, Transfer):
    pass


@dataclass(frozen=True, kw_only=True)
class _KnownWithdrawal(_Known, Withdraw):
    pass


def make_accounts(origin: Origin) -> dict[str, UUID]:
    """Opens the accounts and gives them some history; returns their ids by name and currency."""
    owners = dict(get_user_model().objects.values_list("username", "pk"))
    shop = _register_customers(owners, origin)
    opened = (
        _opening(example_ids.ADA, "Ada Lovelace", owner_id=owners["ada"], limit=100),
        _opening(example_ids.SAVINGS, "Ada Lovelace, savings", owner_id=owners["ada"]),
        _opening(example_ids.GRACE, "Grace Hopper", owner_id=owners["grace"], limit=200),
        _opening(example_ids.SHOP, "Corner Shop", currency="EUR", customer_id=shop),
        _opening(example_ids.EMPTY, "Travel fund, empty"),
        _opening(example_ids.QUIET, "Rainy days"),
        _opening(example_ids.CLOSED, "School trip, closed"),
    )
    process([*opened, *_history()], origin)
    in_a_month = clock.now() + timedelta(days=30)
    accept([_scheduled(in_a_month)], origin)
    _ask_for_limits()
    _ask_for_approvals()
    _issue_statement(origin)
    _run_a_job(origin)
    _write_notes()
    hold_money(origin)
    make_webhooks()
    return {f"{account.name} ({account.currency})": account.account_id for account in opened}


def _register_customers(users: dict[str, int], origin: Origin) -> UUID:
    """Registers Ada and Grace with their users, and others without one; returns the id of a shop.

    Sofya has a user, which an example of the API gives to her record.
    """
    ada = RegisterCustomer(
        customer_id=UUID(example_ids.CUSTOMER),
        name="Ada Lovelace",
        birth_date=date(1985, 12, 10),
        email="ada@example.com",
        phone="+44 20 7946 0958",
        address="12 St James's Square, London",
        note="Prefers letters",
    )
    grace = RegisterCustomer(
        name="Grace Hopper",
        birth_date=date(1976, 12, 9),
        email="grace@example.com",
        phone="+1 202 555 0143",
        address="1600 Harbor Street, Arlington",
    )
    shop = RegisterCustomer(
        name="Corner Shop",
        kind=CustomerKind.ORGANISATION,
        registration_number="HRB 4711",
        email="shop@example.com",
        address="3 Market Lane, Dublin",
    )
    without_user = RegisterCustomer(
        customer_id=UUID(example_ids.WITHOUT_USER),
        name="Sofya Kovalevskaya",
        birth_date=date(1980, 1, 15),
        email="sofya@example.com",
    )
    # The first asks for an account one day; the second had one.
    newcomer = RegisterCustomer(customer_id=UUID(example_ids.WITHOUT_ACCOUNT), name="Emmy Noether")
    former = RegisterCustomer(customer_id=UUID(example_ids.FORMER_CUSTOMER), name="Mary Somerville")
    commands: list[Command] = [
        ada,
        grace,
        shop,
        without_user,
        newcomer,
        former,
        GiveUser(customer_id=ada.customer_id, user_id=users["ada"]),
        GiveUser(customer_id=grace.customer_id, user_id=users["grace"]),
        CloseCustomer(customer_id=former.customer_id, reason="Moved abroad"),
    ]
    process(commands, origin)
    return shop.customer_id


def _opening(
    account_id: str, name: str, *, currency: str = "USD", limit: int = 0, **opening: Any
) -> OpenAccount:
    return OpenAccount(
        account_id=UUID(account_id),
        name=name,
        currency=currency,
        overdraft_limit=Decimal(limit),
        **opening,
    )


def _history() -> list[Command]:
    ada, savings, grace, shop, quiet, closed = map(
        UUID,
        (
            example_ids.ADA,
            example_ids.SAVINGS,
            example_ids.GRACE,
            example_ids.SHOP,
            example_ids.QUIET,
            example_ids.CLOSED,
        ),
    )
    return [
        # A failure that a retry completes, because the money has come meanwhile.
        _KnownWithdrawal(
            known_id=UUID(example_ids.REFUSED),
            account_id=savings,
            amount=Decimal("40.00"),
            description="Umbrella",
        ),
        Deposit(account_id=ada, amount=Decimal("2500.00"), description="Salary"),
        Deposit(account_id=grace, amount=Decimal("1840.50"), description="Salary"),
        Deposit(account_id=shop, amount=Decimal("312.75"), description="Takings"),
        Transfer(
            account_id=ada,
            target_account_id=savings,
            amount=Decimal("400.00"),
            description="To savings",
        ),
        Transfer(
            account_id=grace,
            target_account_id=ada,
            amount=Decimal("36.40"),
            description="Dinner",
        ),
        _KnownTransfer(
            known_id=UUID(example_ids.TRANSFER),
            account_id=ada,
            target_account_id=savings,
            amount=Decimal("75.50"),
            description="Rent, February",
        ),
        Withdraw(account_id=ada, amount=Decimal("120.00"), description="Cash"),
        # Refused and kept as a failure, so the list of failures has an example.
        Withdraw(account_id=shop, amount=Decimal("1000.00"), description="Till float"),
        FreezeAccount(account_id=shop, scope=FreezeScope.DEBITS, reason="Papers are missing"),
        Deposit(account_id=quiet, amount=Decimal("60.00"), description="Pocket money"),
        CloseAccount(account_id=closed, reason="The trip is over"),
    ]


def _scheduled(moment: datetime) -> Transfer:
    return _KnownTransfer(
        known_id=UUID(example_ids.SCHEDULED),
        account_id=UUID(example_ids.ADA),
        target_account_id=UUID(example_ids.SAVINGS),
        amount=Decimal("25.00"),
        description="Pocket money, next month",
        scheduled_for=moment,
    )


def _of_teller() -> Origin:
    teller = get_user_model().objects.get(username="tessa")
    return Origin(user_id=teller.pk, caller=f"user:{teller.pk}")


def _write_notes() -> None:
    """What a teller noted about Ada, her account, and one of its transactions."""
    notes = [
        AddNote(
            customer_id=UUID(example_ids.CUSTOMER),
            text="Rang on Monday. Wants a letter before any change.",
        ),
        AddNote(account_id=UUID(example_ids.ADA), text="Asked for a second card."),
        AddNote(
            transaction_id=UUID(example_ids.TRANSFER), text="The landlord asked whether it came."
        ),
    ]
    process(notes, _of_teller())


def _ask_for_limits() -> None:
    """Two requests for overdraft limits that wait for a second person."""
    tessa = get_user_model().objects.get(username="tessa")
    for request_id, account_id, limit in (
        (example_ids.LIMIT_REQUEST, example_ids.ADA, 25_000),
        (example_ids.OTHER_LIMIT_REQUEST, example_ids.GRACE, 30_000),
    ):
        LimitRequest.objects.create(
            id=UUID(request_id),
            account_id=UUID(account_id),
            overdraft_limit=Decimal(limit),
            limit_before=Decimal(100 if account_id == example_ids.ADA else 200),
            reason="Agreed on 31 January",
            requested_by=tessa,
            created_at=moment_of(UUID(request_id)),
        )


def _issue_statement(origin: Origin) -> None:
    """The first statement of Ada's account, of the month in its id."""
    account_id = UUID(example_ids.ADA)
    opened = Month.of(moment_of(account_id), Calendar())
    known_id = UUID(example_ids.STATEMENT)
    issue_for_account(account_id, opened, origin=origin, new_id=lambda *_: known_id)


def _run_a_job(origin: Origin) -> None:
    """A job that finds nothing to do yet."""
    known_id = UUID(example_ids.JOB_RUN)
    run, _ = ask_for("delete_expired", business_date(), origin=origin, new_id=lambda _: known_id)
    work_on(run.pk)


def _ask_for_approvals() -> None:
    """Two transactions of the teller that wait for a second person.

    The demo bank has no threshold, so that its visitors meet none. As the rows are new, a worker
    does not end them for their age.
    """
    deposit = _KnownDeposit(
        known_id=UUID(example_ids.TO_APPROVE),
        account_id=UUID(example_ids.GRACE),
        amount=Decimal("12000.00"),
        description="Sale of a boat",
    )
    withdrawal = _KnownWithdrawal(
        known_id=UUID(example_ids.TO_REJECT),
        account_id=UUID(example_ids.ADA),
        amount=Decimal("900.00"),
        description="Cash for a journey",
    )
    accounts = currencies_of([deposit.account_id, withdrawal.account_id])
    origin, now = _of_teller(), clock.now()
    rows = [one.row(one.posting(accounts), origin, now) for one in (deposit, withdrawal)]
    for row in rows:
        row.approval_required, row.updated_at = True, now
    insert_pending(rows)
