"""What a serving engine keeps for itself, and how much of a chip it leaves to the cache.

An engine starts with a trial run of its largest step. Its peak is the larger of two: the activations of the widest layer
for ``tokens`` tokens, and the logits of ``sequences`` sequences with what sampling makes of them. Routed experts have a
workspace beside it; the context of the device and the buffers of the links stay for ever. Each of these is arithmetic
times one constant, and the constants are fitted on public start-up logs (``data/measured/startup.csv``).

References
----------
.. [1] vLLM, vllm/v1/worker/gpu_worker.py, determine_available_memory: share of the device, less weights, less the peak of
   a trial run, less what other libraries took.
.. [2] SGLang, python/sglang/srt/model_executor/model_runner.py, profile_max_num_token: share of what is free before
   loading, less weights.
.. [3] NVIDIA, TensorRT-LLM documentation, "Memory usage": share of what is free after loading and a trial run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from chipwall.catalog.architecture import Architecture
from chipwall.errors import InputError
from chipwall.perf.amount import larger, named
from chipwall.perf.layout import Layout
from chipwall.perf.load import table
from chipwall.perf.numeric import BF16_BYTES, Numeric
from chipwall.text import text
from chipwall.units import GIB

__all__ = [
    "MemoryRules",
    "engine_share",
    "memory_rules",
    "overhead_parts",
    "step_limits",
    "visible",
]

Counts = Literal["device", "static", "rest"]
# First version of vLLM whose sampling keeps fewer copies of the logits, and its month: newer software is the default.
LEAN_SAMPLER = (0, 17)
LEAN_SINCE = "2026-03"
LEAN_YEAR = 2026.17


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """How one engine divides memory: its defaults, from ``data/engine_memory.toml``."""

    name: str
    share: float
    counts: Counts
    tokens: tuple[float, float]
    sequences: tuple[float, float]
    large_from: float
    small_architectures: tuple[str, ...]
    share_by_tensor: Mapping[str, float]


@lru_cache(maxsize=32)
def memory_rules(name: str) -> MemoryRules:
    """The memory rules of an engine; :class:`InputError` names those there are."""
    entries = table("engine_memory")
    known = entries["engine"]
    own = entries["same_as"].get(name, name)
    if own not in known:
        raise InputError(
            text("how engine '{name}' divides memory is not known", name=name),
            fix=text("Use one of: {names}", names=", ".join([*known, *entries["same_as"]])),
        )
    e = known[own]
    return MemoryRules(
        own, float(e["share"]), e["counts"], tuple(map(float, e["tokens"])), tuple(map(float, e["sequences"])),  # type: ignore[arg-type]
        float(e["large_from"]), tuple(e["small_architectures"]), e.get("share_by_tensor", {}),
    )  # fmt: skip


def engine_share(engine: MemoryRules, layout: Layout) -> float:
    """The engine's own default share of the memory [1]; see :class:`MemoryRules`."""
    return float(engine.share_by_tensor.get(str(layout.tensor), engine.share))


def step_limits(engine: MemoryRules, *, memory: float, arch: str) -> tuple[float, float]:
    """Tokens and sequences of the largest step by the engine's defaults [token, 1]; they depend on the size of the chip."""
    large = memory >= engine.large_from * GIB and arch not in engine.small_architectures
    return engine.tokens[large], engine.sequences[large]


def visible(memory: float, *, vendor: str, arch: str) -> float:
    """Memory that a program sees, of what the device tool reports [byte]: the driver keeps some."""
    kept = table("engine_memory")["driver"]
    rule = kept.get(arch) or kept.get(vendor.lower()) or {}
    return memory * (1.0 - float(rule.get("share", 0.0))) - float(rule.get("gib", 0.0)) * GIB


def widest_block(a: Architecture, tensor: Numeric) -> Any:
    """Values that the widest feed-forward block makes of one token on one of ``tensor`` chips [1].

    A gated block makes two halves and their product; of shared experts likewise.
    """
    found: Any = 0.0
    for f in a.feed_forward:
        width = f.width if f.kind == "dense" else f.shared
        found = larger(found, f.matrices * width / tensor)
    return found


def expert_workspace(a: Architecture, shards: Numeric) -> Any:
    """Values that grouped experts make of one token before they are summed [1]: per choice the wider of what goes in and
    what comes out, and the product of the halves."""
    found: Any = 0.0
    for f in a.feed_forward:
        if f.kind == "experts":
            inner = f.width / shards
            found = found + f.picks * (larger((f.matrices - 1.0) * inner, f.depth) + inner) * (f.count > 0)
    return found


def overhead_parts(
    a: Architecture, layout: Layout, c: Mapping[str, Numeric], *, tokens: float, sequences: float, spelled: bool = False
) -> dict[str, Any]:
    """What the engine keeps on the fullest chip, by part [byte].

    Parameters
    ----------
    a : Architecture
        The model.
    layout : Layout
        Ways.
    c : mapping
        Constants as they hold for the engine, see :class:`~chipwall.perf.calibrated.OverheadConstants`.
    tokens, sequences : float
        Of the largest step [token, 1].
    spelled : bool
        Whether to return :class:`~chipwall.perf.amount.Amount` with formulas instead of numbers.

    Returns
    -------
    dict
        ``trial`` (peak of the trial run), ``experts`` (workspace of grouped experts), ``context`` and ``links``.

    Limits
    ------
    The kernels of one attention library; towers for images are profiled on their own and are not counted.
    """
    n = named if spelled else _plain
    split = layout.tensor
    width = widest_block(a, split)
    body = (
        n(BF16_BYTES, "B")
        * n(tokens, text("tokens"))
        * (
            n(width, text("values of the widest block"))
            + n(c["overhead.hidden"], text("copies of")) * n(a.hidden, text("values of the residual stream"))
        )
    )
    sampled = (
        n(sequences, text("sequences")) * n(a.vocab, text("entries of the vocabulary")) * n(c["overhead.sampler"], "B")
    )
    shards = layout.expert_tensor
    choices = expert_workspace(a, shards)
    workspace = (
        n(c["overhead.experts"])
        * n(BF16_BYTES, "B")
        * n(tokens, text("tokens"))
        * n(choices, text("values of the chosen experts"))
    )
    linked = n(c["overhead.links"], "B") if layout.tensor * layout.context * layout.ranks > 1 else n(0.0, "B")
    return {
        "trial": larger(body, sampled),
        "experts": workspace,
        "context": n(c["overhead.context"], "B"),
        "links": linked,
    }


def _plain(value: Any, what: Any = "") -> Any:
    return value
