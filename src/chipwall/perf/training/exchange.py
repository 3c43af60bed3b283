"""Exchange between the chips of a training run: how much, over which wires, and what computation does not hide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chipwall.perf.device import Hardware
from chipwall.perf.numeric import Numeric
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


def _group_bandwidth(hw: Hardware, run: Run, inner: Any, size: Any, host: Any) -> Any:
    """Bandwidth of a ring over ``size`` chips that stand ``inner`` apart [byte/s].

    Inside the scale-up domain the link (a share ``host`` of PCIe where there is none); across nodes all network cards of
    the members that share a node, because parallel rings leave by different cards.
    """
    domain = np.maximum(np.minimum(np.maximum(run.node, hw.scaleup_domain), run.chips), 1.0)
    wired = (np.asarray(hw.link_bandwidth) > 0) & (np.asarray(inner) * size <= hw.scaleup_domain)
    link = np.where(
        wired,
        hw.link_bandwidth,
        np.where(np.asarray(hw.scaleup_domain) >= run.node, hw.link_bandwidth, hw.host_bandwidth * host),
    )
    link = np.where(np.asarray(hw.link_bandwidth) > 0, link, hw.host_bandwidth * host)
    beside = np.clip(domain / inner, 1.0, np.maximum(size, 1.0))
    across = np.minimum(link, run.network * beside)
    return np.where(np.asarray(inner) * size <= domain, link, across)


def tensor_exchange(hw: Hardware, shape: Shape, run: Run, rows: Any, blocks: Any, host: Any) -> Any:
    """Gathers and scatters of tensor parallelism of one micro-batch: two all-reduce equivalents each way per layer [s]."""
    tp = run.tensor
    moved = 8.0 * rows * shape.hidden * 2.0 * (tp - 1.0) / tp * (1.0 + 0.5 * run.recompute)
    return blocks * moved / _group_bandwidth(hw, run, 1.0, tp, host)


def context_exchange(hw: Hardware, shape: Shape, run: Run, rows: Any, attending: Any, host: Any) -> Any:
    """Keys and values passed around the context ring, forward and twice backward [s]."""
    width = np.minimum(shape.kv_heads * (shape.head_dim + shape.value_dim), 2.0 * shape.attended) / run.tensor
    moved = 3.0 * (run.context - 1.0) * rows * width * 2.0
    return attending * moved / _group_bandwidth(hw, run, run.tensor, run.context, host)


def expert_exchange(hw: Hardware, shape: Shape, run: Run, rows: Any, sparse: Any, host: Any) -> Any:
    """Dispatch and combine of the experts, forward and backward: four exchanges of the routed tokens [s]."""
    ep = run.expert
    moved = 4.0 * rows / run.tensor * shape.top_k * shape.expert_hidden * 2.0 * (ep - 1.0) / ep
    inside = ep <= np.maximum(hw.scaleup_domain, 1.0)
    rate = np.where(
        inside,
        np.maximum(hw.link_bandwidth, hw.host_bandwidth * host),
        np.minimum(2.0 * run.network, np.maximum(hw.link_bandwidth, run.network)),
    )
    return np.where(shape.experts > 0, sparse * moved / rate, 0.0)


def data_exchange(hw: Hardware, shape: Shape, run: Run, whole: Any, c: Mapping[str, Numeric]) -> Any:
    """Exposed gradient and weight exchange of one step [s]."""
    dense, experts = local_weights(shape, run)
    replicas = run.data * run.context
    group = replicas * run.tensor / np.maximum(run.expert * run.expert_tensor, 1.0)
    bytes_each = 4.0 * c["train.gradient"]
    ring = (
        dense
        * (replicas - 1.0)
        / replicas
        * bytes_each
        / _group_bandwidth(hw, run, run.tensor, replicas, c["train.host_link"])
    )
    copies = np.maximum(group, 1.0)
    ring = ring + experts * (copies - 1.0) / copies * bytes_each / _group_bandwidth(
        hw, run, np.minimum(run.expert * run.tensor, 8.0), copies, c["train.host_link"]
    )
    stages = np.minimum(run.pipeline, run.micro_batches)
    once = _exposed(ring, c["train.overlap"] * 0.6 * whole * stages)
    # sharded weights: gathered forward and backward, gradients scattered, for every micro-batch; a frozen base has no
    # gradients, and travels packed where it is kept so
    frozen = np.asarray(run.adapters)
    passes = (6.0 - 2.0 * frozen) * np.where(np.asarray(run.weight_reads) > 0, PACKED, 1.0)
    shard = np.maximum(run.shard, 1.0)
    gathered = (
        (dense + experts)
        * (shard - 1.0)
        / shard
        * passes
        * c["train.gradient"]
        / _group_bandwidth(hw, run, run.tensor, shard, c["train.host_link"])
    )
    each = run.micro_batches * _exposed(gathered, c["train.overlap"] * whole)
    return np.where(np.asarray(run.fsdp) > 0, each, (1.0 - frozen) * once)
