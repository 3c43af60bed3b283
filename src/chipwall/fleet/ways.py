"""Ways to serve a model with one replica: every chip, precision and layout, as one record of arrays.

A way is a chip, a format of the weights, and how one copy of the model lies on some of these chips. The arithmetic on all of
them is one call of the functions of :mod:`chipwall.perf.serving`; what differs from way to way is gathered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware, stacked
from chipwall.perf.formats import FORMATS
from chipwall.perf.layout import Layout, serving_layouts
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.fits import limits_of
from chipwall.perf.serving.memory import Room, room_for_cache
from chipwall.perf.serving.precision import CACHE_BYTES, Precision, default_cache, model_default, precision_of
from chipwall.perf.serving.serve import flags_of, holding_of
from chipwall.perf.serving.setup import machine_of, serving_hardware, setup
from chipwall.perf.serving.step import Setup, stacked_rates
from chipwall.perf.serving.workload import Question
from chipwall.text import Text, text
from chipwall.units import GIB

__all__ = ["Variant", "Ways", "eight_bits", "ways_to_serve"]

# Chips of one replica that are tried [1]; wider ones only inside a scale-up domain.
REPLICA_CHIPS = (1, 2, 4, 8, 16, 32, 64, 72)
# Chips of a replica where the scale-up link reaches fewer [1].
ACROSS_NODES = 16


@dataclass(frozen=True, slots=True)
class Variant:
    """One chip with one format of the weights, ready for layouts.

    Attributes
    ----------
    chip, hw : Chip, Hardware
        As the catalogue knows it, and as the formulas see it.
    engine, cache : str
        Serving software, and format of the KV cache.
    precision : Precision
        Recipes of the parts.
    base : Setup
        One replica on one chip; layouts change it.
    """

    chip: Chip
    hw: Hardware
    engine: str
    precision: Precision
    cache: str
    base: Setup


@dataclass(frozen=True, slots=True)
class Ways:
    """All ways, side by side.

    Attributes
    ----------
    variants, layouts, rooms : tuple
        Of every way: its variant, its layout, and what the engine leaves for the cache.
    setup : Setup
        The same as arrays.
    chips : array
        Chips of one replica [1].
    refused : mapping of str to Text
        Chips without any way, and why.
    calibrated : Calibrated
        What they were computed with.
    """

    variants: tuple[Variant, ...]
    layouts: tuple[Layout, ...]
    rooms: tuple[Room, ...]
    setup: Setup
    chips: NDArray[Any]
    refused: Mapping[str, Text] = field(hash=False)
    calibrated: Calibrated = field(hash=False, repr=False)

    def __len__(self) -> int:
        return len(self.variants)

    @property
    def chip_ids(self) -> NDArray[Any]:
        """Id of the chip of every way."""
        return np.array([v.chip.id for v in self.variants])


def eight_bits(hw: Hardware) -> str:
    """The 8-bit format that a chip multiplies in; empty where it has none."""
    return "fp8" if hw.supports("fp8") else "int8" if hw.supports("int8") else ""


def _precisions(model: LanguageModel, hw: Hardware, asked: Sequence[str]) -> list[str]:
    """The formats to try: those asked for, or the published one and the chip's 8-bit one where that is narrower."""
    if asked:
        return list(asked)
    published = model_default(model)
    narrow = eight_bits(hw) if FORMATS[published].bits >= 16.0 else ""
    return [published, *([narrow] if narrow else [])]


def ways_to_serve(
    model: LanguageModel,
    chips: Iterable[Chip],
    question: Question,
    calibrated: Calibrated,
    *,
    precisions: Sequence[str] = (),
) -> Ways:
    """Every way to serve a model on some chips; those whose weights do not fit are left out.

    Parameters
    ----------
    model : LanguageModel
        What is served.
    chips : iterable of Chip
        Among which is chosen.
    question : Question
        Engine, its limits and the cache; lengths and load do not matter here.
    calibrated : Calibrated
        What is fitted.
    precisions : sequence of str
        Formats of the weights to try; the published one and the chip's 8-bit one by default.
    """
    found: list[tuple[Variant, Layout, Room]] = []
    refused: dict[str, Text] = {}
    known: dict[Any, list[Layout]] = {}
    for chip in chips:
        try:
            made_of = _variants(model, chip, question, precisions, calibrated)
            here = [w for v in made_of for w in _laid(model, v, question, known, calibrated)]
            fitting = [w for w in here if w[2].bytes > 0.0]
            if not fitting:
                refused[chip.id] = _too_small(here)
            found += fitting
        except ChipwallError as refusal:
            refused[chip.id] = Text.of(refusal.what)
    variants, layouts, rooms = (tuple(column) for column in zip(*found, strict=True)) if found else ((), (), ())
    counts = np.array([x.chips for x in layouts], dtype=float)
    made = _arrays(variants, layouts, rooms) if found else None
    return Ways(variants, layouts, rooms, made, counts, refused, calibrated)  # type: ignore[arg-type]


def _too_small(here: Sequence[tuple[Variant, Layout, Room]]) -> Text:
    """Why nothing fits: the layout that comes nearest, and what is missing."""
    if not here:
        return text("no layout divides the model")
    _, layout, room = max(here, key=lambda w: w[2].bytes)
    return text(
        "the weights do not fit: {short:.0f} GiB short on each of {chips} chips",
        short=-room.bytes / GIB,
        chips=layout.chips,
    )


def _variants(
    model: LanguageModel, chip: Chip, q: Question, precisions: Sequence[str], calibrated: Calibrated
) -> list[Variant]:
    engine = engine_on(chip.vendor.lower(), q.engine)
    hw = serving_hardware(chip, calibrated, engine=engine)
    if not np.isfinite(float(hw.memory)):
        return []
    found: dict[tuple[str, ...], Variant] = {}
    for name in _precisions(model, hw, precisions):
        precision = precision_of(name, model=model, hw=hw, where="precision")
        cache = q.cache or default_cache(precision, engine=engine, model=model, hw=hw)
        recipe = precision.experts if model.is_moe else precision.dense
        constants = calibrated.serving.at(hw.arch, engine, q.engine_year, recipe, flags_of(q), chip=hw.id)
        how = holding_of(q, engine, calibrated)
        base = setup(hw, model.architecture, precision, Layout(), cache=cache, constants=constants, how=how)
        key = (precision.format, precision.dense, precision.experts)
        found.setdefault(key, Variant(chip, hw, engine, precision, cache, base))
    return list(found.values())


def _laid(
    model: LanguageModel, v: Variant, q: Question, known: dict[Any, list[Layout]], calibrated: Calibrated
) -> list[tuple[Variant, Layout, Room]]:
    """A variant in every layout of one replica, with the room it leaves."""
    domain = int(v.hw.scaleup_domain)
    if domain not in known:
        known[domain] = _one_replica(model, domain)
    how, machine = holding_of(q, v.engine, calibrated), machine_of(v.hw)
    return [(v, x, room_for_cache(model.architecture, v.precision.stored, x, machine, how)) for x in known[domain]]


def _one_replica(model: LanguageModel, domain: int) -> list[Layout]:
    """Layouts of exactly one replica, by the chips that it may take."""
    ways = limits_of(model.architecture)
    counts = [n for n in REPLICA_CHIPS if n <= max(domain, ACROSS_NODES)]
    found = [x for n in counts for x in serving_layouts(chips=n, domain=domain, **ways) if x.replicas == 1]
    return list(dict.fromkeys(found))


def _arrays(variants: Sequence[Variant], layouts: Sequence[Layout], rooms: Sequence[Room]) -> Setup:
    """Every way as one setup of arrays: chips and recipes are stacked once each and indexed."""
    own = {id(v): v for v in variants}
    place = {key: n for n, key in enumerate(own)}
    index = np.array([place[id(v)] for v in variants])
    each = [v.base for v in own.values()]
    columns = {name: np.array([s.constants[name] for s in each])[index] for name in each[0].constants}
    rates: dict[str, Any] = {}
    for part in ("attention", "dense", "experts", "head"):
        of_part = stacked_rates([getattr(s, part) for s in each])
        rates[part] = replace(of_part, **{n: getattr(of_part, n)[index] for n in of_part.__dataclass_fields__})

    def numbers(values: Iterable[float]) -> NDArray[Any]:
        return np.array(list(values), dtype=float)

    return replace(
        each[0], hw=stacked([s.hw for s in each], index=index), constants=columns, **rates,
        cache_bytes=numbers(CACHE_BYTES[v.cache] for v in variants), tensor=numbers(x.tensor for x in layouts),
        pipeline=numbers(x.pipeline for x in layouts), replicas=numbers(1.0 for _ in layouts),
        group=numbers(x.group for x in layouts), spread=numbers(x.attention_data_parallel for x in layouts),
        expert=numbers(x.expert for x in layouts), context=numbers(x.context for x in layouts),
        weights=numbers(r.weights + r.draft for r in rooms), room=numbers(r.bytes for r in rooms),
        cap=numbers(r.sequences for r in rooms), draft=numbers(v.base.draft for v in variants),
        on_host=numbers(v.base.on_host for v in variants), tower=numbers(0.0 for _ in variants),
        adapters=numbers(0.0 for _ in variants), adapter_bytes=numbers(0.0 for _ in variants),
    )  # fmt: skip
