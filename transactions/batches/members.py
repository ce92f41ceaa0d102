"""The members that several types of items have, each with its rule."""

from typing import Any

from core.api.fields import parse_moment
from core.api.idempotency import check_key
from core.errors import InvalidInput
from core.identifiers import parse_uuid
from core.money import parse_amount
from core.texts import MAX_REASON_LENGTH, check_text
from transactions.batches.columns import BadValue, ItemColumn
from transactions.models.transaction import MAX_DESCRIPTION_LENGTH


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str):
        raise BadValue("invalid", "A text is required.")
    if len(value) > longest:
        raise BadValue("max_length", f"At most {longest} characters.")
    check_text(value)
    return value


def _description(value: Any) -> str:
    return _text(value, MAX_DESCRIPTION_LENGTH)


def _reason(value: Any) -> str:
    return _text(value, MAX_REASON_LENGTH)


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("invalid", "A text is required.")
    try:
        check_key(value, pointer="")
    except InvalidInput as error:
        raise BadValue("invalid_key", error.detail) from error
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue("invalid", "true or false is required.")
    return value


ACCOUNT = ItemColumn("account_id", parse_uuid)
TARGET = ItemColumn("target_account_id", parse_uuid, required=False)
AMOUNT = ItemColumn("amount", parse_amount, code="invalid_amount")
DESCRIPTION = ItemColumn("description", _description, code="invalid_character", required=False)
EFFECTIVE_AT = ItemColumn("effective_at", parse_moment, required=False)
KEY = ItemColumn("idempotency_key", _key, required=False)
EXPIRES_AT = ItemColumn("expires_at", parse_moment, required=False)
HOLD = ItemColumn("hold_id", parse_uuid)
PART = ItemColumn("amount", parse_amount, code="invalid_amount", required=False)
FINAL = ItemColumn("final", _boolean, required=False)
REASON = ItemColumn("reason", _reason, code="invalid_character", required=False)
