"""OpenAPI descriptions of the routes of seals."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from core.api.describe import errors, response_example
from core.api.fields import OffsetDateTimeField
from seals.proofs import FORMAT
from transactions.api import examples
from transactions.api.parameters import TRANSACTION_ID

TAG = "Seals"

_NUMBER = OpenApiParameter(
    "number",
    {"type": "integer", "minimum": 1, "example": 1},
    OpenApiParameter.PATH,
    description="The number of the seal, from 1.",
)


class HashField(serializers.RegexField):
    """Bytes in lower-case hexadecimal."""

    def __init__(self, digits: int = 64, *, may_be_empty: bool = False, **options: Any) -> None:
        pattern = f"^([0-9a-f]{{{digits}}})?$" if may_be_empty else f"^[0-9a-f]{{{digits}}}$"
        super().__init__(pattern, **options)


class SealSerializer(serializers.Serializer[Any]):
    """The signed head of a seal, as a line of `seals.jsonl` has it."""

    number = serializers.IntegerField(min_value=1, help_text="From 1, without a gap.")
    sealed_at = OffsetDateTimeField(help_text="After the last posting that it covers (UTC).")
    root = HashField(  # type: ignore[assignment]
        help_text="Root of the Merkle tree (RFC 9162) over its ranges of entries."
    )
    ranges = serializers.IntegerField(min_value=0, help_text="Leaves of that tree.")
    entries = serializers.IntegerField(min_value=0, help_text="Entries in those ranges.")
    total_entries = serializers.IntegerField(
        min_value=0, help_text="Entries in all seals until here."
    )
    previous = HashField(
        may_be_empty=True, help_text="Digest of the seal before it; empty for the first."
    )
    public_key = HashField(help_text="The Ed25519 key that signed it.")
    next_public_key = HashField(
        may_be_empty=True, help_text="The key of the seals after it, if it changes; else empty."
    )
    digest = HashField(help_text="SHA-256 of the seal's canonical text.")
    signature = HashField(128, help_text="Ed25519 (RFC 8032) of the same text.")


class ProvenEntrySerializer(serializers.Serializer[Any]):
    """An entry in its canonical fields, all of them texts."""

    account_id = serializers.UUIDField(help_text="The account.")
    sequence = serializers.CharField(help_text="Its place among the account's entries.")
    transaction_id = serializers.UUIDField(help_text="The transaction.")
    type = serializers.CharField(help_text="The type of the transaction.")
    side = serializers.CharField(help_text="`DEBIT` or `CREDIT`.")
    amount = serializers.CharField(help_text="Signed: a credit +, a debit -.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    balance_after = serializers.CharField(help_text="Balance after it.")
    reverses_id = serializers.CharField(
        allow_blank=True, help_text="The transaction that it reverses; else empty."
    )
    effective_at = serializers.CharField(help_text="Value date.")
    created_at = serializers.CharField(help_text="Time of the request.")
    posted_at = serializers.CharField(help_text="Time of the posting.")
    description_digest = HashField(help_text="SHA-256 of salt and description.")
    other_account_digest = HashField(help_text="SHA-256 of salt and the other side's account id.")


class ProvenRangeSerializer(serializers.Serializer[Any]):
    """The range of the account's entries that the seal covers, in its canonical fields."""

    account_id = serializers.UUIDField(help_text="The account.")
    first_sequence = serializers.CharField(help_text="Its first entry.")
    last_sequence = serializers.CharField(help_text="Its last entry.")
    currency = serializers.CharField(help_text="ISO 4217 code.")
    balance = serializers.CharField(help_text="Balance after the last entry.")
    entries_root = HashField(help_text="Root of the Merkle tree over its entries.")


class EntryProofSerializer(serializers.Serializer[Any]):
    """The way from an entry to the root of the seal."""

    entry = ProvenEntrySerializer(help_text="What is proven.")
    entry_salt = HashField(help_text="Stands before the entry's text.")
    description = serializers.CharField(
        allow_null=True,
        allow_blank=True,
        help_text="The words of the transaction; null if they are not for this reader.",
    )
    description_salt = HashField(allow_null=True, help_text="Stands before the words.")
    other_account_id = serializers.UUIDField(
        allow_null=True, help_text="The account of the other side; null for customers."
    )
    other_account_salt = HashField(allow_null=True, help_text="Stands before its id.")
    entry_path = serializers.ListField(
        child=HashField(), help_text="Hashes from the entry up to `entries_root`."
    )
    range = ProvenRangeSerializer(help_text="The leaf of the seal.")
    range_salt = HashField(help_text="Stands before the range's text.")
    range_index = serializers.IntegerField(min_value=0, help_text="The leaf's index, from 0.")
    range_path = serializers.ListField(
        child=HashField(), help_text="Hashes from the range up to the `root` of the seal."
    )


class ProofSerializer(serializers.Serializer[Any]):
    """The proof of a transaction, for `docs/verify_proof.py`."""

    format = serializers.CharField(help_text=f"`{FORMAT}`.")
    transaction_id = serializers.UUIDField(help_text="The transaction.")
    seal = SealSerializer(help_text="The head that covers it.")
    entries = EntryProofSerializer(many=True, help_text="Its entries that the caller may see.")


SEAL_EXAMPLE: dict[str, Any] = {
    "number": 1,
    "sealed_at": "2026-02-01T00:05:00.000000Z",
    "root": "5bd2f7d3fc0e6b8d4f6a4c0f9c4ba11ffb2a6a1f6a7e0c3d8b5e9f2041c7d86a",
    "ranges": 2,
    "entries": 2,
    "total_entries": 2,
    "previous": "",
    "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "next_public_key": "",
    "digest": "0c1f7e3a9b5d2468ace013579bdf2468ace013579bdf2468ace013579bdf2468",
    "signature": "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
}
_ENTRY = examples.TRANSFER_EXAMPLE
_PROOF_EXAMPLE: dict[str, Any] = {
    "format": FORMAT,
    "transaction_id": _ENTRY["transaction_id"],
    "seal": SEAL_EXAMPLE,
    "entries": [
        {
            "entry": {
                "account_id": _ENTRY["account_id"],
                "sequence": "2",
                "transaction_id": _ENTRY["transaction_id"],
                "type": "TRANSFER",
                "side": "DEBIT",
                "amount": "-75.50",
                "currency": "USD",
                "balance_after": "174.50",
                "reverses_id": "",
                "effective_at": _ENTRY["effective_at"],
                "created_at": _ENTRY["created_at"],
                "posted_at": _ENTRY["completed_at"],
                "description_digest": SEAL_EXAMPLE["digest"],
                "other_account_digest": SEAL_EXAMPLE["digest"],
            },
            "entry_salt": SEAL_EXAMPLE["public_key"],
            "description": _ENTRY["description"],
            "description_salt": SEAL_EXAMPLE["public_key"],
            "other_account_id": None,
            "other_account_salt": None,
            "entry_path": [SEAL_EXAMPLE["digest"]],
            "range": {
                "account_id": _ENTRY["account_id"],
                "first_sequence": "1",
                "last_sequence": "2",
                "currency": "USD",
                "balance": "174.50",
                "entries_root": SEAL_EXAMPLE["root"],
            },
            "range_salt": SEAL_EXAMPLE["public_key"],
            "range_index": 0,
            "range_path": [SEAL_EXAMPLE["digest"]],
        }
    ],
}


latest_seal = extend_schema(
    operation_id="seals_latest",
    tags=[TAG],
    summary="Read the newest seal",
    description="The signed head over all entries until then. Keep copies of heads: a bank that"
    " changes its past cannot match them. Open to anyone.",
    responses=SealSerializer,
    examples=[response_example("Seal", SEAL_EXAMPLE)],
    extensions=errors("not_found"),
    auth=[],
)

retrieve_seal = extend_schema(
    operation_id="seals_retrieve",
    tags=[TAG],
    summary="Read a seal",
    description="The signed head with this number. Open to anyone.",
    parameters=[_NUMBER],
    responses=SealSerializer,
    examples=[response_example("Seal", SEAL_EXAMPLE)],
    extensions=errors("not_found"),
    auth=[],
)

proof = extend_schema(
    operation_id="transactions_proof",
    tags=[TAG],
    summary="Prove that a transaction is sealed",
    description="The way from each of its entries that the caller may see to the signed head of a"
    " seal. `docs/verify_proof.py` checks it without the bank. It shows nothing of other entries.",
    parameters=[TRANSACTION_ID],
    responses=ProofSerializer,
    examples=[response_example("Proof", _PROOF_EXAMPLE)],
    extensions=errors("not_sealed"),
)
