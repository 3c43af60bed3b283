"""How many of which chip train or fine-tune a model in so many days: one job on one kind of chip, the cheapest first.

Chips are counted in powers of two, as batches divide. The first count is what the work takes at a typical share of the peak;
from there it is doubled or halved until the job is just done in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, log2
from typing import Any

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.fleet.fleet_plan import Rejected
from chipwall.fleet.money import MONTH, Span
from chipwall.fleet.need import Supply
from chipwall.fleet.options import chip_money, paid_for, rated_power
from chipwall.perf.calibrated import Calibrated
from chipwall.perf.layout import layout_words
from chipwall.perf.serving.setup import serving_hardware
from chipwall.perf.training.train import training
from chipwall.perf.training.tune import finetuning
from chipwall.text import Text, text

__all__ = ["Job", "JobOption", "JobPlan", "job_plan"]

DAY_SECONDS = 86_400.0
# Share of the peak at which the first count is guessed [1]; the most chips that are tried [1].
GUESS, MOST = 0.35, 2**17
# Work per weight and token of training, and of adapters on a frozen base [flop].
WORK = {"train": 6.0, "tune": 4.0}


@dataclass(frozen=True, slots=True)
class Job:
    """A job: ``train`` or ``tune`` on so many tokens within so many days (infinity: as long as it takes).

    Attributes
    ----------
    task : str
        ``train`` or ``tune``.
    model : LanguageModel
        What is trained.
    tokens, days : float
        Tokens of the whole job [token], and the days it may take [day].
    batch, length : int
        Sequences of a step (0: one for each chip when tuning) [1], and tokens of a sequence [token].
    precision, method, base : str
        Format of the products; ``lora`` or ``full``, and the format of the frozen base.
    rank : int
        Rank of the adapters [1].
    """

    task: str
    model: LanguageModel
    tokens: float
    days: float
    batch: int
    length: int
    precision: str
    method: str = "lora"
    base: str = "bf16"
    rank: int = 16


@dataclass(frozen=True, slots=True)
class JobOption:
    """One kind of chip that does the job: how many, for how long, at what cost; money of the whole job."""

    chip: Chip
    chips: int
    layout: str
    days: Span
    rate: float
    cost: Span | None
    per_million: Span | None
    paid: str
    rated: float
    energy: float
    law: str
    basis: str


@dataclass(frozen=True, slots=True)
class JobPlan:
    """The answer: the cheapest option, those that no other beats in cost, chips and days at once, and why others lost."""

    job: Job
    supply: Supply
    best: JobOption
    front: tuple[JobOption, ...]
    rejected: tuple[Rejected, ...]
    said: Text


def job_plan(job: Job, supply: Supply, calibrated: Calibrated, *, pay: str) -> JobPlan:
    """The plan of a job over all chips of the supply.

    Raises
    ------
    InputError
        No chip does it in time, however many: the nearest, and by how much.
    """
    found: list[JobOption] = []
    lost = dict(supply.rejected)
    for chip in supply.chips:
        try:
            found.append(_option(job, chip, supply, calibrated, pay))
        except ChipwallError as refusal:
            lost[chip.id] = Text.of(refusal.what)
    in_time = [o for o in found if o.days.value <= job.days]
    if not in_time:
        raise _too_late(job, found, lost)
    in_time.sort(key=_order)
    front = [o for o in in_time if not any(_beats(p, o) for p in in_time if p is not o)]
    front = list(dict.fromkeys([in_time[0], *front]))[:8]
    kept = {o.chip.id for o in front}
    for o in found:
        if o.chip.id not in kept:
            lost[o.chip.id] = _why(o, in_time[0], job)
    rejected = tuple(Rejected(chip, why) for chip, why in sorted(lost.items()))
    return JobPlan(job, supply, in_time[0], tuple(front), rejected, _binding(job, in_time[0]))


def _order(o: JobOption) -> tuple[bool, float, int]:
    return (o.cost is None, o.cost.value if o.cost else 0.0, o.chips)


def _beats(a: JobOption, b: JobOption) -> bool:
    pairs = [(float(a.chips), float(b.chips)), (a.rated, b.rated)]
    if b.cost is not None:
        if a.cost is None:
            return False
        pairs.append((a.cost.value, b.cost.value))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def _option(job: Job, chip: Chip, supply: Supply, calibrated: Calibrated, pay: str) -> JobOption:
    hw = serving_hardware(chip, calibrated)
    price = _trainer(job, chip, calibrated)
    weights = job.model.active_parameters or job.model.parameters or 1.0
    work = WORK[job.task] * weights * job.tokens
    wanted = work / (min(job.days, 3650.0) * DAY_SECONDS * float(hw.peak("bf16")) * GUESS)
    most = min(MOST, job.batch) if job.task == "train" else MOST
    count = min(2 ** max(round(log2(max(wanted, 1.0))), 0), 2 ** int(log2(most))) if isfinite(job.days) else 8
    made = _in_time(price, count, job)
    chips, step = made
    e = step.estimate
    days = Span(*(job.tokens / (step.tokens_per_s * e.value / t) / DAY_SECONDS for t in (e.value, e.low, e.high)))
    month, paid = paid_for(*chip_money(chip.id, supply, pay), pay)
    cost = None if month is None else month.times(float(chips)).times(days).times(DAY_SECONDS / MONTH)
    run_energy = step.energy_per_step * job.tokens / step.tokens_per_step
    return JobOption(
        chip, chips, layout_words(step.layout), days, step.tokens_per_s, cost,
        None if cost is None else cost.times(1e6 / job.tokens), paid, rated_power(chip.id, supply) * chips, run_energy,
        supply.legal[chip.id].word, str(e.basis),
    )  # fmt: skip


def _trainer(job: Job, chip: Chip, calibrated: Calibrated) -> Callable[[int], Any]:
    """One step on so many chips; refuses where it does not fit."""

    def priced(count: int) -> Any:
        if job.task == "train":
            return training(
                job.model, serving_hardware(chip, calibrated), calibrated, chips=count, sequences=job.batch,
                sequence=job.length, precision=job.precision, neighbours=False,
            )  # fmt: skip
        found = finetuning(
            job.model, serving_hardware(chip, calibrated), calibrated, chips=count, method=job.method, base=job.base,
            rank=job.rank, sequences=job.batch, sequence=job.length, precision=job.precision, neighbours=False,
        )  # fmt: skip
        if found.step is None:
            raise InputError(text("does not fit on {count} chips", count=count))
        return found.step

    return priced


def _in_time(price: Callable[[int], Any], count: int, job: Job) -> tuple[int, Any]:
    """The fewest chips, in powers of two, that finish in time; the most that were tried where none does."""

    def days(step: Any) -> float:
        return float(job.tokens / step.tokens_per_s / DAY_SECONDS)

    def tried(n: int) -> Any:
        try:
            return price(n)
        except ChipwallError as refusal:
            return refusal

    step, last = tried(count), None
    while isinstance(step, ChipwallError) or days(step) > job.days:
        last = step if not isinstance(step, ChipwallError) else last
        if count * 2 > MOST or (job.task == "train" and count * 2 > job.batch):
            if last is None:
                assert isinstance(step, ChipwallError)
                raise step
            return count, last
        count *= 2
        step = tried(count)
    while count > 1:
        fewer = tried(count // 2)
        if isinstance(fewer, ChipwallError) or days(fewer) > job.days:
            break
        count, step = count // 2, fewer
    return count, step


def _why(o: JobOption, best: JobOption, job: Job) -> Text:
    if o.days.value > job.days:
        return text(
            "{chips} chips take {days:.0f} days, more would not share the batch", chips=o.chips, days=o.days.value
        )
    if o.cost is None and best.cost is not None:
        worth = best.cost.value / (o.chips * o.days.value * 24.0)
        return text("price not known: {chips} chips for {days:.1f} days would be the cheapest below {worth:.2f} a chip and hour",
                    chips=o.chips, days=o.days.value, worth=worth)  # fmt: skip
    if o.cost is not None and best.cost is not None:
        return text("{chips} chips for {days:.1f} days cost {times:.2f} times the best", chips=o.chips, days=o.days.value,
                    times=o.cost.value / best.cost.value)  # fmt: skip
    return text("{chips} chips, the best takes {best}", chips=o.chips, best=best.chips)


def _binding(job: Job, best: JobOption) -> Text:
    if not isfinite(job.days):
        return text("no day was set: memory decides, the fewest chips that hold the job")
    return text(
        "{days:g} days bind: half as many chips would take about {twice:.0f}",
        days=job.days,
        twice=2.0 * best.days.value,
    )


def _too_late(job: Job, found: list[JobOption], lost: dict[str, Text]) -> InputError:
    if not found:
        chip, why = next(iter(lost.items()), ("", text("no chip is left to choose from")))
        return InputError(
            text("no chip can hold this job"), where=text("{chip}: {why}", chip=chip, why=why),
            fix=text("Allow other chips, a packed base, or another method"),
        )  # fmt: skip
    nearest = min(found, key=lambda o: o.days.value)
    return InputError(
        text(
            "no fleet does it in {days:g} days: the fastest takes {value:.1f}, {over:.1f} more", days=job.days,
            value=nearest.days.value, over=nearest.days.value - job.days if isfinite(job.days) else inf,
        ),
        where=text("{count} x {chip}", count=nearest.chips, chip=nearest.chip.name),
        fix=text("Allow {value:.0f} days, a larger batch, or fewer tokens", value=nearest.days.value + 0.5),
    )  # fmt: skip
