"""Time of one operator on one chip or group of chips: products, experts, attention, data movement, collectives, launches."""

from chipwall.perf.numeric import smooth_maximum
from chipwall.perf.ops.attention import (
    attention_backward_time,
    attention_decode_time,
    attention_pairs,
    attention_prefill_time,
)
from chipwall.perf.ops.elementwise import elementwise_seconds, elementwise_time
from chipwall.perf.ops.experts import (
    experts_seconds,
    grouped_gemm_time,
    moe_ffn_time,
    reached_experts,
    rearranged_bytes,
    touched_experts,
)
from chipwall.perf.ops.gemm import averaged_rows, gemm_limit, gemm_seconds, gemm_time, product_seconds

__all__ = [
    "attention_backward_time",
    "attention_decode_time",
    "attention_pairs",
    "attention_prefill_time",
    "averaged_rows",
    "elementwise_seconds",
    "elementwise_time",
    "experts_seconds",
    "gemm_limit",
    "gemm_seconds",
    "gemm_time",
    "grouped_gemm_time",
    "moe_ffn_time",
    "product_seconds",
    "reached_experts",
    "rearranged_bytes",
    "smooth_maximum",
    "touched_experts",
]
