"""What pages show of a file, in words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.models import HOLDER, Account
from core.console.admin import EMPTY, badge, for_staff, in_words, shown_money
from desk.models import DeskFile
from desk.rows import FileRow

_COLOURS = {"Completed": "success", "Failed": "danger", "Pending": "warning"}
# The counts of a file and of a dry run, as they are told.
_COUNTS = {
    "completed": "posted",
    "failed": "failed",
    "pending": "wait for an approval of their own",
    "replayed": "made before",
}
_EXPECTED = {
    "completed": "would be posted",
    "failed": "would fail",
    "pending": "would wait for an approval of their own",
    "replayed": "were made before",
}


def counts_in_words(file: DeskFile) -> str:
    """ "2,998 posted, 2 failed of 3,000"."""
    told = [f"{getattr(file, name):,} {words}" for name, words in _COUNTS.items()]
    found = [words for words in told if not words.startswith("0 ")]
    return f"{', '.join(found)} of {file.rows:,}" if found else EMPTY


def expected_in_words(summary: Mapping[str, Any], rows: int) -> list[tuple[str, str]]:
    """What a dry run says, as pairs of heading and words."""
    told = [f"{summary[name]:,} {words}" for name, words in _EXPECTED.items() if summary[name]]
    facts = [(f"Of {rows:,} movements" if rows > 1 else "Of 1 movement", ", ".join(told))]
    for currency, sums in summary["sums"].items():
        words = [
            f"{in_words(kind.lower())} {shown_money(Decimal(amount), currency)}"
            for kind, amount in sums.items()
        ]
        facts.append((f"Sums in {currency}", ", ".join(words)))
    return facts


def shown_rows(rows: Sequence[FileRow]) -> list[dict[str, Any]]:
    """The rows of a table, with links to accounts and transactions. One statement."""
    ids = {row.account_id for row in rows} | {row.target_account_id for row in rows} - {""}
    found = Account.objects.select_related(*HOLDER).in_bulk(ids) if ids else {}
    names = {str(pk): account.full_name for pk, account in found.items()}
    return [_shown(row, names) for row in rows]


def _shown(row: FileRow, names: Mapping[str, str]) -> dict[str, Any]:
    sides = [
        (names[pk], reverse("admin:accounts_account_change", args=(pk,)))
        for pk in (row.account_id, row.target_account_id)
        if pk
    ]
    return {
        "line": row.line,
        "what": in_words(row.type.lower()),
        "sides": sides,
        "amount": shown_money(Decimal(row.amount), row.currency),
        "outcome": _outcome(row),
        "balance": shown_money(Decimal(row.balance_after), row.currency)
        if row.balance_after
        else EMPTY,
        "why": for_staff(row.failure_detail),
        "page": _page(row.transaction_id),
        "reversal": _page(row.reversed_by),
        "replayed": row.replayed,
    }


def _outcome(row: FileRow) -> SafeString | str:
    return badge(row.status.capitalize(), _COLOURS) if row.status else EMPTY


def _page(transaction_id: str) -> str:
    page = "admin:transactions_transaction_change"
    return reverse(page, args=(transaction_id,)) if transaction_id else ""
