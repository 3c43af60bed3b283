"""Speed of the serving model on one core: single estimates, blocks of fixed layouts, layout search under limits.

Run: python benchmarks/perf_inference.py. Prints rates beside those of peers measured on a machine of the same kind
(AIConfigurator: sweep 5 to 8 thousand configurations/s, static decode 28 to 52 thousand/s).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from chipwall import catalog
from chipwall.perf.device import hardware
from chipwall.perf.serving.regimes import Requests, in_flight_time
from chipwall.perf.serving.search import best_under_limits
from chipwall.perf.serving.serve import Question, serving, setups_of
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

BLOCK, PEER_SWEEP, PEER_DECODE = 8192, 8e3, 52e3


def seconds(call: Callable[[], object], *, repeat: int) -> float:
    """Least processor time of one call [s]; one thread, so that neighbours on the machine do not count."""
    best = float("inf")
    for _ in range(repeat):
        begin = time.process_time()
        call()
        best = min(best, time.process_time() - begin)
    return best


def fixed_layouts(model: str, chip: str) -> float:
    """Estimates per second of one layout with 8,192 loads and lengths at once."""
    record, device = catalog.model(model), catalog.chip(chip)
    question = Question(prompt=1024, output=512, chips=8, tensor=8, concurrency=32)
    setup = setups_of(record, serving_hardware(device, SHIPPED), question, SHIPPED)[1][0]
    rng = np.random.default_rng(0)
    q = Requests(prompt=rng.uniform(128, 8192, BLOCK), output=rng.uniform(64, 2048, BLOCK))
    batch = rng.uniform(1, 256, BLOCK)
    return BLOCK / seconds(lambda: in_flight_time(setup, q, batch), repeat=20)


def searches(model: str, chip: str) -> float:
    """Requests per second for which the best layout within two limits is found."""
    record, device = catalog.model(model), catalog.chip(chip)
    made = setups_of(record, serving_hardware(device, SHIPPED), Question(prompt=1024, output=512, chips=8), SHIPPED)[1]
    rng = np.random.default_rng(1)
    count = 4096
    q = Requests(
        prompt=rng.uniform(128, 8192, count), output=rng.uniform(64, 2048, count), ttft_limit=np.full(count, 5.0),
        tpot_limit=rng.uniform(0.02, 0.2, count),
    )  # fmt: skip
    return count / seconds(lambda: best_under_limits(made, q), repeat=3)


def main() -> None:
    """Print every rate."""
    model, chip = catalog.model("llama-3.3-70b"), catalog.chip("h200")
    question = Question(prompt=1024, output=512, chips=8, precision="fp8", concurrency=64)
    serving(model, serving_hardware(chip, SHIPPED), question, SHIPPED)
    one = seconds(lambda: serving(model, serving_hardware(chip, SHIPPED), question, SHIPPED), repeat=20)
    fixed = seconds(lambda: serving(model, serving_hardware(chip, SHIPPED), replace(question, tensor=8), SHIPPED), repeat=20)
    print(f"one estimate, layout searched    {one * 1e3:8.2f} ms")
    print(f"one estimate, layout given       {fixed * 1e3:8.2f} ms")
    print(f"hardware record, cached          {seconds(lambda: hardware(chip, SHIPPED.kernels), repeat=50) * 1e6:8.1f} us")
    for name in ("llama-3.3-70b", "qwen3-235b-a22b", "deepseek-r1"):
        rate = fixed_layouts(name, "h200")
        print(f"fixed layouts, {name:18s}{rate:10,.0f}/s   {rate / PEER_DECODE:5.1f} x AIConfigurator's static decode")
    for name in ("llama-3.3-70b", "qwen3-235b-a22b"):
        rate = searches(name, "h200")
        print(f"searches,      {name:18s}{rate:10,.0f}/s   {rate / PEER_SWEEP:5.1f} x AIConfigurator's sweep")


if __name__ == "__main__":
    main()
