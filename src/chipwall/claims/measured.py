"""Published runs as evidence: rows of the measured tables with the ids of their chip, model and source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chipwall.errors import ChipwallError
from chipwall.sources import Source

__all__ = ["Published", "published_of", "source_id"]

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


Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Published:
    """Published runs, and what they say of the error of estimates.

    Attributes
    ----------
    runs : tuple of mapping
        Measured serving throughputs of benchmark scenarios; rows that their table drops are left out.
    kernels : tuple of mapping
        Measured scientific kernels that may be compared across chips.
    sources : mapping of str to Source
        Sources of the tables, by id.
    shared : mapping of str to float
        Shared part of the error of two chips by kind of work [1]; see :mod:`chipwall.claims.readings.agreement`.
    """

    runs: tuple[Mapping[str, str], ...]
    kernels: tuple[Mapping[str, str], ...]
    sources: Mapping[str, Source]
    shared: Mapping[str, float]


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


def published_of(
    serving: Rows,
    kernels: Rows,
    *,
    shared: Mapping[str, float],
    chip: Callable[[str], Any],
    model: Callable[[str], Any],
) -> Published:
    """The rows of the measured tables with the ids of their chip, model and source.

    Parameters
    ----------
    serving, kernels : sequence of mapping
        Rows of the tables of serving and of scientific kernels.
    shared : mapping of str to float
        As in :class:`Published`.
    chip, model : callable
        From a name of the tables to its record of the catalogue.
    """
    chips, models = _Ids(chip), _Ids(model)
    rows = (*serving, *kernels)
    return Published(
        runs=tuple(
            {**r, "_chip": chips(r["chip"]), "_model": models(r["model"]), "_source": source_id(r)}
            for r in serving
            if r["use"] != "drop" and r["metric"] == "output_tokens_per_s" and r["scenario"] in SCENARIOS
        ),
        kernels=tuple(
            {**r, "_chip": chips(r["chip"]), "_kernel": _KERNELS[r["benchmark"]], "_source": source_id(r)}
            for r in kernels
            if r["benchmark"] in _KERNELS and r.get("use", "fit") == "fit"
        ),
        sources={source_id(r): Source(source_id(r), r["source_name"], place=r["source_repo_or_url"]) for r in rows},
        shared=shared,
    )
