"""Time of an encoder: a transformer whose tokens all see each other, as text encoders and vision towers are.

References
----------
.. [1] Devlin et al., BERT, arXiv:1810.04805 (layers of four projections and a feed-forward block).
.. [2] Qwen2.5-VL technical report, arXiv:2502.13923, section 2.1 (windows of patches, a few layers without).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipwall.perf.device import Hardware
from chipwall.perf.numeric import Numeric
from chipwall.perf.ops import attention_prefill_time, elementwise_time, gemm_time

__all__ = ["EncoderShape", "encoder_time"]


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Widths and counts of an encoder [1].

    ``window`` are the tokens that a layer sees where its attention is cut into windows, 0 without; ``whole`` the layers
    that see everything nevertheless.
    """

    layers: int
    hidden: int
    ffn: int
    heads: int
    gated: bool = False
    window: int = 0
    whole: int = 0


def encoder_time(
    hw: Hardware, shape: EncoderShape, *, texts: Numeric, length: Numeric, recipe: str = "bf16"
) -> Numeric:
    """Time to encode ``texts`` sequences of ``length`` tokens (or patches) each in one batch [s].

    Parameters
    ----------
    hw : Hardware
        The chip.
    shape : EncoderShape
        The encoder.
    texts, length : float or array
        Sequences, and tokens of each [1].
    recipe : str
        Format of the products.

    Limits
    ------
    Rates of the calibrated kernels; host time and launches between layers are those of the kernels alone.
    """
    tokens = np.multiply(texts, length)
    width, inner = float(shape.hidden), float(shape.ffn) * (2.0 if shape.gated else 1.0)
    products = (
        gemm_time(hw, m=tokens, n=3.0 * width, k=width, recipe=recipe)
        + gemm_time(hw, m=tokens, n=width, k=width, recipe=recipe)
        + gemm_time(hw, m=tokens, n=inner, k=width, recipe=recipe)
        + gemm_time(hw, m=tokens, n=width, k=float(shape.ffn), recipe=recipe)
    )
    # two norms with their residuals and the activation
    moved = elementwise_time(hw, moved=tokens * 2.0 * (8.0 * width + 2.0 * inner), kernels=3.0)
    whole = shape.whole if shape.window else shape.layers
    windows = shape.layers - whole
    attention = whole * _attention(hw, shape, texts, length)
    if windows:
        seen = np.minimum(shape.window, length)
        attention = attention + windows * _attention(hw, shape, np.multiply(texts, length) / seen, seen)
    return shape.layers * (products + moved) + attention


def _attention(hw: Hardware, shape: EncoderShape, texts: Numeric, length: Numeric) -> Numeric:
    """Attention of one layer [s]."""
    heads = float(shape.heads)
    return attention_prefill_time(
        hw, batch=texts, queries=length, heads=heads, kv_heads=heads, head_dim=shape.hidden / heads, causal=False
    )
