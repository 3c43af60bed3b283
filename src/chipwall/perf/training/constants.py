"""What training software is like: the labels that its fitted constants depend on, and how old it is for a chip."""

from __future__ import annotations

from collections.abc import Mapping

from chipwall.perf.calibrated import TrainingConstants
from chipwall.perf.device import Hardware
from chipwall.perf.load import release_year, table

__all__ = ["EAGER", "LOOPED", "Labels", "labels_of", "software_age", "software_families"]

# What a constant may depend on: the silicon, the format of the products, and the family of training software.
Labels = Mapping[str, str]


# Software without grouped products: experts run one after another.
LOOPED = ("transformers", "fused", "deepspeed", "axolotl", "llama-factory", "ms-swift", "unsloth")
# Software that launches small kernels one by one from Python.
EAGER = ("transformers", "torchtune", "fused", "deepspeed", "axolotl", "llama-factory", "ms-swift", "unsloth")


def software_age(arch: str, year: float) -> float:
    """How long software for a kind of silicon has been developed at a date [year]; 3 where its release is not known."""
    release = release_year(arch)
    return 3.0 if release is None else max(year - release, 0.0)


def labels_of(hw: Hardware, *, recipe: str, software: str = "", block_scaled: bool = False) -> dict[str, str]:
    """The labels of one setup; no scaling label unless the format carries a scale per block."""
    found = {"arch": hw.arch, "vendor": hw.vendor, "recipe": recipe, "software": software}
    if software in EAGER:
        found["launching"] = "eager"
    return {**found, "scaling": "block"} if block_scaled else found


def software_families(fitted: TrainingConstants) -> tuple[str, ...]:
    """Families of training software that some constant tells apart, or whose habits are known."""
    return tuple(sorted(fitted.software | set(table("training_states")["software"])))
