"""Time of one optimizer step, in parts, from kernel and collective times.

One function, :func:`training_parts`, holds the whole step: it takes numbers or arrays (one entry per setup), so an estimate,
a search over layouts and the fit of the constants are the same arithmetic. Kernel times come from
:mod:`chipwall.perf.ops.gemm` with their own, frozen constants; the few constants of the step itself come from
:mod:`chipwall.perf.training.constants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chipwall.perf.device import Hardware
from chipwall.perf.numeric import Numeric
from chipwall.perf.ops import (
    attention_backward_time,
    attention_prefill_time,
    gemm_time,
    grouped_gemm_time,
    smooth_maximum,
)
from chipwall.perf.training.exchange import context_exchange, data_exchange, expert_exchange, tensor_exchange
from chipwall.perf.training.shape import Shape, attention_span
from chipwall.perf.training.workload import Run, local_weights
from chipwall.units import TERA

__all__ = ["AMPLE_POWER", "TRAINING_PARTS", "power_factor", "training_parts"]

# Names of the parts, in the order in which they are told. They sum to the step time.
TRAINING_PARTS = (
    "linear layers",
    "experts",
    "attention",
    "element-wise",
    "number formats",
    "output head",
    "recomputation",
    "tensor parallel",
    "context parallel",
    "expert parallel",
    "host",
    "pipeline imbalance",
    "pipeline bubble",
    "data parallel",
    "optimizer",
    "start and stop",
)


# Power budgets are told against 700 W (H100 SXM); power per 16-bit operation with which a chip does not run into its cap:
# that of an A100 [W / (flop/s)].
REFERENCE_POWER, AMPLE_POWER = 700.0, 1.3 / TERA
# Time in which the excess of young software falls to a third [year].
MATURING = 1.0


def _linear(hw: Hardware, rows: Any, columns: Any, depth: Any, recipe: str) -> Any:
    """Time of one matrix product of a layer [s]; 0 without columns."""
    time = gemm_time(hw, m=rows, n=np.maximum(columns, 1.0), k=np.maximum(depth, 1.0), recipe=recipe)
    return np.where(columns > 0.5, time, 0.0)


def training_parts(
    hw: Hardware, shape: Shape, run: Run, *, recipe: str, constants: Mapping[str, Numeric]
) -> dict[str, Any]:
    """Time of one step by part [s]; the keys are :data:`TRAINING_PARTS` and sum to the step.

    Parameters
    ----------
    hw : Hardware
        The chip, or chips.
    shape : Shape
        The model, or models.
    run : Run
        Batch and layout, or many.
    recipe : str
        ``bf16``, ``fp16``, ``fp8``, ``fp8_block`` or ``fp4``: format of the products of the layers. Attention and the
        output head stay in 16 bits.
    constants : mapping
        Step constants by name; see :mod:`chipwall.perf.training.constants`.

    Notes
    -----
    A micro-batch on one stage costs its products forward (1), backward (2, or 1 for frozen weights) and again where
    recomputed, each as a kernel; attention forward and 2.5 times backward; element-wise traffic; casts where the format
    is narrow; and the exposed part of tensor, context and expert exchange. Host time of launching competes with device
    time. The pipeline adds (p-1)/v of a stage [1]_. Gradient exchange runs over all network cards of a node and hides
    behind the backward pass of the last micro-batch; sharded weights are gathered for each micro-batch.

    References
    ----------
    .. [1] Narayanan et al., Efficient large-scale language model training on GPU clusters, SC21, section 2.2.
    """
    c, narrow = constants, recipe not in ("bf16", "fp16", "fp32", "tf32")
    plain = "bf16"
    tp, cp, pp = run.tensor, run.context, run.pipeline
    rows = run.micro_batch * run.sequence / cp
    bandwidth = hw.memory_bandwidth
    passes = 3.0 - run.adapters  # forward, input gradient, weight gradient
    slow = np.maximum(c["train.gemm"] * power_factor(hw, c), 1.0)

    # one layer of each kind, forward
    hidden = shape.hidden
    projections = slow * (
        _linear(hw, rows, shape.projections / tp, hidden, recipe)
        + _linear(hw, rows, hidden, shape.attended / tp, recipe)
    )
    up = (shape.matrices - 1.0) / tp
    block = slow * (
        _linear(hw, rows, up * shape.ffn, hidden, recipe)
        + _linear(hw, rows, hidden, shape.ffn / tp, recipe) * (shape.ffn > 0)
    )
    shared = slow * (
        _linear(hw, rows, up * shape.shared_ffn, hidden, recipe)
        + _linear(hw, rows, hidden, shape.shared_ffn / tp, recipe) * (shape.shared_ffn > 0)
    )
    mixer = slow * (
        _linear(hw, rows, (shape.mixing_ratio - 2.0) * hidden / tp, hidden, recipe)
        + _linear(hw, rows, hidden, 2.0 * hidden / tp, recipe)
    )
    routed_slow = np.where(np.asarray(run.looped) > 0, 1.0, c["train.experts"])  # plain products, no grouped ones
    experts = slow * routed_slow * _experts(hw, shape, run, rows, recipe, c["train.expert_rows"])
    core, core_back = _attention(hw, shape, run)
    core, core_back = core * c["train.attention"], core_back * c["train.attention"]

    # layers on one stage
    stage = 1.0 / pp
    attending, recurring = shape.attention_layers * stage, shape.recurrent_layers * stage
    dense, sparse = shape.dense_layers * stage, shape.expert_layers * stage
    linear = attending * projections + dense * block + sparse * shared + recurring * mixer
    routed = sparse * experts
    attention = attending * core
    again = run.recompute

    # traffic: 16-bit reads and writes per token of norms, residuals, activations
    widths = shape.projections + shape.attended
    stream = 6.0 * hidden * np.where(np.asarray(run.sequence_parallel) > 0, 1.0, tp)
    moved_attention = 2.0 * rows / tp * (stream + 2.0 * widths)
    moved_block = 2.0 * rows / tp * (stream + (shape.matrices + 1.0) * shape.ffn)
    per_token = (
        shape.top_k * ((shape.matrices + 1.0) * shape.expert_ffn + 6.0 * shape.expert_hidden)
        + (shape.matrices + 1.0) * shape.shared_ffn
    )
    moved_sparse = 2.0 * rows / tp * (stream + per_token)
    inner = (
        hidden * np.maximum(shape.mixing_ratio - 0.5, 1.0) / 3.0
    )  # width of the mixer's state, about twice the hidden one
    moved_mixer = 2.0 * rows / tp * 7.0 * inner * c["train.mixer"]
    moved = attending * moved_attention + dense * moved_block + sparse * moved_sparse + recurring * moved_mixer
    moved = moved + c["train.adapter"] * run.adapters * _adapter_traffic(shape, run, rows / tp, attending, dense)
    elementwise = c["train.elementwise"] * moved / bandwidth
    casts = 0.0 * elementwise
    if narrow:
        cast_tokens = attending * (hidden + shape.attended) + dense * (hidden + shape.ffn) + recurring * 3.0 * hidden
        cast_tokens = cast_tokens + sparse * (shape.top_k * (shape.expert_hidden + shape.expert_ffn) + shape.shared_ffn)
        weights = local_weights(shape, run)
        cast_weights = weights[0] - shape.vocab * hidden / tp + weights[1]
        casts = (
            c["train.casts"]
            * 3.5
            * (rows / tp * cast_tokens * (3.0 + again) + 2.0 * np.maximum(cast_weights, 0.0))
            / bandwidth
        )
    unpacking = (
        2.0
        * run.weight_reads
        * (local_weights(shape, run)[0] - shape.vocab * hidden / tp)
        / bandwidth
        * c["finetune.unpacking"]
    )

    # output head and loss on the last stage
    head = (
        np.maximum(c["train.gemm16"] * power_factor(hw, c), 1.0)
        * _linear(hw, rows, shape.vocab / tp, hidden, plain)
        * passes
    )
    head = head + c["train.loss"] * 10.0 * rows * shape.vocab / tp / bandwidth
    last = np.where(np.asarray(pp) > 1, np.minimum(head, head * stage + c["train.imbalance"] * head), head)

    # exchange inside a micro-batch
    everywhere = attending + dense + sparse + recurring
    tensor = tensor_exchange(hw, shape, run, rows, everywhere / 2.0) * c["train.tensor"]
    context = context_exchange(hw, shape, run, rows, attending) * c["train.context"]
    expert = expert_exchange(hw, shape, run, rows, sparse) * c["train.expert"]

    work = {
        "linear layers": linear * passes,
        "experts": routed * passes,
        "attention": attention + attending * core_back,
        "element-wise": 3.0 * elementwise,
        "number formats": casts + unpacking,
        "recomputation": again * (linear + routed + attention + elementwise)
        + run.recompute_attention * (1.0 - again) * attention,
        "tensor parallel": tensor,
        "context parallel": context,
        "expert parallel": expert,
    }
    device = sum(work.values())
    local_experts = np.where(shape.experts > 0, shape.experts / run.expert, 0.0)
    launches = shape.layers * stage * c["train.host"] * (1.0 - run.graphs)
    waiting = sparse * (c["train.routing"] + local_experts * c["train.host_expert"]) * (1.0 - run.captured)
    waiting = (
        waiting
        + (1.0 - run.captured)
        * c["train.permutation"]
        * sparse
        * 12.0
        * rows
        / tp
        * shape.top_k
        * shape.expert_hidden
        / bandwidth
    )
    waiting = np.where(shape.experts > 0, waiting, 0.0)
    body = smooth_maximum(device, launches) + waiting
    count = run.micro_batches
    parts = {name: count * time for name, time in work.items()}
    parts["output head"] = count * last
    parts["host"] = count * (body - device)
    uneven = np.ceil(shape.layers / (pp * run.virtual)) * run.virtual * pp / shape.layers - 1.0
    extra = c["train.imbalance"] * np.maximum(uneven, 0.0) * body
    parts["pipeline imbalance"] = count * extra
    whole = body + last + extra
    parts["pipeline bubble"] = (pp - 1.0) / run.virtual * whole
    trained = 1.0 - run.adapters
    parts["data parallel"] = data_exchange(hw, shape, run, whole, c)
    state_share = np.maximum(run.shard, 1.0)
    state = sum(local_weights(shape, run)) / state_share
    parts["optimizer"] = trained * c["train.optimizer"] * 24.0 * state / bandwidth
    spread = 1.0 + c["train.scale"] * np.log2(np.maximum(run.chips / 8.0, 1.0))
    # software for new silicon is not tuned yet: the excess fades with its age
    young = 1.0 + c["train.youth"] * np.exp(-np.clip(run.age, 0.0, 20.0) / MATURING)
    parts = {name: time * young for name, time in parts.items()}
    total = sum(parts.values())
    parts["start and stop"] = c["train.fixed"] * spread + (spread - 1.0) * total
    return {name: parts[name] for name in TRAINING_PARTS}


def power_factor(hw: Hardware, constants: Mapping[str, Numeric]) -> Any:
    """Sustained products under the power cap [1]: the power budget over 700 W, to a fitted power; more power never slows.

    A chip whose arithmetic is cut down (an H20) does not run into its cap: what it has beyond the power per operation of
    :data:`AMPLE_POWER` counts, up to the reference.
    """
    tdp = np.asarray(hw.tdp)
    spare = np.maximum(tdp / (AMPLE_POWER * np.asarray(hw.peak("bf16"))), 1.0)
    budget = np.maximum(tdp, np.minimum(tdp * spare, REFERENCE_POWER))
    return (budget / REFERENCE_POWER) ** (-np.asarray(constants["train.power"]))


def _adapter_traffic(shape: Shape, run: Run, rows: Any, attending: Any, dense: Any) -> Any:
    """Bytes that adapters move on one stage: the input of each adapted matrix read again, its output added to [byte]."""
    widths = shape.projections + shape.attended
    attention = attending * (2.0 * shape.hidden + 3.0 * widths)
    up, down = shape.matrices - 1.0, 1.0
    block = dense * (2.0 * (up * shape.hidden + down * shape.ffn) + 3.0 * (up * shape.ffn + down * shape.hidden))
    return 2.0 * rows * (attention + np.asarray(run.adapted_blocks) * block)


def _experts(hw: Hardware, shape: Shape, run: Run, rows: Any, recipe: str, half: Any) -> Any:
    """Products of the routed experts of one layer, forward, balanced routing [s]: grouped, or one expert after another."""
    local = np.maximum(shape.experts / run.expert, 1.0)
    picked = rows * shape.top_k / run.tensor * run.expert_tensor
    each = np.maximum(picked / local, 1.0)
    width = np.maximum(shape.expert_ffn / run.expert_tensor, 1.0)
    hidden = np.maximum(shape.expert_hidden, 1.0)
    up = grouped_gemm_time(hw, m=each, n=(shape.matrices - 1.0) * width, k=hidden, groups=local, recipe=recipe)
    down = grouped_gemm_time(hw, m=each, n=hidden, k=width, groups=local, recipe=recipe)
    grouped = (up + down) * (1.0 + half / each)
    alone = (shape.matrices - 1.0) * _linear(hw, each, width, hidden, recipe) + _linear(hw, each, hidden, width, recipe)
    return np.where(shape.experts > 0, np.where(np.asarray(run.looped) > 0, local * alone, grouped), 0.0)


def _attention(hw: Hardware, shape: Shape, run: Run) -> tuple[Any, Any]:
    """Attention core of one layer, forward and backward, causal, split over tensor and context ways [s].

    Packed documents attend to themselves alone: as many more, shorter sequences.
    """
    heads = np.maximum(shape.heads / run.tensor, 1.0)
    kv_heads = np.maximum(shape.kv_heads / run.tensor, 1.0)
    whole = np.asarray(run.sequence)
    length = np.where(np.asarray(run.document) > 0, np.minimum(run.document, whole), whole)
    asked = {
        "batch": run.micro_batch * whole / length,
        "queries": length,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": shape.head_dim,
        "value_dim": shape.value_dim,
    }
    # windows: the work is that of the mean span; context ranks share the work evenly
    share = attention_span(shape, length) / (length / 2.0) / run.context
    return attention_prefill_time(hw, **asked) * share, attention_backward_time(hw, **asked) * share
