"""Commands: the form of every operation of the bank, and the origin of each.

Commands are frozen dataclasses that describe the wanted change. All of them, from views, admin and
jobs alike, run through `transactions.ledger.processor.process`. Code below `transactions` calls
`process` here instead, because imports point one way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django.db.models import Model

# The result of a command: an account, or a row of the journal.
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The caller of a command and their address, for the audit trail.

    `caller` is `user:<id>` or `client:<id>`, the owner of idempotency keys. Jobs have no user;
    their `caller` is `job:<name>`. With `as_customer` the user is not staff, and acts as the owner
    of their accounts. `path` is the way of the command, for the metrics: by the API ("sync"), by
    the console, or as a job.
    """

    user_id: int | None = None
    caller: str = ""
    request_id: str = ""
    address: str | None = None
    as_customer: bool = False
    path: str = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[R_co]):
    """Base of all commands. `verb` names it in words, for logs and forms.

    The processor calls `prepare`, locks what the command names, and calls `execute`.
    """

    verb: ClassVar[str]
    # Whether the command concerns stored transactions, named by `transaction_ids`.
    locks_transactions: ClassVar[bool] = False
    # Whether the command opens the account that it names. Later commands of the list may use that.
    opens_account: ClassVar[bool] = False
    # Whether it may run in one database transaction with commands of other callers. It then needs
    # no `prepare`, concerns no stored transaction, and raises before it changes anything.
    gathers: ClassVar[bool] = False

    def prepare(self) -> "Command[R_co]":
        """Returns the command to run, before any lock. Reads only data that never changes."""
        return self

    def transaction_ids(self) -> tuple[UUID, ...]:
        """The stored transactions to lock."""
        return ()

    def account_ids(self) -> tuple[UUID, ...]:
        """The existing customer accounts to lock."""
        raise NotImplementedError

    def account_ids_of(self, stored: Mapping[UUID, Any]) -> Iterable[UUID]:
        """The accounts to lock for the stored transactions, given as locked rows by id."""
        return ()

    def makers(
        self, origin: Origin, stored: Mapping[UUID, Any]
    ) -> Iterable[tuple[int | None, datetime | None]]:
        """The user ids of this movement's makers, and when they asked; None means now."""
        return ()

    def execute(self, run: Any) -> R_co:
        """Executes the command under the locks of `run`, a `transactions.ledger.run.Run`.

        Raises a BankError if the whole list must be undone. Code here cannot name the type of
        `run`, because imports point one way.
        """
        raise NotImplementedError

    def explain_conflict(self) -> None:
        """Raises the BankError behind a conflict with committed rows, if this command caused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedCommand(Command[R_co]):
    """A command that a client may send twice and that runs once.

    The key belongs to the caller (`Origin.caller`). The fingerprint covers the request's content;
    earlier releases may have stored `earlier_fingerprint` for it.
    """

    # The model with the keys of these commands, if they are a space of their own, and its column
    # with their caller. The keys of all others share one space.
    keys_of: ClassVar[tuple[type[Model], str] | None] = None

    idempotency_key: str | None = None
    request_fingerprint: str = ""
    earlier_fingerprint: str = ""


Processor = Callable[[Sequence[Command[Any]], Origin], list[Any]]
_processor: Processor | None = None


def install_processor(processor: Processor) -> None:
    """Called once, when the app that owns the processor is ready."""
    global _processor  # noqa: PLW0603 - one assignment, at start-up
    _processor = processor


def process(commands: Sequence[Command[R_co]], origin: Origin) -> list[R_co]:
    """Runs the commands, all or none, in one database transaction. Returns one result for each."""
    assert _processor is not None, "No processor is installed."
    return _processor(commands, origin)
