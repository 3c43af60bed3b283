"""Ceilings that no software can pass: arithmetic and bandwidth only. Always labelled ``limit``, never a prediction.

The calibrated model is in :mod:`chipwall.perf.serving.serve`; its estimates never go above these.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.catalog.dimensions import (
    active_parameter_count,
    embedding_parameters,
    full_attention_share,
    head_width,
    needed,
)
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import Unknown
from chipwall.perf.serving.memory import WEIGHT_FORMATS, kv_bytes, parameters
from chipwall.text import Text, text
from chipwall.units import GIGA, format_quantity

__all__ = ["Limit", "best_rate", "decode_limit", "flops_per_token", "prefill_limit", "weight_formats_of"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A ceiling: ``value`` [token/s per chip], what binds it, the formula with its numbers, and the facts used."""

    value: float
    bound: str
    formula: Text
    sources: tuple[str, ...]
    basis: str = "limit"


def weight_formats_of(chip: Chip) -> tuple[str, ...]:
    """Weight formats that the chip multiplies natively, widest first."""
    return tuple(f for f in ("bf16", "fp16", "fp8", "int8", "fp4", "int4") if chip.rate(f) is not None)


def best_rate(chip: Chip, weights: str) -> tuple[str, float]:
    """The arithmetic that a weight format runs in, and its dense peak [flop/s].

    A chip without the format widens the weights to 16 bits first, so its 16-bit rate counts.
    """
    rate = chip.rate(weights)
    if rate is not None and weights not in (
        "int4",
        "nf4",
    ):  # 4-bit integer weights are multiplied in 16 bits in practice
        return weights, rate
    for wider in ("bf16", "fp16", "fp32"):
        if (rate := chip.rate(wider)) is not None:
            return wider, rate
    raise Unknown(
        text("no dense rate of {chip} is known", chip=chip.name), fix=text("See: chipwall chip {chip}", chip=chip.id)
    )


def flops_per_token(model: LanguageModel, *, context: float) -> float:
    """Arithmetic of one token forward [flop]: two per active weight, and attention over the tokens before it.

    The embedding is a look-up and costs nothing; the output head is a product and counts. Attention is two products of
    ``heads x head_dim x context`` each, in the layers that see everything.
    """
    layers, heads = needed(model, "layers", "heads")
    active = model.active_parameters if model.is_moe and model.active_parameters else None
    count = active if active is not None else (active_parameter_count(model) if model.is_moe else parameters(model))
    looked_up = embedding_parameters(model) / (1 if model.tied_embeddings else 2)
    share = full_attention_share(model)
    full = layers * (1.0 if share is None else share)
    return 2 * (count - looked_up) + 4 * full * heads * head_width(model) * context


def prefill_limit(model: LanguageModel, chip: Chip, *, weights: str, length: int = 2048) -> Limit:
    """Most prompt tokens per second and chip [token/s]: dense peak over the arithmetic of a token."""
    number_format, rate = best_rate(chip, weights)
    work = flops_per_token(model, context=length / 2)  # causal: a token sees half the prompt on average
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
    read = _touched_parameters(model, batch) * WEIGHT_FORMATS[weights]
    cache = kv_bytes(model, context=context, sequences=batch, bytes_per_value=kv_bytes_per_value)
    by_bandwidth = (read + cache) / bandwidth
    by_compute = batch * flops_per_token(model, context=context) / rate
    facts = (chip.fact("memory_bandwidth"), chip.fact(f"{number_format}_rate"))
    formula = text(
        "{batch} / (({weights:.4g} + {cache:.3g}) GB / {bandwidth})",
        batch=batch, weights=read / GIGA, cache=cache / GIGA, bandwidth=format_quantity(bandwidth, "byte/s"),
    )  # fmt: skip
    if by_compute > by_bandwidth:
        work = flops_per_token(model, context=context)
        formula = text(
            "{rate} / {work} per token", rate=format_quantity(rate, "flop/s"), work=format_quantity(work, "flop")
        )
    return Limit(
        batch / max(by_bandwidth, by_compute),
        "memory" if by_bandwidth >= by_compute else "compute",
        formula,
        tuple(dict.fromkeys(f.source for f in facts if f)),
    )


def _touched_parameters(model: LanguageModel, batch: int) -> float:
    """Weights that one step of a batch reads [1]; routing taken as uniform, 1 - (1 - k/E)^batch of the experts."""
    total = parameters(model)
    if not model.is_moe or not model.experts or not model.top_k:
        return total
    active = model.active_parameters or active_parameter_count(model)
    share = 1 - (1 - model.top_k / model.experts) ** batch
    routed = (total - active) / (1 - model.top_k / model.experts)
    return total - routed * (1 - share)
