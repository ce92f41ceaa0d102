"""Staff and their groups, on the same base as all other pages of the admin."""

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from core.admin import BankModelAdmin

admin.site.index_title = "Overview"

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin, BankModelAdmin):  # type: ignore[misc]
    """Nobody is deleted: whoever leaves is made inactive, and what they did still names them."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    ordering = ("username",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Group)
class GroupAdmin(auth_admin.GroupAdmin, BankModelAdmin):  # type: ignore[misc]
    pass
