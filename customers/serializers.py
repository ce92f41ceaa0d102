"""Shapes of customers on the wire."""

from typing import Any

from rest_framework import serializers

from core.api.fields import OffsetDateTimeField, StrictCharField, StrictDateField
from core.api.serializers import StrictSerializer
from customers.models import Customer
from customers.states import CustomerKind


class CustomerSerializer(serializers.ModelSerializer[Customer]):
    """A customer as clients see them."""

    customer_id = serializers.UUIDField(source="id", help_text="Identifier (UUIDv7).")
    birth_date = serializers.DateField(allow_null=True, help_text="Of a person; null if unknown.")
    note = serializers.CharField(
        allow_null=True, help_text="For staff only: null for the customer."
    )
    user = serializers.CharField(
        source="user.username",
        default=None,
        allow_null=True,
        help_text="User name of the login that sees the customer's accounts; null if none.",
    )
    created_at = OffsetDateTimeField(help_text="When the customer was registered (UTC).")
    updated_at = OffsetDateTimeField(help_text="When the record last changed (UTC).")

    class Meta:
        model = Customer
        fields: tuple[str, ...] = (
            "customer_id",
            "number",
            "kind",
            "name",
            "birth_date",
            "registration_number",
            "email",
            "phone",
            "address",
            "note",
            "user",
            "status",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "kind": {"help_text": "PERSON or ORGANISATION; never changes."},
            "email": {"help_text": "E-mail address; empty if unknown."},
            "address": {"help_text": "Postal address in one line; empty if unknown."},
            "status": {
                "help_text": "ACTIVE; CLOSED: gets no new accounts; FORGOTTEN: the personal data is"
                " gone for ever."
            },
        }


def _text(max_length: int, help_text: str, *, multiline: bool = False) -> StrictCharField:
    return StrictCharField(
        required=False,
        allow_blank=True,
        max_length=max_length,
        multiline=multiline,
        help_text=help_text,
    )


class _Details(StrictSerializer):
    """The details that staff write. An empty text, and a null birth date, mean unknown."""

    birth_date = StrictDateField(
        required=False, allow_null=True, help_text="Birth date of a person, YYYY-MM-DD."
    )
    registration_number = _text(50, "Number of an organisation in its register.")
    email = _text(254, "E-mail address.")
    phone = _text(
        30, "Phone number. Blanks, hyphens, points, slashes and brackets are left out when stored."
    )
    address = _text(500, "Postal address in one line.")
    note = _text(2000, "What staff should know. The customer does not see it.", multiline=True)


class RegisterCustomerBody(_Details):
    """The body of `POST customers/`."""

    name = StrictCharField(max_length=200, help_text="Full name.")
    kind = serializers.ChoiceField(
        CustomerKind.choices,
        required=False,
        help_text="PERSON (default) or ORGANISATION. It never changes.",
    )
    user = StrictCharField(
        required=False,
        allow_null=True,
        max_length=150,
        help_text="User name of the customer's login. It needs the right to manage customers.",
    )


class ChangeCustomerBody(_Details):
    """The body of `PATCH customers/{customer_id}/`: at least one of the details."""

    name = StrictCharField(required=False, max_length=200, help_text="The new name.")
    reason = _text(500, "The reason, kept in the audit log. Write no personal data here.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() - {"reason"}:
            raise serializers.ValidationError("Give a detail to change.", code="required")
        return attrs


class CustomerReasonBody(StrictSerializer):
    """A body with a reason."""

    reason = StrictCharField(
        max_length=500, help_text="The reason, kept in the audit log. Write no personal data here."
    )


class GiveUserBody(CustomerReasonBody):
    """The body of `user/`."""

    user = StrictCharField(max_length=150, help_text="User name of an active user.")
