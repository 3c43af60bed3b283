"""How many of which chip, at what cost, and is it allowed: words to a plan, and the plan to an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

from chipwall.answer import Answer, Figure, Line
from chipwall.api.doors import calibrated_in_use, door, model_of, source_of
from chipwall.api.serving import MOST_TOKENS, AmountLike, question_of
from chipwall.api.supply import supply_of, with_money
from chipwall.catalog.ownership import assumptions
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.files import require_place, write_whole
from chipwall.fleet.fleet_plan import FleetPlan, plan_of
from chipwall.fleet.money import Span, terms_with
from chipwall.fleet.need import ServeNeed, Supply
from chipwall.fleet.options import FleetOption
from chipwall.fleet.picks import searched
from chipwall.fleet.plan_json import job_data, job_row, plan_data
from chipwall.fleet.ways import ways_to_serve
from chipwall.fleet.work_plan import Job, JobPlan, job_plan
from chipwall.inputs import choice, choices, count, day, flag, number, seconds
from chipwall.perf.serving.serve import require_text
from chipwall.perf.serving.workload import Question
from chipwall.report.pages.plan import PART_WORDS
from chipwall.text import text
from chipwall.units import DAY, HOUR, KILO, YEAR

__all__ = ["PAYMENTS", "QUANTILES_ASKED", "SERVING_KINDS", "PlanAnswer", "plan"]

QUANTILES_ASKED = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
PAYMENTS = ("rent", "own", "cheapest")
TASKS = ("serve", "train", "tune")
LENGTHS = ("equal", "spread")
SERVING_KINDS = ("aggregated", "disaggregated")
MONTH = YEAR / 12.0
# Assumptions of owning that a person may replace: unit in which they are given over SI.
OWN_UNITS = {
    "pue": 1.0, "electricity": KILO * HOUR, "hosting": KILO * MONTH, "life": 1.0, "interest": 1.0, "server": 1.0,
    "network": 1.0, "chips_per_person": 1.0,
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class PlanAnswer(Answer):
    """A plan: an :class:`~chipwall.answer.Answer` whose rate and prices can be changed without a new search."""

    def with_(
        self,
        *,
        rate: float | None = None,
        rent: float | Mapping[str, float] | None = None,
        price: float | Mapping[str, float] | None = None,
        pay: str | None = None,
        **own: float,
    ) -> PlanAnswer:
        """The same plan at another rate, rent [currency/h], price [currency] or assumption of owning.

        Parameters
        ----------
        rate : float
            Requests per second [1/s].
        rent, price : float or mapping
            Of one chip: one number for all, or by chip.
        pay : str
            ``rent``, ``own`` or ``cheapest``.
        **own
            ``pue`` [1], ``electricity`` [currency/kWh], ``hosting`` [currency/kW/month], ``life`` [year], ``interest``
            [1/year], ``server`` and ``network`` [currency/chip], ``chips_per_person`` [1].

        Raises
        ------
        InputError
            A change that needs a new search: lengths, limits, chips, day or place.
        """
        record: FleetPlan = self.record
        supply = with_own(with_money(record.supply, rent=rent, price=price), own)
        asked = record.rate if rate is None else number(rate, "rate", above=0, most=1e7, example="50")
        paid = record.pay if pay is None else choice(pay, "pay", PAYMENTS)
        return plan_answer(plan_of(record.searched, supply, rate=asked, pay=paid))

    def to_xlsx(self, path: str | Path, *, lang: str = "en") -> None:
        """The plan as a workbook with live formulas: rent, price, PUE, rate and load can be changed there.

        Parameters
        ----------
        path : str or Path
            Where to; written whole or not at all.
        lang : str
            ``en`` or ``zh``.
        """
        from chipwall.report.pages.plan_workbook import write_plan_workbook

        if find_spec("xlsxwriter") is None:
            raise InputError(text("a workbook needs {name}", name="xlsxwriter"), fix=text("Install the extra 'xlsx'"))
        place = require_place(Path(path), argument="xlsx")
        cited = {s: source_of(s) for s in self.sources}
        write_whole(place, lambda p: write_plan_workbook(self.record, p, lang, cited), argument="xlsx")


def with_own(supply: Supply, own: Mapping[str, Any]) -> Supply:
    """The same supply with some assumptions of owning replaced."""
    given = {}
    for name, value in own.items():
        if name not in OWN_UNITS:
            raise InputError(
                text("'{name}' cannot change without a new search", name=name), where=name,
                fix=text("Change rate, rent, price, pay, {names}, or ask plan() again", names=", ".join(OWN_UNITS)),
            )  # fmt: skip
        if value is not None:
            least = 1.0 if name == "pue" else 0.0
            above = 0.0 if name in ("life", "chips_per_person") else None
            given[name] = number(value, name, least=least, above=above, most=1e6) / OWN_UNITS[name]
    return replace(supply, own=terms_with(supply.own, **given)) if given else supply


@door
def plan(
    model: str | LanguageModel,
    *,
    rate: float | None = None,
    prompt: float = 1000,
    output: float = 1000,
    ttft: AmountLike | None = None,
    tpot: AmountLike | None = None,
    quantile: str = "p95",
    chips: str | Chip | Sequence[str | Chip] | None = None,
    to: str | None = None,
    on: str | date | None = None,
    law: str = "licence",
    party: str | None = None,
    precision: str | Sequence[str] | None = None,
    kv: str | None = None,
    kinds: str | Sequence[str] | None = None,
    engine: str | None = None,
    engine_date: str | None = None,
    prefix_reuse: float = 0.0,
    accepted: float = 1.0,
    drafted: float | None = None,
    max_sequences: int | None = None,
    max_batched_tokens: int | None = None,
    memory_utilization: float | None = None,
    stock: Mapping[str, int] | None = None,
    pay: str = "rent",
    term: str | None = None,
    rent: float | Mapping[str, float] | None = None,
    price: float | Mapping[str, float] | None = None,
    currency: str = "USD",
    pue: float | None = None,
    electricity: float | None = None,
    hosting: float | None = None,
    life: float | None = None,
    interest: float | None = None,
    mean_load: float = 1.0,
    lengths: str = "equal",
    task: str = "serve",
    tokens: float | None = None,
    days: float | None = None,
    batch: int | None = None,
    length: int | None = None,
    method: str = "lora",
    base: str = "bf16",
    rank: int = 16,
    confirm: bool = False,
    users: float | None = None,
    requests_per_user: float | None = None,
    peak: float | None = None,
) -> Answer:
    """How many of which chip serve a load within limits, at what cost, and whether the law lets them go there.

    Parameters
    ----------
    model : str or record
        ``"llama-3.3-70b"``.
    rate : float
        Requests per second in the busy hour [1/s].
    prompt, output : float
        Mean tokens of a prompt and of an answer [token].
    ttft, tpot : str or float
        Limits on the first token and on the time per output token, ``"1 s"`` or seconds.
    quantile : str
        Which requests must stay under them: ``p50``, ``p90``, ``p95``, ``p99``.
    chips : str or list
        Chips to choose from; all that ship on the day and are made for servers by default.
    to, on, party : str or date
        Where the chips go, for whom, and the day (``2026-03-01`` or ``2026-03``); without a destination the law is not asked.
    law : str
        ``free`` (no licence needed), ``licence`` (granted case by case too), ``any``.
    precision, kv : str or list
        Formats of the weights to try, and of the cache; published and 8-bit ones by default.
    kinds : str or list
        ``aggregated``, ``disaggregated``; both by default.
    stock : mapping
        Chips that there are at most, ``{"h20": 64}``; fleets of several kinds are then formed.
    pay, term : str
        ``rent``, ``own`` or ``cheapest``; the term of the rent (``on-demand``, ``reserved-1y`` ...).
    rent, price : float or mapping
        Your own rent [currency per chip and hour] and price [currency per chip], for all or by chip.
    currency : str
        ``USD`` or ``CNY``.
    pue, electricity, hosting, life, interest : float
        Owning: [1], [currency/kWh], [currency/kW/month], [year], [1/year]; sourced defaults otherwise.
    mean_load : float
        Mean rate over the rate of the busy hour [1]; tokens of a month count it.
    lengths : str
        ``equal``, or ``spread`` as widely as those of a public chat.
    confirm : bool
        Run the front request by request; where its tails are worse than the closed forms by a tenth, the simulation wins.
    task : str
        ``serve``, ``train`` or ``tune``; the last two take ``tokens``, ``days`` and what follows, and no rate or limits.
    tokens, days : float
        Tokens of the whole job [token], and the days it may take; without days the fewest chips that hold it.
    batch, length : int
        Sequences of a step (4,096 when training, one for each chip when tuning), tokens of a sequence (4,096, 2,048).
    method, base, rank : str, str, int
        As in :func:`~chipwall.api.training.tune`.
    users, requests_per_user, peak : float
        Daily users in place of ``rate``: requests of one a day, and the rate of the busy hour over the mean of the day;
        sourced defaults.
    engine, engine_date, prefix_reuse, accepted, drafted, max_sequences, max_batched_tokens, memory_utilization
        As in :func:`~chipwall.api.serving.serve`.

    Returns
    -------
    PlanAnswer
        Figures ``chips`` [1], ``ttft`` and ``tpot`` at the quantile [s], ``utilisation`` [1], and where a price is known
        ``cost_per_month`` and ``cost_per_million_tokens`` [currency]; the record is the
        :class:`~chipwall.fleet.fleet_plan.FleetPlan`.

    Raises
    ------
    InputError
        Limits that no chip holds (which one, by how much), a chip the law refuses, numbers that cannot be.

    Examples
    --------
    >>> plan("llama-3.1-8b", rate=20, prompt=1000, output=200, ttft="1 s", tpot="30 ms", chips="h100").chips.value
    1.0
    """
    given = dict(locals())
    record = model_of(model)
    require_text(record)
    when, what = _day_of(on), choice(task, "task", TASKS)
    _refuse_other_task(what, given)
    supply, _ = supply_of(chips, to=to, on=when, law=law, party=party, currency=currency, term=term, stock=stock)
    supply = with_own(
        with_money(supply, rent=rent, price=price),
        {"pue": pue, "electricity": electricity, "hosting": hosting, "life": life, "interest": interest},
    )
    if what != "serve":
        return job_answer(job_plan(
            _job(what, record, tokens, days, batch, length, precision, method, base, rank), supply, calibrated_in_use(),
            pay=choice(pay, "pay", PAYMENTS),
        ))  # fmt: skip
    rate, mean_load = _of_users(rate, users, requests_per_user, peak, mean_load)
    question = question_of(
        prompt=prompt, output=output, kv=kv, engine=engine, engine_date=engine_date, prefix_reuse=prefix_reuse,
        accepted=accepted, drafted=drafted, max_sequences=max_sequences, max_batched_tokens=max_batched_tokens,
        memory_utilization=memory_utilization,
    )  # fmt: skip
    need = _need(record, question, rate, ttft, tpot, quantile, precision, kinds, mean_load, lengths)
    paid = choice(pay, "pay", PAYMENTS)
    found = ways_to_serve(record, supply.chips, question, calibrated_in_use(), precisions=need.precisions)
    if not len(found):
        raise InputError(
            text("no chip can serve {model}", model=record.name),
            where=str(next(iter(found.refused.values()), "")),
            fix=text("Allow other chips, another day or place, or a smaller precision"),
        )
    made = plan_of(searched(need, found), supply, rate=need.rate, pay=paid)
    if flag(confirm, "confirm"):
        from chipwall.fleet.confirm import confirmed_plan

        made, runs = confirmed_plan(made)
        made = replace(made, simulated=runs)
    return plan_answer(made)


def _refuse_other_task(task: str, given: Mapping[str, Any]) -> None:
    """An argument of another task is refused, never ignored."""
    for names, tasks in (
        (("rate", "ttft", "tpot", "users", "stock"), ("serve",)),
        (("tokens", "days", "batch", "length"), ("train", "tune")),
    ):
        for name in names:
            if given[name] is not None and task not in tasks:
                raise InputError(
                    text("{argument} does not belong to task '{task}'", argument=name, task=task), where=name,
                    fix=text("Leave it out, or give another task"),
                )  # fmt: skip


def _job(
    task: str, model: LanguageModel, tokens: Any, days: Any, batch: Any, length: Any, precision: Any, method: Any, base: Any,
    rank: Any,
) -> Job:  # fmt: skip
    from chipwall.perf.training.train import RECIPES_TRAINED
    from chipwall.perf.training.tune import BASES, METHODS

    if tokens is None:
        raise InputError(
            text("no tokens"), where="tokens", fix=text("Give the tokens of the whole job, for example 15e12")
        )
    formats = ("bf16",) if precision is None else choices(precision, "precision", RECIPES_TRAINED)
    usual = 4096 if task == "train" else 2048
    return Job(
        task, model, number(tokens, "tokens", above=0, most=1e18, example="15e12"),
        inf if days is None else number(days, "days", above=0, most=1e5, example="60"),
        (4096 if task == "train" else 0) if batch is None else count(batch, "batch", most=10_000_000),
        usual if length is None else count(length, "length", most=int(MOST_TOKENS)), formats[0],
        choice(method, "method", METHODS), choice(base, "base", BASES), count(rank, "rank", most=65_536),
    )  # fmt: skip


def _of_users(rate: Any, users: Any, requests_per_user: Any, peak: Any, mean_load: Any) -> tuple[Any, Any]:
    """The rate of the busy hour, and the mean load, of so many daily users."""
    if users is None:
        for name, value in (("requests_per_user", requests_per_user), ("peak", peak)):
            if value is not None:
                raise InputError(
                    text("{argument} needs users", argument=name),
                    where=name,
                    fix=text("Give users too, or leave it out"),
                )
        return rate, mean_load
    if rate is not None:
        raise InputError(
            text("one load at a time"), where="rate, users", fix=text("Give requests per second, or daily users")
        )
    usual = assumptions("world")
    each = (
        usual["requests_per_user"].value
        if requests_per_user is None
        else number(requests_per_user, "requests_per_user", above=0, most=1e6)
    )
    busy = usual["peak"].value if peak is None else number(peak, "peak", least=1, most=1e3, example="2")
    mean = number(users, "users", above=0, most=10.0**12, example="10000") * each / DAY
    return mean * busy, min(float(mean_load), 1.0 / busy)


def job_answer(p: JobPlan) -> Answer:
    """A plan of training or fine-tuning as an answer."""
    best, job, money = p.best, p.job, p.supply.currency
    figures = {
        "chips": Figure(float(best.chips), float(best.chips), float(best.chips), "1", best.basis),
        "days": _figure(best.days, "day", best.basis),
    }
    if best.cost is not None and best.per_million is not None:
        figures["cost"] = _figure(best.cost, money, best.basis)
        figures["cost_per_million_tokens"] = _figure(best.per_million, money, best.basis)
    return Answer(
        "plan",
        text(
            "{model}, {tokens:.3g} tokens: {chips} x {chip}", model=job.model.name, tokens=job.tokens, chips=best.chips,
            chip=best.chip.id,
        ),
        figures, p, rows=tuple(job_row(o, money) for o in p.front), notes=(p.said,),
        sources=tuple(dict.fromkeys([*p.supply.offers[best.chip.id].sources, job.model.source])), data=lambda: job_data(p),
        source_of=source_of,
    )  # fmt: skip


def _day_of(on: str | date | None) -> date:
    """The day; a month is its first one."""
    if on is None:
        return date.today()
    if isinstance(on, str) and re.match(r"^\s*[0-9]{4}-[0-9]{2}\s*$", on):
        return day(f"{on.strip()}-01", "on")
    return day(on, "on")


def _need(
    model: LanguageModel, question: Question, rate: Any, ttft: Any, tpot: Any, quantile: str, precision: Any, kinds: Any,
    mean_load: Any,
    lengths: Any,
) -> ServeNeed:  # fmt: skip
    if rate is None:
        raise InputError(text("no rate"), where="rate", fix=text("Give requests per second"))
    return ServeNeed(
        model, number(rate, "rate", above=0, most=1e7, example="50"), question.prompt, question.output,
        None if ttft is None else seconds(ttft, "ttft"), None if tpot is None else seconds(tpot, "tpot"),
        QUANTILES_ASKED[choice(quantile, "quantile", tuple(QUANTILES_ASKED))], question,
        () if precision is None else choices(precision, "precision"),
        SERVING_KINDS if kinds is None else choices(kinds, "kinds", SERVING_KINDS),
        number(mean_load, "mean_load", above=0, most=1, example="0.5"),
        choice(lengths, "lengths", LENGTHS) == "spread",
    )  # fmt: skip


def plan_answer(p: FleetPlan) -> PlanAnswer:
    """A plan as an answer."""
    best, need = p.best, p.need
    basis = "extrapolated" if any(m.basis == "extrapolated" for m in best.members) else best.members[0].basis
    name = next(n for n, s in QUANTILES_ASKED.items() if s == need.share)
    figures = {
        "chips": _figure(best.chips, "1", basis),
        "ttft": _figure(best.ttft[name], "s", basis),
        "tpot": _figure(best.tpot[name], "s", basis),
        "utilisation": _figure(best.utilisation, "1", basis),
    }
    if best.month is not None and best.per_million is not None:
        figures["cost_per_month"] = _figure(best.month, p.supply.currency, basis)
        figures["cost_per_million_tokens"] = _figure(best.per_million, p.supply.currency, basis)
    offered = [p.supply.offers[m.chip.id] for m in best.members]
    return PlanAnswer(
        "plan",
        text(
            "{model} at {rate:g} requests/s: {chips:.0f} x {chip}", model=need.model.name, rate=need.rate,
            chips=best.chips.value, chip=best.chip_words,
        ),
        figures,
        p,
        rows=tuple(_row(o, p) for o in p.front),
        lines=_lines(best, p),
        notes=p.warnings,
        sources=tuple(dict.fromkeys([*(s for o in offered for s in o.sources), need.model.source])),
        data=lambda: plan_data(p),
        source_of=source_of,
    )  # fmt: skip


def _figure(span: Span, unit: str, basis: str) -> Figure:
    """A figure; an end that nothing bounds stands at ten times the value, which the warnings say in words."""
    low = span.value if span.low is None else span.low
    high = span.value * 10.0 if span.high is None else span.high
    return Figure(span.value, low, high, unit, basis)


def _row(o: FleetOption, p: FleetPlan) -> dict[str, Any]:
    name = next(n for n, s in QUANTILES_ASKED.items() if s == p.need.share)
    return {
        "chip": o.chip_words, "kind": o.kind, "layout": o.layout_words, "chips": o.chips.value, "replicas": o.replicas.value,
        f"ttft_{name}_s": o.ttft[name].value, f"tpot_{name}_s": o.tpot[name].value, "utilisation": o.utilisation.value,
        "cost_per_month": None if o.month is None else o.month.value, "currency": p.supply.currency, "paid": o.paid,
        "rated_power_w": o.rated, "racks": float(o.racks), "law": o.law,
    }  # fmt: skip


def _lines(best: FleetOption, p: FleetPlan) -> tuple[Line, ...]:
    """What a month of owning is made of; the rent where that is all that is known."""
    unit = f"{p.supply.currency}/month"
    if best.owning is not None:
        return tuple(
            Line(text("own: {part}", part=PART_WORDS[name]), v.value, unit) for name, v in best.owning.parts.items()
        )
    return (Line(text("rent"), best.rent.value, unit),) if best.rent is not None else ()
