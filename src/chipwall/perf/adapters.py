"""Low-rank adapters: how many weights they are, whether they are trained or served.

References
----------
.. [1] Hu et al., LoRA, arXiv:2106.09685, section 4.1 (rank x (inputs + outputs) of each adapted matrix).
.. [2] PEFT counts 13,631,488 weights of rank 16 on the attention of Llama 3 8B, and 41,943,040 on all its matrices.
.. [3] Chen et al., Punica, arXiv:2310.18547, section 4 (products of many adapters in one kernel); vLLM cuts one matrix of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.blocks import Attention, Number

__all__ = ["ADAPTED", "ServedAdapters", "adapted_attention", "adapted_blocks"]

# Which matrices get adapters: the projections of the attention, or those of the feed-forward blocks too.
ADAPTED = ("attention", "all")


def adapted_attention(a: Architecture) -> Number:
    """Inputs and outputs of every projection of the attention, all layers [1]: queries, keys and values apart [2]."""
    total: Number = 0.0 * a.layers
    for group in a.attention:
        if group.grows:
            total = total + group.count * _projections(group, a.hidden)
    return total


def _projections(g: Attention, hidden: Number) -> Number:
    """Inputs and outputs of the projections of one layer [1]; those of an indexer have none."""
    total: Number = 0.0 * hidden
    for name, columns, depth in g.products(hidden):
        if name.startswith("index"):
            continue
        # one product stands for several matrices that read the same input
        matrices = {"qkv": 3.0 - g.shared_keys, "latent down": 2.0}.get(name, 1.0)
        total = total + columns + matrices * depth
    return total


def adapted_blocks(a: Architecture) -> Number:
    """Inputs and outputs of every matrix of the feed-forward blocks, routed experts too, all layers [1]."""
    total: Number = 0.0 * a.layers
    for f in a.feed_forward:
        own = f.matrices * (f.depth + f.width)
        if f.kind == "dense":
            total = total + f.count * own
        else:
            shared = f.matrices * (a.hidden + f.shared) if f.shared else 0.0
            total = total + f.count * (f.experts * own + shared)
    return total


@dataclass(frozen=True, slots=True)
class ServedAdapters:
    """Adapters that an engine keeps ready beside one model: how many, of which rank, beside which matrices [1]."""

    count: float = 0.0
    rank: float = 16.0
    modules: str = "all"

    def weights(self, a: Architecture) -> Number:
        """Weights of one of them [1]."""
        blocks = adapted_blocks(a) if self.modules == "all" else 0.0
        return self.rank * (adapted_attention(a) + blocks) if self.count else 0.0 * a.layers

    def bytes_on_chip(self, a: Architecture, tensor: Number) -> Number:
        """Size of one of them on each of ``tensor`` chips, in 16 bits [byte].

        Of the two matrices of an adapter engines cut one as its layer is cut and copy the other [3].
        """
        return 2.0 * self.weights(a) * (1.0 + 1.0 / tensor) / 2.0
