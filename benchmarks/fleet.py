"""Simulated requests per second of processor time, compiled and not, as ratios to the aim: ``python benchmarks/fleet.py``."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from chipwall.fleet.service import service_of_times
from chipwall.fleet.simulate import simulated_load
from chipwall.fleet.traffic import LogNormal, Traffic
from chipwall.perf.serving.loads import Arrivals

AIM = 200_000.0


def measured(requests: int, replicas: int) -> float:
    service = service_of_times(
        decode=lambda b, x: 8e-3 + 5e-5 * b + 3e-9 * b * x, prompt=lambda b, n, x: 2e-5 * n + 1e-10 * n * x, room=1e6
    )
    traffic = Traffic(Arrivals(10.0 * replicas), LogNormal(1000), LogNormal(200))
    simulated_load(service, traffic, replicas=replicas, requests=1000)
    start = time.process_time()
    simulated_load(service, traffic, replicas=replicas, requests=requests)
    return requests / (time.process_time() - start)


def main() -> None:
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        print(f"plain Python: {measured(3000, 1):,.0f} requests/s, {measured(3000, 1) / AIM:.3f} of the aim")
        return
    for replicas in (1, 16):
        rate = measured(400_000, replicas)
        print(f"{replicas} replicas: {rate:,.0f} requests/s, {rate / AIM:.2f} of the aim")
    subprocess.run([sys.executable, __file__], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, check=True)


if __name__ == "__main__":
    main()
