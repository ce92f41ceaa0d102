"""The statement as camt.053.001.08 of ISO 20022, for accounting software.

Amounts have no sign: CRDT and DBIT say which way they go. Ids are written without hyphens, because
a reference has at most 35 characters. Days are those of the statement's time zone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO
from uuid import UUID
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from core.money import format_amount
from statements.documents.content import PrintedLine, StatementContent
from statements.documents.words import day, days_of

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
# Domain PMNT, by type of transaction and direction: family and sub-family.
_CODES = {
    ("DEPOSIT", "CRDT"): ("CNTR", "CDPT"),
    ("WITHDRAW", "DBIT"): ("CNTR", "CWDL"),
    ("TRANSFER", "CRDT"): ("RCDT", "BOOK"),
    ("TRANSFER", "DBIT"): ("ICDT", "BOOK"),
    ("REVERSAL", "CRDT"): ("RCDT", "RRTN"),
    ("REVERSAL", "DBIT"): ("ICDT", "RRTN"),
}
_OTHER_CODES = ("NTAV", "NTAV")
# The most characters of a name, of a piece of remittance information, and of additional texts.
_NAME, _PIECE, _ADDITIONAL = 70, 140, 500


def write_camt(content: StatementContent, file: IO[bytes]) -> None:
    """Takes the memory of one entry."""
    xml = _Xml(file)
    with xml.element("Document", xmlns=NAMESPACE), xml.element("BkToCstmrStmt"):
        with xml.element("GrpHdr"):
            xml.text("MsgId", _message_id(content))
            xml.text("CreDtTm", _moment(content.issued_at))
        with xml.element("Stmt"):
            _statement(xml, content)
    xml.end()


class _Xml:
    """Writes elements one after another. Texts that are empty are left out."""

    def __init__(self, file: IO[bytes]) -> None:
        self._writer = XMLGenerator(file, "UTF-8", short_empty_elements=True)
        self._writer.startDocument()

    @contextmanager
    def element(self, name: str, **attributes: str) -> Iterator[None]:
        self._writer.startElement(name, AttributesImpl(attributes))
        yield
        self._writer.endElement(name)

    def text(self, name: str, value: object, **attributes: str) -> None:
        if value == "":
            return
        self._writer.startElement(name, AttributesImpl(attributes))
        self._writer.characters(str(value))
        self._writer.endElement(name)

    def nested(self, path: str, value: object) -> None:
        """An element in others: "Sts/Cd"."""
        if value == "":
            return
        *outer, last = path.split("/")
        for name in outer:
            self._writer.startElement(name, AttributesImpl({}))
        self.text(last, value)
        for name in reversed(outer):
            self._writer.endElement(name)

    def end(self) -> None:
        self._writer.endDocument()


def _statement(xml: _Xml, content: StatementContent) -> None:
    xml.text("Id", _message_id(content))
    if content.number is not None:
        xml.text("ElctrncSeqNb", content.number)
        xml.text("LglSeqNb", content.number)
    xml.text("CreDtTm", _moment(content.issued_at))
    with xml.element("FrToDt"):
        xml.text("FrDtTm", _moment(content.start))
        xml.text("ToDtTm", _moment(content.end))
    _account(xml, content)
    first, last = (one.isoformat() for one in days_of(content))
    _balance(xml, content, "OPBD", content.opening_balance, first)
    _balance(xml, content, "CLBD", content.closing_balance, last)
    _sums(xml, content)
    for line in content.lines:
        with xml.element("Ntry"):
            _entry(xml, content, line)
    if content.digest:
        said = f"Digest {content.digest}. Check at {content.check_url}"
        xml.text("AddtlStmtInf", said[:_ADDITIONAL])


def _account(xml: _Xml, content: StatementContent) -> None:
    with xml.element("Acct"):
        xml.nested("Id/Othr/Id", content.account_number)
        xml.text("Ccy", content.currency)
        xml.text("Nm", content.account_name[:_NAME].strip())
        xml.nested("Ownr/Nm", content.customer_name[:_PIECE].strip())
        xml.nested("Svcr/FinInstnId/Nm", content.bank_name[:_PIECE].strip())


def _balance(xml: _Xml, content: StatementContent, kind: str, balance: Decimal, date: str) -> None:
    with xml.element("Bal"):
        xml.nested("Tp/CdOrPrtry/Cd", kind)
        if content.overdraft_limit:
            with xml.element("CdtLine"):
                xml.text("Incl", "false")
                _amount(xml, content, content.overdraft_limit)
        _amount(xml, content, balance)
        xml.text("CdtDbtInd", _direction(balance))
        xml.nested("Dt/Dt", date)


def _sums(xml: _Xml, content: StatementContent) -> None:
    moved = content.total_credits - content.total_debits
    with xml.element("TxsSummry"):
        with xml.element("TtlNtries"):
            xml.text("NbOfNtries", content.count)
            xml.text("Sum", _figures(content, content.total_credits + content.total_debits))
            with xml.element("TtlNetNtry"):
                xml.text("Amt", _figures(content, abs(moved)))
                xml.text("CdtDbtInd", _direction(moved))
        xml.nested("TtlCdtNtries/Sum", _figures(content, content.total_credits))
        xml.nested("TtlDbtNtries/Sum", _figures(content, content.total_debits))


def _entry(xml: _Xml, content: StatementContent, line: PrintedLine) -> None:
    direction = _direction(line.change)
    xml.text("NtryRef", line.sequence)
    _amount(xml, content, line.change)
    xml.text("CdtDbtInd", direction)
    if line.reverses:
        xml.text("RvslInd", "true")
    xml.nested("Sts/Cd", "BOOK")
    xml.nested("BookgDt/Dt", day(line.posted_at, content.time_zone).isoformat())
    xml.nested("ValDt/Dt", day(line.value_at, content.time_zone).isoformat())
    xml.text("AcctSvcrRef", line.transaction_id.hex)
    family, sub_family = _CODES.get((line.kind, direction), _OTHER_CODES)
    with xml.element("BkTxCd"), xml.element("Domn"):
        xml.text("Cd", "PMNT")
        with xml.element("Fmly"):
            xml.text("Cd", family)
            xml.text("SubFmlyCd", sub_family)
    with xml.element("NtryDtls"), xml.element("TxDtls"):
        _details(xml, content, line, direction)
    xml.text("AddtlNtryInf", line.text[:_ADDITIONAL].strip())


def _details(xml: _Xml, content: StatementContent, line: PrintedLine, direction: str) -> None:
    with xml.element("Refs"):
        xml.text("AcctSvcrRef", line.transaction_id.hex)
        _related(xml, "REVERSES", line.reverses)
        _related(xml, "REVERSED BY", line.reversed_by)
    _amount(xml, content, line.change)
    xml.text("CdtDbtInd", direction)
    if line.counterparty_number:
        other = "Cdtr" if direction == "DBIT" else "Dbtr"
        with xml.element("RltdPties"):
            name = line.counterparty_name[:_PIECE].strip()
            xml.nested(f"{other}/Pty/Nm", name)
            xml.nested(f"{other}Acct/Id/Othr/Id", line.counterparty_number)
    pieces = [piece for piece in _pieces(line.description) if piece]
    if pieces:
        with xml.element("RmtInf"):
            for piece in pieces:
                xml.text("Ustrd", piece)


def _related(xml: _Xml, kind: str, transaction: UUID | None) -> None:
    if transaction:
        with xml.element("Prtry"):
            xml.text("Tp", kind)
            xml.text("Ref", transaction.hex)


def _amount(xml: _Xml, content: StatementContent, amount: Decimal) -> None:
    xml.text("Amt", _figures(content, abs(amount)), Ccy=content.currency)


def _figures(content: StatementContent, amount: Decimal) -> str:
    return format_amount(amount, content.currency)


def _direction(amount: Decimal) -> str:
    return "DBIT" if amount < 0 else "CRDT"


def _pieces(text: str) -> list[str]:
    """The text in parts that fit an element; blanks at the ends would be lost on the way."""
    words = " ".join(text.split())
    return [words[start : start + _PIECE] for start in range(0, len(words), _PIECE)]


def _message_id(content: StatementContent) -> str:
    """Unique for the account: its number, and the statement's number or moment."""
    number = content.number
    if number is None:
        return f"{content.account_number}-{content.issued_at.astimezone(UTC):%y%m%d%H%M%S}"
    return f"{content.account_number}-{number}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
