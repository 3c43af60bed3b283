"""Physics of the training step that must hold for any chip, model and layout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chipwall import catalog
from chipwall.perf.constants import COLLECTIVE_OPS
from chipwall.perf.device import Hardware, hardware
from chipwall.perf.evidence.training import setup_of_row
from chipwall.perf.formats import RECIPES
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped
from chipwall.perf.training.constants import labels_of
from chipwall.perf.training.memory import memory_parts
from chipwall.perf.training.shape import model_flops_per_token
from chipwall.perf.training.step import AMPLE_POWER, training_parts

SHIPPED = shipped()

ROWS = [
    r for r in measured("training") if r["use"] == "fit" and r["metric"] in ("step_time_s", "tokens_per_s_per_chip")
]
SETUPS = [setup_of_row(r, SHIPPED.kernels) for r in ROWS[:: max(len(ROWS) // 60, 1)]]
setups = st.integers(0, len(SETUPS) - 1).map(lambda i: SETUPS[i])


def step(setup, hw: Hardware | None = None, run=None) -> float:
    known = setup.hw if hw is None else hw
    recipe = setup.recipe if known.supports({"bf16": "bf16", "fp8": "fp8", "fp4": "fp4"}[setup.recipe]) else "bf16"
    constants = SHIPPED.training.at(setup.labels)
    return float(sum(training_parts(known, setup.shape, run or setup.run, recipe=recipe, constants=constants).values()))


@settings(max_examples=60, deadline=None)
@given(setup=setups, factor=st.floats(1.05, 4.0))
def test_more_bandwidth_or_link_or_network_never_slows(setup, factor) -> None:
    before = step(setup)
    for name in ("memory_bandwidth", "link_bandwidth", "host_bandwidth"):
        assert step(setup, replace(setup.hw, **{name: getattr(setup.hw, name) * factor})) <= before * (1 + 1e-9), name
    assert step(setup, run=replace(setup.run, network=setup.run.network * factor)) <= before * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(setup=setups, factor=st.floats(1.05, 3.0))
def test_more_compute_at_the_same_efficiency_or_more_power_never_slows(setup, factor) -> None:
    before = step(setup)
    faster = replace(setup.hw, peaks={name: peak * factor for name, peak in setup.hw.peaks.items()})
    assert step(setup, faster) <= before * (1 + 1e-9)
    assert step(setup, replace(setup.hw, tdp=setup.hw.tdp * factor)) <= before * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(setup=setups)
def test_never_below_the_arithmetic_of_the_data_sheet(setup) -> None:
    peak = max(float(np.nan_to_num(p)) for name, p in setup.hw.peaks.items() if name in ("bf16", "fp8", "fp4"))
    share = 2 / 3 if setup.run.adapters else 1.0
    least = (
        model_flops_per_token(setup.shape, setup.run.sequence)
        * float(setup.run.tokens)
        * share
        / float(setup.run.chips)
        / peak
    )
    assert step(setup) >= least


@settings(max_examples=40, deadline=None)
@given(setup=setups)
def test_recomputing_costs_time_and_saves_memory(setup) -> None:
    none, full = (replace(setup.run, recompute=share, recompute_attention=0.0) for share in (0.0, 1.0))
    assert step(setup, run=full) > step(setup, run=none)
    memory = [float(sum(memory_parts(setup.shape, run).values())) for run in (none, full)]
    assert memory[1] <= memory[0]


@settings(max_examples=40, deadline=None)
@given(setup=setups, times=st.integers(2, 8))
def test_a_larger_batch_never_trains_fewer_tokens_per_second(setup, times) -> None:
    more = replace(setup.run, micro_batches=setup.run.micro_batches * times)
    assert step(setup, run=more) <= times * step(setup) * (1 + 1e-9)


def test_chips_that_differ_only_in_name_are_equal() -> None:
    chip = catalog.chip("h100")
    twin = replace(chip, id=chip.id + "-twin", name="Twin")
    setup = next(s for s in SETUPS if s.chip.id == chip.id)
    assert step(setup, hardware(twin, SHIPPED.kernels)) == step(setup, hardware(chip, SHIPPED.kernels))
    labels = [labels_of(hardware(c, SHIPPED.kernels), recipe="fp8") for c in (chip, twin)]
    assert labels[0] == labels[1]


def seconds_of(constant: str) -> bool:
    """Whether a resolved kernel constant is a time: by the unit of the calibrated one behind it."""
    parts = constant.split(".")
    name = ".".join(p for p in parts if p not in RECIPES and p not in COLLECTIVE_OPS)
    return SHIPPED.kernels.constants[name].unit == "s"


@settings(max_examples=20, deadline=None)
@given(setup=setups, factor=st.floats(0.1, 10.0))
def test_a_step_is_a_time_and_nothing_else(setup, factor) -> None:
    """Dimension test: with a faster clock every rate, every time constant and the step change by the same factor."""
    hw = setup.hw
    # beyond it, before or after, a power per rate is compared with a stated one
    assume(hw.tdp <= AMPLE_POWER * hw.peak("bf16") * min(factor, 1.0))
    faster = replace(
        hw,
        peaks={name: peak * factor for name, peak in hw.peaks.items()},
        constants={name: value / factor if seconds_of(name) else value for name, value in hw.constants.items()},
        **{
            name: getattr(hw, name) * factor
            for name in ("memory_bandwidth", "link_bandwidth", "host_bandwidth", "nic_bandwidth")
        },
    )
    recipe = setup.recipe if hw.supports(setup.recipe) else "bf16"
    run = replace(setup.run, network=setup.run.network * factor)
    known = SHIPPED.training.at(setup.labels)
    scaled = {name: v / factor if SHIPPED.training.constants[name].unit == "s" else v for name, v in known.items()}
    before = sum(training_parts(hw, setup.shape, setup.run, recipe=recipe, constants=known).values())
    after = sum(training_parts(faster, setup.shape, run, recipe=recipe, constants=scaled).values())
    assert float(after) == pytest.approx(float(before) / factor, rel=1e-5)
