"""Every setting of the platform, read from the environment in this one file.

Two ways to run, one code. **Embedded**: no DATABASE_URL; SQLite, files, threads. **Full**:
DATABASE_URL and REDIS_URL; PostgreSQL, Redis, Celery. `docs/operations.md` lists the variables.
"""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")
EMBEDDED = not DATABASE_URL
DEBUG = env.flag("DEBUG")
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "data"))).resolve()
KEYS_DIR = Path(
    env.text("KEYS_DIR") or Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "baqylau"
).resolve()

if KEYS_DIR.is_relative_to(DATA_DIR):
    raise env.Misconfigured(["KEYS_DIR lies within DATA_DIR: whoever copies the data would have the keys"])

# ── keys ────────────────────────────────────────────────────────────────────────────────────
# Embedded keys are made on first use, outside DATA_DIR, so that a copied or stolen data folder
# opens nothing. A full deployment brings its own: losing them silently must be impossible.
if EMBEDDED:
    SECRET_KEY = env.kept_secret("SECRET_KEY", KEYS_DIR)
    FIELD_KEYS = [key.strip() for key in env.kept_secret("FIELD_KEYS", KEYS_DIR).split(",") if key.strip()]
    LOOKUP_KEY = env.kept_secret("LOOKUP_KEY", KEYS_DIR)
else:
    SECRET_KEY = env.text("SECRET_KEY")
    FIELD_KEYS = env.words("FIELD_KEYS")
    LOOKUP_KEY = env.text("LOOKUP_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if EMBEDDED else "")
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES")

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
    "config.apps.Admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "config.middleware.RequestId",
    "config.middleware.ForwardedHeaders",
    "config.middleware.Whence",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.DeskPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.DeskPlans",
    "api.rest.cors.Mirrors",
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
def _postgresql(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or dict(parse_qsl(parts.query)).get("host", ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,  # one connection a thread, kept: opening one costs more than a report
        # Not asked "are you there" before every request: after a restart of the database each connection
        # fails once, which a phone is told as 503 and tries again.
        "CONN_HEALTH_CHECKS": False,
        # A receipt is a promise, so the commit behind it is on disk whatever the server's default.
        # Bound on the server, a statement that a connection has sent five times is planned once.
        # No statement here runs long enough to earn what compiling it (jit) costs.
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
            # IMMEDIATE takes the write lock at BEGIN, where SQLite waits its turn; a lock taken
            # in the middle of a transaction fails at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
        # A file for the tests too: in memory there is neither WAL nor any waiting for one's turn.
        "TEST": {"NAME": DATA_DIR / "test.sqlite3"},
    }
else:
    _database = _postgresql(DATABASE_URL)
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
    # The rows are the queue; waking is a courtesy. This sweep is what a dead broker cannot stop.
    "refresh-summaries": {"task": "reports.refresh_summaries", "schedule": 2.0, "options": {"expires": 2}},
    "process-evidence": {"task": "reports.process_evidence", "schedule": 2.0, "options": {"expires": 2}},
    "write-exports": {"task": "reports.write_exports", "schedule": 10.0, "options": {"expires": 10}},
    "write-lists": {"task": "reports.write_lists", "schedule": 10.0, "options": {"expires": 10}},
}

# ── files ───────────────────────────────────────────────────────────────────────────────────
SEALED_DIR = DATA_DIR / "sealed"  # originals by content address, private, never changed
PARTS_DIR = DATA_DIR / "parts"  # uploads on their way
PUBLIC_DIR = DATA_DIR / "public"  # re-encoded copies without metadata
RELEASES_DIR = DATA_DIR / "releases"  # what was released: public data only
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
PHONE_DIR = BASE_DIR / "static" / "phone"  # the phone client, served below /phone/
# Where `collectstatic` has run, files are served compressed and under names with their hash, for
# ever; elsewhere (embedded, tests) as they lie in the source.
_static = Path(env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATIC_COLLECTED = not EMBEDDED and (_static / "staticfiles.json").exists()
_collecting = env.flag("COLLECT_STATIC")
STATIC_ROOT = _static if STATIC_COLLECTED or _collecting else None
WHITENOISE_USE_FINDERS = not STATIC_COLLECTED
_hashed, _plain = (
    "config.static.HashedFiles",
    "django.contrib.staticfiles.storage.StaticFilesStorage",
)
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _hashed if STATIC_COLLECTED or _collecting else _plain},
}
# Sealed originals lie under SEALED_DIR, or in an S3-compatible bucket (needs requirements-s3.txt).
SEALED_S3_BUCKET = env.text("SEALED_S3_BUCKET")
if SEALED_S3_BUCKET:
    STORAGES["sealed"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": SEALED_S3_BUCKET,
            "endpoint_url": env.text("SEALED_S3_ENDPOINT") or None,
            "region_name": env.text("SEALED_S3_REGION") or None,
            "access_key": env.text("SEALED_S3_KEY_ID") or None,
            "secret_key": env.text("SEALED_S3_SECRET") or None,
            "default_acl": None,  # private, as the bucket is
        },
    }
WHITENOISE_AUTOREFRESH = DEBUG
IMAGE_BYTES_MAX = env.number("IMAGE_BYTES_MAX", 25_000_000)
FILE_BYTES_MAX = env.number("FILE_BYTES_MAX", 500_000_000)
FILES_PER_REPORT_MAX = env.number("FILES_PER_REPORT_MAX", 20)
IMAGE_PIXELS_MAX = env.number("IMAGE_PIXELS_MAX", 100_000_000)
# Evidence stops first, so that the reports themselves still find room on the disk.
DISK_FREE_MIN_EVIDENCE = env.number("DISK_FREE_MIN_EVIDENCE", 1_000_000_000)
DISK_FREE_MIN_REPORTS = env.number("DISK_FREE_MIN_REPORTS", 100_000_000)

# ── what the door takes ─────────────────────────────────────────────────────────────────────
BODY_SILENCE_SECONDS = env.number("BODY_SILENCE_SECONDS", 15)
REPORT_BYTES_MAX = env.number("REPORT_BYTES_MAX", 256_000)
BATCH_REPORTS_MAX = 100
BATCH_BYTES_MAX = env.number("BATCH_BYTES_MAX", 8_000_000)
# What ODK Collect puts into one POST before it begins another: little, so that a bad network lets it through.
OPENROSA_POST_BYTES = env.number("OPENROSA_POST_BYTES", 2_000_000)
OPENROSA_BYTES_MAX = env.number("OPENROSA_BYTES_MAX", FILE_BYTES_MAX + 2_000_000)
QUARANTINE_BODIES_PER_DEVICE = env.number("QUARANTINE_BODIES_PER_DEVICE", 1_000)
QUARANTINE_BYTES_PER_DEVICE = env.number("QUARANTINE_BYTES_PER_DEVICE", 20_000_000)
RELAY_BYTES_MAX = env.number("RELAY_BYTES_MAX", 60_000_000)  # of one file brought by hand; phones make 50 MB
RELAY_KEPT_BYTES_MAX = env.number("RELAY_KEPT_BYTES_MAX", 5_000_000_000)  # of all that wait or are quarantined
CLOCK_TOLERANCE_SECONDS = env.number("CLOCK_TOLERANCE_SECONDS", 600)
# ── releases ──
# A station is shown by itself where so many people reported from it …
STATION_OBSERVERS_MIN = env.number("STATION_OBSERVERS_MIN", 2)
# … and never so that what is left of its district is about fewer stations than this.
STATION_CELL_MIN = env.number("STATION_CELL_MIN", 3)
RELEASE_SECOND_YES = env.flag("RELEASE_SECOND_YES", not EMBEDDED)
# The address under which readers know the site, for links that leave it (shared pictures, open data).
_HERE = f"http://127.0.0.1:{env.number('PORT', 8000)}" if EMBEDDED else f"https://{ALLOWED_HOSTS[0]}"
PUBLIC_URL = env.text("PUBLIC_URL", _HERE).rstrip("/")
STATION_RADIUS_METRES = env.number("STATION_RADIUS_METRES", 1_000)
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
SECURE_SSL_REDIRECT = not EMBEDDED and env.flag("SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # ForwardedHeaders strips it from strangers
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SESSION_COOKIE_HTTPONLY = True
SIGHTS_PER_HOUR = env.number("SIGHTS_PER_HOUR", 120)  # people whose names one user sees before administrators are told
SESSION_COOKIE_AGE = 3600 * env.number("SESSION_HOURS", 24)
# For whom the second step of signing in is compulsory: all, none, or roles. Embedded, on loopback, it is everyone's choice.
TWO_FACTOR = env.words("TWO_FACTOR", "none" if EMBEDDED else "all")
_roles = ["administrator", "national", "territorial", "verifier", "lawyer", "analyst", "publisher", "reader"]
if not TWO_FACTOR or set(TWO_FACTOR) - {"all", "none", *_roles}:
    raise env.Misconfigured([f"TWO_FACTOR is neither all, none nor some of {', '.join(_roles)}"])
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host not in ("localhost", "127.0.0.1", "[::1]")]
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.rest.authentication.DeviceToken"],
    "DEFAULT_PERMISSION_CLASSES": ["api.rest.authentication.IsEnrolled"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.rest.negotiation.Json",
    "EXCEPTION_HANDLER": "api.rest.problems.answer",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
METRICS_TOKEN = env.text("METRICS_TOKEN")  # bearer of /metrics; without it, loopback and TRUSTED_PROXIES only
LOG_LEVEL = env.text("LOG_LEVEL", "WARNING" if EMBEDDED else "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        # Scanners ask for hosts that are not here, all day long; they get their 400.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
    },
}
