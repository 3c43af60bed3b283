"""Every public model function, run once with quantities: what comes out has the unit that its docstring says.

The registry is our own: bytes, flops and tokens are dimensions of their own here, where pint's default counts them as
plain numbers and would let a rate of bytes pass for a rate of flops.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from chipwall import catalog
from chipwall.perf import hpc, retrieval
from chipwall.perf import ops as kernels
from chipwall.perf.constants import COLLECTIVE_OPS
from chipwall.perf.device import Hardware, hardware
from chipwall.perf.fitting.serving import terms
from chipwall.perf.formats import RECIPES
from chipwall.perf.ops import attention, collectives, experts, gemm
from chipwall.perf.serving import step
from chipwall.perf.serving.regimes import Requests, closed_loop, first_token_time, in_flight_time
from chipwall.perf.serving.serve import Question, setups_of
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.serving.tails import first_token_tail
from chipwall.perf.shipped import shipped
from chipwall.perf.training import exchange

SHIPPED = shipped()

pint = pytest.importorskip("pint")

REGISTRY = pint.UnitRegistry(None)
for line in ("second = [time] = s", "byte = [information]", "flop = [work]", "watt = [power]", "point = [point]"):
    REGISTRY.define(line)
Q = REGISTRY.Quantity

UNITS = {"s": "second", "byte": "byte", "1": "", "flop": "flop"}


def unit_of(constant: str) -> str:
    """The unit of a resolved constant: that of the calibrated one it comes from."""
    parts = constant.split(".")
    name = ".".join(p for p in parts if p not in RECIPES and p not in COLLECTIVE_OPS)
    return UNITS[SHIPPED.kernels.constants[name].unit]


@pytest.fixture(scope="module")
def chip() -> Hardware:
    plain = hardware(catalog.chip("h200"), SHIPPED.kernels)
    return replace(
        plain,
        peaks={name: Q(peak, "flop/second") for name, peak in plain.peaks.items()},
        memory_bandwidth=Q(plain.memory_bandwidth, "byte/second"),
        memory=Q(plain.memory, "byte"),
        link_bandwidth=Q(plain.link_bandwidth, "byte/second"),
        host_bandwidth=Q(plain.host_bandwidth, "byte/second"),
        nic_bandwidth=Q(plain.nic_bandwidth, "byte/second"),
        tdp=Q(plain.tdp, "watt"),
        cache=Q(plain.cache, "byte"),
        constants={
            name: Q(value, unit_of(name)) if unit_of(name) else value for name, value in plain.constants.items()
        },
    )


@pytest.fixture(autouse=True)
def units_of_bare_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gemm, attention, hpc, step):
        monkeypatch.setattr(module, "MULTIPLY_ADD", Q(2.0, "flop"))
    for module in (gemm, experts, attention, step, exchange):
        monkeypatch.setattr(module, "BF16_BYTES", Q(2.0, "byte"))
    monkeypatch.setattr(step, "INDEX_BYTES", Q(1.03, "byte"))
    monkeypatch.setattr(step, "STATE_BYTES", Q(8.0, "byte"))
    monkeypatch.setattr(hpc, "FP64_BYTES", Q(8.0, "byte"))
    monkeypatch.setattr(hpc, "FFT_FLOPS", Q(5.0, "flop"))
    monkeypatch.setattr(hpc, "CG_FLOPS_PER_BYTE", Q(1 / 6, "flop/byte"))

    def with_units(name: str, *, where: str = "") -> Any:
        how = RECIPES[name]
        widths = {w: Q(getattr(how, w), "byte") for w in ("weight_bytes", "input_bytes", "output_bytes")}
        return SimpleNamespace(maths=how.maths, quantised=how.quantised, **widths)

    for module in (gemm, experts):
        monkeypatch.setattr(module, "recipe_of", with_units)


KV = Q(2.0, "byte")
SIZE = Q(1e8, "byte")
HEADS = {"heads": 32.0, "kv_heads": 8.0, "head_dim": 128.0}
CASES: tuple[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str], ...] = (
    (kernels.gemm_time, (), {"m": 64.0, "n": 4096.0, "k": 4096.0, "recipe": "fp8"}, "second"),
    (kernels.grouped_gemm_time, (), {"m": 64.0, "n": 2048.0, "k": 4096.0, "groups": 8.0}, "second"),
    (
        kernels.moe_ffn_time,
        (),
        {"tokens": 512.0, "hidden": 2048.0, "ffn": 768.0, "experts": 128.0, "top_k": 8.0},
        "second",
    ),
    (kernels.attention_prefill_time, (), {"batch": 2.0, "queries": 2048.0, "kv_bytes": KV, **HEADS}, "second"),
    (kernels.attention_backward_time, (), {"batch": 2.0, "queries": 2048.0, **HEADS}, "second"),
    (kernels.attention_decode_time, (), {"batch": 8.0, "context": 2048.0, "kv_bytes": KV, **HEADS}, "second"),
    (kernels.elementwise_time, (), {"moved": SIZE}, "second"),
    (collectives.all_reduce_time, (), {"n": 8.0, "size": SIZE}, "second"),
    (collectives.engine_all_reduce_time, (), {"n": 8.0, "size": SIZE}, "second"),
    (collectives.all_gather_time, (), {"n": 32.0, "size": SIZE}, "second"),
    (collectives.reduce_scatter_time, (), {"n": 32.0, "size": SIZE}, "second"),
    (collectives.all_to_all_time, (), {"n": 16.0, "size": SIZE}, "second"),
    (collectives.collective_time, ("all_reduce",), {"n": 16.0, "size": SIZE}, "second"),
    (collectives.point_to_point_time, (), {"size": SIZE}, "second"),
    (collectives.expert_exchange_time, (), {"n": 16.0, "sent": SIZE, "burst": True}, "second"),
    (hpc.stream_bandwidth, (), {}, "byte/second"),
    (hpc.vector_rate, (), {}, "flop/second"),
    (hpc.matrix_rate, (), {}, "flop/second"),
    (hpc.linpack_rate, (), {"chips": 4.0}, "flop/second"),
    (hpc.conjugate_gradient_rate, (), {}, "flop/second"),
    (hpc.fft_time, (), {"points": 1e6}, "second"),
    (hpc.stencil_time, (), {"points": 1e6}, "second"),
)


@pytest.mark.parametrize(("function", "args", "given", "unit"), CASES, ids=lambda v: getattr(v, "__name__", None))
def test_result_has_the_unit_of_the_docstring(
    chip: Hardware, function: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any], unit: str
) -> None:
    found = function(chip, *args, **given)
    assert float(found.to(unit).magnitude) > 0
    short = "[" + unit.replace("second", "s") + "]"
    assert short in (inspect.getdoc(function) or "")


def test_limits_and_bus_bandwidth_have_units(chip: Hardware) -> None:
    compute, memory = kernels.gemm_limit(chip, m=64.0, n=4096.0, k=4096.0, recipe="bf16")
    assert compute.to("second").magnitude > 0
    assert memory.to("second").magnitude > 0
    rate = collectives.bus_bandwidth("all_reduce", n=8.0, size=SIZE, time=Q(1e-3, "second"))
    assert rate.to("byte/second").magnitude == pytest.approx(1e11 * 1.75)


def test_a_time_function_is_in_this_list_or_needs_no_quantity() -> None:
    tested = {case[0].__name__ for case in CASES} | {"gemm_limit", "bus_bandwidth"}
    public = {
        name
        for module in (kernels, collectives, hpc)
        for name in module.__all__
        if name.endswith(("_time", "_rate", "_bandwidth", "_limit")) and inspect.isfunction(getattr(module, name))
    }
    assert public <= tested, public - tested
    assert retrieval.__all__


# A model of each kind on one chip and on several: what a step is made of must come out in seconds.
SERVED = (
    ("llama-3.1-8b", 1, {}),
    ("mixtral-8x7b", 4, {}),
    ("deepseek-r1", 8, {}),
    ("deepseek-v3.2", 8, {}),
    ("qwen3-next-80b-a3b", 4, {}),
    ("mixtral-8x7b", 4, {"spread": 1.0, "group": 4.0, "expert": 4.0, "tensor": 1.0}),
    ("llama-3.1-8b", 2, {"pipeline": 2.0, "context": 2.0}),
)


@pytest.fixture(params=SERVED, ids=lambda p: f"{p[0]}-{p[1]}")
def serving(request: pytest.FixtureRequest, chip: Hardware) -> step.Setup:
    model, chips, changed = request.param
    question = Question(chips=chips, tensor=chips, precision="bf16")
    plain = setups_of(catalog.model(model), serving_hardware(catalog.chip("gb300"), SHIPPED), question, SHIPPED)[1][0]
    units = {t.name: "second" if t.unit == "s" else "byte" if t.unit == "byte" else "" for t in terms()}
    constants = {n: Q(v, units[n]) if units.get(n) else v for n, v in plain.constants.items()}

    def widths(r: step.Rates) -> step.Rates:
        sizes = {n: Q(getattr(r, n), "byte") for n in ("weight_bytes", "input_bytes", "output_bytes")}
        return replace(r, peak=Q(float(r.peak), "flop/second"), **sizes)

    rates = {n: widths(getattr(plain, n)) for n in ("attention", "dense", "experts", "head")}
    weights, cache, host = (Q(v, "byte") for v in (plain.weights, plain.cache_bytes, plain.on_host))
    return replace(
        plain, hw=chip, constants=constants, weights=weights, cache_bytes=cache, on_host=host, **rates, **changed
    )


def test_every_part_of_a_serving_step_is_a_time(serving: step.Setup) -> None:
    got = step.step_parts(
        serving, decoding=16.0, context=2000.0, prompt_tokens=256.0, prompt=512.0, sampling=17.0
    )
    for name, spent in got.items():
        seconds = spent.to("second").magnitude if hasattr(spent, "to") else spent
        assert float(seconds) >= 0, name
    assert float(sum(v for v in got.values() if hasattr(v, "to")).to("second").magnitude) > 0


def test_rates_and_latencies_of_serving_have_their_units(serving: step.Setup) -> None:
    q = Requests(prompt=512.0, output=128.0, concurrency=8.0)
    assert in_flight_time(serving, q, 8.0).to("second").magnitude > 0
    rate, token, first = closed_loop(serving, q, 8.0)
    assert (rate.to("1/second").magnitude, token.to("second").magnitude, first.to("second").magnitude) > (0, 0, 0)
    arrivals = Q(0.1, "1/second")
    assert first_token_time(serving, q, 8.0, arrivals).to("second").magnitude > 0
    assert first_token_tail(serving, q, 8.0, arrivals, share=0.99).to("second").magnitude > 0
