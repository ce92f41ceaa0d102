"""The outcome or the preview of a command that moves money, in words for staff."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from accounts.models import Account
from core.console.admin import for_staff, shown_money
from core.console.command_form import in_one_line
from core.errors import ERROR_KINDS, REFUSALS
from transactions.ledger import failures
from transactions.ledger.idempotency import Replay
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction
from transactions.reads.approvals import refusal_if_approved
from transactions.states import TransactionStatus, TransactionType

# The parameter of a receipt's address: the account whose customer gets it.
RECEIPT_FOR = "account"

_DONE = {
    TransactionType.DEPOSIT: "Deposited",
    TransactionType.WITHDRAW: "Withdrew",
    TransactionType.TRANSFER: "Transferred",
}


@dataclass(frozen=True, slots=True)
class PreviewSide:
    """One of the two accounts; amounts as displayed. `after` is "" if nothing would move."""

    words: str
    account: Account
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MovementPreview:
    """`own` is the account whose button was pressed."""

    transaction: Transaction
    own: Account
    replayed: bool

    @classmethod
    def of(cls, result: JournalRow | Replay, own: Account) -> "MovementPreview":
        return cls(result.as_transaction(), own, result.replayed)

    @property
    def kind(self) -> str:
        """COMPLETED, PENDING (the movement waits for approval), or the code of the refusal."""
        return self.transaction.failure_code or str(self.transaction.status)

    @property
    def mark(self) -> str:
        """Identifies the outcome of a preview, for a later check whether it still holds."""
        return f"{self.kind} {self.balance_after}".strip()

    def is_as(self, mark: str) -> bool:
        """Whether the preview with this mark had the same outcome, apart from balances."""
        return mark.partition(" ")[0] == self.kind

    @property
    def amount(self) -> str:
        return self._money(self.transaction.amount)

    @property
    def balance_after(self) -> str:
        """The balance of the account `own`, as displayed; "" if nothing moved."""
        after = self._after(self.own)
        return "" if after is None else self._money(after)

    @property
    def value_date(self) -> datetime | None:
        """The value date that staff set, if it is not the moment of the request."""
        moment = self.transaction.effective_at
        return None if moment == self.transaction.created_at else moment

    @property
    def afterwards(self) -> str:
        """The heading of the column with the balances after the movement."""
        return "If approved now" if self.would_move_if_approved else "Afterwards"

    @property
    def waits(self) -> bool:
        return self.transaction.status == TransactionStatus.PENDING

    @property
    def failed(self) -> bool:
        return self.transaction.status == TransactionStatus.FAILED

    @property
    def is_refused(self) -> bool:
        """Whether the bank's rules refuse it; somebody's rejection is not such a failure."""
        return self.transaction.failure_code in REFUSALS

    @property
    def refusal(self) -> str:
        """The reason for the failure, as a sentence."""
        failed = self.transaction
        kind = ERROR_KINDS.get(failed.failure_code)
        title = kind.title if kind else failed.failure_code
        return for_staff(f"{title}: {failed.failure_detail}")

    @property
    def refusal_if_approved(self) -> str:
        """Why approval would be refused now, in the words of `refusal`; "" if it would not."""
        refusal = refusal_if_approved(self.transaction) if self.waits else None
        return in_one_line(refusal) if refusal else ""

    @property
    def would_move_if_approved(self) -> bool:
        return self.waits and not self.refusal_if_approved

    @property
    def is_retryable(self) -> bool:
        return failures.is_retryable(self.transaction)

    def sides(self) -> list[PreviewSide]:
        """The customer accounts involved, the debited one first, without the cash account."""
        moved = self.transaction
        would_move = self.would_move_if_approved
        pairs = (
            ("From", moved.debit_account, -moved.amount),
            ("To", moved.credit_account, moved.amount),
        )
        return [
            self._side(words, account, change, would_move)
            for words, account, change in pairs
            if account.balance is not None
        ]

    def _side(self, words: str, account: Account, change: Decimal, would_move: bool) -> PreviewSide:
        after = self._after(account)
        if after is not None:
            return PreviewSide(words, account, self._money(after - change), self._money(after))
        assert account.balance is not None, "A customer's account has a balance."
        # A waiting transaction is shown as if it were approved now.
        then = self._money(account.balance + change) if would_move else ""
        return PreviewSide(words, account, self._money(account.balance), then)

    def _after(self, account: Account) -> Decimal | None:
        if account.pk == self.transaction.debit_account_id:
            return self.transaction.debit_balance_after
        return self.transaction.credit_balance_after

    def _money(self, amount: Decimal) -> str:
        return shown_money(amount, self.transaction.currency)

    def words(self) -> str:
        """The outcome, as staff would word it at the counter."""
        moved = self.transaction
        whither = ""
        if moved.type == TransactionType.TRANSFER:
            whither = f" to {moved.credit_account.in_full}"
        if self.waits:
            return (
                f"{moved.get_type_display()} of {self.amount}{whither} waits for a second person"
                " to approve it. Nothing has moved yet."
            )
        if self.failed:
            return f"{self.refusal} Nothing has moved."
        return (
            f"{_DONE[TransactionType(moved.type)]} {self.amount}{whither}."
            f" The balance is now {self.balance_after}."
        )


def tell(request: HttpRequest, outcome: MovementPreview, foreseen: str) -> None:
    """Reports the outcome, with a link to the transaction, and any difference from the preview."""
    words = outcome.words()
    if outcome.replayed:
        words = f"Already done; nothing was repeated. {words}"
    elif outcome.mark != foreseen:
        words = f"{words} It differs from the preview: others have used the account since."
    if outcome.failed:
        level, link = messages.ERROR, "Show the failed transaction"
    elif outcome.waits:
        level, link = messages.WARNING, "Show the transaction that waits"
    else:
        level, link = messages.SUCCESS, "Show the transaction"
    page = reverse("admin:transactions_transaction_change", args=(outcome.transaction.pk,))
    text = format_html('{} <a class="underline" href="{}">{}</a>', words, page, link)
    messages.add_message(request, level, with_receipt(text, outcome))


def with_receipt(text: str, outcome: MovementPreview) -> str:
    """The text with a link to the receipt for the customer of the account; if there is one.

    The receipts are in an app above this one, so the URL is looked up by name.
    """
    if outcome.failed or outcome.waits:
        return text
    page = reverse("receipt", args=(outcome.transaction.pk,))
    receipt = f"{page}?{urlencode({RECEIPT_FOR: str(outcome.own.pk)})}"
    return format_html('{} <a class="underline" href="{}">Receipt</a>', text, receipt)
