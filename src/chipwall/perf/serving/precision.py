"""What a serving precision means: the recipe of each part of a model on a given chip, and the bytes that it stores.

A checkpoint called FP8 or FP4 does not quantise everything. The output head and the router stay in 16 bits; four-bit
checkpoints of latent-attention models and gpt-oss keep their attention in 16 bits; a chip without the format widens the
weights on the way in (``*_weights`` recipes).
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError, Unknown
from chipwall.perf.device import Hardware
from chipwall.text import text

__all__ = ["CACHE_BYTES", "PRECISIONS", "Precision", "default_cache", "model_default", "precision_of"]

# What people call weight formats, and the name used here.
PRECISIONS = {
    "bf16": "bf16", "fp16": "fp16", "fp32": "fp16", "fp8": "fp8", "w8a8": "int8", "int8": "int8", "fp4": "fp4", "nvfp4": "fp4",
    "mxfp4": "mxfp4", "awq-int4": "int4", "gptq-int4": "int4", "int4": "int4", "w4a16": "int4", "gptq-int8": "int8_weights",
    "w8a16": "int8_weights", "int8_weights": "int8_weights", "w4a8": "int4",
    "fp8_weights": "fp8",
}  # fmt: skip
CACHE_BYTES = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5625}


@dataclass(frozen=True, slots=True)
class Precision:
    """Recipes of the parts of a model, keys of :data:`chipwall.perf.formats.RECIPES`.

    Attributes
    ----------
    name : str
        What was asked for.
    attention, dense, experts : str
        Recipes of the attention products, of dense and shared feed-forward blocks, and of routed experts.
    widened : bool
        Whether the chip lacks the arithmetic of the format and computes in a wider one.
    """

    name: str
    attention: str
    dense: str
    experts: str
    widened: bool = False


def model_default(model: LanguageModel) -> str:
    """The format a model is published in: ``fp8``, ``mxfp4``, ``int4`` or ``bf16``."""
    return model.default_dtype if model.default_dtype in PRECISIONS else "bf16"


def precision_of(name: str, *, model: LanguageModel, hw: Hardware, strict: bool = False, where: str = "") -> Precision:
    """The recipes that a precision stands for.

    Parameters
    ----------
    name : str
        A key of :data:`PRECISIONS`; empty for the format the model is published in.
    model : LanguageModel
        Which parts stay wide depends on its kind.
    hw : Hardware
        The chip.
    strict : bool
        Refuse a floating-point format that the chip cannot compute in, instead of widening its weights.
    where : str
        Argument or field, for the message.
    """
    words = name.lower().split()  # "w8a8 int8", "fp8 (weight-only on a800)": the first word says it
    asked = words[0] if words else model_default(model)
    if asked not in PRECISIONS:
        raise InputError(
            text("unknown precision '{name}'", name=name),
            where=where,
            fix=text("Use one of: {names}", names=", ".join(PRECISIONS)),
        )
    known = PRECISIONS[asked]
    maths = {"mxfp4": "fp4", "int4": "bf16", "int8_weights": "bf16"}.get(known, known)
    if strict and not hw.supports(maths):
        have = [f for f in ("bf16", "fp16", "fp8", "int8", "fp4") if hw.supports(f)]
        raise Unknown(
            text("{chip} has no {format} arithmetic", chip=hw.name, format=maths.upper()),
            where=where,
            fix=text(
                "It computes in: {formats}; int4 and int8_weights store less and compute in 16 bits",
                formats=", ".join(have),
            ),
        )
    recipe, widened = _recipe(known, hw)
    if "gpt-oss" in model.id and known in ("fp8", "fp4", "mxfp4"):
        # published with MXFP4 experts and 16-bit attention; Blackwell multiplies them by FP8 activations
        return Precision(
            asked, "bf16", "bf16", "mxfp4_fp8" if hw.supports("fp4") else "fp4_weights", not hw.supports("fp4")
        )
    if known in ("fp4", "mxfp4", "int4") and model.is_latent:
        return Precision(asked, "bf16", recipe, recipe, widened)
    return Precision(asked, recipe, recipe, recipe, widened)


def _recipe(known: str, hw: Hardware) -> tuple[str, bool]:
    """Recipe of a format on a chip, and whether the chip has to widen it."""
    if known in ("int4", "int8_weights"):
        return f"{known.removesuffix('_weights')}_weights", False
    if known in ("fp4", "mxfp4"):
        return ("fp4", False) if hw.supports("fp4") else ("fp4_weights", True)
    if known == "fp8":
        return ("fp8", False) if hw.supports("fp8") else ("fp8_weights", True)
    if known == "int8":
        return (
            ("int8", False) if hw.supports("int8") else ("fp8", False) if hw.supports("fp8") else ("int8_weights", True)
        )
    return ("fp16" if known == "fp16" else "bf16"), False


def default_cache(precision: Precision, *, engine: str, model: LanguageModel, hw: Hardware) -> str:
    """Format of the KV cache where it is not stated.

    TensorRT-LLM and benchmark harnesses quantise the cache with the weights; vLLM and SGLang keep 16 bits unless told
    otherwise, and so does everybody for latent attention.
    """
    quantises = engine in ("trtllm", "trtllm-pytorch", "tuned") and hw.supports("fp8") and not model.is_latent
    narrow = precision.name in ("fp8", "fp4", "nvfp4", "mxfp4") and not precision.widened
    return "fp8" if quantises and narrow else "bf16"
