"""How far the simulation has been from measured load: 80 % bands by class of point and figure."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from chipwall.files import toml_of_text

__all__ = ["load_band"]


@lru_cache(maxsize=1)
def _bands() -> dict[str, dict[str, float]]:
    place = files("chipwall.fleet") / "data" / "bands_load.toml"
    return toml_of_text(place.read_text(encoding="utf-8"), file=str(place))["half"]  # type: ignore[no-any-return]


def load_band(class_: str, metric: str) -> tuple[float, float, str]:
    """Factors from the estimate to the ends of its 80 % interval [1], and the basis.

    A factor is a quantile of the errors of points of the class that no constant was fitted to (split conformal).
    """
    from math import exp

    known = _bands().get(class_, {})
    half = known.get(metric, _bands()["other"][metric])
    return exp(-half), exp(half), "calibrated" if metric in known else "extrapolated"
