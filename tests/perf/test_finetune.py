"""Fine-tuning: memory by hand, verdicts, the cost of unpacking, refusals."""

from __future__ import annotations

import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.device import hardware
from chipwall.perf.evidence.training import memory_of_row, setup_of_row
from chipwall.perf.load import measured
from chipwall.perf.shipped import shipped
from chipwall.perf.training.memory import MIXED, adapter_count, memory_parts, storage_for
from chipwall.perf.training.shape import shape_of
from chipwall.perf.training.tune import finetuning, unpacking_bytes
from chipwall.units import GIB, GIGA

SHIPPED = shipped()


@pytest.fixture(scope="module")
def gpt3():
    return {
        base: finetuning(
            catalog.model("gpt-3-175b"), hardware(catalog.chip("h200"), SHIPPED.kernels), SHIPPED, base=base
        )
        for base in ("bf16", "int8", "nf4")
    }


def test_175_billion_on_one_h200_at_16_8_and_4_bits(gpt3) -> None:
    assert {base: f.fit for base, f in gpt3.items()} == {"bf16": "does not fit", "int8": "does not fit", "nf4": "fits"}
    assert gpt3["bf16"].memory["weights"] == pytest.approx(174.6 * 2 * GIGA, rel=0.01)
    assert gpt3["nf4"].memory["weights"] / GIB == pytest.approx(85, abs=1.5)
    assert gpt3["bf16"].budget.short / GIB > 150
    assert gpt3["int8"].smallest_chips == 2
    assert gpt3["bf16"].step is None
    assert gpt3["nf4"].step is not None


# trainable weights of rank 16 as PEFT prints them
PUBLISHED = [
    ("llama-3-8b", "attention", 13_631_488),
    ("llama-3-8b", "all", 41_943_040),
    ("llama-2-7b", "all", 39_976_960),
    ("mistral-7b-v0.1", "all", 41_943_040),
    ("qwen2.5-7b", "all", 40_370_176),
    ("gemma-2-9b", "all", 54_018_048),
]


@pytest.mark.parametrize(("model", "modules", "weights"), PUBLISHED)
def test_adapters_are_as_many_as_published(model: str, modules: str, weights: int) -> None:
    assert adapter_count(shape_of(catalog.model(model)), rank=16, modules=modules) == weights


def test_adapters_by_hand() -> None:
    shape = shape_of(catalog.model("gpt-3-175b"))
    # query, key, value and output projections of h x h: four times rank x 2h in each of 96 layers
    assert adapter_count(shape, rank=16) == pytest.approx(16 * 96 * 4 * 2 * 12288)
    # 64 query heads, 8 of keys and 8 of values, 128 wide, and the way back: narrower than four square matrices
    grouped = adapter_count(shape_of(catalog.model("llama-2-70b")), rank=16)
    assert grouped == pytest.approx(16 * 80 * (3 * 8192 + 80 * 128 + 8192 + 8192))
    assert adapter_count(shape, rank=64, modules="all") > 4 * adapter_count(shape, rank=16)


def test_a_packed_base_costs_a_fixed_time_per_micro_batch() -> None:
    ask = {"sequences": 1, "sequence": 512}
    model, chip = catalog.model("llama-2-7b"), catalog.chip("a100")
    packed, plain = (
        finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, base="nf4", **ask),
        finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, base="bf16", **ask),
    )
    longer = {"sequences": 1, "sequence": 8192}
    packed_long, plain_long = (
        finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, base="nf4", **longer),
        finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, base="bf16", **longer),
    )
    short_ratio = packed.step.estimate.value / plain.step.estimate.value
    long_ratio = packed_long.step.estimate.value / plain_long.step.estimate.value
    assert short_ratio > long_ratio > 1
    assert packed.memory["weights"] < 0.4 * plain.memory["weights"]
    assert unpacking_bytes("bf16") == 0 < unpacking_bytes("int8")


def test_full_fine_tuning_needs_the_optimizer() -> None:
    lora = finetuning(catalog.model("llama-2-7b"), hardware(catalog.chip("h200"), SHIPPED.kernels), SHIPPED)
    full = finetuning(
        catalog.model("llama-2-7b"), hardware(catalog.chip("h200"), SHIPPED.kernels), SHIPPED, method="full"
    )
    assert full.memory["optimizer"] == pytest.approx(12 * 6.74 * GIGA, rel=0.02)
    assert "optimizer" not in lora.memory
    assert sum(full.memory.values()) > 5 * sum(lora.memory.values())


def test_frozen_weights_have_no_gradient_products() -> None:
    ask = {"chips": 1, "sequences": 1, "sequence": 2048}
    lora = finetuning(catalog.model("llama-2-7b"), hardware(catalog.chip("h200"), SHIPPED.kernels), SHIPPED, **ask)
    full = finetuning(
        catalog.model("llama-2-7b"), hardware(catalog.chip("h200"), SHIPPED.kernels), SHIPPED, method="full", **ask
    )
    parts = {f.method: {p.name: p.value for p in f.step.estimate.breakdown} for f in (lora, full)}
    assert parts["lora"]["linear layers"] == pytest.approx(parts["full"]["linear layers"] * 2 / 3)
    assert parts["lora"]["optimizer"] == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"rank": 0}, "0 is not a count"),
        ({"method": "dora"}, "unknown method 'dora'"),
        ({"base": "int2"}, "unknown base 'int2'"),
        ({"modules": "some"}, "unknown modules 'some'"),
    ],
)
def test_bad_input_is_refused(asked: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        finetuning(catalog.model("llama-2-7b"), hardware(catalog.chip("h200"), SHIPPED.kernels), SHIPPED, **asked)


def test_peak_memory_of_declared_layouts_is_within_six_percent_on_average() -> None:
    errors = []
    for row in measured("training"):
        if row["metric"] == "peak_mem_gib" and row["use"] == "fit":
            setup = setup_of_row(row, SHIPPED.kernels)
            storage, adapters, tables = memory_of_row(row, setup)
            need = sum(
                memory_parts(
                    setup.shape, setup.run, storage=storage, adapters=adapters, trained_embeddings=tables
                ).values()
            )
            errors.append(abs(float(need) / GIB / setup.value - 1))
    assert len(errors) == 27
    assert sum(errors) / len(errors) < 0.06


def test_narrow_products_keep_narrow_inputs() -> None:
    assert storage_for("fp8").product_input < storage_for("bf16").product_input == MIXED.product_input
