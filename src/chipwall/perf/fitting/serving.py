"""Stage 2 of the fit: step and host constants of serving on end-to-end rows, hardware constants frozen.

Robust least squares on the logarithm of predicted over measured, with a Gaussian prior on every constant and offset. A
row counts less the more rows its group (source, chip, model) has, because resubmissions repeat one result. The offsets of
one constant share its derivative, so a step of the fit costs one sweep per constant, not one per offset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipwall.perf.constants import Constant
from chipwall.perf.evidence.serving import Cases, case_values, cases, predictions
from chipwall.perf.serving.constants import ENGINES, PRIORS, SETUPS, VINTAGES, Prior, log_to_odds, odds_spread

__all__ = ["Fit", "fit_rows", "group_of", "grouped_predictions", "prepared"]

HUBER = 0.12  # relative error beyond which a row pulls with constant force [1]
PRIOR_WEIGHT = 1.5
GROUP_POWER = -0.35
UNTUNED_WEIGHT = 0.6
STEP = 1e-2


def group_of(row: Mapping[str, str]) -> tuple[str, str, str]:
    """The group that a fold keeps together: source, chip and model."""
    return row["source_name"], row["chip"], row["model"]


def row_weights(rows: Sequence[Mapping[str, str]]) -> Any:
    """Weight of each row in the fit, mean one [1]."""
    size = Counter(group_of(r) for r in rows)
    weight = np.array(
        [size[group_of(r)] ** GROUP_POWER * (1.0 if r["class"] == "tuned" else UNTUNED_WEIGHT) for r in rows]
    )
    return weight / weight.mean()


def prepared(rows: Sequence[Mapping[str, str]]) -> tuple[list[Mapping[str, str]], Cases]:
    """The rows that can be expressed, and their cases."""
    _, reasons = cases(rows)
    kept = [r for i, r in enumerate(rows) if i not in reasons]
    made, _ = cases(kept)
    assert made is not None, "no row can be expressed"
    return kept, made


def _offsets(p: Prior, archs: Sequence[str]) -> tuple[tuple[str, Sequence[str], float], ...]:
    """Kind, labels and spread of the offsets that a constant may have, in the order of :meth:`Fit.where`."""
    known = [v for each in VINTAGES.values() for v in each]
    both = [f"{a},vintage={v}" for a in archs for v in known]
    setups = sorted(set(SETUPS.values()))
    return (
        ("arch", archs, p.arch),
        ("engine", ENGINES, p.engine),
        ("vintage", known, p.vintage),
        ("arch", both, p.pair),
        ("setup", setups, p.setup),
    )


def _damped(residuals: Callable[[Any], Any], slopes: Callable[[Any], Any], start: Any, *, steps: int) -> Any:
    """Least squares by damped Gauss-Newton steps; a step that does not help is taken again with more damping."""
    x, damping = np.array(start, dtype=float), 1e-2
    left = residuals(x)
    for _ in range(steps):
        jacobian = slopes(x)
        normal, pull = jacobian.T @ jacobian, jacobian.T @ left
        for _ in range(4):
            tried = x - np.linalg.solve(normal + damping * np.diag(np.diag(normal)), pull)
            new = residuals(tried)
            if new @ new < left @ left:
                gain = 1.0 - (new @ new) / (left @ left)
                x, left, damping = tried, new, damping / 5.0
                break
            damping *= 8.0
        else:
            return x
        if gain < 1e-4:
            return x
    return x


@dataclass
class Fit:
    """The unknowns of one fit and where each applies.

    Attributes
    ----------
    names : list of tuple
        ``(constant,)`` or ``(constant, kind, label)`` of each unknown.
    prior, spread : array
        Mean and standard deviation of each unknown, as log odds [1].
    """

    archs: list[str]
    priors: Mapping[str, Prior]
    names: list[tuple[str, ...]]
    prior: Any
    spread: Any

    @classmethod
    def over(cls, archs: Sequence[str], priors: Mapping[str, Prior] = PRIORS) -> Fit:
        """The unknowns for these architectures."""
        names: list[tuple[str, ...]] = []
        mean: list[float] = []
        sd: list[float] = []
        for name, p in priors.items():
            names.append((name,))
            mean.append(log_to_odds(p, p.typical))
            sd.append(odds_spread(p, p.spread))
            for kind, labels, size in _offsets(p, archs):
                for label in labels if size else ():
                    names.append((name, kind, label))
                    mean.append(0.0)
                    sd.append(odds_spread(p, size))
        return cls(list(archs), priors, names, np.array(mean), np.array(sd))

    def where(self, c: Cases) -> dict[str, Any]:
        """For each constant, the unknowns that each case adds up: an array of positions, level first."""
        position = {n: i for i, n in enumerate(self.names)}
        found = {}
        for name, p in self.priors.items():
            columns = [np.full(len(c.owner), position[(name,)])]
            held = (
                c.arch,
                c.engine,
                c.vintage,
                [f"{a},vintage={v}" for a, v in zip(c.arch, c.vintage, strict=True)],
                c.made_by,
            )
            for (kind, _, size), labels in zip(_offsets(p, ()), held, strict=True):
                if size:
                    columns.append(np.array([position.get((name, kind, x), -1) for x in labels]))
            found[name] = np.stack(columns)
        return found

    def values(self, x: Any, where: Mapping[str, Any], *, moved: str = "", by: float = 0.0) -> dict[str, Any]:
        """Every constant of every case; the log odds of one of them moved by ``by``."""
        padded = np.append(x, 0.0)
        found = {}
        for name, p in self.priors.items():
            odds = padded[where[name]].sum(axis=0) + (by if name == moved else 0.0)
            found[name] = p.low * (p.high / p.low) ** (1.0 / (1.0 + np.exp(-odds)))
        return found

    def predicted(
        self, x: Any, c: Cases, where: Mapping[str, Any] | None = None, *, moved: str = "", by: float = 0.0
    ) -> Any:
        """Prediction of every row that has cases."""
        k = self.values(x, self.where(c) if where is None else where, moved=moved, by=by)
        return predictions(replace(c, setup=replace(c.setup, constants=k)))[1]

    def solved(self, rows: Sequence[Mapping[str, str]], c: Cases, *, start: Any = None, steps: int = 12) -> Any:
        """The unknowns that fit the rows best."""
        where = self.where(c)
        measured = np.log([float(r["value"]) for r in rows])
        weight = np.sqrt(row_weights(rows))
        first = np.r_[0, np.nonzero(np.diff(c.owner))[0] + 1]

        def residuals(x: Any) -> Any:
            z = (np.log(np.maximum(self.predicted(x, c, where), 1e-12)) - measured) / HUBER
            bent = np.sign(z) * np.sqrt(2.0 * (np.sqrt(1.0 + z * z) - 1.0))
            return np.r_[bent * weight, (x - self.prior) / self.spread * PRIOR_WEIGHT]

        def slopes(x: Any) -> Any:
            base = np.log(np.maximum(self.predicted(x, c, where), 1e-12))
            z = (base - measured) / HUBER
            root = np.sqrt(1.0 + z * z)
            bent = np.sqrt(2.0 * (root - 1.0))
            gain = np.where(np.abs(z) > 1e-6, np.abs(z) / np.maximum(root * bent, 1e-12), 1.0) / HUBER * weight
            jacobian = np.zeros((len(rows) + len(x), len(x)))
            at = np.arange(len(rows))
            for name in self.priors:
                moved = np.log(np.maximum(self.predicted(x, c, where, moved=name, by=STEP), 1e-12))
                slope = (moved - base) / STEP * gain
                for column in where[name]:
                    target = column[first]
                    ok = target >= 0
                    jacobian[at[ok], target[ok]] += slope[ok]
            jacobian[len(rows) + np.arange(len(x)), np.arange(len(x))] = PRIOR_WEIGHT / self.spread
            return jacobian

        return _damped(residuals, slopes, self.prior if start is None else start, steps=steps)

    def narrowed(self, x: Any, c: Cases, *, within: float) -> Cases:
        """Cases without the layouts that are worse than the best of their row by more than a share."""
        k = self.values(x, self.where(c))
        value = case_values(replace(c, setup=replace(c.setup, constants=k)))
        late = np.isin(np.array(c.metric), ("ttft_ms", "tpot_ms"))
        starts = np.r_[0, np.nonzero(np.diff(c.owner))[0] + 1]
        best = np.abs(np.maximum.reduceat(np.where(late, -value, value), starts))
        each = np.repeat(best, np.diff(np.r_[starts, len(c.owner)]))
        return c.at(np.nonzero(np.where(late, each / value, value / each) >= 1.0 - within)[0])

    def constants(self, x: Any, *, rows: int, spread: Any) -> dict[str, Constant]:
        """The solution as constants of the calibration file."""
        found = {}
        for name, p in self.priors.items():
            offsets = {
                f"{n[1]}={n[2]}": float(x[i])
                for i, n in enumerate(self.names)
                if n[0] == name and len(n) > 1 and abs(x[i]) > 1e-4
            }
            level = self.names.index((name,))
            found[name] = Constant(
                name=name,
                unit=p.unit,
                low=p.low,
                high=p.high,
                level=float(x[level]),
                offsets=offsets,
                rows=rows,
                spread=float(spread[level]),
                logarithmic=True,
                note=p.note,
            )
        return found


def fit_rows(rows: Sequence[Mapping[str, str]], c: Cases, *, start: Any = None, steps: int = 12) -> tuple[Fit, Any]:
    """Fit all rows; layouts far from the best are set aside once, then the fit goes on."""
    fit = Fit.over(sorted(set(c.arch)))
    rough = fit.prior if start is None else start
    few = fit.narrowed(rough, c, within=0.3)
    x = fit.solved(rows, few, start=start, steps=steps)
    return fit, x


def subset(c: Cases, keep: Any) -> Cases:
    """Cases of the rows where ``keep`` holds."""
    return c.at(np.nonzero(keep[c.owner])[0])


def grouped_predictions(
    fit: Fit, rows: Sequence[Mapping[str, str]], c: Cases, fold: Any, *, start: Any, steps: int = 8
) -> tuple[Any, Any]:
    """Prediction of each row by a fit that never saw its group, and the unknowns of each fold."""
    predicted = np.zeros(len(rows))
    each = []
    few = fit.narrowed(start, c, within=0.3)
    for k in np.unique(fold):
        seen = fold != k
        x = fit.solved(
            [r for r, s in zip(rows, seen, strict=True) if s],
            subset(few, seen),
            start=(start + fit.prior) / 2.0,
            steps=steps,
        )
        predicted[~seen] = fit.predicted(x, subset(c, ~seen))
        each.append(x)
    return predicted, np.array(each)
