"""The operator list against parameter counts and hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.catalog.dimensions import parameter_count
from chipwall.errors import Unknown
from chipwall.perf.operators import attended, cache_values_per_token, operators, shape, stacked_shapes, weights_of

PARTS = ("attention", "ffn", "shared", "router", "experts", "head")


@pytest.mark.parametrize(
    "name", ["llama-3.1-8b", "gpt-3-175b", "mixtral-8x7b", "deepseek-r1", "qwen3-235b-a22b", "gpt-oss-120b"]
)
def test_the_operators_hold_all_weights(name: str) -> None:
    model = catalog.model(name)
    s = shape(model)
    embedding = 0.0 if model.tied_embeddings else s.vocab * s.hidden
    total = sum(float(weights_of(s, p)) for p in PARTS) + embedding
    assert total == pytest.approx(parameter_count(model), rel=0.01)


def test_tensor_parallel_divides_the_work_and_copies_few_key_heads() -> None:
    s = shape(catalog.model("llama-3.1-70b"))
    whole = {o.name: o for o in operators(s)}
    eighth = {o.name: o for o in operators(s, tensor_parallel=8.0)}
    assert eighth["ffn up"].columns == whole["ffn up"].columns / 8
    assert eighth["qkv"].columns == (64 / 8 + 2 * 1) * 128
    sixteenth = {o.name: o for o in operators(s, tensor_parallel=16.0)}
    assert sixteenth["qkv"].columns == (64 / 16 + 2 * 1) * 128  # eight key heads cannot be cut in sixteen


def test_latent_cache_is_small_and_not_divided() -> None:
    s = shape(catalog.model("deepseek-r1"))
    assert cache_values_per_token(s) == 512 + 64
    assert cache_values_per_token(s, tensor_parallel=8.0) == 512 + 64


def test_windows_and_sparse_attention_bound_what_a_query_reads() -> None:
    assert attended(shape(catalog.model("gpt-oss-120b")), 8192.0) == pytest.approx(0.5 * 8192 + 0.5 * 128)
    assert attended(shape(catalog.model("deepseek-v3.2")), 50_000.0) == 2048.0
    assert attended(shape(catalog.model("mistral-7b-v0.1")), 8192.0) == 8192.0


def test_linear_layers_are_counted_apart() -> None:
    s = shape(catalog.model("qwen3-next-80b-a3b"))
    assert s.linear == pytest.approx(0.75)


def test_stacked_shapes_are_the_single_ones() -> None:
    a, b = shape(catalog.model("llama-3.1-8b")), shape(catalog.model("deepseek-r1"))
    both = stacked_shapes([a, b], index=[1, 0, 1])
    assert np.allclose(both.hidden, [b.hidden, a.hidden, b.hidden])
    joint = {o.name: np.asarray(o.columns) * o.times for o in operators(both)}
    single = {o.name: o.columns * o.times for o in operators(b)}
    assert joint["latent up"][0] == pytest.approx(float(single["latent up"]))
    assert joint["qkv"][0] == 0.0


def test_a_model_without_dimensions_is_refused() -> None:
    with pytest.raises(Unknown):
        shape(catalog.model("mistral-4-library-default"))
