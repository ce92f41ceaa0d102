"""Users and groups, on the same base as all other pages of the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_variables
from unfold.decorators import action, display

from accounts.words import UserWord
from bankproject.roles import ROLES
from bankproject.users import UserForm, role_of, shown_role
from core.console.admin import BankModelAdmin, yes_or_no
from core.console.command_form import command_page, show_form
from core.staff_log import record
from staff import authenticators, one_time

admin.site.index_title = "Today"

admin.site.unregister(User)
admin.site.unregister(Group)

_FACTS = ("second_factor", "password_state", "last_login", "date_joined")


@admin.register(User)
class UserAdmin(BankModelAdmin):
    """Users are made inactive, never deleted, so the records of their work still name them.

    Only superusers make and change them: a user who gives roles could give them to themselves.
    """

    form = UserForm
    list_display = ("username", "full_name", "role", "second_factor", "last_login", "active")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("username", "first_name", "last_name")
    words = UserWord
    search_help_text = "User name or name"
    ordering = ("username",)
    readonly_fields = _FACTS
    actions = ("reset_authenticators",)
    actions_detail = ("accounts", "one_time_password", "reset_authenticator")
    change_form_outer_before_template = "console/user_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = super().get_queryset(request)
        return found.prefetch_related("groups", "totpdevice_set")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["username", "full_name", "email", "role"]
        if obj is not None and obj.is_superuser and self.has_change_permission(request, obj):
            fields.remove("role")
        if Group.objects.exclude(name__in=ROLES).exists():
            fields.append("further_groups")
        if obj is None:
            return [(None, {"fields": fields})]
        facts = [("Facts", {"fields": _FACTS})]
        return [(None, {"fields": [*fields, "is_active"]}), *facts]

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """What the audit log says of the form."""
        user = form.instance
        if add:
            return f"Created as {shown_role(user)}."
        was = form.initial.get("role", "")
        words = [f"Changed: {', '.join(form.changed_data) or 'nothing'}."]
        if "role" in form.changed_data:
            words.append(f"Role {role_of(user)}, was {was or 'none'}.")
        return " ".join(words).replace("_", " ")

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> None:
        record(request.user.pk, obj, _name_in_log(obj), ADDITION, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> None:
        record(request.user.pk, obj, _name_in_log(obj), CHANGE, message)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        form.save_groups()

    @sensitive_variables("password")
    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Shows the one-time password of a new member of staff, on this page alone."""
        if obj.is_staff:
            password = one_time.give(obj, by=f"user:{request.user.pk}")
            return self._password_page(request, obj, password)
        messages.success(request, f"{obj} is a customer now. Open an account for them next.")
        return HttpResponseRedirect(_page_of(obj))

    def _password_page(self, request: HttpRequest, user: User, password: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"One-time password of {user}",
            "owner": user,
            "password": password,
            "page": _page_of(user),
        }
        return TemplateResponse(request, "console/one_time_password.html", context)

    # Buttons --------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Puts the buttons on the page itself: the theme's dropdown is not keyboard-accessible."""
        context["buttons"] = context.pop("actions_detail", [])
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def has_reset_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Nobody resets their own: an unattended session must not be enough."""
        return request.user.is_superuser and object_id != str(request.user.pk)

    def has_password_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """A member of staff other than oneself, who has a page for that."""
        if not self.has_reset_permission(request, object_id):
            return False
        return User.objects.filter(pk=object_id, is_staff=True).exists()

    def has_accounts_permission(self, request: HttpRequest, _id: str = "") -> bool:
        return request.user.has_perm("accounts.view_account")

    @action(description="Accounts", icon="account_balance_wallet", permissions=["view", "accounts"])
    def accounts(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page = reverse("admin:accounts_account_changelist")
        return HttpResponseRedirect(f"{page}?{urlencode({'owner': object_id})}")

    @action(description="New one-time password", icon="key", permissions=["view", "password"])
    @sensitive_variables("password")
    def one_time_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = User.objects.get(pk=object_id)
        if request.method == "POST":
            password = one_time.give(user, by=f"user:{request.user.pk}")
            record(request.user.pk, user, str(user), CHANGE, "Gave a one-time password.")
            return self._password_page(request, user, password)
        context = {
            **self.admin_site.each_context(request),
            "title": "New one-time password",
            "explanation": f"The password of {user} becomes invalid, and all sessions of {user}"
            " end. The next page shows a one-time password; its user replaces it at the login.",
        }
        return show_form(request, context, form=forms.Form(), back=_page_of(user))

    @action(description="Reset second factor", icon="phonelink_erase", permissions=["reset"])
    def reset_authenticator(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = User.objects.get(pk=object_id)

        def run(reason: str) -> str:
            authenticators.reset(user, by=f"user:{request.user.pk}")
            words = f"Reset the authenticator. {reason}"
            record(request.user.pk, user, str(user), CHANGE, words)
            return f"{user} has no authenticator any more, and all sessions of {user} have ended."

        context = {
            **self.admin_site.each_context(request),
            "title": "Reset second factor",
            "explanation": f"For a lost phone of {user}. The next login takes the password alone"
            " and leads to a new authenticator. First make sure who asks.",
        }
        return command_page(request, context, back=_page_of(user), run=run)

    @admin.action(
        description="Reset the authenticator of the selected users", permissions=["reset"]
    )
    def reset_authenticators(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """For a lost phone. Nobody resets their own: an unattended session must not be enough."""
        for user in users:
            if user == request.user:
                continue
            authenticators.reset(user, by=f"user:{request.user.pk}")
            self.log_change(request, user, "Reset the authenticator.")
            self.message_user(request, f"{user} has no authenticator any more.")

    # Columns --------------------------------------------------------------------------------------

    @display(description="Name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(description="Role")
    def role(self, user: User) -> str:
        return shown_role(user)

    @display(description="Further groups")
    def further_groups(self, user: User) -> str:
        return shown_role(user).partition(", ")[2]

    @display(description="Second factor")
    def second_factor(self, user: User) -> str:
        devices = user.totpdevice_set.all()  # type: ignore[attr-defined]
        return "Set up" if any(device.confirmed for device in devices) else "Not set up"

    @display(description="Password")
    def password_state(self, user: User) -> str:
        if not user.has_usable_password():
            return "No password"
        return "One-time, not replaced yet" if one_time.has_one(user) else "Chosen by the user"

    @display(description="Active")
    def active(self, user: User) -> str:
        return yes_or_no(user.is_active)


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, BankModelAdmin):  # type: ignore[misc]
    filter_horizontal = ()


def _name_in_log(user: User) -> str:
    """What the log keeps for ever: no name of a customer, who may ask to be forgotten."""
    return str(user) if user.is_staff else f"user {user.pk}"


def _page_of(user: User) -> str:
    return reverse("admin:auth_user_change", args=(user.pk,))
