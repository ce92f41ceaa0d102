"""Reads of notes, newest first, each by the index of its subject."""

from uuid import UUID

from django.db.models import QuerySet

from transactions.models import Note, Transaction


def notes_about(subject: str, subject_id: UUID) -> QuerySet[Note]:
    """The notes about one thing; `subject` is one of SUBJECTS. Joins who wrote them."""
    return Note.objects.filter(**{subject: subject_id}).select_related("actor").order_by("-id")


def notes_on_decision(transaction: Transaction, limit: int) -> list[Note]:
    """The newest notes about the transaction and both of its accounts. One statement."""
    of_accounts = (
        notes_about("account", account_id).order_by()
        for account_id in (transaction.debit_account_id, transaction.credit_account_id)
    )
    found = notes_about("transaction", transaction.pk).order_by().union(*of_accounts, all=True)
    return list(found.order_by("-id")[:limit])
