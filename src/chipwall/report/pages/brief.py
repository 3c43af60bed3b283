"""Put a brief together: which opponents, which models, which sentences come first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chipwall.catalog.load import Catalog
from chipwall.catalog.records import Chip
from chipwall.claims.load import packaged_library
from chipwall.controls.measures import performance_density, total_processing_performance
from chipwall.perf.calibrated import Calibrated
from chipwall.report.forms.beside import Pictures, started
from chipwall.report.forms.document import Brief, Section, cited
from chipwall.report.pages.age import age_sentence
from chipwall.report.pages.chip import (
    ceilings_section,
    fit_sentences,
    identity_section,
    memory_section,
    ratio_rows,
    ratios_section,
    tpp_section,
    unknown_section,
)
from chipwall.report.pages.claims_section import claims_section
from chipwall.report.pages.law_section import law_section
from chipwall.report.pages.market_section import market_section
from chipwall.report.pages.prices import price_section
from chipwall.report.pages.serving_section import serving_section
from chipwall.text import Text, text
from chipwall.units import format_quantity

__all__ = ["BriefQuestion", "chip_brief", "default_opponents"]


@dataclass(frozen=True, slots=True)
class BriefQuestion:
    """What a brief is for: destination, day, the model that is served, and the language."""

    destination: str
    on: date
    model: str
    lang: str


# What people compare an export-controlled accelerator with: its predecessor, the cut-down part, the successor, and the
# two Chinese parts that are named most.
_OPPONENTS = ("nvidia-h100-sxm", "nvidia-h20-96gb", "nvidia-b200", "huawei-ascend-910c", "cambricon-mlu590")
_MODELS = ("llama-3-8b", "llama-2-70b", "gpt-3-175b")


def default_opponents(chip: Chip, catalog: Catalog) -> list[Chip]:
    """The usual opponents; for one of them, the H200 takes its place."""
    names = [n if n != chip.id else "nvidia-h200-sxm" for n in _OPPONENTS]
    return [catalog.chips[n] for n in dict.fromkeys(names)]


def chip_brief(
    chip: Chip,
    others: Sequence[Chip],
    asked: BriefQuestion,
    *,
    catalog: Catalog,
    calibrated: Calibrated,
    pictures: Pictures,
) -> Brief:
    """The brief on one chip against others; ``pictures`` begins to draw each section as it is done."""
    models = [catalog.names.model(m) for m in _MODELS]
    lang = asked.lang
    checked = started(_checked_claims, chip, lang, calibrated)
    law_said, law = law_section(chip, others, destination=asked.destination, on=asked.on, lang=lang)
    ratios = ratios_section(chip, others, lang)
    pictures.begin((ratios, law))
    speed_said, speed = serving_section(chip, others, catalog.names.model(asked.model), lang, calibrated)
    money_said, money = price_section(chip, others, on=asked.on)
    facts = (identity_section(chip), law, ratios, tpp_section(chip, others), speed)
    ceilings = ceilings_section([chip, *others], models[1:], calibrated)
    room = (memory_section(chip, models, lang, calibrated), ceilings, money)
    pictures.begin((speed, room[0]))
    market_said, market = market_section(lang)
    pictures.begin((market,))
    claims_said, claims = checked()
    sections = (*facts, *room, market, claims, unknown_section([chip, *others]))
    return Brief(
        title=text("Brief: {chip}", chip=chip.name),
        subtitle=_one_line(chip),
        answers=(
            law_said,
            *_ratio_sentences(chip, others),
            speed_said,
            *fit_sentences(chip, models[-1], calibrated),
            money_said,
            market_said,
            claims_said,
            _tpp_sentence(chip),
            age_sentence(chip),
        ),
        sections=sections,
        # law, market and measurements keep their sources apart from the catalogue's
        sources=cited(sections, packaged_library(catalog=catalog, calibrated=calibrated).sources),
        version=catalog.version,
    )


def _checked_claims(chip: Chip, lang: str, calibrated: Calibrated) -> tuple[Text, Section]:
    """The section that takes longest, as work for a process of its own."""
    return claims_section(chip, packaged_library(calibrated=calibrated), lang=lang)


def _one_line(chip: Chip) -> Text:
    return text(
        "{memory} of {kind} at {bandwidth}, {compute} dense BF16, {power}; {status}, announced {announced}, available {available}.",
        memory=format_quantity(chip.value("memory_capacity"), "byte"),
        kind=chip.word("memory_type") or "-",
        bandwidth=format_quantity(chip.value("memory_bandwidth"), "byte/s"),
        compute=format_quantity(chip.rate("bf16"), "flop/s"),
        power=format_quantity(chip.value("tdp"), "W"),
        status=Text.of(chip.word("status") or "-"),
        announced=chip.word("announced") or chip.word("released") or "-",
        available=chip.word("available") or "-",
    )


def _ratio_sentences(chip: Chip, others: Sequence[Chip]) -> list[Text]:
    """One sentence per opponent: compute, memory and bandwidth."""
    rows = {str(title): cells for title, cells in ratio_rows(chip, others)}
    said = []
    for i, other in enumerate(others):
        compute, memory, bandwidth = (rows[k][i] for k in ("Compute, 16 bit", "Memory", "Memory bandwidth"))
        said.append(
            text(
                "Against {other}: {compute} in 16-bit compute, {memory} in memory ({memory_worked}), "
                "{bandwidth} in bandwidth ({bandwidth_worked}).",
                other=other.name,
                compute=compute.shown,
                memory=memory.shown,
                memory_worked=memory.calculation,
                bandwidth=bandwidth.shown,
                bandwidth_worked=bandwidth.calculation,
            )
        )
    return said


def _tpp_sentence(chip: Chip) -> Text:
    tpp, density = total_processing_performance(chip), performance_density(chip)
    return text(
        "Total processing performance: {tpp}. Performance density: {density}.",
        tpp=tpp.formula if tpp.value is not None else text("unknown, {why}", why=tpp.unknown),
        density=density.formula if density.value is not None else text("unknown, {why}", why=density.unknown),
    )
