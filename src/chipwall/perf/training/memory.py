"""Memory of one chip while training or fine-tuning, by part; coefficients are physics, not fits.

Every part is bytes per weight or per token times a count, so a reader can check it by hand. Only two figures are
empirical: the working set of the layer under way, and what the runtime keeps for itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipwall.perf.numeric import Numeric
from chipwall.perf.training.shape import Shape
from chipwall.perf.training.workload import Run, local_weights
from chipwall.units import GIB

__all__ = [
    "MEMORY_PARTS",
    "MIXED",
    "PURE",
    "Storage",
    "Weights",
    "activation_bytes_per_token",
    "adapter_count",
    "fullest_weights",
    "memory_parts",
    "storage_for",
]

MEMORY_PARTS = ("weights", "gradients", "optimizer", "adapters", "gathered layers", "activations", "logits", "runtime")

# Working set of the layer under way (gradients of its activations), over what it keeps; and context, kernels, buffers of
# the libraries and fragments.
WORKING_SET = 1.3
RUNTIME = 1.9 * GIB


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes of what is kept.

    Attributes
    ----------
    weight, gradient, state : float
        Per weight: the copy that computes, its gradient, and optimizer state with master copy [byte].
    embedding : float
        Per weight of embedding and head, which stay in 16 bits under quantised bases [byte].
    logit : float
        Per value of the output: 16-bit values, 32-bit copy, softmax and gradient; about 1.5 where the loss is computed
        in pieces [byte].
    adapter : float
        Per adapter weight: 16-bit weight and gradient, 32-bit copy and two moments [byte].
    activation : float
        Share of the activations that stays on the chip [1]; less than 1 where they are moved to the host.
    product_input : float
        Per value that is kept as the input of a product; 1 for 8-bit and 4-bit products [byte].
    runtime : float
        Context, kernels, buffers and fragments [byte].
    """

    weight: float = 2.0
    gradient: float = 4.0
    state: float = 12.0
    embedding: float = 2.0
    logit: float = 8.0
    adapter: float = 16.0
    activation: float = 1.0
    product_input: float = 2.0
    runtime: float = RUNTIME


MIXED = Storage()  # 16-bit weights, 32-bit gradients, master copy and two moments: Megatron, most FSDP recipes
PURE = Storage(gradient=2.0, state=4.0)  # everything in 16 bits, AdamW moments too: torchtune and the like


def storage_for(recipe: str) -> Storage:
    """Mixed-precision storage of a format of the products: narrow products keep narrow inputs."""
    return MIXED if recipe in ("bf16", "fp16") else replace(MIXED, product_input=1.0)


def activation_bytes_per_token(shape: Shape, run: Run, *, product_input: float = 2.0) -> tuple[Any, Any, Any]:
    """What one token leaves behind for the backward pass [byte]: (attention layer, dense block, expert block).

    Inputs of the products (``product_input`` bytes each: 1 where the products are 8-bit or narrower), products before the
    activation function, norms and attention operands in 16 bits; attention scores are computed again (fused kernels), so
    they leave nothing.
    """
    tp, narrow = run.tensor, product_input
    inner = 2.0 * (shape.matrices - 1.0) + narrow  # of a feed-forward width: before the activation function, and after
    attention = (2.0 + narrow) * shape.hidden + 2.0 * (shape.projections + shape.attended)
    dense = (2.0 + narrow) * shape.hidden + inner * shape.ffn
    routed = shape.top_k * ((2.0 + narrow) * shape.expert_hidden + inner * shape.expert_ffn)
    expert = (2.0 + narrow) * shape.hidden + routed + inner * shape.shared_ffn
    return attention / tp, dense / tp, expert / tp


def adapter_count(shape: Shape, *, rank: Numeric, modules: str = "attention") -> Numeric:
    """Weights of low-rank adapters [1]: rank x (inputs + outputs) of every adapted matrix.

    ``modules`` is ``attention`` (its projections) or ``all`` (the feed-forward matrices too).
    """
    attention = shape.attention_layers * (shape.hidden + shape.projections + shape.attended + shape.hidden)
    if modules == "attention":
        return rank * attention
    blocks = shape.dense_layers * shape.matrices * (shape.hidden + shape.ffn)
    routed = (
        shape.expert_layers
        * shape.matrices
        * ((shape.hidden + shape.shared_ffn) + shape.experts * (shape.expert_hidden + shape.expert_ffn))
    )
    return rank * (attention + blocks + routed)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that the fullest chip answers for, before sharding [1].

    Attributes
    ----------
    dense, tables, experts, layer : numeric
        Of the layers but routed experts; of embedding and head; of routed experts; and of one layer without them [1].
    sharded, owners, expert_owners : numeric
        Chips that share the weights, and the optimizer state of dense weights and of experts [1].
    """

    dense: Any
    tables: Any
    experts: Any
    layer: Any
    sharded: Any
    owners: Any
    expert_owners: Any


def fullest_weights(shape: Shape, run: Run) -> Weights:
    """Weights of the fullest chip by kind, and how many chips share them [1]."""
    dense, experts = local_weights(shape, run)
    # experts sit on whole layers: the fullest stage has the rounded-up share
    sparse = np.maximum(shape.expert_layers, 1.0)
    experts = experts * np.ceil(sparse / run.pipeline) * run.pipeline / sparse
    tables = np.where(np.asarray(run.pipeline) > 1, 1.0, 2.0 - shape.tied) * shape.vocab * shape.hidden / run.tensor
    sharded = np.where(np.asarray(run.fsdp) > 0, np.maximum(run.shard, 1.0), 1.0)
    owners = np.maximum(run.shard, 1.0)
    expert_owners = np.maximum(owners * run.tensor / np.maximum(run.expert * run.expert_tensor, 1.0), 1.0)
    return Weights(
        dense=dense - tables,
        tables=tables,
        experts=experts,
        layer=(dense - tables) / np.maximum(shape.layers / run.pipeline, 1.0),
        sharded=sharded,
        owners=owners,
        expert_owners=np.where(sharded > 1, sharded, expert_owners),
    )


def memory_parts(
    shape: Shape, run: Run, *, storage: Storage = MIXED, adapters: Numeric = 0.0, trained_embeddings: float = 0.0
) -> dict[str, Any]:
    """Memory of the fullest chip by part [byte]; the keys are :data:`MEMORY_PARTS`.

    Parameters
    ----------
    shape, run : Shape, Run
        Model, and batch and layout.
    storage : Storage
        Bytes of what is kept.
    adapters : numeric
        Adapter weights, where only those are trained [1].
    trained_embeddings : float
        1 where embedding and head are trained beside the adapters.

    Notes
    -----
    The first pipeline stage holds activations of as many micro-batches as there are stages (interleaving adds a part);
    recomputed layers keep their input only.
    """
    frozen = run.adapters
    held = fullest_weights(shape, run)
    tables, experts, sharded = held.tables, held.experts, held.sharded
    dense = held.dense + tables
    weights = (held.dense * storage.weight + tables * storage.embedding + experts * storage.weight) / sharded
    trained = (1.0 - frozen) * (dense + experts)
    gradients = trained * storage.gradient / sharded
    optimizer = (1.0 - frozen) * storage.state * (dense / held.owners + experts / held.expert_owners)
    extra = frozen * (
        storage.adapter * np.asarray(adapters) / (run.tensor * run.pipeline) + trained_embeddings * 12.0 * tables
    )
    gathered = np.where(sharded > 1, 4.0 * held.layer, 0.0)

    rows = run.micro_batch * run.sequence / run.context
    attention, block, expert = activation_bytes_per_token(shape, run, product_input=storage.product_input)
    whole = (
        shape.attention_layers * attention + shape.dense_layers * block + shape.expert_layers * expert
    ) / run.pipeline
    whole = whole + shape.recurrent_layers * 2.0 * 14.0 * shape.hidden / run.tensor / run.pipeline
    kept = (1.0 - run.recompute) * whole + run.recompute * 2.0 * shape.hidden / run.tensor * shape.layers / run.pipeline
    flying = np.minimum(run.micro_batches, run.pipeline)
    flying = flying * np.where(
        np.asarray(run.virtual) > 1, 1.0 + (run.pipeline - 1.0) / (run.pipeline * run.virtual), 1.0
    )
    one = whole * run.pipeline / shape.layers
    kept = kept * storage.activation
    activations = rows * (kept * flying + WORKING_SET * one)
    logits = np.where(np.asarray(run.pipeline) > 1, 0.0, rows * shape.vocab / run.tensor * storage.logit)
    # the last stage holds one micro-batch and the logits, the first holds more micro-batches: the fuller counts
    last = rows * (kept + WORKING_SET * one) + rows * shape.vocab / run.tensor * storage.logit
    activations = np.where(np.asarray(run.pipeline) > 1, np.maximum(activations, last), activations)
    total = {
        "weights": weights,
        "gradients": gradients,
        "optimizer": optimizer,
        "adapters": extra,
        "gathered layers": gathered,
        "activations": activations,
        "logits": logits,
        "runtime": storage.runtime + 0.0 * weights,
    }
    return {name: total[name] for name in MEMORY_PARTS}
