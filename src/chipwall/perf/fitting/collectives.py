"""First stage of the fit, second half: latency, bandwidth and hops of links and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chipwall import catalog
from chipwall.perf.constants import Calibration
from chipwall.perf.device import hardware, spec_sheet
from chipwall.perf.evidence.collectives import CollectiveRow, measured_seconds
from chipwall.perf.fitting.kernels import KernelFamily
from chipwall.perf.fitting.regression import FittedConstant, Floats
from chipwall.perf.ops.collectives import (
    COLLECTIVES,
    all_reduce_time,
    collective_seconds,
    engine_reduce_seconds,
    exchange_seconds,
    linked_share,
    switch_gain,
    traffic_share,
)

__all__ = ["exchange_family", "link_family", "reduce_family"]

REDUCE_CONSTANTS = ("latency", "hop", "share", "second", "second_share")


def _labels(rows: Sequence[CollectiveRow]) -> dict[str, Any]:
    sheets = [spec_sheet(row.chip) for row in rows]
    found = {name: np.array([getattr(s, name) for s in sheets]) for name in ("vendor", "arch", "family")}
    return found | {"chip": np.array([s.id for s in sheets]), "op": np.array([row.op for row in rows])}


def link_family(rows: Sequence[CollectiveRow]) -> KernelFamily:
    """Collectives inside one scale-up domain."""
    kept = [
        row for row in rows
        if row.op in COLLECTIVES and row.nodes <= 1 and spec_sheet(row.chip).link_bandwidth > 0
    ]  # fmt: skip
    sheets = [spec_sheet(row.chip) for row in kept]
    n, size = np.array([row.n for row in kept]), np.array([row.size for row in kept])
    share = np.array([float(traffic_share(row.op, row.n)) for row in kept])
    switch = np.array([
        float(s.in_switch) * (row.op == "all_reduce") * (row.in_switch is not False)
        for row, s in zip(kept, sheets, strict=True)
    ])  # fmt: skip
    used = np.array([float(linked_share(s.mesh, s.scaleup_domain, row.n)) for row, s in zip(kept, sheets, strict=True)])
    link = np.array([float(s.link_bandwidth) for s in sheets]) * used

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        efficiency = v["collective.efficiency"] * switch_gain(switch[i], n[i], v["switch.efficiency"])
        return np.asarray(
            collective_seconds(
                size[i], share[i], n[i], link[i], efficiency, v["collective.latency"], v["collective.hop"],
                v["collective.half_size"], v["collective.pair_loss"],
            )
        )  # fmt: skip

    broad = {"op": 0.5, "arch": 0.5, "arch,op": 0.3}
    terms = (
        FittedConstant("collective.efficiency", "1", 0.2, 1.0, 0.8, {**broad, "family": 0.1}, by="op"),
        FittedConstant("collective.latency", "s", 1e-6, 1e-4, 6e-6, broad, logarithmic=True, by="op"),
        FittedConstant("collective.hop", "s", 1e-7, 2e-5, 1.5e-6, broad, logarithmic=True, by="op"),
        FittedConstant("collective.half_size", "byte", 1e3, 1e8, 3e6, broad, logarithmic=True, by="op"),
        FittedConstant("collective.pair_loss", "1", 0.0, 1.0, 0.15, broad, by="op"),
        FittedConstant(
            "switch.efficiency",
            "1",
            0.5,
            1.0,
            0.8,
            {"arch": 0.5},
            note="rate of a reduction in the switch over a ring's",
        ),
    )
    target = np.log([measured_seconds(row) for row in kept])
    ids, groups = tuple(row.id for row in kept), tuple(row.group for row in kept)
    return KernelFamily("collective", ids, terms, formula, _labels(kept), np.ones(len(kept)), target, groups)


def reduce_family(rows: Sequence[Mapping[str, str]], kernels: Calibration) -> KernelFamily:
    """All-reduces by the kernels of serving engines; the library's takes over where it is faster."""
    kept = [row for row in rows if row["use"] == "fit"]
    machines = [hardware(catalog.chip(row["chip"]), kernels) for row in kept]
    n, size = (np.array([float(row[name]) for row in kept]) for name in ("n", "bytes"))
    link = np.array([float(hw.link_bandwidth) for hw in machines])
    library = np.array([
        float(all_reduce_time(hw, n=a, size=b, node=a)) for hw, a, b in zip(machines, n, size, strict=True)
    ])  # fmt: skip

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        own = engine_reduce_seconds(size[i], n[i], link[i], *(v[f"reduce.{name}"] for name in REDUCE_CONSTANTS))
        return np.asarray(np.minimum(own, library[i]))

    broad = {"arch": 0.5, "engine": 0.5, "arch,engine": 0.3}
    terms = (
        FittedConstant("reduce.latency", "s", 1e-6, 1e-4, 4e-6, broad, logarithmic=True),
        FittedConstant("reduce.hop", "s", 1e-8, 1e-5, 1.5e-7, broad, logarithmic=True),
        FittedConstant("reduce.share", "1", 0.05, 1.0, 0.6, broad),
        FittedConstant("reduce.second", "s", 1e-7, 1e-4, 3e-6, broad, logarithmic=True),
        FittedConstant("reduce.second_share", "1", 0.05, 1.0, 0.6, broad),
    )
    labels = {name: np.array([getattr(hw, name) for hw in machines]) for name in ("vendor", "arch", "family")}
    labels |= {"chip": np.array([hw.id for hw in machines]), "engine": np.array([row["engine"] for row in kept])}
    target = np.log([float(row["latency_us"]) * 1e-6 for row in kept])
    groups = tuple(f"{row['chip']}|{row['engine']}" for row in kept)
    return KernelFamily(
        "reduce", tuple(row["id"] for row in kept), terms, formula, labels, np.ones(len(kept)), target, groups
    )


def exchange_family(rows: Sequence[CollectiveRow]) -> KernelFamily:
    """Tokens to experts and back, inside a server and across servers."""
    kept = [row for row in rows if row.op == "exchange" and not row.logical]
    sheets = [spec_sheet(row.chip) for row in kept]
    nodes, size = np.array([row.nodes for row in kept]), np.array([row.size for row in kept])
    burst = np.array([float(row.burst) for row in kept])
    link = np.array([float(s.link_bandwidth) for s in sheets])
    network = np.array([float(s.nic_bandwidth) for s in sheets])

    def formula(v: Mapping[str, Floats], i: Any) -> Floats:
        return np.asarray(
            exchange_seconds(
                size[i], nodes[i], burst[i], link[i], network[i], v["exchange.latency"], v["exchange.link"],
                v["exchange.network"],
            )
        )  # fmt: skip

    terms = (
        FittedConstant("exchange.latency", "s", 1e-6, 1e-4, 2.5e-5, {}, logarithmic=True),
        FittedConstant("exchange.link", "1", 0.2, 1.0, 0.77, {"arch": 0.3}),
        FittedConstant("exchange.network", "1", 0.4, 1.0, 0.9, {"arch": 0.3}),
    )
    target = np.log([measured_seconds(row) for row in kept])
    ids, groups = tuple(row.id for row in kept), tuple(row.group for row in kept)
    return KernelFamily("exchange", ids, terms, formula, _labels(kept), np.ones(len(kept)), target, groups)
