"""What follows from a model's dimensions by arithmetic: parameter counts and the shape of its attention.

The data check compares the counts with the published ones; the performance model builds its operators from the same
functions, so a model has one shape in the whole house.
"""

from __future__ import annotations

import re

from chipwall.catalog.records import LanguageModel
from chipwall.errors import Unknown
from chipwall.text import text

__all__ = [
    "active_parameter_count",
    "attention_parameters",
    "dense_mlp_parameters",
    "embedding_parameters",
    "expert_parameters",
    "full_attention_share",
    "head_width",
    "is_latent",
    "moe_layers",
    "needed",
    "parameter_count",
]


def needed(model: LanguageModel, *names: str) -> tuple[int, ...]:
    """Dimensions that a formula cannot do without [1]; raises :class:`Unknown` naming those that are missing."""
    missing = [n for n in names if getattr(model, n) is None]
    if missing:
        raise Unknown(
            text("{model}: {names} not known", model=model.name, names=", ".join(missing)),
            fix=text("See what is known: chipwall model {model}", model=model.id),
        )
    return tuple(int(getattr(model, n)) for n in names)


def is_latent(model: LanguageModel) -> bool:
    """Whether keys and values are kept as one latent vector per token (multi-head latent attention)."""
    return model.kv_lora_rank is not None


def head_width(model: LanguageModel) -> int:
    """Width of one attention head [1]; hidden / heads where it is not stated."""
    if model.head_dim is not None:
        return model.head_dim
    hidden, heads = needed(model, "hidden", "heads")
    return hidden // heads


def full_attention_share(model: LanguageModel) -> float | None:
    """Share of the layers whose attention sees the whole context [1]; None where the source does not say.

    The others see a sliding window, or keep a linear-attention state whose size does not grow with the context.
    Read from the pattern that the source's own words give: ``5:1`` is one full layer in six, ``alternating`` is one in
    two, ``every 4th`` is one in four.
    """
    words = model.attention
    if ratio := re.search(r"(\d+):1", words):
        return 1 / (int(ratio[1]) + 1)
    if "every 4th" in words:
        return 0.25
    if counts := re.search(r"\((\d+)\).*\((\d+)\)", words):
        return int(counts[2]) / (int(counts[1]) + int(counts[2]))
    if "alternating" in words and model.sliding_window:
        return 0.5
    mixed = any(w in words for w in ("hybrid", "global", "compressed", "+ sliding"))
    if mixed:
        return None
    context = model.max_context or 0
    if model.sliding_window and (not context or model.sliding_window < context):
        return 0.0
    return 1.0


def embedding_parameters(model: LanguageModel) -> float:
    """Token embedding and output head [1]; one table where they are tied."""
    vocab, hidden = needed(model, "vocab", "hidden")
    return float(vocab) * hidden * (1 if model.tied_embeddings else 2)


def attention_parameters(model: LanguageModel) -> float:
    """Weights of the attention of one layer, biases left out [1]."""
    hidden, heads = needed(model, "hidden", "heads")
    if is_latent(model):
        rank, nope, rope, value = needed(model, "kv_lora_rank", "qk_nope", "qk_rope", "v_head_dim")
        query_in = model.q_lora_rank
        query = heads * (nope + rope)
        queries = hidden * query_in + query_in * query if query_in else hidden * query
        keys_values = hidden * (rank + rope) + rank * heads * (nope + value)
        return float(queries + keys_values + heads * value * hidden)
    width = head_width(model)
    kv_heads = model.kv_heads or heads
    return float(2 * hidden * heads * width + 2 * hidden * kv_heads * width)


def _mlp(hidden: int, inner: int, gated: bool | None) -> float:
    return float((2 if gated is False else 3) * hidden * inner)


def dense_mlp_parameters(model: LanguageModel) -> float:
    """Weights of one dense feed-forward block [1]; zero where every layer is a mixture of experts."""
    if model.ffn_hidden is None:
        if model.is_moe and not model.first_dense_layers:
            return 0.0
        needed(model, "ffn_hidden")
    (hidden,) = needed(model, "hidden")
    return _mlp(hidden, model.ffn_hidden or 0, model.gated_mlp)


def expert_parameters(model: LanguageModel) -> float:
    """Weights of one routed expert [1]; zero for a dense model."""
    if not model.is_moe:
        return 0.0
    hidden, inner = needed(model, "hidden", "expert_ffn_hidden")
    return _mlp(hidden, inner, model.gated_mlp)


def moe_layers(model: LanguageModel) -> int:
    """Layers whose feed-forward block is a mixture of experts [1]."""
    if not model.is_moe:
        return 0
    (layers,) = needed(model, "layers")
    if "every 2nd layer" in model.note:
        return layers // 2
    return layers - (model.first_dense_layers or 0)


def _count(model: LanguageModel, experts: float) -> float:
    (layers,) = needed(model, "layers")
    sparse = moe_layers(model)
    hidden = model.hidden or 0
    router = hidden * (model.experts or 0)
    sparse_block = (experts + (model.shared_experts or 0)) * expert_parameters(model) + router if sparse else 0.0
    dense_block = dense_mlp_parameters(model) if layers > sparse else 0.0
    return (
        embedding_parameters(model)
        + layers * attention_parameters(model)
        + sparse * sparse_block
        + (layers - sparse) * dense_block
    )


def parameter_count(model: LanguageModel) -> float:
    """All weights that the dimensions imply, norms and biases left out [1].

    Limits
    ------
    Within 3.5 % of the published count for dense, mixture-of-experts and latent-attention models of the catalogue; the
    exceptions are listed in the data with their reason. Not for hybrids, whose linear layers are not in the data.
    """
    return _count(model, float(model.experts or 0))


def active_parameter_count(model: LanguageModel) -> float:
    """Weights that one token passes through, embeddings included [1]."""
    return _count(model, float(model.top_k or 0))
