"""Readings of the performance model, and of measurements where published pairs exist.

The interval of a ratio of two estimates: their logarithmic half widths add in quadrature, less what the two errors have
in common, as pairs of measured runs show (:mod:`chipwall.claims.readings.agreement`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp, log, sqrt
from statistics import median
from typing import TYPE_CHECKING, Any

from chipwall.claims.library import Library
from chipwall.claims.records import Claim, Reading, Value, number_at
from chipwall.errors import Unknown
from chipwall.text import Text, text
from chipwall.units import format_quantity

if TYPE_CHECKING:
    from chipwall.perf.estimate import Estimate
    from chipwall.perf.training.train import Training

__all__ = [
    "energy_ratio",
    "hpc_ratio",
    "measured_ratio",
    "optimizer_step_time",
    "throughput",
    "throughput_ratio",
    "time_to_first_token",
    "token_time",
    "training_ratio",
    "work_ratio",
]

Conditions = Mapping[str, Value]
# Kernels by the position of their estimate in chipwall.perf.hpc.hpc_estimates.
_KERNELS: Mapping[str, str] = {
    "stream": "memory stream (triad)",
    "vector": "FP64 multiply-add, vector units",
    "dgemm": "FP64 matrix product (DGEMM)",
    "hpl": "LINPACK (HPL)",
    "hpcg": "conjugate gradients (HPCG-like)",
    "fft": "FFT, 512 x 512 x 512, complex FP64",
    "stencil": "7-point stencil, FP64",
}


def _engine(at: Conditions) -> str:
    return "" if at["engine"] == "typical" else str(at["engine"])


# ------------------------------------------------------------------------------------------------ serving


def throughput(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Tokens per second of all chips: of prompts in the phase ``prefill``, of answers otherwise."""
    return _served(claim.subject, at, world, metric="output")


def throughput_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The subject's throughput over the baseline's [1]."""
    rates = [
        _served(chip, side, world, metric="output")
        for chip, side in ((claim.subject, at), (claim.baseline, _other_side(at)))
    ]
    return _quotient(*rates, shared=world.published.shared["serving"])


def _other_side(at: Conditions) -> Conditions:
    """The conditions of the baseline: the subject's, but for what the claim says of the other side alone."""
    own = {name.removeprefix("baseline_"): at[name] for name in at if name.startswith("baseline_")}
    return {**at, **{name: value for name, value in own.items() if value not in (0.0, "same")}}


def energy_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Tokens per joule of the subject over those of the baseline [1]."""
    energies = [_energy(chip, at, world) for chip in (claim.baseline, claim.subject)]
    return _quotient(*energies, shared=world.published.shared["serving"])


def _energy(chip_id: str, at: Conditions, world: Library) -> Reading:
    """Energy of an output token in the fastest layout [J/token]."""
    from chipwall.perf.serving.serve import Question, serving
    from chipwall.perf.serving.setup import serving_hardware

    question = Question(
        prompt=number_at(at, "prompt"),
        output=number_at(at, "output"),
        chips=int(number_at(at, "chips")),
        engine=_engine(at),
        concurrency=number_at(at, "batch"),
        precision=str(at["precision"]),
    )
    machine = serving_hardware(world.chip(chip_id), world.calibrated, engine=question.engine)
    return _estimate(serving(world.model(str(at["model"])), machine, question, world.calibrated).energy)


def time_to_first_token(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Mean time to the first token [s]."""
    return _served(claim.subject, at, world, metric="ttft")


def token_time(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Mean time between two tokens of one answer [s]."""
    return _served(claim.subject, at, world, metric="tpot")


def _served(chip_id: str, at: Conditions, world: Library, *, metric: str) -> Reading:
    """One metric of serving with its 80 % interval; the fastest layout, as the serving door chooses it."""
    from chipwall.perf.serving.engines import engine_on
    from chipwall.perf.serving.regimes import served
    from chipwall.perf.serving.serve import Question, question_standing, requests_of, setups_of
    from chipwall.perf.serving.setup import serving_hardware

    chip, model, phase = world.chip(chip_id), world.model(str(at["model"])), str(at["phase"])
    chips, engine = int(number_at(at, "chips")), engine_on(chip.vendor.lower(), _engine(at))
    hw = serving_hardware(chip, world.calibrated, engine=engine)
    alone = phase in ("prefill", "decode")
    degree = next(t for t in range(chips, 0, -1) if chips % t == 0 and (model.heads or 1) % t == 0)
    question = Question(
        prompt=number_at(at, "prompt"),
        output=1.0 if alone else number_at(at, "output"),
        chips=chips,
        engine=engine,
        concurrency=0.0 if phase == "full" else number_at(at, "batch"),
        precision=str(at["precision"]),
        tensor=degree if alone else 0,
    )
    layouts, made, precision, _ = setups_of(model, hw, question, world.calibrated)
    requests = requests_of(question)
    if alone:
        value, layout = _phase_rate(made[0], requests, question.concurrency, phase, chip.name), layouts[0]
    else:
        results = [served(s, requests) for s in made]
        best = max(range(len(made)), key=lambda i: float(results[i]["output"]))
        value, layout = float(results[best][metric]), layouts[best]
    stands = question_standing(
        model, hw, question, precision, world.calibrated, group=layout.group, replicas=layout.replicas
    )
    basis, (low, high) = stands.basis(metric), stands.band(metric)
    told = text(
        "{chips} x {chip}, tensor parallel {degree}: {value} ({basis})",
        chips=chips,
        chip=chip.name,
        degree=layout.tensor,
        basis=basis,
        value=format_quantity(value, "token/s" if metric == "output" else "s"),
    )
    return Reading(value, value * low, value * high, _named(hw.sources, model.source), told, basis="interval")


def _phase_rate(setup: Any, requests: Any, batch: float, phase: str, chip: str) -> float:
    """Tokens per second of prompts alone or of answers alone [token/s]."""
    from chipwall.perf.serving.regimes import batch_room, decode_time, prefill_time

    room = float(batch_room(setup, requests) * setup.replicas)
    if batch > room:
        raise Unknown(
            text("the cache of {chip} holds {room:.0f} sequences, not {batch:.0f}", chip=chip, room=room, batch=batch)
        )
    each = batch / setup.replicas
    if phase == "prefill":
        return float(batch * requests.prompt / prefill_time(setup, requests, each))
    return float(batch / decode_time(setup, requests, each))


def _estimate(found: Estimate) -> Reading:
    told = text(
        "{chips} x {chip}: {value:,.4g} {unit}, 80 % between {low:,.4g} and {high:,.4g} ({basis}, bound by {bound})",
        chips=found.inputs["chips"],
        chip=found.inputs["chip"],
        value=found.value,
        unit=found.unit,
        low=found.low,
        high=found.high,
        basis=found.basis,
        bound=found.bound,
    )
    return Reading(found.value, found.low, found.high, _named(found.sources), told, basis="interval")


def _named(sources: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*sources, *(m for m in more if m))))


def _quotient(top: Reading, bottom: Reading, *, shared: float) -> Reading:
    """Ratio of two estimates; ``shared`` is the correlation of their logarithmic errors [1]."""
    assert isinstance(top.value, float)
    assert isinstance(bottom.value, float)
    ratio = top.value / bottom.value
    below = _combined(_half(top, "low"), _half(bottom, "high"), shared)
    above = _combined(_half(top, "high"), _half(bottom, "low"), shared)
    told: Text = text("({top}) over ({bottom})", top=top.calculation, bottom=bottom.calculation)
    sources = _named(top.sources, *bottom.sources)
    return Reading(ratio, ratio * exp(-below), ratio * exp(above), sources, told, basis="interval")


def _combined(one: float, other: float, shared: float) -> float:
    return sqrt(max(one**2 + other**2 - 2 * shared * one * other, 0.0))


def _half(reading: Reading, end: str) -> float:
    bound = reading.low if end == "low" else reading.high
    assert isinstance(reading.value, float)
    return 0.0 if bound is None else abs(log(bound / reading.value))


# ------------------------------------------------------------------------------------------------ training


def optimizer_step_time(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Time of one optimizer step [s], best layout found."""
    return _estimate(_trained(claim.subject, at, world).estimate)


def training_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The subject's tokens per second over the baseline's, each in the best layout found [1]."""
    times = [_settled(chip, at, world) for chip in (claim.baseline, claim.subject)]
    return _quotient(*times, shared=world.published.shared["training"])


def work_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The subject's speed over the baseline's in one kind of work, so that one claim can span all of them [1]."""
    chips = number_at(at, "chips")
    common: dict[str, Value] = {"model": at["model"], "precision": at["precision"]}
    if at["work"] in ("training", "adapters"):
        task = "pretrain" if at["work"] == "training" else "lora"
        asked: dict[str, Value] = {**common, "task": task, "chips": 16 * chips, "batch": 512.0, "sequence": 2048.0}
        return training_ratio(claim, asked, world)
    prompts = at["work"] == "prompts"
    phase, batch = ("prefill", 1.0) if prompts else ("decode", float(str(at["work"]).split()[0]))
    asked = {
        **common,
        "chips": chips,
        "phase": phase,
        "batch": batch,
        "prompt": 2048.0,
        "output": 1.0,
        "engine": "typical",
    }
    return throughput_ratio(claim, asked, world)


def _settled(chip_id: str, at: Conditions, world: Library) -> Reading:
    """Step time in the best layout, with the interval of a given layout.

    How far other layouts fall short widens the estimate of a job nobody has planned; it is no error of a ratio of the best.
    """
    from chipwall.perf.estimate import interval
    from chipwall.perf.load import silicon_of

    fitted = world.calibrated.training
    found = _trained(chip_id, at, world).estimate
    experts = world.model(str(at["model"])).is_moe
    known = fitted.was_fitted(silicon_of(world.chip(chip_id)), experts=experts)
    kind = "moe" if experts else "dense"
    low, high = interval(found.value, kind if known else "unseen architecture", "all", bands=fitted.bands)
    return _estimate(replace(found, low=low, high=high))


def _trained(chip_id: str, at: Conditions, world: Library) -> Training:
    """The training answer, computed once for each chip and job."""
    from chipwall.perf.device import hardware

    model, chip = world.model(str(at["model"])), world.chip(chip_id)
    hw = hardware(chip, world.calibrated.kernels)
    chips, batch, length = (int(number_at(at, name)) for name in ("chips", "batch", "sequence"))
    precision = str(at["precision"])

    def whole() -> Training:
        from chipwall.perf.training.train import training

        return training(
            model, hw, world.calibrated, chips=chips, sequences=batch, sequence=length, precision=precision,
            neighbours=False,
        )

    def adapters() -> Training:
        from chipwall.perf.training.tune import finetuning

        found = finetuning(
            model, hw, world.calibrated, chips=chips, sequences=batch, sequence=length, precision=precision,
            neighbours=False,
        )
        if found.step is None:
            raise Unknown(
                text(
                    "{model} with adapters does not fit on {chips} x {chip}",
                    model=model.name,
                    chips=chips,
                    chip=chip.name,
                )
            )
        return found.step

    key = ("training", chip_id, at["task"], model.id, chips, batch, length, precision)
    return world.once(key, whole if at["task"] == "pretrain" else adapters)


# ------------------------------------------------------------------------------------------------ science


def hpc_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """The subject's rate over the baseline's on one kind of kernel [1]: measured pairs where published, else estimates."""
    from chipwall.perf.device import hardware
    from chipwall.perf.hpc import hpc_estimates

    measured = _measured_kernels(world, claim.subject, claim.baseline, str(at["kernel"]))
    if measured is not None:
        return measured
    wanted = _KERNELS[str(at["kernel"])]
    rates = []
    for chip_id in (claim.subject, claim.baseline):
        hw = hardware(world.chip(chip_id), world.calibrated.kernels)
        found = [e for e in hpc_estimates(hw, world.calibrated) if str(e.quantity) == wanted]
        if not found:
            raise Unknown(text("{chip} has no published FP64 rate", chip=world.chip(chip_id).name))
        rates.append(_estimate(found[0]))
    return _quotient(*rates, shared=0.0)


def _measured_kernels(world: Library, subject: str, baseline: str, kernel: str) -> Reading | None:
    """Ratio over benchmarks that ran on both chips: median, and from least to most; None where none did."""
    rates: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    sources: list[str] = []
    for row in world.published.kernels:
        if row["_chip"] in (subject, baseline) and row["_kernel"] == kernel:
            key = (row["benchmark"], row["variant"], row["precision"])
            rates.setdefault(key, {}).setdefault(row["_chip"], []).append(float(row["per_chip_value"]))
            sources.append(row["_source"])
    both = [median(r[subject]) / median(r[baseline]) for r in rates.values() if len(r) == 2]
    if not both:
        return None
    told = text(
        "measured on both: {count} benchmarks, ratio {low:.3g} to {high:.3g}",
        count=len(both),
        low=min(both),
        high=max(both),
    )
    return Reading(median(both), min(both), max(both), _named(tuple(sources)), told, basis="interval")


# ------------------------------------------------------------------------------------------------ measurements


def measured_ratio(claim: Claim, at: Conditions, world: Library) -> Reading:
    """Median per-chip throughput of the subject over the baseline's, among published runs alike [1].

    Runs are alike when source, round, model, scenario and weight format are the same. The interval is the 10 to 90
    percent range over all pairs, so it carries how much submitters differ.
    """
    import numpy as np

    sets: dict[tuple[str, ...], tuple[list[float], list[float]]] = {}
    names: list[str] = []
    for row in world.published.runs:
        chip = row["_chip"]
        if chip not in (claim.subject, claim.baseline) or not _wanted(row, at):
            continue
        key = tuple(row[k] for k in ("source_name", "version_or_round", "scenario", "precision_weights"))
        sets.setdefault(key, ([], []))[chip == claim.baseline].append(float(row["per_chip_value"]))
        names.append(row["_source"])
    pairs = [a / b for top, bottom in sets.values() for a in top for b in bottom]
    if not pairs:
        raise Unknown(
            text(
                "no published pair of runs of {model} in {scenario}, {round}",
                model=str(at["model"]),
                scenario=str(at["scenario"]),
                round=str(at["round"]),
            )
        )
    tops = [a for top, bottom in sets.values() if bottom for a in top]
    low, middle, high = (float(v) for v in np.quantile(pairs, (0.1, 0.5, 0.9)))
    told = text(
        "{pairs} pairs of published runs ({top} and {bottom}), {scenario}, {round}: median {middle:.3g}, "
        "80 % between {low:.3g} and {high:.3g}",
        pairs=len(pairs),
        top=len(tops),
        bottom=sum(len(b) for t, b in sets.values() if t),
        scenario=str(at["scenario"]),
        round=str(at["round"]),
        middle=middle,
        low=low,
        high=high,
    )
    return Reading(middle, low, high, _named(tuple(names)), told, basis="interval")


def _wanted(row: Mapping[str, str], at: Conditions) -> bool:
    if at["source"] == "mlperf" and not row["source_name"].startswith("MLPerf"):
        return False
    if at["round"] != "any" and row["version_or_round"] != at["round"]:
        return False
    return row["scenario"] == at["scenario"] and row["_model"] == at["model"]
