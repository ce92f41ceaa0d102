"""The routes of all apps."""

from django.contrib import admin
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import page_not_found
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from bankproject.api_description import SchemaView
from bankproject.console.analytics_page import analytics_page, export_analytics
from bankproject.console.approvals import approvals_page, waiting_count
from bankproject.console.audit_page import audit_page, export_audit
from bankproject.console.help_page import help_page
from bankproject.console.jobs_page import jobs_page, run_now
from bankproject.console.search_page import search_page
from bankproject.console.statistics_page import export_statistics, statistics_page
from bankproject.health import HealthView, ReadinessView
from bankproject.metrics.page import metrics_page
from statements.checking import CheckView
from statements.receipts.console import receipt_page
from transactions.admin.note_pages import note_page
from transactions.admin.targets import targets_page

# The routes of money are tried first: they are most of the load.
api: list[URLPattern | URLResolver] = [
    path("", include("transactions.api.urls")),
    path("", include("seals.urls")),
    path("", include("statements.api.urls")),
    path("", include("statements.receipts.urls")),
    path("", include("jobs.urls")),
    path("", include("events.urls")),
    path("", include("webhooks.urls")),
    path("health/", HealthView.as_view(), name="health"),
    path("health/ready/", ReadinessView.as_view(), name="health-ready"),
    # The API's description is public: authors of clients need it first.
    path("schema/", SchemaView.as_view(), name="schema"),
    path("swagger/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="swagger"),
    path("oauth/", include("clients.urls")),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("", RedirectView.as_view(pattern_name="swagger"), name="home"),
    path("metrics", metrics_page, name="metrics"),
    path("verify/<str:digest>/", CheckView.as_view(), name="verify"),
    path("admin/analytics/", admin.site.admin_view(analytics_page), name="analytics"),
    path(
        "admin/analytics/export/",
        admin.site.admin_view(export_analytics),
        name="analytics-export",
    ),
    path("admin/approvals/", admin.site.admin_view(approvals_page), name="approvals"),
    path(
        "admin/approvals/waiting/",
        admin.site.admin_view(waiting_count),
        name="approvals-waiting",
    ),
    path("admin/audit/", admin.site.admin_view(audit_page), name="audit"),
    path("admin/audit/export/", admin.site.admin_view(export_audit), name="audit-export"),
    path("admin/help/", admin.site.admin_view(help_page), name="help"),
    path("admin/jobs/", admin.site.admin_view(jobs_page), name="jobs-page"),
    path("admin/jobs/run/", admin.site.admin_view(run_now), name="jobs-run"),
    path("admin/statistics/", admin.site.admin_view(statistics_page), name="statistics"),
    path(
        "admin/statistics/export/",
        admin.site.admin_view(export_statistics),
        name="statistics-export",
    ),
    path(
        "admin/notes/<str:subject>/<id:subject_id>/",
        admin.site.admin_view(note_page),
        name="write-note",
    ),
    path(
        "admin/accounts/account/<id:account_id>/targets/",
        admin.site.admin_view(targets_page),
        name="transfer-targets",
    ),
    path(
        "admin/transactions/transaction/<id:transaction_id>/receipt/",
        admin.site.admin_view(receipt_page),
        name="receipt",
    ),
    # Before the theme's own, which finds pages only.
    path("admin/search/", admin.site.admin_view(search_page), name="search"),
    path("admin/", admin.site.urls),
    # Everything else under /api/ gets a problem, never a page or a redirect. A missing route needs
    # no CSRF token either.
    re_path("^api/", csrf_exempt(page_not_found), {"exception": Http404()}),
]

handler403 = "bankproject.errors.forbidden"
handler404 = "bankproject.errors.not_found"
