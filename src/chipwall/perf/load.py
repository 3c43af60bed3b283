"""The data door of the package: constants, architectures and measured tables, each read once."""

from __future__ import annotations

import csv
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from chipwall.catalog.records import Chip
from chipwall.errors import DataError
from chipwall.text import text

__all__ = ["architecture_of", "architectures", "calibration_table", "constants_table", "measured", "network_of"]

_DATA = files("chipwall.perf") / "data"


@lru_cache(maxsize=1)
def calibration_table() -> dict[str, Any]:
    """``calibration.toml`` as a table."""
    return tomllib.loads((_DATA / "calibration.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def architectures() -> dict[str, Any]:
    """``architectures.toml``: which silicon a chip is made of, and the network a usual node gives it."""
    return tomllib.loads((_DATA / "architectures.toml").read_text(encoding="utf-8"))


def architecture_of(chip: Chip) -> str:
    """Family of the silicon, ``hopper`` for example; the vendor's name where the chip is not in the list."""
    best = ""
    found = chip.vendor.lower()
    for arch, entry in architectures()["arch"].items():
        for prefix in entry["chips"]:
            if chip.id.startswith(prefix) and len(prefix) > len(best):
                best, found = prefix, arch
    return found


def network_of(chip: Chip, arch: str) -> tuple[float, float]:
    """Network per chip in a usual node [byte/s per direction], and 1 where the scale-up switch reduces, else 0."""
    entry = architectures()["arch"].get(arch, architectures()["typical"])
    return float(entry["nic_bandwidth"]), float(entry.get("in_switch", 0.0) if chip.value("link_bandwidth") else 0.0)


@lru_cache(maxsize=8)
def measured(kind: str) -> tuple[dict[str, str], ...]:
    """The shipped measurements of one kind, rows as published (``kernels``, ``collectives``, ``hpc``)."""
    place = _DATA / "measured" / f"{kind}.csv"
    if not place.is_file():
        raise DataError(text("no measurements of kind '{kind}'", kind=kind), where=str(place))
    with place.open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


@lru_cache(maxsize=8)
def constants_table(name: str) -> dict[str, Any]:
    """``calibration<name>.toml`` as a table: constants that another stage of the fit wrote."""
    return tomllib.loads((_DATA / f"{name}.toml").read_text(encoding="utf-8"))
