"""The operators of a transformer, forward: which matrix products one token passes through, and how attention looks.

One list serves prefill, decode and training: each :class:`Operator` is a product of ``rows x depth`` by ``depth x
columns``, so many times in the model, with the rows left to the caller (tokens of a prefill, sequences of a decode step,
tokens of a micro-batch). Backward of each product is two products of the same size.

Every number of a :class:`Shape` may be an array, one entry per case, so models of different kinds are computed in one
sweep; an operator that a model does not have simply occurs zero times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Literal

import numpy as np

from chipwall.catalog.dimensions import full_attention_share, head_width, is_latent, moe_layers, needed
from chipwall.catalog.records import LanguageModel
from chipwall.perf.numeric import Numeric

__all__ = [
    "Operator",
    "Shape",
    "attended",
    "cache_values_per_token",
    "operators",
    "shape",
    "stacked_shapes",
    "weights_of",
]

# Where the source says only that layers are mixed, most models of that kind use this share of full layers.
TYPICAL_FULL_SHARE = {"linear": 0.25, "window": 1.0 / 6.0}
# Tokens that a learned sparse attention keeps per query: index_topk of DeepSeek-V3.2; block-sparse designs are alike.
SPARSE_KEYS = 2048.0
UNBOUNDED = 1e13


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's dimensions as plain numbers, zero where it has no such part.

    Attributes
    ----------
    layers, hidden, vocab : float or array
        Depth, width and vocabulary [1].
    heads, kv_heads, head_dim : float or array
        Attention heads, key-value heads and head width of the full-attention layers [1].
    latent, query_rank, latent_rank, rotary, content, value_dim : float or array
        1 for latent attention and its ranks and widths, else 0 [1].
    ffn, wide : float or array
        Width of a dense feed-forward block; 2 where its first product has gate and up halves, else 1 [1].
    sparse_layers, experts, top_k, shared, expert_ffn : float or array
        Layers with experts, experts of a layer, experts of a token, shared experts and their width [1].
    window, windowed : float or array
        Sliding window and share of the layers that have it [1].
    linear : float or array
        Share of the layers with linear attention, whose state does not grow [1].
    keys : float or array
        Most keys that a query attends to under learned sparse attention [1].
    """

    layers: Numeric
    hidden: Numeric
    vocab: Numeric
    heads: Numeric
    kv_heads: Numeric
    head_dim: Numeric
    latent: Numeric
    query_rank: Numeric
    latent_rank: Numeric
    rotary: Numeric
    content: Numeric
    value_dim: Numeric
    ffn: Numeric
    wide: Numeric
    sparse_layers: Numeric
    experts: Numeric
    top_k: Numeric
    shared: Numeric
    expert_ffn: Numeric
    window: Numeric
    windowed: Numeric
    linear: Numeric
    keys: Numeric


@lru_cache(maxsize=1024)
def shape(model: LanguageModel) -> Shape:
    """The dimensions of one model; raises :class:`~chipwall.errors.Unknown` where a needed one is missing."""
    layers, hidden, heads = needed(model, "layers", "hidden", "heads")
    latent = is_latent(model)
    rank, content, rotary, value = (
        needed(model, "kv_lora_rank", "qk_nope", "qk_rope", "v_head_dim") if latent else (0, 0, 0, 0)
    )
    sparse = moe_layers(model)
    experts, top_k, expert_ffn = needed(model, "experts", "top_k", "expert_ffn_hidden") if sparse else (0, 0, 0)
    ffn = model.ffn_hidden or 0
    if layers > sparse and not ffn:
        # a few leading dense layers of unknown width: as wide as the experts that a token passes through
        ffn = expert_ffn * (top_k + (model.shared_experts or 0)) if sparse else needed(model, "ffn_hidden")[0]
    windowed, linear = _other_layers(model)
    return Shape(
        layers=float(layers),
        hidden=float(hidden),
        vocab=float(model.vocab or 128_000),
        heads=float(heads),
        kv_heads=0.0 if latent else float(model.kv_heads or heads),
        head_dim=0.0 if latent else float(head_width(model)),
        latent=float(latent),
        query_rank=float((model.q_lora_rank or 0) if latent else 0),
        latent_rank=float(rank),
        rotary=float(rotary),
        content=float(content),
        value_dim=float(value),
        ffn=float(ffn if layers > sparse else 0),
        wide=1.0 if model.gated_mlp is False else 2.0,
        sparse_layers=float(sparse),
        experts=float(experts),
        top_k=float(top_k),
        shared=float(model.shared_experts or 0) if sparse else 0.0,
        expert_ffn=float(expert_ffn),
        window=float(model.sliding_window or 128) if windowed else UNBOUNDED,
        windowed=windowed,
        linear=linear,
        keys=SPARSE_KEYS if any(w in model.attention for w in ("DSA", "sparse indexer", "block-sparse")) else UNBOUNDED,
    )


def _other_layers(model: LanguageModel) -> tuple[float, float]:
    """Shares of the layers with a sliding window, and with linear attention [1].

    A window that every layer has (the first Mistral) is not used: engines kept the whole cache for such models, and
    measured throughput falls with the context as without a window.
    """
    words = model.attention.lower()
    full = full_attention_share(model)
    if "linear" in words or "mamba" in words:
        return 0.0, 1.0 - (TYPICAL_FULL_SHARE["linear"] if full is None else full)
    if full in (0.0, 1.0):
        return 0.0, 0.0
    if full is None:
        full = TYPICAL_FULL_SHARE["window"] if (model.sliding_window or "window" in words) else 1.0
    return 1.0 - full, 0.0


def stacked_shapes(shapes: Sequence[Shape], *, index: object = None) -> Shape:
    """Many models as one record of arrays; ``index`` says which model stands at each position."""
    where = np.arange(len(shapes)) if index is None else np.asarray(index)
    return Shape(**{f.name: np.array([getattr(s, f.name) for s in shapes], dtype=float)[where] for f in fields(Shape)})


@dataclass(frozen=True, slots=True)
class Operator:
    """One matrix product of the model.

    Attributes
    ----------
    name : str
        ``qkv``, ``attention output``, ``ffn up`` and so on.
    part : str
        ``attention``, ``ffn``, ``shared``, ``router``, ``experts`` or ``head``: precision and layout follow the part.
    columns, depth : float or array
        Width of the result and of the operand on one chip [1].
    times : float or array
        Occurrences in the whole model [1].
    rows : str
        What one row is: a token of the step, a pick of an expert (``top_k`` per token), or a sequence that samples.
    """

    name: str
    part: Literal["attention", "ffn", "shared", "router", "experts", "head"]
    columns: Numeric
    depth: Numeric
    times: Numeric
    rows: Literal["token", "pick", "sequence"] = "token"


def operators(model: Shape, *, tensor_parallel: Numeric = 1.0, expert_shards: Numeric = 1.0) -> tuple[Operator, ...]:
    """Every matrix product of the forward pass, as one chip of a tensor-parallel group sees it.

    Parameters
    ----------
    model : Shape
        Dimensions.
    tensor_parallel : float or array
        Chips that share each layer; key-value heads are copied where there are fewer of them [1].
    expert_shards : float or array
        Chips that one expert is cut over (tensor parallel over expert parallel) [1].

    Returns
    -------
    tuple of Operator
        Latent attention in its absorbed form, as decode runs it; the products are the same for prefill.
    """
    t = tensor_parallel
    heads, kv = model.heads / t, np.maximum(model.kv_heads / t, np.minimum(model.kv_heads, 1.0))
    plain, latent = model.layers * (1.0 - model.latent), model.layers * model.latent
    dense, routed = model.layers - model.sparse_layers, model.sparse_layers
    ranked = np.greater(model.query_rank, 0)
    query = heads * (model.content + model.rotary)
    inner, cut = model.ffn / t, model.expert_ffn / expert_shards
    shared = model.shared * model.expert_ffn / t
    return (
        Operator("qkv", "attention", (heads + 2 * kv) * model.head_dim, model.hidden, plain),
        Operator("attention output", "attention", model.hidden, heads * model.head_dim, plain),
        Operator("latent down", "attention", model.query_rank + model.latent_rank + model.rotary, model.hidden, latent),
        Operator("latent query", "attention", query, np.where(ranked, model.query_rank, model.hidden), latent),
        Operator("latent up", "attention", heads * (model.content + model.value_dim), model.latent_rank, latent),
        Operator("latent output", "attention", model.hidden, heads * model.value_dim, latent),
        Operator("ffn up", "ffn", model.wide * inner, model.hidden, dense),
        Operator("ffn down", "ffn", model.hidden, inner, dense),
        Operator("router", "router", model.experts, model.hidden, routed),
        Operator("shared up", "shared", model.wide * shared, model.hidden, routed * np.greater(model.shared, 0)),
        Operator("shared down", "shared", model.hidden, shared, routed * np.greater(model.shared, 0)),
        Operator("expert up", "experts", model.wide * cut, model.hidden, routed, "pick"),
        Operator("expert down", "experts", model.hidden, cut, routed, "pick"),
        Operator("head", "head", model.vocab / t, model.hidden, np.ones_like(np.asarray(model.layers))[()], "sequence"),
    )


@lru_cache(maxsize=4096)
def _weights_of_one(model: Shape, part: str) -> float:
    return float(_weights(model, part))


def weights_of(model: Shape, part: str) -> Numeric:
    """Weights of one part of the whole model, all experts counted [1]."""
    return _weights_of_one(model, part) if isinstance(model.layers, float) else _weights(model, part)


def _weights(model: Shape, part: str) -> Numeric:
    total: Numeric = 0.0
    for op in operators(model):
        if op.part == part:
            total = total + op.columns * op.depth * op.times * (model.experts if part == "experts" else 1.0)
    return total


def attended(model: Shape, context: Numeric) -> Numeric:
    """Keys that one query reads, averaged over the layers that keep keys [1]: the context, a window, or a chosen few."""
    seen = np.minimum(context, model.keys)
    return (1.0 - model.windowed) * seen + model.windowed * np.minimum(seen, model.window)


def cache_values_per_token(model: Shape, *, tensor_parallel: Numeric = 1.0) -> Numeric:
    """Values that one token keeps in one layer on one chip [1]: keys and values, or the latent vector (not divided)."""
    kv = np.maximum(model.kv_heads / tensor_parallel, np.minimum(model.kv_heads, 1.0))
    return 2.0 * kv * model.head_dim + model.latent * (model.latent_rank + model.rotary)
