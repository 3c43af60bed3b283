"""Every part of a serving step against numbers worked by hand, each with the other bounds out of the way."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import pytest

from chipwall import catalog
from chipwall.perf.fitting.serving import terms
from chipwall.perf.ops.experts import distinct_experts
from chipwall.perf.serving.iteration import CHUNK, mixed_steps, prompt_time, prompt_times
from chipwall.perf.serving.regimes import (
    Requests,
    closed_loop,
    decode_time,
    first_token_time,
    in_flight_time,
    prefill_time,
)
from chipwall.perf.serving.serve import Question, setups_of
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.serving.step import Rates, Setup, step_parts, step_time
from chipwall.perf.serving.tails import first_token_tail, latency_tails
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

FREE = 1e30  # a rate that takes no time
SPEED, LANES, LINK = 1e15, 1e12, 1e11  # flop/s, byte/s, byte/s
# Every constant where it changes nothing: factors 1, times 0.
NEUTRAL = {t.name: 0.0 if t.unit == "s" else 1.0 for t in terms()} | {
    "serving.rows": 1e-12, "serving.columns": 0.0, "serving.experts_rows": 1e-12, "serving.pipeline": 0.0,
    "serving.together": 0.0, "serving.evenness": 1e9,
}  # fmt: skip
PLAIN = Rates(SPEED, 0.5, 0.5, 0.0, 2.0, 2.0, 2.0, 0.0, 0.0)


def made(model: str, *, compute: bool = True, memory: bool = True, chips: int = 1, **more: Any) -> Setup:
    """A setup on a chip of round numbers whose kernels reach half of both rates; links always reach half of theirs."""
    question = Question(chips=chips, tensor=chips, precision="bf16", cache="bf16", **more)
    s = setups_of(catalog.model(model), serving_hardware(catalog.chip("gb300"), SHIPPED), question, SHIPPED)[1][0]
    speed, lanes = (SPEED if compute else FREE), (LANES if memory else FREE)
    kernels = dict.fromkeys(s.hw.constants, 0.5)
    kernels |= {"attention.bf16.softmax": 0.0, "attention.bf16.causal_half": 0.0}
    kernels |= {name: 0.0 for name in kernels if name.endswith((".latency", ".hop", ".half_size", ".pair_loss"))}
    kernels |= {"reduce.second": 1.0, "switch.efficiency": 0.0}
    hw = replace(
        s.hw, peaks={"bf16": speed}, memory_bandwidth=lanes, link_bandwidth=LINK, scaleup_domain=8.0, mesh=0.0,
        own_reduce=1.0, in_switch=0.0, nic_bandwidth=LINK / 10, constants=kernels,
    )  # fmt: skip
    plain = replace(PLAIN, peak=speed)
    constants = NEUTRAL | {"decode.memory": 0.5, "decode.efficiency": 0.5}
    return replace(
        s, hw=hw, attention=plain, dense=plain, experts=plain, head=plain, cache_bytes=2.0, constants=constants
    )


def parts(s: Setup, *, decoding: float = 0.0, context: float = 0.0, fresh: float = 0.0, prompt: float = 1.0,
          sampling: float = 1.0) -> dict[str, float]:  # fmt: skip
    found = step_parts(
        s, decoding=decoding, context=context, prompt_tokens=fresh, prompt=prompt, sampling=sampling
    )
    return {name: float(value) for name, value in found.items()}


def with_constants(s: Setup, **changed: float) -> Setup:
    return replace(s, constants={**s.constants, **{n.replace("__", "."): v for n, v in changed.items()}})


def test_matrix_products_by_arithmetic() -> None:
    got = parts(made("llama-3.1-8b", memory=False), decoding=10.0, sampling=10.0)
    rate = SPEED * 0.5
    # 32 layers; queries of 32 and keys and values of 8 heads of 128; feed-forward of 14,336; 128,256 words
    assert got["attention products"] == pytest.approx(32 * 2 * 10 * 4096 * (4096 + 2 * 1024 + 4096) / rate)
    assert got["feed-forward"] == pytest.approx(32 * 2 * 10 * 3 * 4096 * 14336 / rate)
    assert got["head"] == pytest.approx(2 * 10 * 4096 * 128256 / rate)
    assert got["experts"] == got["exchange"] == got["layers"] == got["host"] == 0.0


def test_matrix_products_by_traffic() -> None:
    got = parts(made("llama-3.1-8b", compute=False), decoding=10.0, sampling=3.0)
    rate = LANES * 0.5
    up, down = 2 * 14336 * 4096 + 10 * (4096 + 2 * 14336), 4096 * 14336 + 10 * (14336 + 4096)
    assert got["feed-forward"] == pytest.approx(32 * 2 * (up + down) / rate)
    assert got["head"] == pytest.approx(2 * (128256 * 4096 + 3 * (4096 + 128256)) / rate)


def test_padding_of_rows_columns_and_depth() -> None:
    s = made("llama-3.1-8b", memory=False)
    padded = with_constants(s, serving__rows=30.0, serving__columns=144.0)
    padded = replace(padded, head=replace(PLAIN, depth_half=96.0))
    # 10 rows take 10 (1 + 30 / 40); 144 columns and 96 of depth more
    assert parts(padded, decoding=10.0, sampling=10.0)["head"] == pytest.approx(
        2 * 17.5 * (128256 + 144) * (4096 + 96) / (SPEED * 0.5)
    )


def test_efficiencies_multiply_and_never_pass_the_data_sheet() -> None:
    s = made("llama-3.1-8b", memory=False)
    base = parts(s, decoding=10.0)["feed-forward"]
    assert parts(with_constants(s, serving__gemm=1.5), decoding=10.0)["feed-forward"] == pytest.approx(base / 1.5)
    assert parts(with_constants(s, serving__gemm=9.0), decoding=10.0)["feed-forward"] == pytest.approx(base / 1.96)
    for kind, name in ((1.0, "int8"), (2.0, "int4"), (3.0, "fp4")):
        other = replace(with_constants(s, **{f"serving__{name}": 0.5}), dense=replace(PLAIN, kind=kind))
        assert parts(other, decoding=10.0)["feed-forward"] == pytest.approx(2 * base)
    slow = with_constants(made("llama-3.1-8b", compute=False), serving__memory=0.5)
    assert parts(slow, decoding=1.0)["head"] == pytest.approx(2 * parts(made("llama-3.1-8b", compute=False), decoding=1.0)["head"])


def test_routed_experts_by_hand() -> None:
    # 8 experts of 14,336, two to a token: 16 tokens make 32 picks and miss an expert with (3/4)^16
    touched = 8 * (1 - 0.75**16)
    by_work = parts(made("mixtral-8x7b", memory=False), decoding=16.0)["experts"]
    router = 2 * 16 * 4096 * 8
    assert by_work == pytest.approx(32 * (2 * 32 * 3 * 4096 * 14336 + router) / (SPEED * 0.5))
    by_traffic = parts(made("mixtral-8x7b", compute=False), decoding=16.0)["experts"]
    weights, moved = touched * 3 * 4096 * 14336, 32 * (4096 + 2 * 14336 + 14336 + 4096)
    router = 4096 * 8 + 16 * (4096 + 8)
    assert by_traffic == pytest.approx(32 * 2 * (weights + moved + router) / (LANES * 0.5), rel=1e-6)


def test_uneven_demand_leaves_experts_untouched() -> None:
    # one token touches its own picks, however uneven; with shape 1 the others miss one with 1 / (1 + (t - 1) ln(1/(1 - k/E)))
    assert [float(distinct_experts(128.0, 1.0, 8.0, a)) for a in (0.5, 1.0, 1e9)] == pytest.approx([8 / 128] * 3)
    missed = 1 / (1 + 15 * log(128 / 120))
    assert float(distinct_experts(128.0, 16.0, 8.0, 1.0)) == pytest.approx(8 / 128 + (1 - 8 / 128) * (1 - missed))
    assert float(distinct_experts(128.0, 16.0, 8.0, 1e9)) == pytest.approx(1 - (1 - 8 / 128) ** 16)
    shares = [float(distinct_experts(128.0, t, 8.0, 1.5)) for t in (0.0, 1.0, 4.0, 64.0, 1e6)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == pytest.approx(1.0, abs=1e-6)


def test_constants_of_experts_act_where_they_say() -> None:
    s = made("mixtral-8x7b", memory=False)
    base = parts(s, decoding=16.0)["experts"]
    assert parts(with_constants(s, serving__experts=0.5), decoding=16.0)["experts"] == pytest.approx(2 * base, rel=1e-3)
    more = parts(with_constants(s, serving__expert_prompt=1e-6), decoding=16.0, fresh=100.0)["experts"]
    plain = parts(s, decoding=16.0, fresh=100.0)["experts"]
    assert more - plain == pytest.approx(32 * 100 * 1e-6)
    spread = replace(s, expert=2.0, tensor=2.0, group=2.0)
    # two chips compute half of the picks each
    assert parts(spread, decoding=16.0)["experts"] == pytest.approx(0.5 * base, rel=1e-2)
    uneven = with_constants(spread, serving__imbalance=1.5)
    assert parts(uneven, decoding=16.0)["experts"] == pytest.approx(1.5 * parts(spread, decoding=16.0)["experts"], rel=1e-2)
    assert parts(with_constants(s, serving__imbalance=1.5), decoding=16.0)["experts"] == pytest.approx(base)


def test_decode_attention_reads_the_cache_and_multiplies() -> None:
    # 7 sequences of 1,000 tokens, keys and values of 8 heads of 128 in 16 bits, 32 layers
    got = parts(made("llama-3.1-8b", compute=False), decoding=7.0, context=1000.0)["attention"]
    assert got == pytest.approx(32 * 7 * 1000 * 2 * 8 * 128 * 2 / (LANES * 0.5))
    got = parts(made("llama-3.1-8b", memory=False), decoding=7.0, context=1000.0)["attention"]
    assert got == pytest.approx(32 * 7 * 1000 * 2 * 32 * 2 * 128 / (SPEED * 0.5))


def test_latent_attention_reads_one_vector_and_works_absorbed() -> None:
    got = parts(made("deepseek-r1", chips=8, compute=False), decoding=7.0, context=1000.0)["attention"]
    assert got == pytest.approx(61 * 7 * 1000 * (512 + 64) * 2 / (LANES * 0.5))
    got = parts(made("deepseek-r1", chips=8, memory=False), decoding=7.0, context=1000.0)["attention"]
    assert got == pytest.approx(61 * 7 * 1000 * 2 * 128 / 8 * (2 * 512 + 64) / (SPEED * 0.5))


def test_attention_over_a_prompt_sees_half_of_it() -> None:
    s = made("llama-3.1-8b", memory=False)
    got = parts(s, fresh=500.0, prompt=2000.0)["attention"]
    assert got == pytest.approx(32 * 500 * 2 * 32 * 2 * 128 * 1000 / (SPEED * 0.5))
    costly = replace(s, hw=replace(s.hw, constants={**s.hw.constants, "attention.bf16.softmax": 64.0,
                                                    "attention.bf16.causal_half": 250.0}))  # fmt: skip
    # exponentials as half of the width more, 250 keys to fill the pipeline
    assert parts(costly, fresh=500.0, prompt=2000.0)["attention"] == pytest.approx(got * 1.5 * 1.25)


def test_a_state_is_read_and_written_once_for_each_token() -> None:
    s = made("qwen3-next-80b-a3b", chips=2, compute=False)
    state = next(g for g in s.model.attention if g.kind == "linear")
    values = float(state.heads * state.head_dim * state.value_dim) / 2
    full = sum(
        float(g.count) * 5.0 * float(g.entry_values(2.0)) * 2.0 * 100.0 for g in s.model.attention if g.kind == "full"
    )
    got = parts(s, decoding=5.0, context=100.0)["attention"]
    assert got == pytest.approx((float(state.count) * 5 * values * 8.0 + full) / (LANES * 0.5))


def test_movement_of_activations() -> None:
    got = parts(made("llama-3.1-8b", compute=False), decoding=3.0)["data movement"]
    # two blocks of four passes over 4,096; queries, keys and values twice; three passes over the feed-forward
    values = 32 * (2 * 4 * 4096 + 2 * (4096 + 2 * 1024) + 3 * 14336)
    assert got == pytest.approx(3 * values * 2 / (LANES * 0.5))


def test_all_reduces_of_tensor_parallelism() -> None:
    s = made("llama-3.1-8b", chips=4)
    size = 10 * 4096 * 2
    # two in each of 32 layers; the one-shot kernel reads three peers over half of the link, the ring moves 2 x 3/4
    got = parts(s, decoding=10.0)["exchange"]
    assert got == pytest.approx(2 * 32 * min(3 * size, 1.5 * size) / (LINK * 0.5))
    held = {**s.hw.constants, "collective.all_reduce.latency": 1.0, "reduce.latency": 1e-6, "reduce.hop": 1e-7}
    waiting = replace(s, hw=replace(s.hw, constants=held))
    assert parts(waiting, decoding=10.0)["exchange"] == pytest.approx(
        2 * 32 * (1e-6 + 3 * 1e-7 + 3 * size / (LINK * 0.5))
    )
    assert parts(with_constants(s, serving__reduce=2.0), decoding=10.0)["exchange"] == pytest.approx(2 * got)
    assert parts(made("llama-3.1-8b"), decoding=10.0)["exchange"] == 0.0


def test_tokens_travel_to_their_experts_and_back() -> None:
    s = made("mixtral-8x7b", chips=4)
    spread = replace(s, tensor=1.0, spread=1.0, group=4.0, expert=4.0)
    # 8 tokens on four chips: two each, two experts each, 4,096 wide; there in 8 bits, back in 16
    got = parts(spread, decoding=8.0)["exchange"]
    assert got == pytest.approx(32 * 2 * 2 * 4096 * (1 + 2) / (LINK * 0.5))
    assert parts(with_constants(spread, serving__exchange=1.2), decoding=8.0)["exchange"] == pytest.approx(1.2 * got)
    # inside one domain never slower than every token on every chip and the sums scattered: three of four parts over the link
    gathered = 32 * 8 * 4096 * (1 + 2) * 0.75 / (LINK * 0.5)
    assert parts(with_constants(spread, serving__exchange=30.0), decoding=8.0)["exchange"] == pytest.approx(gathered)


def test_stages_hand_over_point_to_point() -> None:
    s = replace(made("llama-3.1-8b"), pipeline=3.0)
    assert parts(s, decoding=10.0)["exchange"] == pytest.approx(2 * 10 * 4096 * 2 / (LINK * 0.5))
    launched = with_constants(s, serving__launch=1e-6)
    extra = parts(launched, decoding=10.0)["exchange"] - parts(s, decoding=10.0)["exchange"]
    assert extra == pytest.approx(2 * 10 * 1e-6)


def test_fixed_times_of_kernels_and_experts() -> None:
    s = made("mixtral-8x7b")
    fixed = with_constants(s, serving__launch=2e-6, serving__expert_layer=1e-5)
    # 6 kernels of attention and 6 of experts in each of 32 layers
    assert parts(fixed, decoding=1.0)["layers"] == pytest.approx(32 * (12 * 2e-6 + 1e-5))
    busy = with_constants(s, serving__busy=1e-6)
    assert parts(busy, decoding=64.0)["layers"] == pytest.approx(32 * 12 * 0.5e-6)


def test_the_host_overlaps_for_its_share() -> None:
    s = with_constants(made("llama-3.1-8b"), serving__host=3e-3, serving__sequence=1e-4, serving__overlap=0.0)
    assert parts(s, decoding=20.0, sampling=20.0)["host"] == pytest.approx(3e-3 + 20 * 1e-4)
    beside = with_constants(s, serving__overlap=1.0)
    got = parts(beside, decoding=20.0, sampling=20.0)
    device = sum(v for name, v in got.items() if name != "host")
    assert got["host"] == pytest.approx((device**4 + 5e-3**4) ** 0.25 - device)
    slower, plain = (
        sum(parts(one, decoding=20.0, sampling=20.0).values()) for one in (with_constants(s, serving__engine=1.3), s)
    )
    assert slower == pytest.approx(1.3 * plain)


def test_an_iteration_decodes_or_decodes_beside_a_piece_of_a_prompt() -> None:
    s = made("mixtral-8x7b")
    q = Requests(prompt=2000.0, output=500.0)
    alone, beside, share = mixed_steps(s, q, 4.0)
    # four sequences that end after 500 tokens bring 16 prompt tokens an iteration, in pieces of 2,000
    assert (beside["prompt_tokens"], float(share)) == (2000.0, pytest.approx(16.0 / 2000.0))
    assert alone["prompt_tokens"] == 0.0
    assert alone["decoding"] == beside["decoding"] == 4.0
    whole = float(in_flight_time(s, q, 4.0))
    assert whole == pytest.approx(float((1 - share) * step_time(s, **alone) + share * step_time(s, **beside)))
    assert float(mixed_steps(s, q, 4.0, 3.0)[2]) == pytest.approx(12.0 / 2000.0)
    long = mixed_steps(s, Requests(prompt=3 * CHUNK, output=100.0), 2.0)
    assert long[1]["prompt_tokens"] == CHUNK
    crowded = mixed_steps(s, Requests(prompt=100.0, output=10.0), 200.0)
    assert (crowded[1]["prompt_tokens"], crowded[2]) == (2000.0, 1.0)


def test_a_closed_loop_obeys_littles_law() -> None:
    s = with_constants(made("llama-3.1-8b"), serving__first=0.01, serving__launch=1e-6)
    for clients in (1.0, 16.0, 64.0):
        q = Requests(prompt=1000.0, output=200.0, regime=5, concurrency=clients)
        rate, token, first = (float(x) for x in closed_loop(s, q, clients))
        assert rate * (first + 199 * token) == pytest.approx(clients)
    one = Requests(prompt=1000.0, output=200.0, concurrency=1.0)
    _, token, first = (float(x) for x in closed_loop(s, one, 1.0))
    assert first == pytest.approx(0.01 + float(prefill_time(s, one, 1.0)))
    assert token == pytest.approx(float(decode_time(s, one, 1.0)))


def test_the_first_token_waits_in_a_queue() -> None:
    s = with_constants(made("llama-3.1-8b"), serving__first=0.01)
    q = Requests(prompt=4000.0, output=200.0)
    service, decode = float(prompt_time(s, q, 8.0)), float(decode_time(s, q, 8.0))
    # two prompts of 4,000 tokens share one step of 8,192: the turn of the next takes less than a prompt alone
    more = 8192.0 / 4000.0
    turn = (float(prompt_time(s, q, 8.0, prompts=1.0 + more)) - service) / more
    assert 0.5 * service < turn < service
    arrivals = 0.5 / turn
    assert service > float(prompt_time(s, q, 1.0))
    # M/D/1 at half load waits half a turn, and for half of the iteration that runs
    assert float(first_token_time(s, q, 8.0, arrivals)) == pytest.approx(0.01 + service + 0.5 * turn + 0.5 * decode)
    tail = float(first_token_tail(s, q, 8.0, arrivals, share=0.99))
    assert tail == pytest.approx(0.01 + service + 0.5 * turn * log(0.5 / 0.01) + 0.99 * decode)
    assert float(first_token_tail(s, q, 1.0, 1e-9, share=0.5)) == pytest.approx(0.01 + float(prompt_time(s, q, 1.0)))


def test_quantiles_rise_and_the_last_is_above_the_mean() -> None:
    s = with_constants(made("llama-3.1-8b"), serving__first=0.01, serving__together=0.2, serving__launch=1e-6)
    q = Requests(prompt=2000.0, output=200.0, regime=5, concurrency=32.0)
    rate, token, first = (float(x) for x in closed_loop(s, q, 32.0))
    tails = latency_tails(s, q, 32.0, rate)
    assert tails["ttft"]["p50"] < tails["ttft"]["p90"] < tails["ttft"]["p99"]
    assert tails["ttft"]["p99"] > first
    assert tails["tpot"]["p50"] == pytest.approx(token)
    assert tails["tpot"]["p50"] < tails["tpot"]["p99"]
    crowd = 0.9 * 0.2 * 31 * float(prompt_times(s, q, 32.0)[1])
    alone = float(first_token_tail(s, q, 32.0, rate, share=0.9))
    assert tails["ttft"]["p90"] == pytest.approx(alone + crowd)
    # twice as many clients as the cache holds wait for the time of an answer more
    more = latency_tails(s, replace(q, concurrency=64.0), 32.0, rate)
    assert more["ttft"]["p50"] - tails["ttft"]["p50"] == pytest.approx(32.0 / rate)


def test_a_long_prompt_is_computed_in_pieces_and_through_stages() -> None:
    s = made("llama-3.1-8b")
    q = Requests(prompt=2 * CHUNK, output=10.0)
    piece = float(
        step_time(s, decoding=0.0, context=q.prompt + 5, prompt_tokens=CHUNK, prompt=q.prompt, sampling=0.5)
    )
    assert float(prompt_time(s, q, 1.0)) == pytest.approx(2 * piece)
    staged = replace(s, pipeline=4.0)
    through = float(
        step_time(staged, decoding=0.0, context=q.prompt + 5, prompt_tokens=CHUNK, prompt=q.prompt, sampling=0.5)
    )
    # two pieces pass five stage times of a quarter of the layers each
    assert float(prompt_time(staged, q, 1.0)) == pytest.approx(5 * through / 4)
