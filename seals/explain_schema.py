"""OpenAPI description of a balance explained."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.schema import ACCOUNT_EXAMPLE, ACCOUNT_ID
from accounts.schema import TAG as ACCOUNTS_TAG
from core.api.describe import response_example
from seals.explaining import MOST_HOLDS
from transactions.api.hold_schema import HOLD_EXAMPLE


class AmountTextField(serializers.RegexField):
    """An amount with the digits of its currency."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^-?[0-9]+(\.[0-9]+)?$", **options)


class SealedBalanceSerializer(serializers.Serializer[Any]):
    """The balance in the last seal that has entries of the account."""

    seal = serializers.IntegerField(help_text="The number of the seal.")
    sequence = serializers.IntegerField(help_text="Sequence of the last sealed entry.")
    balance = AmountTextField(help_text="Balance after that entry.")


class EntriesSinceSerializer(serializers.Serializer[Any]):
    """The entries after the sealed ones, added up now."""

    entries = serializers.IntegerField(help_text="How many.")
    credits = AmountTextField(help_text="Sum of those that raise the balance.")
    debits = AmountTextField(help_text="Sum of those that lower it.")


class ExplainedHoldSerializer(serializers.Serializer[Any]):
    """An open hold."""

    hold_id = serializers.UUIDField(help_text="The hold.")
    held = AmountTextField(help_text="What it reserves.")
    description = serializers.CharField(help_text="What it is for.")


class ExplainedSerializer(serializers.Serializer[Any]):
    """What a balance consists of."""

    account_id = serializers.UUIDField(help_text="The account.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    sequence = serializers.IntegerField(help_text="Number of entries, of which all figures are.")
    sealed = SealedBalanceSerializer(
        allow_null=True, help_text="Null if no entry of the account is sealed."
    )
    since = EntriesSinceSerializer(help_text="All entries if none is sealed.")
    computed_balance = AmountTextField(help_text="The sealed balance, plus credits, less debits.")
    balance = AmountTextField(help_text="The balance as it is stored.")
    overdraft_limit = AmountTextField(help_text="How far below zero the balance may go.")
    held = AmountTextField(help_text="What open holds reserve, as it is stored.")
    open_holds = serializers.IntegerField(help_text="How many holds are open.")
    holds = ExplainedHoldSerializer(
        many=True,
        allow_null=True,
        help_text=f"The open holds, newest first: {MOST_HOLDS} at most. Null for a token without"
        " the scope `transactions:read`.",
    )
    available_balance = AmountTextField(help_text="Balance plus overdraft limit less held.")
    agrees = serializers.BooleanField(
        help_text="Whether balance, held and sequence are what the rows add up to."
    )


_EXPLAINED_EXAMPLE = {
    "account_id": ACCOUNT_EXAMPLE["account_id"],
    "currency": "USD",
    "sequence": 5,
    "sealed": {"seal": 3, "sequence": 3, "balance": "250.00"},
    "since": {"entries": 2, "credits": "36.40", "debits": "75.50"},
    "computed_balance": "210.90",
    "balance": "210.90",
    "overdraft_limit": "100.00",
    "held": "45.00",
    "open_holds": 1,
    "holds": [
        {
            "hold_id": HOLD_EXAMPLE["hold_id"],
            "held": "45.00",
            "description": HOLD_EXAMPLE["description"],
        }
    ],
    "available_balance": "265.90",
    "agrees": True,
}

explain = extend_schema(
    operation_id="accounts_balance_explain",
    tags=[ACCOUNTS_TAG],
    summary="Explain a balance",
    description="The balance in the account's last seal, plus the entries since then, is the"
    " balance. With the overdraft limit, less what open holds reserve, it is what is available. All"
    " figures are of one moment: of one sequence. `agrees` says that what is stored is what the"
    " entries and the holds add up to. An internal account has no such answer (404).",
    parameters=[ACCOUNT_ID],
    responses=ExplainedSerializer,
    examples=[response_example("Explained", _EXPLAINED_EXAMPLE)],
)
