"""``chipwall calibrate``: the whole first stage of the fit, from the shipped tables to the text of ``calibration.toml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from chipwall.perf.calibrated import Calibrated, ServingConstants
from chipwall.perf.constants import Calibration, Constant
from chipwall.perf.evidence.collectives import readable_collectives
from chipwall.perf.evidence.kernels import readable
from chipwall.perf.fitting.bands import FEWEST_ROWS, band, bands_by_class
from chipwall.perf.fitting.collectives import exchange_family, link_family, reduce_family
from chipwall.perf.fitting.hpc import hpc_family
from chipwall.perf.fitting.kernels import FAMILIES, KernelFamily, KernelFit, fit_family
from chipwall.perf.load import measured

__all__ = ["FamilyScore", "Refit", "assumed_constants", "outcome_scores", "refit"]


@dataclass(frozen=True, slots=True)
class FamilyScore:
    """How well a family is predicted: median and mean of |predicted/measured - 1|, share within 15 % [1]."""

    family: str
    kind: str
    rows: int
    median: float
    mean: float
    within_15: float


@dataclass(frozen=True, slots=True)
class Refit:
    """A new calibration and how good it is."""

    calibration: Calibration
    outcomes: tuple[KernelFit, ...]
    scores: tuple[FamilyScore, ...]


def _assumed(
    name: str, unit: str, low: float, high: float, value: float, note: str, *, logarithmic: bool = False
) -> Constant:
    share = log(value / low) / log(high / low) if logarithmic else (value - low) / (high - low)
    level = round(log(share / (1.0 - share)), 4)
    return Constant(name, unit, low, high, level, logarithmic=logarithmic, note=note)


def assumed_constants(fitted: ServingConstants) -> dict[str, Constant]:
    """Constants that no row of the kernel and collective tables fixes; each says what it rests on."""
    pcie = "typical of PCIe switches; hosts without one are several times slower, see the L40S rows"
    network = "typical of 400 Gbit/s InfiniBand with one card per chip; no multi-node row may be fitted"
    decode = "of a typical engine on a typical chip: fixed by serving runs, see calibration_inference.toml"
    serving = fitted.at("", "")
    found = (
        _assumed("pcie.efficiency", "1", 0.1, 1.0, 0.6, pcie),
        _assumed("network.efficiency", "1", 0.2, 1.0, 0.88, network),
        _assumed("network.latency", "s", 2e-6, 1e-4, 1.2e-5, network, logarithmic=True),
        _assumed("network.hop", "s", 1e-6, 5e-5, 6e-6, network, logarithmic=True),
        _assumed("network.half_size", "byte", 1e4, 1e8, 2e6, network, logarithmic=True),
        _assumed("attention_decode.memory", "1", 0.2, 1.0, serving["decode.memory"], decode),
        _assumed("attention_decode.efficiency", "1", 0.02, 1.0, serving["decode.efficiency"], decode),
        _assumed("attention_decode.launch", "s", 1e-7, 2e-4, serving["serving.launch"], decode, logarithmic=True),
    )
    return {constant.name: constant for constant in found}


def _families(
    kernels: Sequence[Mapping[str, str]], collectives: Sequence[Mapping[str, str]], before: Calibration
) -> list[KernelFamily]:
    rows, _ = readable([row for row in kernels if row.get("use", "fit") == "fit"])
    links, _ = readable_collectives([row for row in collectives if row.get("use", "fit") == "fit"])
    own = reduce_family(measured("reduces"), before)
    return [*(make(rows) for make in FAMILIES), link_family(links), exchange_family(links), own, hpc_family(measured("hpc"))]


def refit(
    calibrated: Calibrated,
    kernels: Sequence[Mapping[str, str]] | None = None,
    collectives: Sequence[Mapping[str, str]] | None = None,
    *,
    cross_validate: bool = True,
) -> Refit:
    """Fit every kernel and collective constant again.

    Parameters
    ----------
    calibrated : Calibrated
        What was fitted before: constants of other stages, and those that a family is held against.
    kernels, collectives : sequence of mapping, optional
        Rows of the shared formats; the shipped tables by default.
    cross_validate : bool
        Whether to leave out folds, chips and architectures for spreads and bands; half a minute instead of seconds.
    """
    kernel_rows = measured("kernels") if kernels is None else kernels
    collective_rows = measured("collectives") if collectives is None else collectives
    classes = {row["id"]: row.get("class", "") for row in (*kernel_rows, *collective_rows)}
    outcomes = [fit_family(f, cross_validate=cross_validate) for f in _families(kernel_rows, collective_rows, calibrated.kernels)]
    constants, seen = assumed_constants(calibrated.serving), {}
    bands: dict[str, tuple[float, float]] = {}
    for outcome in outcomes:
        name = outcome.family.name
        constants |= outcome.constants
        labels = outcome.family.labels
        chips = zip(labels["arch"].tolist(), labels["family"].tolist(), strict=True)
        seen[name] = tuple(sorted({f"{arch}/{family}" for arch, family in chips}))
        if cross_validate:
            bands |= _bands(outcome, classes)
    rows = sum(len(o.family.ids) for o in outcomes)
    data = f"{rows} rows of measured/kernels.csv, collectives.csv, reduces.csv and hpc.csv marked fit"
    return Refit(Calibration(constants, seen, bands, data), tuple(outcomes), outcome_scores(outcomes))


def _bands(outcome: KernelFit, classes: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Bands by family and row class for seen chips, by family for chips and architectures left out."""
    name = outcome.family.name
    fine = [f"{name}/{classes.get(i, '')}" for i in outcome.family.ids]
    found = bands_by_class(outcome.out_of_fold, fine, pooled=name)
    wider = found[name]
    for situation, errors in (("unseen chip", outcome.unseen), ("unseen architecture", outcome.foreign)):
        usable = errors[np.isfinite(errors)]
        # what is less known is never told with a narrower band
        own = band(usable) if len(usable) >= FEWEST_ROWS else wider
        wider = (min(own[0], wider[0]), max(own[1], wider[1]))
        found[f"{name}/{situation}"] = wider
    return found


def _score(family: str, kind: str, errors: Any) -> FamilyScore:
    usable = errors[np.isfinite(errors)]
    relative = np.abs(np.exp(usable) - 1.0) if len(usable) else np.array([np.nan])
    share = float(np.mean(relative < 0.15))
    return FamilyScore(family, kind, len(usable), float(np.median(relative)), float(np.mean(relative)), share)


def outcome_scores(outcomes: Sequence[KernelFit]) -> tuple[FamilyScore, ...]:
    """In-sample, grouped cross-validation, chip left out and architecture left out, for each family."""
    found = []
    for o in outcomes:
        kinds = (("in-sample", o.in_sample), ("grouped CV", o.out_of_fold), ("unseen chip", o.unseen))
        found += [_score(o.family.name, kind, errors) for kind, errors in (*kinds, ("unseen architecture", o.foreign))]
    return tuple(found)
