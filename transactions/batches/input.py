"""Parses the JSON of a batch into commands."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.api.idempotency import fingerprints
from core.commands import KeyedCommand
from core.errors import FieldError, InvalidInput, json_pointer
from transactions.batches import about_holds, members
from transactions.batches.about_holds import (
    MAX_HOLD_ITEMS,
    Parsed,
    places_about_holds,
    read_about_holds,
)
from transactions.batches.columns import ABSENT, BadValue, Errors, ItemColumn
from transactions.batches.post import MAX_ITEMS, BatchRequest
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger.command import DEFAULTS

KINDS: dict[str, type[MoneyCommand]] = {
    command.type.value: command for command in (Deposit, Withdraw, Transfer)
}
_BODY = frozenset({"atomic", "transactions"})


def _kind(value: Any) -> type[MoneyCommand]:
    if not isinstance(value, str) or value not in KINDS:
        raise BadValue(
            "invalid_choice", f"One of {', '.join((*KINDS, *about_holds.KINDS))} is required."
        )
    return KINDS[value]


COLUMNS = (
    ItemColumn("type", _kind),
    members.ACCOUNT,
    members.TARGET,
    members.AMOUNT,
    members.DESCRIPTION,
    members.EFFECTIVE_AT,
    members.KEY,
)
_NAMES = frozenset(column.name for column in COLUMNS)


def read_batch(body: Any, key: str | None) -> BatchRequest:
    """The batch in a parsed body, with the key of its request.

    Raises InvalidInput, which points at the errors, at most 100.
    """
    if not isinstance(body, Mapping):
        raise _invalid(FieldError("", "not_an_object", "An object is required."))
    unknown = [name for name in body if name not in _BODY]
    if unknown:
        detail = "There is no such field."
        raise _invalid(
            *(FieldError(json_pointer(name), "unknown_field", detail) for name in unknown)
        )
    atomic, items = body.get("atomic", False), body.get("transactions", ABSENT)
    if not isinstance(atomic, bool):
        raise _invalid(FieldError("/atomic", "invalid", "true or false is required."))
    _check_list(items)
    places = places_about_holds(items)
    if len(places) > MAX_HOLD_ITEMS:
        detail = f"A batch has at most {MAX_HOLD_ITEMS:,} items about holds."
        pointer = f"/transactions/{places[MAX_HOLD_ITEMS]}"
        raise _invalid(FieldError(pointer, "max_length", detail))
    return read_items(items, atomic=atomic, key=key)


def _check_list(items: Any) -> None:
    code, detail = "", ""
    if items is ABSENT:
        code, detail = "required", "This field is required."
    elif not isinstance(items, list):
        code, detail = "not_a_list", "A list is required."
    elif not items:
        code, detail = "empty", "A batch has at least one transaction."
    elif len(items) > MAX_ITEMS:
        code, detail = "max_length", f"A batch has at most {MAX_ITEMS} transactions."
    if code:
        raise _invalid(FieldError("/transactions", code, detail))


def read_items(items: Sequence[Any], *, atomic: bool, key: str | None = None) -> BatchRequest:
    """The batch of these items. Raises InvalidInput, which points below `/transactions`."""
    errors = Errors("/transactions")
    places = places_about_holds(items)
    parsed = _mixed(items, places, errors) if places else _movements(items, errors)
    read = [*parsed]
    _check_keys([item_key for *_, item_key, _ in read], key, errors)
    if found := errors.first():
        raise _invalid(*found)
    commands: list[KeyedCommand[Any]] = []
    digest = hashlib.sha256(b"atomic" if atomic else b"")
    earlier_digest = digest.copy()
    for kind, content, item_key, defaults in read:
        if item_key is ABSENT and key is None:
            commands.append(kind(**content))
            continue
        # The fingerprint equals that of the same item in a request of its own.
        prints = fingerprints(kind.verb, content, defaults)
        own_key = None if item_key is ABSENT else item_key
        content_print = prints["request_fingerprint"]
        digest.update(f"{content_print} {own_key or ''}\n".encode())
        content_print = prints["earlier_fingerprint"] or content_print
        earlier_digest.update(f"{content_print} {own_key or ''}\n".encode())
        commands.append(kind(**content, idempotency_key=own_key, **prints))
    request = BatchRequest(commands, atomic, has_holds=bool(places))
    if not key:
        return request
    return replace(
        request,
        idempotency_key=key,
        request_fingerprint=digest.hexdigest(),
        earlier_fingerprint=earlier_digest.hexdigest(),
    )


def _movements(items: Sequence[Any], errors: Errors) -> Iterator[Parsed]:
    """The items of a batch that has movements alone."""
    _check_objects(items, errors)
    kinds, accounts, targets, amounts, descriptions, dates, keys = (
        column.read(items, errors) for column in COLUMNS
    )
    _check_targets(items, kinds, errors)
    for kind, account_id, target_id, amount, description, effective_at, item_key in zip(
        kinds, accounts, targets, amounts, descriptions, dates, keys, strict=True
    ):
        content: dict[str, Any] = {"account_id": account_id, "amount": amount}
        if target_id is not ABSENT:
            content["target_account_id"] = target_id
        if description is not ABSENT:
            content["description"] = description
        if effective_at is not ABSENT:
            content["effective_at"] = effective_at
        yield kind, content, item_key, DEFAULTS


def _mixed(items: Sequence[Any], places: Sequence[int], errors: Errors) -> list[Parsed]:
    """The items of a batch of which those at `places` are about holds."""
    found = read_about_holds(items, places, errors)
    others = [at for at in range(len(items)) if at not in found]
    movements = _movements([items[at] for at in others], errors.of(others))
    found |= dict(zip(others, movements, strict=True))
    return [found[at] for at in range(len(items))]


def _check_objects(items: Sequence[Any], errors: Errors) -> None:
    """Adds an error for each item that is not an object; its members cannot be checked."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            errors.add(index, "", "not_an_object", "An object is required.")
        elif not item.keys() <= _NAMES:
            for name in filter(_is_unknown, item):
                errors.add(index, name, "unknown_field", "There is no such field.")
    if not all(isinstance(item, dict) for item in items):
        raise _invalid(*errors.first())


def _is_unknown(name: str) -> bool:
    return name not in _NAMES


def _check_targets(
    items: Sequence[Mapping[str, Any]], kinds: Sequence[Any], errors: Errors
) -> None:
    """Transfers must have a target, other movements must not."""
    name = "target_account_id"
    for index, (item, kind) in enumerate(zip(items, kinds, strict=True)):
        if kind is Transfer and item.get(name) is None:
            errors.add(index, name, "required", "This field is required.")
        elif kind is not Transfer and kind is not ABSENT and item.get(name) is not None:
            errors.add(index, name, "unknown_field", "Only a transfer has a target.")


def _check_keys(keys: Sequence[Any], batch_key: str | None, errors: Errors) -> None:
    """Keys must be unique, that of the batch included."""
    present = {key for key in keys if key is not ABSENT}
    if len(present) == sum(key is not ABSENT for key in keys) and batch_key not in present:
        return
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key == batch_key:
            detail = "The same key as that of the batch."
            errors.add(index, "idempotency_key", "repeated", detail)
        elif key is not ABSENT and first.setdefault(key, index) != index:
            detail = f"The same key as that of item {first[key]}."
            errors.add(index, "idempotency_key", "repeated", detail)


def _invalid(*errors: FieldError) -> InvalidInput:
    return InvalidInput("The batch is not valid; errors says why.", errors=errors)
