"""The record of a model's layers as its data file holds it; :mod:`chipwall.catalog.architecture` computes with it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ATTENTION_KINDS", "FEED_FORWARD_KINDS", "Layers"]

ATTENTION_KINDS = ("full", "window", "latent", "linear", "recurrent", "none")
FEED_FORWARD_KINDS = ("dense", "experts", "none")


@dataclass(frozen=True, slots=True)
class Layers:
    """A record ``[[model.layers]]`` of a model file: ``count`` layers alike. Numbers are [1], zero where there is no such part.

    Attributes
    ----------
    count : int
        Layers.
    attention : str
        One of :data:`ATTENTION_KINDS`: ``full``, ``window`` (sees the last ``window`` tokens), ``latent`` (keeps one
        vector of ``latent_rank + rotary`` per token), ``linear`` (a state of key width x value width per head),
        ``recurrent`` (the same as a state-space mixer: ``heads`` of ``value_dim``, ``kv_heads`` groups, state
        ``head_dim``), ``none``.
    heads, kv_heads, head_dim, value_dim : int
        Query heads (value heads of ``linear``), heads of keys and values, width of a query and key (of ``latent`` with
        its rotary part), width of a value; ``value_dim`` 0 means ``head_dim``.
    window : int
        Tokens that a ``window`` layer sees.
    query_rank, latent_rank, rotary : int
        Rank through which queries pass, rank of the latent vector, and rotary width beside it.
    output_rank, output_groups : int
        Rank through which the output passes, cut into so many groups of heads.
    gate : int
        Columns of the products that gate the output or step the state.
    shared_keys : bool
        Values are the keys: one projection.
    one_vector : bool
        The cache keeps one vector for key and value.
    keeps : bool
        False where the layer reads the cache of another and keeps none.
    compression : int
        Tokens that share one entry of the cache; 0 or 1: none. ``near`` tokens are kept one by one beside them.
    near : int
        Tokens kept one by one beside compressed entries.
    index_heads, index_dim, index_keys : int
        Sparse attention: heads and width of the indexer, and keys that a query may choose.
    convolution : int
        Width of the short convolution before a ``linear`` or ``recurrent`` state.
    feed_forward : str
        ``dense``, ``experts`` or ``none``.
    ffn : int
        Width of the dense block.
    gated : bool
        Whether the block has a gate: three matrices instead of two.
    experts, top_k, expert_ffn, shared_ffn : int
        Routed experts, those of a token, their width, and the width of all shared experts of a layer together.
    expert_dim : int
        Width in which routed experts work, where tokens are projected down for them; 0: the model's.
    idle_experts : int
        Experts that a router may choose and that compute nothing.
    other : int
        Weights of one layer that no field describes.
    """

    count: int
    attention: str = "none"
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    window: int = 0
    query_rank: int = 0
    latent_rank: int = 0
    rotary: int = 0
    output_rank: int = 0
    output_groups: int = 0
    gate: int = 0
    shared_keys: bool = False
    one_vector: bool = False
    keeps: bool = True
    compression: int = 0
    near: int = 0
    index_heads: int = 0
    index_dim: int = 0
    index_keys: int = 0
    convolution: int = 0
    feed_forward: str = "none"
    ffn: int = 0
    gated: bool = True
    experts: int = 0
    top_k: int = 0
    expert_ffn: int = 0
    shared_ffn: int = 0
    expert_dim: int = 0
    idle_experts: int = 0
    other: int = 0
