"""OpenAPI descriptions of authentication and the OAuth2 routes."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from clients.scopes import SCOPES
from core.api.schema import FORM, describe_problems

TOKEN_PATH = "/api/v1/oauth/token/"  # noqa: S105 - a path, not a secret


class BearerScheme(OpenApiAuthenticationExtension):
    """OAuth2 client credentials; Swagger UI's Authorize dialog uses them to get a token."""

    target_class = "clients.authentication.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "oauth2",
            "description": "Client credentials (RFC 6749, section 4.4). Tokens last 15 minutes.",
            "flows": {"clientCredentials": {"tokenUrl": TOKEN_PATH, "scopes": SCOPES}},
        }

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """The scope of the route's permission."""
        permissions = auto_schema.view.get_permissions()
        scopes = {scope for rule in permissions if (scope := getattr(rule, "scope", None))}
        return {self.name: sorted(scopes)}


_TOKEN = "fJ2kq0XvN3sTz8yB1uLw6cRgHd5eAo9mPi4tKx7VbQs"  # noqa: S105 - an example
_CLIENT: dict[str, Any] = {
    "client_id": {
        "type": "string",
        "minLength": 1,
        "description": "The client, unless HTTP Basic names it.",
    },
    "client_secret": {
        "type": "string",
        "format": "password",
        "minLength": 1,
        "description": "The client's secret, unless HTTP Basic gives it.",
    },
}

_SCHEMAS: dict[str, dict[str, Any]] = {
    "TokenRequest": {
        "type": "object",
        "description": "The token request (RFC 6749, section 4.4.2), as a form.",
        "required": ["grant_type"],
        "additionalProperties": False,
        "properties": {
            "grant_type": {
                "type": "string",
                "enum": ["client_credentials"],
                "example": "client_credentials",
                "default": "client_credentials",
                "description": "There is no other grant.",
            },
            "scope": {
                "type": "string",
                "minLength": 1,
                "description": (
                    "Scopes of the client, separated by blanks. Without this member the token gets"
                    " all scopes of its client (section 3.3)."
                ),
                "example": " ".join(SCOPES),
            },
            **_CLIENT,
        },
    },
    "IssuedTokenRequest": {
        "type": "object",
        "description": "A token that was issued (RFC 7009, section 2.1), as a form.",
        "required": ["token"],
        "additionalProperties": False,
        "properties": {
            "token": {
                "type": "string",
                "minLength": 1,
                "description": "The token.",
                "example": _TOKEN,
            },
            "token_type_hint": {"type": "string", "minLength": 1, "description": "Ignored."},
            **_CLIENT,
        },
    },
    "Token": {
        "type": "object",
        "description": "A token (RFC 6749, section 5.1). There are no refresh tokens.",
        "required": ["access_token", "token_type", "expires_in", "scope"],
        "properties": {
            "access_token": {
                "type": "string",
                "description": "The token, 43 characters. The bank keeps a digest of it.",
                "example": _TOKEN,
            },
            "token_type": {
                "type": "string",
                "enum": ["Bearer"],
                "example": "Bearer",
                "description": "How to send it: `Authorization: Bearer` (RFC 6750, section 2.1).",
            },
            "expires_in": {
                "type": "integer",
                "minimum": 1,
                "description": "Seconds until the token expires.",
                "example": 900,
            },
            "scope": {
                "type": "string",
                "description": "Scopes of the token, separated by spaces; empty if none.",
                "example": "accounts:read transactions:read",
            },
        },
    },
    "TokenState": {
        "type": "object",
        "description": (
            "State and scopes of a token (RFC 7662, section 2.2). An active token has all"
            " members, any other `active` alone."
        ),
        "required": ["active"],
        "properties": {
            "active": {
                "type": "boolean",
                "description": "False for a token that is unknown, expired, or revoked.",
                "example": True,
            },
            "token_type": {
                "type": "string",
                "enum": ["Bearer"],
                "example": "Bearer",
                "description": "How the token is sent.",
            },
            "client_id": {
                "type": "string",
                "description": "The client that got the token.",
                "example": "Pq3sVn0cX7",
            },
            "username": {
                "type": "string",
                "description": "The user that the client acts as.",
                "example": "tessa",
            },
            "scope": {
                "type": "string",
                "description": "Scopes of the token, separated by spaces; empty if none.",
                "example": "accounts:read transactions:read",
            },
            "exp": {
                "type": "integer",
                "format": "int64",
                "description": "When the token expires, in seconds since 1970-01-01T00:00:00Z.",
                "example": 1769852700,
            },
        },
    },
    "OAuthError": {
        "type": "object",
        "description": "Why the request or the client was refused (RFC 6749, section 5.2).",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "string",
                "enum": [
                    "invalid_request",
                    "invalid_client",
                    "invalid_grant",
                    "invalid_scope",
                    "unauthorized_client",
                    "unsupported_grant_type",
                    "unsupported_token_type",
                ],
                "description": "The reason, for programs. The last one: RFC 7009, section 2.2.1.",
                "example": "invalid_request",
            },
            "error_description": {
                "type": "string",
                "description": "The reason, for people. Its wording may change.",
                "example": "Missing token parameter.",
            },
        },
    },
}

# Name of the route -> summary, description, component of the form, component of the response.
_ROUTES = {
    "token": (
        "Get a token",
        "Client credentials (RFC 6749, 4.4). Without `scope` the token gets all of its client.",
        "TokenRequest",
        "Token",
    ),
    "revoke": (
        "Revoke a token",
        "Makes the token invalid (RFC 7009). An unknown token is no error.",
        "IssuedTokenRequest",
        "",
    ),
    "introspect": (
        "Introspect a token",
        "Token introspection (RFC 7662).",
        "IssuedTokenRequest",
        "TokenState",
    ),
}
_CHALLENGE: dict[str, Any] = {
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6749, section 5.2): by HTTP Basic.",
        "schema": {"type": "string"},
        "example": 'Basic realm="bank"',
    }
}
# Errors that are problem details here too. These routes have other rules for the body.
_PROBLEMS = {
    "validation_error",
    "payload_too_large",
    "unsupported_media_type",
    "throttled",
    "internal_error",
    "busy",
    "outcome_unknown",
}


def add_oauth_routes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: adds the OAuth2 routes, which are not views of DRF."""
    result["components"]["schemas"] |= _SCHEMAS
    for name, (summary, description, form, answer) in _ROUTES.items():
        operation = {
            "operationId": f"oauth_{name}",
            "tags": ["OAuth2"],
            "summary": summary,
            "description": description,
            # No token: the client's credentials are in the form, or in the header.
            "security": [],
            "requestBody": {"required": True, "content": {FORM: _media(form)}},
            "responses": {
                "200": _answer("Done.", answer) if answer else {"description": "Done; no body."},
                "400": _answer("The request was refused.", "OAuthError"),
                "401": _answer("The client was refused.", "OAuthError", error="invalid_client")
                | {"headers": _CHALLENGE},
            },
        }
        describe_problems("post", operation, _PROBLEMS)
        result["paths"][f"/api/v1/oauth/{name}/"] = {"post": operation}
    return result


def _answer(description: str, component: str, **example: str) -> dict[str, Any]:
    content = {"application/json": _media(component, example)}
    return {"description": description, "content": content}


def _media(component: str, example: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body of this component. Without an example, the examples of its members apply."""
    members = _SCHEMAS[component]["properties"].items()
    of_members = {name: member["example"] for name, member in members if "example" in member}
    return {
        "schema": {"$ref": f"#/components/schemas/{component}"},
        "example": example or of_members,
    }
