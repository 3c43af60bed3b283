"""Models that a person brings: public configurations against published counts, and whatever can be wrong with a file."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipwall import catalog
from chipwall.catalog.own.configuration import known_types
from chipwall.catalog.own.model import model_at
from chipwall.errors import ChipwallError
from chipwall.perf.formats import FORMATS, weight_bytes

ROWS = [json.loads(line) for line in (Path(__file__).parent / "configurations.jsonl").read_text().splitlines()]
KNOWN = {m.hf_id.casefold(): m for m in catalog.load().models.values() if m.hf_id and not m.refusal}


def written(folder: Path, config: object, name: str = "config.json") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(config if isinstance(config, str) else json.dumps(config))
    return folder


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r["hf_id"])
def test_public_configurations_give_the_published_counts(row: dict[str, Any], tmp_path: Path) -> None:
    model = model_at(str(written(tmp_path / "model", row["config"])))
    assert float(model.architecture.weights) == pytest.approx(row["parameters"], rel=0.035)
    assert model.default_dtype in FORMATS
    assert {f for c in model.checkpoints for _, f in c.parts} <= set(FORMATS)
    if row["bytes"]:
        assert weight_bytes(model, model.default_dtype) == pytest.approx(row["bytes"], rel=0.04)


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["hf_id"].casefold() in KNOWN and not r["partial"]], ids=lambda r: r["hf_id"]
)
def test_the_catalogue_has_the_layers_of_the_configuration(row: dict[str, Any], tmp_path: Path) -> None:
    """One model, brought or looked up, is one shape."""
    ours, theirs = (
        KNOWN[row["hf_id"].casefold()].architecture,
        model_at(str(written(tmp_path / "m", row["config"]))).architecture,
    )
    assert float(ours.weights) == pytest.approx(float(theirs.weights), rel=0.006)  # towers are counted more finely
    assert float(ours.active_weights) == pytest.approx(float(theirs.active_weights), rel=1e-3)
    for context in (1000.0, 20_000.0):
        assert float(ours.cache_bytes(context)) == pytest.approx(float(theirs.cache_bytes(context)))
        assert float(ours.flops(context)) == pytest.approx(float(theirs.flops(context)), rel=1e-3)
    assert float(ours.state_bytes()) == pytest.approx(float(theirs.state_bytes()))


def test_there_are_enough_of_both() -> None:
    assert len(known_types()) >= 60
    assert len(ROWS) >= 60
    assert sum(r["use"] == "judge" for r in ROWS) >= len(ROWS) / 3
    assert all(r["address"] for r in ROWS)


LLAMA = next(r["config"] for r in ROWS if r["hf_id"] == "meta-llama/Llama-3.1-8B-Instruct")


def changed(**fields: object) -> dict[str, object]:
    return {k: v for k, v in {**LLAMA, **fields}.items() if v != "leave out"}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "no JSON object"),
        ("", "not valid JSON"),
        ({"hidden_size": 4096}, "names no model_type"),
        (changed(model_type="transformer_9000"), "is not understood"),
        (
            changed(num_hidden_layers="leave out", vocab_size="leave out"),
            "missing num_hidden_layers, padded_vocab_size",
        ),
        (changed(hidden_size=-4096), "is not a whole number"),
        (changed(hidden_size="wide"), "is not a whole number"),
        (changed(hidden_size=10**30), "is not a whole number"),
        (changed(hidden_size=True), "is not a whole number"),
        (changed(num_key_value_heads=5), "do not divide"),
        (changed(num_attention_heads=33, num_key_value_heads=33), "no head_dim"),
        (changed(num_hidden_layers=100_000), "more than any model"),
        (changed(model_type="gemma3_text", layer_types=["full_attention"]), "1 entries for 32 layers"),
        (changed(model_type="gemma3_text", layer_types=["strange"] * 32), "unknown layer types"),
        (changed(model_type="mixtral", num_local_experts=4, num_experts_per_tok=8), "8 experts of a token"),
        (changed(quantization_config={"quant_method": "magic"}), "not understood"),
        ('{"model_type": "llama", "model_type": "qwen2"}', "given twice"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested too deeply"),
        ('{"a":' * 100 + "1" + "}" * 100, "nested too deeply"),
        ('{"model_type": "llama", "hidden_size": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
    ids=lambda v: str(v)[:40] if isinstance(v, str) else "config",
)
def test_bad_configurations_are_told_in_three_lines(config: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(ChipwallError) as told:
        model_at(str(written(tmp_path / "m", config)))
    assert says in str(told.value)
    assert len(told.value.lines()) <= 3


def test_paths_that_are_no_models(tmp_path: Path, run: Callable[..., Any]) -> None:
    for path in (tmp_path, tmp_path / "nothing.json", tmp_path / "nothing.gguf"):
        with pytest.raises(ChipwallError):
            model_at(str(path))
    large = tmp_path / "large.json"
    large.write_bytes(b"{" + b" " * (9 << 20) + b"}")
    with pytest.raises(ChipwallError, match="larger than"):
        model_at(str(large))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ChipwallError, match="not text"):
        model_at(str(tmp_path / "bytes.json"))
    got = run("model", str(tmp_path / "nothing.json"))
    assert got.status == 2
    assert len(got.err.strip().splitlines()) <= 3


def shard(path: Path, tensors: dict[str, dict[str, object]]) -> None:
    header = json.dumps(tensors).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def tensor(dtype: str, shape: list[int], size: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}


def test_the_tensors_of_a_folder_settle_the_size(tmp_path: Path) -> None:
    folder = written(tmp_path / "m", LLAMA)
    shard(
        folder / "model.safetensors",
        {"__metadata__": {}, "a": tensor("BF16", [16_060_522_496 // 2 // 1000, 1000], 16_060_522_000)},
    )
    model = model_at(str(folder))
    assert weight_bytes(model, "bf16") == pytest.approx(16_060_522_000)
    written(
        folder,
        {"metadata": {"total_size": 16_060_522_496}, "weight_map": {"a": "gone.safetensors"}},
        "model.safetensors.index.json",
    )
    assert weight_bytes(model_at(str(folder)), "bf16") == pytest.approx(16_060_522_496)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"a": tensor("Q17", [2], 4)}, "unknown type 'Q17'"),
        ({"a": tensor("BF16", [2, 2], 4)}, "contradict each other"),
        ({"a": {"dtype": "BF16", "shape": [2]}}, "has no"),
        ({"a": [1]}, "not described"),
    ],
)
def test_bad_tensors_are_refused(tensors: dict[str, Any], says: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "m", LLAMA)
    shard(folder / "model.safetensors", tensors)
    with pytest.raises(ChipwallError, match=says):
        model_at(str(folder))


@pytest.mark.parametrize(
    "index",
    [
        {},
        {"weight_map": {"a": "../../secret"}},
        {"weight_map": {"a": "x.safetensors"}, "metadata": {"total_size": "much"}},
    ],
)
def test_bad_indices_are_refused(index: dict[str, Any], tmp_path: Path) -> None:
    folder = written(written(tmp_path / "m", LLAMA), index, "model.safetensors.index.json")
    with pytest.raises(ChipwallError):
        model_at(str(folder))


def test_tensors_of_another_model_are_noticed(tmp_path: Path) -> None:
    folder = written(tmp_path / "m", LLAMA)
    written(
        folder, {"metadata": {"total_size": 2_000_000_000}, "weight_map": {"a": "x"}}, "model.safetensors.index.json"
    )
    with pytest.raises(ChipwallError, match="tensors hold"):
        weight_bytes(model_at(str(folder)), "bf16")


def gguf(path: Path, pairs: dict[str, object], tensors: dict[str, tuple[tuple[int, ...], int]]) -> Path:
    def word(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    content = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    for key, value in pairs.items():
        content += word(key)
        if isinstance(value, str):
            content += struct.pack("<I", 8) + word(value)
        elif isinstance(value, list):
            content += struct.pack("<IIQ", 9, 8, len(value)) + b"".join(word(v) for v in value)
        else:
            content += struct.pack("<II", 4, value)
    for name, (shape, kind) in tensors.items():
        content += word(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        content += struct.pack("<IQ", kind, 0)
    path.write_bytes(content)
    return path


PAIRS: dict[str, object] = {
    "general.architecture": "llama", "general.name": "Llama 3.1 8B", "general.file_type": 15, "llama.block_count": 32,
    "llama.embedding_length": 4096, "llama.feed_forward_length": 14336, "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8, "llama.context_length": 131072, "tokenizer.ggml.tokens": ["a", "b"],
}  # fmt: skip
# all weights but embedding and head in one tensor of 4.5 bits: the sizes are the file's, whatever their names
TENSORS = {
    "token_embd.weight": ((4096, 128256), 12),
    "output.weight": ((4096, 128256), 14),
    "blk": ((4096, 1_703_936), 12),
}


def test_a_gguf_header_is_a_model_with_its_exact_size(tmp_path: Path) -> None:
    model = model_at(str(gguf(tmp_path / "m.gguf", PAIRS, TENSORS)))
    assert (model.name, model.default_dtype) == ("Llama-3.1-8B", "q4_k_m")
    assert float(model.architecture.weights) == pytest.approx(8.03e9, rel=0.002)
    size = 4096 * (128256 * (144 + 210) + 1_703_936 * 144) / 256
    assert weight_bytes(model, "q4_k_m") == pytest.approx(size)


@pytest.mark.parametrize(
    ("pairs", "tensors", "says"),
    [
        ({**PAIRS, "general.architecture": "alien"}, TENSORS, "not understood"),
        ({k: v for k, v in PAIRS.items() if "block_count" not in k}, TENSORS, "missing num_hidden_layers"),
        (PAIRS, {"a": ((4,), 99)}, "unknown type '99'"),
    ],
)
def test_bad_gguf_headers(pairs: dict[str, Any], tensors: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ChipwallError, match=says):
        model_at(str(gguf(tmp_path / "m.gguf", pairs, tensors)))


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"nope", b"GGUF" + b"\xff" * 60, b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + b"\xff" * 9]
)
def test_damaged_gguf_files(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(ChipwallError):
        model_at(str(tmp_path / "m.gguf"))


MODEL_FILE = """
[[model]]
name = "Mine"
hidden = 1024
vocab = 32000
tied_embeddings = true
max_context = 8192
default_dtype = "bf16"

[[model.layers]]
count = 12
attention = "full"
heads = 16
kv_heads = 4
head_dim = 64
feed_forward = "dense"
ffn = 4096
"""


def test_a_model_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MODEL_FILE)
    model = model_at(str(path))
    assert (model.id, model.name) == ("mine", "Mine")
    assert float(model.architecture.weights) == 32000 * 1024 + 12 * (1024 * (16 + 8 + 16) * 64 + 3 * 1024 * 4096)
    for bad, says in (("heads = 16", "need heads"), ("count = 12", "count"), ("[[model]]\n", "")):
        path.write_text(MODEL_FILE.replace(bad, "", 1))
        with pytest.raises(ChipwallError) as told:
            model_at(str(path))
        assert says in str(told.value)


@pytest.mark.parametrize(
    ("name", "model", "stored"),
    [
        ("Qwen/Qwen3-235B-A22B-FP8", "qwen3-235b-a22b", "fp8"),
        ("QWEN/qwen3-8b-awq", "qwen3-8b", "int4"),
        ("openai/gpt-oss-120b", "gpt-oss-120b", "mxfp4"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "qwen2.5-32b", "bf16"),
        ("nvidia/DeepSeek-V3.1-NVFP4", "deepseek-v3.1", "nvfp4"),
        ("unsloth/Llama-3.1-8B-Instruct-bnb-4bit", "llama-3.1-8b", "nf4"),
        ("RedHatAI/Llama-3.1-405B-Instruct-FP8-dynamic", "llama-3.1-405b", "fp8"),
        ("moonshotai/Kimi-K2-Instruct-0905", "kimi-k2", "fp8"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b", "bf16"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b", "bf16"),
        ("moonshotai/Kimi-K2-Thinking", "kimi-k2", "int4"),
        ("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4", "nemotron-3-super-120b-a12b", "nvfp4"),
        ("deepseek-ai/DeepSeek-V3.2-Exp", "deepseek-v3.2", "fp8"),
        ("TheBloke/Llama-2-13B-chat-GPTQ", "llama-2-13b", "int4"),
    ],
)
def test_names_of_model_hubs(name: str, model: str, stored: str) -> None:
    found = catalog.model(name)
    assert (found.id, found.default_dtype) == (model, stored)


def test_every_hub_name_of_the_catalogue_is_accepted_in_any_case() -> None:
    for model in catalog.load().models.values():
        if model.hf_id:
            same = catalog.model(model.hf_id.swapcase())
            assert same.layers == model.layers, model.hf_id


def test_a_size_in_the_name_is_never_dropped() -> None:
    for name in ("Qwen2.5-VL-70B-Instruct", "Llama-5-9B-Instruct", "gpt-oss-200b"):
        with pytest.raises(ChipwallError, match=r"config\.json"):
            catalog.model(name)
