"""What runs the blocks of a simulation: this process, a pool of processes, or a Dask cluster that was looked at first."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from chipwall._version import __version__
from chipwall.cli.extras import require_extra
from chipwall.errors import InputError
from chipwall.processes import die_with_parent
from chipwall.text import Text, text

__all__ = ["executor"]

# How long a cluster may take to answer, and to show a worker [s].
PATIENCE = 10.0


@contextlib.contextmanager
def executor(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    """Whatever runs blocks; a worker process that is lost is an error that says so."""
    if scheduler:
        with _cluster(scheduler) as client:
            yield client.get_executor()
    elif workers > 1:
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        # fresh processes: forking a process that has threads of polars or BLAS may hang
        pool = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=die_with_parent, initargs=(os.getpid(),)
        )
        try:
            yield pool
        except (BrokenProcessPool, BlockingIOError):
            raise InputError(
                text("a worker process was lost"),
                where="workers",
                fix=text("Run again with fewer workers; with --parquet it goes on where it stopped"),
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    else:
        yield None


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """A client of a cluster that answers, has workers, and runs this very version on each of them."""
    require_extra("distributed", extra="cluster", wanted_by="--scheduler")
    if not address.startswith(("tcp://", "tls://", "ws://", "wss://")):
        raise _no_cluster(address, text("an address begins with tcp://"))
    client = _connected(address)
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except Exception as error:  # whatever the library raises: nobody works there
            raise _no_cluster(address, text("it has no worker")) from error
        _require_version(client, address)
        try:
            yield client
        except Exception as error:
            if type(error).__module__.startswith(("distributed", "tornado")) or isinstance(error, OSError):
                raise _no_cluster(address, text("the connection was lost")) from error
            raise


def _connected(address: str) -> Any:
    """A client, made in a thread so that something that listens and never answers cannot hold us for ever."""
    found: list[Any] = []
    problem: list[BaseException] = []

    def connect() -> None:
        try:
            from distributed import Client

            found.append(Client(address, timeout=PATIENCE))  # type: ignore[no-untyped-call]
        except BaseException as error:
            problem.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(PATIENCE + 2.0)
    if found:
        return found[0]
    why = text("it does not answer as a scheduler") if not problem else Text.of(str(problem[0])[:80])
    raise _no_cluster(address, why)


def _require_version(client: Any, address: str) -> None:
    try:
        versions = client.run(_version_there)
    except Exception as error:
        raise _no_cluster(address, text("a worker lacks chipwall")) from error
    other = {v for v in versions.values() if v != __version__}
    if other:
        raise _no_cluster(
            address, text("a worker has chipwall {there}, here it is {here}", there=sorted(other)[0], here=__version__)
        )


def _version_there() -> str:
    from chipwall import __version__ as there

    return there


def _no_cluster(address: str, why: Text) -> InputError:
    return InputError(
        text("no cluster to use at '{address}': {why}", address=address[:80], why=why),
        where="scheduler",
        fix=text("Start one with 'dask scheduler' and 'dask worker' where this version is installed"),
    )
