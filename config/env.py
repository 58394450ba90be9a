"""Typed readers of environment variables, and the key files of an embedded deployment.

Every value may also be given as NAME_FILE, the path of a file that holds it: that is how container secrets arrive,
and it keeps them out of process listings.
"""

import base64
import os
import secrets
from pathlib import Path

from config.variables import VARIABLES, Default, Kind


class Misconfigured(SystemExit):
    """Ends a deployment that is not safe to start.

    The text says what is missing.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("This deployment is not safe to start:\n" + "\n".join(f"- {p}" for p in problems))


def is_embedded() -> bool:
    """Whether this is an embedded deployment: one without a DATABASE_URL."""
    return not _read("DATABASE_URL")


def get_text(name: str, default: str | None = None) -> str:
    """Returns NAME, or the content of the file that NAME_FILE names, stripped.

    `default` is for what the program computes; other defaults stand in `config/variables.py`.
    """
    found = _read(name)
    return found if found is not None else str(_get_default(name, ("text", "secret"), default))


def get_flag(name: str) -> bool:
    """Returns NAME as a boolean."""
    value = (_read(name) or "").strip().lower()
    default = _get_default(name, ("flag",))
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return bool(default) if value == "" else value in ("1", "true", "yes", "on")
    raise Misconfigured([f"{name} must be yes or no, not {value!r}"])


def get_number(name: str, default: int | None = None) -> int:
    """Returns NAME as a whole number."""
    value = (_read(name) or "").strip()
    standard = _get_default(name, ("number",), default)
    try:
        return int(value or standard)
    except ValueError:
        raise Misconfigured([f"{name} must be a whole number, not {value!r}"]) from None


def get_list(name: str) -> list[str]:
    """Returns NAME as a list: its parts between commas, stripped, without empty ones."""
    found = _read(name)
    value = found if found is not None else str(_get_default(name, ("list", "secret")))
    return [word.strip() for word in value.split(",") if word.strip()]


def _read(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE")
    if path and os.environ.get(name):
        raise Misconfigured([f"{name} and {name}_FILE are both set: which one is meant?"])
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured([f"{name}_FILE cannot be read: {error.strerror}"]) from None
    return os.environ.get(name)


def _get_default(name: str, kinds: tuple[Kind, ...], computed: Default | None = None) -> Default:
    variable = VARIABLES[name]
    assert variable.kind in kinds, f"{name} is declared as {variable.kind}"
    return variable.get_default(embedded=is_embedded()) if computed is None else computed


def is_field_key(value: str) -> bool:
    """Whether Fernet accepts it as a key: 32 bytes in URL-safe base64."""
    try:
        return len(base64.urlsafe_b64decode(value.encode())) == 32
    except (ValueError, UnicodeEncodeError):
        return False


def get_or_create_secret(name: str, folder: Path) -> str:
    """Returns NAME from the environment.

    Else from `folder`, where it is created once.
    """
    return get_text(name) or create_secret_file(name, folder)


def create_secret_file(name: str, folder: Path) -> str:
    """Returns the content of `folder`/name; creates the file where it is missing.

    Only its owner can read it. Two processes that start at the same moment must end with the same key, so the file
    is created with O_EXCL under another name and linked into place: the first one wins.
    """
    path = folder / name.lower()
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".{name.lower()}.{secrets.token_hex(4)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())  # the form of a Fernet key
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
