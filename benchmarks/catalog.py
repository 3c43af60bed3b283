"""Look-ups and the brief as whole processes, as ratios to a bare interpreter measured in the same run.

Prints the median of several runs, the ratio to ``python -c pass``, and the budget. Never part of the tests: times are noisy,
ratios less so.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 7
BUDGETS = {"chipwall --help": 0.35, "chipwall chips": 0.35, "load the catalogue": 0.25, "chipwall brief h200": 4.0}


def seconds(command: list[str], folder: str) -> float:
    times = []
    for _ in range(RUNS + 1):  # the first run fills caches and is not counted
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    python = sys.executable
    chipwall = [python, "-m", "chipwall"]
    load = "from chipwall import catalog; catalog.load()"
    with tempfile.TemporaryDirectory() as folder:
        bare = seconds([python, "-c", "pass"], folder)
        print(f"{'bare python -c pass':<24} {bare:6.3f} s   1.0x")
        for name, command in {
            "chipwall --help": [*chipwall, "--help"],
            "chipwall chips": [*chipwall, "chips"],
            "load the catalogue": [python, "-c", load],
            "chipwall brief h200": [*chipwall, "brief", "h200", "--out", str(Path(folder) / "brief.html")],
        }.items():
            took = seconds(command, folder)
            print(f"{name:<24} {took:6.3f} s {took / bare:5.1f}x   budget {BUDGETS[name]} s")


if __name__ == "__main__":
    main()
