"""The server under load: two workers, a bounded generator in a process of its own, loopback; prints figures, fails nothing.

    python benchmarks/web.py [--requests 20000] [--rate 300]

First every address is asked once (cold) and 3,000 requests warm both workers; then a steady stream of ``--rate`` requests per
second for ten seconds, then ``--requests`` as fast as sixteen connections allow while the memory of the workers is read; then
a worker is killed, and a search is timed from inside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

ADDRESSES = [
    "/chips", "/models", "/chips.csv?vendor=huawei", "/chips.json?vendor=nvidia", "/models/llama-3.1-70b",
    *(f"/chips/{c}" for c in ("nvidia-h200-sxm", "nvidia-h20-96gb", "huawei-ascend-910c", "amd-mi300x", "nvidia-b200")),
    *(f"/law/{c}?to=CN&on={d}" for c in ("nvidia-h200-sxm", "nvidia-h20-96gb") for d in ("2025-05-01", "2026-02-01")),
    "/law/nvidia-h200-sxm.json?to=AE&on=2026-02-01", "/wall?on=2026-02-01", "/wall.wall-density.svg?on=2026-02-01",
    "/api/v1/decide?chip=h200&to=CN&on=2026-02-01", "/search?q=H200",
]  # fmt: skip


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> tuple[int, float]:
    start = time.perf_counter()
    writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: gzip\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    length = 0
    while (line := (await reader.readline()).strip()) != b"":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    await reader.readexactly(length)
    return status, time.perf_counter() - start


async def stream(port: int, rate: float, seconds: float, lines: int) -> dict[str, float]:
    """Requests at a steady rate; a request whose turn comes late waits, and its wait counts."""
    queue: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    took: list[float] = []
    wrong = 0

    async def line() -> None:
        nonlocal wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (turn := await queue.get()) is not None:
            due, path = turn
            status, _ = await asked(reader, writer, path)
            took.append(time.perf_counter() - due)
            wrong += status != 200
        writer.close()

    working = [asyncio.create_task(line()) for _ in range(lines)]
    begin, pick = time.perf_counter(), random.Random(1)
    for n in range(int(rate * seconds)):
        due = begin + n / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        queue.put_nowait((due, pick.choice(ADDRESSES)))
    for _ in working:
        queue.put_nowait(None)
    await asyncio.gather(*working)
    whole = time.perf_counter() - begin
    return {"rate": len(took) / whole, "p50": quantile(took, 0.5), "p99": quantile(took, 0.99), "wrong": wrong}


def generator(words: list[str]) -> None:
    port, rate, seconds = int(words[0]), float(words[1]), float(words[2])
    print(json.dumps(asyncio.run(stream(port, rate, seconds, 16))))


def loaded(port: int, rate: float, seconds: float) -> dict[str, float]:
    """The same from a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--generate", str(port), str(rate), str(seconds)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def workers(pid: int) -> list[int]:
    found = [int(p) for t in Path(f"/proc/{pid}/task").iterdir() for p in (t / "children").read_text().split()]
    return [p for p in found if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


def memory(pids: list[int]) -> float:
    """Resident memory of some processes [MiB]."""
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor(pids: list[int]) -> float:
    """Processor time that some processes have used [s]."""
    parts = [Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split() for p in pids]
    return sum(int(p[11]) + int(p[12]) for p in parts) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--requests", type=int, default=20_000)
    options.add_argument("--rate", type=float, default=300.0)
    given = options.parse_args()
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "chipwall", "web", "--port", "0", "--workers", "2"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    address = next(w for w in server.stdout.readline().split() if w.startswith("http"))
    print(f"ready after {time.perf_counter() - start:.1f} s")
    port = int(address.rstrip("/").rpartition(":")[2])
    cold = []
    for path in ADDRESSES:
        begin = time.perf_counter()
        with urlopen(f"http://127.0.0.1:{port}{path}") as got:
            got.read()
        cold.append(time.perf_counter() - begin)
    print(f"first time: median {quantile(cold, 0.5) * 1e3:.0f} ms, slowest {max(cold) * 1e3:.0f} ms ({len(cold)} addresses)")
    loaded(port, 1e6, 3_000 / 1e6)  # until both workers have met every address
    steady = loaded(port, given.rate, 10.0)
    print(
        f"{given.rate:.0f} requests/s for 10 s: {steady['rate']:.0f}/s served, p50 {steady['p50'] * 1e3:.1f} ms, "
        f"p99 {steady['p99'] * 1e3:.1f} ms, {steady['wrong']:.0f} not answered"
    )
    pids = workers(server.pid)
    before, used = memory(pids), processor(pids)
    most = loaded(port, 1e6, given.requests / 1e6)
    print(f"{given.requests:,} requests at once: {most['rate']:.0f}/s; memory {before:.0f} to {memory(pids):.0f} MiB, two workers")
    print(f"processor time of a request: {(processor(pids) - used) / given.requests * 1e3:.2f} ms of the workers")
    os.kill(pids[0], signal.SIGKILL)
    begin = time.perf_counter()
    with urlopen(f"http://127.0.0.1:{port}/about") as got:
        assert got.status == 200
    print(f"a worker killed: the other answers after {(time.perf_counter() - begin) * 1e3:.0f} ms", end="")
    while pids[0] in workers(server.pid) or len(workers(server.pid)) < 2:
        time.sleep(0.05)
    print(f", a new one starts after {time.perf_counter() - begin:.1f} s")
    begin = time.perf_counter()
    server.terminate()
    server.wait()
    print(f"ended {time.perf_counter() - begin:.2f} s after SIGTERM")
    from chipwall.api.search import found_for

    found_for("H200")
    words = ["H200", "昇腾", "3A090", "llama 70b", "华为 910", "export license china", "nvidia datasheet", "zzz"]
    begin = time.perf_counter()
    for _ in range(20):
        for word in words:
            found_for(word)
    print(f"search: {(time.perf_counter() - begin) / (20 * len(words)) * 1e3:.2f} ms on average")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--generate"]:
        generator(sys.argv[2:])
    else:
        main()
