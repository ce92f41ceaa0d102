"""The files about seals, column by column. Exports of release 1.0.0 do not have them."""

from transactions.files.cells import AMOUNT, ID, INTEGER, NAMES, TIME, WORD
from transactions.files.file_format import Column, FileFormat

SEALS = FileFormat(
    name="seals",
    doc="The seals, as `seals.jsonl` has their heads.",
    table="seals_seal",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("number", INTEGER, "From 1, without a gap."),
        Column("sealed_at", TIME, "After the last posting that it covers."),
        Column("root", WORD, "Root of the tree over its ranges."),
        Column("blocks", NAMES, "Roots of each 1,024 ranges."),
        Column("ranges", INTEGER, "Number of its ranges."),
        Column("entries", INTEGER, "Number of entries in its ranges."),
        Column("total_entries", INTEGER, "Number of entries in all seals until here."),
        Column("previous", WORD, "Digest of the seal before it; empty for the first."),
        Column("public_key", WORD, "The key that signed it."),
        Column("next_public_key", WORD, "The key of the next seals, if it changes; else empty."),
        Column("digest", WORD, "SHA-256 of its text."),
        Column("signature", WORD, "Signature of its text."),
    ),
)

SEALED_RANGES = FileFormat(
    name="sealed_ranges",
    doc="The ranges of entries that the seals cover.",
    table="seals_sealedrange",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("seal_id", ID, "Its seal."),
        Column("position", INTEGER, "Its place among the leaves of the seal, from 0."),
        Column("account_id", ID, "The account."),
        Column("first_sequence", INTEGER, "Its first entry."),
        Column("last_sequence", INTEGER, "Its last entry."),
        Column("currency", WORD, "ISO 4217 code."),
        Column("balance", AMOUNT, "Balance after the last entry."),
        Column("entries_root", WORD, "Root of the tree over its entries."),
        Column("secret", WORD, "The random secret of its salts."),
    ),
)
