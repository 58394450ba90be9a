"""The web server of a deployment in its own process.

A test may kill it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scripts import services
from tests.support.deployment import ROOT, Deployment


@dataclass
class WebServer:
    deployment: Deployment
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def run_server(deployment: Deployment, **environment: str) -> Iterator[WebServer]:
    """Runs `python -m config.serve` on a free port until the block ends."""
    port = services.find_free_port()
    with (deployment.folder.parent / f"{deployment.folder.name}-web.log").open("ab") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "config.serve"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=deployment.environment | {"PORT": str(port)} | environment,
            start_new_session=True,
        )
        try:
            services.wait_for(lambda: services.accepts_connections(port), "the web server")
            yield WebServer(deployment, port, web)
        finally:
            if web.poll() is None:
                os.killpg(web.pid, signal.SIGINT)
                web.wait(30)
