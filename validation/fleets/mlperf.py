"""MLPerf server results as whole fleets: the highest rate that a plan says such a system holds within the round's limits.

python validation/fleets/mlperf.py prints the ratio of every row and its median by model and chip.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

from chipwall import catalog
from chipwall.errors import ChipwallError
from chipwall.fleet.capacity import aggregated
from chipwall.fleet.ways import ways_to_serve
from chipwall.perf.evidence.serving import MLPERF_LIMITS as ROUND_LIMITS
from chipwall.perf.load import measured
from chipwall.perf.serving.engines import asked_year
from chipwall.perf.serving.regimes import Requests
from chipwall.perf.serving.workload import Question
from chipwall.perf.shipped import shipped

SHARE = 0.99


@dataclass(frozen=True)
class FleetRow:
    """A published system: its highest rate, and what a plan says [token/s]."""

    id: str
    model: str
    chip: str
    chips: int
    use: str
    published: float
    planned: float

    @property
    def ratio(self) -> float:
        """Planned over published [1]."""
        return self.planned / self.published


def rows() -> Iterator[FleetRow]:
    """Every server and interactive row of the measured table that can be asked, one system and model once."""
    seen: dict[tuple[str, ...], FleetRow] = {}
    for r in measured("inference"):
        if "MLPerf" not in r["source_name"] or r["scenario"] not in ("server", "interactive") or r["use"] == "drop":
            continue
        if r["metric"] != "output_tokens_per_s":
            continue
        key = tuple(r[k] for k in ("model", "chip", "n_chips", "precision_weights", "scenario", "version_or_round"))
        if key not in seen:
            planned = planned_rate(r)
            if planned:
                seen[key] = FleetRow(
                    r["id"], r["model"], r["chip"], int(float(r["n_chips"])), r["use"], float(r["value"]), planned
                )
    yield from seen.values()


def planned_rate(r: Mapping[str, str]) -> float:
    """Output tokens per second of all chips within the round's limits at its quantile [token/s]; 0: cannot be asked."""
    try:
        model, chip = catalog.model(r["model"]), catalog.chip(r["chip"])
        first, token = ROUND_LIMITS[model.id, r["scenario"]]
        year = r["date"][:7] or None
        q = Question(engine="tuned", engine_year=asked_year(year) if year else None)
        formats = (r["precision_weights"].split()[0],) if r["precision_weights"] else ()
        ways = ways_to_serve(model, [chip], q, shipped(), precisions=formats)
        asked = Requests(
            prompt=float(r["isl"]), output=float(r["osl"]), regime=7, rate=1.0, ttft_limit=first, tpot_limit=token
        )
        made = aggregated(ways.setup, asked, share=SHARE)
    except (ChipwallError, KeyError, ValueError, AttributeError):
        return 0.0
    chips = int(float(r["n_chips"]))
    use = ways.setup.constants["serving.server"]  # prompts and answers of a public chat: lengths spread widely
    return float(np.max(made.rate * use * (chips // ways.chips))) * float(r["osl"])


def main() -> int:
    """Print every row and the medians."""
    found = list(rows())
    groups: dict[str, list[float]] = defaultdict(list)
    for f in found:
        print(
            f"{f.id:16} {f.model:18} {f.chips:3} x {f.chip:24} {f.published:12,.0f} {f.planned:12,.0f} {f.ratio:6.2f} {f.use}"
        )
        for name in (f.model, f.chip, "all"):
            groups[name].append(abs(f.ratio - 1.0))
    for name, errors in groups.items():
        print(f"{name:26} {len(errors):4} rows, median error {median(errors):6.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
