"""The content of statements for their documents, from the rows of the ledger.

A statement that was issued gives the same content at any time. What may change afterwards is taken
as it was at the end of the period: the overdraft limit, what holds reserved, and whether an entry
has been reversed.
Names are those of today, since they may have to be forgotten.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.locks import settled_account
from accounts.models import Account, AccountEvent
from accounts.representation import AccountRow
from accounts.states import AccountEventType
from core.errors import FieldError, InvalidInput, NotFound
from core.heartbeat import watched
from core.large_documents import place_for
from core.money import format_amount, format_units
from statements.digests import EntrySums
from statements.documents.content import DocumentFormat, PrintedLine, StatementContent
from statements.documents.words import day
from statements.entries import EntryRange, StatedEntry, entries_of
from statements.models import Statement
from transactions.models import Transaction
from transactions.models.queries import FAILED
from transactions.reads.balances import balances_at
from transactions.reads.held import held_before
from transactions.states import TransactionType

# Entries in memory at a time.
_LINES = 500
# An interim statement is written for each request, so it has a bound.
MOST_ENTRIES = {each: 10_000 if each is DocumentFormat.PDF else 100_000 for each in DocumentFormat}
_OTHERWISE = {DocumentFormat.PDF: ", or for another format"}
_TICK = timedelta(microseconds=1)
_LIMIT = "overdraft_limit"


@dataclass(frozen=True, slots=True)
class LinesOfAccount:
    """The lines of a range of entries posted before `before`, read again for each walk."""

    entries: EntryRange
    before: datetime
    currency: str
    zone: ZoneInfo

    def __iter__(self) -> Iterator[PrintedLine]:
        entries = entries_of([self.entries], self.before, portion=_LINES)
        while part := list(islice(entries, _LINES)):
            reversals = self._reversals(part)
            yield from (self._line(entry, reversals) for entry in part)

    def _reversals(self, part: Sequence[StatedEntry]) -> dict[UUID, UUID]:
        """The reversals of these entries that were posted by then, by the original's id."""
        ids = [entry.transaction_id for entry in part]
        rows = Transaction.objects.filter(reverses__in=ids, completed_at__lt=self.before)
        found = rows.exclude(status=FAILED).order_by().values_list("reverses", "pk")
        return {original: pk for original, pk in found if original is not None}

    def _line(self, entry: StatedEntry, reversals: dict[UUID, UUID]) -> PrintedLine:
        amount = _amount(abs(entry.change), self.currency)
        is_debit = entry.change < 0
        return PrintedLine(
            sequence=entry.sequence,
            transaction_id=entry.transaction_id,
            kind=entry.kind,
            posted_at=entry.posted_at,
            value_at=entry.value_at,
            text=_text(entry),
            description=entry.description,
            debit=amount if is_debit else None,
            credit=None if is_debit else amount,
            balance_after=_amount(entry.balance_after, self.currency),
            counterparty_number=entry.other_number,
            counterparty_name=entry.other_name,
            reverses=entry.reverses_id,
            reversed_by=reversals.get(entry.transaction_id),
            has_earlier_value_date=day(entry.value_at, self.zone) < day(entry.posted_at, self.zone),
        )


def content_of(statement: Statement, *, check_url: str) -> StatementContent:
    """The content of a statement that was issued, read with its account and previous statement."""
    account, currency = statement.account, statement.currency
    zone = ZoneInfo(statement.time_zone)
    entries = EntryRange(account.pk, statement.first_sequence, statement.last_sequence)
    return StatementContent(
        bank_name=settings.BANK_NAME,
        account_id=account.pk,
        account_number=account.number,
        account_name=account.name,
        customer_name=account.customer.name if account.customer else "",
        currency=currency,
        number=statement.number,
        start=statement.starts_at,
        end=statement.ends_at,
        time_zone=zone,
        issued_at=statement.issued_at,
        opening_balance=_exact(statement.opening_balance, currency),
        closing_balance=_exact(statement.closing_balance, currency),
        total_debits=_exact(statement.total_debits, currency),
        total_credits=_exact(statement.total_credits, currency),
        count=statement.count,
        overdraft_limit=_limit_before(account, statement.ends_at),
        held=_exact(held_before(account.pk, statement.ends_at), currency),
        lines=LinesOfAccount(entries, statement.ends_at, currency, zone),
        check_url=check_url,
        secret=statement.secret,
        digest=statement.digest,
        previous_digest=statement.previous.digest if statement.previous else "",
        seal=statement.seal,
    )


def interim_content(
    account: AccountRow, start: datetime, end: datetime, zone: ZoneInfo, wanted: DocumentFormat
) -> StatementContent:
    """The content of any span of a customer's account; up to now, if its end is yet to come.

    Waits for postings under way. Raises NotFound for an internal account, InvalidInput for a span
    that begins in the future or has more entries than its format holds, Busy if a posting does not
    end in time, or if too many long documents are under way.
    """
    if account.last_sequence is None:
        raise NotFound("The bank's own accounts have no statements.")
    settled = settled_account(account.id)
    now = settled.locked_at
    assert now is not None, "The account was not opened in this database transaction."
    if start > now:
        detail = "The day is in the future."
        raise InvalidInput(detail, errors=[FieldError("from", "in_the_future", detail)])
    end = min(end, now)
    opening, closing = balances_at(settled, [start - _TICK, end - _TICK])
    entries = EntryRange(account.id, opening.sequence + 1, closing.sequence)
    _require_at_most(closing.sequence - opening.sequence, wanted)
    sums = _sums_of(entries, end)
    stored = Account.objects.select_related("customer").get(pk=account.id)
    return StatementContent(
        bank_name=settings.BANK_NAME,
        account_id=account.id,
        account_number=account.number,
        account_name=account.name,
        customer_name=stored.customer.name if stored.customer else "",
        currency=account.currency,
        number=None,
        start=start,
        end=end,
        time_zone=zone,
        issued_at=now,
        opening_balance=_exact(opening.balance, account.currency),
        closing_balance=_exact(closing.balance, account.currency),
        total_debits=_amount(sums.debits, account.currency),
        total_credits=_amount(sums.credits, account.currency),
        count=sums.count,
        overdraft_limit=_limit_before(stored, end),
        held=_exact(held_before(account.id, end), account.currency),
        lines=LinesOfAccount(entries, end, account.currency, zone),
    )


def _require_at_most(count: int, wanted: DocumentFormat) -> None:
    most = MOST_ENTRIES[wanted]
    if count > most:
        detail = (
            f"An interim statement as {wanted.upper()} has at most {most:,} entries, and these days"
            f" have {count:,}. Ask for fewer days{_OTHERWISE.get(wanted, '')}."
        )
        raise InvalidInput(errors=[FieldError("format", "too_many_rows", detail)])


def _sums_of(entries: EntryRange, before: datetime) -> EntrySums:
    """Without the digest of the entries, which an interim statement does not have."""
    sums = EntrySums(0)
    with place_for(entries.last - entries.first + 1):
        for entry in watched(entries_of([entries], before)):
            sums.add(entry)
    return sums


def _limit_before(account: Account, moment: datetime) -> Decimal:
    """The overdraft limit as it was just before the moment, by the account's events."""
    events = AccountEvent.objects.filter(
        account=account.pk,
        at__lt=moment,
        event__in=(AccountEventType.OPENED, AccountEventType.OVERDRAFT_LIMIT_CHANGED),
    ).order_by("-id")
    for after in events.values_list("after", flat=True):
        if _LIMIT in after:
            return _exact(Decimal(after[_LIMIT]), account.currency)
    return _exact(Decimal(0), account.currency)


def _text(entry: StatedEntry) -> str:
    words = TransactionType(entry.kind).label
    if not entry.other_number:
        return words
    preposition = "to" if entry.change < 0 else "from"
    return f"{words} {preposition} {entry.other_number} {entry.other_name}".strip()


def _amount(units: int, currency: str) -> Decimal:
    """In main units, with all digits of the currency."""
    return Decimal(format_units(units, currency))


def _exact(amount: Decimal, currency: str) -> Decimal:
    return Decimal(format_amount(amount, currency))
