"""What is served beside plain text: images, adapters, and models that write no text."""

from __future__ import annotations

from typing import Any

import pytest

import chipwall as cw
from chipwall import catalog
from chipwall.errors import ChipwallError
from chipwall.perf.adapters import ServedAdapters
from chipwall.perf.device import hardware
from chipwall.perf.encoder import EncoderShape, encoder_time
from chipwall.perf.shipped import shipped

SHIPPED = shipped()

SEES: dict[str, Any] = {"model": "qwen2.5-vl-7b", "chip": "h100", "prompt": 200, "output": 200}
PLAIN: dict[str, Any] = {"model": "llama-3.1-8b", "chip": "h100", "users": 64, "engine": "vllm"}


# --- images


def test_images_are_tokens_of_the_prompt_and_time_of_the_tower() -> None:
    with_them = cw.serve(**SEES, users=32, images=2, image_size="1024x1024")
    # the same prompt as text
    text_alone = cw.serve(**{**SEES, "prompt": 200 + 2 * 1369}, users=32)
    none = cw.serve(**SEES, users=32)
    assert with_them.record.inputs["prompt_tokens"] == 200 + 2 * 1369
    assert with_them.rate.value < text_alone.rate.value < none.rate.value
    assert with_them.ttft.value > text_alone.ttft.value > none.ttft.value
    assert with_them.rate.basis == "extrapolated"
    parts = {str(p.name): p.value for p in with_them.record.throughput.breakdown}
    assert parts["vision tower"] > 0


def test_a_batch_of_images_costs_their_towers_time() -> None:
    """One static batch: its first token comes later by the time of all its images."""
    hw = hardware(catalog.chip("h100"), SHIPPED.kernels)
    tower = catalog.model("qwen2.5-vl-7b").tower
    assert tower is not None
    shape = EncoderShape(32, 1280, 3420, 16, gated=True, window=64, whole=4)
    each = float(encoder_time(hw, shape, texts=1.0, length=float(tower.image(1024, 1024).patches)))
    seen = cw.serve(**SEES, batch=4, images=1).ttft.value
    text_alone = cw.serve(**{**SEES, "prompt": 200 + 1369}, batch=4).ttft.value
    assert seen - text_alone == pytest.approx(4 * each, rel=0.25)


def test_no_images_change_nothing() -> None:
    assert cw.serve(**SEES, images=0).to_dict() == cw.serve(**SEES).to_dict()


def test_windows_make_a_tower_cheaper_and_the_arithmetic_bounds_it() -> None:
    hw = hardware(catalog.chip("h100"), SHIPPED.kernels)
    whole = EncoderShape(32, 1280, 3420, 16, gated=True)
    cut = EncoderShape(32, 1280, 3420, 16, gated=True, window=64, whole=4)
    for patches in (1024.0, 16384.0):
        times = [float(encoder_time(hw, s, texts=1.0, length=patches)) for s in (cut, whole)]
        assert times[0] < times[1]
        flops = 2.0 * patches * 32 * (4 * 1280**2 + 3 * 1280 * 3420)
        assert times[0] > flops / hw.peak("bf16")


# --- adapters


def test_adapters_take_memory_and_time() -> None:
    plain, some, many = (cw.serve(**PLAIN, adapters=n) for n in (0, 8, 64))
    assert plain.rate.value > some.rate.value > many.rate.value
    # rank 16 beside all matrices: 41,943,040 weights of two bytes each
    assert many.record.room.adapters == pytest.approx(64 * 2 * 41_943_040)
    assert plain.record.room.bytes - many.record.room.bytes == pytest.approx(many.record.room.adapters, rel=1e-6)
    budget = many.record.budget()
    assert budget.bytes_of("adapters") == pytest.approx(many.record.room.adapters)
    assert cw.serve(**PLAIN).to_dict() == plain.to_dict()


def test_no_more_adapters_are_read_than_there_are_sequences() -> None:
    """With one user it is one adapter, however many are kept."""
    one = [cw.serve("llama-3.1-8b", "h100", users=1, adapters=n).tpot.value for n in (1, 500)]
    assert one[0] == pytest.approx(one[1], rel=0.02)
    # many users of few adapters read them all: not slower than as many adapters as users
    few, each = (cw.serve(**PLAIN, adapters=n).tpot.value for n in (4, 64))
    assert few < each


def test_a_chip_of_a_group_holds_more_than_its_share() -> None:
    a = catalog.model("llama-3.1-8b").architecture
    served = ServedAdapters(1.0, 16.0)
    assert served.bytes_on_chip(a, 1.0) == 2 * 41_943_040
    assert served.bytes_on_chip(a, 4.0) == pytest.approx(2 * 41_943_040 * (1 + 1 / 4) / 2)
    held = [cw.fits("llama-3.1-8b", "h100", adapters=n, adapter_rank=64, use="serve").to_dict() for n in (0, 50)]
    assert held[0] != held[1]


# --- models that write no text


def test_a_request_is_one_prompt() -> None:
    full = cw.serve("bge-m3", "l4", prompt=512)
    assert full.rate.value == pytest.approx(512 * full.figures["requests"].value)
    assert full.rate.basis == "extrapolated"
    # Little's law at both ends of the load
    for users in (1, 8, 64, 1000):
        loaded = cw.serve("bge-m3", "l4", prompt=512, users=users)
        stay = loaded.figures["latency"].value * loaded.figures["requests"].value
        assert stay == pytest.approx(users, rel=1e-6)
        assert loaded.figures["requests"].value <= full.figures["requests"].value * 1.001


def test_reading_is_bounded_by_arithmetic() -> None:
    for model, chip in (("bge-m3", "l4"), ("qwen3-embedding-8b", "h100"), ("bge-reranker-v2-m3", "a100")):
        found = cw.serve(model, chip, prompt=512)
        a, hw = catalog.model(model).architecture, hardware(catalog.chip(chip), SHIPPED.kernels)
        body = float(a.active_weights - a.vocab * a.hidden)
        assert found.rate.value * 2.0 * body < hw.peak("bf16")


def test_an_encoder_sees_more_than_a_decoder() -> None:
    """Attention of every token over every other costs twice that over those before it: longer texts slow it more."""
    slow = [cw.serve("bge-m3", "l4", prompt=n).rate.value for n in (256, 8192)]
    assert slow[1] < slow[0]


def test_arrivals_are_served_until_the_chip_is_full() -> None:
    most = cw.serve("bge-m3", "l4", prompt=512).figures["requests"].value
    calm, busy, over = (cw.serve("bge-m3", "l4", prompt=512, rate=most * share) for share in (0.1, 0.8, 1.5))
    assert calm.figures["requests"].value == pytest.approx(0.1 * most)
    assert calm.figures["latency"].value < busy.figures["latency"].value
    assert over.figures["requests"].value == pytest.approx(most)
    assert any("saturated" in str(n) for n in over.notes)
    assert not any("saturated" in str(n) for n in busy.notes)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cw.serve("bge-m3", "l4", output=100), "nothing is decoded"),
        (lambda: cw.serve("bge-m3", "l4", tpot="10 ms"), "nothing is decoded"),
        (lambda: cw.serve("bge-m3", "l4", accepted=2), "nothing is decoded"),
        (lambda: cw.serve("bge-m3", "l4", prompt=9000), "8,19"),
        (lambda: cw.serve("llama-3.1-8b", "h100", images=1), "no vision tower"),
        (lambda: cw.serve("qwen2.5-vl-7b", "h100", images=1, image_size="0x9"), "image_size"),
        (lambda: cw.serve("qwen2.5-vl-7b", "h100", images=1, image_size="wide"), "not the size of an image"),
        (lambda: cw.serve("qwen2.5-vl-7b", "h100", images=-1), "images"),
        (lambda: cw.serve("qwen2.5-vl-7b", "h100", images=500), "more than the 128,000"),
        (lambda: cw.serve("llama-3.1-8b", "h100", adapters=100_000), "fit"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, says: str) -> None:
    with pytest.raises(ChipwallError) as told:
        call()
    assert says in str(told.value)
    assert len(told.value.lines()) <= 3
