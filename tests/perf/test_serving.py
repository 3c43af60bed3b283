"""The step model and the regimes: sums, limits, monotony, agreement of scalars and arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chipwall import catalog
from chipwall.perf.ops import gemm_limit
from chipwall.perf.serving.breakdown import iteration_parts
from chipwall.perf.serving.regimes import (
    Requests,
    batch_under_limits,
    decode_time,
    in_flight_time,
    prefill_time,
    served,
)
from chipwall.perf.serving.search import best_under_limits
from chipwall.perf.serving.serve import Question, requests_of, setups_of
from chipwall.perf.serving.setup import serving_hardware, stacked_setups
from chipwall.perf.serving.step import Setup, step_parts, step_time
from chipwall.perf.shipped import shipped

SHIPPED = shipped()


def setup_of(model: str = "llama-3.1-70b", chip: str = "h100", *, chips: int = 8, **more: object) -> Setup:
    question = Question(chips=chips, tensor=chips, **more)  # type: ignore[arg-type]
    return setups_of(catalog.model(model), serving_hardware(catalog.chip(chip), SHIPPED), question, SHIPPED)[1][0]


LOAD = {"decoding": 32.0, "context": 2048.0, "prompt_tokens": 512.0, "prompt": 1024.0, "sampling": 33.0}


@pytest.mark.parametrize(
    "model", ["llama-3.1-70b", "mixtral-8x7b", "deepseek-r1", "qwen3-next-80b-a3b", "gpt-oss-120b"]
)
def test_parts_are_positive_and_sum_to_the_step(model: str) -> None:
    s = setup_of(model, "b200")
    parts = step_parts(s, **LOAD)
    assert all(float(v) >= 0 for v in parts.values())
    assert float(step_time(s, **LOAD)) == pytest.approx(sum(float(v) for v in parts.values()))


def test_a_step_is_never_faster_than_the_data_sheet() -> None:
    s = setup_of(precision="bf16")
    weights = s.weights / s.hw.memory_bandwidth
    decode = float(decode_time(s, Requests(prompt=128.0, output=1.0), 1.0))
    # the embedding is looked up, not read
    assert decode > 0.9 * weights
    compute, _ = gemm_limit(s.hw, m=8192.0, n=float(s.weights / 2), k=1.0)
    assert float(prefill_time(s, Requests(prompt=8192.0, output=1.0), 1.0)) > 0.9 * float(compute)


def test_prefill_grows_at_least_with_its_tokens() -> None:
    s = setup_of()
    t = [float(prefill_time(s, Requests(prompt=n, output=1.0), 1.0)) for n in (2048.0, 8192.0, 32768.0)]
    assert t[1] / t[0] > 3.0
    assert t[2] / t[1] > 4.0  # attention grows with the square


def test_throughput_rises_with_the_batch() -> None:
    s = setup_of()
    q = Requests(prompt=512.0, output=512.0)
    batch = np.geomspace(1, 512, 40)
    rate = batch / in_flight_time(s, q, batch)
    assert np.all(np.diff(rate) > -1e-9 * rate[:-1])


def test_the_batch_under_a_limit_holds_it() -> None:
    s = setup_of()
    limit = np.array([0.02, 0.03, 0.05, 0.2])
    q = Requests(prompt=np.full(4, 1024.0), output=np.full(4, 256.0), tpot_limit=limit)
    batch = batch_under_limits(s, q, np.full(4, 400.0))
    time = in_flight_time(s, q, batch)
    assert np.all((time <= limit * 1.002) | (batch == 1.0))
    assert np.all(np.diff(batch) >= 0)


def test_arrays_agree_with_scalars() -> None:
    a, b = setup_of(), setup_of("mixtral-8x7b", "h200", chips=2)
    both = stacked_setups([a, b])
    q = Requests(
        prompt=np.array([1024.0, 300.0]),
        output=np.array([128.0, 400.0]),
        regime=np.array([0.0, 5.0]),
        concurrency=np.array([1.0, 16.0]),
    )
    got = served(both, q)
    for i, s in enumerate((a, b)):
        one = served(
            s,
            Requests(
                prompt=float(q.prompt[i]),
                output=float(q.output[i]),
                regime=int(q.regime[i]),
                concurrency=float(q.concurrency[i]),
            ),
        )
        for key in ("output", "tpot", "ttft", "batch"):
            assert float(np.asarray(got[key])[i]) == pytest.approx(float(one[key]), rel=1e-9)


def test_regimes_agree_where_they_must() -> None:
    s = setup_of()
    slow = served(s, Requests(prompt=512.0, output=512.0, regime=7, rate=0.1))
    assert float(slow["output"]) == pytest.approx(51.2, rel=0.01)
    room = float(served(s, Requests(prompt=512.0, output=512.0))["room"])
    flood = served(s, Requests(prompt=512.0, output=512.0, regime=7, rate=1e5))
    full = served(s, Requests(prompt=512.0, output=512.0))
    assert room > 1
    assert float(flood["output"]) == pytest.approx(float(full["output"]), rel=0.05)


def test_first_tokens_wait_longer_the_more_clients_there_are() -> None:
    s = setup_of()
    ttft = [
        float(served(s, Requests(prompt=2048.0, output=256.0, regime=5, concurrency=n))["ttft"])
        for n in (1.0, 4.0, 16.0, 64.0)
    ]
    assert ttft == sorted(ttft)
    assert ttft[-1] > 2 * ttft[0]


def test_stated_factors_work_as_stated() -> None:
    s = setup_of()
    plain = Requests(prompt=4096.0, output=256.0, regime=5, concurrency=8.0)
    reused = served(s, replace(plain, reused=0.5))
    drafted = served(s, replace(plain, accepted=2.0, drafted=3.0))
    base = served(s, plain)
    assert float(reused["ttft"]) < float(base["ttft"])
    assert float(drafted["tpot"]) < float(base["tpot"])
    assert float(drafted["tpot"]) > 0.5 * float(base["tpot"])


def test_disaggregated_serving_is_bound_by_its_slower_side() -> None:
    s = replace(setup_of(chips=2), replicas=4.0)
    few = served(s, Requests(prompt=8192.0, output=128.0, regime=8, concurrency=64.0, prefillers=1.0, decoders=3.0))
    more = served(s, Requests(prompt=8192.0, output=128.0, regime=8, concurrency=64.0, prefillers=3.0, decoders=1.0))
    assert float(more["output"]) > 1.5 * float(few["output"])


def test_expert_parallel_and_context_parallel_exchange_costs_time() -> None:
    model, chip = catalog.model("deepseek-r1"), catalog.chip("h200")
    made = setups_of(model, serving_hardware(chip, SHIPPED), Question(chips=8, spread=True, expert=8), SHIPPED)[1][0]
    assert float(step_parts(made, **LOAD)["exchange"]) > 0
    cut = setups_of(
        catalog.model("llama-3.1-70b"), serving_hardware(chip, SHIPPED), Question(chips=8, tensor=4, context=2), SHIPPED
    )[1][0]
    whole = setups_of(
        catalog.model("llama-3.1-70b"), serving_hardware(chip, SHIPPED), Question(chips=4, tensor=4), SHIPPED
    )[1][0]
    q = Requests(prompt=65536.0, output=1.0)
    assert (
        0.5 * float(prefill_time(whole, q, 1.0)) < float(prefill_time(cut, q, 1.0)) < float(prefill_time(whole, q, 1.0))
    )


def test_the_search_returns_a_layout_that_holds_both_limits() -> None:
    made = setups_of(
        catalog.model("llama-3.1-70b"), serving_hardware(catalog.chip("h100"), SHIPPED), Question(chips=8), SHIPPED
    )[1]
    count = 64
    rng = np.random.default_rng(3)
    q = Requests(
        prompt=rng.uniform(128, 4096, count),
        output=rng.uniform(64, 1024, count),
        ttft_limit=np.full(count, 2.0),
        tpot_limit=rng.uniform(0.01, 0.1, count),
    )
    found = best_under_limits(made, q)
    held = found["layout"] >= 0
    assert held.any()
    assert np.all(found["tpot"][held] <= q.tpot_limit[held] * 1.0001)
    assert np.all(found["ttft"][held] <= 2.0)


def test_the_breakdown_names_what_binds() -> None:
    s = setup_of("llama-3.1-8b", "h100", chips=1)
    parts, bound = iteration_parts(s, requests_of(Question(prompt=4096, output=16, concurrency=64)), 64.0)
    assert bound == "compute"
    _, bound = iteration_parts(s, requests_of(Question(prompt=64, output=4096, concurrency=1)), 1.0)
    assert bound in ("memory", "host")
    assert sum(p.value for p in parts) > 0
