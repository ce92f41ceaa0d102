"""Sources of the audit log: one for each log that the bank keeps.

A source gives its rows newest first, starting at an id, in primary-key order: ids contain the time,
or increase with it.
"""

from collections.abc import Callable
from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.text import capfirst

from accounts.admin.account_event import changed_values
from accounts.admin.customer import changed_in_words
from accounts.models import AccountEvent, holders
from bankproject.console.audit_holds import hold_entry, hold_events
from bankproject.console.audit_notes import note_entry, notes
from bankproject.console.audit_records import AuditEntry, AuditSource, Wanted
from core.console.admin import in_words, shown_money
from core.days import shown_moment
from customers.models import CustomerEvent
from transactions.admin.filters import IS_REVERSED, shown_failure, shown_status, shown_step
from transactions.admin.timeline import through_in_words
from transactions.models import HoldEvent, Note, Transaction, TransactionEvent
from transactions.models.queries import touching
from transactions.states import TransactionStatus

# Accounts -----------------------------------------------------------------------------------------


def _account_events(wanted: Wanted) -> QuerySet[AccountEvent] | None:
    if wanted.transaction_id:
        return None
    rows = AccountEvent.objects.filter(wanted.by("actor"), wanted.within_ids())
    if wanted.account:
        rows = rows.filter(account=wanted.account)
    if not wanted.automatic:
        rows = rows.filter(actor__isnull=False)
    return rows.select_related(*holders("account"), "actor")


def _account_entry(event: AccountEvent) -> AuditEntry:
    changes = changed_values(event)
    return AuditEntry(
        at=event.at,
        who=event.actor.get_username() if event.actor else event.caller,
        address=event.address or "",
        what=f"Account: {event.get_event_display().lower()}",
        about=str(event.account),
        id=str(event.account_id),
        link=reverse("admin:accounts_account_change", args=(event.account_id,)),
        before="; ".join(f"{label}: {old}" for label, old, _ in changes if old),
        after="; ".join(f"{label}: {new}" for label, _, new in changes),
        reason=event.reason,
        request_id=event.request_id,
    )


def _customer_events(wanted: Wanted) -> QuerySet[CustomerEvent] | None:
    if wanted.transaction_id:
        return None
    rows = CustomerEvent.objects.filter(wanted.by("actor"), wanted.within_ids())
    if wanted.account:
        rows = rows.filter(customer=wanted.account.customer_id)
    if not wanted.automatic:
        rows = rows.filter(actor__isnull=False)
    return rows.select_related("customer", "actor")


def _customer_entry(event: CustomerEvent) -> AuditEntry:
    return AuditEntry(
        at=event.at,
        who=event.actor.get_username() if event.actor else event.caller,
        address=event.address or "",
        what=f"Customer: {event.get_event_display().lower()}",
        about=str(event.customer),
        id=str(event.customer_id),
        link=reverse("admin:customers_customer_change", args=(event.customer_id,)),
        # Which details, not their values: those can be forgotten, the log cannot.
        after=changed_in_words(event),
        reason=event.reason,
        request_id=event.request_id,
    )


# Transactions -------------------------------------------------------------------------------------


_SIDES = ("debit_account", "credit_account")


def _sides(transaction: Transaction) -> str:
    return f"{transaction.debit_account.number} → {transaction.credit_account.number}"


def _transactions(wanted: Wanted) -> QuerySet[Transaction] | None:
    """Movements of money requested by staff, without those known to come from an API client.

    The transaction itself is the record. Only its key names a client, so a client without a key
    remains in the list.
    """
    rows = Transaction.objects.filter(wanted.by("created_by"), wanted.within_ids())
    if wanted.account:
        rows = rows.filter(touching(wanted.account.pk))
    if wanted.transaction_id:
        rows = rows.filter(pk=wanted.transaction_id)
    no_client = Q(idempotency_caller__isnull=True) | Q(idempotency_caller__startswith="user:")
    found = rows.filter(no_client, created_by__is_staff=True).select_related("created_by", *_SIDES)
    return found.annotate(is_reversed=IS_REVERSED)


def _transaction_entry(row: Transaction) -> AuditEntry:
    amount = shown_money(row.amount, row.currency)
    through = through_in_words(row.idempotency_caller)
    is_final = row.status in (TransactionStatus.COMPLETED, TransactionStatus.FAILED)
    outcome = shown_status(row) if is_final else "Waits"
    is_fault = row.failure_code and outcome == TransactionStatus.FAILED.label
    failure = f" ({shown_failure(row.failure_code)})" if is_fault else ""
    return AuditEntry(
        at=row.created_at,
        who=row.created_by.get_username() if row.created_by else "",
        address=row.address or "",
        what=f"Requested: {row.get_type_display().lower()} of {amount}"
        + (f", {through}" if through else ""),
        about=_sides(row),
        id=str(row.pk),
        link=reverse("admin:transactions_transaction_change", args=(row.pk,)),
        after=f"{outcome} by now{failure}",
        reason=row.description,
        request_id=row.request_id or "",
    )


def _transaction_events(wanted: Wanted) -> QuerySet[TransactionEvent] | None:
    rows = TransactionEvent.objects.filter(wanted.by("actor"), wanted.within_ids())
    if wanted.account:
        of_account = Q(transaction__debit_account=wanted.account)
        rows = rows.filter(of_account | Q(transaction__credit_account=wanted.account))
    if wanted.transaction_id:
        rows = rows.filter(transaction_id=wanted.transaction_id)
    if not wanted.automatic:
        rows = rows.filter(actor__isnull=False)
    sides = (f"transaction__{side}" for side in _SIDES)
    return rows.select_related("actor", *sides)


def _event_entry(event: TransactionEvent) -> AuditEntry:
    overwritten = event.detail.get("failure_code", "")
    failure = f" ({shown_failure(overwritten)})" if overwritten else ""
    was_failed = event.from_status == TransactionStatus.FAILED
    before, after = shown_step(event)
    return AuditEntry(
        at=event.at,
        who=event.actor.get_username() if event.actor else event.caller,
        address=event.address or "",
        what=f"Transaction: {in_words(event.event).lower()}",
        about=_sides(event.transaction),
        id=str(event.transaction_id),
        link=reverse("admin:transactions_transaction_change", args=(event.transaction_id,)),
        before=before + (failure if was_failed else ""),
        after=after + ("" if was_failed else failure),
        reason=event.reason,
        request_id=event.request_id,
    )


# Logins and the staff's own records ---------------------------------------------------------------


def _logins(model: type[AccessLog] | type[AccessFailureLog]) -> Callable[[Wanted], Any]:
    def rows(wanted: Wanted) -> QuerySet[Any] | None:
        if wanted.is_about_money:
            return None
        found = model.objects.filter(wanted.within("attempt_time")).select_related("origin")
        return found.filter(username=wanted.who) if wanted.who else found

    return rows


def _origin_of(record: Any) -> dict[str, str]:
    """The address and the request of a record; none from before this release, or of a command."""
    origin = getattr(record, "origin", None)
    if origin is None:
        return {"address": getattr(record, "ip_address", None) or ""}
    return {"address": origin.address or "", "request_id": origin.request_id}


def _login_entry(login: AccessLog) -> AuditEntry:
    return AuditEntry(
        at=login.attempt_time,
        who=login.username or "",
        what="Logged in",
        after=f"Logged out {shown_moment(login.logout_time)}" if login.logout_time else "",
        **_origin_of(login),
    )


def _failed_login_entry(failure: AccessFailureLog) -> AuditEntry:
    return AuditEntry(
        at=failure.attempt_time,
        who=failure.username or "",
        what="Failed to log in",
        after="Locked out for a while" if failure.locked_out else "",
        **_origin_of(failure),
    )


def _log_entries(wanted: Wanted) -> QuerySet[LogEntry] | None:
    if wanted.is_about_money:
        return None
    rows = LogEntry.objects.filter(wanted.by("user"), wanted.within("action_time"))
    return rows.select_related("user", "content_type", "origin")


def _log_entry(entry: LogEntry) -> AuditEntry:
    kind = entry.content_type.name if entry.content_type else "record"
    return AuditEntry(
        at=entry.action_time,
        who=entry.user.get_username(),
        what=f"{capfirst(kind)}: {entry.get_action_flag_display().lower()}",
        about=entry.object_repr,
        id=entry.object_id or "",
        after=entry.get_change_message(),
        **_origin_of(entry),
    )


def _of_time(model: type[Any]) -> Callable[[Wanted], QuerySet[Any]]:
    return lambda wanted: model.objects.filter(wanted.within_ids())


def _everything(model: type[Any]) -> Callable[[Wanted], QuerySet[Any]]:
    return lambda _: model.objects.all()


SOURCES: dict[str, AuditSource] = {
    source.name: source
    for source in (
        AuditSource(
            "accounts", "Accounts", _of_time(AccountEvent), _account_events, _account_entry
        ),
        AuditSource(
            "customers", "Customers", _of_time(CustomerEvent), _customer_events, _customer_entry
        ),
        AuditSource("holds", "Holds", _of_time(HoldEvent), hold_events, hold_entry),
        AuditSource("notes", "Notes", _of_time(Note), notes, note_entry),
        AuditSource(
            "decisions",
            "Decisions on transactions",
            _of_time(TransactionEvent),
            _transaction_events,
            _event_entry,
            is_long=True,
        ),
        AuditSource(
            "transactions",
            "Requested transactions",
            _of_time(Transaction),
            _transactions,
            _transaction_entry,
            is_long=True,
        ),
        AuditSource(
            "logins",
            "Logins",
            _everything(AccessLog),
            _logins(AccessLog),
            _login_entry,
            parse_id=int,
        ),
        AuditSource(
            "failed_logins",
            "Failed logins",
            _everything(AccessFailureLog),
            _logins(AccessFailureLog),
            _failed_login_entry,
            parse_id=int,
        ),
        AuditSource(
            "staff",
            "Users, groups and clients",
            _everything(LogEntry),
            _log_entries,
            _log_entry,
            parse_id=int,
        ),
    )
}
