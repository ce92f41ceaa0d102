"""What the OpenAPI schema says of authentication."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from clients.scopes import SCOPES

TOKEN_PATH = "/api/v1/oauth/token/"  # noqa: S105 - a path, not a secret


class BearerScheme(OpenApiAuthenticationExtension):
    """OAuth2 client credentials; Swagger UI's Authorize dialog gets its token by it."""

    target_class = "clients.authentication.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "oauth2",
            "description": "Client credentials (RFC 6749, section 4.4). Tokens last 15 minutes.",
            "flows": {"clientCredentials": {"tokenUrl": TOKEN_PATH, "scopes": SCOPES}},
        }

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """The scope that the route's permission names."""
        permissions = auto_schema.view.get_permissions()
        scopes = {scope for rule in permissions if (scope := getattr(rule, "scope", None))}
        return {self.name: sorted(scopes)}


def _form(required: list[str], **properties: str) -> dict[str, Any]:
    """The body of an OAuth2 route: a form, with the client's credentials in it or in the header."""
    described = {
        **properties,
        "client_id": "The client, unless HTTP Basic names it.",
        "client_secret": "Its secret, unless HTTP Basic gives it.",
    }
    schema = {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": {
            name: {"type": "string", "minLength": 1, "description": text}
            for name, text in described.items()
        },
    }
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _answer(description: str, example: dict[str, Any]) -> dict[str, Any]:
    media = {"schema": {"type": "object", "description": description}, "example": example}
    return {"description": description, "content": {"application/json": media}}


def _refused(error: str) -> dict[str, Any]:
    return _answer(
        "The request or the client was refused (RFC 6749, section 5.2).", {"error": error}
    )


def add_oauth_routes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: the OAuth2 routes, which are the library's and not of this framework."""
    routes = {
        "token": (
            "Get a token",
            "Client credentials (RFC 6749, 4.4). A token without a scope is good for nothing.",
            _form(
                ["grant_type"],
                grant_type="`client_credentials`.",
                scope="Scopes, separated by blanks.",
            ),
            _answer(
                "The token.",
                {
                    "access_token": "fJ2kq0Xv...",
                    "expires_in": 900,
                    "token_type": "Bearer",
                    "scope": "accounts:read",
                },
            ),
        ),
        "revoke": (
            "Revoke a token",
            "The token is good for nothing any more (RFC 7009).",
            _form(["token"], token="The token.", token_type_hint="Ignored."),  # noqa: S106 - a description
            {"description": "Revoked."},
        ),
        "introspect": (
            "Ask what a token is good for",
            "Token introspection (RFC 7662).",
            _form(["token"], token="The token.", token_type_hint="Ignored."),  # noqa: S106 - a description
            _answer(
                "What is known of it.",
                {
                    "active": True,
                    "scope": "accounts:read",
                    "client_id": "Pq3...",
                    "exp": 1769852700,
                },
            ),
        ),
    }
    for name, (summary, description, body, answer) in routes.items():
        result["paths"][f"/api/v1/oauth/{name}/"] = {
            "post": {
                "operationId": f"oauth_{name}",
                "tags": ["OAuth2"],
                "summary": summary,
                "description": description,
                "security": [{}],
                "requestBody": body,
                "responses": {
                    "200": answer,
                    "400": _refused("invalid_request"),
                    "401": _refused("invalid_client"),
                },
            }
        }
    return result
