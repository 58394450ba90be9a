"""`python -m config.serve` becomes the web server, the same one embedded and full.

Granian reads the network, `config/front.py` takes bodies in, Django answers in threads. Embedded:
one process, which also does the background work. Full: WEB_WORKERS processes; WEB_THREADS is how
many requests each works on at once. HOST and PORT say where.
"""

import os
import resource
import sys

from config import env, process


def command(*, embedded: bool) -> list[str]:
    workers = 1 if embedded else env.number("WEB_WORKERS", 2)
    return [
        sys.executable,
        "-m",
        "granian",
        "config.front:front",
        "--interface",
        "rsgi",
        "--loop",
        "asyncio",
        "--http",
        "1",
        "--backpressure",
        "8192",  # connections of a process; idle ones cost a few kilobytes
        "--host",
        env.text("HOST", "127.0.0.1"),
        "--port",
        str(env.number("PORT", 8000)),
        "--workers",
        str(workers),
        "--respawn-failed-workers",
        "--workers-kill-timeout",
        "20",
        "--log-config",
        os.path.join(os.path.dirname(__file__), "granian.json"),  # noqa: PTH118, PTH120
        "--no-ws",
        "--log-level",
        "error",
    ]


if __name__ == "__main__":
    process.begin()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    arguments = command(embedded=not env.text("DATABASE_URL"))
    os.execv(arguments[0], arguments)  # noqa: S606
