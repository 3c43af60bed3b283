"""AIConfigurator's fleets beside chipwall's: the same questions, at the mean (as the tool sizes) and at p95 with a queue.

python validation/aiconfigurator/fleets.py prints both; nothing of the tool is needed.
"""

from __future__ import annotations

import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import chipwall as cw

TABLE = Path(__file__).parent / "fleets.csv"


@dataclass(frozen=True)
class Pair:
    """One question: the tool's aggregated fleet, and ours at the mean and at p95 [1]; seconds of both."""

    id: str
    use: str
    theirs: int
    mean: int
    tail: int
    replica: int
    seconds: float
    own_seconds: float

    @property
    def agrees(self) -> bool:
        """Within 15 % or one replica at the mean, or what is more than that at p95 is the tails'."""
        near = max(0.15 * self.theirs, self.replica)
        return abs(self.mean - self.theirs) <= near and self.tail >= self.mean


def pairs(*, uses: tuple[str, ...] = ("judge",)) -> list[Pair]:
    """Every question of the table."""
    found = []
    with TABLE.open(encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            if r["use"] not in uses:
                continue
            numbers = {
                "rate": "rate",
                "prompt": "prompt",
                "output": "output",
                "ttft": "ttft_limit_s",
                "tpot": "tpot_limit_s",
            }
            asked = {name: float(r[column]) for name, column in numbers.items()} | {
                "chips": r["chip"],
                "precision": r["precision"],
                "engine": "vllm",
                "kinds": "aggregated",
            }
            start = time.perf_counter()
            mean, tail = (cw.plan(r["model"], **asked, quantile=q).record.best for q in ("p50", "p95"))
            spent = (time.perf_counter() - start) / 2.0
            found.append(
                Pair(
                    r["id"], r["use"], int(r["aggregated_chips"]), int(mean.chips.value), int(tail.chips.value),
                    max(m.layout.chips for m in mean.members), float(r["seconds"]), spent,
                )
            )  # fmt: skip
    return found


def main() -> int:
    """Print the table."""
    found = pairs(uses=("judge", "report"))
    for p in found:
        ratio, faster = p.mean / p.theirs, p.seconds / p.own_seconds
        print(f"{p.id:24} theirs {p.theirs:4}  mean {p.mean:4} ({ratio:.2f})  p95 {p.tail:4}  {faster:6.0f} x faster  {p.use}")
    judged = [p for p in found if p.use == "judge"]
    mean, tail = (median(abs(getattr(p, n) / p.theirs - 1.0) for p in judged) for n in ("mean", "tail"))
    print(f"judged: median difference at the mean {mean:.1%}, at p95 {tail:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
