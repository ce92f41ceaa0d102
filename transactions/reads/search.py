"""How a search finds transactions: by id, amount, account, and the words of descriptions."""

from decimal import Decimal
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.search import account_condition
from core.console.amounts import read_amount
from core.currencies import CURRENCIES
from core.identifiers import ids_beginning
from core.search import contains
from transactions.models import Transaction
from transactions.models.queries import SIDES

# How many accounts a search covers.
_ACCOUNTS_SEARCHED = 20
# How many of the newest transactions the quick search reads for words of descriptions.
NEWEST_READ = 10_000


def transaction_condition(text: str) -> Q:
    """For the list: by id, amount or account, or all words in the description.

    Words of descriptions are read row by row, everything else by indexes.
    """
    indexed = _by_index(text)
    found = reduce(or_, indexed, Q(pk__in=()))
    ids = list(
        Account.objects.filter(account_condition(text))
        .order_by("number")
        .values_list("pk", flat=True)[:_ACCOUNTS_SEARCHED]
    )
    found |= Q(debit_account_id__in=ids) | Q(credit_account_id__in=ids)
    if not indexed and not _is_number(text):
        found |= contains("description", text)
    return found


def newest_found(text: str, limit: int) -> list[Transaction]:
    """Up to `limit` transactions, newest first, by id or amount, by indexes.

    Words are sought in the descriptions of the newest NEWEST_READ transactions only: descriptions
    have no index, because each transaction would have to write it.
    """
    rows = Transaction.objects.select_related(*SIDES).order_by("-id")
    if conditions := _by_index(text):
        # One statement for each index: for both, the planner may walk the journal from its end.
        found = {row.pk: row for one in conditions for row in rows.filter(one)[:limit]}
        return [found[key] for key in sorted(found, reverse=True)][:limit]
    if _is_number(text):
        return []
    return list(_newest(rows).filter(contains("description", text))[:limit])


def _newest(rows: QuerySet[Transaction]) -> QuerySet[Transaction]:
    ids = Transaction.objects.order_by("-id").values_list("pk", flat=True)
    oldest = list(ids[NEWEST_READ - 1 : NEWEST_READ])
    return rows.filter(pk__gte=oldest[0]) if oldest else rows


def _by_index(text: str) -> list[Q]:
    """Conditions with an index each. None for words."""
    found = []
    if ids := ids_beginning(text):
        found.append(Q(pk__range=ids))
    if amount := _amount(text):
        value, currency = amount
        found.append(Q(amount=value, currency=currency) if currency else Q(amount=value))
    return found


def _amount(text: str) -> tuple[Decimal, str] | None:
    """The amount, and its currency or ""; None if the text is none that can be stored."""
    code = text.strip()[-3:].upper()
    try:
        value = read_amount(text)
        Transaction._meta.get_field("amount").get_prep_value(value)
    except ValueError:
        return None
    return value, code if code in CURRENCIES else ""


def _is_number(text: str) -> bool:
    return "".join(text.split()).isdigit()
