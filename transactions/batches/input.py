"""Parses the JSON of a batch into commands."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from core.api.fields import parse_moment
from core.api.idempotency import check_key, fingerprints
from core.errors import FieldError, InvalidInput, json_pointer
from core.identifiers import parse_uuid
from core.money import parse_amount
from core.texts import check_text
from transactions.batches.columns import ABSENT, BadValue, Errors, ItemColumn
from transactions.batches.post import MAX_ITEMS, BatchRequest
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger.command import DEFAULTS
from transactions.models.transaction import MAX_DESCRIPTION_LENGTH

KINDS: dict[str, type[MoneyCommand]] = {
    command.type.value: command for command in (Deposit, Withdraw, Transfer)
}
_MEMBERS = frozenset({"atomic", "transactions"})


def _kind(value: Any) -> type[MoneyCommand]:
    if not isinstance(value, str) or value not in KINDS:
        raise BadValue("invalid_choice", f"One of {', '.join(KINDS)} is required.")
    return KINDS[value]


def _description(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("invalid", "A text is required.")
    if len(value) > MAX_DESCRIPTION_LENGTH:
        raise BadValue("max_length", f"At most {MAX_DESCRIPTION_LENGTH} characters.")
    check_text(value)
    return value


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("invalid", "A text is required.")
    try:
        check_key(value, pointer="")
    except InvalidInput as error:
        raise BadValue("invalid_key", error.detail) from error
    return value


COLUMNS = (
    ItemColumn("type", _kind),
    ItemColumn("account_id", parse_uuid),
    ItemColumn("target_account_id", parse_uuid, required=False),
    ItemColumn("amount", parse_amount, code="invalid_amount"),
    ItemColumn("description", _description, code="invalid_character", required=False),
    ItemColumn("effective_at", parse_moment, required=False),
    ItemColumn("idempotency_key", _key, required=False),
)
_NAMES = frozenset(column.name for column in COLUMNS)


def read_batch(body: Any, key: str | None) -> BatchRequest:
    """The batch in a parsed body, with the key of its request.

    Raises InvalidInput, which points at the errors, at most 100.
    """
    if not isinstance(body, Mapping):
        raise _invalid(FieldError("", "not_an_object", "An object is required."))
    unknown = [name for name in body if name not in _MEMBERS]
    if unknown:
        detail = "There is no such field."
        raise _invalid(
            *(FieldError(json_pointer(name), "unknown_field", detail) for name in unknown)
        )
    atomic, items = body.get("atomic", False), body.get("transactions", ABSENT)
    if not isinstance(atomic, bool):
        raise _invalid(FieldError("/atomic", "invalid", "true or false is required."))
    _check_list(items)
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
    _check_objects(items, errors)
    kinds, accounts, targets, amounts, descriptions, dates, keys = (
        column.read(items, errors) for column in COLUMNS
    )
    _check_targets(items, kinds, errors)
    _check_keys(keys, key, errors)
    if found := errors.first():
        raise _invalid(*found)
    commands: list[MoneyCommand] = []
    digest = hashlib.sha256(b"atomic" if atomic else b"")
    earlier_digest = digest.copy()
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
        if item_key is ABSENT and key is None:
            commands.append(kind(**content))
            continue
        # The fingerprint equals that of the same movement in a request of its own.
        prints = fingerprints(kind.verb, content, DEFAULTS)
        own_key = None if item_key is ABSENT else item_key
        content_print = prints["request_fingerprint"]
        digest.update(f"{content_print} {own_key or ''}\n".encode())
        content_print = prints["earlier_fingerprint"] or content_print
        earlier_digest.update(f"{content_print} {own_key or ''}\n".encode())
        commands.append(kind(**content, idempotency_key=own_key, **prints))
    if not key:
        return BatchRequest(commands, atomic)
    return BatchRequest(commands, atomic, key, digest.hexdigest(), earlier_digest.hexdigest())


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
