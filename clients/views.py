"""OAuth2 routes: those of django-oauth-toolkit that client credentials need."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider import views
from oauth2_provider.views.mixins import OAuthLibMixin

from clients.credentials import InvalidRequest, read_form
from clients.lockout import LockoutMixin
from clients.tokens import usable_token
from core.api.problems import problem_response

MAX_FORM_BYTES = 8 * 1024
_FORM = "application/x-www-form-urlencoded"


@method_decorator(csrf_exempt, name="dispatch")
class FormView(LockoutMixin, OAuthLibMixin, View):
    """Accepts POST of a form by RFC 6749 (appendix B): 415 for other types, 413 above 8 kB.

    Multipart forms are refused: Django would write files of any size to disk first. Form and header
    are read once, by `clients.credentials`; its refusals are 400 `invalid_request`. A 401 asks for
    Basic, except in the response to a script in a browser.
    """

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_FORM_BYTES:
                detail = f"The body is longer than {MAX_FORM_BYTES} bytes."
                return problem_response("payload_too_large", detail, request)
            if request.content_type not in ("", _FORM):
                detail = f"The media type must be {_FORM}."
                return problem_response("unsupported_media_type", detail, request)
            try:
                # From here on, only this form is used.
                request.POST = read_form(request)  # type: ignore[assignment]
            except InvalidRequest as error:
                return _refused("invalid_request", 400, error_description=str(error))
            request.META.pop("HTTP_AUTHORIZATION", None)
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 401 and "Sec-Fetch-Mode" not in request.headers:
            # The library's challenge asks for a Bearer token, which these routes do not take. A
            # script in a browser gets that challenge all the same: Basic would open the browser's
            # own login dialog.
            response["WWW-Authenticate"] = 'Basic realm="bank"'
        return response


class TokenView(FormView, views.TokenView):
    """Issues tokens (RFC 6749, section 4.4)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Skips the library's branch for the device grant, which no client has here."""
        return self.authorization_flow_token_response(request)


class RevokeTokenView(FormView, views.RevokeTokenView):
    """Lets a client revoke its own tokens (RFC 7009)."""


class IntrospectTokenView(FormView):
    """Tells a client a token's scopes and expiry, or that the token is inactive (RFC 7662).

    The library's own view calls a token active even if its client or user is not.
    """

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.authenticate_client(request):
            return _refused("invalid_client", 401)
        raw_token = request.POST.get("token")
        if not raw_token:
            detail = "Missing token parameter."
            return _refused("invalid_request", 400, error_description=detail)
        token = usable_token(raw_token)
        if token is None:
            return JsonResponse({"active": False})
        return JsonResponse(
            {
                "active": True,
                "token_type": "Bearer",
                "client_id": token.application.client_id,
                "username": token.application.user.get_username(),
                "scope": token.scope,
                "exp": int(token.expires.timestamp()),
            }
        )


def _refused(error: str, status: int, **members: str) -> JsonResponse:
    """An error response by RFC 6749, section 5.2."""
    return JsonResponse({"error": error, **members}, status=status)
