"""A site's own calibration: a few constants of serving, fitted on a load test with the shipped ones as what is believed.

The design, the loss and the solver are those of the shipped fit (:mod:`chipwall.perf.fitting.regression`); the prior of a
constant is its shipped value for this chip, engine and date. Ten runs cannot tell forty constants apart, so only those move
that sites differ in: launches, exchange, attention, the share of the bandwidth, the front end, and one factor on a step.
Whether the fit helps is asked of runs that it did not see, one left out at a time; where it does not, the shipped constants
are kept and the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Any

import numpy as np

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.constants import Constant
from chipwall.perf.device import Hardware
from chipwall.perf.evidence.load_files.records import LoadRun
from chipwall.perf.fitting.bands import band
from chipwall.perf.fitting.regression import (
    Design,
    Fit,
    FittedConstant,
    Floats,
    Robust,
    designed,
    fitted,
    left_out_fits,
)
from chipwall.perf.serving.engines import engine_on
from chipwall.perf.serving.regimes import Requests, served, taken
from chipwall.perf.serving.serve import flags_of, requests_of, setups_of
from chipwall.perf.serving.setup import stacked_setups
from chipwall.perf.serving.step import Setup
from chipwall.perf.serving.workload import Question
from chipwall.text import text

__all__ = [
    "ASKED",
    "FEWEST_RUNS",
    "MOVED",
    "NOISE",
    "MovedConstant",
    "OwnFit",
    "SiteRuns",
    "believed_at",
    "own_fit",
    "site_design",
    "site_runs",
]

# By how much the natural log of a constant may differ between sites that run the same engine on the same chip, and whether
# it belongs to the software (then it holds for that engine on any chip) or to the chip under that software.
MOVED: Mapping[str, tuple[float, str]] = {
    "serving.engine": (0.25, "chip"),
    "serving.launch": (0.4, "software"),
    "serving.host": (0.5, "software"),
    "serving.sequence": (0.5, "software"),
    "serving.first": (0.6, "software"),
    "decode.memory": (0.15, "chip"),
    "serving.gemm": (0.3, "chip"),
    "serving.attention": (0.2, "chip"),
    "serving.reduce": (0.3, "chip"),
    "serving.exchange": (0.3, "chip"),
    "serving.experts_memory": (0.2, "chip"),
}
# What is asked of a run, and how far one run lies from a model that is right [natural log]: first tokens scatter most.
ASKED: Mapping[str, float] = {"tpot": 0.06, "output": 0.10, "ttft": 0.30}
NOISE = ASKED["tpot"]
# Errors beyond this pull with constant force: a run in which something else ran, too, is one of ten.
HOW = Robust(scale=0.15, noise=NOISE, iterations=12)
# Fewer runs cannot be fitted and judged [1].
FEWEST_RUNS = 4
# How much of the prior deviations is allowed; left-out runs choose.
STRENGTHS = (1.0, 0.4)
# A fit is taken where the median error of left-out runs falls by this share and by this much; a gain of so many standard
# errors counts as none, and a smaller share of the way is not gone [1].
GAIN, LEAST, SURE, LEAST_SHARE = 0.05, 0.005, 1.0, 0.2
# A service that answers a smaller share of what arrives is saturated [1].
KEPT_UP = 0.95
# A prediction that is none stands as this, whatever its unit.
LEAST_FIGURE = 1e-10
# Log odds beyond this stand at the bound of a constant.
EDGE = 6.0


@dataclass(frozen=True, slots=True)
class MovedConstant:
    """What a fit changed in one constant: ``offset`` is in log odds [1]; values and their 80 % interval in its unit."""

    name: str
    unit: str
    scope: str
    offset: float
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OwnFit:
    """What came of a load test.

    Attributes
    ----------
    kept : bool
        Whether the shipped constants stay: the fit did not help runs that it had not seen.
    changes : tuple of MovedConstant
        The constants that moved; empty where the shipped ones stay.
    before, after : mapping of str to float
        Median error of left-out runs by what is asked, with the shipped constants and with the fitted ones [1].
    bands : mapping of str to tuple of float
        80 % bands of the constants that hold: factors on a predicted time [1].
    measured, predicted : mapping of str to tuple of float
        By what is asked, every run: measured, and predicted by a fit without it [s, token/s]; NaN where it does not say.
    covariance : array
        Of the constants' log odds, in the order of ``names`` [1].
    names : tuple of str
        The constants that could move.
    """

    kept: bool
    changes: tuple[MovedConstant, ...]
    before: Mapping[str, float]
    after: Mapping[str, float]
    bands: Mapping[str, tuple[float, float]]
    measured: Mapping[str, tuple[float, ...]]
    predicted: Mapping[str, tuple[float, ...]]
    covariance: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteRuns:
    """Runs of one setup as arrays, one entry for every figure of every run.

    Attributes
    ----------
    setup, requests : Setup, Requests
        As the engine takes them, stacked.
    constants : mapping of str to Constant
        The shipped constants that may move here.
    labels, year : mapping, float
        Where they are taken.
    run : array of int
        Which run an entry belongs to.
    asked : array of str
        Which figure it is, a key of :data:`ASKED`.
    value : array
        What was measured [s, token/s].
    """

    setup: Setup
    requests: Requests
    constants: Mapping[str, Constant]
    labels: Mapping[str, str]
    year: float
    run: Any
    asked: Any
    value: Floats

    def predicted(self, constants: Mapping[str, Floats], rows: Any) -> Floats:
        """Prediction of some entries with changed constants [s, token/s]."""
        part = taken(self.setup, rows)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            got = served(replace(part, constants={**part.constants, **constants}), self.requests.at(rows))
        told = np.select([self.asked[rows] == name for name in ASKED], [got[name] for name in ASKED])
        return np.asarray(np.clip(np.nan_to_num(told, nan=LEAST_FIGURE), LEAST_FIGURE, None))

    def shipped(self) -> Floats:
        """Prediction of every entry with the constants as they are [s, token/s]."""
        return self.predicted({}, np.arange(len(self.value)))

    def at(self, rows: Any) -> SiteRuns:
        """Some of the entries."""
        return replace(
            self, setup=taken(self.setup, rows), requests=self.requests.at(rows), run=self.run[rows],
            asked=self.asked[rows], value=self.value[rows],
        )  # fmt: skip


def site_runs(
    model: LanguageModel, hw: Hardware, question: Question, runs: Sequence[LoadRun], calibrated: Calibrated
) -> SiteRuns:
    """Believed runs of a load test in the setup of a question (its chips, precision, layout, engine and options).

    A layout that the question leaves open is the one that serves these runs fastest.
    """
    asked = [_question(question, run) for run in runs]
    _, made, precision, _ = setups_of(model, hw, question, calibrated)
    requests = [requests_of(q) for q in asked]
    setup = made[0] if len(made) == 1 else max(made, key=lambda s: _speed(s, requests))
    entries = [(i, name, value) for i, run in enumerate(runs) for name, value in _figures(run).items() if value]
    names = Requests.__dataclass_fields__
    engine = engine_on(hw.vendor, question.engine)
    recipe = precision.experts if model.is_moe else precision.dense
    labels = {"arch": hw.arch, "engine": engine, "recipe": recipe, "flags": flags_of(question), "chip": hw.id}
    moved = [n for n in MOVED if n in calibrated.serving.constants and _acts(n, setup, model)]
    return SiteRuns(
        setup=stacked_setups([setup] * len(entries)),
        requests=Requests(
            **{n: np.array([float(getattr(requests[i], n)) for i, _, _ in entries]) for n in names}
        ),
        constants={n: calibrated.serving.constants[n] for n in moved},
        labels=labels,
        year=calibrated.serving.year(engine, question.engine_year),
        run=np.array([i for i, _, _ in entries]),
        asked=np.array([name for _, name, _ in entries]),
        value=np.array([value for _, _, value in entries]),
    )  # fmt: skip


def _question(question: Question, run: LoadRun) -> Question:
    """The question that a run answers: its lengths and its load."""
    assert run.prompt is not None, "only believed runs are fitted"
    assert run.output is not None, "only believed runs are fitted"
    load: dict[str, Any] = {"rate": run.rate} if run.rate and not _saturated(run) else {"concurrency": _at_once(run)}
    reused = question.reused if run.reused is None else run.reused
    return replace(question, prompt=max(run.prompt, 1.0), output=max(run.output, 1.0), reused=reused, **load)


def _saturated(run: LoadRun) -> bool:
    """Whether more arrived than was served: then what is in flight says what the engine did, not the rate."""
    return bool(run.rate and run.request_rate and run.in_flight and run.request_rate < KEPT_UP * run.rate)


def _at_once(run: LoadRun) -> float:
    """Requests in flight: what the clients kept, or what Little's law says where they did not keep that many [1]."""
    seen = run.in_flight
    if run.users is None:
        return max(seen or 1.0, 1.0)
    return max(min(run.users, seen), 1.0) if seen else run.users


def _figures(run: LoadRun) -> dict[str, float | None]:
    """What a run says of each figure; a rate is news only where the clients wait for answers, a first token only with it."""
    rate = run.output_rate if run.rate is None else None
    return {"tpot": run.token_time, "ttft": run.first.usual, "output": rate}


def _speed(s: Setup, requests: Sequence[Requests]) -> float:
    return float(np.mean([np.log(np.maximum(float(np.asarray(served(s, q)["output"])), 1e-9)) for q in requests]))


def _acts(name: str, s: Setup, model: LanguageModel) -> bool:
    """Whether a constant has anything to act on in this setup."""
    group, expert = float(s.group), float(s.expert)
    if name == "serving.reduce":
        return group > 1.0
    if name == "serving.exchange":
        return expert > 1.0
    return model.is_moe if name.startswith("serving.expert") else True


def _terms(runs: SiteRuns, strength: float) -> tuple[FittedConstant, ...]:
    """The constants that may move, each believed at its shipped value for this chip, engine and date."""
    found = []
    for name, constant in runs.constants.items():
        value = constant.value(runs.labels, year=runs.year)
        span = log(constant.high / constant.low) if constant.logarithmic else (constant.high - constant.low) / value
        share = 1.0 / (1.0 + exp(-min(max(_odds(constant, value), -EDGE), EDGE)))
        spread = MOVED[name][0] * strength / (span * share * (1.0 - share))
        start = _inside(constant, value)
        found.append(
            FittedConstant(
                name, constant.unit, constant.low, constant.high, start, logarithmic=constant.logarithmic, spread=spread
            )
        )
    return tuple(found)


def _odds(constant: Constant, value: float) -> float:
    """Where a value stands between the bounds of its constant, as log odds [1]."""
    low, high = constant.low, constant.high
    share = log(value / low) / log(high / low) if constant.logarithmic else (value - low) / (high - low)
    share = min(max(share, 1e-9), 1.0 - 1e-9)
    return log(share / (1.0 - share))


def _inside(constant: Constant, value: float) -> float:
    """A value off the bounds of its constant, where its log odds are finite."""
    share = 1.0 / (1.0 + exp(-min(max(_odds(constant, value), -EDGE), EDGE)))
    low, high = constant.low, constant.high
    return float(low * (high / low) ** share) if constant.logarithmic else low + (high - low) * share


def _weights(runs: SiteRuns) -> Floats:
    """Weight of each entry: time per token counts once, what scatters more counts less [1]."""
    return np.array([(NOISE / ASKED[name]) ** 2 for name in runs.asked])


def site_design(runs: SiteRuns, strength: float) -> Design:
    """The unknowns of some runs; ``strength`` scales how far they may move [1]."""
    count = len(runs.value)
    return designed(_terms(runs, strength), {"all": np.full(count, "")}, np.ones(count))


@dataclass(frozen=True, slots=True)
class _Try:
    """One strength of the fit: all runs, and each run left out."""

    fit: Fit
    left_out: Floats
    slopes: Floats


def _tried(runs: SiteRuns, strength: float) -> _Try:
    rows, target, weights = np.arange(len(runs.value)), np.log(runs.value), _weights(runs)
    design = site_design(runs, strength)
    whole = fitted(design, runs.predicted, target, rows, weights, how=HOW)
    slopes, at = whole.slopes(runs.predicted, rows), whole.predicted(runs.predicted, rows)
    _, fold = np.unique(runs.run, return_inverse=True)
    # ten runs move little: one step from the fit of all, with its slopes, is the fit without one of them
    fits = left_out_fits(design, runs.predicted, target, fold, weights, whole.coefficients, how=HOW, rounds=1)
    moved = np.array([fits[one].coefficients - whole.coefficients for one in fold])
    return _Try(whole, at + np.sum(slopes * moved, axis=1), slopes)


def own_fit(runs: SiteRuns) -> OwnFit:
    """Fit the constants that sites differ in, and keep the shipped ones where runs left out do not come out better.

    Raises
    ------
    InputError
        Fewer than :data:`FEWEST_RUNS` runs.
    """
    count = len(np.unique(runs.run))
    if count < FEWEST_RUNS:
        raise InputError(
            text("{count} runs are too few to fit and to judge the fit", count=count), where="from",
            fix=text("Give {fewest} runs or more, at different numbers of users", fewest=FEWEST_RUNS),
        )  # fmt: skip
    truth, plain = np.log(runs.value), np.log(runs.shipped())
    tries = [_tried(runs, strength) for strength in STRENGTHS]
    best = min(tries, key=lambda t: _mean_error(runs, t.left_out, truth))
    share = _helping_share(runs, best.left_out, plain, truth)
    holds = plain + share * (best.left_out - plain)
    design = best.fit.design
    covariance = np.linalg.inv(
        (best.slopes * _weights(runs)[:, None]).T @ best.slopes / NOISE**2 + np.diag(design.deviation**-2.0)
    )
    return OwnFit(
        kept=share == 0.0,
        changes=_changes(runs, best.fit, covariance, share) if share else (),
        before=_errors(runs, plain, truth),
        after=_errors(runs, holds, truth),
        bands=_bands(runs, holds, truth),
        measured=_by_asked(runs, truth),
        predicted=_by_asked(runs, holds),
        covariance=covariance,
        names=tuple(runs.constants),
    )


def believed_at(design: Design, fit: OwnFit) -> Floats:
    """Where the constants of a design stand after a fit, in log odds [1]."""
    moved = {c.name: c.offset for c in fit.changes}
    return np.asarray(design.prior + np.array([moved.get(term.name, 0.0) for term in design.terms]))


def _main(runs: SiteRuns) -> Any:
    """The entries that decide: times per token, or rates where no run has any."""
    return runs.asked == ("tpot" if np.any(runs.asked == "tpot") else "output")


def _mean_error(runs: SiteRuns, predicted: Floats, truth: Floats) -> float:
    return float(np.mean(np.abs(predicted - truth)[_main(runs)]))


def _helping_share(runs: SiteRuns, fitted_: Floats, plain: Floats, truth: Floats) -> float:
    """How much of the way from the shipped to the fitted constants to go: all of it where runs that were left out come out
    better beyond doubt, none of it where they do not, and in between as James and Stein shrink [1]_.

    References
    ----------
    .. [1] B. Efron, C. Morris, "Stein's estimation rule and its competitors", JASA 68 (1973) 117-130, positive part.
    """
    here = _main(runs)
    before, after = np.abs(plain - truth)[here], np.abs(fitted_ - truth)[here]
    gain = before - after
    middle = float(np.median(before))
    if middle - float(np.median(after)) < max(GAIN * middle, LEAST) or gain.mean() <= 0.0 or len(gain) < 2:
        return 0.0
    error = float(np.std(gain, ddof=1)) / sqrt(len(gain))
    share = 1.0 - (SURE * error / float(gain.mean())) ** 2
    return share if share >= LEAST_SHARE else 0.0


def _errors(runs: SiteRuns, predicted: Floats, truth: Floats) -> dict[str, float]:
    errors = np.abs(np.exp(predicted - truth) - 1.0)
    return {name: float(np.median(errors[runs.asked == name])) for name in ASKED if np.any(runs.asked == name)}


def _bands(runs: SiteRuns, predicted: Floats, truth: Floats) -> dict[str, tuple[float, float]]:
    """Bands from left-out runs, as factors on a time; a rate is turned round."""
    found = {}
    for name in ASKED:
        errors = (predicted - truth)[runs.asked == name] * (-1.0 if name == "output" else 1.0)
        if len(errors) >= FEWEST_RUNS:
            low, high = band(errors)
            least = ASKED[name] / 2.0
            found[name] = (min(low, exp(-least)), max(high, exp(least)))
    return found


def _by_asked(runs: SiteRuns, values: Floats) -> dict[str, tuple[float, ...]]:
    count = int(runs.run.max()) + 1
    found = {}
    for name in ASKED:
        column = np.full(count, np.nan)
        here = runs.asked == name
        column[runs.run[here]] = np.exp(values[here])
        found[name] = tuple(column.tolist())
    return found


def _changes(runs: SiteRuns, fit: Fit, covariance: Floats, share: float) -> tuple[MovedConstant, ...]:
    found = []
    for i, (term, x) in enumerate(zip(fit.design.terms, fit.coefficients, strict=True)):
        constant = runs.constants[term.name]
        before = constant.value(runs.labels, year=runs.year)
        offset = share * (float(x) - _odds(constant, before))
        half, middle = 1.2816 * sqrt(float(covariance[i, i])), _odds(constant, before) + offset
        values = term.value(np.array([middle, middle - half, middle + half]))
        found.append(
            MovedConstant(
                term.name, term.unit, MOVED[term.name][1], offset, before, *(float(v) for v in values),
            )
        )  # fmt: skip
    return tuple(found)
