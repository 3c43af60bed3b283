"""The numbers of one layer from a configuration: what each kind of attention and of feed-forward block reads from the keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chipwall.catalog.own.configuration import Configuration
from chipwall.text import text

__all__ = ["attention_fields", "block_fields", "kinds_apart"]

Fields = dict[str, Any]


def attention_fields(c: Configuration, kind: str, layer: int) -> Fields:
    """Fields of :class:`~chipwall.catalog.layers.Layers` for the attention of one layer."""
    name, _, ratio = kind.partition(":")
    if name == "compressed":
        return _compressed(c, int(ratio))
    found = _ATTENTION[name](c, name, layer)
    if c.record.get("attention") == "ratios" and name == "window":
        return _compressed(c, 0)
    return found


def kinds_apart(kind: str) -> tuple[str, ...]:
    """A kind that stands for two attentions of one layer, as both."""
    return ("full", "recurrent") if kind == "parallel" else (kind,)


def _heads(c: Configuration, kind: str, layer: int) -> Fields:
    hidden = c.count("hidden")
    each = c.raw("num_attention_heads_per_layer")
    listed = isinstance(each, list) and layer < len(each) and isinstance(each[layer], int)
    heads = each[layer] if listed else c.count("heads", kind)
    if not heads or heads < 0:
        c.needed("heads")
        return {"attention": kind}
    width = c.count("head_dim", kind)
    if not width and hidden % heads:
        raise c.contradiction(text("{hidden} wide, {heads} heads and no head_dim", hidden=hidden, heads=heads))
    width = width or hidden // heads
    keys = _key_heads(c, kind, layer, heads)
    if not keys or heads % keys:
        raise c.contradiction(text("{keys} key-value heads do not divide {heads} heads", keys=keys, heads=heads))
    found = {"attention": kind, "heads": heads, "kv_heads": keys, "head_dim": width}
    value = c.count("value_dim", kind)
    if value and value != width:
        found["value_dim"] = value
    if kind == "window":
        found["window"] = c.count("window") or c.count("attention_chunk_size")
    return found | _gates(c, heads, value or width) | _shared_keys(c, kind, layer) | _sparse(c, layer)


def _key_heads(c: Configuration, kind: str, layer: int, heads: int) -> int:
    if c.record.get("heads_are_keys"):
        return heads
    blocks = c.raw("block_configs")
    if isinstance(blocks, list) and layer < len(blocks) and isinstance(blocks[layer], dict):
        group = blocks[layer].get("attention", {}).get("n_heads_in_group")
        return heads // group if isinstance(group, int) and group > 0 else heads
    if c.record.get("attention") == "falcon" and not c.flag("new_decoder_architecture"):
        return 1 if c.flag("multi_query", True) else heads
    return c.count("kv_heads", kind) or heads


def _gates(c: Configuration, heads: int, width: int) -> Fields:
    gate = c.record.get("gate")
    if gate == "width" and c.flag("attn_output_gate", True):
        return {"gate": heads * width}
    return {"gate": heads} if gate == "heads" else {}


def _shared_keys(c: Configuration, kind: str, layer: int) -> Fields:
    found: Fields = {}
    for key in c.record.get(kind, {}).get("shared_keys", ()):
        if c.flag(key):
            found["shared_keys"] = True
    if _borrows(c, layer):
        found["keeps"] = False
    return found


def _borrows(c: Configuration, layer: int) -> bool:
    """Whether a layer reads the cache of an earlier one."""
    count = c.count("num_kv_shared_layers")
    return bool(count) and layer >= c.count("layers") - count


def _sparse(c: Configuration, layer: int) -> Fields:
    """Attention over chosen blocks of keys."""
    flags = c.raw("sparse_attention_config.sparse_attention_freq")
    if not isinstance(flags, list) or layer >= len(flags) or not flags[layer]:
        return {}
    at = "sparse_attention_config."
    return {
        "index_heads": c.count(at + "sparse_num_index_heads"),
        "index_dim": c.count(at + "sparse_index_dim"),
        "index_keys": c.count(at + "sparse_topk_blocks") * c.count(at + "sparse_block_size"),
    }


def _latent(c: Configuration, kind: str, layer: int) -> Fields:
    heads, rank, rotary, content = c.needed("heads", "latent_rank", "rotary", "content")
    value = c.count("value_dim") or (c.count("hidden") // heads if heads and c.name == "minicpm3" else 0)
    if not value:
        c.needed("value_dim")
    found = {
        "attention": "latent", "heads": heads, "head_dim": content + rotary, "value_dim": value, "latent_rank": rank,
        "rotary": rotary, "query_rank": c.count("query_rank"),
    }  # fmt: skip
    if c.flag("mla_use_output_gate"):
        found["gate"] = heads * value
    if c.count("index_keys"):
        types = c.raw("indexer_types")
        shared = isinstance(types, list) and layer < len(types) and types[layer] == "shared"
        found["index_keys"] = c.count("index_keys")
        if not shared:
            found |= {"index_heads": c.count("index_heads"), "index_dim": c.count("index_dim")}
    return found


def _compressed(c: Configuration, ratio: int) -> Fields:
    """One vector for key and value, entries joined ``ratio`` at a time beside a window of single ones."""
    hidden = c.count("hidden")
    heads, width, query = c.needed("heads", "head_dim", "query_rank")
    found: Fields = {
        "attention": "full" if ratio else "window", "heads": heads, "kv_heads": 1, "head_dim": width, "one_vector": True,
        "query_rank": query, "output_rank": c.count("output_rank"), "output_groups": c.count("output_groups"),
    }  # fmt: skip
    window = c.count("window")
    if not ratio:
        return found | {"window": window}
    # entries that overlap are made from twice as many values; each is weighed by a gate
    joined = 2 if ratio <= 4 else 1
    found |= {"compression": ratio, "near": window, "other": 2 * joined * hidden * width}
    if ratio <= 4:
        index = c.count("index_dim")
        found |= {"index_heads": c.count("index_heads"), "index_dim": index, "index_keys": c.count("index_keys")}
        found["other"] += 2 * joined * hidden * index
    return found


def _linear(c: Configuration, kind: str, layer: int) -> Fields:
    hidden, convolution = c.count("hidden"), c.count("convolution")
    if c.raw("linear_attn_config") is not None:
        heads, width = c.needed("linear_values", "linear_key_dim")
        full = c.flag("linear_attn_config.use_full_rank_gate")
        low = hidden * width + width * heads * width
        return {
            "attention": "linear", "heads": heads, "kv_heads": heads, "head_dim": width, "value_dim": width,
            "gate": heads + (heads * width if full else 0), "convolution": convolution, "other": low if full else 2 * low,
        }  # fmt: skip
    if c.raw("linear_num_value_heads") is not None:
        keys, values, key, value = c.needed("linear_keys", "linear_values", "linear_key_dim", "linear_value_dim")
        return {
            "attention": "linear", "heads": values, "kv_heads": keys, "head_dim": key, "value_dim": value,
            "gate": values * value + 2 * values, "convolution": convolution,
        }  # fmt: skip
    plain = _heads(c, "full", layer)
    heads, width = plain.get("heads", 0), plain.get("head_dim", 0)
    return {
        "attention": "linear", "heads": heads, "kv_heads": heads, "head_dim": width, "value_dim": width,
        "gate": heads * width,
    }  # fmt: skip


def _recurrent(c: Configuration, kind: str, layer: int) -> Fields:
    state, groups = c.count("state", kind), max(c.count("state_groups", kind), 1)
    width = c.count("state_width") or c.count("expand") * c.count("hidden")
    heads, each = (
        c.count("state_heads", kind),
        c.count("state_head_dim", kind) if c.raw("mamba_d_head") != "auto" else 0,
    )
    heads = heads or (width // each if each else 0)
    each = each or (width // heads if heads else 0)
    if not (state and heads and each):
        c.missing.update({"mamba_num_heads", "mamba_head_dim", "ssm_state_size"})
    return {
        "attention": "recurrent", "heads": heads, "kv_heads": groups, "head_dim": state, "value_dim": each,
        "gate": heads * each + heads, "convolution": c.count("convolution"),
    }  # fmt: skip


def _mamba1(c: Configuration, kind: str, layer: int) -> Fields:
    """The first state-space mixer: a state for every channel, its step through a low rank."""
    hidden, state = c.count("hidden"), c.count("state")
    inner = c.count("state_width") or c.count("expand") * hidden
    given = next((c.raw(key) for key in ("time_step_rank", "mamba_dt_rank") if isinstance(c.raw(key), int)), None)
    rank = given or math.ceil(hidden / 16)
    if not (state and inner):
        c.missing.update({"expand", "state_size"})
    other = inner * (rank + 2 * state) + rank * inner + inner * state - 2 * state * hidden
    return {
        "attention": "recurrent", "heads": inner, "kv_heads": 1, "head_dim": state, "value_dim": 1, "gate": inner,
        "convolution": c.count("convolution"), "other": max(other, 0),
    }  # fmt: skip


def _convolution(c: Configuration, kind: str, layer: int) -> Fields:
    """A gated short convolution: three projections in, one out."""
    hidden = c.count("hidden")
    return {
        "attention": "recurrent", "heads": hidden, "kv_heads": 1, "head_dim": 1, "value_dim": 1, "gate": 2 * hidden,
        "convolution": c.count("convolution"),
    }  # fmt: skip


def _no_attention(c: Configuration, kind: str, layer: int) -> Fields:
    return {}


def _falcon(c: Configuration, kind: str, layer: int) -> Fields:
    return _heads(c, "full", layer)


_ATTENTION: dict[str, Callable[[Configuration, str, int], Fields]] = {
    "full": _heads, "window": _heads, "falcon": _falcon, "latent": _latent, "linear": _linear, "recurrent": _recurrent,
    "mamba1": _mamba1, "convolution": _convolution, "none": _no_attention,
}  # fmt: skip


# --- feed-forward blocks ---------------------------------------------------------------------------------------------


def block_fields(c: Configuration, kind: str, layer: int) -> Fields:
    """Fields of :class:`~chipwall.catalog.layers.Layers` for the feed-forward block of one layer."""
    gated = {} if c.record.get("gated", True) else {"gated": False}
    if kind == "none":
        return {}
    return (_experts(c) if kind == "experts" else _dense(c, layer)) | gated


def _dense(c: Configuration, layer: int) -> Fields:
    blocks = c.raw("block_configs")
    if isinstance(blocks, list) and layer < len(blocks) and isinstance(blocks[layer], dict):
        part = blocks[layer].get("ffn", {})
        if part.get("no_op"):
            return {}
        # the library rounds two thirds of the multiple up to 256
        width = int(2 * float(part.get("ffn_mult") or 0) * c.count("hidden") / 3)
        return {"feed_forward": "dense", "ffn": -(-width // 256) * 256}
    width = c.count("ffn", "dense") or c.record.get("wide", 0) * c.count("hidden")
    if not width:
        c.needed("ffn")
    width = width // 2 if c.record.get("halved") else width
    shared = _borrows(c, layer) and c.flag("use_double_wide_mlp")
    return {"feed_forward": "dense", "ffn": 2 * width if shared else width}


def _experts(c: Configuration) -> Fields:
    experts, top_k = c.needed("experts", "top_k")
    if top_k > experts:
        raise c.contradiction(text("{top_k} experts of a token, but {experts} in all", top_k=top_k, experts=experts))
    width = c.count("expert_ffn") or c.count("ffn")
    if not width:
        c.needed("expert_ffn")
    shared = c.count("shared_ffn") or (c.count("shared_count") or c.record.get("shared", 0)) * width
    if c.record.get("blocks") == "beside":
        shared += c.count("ffn")
    return {
        "feed_forward": "experts", "experts": experts, "top_k": top_k, "expert_ffn": width, "shared_ffn": shared,
        "expert_dim": c.count("expert_dim"), "idle_experts": c.count("idle_experts"),
    }  # fmt: skip
