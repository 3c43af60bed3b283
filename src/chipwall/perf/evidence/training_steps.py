"""Predicted step times of many measured runs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf.constants import Constant
from chipwall.perf.device import Hardware, stacked
from chipwall.perf.evidence.training import TrainingSetup
from chipwall.perf.training.shape import Shape, stacked_shapes
from chipwall.perf.training.step import training_parts
from chipwall.perf.training.workload import Run, stacked_runs

__all__ = ["RecipeBlock", "blocks_of", "predicted_step", "step_times_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RecipeBlock:
    """Setups of one recipe as arrays, and where they stand in the whole list."""

    recipe: str
    where: NDArray[np.int64]
    hw: Hardware
    shape: Shape
    run: Run


def blocks_of(setups: Sequence[TrainingSetup]) -> list[RecipeBlock]:
    """Setups gathered by recipe; formats that a chip lacks run in 16 bits."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, setup in enumerate(setups):
        groups[_runnable(setup)].append(place)
    blocks = []
    for recipe, places in groups.items():
        chips = {id(setups[p].hw): setups[p].hw for p in places}
        order = {key: i for i, key in enumerate(chips)}
        index = np.array([order[id(setups[p].hw)] for p in places])
        blocks.append(
            RecipeBlock(
                recipe,
                np.array(places),
                stacked(list(chips.values()), index=index),
                stacked_shapes([setups[p].shape for p in places]),
                stacked_runs([setups[p].run for p in places]),
            )
        )
    return blocks


def _runnable(setup: TrainingSetup) -> str:
    recipe = setup.recipe
    maths = {"int8": "int8", "fp4": "fp4", "fp8": "fp8"}.get(recipe, "bf16")
    return recipe if maths == "bf16" or setup.hw.supports(maths) else "bf16"


def step_times_of(blocks: Sequence[RecipeBlock], values: Mapping[str, Any], count: int) -> Array:
    """Predicted step time of every setup [s]."""
    found = np.empty(count)
    for block in blocks:
        own = {name: v[block.where] for name, v in values.items()}
        found[block.where] = sum(
            training_parts(block.hw, block.shape, block.run, recipe=block.recipe, constants=own).values()
        )
    return found


def predicted_step(setups: Sequence[TrainingSetup], constants: Mapping[str, Constant]) -> Array:
    """Predicted step time of every setup [s]."""
    labels = [s.labels for s in setups]
    values = {name: np.array([constants[name].value(label) for label in labels]) for name in constants}
    return step_times_of(blocks_of(setups), values, len(setups))
