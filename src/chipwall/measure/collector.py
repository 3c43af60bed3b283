"""Microbenchmarks of one accelerator, by value per minute; needs only PyTorch (CUDA, ROCm, Ascend, or a CPU).

    python measure.py --chip my-h20 --minutes 5 --out my-h20.csv

Every row is written as soon as it is measured, so an interrupt loses nothing, and a run goes on where the file ends. Each
kernel is first compared with 64-bit arithmetic; what is wrong is not timed. Times are medians of device events; operands are
as many copies as the caches cannot hold, since a server reads its weights from memory. Columns are those of chipwall's table
of kernels: ``chipwall validate kernels FILE`` compares the rows with its predictions.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = (
    "id", "source_name", "version_or_round", "date", "chip", "op", "impl", "dtype", "m", "n", "k", "groups", "batch", "heads",
    "kv_heads", "head_dim", "seq", "causal", "metric", "value", "tflops_equiv", "outcome", "class", "arch", "use", "notes",
)  # fmt: skip
# Bytes of operands that no cache holds, and how long one kernel is timed [byte, s].
OUT_OF_CACHE, LONG_ENOUGH = 512 << 20, 0.05
LEAST_SAMPLES, MOST_SAMPLES, WARM = 10, 200, 3
# A median whose quarters lie farther apart than this is told as unsteady: clocks fell, or somebody else computes [1].
UNSTEADY = 0.15
# Rows of a result that are compared with 64-bit arithmetic, and the error that each format may have [1].
CHECKED_ROWS = 4
ALLOWED = {"bf16": 2e-2, "fp16": 4e-3, "fp32": 1e-3, "fp8": 8e-2}


@dataclass
class Case:
    """One thing to measure: the columns that say what it is, and how it is built.

    ``build`` gives the call, the bytes that it moves, its FLOP, and the largest relative error against 64-bit arithmetic.
    """

    columns: dict[str, Any]
    build: Callable[[Any], tuple[Callable[[], Any], float, float, float]]
    tolerance: float = 2e-2

    @property
    def key(self) -> str:
        """The case in a word, the same in every run."""
        told = (f"{n}{self.columns[n]}" for n in COLUMNS if self.columns.get(n) not in (None, ""))
        return "-".join(told).replace(" ", "_")


@dataclass
class Device:
    """A device behind one interface, whoever made it."""

    name: str
    kind: str
    torch: Any
    index: int = 0
    notes: list[str] = field(default_factory=list)

    def synchronize(self) -> None:
        """Wait until everything asked for is done."""
        module = getattr(self.torch, self.kind, None)
        if self.kind != "cpu" and module is not None:
            module.synchronize()

    def seconds(self, call: Callable[[], Any]) -> float:
        """One call, by the device's own events where it has them [s]."""
        module = getattr(self.torch, self.kind, None)
        if self.kind == "cpu" or module is None or not hasattr(module, "Event"):
            begin = time.perf_counter()
            call()
            self.synchronize()
            return time.perf_counter() - begin
        begin, end = module.Event(enable_timing=True), module.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        end.synchronize()
        return float(begin.elapsed_time(end)) * 1e-3

    def clocks(self) -> str:
        """Clock and power where the driver tells them."""
        try:
            return f"clock {self.torch.cuda.clock_rate()} MHz; power {self.torch.cuda.power_draw() / 1000:.0f} W"
        except Exception:  # each driver has its own way to say that it does not tell
            return ""

    def free(self) -> float:
        """Free memory [byte]."""
        module = getattr(self.torch, self.kind, None)
        if self.kind != "cpu" and module is not None and hasattr(module, "mem_get_info"):
            return float(module.mem_get_info()[0])
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))


def device_of(word: str) -> Device:
    """The device of a word such as ``cuda:0``, ``npu:0`` or ``cpu``; the first accelerator that is there by default."""
    try:
        import torch
    except ImportError:
        raise SystemExit("measure needs PyTorch\n  where: python -c 'import torch'\n  fix: pip install torch") from None
    if word.startswith("npu") or not word:
        with contextlib.suppress(ImportError):
            importlib.import_module("torch_npu")  # registers torch.npu
    kinds = [k for k in ("cuda", "npu", "xpu") if hasattr(torch, k) and getattr(torch, k).is_available()]
    kind, _, number = (word or (kinds[0] if kinds else "cpu")).partition(":")
    if kind != "cpu" and kind not in kinds:
        there = ", ".join([*kinds, "cpu"])
        raise SystemExit(f"no device '{word}'\n  where: --device\n  fix: give one of: {there}")
    if kind == "cpu":
        return Device(platform.processor() or platform.machine(), "cpu", torch)
    module, index = getattr(torch, kind), int(number or 0)
    if index >= module.device_count():
        raise SystemExit(
            f"no device '{word}': {module.device_count()} are there\n  where: --device\n  fix: give {kind}:0"
        )
    module.set_device(index)
    return Device(module.get_device_name(index), kind, torch, index)


def dtypes(torch: Any) -> dict[str, Any]:
    """Formats by the names of the table."""
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def _copies(size: float) -> int:
    return max(1, min(64, math.ceil(OUT_OF_CACHE / max(size, 1.0))))


def _error(found: Any, wanted: Any) -> float:
    scale = float(wanted.abs().max()) or 1.0
    return float((found.double() - wanted).abs().max()) / scale


def copy_case(device: Device, op: str) -> Case:
    """Copy and triad of arrays that no cache holds."""
    torch = device.torch

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        count = int(min(OUT_OF_CACHE if d.kind != "cpu" else 64 << 20, d.free() / 8)) // 4
        a, b, c = (torch.rand(count, device=_place(d)) for _ in range(3))
        if op == "memcpy":
            return (lambda: c.copy_(a)), 8.0 * count, 0.0, _error(c.copy_(a)[:64], a[:64].double())
        out = torch.add(a, b, alpha=2.0, out=c)
        return (
            (lambda: torch.add(a, b, alpha=2.0, out=c)),
            12.0 * count,
            2.0 * count,
            _error(out[:64], a[:64].double() + 2.0 * b[:64].double()),
        )

    return Case(
        {"op": op, "impl": "memcpy" if op == "memcpy" else "stream", "dtype": "fp32", "metric": "gbps"}, build, 1e-4
    )


def gemm_case(device: Device, m: int, n: int, k: int, dtype: str) -> Case:
    """A dense product of ``m`` tokens with weights from memory."""
    torch = device.torch

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        kind = dtypes(torch)[dtype]
        x = torch.randn(m, k, device=_place(d), dtype=kind)
        width = x.element_size()
        weights = [
            torch.randn(n, k, device=_place(d), dtype=kind) / math.sqrt(k) for _ in range(_copies(n * k * width))
        ]
        rows = min(CHECKED_ROWS, m)
        error = _error((x @ weights[0].T)[:rows], x[:rows].double() @ weights[0].double().T)
        turn = _turn(weights)
        return (lambda: x @ next(turn).T), width * (m * k + n * k + m * n), 2.0 * m * n * k, error

    return Case(
        {"op": "gemm", "impl": "torch", "dtype": dtype, "m": m, "n": n, "k": k, "metric": "us"}, build, ALLOWED[dtype]
    )


def fp8_case(device: Device, m: int, n: int, k: int) -> Case:
    """A dense product in FP8 with one scale a tensor, where the device has it."""
    torch = device.torch

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        kind, one = torch.float8_e4m3fn, torch.ones((), device=_place(d))
        x = torch.randn(m, k, device=_place(d)).to(kind)
        weights = [(torch.randn(n, k, device=_place(d))).to(kind) for _ in range(_copies(n * k))]

        def product(w: Any) -> Any:
            return torch._scaled_mm(x, w.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16)

        rows = min(CHECKED_ROWS, m)
        error = _error(product(weights[0])[:rows], x[:rows].double() @ weights[0].double().T)
        turn = _turn(weights)
        return (lambda: product(next(turn))), float(m * k + n * k + 2 * m * n), 2.0 * m * n * k, error

    return Case(
        {"op": "gemm", "impl": "torch", "dtype": "fp8", "m": m, "n": n, "k": k, "metric": "us"}, build, ALLOWED["fp8"]
    )


def grouped_case(device: Device, m: int, n: int, k: int, groups: int) -> Case:
    """Products of many experts, ``m`` tokens each, as one batched call."""
    torch = device.torch

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        kind = torch.bfloat16
        x = torch.randn(groups, m, k, device=_place(d), dtype=kind)
        w = torch.randn(groups, k, n, device=_place(d), dtype=kind) / math.sqrt(k)
        error = _error(torch.bmm(x, w)[0], x[0].double() @ w[0].double())
        return (lambda: torch.bmm(x, w)), 2.0 * groups * (m * k + n * k + m * n), 2.0 * groups * m * n * k, error

    return Case(
        {
            "op": "grouped_gemm",
            "impl": "torch bmm",
            "dtype": "bf16",
            "m": m,
            "n": n,
            "k": k,
            "groups": groups,
            "metric": "us",
        },
        build,
        ALLOWED["bf16"],
    )


def attention_case(
    device: Device, batch: int, heads: int, kv_heads: int, width: int, seq: int, *, decode: bool
) -> Case:
    """Attention of whole prompts (causal), or of one new token over a cache."""
    torch = device.torch
    functional = torch.nn.functional

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        kind, length = (torch.bfloat16, 1 if decode else seq)
        q = torch.randn(batch, heads, length, width, device=_place(d), dtype=kind)
        k, v = (torch.randn(batch, kv_heads, seq, width, device=_place(d), dtype=kind) for _ in range(2))
        shared = {"enable_gqa": True} if heads != kv_heads else {}

        def call() -> Any:
            return functional.scaled_dot_product_attention(q, k, v, is_causal=not decode, **shared)

        found = call()[0, 0, -1]
        scores = (q[0, 0, -1].double() @ k[0, 0].double().T) / math.sqrt(width)
        error = _error(found, torch.softmax(scores, -1) @ v[0, 0].double())
        flop = 4.0 * batch * heads * width * (seq if decode else seq * seq / 2.0)
        moved = 2.0 * width * batch * (2.0 * heads * length + 2.0 * kv_heads * seq)
        return call, moved, flop, error

    op = "attention_decode" if decode else "attention_fwd"
    columns = {
        "op": op,
        "impl": "torch sdpa",
        "dtype": "bf16",
        "batch": batch,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": width,
        "seq": seq,
        "causal": "False" if decode else "True",
        "metric": "us",
    }
    return Case(columns, build, ALLOWED["bf16"])


def launch_case(device: Device, *, graph: bool) -> Case:
    """What one small kernel costs: issued one by one, or replayed in a graph of a hundred."""
    torch = device.torch

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        x = torch.ones(256, device=_place(d))
        if not graph:

            def many() -> None:
                for _ in range(100):
                    x.mul_(1.0)

            return many, 0.0, 0.0, 0.0
        recorded = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(recorded):
            for _ in range(100):
                x.mul_(1.0)
        return recorded.replay, 0.0, 0.0, 0.0

    return Case(
        {"op": "launch_graph" if graph else "launch", "impl": "torch, of 100", "dtype": "fp32", "metric": "us"}, build
    )


def layer_case(
    device: Device, hidden: int, inner: int, heads: int, kv_heads: int, tokens: int, context: int, what: str
) -> Case:
    """One transformer layer with random weights: a prompt (``prefill``), one token a sequence (``decode``), or forward and
    backward (``train``)."""
    torch = device.torch
    functional = torch.nn.functional
    width = hidden // heads

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        sizes = {
            "q": (hidden, hidden),
            "k": (kv_heads * width, hidden),
            "v": (kv_heads * width, hidden),
            "o": (hidden, hidden),
            "gate": (inner, hidden),
            "up": (inner, hidden),
            "down": (hidden, inner),
        }
        w = {
            n: (torch.randn(s, device=_place(d), dtype=torch.bfloat16) / math.sqrt(s[1])).requires_grad_(
                what == "train"
            )
            for n, s in sizes.items()
        }
        batch, length = (tokens, 1) if what == "decode" else (max(tokens // context, 1), min(context, tokens))
        x = torch.randn(batch, length, hidden, device=_place(d), dtype=torch.bfloat16)
        past = (
            [torch.randn(batch, kv_heads, context, width, device=_place(d), dtype=torch.bfloat16) for _ in range(2)]
            if what == "decode"
            else None
        )

        def forward() -> Any:
            y = functional.rms_norm(x, (hidden,))
            q, k, v = ((y @ w[n].T).unflatten(-1, (-1, width)).transpose(1, 2) for n in "qkv")
            if past is not None:
                for kept, new in zip(past, (k, v), strict=True):
                    kept[:, :, -1:] = new
                k, v = past
            shared = {"enable_gqa": True} if heads != kv_heads else {}
            a = functional.scaled_dot_product_attention(q, k, v, is_causal=past is None, **shared)
            y = x + a.transpose(1, 2).flatten(-2) @ w["o"].T
            z = functional.rms_norm(y, (hidden,))
            return y + (functional.silu(z @ w["gate"].T) * (z @ w["up"].T)) @ w["down"].T

        def both() -> None:
            forward().float().square().mean().backward()

        count = sum(a * b for a, b in sizes.values())
        attention = 4.0 * batch * length * hidden * (context if what == "decode" else length / 2.0)
        flop = (2.0 * count * batch * length + attention) * (3.0 if what == "train" else 1.0)
        error = 0.0 if bool(torch.isfinite(forward()).all()) else math.inf
        return (both if what == "train" else forward), 2.0 * count, flop, error

    columns = {
        "op": f"layer_{what}",
        "impl": "torch",
        "dtype": "bf16",
        "m": tokens,
        "n": inner,
        "k": hidden,
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": width,
        "seq": context,
        "metric": "us",
    }
    return Case(columns, build)


def reduce_case(device: Device, size: int) -> Case:
    """An all-reduce over the processes that were started together (``torchrun``)."""
    torch = device.torch

    def build(d: Device) -> tuple[Callable[[], Any], float, float, float]:
        import torch.distributed as group

        x = torch.zeros(size // 2, device=_place(d), dtype=torch.bfloat16)
        return (lambda: group.all_reduce(x)), float(size), 0.0, 0.0

    return Case({"op": "all_reduce", "impl": "torch", "dtype": "bf16", "m": size, "metric": "us"}, build)


def _place(device: Device) -> str:
    return "cpu" if device.kind == "cpu" else f"{device.kind}:{device.index}"


def _turn(weights: list[Any]) -> Iterator[Any]:
    while True:
        yield from weights


def cases_of(device: Device, *, small: bool, ranks: int = 1) -> list[Case]:
    """What to measure, what tells most first: bandwidth, launches, small products, attention, large products, layers."""
    if small:
        return [
            copy_case(device, "memcpy"),
            launch_case(device, graph=False),
            gemm_case(device, 8, 256, 256, "fp32"),
            attention_case(device, 2, 4, 2, 32, 128, decode=True),
            grouped_case(device, 2, 64, 64, 4),
            layer_case(device, 128, 256, 4, 2, 16, 16, "prefill"),
            layer_case(device, 128, 256, 4, 2, 4, 64, "decode"),
            layer_case(device, 128, 256, 4, 2, 16, 16, "train"),
        ]
    found = [copy_case(device, "memcpy"), copy_case(device, "memcpy_stream_triad"), launch_case(device, graph=False)]
    if device.kind == "cuda":
        found.append(launch_case(device, graph=True))
    shapes = ((8192, 8192), (28672, 8192), (8192, 28672), (4096, 4096), (14336, 4096), (1280, 8192), (2048, 7168))
    found += [gemm_case(device, m, n, k, "bf16") for m in (1, 16, 64) for n, k in shapes]
    found += [
        attention_case(device, b, 64, 8, 128, s, decode=True)
        for b, s in ((1, 8192), (16, 2048), (64, 2048), (64, 8192), (256, 1024))
    ]
    found += [layer_case(device, 8192, 28672, 64, 8, t, c, "decode") for t, c in ((1, 1024), (16, 1024), (64, 2048))]
    found += [gemm_case(device, m, n, k, "bf16") for m in (256, 1024, 4096, 8192) for n, k in shapes]
    if hasattr(device.torch, "_scaled_mm") and device.kind == "cuda":
        found += [fp8_case(device, m, n, k) for m in (16, 64, 256, 1024, 4096, 8192) for n, k in shapes]
    found += [
        attention_case(device, b, 64, 8, 128, s, decode=False) for b, s in ((1, 1024), (1, 4096), (4, 2048), (1, 16384))
    ]
    found += [grouped_case(device, m, 2048, 7168, 64) for m in (1, 4, 16, 64, 256)]
    found += [layer_case(device, 8192, 28672, 64, 8, t, min(t, 4096), "prefill") for t in (512, 2048, 8192)]
    found += [layer_case(device, 4096, 14336, 32, 8, t, min(t, 4096), "train") for t in (2048, 8192)]
    if ranks > 1:
        found += [reduce_case(device, 1 << p) for p in range(12, 29, 2)]
    return found


def timed(device: Device, call: Callable[[], Any]) -> tuple[float, float, int]:
    """Median of a call [s], the share by which its quarters lie apart [1], and how many samples there were."""
    for _ in range(WARM):
        call()
    device.synchronize()
    samples: list[float] = []
    begin = time.perf_counter()
    while len(samples) < LEAST_SAMPLES or (time.perf_counter() - begin < LONG_ENOUGH and len(samples) < MOST_SAMPLES):
        samples.append(device.seconds(call))
    ordered = sorted(samples)
    quarter = len(ordered) // 4
    median = statistics.median(ordered)
    return median, (ordered[-1 - quarter] - ordered[quarter]) / max(median, 1e-12), len(samples)


def row_of_case(device: Device, case: Case, chip: str) -> dict[str, Any]:
    """Measure a case; what goes wrong is told in the row and stops nothing."""
    torch = device.torch
    row = {
        "id": f"own-{chip}-{case.key}",
        "source_name": "own measurement",
        "chip": chip,
        "class": "microbench",
        "use": "report",
        "date": time.strftime("%Y-%m-%d"),
        "version_or_round": f"torch {torch.__version__}",
        **case.columns,
    }
    try:
        call, moved, flop, error = case.build(device)
        if not error <= case.tolerance:
            return row | {
                "outcome": "wrong",
                "notes": f"error {error:.2g} against 64-bit arithmetic, allowed {case.tolerance:.2g}",
            }
        seconds, spread, samples = timed(device, call)
    except Exception as problem:  # a size that does not fit, a kernel that is not there: told, and on
        memory = "memory" in str(problem).lower() or "alloc" in str(problem).lower()
        first = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        return row | {"outcome": "out of memory" if memory else "failed", "notes": first[:160].replace(",", ";")}
    seconds /= 100.0 if case.columns["op"].startswith("launch") else 1.0
    value = moved / seconds / 1e9 if case.columns["metric"] == "gbps" else seconds * 1e6
    steady = "" if spread <= UNSTEADY else f"unsteady: quarters {spread:.0%} apart"
    notes = "; ".join(
        w for w in (f"device={device.name}", f"{samples} samples", f"error {error:.1g}", device.clocks(), steady) if w
    )
    return row | {
        "value": f"{value:.5g}",
        "tflops_equiv": f"{flop / seconds / 1e12:.4g}" if flop else "",
        "outcome": "ok",
        "notes": notes.replace(",", ";"),
    }


def measure(
    device: Device, cases: list[Case], out: Path, chip: str, *, minutes: float, say: Callable[[str], None]
) -> int:
    """Measure until the time is over; returns the number of rows that are new. Rows that the file holds are not repeated."""
    known, rows = set(), 0
    if out.exists():
        with out.open(newline="", encoding="utf-8") as handle:
            known = {r["id"] for r in csv.DictReader(handle) if r.get("outcome") == "ok"}
    end = time.monotonic() + 60.0 * minutes
    with out.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n", extrasaction="ignore")
        if handle.tell() == 0:
            writer.writeheader()
        for at, case in enumerate(cases, 1):
            if f"own-{chip}-{case.key}" in known:
                continue
            if time.monotonic() > end:
                say(f"time is over: {len(cases) - at + 1} of {len(cases)} cases are left; run again to go on")
                break
            row = row_of_case(device, case, chip)
            writer.writerow(row)
            handle.flush()
            os.fsync(handle.fileno())
            rows += 1
            done = int(30 * at / len(cases))
            say(
                f"[{'#' * done}{'.' * (30 - done)}] {at}/{len(cases)} {case.key[:60]}: {row.get('value', row['outcome'])}"
            )
            if device.kind == "cuda":
                device.torch.cuda.empty_cache()
    return rows


def run_from_shell(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Microbenchmarks of one accelerator; needs only PyTorch.")
    parser.add_argument("--device", default="", help="cuda:0, npu:0, xpu:0 or cpu; the first accelerator by default")
    parser.add_argument("--chip", default="", help="name of the chip in the rows; the driver's name by default")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--out", default="measured.csv")
    parser.add_argument("--small", action="store_true", help="a few small cases: is everything there?")
    given = parser.parse_args(argv)
    if not 0 < given.minutes <= 24 * 60:
        raise SystemExit("not a number of minutes\n  where: --minutes\n  fix: give for example 5")
    device = device_of(given.device)
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if ranks > 1:
        import torch.distributed as group

        group.init_process_group()
    chip = given.chip or device.name.lower().replace(" ", "-")
    cases = cases_of(device, small=given.small, ranks=ranks)
    try:
        rows = measure(
            device, cases, Path(given.out), chip, minutes=given.minutes, say=lambda s: print(s, file=sys.stderr)
        )
    except KeyboardInterrupt:
        print(f"interrupted: what was measured is in {given.out}", file=sys.stderr)
        return 130
    print(f"{rows} rows in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(run_from_shell())
