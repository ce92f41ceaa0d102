"""A small ledger with a transaction in every state, and ways to damage it past all guards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import UniqueConstraint
from django.utils import timezone

from accounts.locks import lock_accounts
from accounts.models import CASH, Account, internal_account_id
from core.commands import Command
from core.database import drop_objects
from core.identifiers import uuid7
from customers.commands import ChangeCustomer
from customers.models import Customer, CustomerEvent
from statements.models import Statement
from tests.factories import ORIGIN, make_account, make_customer, make_hold, make_note, run
from transactions.commands import Capture, Deposit, Transfer, Withdraw
from transactions.ledger import execution
from transactions.ledger import writer as ledger
from transactions.ledger.processor import process
from transactions.ledger.writer import JournalRow
from transactions.models import Hold, Transaction, TransactionEvent
from transactions.states import TransactionStatus, TransactionType
from transactions.tests.past_the_ledger import insert, queued_deposit, update

PENDING, PROCESSING, COMPLETED, FAILED = TransactionStatus


@dataclass(frozen=True, slots=True)
class Bank:
    """Ids by name. Ada holds 70.00 USD by four entries, Bob 7.00 by three, Eve 11.00 EUR by one.

    Fay has 7.00 USD, 3.00 of it held: a hold of 5.00, of which 2.00 were captured.

    Dora's account belongs to a customer with a user. A plain customer has neither.
    """

    ada: UUID
    bob: UUID
    cid: UUID
    eve: UUID
    cash: UUID
    nobody: UUID
    random: UUID
    deposit: UUID
    withdrawal: UUID
    transfer: UUID
    reversal: UUID
    eve_deposit: UUID
    refused: UUID
    failed_reversal: UUID
    pending: UUID
    processing: UUID
    processing_event: UUID
    retried: UUID
    retry_event: UUID
    failure_event: UUID
    queued: UUID
    dora: UUID
    customer: UUID
    change_event: UUID
    user_event: UUID
    plain: UUID
    plain_event: UUID
    note: UUID
    fay: UUID
    hold: UUID
    capture: UUID

    def sql(self, text: str) -> str:
        """The text, with the names in braces replaced by literals of either database."""
        return text.format(
            **{field.name: f"'{getattr(self, field.name).hex}'" for field in fields(self)}
        )


def make_bank() -> Bank:
    ada, bob, cid, eve = (make_account(currency=code) for code in ("USD", "USD", "USD", "EUR"))
    commands: list[Command] = [
        Deposit(account_id=ada.id, amount=Decimal(100)),
        Withdraw(account_id=ada.id, amount=Decimal(30)),
        Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(25)),
        Deposit(account_id=eve.id, amount=Decimal(11)),
        Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(1000)),
    ]
    deposit, withdrawal, transfer, eve_deposit, refused = process(commands, ORIGIN)
    assert refused.status == FAILED
    reversal = reverse(transfer)
    failed_reversal = reverse(deposit, failure_code="insufficient_funds")
    pending = queued(ada)
    processing = queued(ada)
    processing_event = move(processing, PENDING, PROCESSING)
    retried = queued(ada, status=FAILED, failure_code="account_frozen")
    retry_event = move(retried, FAILED, PENDING)
    failure_event = move(retried, PENDING, FAILED)
    completed = queued(bob, amount=7)
    move(completed, PENDING, PROCESSING)
    complete(completed, bob)
    fay = make_account(balance=9)
    hold = make_hold(fay, 5)
    capture = run(Capture(hold_id=hold.pk, amount=Decimal(2)))
    customer = make_customer(user="dora")
    run(ChangeCustomer(customer_id=customer.pk, details={"phone": "555 0100"}))
    user_event, change_event = customer.events.order_by("at")[1:]
    plain = make_customer()
    return Bank(
        ada=ada.id,
        bob=bob.id,
        cid=cid.id,
        eve=eve.id,
        cash=internal_account_id(CASH, "USD"),
        nobody=UUID(int=0),
        random=UUID("6f1c3b52-7a3e-4c43-9d4e-2f8f0f6f9f11"),
        deposit=deposit.id,
        withdrawal=withdrawal.id,
        transfer=transfer.id,
        reversal=reversal.id,
        eve_deposit=eve_deposit.id,
        refused=refused.id,
        failed_reversal=failed_reversal.id,
        pending=pending.id,
        processing=processing.id,
        processing_event=processing_event,
        retried=retried.id,
        retry_event=retry_event,
        failure_event=failure_event,
        queued=completed.id,
        dora=make_account(customer_id=customer.pk).id,
        customer=customer.pk,
        change_event=change_event.pk,
        user_event=user_event.pk,
        plain=plain.pk,
        plain_event=plain.events.get().pk,
        note=make_note(account_id=ada.id).pk,
        fay=fay.id,
        hold=hold.pk,
        capture=capture.id,
    )


def reverse(original: JournalRow, failure_code: str = "") -> JournalRow:
    """The mirror of a transaction, posted by the ledger, or failed with this code."""
    now = timezone.now()
    row = JournalRow(
        id=uuid7(now),
        type=TransactionType.REVERSAL,
        status=FAILED,
        debit_account_id=original.credit_account_id,
        credit_account_id=original.debit_account_id,
        amount=original.amount,
        currency=original.currency,
        description="",
        reverses_id=original.id,
        failure_code=failure_code,
        effective_at=now,
        created_at=now,
        updated_at=now,
    )
    with transaction.atomic():
        if failure_code:
            ledger.write([row], {})
        else:
            locked = lock_accounts([row.debit_account_id, row.credit_account_id])
            execution.complete(
                row, locked[row.debit_account_id], locked[row.credit_account_id], now
            )
            ledger.write([row], locked)
    return row


def queued(account: Account, **columns: Any) -> Transaction:
    now = timezone.now()
    row = queued_deposit(account, id=uuid7(now), created_at=now, **columns)
    insert(row)
    return row


def move(row: Transaction, current: TransactionStatus, target: TransactionStatus) -> UUID:
    """Takes one step, with its event; returns the event's id. Failures get `account_frozen`."""
    at = timezone.now()
    code = "account_frozen" if target == FAILED else ""
    update(row, f"status = '{target}', failure_code = '{code}'")
    event = TransactionEvent.objects.create(
        id=uuid7(at),
        transaction=row,
        event=target.lower(),
        from_status=current,
        to_status=target,
        at=at,
    )
    return event.id


def complete(row: Transaction, account: Account) -> None:
    """Posts a deposit that is in process."""
    account.refresh_from_db()
    assert account.balance is not None
    assert account.last_sequence is not None
    at, sequence, balance = timezone.now(), account.last_sequence + 1, account.balance + row.amount
    TransactionEvent.objects.create(
        id=uuid7(at), transaction=row, event="completed", from_status=PROCESSING,
        to_status=COMPLETED, at=at,
    )  # fmt: skip
    Transaction.objects.filter(pk=row.pk).update(
        status=COMPLETED, completed_at=at, credit_sequence=sequence, credit_balance_after=balance
    )
    Account.objects.filter(pk=account.pk).update(
        balance=balance, last_sequence=sequence, last_posted_at=at
    )


@contextmanager
def unguarded() -> Iterator[None]:
    """Removes all triggers, CHECKs and unique indexes, and restores them afterwards."""
    savepoint = transaction.savepoint()
    sqlite = connection.vendor == "sqlite"
    try:
        execute(
            "PRAGMA ignore_check_constraints = ON" if sqlite else "SET CONSTRAINTS ALL IMMEDIATE"
        )
        drop_objects(connection, kinds=("trigger",))
        _drop_constraints(sqlite=sqlite)
        if not sqlite:
            execute("SET CONSTRAINTS ALL DEFERRED")
        yield
    finally:
        transaction.savepoint_rollback(savepoint)
        if sqlite:
            execute("PRAGMA ignore_check_constraints = OFF")


def _drop_constraints(*, sqlite: bool) -> None:
    models = (Account, Transaction, TransactionEvent, Statement, Customer, CustomerEvent, Hold)
    for model in models:
        for constraint in model._meta.constraints:
            if isinstance(constraint, UniqueConstraint) and constraint.condition:
                execute(f"DROP INDEX {constraint.name}")
            elif not sqlite:  # A key without a condition is a constraint there.
                execute(f"ALTER TABLE {model._meta.db_table} DROP CONSTRAINT {constraint.name}")


def execute(statement: str) -> int:
    """Runs a statement; returns the number of rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        count: int = cursor.rowcount
        return count
