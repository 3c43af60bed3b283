"""The operators of a transformer, forward: which matrix products one token passes through.

One list serves prefill, decode and training: each :class:`Operator` is a product of ``rows x depth`` by ``depth x
columns``, so many times in the model, with the rows left to the caller (tokens of a prefill, sequences of a decode step,
tokens of a micro-batch). Backward of each product is two products of the same size.

The sizes come from :class:`~chipwall.catalog.architecture.Architecture`, whose numbers may be arrays, one entry per case,
so models of different kinds are computed in one sweep; an operator that a model does not have occurs zero times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.blocks import FeedForward
from chipwall.perf.numeric import Numeric

__all__ = ["Operator", "operators"]


@dataclass(frozen=True, slots=True)
class Operator:
    """One matrix product of the model.

    Attributes
    ----------
    name : str
        ``qkv``, ``attention output``, ``ffn up`` and so on.
    part : str
        ``attention``, ``dense``, ``shared``, ``router``, ``experts`` or ``head``: precision and layout follow the part.
    columns, depth : float or array
        Width of the result and of the operand on one chip [1].
    times : float or array
        Occurrences in the whole model [1].
    rows : str
        What one row is: a token of the step, a pick of an expert, or a sequence that samples.
    block : FeedForward or None
        The experts that a ``pick`` goes to.
    """

    name: str
    part: Literal["attention", "dense", "shared", "router", "experts", "head"]
    columns: Numeric
    depth: Numeric
    times: Numeric
    rows: Literal["token", "pick", "sequence"] = "token"
    block: FeedForward | None = None


def operators(
    model: Architecture, *, tensor_parallel: Numeric = 1.0, expert_shards: Numeric = 1.0
) -> tuple[Operator, ...]:
    """Every matrix product of the forward pass, as one chip of a tensor-parallel group sees it.

    Parameters
    ----------
    model : Architecture
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
    t, hidden = tensor_parallel, model.hidden
    found = []
    for group in model.attention:
        found += [Operator(name, "attention", n, k, group.count) for name, n, k in group.products(hidden, t)]
    for block in model.feed_forward:
        found += _routed(block, hidden, t, expert_shards) if block.kind == "experts" else _dense(block, hidden, t)
    found.append(Operator("head", "head", model.vocab / t, hidden, 1.0 + 0.0 * model.layers, "sequence"))
    return tuple(found)


def _dense(block: FeedForward, hidden: Numeric, t: Numeric) -> list[Operator]:
    inner = block.width / t
    return [
        Operator("ffn up", "dense", (block.matrices - 1.0) * inner, hidden, block.count),
        Operator("ffn down", "dense", hidden, inner, block.count),
    ]


def _routed(block: FeedForward, hidden: Numeric, t: Numeric, shards: Numeric) -> list[Operator]:
    up, cut, inner = block.matrices - 1.0, block.width / shards, block.shared / t
    shared, lowered = block.count * (block.shared > 0), block.count * block.lowered
    return [
        Operator("router", "router", block.experts + block.idle, hidden, block.count),
        Operator("shared up", "shared", up * inner, hidden, shared),
        Operator("shared down", "shared", hidden, inner, shared),
        Operator("latent expert down", "shared", block.depth, hidden, lowered),
        Operator("latent expert up", "shared", hidden, block.depth, lowered),
        Operator("expert up", "experts", up * cut, block.depth, block.count, "pick", block),
        Operator("expert down", "experts", block.depth, cut, block.count, "pick", block),
    ]
