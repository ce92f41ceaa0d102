"""The page that takes a file in, and says what is wrong with it, row by row."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanSwitchWidget

from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.command_form import in_one_line, show_form
from core.errors import BankError
from desk.permissions import UPLOAD_RIGHT
from desk.uploads import MAX_BYTES, upload
from transactions.batches.post import MAX_ITEMS

_TEMPLATE = "desk/upload.html"


class UploadForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.jsonl"}),
        allow_empty_file=True,  # The desk has a sentence for it.
        help_text=f"CSV in UTF-8 with commas, or JSON Lines: {MAX_ITEMS:,} movements and"
        f" {MAX_BYTES // 1024 // 1024} MiB at most.",
    )
    atomic = forms.BooleanField(
        label="All or nothing",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="A movement that is refused then stops the whole file.",
    )


class UploadButton:
    """Mixin for the admin of files."""

    admin_site: Any

    def has_upload_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, UPLOAD_RIGHT)

    @action(
        description="Upload a file",
        url_path="upload",
        icon="upload_file",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "upload"],
    )
    def upload(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST or None, request.FILES or None)
        problems: list[str] = []
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data["file"]
            try:
                # One byte more than allowed tells that it is too large.
                content = given.read(MAX_BYTES + 1)
                atomic = form.cleaned_data["atomic"]
                file = upload(given.name, content, atomic=atomic, origin=origin_of(request))
            except BankError as error:
                problems = [each.detail for each in error.errors] or [in_one_line(error)]
            else:
                messages.success(request, "Read and tried. It waits for a second person.")
                return redirect("admin:desk_deskfile_change", file.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "Upload a file",
            "problems": problems,
        }
        back = reverse("admin:desk_deskfile_changelist")
        return show_form(request, context, form=form, back=back, template=_TEMPLATE)
