"""The constants and measurements that come with the package, as the record that engines take."""

from __future__ import annotations

from functools import lru_cache, partial

from chipwall.perf.calibrated import Calibrated, OverheadConstants, ServingConstants, TrainingConstants
from chipwall.perf.constants import Calibration, constants_of
from chipwall.perf.evidence.measured_runs import MeasuredRuns
from chipwall.perf.load import data_text, measured, table

__all__ = ["shipped"]


@lru_cache(maxsize=1)
def shipped() -> Calibrated:
    """What comes with the package; every file is read once, when its part is first needed."""
    return Calibrated(
        {"kernels": _kernels, "serving": _serving, "training": _training, "overhead": _overhead, "evidence": _evidence}
    )


def _kernels() -> Calibration:
    read = table("calibration")
    bands = {name: (float(b[0]), float(b[1])) for name, b in read.get("bands", {}).items()}
    seen = {name: tuple(chips) for name, chips in read.get("seen", {}).items()}
    return Calibration(constants_of(read["constants"]), seen, bands, str(read.get("data", "")))


def _serving() -> ServingConstants:
    read = table("calibration_inference")
    dates = {name: (float(a), float(b)) for name, (a, b) in read["dates"].items()}
    return ServingConstants(constants_of(read["constants"]), dates)


def _training() -> TrainingConstants:
    read = table("calibration_training")
    return TrainingConstants(
        constants_of(read["constants"]),
        {name: (float(b[0]), float(b[1])) for name, b in read["bands"].items()},
        frozenset(str(name) for name in read["seen"]["kinds"]),
        {name: float(error) for name, error in read.get("left_out", {}).items()},
    )


def _overhead() -> OverheadConstants:
    read = table("overhead")
    low, high = read["band"]
    return OverheadConstants(constants_of(read["constants"]), (float(low), float(high)))


def _evidence() -> MeasuredRuns:
    stretches = {name: float(factor) for name, factor in table("bands_serving")["stretch"].items()}
    return MeasuredRuns(
        served=data_text("evidence_serving.csv"), stretches=stretches, trained=partial(measured, "training"),
        computed=partial(measured, "hpc"),
    )  # fmt: skip
