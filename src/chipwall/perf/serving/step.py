"""One iteration of a serving engine on one replica: so many decoding sequences and so many prompt tokens, together.

Prefill alone, decode alone and chunked prefill in flight are the same function with one of the two counts at zero. Every
argument may be an array; a block of about 8,000 setups is the fastest size for a sweep.

The parts add up: matrix products of attention and feed-forward blocks, attention itself, experts, the output head, data
movement between them, exchange between chips, and what a layer and a step cost whatever is in them (kernel launches,
sampling, scheduling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.blocks import INDEX_BYTES, Attention
from chipwall.catalog.numbers import chosen, greater, lesser, unwrapped
from chipwall.perf.device import Hardware
from chipwall.perf.formats import recipe as recipe_of
from chipwall.perf.numeric import BF16_BYTES, MULTIPLY_ADD, Numeric, smooth_maximum
from chipwall.perf.operators import Operator, operators
from chipwall.perf.ops.attention import attention_seconds
from chipwall.perf.ops.collectives import (
    all_gather_time,
    engine_all_reduce_time,
    expert_exchange_time,
    point_to_point_time,
    reduce_scatter_time,
)
from chipwall.perf.ops.elementwise import elementwise_seconds
from chipwall.perf.ops.experts import distinct_experts
from chipwall.perf.ops.gemm import averaged_rows, product_seconds
from chipwall.perf.ops.launches import model_kernels

__all__ = ["PARTS", "Rates", "Setup", "rates", "stacked_rates", "step_parts", "step_time"]

# Parts of a step, in the order they are printed, and what binds each.
PARTS = {
    "attention products": "matrix", "attention": "attention", "feed-forward": "matrix", "experts": "matrix",
    "head": "matrix", "vision tower": "matrix", "adapters": "memory", "data movement": "memory", "exchange": "network",
    "layers": "host", "host": "host", "host link": "host",
}  # fmt: skip
# Part of a step that the products of each part of a model belong to.
PLACES = {
    "attention": "attention products", "dense": "feed-forward", "shared": "feed-forward", "router": "experts", "head": "head",
    "experts": "experts",
}  # fmt: skip
# No kernel reaches more of a data sheet's rate [1].
MOST = 0.98
# Chips on the PCIe tree of one server.
PCIE_NODE = 8.0
# Kernels of a hand-over between pipeline stages, a send and a receive with what waits for them.
HANDOVER_KERNELS = 10.0
# Rows at which half of the fixed time that a full step adds to a layer has appeared.
BUSY_ROWS = 64.0
# Kernels of the adapters of one block: down to the rank and up again, for its products in and out.
ADAPTER_KERNELS = 4.0
# A recurrent state is computed in 32 bits, read and written once per token [byte].
STATE_BYTES = 2.0 * 4.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What one recipe means on one chip, as numbers: peak [flop/s], shares of it, and bytes of an element."""

    peak: Numeric
    efficiency: Numeric
    memory_efficiency: Numeric
    depth_half: Numeric
    weight_bytes: Numeric
    input_bytes: Numeric
    output_bytes: Numeric
    quantised: Numeric
    kind: Numeric


# Recipes whose efficiency the kernel tables know least get a serving constant of their own.
KINDS = {"int8_weights": 1.0, "fp8_weights": 1.0, "int4_weights": 2.0, "fp4_weights": 2.0, "mxfp4_fp8": 3.0, "fp4": 3.0}


def rates(hw: Hardware, recipe: str, *, kernel: str = "gemm") -> Rates:
    """Numbers of one recipe on one chip; ``kernel`` is ``gemm`` or ``moe``.

    Experts take the arithmetic efficiency of plain products, times a serving constant: the FP8 table of grouped kernels
    is of one library, three times slower than what engines reach.
    """
    how, c = recipe_of(recipe), hw.constants
    return Rates(
        peak=hw.peak(how.maths),
        efficiency=c[f"gemm.{recipe}.efficiency"],
        memory_efficiency=c[f"{kernel}.{recipe}.memory"],
        depth_half=c[f"gemm.{recipe}.depth_half"],
        weight_bytes=how.weight_bytes,
        input_bytes=how.input_bytes,
        output_bytes=how.output_bytes,
        quantised=float(how.quantised),
        kind=KINDS.get(recipe, 0.0),
    )


def stacked_rates(each: Sequence[Rates]) -> Rates:
    """Rates of many setups as one record of arrays."""
    return Rates(**{f.name: np.array([getattr(r, f.name) for r in each], dtype=float) for f in fields(Rates)})


@dataclass(frozen=True)
class Setup:
    """A model on chips in a layout, ready to be stepped; scalars or arrays throughout.

    Attributes
    ----------
    hw, model : Hardware, Architecture
        Chip and model.
    attention, dense, experts, head : Rates
        Precision of the parts.
    cache_bytes : float or array
        Bytes of one cached value [byte].
    tensor, pipeline, replicas : float or array
        Tensor-parallel chips, pipeline stages and data-parallel replicas [1].
    group : float or array
        Chips that share the experts: the tensor-parallel group, or all chips under data-parallel attention [1].
    spread : float or array
        1 where attention is data parallel inside the group (each chip its own sequences), else 0 [1].
    expert : float or array
        Expert-parallel degree inside the group [1].
    context : float or array
        Chips over which one long sequence is cut (context parallel) [1].
    weights : float or array
        Weights on one chip, a draft's too [byte].
    room : float or array
        What the engine leaves for the cache of one chip [byte]; negative where the weights do not fit.
    cap : float or array
        Sequences of one rank that the engine runs at once at most, whatever the memory [1].
    draft : float or array
        Layers of a draft whose cache is kept, over those of the model [1].
    on_host : float or array
        Weights of one chip that its host keeps, read over the host link in every step [byte].
    tower : float or array
        Time of the vision tower for one token of the prompt, on one chip [s].
    adapters, adapter_bytes : float or array
        Adapters that are served beside the model [1], and the size of one on a chip [byte].
    constants : mapping
        Step and host constants by name, see ``data/calibration_inference.toml``.
    """

    hw: Hardware
    model: Architecture
    attention: Rates
    dense: Rates
    experts: Rates
    head: Rates
    cache_bytes: Numeric
    tensor: Numeric
    pipeline: Numeric
    replicas: Numeric
    group: Numeric
    spread: Numeric
    expert: Numeric
    context: Numeric
    weights: Numeric
    room: Numeric
    cap: Numeric
    draft: Numeric
    on_host: Numeric
    tower: Numeric
    adapters: Numeric
    adapter_bytes: Numeric
    constants: Mapping[str, Numeric] = field(hash=False)

    @cached_property
    def products(self) -> tuple[Operator, ...]:
        """Matrix products of a step, those that do not occur left out."""
        shards = chosen(self.spread > 0, 1.0, self.tensor / self.expert)
        found = operators(self.model, tensor_parallel=self.tensor, expert_shards=shards)
        return tuple(op for op in found if present(op.times))

    @cached_property
    def kernels(self) -> Any:
        """Kernels of one pass through all layers [1]."""
        return model_kernels(
            self.model, attention=self.attention.quantised, dense=self.dense.quantised, experts=self.experts.quantised
        )

    @cached_property
    def moved_values(self) -> Any:
        """Values that a row moves between the products of all layers [1]: norms, residuals, rotary embedding, activation."""
        m = self.model
        # a block of either kind reads and writes the residual stream twice
        values = m.blocks * 4.0 * m.hidden
        for group in m.attention:
            keys = 0.0 if group.kind == "latent" else group.kv_heads * (group.head_dim + group.value_dim)
            values = values + group.count * 2.0 * (group.heads * group.head_dim + keys) / self.tensor
        for block in m.feed_forward:
            if block.kind == "dense":
                values = values + block.count * block.matrices * block.width / self.tensor
        return values


def present(value: Any) -> bool:
    """Whether a number, or any entry of an array, is not zero."""
    return bool(value) if isinstance(value, float | bool | int) else bool(np.any(value))


def _product(
    rows: Any, covered: Any, columns: Any, depth: Any, r: Rates, bandwidth: Any, c: Mapping[str, Any]
) -> Any:
    """Mean time of a matrix product whose row count varies from step to step, launch left to the layer [s].

    ``covered`` are the rows that its tiles cover on average [1].
    """
    names = ("serving.gemm", "serving.int8", "serving.int4", "serving.fp4")
    if isinstance(r.kind, float):
        scale = c[names[int(r.kind)]]  # one setup: no need to choose among arrays
    else:
        scale = np.select([r.kind == k for k in (0, 1, 2)], [c[n] for n in names[:3]], c[names[3]])
    return product_seconds(
        rows, columns, depth, covered, columns + c["serving.columns"], r.weight_bytes,
        r.input_bytes, r.output_bytes, r.peak, bandwidth, lesser(r.efficiency * scale, MOST),
        lesser(r.memory_efficiency * c["serving.memory"], MOST), r.depth_half,
    )  # fmt: skip


def _experts(op: Operator, tokens: Any, s: Setup, bandwidth: Any) -> Any:
    """Mean time of one grouped product of the routed experts of one layer [s]; ``tokens`` enter on all chips of the group."""
    c, r, block = s.constants, s.experts, op.block
    assert block is not None
    local = greater(block.experts / s.expert, 1e-9)
    picks = tokens * block.picks / s.expert
    touched = greater(local * distinct_experts(block.experts, tokens, block.picks, c["serving.evenness"]), 1e-9)
    # the chip with the most rows is the one that the others wait for
    each = picks / touched * chosen(s.expert > 1, c["serving.imbalance"], 1.0)
    narrow = chosen(r.kind == 2, c["serving.int4"], chosen(r.kind == 3, c["serving.fp4"], 1.0))
    return touched * product_seconds(
        each, op.columns, op.depth, averaged_rows(each, c["serving.experts_rows"]), op.columns + c["serving.columns"],
        r.weight_bytes, r.input_bytes, r.output_bytes, r.peak, bandwidth,
        lesser(r.efficiency * c["serving.experts"] * narrow, MOST),
        lesser(r.memory_efficiency * c["serving.experts_memory"], MOST), r.depth_half,
    )  # fmt: skip


def step_parts(
    s: Setup, *, decoding: Numeric, context: Numeric, prompt_tokens: Numeric, prompt: Numeric, sampling: Numeric
) -> dict[str, Any]:
    """Time of one iteration by part [s].

    Parameters
    ----------
    s : Setup
        Model, chips, layout.
    decoding : float or array
        Sequences of the replica that decode one token each [1].
    context : float or array
        Their mean cached tokens [token].
    prompt_tokens, prompt : float or array
        Prompt tokens of the replica in this iteration, and the length of the prompts they belong to [token].
    sampling : float or array
        Sequences that need logits: those decoding and those whose prompt ends here [1].

    Returns
    -------
    dict of str to float or array
        The parts of :data:`PARTS`; their sum is the time of the iteration.
    """
    c, m, hw = s.constants, s.model, s.hw
    bw = hw.memory_bandwidth
    ranks = ranks_of(s)
    own_decoding, own_prompt = decoding / ranks, prompt_tokens / ranks / s.context
    rows = greater(own_decoding + own_prompt, 1e-9)
    tokens = greater(decoding + prompt_tokens, 1e-9)
    time: dict[str, Any] = dict.fromkeys(PARTS, 0.0)
    heads = greater(sampling / ranks, 1e-9)
    covered = {"token": averaged_rows(rows, c["serving.rows"]), "sequence": averaged_rows(heads, c["serving.rows"])}
    of = {"attention": s.attention, "dense": s.dense, "shared": s.dense, "router": s.head, "head": s.head}
    for op in s.products:
        if op.rows == "pick":
            spent = _experts(op, tokens, s, bw)
        else:
            count = heads if op.rows == "sequence" else rows
            spent = _product(count, covered[op.rows], op.columns, op.depth, of[op.part], bw, c)
        time[PLACES[op.part]] = time[PLACES[op.part]] + op.times * spent
    time["attention"] = _attention_seconds(s, own_decoding, context, own_prompt, prompt)
    time["vision tower"] = own_prompt * s.tower / s.tensor
    time["adapters"] = _adapter_seconds(s, own_decoding + sampling / ranks, rows)
    time["data movement"] = _movement_seconds(s, rows)
    time["exchange"] = _exchange_seconds(s, tokens, rows)
    routed = m.layers_of("experts")
    time["layers"] = (
        s.kernels * (c["serving.launch"] + c["serving.busy"] * rows / (rows + BUSY_ROWS))
        + routed * c["serving.expert_layer"]
    )
    time["experts"] = time["experts"] + routed * c["serving.expert_prompt"] * own_prompt
    # the host prepares part of the next iteration while the chip computes: of that part, only what takes longer shows
    device = sum(time.values())
    host = c["serving.host"] + c["serving.sequence"] * sampling / ranks
    hidden = c["serving.overlap"] * host
    time["host"] = host - hidden + smooth_maximum(device, hidden) - device
    found = {part: spent * c["serving.engine"] for part, spent in time.items()}
    return found | {"host link": s.on_host / s.hw.host_bandwidth}


def step_time(
    s: Setup, *, decoding: Numeric, context: Numeric, prompt_tokens: Numeric, prompt: Numeric, sampling: Numeric
) -> Any:
    """Time of one iteration [s]; arguments as :func:`step_parts`."""
    parts = step_parts(
        s, decoding=decoding, context=context, prompt_tokens=prompt_tokens, prompt=prompt, sampling=sampling
    )
    return sum(parts.values())


def ranks_of(s: Setup) -> Any:
    """Chips of a replica that hold sequences of their own [1]: one, or those of a group with data-parallel attention."""
    return chosen(s.spread > 0, s.group / s.tensor, 1.0)


def _attention_seconds(s: Setup, decoding: Any, context: Any, prompt_tokens: Any, prompt: Any) -> Any:
    """Attention of all layers [s]: decode reads the cache, prefill computes; some layers carry a state instead."""
    spent: Any = 0.0
    for group in s.model.attention:
        if not present(group.count):
            continue
        each = _keys_seconds if group.grows else _state_seconds
        spent = spent + group.count * each(s, group, decoding, context, prompt_tokens, prompt)
    return spent


def _prefill_efficiency(s: Setup) -> Any:
    """Share of the 16-bit peak that attention over a prompt reaches [1]."""
    return lesser(s.hw.constants["attention.bf16.efficiency"] * s.constants["serving.attention"], MOST)


def _keys_seconds(s: Setup, g: Attention, decoding: Any, context: Any, prompt_tokens: Any, prompt: Any) -> Any:
    """Attention of one layer that keeps keys [s]."""
    c, hw = s.constants, s.hw
    heads = g.heads / s.tensor
    index = g.index_dim * lesser(g.index_heads, 1.0) / g.compression
    seen, queries = g.seen(context), decoding / s.context
    stored = seen * (g.entry_values(s.tensor) * s.cache_bytes) + context * (index * INDEX_BYTES)
    # latent attention decodes in its absorbed form: all heads share the vector as key and, less its rotary part, value
    width = 2.0 * g.latent_rank + g.rotary if g.kind == "latent" else g.head_dim + g.value_dim
    work = MULTIPLY_ADD * heads * width * seen
    peak, bandwidth = hw.peak("bf16"), hw.memory_bandwidth
    decode = attention_seconds(
        queries * work, queries * stored, 1.0, peak, bandwidth, c["decode.efficiency"], c["decode.memory"], 0.0,
    )  # fmt: skip
    if not present(prompt_tokens):
        return decode
    # a query sees half of its prompt on average, or its window; exponentials and masked tiles as in the kernel tables
    softmax, half = (hw.constants[f"attention.bf16.{name}"] for name in ("softmax", "causal_half"))
    pairs = lesser(prompt / 2.0, g.seen(prompt))
    wide = MULTIPLY_ADD * heads * (g.head_dim + g.value_dim + 2.0 * softmax)
    return decode + attention_seconds(
        prompt_tokens * wide * pairs, 0.0 * s.cache_bytes, pairs, peak, bandwidth, _prefill_efficiency(s), 1.0, half
    )


def _state_seconds(s: Setup, g: Attention, decoding: Any, context: Any, prompt_tokens: Any, prompt: Any) -> Any:
    """One layer that carries a state [s]: read and written per sequence and step, computed per prompt token."""
    values = g.heads * g.head_dim * g.value_dim / s.tensor
    moved = elementwise_seconds(
        values * STATE_BYTES * decoding, 0.0, s.hw.memory_bandwidth, s.constants["decode.memory"], 0.0
    )
    work = prompt_tokens * 2.0 * MULTIPLY_ADD * values
    return moved + attention_seconds(
        work, 0.0 * s.cache_bytes, 1.0, s.hw.peak("bf16"), s.hw.memory_bandwidth, _prefill_efficiency(s), 1.0, 0.0
    )


def _adapter_seconds(s: Setup, sequences: Any, rows: Any) -> Any:
    """Products of served adapters [s]: those that the sequences of a step want are read, two kernels for each product.

    Requests want the adapters alike often.
    """
    if not present(s.adapters):
        return 0.0
    c = s.constants
    count = greater(s.adapters, 1.0)
    touched = count * distinct_experts(count, greater(sequences, 1.0), 1.0)
    moved = elementwise_seconds(touched * s.adapter_bytes, 0.0, s.hw.memory_bandwidth, c["decode.memory"], 0.0)
    # a weight of 16 bits is multiplied with every row that wants it
    work = rows * MULTIPLY_ADD * s.adapter_bytes / BF16_BYTES / (s.hw.peak("bf16") * s.attention.efficiency)
    kernels = ADAPTER_KERNELS * s.model.blocks * c["serving.launch"]
    return unwrapped(chosen(s.adapters > 0, moved + work + kernels, 0.0))


def _movement_seconds(s: Setup, rows: Any) -> Any:
    """Norms, residuals, rotary embedding, activation and quantisation between the products [s]."""
    moved = rows * s.moved_values * BF16_BYTES * s.constants["serving.moved"]
    return elementwise_seconds(moved, 0.0, s.hw.memory_bandwidth, s.hw.constants["elementwise.memory"], 0.0)


def _exchange_seconds(s: Setup, tokens: Any, rows: Any) -> Any:
    """All-reduces of tensor parallelism, all-to-all of expert parallelism, hand-over between pipeline stages [s]."""
    c, m, hw = s.constants, s.model, s.hw
    spent: Any = 0.0
    # chips without a scale-up link share the PCIe tree of a node
    together = chosen(hw.link_bandwidth > 0, hw.scaleup_domain, PCIE_NODE)
    if present(s.tensor > 1):
        reduce = engine_all_reduce_time(
            hw, n=s.tensor, size=rows * m.hidden * BF16_BYTES, node=lesser(s.tensor, together)
        )
        # engines have all-reduces of their own inside a domain; between nodes they wait for the library's
        scale = chosen(s.tensor > together, c["serving.far"], c["serving.reduce"])
        # cards behind PCIe switches run their rings side by side: they do not share the bus as the tables' board does
        beside = chosen(hw.link_bandwidth > 0, 1.0, c["serving.bus"] * 2.0 / greater(s.tensor, 2.0))
        spent = spent + m.blocks * chosen(s.tensor > 1, reduce, 0.0) * scale * beside
    if present(s.spread > 0):
        # each token goes to its experts' chips in 8 bits and comes back in 16
        for block in m.feed_forward:
            if block.kind == "dense":
                continue
            sent = rows * block.depth * lesser(block.picks, s.group)
            node = lesser(s.group, together)
            there = expert_exchange_time(hw, n=s.group, sent=sent * BF16_BYTES / 2.0, node=node, burst=True)
            back = expert_exchange_time(hw, n=s.group, sent=sent * BF16_BYTES, node=node, burst=True)
            # inside one domain engines may as well gather every token on every chip and scatter the sums
            whole = rows * s.group * block.depth * BF16_BYTES
            gathered = all_gather_time(hw, n=s.group, size=whole / 2.0) + reduce_scatter_time(hw, n=s.group, size=whole)
            apart = (there + back) * c["serving.exchange"]
            both = chosen(s.group <= together, lesser(apart, gathered), apart)
            spent = spent + block.count * chosen((s.spread > 0) & (s.group > 1), both, 0.0)
    if present(s.context > 1):
        for group in m.attention:
            size = rows * s.context * group.entry_values(s.tensor) / group.compression * s.cache_bytes
            gathered = chosen(s.context > 1, all_gather_time(hw, n=s.context, size=size), 0.0)
            spent = spent + group.count * float(group.grows) * gathered
    if present(s.pipeline > 1):
        hand = point_to_point_time(hw, size=rows * m.hidden * BF16_BYTES)
        spent = spent + (s.pipeline - 1.0) * (hand + HANDOVER_KERNELS * c["serving.launch"])
    return spent
