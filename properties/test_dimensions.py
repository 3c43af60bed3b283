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
from chipwall.perf.constants import COLLECTIVE_OPS, calibration
from chipwall.perf.device import Hardware, hardware
from chipwall.perf.formats import RECIPES
from chipwall.perf.ops import attention, collectives
from chipwall.perf.ops import gemm as kernels

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
    return UNITS[calibration().constants[name].unit]


@pytest.fixture(scope="module")
def chip() -> Hardware:
    plain = hardware(catalog.chip("h200"))
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
    for module in (kernels, attention, hpc):
        monkeypatch.setattr(module, "MULTIPLY_ADD", Q(2.0, "flop"))
    for module in (kernels, attention):
        monkeypatch.setattr(module, "BF16_BYTES", Q(2.0, "byte"))
    monkeypatch.setattr(hpc, "FP64_BYTES", Q(8.0, "byte"))
    monkeypatch.setattr(hpc, "FFT_FLOPS", Q(5.0, "flop"))
    monkeypatch.setattr(hpc, "CG_FLOPS_PER_BYTE", Q(1 / 6, "flop/byte"))

    def with_units(name: str, *, where: str = "") -> Any:
        how = RECIPES[name]
        widths = {w: Q(getattr(how, w), "byte") for w in ("weight_bytes", "input_bytes", "output_bytes")}
        return SimpleNamespace(maths=how.maths, quantised=how.quantised, **widths)

    monkeypatch.setattr(kernels, "recipe_of", with_units)


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
