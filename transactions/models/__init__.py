"""Models of money movements: the journal, its events and notes, and a view of ledger lines."""

from transactions.models.approval_mail import ApprovalMail
from transactions.models.archive_run import ArchiveRun, ArchiveSegment
from transactions.models.batch import Batch
from transactions.models.day_summary import DaySummary
from transactions.models.entry import Entry, EntrySide
from transactions.models.event import TransactionEvent
from transactions.models.hold import Hold, HoldCapture, HoldEvent
from transactions.models.hold_item import HoldItem
from transactions.models.note import Note
from transactions.models.transaction import Transaction
from transactions.models.verification import Verification

__all__ = [
    "ApprovalMail",
    "ArchiveRun",
    "ArchiveSegment",
    "Batch",
    "DaySummary",
    "Entry",
    "EntrySide",
    "Hold",
    "HoldCapture",
    "HoldEvent",
    "HoldItem",
    "Note",
    "Transaction",
    "TransactionEvent",
    "Verification",
]
