"""What a measured serving row is like: the same traits as a question has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import ServingConstants
from chipwall.perf.device import Hardware, spec_sheet
from chipwall.perf.evidence import serving as rows
from chipwall.perf.evidence.likeness import Traits, asked_for, traits
from chipwall.perf.serving.regimes import REGIMES
from chipwall.text import Text

__all__ = ["REGIME_NAMES", "row_traits"]

# Regimes that the same steps make up: as many sequences as the memory or the limits allow, so many clients, one batch.
REGIME_NAMES = {
    "saturated": "full", "offline": "full", "server": "full", "interactive": "full", "static": "batch",
    "concurrency": "clients", "burst": "clients", "rate": "stream", "disaggregated": "split",
}  # fmt: skip


@lru_cache(maxsize=512)
def _sheet(name: str) -> Hardware:
    return spec_sheet(rows.served_chip({"chip": name}))


def row_traits(row: Mapping[str, str], fitted: ServingConstants) -> Traits | None:
    """Traits of a row of the shared column format; None where it cannot be expressed."""
    try:
        chip, model = rows.served_chip(row), rows.served_model(row)
        engine = rows.engine_of(row, chip)
        requests, layout = rows.requests_of_row(row, model), rows.layouts_of_row(row, model)[0]
        hw = _sheet(row["chip"])
    except (ChipwallError, IndexError):
        return None
    if isinstance(requests, Text):
        return None
    regime = REGIMES[int(requests.regime)]
    counted = {"static": requests.concurrency, "concurrency": requests.concurrency, "burst": requests.count}
    load = counted.get(regime)
    return traits(
        hw=hw, engine=engine, model=model, precision=rows.precision_name(row), regime=REGIME_NAMES[regime],
        tensor=float(layout.group), load=float(load) / layout.replicas if load else None,
        context=float(requests.prompt) + float(requests.output) / 2.0,
        year=rows.year_of_serving_row(row, engine, fitted), asked=asked_for(row["metric"]),
    )  # fmt: skip
