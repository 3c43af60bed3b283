"""The shipped claims as a whole process and by kind of quantity, as ratios to a bare interpreter measured in the same run.

Never part of the tests: times are noisy, ratios less so.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

RUNS = 3
BUDGET = 6.0


def seconds(command: list[str]) -> tuple[float, float]:
    """Median wall time and processor time of several runs [s]; the first fills caches and is not counted."""
    walls, busy = [], []
    for _ in range(RUNS + 1):
        before, start = os.times(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        walls.append(time.perf_counter() - start)
        after = os.times()
        busy.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(walls[1:]), statistics.median(busy[1:])


def by_quantity() -> dict[str, tuple[int, float]]:
    """Claims and time of each kind of quantity, in this process [s]."""
    from chipwall.claims.evaluate import verdict
    from chipwall.claims.load import packaged_library, shipped_claims

    world = packaged_library()
    claims = shipped_claims(world)
    world.horizon = max(str(c.fixed.get("quarter", "")) for c in claims)
    found: dict[str, tuple[int, float]] = {}
    for claim in claims:
        start = time.perf_counter()
        verdict(claim, world)
        count, spent = found.get(claim.quantity, (0, 0.0))
        found[claim.quantity] = (count + 1, spent + time.perf_counter() - start)
    return found


def main() -> None:
    bare, _ = seconds([sys.executable, "-c", "pass"])
    wall, busy = seconds([sys.executable, "-m", "chipwall", "claims", "--json"])
    print(f"{'bare python -c pass':<24} {bare:6.3f} s   1.0x")
    print(f"{'chipwall claims':<24} {wall:6.3f} s {wall / bare:5.1f}x   processor {busy:.2f} s, budget {BUDGET} s")
    for name, (count, spent) in sorted(by_quantity().items(), key=lambda kv: -kv[1][1]):
        print(f"  {name:<22} {spent:6.3f} s for {count} claim(s)")


if __name__ == "__main__":
    main()
