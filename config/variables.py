"""Every environment variable of the platform: default, unit, meaning.

The readers in `config/env.py` accept no other name. `python -m scripts.settings_doc write` makes `docs/settings.md` of it.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "flag", "number", "list", "secret"]
Default = str | int | bool


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. `full`: the default of a full deployment, where it is another one.

    `shown` is printed as the default where the program computes it. `unit` is empty for what has none.
    """

    name: str
    kind: Kind
    default: Default
    about: str
    unit: str = ""
    full: Default | None = None
    shown: str = ""

    def get_default(self, *, embedded: bool) -> Default:
        """The value where the environment has none."""
        return self.default if embedded or self.full is None else self.full


@dataclass(frozen=True, slots=True)
class Section:
    """Variables that are documented together."""

    title: str
    variables: tuple[Variable, ...]


def text(name: str, about: str, default: str = "", *, full: str | None = None, shown: str = "") -> Variable:
    """A variable read as text."""
    return Variable(name, "text", default, about, full=full, shown=shown)


def number(name: str, default: int, unit: str, about: str, *, full: int | None = None, shown: str = "") -> Variable:
    """A variable read as a whole number of `unit`."""
    return Variable(name, "number", default, about, unit, full=full, shown=shown)


def flag(name: str, about: str, default: bool = False, *, full: bool | None = None) -> Variable:
    """A variable read as yes or no."""
    return Variable(name, "flag", default, about, full=full)


def names(name: str, about: str, default: str = "", *, full: str | None = None, shown: str = "") -> Variable:
    """A variable read as a list, written with commas."""
    return Variable(name, "list", default, about, full=full, shown=shown)


def secret(name: str, about: str) -> Variable:
    """A key: made on first use by an embedded deployment, required from a full one."""
    return Variable(name, "secret", "", about, shown="embedded: made; full: required")


SECTIONS = (
    Section(
        "Which deployment",
        (
            text("DATABASE_URL", "`postgres://user:password@host:port/name`; without it the deployment is embedded"),
            text("REDIS_URL", "`redis://host:port/0`; needed with `DATABASE_URL`"),
            text(
                "DATA_DIR",
                "evidence, and embedded the database; shared by web and worker, which run as one user: what they write, no "
                "other user of the machine can read",
                shown="`./data`",
            ),
            flag("DEBUG", "shows errors with their values; embedded only"),
            text("LOG_LEVEL", "at `INFO`, one line a request, never its query", "WARNING", full="INFO"),
        ),
    ),
    Section(
        "Keys",
        (
            secret("SECRET_KEY", "signs sessions; 32 characters at least"),
            secret("FIELD_KEYS", "encrypts names and bodies; with commas, the first writes, all read"),
            secret("LOOKUP_KEY", "keys the look-ups; differs from the others"),
            text("KEYS_DIR", "where embedded keys are made; never inside `DATA_DIR`", shown="`~/.config/baqylau`"),
        ),
    ),
    Section(
        "Web server",
        (
            text("HOST", "address where the web server listens", "127.0.0.1"),
            number("PORT", 8000, "port", "port where the web server listens"),
            number("WEB_WORKERS", 2, "processes", "web processes; embedded there is always one"),
            number("WEB_THREADS", 16, "threads", "requests that each web process answers at once"),
            number(
                "BODY_SILENCE_SECONDS",
                15,
                "seconds",
                "how long a request's body may stop before it is given up; what an upload brought is kept",
            ),
            names(
                "ALLOWED_HOSTS",
                "public host names; never `*`",
                "localhost,127.0.0.1,[::1]",
                full="",
                shown="embedded: this machine",
            ),
            names("TRUSTED_PROXIES", "addresses or networks whose `X-Forwarded-For` and `-Proto` are believed"),
            flag("SSL_REDIRECT", "full only: sends plain HTTP to HTTPS, with secure cookies and HSTS", True),
            text(
                "PUBLIC_URL",
                "the address readers know: for links in shared pictures, open data and language tags, and for the QR code of "
                "enrolment sheets: set it before you print",
                shown="embedded: `http://127.0.0.1:` and `PORT`; full: `https://` and the first of `ALLOWED_HOSTS`",
            ),
            text("STATIC_ROOT", "where `collectstatic` has put static files (full)", shown="`./staticfiles`"),
            flag("COLLECT_STATIC", "set to yes for `collectstatic` itself, which then writes hashed names"),
            text(
                "METRICS_TOKEN", "bearer of `/metrics`; without it only this machine and `TRUSTED_PROXIES` may read it"
            ),
        ),
    ),
    Section(
        "Signing in",
        (
            names(
                "TWO_FACTOR",
                "for whom the second step of signing in is compulsory: `all`, `none`, or roles of `administrator`, `national`, "
                "`territorial`, `verifier`, `lawyer`, `analyst`, `publisher`, `reader`; whoever set it up is always asked",
                "none",
                full="all",
            ),
            number("SESSION_HOURS", 24, "hours", "after which one signs in again"),
            number(
                "SIGHTS_PER_HOUR",
                120,
                "people an hour",
                "people whose names or numbers one user sees within an hour before administrators are told",
            ),
        ),
    ),
    Section(
        "Evidence",
        (
            text(
                "SEALED_S3_BUCKET",
                "sealed originals go to this S3-compatible bucket instead of `DATA_DIR`; the image has what it needs, "
                "elsewhere install `requirements-s3.txt`. Make the bucket private, and let nobody delete",
            ),
            text("SEALED_S3_ENDPOINT", "address of the bucket's service"),
            text("SEALED_S3_REGION", "region of the bucket"),
            text("SEALED_S3_KEY_ID", "key id for the bucket"),
            text("SEALED_S3_SECRET", "secret for the bucket"),
            number("IMAGE_BYTES_MAX", 25_000_000, "bytes", "largest image that is taken"),
            number("FILE_BYTES_MAX", 500_000_000, "bytes", "largest other file that is taken"),
            number("FILES_PER_REPORT_MAX", 20, "files", "files of one report"),
            number("IMAGE_PIXELS_MAX", 100_000_000, "pixels", "larger images are sealed but not opened"),
            number("DISK_FREE_MIN_EVIDENCE", 1_000_000_000, "bytes", "with less free space, photos are refused"),
            number("DISK_FREE_MIN_REPORTS", 100_000_000, "bytes", "with less free space, reports are refused"),
        ),
    ),
    Section(
        "Reports",
        (
            number("REPORT_BYTES_MAX", 256_000, "bytes", "body of one report"),
            number("BATCH_BYTES_MAX", 8_000_000, "bytes", "body of one batch of reports"),
            number(
                "RELAY_BYTES_MAX",
                60_000_000,
                "bytes",
                "one file brought by hand ([relay.md](relay.md)); phones make 50 MB",
            ),
            number(
                "RELAY_KEPT_BYTES_MAX", 5_000_000_000, "bytes", "all files brought by hand that wait or are quarantined"
            ),
            number("OPENROSA_POST_BYTES", 2_000_000, "bytes", "what ODK Collect is asked to keep one request to"),
            number(
                "OPENROSA_BYTES_MAX",
                502_000_000,
                "bytes",
                "body of one request of ODK Collect",
                shown="`FILE_BYTES_MAX` + 2,000,000",
            ),
            number(
                "QUARANTINE_BODIES_PER_DEVICE",
                1_000,
                "bodies",
                "what is kept, for each device, of what could not be read",
            ),
            number(
                "QUARANTINE_BYTES_PER_DEVICE",
                20_000_000,
                "bytes",
                "what is kept, for each device, of what could not be read",
            ),
            number("CLOCK_TOLERANCE_SECONDS", 600, "seconds", "a phone whose clock is further off is flagged"),
            number("STATION_RADIUS_METRES", 1_000, "metres", "a report from further away is flagged"),
        ),
    ),
    Section(
        "Releases",
        (
            number(
                "STATION_OBSERVERS_MIN",
                2,
                "observers",
                "in a release, a station has a page of its own where so many people reported from it",
            ),
            number(
                "STATION_CELL_MIN", 3, "stations", "where stations of a district are held back, at least so many are"
            ),
            flag("RELEASE_SECOND_YES", "whether publishing a release takes a second person", False, full=True),
        ),
    ),
)
VARIABLES = {variable.name: variable for section in SECTIONS for variable in section.variables}
