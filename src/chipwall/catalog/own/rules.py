"""Which attention and which feed-forward block each layer has: the rules that ``configurations.toml`` names.

A rule of attention gives one word a layer: ``full``, ``window``, ``latent``, ``linear``, ``recurrent``, ``none`` or a
word of its own that :mod:`chipwall.catalog.own.model` turns into numbers (``compressed:4``, ``convolution``). A rule of
blocks gives ``dense``, ``experts`` or ``none``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chipwall.catalog.own.configuration import Configuration
from chipwall.text import text

__all__ = ["attention_kinds", "block_kinds"]

# What lists of layer types call the kinds.
WORDS = {
    "full_attention": "full", "attention": "full", "full": "full", "global": "full", "global_attention": "full",
    "sliding_attention": "window", "sliding_window": "window", "local": "window", "sliding": "window",
    "sliding_window_attention": "window", "chunked_attention": "window", "local_attention": "window",
    "linear_attention": "linear", "linear": "linear", "mamba": "recurrent", "mamba2": "recurrent", "conv": "convolution",
    "hybrid": "recurrent", "lightning": "linear",
}  # fmt: skip
SYMBOLS = {"M": "recurrent", "*": "full", "-": "none", "E": "none"}
BLOCK_SYMBOLS = {"M": "none", "*": "none", "-": "dense", "E": "experts"}
TYPE_NAMES = {"mamba": "M", "attention": "*", "moe": "E", "mlp": "-"}


def attention_kinds(c: Configuration, layers: int) -> list[str]:
    """The attention of each layer, by the rule of the configuration's record."""
    rule = c.record.get("attention", "plain")
    kinds = _ATTENTION[rule](c, layers)
    window = c.count("window")
    if "window" in kinds and not window and not c.raw("attention_chunk_size"):
        c.missing.add("sliding_window")
    return kinds


def block_kinds(c: Configuration, layers: int) -> list[str]:
    """The feed-forward block of each layer, by the rule of the configuration's record."""
    rule = c.record.get("blocks", "dense")
    return _BLOCKS[rule](c, layers)


# --- attention -------------------------------------------------------------------------------------------------------


def _plain(c: Configuration, n: int) -> list[str]:
    return ["full"] * n


def _window(c: Configuration, n: int) -> list[str]:
    """Every layer sees a window, where one is given that is shorter than the context."""
    window, context = c.count("window"), c.count("context")
    return ["window" if window and window < context else "full"] * n


def _late(c: Configuration, n: int) -> list[str]:
    """A window from some layer on, where it is switched on; else full attention everywhere."""
    if not c.flag("use_sliding_window") or not c.count("window"):
        return ["full"] * n
    first = c.count("max_window_layers") if c.raw("max_window_layers") is not None else n
    return ["full" if i < first else "window" for i in range(n)]


def _types(c: Configuration, n: int) -> list[str]:
    """A list of layer types; else one full layer in so many."""
    words = c.listed("layer_types", n) or c.listed("layers_block_type", n)
    if words is not None:
        words = [str(w) for w in words]
        unknown = sorted({w for w in words if w not in WORDS})
        if unknown:
            raise c.contradiction(text("unknown layer types: {names}", names=", ".join(unknown)[:80]))
        return [WORDS[w] for w in words]
    period = c.count("full_attention_interval")
    if period:
        return ["full" if (i + 1) % period == 0 else "linear" for i in range(n)]
    pattern = c.raw("sliding_window_pattern")
    if isinstance(pattern, str) and pattern:
        return ["full" if pattern[i % len(pattern)].upper() == "G" else "window" for i in range(n)]
    period = c.count("sliding_window_pattern")
    if period and c.count("window"):
        return ["full" if (i + 1) % period == 0 else "window" for i in range(n)]
    return ["full"] * n


def _alternate(c: Configuration, n: int) -> list[str]:
    return ["full" if i % 2 else "window" for i in range(n)]


def _chunked(c: Configuration, n: int) -> list[str]:
    """Rotary layers see a chunk, the others everything."""
    rotary = c.listed("no_rope_layers", n)
    if rotary is not None:
        return ["window" if flag else "full" for flag in rotary]
    period = c.count("no_rope_layer_interval") or 4
    return ["full" if (i + 1) % period == 0 else "window" for i in range(n)]


def _latent(c: Configuration, n: int) -> list[str]:
    return ["latent"] * n


def _ratios(c: Configuration, n: int) -> list[str]:
    """A ratio of compression for each layer; 0 sees the window alone."""
    ratios = c.listed("compress_ratios", n)
    if ratios is None:
        c.missing.add("compress_ratios")
        return ["window"] * n
    return [f"compressed:{int(r)}" if r else "window" for r in ratios]


def _lists(c: Configuration, n: int) -> list[str]:
    """Numbers of the layers of a kind, counted from one."""
    full = c.raw("linear_attn_config.full_attn_layers")
    if not isinstance(full, list):
        c.missing.add("linear_attn_config.full_attn_layers")
        full = []
    return ["latent" if i + 1 in full else "linear" for i in range(n)]


def _flags(c: Configuration, n: int) -> list[str]:
    """A list of flags: 1 is full attention among linear layers, 1 is a window among full ones."""
    linear = c.listed("attn_type_list", n) or c.listed("layer_types", n)
    if linear is not None:
        return ["full" if flag in (1, "full_attention") else "linear" for flag in linear]
    windows = c.listed("hybrid_layer_pattern", n)
    if windows is None:
        c.missing.add("hybrid_layer_pattern")
        return ["full"] * n
    return ["window" if flag else "full" for flag in windows]


def _symbols(c: Configuration, n: int) -> Sequence[str]:
    pattern = c.listed("hybrid_override_pattern", n) or c.listed("layers_block_type", n)
    if pattern is None:
        c.missing.add("hybrid_override_pattern")
        return "*" * n
    symbols = [TYPE_NAMES.get(str(s), str(s)) for s in pattern]
    unknown = sorted({s for s in symbols if s not in SYMBOLS})
    if unknown:
        raise c.contradiction(text("unknown layer types: {names}", names=", ".join(unknown)[:80]))
    return symbols


def _pattern(c: Configuration, n: int) -> list[str]:
    return [SYMBOLS[s] for s in _symbols(c, n)]


def _period(c: Configuration, n: int) -> list[str]:
    """One attention layer in so many, the others a state-space mixer."""
    period, offset = c.count("attn_layer_period") or 8, c.count("attn_layer_offset")
    return ["full" if i % period == offset else "mamba1" for i in range(n)]


def _groups(c: Configuration, n: int) -> list[str]:
    """Groups of linear layers that end in one of full attention."""
    size = c.count("layer_group_size") or 8
    return ["full" if (i + 1) % size == 0 or i == n - 1 else "linear" for i in range(n)]


def _recurrent(c: Configuration, n: int) -> list[str]:
    return ["recurrent"] * n


def _mamba1(c: Configuration, n: int) -> list[str]:
    return ["mamba1"] * n


def _parallel(c: Configuration, n: int) -> list[str]:
    return ["parallel"] * n


def _falcon(c: Configuration, n: int) -> list[str]:
    return ["falcon"] * n


def _mixed(c: Configuration, n: int) -> list[str]:
    """A record for each layer with the query heads of one key-value head; layers may lack attention."""
    found = []
    for block in c.listed("block_configs", n) or ():
        part = block.get("attention", {}) if isinstance(block, dict) else {}
        found.append("none" if part.get("no_op") or part.get("replace_with_linear") else "full")
    if not found:
        c.missing.add("block_configs")
    return found or ["full"] * n


def _refused(c: Configuration, n: int) -> list[str]:
    raise c.contradiction(
        text("model_type '{name}' shares blocks between layers, which no record describes", name=c.name)
    )


_ATTENTION: dict[str, Callable[[Configuration, int], list[str]]] = {
    "plain": _plain, "window": _window, "late": _late, "types": _types, "alternate": _alternate, "chunked": _chunked,
    "latent": _latent, "ratios": _ratios, "lists": _lists, "flags": _flags, "pattern": _pattern, "period": _period,
    "groups": _groups, "recurrent": _recurrent, "mamba1": _mamba1, "parallel": _parallel, "falcon": _falcon, "mixed": _mixed,
    "refused": _refused,
}  # fmt: skip


# --- feed-forward blocks ---------------------------------------------------------------------------------------------


def _dense(c: Configuration, n: int) -> list[str]:
    return ["dense"] * n


def _none(c: Configuration, n: int) -> list[str]:
    return ["none"] * n


def _all(c: Configuration, n: int) -> list[str]:
    return ["experts"] * n


def _all_if(c: Configuration, n: int) -> list[str]:
    return ["experts" if c.count("experts") else "dense"] * n


def _leading(c: Configuration, n: int) -> list[str]:
    """Some dense layers first, then experts; or a flag for each layer."""
    if not c.count("experts"):
        return ["dense"] * n
    flags = c.listed("moe_layer_freq", n) or c.listed("mlp_layer_types", n)
    if flags is not None:
        return ["experts" if flag in (1, "sparse", "moe") else "dense" for flag in flags]
    first, period = c.count("leading_dense"), c.count("moe_layer_freq") or c.count("moe_layer_interval") or 1
    return ["experts" if i >= first and i % period == 0 else "dense" for i in range(n)]


def _step(c: Configuration, n: int) -> list[str]:
    """Experts in every so many layers, less those listed as dense."""
    if not c.count("experts"):
        return ["dense"] * n
    step = c.count("decoder_sparse_step") or 1
    dense = c.raw("mlp_only_layers") or ()
    if not isinstance(dense, list | tuple):
        raise c.contradiction(text("{key} is not a list", key="mlp_only_layers"))
    return ["experts" if i not in dense and (i + 1) % step == 0 else "dense" for i in range(n)]


def _interleaved(c: Configuration, n: int) -> list[str]:
    """Experts in every so many layers, or in those listed."""
    listed = c.raw("moe_layers")
    if isinstance(listed, list) and listed:
        return ["experts" if i in listed else "dense" for i in range(n)]
    step = c.count("interleave_moe_layer_step") or 1
    return ["experts" if (i + 1) % step == 0 else "dense" for i in range(n)]


def _listed(c: Configuration, n: int) -> list[str]:
    """Numbers of the expert layers as a list or as words with commas; else leading dense layers."""
    found = c.raw("moe_layers_enum") or c.raw("moe_layers")
    if isinstance(found, str):
        found = [int(word) for word in found.split(",") if word.strip().isdigit()]
    if isinstance(found, list) and found:
        return ["experts" if i in found else "dense" for i in range(n)]
    return _leading(c, n)


def _block_pattern(c: Configuration, n: int) -> list[str]:
    return [BLOCK_SYMBOLS[s] for s in _symbols(c, n)]


def _block_period(c: Configuration, n: int) -> list[str]:
    if not c.count("experts"):
        return ["dense"] * n
    period, offset = c.count("expert_layer_period") or 2, c.count("expert_layer_offset")
    return ["experts" if i % period == offset else "dense" for i in range(n)]


_BLOCKS: dict[str, Callable[[Configuration, int], list[str]]] = {
    "dense": _dense, "none": _none, "all": _all, "all_if": _all_if, "leading": _leading, "step": _step,
    "interleaved": _interleaved, "listed": _listed, "pattern": _block_pattern, "period": _block_period,
    "beside": _all_if, "doubled": _all, "mixed": _dense,
}  # fmt: skip
