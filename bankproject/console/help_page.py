"""The console's help: docs/console.md but for its last chapter, and the paragraph of each page."""

from functools import cache

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString, mark_safe

from bankproject.console.markdown import html_of

# It tells how the console works inside, in the words of programmers.
_LAST_CHAPTER = "For engineers"
# The heading of docs/console.md that tells of the pages below each path. The longest path counts.
_PARAGRAPHS = {
    "/admin/": "today",
    "/admin/statistics/": "statistics",
    "/admin/analytics/": "analytics",
    "/admin/search/": "search",
    "/admin/customers/": "customers",
    "/admin/customers/customerevent/": "the-audit-log",
    "/admin/accounts/account/": "accounts",
    "/admin/accounts/accountevent/": "the-audit-log",
    "/admin/accounts/limitrequest/": "approvals",
    "/admin/transactions/": "transactions",
    "/admin/transactions/transaction/selected/": "bulk-actions",
    "/admin/transactions/transactionevent/": "the-audit-log",
    "/admin/transactions/verification/": "today",
    "/admin/jobs/": "jobs",
    "/admin/webhooks/": "webhooks",
    "/admin/statements/": "statements",
    "/admin/desk/": "files",
    "/admin/seals/": "seals",
    "/admin/transactions/hold/": "holds",
    "/admin/transactions/note/": "notes",
    "/admin/notes/": "notes",
    "/admin/approvals/": "approvals",
    "/admin/audit/": "the-audit-log",
    "/admin/clients/": "clients-and-tokens",
    "/admin/oauth2_provider/": "clients-and-tokens",
    "/admin/auth/": "users",
    "/admin/otp_totp/": "users",
    "/admin/axes/": "users",
    "/admin/authenticator/": "users",
    "/admin/password_change/": "users",
    "/admin/sessions/": "sessions",
}


def paragraph_of(path: str) -> str:
    """The anchor in the help of the page with this path."""
    fitting = [prefix for prefix in _PARAGRAPHS if path.startswith(prefix)]
    return _PARAGRAPHS[max(fitting, key=len)] if fitting else ""


def help_page(request: HttpRequest) -> HttpResponse:
    """Raises Http404 if the bank was installed without its documents."""
    context = {**admin.site.each_context(request), "title": "Help", "text": _text()}
    return TemplateResponse(request, "console/help.html", context)


@cache
def _text() -> SafeString:
    try:
        text = (settings.BASE_DIR / "docs" / "console.md").read_text("utf-8")
    except FileNotFoundError as error:
        raise Http404 from error
    text = text.partition(f"\n## {_LAST_CHAPTER}\n")[0]
    return mark_safe(html_of(text))  # noqa: S308 - our own document, and its text is escaped
