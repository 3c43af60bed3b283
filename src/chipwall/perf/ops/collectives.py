"""Time of one collective over a group of chips.

``size`` follows nccl-tests: the whole buffer of the operation on one chip, that is the tensor that is reduced, the
gathered result, the tensor before scattering, everything a chip sends (its own part included) in an all-to-all. Inside
a scale-up domain data moves over the links, between domains over the network cards; a ring over several nodes uses the
cards of all the chips of a node.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipwall.catalog.numbers import chosen, greater, lesser, unwrapped
from chipwall.perf.device import Hardware
from chipwall.perf.numeric import Numeric

__all__ = [
    "COLLECTIVES",
    "all_gather_time",
    "all_reduce_time",
    "all_to_all_time",
    "bus_bandwidth",
    "collective_time",
    "engine_all_reduce_time",
    "engine_reduce_seconds",
    "expert_exchange_time",
    "point_to_point_time",
    "reduce_scatter_time",
]

COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all")


def traffic_share(op: str, n: Any) -> Any:
    """Bytes over the link of one chip per byte of ``size`` [1]: 2(n-1)/n for an all-reduce, (n-1)/n for the others."""
    return (2.0 if op == "all_reduce" else 1.0) * (n - 1.0) / n


def collective_seconds(
    size: Any,
    share: Any,
    n: Any,
    bandwidth: Any,
    efficiency: Any,
    latency: Any,
    hop: Any,
    half_size: Any,
    pair_loss: Any,
) -> Any:
    """Time of a ring or all-to-all of ``n`` chips from plain numbers [s].

    ``latency`` and ``hop`` [s] are paid once and per neighbour, ``half_size`` [byte] is the buffer at which as much
    time goes to filling the pipeline as to moving data, ``pair_loss`` [1] what a group of two loses against a large one.
    """
    peers = greater(n - 1.0, 1.0)
    slowed = share * (1.0 + pair_loss / peers) / (bandwidth * efficiency)
    return latency + hop * peers + slowed * (size + (size * half_size) ** 0.5)


def linked_share(mesh: Any, domain: Any, inside: Any) -> Any:
    """Share of a chip's link bandwidth that a group of ``inside`` chips can use [1].

    All of it through a switch or a ring. With straight links to each other chip of the domain (mesh), only the links
    between members of the group.
    """
    share = lesser((inside - 1.0) / greater(domain - 1.0, 1.0), 1.0)
    return chosen(mesh > 0, greater(share, 0.05), 1.0)


def switch_gain(switch: Any, n: Any, efficiency: Any) -> Any:
    """Speed of an all-reduce that may reduce in the switch, over a ring [1].

    A chip then sends and receives (n+1)/n of the buffer instead of 2(n-1)/n, at ``efficiency`` of the ring's rate; the
    library takes whichever is faster, so up to four or five chips gain nothing.
    """
    return 1.0 + switch * greater(efficiency * 2.0 * (n - 1.0) / (n + 1.0) - 1.0, 0.0)


def exchange_seconds(
    size: Any, nodes: Any, burst: Any, link: Any, network: Any, latency: Any, link_share: Any, network_share: Any
) -> Any:
    """Time in which a chip sends ``size`` bytes of tokens to experts on ``nodes`` servers, from plain numbers [s].

    In bulk (``burst`` 0) the slower of network and links binds, as both work at once; a small batch (``burst`` 1) pays
    a latency and sends each token straight to its expert, over the network for the share that leaves the server.
    """
    away = 1.0 - 1.0 / nodes
    by_link, by_network = size / (link * link_share), size / (network * network_share)
    bulk = chosen(nodes > 1, by_network, by_link)
    return chosen(burst > 0, latency + away * by_network + (1.0 - away) * by_link, bulk)


def engine_reduce_seconds(
    size: Any, n: Any, link: Any, latency: Any, hop: Any, share: Any, second: Any, second_share: Any
) -> Any:
    """Time of an all-reduce by the kernels that serving engines bring themselves, from plain numbers [s].

    The one-shot kernel reads the whole buffer of each peer at once, (n-1) x size over the link; the two-shot kernel reduces
    a slice per chip and gathers the slices, 2 (n-1)/n x size, for one more synchronisation (``second`` [s]). ``latency``
    [s] is the launch and the first flag, ``hop`` [s] what each peer's flag adds, ``share`` and ``second_share`` [1] what
    the kernels reach of the link. The engine takes the faster.

    Source: the kernels of vLLM (``custom_all_reduce.cuh``), SGLang and TensorRT-LLM (``customAllReduceKernels``).
    """
    waiting = latency + hop * (n - 1.0)
    once = (n - 1.0) * size / (link * share)
    twice = second + 2.0 * (n - 1.0) / n * size / (link * second_share)
    return waiting + lesser(once, twice)


def _local_time(hw: Hardware, op: str, inside: Any, size: Any, in_switch: Any) -> Any:
    c = hw.constants
    linked: Any = hw.link_bandwidth > 0
    used = linked_share(hw.mesh, hw.scaleup_domain, inside)
    bus = hw.host_bandwidth * (2.0 / greater(inside, 2.0))
    link = chosen(linked, hw.link_bandwidth * used, bus)
    efficiency = chosen(linked, c[f"collective.{op}.efficiency"], c["pcie.efficiency"])
    if op == "all_reduce":
        switch = hw.in_switch if in_switch is None else in_switch
        efficiency = efficiency * switch_gain(switch, inside, c["switch.efficiency"])
    return collective_seconds(
        size, traffic_share(op, greater(inside, 1.0)), inside, link, efficiency, c[f"collective.{op}.latency"],
        c[f"collective.{op}.hop"], c[f"collective.{op}.half_size"], c[f"collective.{op}.pair_loss"],
    )  # fmt: skip


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

    Limits
    ------
    Links are fitted on 2 to 8 chips and 512 byte to 8 GiB. Cards without links share the host's bus, which differs
    from board to board: there the answer is a coarse one. Networks have few rows behind them and assume no congestion.
    """
    c = hw.constants
    count = n * 1.0
    # a domain of one card without links is still one host of eight slots
    reach = chosen(hw.link_bandwidth > 0, hw.scaleup_domain, 8.0)
    inside: Any = lesser(count, reach if node is None else node)
    nodes = greater(count / greater(inside, 1.0), 1.0)
    local = _local_time(hw, op, inside, size, in_switch)
    network = hw.nic_bandwidth if nic_bandwidth is None else nic_bandwidth
    # after the local phase the buffer is spread over the chips of a node and every card carries its part; in an
    # all-to-all each chip sends what is meant for other nodes itself
    spread = 1.0 if op == "all_to_all" else inside
    total = chosen(inside > 1, local, 0.0)
    if np.any(nodes > 1):
        remote = collective_seconds(
            size / spread, traffic_share(op, nodes), nodes, network, c["network.efficiency"],
            c["network.latency"], c["network.hop"], c["network.half_size"], 0.0,
        )  # fmt: skip
        total = total + chosen(nodes > 1, remote, 0.0)
    return unwrapped(chosen(count > 1, total, 0.0))


def all_reduce_time(hw: Hardware, *, n: Numeric, size: Numeric, in_switch: Numeric | None = None,
                    node: Numeric | None = None, nic_bandwidth: Numeric | None = None) -> Numeric:  # fmt: skip
    """Time of an all-reduce of ``size`` bytes over ``n`` chips [s]; arguments as :func:`collective_time`."""
    return collective_time(
        hw, "all_reduce", n=n, size=size, in_switch=in_switch, node=node, nic_bandwidth=nic_bandwidth
    )


def engine_all_reduce_time(
    hw: Hardware, *, n: Numeric, size: Numeric, node: Numeric | None = None, nic_bandwidth: Numeric | None = None
) -> Numeric:
    """Time of an all-reduce inside a serving engine: its own kernel or the library's, whichever is faster.

    Parameters
    ----------
    n, size, node, nic_bandwidth
        As :func:`collective_time`.

    Returns
    -------
    float or array
        Time [s]; that of :func:`all_reduce_time` between nodes, and on chips whose engines have no kernel of their own.

    Limits
    ------
    Fitted on TensorRT-LLM 1.0 to 1.3, vLLM 0.14 to 0.27 and SGLang 0.5 with graphs, on 2 to 16 chips of NVIDIA with
    NVLink (``data/measured/reduces.csv``). AMD's kernels follow the same law; serving rows alone say how far.
    """
    c = hw.constants
    library = all_reduce_time(hw, n=n, size=size, node=node, nic_bandwidth=nic_bandwidth)
    inside = lesser(n, hw.scaleup_domain if node is None else node)
    link = chosen(hw.link_bandwidth > 0, hw.link_bandwidth, hw.host_bandwidth)
    own = engine_reduce_seconds(
        size, greater(n, 1.0), link * linked_share(hw.mesh, hw.scaleup_domain, n),
        c["reduce.latency"], c["reduce.hop"], c["reduce.share"], c["reduce.second"], c["reduce.second_share"],
    )  # fmt: skip
    able = (hw.own_reduce > 0) & (hw.link_bandwidth > 0) & (n <= inside)
    return unwrapped(chosen(able, lesser(own, library), library))


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
        return c["network.latency"] + size / (network * c["network.efficiency"])
    linked: Any = hw.link_bandwidth > 0
    link: Any = chosen(linked, hw.link_bandwidth, hw.host_bandwidth)
    efficiency: Any = chosen(linked, c["collective.all_gather.efficiency"], c["pcie.efficiency"])
    return c["collective.all_gather.latency"] + size / (link * efficiency)


def expert_exchange_time(hw: Hardware, *, n: Numeric, sent: Numeric, node: Numeric | None = None,
                         nic_bandwidth: Numeric | None = None, burst: bool = False) -> Numeric:  # fmt: skip
    """Time to send tokens to their experts, or back, with a library made for it.

    Parameters
    ----------
    n : float or array
        Chips that the experts are spread over [1].
    sent : float or array
        What one chip sends: tokens x experts per token x width x bytes [byte].
    node : float or array, optional
        Chips of one scale-up domain [1]; by default as many as fit.
    nic_bandwidth : float or array, optional
        Network per chip and direction [byte/s], other than the usual one.
    burst : bool
        The low-latency form that small decode batches use.

    Returns
    -------
    float or array
        Time [s].

    Limits
    ------
    Fitted on one library (DeepEP) on H800, 8 to 256 chips with one 400 Gbit/s card each.
    """
    c = hw.constants
    inside = lesser(n, hw.scaleup_domain if node is None else node)
    nodes = greater(n / greater(inside, 1.0), 1.0)
    network = hw.nic_bandwidth if nic_bandwidth is None else nic_bandwidth
    link = chosen(hw.link_bandwidth > 0, hw.link_bandwidth, hw.host_bandwidth)
    return unwrapped(
        exchange_seconds(
            sent, nodes, float(burst), link, network, c["exchange.latency"], c["exchange.link"], c["exchange.network"]
        )
    )


def bus_bandwidth(op: str, *, n: Numeric, size: Numeric, time: Numeric) -> Numeric:
    """Bus bandwidth as nccl-tests prints it [byte/s]: bytes over one chip's link, in the ring picture, per second."""
    return size * traffic_share(op, np.asarray(n, dtype=float)) / time
