"""From records to numbers: a model, a chip, a precision and a layout become one :class:`~chipwall.perf.serving.step.Setup`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from chipwall.catalog.architecture import Architecture, stacked_models
from chipwall.catalog.records import Chip
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.device import Hardware, hardware, stacked
from chipwall.perf.layout import Layout
from chipwall.perf.numeric import Numeric
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.memory import EngineMemory, Machine, draft_of, room_for_cache
from chipwall.perf.serving.precision import CACHE_BYTES, Precision
from chipwall.perf.serving.step import Rates, Setup, rates, stacked_rates

__all__ = ["machine_of", "serving_hardware", "setup", "stacked_setups", "with_layout"]


def serving_hardware(chip: Chip, calibrated: Calibrated, *, engine: str = "") -> Hardware:
    """A chip as numbers, with the constants of the engine asked for, or of the usual one on it."""
    return hardware(chip, calibrated.kernels, engine=engine_on(chip.vendor.lower(), engine))


def setup(
    hw: Hardware,
    model: Architecture,
    precision: Precision,
    layout: Layout,
    *,
    cache: str,
    constants: Mapping[str, Numeric],
    how: EngineMemory,
    tower: float = 0.0,
) -> Setup:
    """One setup, all numbers floats; ``how`` is the way its engine holds memory, ``tower`` the time of the vision tower for
    one token of the prompt [s]."""
    bare = Setup(
        hw=hw,
        model=model,
        attention=rates(hw, precision.attention),
        dense=rates(hw, precision.dense),
        experts=rates(hw, precision.experts, kernel="moe"),
        head=rates(hw, "bf16"),
        cache_bytes=CACHE_BYTES[cache],
        constants=constants,
        tensor=1.0, pipeline=1.0, replicas=1.0, group=1.0, spread=0.0, expert=1.0, context=1.0, weights=0.0, room=0.0, cap=1.0,
        draft=draft_of(model, how.draft)[1], on_host=how.on_host,
        tower=tower, adapters=how.adapters.count, adapter_bytes=0.0,
    )  # fmt: skip
    return with_layout(bare, precision, layout, how)


def with_layout(s: Setup, precision: Precision, layout: Layout, how: EngineMemory) -> Setup:
    """The same model and chip in another layout, with the room that the engine leaves there."""
    room = room_for_cache(s.model, precision.stored, layout, machine_of(s.hw), how)
    return replace(
        s, tensor=float(layout.tensor), pipeline=float(layout.pipeline), replicas=float(layout.replicas), group=float(layout.group),
        spread=float(layout.attention_data_parallel), expert=float(layout.expert), context=float(layout.context),
        weights=room.weights + room.draft, room=room.bytes, cap=room.sequences,
        adapter_bytes=float(how.adapters.bytes_on_chip(s.model, layout.tensor)),
    )  # fmt: skip


def machine_of(hw: Hardware) -> Machine:
    """The memory of a chip for :mod:`chipwall.perf.serving.memory`."""
    return Machine(float(hw.memory), hw.vendor, hw.arch)


def stacked_setups(each: Sequence[Setup], *, constants: Mapping[str, Numeric] | None = None) -> Setup:
    """Many setups as one record of arrays."""
    changed: dict[str, Any] = {
        "hw": stacked([s.hw for s in each]),
        "model": stacked_models([s.model for s in each]),
        "constants": constants if constants is not None else _columns([s.constants for s in each]),
    }
    for f in fields(Setup):
        if f.name in changed:
            continue
        values = [getattr(s, f.name) for s in each]
        changed[f.name] = stacked_rates(values) if isinstance(values[0], Rates) else np.array(values, dtype=float)
    return replace(each[0], **changed)


def _columns(each: Sequence[Mapping[str, Numeric]]) -> dict[str, Numeric]:
    return {name: np.array([c[name] for c in each], dtype=float) for name in each[0]}
