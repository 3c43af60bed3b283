"""A model as the training formulas see it: widths, and how many layers of each kind; numbers or arrays of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from chipwall.catalog.architecture import Architecture, stacked_models
from chipwall.catalog.records import LanguageModel
from chipwall.perf.adapters import adapted_attention, adapted_blocks
from chipwall.perf.numeric import Numeric

__all__ = ["Shape", "model_flops_per_token", "shape_of", "stacked_shapes"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Widths [1] and layer counts [1] of one model, or of many as arrays.

    Attributes
    ----------
    layers, attention_layers, recurrent_layers, dense_layers, expert_layers : numeric
        All layers; those with attention, with a state-space mixer, with a dense and with an expert feed-forward block.
    hidden, vocab : numeric
        Width of the residual stream, and tokens in the vocabulary.
    heads, kv_heads, head_dim, value_dim : numeric
        Of the attention; latent attention counts every head as a key-value head.
    projections, attended : numeric
        Columns of all projections into the attention (depth ``hidden``), and width that comes out of it.
    matrices, ffn : numeric
        Matrices of a feed-forward block (3 when gated) and its width.
    experts, top_k, expert_ffn, expert_hidden, shared_ffn : numeric
        Routed experts, those a token visits, their width, the width they work in, and the width of shared experts.
    mixing_ratio : numeric
        Weights of one state-space mixer over hidden squared.
    routers, beside : numeric
        Weights of routers and of what no width describes; and of towers and looked-up tables, which no token meets.
    adapted_attention, adapted_blocks : numeric
        Inputs and outputs of all matrices that adapters lie beside, of the attention and of the feed-forward blocks.
    architecture : Architecture
        Where all this comes from; arithmetic of the attention is asked there.
    tied : numeric
        1 where embedding and head are one table.
    """

    layers: Numeric
    attention_layers: Numeric
    recurrent_layers: Numeric
    dense_layers: Numeric
    expert_layers: Numeric
    hidden: Numeric
    vocab: Numeric
    heads: Numeric
    kv_heads: Numeric
    head_dim: Numeric
    value_dim: Numeric
    projections: Numeric
    attended: Numeric
    matrices: Numeric
    ffn: Numeric
    experts: Numeric
    top_k: Numeric
    expert_ffn: Numeric
    expert_hidden: Numeric
    shared_ffn: Numeric
    mixing_ratio: Numeric
    routers: Numeric
    beside: Numeric
    tied: Numeric
    adapted_attention: Numeric
    adapted_blocks: Numeric
    architecture: Architecture

    @property
    def attention_weights(self) -> Numeric:
        """Weights of the attention of one layer [1]."""
        return self.hidden * (self.projections + self.attended)

    @property
    def dense_weights(self) -> Numeric:
        """Weights of everything but routed experts, embedding and head [1]."""
        return (
            self.routers
            + self.beside
            + self.attention_layers * self.attention_weights
            + self.recurrent_layers * self.mixing_ratio * self.hidden**2
            + self.dense_layers * self.matrices * self.hidden * self.ffn
            + self.expert_layers * self.matrices * self.hidden * self.shared_ffn
        )

    @property
    def expert_weights(self) -> Numeric:
        """Weights of all routed experts [1]."""
        return self.expert_layers * self.experts * self.matrices * self.expert_hidden * self.expert_ffn

    @property
    def embedding_weights(self) -> Numeric:
        """Weights of the embedding and the head [1]."""
        return self.vocab * self.hidden * (2.0 - self.tied)

    @property
    def weights(self) -> Numeric:
        """All weights [1]."""
        return self.dense_weights + self.expert_weights + self.embedding_weights

    @property
    def active_weights(self) -> Numeric:
        """Weights that a token is multiplied with, the head among them, the embedding look-up not [1]."""
        routed = self.expert_layers * self.top_k * self.matrices * self.expert_hidden * self.expert_ffn
        return self.dense_weights - self.beside + routed + self.vocab * self.hidden


def _mean(groups: Sequence[Any], value: Callable[[Any], float]) -> float:
    """Mean over the layers of some groups [1]; 0 without layers."""
    count = sum(g.count for g in groups)
    return float(sum(g.count * value(g) for g in groups) / count) if count else 0.0


@lru_cache(maxsize=2000)
def shape_of(model: LanguageModel, *, layers: int = 0) -> Shape:
    """The shape of a model; ``layers`` other than 0 cuts it down to so many layers, one of them dense."""
    a = model.architecture.cut(layers) if layers else model.architecture
    keys = [g for g in a.attention if g.grows]
    states = [g for g in a.attention if not g.grows]
    routed = [f for f in a.feed_forward if f.kind == "experts"]
    dense = [f for f in a.feed_forward if f.kind == "dense"]
    attending = float(sum(g.count for g in keys))
    attended = _mean(keys, lambda g: g.outcome)
    return Shape(
        layers=float(a.blocks / 2.0),
        attention_layers=attending,
        recurrent_layers=float(sum(g.count for g in states)),
        dense_layers=float(sum(f.count for f in dense)),
        expert_layers=float(sum(f.count for f in routed)),
        hidden=a.hidden,
        vocab=a.vocab,
        heads=_mean(keys, lambda g: g.heads) or _mean(states, lambda g: g.heads),
        kv_heads=_mean(keys, lambda g: g.kv_heads or g.heads),
        head_dim=_mean(keys, lambda g: g.head_dim),
        value_dim=_mean(keys, lambda g: g.value_dim),
        projections=_mean(keys, lambda g: g.weights(a.hidden)) / a.hidden - attended,
        attended=attended,
        matrices=_mean(a.feed_forward, lambda f: f.matrices),
        ffn=_mean(dense, lambda f: f.width),
        experts=_mean(routed, lambda f: f.experts),
        top_k=_mean(routed, lambda f: f.picks),
        expert_ffn=_mean(routed, lambda f: f.width),
        expert_hidden=_mean(routed, lambda f: f.depth) or a.hidden,
        shared_ffn=_mean(routed, lambda f: f.shared_weights(a.hidden) / (f.matrices * a.hidden)),
        mixing_ratio=_mean(states, lambda g: g.weights(a.hidden)) / a.hidden**2,
        routers=float(a.part_weights["router"] + a.loose),
        beside=float(a.vision + a.lookup),
        tied=a.tied,
        adapted_attention=adapted_attention(a),
        adapted_blocks=adapted_blocks(a),
        architecture=a,
    )


def stacked_shapes(shapes: Sequence[Shape], *, times: int = 1) -> Shape:
    """Many shapes as one of arrays, each so many ``times`` in a row."""
    where = np.repeat(np.arange(len(shapes)), times)
    plain = [f.name for f in fields(Shape) if f.name != "architecture"]
    return Shape(
        **{name: np.array([getattr(s, name) for s in shapes], dtype=float)[where] for name in plain},
        architecture=stacked_models([s.architecture for s in shapes], index=where),
    )


def attention_span(shape: Shape, sequence: Numeric) -> Numeric:
    """Keys that a token sees on average under a causal mask [token]: windows and sparse choices counted, mean over layers."""
    keys = [g for g in shape.architecture.attention if g.grows]
    whole = sum((g.count * g.pair_flops() for g in keys), 0.0 * shape.layers)
    seen = sum((g.count * g.pair_flops() * g.span(sequence) for g in keys), 0.0 * shape.layers)
    return np.where(whole > 0, seen / np.maximum(whole, 1.0), np.asarray(sequence) / 2.0)[()]


def model_flops_per_token(shape: Shape, sequence: Numeric, *, causal: bool = True) -> Numeric:
    """Arithmetic of one token in training, recomputation left out [flop].

    Three times that of one token forward: the backward pass is two products for each one. All keys, not only earlier ones,
    where ``causal`` is False, as many published figures count.
    """
    return 3.0 * shape.architecture.flops(sequence, causal_mean=causal)
