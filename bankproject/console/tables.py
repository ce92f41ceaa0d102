"""The tables of Today."""

from collections import Counter
from collections.abc import Sequence

from django.urls import reverse

from accounts.models import Account
from accounts.overview import Holding, totals_by_currency
from accounts.states import AccountKind, ShownStatus
from bankproject.console.charts import NOTHING_TODAY
from bankproject.console.parts import Table, TableCell, number
from bankproject.console.words import list_link, transactions_of_today, went_wrong
from core.console.admin import shown_amount
from core.currency_names import currency_in_words
from transactions.admin.filters import shown_failure
from transactions.reads.overview import NEWEST, Activity

_ACCOUNTS = "accounts_account"


def accounts_by_status(found: Sequence[Holding]) -> Table:
    counts = Counter(dict.fromkeys(ShownStatus, 0))
    for holding in found:
        counts[holding.status] += holding.accounts
    customers = {"kind__exact": str(AccountKind.CUSTOMER)}
    rows = [
        [
            TableCell(status.label, link := list_link(_ACCOUNTS, status=status, **customers)),
            number(counts[status], link),
        ]
        for status in ShownStatus
    ]
    total = list_link(_ACCOUNTS, **customers)
    return Table(
        title="Customers' accounts",
        headers=["Status", "Accounts"],
        rows=[*rows, [TableCell("All", total), number(counts.total(), total)]] if found else [],
        when_empty="No account has been opened yet. Open the first one in Accounts.",
        numbers=frozenset({1}),
    )


def balances(found: Sequence[Holding]) -> Table:
    rows = []
    for total in totals_by_currency(found):
        filters = {"kind__exact": str(AccountKind.CUSTOMER), "currency": total.currency}
        cash = list_link(_ACCOUNTS, kind__exact=AccountKind.INTERNAL, currency=total.currency)
        sums = [(total.owed, list_link(_ACCOUNTS, **filters)), (total.cash, cash)]
        sums.insert(1, (total.lent, sums[0][1]))
        rows.append(
            [
                TableCell(currency_in_words(total.currency)),
                *(
                    TableCell(shown_amount(amount, total.currency), link, is_number=True)
                    for amount, link in sums
                ),
            ]
        )
    return Table(
        title="Balances by currency",
        headers=["Currency", "Owed to customers", "Lent by overdraft", "Cash"],
        rows=rows,
        when_empty="No account has been opened yet.",
        numbers=frozenset({1, 2, 3}),
        note="Cash is the sum owed less the sum lent; a verification proves it from the postings.",
    )


def failures(today: Sequence[Activity]) -> Table:
    codes: Counter[str] = Counter()
    for one in today:
        if went_wrong(one):
            codes[one.failure_code] += one.count
    rows = []
    for code, count in sorted(codes.items(), key=lambda item: (-item[1], item[0])):
        link = transactions_of_today(failure_code=code)
        rows.append([TableCell(shown_failure(code), link), number(count, link)])
    return Table(
        title="Failures today",
        headers=["Failure", "Transactions"],
        rows=rows,
        when_empty="Nothing has failed today.",
        numbers=frozenset({1}),
    )


def hottest(busiest: Sequence[tuple[Account, int]]) -> Table:
    rows = []
    for account, count in busiest:
        page = reverse("admin:accounts_account_change", args=(account.pk,))
        rows.append(
            [
                TableCell(account.in_full, page),
                number(count, transactions_of_today(account=account.number)),
            ]
        )
    return Table(
        title="Hottest accounts today",
        headers=["Account", "Transactions"],
        rows=rows,
        when_empty=NOTHING_TODAY,
        numbers=frozenset({1}),
        note=f"Counted in the newest {NEWEST:,} transactions of today.",
    )
