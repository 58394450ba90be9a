"""Typed readers of the process environment, and the keys of an embedded deployment.

Every value may also be given as NAME_FILE, the path of a file that holds it: that is how
container secrets arrive, and it keeps them out of process listings.
"""

import base64
import os
import secrets
from pathlib import Path


class Misconfigured(SystemExit):
    """A deployment that must not start. Its text says what is missing and how to give it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("This deployment is not safe to start:\n" + "\n".join(f"- {p}" for p in problems))


def text(name: str, default: str = "") -> str:
    """NAME, or the content of the file named by NAME_FILE without its last line end."""
    path = os.environ.get(f"{name}_FILE")
    if path and os.environ.get(name):
        raise Misconfigured([f"{name} and {name}_FILE are both set: which one is meant?"])
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured([f"{name}_FILE cannot be read: {error.strerror}"]) from None
    return os.environ.get(name, default)


def flag(name: str, default: bool = False) -> bool:
    value = text(name).strip().lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if value == "" else value in ("1", "true", "yes", "on")
    raise Misconfigured([f"{name} must be yes or no, not {value!r}"])


def number(name: str, default: int) -> int:
    value = text(name).strip()
    try:
        return int(value) if value else default
    except ValueError:
        raise Misconfigured([f"{name} must be a whole number, not {value!r}"]) from None


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas; spaces around each word do not count."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def is_field_key(value: str) -> bool:
    """Whether Fernet could work with it: 32 bytes in URL-safe base64."""
    try:
        return len(base64.urlsafe_b64decode(value.encode())) == 32
    except (ValueError, UnicodeEncodeError):
        return False


def kept_secret(name: str, folder: Path) -> str:
    """NAME from the environment; else from `folder`, where it is made once."""
    return text(name) or made_secret(name, folder)


def made_secret(name: str, folder: Path) -> str:
    """The content of `folder`/name, which is made where it is missing, readable by its owner only.

    Two processes that start at the same moment must end with the same key, so the file is
    created with O_EXCL under another name and linked into place: the first one wins.
    """
    path = folder / name.lower()
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".{name.lower()}.{secrets.token_hex(4)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())  # what Fernet calls a key
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
