"""The operator list against parameter counts and hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from chipwall import catalog
from chipwall.catalog.architecture import stacked_models
from chipwall.perf.operators import operators

MODELS = catalog.load().models


def computable() -> list[str]:
    return [m.id for m in MODELS.values() if not m.refusal]


@pytest.mark.parametrize("name", computable())
def test_the_operators_hold_all_weights_a_token_meets(name: str) -> None:
    shape = MODELS[name].architecture
    held = sum(
        float(op.columns * op.depth * op.times) * (float(op.block.picks) if op.block else 1.0)
        for op in operators(shape)
    )
    # short convolutions and what no field describes are not products of their own
    rest = float(shape.loose) + sum(float(a.count * a.channels * a.convolution) for a in shape.attention)
    assert held + rest == pytest.approx(float(shape.active_weights), rel=1e-9)


def test_tensor_parallel_divides_the_work_and_copies_few_key_heads() -> None:
    shape = MODELS["llama-3.1-70b"].architecture
    whole = {o.name: o for o in operators(shape)}
    eighth = {o.name: o for o in operators(shape, tensor_parallel=8.0)}
    assert eighth["ffn up"].columns == whole["ffn up"].columns / 8
    assert eighth["qkv"].columns == (64 / 8 + 2 * 1) * 128
    sixteenth = {o.name: o for o in operators(shape, tensor_parallel=16.0)}
    assert sixteenth["qkv"].columns == (64 / 16 + 2 * 1) * 128  # eight key heads cannot be cut in sixteen


def test_stacked_models_are_the_single_ones() -> None:
    names = ("llama-3.1-8b", "deepseek-r1", "nemotron-3-super-120b-a12b", "gemma-4-31b", "deepseek-v4-pro")
    each = [MODELS[n].architecture for n in names]
    many = stacked_models(each, index=[4, 3, 2, 1, 0])
    for place, one in enumerate(reversed(each)):
        for quantity in ("weights", "active_weights"):
            assert getattr(many, quantity)[place] == pytest.approx(float(getattr(one, quantity)))
        for context in (1.0, 1000.0, 100_000.0):
            assert many.cache_bytes(context, tensor=8.0)[place] == pytest.approx(
                float(one.cache_bytes(context, tensor=8.0))
            )
            assert many.flops(context)[place] == pytest.approx(float(one.flops(context)))
        assert many.state_bytes()[place] == pytest.approx(float(one.state_bytes()))
    work = sum(np.asarray(o.columns * o.depth * o.times) for o in operators(many))
    assert np.all(np.isfinite(work))
