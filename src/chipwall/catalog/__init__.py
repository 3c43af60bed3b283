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
from chipwall.catalog.own.reading import is_path
from chipwall.catalog.records import Chip, LanguageModel, System

__all__ = ["Catalog", "chip", "data_version", "load", "machine", "model", "system"]


@cache
def load() -> Catalog:
    """The whole catalogue, read and checked once per process."""
    return read_catalog()


def chip(name: str) -> Chip:
    """The chip that a spelling names; raises :class:`~chipwall.errors.InputError` with the nearest names.

    ``H200``, ``h200-sxm``, ``NVIDIA H200`` and Chinese spellings work, so do a system (``dgx-h200``: the chip in it) and a
    slice of a card (``h100 1g.10gb``); a family of several bins resolves to its usual member or asks. A path to a TOML file
    is a chip of one's own, see :mod:`chipwall.catalog.own.chip`.
    """
    if is_path(name):
        from chipwall.catalog.own.chip import chip_at

        return chip_at(name, load())
    return load().names.chip(name)


def model(name: str) -> LanguageModel:
    """The language model that a spelling names: an id, a name, a Hugging Face id, or a path to a model of one's own.

    A path leads to a ``config.json``, a folder with one (and with safetensors or their index), a ``.gguf`` file, or a
    model file in TOML, see :mod:`chipwall.catalog.own.model`.
    """
    if is_path(name):
        from chipwall.catalog.own.model import model_at

        return model_at(name)
    return load().names.model(name)


def system(name: str) -> System:
    """The system that a spelling names."""
    return load().names.system(name)


def machine(name: str) -> tuple[Chip, int]:
    """The chip that a name means and how many of it: ``dgx-h200`` is eight H200; a chip by itself is one."""
    return load().names.machine(name)


def data_version() -> str:
    """Date and fingerprint of the data files, printed beside the version of the code."""
    return load().version
