"""Recipes: in which formats a matrix product is stored and computed.

A recipe is what a serving or training stack calls its precision: the format of the maths, and the bits that weights,
activations and results occupy in memory. ``fp8`` scales a whole tensor, ``fp8_block`` scales blocks of 128 (as DeepSeek
models are published), ``int4_weights`` keeps the maths in BF16 and dequantises on the way in.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.errors import InputError
from chipwall.text import text
from chipwall.units import BITS_PER_BYTE

__all__ = ["RECIPES", "Recipe", "recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to compute a matrix product.

    Attributes
    ----------
    name : str
        ``bf16``, ``fp8``, ``int4_weights``, and so on.
    maths : str
        The format whose dense peak rate counts, a key of :data:`chipwall.catalog.records.FORMAT_BITS`.
    weight_bits, input_bits, output_bits : float
        Bits of one element in memory, scales included.
    """

    name: str
    maths: str
    weight_bits: float
    input_bits: float
    output_bits: float = 16.0

    @property
    def quantised(self) -> float:
        """1 where 16-bit inputs are converted before the product, else 0 [1]."""
        return 1.0 if self.input_bits < 16 else 0.0

    @property
    def weight_bytes(self) -> float:
        """Bytes of one weight, scales included [byte]."""
        return self.weight_bits / BITS_PER_BYTE

    @property
    def input_bytes(self) -> float:
        """Bytes of one activation on the way in [byte]."""
        return self.input_bits / BITS_PER_BYTE

    @property
    def output_bytes(self) -> float:
        """Bytes of one result [byte]."""
        return self.output_bits / BITS_PER_BYTE


# Block formats carry one scale per block: FP8 blocks of 128 an FP32 scale (0.25 bit), NVFP4 blocks of 16 an FP8 scale
# (0.5 bit), group-128 integers an FP16 scale and, for INT4, a zero point (0.16 bit).
RECIPES: dict[str, Recipe] = {
    r.name: r
    for r in (
        Recipe("fp64", "fp64_tensor", 64, 64, 64),
        Recipe("fp32", "fp32", 32, 32, 32),
        Recipe("tf32", "tf32", 32, 32, 32),
        Recipe("bf16", "bf16", 16, 16),
        Recipe("fp16", "fp16", 16, 16),
        Recipe("fp8", "fp8", 8, 8),
        Recipe("fp8_block", "fp8", 8.25, 8.25),
        Recipe("int8", "int8", 8, 8),
        Recipe("fp4", "fp4", 4.5, 4.5),
        Recipe("fp8_weights", "bf16", 8, 16),
        Recipe("int8_weights", "bf16", 8, 16),
        Recipe("int4_weights", "bf16", 4.16, 16),
        Recipe("fp4_weights", "bf16", 4.5, 16),
        Recipe("mxfp4_fp8", "fp8", 4.25, 8),
    )
}


def recipe(name: str, *, where: str = "") -> Recipe:
    """The recipe of that name; raises :class:`InputError` naming those there are."""
    if name not in RECIPES:
        raise InputError(
            text("unknown precision '{name}'", name=name),
            where=where,
            fix=text("Known: {names}", names=", ".join(RECIPES)),
        )
    return RECIPES[name]
