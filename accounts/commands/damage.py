"""Hold the debits of an account whose books are damaged, release them, and end both."""

from dataclasses import dataclass
from typing import ClassVar

from accounts.commands.base import AccountCommand
from accounts.models import Account
from accounts.states import AccountEventType
from core.errors import InvalidTransition

# Codes of more rules than these would not fit into the column.
_MOST_RULES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _DamageCommand(AccountCommand):
    """What a verification found, and the hold on debits that follows, change together."""

    columns: ClassVar[tuple[str, ...]] = ("broken_rules", "debits_held")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDebits(_DamageCommand):
    """Records the rules that a verification found broken at the account, and holds its debits.

    `rules` are codes. Raises InvalidTransition if all of them are known: then the debits are held,
    or staff have released them in spite of these rules.
    """

    verb: ClassVar[str] = "hold debits"
    event: ClassVar[AccountEventType] = AccountEventType.DAMAGE_FOUND

    rules: frozenset[str]

    def change(self, account: Account) -> None:
        known = {code for code in account.broken_rules.split(", ") if code}
        found = sorted(known | self.rules)[:_MOST_RULES]
        if set(found) <= known:
            raise InvalidTransition(f"The damage of account {account.number} is known.")
        account.broken_rules = ", ".join(found)
        account.debits_held = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDebits(_DamageCommand):
    """Lets debits pass in spite of the damage, until a verification finds another broken rule.

    Raises InvalidTransition if the debits are not held.
    """

    verb: ClassVar[str] = "release debits"
    event: ClassVar[AccountEventType] = AccountEventType.DEBITS_RELEASED

    def change(self, account: Account) -> None:
        if not account.debits_held:
            raise InvalidTransition(f"The debits of account {account.number} are not held.")
        account.debits_held = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MendDamage(_DamageCommand):
    """Ends the hold and forgets the broken rules: a later verification was sound.

    Raises InvalidTransition if no damage is known.
    """

    verb: ClassVar[str] = "end the damage"
    event: ClassVar[AccountEventType] = AccountEventType.DAMAGE_MENDED

    def change(self, account: Account) -> None:
        if not account.broken_rules:
            raise InvalidTransition(f"Account {account.number} has no known damage.")
        account.broken_rules = ""
        account.debits_held = False
