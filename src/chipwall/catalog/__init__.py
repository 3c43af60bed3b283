"""What is known: chips, language models and systems as published, each number with its source.

The door is a handful of functions. They read the package's own data files once per process, and turn a person's
spelling into a record or into an error that names the nearest.

Examples
--------
>>> from chipwall import catalog
>>> catalog.chip("h200").value("memory_bandwidth")
4800000000000.0
"""

from __future__ import annotations

from functools import cache

from chipwall.catalog.load import Catalog, read_catalog
from chipwall.catalog.records import Chip, LanguageModel, System

__all__ = ["Catalog", "chip", "data_version", "load", "model", "system"]


@cache
def load() -> Catalog:
    """The whole catalogue, read and checked once per process."""
    return read_catalog()


def chip(name: str) -> Chip:
    """The chip that a spelling names; raises :class:`~chipwall.errors.InputError` with the nearest names.

    ``H200``, ``h200-sxm``, ``NVIDIA H200`` and Chinese spellings work; a family of several bins resolves to its usual
    member or asks.
    """
    return load().names.chip(name)


def model(name: str) -> LanguageModel:
    """The language model that a spelling names."""
    return load().names.model(name)


def system(name: str) -> System:
    """The system that a spelling names."""
    return load().names.system(name)


def data_version() -> str:
    """Date and fingerprint of the data files, printed beside the version of the code."""
    return load().version
