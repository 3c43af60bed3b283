"""One server of the app in this process, and a client that asks it as a stranger would."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn

from chipwall.web.app import application


@dataclass(frozen=True)
class Got:
    """What came back."""

    status: int
    head: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks one server; follows nothing."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"

    def get(self, path: str, *, head: Mapping[str, str] | None = None, **given: str) -> Got:
        return self.ask("GET", path + (f"?{urlencode(given)}" if given else ""), head=head)

    def post(self, path: str, fields: Mapping[str, str]) -> Got:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(fields).encode(), kind)

    def ask(self, method: str, path: str, body: bytes | None = None, head: Mapping[str, str] | None = None) -> Got:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        line.request(method, path, body, dict(head or {}))
        found = line.getresponse()
        got = Got(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        line.close()
        return got


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    import os

    os.environ["CHIPWALL_WEB_RUNS"] = str(tmp_path_factory.mktemp("runs"))
    server = uvicorn.Server(uvicorn.Config(application(), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Client(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(10)
