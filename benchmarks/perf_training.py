"""Speed of the training model on this machine: estimates, array pricing and the search of layouts."""

from __future__ import annotations

import time
from collections.abc import Callable

from chipwall import catalog
from chipwall.perf.device import hardware
from chipwall.perf.shipped import shipped
from chipwall.perf.training.constants import labels_of
from chipwall.perf.training.search import Layout, candidates, priced
from chipwall.perf.training.shape import shape_of
from chipwall.perf.training.train import template_run, training

SHIPPED = shipped()


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Least time of one call."""
    call()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print the times and the ratios."""
    model, chip = catalog.model("llama-3-70b"), catalog.chip("h100")
    layout = Layout(4, 4, 5, 2)
    one = seconds(
        lambda: training(
            model,
            hardware(chip, SHIPPED.kernels),
            SHIPPED,
            chips=64,
            sequences=128,
            sequence=8192,
            precision="fp8",
            layout=layout,
        ),
        20,
    )
    print(f"one estimate, layout given: {1e3 * one:.2f} ms")
    search = seconds(
        lambda: training(model, hardware(chip, SHIPPED.kernels), SHIPPED, chips=64, sequences=256, sequence=8192), 5
    )
    hw, shape = hardware(chip, SHIPPED.kernels), shape_of(model)
    template = template_run(hw, chips=64, sequence=8192, year=2026.0)
    layouts = candidates(shape, hw, template, sequences=256)
    constants = SHIPPED.training.at(labels_of(hw, recipe="bf16"))
    print(f"one estimate, layout searched among {len(layouts)}: {1e3 * search:.1f} ms")
    many = layouts * (8192 // len(layouts))
    block = seconds(lambda: priced(many, shape, hw, template, sequences=256, recipe="bf16", constants=constants), 5)
    print(
        f"array pricing with memory: {len(many) / block:,.0f} layouts/s ({one * len(many) / block:.0f} times one by one)"
    )


if __name__ == "__main__":
    main()
