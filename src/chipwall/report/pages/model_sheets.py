"""Answers of the models as pages: speed, a plan, what a decision changes, a checked text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages import check as marks
from chipwall.report.pages import frontier as trade
from chipwall.report.pages import market_answer as answers
from chipwall.report.pages import plan as plans
from chipwall.report.pages.market import paths_table, yearly_table
from chipwall.report.pages.market_charts import difference_chart
from chipwall.report.pages.serving import answer_table, breakdown_chart, breakdown_table, evidence_lines, nearest_table
from chipwall.sources import Source
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.answer import Answer
    from chipwall.claims.check import CheckedText
    from chipwall.market.model.paths import Paths

__all__ = ["checked_sheet", "pair_sheet", "perform_sheet", "plan_sheet", "titled_paths"]

# What the figures of a pair show, the first of them on top.
_SHOWN = ("h100e_training_total", "gap", "spending_domestic")


def perform_sheet(
    answer: Answer, baseline: str, one: Answer | None, beside: Sequence[tuple[Mapping[str, Any], float | None]], why: Sequence[str]
) -> AnswerPage:
    """The frontier with the baseline drawn strong; then the baseline at one load, where its time goes and what was measured.

    Parameters
    ----------
    answer, one : Answer
        Of ``frontier`` and of ``serve``; None where the baseline cannot carry that load, and ``why`` says why.
    beside : sequence
        The nearest published runs with what the model says of each.
    """
    chart = trade.frontier_chart(answer.record, baseline)
    title = text("Where the time goes")
    part = Section("breakdown", title, tuple(why))
    if one is not None:
        part = Section(
            "breakdown", title, evidence_lines(beside), (answer_table(one.record),), (breakdown_chart(one.record),),
            details=(breakdown_table(one.record), nearest_table(one.record)),
        )  # fmt: skip
    return AnswerPage(
        chart.title,
        (),
        (
            Section(
                "frontier", text("Throughput against speed"), (), (trade.operating_table(answer.record, baseline),), (chart,),
                details=(trade.frontier_table(answer.record),),
            ),
            Section("published", text("Published runs beside the line"), tables=(trade.measured_table(answer.record),)),
            part,
        ),
        answer=answer,
        open=("frontier", "breakdown"),
    )  # fmt: skip


def plan_sheet(answer: Answer) -> AnswerPage:
    """A plan: the fleet in words, those that hold the limits, what they cost, how to start them, what was refused."""
    found = answer.record
    lines = plans.plan_lines(found)
    parts = (
        ("fleets", text("Fleets that hold the limits"), plans.front_table(found)),
        ("safety", text("One more, and one less"), plans.safety_table(found)),
        ("money", text("What it costs"), plans.money_table(found)),
        ("start", text("How to start it"), plans.start_table(found)),
        ("refused", text("What was refused, and why"), plans.rejected_table(found)),
    )
    sections = tuple(Section(name, title, tables=(table,)) for name, title, table in parts)
    return AnswerPage(lines[0], tuple(lines[1:]), sections, answer=answer, open=("fleets", "money"))


def pair_sheet(one: Paths, other: Paths, *, until: str, since: str, notes: Sequence[str]) -> AnswerPage:
    """What a decision changes: three sentences, the difference draw by draw, all quantities, and the caveats in view."""
    found = answers.answered(one, other, quarter=until, since=since)
    charts = tuple(difference_chart(one, other, name) for name in _SHOWN if name in one.values)
    table = paths_table(one, other=other, quarters=[until], since=since)
    return AnswerPage(
        text("{first} against {second}", first=one.title, second=other.title),
        answers.sentences(found),
        (
            Section("change", text("What changes"), charts=charts[:1]),
            Section("table", text("All quantities"), tables=(table, yearly_table(one, other, since=since))),
            Section("more", text("More figures"), charts=charts[1:]),
        ),
        notes=tuple(notes),
        data={**found.record(), "sentences": [str(s) for s in answers.sentences(found)]},
        open=("change", "table"),
        template="market.html",
    )


def titled_paths(run: Paths, title: str, levers: Mapping[str, Any] | None = None) -> Paths:
    """A run under its title in a language, with the lever that was added to it."""
    words = ", ".join(str(v) for v in (levers or {}).values())
    return replace(run, title=text("{title}, with {lever}", title=title, lever=words) if words else title)


def checked_sheet(answer: Answer, found: CheckedText, known: Mapping[str, Source]) -> AnswerPage:
    """A text with its verdicts: a row a statement; ``extra`` holds the marked text."""
    notes = marks.notes_of(found, known)
    columns = (
        Column("number", "#"), Column("verdict", text("Verdict")), Column("states", text("Statement")),
        Column("sentence", text("What was found")), Column("sources", text("Sources")),
    )  # fmt: skip
    rows = tuple((n.number, n.code, n.said, n.sentence, "; ".join(s.title for s in n.sources)) for n in notes)
    return AnswerPage(
        marks.summary_words(found),
        (marks.clock_words(found),),
        (Section("statements", text("Statements"), tables=(Table("", columns, rows),)),),
        answer=answer,
        template="check.html",
        extra={
            "paragraphs": list(marks.paragraphs(found)), "notes": notes, "words": found.document.text, "sign": marks.SIGNS,
            "legend": marks.legend(), "address": marks.source_address, "gap": "" if found.document.chinese else " ",
            "independent": lambda n: text("{count} sources that are not the speaker's own:", count=n.independent),
        },
        kept=len(found.document.text) < 20_000,
    )  # fmt: skip
