"""The measured serving runs as one small table: what each is like, what it came to when it was left out of the fit.

``data/evidence_serving.csv`` is written beside the constants (:mod:`chipwall.perf.fitting.evidence_file`); reading it is
all that an answer needs to know how near the measurements lie, and no large table is opened for it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from chipwall.perf.evidence.likeness import NAMES, SIZES, Traits, coded

__all__ = ["LEFT_OUT", "LOGARITHMS", "EvidenceIndex", "index_of"]

# What was left out of the fit that predicted a row: its source, chip and model together; its model; its chip.
LEFT_OUT = ("group", "model", "chip")
LOGARITHMS = ("size", "tensor", "load", "context", "compute", "bandwidth")


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """The rows and their traits.

    Attributes
    ----------
    rows : tuple of mapping
        Cells as text: ``id``, ``metric``, ``value``, ``source``, ``chips``, ``prompt``, ``output`` and the rest of the file.
    traits : Traits
        Of all rows, as arrays.
    errors : mapping of str to array
        Natural logarithm of predicted over measured time, rates turned over, by what was left out [1].
    """

    rows: tuple[Mapping[str, str], ...]
    traits: Traits
    errors: Mapping[str, Any]


def index_of(content: str) -> EvidenceIndex:
    """The rows of a table given as text."""
    rows = tuple(csv.DictReader(content.splitlines()))
    sizes = {name: np.array([_size(row[name], name) for row in rows], dtype=np.float32) for name in SIZES}
    return EvidenceIndex(
        rows=rows,
        traits=Traits(
            names={name: coded(row[name] for row in rows) for name in NAMES},
            sizes=sizes,
        ),
        errors={by: np.array([float(row[by] or "nan") for row in rows]) for by in ("by_" + b for b in LEFT_OUT)},
    )


def _size(cell: str, name: str) -> float:
    if not cell:
        return float("nan")
    return log(float(cell)) if name in LOGARITHMS else float(cell)
