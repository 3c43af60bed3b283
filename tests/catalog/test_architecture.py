"""The shape of a model against hand arithmetic, published counts and start-up logs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chipwall import catalog
from chipwall.catalog.architecture import architecture_of
from chipwall.catalog.blocks import INDEX_BYTES
from chipwall.catalog.layers import Layers
from chipwall.catalog.records import COUNT_TOLERANCE
from chipwall.errors import Unknown
from chipwall.units import GIB

MODELS = catalog.load().models


def test_every_model_is_computed_or_says_why_not() -> None:
    refused = [m.id for m in MODELS.values() if m.refusal]
    assert len(refused) <= 5
    for model in MODELS.values():
        if model.refusal:
            with pytest.raises(Unknown, match="cannot be computed"):
                _ = model.architecture
            continue
        off = float(model.architecture.weights) / model.parameters - 1.0 if model.parameters else 0.0
        assert abs(off) <= COUNT_TOLERANCE or model.missing, (model.id, off)


def test_a_count_that_misses_without_a_reason_is_refused() -> None:
    with pytest.raises(Unknown, match="published count"):
        _ = replace(MODELS["llama-2-70b"], parameters=60e9).architecture


def test_parts_add_up() -> None:
    for model in MODELS.values():
        if not model.refusal:
            shape = model.architecture
            parts = shape.part_weights
            assert sum(map(float, parts.values())) == pytest.approx(float(shape.weights))
            assert float(shape.active_weights) <= float(shape.weights) + float(shape.vocab * shape.hidden)
            assert all(float(n) >= 0 for n in parts.values())


@pytest.mark.parametrize(
    ("model", "context", "gib"),
    [
        # layers x KV heads x (key + value) x 2 B, by hand
        ("llama-2-70b", 1000, 80 * 8 * 256 * 2 * 1000 / GIB),
        ("gpt-3-175b", 1000, 96 * 96 * 256 * 2 * 1000 / GIB),
        ("deepseek-v3", 1000, 61 * (512 + 64) * 2 * 1000 / GIB),
        ("gpt-oss-120b", 1280, 18 * 8 * 128 * 2 * (1280 + 128) / GIB),
        # 16 of 64 layers keep keys: 16,384 MiB at 262,144 tokens
        ("qwen3.6-27b", 262_144, 16.0),
        # 10 global layers of 4 x 512, 50 with a window of 1,024 of 16 x 256: 20.8 GiB
        ("gemma-4-31b", 262_144, 20.8),
        # 8 attention layers of 88, 2 KV heads of 128
        ("nemotron-3-super-120b-a12b", 131_072, 1.0),
        # 12 global layers, 36 with a chunk of 8,192
        ("llama-4-scout", 1_048_576, (12 * 1_048_576 + 36 * 8192) * 8 * 256 * 2 / GIB),
    ],
)
def test_the_cache_is_that_of_the_layers(model: str, context: int, gib: float) -> None:
    assert float(MODELS[model].architecture.cache_bytes(float(context))) / GIB == pytest.approx(gib, rel=2e-3)


def test_key_heads_are_copied_and_latent_vectors_not_divided() -> None:
    qwen, deepseek = MODELS["qwen3-235b-a22b"].architecture, MODELS["deepseek-v3"].architecture
    # four key-value heads over eight chips: half a model's cache on each, as the engine's log says
    assert float(qwen.cache_bytes(1.0, tensor=8.0)) == pytest.approx(float(qwen.cache_bytes(1.0)) / 4)
    assert float(deepseek.cache_bytes(1.0, tensor=8.0)) == float(deepseek.cache_bytes(1.0))


def test_states_do_not_grow() -> None:
    shape = MODELS["qwen3.6-27b"].architecture
    # 48 layers x 48 heads x 128 x 128 values and a convolution over 3 tokens of 10,240 channels
    assert float(shape.state_bytes()) == pytest.approx(2 * 48 * (48 * 128 * 128 + 3 * 10_240))
    assert float(MODELS["llama-3.1-8b"].architecture.state_bytes()) == 0.0


def test_sparse_attention_keeps_everything_and_reads_a_choice() -> None:
    group = MODELS["deepseek-v3.2"].architecture.attention[0]
    assert float(group.seen(50_000.0)) == 2048.0
    assert float(group.entries(50_000.0)) == 50_000.0
    whole = MODELS["deepseek-v3.2"].architecture.cache_bytes(1.0)
    assert float(whole) == pytest.approx(61 * ((512 + 64) * 2 + 128 * INDEX_BYTES))


def test_the_mean_over_positions_is_the_mean() -> None:
    for name in ("llama-3.1-8b", "gpt-oss-120b", "deepseek-v3.2", "deepseek-v4-pro", "gemma-3-27b"):
        for group in MODELS[name].architecture.attention:
            length = 4096
            mean = sum(float(group.seen(float(i) + 0.5)) for i in range(length)) / length
            assert float(group.span(float(length))) == pytest.approx(mean, rel=2e-3)


def test_a_tied_head_is_one_table_and_still_a_product() -> None:
    made = [
        architecture_of(
            [Layers(count=2, attention="full", heads=4, head_dim=16, feed_forward="dense", ffn=256)],
            hidden=64, vocab=1000, tied=tied,
        )
        for tied in (True, False)
    ]  # fmt: skip
    assert float(made[1].weights - made[0].weights) == 64_000
    assert float(made[0].active_weights) == float(made[1].active_weights) == 64_000 + 2 * (4 * 64 * 64 + 3 * 64 * 256)


def test_cutting_a_model_down_keeps_one_dense_layer() -> None:
    shape = MODELS["deepseek-v3"].architecture.cut(8)
    assert float(shape.layers_of("dense")) == 1.0
    assert float(shape.layers_of("experts")) == 7.0
    assert float(shape.layers_of("latent")) == pytest.approx(8.0)
