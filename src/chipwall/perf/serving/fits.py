"""Does it fit, and how much: the layout that holds most, its budget, the longest sequence and the fewest chips.

The question behind ``fit`` and behind every refusal of ``infer``: both ask :func:`fitting` or :func:`smallest_count`. No
published rate is needed, only a memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.perf.budget import Budget, usable_memory
from chipwall.perf.formats import CACHE_BYTES, stored_bytes
from chipwall.perf.layout import Divides, Layout, serving_layouts
from chipwall.perf.load import silicon_of
from chipwall.perf.serving.memory import (
    EngineMemory,
    Machine,
    Room,
    Stored,
    draft_of,
    longest_sequence,
    room_for_cache,
    sequences_held,
    serving_budget,
)
from chipwall.perf.serving.precision import format_of
from chipwall.text import text

__all__ = ["COUNTS", "Asked", "Fitting", "check_context", "fitting", "layouts_for", "limits_of", "smallest_count"]

# Counts of chips that engines split a model over [1].
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be held: format of the cache, tokens of a sequence [token], and sequences at once over all chips [1]."""

    cache: str
    context: float
    sequences: float


@dataclass(frozen=True, slots=True)
class Fitting:
    """Answer of :func:`fitting`.

    Attributes
    ----------
    layout : Layout
        The layout given, or the one that holds most.
    budget : Budget
        Memory of the fullest chip.
    room : Room
        What the engine leaves for the cache, with its interval.
    held : float
        Whole sequences of the asked length that all chips hold at once [1].
    tokens : float
        Tokens of the asked length that one replica holds, as engines log it [token].
    longest : float
        Tokens of the longest sequence in any of the layouts [token]; the model's maximum at most.
    longest_layout : Layout
        The layout that holds it.
    chips_needed : int
        Fewest chips, of :data:`COUNTS`, that hold what was asked [1]; 0 where none does.
    """

    layout: Layout
    budget: Budget
    room: Room
    held: float
    tokens: float
    longest: float
    longest_layout: Layout
    chips_needed: int


def check_context(model: LanguageModel, tokens: float, *, beyond: bool = False, where: str = "context") -> None:
    """Refuses a sequence longer than the model was made for, unless it is asked on purpose."""
    most = model.max_context
    if most and tokens > most and not beyond:
        raise InputError(
            text(
                "{tokens:,.0f} tokens are more than the {most:,} of {model}", tokens=tokens, most=most, model=model.name
            ),
            where=where,
            fix=text("Ask for a shorter sequence, or say that you mean it: beyond_context"),
        )


def limits_of(a: Architecture) -> Divides:
    """What a layout must divide, by the names of :func:`chipwall.perf.layout.fault` [1]."""
    grows = [g for g in a.attention if g.grows] or list(a.attention)
    return {
        "heads": min((float(g.heads) for g in grows), default=1.0),
        "layers": float(a.layers),
        "experts": max((float(f.experts) for f in a.feed_forward if f.kind == "experts"), default=0.0),
    }


def layouts_for(a: Architecture, chips: int, *, domain: int, given: dict[str, Any]) -> list[Layout]:
    """The layouts to try: all regular ones, with the ways that are given."""
    ways = limits_of(a)
    found = serving_layouts(chips=chips, **ways, domain=domain, given=given.items())
    if not found:
        words = ", ".join(f"{name} {value}" for name, value in given.items()) or text("any ways")
        raise InputError(
            text("no layout with {words} divides {chips} chips and the model", words=words, chips=chips),
            where="layout",
            fix=text("It has {heads:.0f} heads, {layers:.0f} layers and {experts:.0f} experts", **ways),
        )  # fmt: skip
    return found


def _held(a: Architecture, stored: Stored, layout: Layout, machine: Machine, how: EngineMemory, asked: Asked) -> float:
    """Whole sequences of the asked length that all chips hold [1]."""
    room = room_for_cache(a, stored, layout, machine, how)
    draft = draft_of(a, how.draft)[1]
    return sequences_held(a, room.bytes, asked.context, CACHE_BYTES[asked.cache], layout, draft=draft) * layout.replicas


def smallest_count(
    a: Architecture, stored: Stored, machine: Machine, how: EngineMemory, asked: Asked, *, domain: int, given: dict[str, Any]
) -> int:
    """Fewest chips, of :data:`COUNTS`, that hold so many sequences of such a length in one of the layouts [1]; 0: none does."""
    weights = sum(float(n) * dict(stored)[part] for part, n in a.part_weights.items())
    for count in COUNTS:
        if count * machine.visible < weights - how.on_host * count:
            continue
        try:
            layouts = layouts_for(a, count, domain=domain, given=given)
        except InputError:
            continue
        if any(_held(a, stored, x, machine, how, asked) >= asked.sequences for x in layouts):
            return count
    return 0


def fitting(
    model: LanguageModel,
    chip: Chip,
    *,
    chips: int,
    weights: str,
    asked: Asked,
    how: EngineMemory,
    given: dict[str, Any] | None = None,
    beyond: bool = False,
) -> Fitting:
    """Whether a model fits, in the layout that holds most of what is asked.

    Parameters
    ----------
    model, chip : LanguageModel, Chip
        From the catalogue, or invented.
    chips : int
        Chips there are [1].
    weights : str
        Storage format of the weights.
    asked : Asked
        Sequences to hold.
    how : Holding
        The engine and its settings.
    given : dict
        Ways that are fixed, by their names in :class:`~chipwall.perf.layout.Layout`.
    beyond : bool
        Whether a sequence longer than the model's maximum is meant.
    """
    check_context(model, asked.context, beyond=beyond)
    if asked.cache not in CACHE_BYTES:
        raise InputError(
            text("unknown cache format '{name}'", name=asked.cache),
            where="kv",
            fix=text("Use one of: {names}", names=", ".join(CACHE_BYTES)),
        )
    a, stored = model.architecture, tuple(stored_bytes(model, format_of(weights, model).name).items())
    machine = Machine(usable_memory(chip)[0], chip.vendor, silicon_of(chip))
    domain, fixed = _domain(chip), dict(given or {})
    layouts = layouts_for(a, chips, domain=domain, given=fixed)
    size, draft = CACHE_BYTES[asked.cache], draft_of(a, how.draft)[1]
    rooms = [room_for_cache(a, stored, x, machine, how) for x in layouts]
    longest = [longest_sequence(a, r.bytes, size, x, draft=draft) for r, x in zip(rooms, layouts, strict=True)]
    held = [
        sequences_held(a, r.bytes, asked.context, size, x, draft=draft) * x.replicas
        for r, x in zip(rooms, layouts, strict=True)
    ]
    # most of what is asked; where nothing holds one, the layout that comes nearest
    at = max(range(len(layouts)), key=lambda i: (min(held[i], asked.sequences), longest[i], held[i], rooms[i].bytes))
    if held[at] >= asked.sequences:
        at = max(range(len(layouts)), key=lambda i: (held[i], longest[i]))
    far = max(range(len(layouts)), key=lambda i: longest[i])
    most = float(model.max_context or float("inf"))
    one = sequences_held(a, rooms[at].bytes, asked.context, size, layouts[at], draft=draft)
    return Fitting(
        layout=layouts[at],
        budget=serving_budget(
            a, stored, layouts[at], machine, how, cache=asked.cache, context=asked.context, sequences=asked.sequences
        ),
        room=rooms[at],
        held=held[at],
        tokens=one * asked.context,
        longest=longest[far] if beyond else min(longest[far], most),
        longest_layout=layouts[far],
        chips_needed=smallest_count(a, stored, machine, how, asked, domain=domain, given=_ways_alone(fixed)),
    )


def _ways_alone(given: dict[str, Any]) -> dict[str, Any]:
    """What stays fixed when the number of chips changes: whether attention is data parallel, no counts."""
    return {k: v for k, v in given.items() if k == "attention_data_parallel"}


def _domain(chip: Chip) -> int:
    """Chips that the scale-up link reaches [1]; 8 where that is not published."""
    value = chip.value("scaleup_domain") if hasattr(chip, "value") else None
    return int(value or 8)
