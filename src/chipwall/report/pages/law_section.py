"""May it go: the answer of the day as a sentence, the answers before it as stripes, the limits as a wall, other places "
"beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chipwall.catalog.records import Chip
from chipwall.controls.decide import decide
from chipwall.controls.item import item_of_chip
from chipwall.controls.law import Law
from chipwall.controls.load import law as packaged_law
from chipwall.controls.queries import Turn, answer_turns
from chipwall.controls.records import Decision, Journey
from chipwall.report.forms.charts.chart import Chart, DaySpan, DayStripes
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.numbers import day_words
from chipwall.report.pages.law_decision import (
    condition_table,
    coverage_lines,
    decision_tables,
    licence_words,
    policy_words,
    published_words,
)
from chipwall.report.pages.law_timeline import timeline_table
from chipwall.report.pages.law_wall import wall_charts
from chipwall.report.pages.law_words import legal_words, place_name
from chipwall.text import Text, text

__all__ = ["LawStory", "law_clause", "law_finding", "law_section", "law_story"]

# The first rule on these chips was the letters of August 2022; nothing changes before.
_FIRST_DAY = date(2022, 8, 1)
# Places that chips are sent to, or through; the one that was asked stands first.
_PLACES = ("CN", "HK", "AE", "SA", "MY", "SG", "IN")
_HEADQUARTERED = text("party headquartered in China")


@dataclass(frozen=True, slots=True)
class LawStory:
    """What the law says of one chip on one journey, with the days on which it said otherwise."""

    decision: Decision
    turns: tuple[Turn, ...]
    place: str

    @property
    def domestic(self) -> bool:
        """A Chinese design: its buyers there ask about using it, not about an export from the United States."""
        return self.decision.item.designer_country == "CN" and self.place == "CN"

    @property
    def since(self) -> date:
        """The first day of the answer that holds."""
        now = _answer(self.decision)
        day = self.turns[0].on
        for turn in self.turns:
            day = turn.on if _answer(turn.decision) != now else day
        later = [turn.on for turn in self.turns if turn.on > day and _answer(turn.decision) == now]
        return later[0] if later else self.turns[0].on


def _answer(decision: Decision) -> tuple[str, str]:
    return decision.licence.as_enforced, decision.review_policy


def law_story(chip: Chip, *, destination: str, on: date, law: Law | None = None) -> LawStory:
    """The answer of the day for a party that sits and is headquartered at the destination, and every answer before it."""
    rules = law or packaged_law()
    item = item_of_chip(chip, law=rules)
    place = rules.countries.resolve(destination)
    journey = Journey(destination=place, headquarters=place)
    since = max(_FIRST_DAY, min(_known_from(chip), on))
    turns = answer_turns(item, journey, since=since, until=max(on, since + timedelta(days=1)), law=rules)
    return LawStory(decide(item, journey, on=on, law=rules), turns, place)


def _known_from(chip: Chip) -> date:
    """The day from which a chip existed: announced, else available; the first rule where neither is known."""
    for quantity in ("announced", "released", "available"):
        parts = (
            (chip.word(quantity) or "")
            .replace("Q1", "01")
            .replace("Q2", "04")
            .replace("Q3", "07")
            .replace("Q4", "10")
            .split("-")
        )
        if parts[0].isdigit():
            month = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 1
            day = int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 1
            return date(int(parts[0]), month, day)
    return _FIRST_DAY


def law_clause(story: LawStory, name: str) -> Text:
    """The answer of the day as a part of a sentence, without the day."""
    decision, place, since = story.decision, place_name(story.place), day_words(story.since)
    if story.domestic and {"gp10_named", "gp10_class"} & set(decision.flags):
        if "gp10_named" in decision.flags:
            return text(
                "using the {chip} anywhere in the world risks breaching US export rules: the Bureau of Industry and "
                "Security names it",
                chip=name,
            )
        return text(
            "using the {chip} anywhere in the world risks breaching US export rules: it is presumed made in breach of them",
            chip=name,
        )
    if story.domestic:
        return text("no US rule read reaches the use of the {chip} inside China", chip=name)
    licence, policy = decision.licence.as_enforced, decision.review_policy
    told = {
        "case_by_case": text(
            "the {chip} needs a US licence for {place}, reviewed case by case since {since}",
            chip=name,
            place=place,
            since=since,
        ),
        "presumption_of_denial": text(
            "the {chip} needs a US licence for {place}, presumed to be denied since {since}",
            chip=name,
            place=place,
            since=since,
        ),
        "presumption_of_approval": text(
            "the {chip} needs a US licence for {place}, presumed to be granted", chip=name, place=place
        ),
    }
    if licence == "required":
        return told.get(policy) or text("the {chip} needs a US licence for {place}", chip=name, place=place)
    if licence == "required_by_letter":
        return text(
            "the {chip} needs a US licence for {place} under a private letter to its maker", chip=name, place=place
        )
    if licence == "exception_available":
        return text(
            "the {chip} needs a US licence for {place}, unless a licence exception is used", chip=name, place=place
        )
    if licence == "not_required":
        return text("the {chip} needs no US licence for {place}", chip=name, place=place)
    return text(
        "whether the {chip} needs a US licence for {place} cannot be told from what is known", chip=name, place=place
    )


def law_finding(decision: Decision) -> Text:
    """One decision as a sentence with its day, and since when the answer holds."""
    since = min(_FIRST_DAY, decision.on)
    until = max(decision.on, since + timedelta(days=1))
    turns = answer_turns(decision.item, decision.journey, since=since, until=until, law=packaged_law())
    story = LawStory(decision, turns, decision.journey.destination)
    return text("On {day} {clause}", day=day_words(decision.on), clause=law_clause(story, decision.item.name))


def law_section(chip: Chip, story: LawStory, others: Sequence[Chip]) -> Section:
    """The question of the law with its pictures, the answer at other places, and every clause as details."""
    decision, rules = story.decision, packaged_law()
    answer, tests, findings = decision_tables(decision)
    tables = (answer, condition_table(decision), tests, findings)
    turns = timeline_table(story.turns, name=decision.item.name, destination=story.place)
    charts = (*_stripes(story, chip.name), *wall_charts([chip, *others], on=decision.on, subject=chip.id).values())
    title = text("May it be used?") if story.domestic else text("May it go to {place}?", place=place_name(story.place))
    return Section(
        "law",
        title,
        _sentences(story, rules),
        (_places_table(decision, rules),),
        charts,
        coverage_lines(rules.coverage)[:1],
        finding=text("On {day} {clause}", day=day_words(decision.on), clause=law_clause(story, chip.name)),
        details=(*(t for t in tables if t.rows), turns, _scope_table(rules)),
    )


def _sentences(story: LawStory, rules: Law) -> tuple[Text, ...]:
    """What qualifies the finding: what hangs on conditions, China's own gate, the duty, what nobody knows."""
    decision = story.decision
    said: list[Text] = []
    if not story.domestic and decision.licence.as_enforced in ("required", "required_by_letter"):
        said.append(
            text(
                "Class {eccn}. Review: {policy}.",
                eccn=legal_words(decision.eccn),
                policy=policy_words(decision.review_policy, decision.conditions),
            )
        )
    if story.domestic:
        said.append(
            text(
                "Who uses, services or finances such a part outside China takes the same risk; Chinese buyers are reached "
                "where US rules reach them (General Prohibition 10)."
            )
        )
    elif decision.cn_import.status != "not_asked":
        said.append(text("China's own gate: {says}.", says=decision.cn_import.says))
    if decision.duty.why and not story.domestic:
        said.append(text("Duty: {duty}.", duty=Text.of(decision.duty.why)))
    if decision.licence.on_books != decision.licence.as_enforced:
        said.append(text("The printed text says otherwise: {books}.", books=published_words(decision)))
    if decision.strength != "sure":
        said += [text("Not sure: {what}.", what=Text.of(u)) for u in decision.because[:2]]
    if decision.horizon != "verified":
        said.append(
            text(
                "The law was audited to {audited}; later days show the last known state.",
                audited=day_words(rules.coverage.audited_to),
            )
        )
    return tuple(said)


def _scope_table(rules: Law) -> Table:
    """What of the law is computed, and what is not."""
    said = coverage_lines(rules.coverage)[1:]
    return Table(
        text("What is computed, and what is not"), (Column("scope", text("Scope")),), tuple((line,) for line in said)
    )


def _places_table(decision: Decision, rules: Law) -> Table:
    """The licence at the usual places on the same day, for a buyer headquartered there."""
    rows = []
    for code in dict.fromkeys((decision.journey.destination, *_PLACES)):
        found = decide(decision.item, Journey(destination=code, headquarters=code), on=decision.on, law=rules)
        rows.append(
            (
                Cell(place_name(code), code),
                Cell(legal_words(found.eccn), found.eccn),
                Cell(licence_words(found), found.licence.as_enforced),
                Cell(legal_words(found.licence.on_books), found.licence.on_books),
                Cell(policy_words(found.review_policy, found.conditions), found.review_policy),
            )
        )
    return Table(
        text("The same day at other places"),
        (
            Column("destination", text("Place")),
            Column("class", text("Class")),
            Column("licence_enforced", text("Enforced today")),
            Column("licence_on_books", text("Required by the text")),
            Column("review", text("Review")),
        ),
        tuple(rows[:7]),
        (text("US law only, for a buyer headquartered at that place; permits of other countries are not modelled."),),
    )


_KINDS = {
    "not_required": "free",
    "required": "deny",
    "required_by_letter": "letter",
    "exception_available": "case",
    "case_by_case": "case",
    "presumption_of_denial": "deny",
    "presumption_of_approval": "free",
    "blocked": "deny",
    "approved_with_conditions": "case",
    "customs_checks": "gate",
    "discouraged": "gate",
    "barred_in_state_funded": "gate",
}


def _span_words(decision: Decision) -> tuple[Text, str]:
    """The US answer in a few legal_words, and its colour."""
    licence, policy = decision.licence.as_enforced, decision.review_policy
    if licence == "required" and policy in ("case_by_case", "presumption_of_denial", "presumption_of_approval"):
        return text("licence; {policy}", policy=legal_words(policy)), _KINDS[policy]
    if licence == "required":
        return text("licence required"), "deny"
    if licence == "required_by_letter":
        return text("licence by letter to the maker"), "letter"
    if licence == "not_required":
        return text("no licence"), "free"
    return legal_words(licence), _KINDS.get(licence, "unknown")


def _spans(turns: Sequence[Turn], until: date, said: object) -> tuple[DaySpan, ...]:
    """Stretches of days with one answer."""
    found: list[DaySpan] = []
    for i, turn in enumerate(turns):
        end = turns[i + 1].on if i + 1 < len(turns) else until
        label, kind = said(turn.decision)  # type: ignore[operator]
        if found and found[-1].label == label:
            found[-1] = DaySpan(found[-1].start, end.isoformat(), label, kind)
        else:
            found.append(DaySpan(turn.on.isoformat(), end.isoformat(), label, kind))
    return tuple(found)


def _gate_words(decision: Decision) -> tuple[Text, str]:
    status = decision.cn_import.status
    return legal_words(status), _KINDS.get(status, "unknown")


def _stripes(story: LawStory, name: str) -> tuple[Chart, ...]:
    """Every answer of the law over days, and China's own gate below it."""
    if story.domestic or len(story.turns) < 2:
        return ()
    decision = story.decision
    until = decision.on + timedelta(days=30)
    us = _spans(story.turns, until, _span_words)
    stripes = [(text("US licence"), us)]
    gates = [
        s
        for s in _spans(story.turns, until, _gate_words)
        if s.label not in (legal_words("nothing_reported"), legal_words("not_asked"))
    ]
    if gates:
        stripes.append((text("China's own gate, as reported"), tuple(gates)))
    changes = len(us) - 1
    place = place_name(story.place)
    since = day_words(story.turns[0].on)
    if changes > 1:
        title = text("The answer for {place} changed {count} times since {day}", place=place, count=changes, day=since)
    elif changes == 1:
        title = text(
            "The answer for {place} changed once since {day}: on {turned}",
            place=place,
            day=since,
            turned=day_words(date.fromisoformat(us[1].start)),
        )
    else:
        title = text("The answer for {place} has been the same since {day}", place=place, day=since)
    rows = tuple((Text.of(t), s.start, s.end, Cell(s.label, s.label)) for t, spans in stripes for s in spans)
    columns = (
        Column("question", text("Question")),
        Column("from", text("from")),
        Column("to", text("to")),
        Column("answer", text("Answer")),
    )
    return (
        Chart(
            "law-days",
            title,
            text("US licence as enforced for the {chip}, day by day from its announcement", chip=name),
            text(
                "Source: US rules as dated records of chipwall, read to {day}",
                day=day_words(packaged_law().coverage.audited_to),
            ),
            DayStripes(tuple(stripes), story.turns[0].on.isoformat(), until.isoformat(), decision.on.isoformat()),
            Table("", columns, rows),
        ),
    )
