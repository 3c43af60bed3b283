"""The request simulation against queues whose answer is known, conservation, and its own engine's rules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from chipwall.errors import InputError
from chipwall.fleet.queues import wait_mg1, wait_mmc
from chipwall.fleet.service import ReplicaService, service_of_times
from chipwall.fleet.simulate import Limits, LoadResult, Prefill, simulated_load
from chipwall.fleet.traffic import Fixed, LogNormal, Prefixes, Trace, Traffic, Uniform
from chipwall.perf.serving.loads import Arrivals, Users

pytest.importorskip("numba")
STEP = 1e-3


def server(step: float, servers: int) -> ReplicaService:
    """So many servers: every answer takes its tokens times ``step``, whoever is beside it; prompts take nothing."""
    return service_of_times(
        decode=lambda b, c: step, prompt=lambda b, n, x: 1e-9, max_sequences=servers, batched_tokens=4 * servers
    )


def engine(**more: object) -> ReplicaService:
    """A replica like those of today: a step of 8 ms and more for sequences, contexts and prompts."""
    limits: dict[str, object] = {"max_sequences": 128, "batched_tokens": 2048, "room": 400_000.0, "front": 0.02, **more}
    return service_of_times(
        decode=lambda b, x: 8e-3 + 5e-5 * b + 3e-9 * b * x, prompt=lambda b, n, x: 2e-5 * n + 1e-10 * n * x,
        **limits,  # type: ignore[arg-type]
    )  # fmt: skip


def random_trace(rate: float, outputs: np.ndarray) -> Trace:
    n = len(outputs)
    at = np.cumsum(np.random.default_rng(5).exponential(1.0 / rate, n))
    return Trace(at, np.ones(n, dtype=np.int32), np.maximum(outputs, 1).astype(np.int32))


def test_one_server_with_equal_services() -> None:
    s = service_of_times(decode=lambda b, c: 1.0, prompt=lambda b, n, x: 0.01, max_sequences=1, batched_tokens=1)
    trace = random_trace(50.0, np.ones(300_000))
    found = simulated_load(s, Traffic(trace), requests=300_000, start_up=0)
    # Lindley's recursion on the same arrivals: exact
    gaps = 0.01 - np.diff(trace.arrival)
    sums = np.concatenate([[0.0], np.cumsum(gaps)])
    waits = sums - np.minimum.accumulate(sums)
    assert found.queue.mean == pytest.approx(float(waits.mean()), rel=1e-6)
    assert float(waits.mean()) == pytest.approx(wait_mg1(50.0, 0.01), rel=0.01)
    assert found.utilisation == pytest.approx(0.5, rel=0.01)


def test_one_server_with_unlike_services() -> None:
    rng = np.random.default_rng(3)
    outputs = rng.lognormal(np.log(500) - 0.11, np.sqrt(0.22), 400_000)
    trace = random_trace(1.2, outputs)
    served = (trace.output - 1) * STEP
    rate = 1.0 / float(np.mean(np.diff(trace.arrival)))
    expected = wait_mg1(rate, float(served.mean()), float(served.std() / served.mean()))
    found = simulated_load(server(STEP, 1), Traffic(trace), requests=400_000, start_up=0)
    assert found.queue.mean == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("servers", [2, 8])
def test_many_servers(servers: int) -> None:
    trace = random_trace(0.7 * servers, np.random.default_rng(7).exponential(1000.0, 400_000) + 1)
    mean = float((trace.output - 1).mean()) * STEP
    rate = 1.0 / float(np.mean(np.diff(trace.arrival)))
    # a run of decoding steps ends with the step: half a step of a thousand is lost on arrival
    found = simulated_load(server(STEP, servers), Traffic(trace), requests=400_000, start_up=0)
    assert found.queue.mean == pytest.approx(wait_mmc(rate, mean, servers) + STEP / 2, rel=0.01)


TRAFFIC = {
    "steady": Traffic(Arrivals(6.0, cv=0), Fixed(1000), Fixed(200)),
    "random": Traffic(Arrivals(6.0), LogNormal(1000, 1.0), LogNormal(200, 1.0)),
    "bursts": Traffic(Arrivals(6.0, cv=3.0), Uniform(100, 3000), Uniform(1, 400)),
    "users": Traffic(Users(48), LogNormal(1000, 1.0), LogNormal(200, 1.0)),
    "alike": Traffic(Arrivals(6.0), Fixed(1000), Fixed(200), Prefixes(20, 800)),
}


@pytest.mark.parametrize("router", ["round-robin", "least-loaded", "prefix-aware"])
@pytest.mark.parametrize("name", list(TRAFFIC))
def test_requests_are_conserved(name: str, router: str) -> None:
    found = simulated_load(engine(), TRAFFIC[name], replicas=2, router=router, requests=4000, start_up=0)
    assert found.requests == 4000
    if name != "users":
        # every request sent is done, and the time all spend in the system is what is in it, summed over time
        assert found.inside * found.seconds == pytest.approx(found.requests * found.e2e.mean, rel=0.002)
        assert found.rate == pytest.approx(6.0, rel=0.1)
    else:
        assert found.rate * found.e2e.mean == pytest.approx(48.0, rel=0.02)
    assert found.ttft.mean == pytest.approx(found.queue.mean + found.prefill.mean + found.transfer.mean + found.front, rel=1e-6)
    assert 0.0 < found.utilisation <= 1.0


def figures(found: LoadResult) -> str:
    return json.dumps(found.as_json(), sort_keys=True)


def test_the_same_seed_gives_the_same_answer() -> None:
    asked = {"replicas": 3, "router": "least-loaded", "requests": 3000}
    first, again = (simulated_load(engine(), TRAFFIC["random"], **asked) for _ in range(2))  # type: ignore[arg-type]
    assert figures(first) == figures(again)
    assert figures(first) != figures(simulated_load(engine(), TRAFFIC["random"], seed=1, **asked))  # type: ignore[arg-type]


def test_compiled_and_plain_python_agree() -> None:
    code = (
        "import json, tests.fleet.test_simulate as t\n"
        "small = t.engine(room=30_000.0)\n"
        "made = [t.simulated_load(small, x, replicas=2, router='prefix-aware', requests=1200) for x in t.TRAFFIC.values()]\n"
        "print(json.dumps([t.figures(m) for m in made]))"
    )
    places = [os.getcwd(), *sys.path]
    found = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_DISABLE_JIT": off, "PYTHONPATH": os.pathsep.join(places)},
        ).stdout
        for off in ("0", "1")
    ]  # fmt: skip
    assert found[0] == found[1]
    assert any(json.loads(x)["preempted"] for x in json.loads(found[0]))


def test_a_small_cache_sends_requests_back_and_serves_them_all() -> None:
    busy = Traffic(Arrivals(12.0), Fixed(1000), Fixed(400))
    free, tight = (simulated_load(engine(room=room), busy, requests=3000) for room in (400_000.0, 40_000.0))
    assert free.preempted == 0
    assert tight.preempted > 0
    assert tight.requests == 3000
    assert tight.e2e.p50 > free.e2e.p50


def test_limits_of_the_engine_move_the_answer() -> None:
    load = Traffic(Arrivals(14.0), Fixed(1500), Fixed(200))
    base = simulated_load(engine(), load, requests=4000)
    few = simulated_load(engine(max_sequences=16), load, requests=4000)
    assert few.queue.mean > base.queue.mean
    assert few.tpot.mean < base.tpot.mean
    small = simulated_load(engine(batched_tokens=256), load, requests=4000)
    assert small.prefill.mean > base.prefill.mean
    apart = simulated_load(engine(way="apart"), load, requests=4000)
    assert apart.tpot.p99 > 0.0
    held = simulated_load(engine(), replace(load, load=Arrivals(40.0, in_flight=50)), requests=4000)
    assert held.inside == pytest.approx(50.0, rel=0.1)
    assert held.held_back > 0.5


def test_a_shared_beginning_is_computed_once() -> None:
    load = Traffic(Arrivals(8.0), Fixed(2000), Fixed(50), Prefixes(4, 1600))
    on, off = (simulated_load(engine(prefix_cache=cached), load, requests=3000) for cached in (True, False))
    assert on.prefix_hits >= 2990
    assert off.prefix_hits == 0
    assert on.ttft.p50 < 0.7 * off.ttft.p50
    many = Traffic(Arrivals(8.0), Fixed(2000), Fixed(50), Prefixes(400, 1600))
    hits = {r: simulated_load(engine(room=60_000.0), many, replicas=8, router=r, requests=6000).prefix_hits
            for r in ("round-robin", "prefix-aware")}  # fmt: skip
    assert hits["prefix-aware"] > 1.5 * hits["round-robin"]


def test_the_least_loaded_replica_answers_sooner_than_the_next_in_turn() -> None:
    load = Traffic(Arrivals(40.0), LogNormal(1000, 2.0), LogNormal(200, 2.0))
    turn, least = (simulated_load(engine(), load, replicas=4, router=r, requests=8000) for r in ("round-robin", "least-loaded"))
    assert least.ttft.p99 < turn.ttft.p99


def test_prompts_elsewhere_leave_the_decoding_alone() -> None:
    load = Traffic(Arrivals(10.0), Fixed(3000), Fixed(300))
    together = simulated_load(engine(), load, replicas=3, requests=4000)
    apart = simulated_load(engine(), load, replicas=2, prefill=Prefill(replace(engine(), cache_per_token=1e5), 1), requests=4000)
    assert apart.tpot.p99 < together.tpot.p99
    assert apart.transfer.p50 == pytest.approx(3000 * 1e5 / 25e9 + 1e-3, rel=0.01)
    assert apart.requests == 4000


def test_states() -> None:
    by_rate = [simulated_load(engine(), Traffic(Arrivals(r), Fixed(1000), Fixed(200)), requests=6000).state for r in (4.0, 60.0)]
    assert by_rate == ["STABLE", "OVERLOADED"]


def test_goodput_counts_what_holds_every_limit() -> None:
    load = Traffic(Arrivals(10.0), LogNormal(1000, 1.0), LogNormal(200, 1.0))
    none = simulated_load(engine(), load, requests=4000)
    assert none.good == 1.0
    tight = simulated_load(engine(), load, requests=4000, limits=Limits(ttft=none.ttft.p50))
    assert tight.good == pytest.approx(0.5, abs=0.02)
    assert tight.goodput == pytest.approx(0.5 * tight.rate, rel=0.05)


def test_the_start_is_told_apart() -> None:
    found = simulated_load(engine(), Traffic(Users(100), Fixed(2000), Fixed(300)), requests=2000)
    assert found.start_up["ttft"].mean > 3 * found.ttft.mean


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"router": "nosuch"}, "not a router"),
        ({"replicas": 0}, "replicas"),
        ({"requests": 0}, "requests"),
    ],
)
def test_wrong_arguments_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        simulated_load(engine(), TRAFFIC["random"], **{"requests": 10, **change})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cache of a replica"):
        simulated_load(engine(room=500.0), TRAFFIC["random"], requests=10)
