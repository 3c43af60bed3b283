"""The vision tower of a configuration: its widths from ``vision_config``, its rule of tokens from ``configurations.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chipwall.catalog.own.configuration import Configuration, tower_rules
from chipwall.catalog.tower import Tower

__all__ = ["tower_of", "vision_weights"]

# No tower is wider or deeper than this; what is, is no tower [1].
WIDEST = 1e5


def _number(tower: Mapping[str, Any], *keys: str) -> float:
    """The first of the keys that holds a number within reason [1]; of a pair alike, one of the two."""
    for key in keys:
        value = tower.get(key)
        if isinstance(value, list) and value and all(v == value[0] for v in value):
            value = value[0]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) if 0 <= float(value) <= WIDEST else 0.0
    return 0.0


def _shape(c: Configuration) -> tuple[Mapping[str, Any], float, float, float]:
    """The block of the tower, its layers, width and feed-forward width [1]; zeros where there is none."""
    tower = c.outer.get("vision_config")
    if not isinstance(tower, Mapping):
        return {}, 0.0, 0.0, 0.0
    hidden = _number(tower, "hidden_size", "width", "embed_dim", "vt_hidden_size")
    inner = _number(tower, "intermediate_size", "vt_intermediate_size") or _number(tower, "mlp_ratio") * hidden
    if tower.get("model_type") == "qwen2_vl" or (not inner and "embed_dim" in tower):
        hidden = _number(tower, "embed_dim")
        inner = _number(tower, "mlp_ratio") * hidden
    if str(tower.get("model_type", "")).startswith("glm4v"):  # states the width of its head beside that of its layers
        inner = _number(tower, "out_hidden_size")
    return tower, _number(tower, "num_hidden_layers", "depth", "layers", "vt_num_hidden_layers"), hidden, inner


def _rule(c: Configuration) -> Mapping[str, Any]:
    """The rule of tokens of the file's kind; empty where it is not known."""
    names = (c.outer.get("model_type"), c.name)
    return next((rule for name in names if (rule := tower_rules().get(str(name).lower()))), {})


def vision_weights(c: Configuration) -> float:
    """Weights of a vision tower by its widths, and of the layer that joins its patches [1]; 0 where there is none."""
    tower, layers, hidden, inner = _shape(c)
    if not hidden:
        return 0.0
    matrices = 3.0 if _rule(c).get("gated") else 2.0
    merge = _number(tower, "spatial_merge_size", "merge_size") or float(c.count("spatial_merge_size")) or 1.0
    joined = hidden * merge**2
    out = _number(tower, "out_hidden_size") if not str(tower.get("model_type", "")).startswith("glm4v") else 0.0
    out = out or float(c.count("hidden"))
    return layers * (4.0 * hidden**2 + matrices * hidden * inner) + joined**2 + joined * out


def tower_of(c: Configuration) -> Tower | None:
    """The tower with its rule of tokens; None where there is none, or where the rule is not known."""
    tower, layers, hidden, inner = _shape(c)
    rule = dict(_rule(c))
    rule.pop("names", None)
    patch = _number(tower, "patch_size")
    if not (hidden and layers and inner and patch and rule):
        return None
    heads = _number(tower, "num_heads", "num_attention_heads", "vt_num_attention_heads") or 16.0
    merge = _number(tower, "spatial_merge_size", "merge_size") or float(c.count("spatial_merge_size"))
    whole = tower.get("fullatt_block_indexes")
    found: dict[str, Any] = {"merge": int(merge) or 1, **rule}
    if isinstance(whole, list) and (side := _number(tower, "window_size")):
        found |= {"window": int(side // patch) ** 2, "whole": len(whole)}
    if rule.get("longest") == 0:
        found["longest"] = int(_number(tower, "image_size"))
    return Tower(int(layers), int(hidden), int(inner), int(heads), int(patch), **found)
