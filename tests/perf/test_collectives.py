"""Collectives against nccl-tests arithmetic and published bandwidths."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf.device import hardware
from chipwall.perf.evidence.collectives import collective_row
from chipwall.perf.ops import collectives
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

H100 = hardware(catalog.chip("h100"), SHIPPED.kernels)
LARGE = 2.0**30


def test_bus_bandwidth_follows_nccl_tests() -> None:
    # 2 (n-1)/n of the buffer crosses each link in an all-reduce, (n-1)/n in an all-gather
    assert collectives.bus_bandwidth("all_reduce", n=8, size=8e9, time=0.1) == pytest.approx(140e9)
    assert collectives.bus_bandwidth("all_gather", n=8, size=8e9, time=0.1) == pytest.approx(70e9)


@pytest.mark.parametrize(("chip", "published"), [("a100", 222e9), ("h100", 445e9), ("b200", 704e9)])
def test_all_reduce_on_eight_chips(chip: str, published: float) -> None:
    time = collectives.all_reduce_time(hardware(catalog.chip(chip), SHIPPED.kernels), n=8, size=2.0**29)
    assert collectives.bus_bandwidth("all_reduce", n=8, size=2.0**29, time=time) == pytest.approx(published, rel=0.12)


def test_the_switch_reduces_faster_than_a_ring() -> None:
    ring = collectives.all_reduce_time(H100, n=8, size=LARGE, in_switch=0.0)
    assert ring > 1.1 * collectives.all_reduce_time(H100, n=8, size=LARGE)
    # two chips have nothing to gain
    assert collectives.all_reduce_time(H100, n=2, size=LARGE, in_switch=0.0) == collectives.all_reduce_time(
        H100, n=2, size=LARGE
    )


def test_a_group_of_one_waits_for_nobody() -> None:
    assert collectives.all_reduce_time(H100, n=1, size=LARGE) == 0.0


def test_rings_over_nodes_use_every_card() -> None:
    # 32 chips as 4 nodes of 8: the gigabyte crosses 8 cards of 50 GB/s a node
    time = collectives.all_reduce_time(H100, n=32, size=LARGE)
    local = collectives.all_reduce_time(H100, n=8, size=LARGE)
    assert time - local == pytest.approx(2 * 0.75 * LARGE / (8 * 50e9), rel=0.35)
    slower = collectives.all_reduce_time(H100, n=32, size=LARGE, nic_bandwidth=25e9)
    assert slower > time


def test_straight_links_serve_two_chips_with_one_of_them() -> None:
    mi300x = hardware(catalog.chip("mi300x"), SHIPPED.kernels)
    rate = {}
    for n in (2, 8):
        time = collectives.all_gather_time(mi300x, n=n, size=LARGE)
        rate[n] = collectives.bus_bandwidth("all_gather", n=n, size=LARGE, time=time)
    assert rate[2] < rate[8] / 4


def test_cards_without_links_share_the_host() -> None:
    l40s = hardware(catalog.chip("l40s"), SHIPPED.kernels)
    time = collectives.all_reduce_time(l40s, n=4, size=LARGE)
    assert collectives.bus_bandwidth("all_reduce", n=4, size=LARGE, time=time) < 20e9


def test_small_decode_batches_to_experts() -> None:
    # DeepEP on H800: 128 tokens, 8 experts each, width 7168, FP8: 77 us in a server, 194 us over 32 of them
    h800 = hardware(catalog.chip("h800"), SHIPPED.kernels)
    sent = 128 * 8 * 7168.0
    near = collectives.expert_exchange_time(h800, n=8, sent=sent, node=8, burst=True)
    far = collectives.expert_exchange_time(h800, n=256, sent=sent, node=8, burst=True)
    assert near == pytest.approx(77e-6, rel=0.15)
    assert far == pytest.approx(194e-6, rel=0.15)


def test_rows_name_their_operation_in_many_ways() -> None:
    base = {"id": "X", "chip": "H100", "n": "8", "bytes": "1024", "latency_us": "10"}
    assert collective_row({**base, "op": "alltoall"}).op == "all_to_all"
    assert collective_row({**base, "op": "all_reduce(MPI_intraserver)"}).op == "all_reduce"
    assert collective_row({**base, "op": "moe_dispatch_lowlat", "n_nodes": "1"}).burst


def test_sizes_broadcast() -> None:
    assert np.shape(collectives.all_to_all_time(H100, n=8, size=np.array([1e3, 1e6, 1e9]))) == (3,)
