"""All settings of the platform, read from the environment.

There are two ways to run, with the same code. **Embedded**: no DATABASE_URL; SQLite, files, threads. **Full**:
DATABASE_URL and REDIS_URL; PostgreSQL, Redis, Celery. `docs/operations.md` lists the variables.
"""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE_URL = env.get_text("DATABASE_URL")
REDIS_URL = env.get_text("REDIS_URL")
EMBEDDED = env.is_embedded()
DEBUG = env.get_flag("DEBUG")
DATA_DIR = Path(env.get_text("DATA_DIR", str(BASE_DIR / "data"))).resolve()
KEYS_DIR = Path(
    env.get_text("KEYS_DIR") or Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "baqylau"
).resolve()

if KEYS_DIR.is_relative_to(DATA_DIR):
    raise env.Misconfigured(["KEYS_DIR lies within DATA_DIR: whoever copies the data would have the keys"])

# ── keys ────────────────────────────────────────────────────────────────────────────────────
# Embedded keys are made on first use, outside DATA_DIR, so that a copied or stolen data folder
# opens nothing. A full deployment must give its own: it must never lose them without an error.
if EMBEDDED:
    SECRET_KEY = env.get_or_create_secret("SECRET_KEY", KEYS_DIR)
    FIELD_KEYS = [key.strip() for key in env.get_or_create_secret("FIELD_KEYS", KEYS_DIR).split(",") if key.strip()]
    LOOKUP_KEY = env.get_or_create_secret("LOOKUP_KEY", KEYS_DIR)
else:
    SECRET_KEY = env.get_text("SECRET_KEY")
    FIELD_KEYS = env.get_list("FIELD_KEYS")
    LOOKUP_KEY = env.get_text("LOOKUP_KEY")
ALLOWED_HOSTS = env.get_list("ALLOWED_HOSTS")
TRUSTED_PROXIES = env.get_list("TRUSTED_PROXIES")

if not EMBEDDED:
    _problems = [
        f"{name} is not set; `python -m config.keys` prints fresh ones; keep them outside backups"
        for name, value in (("SECRET_KEY", SECRET_KEY), ("FIELD_KEYS", FIELD_KEYS), ("LOOKUP_KEY", LOOKUP_KEY))
        if not value
    ]
    if SECRET_KEY and len(SECRET_KEY) < 32:
        _problems.append("SECRET_KEY is shorter than 32 characters")
    if any(not env.is_field_key(key) for key in FIELD_KEYS):
        _problems.append("FIELD_KEYS holds something that is no key; `python -m config.keys` prints good ones")
    if LOOKUP_KEY and len(LOOKUP_KEY) < 32:
        _problems.append("LOOKUP_KEY is shorter than 32 characters")
    if LOOKUP_KEY and LOOKUP_KEY in (SECRET_KEY, *FIELD_KEYS):
        _problems.append("LOOKUP_KEY must differ from SECRET_KEY and FIELD_KEYS: it outlives their rotation")
    if not REDIS_URL:
        _problems.append("REDIS_URL is not set; DATABASE_URL and REDIS_URL belong together")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        _problems.append("ALLOWED_HOSTS must name the public host names, without *")
    if DEBUG:
        _problems.append("DEBUG shows secrets to strangers; it is for an embedded deployment only")
    if _problems:
        raise env.Misconfigured(_problems)

# ── applications ────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "observer",
    "reports",
    "api",
    "rest_framework",
    "config.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "config.middleware.ForwardedHeadersMiddleware",
    "config.middleware.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.DeskContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.DeskQueryPlanMiddleware",
    "api.rest.cors.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "observer.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
APPEND_SLASH = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]


# ── database ────────────────────────────────────────────────────────────────────────────────
def _build_postgresql_settings(url: str) -> dict[str, object]:
    url_parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url_parts.path.lstrip("/")),
        "USER": unquote(url_parts.username or ""),
        "PASSWORD": unquote(url_parts.password or ""),
        "HOST": unquote(url_parts.hostname or "") or dict(parse_qsl(url_parts.query)).get("host", ""),
        "PORT": str(url_parts.port or ""),
        "CONN_MAX_AGE": None,  # each thread keeps its connection: opening one costs more than a report
        # Connections are not checked before every request. After a restart of the database each connection
        # fails once; the phone gets 503 and tries again.
        "CONN_HEALTH_CHECKS": False,
        # A receipt promises that the report is stored, so its commit is on disk whatever the server's default.
        # With binding on the server, a statement that a connection has sent five times is planned only once.
        # No statement here runs long enough to be worth compiling (jit).
        "OPTIONS": {
            "connect_timeout": 5,
            "options": "-c synchronous_commit=on -c lock_timeout=20s -c jit=off",
            "server_side_binding": True,
            "prepare_threshold": 5,
        },
    }


if EMBEDDED:
    DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    _database: dict[str, object] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "baqylau.sqlite3",
        "OPTIONS": {
            # IMMEDIATE takes the write lock at BEGIN, where SQLite waits for it; a lock taken
            # in the middle of a transaction fails at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
        # A file for the tests too: a database in memory has neither WAL nor waits for locks.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
else:
    _database = _build_postgresql_settings(DATABASE_URL)
DATABASES = {"default": _database}

# ── cache, queue ────────────────────────────────────────────────────────────────────────────
CACHES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    if EMBEDDED
    else {
        "BACKEND": "config.cache.FailOpenRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
}
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # its lines are JSON like all others
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 5, "visibility_timeout": 600}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    # The rows are the queue; a wake-up only makes it faster. These periodic runs work even without wake-ups.
    "refresh-summaries": {"task": "reports.refresh_summaries", "schedule": 2.0, "options": {"expires": 2}},
    "process-evidence": {"task": "reports.process_evidence", "schedule": 2.0, "options": {"expires": 2}},
    "write-exports": {"task": "reports.write_exports", "schedule": 10.0, "options": {"expires": 10}},
    "write-lists": {"task": "reports.write_lists", "schedule": 10.0, "options": {"expires": 10}},
}

# ── files ───────────────────────────────────────────────────────────────────────────────────
SEALED_DIR = DATA_DIR / "sealed"  # originals by content address, private, never changed
PARTS_DIR = DATA_DIR / "parts"  # uploads that are not complete
PUBLIC_DIR = DATA_DIR / "public"  # re-encoded copies without metadata
RELEASES_DIR = DATA_DIR / "releases"  # released data, all of it public
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
PHONE_DIR = BASE_DIR / "static" / "phone"  # the phone client, served below /phone/
# Where `collectstatic` has run, files are served compressed, under names with their hash, and cached for
# ever; elsewhere (embedded, tests) they are served from the source folder.
_static_root = Path(env.get_text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATIC_COLLECTED = not EMBEDDED and (_static_root / "staticfiles.json").exists()
_collecting = env.get_flag("COLLECT_STATIC")
STATIC_ROOT = _static_root if STATIC_COLLECTED or _collecting else None
WHITENOISE_USE_FINDERS = not STATIC_COLLECTED
_hashed_storage, _plain_storage = (
    "config.static.HashedStaticFilesStorage",
    "django.contrib.staticfiles.storage.StaticFilesStorage",
)
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _hashed_storage if STATIC_COLLECTED or _collecting else _plain_storage},
}
# Sealed originals are in SEALED_DIR, or in an S3-compatible bucket (needs requirements-s3.txt).
SEALED_S3_BUCKET = env.get_text("SEALED_S3_BUCKET")
if SEALED_S3_BUCKET:
    STORAGES["sealed"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": SEALED_S3_BUCKET,
            "endpoint_url": env.get_text("SEALED_S3_ENDPOINT") or None,
            "region_name": env.get_text("SEALED_S3_REGION") or None,
            "access_key": env.get_text("SEALED_S3_KEY_ID") or None,
            "secret_key": env.get_text("SEALED_S3_SECRET") or None,
            "default_acl": None,  # private, as the bucket is
        },
    }
WHITENOISE_AUTOREFRESH = DEBUG
IMAGE_BYTES_MAX = env.get_number("IMAGE_BYTES_MAX")
FILE_BYTES_MAX = env.get_number("FILE_BYTES_MAX")
FILES_PER_REPORT_MAX = env.get_number("FILES_PER_REPORT_MAX")
IMAGE_PIXELS_MAX = env.get_number("IMAGE_PIXELS_MAX")
# Evidence is refused first, so that there is still space for the reports themselves.
DISK_FREE_MIN_EVIDENCE = env.get_number("DISK_FREE_MIN_EVIDENCE")
DISK_FREE_MIN_REPORTS = env.get_number("DISK_FREE_MIN_REPORTS")

# ── limits of the intake ─────────────────────────────────────────────────────────────────────
BODY_SILENCE_SECONDS = env.get_number("BODY_SILENCE_SECONDS")
REPORT_BYTES_MAX = env.get_number("REPORT_BYTES_MAX")
BATCH_REPORTS_MAX = 100
BATCH_BYTES_MAX = env.get_number("BATCH_BYTES_MAX")
# ODK Collect begins another POST after so many bytes: few, so that a bad network can carry one.
OPENROSA_POST_BYTES = env.get_number("OPENROSA_POST_BYTES")
OPENROSA_BYTES_MAX = env.get_number("OPENROSA_BYTES_MAX", FILE_BYTES_MAX + 2_000_000)
QUARANTINE_BODIES_PER_DEVICE = env.get_number("QUARANTINE_BODIES_PER_DEVICE")
QUARANTINE_BYTES_PER_DEVICE = env.get_number("QUARANTINE_BYTES_PER_DEVICE")
RELAY_BYTES_MAX = env.get_number("RELAY_BYTES_MAX")  # of one relay file; phones make 50 MB
# Of all relay files that wait or are quarantined.
RELAY_KEPT_BYTES_MAX = env.get_number("RELAY_KEPT_BYTES_MAX")
CLOCK_TOLERANCE_SECONDS = env.get_number("CLOCK_TOLERANCE_SECONDS")
# ── releases ──
# A station is shown separately only if at least so many people reported from it …
STATION_OBSERVERS_MIN = env.get_number("STATION_OBSERVERS_MIN")
# … and only if the rest of its district is then about at least so many stations.
STATION_CELL_MIN = env.get_number("STATION_CELL_MIN")
RELEASE_SECOND_YES = env.get_flag("RELEASE_SECOND_YES")
# The site's public address, for links that are used outside it (shared pictures, open data).
_DEFAULT_PUBLIC_URL = f"http://127.0.0.1:{env.get_number('PORT')}" if EMBEDDED else f"https://{ALLOWED_HOSTS[0]}"
PUBLIC_URL = env.get_text("PUBLIC_URL", _DEFAULT_PUBLIC_URL).rstrip("/")
STATION_RADIUS_METRES = env.get_number("STATION_RADIUS_METRES")
DATA_UPLOAD_MAX_MEMORY_SIZE = BATCH_BYTES_MAX

# ── languages, time ─────────────────────────────────────────────────────────────────────────
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("kk", "Қазақша"), ("ru", "Русский"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
PACKS_DIR = BASE_DIR / "packs"

# ── web ─────────────────────────────────────────────────────────────────────────────────────
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = not EMBEDDED and env.get_flag("SSL_REDIRECT")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
# ForwardedHeadersMiddleware removes this header from untrusted requests.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SESSION_COOKIE_HTTPONLY = True
# If one user sees the names of more people, administrators are told.
SIGHTS_PER_HOUR = env.get_number("SIGHTS_PER_HOUR")
SESSION_COOKIE_AGE = 3600 * env.get_number("SESSION_HOURS")
# Who must sign in with a second factor: all, none, or roles. Embedded, on loopback, everyone may choose.
TWO_FACTOR = env.get_list("TWO_FACTOR")
_roles = ["administrator", "national", "territorial", "verifier", "lawyer", "analyst", "publisher", "reader"]
if not TWO_FACTOR or set(TWO_FACTOR) - {"all", "none", *_roles}:
    raise env.Misconfigured([f"TWO_FACTOR is neither all, none nor some of {', '.join(_roles)}"])
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host not in ("localhost", "127.0.0.1", "[::1]")]
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.rest.authentication.DeviceTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.rest.authentication.IsEnrolled"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.rest.negotiation.JsonOnlyNegotiation",
    "EXCEPTION_HANDLER": "api.rest.problems.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
METRICS_TOKEN = env.get_text("METRICS_TOKEN")  # bearer of /metrics; without it, loopback and TRUSTED_PROXIES only
LOG_LEVEL = env.get_text("LOG_LEVEL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        # Scanners send wrong hosts all day long; they get 400 and no log line.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
    },
}
