"""Reads and changes of endpoints: made, changed, switched on and off, given a new secret."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from core import clock
from core.api.permissions import has_right
from core.commands import Origin
from core.errors import FieldError, InvalidInput, InvalidTransition, NotFound
from core.identifiers import uuid7
from events.changes import TYPES
from webhooks.addresses import AddressRefused, parts_of
from webhooks.audit import note
from webhooks.collecting import newest
from webhooks.models import Delivery, Endpoint
from webhooks.permissions import CanReadWebhooks
from webhooks.secrets import encrypted, new_secret

MOST_OF_A_USER = 20
# The time that a receiver has to learn a new secret.
BOTH_SECRETS = timedelta(hours=24)
_PIECE = 1000


def visible_endpoints(user: Any) -> QuerySet[Endpoint]:
    """All for staff with the right, else the user's own."""
    found = Endpoint.objects.select_related("user")
    return found if has_right(user, CanReadWebhooks.right) else found.filter(user=user)


def visible_endpoint(user: Any, endpoint_id: UUID) -> Endpoint:
    """Raises NotFound if it is missing or hidden."""
    return _there(visible_endpoints(user).filter(pk=endpoint_id), endpoint_id)


def locked(endpoint: Endpoint) -> Endpoint:
    """The endpoint as it is now, which nobody else changes until the database transaction ends.

    Raises NotFound if somebody has deleted it meanwhile.
    """
    found = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk)
    return _there(found, endpoint.pk)


def _there(found: QuerySet[Endpoint], endpoint_id: UUID) -> Endpoint:
    endpoint = found.first()
    if endpoint is None:
        raise NotFound(f"There is no webhook {endpoint_id}.")
    return endpoint


@sensitive_variables("secret")
def make(
    user: Any,
    origin: Origin,
    *,
    url: str,
    types: Sequence[str] = (),
    description: str = "",
    new_id: UUID | None = None,
) -> tuple[Endpoint, str]:
    """A new endpoint, which gets all changes from now on, and its secret. Raises InvalidInput."""
    _check(url, types)
    now, secret = clock.now(), new_secret()
    pk = new_id or uuid7(now)
    with transaction.atomic():
        _require_room(user)
        endpoint = Endpoint.objects.create(
            id=pk,
            url=url,
            types=list(types),
            description=description,
            secret=encrypted(secret, pk.bytes),
            user=user,
            caller=origin.caller,
            places=newest(),
            next_at=now,
            created_at=now,
            updated_at=now,
        )
        note(endpoint, origin, ADDITION, f"Made a webhook to {endpoint}")
    return endpoint, secret


def _require_room(user: Any) -> None:
    """Locks the user, so that no other request takes the same room. Raises InvalidInput."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    if Endpoint.objects.filter(user=user).count() >= MOST_OF_A_USER:
        detail = f"A user has {MOST_OF_A_USER} webhooks at most. Delete one first."
        raise InvalidInput(errors=[FieldError("/url", "too_many", detail)])


def change(endpoint: Endpoint, origin: Origin, values: dict[str, Any]) -> Endpoint:
    """Writes `url`, `types`, `description` and `is_on`, those that are given.

    Switched on again, an endpoint gets at once what it has missed, from where it stopped. A new URL
    is tried at once too. Raises InvalidInput and NotFound.
    """
    _check(values.get("url", endpoint.url), values.get("types", endpoint.types))
    now = clock.now()
    changed = {**values, "updated_at": now}
    if values.get("is_on") or "url" in values:
        changed |= {"failing_since": None, "next_at": now}
    if "is_on" in values:
        # Customers see this too, and learn the names of staff nowhere. The audit log has them.
        by = "its user" if origin.user_id == endpoint.user_id else "a member of staff"
        changed["off_reason"] = "" if values["is_on"] else f"Switched off by {by}."
    with transaction.atomic():
        before = locked(endpoint)
        Endpoint.objects.filter(pk=endpoint.pk).update(**changed)
        found = Endpoint.objects.select_related("user").get(pk=endpoint.pk)
        note(found, origin, CHANGE, _words(before, values))
    return found


def _words(before: Endpoint, values: dict[str, Any]) -> str:
    """What was changed, for the audit log. A URL without its query, which may have a password."""
    sentences = []
    if "is_on" in values:
        sentences.append(f"Switched the webhook {'on' if values['is_on'] else 'off'}")
    if others := sorted(values.keys() - {"is_on"}):
        sentences.append(f"Changed the webhook: {', '.join(others)}")
    if "url" in values:
        sentences.append(f"It went to {before}")
    return ". ".join(sentences)


@sensitive_variables("secret")
def give_new_secret(endpoint: Endpoint, origin: Origin) -> str:
    """A new secret. The old one signs too for a day, so that no message is lost meanwhile.

    Raises InvalidTransition if somebody else replaces the secret at the same time, and NotFound.
    """
    now, secret = clock.now(), new_secret()
    with transaction.atomic():
        if locked(endpoint).secret != endpoint.secret:
            raise InvalidTransition("Someone has replaced the secret at the same time. Look again.")
        Endpoint.objects.filter(pk=endpoint.pk).update(
            secret=encrypted(secret, endpoint.pk.bytes),
            old_secret=endpoint.secret,
            old_secret_until=now + BOTH_SECRETS,
            updated_at=now,
        )
        note(endpoint, origin, CHANGE, "Gave the webhook a new secret")
    return secret


def delete(endpoint: Endpoint, origin: Origin) -> None:
    """Removes it with its deliveries, piece by piece. After a failure call it again.

    Raises NotFound if somebody else has deleted it.
    """
    Endpoint.objects.filter(pk=endpoint.pk).update(is_on=False, updated_at=clock.now())
    rows = Delivery.objects.filter(endpoint=endpoint).order_by("id")
    while ids := list(rows.values_list("pk", flat=True)[:_PIECE]):
        Delivery.objects.filter(pk__in=ids).delete()
    with transaction.atomic():
        locked(endpoint)
        rows.delete()  # What a worker has added meanwhile. Now none can.
        note(endpoint, origin, DELETION, f"Deleted the webhook to {endpoint}")
        Endpoint.objects.filter(pk=endpoint.pk).delete()


def _check(url: str, types: Sequence[str]) -> None:
    try:
        parts_of(url)
    except AddressRefused as refused:
        raise InvalidInput(errors=[FieldError("/url", "invalid_url", str(refused))]) from None
    for index, one in enumerate(types):
        if one not in TYPES:
            detail = f"There is no type {one}."
            raise InvalidInput(errors=[FieldError(f"/types/{index}", "invalid_choice", detail)])
