"""Generates keys for a full deployment.

`python -m config.keys` prints the three as environment lines. `python -m config.keys FOLDER` writes each that is
missing in FOLDER as a file that only its owner can read; that is how a deployment makes its keys at the first
start. A key that exists is never changed. With a URL like postgres://user@host/name after FOLDER, it also writes
FOLDER/database_url: that URL with the password made here. Reads no settings: those refuse to load without the keys.
"""

import base64
import secrets
import sys
from pathlib import Path
from urllib.parse import quote

from config.env import create_secret_file

REQUIRED_KEYS = ("SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY")
OTHER_SECRETS = ("POSTGRES_PASSWORD", "METRICS_TOKEN")


def generate_key() -> str:
    """Returns 256 random bits in the form of a Fernet key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def main(arguments: list[str]) -> int:
    if len(arguments) > 2:
        print("usage: python -m config.keys [FOLDER [DATABASE_URL_WITHOUT_PASSWORD]]", file=sys.stderr)
        return 2
    if not arguments:
        for name in REQUIRED_KEYS:
            print(f"{name}={generate_key()}")
        return 0
    folder = Path(arguments[0])
    for name in (*REQUIRED_KEYS, *OTHER_SECRETS):
        create_secret_file(name, folder)
    if len(arguments) == 2:
        address = folder / "database_url"
        address.touch(mode=0o600)
        password = quote((folder / "postgres_password").read_text(encoding="ascii"), safe="")
        address.write_text(arguments[1].replace("@", f":{password}@", 1), encoding="utf-8")
    print(f"The keys are in {folder}. Copy them to a safe place apart from the backups: without them nothing opens.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
