"""The data door of the package: constants, architectures, libraries and measured tables, each read once."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from chipwall.catalog.records import Chip
from chipwall.errors import DataError
from chipwall.text import text

__all__ = [
    "MEASURED",
    "data_text",
    "library_of",
    "measured",
    "node_defaults",
    "reducing_engine",
    "release_year",
    "silicon_of",
    "table",
]

_DATA = files("chipwall.perf") / "data"
# Kinds of measurements that are shipped.
MEASURED = ("inference", "training", "finetune", "kernels", "collectives", "reduces", "hpc", "startup", "drafts")


@lru_cache(maxsize=32)
def table(name: str) -> dict[str, Any]:
    """``data/<name>.toml`` as a table; :class:`DataError` when there is none."""
    return tomllib.loads(data_text(f"{name}.toml"))


def data_text(name: str) -> str:
    """A file of ``data/`` as text; :class:`DataError` when there is none."""
    place = _DATA / name
    if not place.is_file():
        raise DataError(text("no data file '{name}'", name=name), where=str(place))
    return place.read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _families() -> dict[str, str]:
    return {name: arch for arch, entry in table("architectures")["arch"].items() for name in entry["families"]}


def silicon_of(chip: Chip) -> str:
    """Kind of silicon, ``hopper`` for example; the vendor's name where the family is not in the list."""
    return _families().get(f"{chip.vendor.lower()}/{chip.family.lower()}", chip.vendor.lower())


def node_defaults(arch: str) -> Mapping[str, float]:
    """What a usual node gives a chip: ``nic_bandwidth`` [byte/s], ``in_switch``, ``mesh``, ``cores`` [1]."""
    entries = table("architectures")
    found = {**entries["typical"], **entries["arch"].get(arch, {})}
    return {name: float(value) for name, value in found.items() if name != "families"}


def library_of(kernel: str, engine: str, arch: str, recipe: str) -> str:
    """The kernel library that an engine uses; an engine that is itself a library of that kernel is returned."""
    entries = table("libraries")
    if engine in entries["known"].get(kernel, ()):
        return engine
    choice = entries["engine"].get(engine, entries["typical"])
    by_arch = choice.get(f"{kernel}_{recipe}") or choice.get(kernel) or {"other": ""}
    return str(by_arch.get(arch, by_arch["other"]))


def release_year(arch: str) -> float | None:
    """When training software first ran on a kind of silicon [year]; None where that is not known."""
    found = table("training_defaults")["release"].get(arch)
    return None if found is None else float(found)


def reducing_engine(engine: str, arch: str) -> str:
    """The engine whose all-reduce kernels an engine runs on an architecture: its own, or those it takes from another."""
    return str(table("libraries")["reduces"].get(engine, {}).get(arch, engine))


@lru_cache(maxsize=8)
def measured(kind: str) -> tuple[dict[str, str], ...]:
    """The shipped measurements of one kind, rows as published (``kernels``, ``collectives``, ``hpc``)."""
    place = _DATA / "measured" / f"{kind}.csv"
    if not place.is_file():
        raise DataError(text("no measurements of kind '{kind}'", kind=kind), where=str(place))
    return tuple(csv.DictReader(place.read_text(encoding="utf-8").splitlines()))
