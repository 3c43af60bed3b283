"""Memory and ceilings against arithmetic done by hand."""

from __future__ import annotations

import pytest

from chipwall import catalog
from chipwall.perf.budget import Budget, memory_term, usable_memory
from chipwall.perf.device import hardware
from chipwall.perf.formats import stored_bytes, weight_bytes
from chipwall.perf.layout import Layout, serving_layout
from chipwall.perf.limits import decode_limit, prefill_limit
from chipwall.perf.ops.experts import distinct_experts
from chipwall.perf.serving.memory import (
    Holding,
    Machine,
    chip_weights,
    engine_memory,
    longest_sequence,
    room_for_cache,
    sequence_bytes,
    sequences_held,
    serving_budget,
)
from chipwall.perf.shipped import shipped
from chipwall.perf.training.tune import finetuning, tuning_budget
from chipwall.text import text
from chipwall.units import GIB

SHIPPED = shipped()


def test_175b_in_one_h200() -> None:
    model, chip = catalog.model("gpt-3-175b"), catalog.chip("h200")
    memory, _ = usable_memory(chip)
    assert weight_bytes(model, "fp8") == pytest.approx(175e9, rel=0.01)
    assert weight_bytes(model, "bf16") > memory
    assert weight_bytes(model, "fp8") > memory
    assert weight_bytes(model, "int4") < 0.9 * memory
    tuned = tuning_budget(model, chip, SHIPPED, base="nf4", rank=16, sequences=1, sequence=2048)
    # the reference table counts 96 GiB: 84.8 weights, 2.3 adapters, 5.8 activations, 0.1 logits, 3 runtime. Ours is what
    # published peaks bear out: a runtime of 1.9 GiB, which alone is 1.1 %, and adapters of 1.7 GiB; so 3 % is allowed.
    assert tuned.need / GIB == pytest.approx(96, rel=0.03)
    assert tuned.verdict == "fits"


def test_the_verdict_agrees_with_what_is_left() -> None:
    def verdict(need: float) -> str:
        return Budget((memory_term("all", text("all"), need),), 100.0, text("100 B"), 90.0, 110.0).verdict

    assert [verdict(need) for need in (90, 91, 100, 101)] == ["fits", "tight", "tight", "does not fit"]


def test_heads_are_replicated_and_latent_caches_are_on_every_rank() -> None:
    """Llama 3.1 70B has 8 heads of keys: 16 ways hold as much as 8. DeepSeek-V3's latent cache is not cut at all."""
    llama, deepseek = catalog.model("llama-3.1-70b").architecture, catalog.model("deepseek-v3").architecture
    cut = [float(sequence_bytes(llama, 1000.0, 2.0, tensor=t)) for t in (1, 4, 8, 16)]
    assert cut == pytest.approx([1000 * 80 * 2 * 8 * 128 * 2 / n for n in (1, 4, 8, 8)])
    latent = [float(sequence_bytes(deepseek, 1000.0, 2.0, tensor=t)) for t in (1, 8)]
    assert latent == pytest.approx([1000 * 61 * 576 * 2] * 2)


def test_a_sequence_under_data_parallel_attention_lies_whole_on_its_rank() -> None:
    model = catalog.model("qwen3-235b-a22b").architecture
    each = float(sequence_bytes(model, 1000.0, 2.0))
    layout = serving_layout(expert=8, attention_data_parallel=True)
    assert [sequences_held(model, n * each, 1000.0, 2.0, layout) for n in (0.9, 1.0, 1.9, 2.0)] == [0, 8, 8, 16]
    assert longest_sequence(model, each, 2.0, layout) == pytest.approx(1000, abs=1)


def test_experts_are_divided_once() -> None:
    """Over the chips of the group, however they are called; the rest lies on every rank of data-parallel attention."""
    model = catalog.model("deepseek-v3")
    parts = tuple((part, 1.0) for part in model.architecture.part_weights)
    alone = float(chip_weights(model.architecture, parts, Layout()))
    experts = float(model.architecture.part_weights["experts"])
    for layout in (
        serving_layout(expert=8, attention_data_parallel=True), serving_layout(tensor=8, expert=8), serving_layout(tensor=8),
    ):  # fmt: skip
        held = float(chip_weights(model.architecture, parts, layout))
        assert held >= alone / 8
        assert held - experts / 8 <= alone - experts + 1
    assert float(chip_weights(model.architecture, parts, serving_layout(expert=8, attention_data_parallel=True))) == (
        pytest.approx(alone - experts + experts / 8)
    )


def test_hbm_gigabytes_are_gib() -> None:
    assert usable_memory(catalog.chip("h100"))[0] / GIB == pytest.approx(79.65)
    ascend = usable_memory(catalog.chip("910c"))[0]
    assert ascend / GIB == pytest.approx(128 * 0.99)


def test_memory_of_one_chip_needs_no_published_rate() -> None:
    chip = catalog.chip("alibaba-zhenwu-810e")  # its bandwidth is not published
    found = tuning_budget(catalog.model("llama-3-8b"), chip, SHIPPED, base="nf4")
    assert found.verdict == "fits"
    assert found.room == usable_memory(chip)[0]


def test_what_the_host_keeps_leaves_the_chip_and_costs_time() -> None:
    """The optimizer of 8B weights is 12 bytes each; on the host, the chip holds that much less and the step waits for it."""
    model, chip = catalog.model("llama-3.1-8b"), catalog.chip("h200")
    ask = {"method": "full", "sequences": 8, "sequence": 2048}
    at_home, away = (
        finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, **ask),
        finetuning(model, hardware(chip, SHIPPED.kernels), SHIPPED, offload=("optimizer",), **ask),
    )
    moved = at_home.memory["optimizer"]
    assert moved == pytest.approx(12 * 8.03e9, rel=0.01)
    assert away.budget.need <= at_home.budget.need - 0.9 * moved
    assert sum(t.bytes for t in away.budget.terms if t.where == "host") == pytest.approx(moved, rel=0.2)
    assert away.step is not None
    assert any("host" in str(p.name) for p in away.step.estimate.breakdown)


def test_ceilings() -> None:
    model = catalog.model("llama-2-70b")
    h200, h20 = catalog.chip("h200"), catalog.chip("h20")
    one = decode_limit(model, h200, weights="fp8", batch=1, context=0)
    assert one.value == pytest.approx(4.8e12 / 68.98e9, rel=0.02)
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
    # 6 % of the experts are missed by 512 tokens where the demand is spread like an exponential variable
    reached = float(distinct_experts(256.0, 512.0, 8.0, 1.0))
    assert reached == pytest.approx(0.94, abs=0.01)
    assert many.value / 512 == pytest.approx(4.8e12 / (reached * 654e9 + 17e9), rel=0.02)


def _budget_of(layout: Layout, engine: str = "vllm") -> Budget:
    model = catalog.model("llama-3.1-70b")
    stored = tuple(stored_bytes(model, "fp8").items())
    how = engine_memory(Holding(engine), shipped().overhead)
    machine = Machine(141e9, "nvidia", "hopper")
    return serving_budget(model.architecture, stored, layout, machine, how, cache="bf16", context=10_000.0, sequences=4.0)


def test_a_sequence_cut_over_chips_takes_half_of_each() -> None:
    whole, cut = _budget_of(Layout(tensor=4)), _budget_of(Layout(tensor=4, context=2))
    assert cut.bytes_of("cache") == pytest.approx(whole.bytes_of("cache") / 2.0)


def test_a_share_of_what_is_free_before_loading_holds_weights_and_cache() -> None:
    """SGLang's arithmetic: the share is of the memory less what stays for the engine, the weights come out of it whole."""
    model = catalog.model("llama-3.1-70b")
    stored, layout, machine = tuple(stored_bytes(model, "fp8").items()), Layout(tensor=4), Machine(141e9, "nvidia", "hopper")
    how = engine_memory(Holding("sglang"), shipped().overhead)
    room = room_for_cache(model.architecture, stored, layout, machine, how)
    assert how.rules.counts == "static"
    assert room.engine > 0.0
    assert room.bytes == pytest.approx(room.share * (machine.visible - room.engine) - room.weights)
