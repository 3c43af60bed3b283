"""Mutations of the formulas of memory, step and operators: how many of them do the tests notice?

``make mutants`` (or ``python tests/mutants.py``) changes one formula at a time in a copy of the package and runs the tests
that speak of it. A mutation that no test notices is printed; the run fails when fewer than nine of ten are noticed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICED = 0.9


@dataclass(frozen=True)
class Mutant:
    """One changed formula: file below ``src/chipwall/perf``, what stood there, what stands there instead, and the tests."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MEMORY = ("tests/perf/test_memory.py", "tests/perf/test_memory_doors.py", "tests/perf/test_serving.py")
STEP = ("tests/perf/test_serving_by_hand.py", "tests/perf/test_launches.py")
OPS = ("tests/perf/test_operators_by_hand.py", "tests/perf/test_kernels.py", "tests/perf/test_collectives.py")
TRAIN = ("tests/perf/test_training_by_hand.py",)


def _of(file: str, tests: tuple[str, ...], *pairs: tuple[str, str]) -> list[Mutant]:
    return [Mutant(file, old, new, tests) for old, new in pairs]


MUTANTS = [
    *_of(
        "ops/gemm.py", OPS,
        ("MULTIPLY_ADD * covered_columns * (k", "covered_columns * (k"),
        ("(k + depth_half) /", "k /"),
        ("n * k * weight_bytes / reached", "m * k * weight_bytes / reached"),
        ("(k * input_bytes + n * output_bytes)", "(k * input_bytes)"),
        ("rows * (1.0 + padding / (rows + padding))", "rows + padding"),
        ("quantised * m * k * (BF16_BYTES + input_bytes)", "quantised * m * k * input_bytes"),
        ("launch + chain * k + conversion", "launch + conversion"),
        ("n * (1.0 + wave * idle)", "n * (1.0 + idle)"),
        ("np.ceil(waves) / waves - 1.0", "np.ceil(waves) / waves"),
    ),
    *_of(
        "ops/experts.py", OPS,
        ("experts * (1.0 - np.exp(-rows / experts))", "np.minimum(rows, experts)"),
        ("up = product_seconds(each, first * ffn", "up = product_seconds(each, ffn"),
        ("launch + touched * (up + down)", "launch + (up + down)"),
        ("np.maximum(tokens - 1.0, 0.0)", "np.maximum(tokens, 0.0)"),
        ("covered = smooth_maximum(each, padding) * busy", "covered = smooth_maximum(each, padding)"),
        ("rows * (hidden + ffn) * (3.0 * BF16_BYTES + input_bytes)", "rows * (hidden + ffn) * (2.0 * BF16_BYTES + input_bytes)"),
        ("foreign * elsewhere * (2.0 * hidden + 3.0 * ffn)", "foreign * elsewhere * (2.0 * hidden)"),
        ("np.multiply(tokens, top_k) / expert_parallel, experts", "np.multiply(tokens, top_k), experts"),
    ),
    *_of(
        "ops/attention.py", OPS,
        ("ramp = growing * before + growing * (growing + 1.0) / 2.0", "ramp = growing * before + growing * growing"),
        ("(1.0 + length_half / length)", "(1.0 + length_half)"),
        ("pairs * (width + 2.0 * softmax)", "pairs * (width + softmax)"),
        ("kv_bytes * kv_heads * reached", "kv_bytes * heads * reached"),
        ("attention_seconds(2.5 * flops", "attention_seconds(2.0 * flops"),
        ("seen = context if window is None else lesser(window, context)", "seen = context"),
    ),
    *_of(
        "ops/elementwise.py", OPS,
        ("kernels * launch + moved", "launch + moved"),
        ("moved / (bandwidth * memory_efficiency)", "moved / bandwidth"),
    ),
    *_of(
        "ops/collectives.py", OPS,
        ("(2.0 if op == \"all_reduce\" else 1.0) * (n - 1.0) / n", "(n - 1.0) / n"),
        ("latency + hop * peers + slowed", "latency + hop + slowed"),
        ("(size + (size * half_size) ** 0.5)", "size"),
        ("(1.0 + pair_loss / peers)", "(1.0 + pair_loss)"),
        ("once = (n - 1.0) * size", "once = size"),
        ("twice = second + 2.0 * (n - 1.0) / n * size", "twice = second + (n - 1.0) / n * size"),
        ("waiting = latency + hop * (n - 1.0)", "waiting = latency"),
        ("chosen(able, lesser(own, library), library)", "chosen(able, own, library)"),
        ("away = 1.0 - 1.0 / nodes", "away = 1.0"),
        ("spread = 1.0 if op == \"all_to_all\" else inside", "spread = 1.0"),
        ("c[\"network.latency\"] + size / (network", "size / (network"),
    ),
    *_of(
        "ops/launches.py", STEP,
        ("\"latent\": 7.0", "\"latent\": 4.0"),
        ("EXPERTS, SHARED = 6.0, 4.0", "EXPERTS, SHARED = 6.0, 0.0"),
        ("QUANTISED = 2.0", "QUANTISED = 0.0"),
    ),
    *_of(
        "serving/step.py", STEP,
        ("picks = tokens * block.picks / s.expert", "picks = tokens * block.picks"),
        ("each = picks / touched * chosen", "each = picks * chosen"),
        ("chosen(s.expert > 1, c[\"serving.imbalance\"], 1.0)", "c[\"serving.imbalance\"]"),
        ("columns + c[\"serving.columns\"], r.weight_bytes", "columns, r.weight_bytes"),
        ("width = 2.0 * g.latent_rank + g.rotary", "width = g.latent_rank + g.rotary"),
        ("pairs = lesser(prompt / 2.0, g.seen(prompt))", "pairs = lesser(prompt, g.seen(prompt))"),
        ("g.head_dim + g.value_dim + 2.0 * softmax", "g.head_dim + g.value_dim + softmax"),
        ("values * STATE_BYTES * decoding", "values * decoding"),
        ("values = m.blocks * 4.0 * m.hidden", "values = m.blocks * 2.0 * m.hidden"),
        ("spent + m.blocks * chosen(s.tensor > 1", "spent + m.layers * chosen(s.tensor > 1"),
        ("there + back, 0.0)", "there, 0.0)"),
        ("sent=sent * BF16_BYTES, node", "sent=sent, node"),
        ("(s.pipeline - 1.0) * (hand", "s.pipeline * (hand"),
        ("kernels * (c[\"serving.launch\"]", "(c[\"serving.launch\"]"),
        ("rows / (rows + BUSY_ROWS)", "1.0"),
        ("c[\"serving.expert_prompt\"] * own_prompt", "c[\"serving.expert_prompt\"]"),
        ("c[\"serving.sequence\"] * sampling / ranks", "c[\"serving.sequence\"]"),
        ("host - hidden + smooth_maximum(device, hidden) - device", "host"),
        ("spent * c[\"serving.engine\"]", "spent"),
    ),
    *_of(
        "serving/iteration.py", STEP,
        ("* q.fresh / steps", "* q.fresh"),
        ("greater(lesser(q.fresh, q.chunk), greater", "greater(q.fresh, greater"),
        ("spent + greater(1.0 - share, 0.0) * step_time", "spent + step_time"),
        ("(pieces + s.pipeline - 1.0) / pieces / s.pipeline", "1.0"),
        ("others = greater(batch - 1.0, 0.0)", "others = 0.0 * greater(batch - 1.0, 0.0)"),
    ),
    *_of(
        "serving/memory.py", MEMORY,
        ("return share * seen - weights - kept", "return share * seen - kept"),
        ("return share * (seen - kept) - weights", "return share * seen - weights"),
        ("named(1.0 + draft) / named(layout.context)", "named(1.0 + draft)"),
    ),
    *_of(
        "serving/regimes.py", MEMORY,
        ("greater(each, 1.0) * ranks_of(s)", "greater(each, 1.0)"),
        ("q.prompt + s.constants[\"memory.held\"] * q.output", "q.prompt"),
        ("return s.room >= sequence_cache(s, q.prompt + q.output)", "return s.room >= 0.0"),
    ),
    *_of(
        "serving/regimes.py", STEP,
        ("load / (2.0 * (1.0 - load)) * turn", "load / (1.0 - load) * turn"),
        ("0.5 * token, 0.0)", "0.0 * token, 0.0)"),
        ("rate = batch / (first + answer)", "rate = batch / answer"),
    ),
    *_of(
        "serving/tails.py", STEP,
        ("np.log(load / (1.0 - share))", "np.log(1.0 / (1.0 - share))"),
        ("np.sqrt(part * (1.0 - part) / steps)", "np.sqrt(part / steps)"),
    ),
    *_of(
        "training/exchange.py", TRAIN,
        ("blocks * 4.0 * pair", "blocks * 2.0 * pair"),
        ("attending * 3.0 *", "attending * 1.0 *"),
        ("sparse * 4.0 * each * away", "sparse * 2.0 * each * away"),
        ("(np.maximum(run.expert, 1.0) - 1.0) / np.maximum(run.expert, 1.0)", "1.0"),
        ("2.0 * _gather(hw, run, size, run.tensor, shard)", "_gather(hw, run, size, run.tensor, shard)"),
        ("width = 0.15 * transfer + 1e-12", "width = 9.0 * transfer + 1e-12"),
        ("reach / np.maximum(inner, 1.0)", "reach"),
    ),
]  # fmt: skip


def noticed(mutant: Mutant, place: Path) -> bool:
    """Whether the tests fail once the formula is changed in a copy of the package."""
    file = place / "src/chipwall/perf" / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.old) < 1:
        raise SystemExit(f"{mutant.file}: '{mutant.old}' is no longer there; bring the list of mutations up to date")
    file.write_text(whole.replace(mutant.old, mutant.new, 1), encoding="utf-8")
    try:
        return not passes(mutant.tests, place)
    finally:
        file.write_text(whole, encoding="utf-8")


def passes(tests: tuple[str, ...], place: Path) -> bool:
    """Whether some tests pass in the copy."""
    known = [t for t in tests if (place / t).exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *known]
    environment = {**os.environ, "PYTHONPATH": str(place / "src")}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False).returncode == 0


def main() -> None:
    """Run every mutation, or those of one file; print those that nobody notices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutations of files whose name contains this")
    only = parser.parse_args().only
    chosen = [m for m in MUTANTS if only in m.file]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "copy"
        shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(".git", ".venv", "docs", "__pycache__", "build", "dist"))
        for tests in sorted({m.tests for m in chosen}):
            if not passes(tests, place):
                raise SystemExit(f"{', '.join(tests)} fail without any mutation: nothing can be said")
        lived = [m for m in chosen if not noticed(m, place)]
    for m in lived:
        print(f"not noticed: {m.file}: {m.old!r} -> {m.new!r}")
    share = 1.0 - len(lived) / max(len(chosen), 1)
    print(f"{len(chosen) - len(lived)} of {len(chosen)} mutations noticed ({share:.0%})")
    raise SystemExit(share < NOTICED)


if __name__ == "__main__":
    main()
