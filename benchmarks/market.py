"""Speed of the market simulation, as microseconds per path and as ratios to named peers measured in the same run.

    python benchmarks/market.py             10,000 draws x 24 quarters x 4 segments and leasing x 13 products x 2 scenarios
    python benchmarks/market.py --million   a million draws by blocks, with peak memory
    python benchmarks/market.py --dask      the same numbers from a local Dask cluster

Never part of the tests: times are noisy. Peers that are not installed are left out and their figures of 2026-11-23 (two
virtual cores of an EPYC, Python 3.11) are printed instead.
"""

from __future__ import annotations

import argparse
import logging
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from chipwall.market.simulate import simulate
from chipwall.report.pages.market import MEASURES

DRAWS, UNTIL, SCENARIOS = 10_000, "2027Q4", ("h200-share-cap", "no-sales")
SHOWN = tuple(m.quantity for m in MEASURES)
RECORDED = {
    "EMA Workbench 2.5.3, own overhead of a run": 41e-6,
    "Mesa 3.3.1, 4 agents x 24 quarters": 4 * 24 * 4.1e-6,
    "PySD 3.14.3, 96 steps": 2.2e-3,
}


def seconds(work: Callable[[], object], runs: int = 3) -> tuple[float, float]:
    """Median wall and processor seconds."""
    wall, cpu = [], []
    for _ in range(runs):
        start, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(cpu)


def line(name: str, took: float, paths: int, note: str = "") -> None:
    print(f"{name:<58} {took:8.3f} s {took / paths * 1e6:9.1f} us a path  {note}")


def own() -> float:
    """The headline, on one core and on two; returns seconds per path on one core."""
    simulate("record", draws=10, until="2022Q2")

    def both(executor: object = None, keep: tuple[str, ...] = SHOWN, draws: int = DRAWS) -> None:
        for name in SCENARIOS:
            simulate(name, draws=draws, until=UNTIL, keep=keep, executor=executor)  # type: ignore[arg-type]

    wall, cpu = seconds(both)
    line("2 scenarios, what the command shows, one process", wall, 2 * DRAWS, f"processor {cpu:.2f} s; budget 2.5 s")
    everything, _ = seconds(lambda: both(keep=()))
    line("2 scenarios, all quantities kept, one process", everything, 2 * DRAWS)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        simulate("record", draws=2000, until="2022Q2", executor=pool)
        two, _ = seconds(lambda: both(pool))
        line("2 scenarios, what the command shows, two processes", two, 2 * DRAWS, "budget 2.5 s")
    few, _ = seconds(lambda: both(draws=2000))
    print(f"linear in draws: 10,000 draws take {wall / few:.2f} times as long as 2,000 (5 is linear)")
    return wall / (2 * DRAWS)


def peers(own_path: float) -> None:
    """Named peers, measured where they are installed."""
    found = dict(RECORDED)
    for name, measure in (
        ("EMA Workbench, own overhead of a run", _ema),
        ("Mesa, 4 agents x 24 quarters x 13 products", _mesa),
    ):
        try:
            found = {k: v for k, v in found.items() if not k.startswith(name.split(",")[0])} | {
                name + " (this run)": measure()
            }
        except ImportError:
            continue
    found["a loop over draws in NumPy, one path at a time"] = _loop()
    for name, took in sorted(found.items()):
        print(f"{name:<58} {took * 1e6:19.1f} us a path  {took / own_path:6.1f}x ours")


def _ema() -> float:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ema_workbench import Model, RealParameter, ScalarOutcome, ema_logging, perform_experiments

        ema_logging.log_to_stderr(logging.ERROR)
        model = Model("nothing", function=lambda x=0.0: {"y": x})
        model.uncertainties, model.outcomes = [RealParameter("x", 0, 1)], [ScalarOutcome("y")]
        wall, _ = seconds(lambda: perform_experiments(model, scenarios=2000), runs=1)
    return wall / 2000


def _mesa() -> float:
    import mesa

    class Buyer(mesa.Agent):
        def step(self) -> None:
            weights = np.exp(self.model.utility)
            self.model.bought += weights / weights.sum()

    class Market(mesa.Model):
        def __init__(self) -> None:
            super().__init__()
            self.utility, self.bought = np.zeros(13), np.zeros(13)
            for _ in range(4):
                Buyer(self)

        def step(self) -> None:
            self.agents.do("step")

    def one() -> None:
        model = Market()
        for _ in range(24):
            model.step()

    wall, _ = seconds(lambda: [one() for _ in range(50)], runs=1)
    return wall / 50


def _loop() -> float:
    """Our own engine fed one draw at a time: what vectorising is worth."""
    from dataclasses import replace

    from chipwall.market.model.engine import block_paths
    from chipwall.market.simulate import prepare

    block = replace(prepare("no-sales", draws=1, seed=1, until=UNTIL, keep=("budget",)), size=1)
    wall, _ = seconds(lambda: block_paths(block), runs=5)
    return wall


def million() -> None:
    start = time.perf_counter()

    def told(done: int, total: int) -> None:
        if done % 100 == 0:
            print(
                f"  {done} of {total} blocks, {time.perf_counter() - start:.0f} s, peak {_peak():.2f} GiB", flush=True
            )

    simulate("no-sales", draws=1_000_000, until=UNTIL, progress=told)
    line(
        "1,000,000 draws, one scenario, headline quantities",
        time.perf_counter() - start,
        1_000_000,
        f"peak {_peak():.2f} GiB; budget 4 GiB",
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024


def dask() -> None:
    from distributed import Client, LocalCluster

    alone = simulate("no-sales", draws=4000, until=UNTIL, keep=SHOWN)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        start = time.perf_counter()
        spread = simulate("no-sales", draws=4000, until=UNTIL, keep=SHOWN, executor=client.get_executor())
        line("4,000 draws on a local Dask cluster", time.perf_counter() - start, 4000)
    print("identical numbers:", all(np.array_equal(alone.values[n], spread.values[n]) for n in alone.names()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--dask", action="store_true")
    asked = parser.parse_args()
    if asked.million:
        million()
    elif asked.dask:
        dask()
    else:
        peers(own())
