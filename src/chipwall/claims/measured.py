"""Published runs as evidence: rows of the measured tables with the ids of their chip, model and source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from chipwall.errors import ChipwallError
from chipwall.sources import Source

__all__ = ["measured_kernels", "measured_runs", "measured_sources", "source_id"]

SCENARIOS = ("offline", "server", "interactive")
# Benchmarks of the table of scientific kernels, by what they are compared as.
_KERNELS: Mapping[str, str] = {
    "BabelStream": "stream",
    "DGEMM (CoralGemm)": "dgemm",
    "DGEMM (node-burn)": "dgemm",
    "HPL (rocHPL)": "hpl",
    "HPL": "hpl",
}


def source_id(row: Mapping[str, str]) -> str:
    """Id of the source of a row: its name in lower case with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", row["source_name"].lower()).strip("-")


@lru_cache(maxsize=1)
def measured_sources() -> dict[str, Source]:
    """Sources of the tables that claims read, by id."""
    from chipwall.perf.load import measured

    rows = (*measured("inference"), *measured("hpc"))
    return {source_id(r): Source(source_id(r), r["source_name"], place=r["source_repo_or_url"]) for r in rows}


class _Ids:
    """Names of the tables resolved once each; empty where the catalogue does not know them."""

    def __init__(self, resolve: Callable[[str], Any]) -> None:
        self.resolve, self.known = resolve, dict[str, str]()

    def __call__(self, name: str) -> str:
        if name not in self.known:
            try:
                self.known[name] = str(self.resolve(name).id)
            except ChipwallError:
                self.known[name] = ""
        return self.known[name]


@lru_cache(maxsize=1)
def measured_runs() -> tuple[dict[str, str], ...]:
    """Measured serving throughputs of benchmark scenarios; rows that their table drops are left out."""
    from chipwall import catalog
    from chipwall.perf.evidence.names import measured_chip
    from chipwall.perf.load import measured

    chips, models = _Ids(measured_chip), _Ids(catalog.model)
    return tuple(
        {**r, "_chip": chips(r["chip"]), "_model": models(r["model"]), "_source": source_id(r)}
        for r in measured("inference")
        if r["use"] != "drop" and r["metric"] == "output_tokens_per_s" and r["scenario"] in SCENARIOS
    )


@lru_cache(maxsize=1)
def measured_kernels() -> tuple[dict[str, str], ...]:
    """Measured scientific kernels that may be compared across chips."""
    from chipwall.perf.evidence.names import measured_chip
    from chipwall.perf.load import measured

    chips = _Ids(measured_chip)
    return tuple(
        {**r, "_chip": chips(r["chip"]), "_kernel": _KERNELS[r["benchmark"]], "_source": source_id(r)}
        for r in measured("hpc")
        if r["benchmark"] in _KERNELS and r.get("use", "fit") == "fit"
    )
