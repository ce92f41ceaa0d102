"""Content Security Policy (CSP Level 3) and Permissions Policy (W3C) of our pages."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_COMMON = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

# No page of ours uses any of these, and injected code must not either.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "bluetooth",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "publickey-credentials-get",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)

# API responses are data: nothing in them is ever run or shown as a page.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"

# Swagger UI needs no inline scripts, because its page is split, but it sets inline styles.
SWAGGER_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    f" img-src 'self' data:; {_COMMON}"
)

# The admin's theme evaluates expressions in attributes (Alpine.js) and has inline scripts.
# All of them come from us: nothing is loaded from, or sent to, another host.
ADMIN_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval';"
    f" style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; {_COMMON}"
)


class ContentSecurityPolicyMiddleware:
    """Sets both headers unless a view has set its own. The CSP depends on the path."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy_for(request.path_info))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if request.path_info.startswith("/admin/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def policy_for(path: str) -> str:
    if path.startswith("/api/v1/swagger/"):
        return SWAGGER_POLICY
    return API_POLICY if path.startswith("/api/") else ADMIN_POLICY
