"""The memo to the file: question, answer in both books, facts with sources, clauses, checklist, what is open, what to watch.

It is a :class:`~chipwall.report.forms.document.Brief`, so Markdown, a page and a Word document are printed by the same forms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from chipwall.controls.horizon import Stale, horizon
from chipwall.controls.item import OPERAND_NAMES
from chipwall.controls.law import Law
from chipwall.controls.queries import Turn, answer_turns
from chipwall.controls.records import Decision
from chipwall.report.forms.document import Brief, Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.pages.law_decision import (
    condition_table,
    coverage_lines,
    decision_tables,
    legal_figure,
    licence_words,
    policy_words,
    published_words,
    strength_line,
)
from chipwall.report.pages.law_desk import horizon_table
from chipwall.report.pages.law_timeline import timeline_table
from chipwall.report.pages.law_words import flag_lines, legal_words, place_name
from chipwall.sources import Source
from chipwall.text import Text, text

__all__ = ["AHEAD", "memo"]

AHEAD = timedelta(days=730)
"""How far the watch list looks: rules on chips carry dates of a year or two."""
_UNITS: Mapping[str, str] = {
    "tpp": "TPP",
    "performance_density": "TPP/mm2",
    "memory_density": "GB/s/mm2",
    "dram_bandwidth": "GB/s",
    "io_rate": "GB/s",
    "transistors": text("billion"),
}


def memo(decision: Decision, *, law: Law, known: Mapping[str, Source], version: str, command: str) -> Brief:
    """The memo on one decision.

    Parameters
    ----------
    known : mapping
        Sources of the catalogue by id; those of the law are added.
    version : str
        Version of the data, for the colophon.
    command : str
        The command that gives the memo, for the reader who reruns it on a later day.
    """
    turns = answer_turns(decision.item, decision.journey, since=decision.on, until=decision.on + AHEAD, law=law)
    stale = horizon(law, decision.on)
    sections = (
        Section("question", text("Question"), tables=(_question(decision),)),
        Section("answer", text("Answer, as enforced and on the books"), tables=decision_tables(decision)[:1]),
        Section("facts", text("Facts, with sources"), tables=(_facts(decision),)),
        Section("clauses", text("Clauses and margins"), tables=_filled(decision_tables(decision)[1:2])),
        Section("parties", text("Destination and parties"), tables=_filled(decision_tables(decision)[2:])),
        Section(
            "checklist",
            text("Checklist"),
            () if decision.conditions else (text("The answer hangs on no listed condition."),),
            _filled((condition_table(decision),)),
        ),
        Section("open", text("What is not known"), tables=(_lines(text("Open points"), _open(decision)),)),
        _watch(decision, law, turns, stale, command),
        Section(
            "citations",
            text("Citations"),
            tables=(_lines(text("As they are cited"), [Text.of(words) for words in decision.citations]),),
        ),
        Section("scope", text("Scope"), coverage_lines(law.coverage)),
    )
    every = {**law.sources, **known}
    used = (*decision.item.sources, *_sources_of(decision, law))
    return Brief(
        title=text("Export classification and licence memo: {item}", item=decision.item.name),
        subtitle=text(
            "{activity} from {exporter} to {destination}, as of {day}",
            activity=legal_words(decision.journey.activity),
            exporter=place_name(decision.journey.exporter or "?"),
            destination=place_name(decision.journey.destination),
            day=decision.on.isoformat(),
        ),
        answers=_answers(decision),
        sections=sections,
        sources=tuple(source for name in dict.fromkeys(used) if (source := every.get(name))),
        version=version,
    )


def _filled(tables: Sequence[Table]) -> tuple[Table, ...]:
    return tuple(table for table in tables if table.rows)


def _lines(title: Text, lines: Sequence[Text]) -> Table:
    return Table(title, (Column("line", text("Point")),), tuple((line,) for line in lines))


def _answers(decision: Decision) -> tuple[Text, ...]:
    found = [
        text("Classification: {eccn}", eccn=legal_words(decision.eccn)),
        text("Licence, enforced today: {licence}", licence=licence_words(decision)),
        text("Licence, required by the text: {licence}", licence=published_words(decision)),
        text("Review policy: {policy}", policy=policy_words(decision.review_policy, decision.conditions)),
        text("Strength: {strength}", strength=strength_line(decision)),
    ]
    found += [text("Why they differ: {why}", why=decision.why_differ)] if decision.why_differ else []
    return (*found, *flag_lines(decision.flags))


def _question(decision: Decision) -> Table:
    journey = decision.journey
    rows: list[tuple[object, ...]] = [
        (text("Item"), decision.item.name),
        (text("Maker"), decision.item.vendor or text("unknown")),
        (text("Act"), legal_words(journey.activity)),
        (text("From"), place_name(journey.exporter or "-")),
        (text("To"), place_name(journey.destination)),
        (text("End user"), journey.party or text("not named")),
        (text("Headquarters"), place_name(journey.headquarters) if journey.headquarters else text("not given")),
        (text("Ultimate parent"), journey.parent or text("not given")),
        (text("Owners"), ", ".join(f"{name} {share} %" for name, share in journey.owners) or text("not given")),
        (text("Exporter's letters"), journey.shipper or text("who exports was not given")),
        (text("Day"), decision.on.isoformat()),
    ]
    return Table(text("As asked"), (Column("what", text("What")), Column("given", text("Given"))), tuple(rows))


def _facts(decision: Decision) -> Table:
    item = decision.item
    values = {
        "tpp": item.tpp,
        "performance_density": item.density,
        "dram_bandwidth": item.dram_bandwidth,
        "io_rate": item.io_rate,
        "transistors": item.transistors,
        "datacenter": item.datacenter,
    }
    rows = []
    for name, value in values.items():
        shown = legal_figure(value)
        unit = _UNITS.get(name, "") if value is not None else ""
        rows.append(
            (
                OPERAND_NAMES[name],
                Cell(f"{shown} {unit}".strip() if unit else shown, value, item.sources if value is not None else ()),
                legal_words(item.statuses.get(name, "")) if item.statuses.get(name) else "-",
                Text.of(item.provenance.get(name, "-")),
            )
        )
    return Table(
        text("Numbers that the clauses read"),
        (
            Column("quantity", text("Quantity")),
            Column("value", text("Value"), right=True),
            Column("status", text("Status")),
            Column("how", text("How it came about")),
        ),
        tuple(rows),
    )


def _open(decision: Decision) -> tuple[Text, ...]:
    lines = [Text.of(line) for line in decision.unknowns]
    lines += [text("Not settled: {what}", what=one.says) for one in decision.conditions if one.holds is None]
    lines += [
        text("Not settled: {topic}: {says}", topic=Text.of(one.topic), says=Text.of(one.says))
        for one in decision.findings
        if one.result is None
    ]
    return tuple(lines) or (text("Nothing that decides is open."),)


def _watch(decision: Decision, law: Law, turns: Sequence[Turn], stale: Sequence[Stale], command: str) -> Section:
    """Dated flips of this answer, branches of today, and what moved by its own terms since the audit."""
    later = [turn for turn in turns if turn.on > decision.on]
    lines = [
        text("If {case}: {licence}", case=branch.if_so, licence=legal_words(branch.licence))
        for branch in decision.branches
    ]
    days = [turn.on for turn in later] or [decision.on + timedelta(days=90)]
    lines.append(text("Run again: {command}", command=f"{command} --as-of {days[0].isoformat()}"))
    moved = [one for one in stale if one.kind in ("flip_passed", "flip_coming", "after_audit")]
    tables = (
        timeline_table(later, name=decision.item.name, destination=decision.journey.destination),
        horizon_table(moved, day=decision.on.isoformat()),
    )
    return Section("watch", text("Watch list"), tuple(lines), _filled(tables))


def _sources_of(decision: Decision, law: Law) -> tuple[str, ...]:
    """Sources of the records that stand behind the citations of the answer."""
    cited = set(decision.citations)
    return tuple(
        record.source
        for _, _, record in law.records()
        if record.citation in cited and record.source and record.runs(decision.on)
    )
