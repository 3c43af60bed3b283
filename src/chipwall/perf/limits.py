"""Ceilings that no software can pass: arithmetic and bandwidth only. Always labelled ``limit``, never a prediction.

The calibrated model is in :mod:`chipwall.perf.serving.serve`; its estimates never go above these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log1p

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import Unknown
from chipwall.perf.formats import format_named, stored_bytes
from chipwall.text import Text, text
from chipwall.units import GIGA, format_quantity

__all__ = ["Limit", "best_rate", "decode_limit", "prefill_limit"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A ceiling: ``value`` [token/s per chip], what binds it, the formula with its numbers, and the facts used."""

    value: float
    bound: str
    formula: Text
    sources: tuple[str, ...]
    basis: str = "limit"


def best_rate(chip: Chip, weights: str) -> tuple[str, float]:
    """The arithmetic that a weight format runs in, and its dense peak [flop/s].

    A chip without the format widens the weights to 16 bits first, so its 16-bit rate counts; so does it for four-bit
    integers, which are multiplied in 16 bits in practice.
    """
    maths = format_named(weights).maths
    for wider in dict.fromkeys((maths, "bf16", "fp16", "fp32")):
        if (rate := chip.rate(wider)) is not None:
            return wider, rate
    raise Unknown(
        text("no dense rate of {chip} is known", chip=chip.name), fix=text("See: chipwall chip {chip}", chip=chip.id)
    )


def prefill_limit(model: LanguageModel, chip: Chip, *, weights: str, length: int = 2048) -> Limit:
    """Most prompt tokens per second and chip [token/s]: dense peak over the arithmetic of a token."""
    number_format, rate = best_rate(chip, weights)
    work = float(model.architecture.flops(float(length), causal_mean=True))
    fact = chip.fact(f"{number_format}_rate")
    return Limit(
        rate / work,
        "compute",
        text("{rate} / {work} per token", rate=format_quantity(rate, "flop/s"), work=format_quantity(work, "flop")),
        (fact.source,) if fact else (),
    )


def decode_limit(
    model: LanguageModel,
    chip: Chip,
    *,
    weights: str,
    batch: int = 1,
    context: int = 2048,
    kv_bytes_per_value: float = 2.0,
) -> Limit:
    """Most generated tokens per second and chip [token/s] at a batch: the slower of bandwidth and arithmetic.

    Every step reads the weights once (of a mixture of experts, those that the batch touches) and the whole cache. If a
    model needs several chips they are taken to share the work without loss, so the ceiling per chip is the same.
    """
    bandwidth = chip.require("memory_bandwidth")
    number_format, rate = best_rate(chip, weights)
    shape = model.architecture
    read = _touched_bytes(shape, batch, stored_bytes(model, weights))
    cache = batch * float(_read_cache(shape, float(context), kv_bytes_per_value))
    work = float(shape.flops(float(context)))
    by_bandwidth = (read + cache) / bandwidth
    by_compute = batch * work / rate
    facts = (chip.fact("memory_bandwidth"), chip.fact(f"{number_format}_rate"))
    formula = text(
        "{batch} / (({weights:.4g} + {cache:.3g}) GB / {bandwidth})",
        batch=batch, weights=read / GIGA, cache=cache / GIGA, bandwidth=format_quantity(bandwidth, "byte/s"),
    )  # fmt: skip
    if by_compute > by_bandwidth:
        formula = text(
            "{rate} / {work} per token", rate=format_quantity(rate, "flop/s"), work=format_quantity(work, "flop")
        )
    return Limit(
        batch / max(by_bandwidth, by_compute),
        "memory" if by_bandwidth >= by_compute else "compute",
        formula,
        tuple(dict.fromkeys(f.source for f in facts if f)),
    )


def _touched_bytes(shape: Architecture, batch: int, size: Mapping[str, float]) -> float:
    """Weights that one step of a batch reads [byte].

    Of the experts, the share k/E + (1 - k/E) (1 - 1 / (1 + (batch - 1) ln(1/(1 - k/E)))): a demand that is spread like an
    exponential variable, more unevenly than the fit finds, so that no estimate passes the ceiling.
    Looked-up tables and towers are not read; the head is, tied or not.
    """
    parts = shape.part_weights
    total = sum(float(parts[part]) * size[part] for part in ("attention", "dense", "shared", "router"))
    for block in shape.feed_forward:
        if block.kind == "experts":
            each = min(block.picks / block.experts, 1.0 - 1e-12)
            share = each + (1.0 - each) * (1.0 - 1.0 / (1.0 - (batch - 1.0) * log1p(-each)))
            total += float(block.count * block.experts * block.block * share) * size["experts"]
    return total + float(shape.loose) * size["other"] + float(shape.vocab * shape.hidden) * size["head"]


def _read_cache(shape: Architecture, context: float, bytes_per_value: float) -> float:
    """Least that one decode step reads of a sequence [byte]: the keys that a query sees, and its states."""
    read = sum(a.count * a.seen(context) * a.entry_values() * bytes_per_value for a in shape.attention if a.grows)
    return float(read + shape.index_values(context) + shape.state_bytes(1.0))
