"""The inbox of transactions, limits and files that wait for a second person."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.admin.limit_buttons import told_limits
from accounts.models import LimitRequest
from accounts.selectors import waiting_limits
from accounts.states import LimitRequestStatus
from bankproject.console.counts import SEES_FILES, SEES_LIMITS, approvals_waiting
from bankproject.console.words import at, list_link
from core.console.admin import shown_amount, shown_money
from core.console.command_form import in_one_line
from core.identifiers import parse_uuid
from desk.admin.shown import expected_in_words
from desk.contents import waiting_files
from desk.models import DeskFile
from desk.states import FileStatus
from transactions.admin.filters import WAITS
from transactions.admin.timeline import through_in_words
from transactions.reads.approvals import ApprovalRequest, ApprovalSide, page_of_requests

_ON_PAGE = 25
_READ = "transactions.view_transaction"
_APPROVE = "transactions.approve_transaction"
_MANAGE = "accounts.manage_account"


@require_safe
def approvals_page(request: HttpRequest) -> HttpResponse:
    """Lists the waiting requests, oldest first.

    The page needs the right to view transactions. Users who may view limits also see those. Users
    who may approve see buttons on the requests of others. Each button leads to a page of its own,
    whose command checks everything again.
    """
    if not request.user.has_perm(_READ):
        raise PermissionDenied
    found = page_of_requests(after=_uuid(request.GET.get("after", "")), limit=_ON_PAGE + 1)
    shown = found[:_ON_PAGE]
    last = str(shown[-1].transaction.pk) if len(found) > _ON_PAGE else ""
    is_first = "after" not in request.GET
    limits = _limits(request) if is_first and request.user.has_perm(SEES_LIMITS) else []
    files = _files(request) if is_first and request.user.has_perm(SEES_FILES) else []
    context = {
        **admin.site.each_context(request),
        "title": "Approvals",
        "files": files[:_ON_PAGE],
        "all_files": _all_files() if len(files) > _ON_PAGE else "",
        "limits": limits[:_ON_PAGE],
        "all_limits": _all_limits() if len(limits) > _ON_PAGE else "",
        "requests": [_card(one, request) for one in shown],
        "as_table": list_link("transactions_transaction", approval=WAITS),
        "expires_days": settings.APPROVAL_EXPIRES_DAYS,
        "is_first": is_first,
        "more": urlencode({"after": last}) if last else "",
    }
    return render(request, "console/approvals.html", context)


@require_safe
def waiting_count(request: HttpRequest) -> HttpResponse:
    """The number beside Approvals in the menu, for pages that stay open. At most two reads."""
    if not request.user.has_perm(_READ):
        raise PermissionDenied
    return JsonResponse({"waiting": approvals_waiting(request.user)})


def _card(asked: ApprovalRequest, request: HttpRequest) -> dict[str, Any]:
    transaction = asked.transaction
    pk = (transaction.pk,)
    maker, due_at = transaction.created_by, transaction.scheduled_for
    user = request.user
    may_decide = user.has_perm(_APPROVE) and asked.may_be_decided_by(user.pk)
    return {
        "title": f"{transaction.get_type_display()} of"
        f" {shown_money(transaction.amount, transaction.currency)}",
        "page": reverse("admin:transactions_transaction_change", args=pk),
        "asked_by": maker.get_username() if maker else "a job of the bank",
        "asked_at": at(transaction.created_at),
        "through": through_in_words(transaction.idempotency_caller) if maker else "",
        "expires_at": at(transaction.updated_at + timedelta(days=settings.APPROVAL_EXPIRES_DAYS)),
        "why": transaction.description,
        "due_at": at(due_at) if due_at and asked.waits_for_its_time else "",
        "afterwards": "With it" if asked.waits_for_its_time else "If approved now",
        "retries": [
            {
                "by": event.actor.get_username() if event.actor else event.caller,
                "at": at(event.at),
                "reason": event.reason,
            }
            for event in asked.retries
        ],
        "sides": [
            _side("Debited", asked.debited, transaction.currency),
            _side("Credited", asked.credited, transaction.currency),
        ],
        "refusal": in_one_line(asked.refusal) if asked.refusal else "",
        "is_own": asked.is_asked_by(user.pk),
        "owns_account": asked.is_on_account_of(user.pk),
        "approve": _decision("approve", pk) if may_decide else "",
        "reject": _decision("reject", pk) if may_decide else "",
    }


def _files(request: HttpRequest) -> list[dict[str, Any]]:
    """The waiting files, oldest first: up to a page, and one more to show the rest."""
    return [_file_card(file, request) for file in waiting_files()[: _ON_PAGE + 1]]


def _all_files() -> str:
    return list_link("desk_deskfile", status__exact=FileStatus.WAITING)


def _file_card(file: DeskFile, request: HttpRequest) -> dict[str, Any]:
    is_own = request.user.pk == file.uploaded_by_id
    may_decide = request.user.has_perm(_APPROVE) and not is_own
    page = partial(reverse, args=(file.pk,))
    return {
        "title": f"File {file.name}",
        "page": page("admin:desk_deskfile_change"),
        "asked_by": file.uploaded_by.get_username(),
        "asked_at": at(file.uploaded_at),
        "facts": expected_in_words(file.expected, file.rows),
        "is_own": is_own,
        "approve": page("admin:desk_deskfile_approve") if may_decide else "",
        "reject": page("admin:desk_deskfile_reject") if may_decide else "",
    }


def _limits(request: HttpRequest) -> list[dict[str, Any]]:
    """The waiting overdraft limits, oldest first: up to a page, and one more to show the rest."""
    return [_limit_card(one, request) for one in waiting_limits()[: _ON_PAGE + 1]]


def _all_limits() -> str:
    return list_link("accounts_limitrequest", status__exact=LimitRequestStatus.PENDING)


def _limit_card(asked: LimitRequest, request: HttpRequest) -> dict[str, Any]:
    maker = asked.requested_by
    is_own = request.user.pk == asked.requested_by_id
    owns_account = request.user.pk == asked.account.owner_id
    may_decide = request.user.has_perm(_MANAGE) and not (is_own or owns_account)
    page = partial(reverse, args=(asked.pk,))
    decision = "admin:accounts_limitrequest_{}".format
    return {
        "title": _limit_title(asked),
        "page": page(decision("change")),
        "account": asked.account.in_full,
        "account_page": reverse("admin:accounts_account_change", args=(asked.account_id,)),
        "asked_by": maker.get_username() if maker else "a job of the bank",
        "asked_at": at(asked.created_at),
        "why": asked.reason,
        "limit_before": shown_money(asked.limit_before, asked.currency)
        if asked.limits is None
        else told_limits(asked.limits["before"], asked.currency),
        "is_own": is_own,
        "owns_account": owns_account,
        "approve": f"{page(decision('approve'))}?from=approvals" if may_decide else "",
        "reject": f"{page(decision('reject'))}?from=approvals" if may_decide else "",
    }


def _limit_title(asked: LimitRequest) -> str:
    if asked.limits is not None:
        return f"Payment limits of {told_limits(asked.limits['after'], asked.currency)}"
    return f"Overdraft limit of {shown_money(asked.overdraft_limit, asked.currency)}"


def _decision(verb: str, pk: tuple[UUID]) -> str:
    return f"{reverse(f'admin:transactions_transaction_{verb}', args=pk)}?from=approvals"


def _side(name: str, side: ApprovalSide, currency: str) -> dict[str, Any]:
    return {
        "name": name,
        "account": side.account.in_full,
        "page": reverse("admin:accounts_account_change", args=(side.account.pk,)),
        "balance": shown_amount(side.balance, currency),
        "balance_after": shown_amount(side.balance_after, currency),
    }


def _uuid(text: str) -> UUID | None:
    """The id in the text. None if it is not an id: the first page."""
    try:
        return parse_uuid(text)
    except ValueError:
        return None
