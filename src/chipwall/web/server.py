"""The server: one address, some workers, and nothing left behind when it ends."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from chipwall.errors import InputError
from chipwall.processes import die_with_parent
from chipwall.text import text

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["application_of_worker", "serve_app"]

# What the parent tells its workers: the names the server answers to, and the folder of runs in the background.
HOSTS, RUNS, PARENT = "CHIPWALL_WEB_HOSTS", "CHIPWALL_WEB_RUNS", "CHIPWALL_WEB_PARENT"
# A worker that is asked to end has this long [s]; the whole server ends within two seconds.
GRACE = 1.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def application_of_worker() -> Starlette:
    """The application as a worker process runs it: it ends with its parent, and leaves no thread running."""
    from chipwall.web.app import application

    parent = int(os.environ.get(PARENT, "0"))
    if parent and parent != os.getpid():
        die_with_parent(parent)
    return application(tuple(h for h in os.environ.get(HOSTS, "").split(",") if h))


def serve_app(*, host: str, port: int, workers: int, opened: bool, said: Callable[[str], None]) -> None:
    """Serve until a signal comes; ``said`` is told the address once it answers.

    Every name is answered to where the host is not the loopback.

    Raises
    ------
    InputError
        The port is taken, or the host is not one of this machine.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    class Workers(Multiprocess):
        """Workers that are waited for a bounded time."""

        def join_all(self) -> None:
            last = time.monotonic() + GRACE + 0.2
            for one in self.processes:
                one.process.join(max(last - time.monotonic(), 0.01))
                if one.process.is_alive():
                    one.process.kill()
                    one.process.join()

    taken = _listening(host, port)
    names = (host, "localhost", "127.0.0.1", "[::1]") if host in LOOPBACK else ()
    address = f"http://{f'[{host}]' if ':' in host else host}:{taken.getsockname()[1]}/"
    with TemporaryDirectory(prefix="chipwall-web-") as folder, taken:
        os.environ |= {HOSTS: ",".join(names), RUNS: folder, PARENT: str(os.getpid())}
        config = uvicorn.Config(
            "chipwall.web.server:application_of_worker", factory=True, workers=workers, log_level="error", access_log=False,
            lifespan="off", timeout_graceful_shutdown=int(GRACE), server_header=False, h11_max_incomplete_event_size=32_768,
            limit_concurrency=400, timeout_keep_alive=20,
        )  # fmt: skip
        threading.Thread(target=_tell, args=(address, opened, said), daemon=True).start()
        Workers(config, [taken]).run()


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(1024)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                text("port {port} is taken", port=port),
                where=f"{host}:{port}",
                fix=text("Give another one: chipwall web --port {other}", other=port + 1 if port < 65_535 else 8000),
            ) from None
        raise InputError(
            text("cannot listen on {host}: {why}", host=host, why=error.strerror or "error"),
            where=f"{host}:{port}",
            fix=text("Give an address of this machine and a port of 1024 or more"),
        ) from None
    made.set_inheritable(True)
    return made


def _tell(address: str, opened: bool, said: Callable[[str], None]) -> None:
    """Wait until the server answers; then say so, and open a browser if asked."""
    from urllib.request import urlopen

    here = address.replace("//0.0.0.0", "//127.0.0.1")
    for _ in range(300):
        try:
            with urlopen(here, timeout=2):
                break
        except OSError:
            time.sleep(0.1)
    said(address)
    if opened:
        webbrowser.open(here)
