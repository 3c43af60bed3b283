"""Service of one chip relative to an H100: how performance enters the market.

Three measures are kept apart because rankings change with them: dense training compute, memory bandwidth, and rent.
What buyers value is a mix of work: training, prefill and decoding, each once, at the rates of the performance model relative to an
H100 (:mod:`chipwall.market.model.rates`); a chip that it has no answer for follows its data sheet. Where a rent is
quoted, the worth
is moved half way to it. Another estimator
replaces both through the ``estimator`` argument without any other change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.records import Chip
from chipwall.market.model.products import Product

__all__ = ["MIXES", "REFERENCE", "SERVICE_BASES", "Mix", "Service", "hedonic_rent", "services"]

Array = NDArray[np.float64]
REFERENCE = "nvidia-h100-sxm"
SERVICE_BASES = ("training", "bandwidth", "rent")
# Log-linear fit to the mid-2026 rent quotes of H20 (141 GB), A100 and 910C against H100, see docs/market.md.
RENT_COMPUTE_EXPONENT, RENT_BANDWIDTH_EXPONENT = 0.40, 0.86


@dataclass(frozen=True, slots=True)
class Mix:
    """A buyer's work: shares of training, prefill and decoding that add up to one [1]."""

    training: float
    prefill: float
    decode: float

    @property
    def compute_bound(self) -> float:
        """Share limited by arithmetic [1]."""
        return self.training + self.prefill


# Weight of the rents beside the performance model in the worth of a chip, and what software left of the hardware of Chinese
# platforms when rents were quoted and engines measured (middle of the priors for maturity and floor in mid-2026: estimated).
RENT_TRUST = 0.5
SOFTWARE_IN_RENTS = {"cann": 0.65, "other": 0.55}
# Estimated: no source splits Chinese use by segment. Training is a minority of hours in 2025-26 everywhere but in labs.
MIXES: Mapping[str, Mix] = {
    "hyperscalers": Mix(0.30, 0.20, 0.50),
    "labs": Mix(0.55, 0.15, 0.30),
    "state": Mix(0.30, 0.20, 0.50),
    "startups": Mix(0.25, 0.25, 0.50),
}

# Service of a chip for a mix relative to the reference [1], for all segments: chip, mix -> number.
Estimator = Callable[[Chip, Mix], float]


@dataclass(frozen=True)
class Service:
    """Service and power of every product, products along the last axis.

    Attributes
    ----------
    by_segment : array [segments, products]
        Hardware service for the mix of each segment, H100 = 1 [1]; platform software comes on top in the model.
    by_basis : array [bases, products]
        H100-equivalents on training compute, bandwidth and rent [1].
    power : array [products]
        Board power [W].
    tpp : array [products]
        Total processing performance where rates give one [TPP].
    """

    by_segment: Array
    by_basis: Array
    power: Array
    tpp: Array


def training_rate(chip: Chip) -> float:
    """Dense 16-bit rate, or half the 8-bit rate where no 16-bit rate is known [flop/s]."""
    for name, scale in (("bf16", 1.0), ("fp16", 1.0), ("fp8", 0.5)):
        rate = chip.rate(name)
        if rate:
            return rate * scale
    return chip.require("bf16_rate")


def hedonic_rent(compute: float, bandwidth: float) -> float:
    """Rent relative to an H100 from relative compute and bandwidth [1].

    Limits
    ------
    Three quotes and two exponents; within 8 % of the three, and a factor of three above the weak quote of the 910B.

    Examples
    --------
    >>> round(hedonic_rent(0.715, 0.955), 2)
    0.84
    """
    return float(compute**RENT_COMPUTE_EXPONENT * bandwidth**RENT_BANDWIDTH_EXPONENT)


def services(
    products: tuple[Product, ...],
    chips: Mapping[str, Chip],
    *,
    rates: Mapping[str, Mapping[str, float]],
    estimator: Estimator | None = None,
) -> Service:
    """Service of every product.

    Parameters
    ----------
    products : tuple of Product
        Columns of the result.
    chips : mapping of str to Chip
        Catalogue records by id; the reference must be among them.
    rates : mapping of chip to kind of work to float
        What the performance model says, relative to the reference [1]; kinds are those of :mod:`.rates`.
    estimator : callable, optional
        Service of a chip for a mix. By default the rates of the performance model; for a chip without them
        compute-bound work follows the 16-bit rate and memory-bound work follows bandwidth.

    Limits
    ------
    A linear mix assumes that buyers use each chip for what it does best. The performance model rests on published runs
    of engineers who know their machine; what other users of a young platform lose is its software efficiency, on top.
    Not validated against fleets.
    """
    reference = chips[REFERENCE]
    compute = np.array([training_rate(chips[p.chip]) / training_rate(reference) for p in products])
    bandwidth = np.array([_bandwidth(chips[p.chip]) / _bandwidth(reference) for p in products])
    rent = [
        p.rent_weight if p.rent_weight is not None else hedonic_rent(c, b)
        for p, c, b in zip(products, compute, bandwidth, strict=True)
    ]

    def service(i: int, mix: Mix) -> float:
        if estimator is not None:
            return estimator(chips[products[i].chip], mix)
        told = rates.get(products[i].chip)
        if told is not None:
            # serving of Chinese parts is measured with their own engines: their software is taken off, the simulation puts it on
            soft = SOFTWARE_IN_RENTS.get(products[i].platform, 1.0)
            return (
                mix.training * told["training"]
                + (mix.prefill * told["prefill"] + mix.decode * told["decode"]) / soft
            )
        return float(mix.compute_bound * compute[i] + mix.decode * bandwidth[i])

    by_segment = np.array([[service(i, mix) for i in range(len(products))] for mix in MIXES.values()])
    if estimator is None:
        by_segment *= _towards_rents(products, by_segment)
    power = [chips[p.chip].value("tdp") or 600.0 for p in products]
    return Service(by_segment, np.array([compute, bandwidth, rent]), np.array(power), _tpp(products, chips))


def _towards_rents(products: tuple[Product, ...], by_segment: Array) -> Array:
    """What moves the worth of each quoted chip half way, in logs, from the performance model to its rent [products].

    Rent is what users pay for hardware and software together: the software of a Chinese platform is taken off first, because the
    simulation puts it on again.
    """
    moved = np.ones(len(products))
    for i, product in enumerate(products):
        if product.rent_weight is not None:
            hardware = product.rent_weight / SOFTWARE_IN_RENTS.get(product.platform, 1.0)
            moved[i] = (hardware / by_segment[:, i].mean()) ** RENT_TRUST
    return moved


def _bandwidth(chip: Chip) -> float:
    return chip.require("memory_bandwidth")


def _tpp(products: tuple[Product, ...], chips: Mapping[str, Chip]) -> Array:
    """Total processing performance by the largest of rate x bits [TPP]."""
    from chipwall.catalog.records import FORMAT_BITS
    from chipwall.units import TERA

    return np.array([max(rate / TERA * FORMAT_BITS[f] for f, rate in chips[p.chip].rates().items()) for p in products])
