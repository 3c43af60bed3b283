"""Vision towers: tokens of an image against what the makers' own processors give, and towers out of configurations."""

from __future__ import annotations

import pytest

from chipwall import catalog
from chipwall.catalog.tower import Tower
from chipwall.errors import ChipwallError

# model, width, height, tokens: counted by hand from the makers' image processors (transformers 5.24.0)
IMAGES = [
    # sides rounded to cells of 28 pixels: 37 x 37
    ("qwen2.5-vl-7b", 1024, 1024, 1369),
    ("qwen2.5-vl-72b", 1280, 720, 46 * 26),
    # no more than 12,845,056 pixels: 16,384 cells
    ("qwen2.5-vl-7b", 8000, 8000, 128 * 128),
    # cells of 32 pixels
    ("qwen3-vl-8b", 1024, 1024, 1024),
    ("qwen3-vl-235b-a22b", 1920, 1080, 60 * 34),
    # a fixed square
    ("gemma-3-27b", 4000, 500, 256),
    ("llava-1.5-7b", 1024, 768, 576),
    # a square of 2 x 2 tiles fills more than half of it; a thumbnail beside them; 256 tokens each
    ("internvl3-8b", 896, 896, 5 * 256),
    ("internvl3-8b", 448, 448, 256),
    ("llama-4-scout", 336, 336, 144),
    # 64 x 64 patches of 16 pixels and a token at the end of each row
    ("pixtral-12b", 1024, 1024, 64 * 64 + 64),
    # at most 280 tokens, whatever the size
    ("gemma-4-31b", 1024, 1024, 16 * 16),
]


@pytest.mark.parametrize(("model", "width", "height", "tokens"), IMAGES)
def test_tokens_of_an_image(model: str, width: int, height: int, tokens: int) -> None:
    tower = catalog.model(model).tower
    assert tower is not None
    assert tower.image(width, height).tokens == tokens


def test_more_pixels_are_never_fewer_tokens_and_bounds_hold() -> None:
    for model in catalog.load().models.values():
        if model.tower is None:
            continue
        counts = [model.tower.image(side, side).tokens for side in (64, 256, 640, 1024, 2048, 4096, 16384)]
        assert counts == sorted(counts), model.id
        assert counts[0] >= 1
        assert counts[-1] <= 20_000, model.id
        assert model.vision * 1.001 >= model.tower.layer_weights, model.id


def test_windows_and_bounds_of_a_plain_tower() -> None:
    plain = Tower(layers=2, hidden=64, ffn=256, heads=4, patch=10)
    assert plain.image(100, 50) == plain.image(101, 49)
    assert (plain.image(100, 50).tokens, plain.image(100, 50).patches, plain.image(100, 50).passes) == (50, 50, 1)
    assert plain.layer_weights == 2 * (4 * 64**2 + 2 * 64 * 256)


def test_names_with_a_colon() -> None:
    for name, found in (
        ("gemma3:27b", "gemma-3-27b"), ("gpt-oss:20b", "gpt-oss-20b"), ("qwen3:30b-a3b", "qwen3-30b-a3b"),
        ("llama3.3:70b", "llama-3.3-70b"), ("qwen2.5vl:7b", "qwen2.5-vl-7b"), ("bge-m3", "bge-m3"),
        ("BAAI/bge-reranker-v2-m3", "bge-reranker-v2-m3"), ("Qwen3-Embedding-8B", "qwen3-embedding-8b"),
        ("gemma-3-27b-it-qat", "gemma-3-27b"), ("GLM-5.3-FP8", "glm-5.3"), ("mistral-nemo", "mistral-nemo-12b"),
    ):  # fmt: skip
        assert catalog.model(name).id == found
    for name in ("llama3.2-vision:11b", "gemma9:27b", "bge-m9"):
        with pytest.raises(ChipwallError):
            catalog.model(name)


def test_what_writes_no_text_says_so() -> None:
    models = catalog.load().models
    assert {models[m].purpose for m in ("bge-m3", "all-minilm-l6-v2", "qwen3-embedding-8b", "e5-mistral-7b")} == {
        "embedding"
    }
    assert models["bge-reranker-v2-m3"].purpose == "reranker"
    assert models["bge-m3"].bidirectional
    assert not models["qwen3-embedding-8b"].bidirectional
    assert not models["qwen3-8b"].purpose
