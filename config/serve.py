"""`python -m config.serve` becomes the web server, the same one embedded and full.

Granian takes bodies as they come instead of collecting them, so an upload of 500 MB costs no
memory. Embedded: one process, whose thread also does the background work. Full: WEB_WORKERS
processes; WEB_THREADS is how many requests each answers at once. HOST and PORT say where.
"""

import os
import sys

from config import env


def command(*, embedded: bool) -> list[str]:
    workers = 1 if embedded else env.number("WEB_WORKERS", 2)
    return [
        sys.executable, "-m", "granian", "config.wsgi:application",
        "--interface", "wsgi",
        "--host", env.text("HOST", "127.0.0.1"),
        "--port", str(env.number("PORT", 8000)),
        "--workers", str(workers),
        "--blocking-threads", str(env.number("WEB_THREADS", 16)),
        "--respawn-failed-workers",
        "--workers-kill-timeout", "20",
        "--log-config", os.path.join(os.path.dirname(__file__), "granian.json"),  # noqa: PTH118, PTH120
        "--no-ws",
        "--log-level", "error",
    ]  # fmt: skip


if __name__ == "__main__":
    arguments = command(embedded=not env.text("DATABASE_URL"))
    os.execv(arguments[0], arguments)  # noqa: S606
