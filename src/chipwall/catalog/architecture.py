"""The shape of a language model: what its layers hold, keep and compute. Every count in the house is one of these functions.

A model file lists its layers as records (:class:`~chipwall.catalog.layers.Layers`): so many with this attention and that
feed-forward block. From them comes one :class:`Architecture`: groups of attention by kind and groups of feed-forward
blocks by kind, as plain numbers. The catalogue's page, the ceilings, memory, serving, training and retrieval all ask it
the same questions, so that a question has one answer.

Every number of an architecture may be an array, one entry per model (:func:`stacked_models`), and so may contexts; a group that
a model lacks simply occurs zero times.

Counts leave out norms and biases, which are below 0.1 % of any model of today.

References
----------
.. [1] Kaplan et al., Scaling laws for neural language models, arXiv:2001.08361, section 2.1 (2 flop per weight forward,
   and attention over the context).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from chipwall.catalog.blocks import INDEX_BYTES, UNBOUNDED, Attention, FeedForward, Number
from chipwall.catalog.layers import Layers
from chipwall.catalog.numbers import lesser

__all__ = [
    "WEIGHT_PARTS",
    "Architecture",
    "architecture_of",
    "stacked_models",
]


# Where a weight belongs: precision and layout follow the part.
WEIGHT_PARTS = ("attention", "dense", "shared", "experts", "router", "head", "embedding", "other")


@dataclass(frozen=True)
class Architecture:
    """One model, or many as arrays: groups of layers, tables, and what stands beside the layers. All counts [1].

    Attributes
    ----------
    layers, hidden, vocab, tied : float or array
        Layers as the model counts them, width of the residual stream, tokens of the vocabulary, and 1 where embedding and
        head are one table.
    attention, feed_forward : tuple
        Groups of :class:`Attention` and :class:`FeedForward`.
    vision, lookup, loose : float or array
        Weights of a vision or audio tower; of tables that are looked up beside the embedding (positions, per-layer
        embeddings); and of layers by no field (norms apart).
    draft : float or array
        Weights of the draft layers that come with the checkpoint; not part of :attr:`weights`.
    draft_cache : float or array
        Values that one token keeps in those layers.
    """

    layers: Number
    hidden: Number
    vocab: Number
    tied: Number
    attention: tuple[Attention, ...]
    feed_forward: tuple[FeedForward, ...]
    vision: Number = 0.0
    lookup: Number = 0.0
    loose: Number = 0.0
    draft: Number = 0.0
    draft_cache: Number = 0.0

    @property
    def groups(self) -> tuple[Attention | FeedForward, ...]:
        """Every group, attention first."""
        return (*self.attention, *self.feed_forward)

    def layers_of(self, *kinds: str) -> Number:
        """Layers in the groups of these kinds [1]."""
        return sum((g.count for g in self.groups if g.kind in kinds), 0.0 * self.layers)

    @property
    def blocks(self) -> Number:
        """Attention and feed-forward blocks [1]: two a layer in most models, one where layers are of one kind each."""
        return sum((g.count for g in self.groups), 0.0 * self.layers)

    def cut(self, layers: float) -> Architecture:
        """The same model with fewer layers, as people cut one down for a test; of leading dense layers one stays.

        The mix of attention stays as it is; dense and expert blocks keep their shares, but at least one dense block.
        """
        share = layers / self.layers
        dense, routed = self.layers_of("dense"), self.layers_of("experts")
        wanted = min(dense, max(1.0, round(dense * share))) if routed and dense else dense * share
        ratio = {"dense": wanted / dense if dense else 0.0, "experts": (layers - wanted) / routed if routed else 0.0}
        return replace(
            self,
            layers=float(layers),
            attention=tuple(replace(a, count=a.count * share) for a in self.attention),
            feed_forward=tuple(replace(f, count=f.count * ratio[f.kind]) for f in self.feed_forward),
            loose=self.loose * share,
        )

    # --- weights ---------------------------------------------------------------------------------------------------

    @cached_property
    def part_weights(self) -> Mapping[str, Number]:
        """Weights by part [1], keys of :data:`WEIGHT_PARTS`; they sum to :attr:`weights`. A tied table counts as embedding."""
        hidden, zero = self.hidden, 0.0 * self.layers
        found: dict[str, Number] = dict.fromkeys(WEIGHT_PARTS, zero)
        for a in self.attention:
            found["attention"] = found["attention"] + a.count * a.weights(hidden)
        for f in self.feed_forward:
            if f.kind == "dense":
                found["dense"] = found["dense"] + f.count * f.block
                continue
            found["experts"] = found["experts"] + f.count * f.experts * f.block
            found["shared"] = found["shared"] + f.count * f.shared_weights(hidden)
            found["router"] = found["router"] + f.count * f.router_weights(hidden)
        found["embedding"] = self.vocab * hidden
        found["head"] = (1.0 - self.tied) * self.vocab * hidden
        found["other"] = self.vision + self.lookup + self.loose
        return MappingProxyType(found)

    @property
    def weights(self) -> Number:
        """All weights [1]: what is loaded, draft layers apart."""
        return sum(self.part_weights.values())

    @cached_property
    def active_weights(self) -> Number:
        """Weights that one token is multiplied with [1]: the head too, tied or not; look-ups and towers not."""
        parts = self.part_weights
        routed: Number = 0.0
        for f in self.feed_forward:
            routed = routed + f.count * f.picks * f.block * (1.0 if f.kind == "experts" else 0.0)
        products = parts["attention"] + parts["dense"] + parts["shared"] + parts["router"] + self.loose
        return products + routed + self.vocab * self.hidden

    @property
    def named_active_weights(self) -> Number:
        """Weights of one token as model cards count them [1]: active ones, and the embedding where it is a table of its own."""
        return self.active_weights + (1.0 - self.tied) * self.vocab * self.hidden

    def weight_bytes(self, bytes_per_weight: Mapping[str, Number]) -> Number:
        """Size of all weights [byte]; ``bytes_per_weight`` gives bytes of one weight by part, scales included."""
        return sum(count * bytes_per_weight[part] for part, count in self.part_weights.items())

    # --- what a sequence keeps -------------------------------------------------------------------------------------

    def cache_values(self, context: Number, *, tensor: Number = 1.0) -> Number:
        """Values that a sequence of ``context`` tokens keeps on one of ``tensor`` chips, all layers [1].

        Key-value heads are stored twice where the chips outnumber them, a latent vector on every chip. Layers that see a
        window stop growing; those that carry a state keep :meth:`state_bytes` instead.
        """
        total: Number = 0.0 * context
        for a in self.attention:
            total = total + a.count * a.kept * a.entries(context) * a.entry_values(tensor)
        return total

    def index_values(self, context: Number) -> Number:
        """Values that the indexers of sparse attention keep of a sequence, on every chip [1]."""
        total: Number = 0.0 * context
        for a in self.attention:
            total = total + a.count * a.index_dim * lesser(a.index_heads, 1.0) * context / a.compression
        return total

    def cache_bytes(self, context: Number, bytes_per_value: Number = 2.0, *, tensor: Number = 1.0) -> Number:
        """Cache of one sequence of ``context`` tokens on one of ``tensor`` chips [byte], without states.

        Parameters
        ----------
        context : numeric
            Tokens in the cache [token].
        bytes_per_value : numeric
            2 for 16-bit caches, 1 for 8-bit [byte]; the keys of an indexer have a format of their own.
        tensor : numeric
            Chips that share each layer [1].
        """
        return self.cache_values(context, tensor=tensor) * bytes_per_value + self.index_values(context) * INDEX_BYTES

    def state_bytes(self, bytes_per_value: Number = 2.0, *, tensor: Number = 1.0) -> Number:
        """State of one sequence on one of ``tensor`` chips, all layers, whatever its length [byte]."""
        total: Number = 0.0 * self.layers
        for a in self.attention:
            total = total + a.count * a.state_values(tensor) * bytes_per_value
        return total

    # --- arithmetic ------------------------------------------------------------------------------------------------

    def attention_flops(self, context: Number, *, causal_mean: bool = False) -> Number:
        """Attention of one token over the tokens before it, all layers, its products apart [flop].

        With ``causal_mean`` the mean over the positions of a sequence of ``context`` tokens.
        """
        total: Number = 0.0 * np.asarray(context)
        for a in self.attention:
            seen = a.span(context) if causal_mean else a.seen(context)
            scored = np.asarray(context) / 2.0 if causal_mean else context
            total = total + a.count * (a.token_flops(seen) + a.index_flops(scored))
        return total[()]

    def flops(self, context: Number, *, causal_mean: bool = False) -> Number:
        """Arithmetic of one token forward with ``context`` tokens before it [flop]: two per active weight, and attention [1]_."""
        return 2.0 * self.active_weights + self.attention_flops(context, causal_mean=causal_mean)


# --- from records to numbers ---------------------------------------------------------------------------------------


def architecture_of(
    layers: Sequence[Layers],
    *,
    hidden: int,
    vocab: int,
    tied: bool,
    vision: float = 0.0,
    lookup: float = 0.0,
    draft: Sequence[Layers] = (),
    depth: int = 0,
) -> Architecture:
    """The architecture that layer records describe.

    Parameters
    ----------
    layers, draft : sequence of Layers
        Records of the model, and of the draft layers in its checkpoint.
    hidden, vocab : int
        Width of the residual stream and tokens of the vocabulary [1].
    tied : bool
        Whether embedding and head are one table.
    vision, lookup : float
        Weights beside the layers, see :class:`Architecture` [1].
    depth : int
        Layers as the model counts them, where records split them differently [1]; 0: the sum of the records.
    """
    drafts = architecture_of(draft, hidden=hidden, vocab=0, tied=True) if draft else None
    count = sum(r.count for r in draft)
    return Architecture(
        layers=float(depth or sum(r.count for r in layers)),
        hidden=float(hidden),
        vocab=float(vocab),
        tied=float(tied),
        attention=_attention_groups(layers),
        feed_forward=_feed_forward_groups(layers, float(hidden)),
        vision=float(vision),
        lookup=float(lookup),
        loose=float(sum(r.count * r.other for r in layers)),
        # a draft layer joins the last hidden state and the embedding of its token: 2 hidden to hidden
        draft=float(drafts.weights) + count * 2.0 * hidden * hidden if drafts else 0.0,
        draft_cache=float(drafts.cache_values(1.0)) if drafts else 0.0,
    )


def _attention_groups(layers: Sequence[Layers]) -> tuple[Attention, ...]:
    """Records with the same attention joined: their counts add; what one kind cannot describe in common stays apart."""
    groups: dict[Attention, float] = {}
    kept: dict[Attention, float] = {}
    for record in layers:
        if record.attention == "none":
            continue
        group = _attention(record)
        groups[group] = groups.get(group, 0.0) + record.count
        kept[group] = kept.get(group, 0.0) + record.count * record.keeps
    return tuple(replace(g, count=n, kept=kept[g] / n) for g, n in groups.items())


def _attention(r: Layers) -> Attention:
    value = r.value_dim or r.head_dim
    return Attention(
        kind=r.attention,  # type: ignore[arg-type]
        count=0.0,
        heads=float(r.heads),
        kv_heads=float(r.kv_heads or (0 if r.attention == "latent" else r.heads)),
        head_dim=float(r.head_dim),
        value_dim=float(value),
        values=float(r.head_dim if r.one_vector else r.head_dim + value),
        window=float(r.window) if r.attention == "window" else UNBOUNDED,
        query_rank=float(r.query_rank),
        latent_rank=float(r.latent_rank),
        rotary=float(r.rotary),
        output_rank=float(r.output_rank),
        output_groups=float(r.output_groups),
        gate=float(r.gate),
        shared_keys=float(r.shared_keys or r.one_vector),
        kept=1.0,
        compression=float(max(r.compression, 1)),
        near=float(r.near),
        index_heads=float(r.index_heads),
        index_dim=float(r.index_dim),
        index_keys=float(r.index_keys) if r.index_keys else UNBOUNDED,
        convolution=float(r.convolution),
    )


def _feed_forward_groups(layers: Sequence[Layers], hidden: float) -> tuple[FeedForward, ...]:
    groups: dict[FeedForward, float] = {}
    for r in layers:
        if r.feed_forward == "none":
            continue
        routed = r.feed_forward == "experts"
        group = FeedForward(
            kind="experts" if routed else "dense",
            count=0.0,
            width=float(r.expert_ffn if routed else r.ffn),
            depth=float(r.expert_dim if routed and r.expert_dim else hidden),
            matrices=3.0 if r.gated else 2.0,
            experts=float(r.experts if routed else 0),
            top_k=float(r.top_k if routed else 0),
            shared=float(r.shared_ffn if routed else 0),
            lowered=float(bool(routed and r.expert_dim)),
            idle=float(r.idle_experts if routed else 0),
        )
        groups[group] = groups.get(group, 0.0) + r.count
    return tuple(replace(g, count=n) for g, n in groups.items())


# --- many models as one of arrays ------------------------------------------------------------------------------------


def _keys(groups: Sequence[Any]) -> list[tuple[str, int]]:
    """Each group by its kind and how many of that kind came before it."""
    seen: dict[str, int] = {}
    found = []
    for g in groups:
        found.append((g.kind, seen.get(g.kind, 0)))
        seen[g.kind] = seen.get(g.kind, 0) + 1
    return found


# What a group that a model lacks holds: nothing, in widths that divide without warnings.
_ABSENT = {"window": UNBOUNDED, "index_keys": UNBOUNDED, "compression": 1.0, "kept": 1.0}


def _stacked_groups(each: Sequence[tuple[Any, ...]], where: Any) -> tuple[Any, ...]:
    tables = [dict(zip(_keys(groups), groups, strict=True)) for groups in each]
    made = []
    for key in dict.fromkeys(k for table in tables for k in table):
        first = next(table[key] for table in tables if key in table)
        columns = {}
        for f in fields(first):
            if f.name == "kind":
                continue
            absent = _ABSENT.get(f.name, 0.0)
            values = [getattr(t[key], f.name) if key in t else absent for t in tables]
            columns[f.name] = np.array(values, dtype=float)[where]
        made.append(replace(first, **columns))
    return tuple(made)


def stacked_models(each: Sequence[Architecture], *, index: object = None) -> Architecture:
    """Many models as one record of arrays; ``index`` says which model stands at each position."""
    where = np.arange(len(each)) if index is None else np.asarray(index)
    plain = {
        f.name: np.array([getattr(a, f.name) for a in each], dtype=float)[where]
        for f in fields(Architecture)
        if f.name not in ("attention", "feed_forward")
    }
    return Architecture(
        **plain,
        attention=_stacked_groups([a.attention for a in each], where),
        feed_forward=_stacked_groups([a.feed_forward for a in each], where),
    )
