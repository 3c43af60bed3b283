"""The story of one chip: a finding with its day, three numbers, one picture, and five questions behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chipwall.catalog.load import Catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.claims.load import packaged_library
from chipwall.perf.calibrated import Calibrated
from chipwall.report.forms.beside import started
from chipwall.report.forms.document import Brief, KeyNumber, Section, cited
from chipwall.report.language.names import short_name
from chipwall.report.language.numbers import day_words, month_words
from chipwall.report.pages.age import age_sentence
from chipwall.report.pages.chip import ceiling_tables, facts_section, memory_charts, memory_tables
from chipwall.report.pages.claims_section import claims_section
from chipwall.report.pages.law_section import LawStory, law_clause, law_section, law_story
from chipwall.report.pages.market_section import market_section
from chipwall.report.pages.prices import price_section
from chipwall.report.pages.serving_section import (
    ServedRun,
    ratio_chart,
    ratio_clause,
    serving_chart,
    serving_number,
    serving_runs,
    serving_sentence,
    speed_table,
)
from chipwall.text import Text, listed, text
from chipwall.units import format_quantity

__all__ = ["BriefQuestion", "chip_brief", "default_opponents", "standfirst"]


@dataclass(frozen=True, slots=True)
class BriefQuestion:
    """What a brief is for: destination, day, and the model that is served."""

    destination: str
    on: date
    model: str


# What people compare an export-controlled accelerator with: its predecessor, the cut-down part, the successor, and the
# two Chinese parts that are named most.
_OPPONENTS = ("nvidia-h100-sxm", "nvidia-h20-96gb", "nvidia-b200", "huawei-ascend-910c", "cambricon-mlu590")
_MODELS = ("llama-3-8b", "llama-2-70b", "gpt-3-175b")


def default_opponents(chip: Chip, catalog: Catalog) -> list[Chip]:
    """The usual opponents; for one of them, the H200 takes its place."""
    names = [n if n != chip.id else "nvidia-h200-sxm" for n in _OPPONENTS]
    return [catalog.chips[n] for n in dict.fromkeys(names)]


def chip_brief(
    chip: Chip, others: Sequence[Chip], asked: BriefQuestion, *, catalog: Catalog, calibrated: Calibrated
) -> Brief:
    """The brief on one chip against others, for a destination and a day; its words are still in every language."""
    checked = started(_checked_claims, chip, calibrated)  # the longest work, in a process of its own
    changed = started(market_section, chip)
    models = [catalog.names.model(m) for m in _MODELS]
    served = catalog.names.model(asked.model)
    story = law_story(chip, destination=asked.destination, on=asked.on)
    runs = serving_runs([chip, *others], served, calibrated)
    cost, paid = price_section(runs, on=asked.on)
    fixed = (law_section(chip, story, others), _performance(chip, others, runs, models, served, calibrated), cost)
    market, moved = changed()
    sections = (*fixed, market, checked(), facts_section(chip, others))
    numbers = [n for n in (serving_number(runs, served), paid, moved) if n is not None]
    return Brief(
        title=_headline(story, runs),
        subtitle=standfirst(chip),
        answers=tuple(s.finding for s in sections[:5]),
        sections=sections,
        # law, market and measurements keep their sources apart from the catalogue's
        sources=cited(sections, packaged_library(catalog=catalog, calibrated=calibrated).sources),
        version=catalog.version,
        kicker=text("Brief: {chip}", chip=chip.name),
        numbers=tuple((*numbers, *_paper_numbers(chip, runs))[:3]),
        lead=ratio_chart(runs, served),
        asked=_echo(chip, others, asked),
        age=age_sentence(chip),
    )


def _checked_claims(chip: Chip, calibrated: Calibrated) -> Section:
    """The section that takes longest, as work for a process of its own."""
    return claims_section(chip, packaged_library(calibrated=calibrated))


def _echo(chip: Chip, others: Sequence[Chip], asked: BriefQuestion) -> dict[str, object]:
    """The question as it was understood, for whoever keeps the answer."""
    from chipwall.report.pages.serving_section import CHIPS, FEW, MANY, OUTPUT, PROMPT

    return {
        "chip": chip.id,
        "against": [o.id for o in others],
        "destination": asked.destination,
        "on": asked.on.isoformat(),
        "model": asked.model,
        "chips": CHIPS,
        "prompt_tokens": PROMPT,
        "output_tokens": OUTPUT,
        "users": [FEW, MANY, None],
    }


def _headline(story: LawStory, runs: Sequence[ServedRun]) -> Text:
    """``On 28 November 2026 the H200 needs ...; 6.7x the H20 on paper, 1.1x when it writes answers``."""
    chip = runs[0].chip
    law = law_clause(story, short_name(chip.name))
    clause = ratio_clause(runs)
    said = text("{law}; {speed}", law=law, speed=clause) if clause else law
    status = chip.word("status")
    if status == "rumoured":
        return text("Rumoured, not on sale. On {day} {said}", day=day_words(story.decision.on), said=said)
    if status in ("announced", "cancelled"):
        return text(
            "{status}, not on sale. On {day} {said}",
            status=_STAGES[status],
            day=day_words(story.decision.on),
            said=said,
        )
    return text("On {day} {said}", day=day_words(story.decision.on), said=said)


_STAGES = {"announced": text("Announced"), "cancelled": text("Cancelled")}


def standfirst(chip: Chip) -> Text:
    """What it is, from its data sheet; what is not known is left out, not written as a dash."""
    memory, kind, bandwidth = chip.value("memory_capacity"), chip.word("memory_type"), chip.value("memory_bandwidth")
    parts: list[Text] = []
    if memory:
        said = format_quantity(memory, "byte")
        parts.append(
            text("{memory} of {kind}", memory=said, kind=kind) if kind else text("{memory} of memory", memory=said)
        )
    if bandwidth:
        parts.append(text("{bandwidth} memory bandwidth", bandwidth=format_quantity(bandwidth, "byte/s")))
    if rate := chip.rate("bf16") or chip.rate("fp16"):
        parts.append(text("{rate} dense 16-bit", rate=format_quantity(rate, "flop/s")))
    if power := chip.value("tdp"):
        parts.append(text("{power}", power=format_quantity(power, "W")))
    for word, template in (("announced", "announced"), ("available", "available")):
        fact = chip.fact(word)
        if fact is not None and isinstance(fact.value, str):
            when = month_words(fact.value)
            doubtful = fact.status in ("estimated", "unverified")
            when = text("{when} (estimated)", when=when) if doubtful else when
            parts.append(
                text("announced {when}", when=when) if template == "announced" else text("available {when}", when=when)
            )
    maker = chip.word("maker")
    said = listed(parts)
    return (
        text("{chip}, designed by {maker}: {parts}.", chip=chip.name, maker=maker, parts=said)
        if maker
        else text("{chip}: {parts}.", chip=chip.name, parts=said)
    )


def _paper_numbers(chip: Chip, runs: Sequence[ServedRun]) -> list[KeyNumber]:
    """Numbers of the data sheet, for a chip of which nothing else is known."""
    found = []
    for quantity, unit, label in (
        ("memory_capacity", "byte", text("memory, data sheet")),
        ("memory_bandwidth", "byte/s", text("memory bandwidth, data sheet")),
        ("tdp", "W", text("power, data sheet")),
    ):
        fact = chip.fact(quantity)
        if fact is not None and fact.number:
            found.append(KeyNumber(label, format_quantity(fact.number, unit), Text.of(fact.status), "facts"))
    return found


def _performance(
    chip: Chip,
    others: Sequence[Chip],
    runs: Sequence[ServedRun],
    models: Sequence[LanguageModel],
    served: LanguageModel,
    calibrated: Calibrated,
) -> Section:
    """What it can do: speed beside the others, and what fits its memory; physics and memory formulas as details."""
    finding = serving_sentence(runs, served)
    return Section(
        "performance",
        text("What can it do?"),
        (
            text(
                "Estimates of means, with 80 % intervals; hollow marks: nothing like it was fitted, so the interval is wider."
            ),
        ),
        (speed_table(runs),),
        (serving_chart(runs, served), *memory_charts(chip, models[1:], calibrated)),
        finding=finding,
        details=(*memory_tables(chip, models, calibrated), *ceiling_tables([chip, *others], models[1:], calibrated)),
    )
