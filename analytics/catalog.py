"""The named queries. Each has its SQL in `queries/`, one text for all engines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from analytics.parameters import (
    Parameter,
    Takes,
    Value,
    WrongParameter,
    any_currency,
    business_day,
    first_day,
    first_day_of_year,
    last_day,
    parse,
    top,
)

_FOLDER = Path(__file__).resolve().parent / "queries"
_DORMANT = timedelta(days=365)
# The calendar of a query has at most so many months.
MOST_MONTHS = 240

# Columns of these names are amounts, in the currency of their row.
AMOUNTS = frozenset(
    (
        *("amount", "balance", "smallest", "largest", "credits", "debits"),
        *("customers", "own", "stored", "difference"),
    )
)
DAYS = frozenset({"day", "last_posting_day"})
IDS = frozenset({"id"})


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """`bars` are the columns of a chart: what is told apart, and its length."""

    name: str
    title: str
    meaning: str
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]
    bars: tuple[str, str]

    @property
    def sql(self) -> str:
        return _text(self.name)

    def values(self, given: Mapping[str, str]) -> dict[str, Value]:
        """The value of each parameter. Raises WrongParameter."""
        if unknown := given.keys() - {each.name for each in self.parameters}:
            known = ", ".join(each.name for each in self.parameters) or "none"
            raise WrongParameter(
                f"{self.name} has no parameter {min(unknown)!r}. Its parameters: {known}."
            )
        today = business_day()
        values = {each.name: _value(each, given, today) for each in self.parameters}
        first, last = values.get("first"), values.get("last")
        if isinstance(first, date) and isinstance(last, date):
            _require_span(first, last)
        return values


def query_named(name: str) -> NamedQuery:
    """Raises WrongParameter for an unknown name."""
    try:
        return QUERIES[name]
    except KeyError:
        raise WrongParameter(
            f"There is no query {name!r}. There are: {', '.join(QUERIES)}."
        ) from None


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text("utf-8")


def _value(parameter: Parameter, given: Mapping[str, str], today: date) -> Value:
    text = given.get(parameter.name, "")
    if text.strip():
        return parse(parameter, text)
    if parameter.default is None:
        raise WrongParameter(f"{parameter.title} ({parameter.name}) is required.")
    return parameter.default(today)


def _require_span(first: date, last: date) -> None:
    if last < first:
        raise WrongParameter("The last day is before the first.")
    if len(months_between(first, last)) > MOST_MONTHS:
        raise WrongParameter(f"The days are of more than {MOST_MONTHS} months. Choose fewer.")


def months_between(first: date, last: date) -> list[str]:
    """The months of these days and all between, as "2026-01"."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in months]


_ALL = (
    NamedQuery(
        "volume_by_day",
        "Volume by day",
        "How much was posted on each day, by currency.",
        (first_day(), last_day(), any_currency()),
        ("day", "currency", "transactions", "amount"),
        ("day", "amount"),
    ),
    NamedQuery(
        "volume_by_type",
        "Volume by type",
        "How much was deposited, withdrawn, transferred and reversed.",
        (first_day(), last_day()),
        ("type", "currency", "transactions", "amount", "smallest", "largest"),
        ("type", "amount"),
    ),
    NamedQuery(
        "failures_by_reason",
        "Failures by reason",
        "Why transactions failed, and how many.",
        (first_day(), last_day()),
        ("reason", "currency", "transactions", "amount"),
        ("reason", "transactions"),
    ),
    NamedQuery(
        "largest_accounts",
        "Largest accounts",
        "The accounts with the highest balances now.",
        (top(), any_currency()),
        ("currency", "place", "account", "customer", "balance"),
        ("account", "balance"),
    ),
    NamedQuery(
        "largest_customers",
        "Largest customers",
        "The customers with the highest balances now, over all of their accounts.",
        (top(), any_currency()),
        ("currency", "place", "customer", "accounts", "balance"),
        ("customer", "balance"),
    ),
    NamedQuery(
        "largest_transactions",
        "Largest transactions",
        "The largest amounts that were posted.",
        (first_day(), last_day(), top(), any_currency()),
        ("currency", "place", "day", "type", "id", "amount"),
        ("place", "amount"),
    ),
    NamedQuery(
        "dormant_accounts",
        "Dormant accounts",
        "Open accounts with a balance on which nothing was posted since a day.",
        (
            Parameter("since", "Nothing since", Takes.DAY, lambda today: today - _DORMANT),
            Parameter("least", "Least balance", Takes.AMOUNT, lambda _today: Decimal("0.01")),
        ),
        ("account", "customer", "currency", "balance", "last_posting_day"),
        ("account", "balance"),
    ),
    NamedQuery(
        "flow_between_customers",
        "Flow between customers",
        "Who transferred how much to whom. Accounts without a customer are under none.",
        (first_day(), last_day(), top()),
        ("currency", "place", "payer", "payee", "transactions", "amount"),
        ("place", "amount"),
    ),
    NamedQuery(
        "balances_at_month_ends",
        "Balances at month ends",
        "What the bank owed to its customers at the end of each month, by currency.",
        (first_day_of_year(), last_day()),
        ("month", "currency", "balance"),
        ("month", "balance"),
    ),
    NamedQuery(
        "account_at_month_ends",
        "An account at month ends",
        "The balance of one account at the end of each month, and what moved it.",
        (
            Parameter("account", "Account number", Takes.ACCOUNT),
            first_day_of_year(),
            last_day(),
        ),
        ("month", "currency", "credits", "debits", "balance"),
        ("month", "balance"),
    ),
    NamedQuery(
        "live_and_archived",
        "Live and archived together",
        "How much was posted in each month, and how much of it is archived.",
        (first_day_of_year(), last_day()),
        ("month", "currency", "live", "archived", "transactions", "amount"),
        ("month", "transactions"),
    ),
    NamedQuery(
        "trial_balance",
        "Trial balance",
        "What customers' accounts and the bank's own add up to. The difference must be zero, and"
        " what is stored must be what the entries add up to.",
        (),
        ("currency", "customers", "stored", "own", "difference"),
        ("currency", "customers"),
    ),
)

QUERIES: dict[str, NamedQuery] = {query.name: query for query in _ALL}
