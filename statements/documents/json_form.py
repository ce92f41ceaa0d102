"""The statement as JSON, for programs. Amounts are texts, times are RFC 3339 in UTC."""

from typing import IO, Any

from core.api.fields import rfc_3339
from core.json_bytes import json_bytes
from core.money import format_amount
from statements.documents.content import PrintedLine, StatementContent


def write_json(content: StatementContent, file: IO[bytes]) -> None:
    """One object, whose member `lines` comes last. Takes the memory of one line."""
    head = json_bytes(represent_statement(content))
    file.write(head.removesuffix(b"}") + b',"lines":[')
    for index, line in enumerate(content.lines):
        if index:
            file.write(b",")
        file.write(json_bytes(_line(line, content.currency)))
    file.write(b"]}")


def represent_statement(content: StatementContent) -> dict[str, Any]:
    """The statement without its lines."""
    currency = content.currency
    return {
        "bank": content.bank_name,
        "account": {
            "id": content.account_id,
            "number": content.account_number,
            "name": content.account_name,
            "customer": content.customer_name,
            "currency": currency,
            "overdraft_limit": format_amount(content.overdraft_limit, currency),
            "held": format_amount(content.held, currency),
        },
        "number": content.number,
        "from": rfc_3339(content.start),
        "to": rfc_3339(content.end),
        "time_zone": content.time_zone.key,
        "issued_at": rfc_3339(content.issued_at),
        "opening_balance": format_amount(content.opening_balance, currency),
        "closing_balance": format_amount(content.closing_balance, currency),
        "total_debits": format_amount(content.total_debits, currency),
        "total_credits": format_amount(content.total_credits, currency),
        "count": content.count,
        "secret": content.secret or None,
        "digest": content.digest or None,
        "previous_digest": content.previous_digest or None,
        "check_url": content.check_url or None,
        "seal": content.seal or None,
    }


def _line(line: PrintedLine, currency: str) -> dict[str, Any]:
    return {
        "sequence": line.sequence,
        "transaction_id": line.transaction_id,
        "type": line.kind,
        "posted_at": rfc_3339(line.posted_at),
        "effective_at": rfc_3339(line.value_at),
        "text": line.text,
        "description": line.description,
        "debit": None if line.debit is None else format_amount(line.debit, currency),
        "credit": None if line.credit is None else format_amount(line.credit, currency),
        "balance_after": format_amount(line.balance_after, currency),
        "counterparty_number": line.counterparty_number or None,
        "counterparty_name": line.counterparty_name or None,
        "reverses": line.reverses,
        "reversed_by": line.reversed_by,
        "has_earlier_value_date": line.has_earlier_value_date,
    }
