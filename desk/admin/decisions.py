"""The pages that decide on a file: approve, reject, reverse. Each shows what it would do."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.command_form import form_page, in_one_line, show_form
from core.console.forms import DecisionForm, ReasonForm, carry
from core.console.request_cache import RequestCache
from core.counts import count_of
from core.errors import BankError
from desk import decisions, states
from desk.admin.shown import expected_in_words
from desk.contents import movements_of, poster_of
from desk.models import DeskFile
from desk.permissions import DECIDE_RIGHT, REVERSE_RIGHT, UPLOAD_RIGHT
from desk.reversing import try_reversal
from desk.states import ENDED, FileStatus
from desk.trial import Trial, try_file

_FILE = RequestCache[DeskFile | None]()
_TEMPLATE = "desk/decision.html"


class DecisionButtons:
    """Mixin for the admin of files."""

    admin_site: Any

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> DeskFile | None:
        """Reads the file once for the page and its buttons."""
        read = super().get_object  # type: ignore[misc]
        return _FILE.get(request, lambda: read(request, object_id, from_field))

    def found(self, request: HttpRequest, object_id: str) -> DeskFile:
        """Raises Http404."""
        file = self.get_object(request, object_id)
        if file is None:
            raise Http404
        return file

    def has_approve_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, DECIDE_RIGHT, FileStatus.WAITING)

    def has_reject_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Who uploads files may withdraw their own."""
        if self._may(request, object_id, DECIDE_RIGHT, FileStatus.WAITING):
            return True
        file = self.get_object(request, object_id)
        is_own = file is not None and file.uploaded_by_id == request.user.pk
        return is_own and self._may(request, object_id, UPLOAD_RIGHT, FileStatus.WAITING)

    def has_reverse_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, REVERSE_RIGHT, *ENDED)

    def _may(self, request: HttpRequest, object_id: str, right: str, *statuses: FileStatus) -> bool:
        """Only these states have the button. A posted form goes to the command in any state."""
        if not has_right(request.user, right):
            return False
        file = self.get_object(request, object_id)
        return file is not None and (request.method == "POST" or file.status in statuses)

    @action(
        description="Approve",
        icon="check",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "approve"],
    )
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tries the file again first. Asks again if it came out otherwise than the page showed."""
        file = self.found(request, object_id)
        trial, doubt = _tried(file)
        if request.user.pk == file.uploaded_by_id:
            doubt = "You uploaded this file, so someone else approves it."

        def run(values: dict[str, Any]) -> str:
            decisions.approve(file.pk, origin_of(request), values["reason"])
            return f"Approved. {file.name} is posted now; this page shows how far it is."

        form = DecisionForm(request.POST or None)
        form.fields["reason"].required = False
        mark = trial.mark() if trial else ""
        has_changed = bool(trial) and form.shown not in ("", mark)
        carry(form, "foreseen", mark)
        context = {
            **self._context(request, file, "Approve", FileStatus.WAITING),
            "facts": expected_in_words(trial.summary(), file.rows) if trial else (),
            "doubt": doubt,
            "has_changed": has_changed,
        }
        back = _page(file)
        # A file that cannot be tried, or has changed, is not decided.
        if has_changed or not trial:
            return show_form(request, context, form=form, back=back, template=_TEMPLATE)
        return form_page(request, context, form=form, back=back, run=run, template=_TEMPLATE)

    @action(description="Reject", icon="block", permissions=["view", "reject"])
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        file = self.found(request, object_id)

        def run(values: dict[str, Any]) -> str:
            decisions.reject(file.pk, origin_of(request), values["reason"])
            return f"Rejected. Nothing of {file.name} is posted."

        context = {
            **self._context(request, file, "Reject", FileStatus.WAITING),
            "facts": expected_in_words(file.expected, file.rows),
        }
        form, back = ReasonForm(request.POST or None), _page(file)
        return form_page(request, context, form=form, back=back, run=run, template=_TEMPLATE)

    @action(
        description="Reverse the file",
        url_path="reverse",
        icon="undo",
        variant=ActionVariant.DANGER,
        permissions=["view", "reverse"],
    )
    def reverse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        file = self.found(request, object_id)
        count, doubt = try_reversal(file, origin_of(request)) if file.status in ENDED else (0, "")
        told = count_of(count, "transaction") + (", all or none" if count > 1 else "")

        def run(values: dict[str, Any]) -> str:
            decisions.ask_for_reversal(file.pk, origin_of(request), values["reason"])
            return f"A worker reverses {told}. This page shows how it ends."

        context = {
            **self._context(request, file, "Reverse the file", *ENDED),
            "facts": [("Would be reversed", told)],
            "doubt": doubt,
        }
        form, back = ReasonForm(request.POST or None), _page(file)
        return form_page(request, context, form=form, back=back, run=run, template=_TEMPLATE)

    def _context(
        self, request: HttpRequest, file: DeskFile, title: str, *wanted: FileStatus
    ) -> dict[str, Any]:
        decided = "" if file.status in wanted else states.told(file.status)
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "file": file,
            "decided": decided,
        }


def _tried(file: DeskFile) -> tuple[Trial | None, str]:
    """A new dry run of a file that waits, and why there is none."""
    if file.status != FileStatus.WAITING:
        return Trial([]), ""
    try:
        return try_file(movements_of(file), poster_of(file)), ""
    except BankError as error:
        return None, error.errors[0].detail if error.errors else in_one_line(error)


def _page(file: DeskFile) -> str:
    return reverse("admin:desk_deskfile_change", args=(file.pk,))
