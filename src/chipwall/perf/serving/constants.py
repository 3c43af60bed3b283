"""The step and host constants of serving: what each is, its physical bounds, and where it may differ.

Hardware constants come frozen from the kernel and collective tables; what stands here is fitted on end-to-end rows. A
constant has a level for everybody, and offsets by architecture or engine family that the fit pulls towards zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log

from chipwall.perf.constants import Constant
from chipwall.perf.load import constants_table

__all__ = [
    "ENGINES",
    "PRIORS",
    "SETUPS",
    "VINTAGES",
    "Prior",
    "engine_family",
    "serving_bands",
    "step_constants",
    "tuned_architectures",
    "vintage_of",
]

# Families of serving software. "tuned" is a benchmark harness prepared for one result, as MLPerf entries are.
ENGINES = ("trtllm", "trtllm-pytorch", "tuned", "vllm", "vllm-ascend", "sglang", "lmdeploy")


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of one constant before the rows are seen.

    Attributes
    ----------
    unit, low, high, typical : str, float
        Unit, physical bounds, and the value expected.
    spread : float
        Standard deviation of its logarithm [1].
    arch, engine, vintage, pair, setup : float
        The same for the offsets by architecture, engine family, engine version, version on one architecture, and the
        publisher's way of running its benchmark; 0 where there are none [1].
    note : str
        What it stands for.
    """

    unit: str
    low: float
    high: float
    typical: float
    spread: float
    arch: float = 0.0
    engine: float = 0.0
    note: str = ""
    vintage: float = 0.0
    pair: float = 0.0
    setup: float = 0.0


PRIORS: dict[str, Prior] = {
    "serving.gemm": Prior(
        "1", 0.6, 1.5, 1.0, 0.1, 0.08, 0.08, "matrix efficiency in a run over that of the kernel tables"
    ),
    "serving.memory": Prior(
        "1", 0.6, 1.3, 1.0, 0.08, 0.06, 0.0, "weight traffic efficiency over that of the kernel tables"
    ),
    "serving.rows": Prior("1", 2.0, 128.0, 32.0, 0.5, 0.0, 0.0, "rows of padding: half a tile"),
    "serving.columns": Prior("1", 16.0, 1000.0, 150.0, 0.5, 0.0, 0.0, "columns of padding: half a wave"),
    "serving.int8": Prior("1", 0.2, 1.5, 0.8, 0.2, 0.0, 0.0, "efficiency of 8-bit weights widened to 16 bits"),
    "serving.int4": Prior("1", 0.2, 1.5, 0.7, 0.2, 0.0, 0.0, "efficiency of 4-bit weights widened"),
    "serving.fp4": Prior("1", 0.2, 1.6, 0.9, 0.2, 0.0, 0.0, "efficiency of 4-bit arithmetic"),
    "serving.experts": Prior(
        "1", 0.2, 1.3, 0.75, 0.25, 0.15, 0.0, "efficiency of expert products over plain ones", vintage=0.25
    ),
    "serving.experts_memory": Prior("1", 0.4, 1.6, 1.0, 0.2, 0.12, 0.0, "expert weight traffic over the kernel tables"),
    "serving.experts_rows": Prior("1", 1.0, 128.0, 16.0, 0.6, 0.0, 0.0, "rows of padding per expert"),
    "serving.imbalance": Prior(
        "1", 1.0, 2.5, 1.25, 0.15, 0.0, 0.0, "load of the busiest chip over the mean under expert parallelism"
    ),
    "serving.attention": Prior(
        "1", 0.4, 1.8, 1.0, 0.2, 0.12, 0.0, "prefill attention efficiency over the kernel tables"
    ),
    "decode.memory": Prior(
        "1", 0.2, 0.97, 0.78, 0.15, 0.12, 0.0, "share of the bandwidth that decode attention reads the cache at"
    ),
    "decode.efficiency": Prior("1", 0.05, 0.9, 0.35, 0.3, 0.0, 0.0, "share of the 16-bit peak in decode attention"),
    "serving.moved": Prior("1", 0.3, 8.0, 1.3, 0.4, 0.0, 0.2, "activation traffic over one fused pass"),
    "serving.busy": Prior("s", 1e-6, 1e-3, 2e-5, 0.7, 0.0, 0.3, "more of it when many rows are in flight", setup=0.25),
    "serving.layer": Prior(
        "s", 2e-6, 2e-3, 3.5e-5, 0.5, 0.1, 0.4, "fixed time of a layer: launches, tails, synchronisation", setup=0.3
    ),
    "serving.expert_layer": Prior(
        "s",
        1e-6,
        5e-4,
        2e-5,
        0.7,
        0.25,
        0.3,
        "fixed time more of a layer with experts: routing, permutation",
        vintage=0.3,
    ),
    "serving.expert_prompt": Prior(
        "s",
        1e-9,
        2e-6,
        4e-8,
        0.7,
        0.0,
        0.3,
        "time more of a prompt token in a layer with experts: kernels that are not fused yet",
        vintage=0.5,
    ),
    "serving.host": Prior("s", 5e-5, 3e-2, 1e-3, 0.7, 0.0, 0.6, "fixed time of an iteration on the host", setup=0.4),
    "serving.sequence": Prior(
        "s", 2e-7, 1e-3, 1.5e-5, 0.7, 0.0, 0.8, "host and sampling time per sequence and iteration", setup=0.4
    ),
    "serving.overlap": Prior(
        "1", 0.05, 1.0, 0.3, 0.3, 0.0, 0.4, "share of the host's work that overlaps with the chip's"
    ),
    "serving.first": Prior(
        "s", 1e-4, 1.0, 6e-3, 0.3, 0.0, 1.0, "time of the front end before the first token", setup=0.6
    ),
    "serving.reduce": Prior("1", 0.2, 2.5, 0.8, 0.25, 0.1, 0.15, "all-reduce of a layer over the collective tables"),
    "serving.bus": Prior("1", 0.2, 4.0, 1.0, 0.3, 0.0, 0.0, "all-reduce over PCIe against a bus that two cards share"),
    "serving.far": Prior(
        "1", 0.5, 6.0, 2.5, 0.4, 0.0, 0.0, "all-reduce between nodes in a serving step over the library's own tables"
    ),
    "serving.exchange": Prior(
        "1", 0.2, 6.0, 1.2, 0.3, 0.2, 0.0, "token exchange between experts over the collective tables"
    ),
    "serving.pipeline": Prior("1", 0.01, 1.0, 0.1, 0.5, 0.0, 0.0, "loss of a pipeline: uneven stages and bubbles"),
    "memory.share": Prior(
        "1", 0.6, 0.97, 0.88, 0.05, 0.0, 0.0, "share of the free memory that the cache gets and keeps busy"
    ),
    "memory.reserve": Prior(
        "byte", 5e8, 8e9, 3.5e9, 0.4, 0.0, 0.0, "memory of one chip for context, graphs and workspace"
    ),
    "memory.held": Prior(
        "1", 0.4, 1.0, 0.75, 0.15, 0.0, 0.0, "share of its answer for which a sequence holds room on average"
    ),
    "serving.saturated": Prior("1", 0.6, 1.0, 0.95, 0.05, 0.0, 0.0, "share of the steady rate over a saturated run"),
    "serving.offline": Prior(
        "1", 0.6, 1.0, 0.94, 0.06, 0.0, 0.0, "share of the steady rate over an offline run of mixed lengths"
    ),
    "serving.server": Prior(
        "1", 0.5, 1.0, 0.88, 0.08, 0.0, 0.0, "share of the rate that holds under Poisson arrivals and tail limits"
    ),
    "serving.together": Prior(
        "1", 0.05, 1.0, 0.6, 0.3, 0.0, 0.0, "share of the clients of a closed loop that ask at the same time"
    ),
    "serving.interactive": Prior("1", 0.3, 1.0, 0.75, 0.15, 0.0, 0.0, "mean time per token over a tight tail limit"),
    "serving.burst": Prior("1", 0.3, 1.0, 0.65, 0.2, 0.0, 0.0, "share of the steady rate over a burst of requests"),
    "serving.static": Prior("1", 0.7, 1.05, 0.97, 0.06, 0.0, 0.0, "share of the summed steps over a static run"),
    "serving.engine": Prior(
        "1",
        0.5,
        2.0,
        1.0,
        0.01,
        0.0,
        0.12,
        "whole step of an engine family and version over a typical one",
        0.1,
        0.1,
        0.1,
    ),
}


# Versions of an engine that moved published results enough to tell apart, oldest first; the last is the default.
VINTAGES: dict[str, tuple[str, ...]] = {
    "trtllm": ("trtllm-0.9", "trtllm-0.10", "trtllm-0.14", "trtllm-0.20"),
    "trtllm-pytorch": ("trtllm-1.0", "trtllm-1.2"),
    "tuned": (),
    "vllm": (),
    "vllm-ascend": (),
    "sglang": (),
    "lmdeploy": (),
}


# Publishers whose runs share flags and scripts that are not all published: the fit gives each its own offsets, so that
# they do not distort the common constants. A question of a user has none of them.
SETUPS = {
    "Qwen speed benchmark": "qwen-speed",
    "SGLang cookbook": "sglang-cookbook",
    "GPUStack performance lab": "gpustack",
    "dstack prefill/decode ratio benchmark": "dstack-ratio",
    "dstack H100 vs MI300X benchmark": "dstack-mi300x",
    "AMD ROCm vLLM docker benchmarks": "amd-docker",
    "Tenstorrent GPU reference runs": "tenstorrent",
    "InferenceX CI reports": "inferencex",
    "aiconfigurator silicon references": "inferencex",
    "NVIDIA NIM benchmarking docs": "nim",
    "LMDeploy TurboMind benchmark": "lmdeploy",
    "vLLM Ascend docs (baseline runs)": "vllm-ascend",
}


def vintage_of(engine: str, version: str) -> str:
    """The known vintage that a version number belongs to: the first that is not older; the newest without a number.

    Examples
    --------
    >>> vintage_of("trtllm", "TensorRT-LLM 0.11.0")
    'trtllm-0.14'
    """
    known = VINTAGES.get(engine, ())
    found = re.search(r"(\d+)\.(\d+)", version)
    if not known or not found:
        return known[-1] if known else ""
    number = (int(found[1]), int(found[2]))
    for name in known:
        major, minor = name.rsplit("-", 1)[1].split(".")
        if number <= (int(major), int(minor)):
            return name
    return known[-1]


def log_to_odds(prior: Prior, value: float) -> float:
    """Log odds at which a logarithmic constant takes a value [1]."""
    share = log(value / prior.low) / log(prior.high / prior.low)
    return log(share / (1.0 - share))


def odds_spread(prior: Prior, spread: float) -> float:
    """Standard deviation of the log odds that answers to one of the logarithm of the value, near the typical value [1]."""
    share = log(prior.typical / prior.low) / log(prior.high / prior.low)
    return spread / (log(prior.high / prior.low) * share * (1.0 - share))


def engine_family(name: str) -> str:
    """Family of a serving engine from what people write; empty for an unknown one."""
    words = name.lower()
    if "nim" in words.split() or words.startswith("nvidia nim"):
        return "trtllm"
    if "trt" in words or "tensorrt-llm" in words:
        modern = "pytorch" in words or (
            any(f"{v}." in words for v in (" 1", "1.0", "1.1", "1.2")) and " 0." not in words
        )
        return "trtllm-pytorch" if modern else "trtllm"
    if "ascend" in words or "mindie" in words:
        return "vllm-ascend"
    for family in ("sglang", "lmdeploy", "vllm", "tuned"):
        if family in words:
            return family
    if "mlperf" in words or "tensorrt" in words:
        return "tuned"
    return "vllm" if words else ""


@lru_cache(maxsize=512)
def step_constants(arch: str, engine: str, vintage: str = "", setup: str = "") -> Mapping[str, float]:
    """Every step constant as it holds for an architecture, an engine family and its version (the newest by default)."""
    labels = {"arch": arch, "engine": engine, "vintage": vintage or vintage_of(engine, ""), "setup": setup}
    return {name: constant.value(labels) for name, constant in _constants().items()}


@lru_cache(maxsize=1)
def _constants() -> dict[str, Constant]:
    """The fitted constants; a constant that the file does not have yet stands at its typical value."""
    known = constants_table("calibration_inference")["constants"]
    typical = {
        name: Constant(
            name=name,
            unit=p.unit,
            low=p.low,
            high=p.high,
            level=log_to_odds(p, p.typical),
            logarithmic=True,
            note=p.note,
        )
        for name, p in PRIORS.items()
    }
    return typical | {name: Constant(name=name, **entry) for name, entry in known.items() if name in PRIORS}


@lru_cache(maxsize=1)
def serving_bands() -> dict[str, tuple[float, float]]:
    """80 % bands by class: factors on the predicted value [1]."""
    table = constants_table("calibration_inference").get("bands", {})
    return {name: (float(pair[0]), float(pair[1])) for name, pair in table.items()}


@lru_cache(maxsize=1)
def tuned_architectures() -> dict[str, int]:
    """Architectures that rows were fitted on, with how many rows each."""
    return {k: int(v) for k, v in constants_table("calibration_inference").get("fitted", {}).items()}
