"""Exchange between the chips of a training run: which collectives, of what size, and what computation does not hide.

Times come from :mod:`chipwall.perf.ops.collectives` with its own, frozen constants; sizes follow Megatron-LM [1]_ and fully
sharded data parallelism [2]_.

References
----------
.. [1] V. Korthikanti et al., Reducing activation recomputation in large transformer models, MLSys 2023, section 4.2
   (tensor and sequence parallelism: an all-gather and a reduce-scatter around each block).
.. [2] Y. Zhao et al., PyTorch FSDP, VLDB 2023, section 3.2 (two gathers of the weights, one scatter of the gradients).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chipwall.perf.device import Hardware
from chipwall.perf.numeric import BF16_BYTES, Numeric
from chipwall.perf.ops.collectives import all_gather_time, expert_exchange_time, reduce_scatter_time
from chipwall.perf.training.shape import Shape
from chipwall.perf.training.workload import Run, local_weights

__all__ = ["context_exchange", "data_exchange", "expert_exchange", "tensor_exchange"]

# Bytes of a 4-bit weight with its scales over those of a 16-bit one.
PACKED = 0.28


def _exposed(transfer: Any, cover: Any) -> Any:
    """Part of a transfer that computation does not hide [s]: a smooth max(transfer - cover, 0), never above transfer."""
    width = 0.15 * transfer + 1e-12
    over = (transfer - cover) / width
    return np.minimum(width * np.logaddexp(0.0, np.minimum(over, 60.0)), transfer)


def _inside(hw: Hardware, run: Run, inner: Any, size: Any) -> Any:
    """Members of a group of ``size`` chips, ``inner`` apart, that share a scale-up domain, or a host without links [1]."""
    reach = np.where(np.asarray(hw.link_bandwidth) > 0, hw.scaleup_domain, run.node)
    return np.clip(reach / np.maximum(inner, 1.0), 1.0, np.maximum(size, 1.0))


def _gather(hw: Hardware, run: Run, size: Any, inner: Any, n: Any) -> Any:
    """All-gather whose result has ``size`` bytes over ``n`` chips that stand ``inner`` apart [s]."""
    return all_gather_time(hw, n=n, size=size, node=_inside(hw, run, inner, n), nic_bandwidth=run.network)


def _scatter(hw: Hardware, run: Run, size: Any, inner: Any, n: Any) -> Any:
    """Reduce-scatter of ``size`` bytes [s]; arguments as :func:`_gather`."""
    return reduce_scatter_time(hw, n=n, size=size, node=_inside(hw, run, inner, n), nic_bandwidth=run.network)


def tensor_exchange(hw: Hardware, shape: Shape, run: Run, rows: Any, blocks: Any) -> Any:
    """Gathers and scatters of tensor parallelism of one micro-batch: two pairs each way in each of ``blocks`` layers [s]."""
    size = rows * shape.hidden * BF16_BYTES
    pair = _gather(hw, run, size, 1.0, run.tensor) + _scatter(hw, run, size, 1.0, run.tensor)
    return blocks * 4.0 * pair * (1.0 + 0.5 * run.recompute)


def context_exchange(hw: Hardware, shape: Shape, run: Run, rows: Any, attending: Any) -> Any:
    """Keys and values gathered around the context ring, forward and twice backward [s]."""
    width = np.minimum(shape.kv_heads * (shape.head_dim + shape.value_dim), 2.0 * shape.attended) / run.tensor
    return attending * 3.0 * _gather(hw, run, rows * run.context * width * BF16_BYTES, run.tensor, run.context)


def expert_exchange(hw: Hardware, shape: Shape, run: Run, rows: Any, sparse: Any) -> Any:
    """Dispatch and combine of the experts, forward and backward: four exchanges of the routed tokens [s]."""
    sent = rows / run.tensor * shape.top_k * shape.expert_hidden * BF16_BYTES
    each = expert_exchange_time(
        hw, n=run.expert, sent=sent, node=_inside(hw, run, 1.0, run.expert), nic_bandwidth=run.network
    )
    away = (np.maximum(run.expert, 1.0) - 1.0) / np.maximum(run.expert, 1.0)
    return np.where(shape.experts > 0, sparse * 4.0 * each * away, 0.0)


def data_exchange(hw: Hardware, shape: Shape, run: Run, whole: Any, c: Mapping[str, Numeric]) -> Any:
    """Exposed gradient and weight exchange of one step [s]."""
    dense, experts = local_weights(shape, run)
    replicas = run.data * run.context
    copies = np.maximum(replicas * run.tensor / np.maximum(run.expert * run.expert_tensor, 1.0), 1.0)
    apart = np.minimum(run.expert * run.tensor, 8.0)
    ring: Any = 0.0
    for weights, inner, n in ((dense, run.tensor, replicas), (experts, apart, copies)):
        size = weights * BF16_BYTES * c["train.gradient"]
        ring = ring + _scatter(hw, run, size, inner, n) + _gather(hw, run, size, inner, n)
    stages = np.minimum(run.pipeline, run.micro_batches)
    once = _exposed(ring, c["train.overlap"] * 0.6 * whole * stages)
    # sharded weights: gathered forward and backward, gradients scattered, for every micro-batch; a frozen base has no
    # gradients, and travels packed where it is kept so
    frozen = np.asarray(run.adapters)
    packed = np.where(np.asarray(run.weight_reads) > 0, PACKED, 1.0)
    shard = np.maximum(run.shard, 1.0)
    size = (dense + experts) * BF16_BYTES * packed * c["train.gradient"]
    scattered = (1.0 - frozen) * _scatter(hw, run, size, run.tensor, shard)
    gathered = 2.0 * _gather(hw, run, size, run.tensor, shard) + scattered
    each = run.micro_batches * _exposed(gathered, c["train.overlap"] * whole)
    return np.where(np.asarray(run.fsdp) > 0, each, (1.0 - frozen) * once)
