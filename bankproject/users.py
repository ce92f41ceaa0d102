"""The form of a user: name, role, and whether the user may log in."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextInputWidget,
)

from bankproject.roles import ROLES
from core.console.admin import EMPTY

CUSTOMER = "customer"
_SUPERUSER = "superuser"
_WORDS = {
    "teller": "Teller: opens accounts and moves money",
    "supervisor": "Supervisor: also approves, reverses, freezes, closes and sets limits",
    "auditor": "Auditor: reads everything, changes nothing",
    CUSTOMER: "Customer: owns accounts, and cannot log in here",
}


def role_of(user: User) -> str:
    """The user's role: the first of the bank's groups, customer, superuser, or "" for none."""
    if user.is_superuser:
        return _SUPERUSER
    names = {group.name for group in user.groups.all()}
    for role in _WORDS:
        if role in names:
            return role
    return "" if user.is_staff else CUSTOMER


def shown_role(user: User) -> str:
    """The role, and further groups, for a list."""
    further = [group.name for group in user.groups.all() if group.name not in ROLES]
    return ", ".join([role_of(user).capitalize() or "None", *further]) or EMPTY


def _further_groups() -> Any:
    return Group.objects.exclude(name__in=ROLES).order_by("name")


class UserForm(forms.ModelForm):
    """Creates or changes a user. The superuser's role cannot be changed here.

    `full_name` is kept as Django keeps names: the first word, and the rest.
    """

    full_name = forms.CharField(
        max_length=150, required=False, widget=UnfoldAdminTextInputWidget(), label="Full name"
    )
    role = forms.ChoiceField(
        choices=list(_WORDS.items()),
        widget=UnfoldAdminRadioSelectWidget(),
        label="Role",
    )
    further_groups = forms.ModelMultipleChoiceField(
        queryset=Group.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Further groups",
    )

    class Meta:
        model = User
        fields = ("username", "email", "is_active")
        labels = {
            "username": "User name",
            "email": "Mail address",
            "is_active": "May log in and use the API",
        }
        help_texts = {
            "username": "At most 150 letters, digits and @ . + - _",
            "email": "Of a supervisor: the bank writes here while a transaction waits.",
            "is_active": "Users are made inactive, never deleted: their work still names them.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        user = self.instance
        if user.pk:
            self.initial["full_name"] = user.get_full_name()
            self.initial["role"] = role_of(user)
            self.initial["further_groups"] = list(_further_groups().filter(user=user))
        if user.is_superuser:
            self.fields.pop("role", None)
        if "further_groups" in self.fields:
            self.fields["further_groups"].queryset = _further_groups()  # type: ignore[attr-defined]

    def save(self, commit: bool = True) -> Any:
        user = self.instance
        first, _, rest = self.cleaned_data["full_name"].partition(" ")
        user.first_name, user.last_name = first, rest
        if not user.is_superuser:
            user.is_staff = self.cleaned_data["role"] != CUSTOMER
        if not user.pk:
            user.set_unusable_password()
        return super().save(commit)

    def save_groups(self) -> None:
        """Puts the saved user into the group of the role and the chosen further groups."""
        further = self.cleaned_data.get("further_groups", Group.objects.none())
        role = self.cleaned_data.get("role")
        self.instance.groups.set([*further, *Group.objects.filter(name=role, name__in=ROLES)])
