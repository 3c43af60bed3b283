"""What must be in memory to serve a model: weights, draft, the engine, caches and states; and what is left for the cache.

Every quantity has one function here, used by the table of ``fit``, by the search of ``infer``, by the sweeps and by the fit
of the engine's own share. Fed :class:`~chipwall.perf.amount.Amount` it also gives its formula.

References
----------
.. [1] Kwon et al., PagedAttention, arXiv:2309.06180, section 4 (the cache takes what weights and activations leave).
.. [2] DeepSeek-AI, DeepSeek-V3, arXiv:2412.19437, section 3.4 (a latent cache lies whole on every tensor-parallel chip;
   data-parallel attention keeps whole sequences on one chip).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import numpy as np

from chipwall.catalog.architecture import Architecture
from chipwall.errors import InputError
from chipwall.perf.adapters import ServedAdapters
from chipwall.perf.amount import ceiling, named, words_of
from chipwall.perf.budget import Budget, Term, budget_of, memory_term
from chipwall.perf.calibrated import OverheadConstants
from chipwall.perf.formats import CACHE_BYTES
from chipwall.perf.layout import Layout
from chipwall.perf.numeric import Numeric
from chipwall.perf.overhead import (
    MemoryRules,
    engine_share,
    memory_rules,
    overhead_parts,
    step_limits,
    visible,
)
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = [
    "EngineMemory", "Holding", "Machine", "Room", "Stored", "chip_weights", "draft_of", "engine_memory", "longest_sequence",
    "room_for_cache", "sequence_bytes", "sequences_held", "serving_budget", "weight_parts",
]  # fmt: skip

# Columns of a tile of grouped 4-bit products [1], and the most bytes of a weight that is packed so [byte].
TILE, PACKED = 256.0, 0.6
# Bytes of one weight by part of a model, see :func:`chipwall.perf.formats.stored_bytes` [byte].
Stored = tuple[tuple[str, float], ...]

PART_NAMES: Mapping[str, Text] = {
    "attention": text("attention"),
    "dense": text("dense blocks"),
    "shared": text("shared experts"),
    "experts": text("experts"),
    "router": text("routers"),
    "head": text("head"),
    "embedding": text("embedding"),
    "other": text("towers and tables"),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """The memory of one chip: what its tool reports [byte], its maker and its kind of silicon."""

    memory: float
    vendor: str
    arch: str

    @property
    def visible(self) -> float:
        """What a program sees [byte]."""
        return visible(self.memory, vendor=self.vendor, arch=self.arch)


@dataclass(frozen=True, slots=True)
class Holding:
    """How an engine holds memory; 0 and empty words are the engine's own defaults.

    Attributes
    ----------
    engine : str
        A name of ``data/engine_memory.toml``.
    share : float
        Share of the memory that the engine may use [1]; what it is a share of depends on the engine.
    tokens, sequences : float
        Of the largest step [token, 1].
    sampler : str
        ``lean``, or ``full`` for vLLM before 0.17.
    draft : str
        ``own`` for the draft layers in the checkpoint, or a number of layers like the model's own; empty for none.
    on_host : float
        Weights that are kept in the memory of the host and read in every step, of each chip [byte].
    adapters : ServedAdapters
        Adapters that are kept ready beside the model.
    """

    engine: str
    share: float = 0.0
    tokens: float = 0.0
    sequences: float = 0.0
    sampler: str = "lean"
    draft: str = ""
    on_host: float = 0.0
    adapters: ServedAdapters = field(default_factory=ServedAdapters)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMemory(Holding):
    """How an engine holds memory, with what is known of that engine.

    Attributes
    ----------
    rules : MemoryRules
        Its defaults.
    constants : mapping of str to float
        What it keeps for itself, as fitted for it.
    band : tuple of float
        80 % band of the room for the cache, in units of its scale [1].
    """

    rules: MemoryRules
    constants: Mapping[str, float] = field(hash=False)
    band: tuple[float, float]


def engine_memory(how: Holding, overhead: OverheadConstants) -> EngineMemory:
    """A way to hold memory with the rules and the fitted constants of its engine."""
    rules = memory_rules(how.engine)
    asked = {f.name: getattr(how, f.name) for f in fields(Holding)}
    return EngineMemory(**asked, rules=rules, constants=overhead.at(rules.name, how.sampler), band=overhead.band)


@dataclass(frozen=True, slots=True)
class Room:
    """What is left for the cache of one chip, with its 80 % interval, and what it was left of [byte]."""

    bytes: float
    low: float
    high: float
    usable: float
    weights: float
    draft: float
    overhead: Mapping[str, float]
    share: float
    tokens: float
    sequences: float
    adapters: float = 0.0

    @property
    def engine(self) -> float:
        """All that the engine keeps [byte]."""
        return sum(self.overhead.values())


# Tokens beyond which a cache is said not to grow [token].
LONGEST = 2.0**40


def _plain(value: Any, what: Any = "") -> Any:
    return value


def weight_parts(a: Architecture, stored: Stored, layout: Layout, *, n: Callable[..., Any] = _plain) -> dict[str, Any]:
    """Weights on the fullest chip by part [byte].

    Attention and dense blocks are cut over the tensor-parallel chips, experts over the chips that share them; stages hold
    whole layers; of a pipeline the ends hold one table each. ``n`` makes a named number of a number, see :func:`named`.
    """
    size = dict(stored)
    counts = a.part_weights
    tables = {"embedding": counts["embedding"], "head": counts["head"]}
    if layout.pipeline > 1:
        tables = {"embedding": counts["embedding"], "head": 0.0}
    fullest = float(ceiling(float(a.layers) / layout.pipeline)) * layout.pipeline / float(a.layers)
    found: dict[str, Any] = {}
    for part, count in {**counts, **tables}.items():
        ways = layout.expert * layout.expert_tensor if part == "experts" else layout.tensor
        held = n(float(count), text("weights")) * n(size[part], "B") / n(ways)
        if part == "experts":
            held = held * n(_padding(a, size[part]), text("of padding"))
        if part not in ("embedding", "head", "other"):
            held = held / n(layout.pipeline) * n(fullest)
        found[part] = held
    return found


def _padding(a: Architecture, size: float) -> float:
    """Columns of 4-bit experts as kernels lay them out, over those there are [1]: whole tiles of 256 columns.

    gpt-oss loads 64.4 GiB for the 60.7 of its checkpoint so.
    """
    wide = [f for f in a.feed_forward if f.kind == "experts" and f.count]
    if size > PACKED or not wide:
        return 1.0
    return max(float(np.ceil(f.width / TILE)) * TILE / float(f.width) for f in wide)


@lru_cache(maxsize=8192)
def chip_weights(a: Architecture, stored: Stored, layout: Layout) -> float:
    """Weights on the fullest chip [byte]; see :func:`weight_parts`."""
    return float(sum(weight_parts(a, stored, layout).values()))


def draft_of(a: Architecture, draft: str) -> tuple[float, float]:
    """Weights of a draft [1], and the layers whose cache it adds, as a share of the model's [1].

    ``own`` are the draft layers of the checkpoint; a number is so many layers like the model's own, each joined to the
    hidden state by a product of 2 hidden x hidden (EAGLE, arXiv:2401.15077).
    """
    if not draft:
        return 0.0, 0.0
    if draft == "own":
        if not float(a.draft):
            raise InputError(
                text("the checkpoint of this model has no draft layers"),
                fix=text("Give a number of layers, or leave the draft out"),
            )
        per_token = float(a.cache_values(1.0))
        return float(a.draft), float(a.draft_cache) / per_token if per_token else 0.0
    if not draft.isdigit() or not 1 <= int(draft) <= float(a.layers):
        raise InputError(
            text("'{words}' is not a draft", words=draft), fix=text("Give own, or a number of layers from 1")
        )
    count, parts = float(int(draft)), a.part_weights
    one = sum(float(v) for k, v in parts.items() if k not in ("embedding", "head", "other")) / float(a.layers)
    return count * (one + 2.0 * float(a.hidden) ** 2), count / float(a.layers)


def sequence_bytes(
    a: Architecture,
    length: Numeric,
    cache_bytes: Numeric,
    *,
    tensor: Numeric = 1.0,
    pipeline: Numeric = 1.0,
    context: Numeric = 1.0,
    draft: Numeric = 0.0,
) -> Any:
    """Cache and state of one sequence of ``length`` tokens on one chip that holds it [byte].

    Parameters
    ----------
    a : Architecture
        The model.
    length : numeric
        Tokens in the cache [token].
    cache_bytes : numeric
        Bytes of one value [byte].
    tensor, pipeline, context : numeric
        Chips over which a layer, the layers, and the tokens of a sequence are cut [1].
    draft : numeric
        Layers of a draft over those of the model [1].
    """
    cache = a.cache_bytes(length, cache_bytes, tensor=tensor) * (1.0 + draft) / context
    return (cache + a.state_bytes(tensor=tensor)) / pipeline


def room_for_cache(a: Architecture, stored: Stored, layout: Layout, machine: Machine, how: EngineMemory) -> Room:
    """What an engine leaves for the cache of the fullest chip, with its 80 % interval.

    Limits
    ------
    The interval is that of the public start-up logs behind ``data/overhead.toml``; towers for images make trial runs larger.
    """
    engine = how.rules
    tokens, sequences = step_limits(engine, memory=machine.memory, arch=machine.arch)
    tokens, sequences = how.tokens or tokens, how.sequences or sequences
    share = how.share or engine_share(engine, layout)
    overhead = {
        k: float(v) for k, v in overhead_parts(a, layout, how.constants, tokens=tokens, sequences=sequences).items()
    }
    if engine.counts == "static":  # the trial run lives in what the share leaves
        overhead |= {"trial": 0.0, "experts": 0.0}
    weights = chip_weights(a, stored, layout) - how.on_host
    draft = draft_of(a, how.draft)[0] * dict(stored)["dense"] / layout.tensor
    adapters = how.adapters.count * float(how.adapters.bytes_on_chip(a, layout.tensor)) / layout.pipeline
    held = weights + draft + adapters
    left = _left(engine, machine.visible, share, held, sum(overhead.values()))
    scale = sum(overhead.values()) + 0.01 * held
    low, high = how.band
    usable = _usable(engine, machine.visible, share, sum(overhead.values()))
    return Room(
        left, left + low * scale, left + high * scale, usable, weights, draft, overhead, share, tokens, sequences, adapters
    )


def _left(engine: MemoryRules, seen: float, share: float, weights: float, kept: float) -> float:
    """The engine's own arithmetic [1, 2, 3 of :mod:`chipwall.perf.overhead`]."""
    if engine.counts == "rest":
        return share * (seen - weights - kept)
    if engine.counts == "static":
        return share * (seen - kept) - weights
    return share * seen - weights - kept


def _usable(engine: MemoryRules, seen: float, share: float, kept: float) -> float:
    """What weights, engine and cache may take together [byte]."""
    if engine.counts == "rest":
        return seen
    return share * (seen - kept) + kept if engine.counts == "static" else share * seen


def longest_sequence(a: Architecture, room: float, cache_bytes: float, layout: Layout, *, draft: float = 0.0) -> float:
    """Tokens of the longest sequence that a room holds on one chip [token]; one number, whatever was asked before.

    The cache of a sequence grows with its length, in straight pieces: bisection finds where it meets the room.
    """
    ways = {"tensor": layout.tensor, "pipeline": layout.pipeline, "context": layout.context, "draft": draft}

    def held(length: float) -> float:
        return float(sequence_bytes(a, length, cache_bytes, **ways))

    if held(1.0) > room:
        return 0.0
    low, high = 1.0, 2.0
    while held(high) <= room:
        low, high = high, 2.0 * high
        if high > LONGEST:  # a model whose cache does not grow
            return float("inf")
    while high - low > 0.5:
        middle = (low + high) / 2.0
        low, high = (middle, high) if held(middle) <= room else (low, middle)
    return float(np.floor(low))


def sequences_held(
    a: Architecture, room: float, length: float, cache_bytes: float, layout: Layout, *, draft: float = 0.0
) -> float:
    """Whole sequences of ``length`` tokens that one replica holds at once [1].

    Under data-parallel attention each rank holds whole sequences of its own: the remainders of the ranks do not add up.
    """
    each = float(
        sequence_bytes(
            a, length, cache_bytes, tensor=layout.tensor, pipeline=layout.pipeline, context=layout.context, draft=draft
        )
    )
    return float(np.floor(max(room, 0.0) / each)) * layout.ranks if each else float("inf")


def serving_budget(
    a: Architecture,
    stored: Stored,
    layout: Layout,
    machine: Machine,
    how: EngineMemory,
    *,
    cache: str,
    context: float,
    sequences: float,
) -> Budget:
    """Everything that the fullest chip holds to serve ``sequences`` sequences of ``context`` tokens.

    Parameters
    ----------
    a, stored, layout, machine, how
        Model, formats, ways, chip and engine.
    cache : str
        Format of the cache, a key of :data:`CACHE_BYTES`.
    context, sequences : float
        Tokens of a sequence [token], and sequences at once over all chips [1].
    """
    room = room_for_cache(a, stored, layout, machine, how)
    weights = weight_parts(a, stored, layout, n=named)
    share = draft_of(a, how.draft)[1]
    state = float(a.state_bytes(tensor=layout.tensor)) / layout.pipeline
    holders = layout.replicas * layout.ranks
    most = float(np.ceil(sequences / holders))
    rank = named(most, text("sequences on one rank"))
    terms = [
        memory_term("weights", text("weights, {part}", part=PART_NAMES[part]), amount) for part, amount in weights.items()
    ]
    if how.on_host:
        terms.append(Term("weights", text("weights on the host"), -how.on_host, text("given")))
    terms += [
        memory_term("draft", text("draft"), named(room.draft, "B")),
        memory_term("adapters", text("served adapters"), _adapters_amount(a, layout, how)),
        memory_term("cache", text("cache"), rank * _cache_amount(a, context, CACHE_BYTES[cache], layout, share)),
        memory_term("state", text("recurrent states"), rank * named(state, text("B of state"))),
    ]
    terms += _engine_terms(a, layout, how, room, machine)
    formula = text(
        "{share:.4g} x {seen:.2f} GiB that a program sees of {memory:.2f} GiB",
        share=room.share, seen=machine.visible / GIB, memory=machine.memory / GIB,
    )  # fmt: skip
    return budget_of(terms, room.usable, formula, surely=room.usable + room.low - room.bytes, most=room.usable)


def _adapters_amount(a: Architecture, layout: Layout, how: Holding) -> Any:
    """Served adapters on one chip, spelled: of each pair of matrices one is cut, the other copied."""
    served = how.adapters
    weights = float(served.weights(a))
    cut = named((1.0 + 1.0 / layout.tensor) / 2.0, text("of each on a chip"))
    return named(served.count, text("adapters")) * named(weights, text("weights")) * named(2.0, "B") * cut / named(layout.pipeline)


def _cache_amount(a: Architecture, context: float, size: float, layout: Layout, draft: float) -> Any:
    """The cache of one sequence on one chip, spelled by kind of layer."""
    total: Any = named(0.0)
    for group in a.attention:
        entries = float(group.entries(context))
        values = float(group.entry_values(layout.tensor))
        total = total + named(float(group.count * group.kept), text("{kind} layers", kind=Text.of(group.kind))) * named(
            entries, text("tokens")
        ) * named(values, text("values")) * named(size, "B")
    index = float(
        a.cache_bytes(context, size, tensor=layout.tensor) - a.cache_values(context, tensor=layout.tensor) * size
    )
    total = total + named(index, text("B of the indexer"))
    return total * named(1.0 + draft) / named(layout.context) / named(layout.pipeline)


def _engine_terms(a: Architecture, layout: Layout, how: EngineMemory, room: Room, machine: Machine) -> list[Term]:
    engine = how.rules
    spelled = overhead_parts(
        a,
        layout,
        how.constants,
        tokens=room.tokens,
        sequences=room.sequences,
        spelled=True,
    )
    names = {
        "trial": text("engine: trial run"), "experts": text("engine: workspace of experts"),
        "context": text("engine: context"), "links": text("engine: buffers of links"),
    }  # fmt: skip
    low, high = how.band
    found = []
    for part, amount in spelled.items():
        size = room.overhead[part]
        if size:
            found.append(
                Term("engine", names[part], size, words_of(amount), low=size * (1.0 - high), high=size * (1.0 - low))
            )
    if engine.counts == "rest":
        rest = (1.0 - room.share) * (machine.visible - room.weights - room.draft - room.adapters - room.engine)
        found.append(Term("engine", text("engine: left free"), max(rest, 0.0), text("share of the rest")))
    return found
