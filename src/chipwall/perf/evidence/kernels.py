"""Rows of the kernel table in the words of the formulas: which operator, which shape, which library.

Shared by the fit and the validation, so that both read a row the same way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from chipwall.catalog.records import Chip
from chipwall.errors import ChipwallError, InputError
from chipwall.perf.evidence.names import measured_chip
from chipwall.text import Text, text
from chipwall.units import GIGA, TERA

__all__ = ["KernelRow", "kernel_row", "measured_time"]

RECIPE_OF_DTYPE = {
    "bfloat16": "bf16", "bf16": "bf16", "bf16?": "bf16", "fp16": "bf16", "float16": "bf16", "half": "bf16",
    "fp16/bf16": "bf16", "fp8": "fp8", "fp8_static": "fp8", "fp8_block": "fp8_block", "fp8-blockscale": "fp8_block",
    "nvfp4": "fp4", "fp4(mx)": "fp4", "mxfp4": "fp4", "fp4": "fp4", "int8": "int8", "sq": "int8",
    "int4_wo": "int4_weights", "int8_wo": "int8_weights", "tf32": "tf32", "hf32": "tf32", "fp32": "fp32",
    "float32": "fp32", "float": "fp32", "fp64": "fp64", "": "bf16", "w4a16": "fp4_weights", "w8a16": "int8_weights",
    "w4a8": "fp8", "w4afp8": "fp8",
}  # fmt: skip
TIME_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
# Parts of an impl name and the library they mean, first match wins.
LIBRARIES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "gemm": (
        ("infersim", "deepgemm-bare"), ("deepgemm", "deepgemm"), ("torch_flow", "trtllm"), ("trt_flow", "trtllm"),
        ("trtllm", "trtllm"), ("vllm", "trtllm"), ("sglang", "trtllm"), ("aiter", "aiter"), ("torch", "torch"),
        ("cublas", "torch"),
    ),
    "moe": (
        ("deepgemm", "deepgemm-bare"), ("flashinfer_cutlass", "flashinfer-cutlass"), ("modular", "flashinfer-trtllm-modular"),
        ("flashinfer_trtllm", "flashinfer-trtllm"), ("triton", "triton"), ("fused_moe", "triton"),
        ("cutlass", "flashinfer-cutlass"),
    ),
    "attention": (
        ("vllm_flash_attn_fa3", "fa3-vllm"), ("vllm_flash_attn", "fa2-vllm"), ("sglang", "fa3-sglang"), ("torch_flow", "trtllm"),
        ("trtllm", "trtllm"), ("fa1", "fa1"), ("fa2", "fa2"), ("fa3", "fa3"), ("fa4", "fa4"), ("cudnn", "cudnn"),
        ("xformers", "xformers"), ("triton", "triton"), ("pytorch", "naive"),
    ),
    "elementwise": (("liger", "liger"), ("huggingface", "eager"), ("stream", "stream"), ("memcpy", "stream")),
}  # fmt: skip
# Bytes that cross memory in multiples of the tensor, counted from the measured rows: one fused kernel, and the same
# written as separate operators (which convert to FP32 and back).
PASSES = {
    "rms_norm": {"forward": (2.0, 25.0), "backward": (5.0, 67.0)},
    "layer_norm": {"forward": (2.0, 3.2), "backward": (6.2, 6.9)},
    "rope": {"forward": (2.1, 20.0), "backward": (2.1, 23.0)},
    "cross_entropy": {"forward": (4.8, 8.3), "backward": (2.0, 16.0)},
}
# What the host needs to issue the operators of one call, however small the tensor [s].
HOST_TIME = {"forward": 10e-6, "backward": 120e-6, "full": 275e-6}
# The framework's own layer norm is one call into compiled code; the others pass through Python each time.
NATIVE_HOST_TIME = {"forward": 10e-6, "backward": 40e-6, "full": 60e-6}


@dataclass(frozen=True, slots=True)
class KernelRow:
    """One measured kernel.

    Attributes
    ----------
    id : str
        Id of the row.
    kernel : str
        ``gemm``, ``grouped``, ``moe``, ``attention``, ``elementwise``, ``copy``, ``layer`` or ``block`` (a
        whole transformer layer).
    chip : Chip
        The chip.
    recipe, library : str
        Precision and kernel library, in the model's words.
    shape : mapping of str to float
        The arguments of the formula [1, or byte for ``moved``].
    metric : str
        ``us``, ``tflops`` or ``gbps``.
    value : float
        The measurement in that metric.
    work : float
        What the metric counts: flop for ``tflops``, byte for ``gbps``.
    group : str
        Rows that must not be split between fit and test.
    """

    id: str
    kernel: str
    chip: Chip
    recipe: str
    library: str
    shape: Mapping[str, float]
    metric: str
    value: float
    work: float = 0.0
    passes: str = ""
    causal: bool = False
    group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def measured_time(row: KernelRow) -> float:
    """The measured time of a row [s]."""
    return time_of(row, row.value)


def time_of(row: KernelRow, value: float) -> float:
    """A value in the row's metric as a time [s]."""
    if row.metric in TIME_UNITS:
        return value * TIME_UNITS[row.metric]
    return row.work / (value * (TERA if row.metric == "tflops" else GIGA))


def value_of(row: KernelRow, time: float) -> float:
    """A time [s] in the row's metric; the inverse of :func:`time_of`."""
    if row.metric in TIME_UNITS:
        return time / TIME_UNITS[row.metric]
    return row.work / time / (TERA if row.metric == "tflops" else GIGA)


def recipe_of_dtype(words: str) -> str:
    """The recipe that a table's number format means; a format with a suffix is read by its beginning."""
    dtype = words.strip().lower()
    if dtype in RECIPE_OF_DTYPE:
        return RECIPE_OF_DTYPE[dtype]
    for start in sorted(RECIPE_OF_DTYPE, key=len, reverse=True):
        if start and dtype.startswith(start):
            return RECIPE_OF_DTYPE[start]
    raise InputError(text("number format '{dtype}' is not known", dtype=words))


def _number(row: Mapping[str, str], column: str, instead: float | None = None) -> float:
    words = (row.get(column) or "").strip()
    if not words and instead is not None:
        return instead
    try:
        found = float(words)
    except ValueError:
        found = float("nan")
    if not found > 0:
        raise InputError(text("column '{column}' holds '{words}', not a number above zero", column=column, words=words))
    return found


def _library(kernel: str, row: Mapping[str, str]) -> str:
    words = f"{row.get('impl') or ''} {row.get('op') or ''}".lower()
    for part, library in LIBRARIES[kernel]:
        if part in words:
            return library
    return ""


def kernel_row(row: Mapping[str, str]) -> KernelRow:
    """A row of the shared kernel table; raises :class:`InputError` with the reason when it cannot be expressed."""
    op, metric = (row.get("op") or "").strip(), (row.get("metric") or "").strip()
    if metric not in ("tflops", "gbps", *TIME_UNITS):
        raise InputError(text("metric '{metric}' is not us, ms, s, tflops or gbps", metric=metric))
    chip, recipe = measured_chip(row["chip"]), recipe_of_dtype(row.get("dtype") or "")
    for start, name, shape_of in SHAPES:
        if op.startswith(start):
            kernel, (shape, work, how) = name, shape_of(row)
            break
    else:
        raise InputError(text("operator '{op}' is not modelled", op=op))
    library = _library(LIBRARY_FAMILY.get(kernel, kernel), row)
    if library.startswith("deepgemm") and recipe == "fp8":
        recipe = "fp8_block"  # the library scales in blocks, whatever its table calls the format
    group = "|".join(str(row.get(c) or "") for c in GROUP_COLUMNS[kernel])
    causal = (row.get("causal") or "").strip().lower() in ("true", "1")
    return KernelRow(
        row["id"], kernel, chip, recipe, library, shape, metric, _number(row, "value"), work, how, causal, group
    )


LIBRARY_FAMILY = {"block": "gemm", "grouped": "moe", "copy": "elementwise", "layer": "elementwise", "decode": "attention"}
GROUP_COLUMNS = {
    "gemm": ("source_name", "chip", "dtype", "n", "k"),
    "grouped": ("source_name", "chip", "dtype", "impl", "n", "k", "groups"),
    "moe": ("source_name", "chip", "dtype", "impl", "n", "k", "groups"),
    "attention": ("source_name", "chip", "op", "dtype", "impl", "heads", "kv_heads", "head_dim", "causal"),
    "decode": ("source_name", "chip", "op", "impl", "heads", "kv_heads", "head_dim"),
    "elementwise": ("source_name", "chip", "op", "impl"),
    "copy": ("source_name", "chip", "op"),
    "block": ("source_name", "chip", "op", "impl"),
    "layer": ("source_name", "chip", "op", "impl"),
}
# A benchmark that gives no shape sweeps large ones; the rate of a large product is what it reports.
LARGE = 8192.0

Shape = tuple[dict[str, float], float, str]


def _gemm(row: Mapping[str, str]) -> Shape:
    m, n, k = (_number(row, c, LARGE if not row.get("m") else None) for c in ("m", "n", "k"))
    return {"m": m, "n": n, "k": k}, 2.0 * m * n * k, ""


def _note(row: Mapping[str, str], pattern: str, instead: float) -> float:
    found = re.search(pattern, row.get("notes") or "")
    return float(found[1]) if found else instead


def _grouped(row: Mapping[str, str]) -> Shape:
    m, n, k, groups = (_number(row, c) for c in ("m", "n", "k", "groups"))
    return {"m": m, "n": n, "k": k, "groups": groups}, 2.0 * m * n * k * groups, ""


def _moe(row: Mapping[str, str]) -> Shape:
    tokens, ffn, hidden, experts = (_number(row, c) for c in ("m", "n", "k", "groups"))
    top_k, parallel = _note(row, r"topk=(\d+)", 8.0), _note(row, r"ep=(\d+)", 1.0)
    shape = {
        "tokens": tokens, "hidden": hidden, "ffn": ffn, "experts": experts, "top_k": top_k, "expert_parallel": parallel,
        "skew": _note(row, r"power_law_(\d+\.?\d*)", 0.0),
    }  # fmt: skip
    return shape, 6.0 * tokens * top_k / parallel * hidden * ffn, ""


def _attention(row: Mapping[str, str]) -> Shape:
    width, length, batch = (_number(row, c) for c in ("head_dim", "seq", "batch"))
    # the benchmarks of FlashAttention keep heads x width at 2,048
    heads = _number(row, "heads", 2048.0 / width)
    passes = {"attention_fwd_bwd": "both", "attention_bwd": "backward"}.get(row["op"], "forward")
    shape = {
        "batch": batch, "queries": length, "heads": heads, "kv_heads": _number(row, "kv_heads", heads), "head_dim": width
    }  # fmt: skip
    causal = (row.get("causal") or "").strip().lower() in ("true", "1")
    # convention of the sources: 4 s^2 d h b forward, half of it when causal, 2.5 times that backward
    counted = {"forward": 1.0, "backward": 2.5, "both": 3.5}[passes]
    return shape, 4.0 * batch * heads * width * length**2 * counted * (0.5 if causal else 1.0), passes


def _decode(row: Mapping[str, str]) -> Shape:
    heads, width = _number(row, "heads"), _number(row, "head_dim")
    batch, context, kv_heads = _number(row, "batch"), _number(row, "seq"), _number(row, "kv_heads", heads)
    shape = {"batch": batch, "context": context, "heads": heads, "kv_heads": kv_heads, "head_dim": width}
    return shape, 4.0 * batch * heads * width * context, ""


def _settings(row: Mapping[str, str]) -> dict[str, float]:
    """The benchmark's settings from the notes: the swept letter and the dictionary beside it."""
    notes = row.get("notes") or ""
    swept = re.match(r"(\w+)=(\d+)", notes)
    found = re.search(r"cfg=(\{.*?\})", notes)
    if not swept or not found:
        raise InputError(text("the notes of the row do not give its shape"))
    settings = {str(k): float(v) for k, v in ast.literal_eval(found[1]).items() if isinstance(v, int | float)}
    return settings | {swept[1]: float(swept[2])}


def _passes(row: Mapping[str, str]) -> tuple[str, float]:
    name, _, direction = row["op"].rpartition("_")
    eager = 1 if "huggingface" in (row.get("impl") or "") else 0
    table = PASSES[name.removeprefix("fused_linear_")]
    if direction == "full":
        return name, table["forward"][eager] + table["backward"][eager]
    return name, table[direction][eager]


def _elementwise(row: Mapping[str, str]) -> Shape:
    name, passes = _passes(row)
    s = _settings(row)
    width = 4.0 if row.get("dtype") == "float32" else 2.0
    if name in ("rms_norm", "layer_norm"):
        elements = s["M"] * s.get("N", s.get("H", 0.0))
    elif name == "rope":
        tokens, hidden = s.get("T", s.get("seq_len", 0.0)), s.get("H", s.get("hidden_size", 0.0))
        elements = tokens * hidden * (1.0 + s["num_kv_heads"] / s["num_q_heads"])
    else:
        elements = s["B"] * s["T"] * s["V"]
    if not elements > 0:
        raise InputError(text("the notes of the row do not give its shape"))
    native = name == "layer_norm" and "huggingface" in (row.get("impl") or "")
    host = NATIVE_HOST_TIME if native else HOST_TIME
    shape = {"moved": elements * width * passes, "host": host[row["op"].rpartition("_")[2]]}
    return shape, elements * width * passes, ""


def _loss(row: Mapping[str, str]) -> Shape:
    """The language-model head with its loss: products (three when the gradient is wanted) and passes over the logits.

    The fused form works in vocabulary / width chunks and adds each chunk's weight gradient to the sum.
    """
    s = _settings(row)
    eager = "huggingface" in (row.get("impl") or "")
    full = row["op"].endswith("full") or not eager
    products = 3.0 if full else 1.0
    shape = {"m": s["BT"], "n": s["V"], "k": s["H"], "products": products}
    if eager:
        shape["moved"] = s["BT"] * s["V"] * 4.0 * (12.0 if full else 7.0)
    else:
        shape["moved"] = s["BT"] * s["V"] * 2.0 * 6.0 + s["V"] * s["H"] * 6.0 * ceil(s["V"] / s["H"])
    return shape, 2.0 * s["BT"] * s["V"] * s["H"] * products, ""


def _mlp(row: Mapping[str, str]) -> Shape:
    """A gated feed-forward layer: three products forward, six backward, and the activation between them."""
    s = _settings(row)
    tokens = s.get("bsz", s.get("B", 1.0)) * s["T"]
    direction = row["op"].rpartition("_")[2]
    layers = {"forward": 1.0, "backward": 2.0, "full": 3.0}[direction]
    inner = s["intermediate_size"]
    passes = (5.0 if "huggingface" in (row.get("impl") or "") else 3.0) * layers
    shape = {"m": tokens, "n": inner, "k": s["hidden_size"], "products": 3.0 * layers}
    shape["moved"] = tokens * inner * 2.0 * passes
    return shape, 6.0 * tokens * inner * s["hidden_size"] * layers, ""


def _block(row: Mapping[str, str]) -> Shape:
    """One transformer layer, grouped-query attention and gated feed-forward: a prompt, a step of decoding, or training."""
    names = {"tokens": "m", "inner": "n", "hidden": "k", "heads": "heads", "kv_heads": "kv_heads", "head_dim": "head_dim"}
    shape = {name: _number(row, column) for name, column in names.items()} | {"context": _number(row, "seq")}
    width = 2.0 * shape["hidden"] + 2.0 * shape["kv_heads"] * shape["head_dim"] + 3.0 * shape["inner"]
    weights = shape["hidden"] * width
    passes = {"layer_decode": "decode", "layer_train": "both"}.get(row["op"], "forward")
    return shape, 2.0 * weights * shape["tokens"] * (3.0 if passes == "both" else 1.0), passes


def _copy(row: Mapping[str, str]) -> Shape:
    # long enough that the launch does not count
    return {"moved": 4.0 * GIGA}, 4.0 * GIGA, ""


SHAPES = (
    ("layer_prefill", "block", _block),
    ("layer_decode", "block", _block),
    ("layer_train", "block", _block),
    ("gemm", "gemm", _gemm),
    ("grouped_gemm", "grouped", _grouped),
    ("moe", "moe", _moe),
    ("attention_decode", "decode", _decode),
    ("decode_attention", "decode", _decode),
    ("attention", "attention", _attention),
    ("fused_linear_cross_entropy", "layer", _loss),
    ("memcpy", "copy", _copy),
    ("rms_norm", "elementwise", _elementwise),
    ("layer_norm", "elementwise", _elementwise),
    ("swiglu", "layer", _mlp),
    ("geglu", "layer", _mlp),
    ("rope", "elementwise", _elementwise),
    ("cross_entropy", "elementwise", _elementwise),
)


def readable(rows: list[Mapping[str, str]]) -> tuple[list[KernelRow], list[tuple[str, Text]]]:
    """Rows that the model can express, and the others with the reason."""
    kept: list[KernelRow] = []
    skipped: list[tuple[str, Text]] = []
    for row in rows:
        try:
            kept.append(kernel_row(row))
        except ChipwallError as problem:
            skipped.append((row.get("id", ""), Text.of(problem.what)))
    return kept, skipped
