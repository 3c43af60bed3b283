"""The step and host constants of serving, as fitted.

Hardware constants come frozen from the kernel and collective tables; what stands here is fitted on end-to-end rows. A
constant has a level for everybody, offsets by architecture or engine family and a trend in the date of the engine, which
the fit pulls towards zero; what each is, and what was believed before the fit, stands in ``data/priors_serving.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from chipwall.perf.constants import Constant, constants_of
from chipwall.perf.load import constants_table
from chipwall.perf.serving.engines import software_year

__all__ = ["serving_constants", "step_constants"]


@lru_cache(maxsize=512)
def step_constants(
    arch: str, engine: str, year: float | None = None, recipe: str = "", flags: str = "tuned"
) -> Mapping[str, float]:
    """Every step constant as it holds for an architecture, an engine family and the date of its release.

    Parameters
    ----------
    arch, engine : str
        Kind of silicon, and a key of :data:`chipwall.perf.serving.engines.ENGINES`.
    year : float, optional
        Date of the engine as a year; today's software by default.
    recipe : str
        Recipe of the routed experts, or of the feed-forward blocks of a dense model: engines have kernels by format.
    flags : str
        ``tuned`` for the load, or ``default`` as the engine starts without any.
    """
    labels = {"arch": arch, "engine": engine, "recipe": recipe, "flags": flags}
    at = software_year(engine, year)
    return {name: constant.value(labels, year=at) for name, constant in serving_constants().items()}


@lru_cache(maxsize=1)
def serving_constants() -> dict[str, Constant]:
    """The shipped constants by name."""
    return constants_of(constants_table("calibration_inference")["constants"])
