"""The measured serving runs as one small table: what each is like, what it came to when it was left out of the fit.

``data/evidence_serving.csv`` is written beside the constants (:mod:`chipwall.perf.fitting.evidence_file`); reading it is
all that an answer needs to know how near the measurements lie, and no large table is opened for it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from chipwall.perf.evidence.likeness import NAMES, SIZES, Traits, coded

__all__ = ["LEFT_OUT", "LOGARITHMS", "EvidenceIndex", "TableRows", "index_of"]

# What was left out of the fit that predicted a row: its source, chip and model together; its model; its chip.
LEFT_OUT = ("group", "model", "chip")
LOGARITHMS = ("size", "tensor", "load", "context", "compute", "bandwidth")


class TableRows(Sequence[Mapping[str, str]]):
    """Rows of a table that become mappings when they are looked at: an answer looks at three of thousands."""

    def __init__(self, names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        self._names, self._cells = tuple(names), cells

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, at: int) -> Mapping[str, str]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Mapping[str, str]]: ...
    def __getitem__(self, at: int | slice) -> Mapping[str, str] | Sequence[Mapping[str, str]]:
        if isinstance(at, slice):
            return TableRows(self._names, self._cells[at])
        return dict(zip(self._names, self._cells[at], strict=True))


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """The rows and their traits.

    Attributes
    ----------
    rows : sequence of mapping
        Cells as text: ``id``, ``metric``, ``value``, ``source``, ``chips``, ``prompt``, ``output`` and the rest of the file.
    traits : Traits
        Of all rows, as arrays.
    errors : mapping of str to array
        Natural logarithm of predicted over measured time, rates turned over, by what was left out [1].
    """

    rows: Sequence[Mapping[str, str]]
    traits: Traits
    errors: Mapping[str, Any]


def index_of(content: str) -> EvidenceIndex:
    """The rows of a table given as text."""
    names, *cells = csv.reader(content.splitlines())
    columns = dict(zip(names, zip(*cells, strict=True), strict=True)) if cells else dict.fromkeys(names, ())
    return EvidenceIndex(
        rows=TableRows(names, cells),
        traits=Traits(
            names={name: coded(columns[name]) for name in NAMES},
            sizes={name: _sizes(columns[name], name) for name in SIZES},
        ),
        errors={by: _numbers(columns[by]) for by in ("by_" + b for b in LEFT_OUT)},
    )


def _numbers(cells: Sequence[str]) -> Any:
    return np.array([float(cell) if cell else np.nan for cell in cells])


def _sizes(cells: Sequence[str], name: str) -> Any:
    found = _numbers(cells)
    return (np.log(found) if name in LOGARITHMS else found).astype(np.float32)
