"""What the page of a bulk action shows of the selected transactions before it asks for a reason."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString

from core.console.admin import shown_money
from core.console.command_form import in_one_line
from transactions.admin.bulk_run import page_of, shown
from transactions.admin.filters import status_badge
from transactions.admin.outcome import PreviewSide
from transactions.admin.timeline import maker_in_words
from transactions.models import Transaction
from transactions.reads.approvals import ApprovalRequest, ApprovalSide, requests_in_turn


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the action would be refused now: in few words, and as a sentence."""

    label: str
    sentence: str


_WRONG_STATE = Doubt("not possible in this state", "Not possible in this state.")
_OWN_REQUEST = Doubt("your own request", "You asked for this, so someone else decides.")
_OWN_ACCOUNT = Doubt("an account of your own", "One of the accounts is your own.")


@dataclass(frozen=True, slots=True)
class SelectedRow:
    """A selected transaction; `doubt` is None if the action would go through.

    `request` is what an approval would do, for an action on what waits for one.
    """

    transaction: Transaction
    doubt: Doubt | None
    request: ApprovalRequest | None = None

    @property
    def page(self) -> str:
        return page_of(self.transaction.pk)

    @property
    def status(self) -> SafeString:
        return status_badge(self.transaction)

    @property
    def amount(self) -> str:
        return shown(self.transaction)

    @property
    def asked_by(self) -> str:
        return maker_in_words(self.transaction)

    @property
    def mark(self) -> str:
        """Identifies the outcome, for a later check whether it still holds; without blanks."""
        if self.doubt:
            return self.doubt.label.replace(" ", "_")
        return "waits" if self.request and self.request.waits_for_its_time else ""

    @property
    def if_approved(self) -> str:
        """What an approval would do in its turn; "" if it would move the money."""
        if self.request and self.request.refusal:
            return in_one_line(self.request.refusal)
        if self.request and self.request.waits_for_its_time:
            return "It would wait for its time."
        return ""

    def sides(self) -> list[PreviewSide]:
        """Both accounts, with their balances if this is about an approval."""
        if self.request is None:
            of = self.transaction
            sides = (("From", of.debit_account), ("To", of.credit_account))
            return [PreviewSide(words, account, "", "") for words, account in sides]
        return [_side("From", self.request.debited), _side("To", self.request.credited)]


def selected_rows(
    rows: Sequence[Transaction], can_be: Callable[[Transaction], bool]
) -> list[SelectedRow]:
    """The rows of an action that is not about approvals. `can_be` predicts its success."""
    return [SelectedRow(row, None if can_be(row) else _WRONG_STATE) for row in rows]


def selected_requests(
    rows: Sequence[Transaction], decider_id: int | None, *, approves: bool
) -> list[SelectedRow]:
    """The rows of an action of this user on what waits for approval. One statement."""
    waiting = [row for row in rows if row.waits_for_approval()]
    requests = {one.transaction.pk: one for one in requests_in_turn(waiting, decider_id)}
    found = []
    for row in rows:
        request = requests.get(row.pk)
        doubt = _doubt(request, decider_id, approves=approves) if request else _WRONG_STATE
        found.append(SelectedRow(row, doubt, request))
    return found


def _doubt(request: ApprovalRequest, decider_id: int | None, *, approves: bool) -> Doubt | None:
    if request.is_on_account_of(decider_id):
        return _OWN_ACCOUNT
    if request.is_asked_by(decider_id):
        return _OWN_REQUEST
    if approves and request.refusal:
        return Doubt(request.refusal.kind.title.lower(), in_one_line(request.refusal))
    return None


def doubtful(rows: Iterable[SelectedRow]) -> str:
    """A warning with the number of rows that would be refused now, by reason; "" if none."""
    labels = Counter(row.doubt.label for row in rows if row.doubt)
    if not labels:
        return ""
    reasons = ", ".join(f"{label} ({count:,})" for label, count in labels.most_common())
    return f"{labels.total():,} of them would be refused now: {reasons}."


def together(rows: Sequence[SelectedRow]) -> str:
    """The sums by currency, of all rows and of those that would go through."""
    certain = [row for row in rows if row.doubt is None]
    words = f"Together {_sums(rows)}."
    if len(certain) == len(rows):
        return words
    return f"{words} Without those that would be refused: {_sums(certain)}."


def _sums(rows: Iterable[SelectedRow]) -> str:
    sums: dict[str, Decimal] = {}
    for row in rows:
        currency = row.transaction.currency
        sums[currency] = sums.get(currency, Decimal(0)) + row.transaction.amount
    return ", ".join(shown_money(sums[one], one) for one in sorted(sums)) or "nothing"


def _side(words: str, side: ApprovalSide) -> PreviewSide:
    """The side with its balances; an internal account has none."""
    if side.balance is None:
        return PreviewSide(words, side.account, "", "")
    currency = side.account.currency
    return PreviewSide(
        words,
        side.account,
        shown_money(side.balance, currency),
        shown_money(side.balance_after, currency),
    )
