"""Which worlds the known facts leave open, and what is true in all of them.

A missing number matters only if one value of it would give one answer and another value a different one. So every open
question (a class, a limit, a reading) is settled both ways, the law is run in each world, and answers that agree are
answers; those that do not are ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import TypeVar

from chipwall.controls.context import Context, LegalOutcome, World
from chipwall.controls.item import operands
from chipwall.controls.law import Letter
from chipwall.controls.logic import LegalNumber, Truth, all_of, any_of, clause_met
from chipwall.controls.measures import PCIE_X16_BIDIRECTIONAL
from chipwall.controls.records import ExceptionAnswer
from chipwall.controls.us import letter_reaches
from chipwall.text import text

__all__ = ["merged_outcome", "possible_classes", "worlds"]

T = TypeVar("T")
NOT = "not_3A090"
Numbers = dict[str, LegalNumber]


def _ways(truth: Truth) -> tuple[bool, ...]:
    return (True, False) if truth is None else (truth,)


def _seats(context: Context) -> tuple[tuple[str, ...], ...]:
    """Where the party may be headquartered: as given, or if nothing is, at the destination or in China."""
    journey = context.journey
    known = context.law.parties.seats(context.party) if context.party else ()
    given = tuple("CN" if seat == "HK" else seat for seat in (journey.headquarters, journey.parent, *known) if seat)
    if given:
        return (tuple(dict.fromkeys(given)),)
    return ((context.destination,),) if context.destination == "CN" else ((context.destination,), ("CN",))


def possible_classes(context: Context, numbers: Numbers) -> tuple[str, ...]:
    """Every class that these numbers leave possible, in order of precedence; one if they decide."""
    view, item = context.view, context.item
    found: list[str] = []
    if item.kind == "memory":
        outcomes: Sequence[str] = ("3A090.c",)
        clauses, excluded = view.family("memory"), False
    else:
        outcomes = tuple(dict.fromkeys(clause.outcome for clause in view.family("processor")))
        clauses = view.family("processor")
        held = any_of(clause_met(clause, numbers, view.limits) for clause in view.family("processor-excluded"))
        if held:
            return (NOT,)
        excluded = held is None
    decided = False
    for name in outcomes:
        met = any_of(clause_met(clause, numbers, view.limits) for clause in clauses if clause.outcome == name)
        if met is not False:
            found.append(name)
        if met:
            decided = True
            break
    if excluded or not decided:
        found.append(NOT)
    return _with_presumption(context, numbers, tuple(found))


def _with_presumption(context: Context, numbers: Numbers, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The foundry presumption: 3A090.a unless rebutted, when a fab or an assembly house exports a non-planar chip."""
    rebutted = rebuttal(context, numbers)
    if rebutted is True:
        return classes
    if rebutted is False:
        return ("3A090.a",)
    return tuple(dict.fromkeys(("3A090.a", *classes)))


def rebuttal(context: Context, numbers: Numbers) -> Truth:
    """Whether the foundry presumption is out of the way: not raised, or rebutted; None when a number decides.

    The printed text has no number for 2028 between the general limit and the later ones, so the answer stays open then.
    """
    journey, view = context.journey, context.view
    asked = journey.exporter_role and context.item.kind == "processor" and view.binds("foundry")
    if not asked or context.item.die_area == 0 or journey.attested:
        return True
    packaged = journey.packaged_in or journey.exporter
    if context.countries.macau_or_d5(packaged, on=context.on):
        return False
    few = any_of(clause_met(clause, numbers, view.limits) for clause in view.family("foundry-rebuttal"))
    gap = context.on.year == 2028 and numbers.get("hbm") is not True
    return None if gap and few is False and (context.item.transistors or Decimal(0)) < Decimal(40) else few


def _letters(context: Context, numbers: Numbers, seats: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """Every set of letters that may reach the item."""
    sure: set[str] = set()
    maybe: list[str] = []
    for letter in context.law.letters:
        reach = _reach(letter, context, numbers, seats)
        if reach:
            sure.add(letter.rule)
        elif reach is None:
            maybe.append(letter.rule)
    chosen = product((True, False), repeat=len(maybe))
    return tuple(frozenset(sure | {rule for rule, kept in zip(maybe, picks, strict=True) if kept}) for picks in chosen)


def _reach(letter: Letter, context: Context, numbers: Numbers, seats: tuple[str, ...]) -> Truth:
    """Whether a private letter reaches: its sure core, its open rim, or outside; only its reader is surely bound."""
    item, view, shipper = context.item, context.view, context.journey.shipper
    if item.kind != "processor" or letter.vendor != item.vendor or not view.binds(letter.rule):
        return False
    if not letter_reaches(letter, context, seats):
        return False
    if numbers.get("datacenter") is False and numbers.get("io_rate") is None:
        # a part that is not for data centres has no links to other chips: its I/O is at most that of its slot
        slot = PCIE_X16_BIDIRECTIONAL[5]
        dram = numbers.get("dram_bandwidth")
        numbers = {**numbers, "io_rate": slot, "dram_plus_io": dram + slot if isinstance(dram, Decimal) else None}
    core = any_of(clause_met(clause, numbers, view.limits) for clause in view.family(letter.rule))
    rim = any_of(clause_met(clause, numbers, view.limits) for clause in view.family(f"{letter.rule}.rim"))
    named = bool(item.parts & set(letter.parts)) or core is True
    if not named:
        return None if core is None or rim is not False else False
    informed = not shipper or shipper.lower() in ("vendor", "maker", item.vendor)
    return True if informed and not letter.open else None


def worlds(context: Context) -> Iterator[World]:
    """Every world that the facts leave open; one if they leave nothing open."""
    item, view = context.item, context.view
    readings: tuple[tuple[Decimal | None, bool], ...] = ((item.dram_bandwidth, True),)
    if item.cpu_dram and item.dram_bandwidth is not None:
        readings += ((item.dram_bandwidth - item.cpu_dram, False),)
    for datacenter, (dram, counts) in product(_ways(item.datacenter), readings):
        numbers: Numbers = dict(operands(item, context.journey, dram_bandwidth=dram, datacenter=datacenter))
        if rebuttal(context, numbers) is False:
            datacenter = True  # the presumption says class and design together
        review = any_of(clause_met(clause, numbers, view.limits) for clause in view.family("review2026"))
        certified = all_of(clause_met(clause, numbers, view.limits) for clause in view.family("review2026-certified"))
        band = any_of(clause_met(clause, numbers, view.limits) for clause in view.family("duty"))
        memory = any_of(clause_met(clause, numbers, view.limits) for clause in view.family("hbm-exception"))
        for seats in _seats(context):
            for eccn, letters, under, duty, hbm in product(
                possible_classes(context, numbers),
                _letters(context, numbers, seats),
                _ways(review),
                _ways(False if item.kind == "memory" else band),
                _ways(memory if item.kind == "memory" else False),
            ):
                # certifications that nobody denies are taken as given
                yield World(eccn, datacenter, letters, under, certified is not False, duty, hbm, seats, counts)


def _agreed(values: Sequence[T], otherwise: T) -> T:
    first = values[0]
    return first if all(value == first for value in values) else otherwise


def _licence(outcomes: Sequence[LegalOutcome]) -> str:
    """One licence answer out of several worlds.

    Where every world needs a licence and a letter decides in some, no published rule decides: the letter does.
    """
    found = {outcome.licence for outcome in outcomes}
    if len(found) == 1:
        return found.pop()
    if "required_by_letter" in found and found <= {"required", "exception_available", "required_by_letter"}:
        return "required_by_letter"
    return "unknown"


def merged_outcome(outcomes: Sequence[LegalOutcome]) -> LegalOutcome:
    """What is true in every world; ``unknown`` where worlds differ. Flags and findings are those of any world."""
    licence = _licence(outcomes)
    speaking = [outcome for outcome in outcomes if outcome.licence == licence] or list(outcomes)
    duty = {outcome.duty_pct for outcome in outcomes}
    found = LegalOutcome(
        eccn=_agreed([outcome.eccn for outcome in outcomes], "unknown"),
        licence=licence,
        on_books=_agreed([outcome.on_books for outcome in outcomes], "unknown"),
        review_policy=_agreed([outcome.review_policy for outcome in speaking], "unknown"),
        published_licence=_published(outcomes),
        published_policy=_agreed([outcome.published_policy for outcome in outcomes], "unknown"),
        duty_pct=outcomes[0].duty_pct if len(duty) == 1 else Decimal("NaN"),
        revenue_share_pct=speaking[0].revenue_share_pct,
        flags=set().union(*(outcome.flags for outcome in outcomes)),
        findings=list(dict.fromkeys(finding for outcome in outcomes for finding in outcome.findings)),
    )
    found.exceptions = _common([outcome.exceptions for outcome in speaking])
    found.published_exceptions = _common([outcome.published_exceptions for outcome in outcomes])
    return found


def _published(outcomes: Sequence[LegalOutcome]) -> str:
    found = {outcome.published_licence for outcome in outcomes}
    if found == {"required", "exception_available"}:
        return "required"  # needed in every world; which exception covers it is told with the exceptions
    return _agreed([outcome.published_licence for outcome in outcomes], "unknown")


def _common(answers: Sequence[tuple[ExceptionAnswer, ...]]) -> tuple[ExceptionAnswer, ...]:
    """Each exception with what is true of it in every world: available, not, or not known."""
    names = list(dict.fromkeys(answer.name for one in answers for answer in one))
    found = []
    for name in names:
        mine = [answer for one in answers for answer in one if answer.name == name]
        missing = len(mine) < len(answers)
        states = {answer.available for answer in mine} | ({False} if missing else set())
        pick = next((answer for answer in mine if answer.available is not True), mine[0])
        if len(states) > 1:
            pick = replace(pick, available=None, why=text("a fact that is not known decides: {why}", why=pick.why))
        found.append(pick)
    return tuple(found)
