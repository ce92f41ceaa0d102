"""Admin lists filter by declared parameters only, and reveal nothing about hidden columns."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters, ModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import User
from django.db.models import CharField, Field, Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice
from oauth2_provider.models import AccessToken

from clients.models import ApiClient
from core.console.admin import BankModelAdmin
from tests.api import make_user
from tests.factories import make_account
from tests.identities import token_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

LOOKUPS = ("", "__regex", "__gte")
# Parameters of the pages themselves, which name no column.
OF_PAGES = {"p", "q", "o", "e", "all", "_to_field", "_popup", "_facets"}


def staff_of_each_role() -> list[Any]:
    return [
        make_user("auditor", role="auditor"),
        make_user("supervisor", role="supervisor"),
        User.objects.create_superuser("root"),
    ]


def admins() -> list[ModelAdmin]:
    return list(admin.site._registry.values())


def paths_of(model: type[Model]) -> Iterator[str]:
    """Every column of the model, and of each model one relation away, in either direction."""
    for field in model._meta.get_fields():
        name = field.name
        yield name
        if isinstance(field, Field):
            yield field.attname
        if field.is_relation and field.related_model not in (None, "self"):
            for further in field.related_model._meta.get_fields():  # type: ignore[union-attr]
                yield f"{name}__{further.name}"


def declared(page: ModelAdmin, request: Any) -> set[str]:
    """The parameters that the list's filters expect, and those that links carry."""
    changes = page.get_changelist_instance(request)
    expected = {name for spec in changes.filter_specs for name in spec.expected_parameters()}
    expected |= {getattr(spec, "parameter_name", "") for spec in changes.filter_specs}
    return {str(name) for name in expected if name} | set(page.linked_by)  # type: ignore[attr-defined]


def is_refused(page: ModelAdmin, request: Any) -> bool:
    """Whether the list refuses the request before it reads a row, so that it reveals nothing."""
    try:
        page.get_changelist_instance(request)
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        return True
    return False


def test_every_list_is_on_the_banks_own_base() -> None:
    assert [page for page in admins() if not isinstance(page, BankModelAdmin)] == []


def test_no_list_is_narrowed_by_a_parameter_that_it_does_not_declare(
    show: Callable[[str], None],
) -> None:
    make_account(balance=1)  # Filters by currency exist only if an account does.
    taken, tried = [], 0
    columns: set[str] = set()
    for user in staff_of_each_role():
        for page in admins():
            columns |= {f"{page.opts.label_lower}.{path}" for path in paths_of(page.model)}
            paths = {path + lookup for path in paths_of(page.model) for lookup in LOOKUPS}
            request = RequestFactory().get("/")
            request.user = user
            known = declared(page, request) | OF_PAGES
            for path in paths - known:
                request = RequestFactory().get("/", {path: "1"})
                request.user = user
                tried += 1
                if not is_refused(page, request):
                    taken.append((str(page), path))
    assert taken == []
    show(f"{len(admins())} lists, {len(columns)} columns, {tried} requests")
    assert tried >= 14_000


def test_filters_use_only_columns_that_the_pages_show() -> None:
    """A filter, link or search by a hidden column would reveal its values."""
    make_account(balance=1)
    root = User.objects.create_superuser("root")
    request = RequestFactory().get("/")
    request.user = root
    # Shown in another form: the state of an account, client or row; the user of a client.
    shown_otherwise = {
        "accounts.account": {"status", "currency"},
        "accounts.limitrequest": {"status"},
        "customers.customer": {"status"},
        "clients.apiclient": {"is_active", "user__username"},
        "oauth2_provider.accesstoken": {
            "application",
            "application__client_id",
            "application__name",
        },
        "otp_totp.totpdevice": {"user__username"},
        # Filters of a list, whose value each row shows.
        "transactions.transaction": {
            "status",
            "account",
            "amount",
            "failure_code",
            "approval",
            "made_by",
        },
        "transactions.entry": {"account"},
        "transactions.hold": {"status"},
        "webhooks.delivery": {"status", "endpoint"},
        "webhooks.endpoint": {"is_on"},
        "desk.deskfile": {"status"},
        "statements.statement": {"account"},
        "transactions.transactionevent": {"transaction", "to_status"},
        "accounts.accountevent": {"account"},
        # A role says all three; a full name is the two names.
        "auth.user": {"groups", "is_staff", "is_superuser", "first_name", "last_name"},
        "axes.accesslog": {"username", "ip_address"},
        "axes.accessfailurelog": {"username", "ip_address"},
    }
    hidden = []
    for page in admins():
        fields = set(flatten_fieldsets(page.get_fieldsets(request, page.model())))
        # Some pages leave out what a row lacks, so an empty row shows less.
        fields |= set(flatten_fieldsets(page.fieldsets or ()))
        fields |= {str(name) for name in page.get_list_display(request)}
        fields |= shown_otherwise.get(page.opts.label_lower, set())
        names = declared(page, request) | set(page.get_search_fields(request))
        for name in names:
            column = name.removesuffix("__exact").removesuffix("__isnull").removesuffix("__id")
            column = column.removesuffix("_from").removesuffix("_to")
            if column not in fields:
                hidden.append((page.opts.label_lower, name))
    assert hidden == []


def test_no_search_finds_what_the_pages_hide() -> None:
    """Searches for every hidden text of a row: the whole, its beginning and its end."""
    user = make_user("holder", role="auditor")
    user.set_password("correct horse battery staple")
    user.save()
    make_account(balance=5, owner_id=user.pk)
    token_of(user)
    TOTPDevice.objects.create(user=user, name="Phone of the holder")
    root = User.objects.create_superuser("root")
    found, tried = [], 0
    for page in admins():
        request = RequestFactory().get("/")
        request.user = root
        shown = set(flatten_fieldsets(page.get_fieldsets(request, page.model())))
        shown |= {str(name) for name in page.get_list_display(request)}
        shown |= {name.removesuffix("__exact") for name in page.get_search_fields(request)}
        for row in page.model._default_manager.all():
            for field in page.model._meta.fields:
                value = field.value_from_object(row)
                is_text = isinstance(field, CharField) and len(value or "") > 15
                if not is_text or field.name in shown - {"password"}:
                    continue
                for text in (value, value[:15], value[-15:]):
                    request = RequestFactory().get("/", {"q": text})
                    request.user = root
                    tried += 1
                    if page.get_changelist_instance(request).result_count:
                        found.append((str(page), field.name))
    assert found == []
    assert tried >= 12


@pytest.mark.parametrize("role", ["auditor", "supervisor", None])
def test_keys_and_digests_cannot_be_guessed(role: str | None) -> None:
    """A right guess and a wrong guess get the same response."""
    user = make_user("reader", role=role) if role else User.objects.create_superuser("reader")
    token_of(user)
    TOTPDevice.objects.create(user=user, key="e0f7" * 10)
    client = Client()
    client.force_login(user)
    ours = ApiClient.objects.get(), AccessToken.objects.get()
    for page, column, value in (
        ("otp_totp_totpdevice", "key", "e0f7" * 10),
        ("clients_apiclient", "client_secret", ours[0].client_secret),
        ("oauth2_provider_accesstoken", "token_checksum", ours[1].token_checksum),
        ("auth_user", "password", user.password),
    ):
        for lookup in ("startswith", "regex", "gte"):
            answers = set()
            for guess in (value, "~~~"):
                url = reverse(f"admin:{page}_changelist")
                response = client.get(url, {f"{column}__{lookup}": guess})
                answers.add((response.status_code, response.get("Location"), response.content))
            assert len(answers) == 1
            assert answers.pop()[0] != 200
