"""Admin pages of the journal, the ledger and their records, for staff to read."""

from transactions.admin.account import MoneyAccountAdmin
from transactions.admin.archive_run import ArchiveRunAdmin
from transactions.admin.batch import BatchAdmin
from transactions.admin.customer import HolderAdmin
from transactions.admin.entry import EntryAdmin
from transactions.admin.event import TransactionEventAdmin
from transactions.admin.hold import HoldAdmin
from transactions.admin.note import NoteAdmin
from transactions.admin.transaction import TransactionAdmin
from transactions.admin.verification import VerificationAdmin

__all__ = [
    "ArchiveRunAdmin",
    "BatchAdmin",
    "EntryAdmin",
    "HoldAdmin",
    "HolderAdmin",
    "MoneyAccountAdmin",
    "NoteAdmin",
    "TransactionAdmin",
    "TransactionEventAdmin",
    "VerificationAdmin",
]
