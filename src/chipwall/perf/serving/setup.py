"""From records to numbers: a model, a chip, a precision and a layout become one :class:`~chipwall.perf.serving.step.Setup`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from chipwall.catalog.architecture import Architecture
from chipwall.catalog.architecture import stacked as stacked_models
from chipwall.perf.device import Hardware, stacked
from chipwall.perf.formats import recipe
from chipwall.perf.numeric import Numeric
from chipwall.perf.serving.precision import CACHE_BYTES, Precision
from chipwall.perf.serving.step import Rates, Setup, rates, stacked_rates

__all__ = ["Layout", "chip_weights", "relaid", "setup", "stacked_setups"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model lies on chips.

    Attributes
    ----------
    tensor, pipeline, replicas : int
        Chips that share each layer, pipeline stages, and copies of the whole model [1].
    expert : int
        Expert-parallel degree [1].
    spread : bool
        Attention data parallel inside the group: each chip decodes its own sequences and shares the experts.
    context : int
        Chips over which one sequence is cut [1].
    """

    tensor: int = 1
    pipeline: int = 1
    replicas: int = 1
    expert: int = 1
    spread: bool = False
    context: int = 1

    @property
    def group(self) -> int:
        """Chips that share the experts of a layer."""
        return self.expert if self.spread else self.tensor

    @property
    def chips(self) -> int:
        """Chips in all."""
        return self.group * self.pipeline * self.replicas * self.context


def chip_weights(model: Architecture, precision: Precision, layout: Layout) -> float:
    """Weights on one chip [byte]: products in their recipes, everything else in 16 bits."""
    parts = model.part_weights
    dense = recipe(precision.dense).weight_bytes
    size = {"attention": recipe(precision.attention).weight_bytes, "dense": dense, "shared": dense}
    shared = sum(float(n) * size.get(part, 2.0) for part, n in parts.items() if part != "experts") / layout.tensor
    experts = float(parts["experts"]) * recipe(precision.experts).weight_bytes / layout.group
    return (shared + experts) / layout.pipeline


def setup(
    hw: Hardware,
    model: Architecture,
    precision: Precision,
    layout: Layout,
    *,
    cache: str,
    constants: Mapping[str, Numeric],
) -> Setup:
    """One setup, all numbers floats."""
    return Setup(
        hw=hw,
        model=model,
        attention=rates(hw, precision.attention),
        dense=rates(hw, precision.dense),
        experts=rates(hw, precision.experts, kernel="moe"),
        head=rates(hw, "bf16"),
        cache_bytes=CACHE_BYTES[cache],
        tensor=float(layout.tensor),
        pipeline=float(layout.pipeline),
        replicas=float(layout.replicas),
        group=float(layout.group),
        spread=float(layout.spread),
        expert=float(layout.expert),
        context=float(layout.context),
        weights=chip_weights(model, precision, layout),
        constants=constants,
    )


def relaid(s: Setup, precision: Precision, layout: Layout) -> Setup:
    """The same model and chip in another layout."""
    return replace(
        s, tensor=float(layout.tensor), pipeline=float(layout.pipeline), replicas=float(layout.replicas), group=float(layout.group),
        spread=float(layout.spread), expert=float(layout.expert), context=float(layout.context),
        weights=chip_weights(s.model, precision, layout),
    )  # fmt: skip


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
