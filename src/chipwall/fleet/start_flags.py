"""The command line that starts a pool of a fleet: the flags of vLLM, SGLang and TensorRT-LLM.

Sources
-------
vLLM, ``vllm serve`` (docs.vllm.ai, engine arguments); SGLang, server arguments (docs.sglang.io); TensorRT-LLM,
``trtllm-serve`` (nvidia.github.io/TensorRT-LLM). Flags change between releases: compare with ``--help`` of yours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from chipwall.catalog.records import LanguageModel
from chipwall.fleet.need import ServeNeed
from chipwall.fleet.options import Member
from chipwall.perf.formats import FORMATS
from chipwall.perf.serving.engines import ENGINES

__all__ = ["start_lines"]

# Room for more sequences than are in flight on average when a limit is reached: numbers in flight vary.
HEADROOM = 1.25
# Longest sequences are rounded up to so many tokens [token].
LENGTH_STEP = 1024


def start_lines(member: Member, need: ServeNeed) -> dict[str, str]:
    """Engines that run on the chip of a pool, each with its command line for one replica."""
    vendor = member.chip.vendor.lower()
    made: Mapping[str, Callable[[Member, ServeNeed], list[str]]] = {
        "vllm": _vllm, "sglang": _sglang, "trtllm": _trtllm,
    }  # fmt: skip
    able = {"vllm": True, "sglang": ENGINES["sglang"].runs_on(vendor), "trtllm": vendor == "nvidia"}
    return {engine: " ".join(line(member, need)) for engine, line in made.items() if able[engine]}


def _named(model: LanguageModel) -> str:
    return model.hf_id or model.id


def _sequences(m: Member) -> int:
    return max(math.ceil(m.allowed * HEADROOM), 1)


def _length(need: ServeNeed) -> int:
    """The longest sequence to allow: four times the mean, within what the model was made for [token]."""
    wanted = LENGTH_STEP * math.ceil(4.0 * (need.prompt + need.output) / LENGTH_STEP)
    return min(wanted, need.model.max_context or wanted)


def _quantised(m: Member, need: ServeNeed) -> bool:
    """Whether the weights are narrower than those the model is published in."""
    published = FORMATS.get(need.model.default_dtype)
    asked = FORMATS.get(m.precision)
    return bool(published and asked and asked.bits < published.bits)


def _vllm(m: Member, need: ServeNeed) -> list[str]:
    x = m.layout
    line = ["vllm serve", _named(need.model), f"--tensor-parallel-size {x.tensor}"]
    if x.pipeline > 1:
        line.append(f"--pipeline-parallel-size {x.pipeline}")
    if x.attention_data_parallel:
        line += [f"--data-parallel-size {x.ranks}", "--enable-expert-parallel"]
    elif x.expert > 1:
        line.append("--enable-expert-parallel")
    if _quantised(m, need) and m.precision == "fp8":
        line.append("--quantization fp8")
    if m.cache != "bf16":
        line.append(f"--kv-cache-dtype {m.cache}")
    line += [f"--max-model-len {_length(need)}", f"--max-num-seqs {_sequences(m)}"]
    if need.question.step_tokens:
        line.append(f"--max-num-batched-tokens {need.question.step_tokens:.0f}")
    if need.question.memory_share:
        line.append(f"--gpu-memory-utilization {need.question.memory_share:g}")
    if m.role != "serve":
        line.append("""--kv-transfer-config '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}'""")
    return line


def _sglang(m: Member, need: ServeNeed) -> list[str]:
    x = m.layout
    spread = x.attention_data_parallel
    line = [
        "python -m sglang.launch_server --model-path",
        _named(need.model),
        f"--tp-size {x.group if spread else x.tensor}",
    ]
    if x.pipeline > 1:
        line.append(f"--pp-size {x.pipeline}")
    if spread:
        line.append(f"--dp-size {x.ranks} --enable-dp-attention")
    if x.expert > 1:
        line.append(f"--ep-size {x.expert}")
    if _quantised(m, need) and m.precision == "fp8":
        line.append("--quantization fp8")
    if m.cache == "fp8":
        line.append("--kv-cache-dtype fp8_e4m3")
    line += [f"--context-length {_length(need)}", f"--max-running-requests {_sequences(m)}"]
    if need.question.step_tokens:
        line.append(f"--chunked-prefill-size {need.question.step_tokens:.0f}")
    if need.question.memory_share:
        line.append(f"--mem-fraction-static {need.question.memory_share:g}")
    if m.role != "serve":
        line.append(f"--disaggregation-mode {m.role}")
    return line


def _trtllm(m: Member, need: ServeNeed) -> list[str]:
    x = m.layout
    spread = x.attention_data_parallel
    line = ["trtllm-serve", _named(need.model), f"--tp_size {x.group if spread else x.tensor}"]
    if x.pipeline > 1:
        line.append(f"--pp_size {x.pipeline}")
    if x.expert > 1:
        line.append(f"--ep_size {x.expert}")
    line += [f"--max_seq_len {_length(need)}", f"--max_batch_size {_sequences(m)}"]
    if need.question.step_tokens:
        line.append(f"--max_num_tokens {need.question.step_tokens:.0f}")
    if need.question.memory_share:
        line.append(f"--kv_cache_free_gpu_memory_fraction {need.question.memory_share:g}")
    return line
