"""Prior ranges of the parameters, and draws from them.

Each parameter is a monotone function of one standard normal number, so one function serves random draws, Sobol points
and draws shared between scenarios. The shape says how: ``lognormal``, ``normal`` or ``logitnormal`` (inside 0 to 1),
always through the 5 and 95 percent points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chipwall.errors import DataError, InputError, unknown_name
from chipwall.text import text

__all__ = ["Prior", "PriorShape", "Priors", "priors_of_tables"]

PriorShape = Literal["lognormal", "normal", "logitnormal"]
Array = NDArray[np.float64]
# Standard normal at 95 percent.
Z95 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Prior:
    """A parameter that is not known exactly.

    Attributes
    ----------
    low, high : float
        5 and 95 percent points, in ``unit``.
    source : str
        Where the range comes from, or ``estimated``.
    basis : str
        How it was set.
    """

    name: str
    low: float
    high: float
    shape: PriorShape
    unit: str
    source: str
    basis: str

    def problem(self) -> str:
        """What is wrong with the range; empty when nothing is."""
        if not self.low <= self.high:
            return text("low {low:g} is above high {high:g}", low=self.low, high=self.high)
        if self.shape == "lognormal" and self.low <= 0:
            return text("a lognormal range needs a low above zero, not {low:g}", low=self.low)
        if self.shape == "logitnormal" and not (self.low > 0 and self.high < 1):
            return text("a logitnormal range lies inside 0 to 1, not {low:g} to {high:g}", low=self.low, high=self.high)
        return ""

    def at(self, z: Array) -> Array:
        """The parameter at standard normal numbers [unit of the parameter].

        Examples
        --------
        >>> p = Prior("life", 12.0, 24.0, "lognormal", "quarters", "estimated", "")
        >>> [round(float(v), 3) for v in p.at(np.array([-Z95, 0.0, Z95]))]
        [12.0, 16.971, 24.0]
        """
        low, high = (float(_FORWARD[self.shape](np.float64(v))) for v in (self.low, self.high))
        return _BACK[self.shape](np.asarray((low + high) / 2 + (high - low) / (2 * Z95) * z))


def _same(v: Any) -> Any:
    return v


def _logit(p: Any) -> Any:
    return np.log(p / (1 - p))


def _logistic(v: Any) -> Any:
    return 1 / (1 + np.exp(-v))


_FORWARD: Mapping[str, Callable[[Any], Any]] = {"lognormal": np.log, "normal": _same, "logitnormal": _logit}
_BACK: Mapping[str, Callable[[Array], Array]] = {"lognormal": np.exp, "normal": _same, "logitnormal": _logistic}


@dataclass(frozen=True)
class Priors:
    """All parameters, in file order, with an optional correlation of the underlying normal numbers."""

    ranges: Mapping[str, Prior]
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the columns of :meth:`sample`."""
        return tuple(self.ranges)

    def sample(self, z: Array) -> dict[str, Array]:
        """Parameters at standard normal numbers.

        Parameters
        ----------
        z : array [draws, parameters]
            Independent standard normal numbers; the correlation is put in here.

        Returns
        -------
        dict of str to array
            By name, each [draws], in the unit of its prior.
        """
        if self.correlation:
            z = z @ self._cholesky().T
        return {name: prior.at(z[:, i]) for i, (name, prior) in enumerate(self.ranges.items())}

    def _cholesky(self) -> Array:
        order = {name: i for i, name in enumerate(self.ranges)}
        matrix = np.eye(len(order))
        for (a, b), value in self.correlation.items():
            matrix[order[a], order[b]] = matrix[order[b], order[a]] = value
        try:
            return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
        except np.linalg.LinAlgError:
            raise DataError(text("the correlations of the priors contradict each other")) from None

    def replace(self, ranges: Mapping[str, tuple[float, float]], *, source: str = "scenario") -> Priors:
        """The same priors with other 5 and 95 percent points for some names."""
        found = dict(self.ranges)
        for name, (low, high) in ranges.items():
            if name not in found:
                raise _unknown(name, tuple(found))
            found[name] = replace(found[name], low=low, high=high, source=source)
            if said := found[name].problem():
                raise InputError(said, where=name)
        return Priors(found, self.correlation)


def _unknown(name: str, names: tuple[str, ...]) -> InputError:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=3, cutoff=0.5)
    return unknown_name(text("parameter"), name, nearest=near, listing="chipwall market parameters")


def priors_of_tables(bare: Mapping[str, Mapping[str, object]], fitted: Mapping[str, Mapping[str, object]]) -> Priors:
    """Priors from the records of ``data/priors.toml``, and those of ``data/calibration.toml`` laid over them.

    Raises
    ------
    DataError
        A shape, an end or a source is missing or not known; says the file and the parameter.
    """
    ranges = {name: _prior(name, row, "priors.toml") for name, row in bare.items()}
    correlation: dict[tuple[str, str], float] = {}
    for pair, value in fitted.get("correlation", {}).items():
        first, _, second = pair.partition(",")
        correlation[first.strip(), second.strip()] = float(str(value))
    for name in fitted.keys() & ranges.keys():
        ranges[name] = _prior(name, fitted[name], "calibration.toml", before=ranges[name])
    return Priors(ranges, correlation)


def _prior(name: str, row: Mapping[str, object], file: str, *, before: Prior | None = None) -> Prior:
    def word(key: str) -> str:
        return str(row.get(key) or (getattr(before, key) if before else ""))

    shape = word("shape")
    if shape not in get_args(PriorShape):
        raise DataError(text("shape '{shape}' is not known", shape=shape), where=f"{file}, [{name}]")
    low, high = row.get("low"), row.get("high")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise DataError(text("a parameter needs low and high"), where=f"{file}, [{name}]")
    made = Prior(name, float(low), float(high), shape, word("unit"), word("source"), word("basis"))  # type: ignore[arg-type]
    if said := (made.problem() or (not made.source and text("a parameter without a source does not load"))):
        raise DataError(said, where=f"{file}, [{name}]")
    return made
