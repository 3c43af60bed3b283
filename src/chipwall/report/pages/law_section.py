"""The section on the law: the answer on the day, how it came about, and every day on which it changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from chipwall.catalog.records import Chip
from chipwall.controls.decide import decide
from chipwall.controls.item import item_of_chip
from chipwall.controls.load import law
from chipwall.controls.queries import timeline
from chipwall.controls.records import Decision, Journey
from chipwall.report.forms.document import Section
from chipwall.report.pages.law_decision import (
    condition_table,
    coverage_lines,
    decision_tables,
    duty_line,
    licence_words,
    policy_words,
)
from chipwall.report.pages.law_timeline import timeline_table
from chipwall.report.pages.law_wall import wall_charts
from chipwall.report.pages.law_words import legal_words
from chipwall.text import Text, text

__all__ = ["law_section", "law_sentence"]

# The first rule on these chips was the letters of August 2022; nothing changes before.
_FIRST_DAY = date(2022, 8, 1)


def law_sentence(decision: Decision) -> Text:
    """The answer of the day in one sentence."""
    same = decision.licence.as_enforced == decision.licence.on_books
    licence = text("licence {licence}", licence=licence_words(decision))
    if not same:
        licence = text(
            "licence {enforced} as enforced, {books} on the books",
            enforced=licence_words(decision),
            books=legal_words(decision.licence.on_books),
        )
    return text(
        "Export from {origin} to {destination} on {day}: {eccn}; {licence}; review: {policy}; duty: {duty}; "
        "China's own gate: {gate}.",
        origin=decision.journey.exporter,
        destination=decision.journey.destination,
        day=decision.on.isoformat(),
        eccn=legal_words(decision.eccn),
        licence=licence,
        policy=policy_words(decision.review_policy, decision.conditions),
        duty=duty_line(decision),
        gate=legal_words(decision.cn_import.status),
    )


def law_section(chip: Chip, others: Sequence[Chip], *, destination: str, on: date, lang: str) -> tuple[Text, Section]:
    """The sentence for the first page, and the section: the decision, its tests, its timeline, the wall."""
    rules = law()
    item = item_of_chip(chip, law=rules)
    place = rules.countries.resolve(destination)
    journey = Journey(destination=place, headquarters=place)
    decision = decide(item, journey, on=on, law=rules)
    turns = timeline(item, journey, since=_FIRST_DAY, until=max(on, _FIRST_DAY + timedelta(days=1)), law=rules)
    tables = (
        *(
            t
            for t in (decision_tables(decision)[0], condition_table(decision), *decision_tables(decision)[1:])
            if t.rows
        ),
        timeline_table(turns, name=item.name, destination=place),
    )
    charts = wall_charts([chip, *others], on=on, lang=lang)
    sentences = [law_sentence(decision), *(text("Not known: {what}", what=Text.of(u)) for u in decision.unknowns)]
    if decision.horizon != "verified":
        horizon = text(
            "The text was verified to {verified} and audited to {audited}; after that the last known answer is shown, and what was "
            "scheduled to change is called not verified.",
            verified=str(rules.coverage.verified_to),
            audited=str(rules.coverage.audited_to),
        )
        sentences.append(horizon)
    section = Section(
        "law",
        text("Where it may go: {destination} on {day}", destination=place, day=on.isoformat()),
        tuple(sentences),
        tables,
        tuple(charts.values()),
        coverage_lines(rules.coverage),
    )
    return law_sentence(decision), section
