"""Exchange of a training run against the collectives and sizes that it is made of, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf.device import hardware
from chipwall.perf.evidence.training import setup_of_row
from chipwall.perf.load import measured
from chipwall.perf.ops.collectives import all_gather_time, expert_exchange_time, reduce_scatter_time
from chipwall.perf.shipped import shipped
from chipwall.perf.training.exchange import context_exchange, data_exchange, expert_exchange, tensor_exchange
from chipwall.perf.training.workload import local_weights

SHIPPED = shipped()

H100 = hardware(catalog.chip("h100"), SHIPPED.kernels)
SETUP = next(
    setup_of_row(r, SHIPPED.kernels)
    for r in measured("training")
    if r["use"] == "fit" and r["value"] and "mem" not in r["metric"]
)
RUN = replace(
    SETUP.run, tensor=4.0, context=2.0, pipeline=1.0, data=8.0, expert=1.0, expert_tensor=1.0, shard=1.0, fsdp=0.0,
    node=8.0, network=5e10, chips=64.0, recompute=0.0, micro_batches=2.0,
)  # fmt: skip


def _pair(n: float, size: float, node: float) -> float:
    there = {"n": n, "size": size, "node": node, "nic_bandwidth": 5e10}
    return float(all_gather_time(H100, **there) + reduce_scatter_time(H100, **there))


def test_tensor_parallelism_gathers_and_scatters_twice_each_way() -> None:
    shape = SETUP.shape
    got = float(tensor_exchange(H100, shape, RUN, 4096.0, 10.0))
    assert got == pytest.approx(10 * 4 * _pair(4.0, 4096 * float(shape.hidden) * 2, 4.0))
    again = float(tensor_exchange(H100, shape, replace(RUN, recompute=1.0), 4096.0, 10.0))
    assert again == pytest.approx(1.5 * got)
    assert float(tensor_exchange(H100, shape, replace(RUN, tensor=1.0), 4096.0, 10.0)) == 0.0


def test_context_parallelism_gathers_keys_and_values_three_times() -> None:
    shape = SETUP.shape
    keys = min(float(shape.kv_heads) * float(shape.head_dim + shape.value_dim), 2 * float(shape.attended)) / 4
    once = float(all_gather_time(H100, n=2.0, size=4096 * 2 * keys * 2, node=2.0, nic_bandwidth=5e10))
    assert float(context_exchange(H100, shape, RUN, 4096.0, 7.0)) == pytest.approx(7 * 3 * once)


def test_experts_exchange_four_times_what_leaves_the_chip() -> None:
    shape = replace(SETUP.shape, experts=64.0, top_k=8.0, expert_hidden=1024.0)
    run = replace(RUN, expert=8.0)
    once = float(expert_exchange_time(H100, n=8.0, sent=4096 / 4 * 8 * 1024 * 2, node=8.0, nic_bandwidth=5e10))
    assert float(expert_exchange(H100, shape, run, 4096.0, 3.0)) == pytest.approx(3 * 4 * once * 7 / 8)
    assert float(expert_exchange(H100, replace(shape, experts=0.0), run, 4096.0, 3.0)) == 0.0


def test_gradients_are_exchanged_once_and_hide_behind_the_backward_pass() -> None:
    c: dict[str, Any] = {"train.gradient": 1.5, "train.overlap": 0.0}
    dense, experts = (float(x) for x in local_weights(SETUP.shape, RUN))
    # sixteen replicas, four chips apart: two of them share a node
    shown = _pair(16.0, dense * 2 * 1.5, 2.0)
    if experts:
        shown += _pair(64.0, experts * 2 * 1.5, 2.0)
    assert float(data_exchange(H100, SETUP.shape, RUN, 1.0, c)) == pytest.approx(shown, rel=1e-2)
    hidden = float(data_exchange(H100, SETUP.shape, RUN, 1e6, c | {"train.overlap": 1.0}))
    assert hidden == pytest.approx(0.0, abs=1e-6)
    half = float(data_exchange(H100, SETUP.shape, RUN, shown / 2 / 0.6, c | {"train.overlap": 1.0}))
    assert half == pytest.approx(shown / 2, rel=0.05)


def test_sharded_weights_are_gathered_twice_and_scattered_once_for_every_micro_batch() -> None:
    run = replace(RUN, fsdp=1.0, shard=16.0, tensor=1.0, context=1.0, data=16.0)
    weights = float(sum(local_weights(SETUP.shape, run)))
    there = {"n": 16.0, "size": weights * 2, "node": 8.0, "nic_bandwidth": 5e10}
    each = 2 * float(all_gather_time(H100, **there)) + float(reduce_scatter_time(H100, **there))
    got = float(data_exchange(H100, SETUP.shape, run, 0.0, {"train.gradient": 1.0, "train.overlap": 1.0}))
    assert got == pytest.approx(2 * each, rel=1e-2)
    assert np.isfinite(got)
