"""What a server holds: answers that were given, and long questions in the background, found again by their question.

A run works in a process of its own and waits in a line of bounded length. It is named by a fingerprint of its question, and
its state is files in one private folder of the server, so that every worker can tell how far it is, and the same address
asked again finds the same run; when a worker or a run is killed, asking again starts it anew. The line is a lock: who waits
for it is counted, and too many are refused.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from chipwall.errors import ChipwallError
from chipwall.text import text

__all__ = ["AnswerStore", "Busy", "RunState", "Sent", "asked_run", "cancel_run", "run_main"]

# Runs that may wait or work at the same time [1]; what a caller who comes too late is told to wait [s].
MOST_RUNS, COME_BACK = 4, 15
# Memory for answers that are kept [byte].
KEPT_BYTES = 64_000_000
# Results that are kept, the oldest dropped first [1], and the longest that one may work [s].
MOST_KEPT, LONGEST_RUN = 400, 600


class Busy(Exception):
    """Too many questions wait; ``seconds`` says when to ask again [s]."""

    def __init__(self, seconds: int) -> None:
        super().__init__(text("Too many questions wait. Ask again in {seconds} s.", seconds=seconds))
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Sent:
    """The bytes of an answer, plain and packed, with what its head says."""

    body: bytes
    packed: bytes
    media: str
    status: int
    mark: str
    embed: bool = False


class AnswerStore:
    """Answers by address, the oldest dropped when their bytes exceed a bound; one computation for one address at a time."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most, self._size = most, 0
        self._held: OrderedDict[str, Sent] = OrderedDict()
        self._pending: dict[str, asyncio.Task[Sent]] = {}

    def get(self, key: str) -> Sent | None:
        """What is kept, marked as used just now."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: str, answer: Sent) -> None:
        """Keep an answer; one that is larger than a tenth of the bound is not."""
        size = len(answer.body) + len(answer.packed)
        if size > self._most // 10 or key in self._held:
            return
        self._held[key] = answer
        self._size += size
        while self._size > self._most:
            _, old = self._held.popitem(last=False)
            self._size -= len(old.body) + len(old.packed)

    async def one(self, key: str, make: Callable[[], Awaitable[Sent]]) -> Sent:
        """The answer of ``make``, which runs once however many ask for it at the same time."""
        task = self._pending.get(key)
        if task is None:
            task = asyncio.ensure_future(make())
            self._pending[key] = task
            task.add_done_callback(lambda _: self._pending.pop(key, None))
        return await asyncio.shield(task)


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run is: its name, the share that is done [1], and its result or what was wrong, once it is."""

    key: str
    share: float
    result: Any = None
    problem: ChipwallError | None = None

    @property
    def done(self) -> bool:
        """Whether there is an answer."""
        return self.result is not None or self.problem is not None


def _folder() -> Path:
    """The private folder of runs; of this process alone where no server gave one."""
    if "CHIPWALL_WEB_RUNS" not in os.environ:
        os.environ["CHIPWALL_WEB_RUNS"] = mkdtemp(prefix="chipwall-web-")
    return Path(os.environ["CHIPWALL_WEB_RUNS"])


def asked_run(work: str, question: Mapping[str, Any], *, start: bool = True) -> RunState | None:
    """The state of a run, which is started where nobody did before.

    Parameters
    ----------
    work : str
        ``module:function``, which takes the question and a function to be told ``(done, total)``.
    question : mapping
        Plain values.
    start : bool
        Whether it may be started; else a run that nobody asked for is None.

    Raises
    ------
    Busy
        Too many runs wait already.
    """
    told = json.dumps([work, question], sort_keys=True, ensure_ascii=False)
    key = hashlib.blake2b(told.encode(), digest_size=12).hexdigest()
    found = _state(key)
    if found is not None or not start:
        return found
    alive = [f for f in _folder().glob("*.pid") if _pid_of(f.stem)]
    if len(alive) >= MOST_RUNS:
        raise Busy(COME_BACK)
    _drop_oldest()
    (_folder() / f"{key}.question").write_text(told, encoding="utf-8")
    made = subprocess.Popen(
        [sys.executable, "-m", "chipwall.background", key], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "CHIPWALL_WEB_PARENT": str(os.getpid())},
    )  # fmt: skip
    (_folder() / f"{key}.pid").write_text(str(made.pid))
    _children[key] = made
    return RunState(key, 0.0)


_children: dict[str, subprocess.Popen[bytes]] = {}


@atexit.register
def _end_all() -> None:
    """End the runs of this process with it."""
    for child in _children.values():
        if child.poll() is None:
            child.kill()
            child.wait()


def _state(key: str) -> RunState | None:
    folder = _folder()
    with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
        # written by a run of this server, in a folder that nobody else may enter
        result, problem = pickle.loads((folder / f"{key}.result").read_bytes())
        return RunState(key, 1.0, result, problem)
    if not _pid_of(key):
        return None
    try:
        return RunState(key, float((folder / f"{key}.share").read_text() or 0))
    except (OSError, ValueError):
        return RunState(key, 0.0)


def _pid_of(key: str) -> int:
    """The process of a run that is alive; 0 where none is."""
    child = _children.get(key)
    if child is not None and child.poll() is not None:
        del _children[key]
    try:
        pid = int((_folder() / f"{key}.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").is_dir() else key.encode()
        os.kill(pid, 0)
    except (OSError, ValueError):
        return 0
    return pid if key.encode() in words or child is not None else 0


def cancel_run(key: str) -> bool:
    """End a run; false where none of that name works."""
    pid = _pid_of(key) if key.isalnum() else 0
    if not pid:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    child = _children.pop(key, None)
    if child is not None:
        child.kill()
        child.wait()
    (_folder() / f"{key}.pid").unlink(missing_ok=True)
    return True


def _drop_oldest() -> None:
    kept = sorted(_folder().glob("*.result"), key=lambda f: f.stat().st_mtime)
    for old in kept[: max(len(kept) - MOST_KEPT, 0)]:
        for ending in ("result", "question", "share", "pid"):
            old.with_suffix(f".{ending}").unlink(missing_ok=True)


def _work(key: str) -> None:
    """What a run does in its own process: wait for its turn, work, write the result whole."""
    folder = _folder()
    work, question = json.loads((folder / f"{key}.question").read_text(encoding="utf-8"))
    module, _, name = work.partition(":")
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        signal.alarm(LONGEST_RUN)
        outcome: tuple[Any, ChipwallError | None]
        try:
            outcome = (getattr(import_module(module), name)(question, _teller(folder / f"{key}.share")), None)
        except ChipwallError as error:
            outcome = (None, error)
    draft = folder / f"{key}.draft"
    draft.write_bytes(pickle.dumps(outcome))
    draft.replace(folder / f"{key}.result")
    (folder / f"{key}.pid").unlink(missing_ok=True)


def _teller(place: Path) -> Callable[[int, int], None]:
    """A function that writes down how far a run is, four times a second at most."""
    last = 0.0

    def told(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.25:
            last = time.monotonic()
            place.write_text(f"{done / max(total, 1):.4f}")

    return told


def run_main() -> None:
    """Entry of a run's own process."""
    from chipwall.processes import die_with_parent

    die_with_parent(int(os.environ.get("CHIPWALL_WEB_PARENT", "0")))
    os.nice(5)
    _work(sys.argv[1])


if __name__ == "__main__":
    run_main()
