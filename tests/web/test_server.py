"""The server as a person starts it: a taken port, workers that are replaced, an end that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest


def started(tmp_path: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """A server in a process of its own, and its address once it answers."""
    made = subprocess.Popen(
        [sys.executable, "-m", "chipwall", "web", "--port", "0", *words], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert made.stdout is not None
    line = made.stdout.readline()
    return made, line.split()[3].split("?")[0] if "http" in line else line


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    made, address = started(tmp_path, "--workers", "2")
    yield made, address
    if made.poll() is None:
        made.kill()
    made.wait(10)
    assert made.stdout is not None
    made.stdout.close()


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(p) for p in (task / "children").read_text().split()]
    # workers, not the helper that tracks shared memory
    return [p for p in found if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


def answers(address: str) -> bytes:
    with urlopen(f"{address}chips.csv?vendor=huawei", timeout=30) as got:
        return got.read()


def test_a_server_lives_through_a_killed_worker_and_ends_clean(server, tmp_path) -> None:
    made, address = server
    before = answers(address)
    first = children(made.pid)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    assert answers(address) == before
    end = time.monotonic() + 60
    while time.monotonic() < end:
        now = children(made.pid)
        if len(now) == 2 and first[0] not in now:
            break
        time.sleep(0.1)
    assert first[0] not in now
    assert answers(address) == before
    made.send_signal(signal.SIGTERM)
    made.wait(20)
    assert not [p for p in (*first, *now) if Path(f"/proc/{p}").exists()]
    assert not list(tmp_path.glob("chipwall*"))


def test_a_taken_port_is_told_in_three_lines(run) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        told = run("web", "--port", str(held.getsockname()[1]))
    assert told.status == 2
    assert told.err.splitlines()[0].endswith("is taken")
    assert len(told.err.splitlines()) == 3
    assert run("web", "--host", "203.0.113.9").status == 2
    assert run("web", "--port", "70000").status == 2
