"""The help: docs/console.md as a page, and a paragraph of it for each page of the console."""

import re

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from bankproject.console.help_page import paragraph_of
from bankproject.console.markdown import html_of
from bankproject.navigation import sidebar

HELP = reverse("help")


@pytest.mark.django_db
def test_each_page_of_the_menu_has_a_paragraph(admin_client: Client) -> None:
    html = admin_client.get(HELP).content.decode()
    anchors = set(re.findall(r'<h\d id="([^"]+)"', html))
    request = RequestFactory().get("/admin/")
    request.user = admin_client.get("/admin/").context["user"]
    links = [item["link"] for section in sidebar(request) for item in section["items"]]
    assert len(links) > 15
    for link in [*links, reverse("admin:sessions"), reverse("admin:password_change")]:
        paragraph = paragraph_of(link.partition("?")[0])
        assert paragraph in anchors, link
        assert f'href="{HELP}#{paragraph}"' in admin_client.get(link).content.decode(), link


OF_LISTS = {
    "accounts.account": "accounts",
    "accounts.accountevent": "the-audit-log",
    "accounts.limitrequest": "approvals",
    "auth.group": "users",
    "auth.user": "users",
    "axes.accessfailurelog": "users",
    "axes.accesslog": "users",
    "clients.apiclient": "clients-and-tokens",
    "customers.customer": "customers",
    "customers.customerevent": "the-audit-log",
    "oauth2_provider.accesstoken": "clients-and-tokens",
    "otp_totp.totpdevice": "users",
    "seals.seal": "seals",
    "statements.statement": "statements",
    "transactions.archiverun": "transactions",
    "transactions.batch": "transactions",
    "transactions.entry": "transactions",
    "transactions.hold": "holds",
    "transactions.note": "notes",
    "transactions.transaction": "transactions",
    "transactions.transactionevent": "the-audit-log",
    "transactions.verification": "today",
    "webhooks.delivery": "webhooks",
    "webhooks.endpoint": "webhooks",
}
OF_PAGES = {
    "/admin/": "today",
    "/admin/approvals/": "approvals",
    "/admin/audit/": "the-audit-log",
    "/admin/jobs/": "jobs",
    "/admin/password_change/": "users",
    "/admin/search/": "search",
    "/admin/sessions/": "sessions",
    "/admin/statistics/": "statistics",
    "/admin/analytics/": "analytics",
    "/admin/transactions/transaction/selected/approve/": "bulk-actions",
}


def test_each_list_has_its_own_paragraph() -> None:
    lists = {
        model._meta.label_lower: paragraph_of(
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        )
        for model in admin.site._registry
    }
    assert OF_LISTS.items() <= lists.items()
    # Today is what a page without a paragraph would get.
    assert [name for name, found in lists.items() if found == "today"] == [
        "transactions.verification"
    ]
    assert {path: paragraph_of(path) for path in OF_PAGES} == OF_PAGES
    anchors = set(
        re.findall(
            r'<h\d id="([^"]+)"',
            html_of((settings.BASE_DIR / "docs/console.md").read_text("utf-8")),
        )
    )
    assert {*lists.values(), *OF_PAGES.values()} <= anchors


@pytest.mark.django_db
def test_the_help_is_the_document_and_has_a_list_of_keys(admin_client: Client) -> None:
    html = admin_client.get(HELP).content.decode()
    words = re.sub(r"<[^>]+>", " ", html)
    text = (settings.BASE_DIR / "docs/console.md").read_text()
    for_staff, for_engineers = text.split("## For engineers")
    for heading in re.findall(r"^#+ (.+)$", for_staff, re.MULTILINE):
        assert heading in words
    assert "manage.py" in for_engineers
    assert '<h2 id="keys">Keys</h2>' in html
    assert "Ctrl+K" in words
    assert "![" not in words
    assert "|---" not in words
    for anchor in re.findall(r'href="#([^"]+)"', html.split('class="bank-help"')[1]):
        assert f'id="{anchor}"' in html


@pytest.mark.django_db
def test_the_help_has_no_words_of_programmers(admin_client: Client) -> None:
    html = admin_client.get(HELP).content.decode().split('class="bank-help"')[1]
    words = re.sub(r"<[^>]+>", " ", html.partition("</article>")[0]).lower()
    for term in (
        "sql", "manage.py", "index", "database transaction", "cookie", "idempoten", "javascript",
        "iso 8601", "utf-8", "rfc", "web process", "403", "bank_", "cache", "command",
    ):  # fmt: skip
        assert term not in words, term


def test_the_help_is_for_staff(client: Client) -> None:
    assert client.get(HELP).status_code == 302


def test_markdown_is_escaped_and_becomes_html() -> None:
    text = (
        "## A <b>\n\nOne *word*,\n`x < y`.\n\n- a\n- b\n\n1. c\n\n| H | I |\n|---|---|\n| 1 | 2 |"
    )
    assert html_of(text) == (
        '<h2 id="a-b">A &lt;b&gt;</h2>\n<p>One <em>word</em>, <code>x &lt; y</code>.</p>\n'
        "<ul><li>a</li><li>b</li></ul>\n<ol><li>c</li></ol>\n"
        '<div class="bank-scroll" tabindex="0" role="region" aria-label="A &lt;b&gt;, table">'
        '<table class="bank-table"><thead><tr><th scope="col">H</th><th scope="col">I</th></tr>'
        "</thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>"
    )
