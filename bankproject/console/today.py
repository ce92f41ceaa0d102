"""Today: the bank's totals and its activity on this day, in the user's time zone.

Numbers that need many rows are cached for half a minute in each web process, however many people
look at the page.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from accounts.overview import holdings
from bankproject.console import charts, duties, figures, tables
from bankproject.console.days import hours_of_today, midnight
from bankproject.console.parts import BarChart, Figure, Table
from seals.selectors import newest_seal, unsealed_entries
from transactions.admin.books import newest_verification
from transactions.reads.overview import activity, busiest_accounts, queue_state

T = TypeVar("T")

_KEPT_SECONDS = 30


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """UNFOLD["DASHBOARD_CALLBACK"]: fills the first page of the admin.

    Parts that the user may not view are neither shown nor read.
    """
    user = request.user
    reads_accounts = user.has_perm("accounts.view_account")
    reads_transactions = user.has_perm("transactions.view_transaction")
    shown_figures: list[Figure] = []
    shown_charts: list[BarChart] = []
    shown_tables: list[Table] = []
    if reads_accounts:
        found = _kept("holdings", holdings)
        shown_tables += [tables.accounts_by_status(found), tables.balances(found)]
    if reads_transactions:
        hours = hours_of_today()
        today = _kept("activity", lambda: activity(hours, midnight(1)))
        shown_figures += [
            figures.made_today(today),
            figures.approvals(user),
            figures.failed(today),
            figures.queued(_kept("queue", queue_state), duties.kept()),
        ]
        shown_charts = [charts.by_hour(today, hours), charts.by_type(today)]
        shown_tables.append(tables.failures(today))
    if reads_accounts and reads_transactions:
        busiest = _kept("busiest", lambda: busiest_accounts(midnight(), midnight(1)))
        shown_tables.append(tables.hottest(busiest))
    if user.has_perm("transactions.view_verification"):
        shown_figures.append(figures.books(newest_verification(request), duties.kept()))
        if (sealed := newest_seal()) is not None:
            unsealed = _kept("unsealed", partial(unsealed_entries, sealed))
            shown_figures.append(figures.seals(sealed, unsealed, duties.kept()))
    if user.has_perm("transactions.view_archiverun"):
        shown_figures.append(figures.archive(duties.kept()))
    return {
        **context,
        "title": "Today",
        "day": date_format(timezone.localtime(), "l j F Y"),
        "figures": shown_figures,
        "charts": shown_charts,
        "tables": shown_tables,
    }


def _kept(name: str, read: Callable[[], T]) -> T:
    """The result of `read`, cached for half a minute, per day in the active time zone."""
    # A timestamp: cache keys should have no slash, as in a zone's name, and no blanks.
    key = f"today:{name}:{midnight().timestamp():.0f}"
    return cast(T, cache.get_or_set(key, read, _KEPT_SECONDS))
