"""The training step: sums, limits, scaling by hand, refusals, rows of tables."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from chipwall import catalog
from chipwall.errors import InputError, Unknown
from chipwall.perf.device import hardware
from chipwall.perf.evidence.training import setup_of_row
from chipwall.perf.evidence.training_rows import predict_training_rows
from chipwall.perf.evidence.validate import Prediction, Skip
from chipwall.perf.layout import Layout
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped
from chipwall.perf.training.constants import software_age
from chipwall.perf.training.shape import model_flops_per_token, shape_of
from chipwall.perf.training.step import TRAINING_PARTS, training_parts
from chipwall.perf.training.train import run_energy, run_time, training, training_step_time
from chipwall.perf.training.workload import stacked_runs

SHIPPED = shipped()

LLAMA = Layout(tensor=4, pipeline=4, virtual=5, context=2)


@pytest.fixture(scope="module")
def llama():
    return training(
        catalog.model("llama-3-70b"), hardware(catalog.chip("h100"), SHIPPED.kernels), SHIPPED, chips=64, sequences=128,
        sequence=8192, precision="fp8", layout=LLAMA,
        software="megatron", year=2024.5,
    )  # fmt: skip


def test_the_parts_sum_to_the_step(llama) -> None:
    assert sum(p.value for p in llama.estimate.breakdown) == pytest.approx(llama.estimate.value, rel=1e-12)
    assert [p.name for p in llama.estimate.breakdown] == list(TRAINING_PARTS)
    assert all(p.value >= 0 for p in llama.estimate.breakdown)


def test_a_step_is_never_faster_than_its_arithmetic(llama) -> None:
    peak = hardware(catalog.chip("h100"), SHIPPED.kernels).peak("fp8")
    work = model_flops_per_token(shape_of(catalog.model("llama-3-70b")), 8192) * 128 * 8192
    assert llama.estimate.value > work / 64 / peak
    assert llama.mfu == pytest.approx(work / llama.estimate.value / 64 / peak)
    assert llama.mfu < 1


def test_tokens_time_and_energy_follow_from_the_step(llama) -> None:
    assert llama.tokens_per_s == pytest.approx(128 * 8192 / llama.estimate.value)
    assert run_time(1e12, tokens_per_s=llama.tokens_per_s) == pytest.approx(1e12 / llama.tokens_per_s)
    assert run_energy(
        1e12, energy_per_step=llama.energy_per_step, tokens_per_step=llama.tokens_per_step
    ) == pytest.approx(1e12 / (128 * 8192) * llama.energy_per_step)
    # 64 chips of 700 W cannot draw more than their rating, nor less than a third of it at work
    assert 64 * 700 * llama.estimate.value * 0.33 < llama.energy_per_step < 64 * 700 * llama.estimate.value


def test_the_interval_holds_the_estimate_and_says_its_basis(llama) -> None:
    e = llama.estimate
    assert e.low < e.value < e.high
    assert e.basis == "calibrated"
    assert e.nearest
    json.dumps(e.as_json())


def test_silicon_that_nobody_trained_on_is_extrapolated_with_a_wider_band() -> None:
    found = training(
        catalog.model("llama-2-7b"),
        hardware(catalog.chip("cambricon-mlu590"), SHIPPED.kernels),
        SHIPPED,
        chips=8,
        sequences=64,
        sequence=4096,
    )
    assert found.estimate.basis == "extrapolated"
    known = training(
        catalog.model("llama-2-7b"),
        hardware(catalog.chip("a100"), SHIPPED.kernels),
        SHIPPED,
        chips=8,
        sequences=64,
        sequence=4096,
    )
    assert found.estimate.high / found.estimate.value > known.estimate.high / known.estimate.value


def test_flops_of_gpt3_by_hand() -> None:
    # 96 layers of 12 h2, head of 51200 or 50257 x h, and attention 6 x 96 x h x 2 x s/2 per token
    model = catalog.model("gpt-3-175b")
    h = 12288
    hand = 6 * (96 * 12 * h * h + model.vocab * h) + 6 * 96 * 2 * h * 1024
    assert model_flops_per_token(shape_of(model), 2048) == pytest.approx(hand, rel=1e-3)


@pytest.mark.parametrize(
    "model", ["llama-3-70b", "deepseek-v3", "qwen3-235b-a22b", "gpt-3-175b", "nemotron-3-super-120b-a12b"]
)
def test_weights_follow_from_the_shape(model: str) -> None:
    record = catalog.model(model)
    assert float(shape_of(record).weights) == pytest.approx(record.parameters, rel=0.06)


def test_hfu_counts_recomputation_and_mfu_does_not() -> None:
    ask = {"chips": 64, "sequences": 128, "sequence": 2048}
    plain = training(
        catalog.model("gpt-3-175b"),
        hardware(catalog.chip("a100"), SHIPPED.kernels),
        SHIPPED,
        layout=Layout(8, 8),
        recompute="none",
        **ask,
    )
    again = training(
        catalog.model("gpt-3-175b"),
        hardware(catalog.chip("a100"), SHIPPED.kernels),
        SHIPPED,
        layout=Layout(8, 8),
        recompute="full",
        **ask,
    )
    assert again.estimate.value > 1.2 * plain.estimate.value
    assert plain.hfu == pytest.approx(plain.mfu)
    assert again.hfu == pytest.approx(again.mfu * 4 / 3)
    assert sum(again.memory.values()) < sum(plain.memory.values())


@pytest.mark.parametrize(
    ("layout", "micro_batch", "words"),
    [
        (Layout(tensor=3), 1, "64 chips are not a multiple"),
        (Layout(tensor=64), 1, "does not divide 96 heads"),
        (Layout(pipeline=8, virtual=20), 1, "more than 96 layers"),
        (Layout(tensor=8, virtual=2), 1, "virtual stages need a pipeline"),
        (Layout(tensor=8, expert=8), 1, "no experts"),
        (Layout(tensor=8, pipeline=8), 5, "does not divide"),
        (Layout(tensor=8), 1, "does not fit in this layout"),
    ],
)
def test_layouts_that_cannot_be_are_refused(layout: Layout, micro_batch: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        training(
            catalog.model("gpt-3-175b"), hardware(catalog.chip("a100"), SHIPPED.kernels), SHIPPED, chips=64, sequences=128,
            sequence=2048, layout=layout, micro_batch=micro_batch,
        )  # fmt: skip


def test_a_model_too_large_says_by_how_much_and_how_many_chips_it_takes() -> None:
    with pytest.raises(InputError, match="GiB per chip on 8 chips") as told:
        training(
            catalog.model("gpt-3-175b"), hardware(catalog.chip("h100"), SHIPPED.kernels), SHIPPED, chips=8, sequences=64
        )
    count = int(str(told.value.fix).split()[3])
    assert count > 8
    training(
        catalog.model("gpt-3-175b"),
        hardware(catalog.chip("h100"), SHIPPED.kernels),
        SHIPPED,
        chips=64,
        sequences=64,
        sequence=2048,
    )


def test_a_precision_the_chip_lacks_is_refused() -> None:
    with pytest.raises(Unknown, match="no FP8"):
        training(
            catalog.model("llama-2-7b"),
            hardware(catalog.chip("a100"), SHIPPED.kernels),
            SHIPPED,
            chips=8,
            sequences=64,
            precision="fp8",
        )


@pytest.mark.parametrize("name", ["chips", "sequences", "sequence"])
def test_zero_counts_are_refused(name: str) -> None:
    ask = {"chips": 8, "sequences": 64, "sequence": 2048, name: 0}
    with pytest.raises(InputError, match="0 is not a count"):
        training(catalog.model("llama-2-7b"), hardware(catalog.chip("a100"), SHIPPED.kernels), SHIPPED, **ask)


def test_arrays_and_scalars_agree() -> None:
    rows = [
        r for r in measured("training") if r["use"] == "fit" and r["chip"] == "H100" and r["metric"] == "step_time_s"
    ][:20]
    setups = [setup_of_row(r, SHIPPED.kernels) for r in rows]
    setups = [s for s in setups if s.model.id == setups[0].model.id]
    whole = training_step_time(
        setups[0].hw, setups[0].shape, stacked_runs([s.run for s in setups]), SHIPPED.training, recipe="fp8"
    )
    one = [training_step_time(s.hw, s.shape, s.run, SHIPPED.training, recipe="fp8") for s in setups]
    assert whole == pytest.approx(np.array(one), rel=1e-12)


def test_rings_use_all_cards_of_a_node() -> None:
    """Eight chips that share a node's cards carry one ring's gradients eight times faster than one card could."""
    setup = setup_of_row(next(r for r in measured("training") if r["id"] == "T01990"), SHIPPED.kernels)
    values = {name: c.value(setup.labels) for name, c in SHIPPED.training.constants.items()}
    exposed = {}
    for node in (1.0, 8.0):
        run = replace(setup.run, node=node, chips=1024.0, data=1024.0, micro_batches=1.0)
        hw = replace(setup.hw, scaleup_domain=node)
        exposed[node] = training_parts(hw, setup.shape, run, recipe="bf16", constants=values)["data parallel"]
    assert exposed[1.0] > 3 * exposed[8.0]


def test_rows_are_predicted_in_their_own_metric() -> None:
    wanted = {
        "step_time_s",
        "tokens_per_s_per_chip",
        "mfu",
        "tflops_per_chip_model",
        "tflops_per_chip_hw_incl_recompute",
        "peak_mem_gib",
    }
    rows = {}
    for row in measured("training"):
        if row["use"] == "fit" and row["metric"] in wanted:
            rows.setdefault(row["metric"], row)
    assert set(rows) == wanted
    for found in predict_training_rows(list(rows.values()), SHIPPED):
        assert isinstance(found, Prediction), found
        assert found.low < found.predicted < found.high
        assert 0.4 < found.predicted / found.measured < 2.5


def test_every_fit_row_of_the_tables_is_predicted() -> None:
    for kind in ("training", "finetune"):
        rows = [r for r in measured(kind) if r["use"] == "fit" and r["outcome"] == "ok"][::9]
        found = predict_training_rows(rows, SHIPPED)
        assert not [s for s in found if isinstance(s, Skip)]


def test_the_shipped_bands_are_wide_enough_to_be_honest() -> None:
    for low, high in SHIPPED.training.bands.values():
        assert low < 1 < high


def test_young_software_ages() -> None:
    assert software_age("hopper", 2024.0) == pytest.approx(1.1)
    assert software_age("hopper", 2020.0) == 0
    assert software_age("never heard of", 2024.0) == 3.0
