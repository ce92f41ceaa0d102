"""What every operation of the bank is: a command, and who gave it.

Commands are frozen dataclasses that say what is wanted. `transactions.ledger.processor.process`
runs them: it is the one funnel, for views, admin and jobs alike. Code below `transactions` reaches
it by `process` here, because imports point one way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID


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
class Command:
    """Base of all commands. `verb` names it in words, for logs and forms."""

    verb: ClassVar[str]

    def account_ids(self) -> tuple[UUID, ...]:
        """The existing customer accounts that must be locked before this command runs."""
        raise NotImplementedError


Processor = Callable[[Sequence[Command], Origin], list[Any]]
_processor: Processor | None = None


def install_processor(processor: Processor) -> None:
    """Called once, when the app that owns the processor is ready."""
    global _processor  # noqa: PLW0603 - one assignment, at start-up
    _processor = processor


def process(commands: Sequence[Command], origin: Origin) -> list[Any]:
    """Runs the commands, all or none, in one database transaction; one result for each."""
    assert _processor is not None, "No processor is installed."
    return _processor(commands, origin)
