"""Runs all static checks and says at the end which failed.

Format, lint, types, import layers, migrations, settings, translations.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = {
    "form": [BIN / "ruff", "format", "--check", "."],
    "lint": [BIN / "ruff", "check", "."],
    "types": [BIN / "mypy"],
    "layers": [BIN / "lint-imports"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "settings": [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
    "settings document": [sys.executable, "-m", "scripts.settings_doc", "check"],
    "translations": [sys.executable, "scripts/messages.py", "check"],
}


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"DATA_DIR": f"{folder}/data", "KEYS_DIR": f"{folder}/keys"}
        for name, command in CHECKS.items():
            print(f"── {name}", flush=True)
            if subprocess.run(command, env=environment).returncode:  # noqa: S603
                failed.append(name)
    print(f"Lint failed: {', '.join(failed)}." if failed else "Lint passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
