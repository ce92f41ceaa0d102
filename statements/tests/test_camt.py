"""camt.053: valid against the schema of ISO 20022, and read back by a library made for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from lxml import etree
from pycamt.parser import Camt053Parser

from statements.documents.content import DocumentFormat, StatementContent
from statements.documents.render import open_document
from statements.tests.printed import ManyLines, content_of

# As published by ISO 20022, "Bank-to-Customer Cash Management": BankToCustomerStatementV08.
SCHEMA = etree.XMLSchema(file=str(Path(__file__).parent / "camt.053.001.08.xsd"))
NAMES = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}


def written(content: StatementContent) -> bytes:
    with open_document(content, DocumentFormat.CAMT) as file:
        return file.read()


def texts(document: bytes, path: str) -> list[str]:
    return [str(found.text) for found in etree.fromstring(document).iterfind(path, NAMES)]


@pytest.mark.parametrize("count", [0, 1, 30, 1000])
@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD", "CLF"])
def test_it_is_valid_against_the_schema(count: int, currency: str) -> None:
    lines = ManyLines(count, currency)
    content = content_of(lines, currency=currency, overdraft_limit=Decimal(500))
    SCHEMA.assertValid(etree.fromstring(written(content)))


@pytest.mark.parametrize("number", [1, 123456789, None])
def test_the_largest_values_are_valid(number: int | None) -> None:
    content = content_of(
        [],
        number=number,
        opening_balance=Decimal("-99999999999999.99"),
        account_number="9" * 20,
        account_name="n" * 200,
        customer_name="c" * 200,
        bank_name="b" * 200,
        check_url="https://bank.example/" + "x" * 600,
    )
    SCHEMA.assertValid(etree.fromstring(written(content)))


def test_a_schema_that_is_broken_is_noticed() -> None:
    """The control: the schema refuses what is wrong."""
    document = written(content_of(ManyLines(1))).replace(b"<Cd>BOOK</Cd>", b"<Code>BOOK</Code>")
    assert not SCHEMA.validate(etree.fromstring(document))


@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD"])
def test_another_library_reads_the_same_sums(currency: str) -> None:
    content = content_of(ManyLines(200, currency), currency=currency)
    reader = Camt053Parser(written(content))
    entries = reader.get_transactions()
    sums = {
        side: sum(Decimal(one["Amount"]) for one in entries if one["CreditDebitIndicator"] == side)
        for side in ("CRDT", "DBIT")
    }
    assert len(entries) == content.count == 200
    assert sums == {"CRDT": content.total_credits, "DBIT": content.total_debits}
    assert {one["Currency"] for one in entries} == {currency}
    (statement,) = reader.get_statement_info()
    assert Decimal(statement["OpeningBalance"]) == content.opening_balance
    assert Decimal(statement["ClosingBalance"]) == content.closing_balance


def test_balances_are_those_of_the_first_and_the_last_day() -> None:
    content = content_of([], opening_balance=Decimal("-12.50"), time_zone=ZoneInfo("Asia/Tokyo"))
    content = replace(
        content, start=content.start - timedelta(hours=9), end=content.end - timedelta(hours=9)
    )
    document = written(content)
    assert texts(document, ".//c:Bal/c:Tp/c:CdOrPrtry/c:Cd") == ["OPBD", "CLBD"]
    assert texts(document, ".//c:Bal/c:Amt") == ["12.50", "12.50"]
    assert texts(document, ".//c:Bal/c:CdtDbtInd") == ["DBIT", "DBIT"]
    assert texts(document, ".//c:Bal/c:Dt/c:Dt") == ["2026-10-01", "2026-10-31"]


def test_a_reversal_and_an_earlier_value_date_are_told() -> None:
    (line,) = ManyLines(1)
    at = datetime(2026, 10, 20, 12, tzinfo=UTC)
    line = replace(
        line, kind="REVERSAL", reverses=line.transaction_id, posted_at=at,
        value_at=at - timedelta(days=30),
    )  # fmt: skip
    document = written(content_of([line]))
    assert texts(document, ".//c:Ntry/c:RvslInd") == ["true"]
    assert texts(document, ".//c:Ntry/c:BookgDt/c:Dt") == ["2026-10-20"]
    assert texts(document, ".//c:Ntry/c:ValDt/c:Dt") == ["2026-09-20"]
    assert texts(document, ".//c:Refs/c:Prtry/c:Ref") == [line.transaction_id.hex]
    assert texts(document, ".//c:Ntry/c:BkTxCd/c:Domn/c:Fmly/c:SubFmlyCd") == ["RRTN"]


def test_a_long_description_comes_whole_in_pieces() -> None:
    (line,) = ManyLines(1)
    description = "x" * 139 + " y" + "z" * 359
    pieces = texts(written(content_of([replace(line, description=description)])), ".//c:Ustrd")
    assert [len(piece) for piece in pieces] == [140, 140, 140, 80]
    assert "".join(pieces) == description
