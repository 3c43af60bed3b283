"""Memory of one chip while training or fine-tuning, by part; coefficients are physics, not fits.

Every part is bytes per weight or per token times a count, so a reader can check it by hand: each formula is written once,
and fed :class:`~chipwall.perf.amount.Amount` it prints itself with the numbers of one run. Only two figures are empirical:
the working set of the layer under way, and what the runtime keeps for itself.

References
----------
.. [1] Rajbhandari et al., ZeRO, arXiv:1910.02054, sections 3 and 5 (weights, gradients and states, and who holds them).
.. [2] Korthikanti et al., Reducing activation recomputation, arXiv:2205.05198, section 4 (what a layer leaves).
.. [3] Liu et al., MoE parallel folding, arXiv:2504.14960 (an expert has data x context x tensor / (expert x expert-tensor)
   copies in a stage, and no more: that is the most it can be sharded over).
.. [4] Hu et al., LoRA, arXiv:2106.09685, section 4.1 (rank x (inputs + outputs) of each adapted matrix).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chipwall.errors import InputError
from chipwall.perf.amount import ceiling, either, larger, named, smaller
from chipwall.perf.budget import Budget, budget_of, memory_term
from chipwall.perf.numeric import Numeric
from chipwall.perf.training.shape import Shape
from chipwall.perf.training.workload import Run
from chipwall.text import Text, text
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
    "kept_on_chip",
    "memory_parts",
    "offload_seconds",
    "storage_for",
    "training_budget",
]

MEMORY_PARTS = (
    "weights", "gradients", "optimizer", "adapters", "gathered layers", "activations", "logits", "optimizer step", "runtime",
)  # fmt: skip
PART_NAMES: Mapping[str, Text] = {
    "weights": text("weights"),
    "gradients": text("gradients"),
    "optimizer": text("optimizer"),
    "adapters": text("adapters"),
    "gathered layers": text("gathered layers"),
    "activations": text("activations"),
    "logits": text("logits"),
    "optimizer step": text("copies of the optimizer step"),
    "runtime": text("runtime"),
}
# Parts that software may keep in the memory of the host, and what it must then move over the host link each step.
OFFLOADED = ("weights", "optimizer", "activations")

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
    step : float
        Per weight: the copy that an unfused optimizer makes while it steps, when activations and logits are gone [byte].
    stream : float
        Per value of a layer's input that is kept where layers are computed again; 4 where the stream between layers stays in
        32 bits [byte].
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
    step: float = 0.0
    stream: float = 2.0


MIXED = Storage()  # 16-bit weights, 32-bit gradients, master copy and two moments: Megatron, most FSDP recipes
PURE = Storage(gradient=2.0, state=4.0)  # everything in 16 bits, AdamW moments too: torchtune and the like


def storage_for(recipe: str) -> Storage:
    """Mixed-precision storage of a format of the products: narrow products keep narrow inputs."""
    return MIXED if recipe in ("bf16", "fp16") else replace(MIXED, product_input=1.0)


def kept_on_chip(storage: Storage, offload: Sequence[str]) -> Storage:
    """The storage of a chip whose host keeps some parts, names of :data:`OFFLOADED`."""
    for name in offload:
        if name not in OFFLOADED:
            raise InputError(
                text("'{name}' cannot be kept on the host", name=name),
                where="offload",
                fix=text("Use one of: {names}", names=", ".join(OFFLOADED)),
            )
    changes = {
        "weights": {"weight": 0.0, "embedding": 0.0},
        "optimizer": {"state": 0.0},
        "activations": {"activation": 0.0},
    }
    return replace(storage, **{field: value for name in offload for field, value in changes[name].items()})


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
    return rank * (shape.adapted_attention + (shape.adapted_blocks if modules == "all" else 0.0))


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that the fullest chip answers for, before sharding [1].

    Attributes
    ----------
    dense, tables, experts, layer : numeric
        Of the layers but routed experts; of embedding and head; of routed experts; and of one layer with its
        share of the experts [1].
    sharded, expert_sharded : numeric
        Chips that share the weights of dense blocks and of experts [1].
    owners, expert_owners : numeric
        Chips that share the optimizer state of them [1].
    """

    dense: Any
    tables: Any
    experts: Any
    layer: Any
    sharded: Any
    expert_sharded: Any
    owners: Any
    expert_owners: Any


def plain(value: Any, what: Any = "") -> Any:
    """A number without a name."""
    return value


def fullest_weights(shape: Shape, run: Run, *, n: Callable[..., Any] = plain) -> Weights:
    """Weights of the fullest chip by kind, and how many chips share them [1].

    An expert lies on ``expert x expert_tensor`` chips of the ``data x context x tensor`` of a stage, so that it has so many
    copies as one divides the other: over those, and no others, its weights and its states can be sharded [3].
    """
    cut = n(run.tensor) * n(run.pipeline)
    tables = either(
        run.pipeline > 1, n(shape.vocab * shape.hidden, text("weights of a table")),
        n((2.0 - shape.tied) * shape.vocab * shape.hidden, text("weights of embedding and head")),
    )  # fmt: skip
    # experts sit on whole layers: the fullest stage has the rounded-up share
    sparse = larger(shape.expert_layers, 1.0)
    fullest = n(ceiling(sparse / run.pipeline), text("expert layers of a stage"))
    each = n(shape.expert_weights / sparse, text("weights in their experts"))
    experts = either(shape.expert_weights > 0, fullest * each / (n(run.expert) * n(run.expert_tensor)), n(0.0))
    owners = larger(run.shard, 1.0)
    copies = larger(owners * run.tensor / larger(run.expert * run.expert_tensor, 1.0), 1.0)
    dense = n(shape.dense_weights, text("weights of layers")) / cut
    return Weights(
        dense=dense,
        tables=tables / n(run.tensor),
        experts=experts,
        layer=dense / n(larger(shape.layers / run.pipeline, 1.0), text("layers"))
        + either(shape.expert_weights > 0, each / (n(run.expert) * n(run.expert_tensor)), n(0.0)),
        sharded=either(run.fsdp > 0, owners, 1.0),
        expert_sharded=either(run.fsdp > 0, copies, 1.0),
        owners=owners,
        expert_owners=copies,
    )


def _states(held: Weights, run: Run, storage: Storage, n: Callable[..., Any]) -> dict[str, Any]:
    """What the weights need: themselves, their gradients and their optimizer [byte]."""
    over, experts_over = n(held.sharded), n(held.expert_sharded)
    trained = 1.0 - run.adapters
    dense = held.dense + held.tables
    return {
        "weights": (held.dense * n(storage.weight, "B") + held.tables * n(storage.embedding, "B")) / over
        + held.experts * n(storage.weight, "B") / experts_over,
        "gradients": (dense / over + held.experts / experts_over) * n(storage.gradient, "B") * trained,
        "optimizer": (dense / n(held.owners) + held.experts / n(held.expert_owners)) * n(storage.state, "B") * trained,
    }


def _activations(shape: Shape, run: Run, storage: Storage, n: Callable[..., Any]) -> dict[str, Any]:
    """What a micro-batch leaves behind, and its logits [byte].

    The first pipeline stage holds activations of as many micro-batches as there are stages (interleaving adds a part), the
    last one micro-batch and the logits: the fuller counts. Recomputed layers keep their input only.
    """
    attention, block, expert = activation_bytes_per_token(shape, run, product_input=storage.product_input)
    whole = (
        n(shape.attention_layers, text("attention layers")) * n(attention * run.tensor, "B")
        + n(shape.dense_layers, text("dense blocks")) * n(block * run.tensor, "B")
        + n(shape.expert_layers, text("expert blocks")) * n(expert * run.tensor, "B")
        + n(shape.recurrent_layers, text("recurrent layers")) * n(2.0 * 14.0 * shape.hidden, "B")
    )
    inputs = n(shape.layers, text("layers")) * n(shape.hidden, text("values")) * n(storage.stream, "B")
    kept = (whole * (1.0 - run.recompute) + inputs * run.recompute) / n(run.tensor) / n(run.pipeline)
    kept = kept * n(storage.activation)
    working = n(WORKING_SET, text("working sets of")) * whole / n(run.tensor) / n(shape.layers, text("layers"))
    interleaved = either(run.virtual > 1, 1.0 + (run.pipeline - 1.0) / (run.pipeline * run.virtual), 1.0)
    flying = smaller(run.micro_batches, run.pipeline) * interleaved
    rows = n(run.micro_batch, text("sequences")) * n(run.sequence, text("tokens")) / n(run.context)
    logits = rows * n(shape.vocab, text("logits")) * n(storage.logit, "B") / n(run.tensor)
    first = rows * (kept * n(flying, text("batches in flight")) + working)
    last = rows * (kept + working) + logits
    staged = run.pipeline > 1
    return {
        "activations": either(staged, larger(first, last), rows * (kept + working)),
        "logits": either(staged, logits * 0.0, logits),
    }


def _step_copies(held: Weights, run: Run, storage: Storage, batch: Mapping[str, Any], n: Callable[..., Any]) -> Any:
    """What the optimizer's copies take beyond the activations and logits, whose place they take over [byte]."""
    trained = 1.0 - run.adapters
    weights = (held.dense + held.tables) / n(held.sharded) + held.experts / n(held.expert_sharded)
    copies = weights * n(storage.step, "B") * trained
    return larger(copies - batch["activations"] - batch["logits"], n(0.0))


def _parts(
    shape: Shape, run: Run, storage: Storage, adapters: Any, trained_embeddings: float, n: Callable[..., Any]
) -> dict[str, Any]:
    held = fullest_weights(shape, run, n=n)
    extra = adapters * n(storage.adapter, "B") / (n(run.tensor) * n(run.pipeline)) + held.tables * (
        12.0 * trained_embeddings
    )
    batch = _activations(shape, run, storage, n)
    total = {
        **_states(held, run, storage, n),
        "adapters": extra * run.adapters,
        # where the weights lie elsewhere, two layers are held whole, packed as they travel: the one at work, the one coming
        "gathered layers": either(
            (held.sharded > 1) | (storage.weight == 0.0),
            held.layer * n(2.0 * min(storage.weight or 2.0, 2.0), "B"),
            n(0.0),
        ),
        **batch,
        "optimizer step": _step_copies(held, run, storage, batch, n),
        "runtime": n(storage.runtime, text("B of context, kernels, buffers and fragments")) + 0.0 * shape.layers,
    }
    return {name: total[name] for name in MEMORY_PARTS}


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
    """
    return _parts(shape, run, storage, adapters, trained_embeddings, plain)


def training_budget(
    shape: Shape,
    run: Run,
    *,
    room: float,
    storage: Storage = MIXED,
    rank: int = 0,
    modules: str = "attention",
    offload: Sequence[str] = (),
) -> Budget:
    """The same as a budget of the fullest chip, every term with its formula.

    Parameters
    ----------
    shape, run : Shape, Run
        One model and one run, not arrays of them.
    room : float
        Memory that a program can use on one chip [byte].
    storage : Storage
        Bytes of what is kept.
    rank, modules : int and str
        Of the adapters; rank 0 where there are none.
    offload : tuple of str
        Parts of :data:`OFFLOADED` that stay in the memory of the host.
    """
    widths = named(adapter_count(shape, rank=1, modules=modules), text("inputs and outputs"))
    adapters = named(float(rank), text("ranks of")) * widths if rank else named(0.0)
    away = kept_on_chip(storage, offload)
    parts = _parts(shape, run, away, adapters, 0.0, named)
    terms = [memory_term(name, PART_NAMES[name], amount) for name, amount in parts.items()]
    if offload:
        whole = _parts(shape, run, storage, adapters, 0.0, named)
        for name in offload:
            moved = float(whole[name]) - float(parts[name])
            words = whole[name] if float(parts[name]) == 0.0 else named(moved, "B")
            terms.append(memory_term(name, text("{part}, on the host", part=PART_NAMES[name]), words, where="host"))
    return budget_of(terms, room, text("{gib:.2f} GiB that a program can use", gib=room / GIB))


def offload_seconds(
    shape: Shape, run: Run, *, storage: Storage, adapters: Numeric, offload: Sequence[str], host_bandwidth: float
) -> Any:
    """Time of a step that the host link takes for what the host keeps [s], nothing overlapped.

    Weights are read for the forward and for the backward pass of every micro-batch, activations written and read once. Of
    an optimizer on the host only gradients come down and weights go up [1]: 4 of every 12 bytes of its state.
    """
    if not offload:
        return 0.0
    whole = memory_parts(shape, run, storage=storage, adapters=adapters)
    left = memory_parts(shape, run, storage=kept_on_chip(storage, offload), adapters=adapters)
    crossings = {"weights": 2.0 * run.micro_batches, "activations": 2.0 * run.micro_batches, "optimizer": 4.0 / 12.0}
    return sum((whole[name] - left[name]) * crossings[name] for name in offload) / host_bandwidth
