"""M1 of each side of a transaction: its account, and the values assigned by posting."""

from transactions.verifier.rules import Rule
from transactions.verifier.sql import POSTED


def rules_of_side(side: str, account: str, other_side: str) -> list[Rule]:
    """The rules of one side. `account` is the name in SQL of the row of that side's account."""
    where = {
        "account_number": f"{account}.number",
        "account_id": f"t.{side}_account_id",
        "transaction_id": "t.id",
        "sequence": f"t.{side}_sequence",
    }
    sequence, balance = f"t.{side}_sequence", f"t.{side}_balance_after"
    return [
        Rule(
            code="M1.account_missing",
            says="Both accounts of a transaction exist.",
            broken=f"{account}.id IS NULL",
            where=where,
            expected="'an account'",
            found="'none'",
        ),
        Rule(
            code="M1.currency_differs",
            says="A transaction is in the currency of both its accounts.",
            broken=f"{account}.currency <> t.currency",
            where=where,
            expected=f"{account}.currency",
            found="t.currency",
        ),
        Rule(
            code="M1.entry_not_numbered",
            says="A completed transaction has a sequence and a balance after for each customer.",
            broken=f"{POSTED} AND {account}.kind = 'CUSTOMER'"
            f" AND ({sequence} IS NULL OR {balance} IS NULL)",
            where=where,
            expected="'a sequence and a balance after'",
            found=f"CASE WHEN {sequence} IS NOT NULL THEN 'a sequence only'"
            f" WHEN {balance} IS NOT NULL THEN 'a balance only' ELSE 'neither' END",
        ),
        Rule(
            code="M1.internal_entry_numbered",
            says="The side of an internal account has no sequence and no balance after.",
            broken=f"{POSTED} AND {account}.kind = 'INTERNAL'"
            f" AND ({sequence} IS NOT NULL OR {balance} IS NOT NULL)",
            where=where,
            expected="'neither'",
            found="'a sequence or a balance after'",
        ),
        Rule(
            code="M1.posted_while_not_completed",
            says="Only a completed transaction has a sequence or a balance after.",
            broken=f"NOT ({POSTED}) AND ({sequence} IS NOT NULL OR {balance} IS NOT NULL)",
            where=where,
            expected="'nothing posted'",
            found="t.status",
        ),
        Rule(
            code="M1.reversal_account",
            says="A reversal debits what its original credits, and the other way round.",
            broken="t.type = 'REVERSAL'"
            f" AND t.{side}_account_id <> original.{other_side}_account_id",
            where=where | {"original_id": "t.reverses_id"},
            expected=f"original.{other_side}_account_id",
            found=f"t.{side}_account_id",
        ),
    ]
