"""Answers about chips, the law, claims and sources as pages: which sentence leads, which figure, which table, what is folded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from chipwall.catalog.load import Catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.forms.charts.chart import Chart, RuleWall
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages import catalog as tables
from chipwall.report.pages.age import age_sentence, age_table
from chipwall.report.pages.brief import default_opponents, standfirst
from chipwall.report.pages.chip import facts_section
from chipwall.report.pages.claims import claim_table, points_table, verdict_json, verdict_lines
from chipwall.report.pages.claims_charts import point_chart
from chipwall.report.pages.law_decision import coverage_lines
from chipwall.report.pages.law_section import LawStory, law_section
from chipwall.report.pages.law_timeline import crossings_table
from chipwall.report.pages.law_wall import wall_charts
from chipwall.report.pages.serving_section import ratio_chart, serving_runs
from chipwall.report.pages.sources import sources_table
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.claims.records import Verdict
    from chipwall.controls.draft import Crossing, Draft
    from chipwall.controls.law import Coverage, Law
    from chipwall.controls.queries import Turn
    from chipwall.controls.records import Decision
    from chipwall.perf.calibrated import Calibrated

__all__ = [
    "about_sheet", "chip_sheet", "chips_sheet", "claim_sheet", "claims_sheet", "compare_sheet", "found_sheet", "law_sheet",
    "manual_sheet", "model_sheet", "models_sheet", "sources_sheet", "wall_sheet",
]  # fmt: skip

_WORST_FIRST = ("contradicted", "depends", "cannot tell", "supported")


def chips_sheet(chips: Sequence[Chip]) -> AnswerPage:
    """A list of chips."""
    return AnswerPage(
        text("{count} chips", count=len(chips)),
        (text("Each number has a source: open a chip to see them all."),),
        (Section("chips", text("Chips"), tables=(tables.chips_table(chips),)),),
    )


def chip_sheet(
    chip: Chip, catalog: Catalog, served: LanguageModel, calibrated: Calibrated, *, own: bool = False
) -> AnswerPage:
    """One chip: what it is, beside the usual others, every fact with its source; an own chip has no table of sources."""
    others = default_opponents(chip, catalog)
    facts = facts_section(chip, others)
    every = () if own else (Section("facts-all", text("Every fact"), tables=(tables.facts_table(chip, catalog.sources),)),)
    return AnswerPage(
        chip.name,
        (standfirst(chip), age_sentence(chip)),
        (
            Section("paper", text("Beside the others"), charts=_ratio_charts(chip, others, served, calibrated)),
            facts,
            Section("compare", text("Side by side"), tables=(tables.compare_table([chip, *others]),)),
            *every,
        ),
        data={"id": chip.id, "name": chip.name, "vendor": chip.vendor, "family": chip.family},
        open=("paper", facts.id),
    )


def _ratio_charts(
    chip: Chip, others: Sequence[Chip], served: LanguageModel, calibrated: Calibrated
) -> tuple[Chart, ...]:
    """How the chip stands to the others on paper and when it serves; none where nothing is known of it."""
    try:
        return (ratio_chart(serving_runs([chip, *others], served, calibrated), served),)
    except ChipwallError:
        return ()


def compare_sheet(chips: Sequence[Chip], served: LanguageModel, calibrated: Calibrated) -> AnswerPage:
    """Chips side by side, ratios to the first."""
    return AnswerPage(
        text("{first} beside {others}", first=chips[0].name, others=", ".join(c.name for c in chips[1:])),
        (),
        (
            Section("paper", text("On paper, and when serving"), charts=_ratio_charts(chips[0], chips[1:], served, calibrated)),
            Section("compare", text("Side by side"), tables=(tables.compare_table(chips),)),
        ),
        open=("compare", "paper"),
    )


def models_sheet(models: Sequence[LanguageModel]) -> AnswerPage:
    """A list of language models."""
    return AnswerPage(
        text("{count} language models", count=len(models)),
        (text("Sizes are computed from the layers; the published count stands beside them."),),
        (Section("models", text("Models"), tables=(tables.models_table(models),)),),
    )


def model_sheet(model: LanguageModel, catalog: Catalog) -> AnswerPage:
    """One language model."""
    table = tables.model_table(model, catalog.sources)
    return AnswerPage(model.name, (), (Section("model", text("Dimensions and sizes"), tables=(table,)),))


def law_sheet(chip: Chip, decision: Decision, turns: Sequence[Turn], catalog: Catalog) -> AnswerPage:
    """One decision: both books, every clause with its margin, and the days on which the answer changed."""
    story = LawStory(decision, tuple(turns), decision.journey.destination)
    found = law_section(chip, story, default_opponents(chip, catalog))
    clauses = Section("clauses", text("Every clause, with the numbers compared"), tables=found.details)
    head = replace(found, sentences=(), finding="", details=())
    return AnswerPage(found.finding, found.sentences, (head, clauses), open=("law", "clauses"))


def wall_sheet(
    chips: Sequence[Chip], coverage: Coverage, *, on: date, law: Law | None = None, draft: Draft | None = None,
    crossings: Sequence[Crossing] = (), place: Callable[[str], str] = lambda chip: "",
) -> AnswerPage:  # fmt: skip
    """Chips against the limits of a day; under a changed law also who crosses. ``place`` is where the mark of a chip leads."""
    crossed = {c.chip for c in crossings}
    charts = tuple(_led(c, place, crossed) for c in wall_charts(chips, on=on, law=law).values())
    told = text("Point at a mark for its class; a click leads to the decision.")
    sections = [Section("wall", text("Chips against the limits"), (told,), charts=charts)]
    title = charts[0].title if charts else text("No limit of this kind runs on this day")
    if draft is not None:
        table = crossings_table(crossings, title="", asked=len(chips), cannot=draft.cannot, source=draft.source)
        sections.insert(0, Section("crossings", text("Who crosses"), tables=(table,)))
        title = text("{count} chips cross", count=len(crossings))
    sections.append(Section("modelled", text("Modelled, and not modelled"), notes=coverage_lines(coverage)))
    data = {"on": on.isoformat(), "crossing": sorted(crossed)}
    return AnswerPage(title, (), tuple(sections), data=data, open=("crossings", "wall"))


def _led(chart: Chart, place: Callable[[str], str], crossed: set[str]) -> Chart:
    """The chart with marks that lead somewhere, those that cross in bold."""
    body = chart.body
    assert isinstance(body, RuleWall)
    marks = (replace(p, url=place(p.chip), subject=p.chip in crossed) for p in body.points)
    return replace(chart, body=replace(body, points=tuple(marks)))


def claims_sheet(verdicts: Sequence[Verdict], lang: str) -> AnswerPage:
    """Claims with their verdicts, those that do not hold first."""
    order = sorted(verdicts, key=lambda v: _WORST_FIRST.index(v.answer) if v.answer in _WORST_FIRST else 9)
    return AnswerPage(
        text("{count} public statements about chips, checked", count=len(order)),
        (text("What does not hold comes first. Open one to see every combination that was computed."),),
        (Section("claims", text("Claims"), tables=(claim_table(order, lang=lang),)),),
        data=[verdict_json(v) for v in order],
    )


def claim_sheet(verdict: Verdict, catalog: Catalog, lang: str) -> AnswerPage:
    """One claim with everything that was computed."""
    lines = verdict_lines(verdict, lang=lang)
    points = Section(
        "points", text("Everything that was computed"), tables=(points_table(verdict),), charts=(point_chart(verdict),)
    )
    cited = tuple(catalog.sources[s] for s in verdict.sources if s in catalog.sources)
    return AnswerPage(lines[0], lines[1:], (points,), data=verdict_json(verdict), sources=cited)


def sources_sheet(catalog: Catalog, about: str = "") -> AnswerPage:
    """Sources, all or those that hold some words."""
    whole = sources_table(catalog)
    rows = tuple(r for r in whole.rows if about.casefold() in " ".join(str(c) for c in r[:3]).casefold())
    table = Table("", whole.columns, rows, whole.notes)
    return AnswerPage(text("{count} sources", count=len(rows)), (), (Section("sources", text("Sources"), tables=(table,)),))


def about_sheet(coverage: Coverage) -> AnswerPage:
    """What all of it rests on, and what it leaves out."""
    caveats = (
        text(
            "Speed: one formula for each quantity, fitted on published runs; every estimate has an interval of 80 percent and "
            "says what it rests on."
        ),
        text("Market: a simulation with stated ranges; bands run from 5 to 95 percent of the draws and are no forecast."),
        text("Claims: a sentence inside the interval of its estimate is never called true or false."),
    )
    return AnswerPage(
        text("What this rests on, and what it leaves out"),
        (text("Facts have sources that open, estimates have intervals, and what is not known stays unknown."),),
        (
            Section("age", text("How old the data are"), tables=(age_table(),)),
            Section("law", text("Law: modelled, and not modelled"), notes=coverage_lines(coverage)),
            Section("models", text("Speed, market, claims"), notes=caveats),
        ),
        data={"rooms": ["catalogue", "law", "performance", "planning", "market", "claims"]},
        open=("age", "law", "models"),
    )


def found_sheet(words: str, rows: Sequence[tuple[str, str, str]]) -> AnswerPage:
    """What a search found: kind, title and place of each."""
    heads = (Column("kind", text("Kind")), Column("title", text("Name")))
    table = Table("", heads, tuple((kind, Cell(title, title, url=place)) for kind, title, place in rows))
    title = text("{count} found for '{words}'", count=len(rows), words=words) if words else text("Search")
    nothing = (text("Nothing was found. Try another spelling, or a part of the name."),) if words and not rows else ()
    return AnswerPage(title, nothing, (Section("found", text("Found"), tables=(table,)),), open=("found",))


def manual_sheet(doors: Sequence[tuple[str, str, str, Sequence[Mapping[str, Any]]]]) -> AnswerPage:
    """Every door with its command, what it says of itself, and its parameters."""
    heads = {"name": text("Parameter"), "type": text("Type"), "default": text("Default"), "says": text("Meaning")}
    columns = tuple(Column(name, title) for name, title in heads.items())
    listed = ((d, c, s, Table("", columns, tuple(tuple(r[n] for n in heads) for r in rows))) for d, c, s, rows in doors)
    sections = tuple(Section(f"door-{d}", f"{d}: {c}", (s,), (table,)) for d, c, s, table in listed)
    return AnswerPage(
        text("Every question, three ways"),
        (
            text("Each question below is a command, a function of Python, and an address under /api/v1 with these parameters."),
            text("The description for programs stands at /openapi.json."),
        ),
        sections,
    )
