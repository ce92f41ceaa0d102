"""Which of its forms a response takes."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_JSON = "application/json"
_ANYTHING = ("*/*", _JSON)


class Negotiation(DefaultContentNegotiation):
    """The framework's, which parses no header where nothing is to be chosen."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        """The renderer, and its media type as accepted. Raises NotAcceptable."""
        accepts_json = request.META.get("HTTP_ACCEPT", _JSON) in _ANYTHING
        query = request.META.get("QUERY_STRING", "")
        # An escape may hide any name.
        names_a_form = "format" in query or "%" in query or format_suffix
        preferred = next(iter(renderers))
        if accepts_json and not names_a_form and preferred.media_type == _JSON:
            return preferred, _JSON
        return super().select_renderer(request, renderers, format_suffix)


class FormatIsAParameter(Negotiation):
    """Leaves an unknown `format` to the parameters' check, which reports it by name: 400."""

    def filter_renderers(
        self,
        renderers: Iterable[BaseRenderer],
        format: str,  # noqa: A002 - the caller passes this name
    ) -> list[BaseRenderer]:
        return [each for each in renderers if each.format == format] or list(renderers)
