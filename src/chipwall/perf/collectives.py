"""Time of one collective over a group of chips.

``size`` follows nccl-tests: the whole buffer of the operation on one chip, that is the tensor that is reduced, the
gathered result, the tensor before scattering, everything a chip sends (its own part included) in an all-to-all. Inside
a scale-up domain data moves over the links, between domains over the network cards; a ring over several nodes uses the
cards of all the chips of a node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.perf.hardware import Hardware
from chipwall.perf.numbers import Numeric

__all__ = [
    "COLLECTIVES",
    "all_gather_time",
    "all_reduce_time",
    "all_to_all_time",
    "bus_bandwidth",
    "collective_time",
    "point_to_point_time",
    "reduce_scatter_time",
]

COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all")


def traffic_share(op: str, n: Any) -> Any:
    """Bytes over the link of one chip per byte of ``size`` [1]: 2(n-1)/n for an all-reduce, (n-1)/n for the others."""
    return (2.0 if op == "all_reduce" else 1.0) * (n - 1.0) / n


def collective_seconds(
    size: Any, share: Any, hops: Any, bandwidth: Any, efficiency: Any, latency: Any, hop: Any, half_size: Any
) -> Any:
    """Latency, hops, and bytes at a bandwidth that small messages do not reach [s]."""
    return latency + hop * hops + size * share / (bandwidth * efficiency) * (1.0 + np.sqrt(half_size / np.maximum(size, 1.0)))


def collective_time(
    hw: Hardware, op: str, *, n: Numeric, size: Numeric, in_switch: Numeric | None = None,
    node: Numeric | None = None, nic_bandwidth: Numeric | None = None,
) -> Numeric:  # fmt: skip
    """Time of a collective of :data:`COLLECTIVES`.

    Parameters
    ----------
    op : str
        Which one.
    n : float or array
        Chips in the group [1].
    size : float or array
        Whole buffer, nccl-tests convention [byte].
    in_switch : float or array, optional
        1 to reduce in the scale-up switch, 0 not to; by default where the hardware can.
    node : float or array, optional
        Chips of the group inside one scale-up domain [1]; by default as many as fit.
    nic_bandwidth : float or array, optional
        Network per chip and direction [byte/s], other than the usual one.

    Returns
    -------
    float or array
        Time [s]; 0 for a group of one.
    """
    c = hw.constants
    count = np.asarray(n, dtype=float)
    inside = np.minimum(count, hw.scaleup_domain if node is None else node)
    nodes = np.maximum(count / np.maximum(inside, 1.0), 1.0)
    linked = np.asarray(hw.link_bandwidth) > 0
    link = np.where(linked, hw.link_bandwidth, hw.host_bandwidth)
    efficiency = np.where(linked, c[f"{op}.efficiency"], c["pcie.efficiency"])
    if op == "all_reduce":
        switch = hw.in_switch if in_switch is None else in_switch
        efficiency = efficiency * (1.0 + np.multiply(switch, inside > 2) * (c["all_reduce.switch_gain"] - 1.0))
    local = collective_seconds(
        size, traffic_share(op, np.maximum(inside, 1.0)), inside - 1.0, link, efficiency, c[f"{op}.latency"],
        c[f"{op}.hop"], c[f"{op}.half_size"],
    )  # fmt: skip
    network = hw.nic_bandwidth if nic_bandwidth is None else nic_bandwidth
    # after the local phase a node holds size bytes spread over its chips: each card carries its part
    spread = 1.0 if op == "all_to_all" else inside
    remote = collective_seconds(
        np.asarray(size) / spread, traffic_share(op, nodes), nodes - 1.0, network, c["network.efficiency"],
        c["network.latency"], c["network.hop"], c["network.half_size"],
    )  # fmt: skip
    total = np.where(inside > 1, local, 0.0) + np.where(nodes > 1, remote, 0.0)
    return np.where(count > 1, total, 0.0)[()]


def all_reduce_time(hw: Hardware, *, n: Numeric, size: Numeric, in_switch: Numeric | None = None,
                    node: Numeric | None = None, nic_bandwidth: Numeric | None = None) -> Numeric:  # fmt: skip
    """Time of an all-reduce of ``size`` bytes over ``n`` chips [s]; arguments as :func:`collective_time`."""
    return collective_time(hw, "all_reduce", n=n, size=size, in_switch=in_switch, node=node, nic_bandwidth=nic_bandwidth)


def all_gather_time(hw: Hardware, *, n: Numeric, size: Numeric, node: Numeric | None = None,
                    nic_bandwidth: Numeric | None = None) -> Numeric:  # fmt: skip
    """Time of an all-gather whose result has ``size`` bytes [s]; arguments as :func:`collective_time`."""
    return collective_time(hw, "all_gather", n=n, size=size, node=node, nic_bandwidth=nic_bandwidth)


def reduce_scatter_time(hw: Hardware, *, n: Numeric, size: Numeric, node: Numeric | None = None,
                        nic_bandwidth: Numeric | None = None) -> Numeric:  # fmt: skip
    """Time of a reduce-scatter of ``size`` bytes before scattering [s]; arguments as :func:`collective_time`."""
    return collective_time(hw, "reduce_scatter", n=n, size=size, node=node, nic_bandwidth=nic_bandwidth)


def all_to_all_time(hw: Hardware, *, n: Numeric, size: Numeric, node: Numeric | None = None,
                    nic_bandwidth: Numeric | None = None) -> Numeric:  # fmt: skip
    """Time of an all-to-all in which each chip holds ``size`` bytes [s]; arguments as :func:`collective_time`."""
    return collective_time(hw, "all_to_all", n=n, size=size, node=node, nic_bandwidth=nic_bandwidth)


def point_to_point_time(hw: Hardware, *, size: Numeric, across_nodes: bool = False,
                        nic_bandwidth: Numeric | None = None) -> Numeric:  # fmt: skip
    """Time to send ``size`` bytes to one other chip [s]: over the link, or over the network if ``across_nodes``."""
    c = hw.constants
    if across_nodes:
        network = hw.nic_bandwidth if nic_bandwidth is None else nic_bandwidth
        return c["network.latency"] + np.asarray(size) / (network * c["network.efficiency"])
    linked = np.asarray(hw.link_bandwidth) > 0
    link = np.where(linked, hw.link_bandwidth, hw.host_bandwidth)
    efficiency = np.where(linked, c["all_gather.efficiency"], c["pcie.efficiency"])
    return (c["all_gather.latency"] + np.asarray(size) / (link * efficiency))[()]


def bus_bandwidth(op: str, *, n: Numeric, size: Numeric, time: Numeric) -> Numeric:
    """Bus bandwidth as nccl-tests prints it [byte/s]: bytes over one chip's link, in the ring picture, per second."""
    return np.asarray(size) * traffic_share(op, np.asarray(n, dtype=float)) / time
