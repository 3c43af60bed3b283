"""Number formats: what a weight, a cached value and an activation occupy, and in which format a product is computed.

Two tables. :data:`FORMATS` is how checkpoints are *stored*: bits of one weight with its scales, and which parts of a model
have other bits. :data:`RECIPES` is how a matrix product is *computed*: the format of the maths, and the bits that weights,
activations and results occupy on the way. Storage is not arithmetic: narrow weights run on any chip, widened where it
lacks the format. ``fp8`` scales a whole tensor or channel, ``fp8_block`` blocks of 128 x 128; ``int4_weights`` keeps the
maths in BF16 and dequantises on the way in.

References
----------
.. [1] Lin et al., AWQ, arXiv:2306.00978 and Frantar et al., GPTQ, arXiv:2210.17323: groups of 128 weights share a 16-bit
   scale and a 4-bit zero point.
.. [2] OCP, Microscaling formats (MX) specification 1.0, section 5.2: 32 values share an 8-bit scale. NVFP4: 16 values
   share an 8-bit scale (NVIDIA, Introducing NVFP4, 2025).
.. [3] Dettmers et al., QLoRA, arXiv:2305.14314, section 3: NF4 with double quantisation, 8-bit scales per 64 values and a
   32-bit scale per 256 of those: 4 + 8/64 + 32/16384 bits.
.. [4] DeepSeek-AI, DeepSeek-V3, arXiv:2412.19437, section 3.3: one 32-bit scale per block of 128 x 128.
.. [5] llama.cpp, ggml-common.h: block sizes of the K quants (Q4_K 144 bytes, Q5_K 176, Q6_K 210 per 256 values, Q8_0 34 per
   32); tools/quantize/README.md: which tensors of a mixture have which, and 4.89, 5.70, 6.56 and 8.50 bits for Llama 3.1 8B.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from chipwall.catalog.architecture import WEIGHT_PARTS
from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.text import text
from chipwall.units import BITS_PER_BYTE, GIGA

__all__ = [
    "ALIASES",
    "CACHE_BYTES",
    "FORMATS",
    "RECIPES",
    "Format",
    "Recipe",
    "format_named",
    "recipe",
    "stored_as",
    "stored_bytes",
    "stored_formats",
    "weight_bytes",
]

# Bytes of one cached value; 4-bit caches keep an 8-bit scale per 16 values [byte].
CACHE_BYTES: Mapping[str, float] = MappingProxyType({"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5625})
# Parts that quantisers convert; the others stay in 16 bits unless a format or a checkpoint says otherwise.
# How far the tensors of a copy may be from what its configuration describes [1].
SIZE_TOLERANCE = 1.25
QUANTISED_PARTS = ("attention", "dense", "shared", "experts")


@dataclass(frozen=True, slots=True)
class Format:
    """How a checkpoint stores its weights.

    Attributes
    ----------
    name : str
        ``bf16``, ``fp8``, ``int4``, ``nvfp4``, ``q4_k_m`` and so on.
    bits : float
        Bits of one quantised weight, scales included.
    maths : str
        Format of :data:`chipwall.catalog.records.FORMAT_BITS` in which a chip that has it multiplies such weights.
    other : float
        Bits of a weight that is not quantised: head, embedding, router, norms, towers.
    parts : mapping of str to float
        Bits of parts that differ from both, for mixtures.
    """

    name: str
    bits: float
    maths: str
    other: float = 16.0
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)

    def part_bits(self, part: str) -> float:
        """Bits of one weight of a part of :data:`chipwall.catalog.architecture.WEIGHT_PARTS`."""
        return self.parts.get(part, self.bits if part in QUANTISED_PARTS else self.other)


def _mixture(name: str, attention: float, block: float, embedding: float, head: float) -> Format:
    """A llama.cpp mixture: routers and norms in 32 bits, value and down projections partly in a wider type [5]."""
    parts = {"attention": attention, "dense": block, "shared": block, "experts": block}
    return Format(name, block, "bf16", 16.0, {**parts, "embedding": embedding, "head": head, "router": 32.0})


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        f.name: f
        for f in (
            Format("fp32", 32.0, "fp32", 32.0),
            Format("bf16", 16.0, "bf16"),
            Format("fp16", 16.0, "fp16"),
            Format("fp8", 8.0, "fp8"),
            Format("fp8_block", 8.0 + 32.0 / 128.0**2, "fp8"),  # [4]
            Format("int8", 8.0, "int8"),
            Format("int8_weights", 8.0 + 16.0 / 128.0, "bf16"),  # groups of 128, symmetric
            Format("int4", 4.0 + 16.0 / 128.0 + 4.0 / 128.0, "bf16"),  # [1]
            Format("int4_g32", 4.0 + 16.0 / 32.0, "bf16"),  # groups of 32, symmetric
            Format("nf4", 4.0 + 8.0 / 64.0 + 32.0 / (64.0 * 256.0), "bf16"),  # [3]
            Format("nvfp4", 4.0 + 8.0 / 16.0, "fp4"),  # [2]
            Format("mxfp4", 4.0 + 8.0 / 32.0, "fp4"),  # [2]
            # mixtures: value projections (a tenth of grouped attention) and down projections in the wider type for half of
            # the layers (M), or for the first eighth (S) [5]
            _mixture("q2_k", 3.14, 2.896, 2.625, 6.5625),
            _mixture("q3_k_m", 3.97, 3.81, 3.4375, 6.5625),
            _mixture("q4_0", 4.5, 4.5, 4.5, 6.5625),
            _mixture("q4_k_s", 4.52, 4.542, 4.5, 6.5625),
            _mixture("q4_k_m", 4.603, 4.844, 4.5, 6.5625),
            _mixture("q5_k_s", 5.5, 5.5, 5.5, 6.5625),
            _mixture("q5_k_m", 5.553, 5.677, 5.5, 6.5625),
            _mixture("q6_k", 6.5625, 6.5625, 6.5625, 6.5625),
            _mixture("q8_0", 8.5, 8.5, 8.5, 8.5),
        )
    }
)

# What people call the formats.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "float32": "fp32", "f32": "fp32", "bfloat16": "bf16", "float16": "fp16", "f16": "fp16", "half": "fp16",
        "e4m3": "fp8", "fp8_e4m3": "fp8", "fp8_weights": "fp8", "w8a8-fp8": "fp8", "block-fp8": "fp8_block",
        "w8a8": "int8", "w8a8-int8": "int8", "smoothquant": "int8", "w8a16": "int8_weights", "gptq-int8": "int8_weights",
        "gptq-8bit": "int8_weights",
        "w4a16": "int4", "awq": "int4", "gptq": "int4", "awq-int4": "int4", "gptq-int4": "int4", "marlin": "int4", "w4a8": "int4",
        "fp4": "nvfp4", "bnb-4bit": "nf4", "q4_k": "q4_k_m", "q5_k": "q5_k_m", "q3_k": "q3_k_m",
    }
)  # fmt: skip


def format_named(name: str, *, where: str = "") -> Format:
    """The storage format that a spelling names; raises :class:`InputError` with those there are."""
    key = name.strip().lower().replace(" ", "-")
    for spelling in (key, key.replace("-", "_"), key.replace("_", "-")):
        if (known := ALIASES.get(spelling, spelling)) in FORMATS:
            return FORMATS[known]
    raise InputError(
        text("unknown weight format '{format}'", format=name),
        where=where,
        fix=text("Use one of: {formats}", formats=", ".join(FORMATS)),
    )


def stored_as(model: LanguageModel, name: str) -> Format:
    """The format in which a model is stored when a person asks for one: models published in MXFP4 have no other narrow one."""
    asked = format_named(name)
    return FORMATS["mxfp4"] if model.default_dtype == "mxfp4" and asked.maths in ("fp8", "fp4") else asked


def stored_formats(model: LanguageModel, name: str) -> dict[str, Format]:
    """The format of each part of a model, keys of :data:`chipwall.catalog.architecture.WEIGHT_PARTS`, in a checkpoint of a format.

    A published checkpoint of the model says which of its parts are wider. Where none is known, four-bit checkpoints of
    latent attention keep the attention in 16 bits, as all published ones do.
    """
    asked = stored_as(model, name)
    found = dict.fromkeys(WEIGHT_PARTS, asked)
    published = next((c for c in model.checkpoints if c.format == asked.name), None)
    if published:
        found.update({part: FORMATS[other] for part, other in published.parts})
    elif model.is_latent and asked.bits < 6.0 and asked.name in ("int4", "nvfp4", "mxfp4"):
        found["attention"] = FORMATS["bf16"]
    return found


def stored_bytes(model: LanguageModel, name: str) -> dict[str, float]:
    """Bytes of one weight by part of a checkpoint of a format, scales included [byte].

    Where the size of the published copy is known, it settles the total; the parts keep their ratio.

    Raises
    ------
    InputError
        Where the tensors of a copy hold far more or less than its configuration describes.
    """
    asked = stored_as(model, name)
    size = {part: f.part_bits(part) / BITS_PER_BYTE for part, f in stored_formats(model, name).items()}
    if float(model.architecture.tied) and asked.parts:
        size["embedding"] = size["head"]  # llama.cpp keeps a table that is also the head in the wider type
    published = next((c.size for c in model.checkpoints if c.format == asked.name), None)
    if not published:
        return size
    shape = model.architecture
    draft = float(shape.draft) * (size["experts"] if model.is_moe else size["dense"])
    ratio = published / (float(shape.weight_bytes(size)) + draft)
    if not 1.0 / SIZE_TOLERANCE < ratio < SIZE_TOLERANCE:
        raise InputError(
            text(
                "{model}: its tensors hold {size:.4g} GB, its configuration describes {described:.4g} GB",
                model=model.name, size=published / GIGA, described=published / ratio / GIGA,
            ),
            fix=text("Give the config.json that belongs to the tensors"),
        )  # fmt: skip
    return {part: each * ratio for part, each in size.items()}


def weight_bytes(model: LanguageModel, name: str) -> float:
    """Size of all weights of a model in a format, as a checkpoint stores them and an engine loads them [byte].

    Draft layers apart. A head tied to the embedding is one table.
    """
    return float(model.architecture.weight_bytes(stored_bytes(model, name)))


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
