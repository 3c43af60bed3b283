"""Fit the model to published values up to the newest, and say what they can and cannot tell.

Draws from the bare priors are run through the record and weighted by how well they match a short list
of values (``data/targets.toml``), each with the disagreement between sources as its error. The weighted draws give
narrower ranges and correlations for the parameters that the data speak about, and leave the rest at their priors.
What the simulation takes from the record (deliveries, revenue, US rents) is assimilated there and is no target. How
series that go on
by themselves are fitted and judged stands in :mod:`.rolling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from chipwall.catalog.periods import Period, parse_period
from chipwall.catalog.series import SeriesBook
from chipwall.errors import DataError
from chipwall.market.forecast.aggregation import over_period
from chipwall.market.forecast.rolling import ForecastItem, ranks_left_out
from chipwall.market.model.continuation import Trend
from chipwall.market.model.paths import Paths
from chipwall.market.model.priors import Priors
from chipwall.text import text

__all__ = ["MarketCalibration", "Parameter", "Target", "market_calibration", "overlay_toml", "target_of", "weights"]

LEAST_EFFECTIVE = 400.0  # draws worth of information that must be left, or the errors are widened
TOLD = 0.90  # a parameter whose sd falls below this share of its prior is reported as informed, and its range replaced
CORRELATED = 0.25


@dataclass(frozen=True, slots=True)
class Target:
    """A value that the model is fitted to; see ``data/targets.toml``."""

    name: str
    model: str
    how: str
    value: float
    sd: float
    period: Period
    basis: str
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter before and after: 5 and 95 percent points, and the ratio of standard deviations in the prior's own scale."""

    name: str
    prior_low: float
    prior_high: float
    low: float
    high: float
    sd_ratio: float
    shift: float

    @property
    def informed(self) -> bool:
        """Whether the data moved it: narrower by a tenth, or its middle moved by half a prior standard deviation."""
        return self.sd_ratio < TOLD or abs(self.shift) > 0.5


@dataclass(frozen=True, slots=True)
class TargetFit:
    """A target before and after: what was published and the 5, 50 and 95 percent of the model's, in SI."""

    target: Target
    prior: tuple[float, float, float]
    fitted: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class MarketCalibration:
    """The outcome of :func:`market_calibration`."""

    parameters: tuple[Parameter, ...]
    correlation: Mapping[tuple[str, str], float]
    fits: tuple[TargetFit, ...]
    effective: float
    tempering: float
    draws: int
    seed: int
    cut: date
    rolling: Mapping[str, Mapping[str, float]]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        informed = [p.name for p in self.parameters if p.informed]
        return (
            text(
                "{draws} prior draws, worth {effective} after weighting; informed by the data: {names}",
                draws=self.draws,
                effective=round(self.effective),
                names=", ".join(informed) or text("none"),
            ),
            text(
                "A ratio near 1 means that the market record does not identify the parameter: its range is a prior, not a finding."
            ),
            text(
                "Series that go on by themselves, each forecast from classes fitted without it: {points}"
                " points, {inside} inside the"
                " 90 % band, {half} inside the 50 % band",
                points=int(self.rolling["all"]["points"]),
                inside=f"{self.rolling['all']['coverage_90']:.0%}",
                half=f"{self.rolling['all']['coverage_50']:.0%}",
            ),
        )

    def record(self) -> dict[str, object]:
        """The answer as JSON."""
        return {
            "cut": self.cut,
            "draws": self.draws,
            "seed": self.seed,
            "effective_draws": self.effective,
            "tempering": self.tempering,
            "parameters": {
                p.name: {
                    "prior": [p.prior_low, p.prior_high],
                    "fitted": [p.low, p.high],
                    "sd_ratio": p.sd_ratio,
                    "shift_in_prior_sd": p.shift,
                    "informed": p.informed,
                }
                for p in self.parameters
            },
            "correlation": {",".join(pair): value for pair, value in self.correlation.items()},
            "targets": [
                {
                    "name": f.target.name,
                    "published": f.target.value,
                    "sd": f.target.sd,
                    "prior": f.prior,
                    "fitted": f.fitted,
                }
                for f in self.fits
            ],
            "rolling_origin": {name: dict(told) for name, told in self.rolling.items()},
        }


def target_of(entry: Mapping[str, object], *, book: SeriesBook, newest: date) -> Target:
    """A target from its entry in ``data/targets.toml``, with the values of the book, in SI.

    Raises
    ------
    DataError
        It has no value, or one of a time that was not over by ``newest``.
    """
    ids = tuple(str(s) for s in entry["series"])  # type: ignore[attr-defined]
    first, last = parse_period(str(entry["first"])), parse_period(str(entry["last"]))
    assert first.start is not None
    assert last.end is not None
    rows = [
        o
        for seen in book.combine(*ids).values()
        for o in seen
        if o.value is not None and _within(o.period, first.start, last.end)
    ]
    if not rows or any(not o.period.by(newest) for o in rows):
        raise DataError(text("the target '{name}' has no value over by {cut}", name=str(entry["name"]), cut=newest))
    total = float(np.sum([o.value for o in rows if o.value is not None]))
    how = str(entry["how"])
    value = total if how == "flow" else total / len(rows)
    if entry.get("printed"):
        value = float(np.mean([o.as_printed for o in rows if o.as_printed is not None])) * float(str(entry["printed"]))
    elif how == "level" and book.series[ids[0]].si_unit == "USD/s":
        value = float(np.mean([o.as_printed for o in rows if o.as_printed is not None]))  # the model's rent is per hour
    start = parse_period(str(entry.get("from", entry["first"]))).start
    label = f"{entry['first']} to {entry['last']}"
    period = (
        first
        if (first.start, first.end) == (last.start, last.end) and "from" not in entry
        else Period(label, "days", start, last.end)
    )
    if period.form == "days" and first.form == "fiscal quarter":
        period = Period(label, "days", date(2024, 10, 1), date(2025, 3, 31))
    sd = entry["sd"]
    assert isinstance(sd, float)
    return Target(str(entry["name"]), str(entry["model"]), how, value, sd, period, str(entry["basis"]), ids)


def _within(period: Period, start: date, end: date) -> bool:
    return period.start is not None and period.end is not None and period.start >= start and period.end <= end


def _seen(target: Target, paths: Paths) -> NDArray[np.float64]:
    """What the model says for a target, per draw."""
    flow = target.how in ("flow", "running")
    return over_period(paths.quantity(target.model), paths.quarters, target.period, flow=flow, at_end=False)


def _misfit(seen: NDArray[np.float64], target: Target) -> NDArray[np.float64]:
    """Distance of each draw from a target in its own standard deviations."""
    if target.how == "share":
        inside = np.clip(seen, 1e-6, 1 - 1e-6)
        return np.asarray((np.log(inside / (1 - inside)) - np.log(target.value / (1 - target.value))) / target.sd)
    return np.asarray((np.log(np.maximum(seen, 1e-12)) - np.log(target.value)) / target.sd)


def weights(paths: Paths, *, aims: Sequence[Target]) -> tuple[NDArray[np.float64], float]:
    """Weights of the draws, summing to one, and the tempering that kept enough of them alive.

    Misfits have Student tails (4 degrees of freedom), so that one wrong source cannot own the fit. Where fewer than
    :data:`LEAST_EFFECTIVE` draws would be left in effect, all log weights are multiplied by a number below one, which is
    the same as trusting every source less.
    """
    support = sum((-2.5 * np.log1p(_misfit(_seen(t, paths), t) ** 2 / 4) for t in aims), np.zeros(1))
    power = 1.0
    while True:
        made = np.exp(power * (support - support.max()))
        made /= made.sum()
        if 1 / np.sum(made**2) >= min(LEAST_EFFECTIVE, 0.02 * made.size) or power < 0.05:
            return made, power
        power *= 0.8


def _quantile(values: NDArray[np.float64], weight: NDArray[np.float64], points: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - weight[order] / 2
    return [float(np.interp(p, below, values[order])) for p in points]


def market_calibration(
    *,
    bare: Priors,
    aims: Sequence[Target],
    found: Sequence[ForecastItem],
    families: Mapping[str, Trend],
    newest: date,
    draws: int = 20_000,
    seed: int = 1,
) -> MarketCalibration:
    """The fit; the same for the same draws and seed. On what is shipped: :func:`chipwall.market.forecast.load.refitted`.

    Parameters
    ----------
    bare : Priors
        Ranges before the fit.
    aims : sequence of Target
        What the model is fitted to.
    found : sequence of ForecastItem
        Values of the series that go on by themselves, on which their classes are judged.
    families : mapping of str to Trend
        The classes before their fit.
    newest : date
        The last day of the record.

    Limits
    ------
    Weighting prior draws cannot find what the priors exclude. With some 70 parameters and a dozen values most parameters
    stay where they were, lock-in terms among them; the report says so.
    """
    from chipwall.market.simulate import simulate

    keep = (*sorted({t.model for t in aims}), *(f"parameter:{name}" for name in bare.names))
    until = f"{newest.year}Q{(newest.month + 2) // 3}"
    paths = simulate("record", draws=draws, seed=seed, until=until, priors=bare, keep=keep)
    weight, power = weights(paths, aims=aims)
    z = {name: _normal(bare, name, paths.parameter(name)) for name in bare.names}
    parameters = tuple(_parameter(bare, name, z[name], weight) for name in bare.names)
    informed = [p.name for p in parameters if p.informed]
    fits = tuple(TargetFit(t, *(_three(_seen(t, paths), w) for w in (np.full(draws, 1 / draws), weight))) for t in aims)
    return MarketCalibration(
        parameters=parameters,
        correlation=_correlation(z, informed, weight),
        fits=fits,
        effective=float(1 / np.sum(weight**2)),
        tempering=power,
        draws=draws,
        seed=seed,
        cut=newest,
        rolling=_rolling(found, families),
    )


def _rolling(values: Sequence[ForecastItem], families: Mapping[str, Trend]) -> dict[str, dict[str, float]]:
    """Coverage and ranks of series that go on by themselves, judged on series that their class was not fitted to."""
    ranks = ranks_left_out(values, families=families)
    nearest = [(i, r) for i, r in ranks if i.ahead == 0]
    told = {"all": [r for _, r in nearest]}
    for item, rank in nearest:
        told.setdefault(item.family, []).append(rank)
    return {
        name: {
            "points": float(len(found)),
            "coverage_50": float(np.mean(np.abs(np.array(found) - 0.5) <= 0.25)),
            "coverage_80": float(np.mean(np.abs(np.array(found) - 0.5) <= 0.4)),
            "coverage_90": float(np.mean(np.abs(np.array(found) - 0.5) <= 0.45)),
            "median_rank": float(np.median(found)),
        }
        for name, found in told.items()
    }


def _three(values: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float, float]:
    low, middle, high = _quantile(values, weight, (0.05, 0.5, 0.95))
    return low, middle, high


def _normal(priors: Priors, name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a parameter as standard normal numbers of its prior."""
    prior = priors.ranges[name]
    if prior.low == prior.high:
        return np.zeros(values.size)
    middle, unit = (float(v) for v in _forward(prior.shape, prior.at(np.array([0.0, 1.0]))))
    return (_forward(prior.shape, values) - middle) / (unit - middle)


def _forward(shape: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if shape == "lognormal":
        return np.asarray(np.log(values))
    return np.asarray(np.log(values / (1 - values))) if shape == "logitnormal" else values


def _parameter(priors: Priors, name: str, z: NDArray[np.float64], weight: NDArray[np.float64]) -> Parameter:
    prior = priors.ranges[name]
    mean = float(np.sum(weight * z))
    sd = float(np.sqrt(np.sum(weight * (z - mean) ** 2)))
    # a normal range in the prior's own scale: weighted quantiles of a few hundred effective draws are noisier than that
    low, high = (float(v) for v in prior.at(np.array([mean - 1.6448536269514722 * sd, mean + 1.6448536269514722 * sd])))
    return Parameter(name, prior.low, prior.high, low, high, sd / max(float(z.std()), 1e-12), mean)


def _correlation(
    z: Mapping[str, NDArray[np.float64]], names: Sequence[str], weight: NDArray[np.float64]
) -> dict[tuple[str, str], float]:
    """Correlations above the noise between informed parameters."""
    found = {}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            x, y = (z[n] - np.sum(weight * z[n]) for n in (a, b))
            r = float(np.sum(weight * x * y) / np.sqrt(np.sum(weight * x**2) * np.sum(weight * y**2)))
            if abs(r) > CORRELATED:
                found[a, b] = round(0.9 * r, 2)
    return found


def overlay_toml(done: MarketCalibration) -> str:
    """The calibration as the overlay that the priors read, with the evidence beside it."""
    out = [
        "# Written by `chipwall market calibrate`: ranges of the parameters that the record informs.",
        "# Parameters that are not listed stay at their priors.",
        "",
        "[meta]",
        f"cut = {done.cut.isoformat()}",
        f"draws = {done.draws}",
        f"seed = {done.seed}",
        f"effective_draws = {round(done.effective)}",
        f"tempering = {done.tempering:.4g}",
        "",
        *(
            line
            for name, told in done.rolling.items()
            for line in (f"[meta.rolling_origin.{_key(name)}]", *(f"{k} = {v:.4g}" for k, v in told.items()), "")
        ),
        "[meta.sd_ratio]  # standard deviation after the fit over before; near 1 is not identified",
        *(f"{p.name} = {p.sd_ratio:.2f}" for p in done.parameters),
    ]
    for p in done.parameters:
        if p.informed:
            out += [
                "",
                f"[{p.name}]",
                f"low = {p.low:.6g}",
                f"high = {p.high:.6g}",
                'source = "fitted to data up to ' + done.cut.isoformat() + '"',
            ]
            out += [f'basis = "sd {p.sd_ratio:.2f} of the prior, middle moved by {p.shift:+.2f} prior sd"']
    if done.correlation:
        out += ["", "[correlation]", *(f'"{a},{b}" = {r}' for (a, b), r in done.correlation.items())]
    return "\n".join(out) + "\n"


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'
