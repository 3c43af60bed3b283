"""First stage of the fit: hardware constants from the kernel and collective tables.

Every family of kernels is fitted on its own with the formula that the model uses, bounded to physical ranges, with
offsets by vendor, architecture, product family, recipe and library that are shrunk to zero. Whole groups of rows are
left out in turn, which gives the errors that the bands are made of, and whole chips, for the band of a chip that was
never measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwall.perf import ops as kernels
from chipwall.perf.constants import Constant
from chipwall.perf.device import Hardware, spec_sheet
from chipwall.perf.efficiency import watts_per_teraflop
from chipwall.perf.evidence.kernels import KernelRow, measured_time
from chipwall.perf.fitting.regression import Design, FittedConstant, Floats, Formula, designed, fitted, grouped_folds
from chipwall.perf.formats import RECIPES
from chipwall.perf.ops import attention

__all__ = [
    "KernelFamily",
    "KernelFit",
    "attention_family",
    "experts_family",
    "fit_family",
    "gemm_family",
    "movement_family",
]

FOLDS = 8
# A chip or an architecture is left out as a whole only if it has as many rows.
FEWEST_LEFT_OUT = 15


@dataclass(frozen=True, slots=True)
class KernelFamily:
    """Rows of one family of kernels, ready to fit."""

    name: str
    ids: tuple[str, ...]
    terms: tuple[FittedConstant, ...]
    formula: Formula
    labels: Mapping[str, NDArray[Any]]
    power_ratio: Floats
    target: Floats
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KernelFit:
    """What a fit of a family gives.

    Natural logs of predicted over measured time, by row: fitted on all rows, and on all but the row's fold
    (``out_of_fold``), its chip (``unseen``, where another chip of its architecture remains) or its architecture
    (``foreign``). NaN where there are too few rows to leave out.
    """

    family: KernelFamily
    constants: Mapping[str, Constant]
    in_sample: Floats
    out_of_fold: Floats
    unseen: Floats
    foreign: Floats


def fit_family(family: KernelFamily, *, cross_validate: bool = True) -> KernelFit:
    """Fit a family on all its rows, and again without each fold and each chip."""
    design = designed(family.terms, family.labels, family.power_ratio)
    everything = np.arange(len(family.target))
    full = fitted(design, family.formula, family.target, everything)
    in_sample = full.predicted(family.formula, everything) - family.target
    out = np.full_like(in_sample, np.nan)
    levels: list[dict[str, float]] = []
    if cross_validate:
        fold = grouped_folds(family.groups, FOLDS)
        slopes = full.slopes(family.formula, everything)
        for one in range(FOLDS):
            seen = np.flatnonzero(fold != one)
            part = fitted(design, family.formula, family.target, seen, start=full.coefficients, slopes=slopes)
            rows = np.flatnonzero(fold == one)
            out[rows] = part.predicted(family.formula, rows) - family.target[rows]
            levels.append({name: c.level for name, c in part.constants(rows=0, spreads={}).items()})
    spreads = {term.name: float(np.std([each[term.name] for each in levels])) for term in family.terms if levels}
    constants = full.constants(rows=len(everything), spreads=spreads)
    if not cross_validate:
        return KernelFit(family, constants, in_sample, out, out, out)
    arch = family.labels["arch"]
    lone = {a for a in set(arch.tolist()) if len(set(family.labels["chip"][arch == a].tolist())) < 2}
    unseen = _left_out(family, design, "chip")
    unseen[np.isin(arch, sorted(lone))] = np.nan
    return KernelFit(family, constants, in_sample, out, unseen, _left_out(family, design, "arch"))


def _left_out(family: KernelFamily, design: Design, kind: str) -> Floats:
    """Errors of each chip or architecture from a fit without any of its rows."""
    names, errors = family.labels[kind], np.full_like(family.target, np.nan)
    for name in sorted(set(names.tolist())):
        rows = np.flatnonzero(names == name)
        if FEWEST_LEFT_OUT <= len(rows) < len(names):
            part = fitted(design, family.formula, family.target, np.flatnonzero(names != name))
            errors[rows] = part.predicted(family.formula, rows) - family.target[rows]
    return errors


# ------------------------------------------------------------------------------------------------ rows to arrays


class _Columns:
    """Numbers of the rows and their chips, as arrays."""

    def __init__(self, rows: Sequence[KernelRow]) -> None:
        self.rows = rows
        sheets: dict[tuple[str, str], Hardware] = {}
        for row in rows:
            sheets.setdefault((row.chip.id, row.chip.name), spec_sheet(row.chip))
        self.sheets = [sheets[row.chip.id, row.chip.name] for row in rows]
        self.recipes = [RECIPES[row.recipe] for row in rows]
        self.bandwidth = np.array([float(s.memory_bandwidth) for s in self.sheets])
        self.cores = np.array([float(s.cores) for s in self.sheets])
        self.target = np.log([measured_time(row) for row in rows])
        self.groups = tuple(row.group for row in rows)
        self.ids = tuple(row.id for row in rows)
        self.labels = {
            "vendor": np.array([s.vendor for s in self.sheets]),
            "arch": np.array([s.arch for s in self.sheets]),
            "family": np.array([s.family for s in self.sheets]),
            "chip": np.array([s.id for s in self.sheets]),
            "recipe": np.array([row.recipe for row in rows]),
            "library": np.array([row.library for row in rows]),
        }

    def shape(self, name: str) -> Floats:
        return np.array([row.shape.get(name, 0.0) for row in self.rows])

    def of_recipe(self, name: str) -> Floats:
        return np.array([float(getattr(r, name)) for r in self.recipes])

    def peak(self, number_format: str = "") -> Floats:
        formats = [number_format or r.maths for r in self.recipes]
        return np.array([float(s.peak(f)) for s, f in zip(self.sheets, formats, strict=True)])

    def power_ratio(self, number_format: str = "") -> Floats:
        formats = [number_format or r.maths for r in self.recipes]
        pairs = zip(self.sheets, formats, strict=True)
        return np.array([watts_per_teraflop(s.peaks, s.tdp, f) for s, f in pairs])

    def family(
        self, name: str, terms: tuple[FittedConstant, ...], formula: Formula, number_format: str = ""
    ) -> KernelFamily:
        ratio = self.power_ratio(number_format)
        return KernelFamily(name, self.ids, terms, formula, self.labels, ratio, self.target, self.groups)


def _usable(rows: Sequence[KernelRow], kinds: tuple[str, ...], number_format: str = "") -> list[KernelRow]:
    """Rows of these kernels whose chip computes in the format at all."""
    kept = []
    for row in rows:
        peak = spec_sheet(row.chip).peak(number_format or RECIPES[row.recipe].maths) if row.kernel in kinds else 0.0
        if peak > 0:
            kept.append(row)
    return kept


# ------------------------------------------------------------------------------------------------ the families

BROAD = {
    "vendor": 0.5, "arch": 0.5, "recipe": 0.5, "arch,recipe": 0.5, "library": 0.5, "library,recipe": 0.3,
}  # fmt: skip
OWN = {"family": 0.2}
LAW = (0.9, 0.2)


def gemm_family(rows: Sequence[KernelRow]) -> KernelFamily:
    """Matrix products."""
    c = _Columns(_usable(rows, ("gemm",)))
    m, n, k = c.shape("m"), c.shape("n"), c.shape("k")
    fixed = [c.of_recipe(name) for name in ("weight_bytes", "input_bytes", "output_bytes", "quantised")]
    fixed += [c.peak(), c.bandwidth, c.cores]
    names = ("efficiency", "memory", "launch", "depth_half", "wave", "chain", "quantise")

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        found = kernels.gemm_seconds(m[i], n[i], k[i], *(f[i] for f in fixed), *(v[f"gemm.{name}"] for name in names))
        return np.asarray(found)

    # a chip differs from the law more than a library from another: wrappers cost about a fifth, chips twice that
    own_rate = {**BROAD, "library": 0.3, "library,recipe": 0.2, "family": 0.4, "family,recipe": 0.2}
    terms = (
        FittedConstant("gemm.efficiency", "1", 0.0, 1.0, 0.8, own_rate, slope=LAW, by="recipe"),
        FittedConstant("gemm.memory", "1", 0.3, 1.0, 0.84, {**BROAD, **OWN}, by="recipe"),
        FittedConstant("gemm.launch", "s", 1e-6, 5e-5, 5e-6, {**BROAD, **OWN}, logarithmic=True, by="recipe"),
        FittedConstant("gemm.depth_half", "1", 8.0, 2000.0, 90.0, BROAD, logarithmic=True, by="recipe"),
        FittedConstant("gemm.wave", "1", 0.0, 1.0, 0.16, BROAD, by="recipe"),
        FittedConstant("gemm.chain", "s", 1e-11, 5e-9, 3e-10, BROAD, logarithmic=True, by="recipe"),
        FittedConstant("gemm.quantise", "1", 0.1, 10.0, 1.0, BROAD, logarithmic=True, by="recipe",
             note="above 1: fused with what comes before, or not part of the measurement"),
    )  # fmt: skip
    return c.family("gemm", terms, formula)


def experts_family(rows: Sequence[KernelRow]) -> KernelFamily:
    """Routed experts of a layer, and bare grouped products."""
    c = _Columns(_usable(rows, ("moe", "grouped")))
    bare = np.array([row.kernel == "grouped" for row in c.rows])
    m, groups = c.shape("m"), c.shape("groups")
    tokens, parallel = c.shape("tokens"), np.maximum(c.shape("expert_parallel"), 1.0)
    picks = np.where(bare, m * groups, tokens * c.shape("top_k"))
    own = picks / parallel
    hidden, ffn = np.where(bare, c.shape("k"), c.shape("hidden")), np.where(bare, c.shape("n"), c.shape("ffn"))
    skew, local = c.shape("skew"), np.where(bare, groups, c.shape("experts") / parallel)
    touched = kernels.reached_experts(local, own, skew)
    first, second = np.where(bare, 1.0, 2.0), np.where(bare, 0.0, 1.0)
    weight, inputs, peak = c.of_recipe("weight_bytes"), c.of_recipe("input_bytes"), c.peak()

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        products = kernels.experts_seconds(
            own[i], touched[i], hidden[i], ffn[i], first[i], second[i], weight[i], peak[i], c.bandwidth[i],
            v["moe.efficiency"], v["moe.memory"], v["moe.launch"], v["moe.padding"], v["moe.depth_half"],
            1.0 + skew[i] * v["moe.skew"],
        )  # fmt: skip
        around = kernels.rearranged_bytes(
            own[i], picks[i] - own[i], hidden[i], ffn[i], inputs[i], v["moe.moved"], v["moe.foreign"]
        )
        return np.asarray(products + np.where(bare[i], 0.0, around) / c.bandwidth[i])

    broad = {**BROAD, "arch,recipe": 0.4, "library": 0.7, "library,recipe": 0.5, "arch,library": 0.3}
    narrow = {"library": 1.0, "recipe": 0.5}
    terms = (
        FittedConstant("moe.efficiency", "1", 0.0, 1.0, 0.6, {**broad, **OWN}, slope=LAW, by="recipe"),
        FittedConstant("moe.memory", "1", 0.05, 1.0, 0.8, broad, by="recipe"),
        FittedConstant("moe.launch", "s", 2e-6, 3e-4, 4e-5, broad, logarithmic=True, by="recipe"),
        FittedConstant("moe.padding", "1", 1.0, 200.0, 16.0, broad, logarithmic=True, by="recipe"),
        FittedConstant("moe.depth_half", "1", 8.0, 2000.0, 90.0, broad, logarithmic=True, by="recipe"),
        FittedConstant("moe.foreign", "1", 0.01, 4.0, 0.3, narrow, logarithmic=True, by="recipe"),
        FittedConstant("moe.skew", "1", 0.0, 1.0, 0.3, {"library": 0.5}, by="recipe"),
        FittedConstant("moe.moved", "1", 0.01, 5.0, 0.5, narrow, logarithmic=True, by="recipe"),
    )
    return c.family("moe", terms, formula)


def attention_family(rows: Sequence[KernelRow]) -> KernelFamily:
    """Attention over a prompt, forward and backward."""
    c = _Columns(_usable(rows, ("attention",), "bf16"))
    shape = {name: c.shape(name) for name in ("batch", "queries", "heads", "kv_heads", "head_dim")}
    causal = np.array([row.causal for row in c.rows])
    naive = np.array([row.library == "naive" for row in c.rows])
    passes = np.array([row.passes for row in c.rows])
    peak = c.peak("bf16")

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        s = {name: value[i] for name, value in shape.items()}
        constants = {name: v[f"attention.{name}"] for name in attention.ATTENTION_CONSTANTS}
        times = [
            attention.attention_passes_seconds(
                s["batch"],
                s["queries"],
                s["queries"],
                s["queries"],
                s["heads"],
                s["kv_heads"],
                s["head_dim"],
                s["head_dim"],
                2.0,
                masked,
                unfused,
                peak[i],
                c.bandwidth[i],
                constants,
            )
            for masked, unfused in ((True, False), (False, False), (False, True))
        ]
        which = np.where(naive[i], 2, np.where(causal[i], 0, 1))
        forward = np.choose(which, [t[0] for t in times])
        backward = np.choose(which, [t[1] for t in times])
        part = passes[i]
        total = np.where(part == "forward", forward, np.where(part == "backward", backward, forward + backward))
        return np.asarray(v["attention.launch"] + total)

    broad = {"vendor": 0.5, "arch": 0.5, "recipe": 0.5, "arch,recipe": 0.5, "library": 1.0, "arch,library": 0.3}
    half: dict[str, Any] = {"logarithmic": True, "by": "recipe"}
    terms = (
        FittedConstant("attention.efficiency", "1", 0.0, 1.0, 0.6, {**broad, **OWN}, slope=(0.7, 0.2), by="recipe", peak="bf16"),
        FittedConstant("attention.launch", "s", 1e-6, 1e-4, 8e-6, broad, logarithmic=True, by="recipe"),
        FittedConstant("attention.length_half", "1", 10.0, 4000.0, 300.0, broad, **half),
        FittedConstant("attention.causal_half", "1", 10.0, 4000.0, 400.0, broad, **half),
        FittedConstant("attention.softmax", "1", 0.1, 128.0, 10.0, {"library": 0.5, "arch": 0.5}, **half),
        FittedConstant("attention.cache_write", "1", 0.01, 20.0, 1.0, {"library": 1.0, "recipe": 0.5}, **half),
        FittedConstant("attention.backward", "1", 0.7, 2.5, 1.1, broad, by="recipe"),
        FittedConstant("attention.scores", "byte", 0.5, 60.0, 8.0, {"arch": 0.5}, **half,
             note="bytes that cross memory for each score of the textbook form"),
    )  # fmt: skip
    return c.family("attention", terms, formula, "bf16")


def movement_family(rows: Sequence[KernelRow]) -> KernelFamily:
    """Kernels that only move data."""
    c = _Columns(_usable(rows, ("elementwise", "copy"), "bf16"))
    moved, host = c.shape("moved"), c.shape("host")

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        device = kernels.elementwise_seconds(
            moved[i], 1.0, c.bandwidth[i], v["elementwise.memory"], v["elementwise.launch"]
        )
        return np.asarray(kernels.smooth_maximum(device, host[i]))

    broad = {"arch": 0.5, "library": 0.5, "family": 0.3}
    terms = (
        FittedConstant("elementwise.memory", "1", 0.3, 1.0, 0.85, broad),
        FittedConstant("elementwise.launch", "s", 5e-7, 5e-5, 3e-6, {"arch": 0.3, "library": 0.5}, logarithmic=True),
    )
    return c.family("elementwise", terms, formula, "bf16")


FAMILIES: tuple[Callable[[Sequence[KernelRow]], KernelFamily], ...] = (
    gemm_family, experts_family, attention_family, movement_family,
)  # fmt: skip
