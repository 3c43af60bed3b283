"""Storage formats against published sizes of checkpoints and the tables of the tools that write them."""

from __future__ import annotations

import pytest

from chipwall import catalog
from chipwall.errors import InputError
from chipwall.perf.formats import ALIASES, FORMATS, RECIPES, format_named, stored_formats, weight_bytes
from chipwall.units import GIB


@pytest.mark.parametrize(
    ("name", "bits"),
    # llama.cpp, tools/quantize/README.md: bits per weight of Llama 3.1 8B
    [("q2_k", 3.1593), ("q4_k_s", 4.6672), ("q4_k_m", 4.8944), ("q5_k_m", 5.7036), ("q6_k", 6.5633), ("q8_0", 8.5008)],
)
def test_mixtures_have_the_bits_that_their_tool_states(name: str, bits: float) -> None:
    model = catalog.model("llama-3.1-8b")
    assert weight_bytes(model, name) * 8 / float(model.architecture.weights) == pytest.approx(bits, rel=2e-3)


@pytest.mark.parametrize(
    ("model", "name", "size"),
    [
        ("gpt-oss-120b", "mxfp4", 65.25e9),  # tensors of the published checkpoint
        ("gpt-oss-20b", "mxfp4", 13.76e9),
        ("kimi-k3", "mxfp4", 1.56e12),  # as its model card states
        ("qwen2.5-7b", "int4", 5.25 * GIB),  # 5.2 to 5.3 GiB loaded, as engines log
        ("llama-3.1-8b", "bf16", 16.06e9),
        ("qwen3-235b-a22b", "fp8", 27.7 * 8 * GIB),  # 27.7 GiB on each of eight chips, as an engine logs
    ],
)
def test_checkpoints_are_as_large_as_published(model: str, name: str, size: float) -> None:
    assert weight_bytes(catalog.model(model), name) == pytest.approx(size, rel=0.04)


def test_narrow_formats_never_store_more() -> None:
    for model in catalog.load().models.values():
        if model.refusal:
            continue
        sizes = [weight_bytes(model, f) for f in ("fp32", "bf16", "int8", "q6_k", "q4_k_m")]
        assert sizes == sorted(sizes, reverse=True), model.id
        assert weight_bytes(model, "int4") < weight_bytes(model, "fp8") <= weight_bytes(model, "bf16"), model.id


def test_a_published_checkpoint_says_what_stays_wide() -> None:
    stored = stored_formats(catalog.model("gpt-oss-120b"), "mxfp4")
    assert stored["attention"].name == "bf16"
    assert stored["experts"].name == "mxfp4"
    assert stored["experts"].part_bits("head") == 16.0
    assert stored_formats(catalog.model("deepseek-r1"), "awq")["attention"].name == "bf16"


def test_people_say_formats_in_many_ways() -> None:
    for spelling, name in {
        "AWQ": "int4",
        "Q4_K_M": "q4_k_m",
        "W8A8 int8": "int8",
        "NVFP4": "nvfp4",
        "float16": "fp16",
    }.items():
        assert format_named(spelling).name == name
    with pytest.raises(InputError, match="unknown weight format"):
        format_named("fp7")


def test_tables_name_only_formats_there_are() -> None:
    assert set(ALIASES.values()) <= set(FORMATS)
    assert not set(ALIASES) & set(FORMATS)
    for model in catalog.load().models.values():
        assert not model.default_dtype or model.default_dtype in FORMATS, model.id
        for copy in model.checkpoints:
            assert {copy.format, *(f for _, f in copy.parts)} <= set(FORMATS), model.id
    # what a recipe reads is what the format stores, within the scales of a block
    for name in ("bf16", "fp16", "fp8", "int8", "fp8_weights"):
        assert RECIPES[name].weight_bits == format_named(name).bits
