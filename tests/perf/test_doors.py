"""One question through every door: a model has the same weights, cache, state and arithmetic wherever it is asked about.

All models of the catalogue, six chips, and the two precisions people use. What the doors say is compared with the
architecture, which is the only place that counts, and with each other.
"""

from __future__ import annotations

import pytest

from chipwall import catalog
from chipwall.catalog.records import LanguageModel
from chipwall.perf.device import hardware
from chipwall.perf.formats import stored_bytes, weight_bytes
from chipwall.perf.layout import Layout
from chipwall.perf.limits import best_rate, decode_limit, prefill_limit
from chipwall.perf.operators import operators
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.fits import Asked, fitting
from chipwall.perf.serving.memory import Holding, chip_weights, engine_memory, sequence_bytes
from chipwall.perf.serving.precision import precision_of
from chipwall.perf.serving.setup import setup
from chipwall.perf.serving.step import step_time
from chipwall.perf.shipped import shipped
from chipwall.perf.training.shape import model_flops_per_token, shape_of
from chipwall.perf.training.tune import tuning_budget
from chipwall.report.pages.catalog import model_table

SHIPPED = shipped()

MODELS = [m for m in catalog.load().models.values() if not m.refusal]
CHIPS = ("h100", "h200", "b200", "mi300x", "910b3", "l40s")
PRECISIONS = ("bf16", "fp8")
CONTEXT = 4096.0


def said_by_the_catalogue(model: LanguageModel) -> dict[str, float]:
    """The page's own figures, by the name of the row."""
    rows = model_table(model, catalog.load().sources).rows
    return {row[0].value: float(row[1].value) for row in rows if isinstance(row[1].value, float)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)
def test_parameters_and_arithmetic_are_one(model: LanguageModel) -> None:
    a = model.architecture
    page = said_by_the_catalogue(model)
    trained = shape_of(model)
    products = sum(
        2.0 * float(op.columns * op.depth * op.times) * (float(op.block.picks) if op.block else 1.0)
        for op in operators(a)
    )
    loose = 2.0 * (float(a.loose) + sum(float(g.count * g.channels * g.convolution) for g in a.attention))
    # parameters: catalogue, training, fine-tuning, memory
    assert page["parameter_count"] == float(a.weights)
    assert float(trained.weights) == pytest.approx(float(a.weights), rel=1e-9)
    assert sum(map(float, a.part_weights.values())) == pytest.approx(float(a.weights), rel=1e-12)
    # active parameters: catalogue, training, the operators of serving
    assert page["active_parameter_count"] == float(a.named_active_weights)
    assert float(trained.active_weights) == pytest.approx(float(a.active_weights), rel=1e-9)
    assert products + loose == pytest.approx(2.0 * float(a.active_weights), rel=1e-9)
    # arithmetic: catalogue, training
    assert page["flop_per_token"] == float(a.flops(0.0))
    assert model_flops_per_token(trained, CONTEXT) == pytest.approx(3.0 * float(a.flops(CONTEXT, causal_mean=True)))
    # cache and state: catalogue
    if float(a.cache_bytes(1.0)):
        assert page["kv_bytes_per_token"] == float(a.cache_bytes(1.0))
    assert page.get("state_bytes", 0.0) == float(a.state_bytes())


@pytest.mark.parametrize("chip_name", CHIPS)
def test_bytes_are_one_on_every_chip(chip_name: str) -> None:
    chip = catalog.chip(chip_name)
    hw = hardware(chip, SHIPPED.kernels)
    for model in MODELS:
        a = model.architecture
        for asked in PRECISIONS:
            precision = precision_of(asked, model=model, hw=hw)
            whole = weight_bytes(model, precision.format)
            # one chip that holds all loads what the formats say; engines pad some experts, never less
            loaded = chip_weights(a, precision.stored, Layout())
            assert whole * (1 - 1e-9) <= loaded <= whole * 1.10, (model.id, asked)
            assert sum(float(a.part_weights[p]) * b for p, b in precision.stored) == pytest.approx(whole)
            assert dict(precision.stored) == stored_bytes(model, precision.format)
        cache = float(a.cache_bytes(CONTEXT) + a.state_bytes())
        assert float(sequence_bytes(a, CONTEXT, 2.0)) == pytest.approx(cache), model.id


@pytest.mark.parametrize("chip_name", CHIPS)
def test_ceilings_count_what_the_model_has(chip_name: str) -> None:
    chip = catalog.chip(chip_name)
    for model in MODELS:
        a = model.architecture
        for asked in PRECISIONS:
            _, rate = best_rate(chip, asked)
            ceiling = prefill_limit(model, chip, weights=asked, length=int(CONTEXT))
            assert ceiling.value == pytest.approx(rate / float(a.flops(CONTEXT, causal_mean=True)), rel=1e-9), model.id
            alone = decode_limit(model, chip, weights=asked, batch=1, context=1)
            assert alone.value <= chip.require("memory_bandwidth") / (0.4 * float(a.active_weights)), model.id


@pytest.mark.parametrize("chip_name", CHIPS)
def test_no_estimate_passes_its_ceiling(chip_name: str) -> None:
    """Tied heads counted: prompts and decode steps of serving never beat arithmetic and bandwidth."""
    chip = catalog.chip(chip_name)
    hw = hardware(chip, SHIPPED.kernels)
    engine = engine_on(chip.vendor, "")
    constants, how = SHIPPED.serving.at(hw.arch, engine), engine_memory(Holding(engine), SHIPPED.overhead)
    for model in MODELS:
        for asked in PRECISIONS:
            precision = precision_of(asked, model=model, hw=hw)
            s = setup(hw, model.architecture, precision, Layout(), cache="bf16", constants=constants, how=how)
            prompt = step_time(s, decoding=0.0, context=0.0, prompt_tokens=CONTEXT, prompt=CONTEXT, sampling=1.0)
            ceiling = prefill_limit(model, chip, weights=precision.format, length=int(CONTEXT)).value
            assert CONTEXT / float(prompt) <= ceiling, (model.id, asked)
            for batch in (1, 64):
                step = step_time(
                    s, decoding=float(batch), context=CONTEXT, prompt_tokens=0.0, prompt=1.0, sampling=float(batch)
                )
                ceiling = decode_limit(model, chip, weights=precision.format, batch=batch, context=int(CONTEXT)).value
                assert batch / float(step) <= ceiling, (model.id, asked, batch)


@pytest.mark.parametrize("chip_name", CHIPS)
def test_fit_infer_and_finetune_weigh_a_model_alike(chip_name: str) -> None:
    chip = catalog.chip(chip_name)
    hw = hardware(chip, SHIPPED.kernels)
    how = engine_memory(Holding(engine_on(chip.vendor, "")), SHIPPED.overhead)
    for model in MODELS:
        a = model.architecture
        for asked in PRECISIONS:
            precision = precision_of(asked, model=model, hw=hw)
            found = fitting(
                model, chip, chips=1, weights=precision.format, asked=Asked("bf16", CONTEXT, 1.0), how=how, beyond=True
            )
            loaded = chip_weights(a, precision.stored, Layout())
            assert found.budget.bytes_of("weights") == pytest.approx(loaded), (model.id, asked)
            cache = float(sequence_bytes(a, CONTEXT, 2.0))
            held = sum(t.bytes for t in found.budget.terms if t.key in ("cache", "state"))
            assert held == pytest.approx(cache, rel=1e-6), (model.id, asked)
        tuned = tuning_budget(model, chip, SHIPPED, base="bf16", sequences=1, sequence=128)
        assert tuned.bytes_of("weights") == pytest.approx(weight_bytes(model, "bf16")), model.id


@pytest.mark.parametrize("layout", [Layout(tensor=2), Layout(tensor=8), Layout(tensor=4, pipeline=2)], ids=str)
def test_nothing_is_lost_over_chips(layout: Layout) -> None:
    """Conservation: the chips together hold at least the model, and at least one sequence's cache."""
    for model in MODELS:
        a, stored = model.architecture, tuple(stored_bytes(model, "bf16").items())
        assert layout.chips * chip_weights(a, stored, layout) >= weight_bytes(model, "bf16") * (1 - 1e-9), model.id
        held = layout.chips * float(sequence_bytes(a, CONTEXT, 2.0, tensor=layout.tensor, pipeline=layout.pipeline))
        assert held >= float(a.cache_bytes(CONTEXT) + a.state_bytes()) * (1 - 1e-9), model.id
