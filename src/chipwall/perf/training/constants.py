"""The constants of the training step, as fitted on end-to-end rows on top of the frozen kernel constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from chipwall.perf.constants import Constant
from chipwall.perf.device import Hardware
from chipwall.perf.load import constants_table, table
from chipwall.perf.numeric import Numeric

__all__ = [
    "Labels",
    "labels_of",
    "software_families",
    "step_bands",
    "step_constants",
    "training_constants",
    "was_fitted",
]

# What a constant may depend on: the silicon, the format of the products, and the family of training software.
Labels = Mapping[str, str]


# Software without grouped products: experts run one after another.
LOOPED = ("transformers", "fused", "deepspeed", "axolotl", "llama-factory", "ms-swift", "unsloth")
# Software that launches small kernels one by one from Python.
EAGER = ("transformers", "torchtune", "fused", "deepspeed", "axolotl", "llama-factory", "ms-swift", "unsloth")


@lru_cache(maxsize=1)
def training_constants() -> dict[str, Constant]:
    """The shipped step constants by name."""
    table = constants_table("calibration_training")
    return {name: Constant(name=name, **entry) for name, entry in table["constants"].items()}


@lru_cache(maxsize=1)
def step_bands() -> dict[str, tuple[float, float]]:
    """80 % bands by class: factors (low, high) on a predicted step time [1]."""
    return {name: (float(b[0]), float(b[1])) for name, b in constants_table("calibration_training")["bands"].items()}


@lru_cache(maxsize=1)
def _seen_kinds() -> frozenset[str]:
    return frozenset(str(name) for name in constants_table("calibration_training")["seen"]["kinds"])


def was_fitted(arch: str, *, experts: bool) -> bool:
    """Whether runs of this kind of model on this kind of silicon stand behind the constants."""
    return f"{arch}/{'moe' if experts else 'dense'}" in _seen_kinds()


def software_age(arch: str, year: float) -> float:
    """How long software for a kind of silicon has been developed at a date [year]; 3 where its release is not known."""
    release = constants_table("training_defaults")["release"].get(arch)
    return 3.0 if release is None else max(year - float(release), 0.0)


def labels_of(hw: Hardware, *, recipe: str, software: str = "", block_scaled: bool = False) -> dict[str, str]:
    """The labels of one setup; no scaling label unless the format carries a scale per block."""
    found = {"arch": hw.arch, "vendor": hw.vendor, "recipe": recipe, "software": software}
    if software in EAGER:
        found["launching"] = "eager"
    return {**found, "scaling": "block"} if block_scaled else found


def step_constants(setups: Sequence[Labels], *, constants: Mapping[str, Constant] | None = None) -> dict[str, Numeric]:
    """Every step constant as it holds for each setup: arrays, one entry per setup [unit of the constant]."""
    chosen = training_constants() if constants is None else constants
    return {name: np.array([constant.value(labels) for labels in setups]) for name, constant in chosen.items()}


@lru_cache(maxsize=1)
def software_families() -> tuple[str, ...]:
    """Families of training software that some constant tells apart, or whose habits are known."""
    labels = (label for c in training_constants().values() for key in c.offsets for label in key.split(","))
    fitted = {label.removeprefix("software=") for label in labels if label.startswith("software=")}
    return tuple(sorted(fitted | set(table("training_states")["software"])))
