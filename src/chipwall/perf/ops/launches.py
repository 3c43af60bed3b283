"""How many kernels the layers of a model are: what their fixed time is counted by.

With a batch of a few sequences a step is mostly the fixed time of its kernels (launch or graph node, tail of the last wave,
synchronisation), so it follows their number: twice as many in a layer of latent attention with routed and shared experts as
in a plain one. Counted from the layers as vLLM 0.12, SGLang 0.5 and TensorRT-LLM 1.2 build them, norms with residuals,
rotary embedding with the cache write and activation with its product's gate fused; all-reduces are counted with the
collectives.
"""

from __future__ import annotations

from typing import Any

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.blocks import Attention, FeedForward
from chipwall.catalog.numbers import chosen

__all__ = ["attention_kernels", "feed_forward_kernels", "model_kernels"]

# Kernels of an attention block beside its matrix products: norm, rotary embedding with the cache write, attention and the
# combination of its splits; latent attention has two norms of ranks and a second absorbed product more; a state has a
# convolution, gates, the scan and a gated norm.
BESIDE_PRODUCTS = {"full": 4.0, "window": 4.0, "latent": 7.0, "linear": 6.0, "recurrent": 6.0}
PRODUCTS = {"full": 2.0, "window": 2.0, "latent": 4.0, "linear": 2.0, "recurrent": 2.0}
# Two products, scores and the choice of keys of a sparse indexer.
INDEXER = 5.0
# Norm, up, activation, down.
DENSE = 4.0
# Norm, router, choice with sorting, up with activation, down, combination, as the fewest are (FlashInfer's kernels of
# TensorRT-LLM); what others need more is fitted by engine and architecture. Shared experts are three kernels and an
# addition, projections around narrow experts two.
EXPERTS, SHARED = 6.0, 4.0
# Products of a block whose inputs are quantised by a kernel of their own.
QUANTISED = 2.0


def attention_kernels(group: Attention, quantised: Any = 0.0) -> Any:
    """Kernels of one attention block [1]; ``quantised`` is 1 where the inputs of its products are narrowed first."""
    index = chosen(group.index_heads > 0, INDEXER, 0.0)
    return PRODUCTS[group.kind] + BESIDE_PRODUCTS[group.kind] + index + QUANTISED * quantised


def feed_forward_kernels(block: FeedForward, quantised: Any = 0.0) -> Any:
    """Kernels of one feed-forward block [1]; arguments as :func:`attention_kernels`."""
    if block.kind == "dense":
        return DENSE + QUANTISED * quantised
    shared = chosen(block.shared > 0, SHARED, 0.0)
    return EXPERTS + shared + 2.0 * block.lowered + QUANTISED * quantised


def model_kernels(model: Architecture, *, attention: Any = 0.0, dense: Any = 0.0, experts: Any = 0.0) -> Any:
    """Kernels of one pass through all layers [1]; the arguments say which parts narrow their inputs first."""
    total: Any = 0.0
    for group in model.attention:
        total = total + group.count * attention_kernels(group, attention)
    for block in model.feed_forward:
        total = total + block.count * feed_forward_kernels(block, dense if block.kind == "dense" else experts)
    return total
