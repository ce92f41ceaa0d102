"""Named errors: one exception for each refusal, one table for all codes.

A `BankError` leaves nothing behind in the database. A `Refusal` is a business outcome of a money
command: the processor keeps it as a FAILED transaction with this code, and the caller gets the
error with the `transaction_id` of that row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """The HTTP form of an error code: status (RFC 9110), title, whether a retry is of use."""

    status: int
    title: str
    # After a kept refusal, `retry/` is allowed. After a fault (503, 429), send the request again.
    retryable: bool = False


# The one table of error codes. Views, schema and documentation read it; a test walks it.
ERROR_KINDS: dict[str, ErrorKind] = {
    "validation_error": ErrorKind(400, "The request is not valid"),
    "bad_request": ErrorKind(400, "The request is malformed"),
    "insufficient_funds": ErrorKind(400, "Insufficient funds", retryable=True),
    "same_account": ErrorKind(400, "Both accounts are the same"),
    "currency_mismatch": ErrorKind(400, "The currencies differ"),
    "limit_exceeded": ErrorKind(400, "Above a limit of the account", retryable=True),
    "balance_limit": ErrorKind(400, "The balance would leave its range", retryable=True),
    "not_authenticated": ErrorKind(401, "Authentication is required"),
    "permission_denied": ErrorKind(403, "Not allowed"),
    "self_approval": ErrorKind(403, "Nobody decides on their own request"),
    "self_dealing": ErrorKind(403, "Staff may not act on their own accounts"),
    "not_found": ErrorKind(404, "Not found"),
    "method_not_allowed": ErrorKind(405, "Method not allowed"),
    "not_acceptable": ErrorKind(406, "No acceptable representation"),
    "account_frozen": ErrorKind(409, "The account is frozen", retryable=True),
    "account_damaged": ErrorKind(409, "The account's books are damaged", retryable=True),
    "account_closed": ErrorKind(409, "The account is closed"),
    "account_not_empty": ErrorKind(409, "The account still holds money"),
    "transactions_pending": ErrorKind(409, "The account has pending transactions"),
    "limit_below_use": ErrorKind(409, "The overdraft in use is above that limit"),
    "invalid_transition": ErrorKind(409, "Not possible in this state"),
    "not_retryable": ErrorKind(409, "The transaction cannot be retried"),
    "retry_limit": ErrorKind(409, "Too many attempts"),
    "already_reversed": ErrorKind(409, "Already reversed"),
    "reversal_of_reversal": ErrorKind(409, "A reversal cannot be reversed"),
    "approval_required": ErrorKind(409, "Approval is required"),
    "not_sealed": ErrorKind(409, "Not sealed yet"),
    "cursor_lost": ErrorKind(410, "The bank was put back to a time before this cursor"),
    "precondition_failed": ErrorKind(412, "The resource has changed"),
    "payload_too_large": ErrorKind(413, "The request is too large"),
    "uri_too_long": ErrorKind(414, "The address is too long"),
    "unsupported_media_type": ErrorKind(415, "Unsupported media type"),
    "idempotency_key_reused": ErrorKind(422, "The idempotency key belongs to another request"),
    "throttled": ErrorKind(429, "Too many requests", retryable=True),
    "headers_too_large": ErrorKind(431, "The headers are too large"),
    "internal_error": ErrorKind(500, "Internal error"),
    "processing_error": ErrorKind(503, "The transaction could not be processed", retryable=True),
    "busy": ErrorKind(503, "Busy, try again", retryable=True),
    # The connection was lost during COMMIT. Only after this fault may the work be committed.
    "outcome_unknown": ErrorKind(503, "The outcome is unknown"),
}


def is_retryable(code: str, *, is_final: bool) -> bool:
    """Whether a retry may succeed after a failure with this code, unless it is final."""
    kind = ERROR_KINDS.get(code)
    return kind is not None and kind.retryable and not is_final


# Failures that are no refusals of the transaction itself. They are stored, but never raised.
FAILURES_BY_DECISION: tuple[str, ...] = ("rejected", "cancelled", "approval_expired")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field. `pointer` is a JSON pointer (RFC 6901) into the body, or names a parameter."""

    pointer: str
    code: str
    detail: str


# Reports at most this many field errors: a body may have thousands of wrong items.
MAX_ERRORS = 100


def json_pointer(*members: object) -> str:
    """A JSON pointer (RFC 6901) to a member within members: "/transactions/3/amount"."""
    return "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in members)


class BankError(Exception):
    """Base of all named errors: a stable `code` of `ERROR_KINDS`, and a `detail` for people."""

    code: ClassVar[str]

    def __init__(
        self,
        detail: str = "",
        *,
        transaction_id: UUID | None = None,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: int | None = None,
        replayed: bool = False,
        index: int | None = None,
        is_final: bool = False,
    ) -> None:
        self.detail = detail or f"{self.kind.title}."
        self.transaction_id = transaction_id
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds
        # Whether this is the stored answer of an earlier request with the same idempotency key.
        self.replayed = replayed
        # The index of the list item that the error is about, counted from 0.
        self.index = index
        # Whether this transaction can never be retried, even if its code is retryable.
        self.is_final = is_final
        super().__init__(self.detail)

    @property
    def kind(self) -> ErrorKind:
        return ERROR_KINDS[self.code]

    @property
    def in_words(self) -> str:
        """The title and the detail; the detail alone where it is the title."""
        title = self.kind.title
        return self.detail if self.detail == f"{title}." else f"{title}: {self.detail}"


class InvalidInput(BankError):
    code = "validation_error"


class SameAccount(BankError):
    code = "same_account"


class CurrencyMismatch(BankError):
    code = "currency_mismatch"


class PreconditionFailed(BankError):
    code = "precondition_failed"


class PermissionDenied(BankError):
    code = "permission_denied"


class MissingScope(PermissionDenied):
    """The token lacks the scope: RFC 6750, section 3.1, `insufficient_scope`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(f"The token lacks the scope {scope}.")


class NotFound(BankError):
    code = "not_found"


class AccountNotEmpty(BankError):
    code = "account_not_empty"


class TransactionsPending(BankError):
    code = "transactions_pending"


class LimitBelowUse(BankError):
    code = "limit_below_use"


class InvalidTransition(BankError):
    code = "invalid_transition"


class HoldNotOpen(InvalidTransition):
    """The hold has ended, or something of it waits: nothing can be captured or released now."""


class NotRetryable(BankError):
    code = "not_retryable"


class RetryLimit(BankError):
    code = "retry_limit"


class AlreadyReversed(BankError):
    code = "already_reversed"


class ReversalOfReversal(BankError):
    code = "reversal_of_reversal"


class ApprovalRequired(BankError):
    """An item of an atomic list would have to wait for approval."""

    code = "approval_required"


class NotSealed(BankError):
    """No seal covers the transaction, so there is no proof of it."""

    code = "not_sealed"


class CursorLost(BankError):
    """The bank was restored from a backup that lacks the change that a cursor of the feed names."""

    code = "cursor_lost"


class SelfApproval(BankError):
    code = "self_approval"


class SelfDealing(BankError):
    """A member of staff uses their rights on an account, or a customer's record, of their own."""

    code = "self_dealing"

    def __init__(self, own_id: UUID, *, what: str = "Account", index: int | None = None) -> None:
        self.own_id = own_id
        detail = f"{what} {own_id} is your own: another member of staff must do this."
        super().__init__(detail, index=index)


class ProcessingError(BankError):
    """The bank could not process a queued command. Kept as its failure."""

    code = "processing_error"


class IdempotencyKeyReused(BankError):
    """The caller has used this key for another request. Nothing was done."""

    code = "idempotency_key_reused"


class Busy(BankError):
    """A lock, deadlock or serialization failure outlasted our retries. Nothing was done."""

    code = "busy"


class Refusal(BankError):
    """A business refusal. If a money command raises it, it is kept as a FAILED transaction."""


class AccountClosed(Refusal):
    code = "account_closed"


class AccountFrozen(Refusal):
    code = "account_frozen"


class AccountDamaged(Refusal):
    """A verification found broken rules at the account, and no member of staff has released it."""

    code = "account_damaged"


class InsufficientFunds(Refusal):
    code = "insufficient_funds"


class LimitExceeded(Refusal):
    """Above what the account may pay at once, or on one day of the bank."""

    code = "limit_exceeded"


class BalanceLimit(Refusal):
    code = "balance_limit"


# Refusals in the order of the checks of a money command.
REFUSALS: dict[str, type[Refusal]] = {
    refusal.code: refusal
    for refusal in (
        AccountClosed,
        AccountFrozen,
        AccountDamaged,
        InsufficientFunds,
        LimitExceeded,
        BalanceLimit,
    )
}
