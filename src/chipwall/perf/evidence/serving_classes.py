"""Which class a serving result belongs to, and on what basis a prediction of it stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from chipwall import catalog
from chipwall.errors import ChipwallError
from chipwall.perf.estimate import Basis
from chipwall.perf.load import architecture_of, constants_table

__all__ = ["basis_for", "basis_of", "class_for", "class_of", "fitted_chips"]


def class_for(*, tuned: bool, moe: bool, metric: str) -> str:
    """Class of a result: how the software was prepared, the kind of model, and latencies apart."""
    if metric in ("ttft_ms", "ttft"):
        return "first token"
    kind = "moe" if moe else "dense"
    if metric in ("tpot_ms", "tpot"):
        return f"{'tuned' if tuned else 'untuned'} token time"
    return f"{'tuned' if tuned else 'untuned'} {kind}"


def class_of(row: Mapping[str, str]) -> str:
    """Class of a measured row."""
    return class_for(tuned=row.get("class") == "tuned", moe=row.get("moe") == "1", metric=row.get("metric", ""))


@lru_cache(maxsize=1)
def fitted_chips() -> frozenset[str]:
    """Ids of the chips with rows behind the step constants."""
    return frozenset(constants_table("calibration_inference").get("fitted_chips", ()))


def basis_for(chip_id: str, arch: str, *, arch_rows: Mapping[str, int]) -> Basis:
    """``calibrated`` where the chip, or its architecture with many rows, was fitted; else ``extrapolated``."""
    if chip_id in fitted_chips() or arch_rows.get(arch, 0) >= 30:
        return "calibrated"
    return "extrapolated"


def basis_of(row: Mapping[str, str]) -> Basis:
    """Basis of the prediction of a measured row."""
    from chipwall.perf.evidence.serving import STAND_INS
    from chipwall.perf.serving.constants import tuned_architectures

    try:
        chip = catalog.chip(STAND_INS.get(row["chip"], row["chip"]))
    except ChipwallError:
        return "extrapolated"
    return basis_for(chip.id, architecture_of(chip), arch_rows=tuned_architectures())
