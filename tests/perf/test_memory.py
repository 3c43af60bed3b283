"""Memory and ceilings against arithmetic done by hand."""

from __future__ import annotations

import pytest

from chipwall import catalog
from chipwall.perf.limits import decode_limit, prefill_limit
from chipwall.perf.serving.memory import (
    fit_word,
    kv_bytes,
    smallest_count,
    usable_memory,
    weight_bytes,
)
from chipwall.perf.training.tune import tuning_memory
from chipwall.units import GIB


def test_175b_in_one_h200() -> None:
    model, chip = catalog.model("gpt-3-175b"), catalog.chip("h200")
    memory, _ = usable_memory(chip)
    assert weight_bytes(model, "fp8") == pytest.approx(175e9, rel=0.005)
    assert weight_bytes(model, "bf16") > memory
    assert weight_bytes(model, "fp8") > memory
    assert weight_bytes(model, "int4") < 0.9 * memory
    tuned = tuning_memory(model, chip, base="nf4", rank=16, sequences=1, sequence=2048)
    # the reference table counts 96 GiB: 84.8 weights, 2.3 adapters, 5.8 activations, 0.1 logits, 3 runtime. Ours is what
    # published peaks bear out: a runtime of 1.9 GiB, which alone is 1.1 %, and adapters of 1.7 GiB; so 3 % is allowed.
    assert tuned.bytes / GIB == pytest.approx(96, rel=0.03)
    assert tuned.fit == "fits"


def test_one_guard_band_on_either_side_of_the_room() -> None:
    assert [fit_word(need, 100.0) for need in (90, 91, 100, 110, 111)] == ["fits", *["tight"] * 3, "does not fit"]


def test_the_cache_of_many_sequences_counts_their_states() -> None:
    shape = catalog.model("qwen3.6-27b").architecture
    each = float(shape.cache_bytes(1000.0) + shape.state_bytes())
    assert kv_bytes(catalog.model("qwen3.6-27b"), context=1000, sequences=3) == pytest.approx(3 * each)


def test_hbm_gigabytes_are_gib() -> None:
    assert usable_memory(catalog.chip("h100"))[0] / GIB == pytest.approx(79.65)
    ascend = usable_memory(catalog.chip("910c"))[0]
    assert ascend / GIB == pytest.approx(128 * 0.99)


def test_smallest_count_is_a_whole_number_that_is_enough() -> None:
    chip = catalog.chip("h200")
    memory, _ = usable_memory(chip)
    assert smallest_count(0.9 * memory, chip) == 1
    assert smallest_count(0.9 * memory + 1, chip) == 2


def test_ceilings() -> None:
    model = catalog.model("llama-2-70b")
    h200, h20 = catalog.chip("h200"), catalog.chip("h20")
    one = decode_limit(model, h200, weights="fp8", batch=1, context=0)
    assert one.value == pytest.approx(4.8e12 / 68.98e9, rel=0.01)
    assert one.bound == "memory"
    assert decode_limit(model, h200, weights="fp8", batch=4096, context=0).bound == "compute"
    ratio = prefill_limit(model, h200, weights="bf16").value / prefill_limit(model, h20, weights="bf16").value
    assert ratio == pytest.approx(989.5 / 148, rel=1e-6)
    assert decode_limit(model, h200, weights="fp8").value / decode_limit(
        model, h20, weights="fp8"
    ).value == pytest.approx(1.2)


def test_a_mixture_reads_the_experts_it_touches() -> None:
    model, chip = catalog.model("deepseek-v3"), catalog.chip("h200")
    one, many = (decode_limit(model, chip, weights="fp8", batch=b, context=0) for b in (1, 512))
    assert one.value == pytest.approx(4.8e12 / 37e9, rel=0.02)
    assert many.value / 512 == pytest.approx(4.8e12 / 671e9, rel=0.02)
