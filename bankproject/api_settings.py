"""Settings of the REST API and of its schema. None depends on the environment."""

from bankproject.first_page import FIRST_PAGE

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "clients.authentication.BearerAuthentication",
        # Staff logged in to the admin may use the API and Swagger with their session.
        "staff.authentication.VerifiedSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.Negotiation",
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.BankJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttling.ClientThrottle"],
    "NUM_PROXIES": 0,  # TrustedProxyMiddleware has already set the address.
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    # No OPTIONS: the schema documents the routes.
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Bank API",
    "DESCRIPTION": FIRST_PAGE,
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.close_request_bodies",
        "core.api.stale_reads.describe_stale_reads",
        "core.api.schema.add_problem_responses",
        "clients.schema.add_oauth_routes",
        "core.api.schema.leave_parameters_empty",
        "bankproject.example_ids.fill_in_ids",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AccountStatusEnum": "accounts.states.ShownStatus",
        "DeliveryStatusEnum": "webhooks.states.DeliveryStatus",
        "EventTypeEnum": "events.changes.TYPES",
        "FreezeScopeEnum": "accounts.states.FreezeScope",
        "HoldStatusEnum": "transactions.states.HoldStatus",
        "TransactionStatusEnum": "transactions.states.TransactionStatus",
        "TransactionTypeEnum": "transactions.states.TransactionType",
    },
}
