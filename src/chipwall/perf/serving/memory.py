"""What must be in memory to serve a model: weights, KV cache and reserve; and when a need fits a room.

What fine-tuning needs is in :mod:`chipwall.perf.training.memory` and :mod:`chipwall.perf.training.tune`. Every part is a
formula with its numbers substituted, so that a reader can check it with a pocket calculator.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError, Unknown
from chipwall.text import Text, text
from chipwall.units import GIB, GIGA

__all__ = [
    "GUARD",
    "SERVING_RESERVE",
    "WEIGHT_FORMATS",
    "Part",
    "fit_word",
    "kv_bytes",
    "serving_parts",
    "usable_memory",
    "weight_bytes",
]

# Bytes of one weight, scales included: 4-bit groups of 64 with 16-bit scales are 0.5 + 2/64 [1]_; nf4 with double
# quantisation 0.516 [2]_; NVFP4 and MXFP4 are 4 bits and one 8-bit scale per 16 and 32.
WEIGHT_FORMATS: dict[str, float] = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "int4": 0.53125,
    "nf4": 0.516,
    "fp4": 0.5625,
    "mxfp4": 0.53125,
}

# The part of a chip's memory that a serving engine leaves alone: context, kernels, graphs, workspace. Ten percent is
# the default of the common engines (gpu_memory_utilization 0.9).
SERVING_RESERVE = 0.10

# Half-width of the band in which the verdict is "tight": published peaks lie within 10 % of the estimate in most cases.
GUARD = 0.10


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a memory budget: its name, bytes, and the formula with the numbers filled in."""

    name: Text
    bytes: float
    formula: Text


def usable_memory(chip: Chip) -> tuple[float, Text]:
    """Memory a program can see [byte], and how it is known.

    What the device tool reports where that is published. Else the marketed gigabytes, read as GiB less one percent for
    HBM parts (an "80 GB" H100 reports 79.65 GiB) and as they stand for other memory.
    """
    reported = chip.value("memory_reported")
    if reported is not None:
        return reported, text("as the device tool reports it")
    marketed = chip.require("memory_capacity")
    if chip.is_hbm:
        return marketed / GIGA * GIB * 0.99, text("marketed GB read as GiB less 1 %, as HBM parts report")
    return marketed, text("marketed capacity")


def weight_bytes(model: LanguageModel, number_format: str) -> float:
    """Size of all weights [byte]: parameters times bytes per parameter of the format."""
    if number_format not in WEIGHT_FORMATS:
        raise InputError(
            text("unknown weight format '{format}'", format=number_format),
            fix=text("Use one of: {formats}", formats=", ".join(WEIGHT_FORMATS)),
        )
    return float(model.architecture.weights) * WEIGHT_FORMATS[number_format]


def kv_bytes(model: LanguageModel, *, context: float, sequences: float = 1.0, bytes_per_value: float = 2.0) -> float:
    """Cache and states of so many sequences of so many tokens, all layers, held once [byte].

    Parameters
    ----------
    context : numeric
        Tokens in the cache, per sequence [token].
    sequences : numeric
        Sequences in the cache [1].
    bytes_per_value : float
        2 for 16-bit caches, 1 for 8-bit [byte].
    """
    shape = model.architecture
    return sequences * (shape.cache_bytes(context, bytes_per_value) + shape.state_bytes())  # type: ignore[no-any-return]


def kv_formula(model: LanguageModel, *, context: int, sequences: int, bytes_per_value: float) -> Text:
    """The cache formula with the model's numbers filled in, a term for each kind of attention."""
    width, terms = f"{bytes_per_value:g}", []
    for g in model.architecture.attention:
        layers = f"{float(g.count * g.kept):g}"
        if not g.grows:
            terms.append(
                text(
                    "{layers} layers x {state:,.0f} values of state x 2 B", layers=layers, state=float(g.state_values())
                )
            )
            continue
        if g.kind == "latent":
            inner = text("({rank} + {rope}) values", rank=int(g.latent_rank), rope=int(g.rotary))
        else:
            inner = text("{heads} KV heads x {values} values", heads=int(g.kv_heads), values=int(g.values))
        terms.append(
            text(
                "{layers} layers x {inner} x {width} B x {tokens} tokens",
                layers=layers, inner=inner, width=width, tokens=f"{float(g.entries(float(context))):.0f}",
            )
        )  # fmt: skip
    made = terms[0]
    for term in terms[1:]:
        made = text("{before} + {after}", before=made, after=term)
    return text("({base}) x {sequences} sequences", base=made, sequences=sequences)


def serving_parts(
    model: LanguageModel,
    chip: Chip,
    *,
    chips: int,
    weights: str,
    context: int,
    sequences: int,
    kv_bytes_per_value: float,
    reserve: float,
) -> tuple[Part, ...]:
    """Weights, cache and reserve of serving, for all chips together."""
    memory, how = usable_memory(chip)
    size = WEIGHT_FORMATS.get(weights, 0.0)
    return (
        Part(
            text("weights"),
            weight_bytes(model, weights),
            text(
                "{count:.4g} billion parameters x {size:g} B ({format})",
                count=float(model.architecture.weights) / GIGA,
                size=size,
                format=weights,
            ),
        ),
        Part(
            text("KV cache"),
            kv_bytes(model, context=context, sequences=sequences, bytes_per_value=kv_bytes_per_value),
            kv_formula(model, context=context, sequences=sequences, bytes_per_value=kv_bytes_per_value),
        ),
        Part(
            text("reserve"),
            reserve * memory * chips,
            text(
                "{share:.0%} of {chips} x {memory:.1f} GiB, {how}",
                share=reserve,
                chips=chips,
                memory=memory / GIB,
                how=how,
            ),
        ),
    )


def fit_word(needed: float, room: float) -> Text:
    """``fits``, ``tight`` or ``does not fit``: a guard band on either side of the room, as wide as the model can be wrong."""
    if needed > room * (1.0 + GUARD):
        return text("does not fit")
    return text("tight") if needed > room * (1.0 - GUARD) else text("fits")


def smallest_count(needed_bytes: float, chip: Chip, *, reserve: float = SERVING_RESERVE) -> int:
    """The smallest number of chips whose memory, less the reserve, holds so many bytes [1]."""
    memory, _ = usable_memory(chip)
    if not memory:
        raise Unknown(text("memory of {chip} is not known", chip=chip.name))
    return max(1, -int(-needed_bytes // (memory * (1 - reserve))))
