"""Licence exceptions of the United States: which exist on a day, and which cover a class and destination.

An exception that covers them is never automatic: its own conditions stay open and are named.
"""

from __future__ import annotations

from chipwall.controls.context import CONTROLLED, Context, Need, World
from chipwall.controls.records import ExceptionAnswer
from chipwall.text import text

__all__ = ["exceptions", "published_exceptions", "temporary_licence"]


def exceptions(context: Context, world: World, need: Need) -> tuple[ExceptionAnswer, ...]:
    """Each exception that exists on the day, and whether it covers this class and destination."""
    found = []
    if context.view.runs("nac-2023"):
        found.append(_advanced_computing(context, world, need, name="NAC", rule="nac-2023"))
    if context.view.runs("nac"):
        found.append(_advanced_computing(context, world, need, name="NAC", rule="nac"))
        found.append(_advanced_computing(context, world, need, name="ACA", rule="aca"))
    if context.view.runs("hbm-exception"):
        found.append(_memory_exception(context, world))
    if world.eccn == "3A090.a" and context.view.runs("ai-diffusion"):
        why = text("part of AI Diffusion: on the books, not enforced")
        found += [ExceptionAnswer(name, None, why, context.citation("ai-diffusion")) for name in ("AIA", "ACM", "LPP")]
    return tuple(found)


def _embargoed(context: Context) -> bool:
    return context.destination in context.law.rules["part746"].countries


def _advanced_computing(context: Context, world: World, need: Need, *, name: str, rule: str) -> ExceptionAnswer:
    """NAC or ACA (740.8), before and after their split."""
    citation = context.citation(rule)
    if world.eccn not in CONTROLLED:
        return ExceptionAnswer(name, False, text("only for 3A090.a and .b"), citation)
    if world.eccn == "3A090.a" and world.datacenter:
        return ExceptionAnswer(name, False, text("never for a data-centre part in 3A090.a"), citation)
    if _embargoed(context):
        return ExceptionAnswer(name, False, text("part 746 needs a licence of its own"), citation)
    if rule == "nac-2023":
        return ExceptionAnswer(name, True, text("covers every destination of the rule until 2024-04-03"), citation)
    day, countries = context.on, context.countries
    noticed = countries.macau_or_d5(context.destination, on=day) or need.headquarters
    inside = context.journey.activity == "in_country"
    if name == "NAC":
        if not noticed:
            return ExceptionAnswer(name, False, text("for Macau, D:5 and parties headquartered there"), citation)
        if inside:
            return ExceptionAnswer(
                name, False, text("for exports and reexports; a transfer inside a country uses ACA"), citation
            )
        return ExceptionAnswer(
            name, True, text("after notice to BIS 25 days ahead and its answer; not automatic"), citation
        )
    grouped = noticed or any(countries.member(context.destination, group, on=day) for group in ("D:1", "D:4"))
    if not grouped or (inside and not _aca_inside(context)):
        why = text(
            "printed for D:1 and D:4 outside D:5, and inside Macau and D:5; whether it reaches others was not read"
        )
        return ExceptionAnswer(name, None, why, citation)
    if noticed and inside:
        return ExceptionAnswer(name, True, text("a transfer inside a country needs no notice"), citation)
    if noticed:
        return ExceptionAnswer(name, False, text("not for Macau, D:5 or parties headquartered there"), citation)
    return ExceptionAnswer(name, True, text("D:1 or D:4 outside D:5; no notice"), citation)


def _aca_inside(context: Context) -> bool:
    """Whether a transfer inside this country is one that the text of ACA was read to cover."""
    day, to, countries = context.on, context.destination, context.countries
    return countries.macau_or_d5(to, on=day) or any(countries.member(to, group, on=day) for group in ("D:1", "D:4"))


def temporary_licence(
    context: Context, need: Need, answers: tuple[ExceptionAnswer, ...]
) -> tuple[ExceptionAnswer, ...]:
    """The temporary general licence of the affiliates rule: owned parties located in A:5 or A:6, not listed themselves."""
    if need.owned != "in_force" or not context.view.runs("affiliates-tgl"):
        return answers
    reached = None if context.countries.favoured(context.destination, on=context.on) else False
    why = text(
        "the owned party is located in A:5 or A:6; the terms were read in summaries, and not where OFAC blocks an owner"
    )
    if reached is False:
        why = text("only for owned parties located in A:5 or A:6, or joint ventures with firms from there")
    return (*answers, ExceptionAnswer("TGL", reached, why, context.citation("affiliates-tgl")))


def published_exceptions(
    context: Context, world: World, need: Need, enforced: tuple[ExceptionAnswer, ...]
) -> tuple[ExceptionAnswer, ...]:
    """Exceptions of the printed text of AI Diffusion beside those that are enforced."""
    citation, day, countries = context.citation("ai-diffusion"), context.on, context.countries
    allies = context.law.rules["ai-diffusion"].countries
    barred = countries.macau_or_d5(context.destination, on=day) or need.headquarters
    seated = all(seat in allies or seat == "US" for seat in world.seats)
    found = [answer for answer in enforced if answer.name not in ("AIA", "ACM", "LPP", "ACA")]
    aia = context.destination in allies and seated and not barred
    why = text("an allied destination and parties seated in one; certifications assumed open, not met")
    if not aia:
        why = text("only for the eighteen allied destinations and parties seated there or in the United States")
    found.append(ExceptionAnswer("AIA", aia, why, citation))
    if barred:
        found.append(
            ExceptionAnswer("LPP", False, text("not for Macau, D:5 and parties headquartered there"), citation)
        )
    else:
        why = text("within 26.9 million TPP a year for the consignee; what it had this year is not known")
        found.append(ExceptionAnswer("LPP", None, why, citation))
    found.append(ExceptionAnswer("ACM", None, text("for manufacturing in the consignee's own supply chain"), citation))
    if not world.datacenter:
        found.append(
            ExceptionAnswer("ACA", None, text("widened by AI Diffusion; the printed text was not read"), citation)
        )
    return tuple(found)


def _memory_exception(context: Context, world: World) -> ExceptionAnswer:
    citation = context.citation("hbm-exception")
    if world.eccn != "3A090.c":
        return ExceptionAnswer("HBM", False, text("only for 3A090.c"), citation)
    if _embargoed(context):
        return ExceptionAnswer("HBM", False, text("part 746 needs a licence of its own"), citation)
    if not world.hbm_exception:
        return ExceptionAnswer(
            "HBM", False, text("memory bandwidth density reaches the limit of the exception"), citation
        )
    return ExceptionAnswer("HBM", True, text("packaging chain under US control assumed open, not met"), citation)
