"""How unlike two serving questions are: one number from their software, chip, model, precision, layout, load and lengths.

A question that differs from a measured row in one respect that matters (another engine, another kind of model, a chip of
another architecture, a year of software) lies about one unit away from it. The distance to the nearest rows decides how
wide the band of an answer is and what its basis is called (:mod:`chipwall.perf.evidence.basis`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import LanguageModel
from chipwall.perf.device import Hardware
from chipwall.perf.serving.precision import format_key, model_default

__all__ = ["NAMES", "SIZES", "Traits", "asked_for", "coded", "distances", "kind_of", "setup_distances", "stacked_traits", "traits"]

# What is compared by name, and what a difference weighs [1].
NAMES = {
    "chip": 0.3, "arch": 0.9, "vendor": 0.8, "engine": 0.6, "kind": 0.8, "model": 0.3, "precision": 0.5, "regime": 0.3,
    "asked": 0.3,
}  # fmt: skip
# What is compared by size: weight of one natural logarithm (of one year for the date) [1], and the most it counts.
SIZES = {
    "size": (0.15, 0.8), "tensor": (0.35, 1.0), "load": (0.15, 0.8), "context": (0.15, 0.8), "year": (0.4, 0.8),
    "compute": (0.25, 0.6), "bandwidth": (0.4, 0.6),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traits:
    """What a likeness looks at, of one question or (as arrays) of many rows.

    Attributes
    ----------
    names : mapping of str to str or array
        The keys of :data:`NAMES`. ``kind`` is that of :func:`kind_of`; ``asked`` is ``rate``, ``token`` (time per token) or
        ``first`` (first token); ``regime`` is ``clients`` (so many in flight),
        ``full`` (as many as the memory holds, or within latency limits), ``batch`` (static) or ``stream``.
    sizes : mapping of str to float or array
        Logarithms of parameters, tensor degree, sequences in flight per replica, context, and the chip's 16-bit rate and
        memory bandwidth; the date as a year. NaN where it is not stated.

    Rows about the first token teach nothing about the others, nor the others about them.
    """

    names: Mapping[str, Any]
    sizes: Mapping[str, Any]

    def about(self, asked: str) -> Traits:
        """The same question about something else: ``rate``, ``token`` or ``first``."""
        return Traits({**self.names, "asked": asked}, self.sizes)


def stored_like(name: str) -> str:
    """A storage format by the kernels it needs: how its scales lie makes no difference."""
    same = {"fp16": "bf16", "fp32": "bf16", "fp8_block": "fp8", "nvfp4": "fp4", "int4_g32": "int4", "nf4": "int4"}
    return same.get(name, name)


def asked_for(metric: str) -> str:
    """What a metric asks for: ``rate``, ``token`` (time per token) or ``first`` (first token)."""
    return {"ttft_ms": "first", "ttft": "first", "tpot_ms": "token", "tpot": "token"}.get(metric, "rate")


def kind_of(model: LanguageModel) -> str:
    """Kind of a model by the kernels that it needs: dense or experts, and every kind of attention but plain ones."""
    found = sorted({a.kind for a in model.architecture.attention if a.count} - {"full", "window"})
    sparse = any(a.index_heads for a in model.architecture.attention)
    return " ".join(["experts" if model.is_moe else "dense", *found, *(["sparse"] if sparse else [])])


def traits(
    *, hw: Hardware, engine: str, model: LanguageModel, precision: str, regime: str, tensor: float, load: float | None,
    context: float, year: float | None, asked: str = "token",
) -> Traits:  # fmt: skip
    """Traits of one question or row.

    Parameters
    ----------
    hw : Hardware
        The chip, one and not an array of them.
    precision : str
        Storage format as people write it; empty for the one the model is published in.
    load : float, optional
        Sequences in flight per replica [1]; None where the engine decides.
    context : float
        Mean tokens of a sequence while it decodes [token].
    year : float, optional
        Date of the software as a year with fraction.
    """
    return Traits(
        names={
            "chip": hw.id, "arch": hw.arch, "vendor": hw.vendor, "engine": engine, "kind": kind_of(model),
            "model": model.id, "precision": stored_like(format_key(precision) or model_default(model)),
            "regime": regime, "asked": asked,
        },
        sizes={
            "size": _log(model.parameters), "tensor": _log(max(tensor, 1.0)), "load": _log(load),
            "context": _log(max(context, 1.0)), "year": np.nan if year is None else year,
            "compute": _log(float(hw.peak("bf16"))), "bandwidth": _log(float(hw.memory_bandwidth)),
        },
    )  # fmt: skip


def _log(value: float | None) -> float:
    return log(value) if value else nan


# Sizes that a question or a row may leave open.
SILENT = ("size", "load", "year")
# Numbers for words, so that arrays of them compare fast; they mean nothing but equality.
_CODES: dict[str, int] = {}


def coded(words: Iterable[str]) -> NDArray[np.int32]:
    """Words as numbers that are equal where the words are."""
    each = list(words)
    for word in sorted(set(each)):
        _CODES.setdefault(word, len(_CODES))
    return np.array([_CODES[word] for word in each], dtype=np.int32)


def stacked_traits(each: Sequence[Traits]) -> Traits:
    """Many traits as one record of arrays, names as numbers."""
    return Traits(
        names={k: coded(t.names[k] for t in each) for k in NAMES},
        sizes={k: np.array([t.sizes[k] for t in each], dtype=np.float32) for k in SIZES},
    )


def distances(asked: Traits, known: Traits) -> NDArray[np.float32]:
    """Distance of every question from every row, questions down [1]; infinite between first tokens and the rest."""
    return setup_distances(asked, known) + about_distances(asked.names["asked"], known)


def about_distances(asked: NDArray[np.int32], known: Traits) -> NDArray[np.float32]:
    """What asking for something else adds [1]."""
    other = known.names["asked"]
    first = coded(["first"])[0]
    away = np.asarray(np.float32(NAMES["asked"]) * (asked[:, None] != other[None, :]), dtype=np.float32)
    away[(asked == first)[:, None] != (other == first)[None, :]] = np.inf
    return away


def setup_distances(asked: Traits, known: Traits) -> NDArray[np.float32]:
    """Distance of every question from every row, whatever is asked of the setup [1]."""
    away = np.zeros((len(asked.names["asked"]), len(known.names["asked"])), dtype=np.float32)
    for name, weight in NAMES.items():
        if name == "asked":
            continue
        away += np.float32(weight) * (asked.names[name][:, None] != known.names[name][None, :])
    for name, (weight, most) in SIZES.items():
        own, other = asked.sizes[name][:, None], known.sizes[name][None, :]
        apart = np.minimum(np.float32(weight) * np.abs(own - other), np.float32(most))
        if (
            name in SILENT
        ):  # what one of the two does not state counts a quarter of the most, what neither states nothing
            unknown = np.where(np.isnan(own) & np.isnan(other), np.float32(0.0), np.float32(most / 4.0))
            apart = np.where(np.isnan(apart), unknown, apart)
        away += apart
    return away
