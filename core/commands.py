"""What every operation of the bank is: a command, and who gave it.

Commands are frozen dataclasses that say what is wanted. `transactions.ledger.processor.process`
runs them: it is the one funnel, for views, admin and jobs alike. Code below `transactions` reaches
it by `process` here, because imports point one way.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

# What a command comes to: an account, or a row of the journal.
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who gives a command, and from where: what the audit trail says of it.

    `caller` is `user:<id>` or `client:<id>`, the owner of idempotency keys. Jobs have no user, and
    `caller` then names the job (`job:<name>`). `as_customer` says that the user is no member of
    staff, and acts as the owner of their accounts.
    """

    user_id: int | None = None
    caller: str = ""
    request_id: str = ""
    address: str | None = None
    as_customer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[R_co]):
    """Base of all commands. `verb` names it in words, for logs and forms.

    The processor calls `prepare`, locks what the command names, and calls `execute`.
    """

    verb: ClassVar[str]
    # Whether it is about stored transactions, and names them by `transaction_ids`.
    locks_transactions: ClassVar[bool] = False
    # Whether it makes the account that it names, which later commands of its list may use.
    opens_account: ClassVar[bool] = False

    def prepare(self) -> "Command[R_co]":
        """The command to run, before anything is locked. Reads only what never changes."""
        return self

    def transaction_ids(self) -> tuple[UUID, ...]:
        """The stored transactions to lock."""
        return ()

    def account_ids(self) -> tuple[UUID, ...]:
        """The existing customer accounts to lock."""
        raise NotImplementedError

    def account_ids_of(self, stored: Mapping[UUID, Any]) -> Iterable[UUID]:
        """The accounts of its stored transactions to lock, once those are: their rows by id."""
        return ()

    def makers(
        self, origin: Origin, stored: Mapping[UUID, Any]
    ) -> Iterable[tuple[int | None, datetime | None]]:
        """Whose movement this asks for, by user id, and when they asked; None stands for now."""
        return ()

    def execute(self, run: Any) -> R_co:
        """Does what is wanted under the locks of `run`, a `transactions.ledger.run.Run`.

        Raises a BankError where nothing of the list may stay. Code here cannot name the type of
        `run`, because imports point one way.
        """
        raise NotImplementedError

    def explain_conflict(self) -> None:
        """Raises the BankError behind a conflict with what was committed meanwhile, if it is one's
        own.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedCommand(Command[R_co]):
    """A command that a client may send twice and have done once.

    The key is the caller's own (`Origin.caller`). The fingerprint is one of the request's content;
    releases before may have stored `earlier_fingerprint` for it.
    """

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
    """Runs the commands, all or none, in one database transaction; one result for each."""
    assert _processor is not None, "No processor is installed."
    return _processor(commands, origin)
