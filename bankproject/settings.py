"""Settings of the bank: one file, every option from the environment, safe defaults.

docs/configuration.md lists the variables. An optional `.env` file beside `manage.py` is read too.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from bankproject import addresses, caches, environment, job_settings, mail, postgresql
from bankproject.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401
from bankproject.navigation import unfold_settings
from bankproject.production import LOCAL_HOSTS, is_production, require_production_settings
from bankproject.secret_key import kept_secret_key
from bankproject.variable_names import refuse_unknown_names
from core import failpoints
from core.console import silent_icons
from core.currencies import CURRENCIES
from core.files import close_to_others, reason_of
from core.stand_in import REPLICA

BASE_DIR = Path(__file__).resolve().parent.parent
environment.read_dotenv(BASE_DIR / ".env")

# The kind of process ------------------------------------------------------------------------------

DEBUG = environment.boolean("DJANGO_DEBUG", default=False)
# Empty for the embedded bank: SQLite, as `make run` starts it on this machine to try it out.
DATABASE_URL = addresses.database_url()
_OWN_DATA_DIR = BASE_DIR / "data"
DATA_DIR = Path(environment.text("BANK_DATA_DIR", str(_OWN_DATA_DIR))).resolve()
if DATA_DIR.exists() and not DATA_DIR.is_dir():
    raise ImproperlyConfigured(f"BANK_DATA_DIR must be a folder, but {DATA_DIR} is not one.")
if DATA_DIR == _OWN_DATA_DIR:  # The operator decides the mode of another folder.
    close_to_others(DATA_DIR)

ALLOWED_HOSTS = addresses.allowed_hosts(default=LOCAL_HOSTS)
CSRF_TRUSTED_ORIGINS = addresses.trusted_origins()
# Production requires TLS, and refuses to start half-configured.
PRODUCTION = is_production()

SECRET_KEY = environment.text("DJANGO_SECRET_KEY")
SECRET_KEY_FILE = environment.text("DJANGO_SECRET_KEY_FILE")
if not SECRET_KEY and (SECRET_KEY_FILE or not PRODUCTION):
    # Relative names are in the data folder. Without a name, the bank creates one there.
    SECRET_KEY = kept_secret_key(DATA_DIR / (SECRET_KEY_FILE or "secret_key"))
# Former keys: data signed or encrypted with them can still be read.
SECRET_KEY_FALLBACKS = environment.words("DJANGO_SECRET_KEY_FALLBACKS", default=[])

# The number of proxies in front of us that append to X-Forwarded-For. 0 ignores the header.
TRUSTED_PROXIES = environment.integer("BANK_TRUSTED_PROXIES", default=0, maximum=100)
# A trusted proxy sets the client's address and the request id.
TRUSTS_REQUEST_IDS = TRUSTED_PROXIES > 0
# These three are read in every mode, so that a wrong value is refused everywhere.
_SSL_REDIRECT = environment.boolean("BANK_SSL_REDIRECT", default=True)
_HSTS_SECONDS = environment.integer(
    "BANK_HSTS_SECONDS", default=31_536_000, minimum=1, maximum=1_000_000_000
)
failpoints.arm(environment.text("BANK_FAILPOINTS"), fuses=environment.text("BANK_FAILPOINT_FUSES"))
if PRODUCTION:
    failpoints.require_disarmed()
    require_production_settings(
        debug=DEBUG,
        allowed_hosts=ALLOWED_HOSTS,
        trusted_origins=CSRF_TRUSTED_ORIGINS,
        database_url=DATABASE_URL,
        secret_key=SECRET_KEY,
    )
    SECURE_SSL_REDIRECT = _SSL_REDIRECT
    # Probes call a worker directly, bypassing the proxy.
    SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/", r"^metrics$"]
    SECURE_HSTS_SECONDS = _HSTS_SECONDS
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # With this prefix, neither other hosts of the domain nor plain HTTP can set the cookies (RFC
    # 6265bis, section 4.1.3.2).
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Parts --------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Not unfold's default configuration, which would replace our site by its own.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "staff.apps.StaffAdminConfig",
    "django.forms",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "clients.apps.TokensConfig",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "core",
    "customers",
    "accounts",
    "transactions",
    "clients.apps.ClientsConfig",
    "staff",
    "seals",
    "statements",
    "desk",
    "events",
    "webhooks",
    "analytics",
    "jobs",
    "bankproject",
]

MIDDLEWARE = [
    "core.api.middleware.RequestIdMiddleware",
    "core.api.middleware.TrustedProxyMiddleware",
    "core.request_log.RequestLogMiddleware",
    # A scraper knows a process by its address, which is no name of the bank's.
    "bankproject.metrics.page.MetricsMiddleware",
    "core.api.middleware.ApiErrorsMiddleware",
    "core.api.middleware.OverloadMiddleware",
    "core.api.middleware.AddressThrottleMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.content_security.ContentSecurityPolicyMiddleware",
    "django.middleware.common.CommonMiddleware",
    # The middleware below is for pages: API requests with a token never enter it.
    "core.api.short_way.ShortWayMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "staff.lost_session.LostSessionMiddleware",
    "staff.sessions.IdleTimeoutMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "bankproject.errors.BusyPageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "staff.time_zone.StaffTimeZoneMiddleware",
]

ROOT_URLCONF = "bankproject.urls"
WSGI_APPLICATION = "bankproject.wsgi.application"

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "bankproject" / "templates"],
        "OPTIONS": {
            "loaders": silent_icons.LOADERS,
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database -----------------------------------------------------------------------------------------
# PostgreSQL has all four time-outs off by default. Each one here is shorter than gunicorn's own, so
# that a client gets 503 `busy` from us, not a broken connection.

LOCK_TIMEOUT_SECONDS = environment.integer("BANK_LOCK_TIMEOUT_SECONDS", default=2, minimum=1)
STATEMENT_TIMEOUT_SECONDS = environment.integer(
    "BANK_STATEMENT_TIMEOUT_SECONDS", default=20, minimum=1
)
_SQLITE_WAL = environment.boolean("BANK_SQLITE_WAL", default=False)
# `core.timeouts` sets them on each connection.
DATABASE_TIMEOUT_SECONDS = {
    "lock_timeout": LOCK_TIMEOUT_SECONDS,
    "statement_timeout": STATEMENT_TIMEOUT_SECONDS,
    "idle_in_transaction_session_timeout": 30,
    "client_connection_check_interval": 5,
}


def _sqlite(path: Path) -> dict[str, Any]:
    # REPLACE skips delete triggers unless recursive_triggers is on. A deferred database transaction
    # that begins to write fails at once, whatever the time-out. Django enables foreign keys.
    pragmas = ["PRAGMA recursive_triggers=ON", "PRAGMA synchronous=FULL"]
    # Before 3.51.3 write-ahead logging can lose a write in a rare race, so it is opt-in.
    if _SQLITE_WAL:
        pragmas.append("PRAGMA journal_mode=WAL")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"BANK_DATA_DIR {path.parent} cannot be created: {reason_of(error)}."
        ) from error
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


DATABASES = {"default": postgresql.read(DATABASE_URL) or _sqlite(DATA_DIR / "bank.sqlite3")}
# A money command opens its own database transaction, and a read needs none.
DATABASES["default"]["ATOMIC_REQUESTS"] = False
# A standby that answers reads: `core.replica`.
REPLICA_URL = addresses.replica_url(DATABASE_URL)
HAS_REPLICA = bool(REPLICA_URL)
if HAS_REPLICA:
    DATABASES[REPLICA] = postgresql.read_replica(REPLICA_URL, DATABASES["default"])
REPLICA_MAX_LAG_SECONDS = environment.integer(
    "BANK_REPLICA_MAX_LAG_SECONDS", default=5, minimum=1, maximum=3600
)
# Whether what a new connection may read has to be on a standby first: `core.replicated`.
DATABASE_HAS_STANDBYS = postgresql.has_several_hosts(DATABASES["default"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in ------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "core.authorization_backend.BankModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # For client secrets only; passwords use the first hasher.
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
    # Client credentials only: the default server also accepts people's passwords, and so reveals
    # which are right.
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "OAUTH2_VALIDATOR_CLASS": "clients.validators.ClientCredentialsValidator",
    "SCOPES_BACKEND_CLASS": "clients.scopes.ClientScopes",
    # By default a token gets all scopes of its client: see `ClientScopes`.
    "DEFAULT_SCOPES": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": environment.integer(
        "BANK_TOKEN_LIFETIME_SECONDS", default=900, minimum=1
    ),
    "ACCESS_TOKEN_GENERATOR": "clients.registry.new_token",
    "CLIENT_SECRET_HASHER": "generated_sha256",
    # RFC 9700: tokens are stored as digests, and accepted in the header only.
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
LOGIN_REDIRECT_URL = "admin:index"
# Staff also need a code of their authenticator to log in. Production always requires it.
REQUIRE_MFA = environment.boolean("BANK_REQUIRE_MFA", default=False) or PRODUCTION
# Backup codes have 80 random bits: throttling would only help an attacker to lock their owner out.
OTP_STATIC_THROTTLE_FACTOR = 0
OTP_TOTP_ISSUER = environment.text("BANK_NAME", "Bank")
# The failed logins by one address as one user or client that lead to a lockout.
LOCKOUT_FAILURES = environment.integer("BANK_LOCKOUT_FAILURES", default=5)
LOCKOUT_MINUTES = environment.integer("BANK_LOCKOUT_MINUTES", default=15, minimum=1)
AXES_LOCK_OUT_AT_FAILURE = LOCKOUT_FAILURES > 0
AXES_FAILURE_LIMIT = LOCKOUT_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=LOCKOUT_MINUTES)
# By the pair of user and address, so nobody can lock a user out from elsewhere, nor an address for
# its other users.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "core.addresses.axes_caller_of"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "staff.lockout.locked_out"
# These fields of a failed form are neither stored nor logged.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "csrfmiddlewaretoken"]
AXES_ENABLE_ADMIN = False
# Keeps a record of every failure: a success resets the attempts that the lockout counts.
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_ACCESS_FAILURE_LOG_PER_USER_LIMIT = 1_000_000_000
AXES_VERBOSE = False
SESSION_ENGINE = "staff.sessions"
# A session ends after being unused for this time. 0 switches that off.
SESSION_IDLE_MINUTES = environment.integer("BANK_SESSION_IDLE_MINUTES", default=30)
# `manage.py clear_expired` removes older records of logins. 0 keeps them all.
LOGIN_RETENTION_DAYS = environment.integer("BANK_LOGIN_RETENTION_DAYS", default=365)
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 60 * 60  # A working day.
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "bankproject.errors.csrf_failed"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

# Language, time, static files ---------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = environment.time_zone("BANK_TIME_ZONE", default="UTC")
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Serves files straight from the installed packages, so `make run` need not collect them first.
WHITENOISE_USE_FINDERS = True

# The bank -----------------------------------------------------------------------------------------

# ISO 4217; the currency of accounts that are opened without one.
BANK_DEFAULT_CURRENCY = environment.text("BANK_DEFAULT_CURRENCY", "USD")
if BANK_DEFAULT_CURRENCY not in CURRENCIES:
    raise ImproperlyConfigured("BANK_DEFAULT_CURRENCY must be an ISO 4217 code.")

# In main units by currency, as in "USD:10000,EUR:8000.50": amounts from here need a second person.
BANK_APPROVAL_THRESHOLDS = environment.amounts("BANK_APPROVAL_THRESHOLDS")
# In main units by currency: the most that one maker may move on a day without a second person.
BANK_APPROVAL_DAILY_THRESHOLDS = environment.amounts("BANK_APPROVAL_DAILY_THRESHOLDS")
APPROVAL_EXPIRES_DAYS = environment.integer("BANK_APPROVAL_EXPIRES_DAYS", default=7, minimum=1)
# How long after closing an account may be reopened. 0 switches that off.
BANK_REOPEN_DAYS = environment.integer("BANK_REOPEN_DAYS", default=30)
# How far back staff may set a value date. 0 forbids it.
BANK_BACKDATE_DAYS = environment.integer("BANK_BACKDATE_DAYS", default=0)
RETRY_LIMIT = environment.integer("BANK_RETRY_LIMIT", default=5)
# A job archives transactions completed this long ago, once a day. 0 switches that off.
ARCHIVE_AFTER_DAYS = environment.integer("BANK_ARCHIVE_AFTER_DAYS", default=0)
# How long a worker may be silent before its claims are released.
WORKER_LEASE_SECONDS = environment.integer("BANK_WORKER_LEASE_SECONDS", default=60, minimum=1)
# When a due transaction has waited longer, the bank is not ready.
QUEUE_LAG_LIMIT_SECONDS = environment.integer("BANK_QUEUE_LAG_LIMIT_SECONDS", default=300)
# Without a worker, a verification or an archive run for longer, the console shows a bar, and
# health/ready/ says so. 0 switches a limit off.
WORKER_LIMIT_SECONDS = environment.integer("BANK_WORKER_LIMIT_SECONDS", default=30)
VERIFICATION_LIMIT_HOURS = environment.integer("BANK_VERIFICATION_LIMIT_HOURS", default=26)
ARCHIVE_LIMIT_HOURS = environment.integer("BANK_ARCHIVE_LIMIT_HOURS", default=72)
SEAL_LIMIT_HOURS = environment.integer("BANK_SEAL_LIMIT_HOURS", default=26)
# The key that signs seals: its 32 bytes, or a file. Relative names are in the data folder.
SEAL_KEY = environment.seed("BANK_SEAL_KEY")
SEAL_KEY_FILE = environment.text("BANK_SEAL_KEY_FILE", "seal_key.pem")
# A server that answers named queries instead of the database.
PRESTO_URL = addresses.presto_url()
JOBS, JOB_LIMIT_MINUTES, BACKUP_DIR, BACKUP_KEEP, LAKE_DIR = job_settings.read(
    embedded=not DATABASE_URL, archives=ARCHIVE_AFTER_DAYS > 0
)

# Limits on clients -------------------------------------------------------------------------------
# Counted in each worker's memory, or in Redis for all of them. 0 switches a limit off.

CACHE_URL = addresses.cache_url()
THROTTLES_ARE_SHARED = bool(CACHE_URL)
CACHES = caches.of(CACHE_URL)
WEB_WORKERS = environment.web_workers()
HOST, PORT = environment.address()
# The outside address of a bank in a container, where it listens on all addresses.
PUBLISHED_ON = environment.host("BANK_PUBLISHED_ON", HOST)
# Checked here with the others; the server reads them for itself.
environment.serves_worker(), environment.gathers()
THROTTLE_CLIENT_PER_MINUTE = environment.integer("BANK_THROTTLE_CLIENT_PER_MINUTE", default=6000)
THROTTLE_ADDRESS_PER_MINUTE = environment.integer("BANK_THROTTLE_ADDRESS_PER_MINUTE", default=12000)
# Login attempts of staff, by address and worker: each costs a slow hash.
THROTTLE_LOGIN_PER_MINUTE = environment.integer("BANK_THROTTLE_LOGIN_PER_MINUTE", default=30)
# How long a request may wait for a thread of its web process. 0 means for ever.
OVERLOAD_MILLISECONDS = environment.integer("BANK_OVERLOAD_MILLISECONDS", default=1000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

# Webhooks -----------------------------------------------------------------------------------------

# Whether webhooks may reach private addresses, without TLS too: for an intranet, and for tests.
WEBHOOKS_REACH_PRIVATE = environment.boolean("BANK_WEBHOOKS_REACH_PRIVATE", default=False)

# Mail ---------------------------------------------------------------------------------------------
# To staff who may approve, while transactions wait for them; none without EMAIL_URL.

_MAIL = mail.mail_server()
SENDS_MAIL = bool(_MAIL.host)
EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL[:4]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL[4:]
# Seconds for each answer. Long: a mail that is taken without a timely answer would go out twice.
EMAIL_TIMEOUT = 60
DEFAULT_FROM_EMAIL = mail.mail_sender(required=SENDS_MAIL)
# A user gets at most one mail about approvals in this time.
APPROVAL_MAIL_MINUTES = mail.minutes_between_mails()
# The address of the bank in a browser, for links in mails.
PUBLIC_URL = mail.public_url(origins=CSRF_TRUSTED_ORIGINS, host=PUBLISHED_ON, port=PORT)
# The same where it was set by name: else pages name the host of their request.
NAMED_PUBLIC_URL = PUBLIC_URL if environment.text("BANK_PUBLIC_URL", "") else ""

# Logs ---------------------------------------------------------------------------------------------

LOG_FORMAT = environment.choice("BANK_LOG_FORMAT", ("json", "console"), default="json")
LOG_LEVEL = environment.choice(
    "BANK_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="INFO"
)
LOGGING_CONFIG = "core.logs.configure"
LOGGING = {"as_json": LOG_FORMAT == "json", "level": LOG_LEVEL}

# Metrics ------------------------------------------------------------------------------------------

# Whether the bank keeps metrics and serves them at /metrics.
BANK_METRICS = environment.counts_metrics()
# The bearer token of a scraper. Without one only the embedded bank answers, to this machine.
METRICS_TOKEN = environment.token("BANK_METRICS_TOKEN")
METRICS_ARE_OPEN = not (METRICS_TOKEN or PRODUCTION or TRUSTED_PROXIES or DATABASE_URL)
# The port for metrics of those queue workers that no web server started. 0 means no port.
METRICS_PORT = environment.integer("BANK_METRICS_PORT", default=0, maximum=65535)
# One process reads the database once in this time, however often scrapers ask for metrics.
METRICS_INTERVAL_SECONDS = environment.integer("BANK_METRICS_INTERVAL_SECONDS", default=10)

# Admin --------------------------------------------------------------------------------------------

BANK_NAME = environment.text("BANK_NAME", "Bank")
FORMAT_MODULE_PATH = "bankproject.formats"
UNFOLD = unfold_settings(BANK_NAME)

refuse_unknown_names()  # Last, because all names have been read by now.
