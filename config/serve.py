"""`python -m config.serve` starts the web server, the same one embedded and full.

Granian reads the network, `config/rsgi.py` reads bodies, Django answers in threads. Embedded: one process, which
also does the background work. Full: WEB_WORKERS processes; WEB_THREADS is how many requests each works on at once.
HOST and PORT are where it listens.
"""

import os
import resource
import sys

from config import env, process


def build_command(*, embedded: bool) -> list[str]:
    """Returns the command line of Granian."""
    workers = 1 if embedded else env.get_number("WEB_WORKERS")
    return [
        sys.executable,
        "-m",
        "granian",
        "config.rsgi:rsgi_application",
        "--interface",
        "rsgi",
        "--loop",
        "asyncio",
        "--http",
        "1",
        "--backpressure",
        "8192",  # connections of a process; idle ones cost a few kilobytes
        "--host",
        env.get_text("HOST"),
        "--port",
        str(env.get_number("PORT")),
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
    process.prepare_process()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    arguments = build_command(embedded=env.is_embedded())
    os.execv(arguments[0], arguments)  # noqa: S606
