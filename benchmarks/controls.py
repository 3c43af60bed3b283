"""Speed of the law: one decision, and (chip, date) pairs a second through the array form.

Run ``python benchmarks/controls.py``. Times depend on the machine, so the array form is also told as a ratio to copying
its own input.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from time import perf_counter

import numpy as np

from chipwall import catalog, units
from chipwall.controls import arrays
from chipwall.controls.decide import decide
from chipwall.controls.load import law
from chipwall.controls.records import Journey

PAIRS = 2_000_000


def best(call: Callable[[], object], times: int = 5) -> float:
    """Shortest of several runs [s]."""
    found = []
    for _ in range(times):
        start = perf_counter()
        call()
        found.append(perf_counter() - start)
    return min(found)


def main() -> None:
    """Print one line per measurement."""
    start = perf_counter()
    law()
    print(f"law read and checked: {(perf_counter() - start) * 1000:.0f} ms")
    journey, day = Journey(destination="CN", headquarters="CN"), date(2026, 2, 1)
    chips = list(catalog.load().chips.values())
    each = best(lambda: [decide(chip, journey, on=day, law=law()) for chip in chips]) / len(chips)
    print(f"one decision, mean over {len(chips)} chips: {each * 1000:.2f} ms (bound: 3 ms)")
    rng = np.random.default_rng(1)
    columns = {
        "tpp": rng.uniform(500, 20000, PAIRS),
        "performance_density": rng.uniform(0.5, 12, PAIRS),
        "io_rate": rng.uniform(0, 1200, PAIRS),
        "datacenter": (rng.random(PAIRS) < 0.7).astype(float),
    }
    days = np.datetime64("2022-01-01") + rng.integers(0, 1700, PAIRS)
    took = best(lambda: arrays.classes(columns, days, law=law()))
    copy = best(lambda: [column.copy() for column in columns.values()])
    rate = PAIRS / took / units.MEGA
    print(f"array form, random days: {rate:.1f} million pairs/s (bound: 1), {took / copy:.0f} copies of its input")
    one_day = best(lambda: arrays.classes(columns, day, law=law()))
    print(f"array form, one day: {PAIRS / one_day / units.MEGA:.1f} million pairs/s")


if __name__ == "__main__":
    main()
