"""Staff and their groups, on the same base as all other pages of the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from core.console.admin import BankModelAdmin
from staff import authenticators

admin.site.index_title = "Today"

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin, BankModelAdmin):  # type: ignore[misc]
    """Users are made inactive, never deleted, so the records of their work still name them."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    ordering = ("username",)
    # Plain lists work with keyboards and screen readers; Django's pair of boxes does not.
    filter_horizontal = ()
    actions = ("reset_authenticators",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Hides the password's hash from users who may only view."""
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return fieldsets
        return [
            (name, {**options, "fields": [one for one in options["fields"] if one != "password"]})
            for name, options in fieldsets
        ]

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

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, BankModelAdmin):  # type: ignore[misc]
    filter_horizontal = ()
