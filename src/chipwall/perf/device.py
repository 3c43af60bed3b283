"""What the formulas need to know of one chip: :class:`Hardware`.

Numbers of the data sheet and the fitted constants that hold for that chip, side by side. Every field is a float or an
array; :func:`stacked` turns a list of chips into one record of arrays, so a sweep over chips is the same arithmetic as
one chip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache

import numpy as np

from chipwall.catalog.records import FORMAT_BITS, Chip
from chipwall.errors import InputError, Unknown
from chipwall.perf.budget import usable_memory
from chipwall.perf.constants import Calibration
from chipwall.perf.formats import recipe
from chipwall.perf.load import node_defaults, silicon_of
from chipwall.perf.numeric import Numeric
from chipwall.text import text
from chipwall.units import GIGA, TERA

__all__ = ["Hardware", "hardware", "require_memory", "require_recipe", "spec_sheet", "stacked"]

# A data-sheet figure that is missing is replaced, visibly (see ``assumed``), by a typical one.
TYPICAL_WATTS_PER_TERAFLOP = 0.7
TYPICAL_CACHE = 40e6


@dataclass(frozen=True, slots=True)
class Hardware:
    """One chip as the formulas see it, or many chips as arrays.

    Attributes
    ----------
    id, name, vendor, arch, family : str
        Names; ``arch`` is the kind of silicon (``hopper``, ``cdna3``, ``ascend``), ``family`` the catalogue's. Empty after
        stacking.
    peaks : mapping of str to float or array
        Dense peak rate by format [flop/s]; NaN where the chip lacks the format.
    memory_bandwidth : float or array
        Bandwidth of the device memory [byte/s].
    memory : float or array
        Memory that programs can use before any reserve [byte].
    link_bandwidth : float or array
        Scale-up link, per direction and chip [byte/s]; 0 when there is none.
    scaleup_domain : float or array
        Chips reached by the scale-up link [1].
    host_bandwidth : float or array
        PCIe to the host, per direction [byte/s].
    nic_bandwidth : float or array
        Scale-out network, per direction and chip [byte/s].
    tdp : float or array
        Rated power [W].
    cores : float or array
        Streaming multiprocessors, compute units or like [1].
    cache : float or array
        Last cache before memory [byte].
    in_switch : float or array
        1 where the scale-up switch can reduce (NVLink SHARP), else 0 [1].
    mesh : float or array
        1 where links run straight to each other chip, so that a group of few uses few of them, else 0 [1].
    own_reduce : float or array
        1 where serving engines bring all-reduce kernels of their own, else 0 [1].
    constants : mapping of str to float or array
        Fitted constants by name, ``gemm.bf16.efficiency`` for example; see :mod:`chipwall.perf.constants`.
    assumed : tuple of str
        Data-sheet figures that are not published and were filled in with a typical value.
    sources : tuple of str
        Ids of the sources behind the numbers.
    """

    id: str
    name: str
    vendor: str
    arch: str
    family: str
    peaks: Mapping[str, Numeric]
    memory_bandwidth: Numeric
    memory: Numeric
    link_bandwidth: Numeric
    scaleup_domain: Numeric
    host_bandwidth: Numeric
    nic_bandwidth: Numeric
    tdp: Numeric
    cores: Numeric
    cache: Numeric
    in_switch: Numeric
    mesh: Numeric
    own_reduce: Numeric
    constants: Mapping[str, Numeric] = field(hash=False)
    assumed: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def peak(self, number_format: str) -> Numeric:
        """Dense peak rate of a format [flop/s]; NaN where the chip lacks it."""
        return self.peaks[number_format]

    def supports(self, number_format: str) -> bool:
        """Whether every chip in this record computes in the format (not only stores it)."""
        return bool(np.all(np.isfinite(np.asarray(self.peaks[number_format]))))

    def constant(self, name: str) -> Numeric:
        """A fitted constant by name."""
        return self.constants[name]


def _memory(chip: Chip) -> float:
    """Memory that programs can use before any reserve [byte]; NaN when unknown."""
    try:
        return usable_memory(chip)[0]
    except Unknown:
        return float("nan")


# PCI Express x16, per direction, by generation [byte/s]; PCI-SIG base specifications, 128b/130b coding counted.
PCIE_X16 = {3.0: 15.75 * GIGA, 4.0: 31.5 * GIGA, 5.0: 63.0 * GIGA, 6.0: 121.0 * GIGA}


def hardware(chip: Chip, kernels: Calibration, *, engine: str = "") -> Hardware:
    """The record of one chip.

    Parameters
    ----------
    chip : Chip
        From :func:`chipwall.catalog.chip`, or an invented one.
    kernels : Calibration
        Fitted constants of kernels and links.
    engine : str
        Engine or library family whose kernels run (``trtllm``, ``vllm``, ``megatron``); empty for a typical one.

    Returns
    -------
    Hardware
        Floats throughout.

    Raises
    ------
    InputError
        No peak rate or no memory bandwidth is known: nothing can be said.
    """
    return _equipped(chip, kernels, engine)


@lru_cache(maxsize=4096)
def _equipped(chip: Chip, kernels: Calibration, engine: str) -> Hardware:
    sheet = spec_sheet(chip)
    return replace(sheet, constants=kernels.resolved(sheet, engine=engine))


def spec_sheet(chip: Chip) -> Hardware:
    """The record without fitted constants: the data sheet alone; raises as :func:`hardware` does."""
    peaks = _peaks(chip)
    bandwidth = chip.value("memory_bandwidth")
    if not peaks or bandwidth is None:
        missing = text("peak rate") if not peaks else text("memory bandwidth")
        raise InputError(
            text("no estimate for {chip}: its {missing} is not published", chip=chip.name, missing=missing),
            fix=text("Give the figures yourself, or choose another chip: chipwall chips"),
        )
    arch = silicon_of(chip)
    node, link = node_defaults(arch), chip.value("link_bandwidth") or 0.0
    fastest = max(peaks.get(name, 0.0) for name in ("bf16", "fp16", "int8", "fp32", "fp64"))
    typical = {
        "pcie_generation": 4.0,
        "tdp": TYPICAL_WATTS_PER_TERAFLOP * fastest / TERA,
        "core_count": node["cores"],
        "l2_cache": TYPICAL_CACHE,
    }
    known = {name: found for name in typical if (found := chip.value(name)) is not None}
    sheet = {**typical, **known}
    return Hardware(
        id=chip.id,
        name=chip.name,
        vendor=chip.vendor.lower(),
        arch=arch,
        family=chip.family.lower(),
        peaks={name: peaks.get(name, float("nan")) for name in FORMAT_BITS},
        memory_bandwidth=bandwidth,
        memory=_memory(chip),
        link_bandwidth=link,
        scaleup_domain=chip.value("scaleup_domain") or (8.0 if link else 1.0),
        host_bandwidth=PCIE_X16.get(sheet["pcie_generation"], PCIE_X16[4.0]),
        nic_bandwidth=node["nic_bandwidth"],
        tdp=sheet["tdp"],
        cores=sheet["core_count"],
        cache=sheet["l2_cache"],
        in_switch=node.get("in_switch", 0.0) if link else 0.0,
        mesh=node.get("mesh", 0.0),
        own_reduce=node.get("own_reduce", 0.0) if link else 0.0,
        constants={},
        assumed=tuple(sorted({*(typical.keys() - known.keys()), *_stood_in(chip)})),
        sources=tuple(sorted({fact.source for fact in chip.chosen.values()})),
    )


def _peaks(chip: Chip) -> dict[str, float]:
    """Dense peaks by format; 16-bit formats stand in for each other, FP64 tensor falls back on the vector rate."""
    peaks = chip.rates()
    for wanted, instead in (("bf16", "fp16"), ("fp16", "bf16"), ("fp64_tensor", "fp64")):
        if wanted not in peaks and instead in peaks:
            peaks[wanted] = peaks[instead]
    if peaks and "bf16" not in peaks and (half := _sixteen_bit_of(peaks)):
        peaks["bf16"] = peaks["fp16"] = half
    return peaks


def _stood_in(chip: Chip) -> tuple[str, ...]:
    """The rate that was inferred from narrower ones, if it was."""
    own = chip.rates()
    return () if "bf16" in own or "fp16" in own else ("bf16_rate",)


def _sixteen_bit_of(peaks: dict[str, float]) -> float:
    """The 16-bit peak of a part that states narrow formats alone: each halving of the width has doubled the rate."""
    return max(
        peaks.get("fp8", 0.0) / 2, peaks.get("fp6", 0.0) / 4, peaks.get("fp4", 0.0) / 4, peaks.get("int8", 0.0) / 2
    )


def stacked(chips: Sequence[Hardware], *, index: object = None) -> Hardware:
    """Many chips as one record of arrays.

    Parameters
    ----------
    chips : sequence of Hardware
        One record per chip.
    index : array of int, optional
        Which chip stands at each position; without it, one position per chip.

    Returns
    -------
    Hardware
        Every number an array of the shape of ``index``.
    """
    where = np.arange(len(chips)) if index is None else np.asarray(index)

    def gathered(values: list[Numeric]) -> Numeric:
        return np.asarray(values, dtype=float)[where]

    changed: dict[str, object] = {"id": "", "name": "", "vendor": "", "arch": "", "family": ""}
    for item in fields(Hardware):
        first = getattr(chips[0], item.name)
        if isinstance(first, Mapping):
            changed[item.name] = {key: gathered([getattr(c, item.name)[key] for c in chips]) for key in first}
        elif not isinstance(first, str | tuple):
            changed[item.name] = gathered([getattr(c, item.name) for c in chips])
    assumed = tuple(sorted({name for chip in chips for name in chip.assumed}))
    sources = tuple(sorted({name for chip in chips for name in chip.sources}))
    return replace(chips[0], **changed, assumed=assumed, sources=sources)  # type: ignore[arg-type]


def require_recipe(hw: Hardware, name: str, *, where: str = "") -> None:
    """Refuse a recipe whose maths the chip lacks, saying what it has."""
    wanted = recipe(name, where=where)
    if not hw.supports(wanted.maths):
        have = [f for f in FORMAT_BITS if hw.supports(f)]
        raise Unknown(
            text("{chip} has no {format} arithmetic", chip=hw.name, format=wanted.maths.upper()),
            where=where,
            fix=text("It computes in: {formats}", formats=", ".join(have)),
        )


def require_memory(hw: Hardware) -> None:
    """Refuse a chip whose memory is not known: nothing can be said to fit."""
    if np.isnan(float(hw.memory)):
        raise Unknown(
            text("memory of {chip} is not known", chip=hw.name),
            fix=text("See what is known: chipwall chip {chip}", chip=hw.id),
        )
