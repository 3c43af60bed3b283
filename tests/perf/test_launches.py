"""Kernels of a layer, counted by hand."""

from __future__ import annotations

from chipwall import catalog
from chipwall.perf.ops.launches import attention_kernels, feed_forward_kernels, model_kernels


def test_kernels_of_plain_and_latent_layers_counted_by_hand() -> None:
    llama, r1 = catalog.model("llama-3.1-70b").architecture, catalog.model("deepseek-r1").architecture
    # norm, qkv, rotary + cache, attention, combination, output; norm, up, activation, down
    assert float(model_kernels(llama)) == 80 * (6 + 4)
    # norm, down, two norms, query up, rotary + cache, two absorbed products, attention, combination, output
    (latent,) = r1.attention
    assert attention_kernels(latent) == 11
    dense, routed = sorted(r1.feed_forward, key=lambda b: b.kind)
    # norm, router, choice with sorting, up with activation, down, combination; shared up, activation, down, addition
    assert (feed_forward_kernels(dense), feed_forward_kernels(routed)) == (4, 10)
    assert float(model_kernels(r1)) == 61 * 11 + 3 * 4 + 58 * 10


def test_narrow_formats_launch_a_conversion_before_each_input() -> None:
    llama = catalog.model("llama-3.1-8b").architecture
    assert float(model_kernels(llama, attention=1.0, dense=1.0) - model_kernels(llama)) == 32 * 4
    assert float(model_kernels(llama, experts=1.0) - model_kernels(llama)) == 0
