"""Parses the items of a batch that are about holds, type by type, by the rules of their routes."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from core.commands import KeyedCommand
from core.errors import NotFound
from transactions.batches import members
from transactions.batches.columns import ABSENT, Errors, ItemColumn
from transactions.commands import (
    Capture,
    MoneyCommand,
    PlaceHold,
    Transfer,
    VoidHold,
    Withdraw,
)
from transactions.ledger.command import DEFAULTS
from transactions.models import Hold

# Each of them takes several statements while the batch has its locks.
MAX_HOLD_ITEMS = 1_000


# An item: its command, the content that the command takes, its key or ABSENT, and the defaults of
# omitted members, for the fingerprint.
Parsed = tuple[type[KeyedCommand[Any]], dict[str, Any], Any, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Kind:
    command: type[KeyedCommand[Any]]
    columns: tuple[ItemColumn, ...]
    defaults: Mapping[str, Any]

    def names(self) -> set[str]:
        return {"type", members.KEY.name, *(column.name for column in self.columns)}


KINDS = {
    "HOLD": _Kind(
        PlaceHold,
        (
            members.ACCOUNT,
            members.TARGET,
            members.AMOUNT,
            members.DESCRIPTION,
            members.EXPIRES_AT,
        ),
        DEFAULTS,
    ),
    "CAPTURE": _Kind(Capture, (members.HOLD, members.PART, members.FINAL), {"final": False}),
    "VOID": _Kind(VoidHold, (members.HOLD, members.REASON), {"reason": ""}),
}
# The commands that name a hold.
_NAMING = (Capture, VoidHold)
# In a tuple: an item's type may be a value that no set can look up.
_TYPES = tuple(KINDS)
# What no movement has.
MEMBERS = ("hold_id", "final", "expires_at", "reason")
_ALL = frozenset(name for kind in KINDS.values() for name in kind.names())


def places_about_holds(items: Sequence[Any]) -> list[int]:
    """Where the items about holds are. Those that are no objects are left to others."""
    return [
        at for at, item in enumerate(items) if isinstance(item, dict) and item.get("type") in _TYPES
    ]


def read_about_holds(
    items: Sequence[Mapping[str, Any]], places: Sequence[int], errors: Errors
) -> dict[int, Parsed]:
    """The items at these places, by place. A value that is wrong is ABSENT, and has an error."""
    found: dict[int, Parsed] = {}
    for name, kind in KINDS.items():
        mine = [at for at in places if items[at]["type"] == name]
        some, wrong = [items[at] for at in mine], errors.of(mine)
        for index, item in enumerate(some):
            for member in item.keys() - kind.names():
                if item[member] is not None or member not in _ALL:
                    wrong.add(index, member, "unknown_field", f"A {name} has no such field.")
        columns = [column.read(some, wrong) for column in (*kind.columns, members.KEY)]
        for at, (*values, key) in zip(mine, zip(*columns, strict=True), strict=True):
            names = (column.name for column in kind.columns)
            content = {
                member: value
                for member, value in zip(names, values, strict=True)
                if value is not ABSENT
            }
            found[at] = (kind.command, content, key, kind.defaults)
    return found


def with_their_holds(commands: Sequence[KeyedCommand[Any]]) -> list[KeyedCommand[Any]]:
    """The commands, prepared with the holds that they name. One statement.

    A hold never changes its accounts, and is never deleted. Raises NotFound, with the index.
    """
    found = _holds_of(commands)
    for index, detail in _unknown(commands, found):
        raise NotFound(detail, index=index)
    return [_prepared(command, found) for command in commands]


def unknown_holds(commands: Sequence[KeyedCommand[Any]]) -> Iterator[tuple[int, str]]:
    """The index of each command that names a hold which does not exist, and a sentence on it."""
    return _unknown(commands, _holds_of(commands))


def _holds_of(commands: Sequence[KeyedCommand[Any]]) -> dict[UUID, Hold]:
    return Hold.objects.in_bulk({one.hold_id for one in commands if isinstance(one, _NAMING)})


def _unknown(
    commands: Sequence[KeyedCommand[Any]], found: Container[UUID]
) -> Iterator[tuple[int, str]]:
    for index, command in enumerate(commands):
        if isinstance(command, _NAMING) and command.hold_id not in found:
            yield index, f"There is no hold {command.hold_id}."


def _prepared(command: KeyedCommand[Any], found: Mapping[UUID, Hold]) -> KeyedCommand[Any]:
    if isinstance(command, Capture):
        return replace(command, hold=found[command.hold_id])
    if isinstance(command, VoidHold):
        return replace(command, account_id=found[command.hold_id].account_id)
    return command


def accounts_of(command: KeyedCommand[Any]) -> tuple[UUID, ...]:
    """The accounts that the prepared command names: also the target of a hold, not locked yet."""
    if isinstance(command, PlaceHold) and command.target_account_id is not None:
        return (command.account_id, command.target_account_id)
    return command.account_ids()


def movement_of(command: KeyedCommand[Any]) -> MoneyCommand | None:
    """What the prepared command moves or is to move, for checks that need no lock; or None."""
    if isinstance(command, MoneyCommand):
        return command
    if isinstance(command, PlaceHold):
        account_id, target_id = command.account_id, command.target_account_id
    elif isinstance(command, Capture) and command.hold is not None:
        account_id, target_id = command.hold.account_id, command.hold.target_account_id
    else:
        return None
    if command.amount is None:
        return None
    if target_id is None:
        return Withdraw(account_id=account_id, amount=command.amount)
    return Transfer(account_id=account_id, target_account_id=target_id, amount=command.amount)
