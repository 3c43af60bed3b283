"""What a serving precision means: the recipe of each part of a model on a given chip, and the bytes that it stores.

Storage is not arithmetic: a checkpoint of any format runs on any chip, its weights widened on the way in where the chip
lacks the format (``*_weights`` recipes). Which parts a format leaves wide is said by :func:`chipwall.perf.formats.stored_formats`.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.catalog.records import LanguageModel
from chipwall.perf.device import Hardware
from chipwall.perf.formats import CACHE_BYTES, FORMATS, Format, format_named, stored_as, stored_bytes, stored_formats

__all__ = ["CACHE_BYTES", "Precision", "default_cache", "format_key", "format_of", "model_default", "precision_of"]


@dataclass(frozen=True, slots=True)
class Precision:
    """Recipes of the parts of a model, keys of :data:`chipwall.perf.formats.RECIPES`, and what they store.

    Attributes
    ----------
    name : str
        What was asked for.
    format : str
        The storage format it names, a key of :data:`chipwall.perf.formats.FORMATS`.
    attention, dense, experts : str
        Recipes of the attention products, of dense and shared feed-forward blocks, and of routed experts.
    stored : tuple of (str, float)
        Bytes of one weight by part of the model [byte].
    widened : bool
        Whether the chip lacks the arithmetic of the format and computes in a wider one.
    """

    name: str
    format: str
    attention: str
    dense: str
    experts: str
    stored: tuple[tuple[str, float], ...]
    widened: bool = False

    @property
    def stored_bytes(self) -> dict[str, float]:
        """Bytes of one weight by part of the model [byte]."""
        return dict(self.stored)


def format_key(name: str) -> str:
    """The storage format behind what people write, ``w8a8 int8`` for example; empty for a word that names none."""
    words = name.lower().split()  # "fp8 (weight-only on a800)": the first word says it
    try:
        return format_named(words[0]).name if words else ""
    except ValueError:
        return ""


def model_default(model: LanguageModel) -> str:
    """The format a model is published in, a key of :data:`chipwall.perf.formats.FORMATS`."""
    return model.default_dtype if model.default_dtype in FORMATS else "bf16"


def precision_of(name: str, *, model: LanguageModel, hw: Hardware, where: str = "") -> Precision:
    """The recipes that a precision stands for.

    Parameters
    ----------
    name : str
        A storage format as people write it; empty for the one the model is published in.
    model : LanguageModel
        Which parts stay wide depends on its kind and on its published checkpoints.
    hw : Hardware
        The chip.
    where : str
        Argument or field, for the message.
    """
    words = name.lower().split()
    asked = words[0] if words else model_default(model)
    known = format_of(asked, model, where=where)
    parts = stored_formats(model, known.name)
    recipes = {
        part: _recipe(parts[part], model, hw, expert=part == "experts") for part in ("attention", "dense", "experts")
    }
    stored = stored_bytes(model, known.name)
    return Precision(
        asked,
        known.name,
        recipes["attention"][0],
        recipes["dense"][0],
        recipes["experts"][0],
        tuple(stored.items()),
        any(wide for _, wide in recipes.values()),
    )


def format_of(name: str, model: LanguageModel, *, where: str = "") -> Format:
    """The storage format that a name means for a model, see :func:`chipwall.perf.formats.stored_as`."""
    format_named(name, where=where)
    return stored_as(model, name)


def _recipe(known: Format, model: LanguageModel, hw: Hardware, *, expert: bool) -> tuple[str, bool]:
    """Recipe of a stored format on a chip, and whether the chip has to widen it."""
    if known.bits >= 16.0:
        return ("fp16" if known.name != "bf16" else "bf16"), False
    if known.maths == "bf16":
        return ("int8_weights" if known.bits > 7.0 else "int4_weights"), False
    if known.maths == "fp4":
        if not hw.supports("fp4"):
            return "fp4_weights", True
        # published with MXFP4 experts and 16-bit attention; Blackwell multiplies them by FP8 activations
        eight = expert and model.default_dtype == "mxfp4" and hw.supports("fp8")
        return ("mxfp4_fp8" if eight else "fp4"), False
    if known.maths == "fp8":
        return ("fp8", False) if hw.supports("fp8") else ("fp8_weights", True)
    if hw.supports("int8"):
        return "int8", False
    return ("fp8", False) if hw.supports("fp8") else ("int8_weights", True)


def default_cache(precision: Precision, *, engine: str, model: LanguageModel, hw: Hardware) -> str:
    """Format of the KV cache where it is not stated.

    TensorRT-LLM and benchmark harnesses quantise the cache with the weights; vLLM and SGLang keep 16 bits unless told
    otherwise, and so does everybody for latent attention.
    """
    quantises = engine in ("trtllm", "trtllm-pytorch", "tuned") and hw.supports("fp8") and not model.is_latent
    narrow = FORMATS[precision.format].maths in ("fp8", "fp4") and not precision.widened
    return "fp8" if quantises and narrow else "bf16"
