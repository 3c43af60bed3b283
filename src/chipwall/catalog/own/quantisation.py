"""The quantisation block of a configuration as a :class:`~chipwall.catalog.records.Checkpoint`: format and wider parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipwall.catalog.own.reading import refusal
from chipwall.catalog.records import Checkpoint
from chipwall.text import text

__all__ = ["checkpoint_of", "plain_format"]

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32", "half": "fp16", "float": "fp32"}
# Which part a module belongs to, by what its name contains; the first that fits.
MODULES = (
    ("shared", ("shared_expert", "shared_mlp")),
    ("experts", (".experts", "block_sparse_moe", "moe.")),
    ("attention", ("attn", "attention", "mixer", "mamba", "q_proj", "k_proj", "v_proj", "o_proj", "kv_a_", "kv_b_")),
    ("dense", ("mlp", "gate_proj", "up_proj", "down_proj", "feed_forward", "ffn")),
)
# No part of the language model's matrices: always wide.
APART = ("lm_head", "embed", "router", "vision", "visual", "audio", "mm_projector", "multi_modal", "mtp")
GATES = re.compile(r"(mlp|moe|block_sparse_moe)\.(gate|router)$|gate\.(weight|e_score)|shared_expert_gate")


def plain_format(values: Mapping[str, Any]) -> str:
    """The 16- or 32-bit format of an unquantised file."""
    named = values.get("torch_dtype") or values.get("dtype") or "bfloat16"
    return DTYPES.get(str(named).removeprefix("torch."), "bf16")


def checkpoint_of(block: Mapping[str, Any], path: Path, *, layers: int, experts: str = "") -> Checkpoint:
    """The published copy that a quantisation block describes.

    Parameters
    ----------
    block : mapping
        ``quantization_config``, or ``quantization`` of a ``hf_quant_config.json``.
    path : Path
        The file, for messages.
    layers : int
        Layers of the model: a part whose modules are wide in half of them counts as wide [1].
    experts : str
        Format of routed experts where the configuration names one of their own.
    """
    method = str(block.get("quant_method") or block.get("quant_algo") or "").lower()
    found = _format(method, block)
    if not found:
        raise refusal(
            text("quantisation method '{method}' is not understood", method=method or "?"),
            path,
            text("Say the format instead, as precision: fp8, int4, nvfp4 and so on"),
        )
    wide = _wide_parts(block, layers)
    parts = dict.fromkeys(wide, "bf16")
    parts |= _wider_groups(block, layers)
    if experts:
        parts["experts"] = experts
    return Checkpoint(
        found, tuple(sorted((p, f) for p, f in parts.items() if f != found)), locator="quantization_config"
    )


def _format(method: str, block: Mapping[str, Any]) -> str:
    """Name of the storage format; empty where it is not understood."""
    bits = block.get("bits") or block.get("w_bit") or 4
    group = block.get("group_size") or block.get("q_group_size") or 128
    if method in ("awq", "gptq", "auto-round", "auto_round", "intel/auto-round", "awq_marlin", "gptq_marlin"):
        return _integer(bits, group)
    if method in ("fp8", "fbgemm_fp8"):
        return "fp8_block" if block.get("weight_block_size") else "fp8"
    if method == "mxfp4":
        return "mxfp4"
    if method in ("bitsandbytes", "bnb"):
        return "int8" if block.get("load_in_8bit") else "nf4"
    if method in (
        "compressed-tensors",
        "modelopt",
        "modelopt_fp4",
        "quark",
        "nvfp4",
        "modelopt_mixed",
        "mixed_precision",
    ):
        return _grouped(block)
    named = str(block.get("quant_algo") or "").lower().replace("-", "_")
    return {"fp8": "fp8", "nvfp4": "nvfp4", "fp8_pb_wo": "fp8_block", "w4a16_awq": "int4", "w4a8_awq": "int4"}.get(
        named, ""
    )


def _integer(bits: Any, group: Any) -> str:
    if bits == 4:
        return "int4_g32" if group == 32 else "int4"
    return "int8_weights" if bits == 8 else ""


def _grouped(block: Mapping[str, Any]) -> str:
    """Format of the narrowest group of weights."""
    named = str(block.get("quant_algo") or "").lower()
    if named in ("nvfp4", "fp8"):
        return named
    if named == "mixed_precision":
        return "nvfp4"
    formats = [f for f in map(_group_format, _groups(block)) if f]
    return min(formats, key=_narrowness, default="")


def _narrowness(name: str) -> int:
    return ("nvfp4", "mxfp4", "int4", "int4_g32", "fp8_block", "fp8", "int8", "int8_weights").index(name)


def _groups(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    groups = block.get("config_groups")
    if isinstance(groups, Mapping):
        return [g for g in groups.values() if isinstance(g, Mapping)]
    whole = block.get("global_quant_config")
    if isinstance(whole, Mapping):
        weight = whole.get("weight") or {}
        return [
            {"weights": {"num_bits": 4 if "4" in str(weight.get("dtype")) else 8, "type": "float", "group_size": 32}}
        ]
    return []


def _group_format(group: Mapping[str, Any]) -> str:
    weights = group.get("weights")
    if not isinstance(weights, Mapping):
        return ""
    bits, size = weights.get("num_bits"), weights.get("group_size")
    if weights.get("type") == "float":
        if bits == 4:
            return "nvfp4" if size == 16 else "mxfp4"
        return "fp8_block" if weights.get("strategy") == "block" else "fp8" if bits == 8 else ""
    if bits == 4:
        return "mxfp4" if "mxfp4" in str(group.get("format", "")) else _integer(4, size or 128)
    return "int8" if bits == 8 and group.get("input_activations") else "int8_weights" if bits == 8 else ""


def _part_of(module: str) -> str:
    name = module.lower()
    if any(word in name for word in APART) or GATES.search(name):
        return ""
    return next((part for part, words in MODULES if any(word in name for word in words)), "")


def _covered(modules: list[Any], layers: int) -> set[str]:
    """Parts of which the named modules cover at least half of the layers."""
    seen: dict[str, set[int]] = {}
    whole: set[str] = set()
    for module in modules[:100_000]:
        if not isinstance(module, str) or not (part := _part_of(module)):
            continue
        number = re.search(r"layers?\.(\d{1,5})", module)
        if number:
            seen.setdefault(part, set()).add(int(number[1]))
        elif any(mark in module for mark in ("*", "re:")) or "." not in module or part in ("shared", "attention"):
            whole.add(part)
    return whole | {part for part, numbers in seen.items() if 2 * len(numbers) >= layers}


def _wide_parts(block: Mapping[str, Any], layers: int) -> set[str]:
    names: list[Any] = []
    for key in ("ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers", "exclude"):
        value = block.get(key)
        names += value if isinstance(value, list) else []
    return _covered(names, layers)


def _wider_groups(block: Mapping[str, Any], layers: int) -> dict[str, str]:
    """Parts that a wider group of weights names by its targets."""
    narrow, found = _grouped(block) if block.get("config_groups") else "", {}
    for group in _groups(block):
        made, targets = _group_format(group), group.get("targets")
        if made and made != narrow and isinstance(targets, list):
            found.update(dict.fromkeys(_covered(targets, layers), made))
    return found
