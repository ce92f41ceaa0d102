"""Settings of the bank: one file, every knob from the environment, safe defaults.

`README.md` lists the variables. A `.env` file beside `manage.py` is read if it is there.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from bankproject import environment
from bankproject.secret_key import kept_secret_key
from core.currencies import CURRENCIES

BASE_DIR = Path(__file__).resolve().parent.parent
environment.read_dotenv(BASE_DIR / ".env")

# What kind of process this is ---------------------------------------------------------------------

DEBUG = environment.boolean("DJANGO_DEBUG", default=False)
# Embedded means: the SQLite bank that `make run` starts on this machine, for trying it out.
DATABASE_URL = environment.text("DATABASE_URL")
DATA_DIR = Path(environment.text("BANK_DATA_DIR", str(BASE_DIR / "data"))).resolve()

SECRET_KEY = environment.text("DJANGO_SECRET_KEY")
SECRET_KEY_FILE = environment.text("DJANGO_SECRET_KEY_FILE")
if not SECRET_KEY:
    if DATABASE_URL and not DEBUG and not SECRET_KEY_FILE:
        raise ImproperlyConfigured(
            "DJANGO_SECRET_KEY or DJANGO_SECRET_KEY_FILE must be set where DATABASE_URL is."
        )
    # A relative name lies in the data folder. The embedded bank keeps its key beside its database.
    SECRET_KEY = kept_secret_key(DATA_DIR / (SECRET_KEY_FILE or "secret_key"))

ALLOWED_HOSTS = environment.words(
    "DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = environment.words("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])

# Parts --------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "accounts",
    "transactions",
    "clients",
    "oauth2_provider",
    "bankproject",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "core.api.middleware.RequestIdMiddleware",
    "core.api.middleware.ApiErrorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "bankproject.urls"
WSGI_APPLICATION = "bankproject.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "bankproject" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database -----------------------------------------------------------------------------------------
# All four time-outs are off in PostgreSQL as it comes. Each stays below gunicorn's own time-out, so
# that a client hears 503 `busy` from us, and not a broken connection.

LOCK_TIMEOUT_SECONDS = environment.integer("BANK_LOCK_TIMEOUT_SECONDS", default=5, minimum=1)
STATEMENT_TIMEOUT_SECONDS = environment.integer(
    "BANK_STATEMENT_TIMEOUT_SECONDS", default=20, minimum=1
)


def _postgresql(url: str) -> dict[str, Any]:
    database: dict[str, Any] = environ.Env.db_url_config(url)
    server_settings = {
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": "30s",
        "client_connection_check_interval": "5s",
        "timezone": "UTC",
    }
    options = database.setdefault("OPTIONS", {})
    options["options"] = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
    options["application_name"] = "bank"
    isolation = environment.text("BANK_ISOLATION_LEVEL", "read committed").lower()
    levels = {"read committed": 2, "repeatable read": 3, "serializable": 4}
    if isolation not in levels:
        raise ImproperlyConfigured(f"BANK_ISOLATION_LEVEL must be one of {', '.join(levels)}.")
    options["isolation_level"] = levels[isolation]
    database["CONN_MAX_AGE"] = environment.integer("BANK_CONNECTION_MAX_AGE_SECONDS", default=60)
    database["CONN_HEALTH_CHECKS"] = True
    return database


def _sqlite(path: Path) -> dict[str, Any]:
    # REPLACE skips delete triggers unless recursive_triggers is on, and a deferred transaction that
    # upgrades to writing fails at once, whatever the time-out. Foreign keys are on by Django.
    pragmas = ["PRAGMA recursive_triggers=ON", "PRAGMA synchronous=FULL"]
    # Before 3.51.3 write-ahead logging can lose a write in a rare race, so it has to be asked for.
    if environment.boolean("BANK_SQLITE_WAL", default=False):
        pragmas.append("PRAGMA journal_mode=WAL")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": ";".join(pragmas),
        },
        # A file, not memory: the tests open it from several threads and processes.
        "TEST": {"NAME": path.parent / f"test_{path.name}"},
    }


DATABASES = {
    "default": _postgresql(DATABASE_URL) if DATABASE_URL else _sqlite(DATA_DIR / "bank.sqlite3")
}
if DATABASES["default"]["ENGINE"] not in (
    "django.db.backends.postgresql",
    "django.db.backends.sqlite3",
):
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database.")
# A money command opens its own transaction, and a read needs none.
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in ------------------------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # Recognised for client secrets only; passwords are made with the first.
    "clients.hashers.GeneratedSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
OAUTH2_PROVIDER_APPLICATION_MODEL = "clients.ApiClient"
OAUTH2_PROVIDER = {
    # Client credentials only: the default server also takes people's passwords, and so tells right
    # ones from wrong ones.
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "SCOPES_BACKEND_CLASS": "clients.scopes.ClientScopes",
    # No scope asked for means none, not all.
    "DEFAULT_SCOPES": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": environment.integer(
        "BANK_TOKEN_LIFETIME_SECONDS", default=900, minimum=1
    ),
    "ACCESS_TOKEN_GENERATOR": "clients.registry.new_token",
    "CLIENT_SECRET_HASHER": "generated_sha256",
    # RFC 9700: tokens are kept as digests, and taken from the header only.
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
}
LOGIN_URL = "admin:login"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# Language, time, static files ---------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Served straight from the installed packages: nothing to collect before `make run`.
WHITENOISE_USE_FINDERS = True

# The bank -----------------------------------------------------------------------------------------

# ISO 4217; what an account is opened in when its opener does not say.
BANK_DEFAULT_CURRENCY = environment.text("BANK_DEFAULT_CURRENCY", "USD")
if BANK_DEFAULT_CURRENCY not in CURRENCIES:
    raise ImproperlyConfigured("BANK_DEFAULT_CURRENCY must be an ISO 4217 code.")

# REST API -----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "clients.authentication.BearerAuthentication",
        # Staff who are logged in to the admin may use the API and Swagger with their session.
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.problems.exception_handler",
    # No OPTIONS: the schema tells what there is.
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Bank API",
    "DESCRIPTION": (
        "Accounts, deposits, withdrawals and transfers on an immutable double-entry ledger."
    ),
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.add_problem_responses",
        "clients.schema.add_oauth_routes",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AccountStatusEnum": "accounts.states.ShownStatus",
        "FreezeScopeEnum": "accounts.states.FreezeScope",
        "TransactionStatusEnum": "transactions.states.TransactionStatus",
        "TransactionTypeEnum": "transactions.states.TransactionType",
    },
}

# Admin --------------------------------------------------------------------------------------------

BANK_NAME = environment.text("BANK_NAME", "Bank")
FORMAT_MODULE_PATH = "bankproject.formats"
UNFOLD = {
    "SITE_TITLE": BANK_NAME,
    "SITE_HEADER": BANK_NAME,
    "SITE_SYMBOL": "account_balance",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda _request: static("bankproject/favicon.svg"),
        }
    ],
    "STYLES": [lambda _request: static("bankproject/admin.css")],
    "SIDEBAR": {"navigation": "bankproject.navigation.sidebar"},
}
