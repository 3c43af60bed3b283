"""How a model is trained: :class:`Run`, numbers or arrays of numbers, and what it leaves on one chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from chipwall.perf.numeric import Numeric
from chipwall.perf.training.shape import Shape

__all__ = ["Run", "local_weights", "lone_run", "stacked_runs"]


@dataclass(frozen=True, slots=True)
class Run:
    """How a model is trained: batch, split over chips, recomputation, network; numbers, or arrays of numbers.

    Attributes
    ----------
    chips, sequence, micro_batch, micro_batches : numeric
        Chips [1], tokens of a sequence [token], sequences of one micro-batch, and micro-batches of one step and
        replica [1].
    tensor, pipeline, virtual, context, expert, expert_tensor, data : numeric
        Ways of tensor, pipeline (with ``virtual`` stages per chip), context, expert, expert-tensor and data parallelism
        [1]; the product of tensor, pipeline, context and data is ``chips``.
    fsdp : numeric
        1 where weights are sharded over ``shard`` chips and gathered for every micro-batch, else 0.
    shard : numeric
        Chips that share the optimizer state, and under ``fsdp`` the weights [1]; 1: no sharding.
    recompute : numeric
        Share of the layers that are computed again in the backward pass [1].
    recompute_attention : numeric
        1 where only the attention core is computed again.
    adapters : numeric
        1 where only low-rank adapters are trained: no weight gradients, no optimizer, no gradient exchange of the base.
    graphs, captured : numeric
        Share of the launching that captured graphs take away [1]; 1 where the whole step is captured, so that experts
        run without asking the host how many tokens they got.
    age : numeric
        Time for which software for this kind of silicon has been developed [year].
    node, network : numeric
        Chips of one node [1], and network per chip and direction [byte/s].
    weight_reads : numeric
        Bytes read per base weight and pass to undo a storage format (QLoRA) [byte]; 0: none.
    sequence_parallel : numeric
        1 where norms and residuals are split over the tensor-parallel chips too, 0 where each does all of them.
    document : numeric
        Mean tokens of the documents packed into a sequence, each attending to itself alone [token]; 0: one fills it.
    looped : numeric
        1 where experts run one after another as plain products, as software without grouped products does.
    adapted_blocks : numeric
        1 where the matrices of feed-forward blocks have adapters too, beside those of the attention.
    """

    chips: Numeric
    sequence: Numeric
    micro_batch: Numeric
    micro_batches: Numeric
    tensor: Numeric
    pipeline: Numeric
    virtual: Numeric
    context: Numeric
    expert: Numeric
    expert_tensor: Numeric
    data: Numeric
    fsdp: Numeric
    shard: Numeric
    recompute: Numeric
    recompute_attention: Numeric
    adapters: Numeric
    graphs: Numeric
    captured: Numeric
    age: Numeric
    node: Numeric
    network: Numeric
    weight_reads: Numeric = 0.0
    sequence_parallel: Numeric = 1.0
    document: Numeric = 0.0
    looped: Numeric = 0.0
    adapted_blocks: Numeric = 0.0

    @property
    def tokens(self) -> Numeric:
        """Tokens of one step over all chips [token]."""
        return self.sequence * self.micro_batch * self.micro_batches * self.data


def lone_run(sequence: int, *, adapters: bool = False, recompute: float = 0.0) -> Run:
    """One sequence at a time on one chip, nothing split; of ``adapters`` alone, or of all weights."""
    return Run(
        chips=1.0,
        sequence=float(sequence),
        micro_batch=1.0,
        micro_batches=1.0,
        tensor=1.0,
        pipeline=1.0,
        virtual=1.0,
        context=1.0,
        expert=1.0,
        expert_tensor=1.0,
        data=1.0,
        fsdp=0.0,
        shard=1.0,
        recompute=recompute,
        recompute_attention=0.0,
        adapters=float(adapters),
        graphs=0.0,
        captured=0.0,
        age=0.0,
        node=1.0,
        network=0.0,
    )


def stacked_runs(runs: Sequence[Run]) -> Run:
    """Many runs as one of arrays."""
    return Run(**{f.name: np.array([getattr(r, f.name) for r in runs], dtype=float) for f in fields(Run)})


def local_weights(shape: Shape, run: Run) -> tuple[Any, Any]:
    """Weights on one chip before sharding: (dense and embeddings, routed experts) [1]."""
    tables = np.where(np.asarray(run.pipeline) > 1, 1.0, 2.0 - shape.tied) * shape.vocab * shape.hidden / run.tensor
    dense = shape.dense_weights / (run.tensor * run.pipeline) + tables
    return dense, shape.expert_weights / (run.expert * run.expert_tensor * run.pipeline)
