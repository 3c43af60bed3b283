"""Verdicts on claims as tables, sentences, a chart and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from math import isfinite

from chipwall.catalog.quantities import QUANTITIES as FACTS
from chipwall.claims.quantities import CLAIM_QUANTITIES
from chipwall.claims.records import Claim, Point, Region, RegionTest, Value, Verdict
from chipwall.claims.vocabulary import claim_si
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.report.language.lookup import translated
from chipwall.report.pages.law_words import legal_words, place_name
from chipwall.text import Text, text

__all__ = [
    "claim_table",
    "number_words",
    "points_table",
    "region_words",
    "relation_words",
    "shown_value",
    "statement",
    "value_words",
    "verdict_json",
    "verdict_lines",
    "vocabulary_table",
    "where_words",
]

ANSWERS: Mapping[str, Text] = {
    "supported": text("supported"),
    "contradicted": text("contradicted"),
    "depends": text("depends"),
    "cannot tell": text("cannot tell"),
    "stale evidence": text("evidence too old"),
}
HOLDS: Mapping[bool | None, Text] = {True: text("holds"), False: text("fails"), None: text("cannot tell")}
CONDITIONS: Mapping[str, Text] = {
    "measure": text("measure"),
    "upper": text("upper chip"),
    "limit": text("limit"),
    "on": text("day"),
    "destination": text("destination"),
    "headquarters": text("headquarters"),
    "activity": text("activity"),
    "party": text("end user"),
    "answer": text("answer"),
    "event": text("event"),
    "model": text("model"),
    "task": text("task"),
    "weights": text("weights"),
    "chips": text("chips"),
    "context": text("context"),
    "sequences": text("sequences"),
    "rank": text("rank"),
    "precision": text("precision"),
    "phase": text("phase"),
    "batch": text("batch"),
    "prompt": text("prompt tokens"),
    "output": text("output tokens"),
    "engine": text("engine"),
    "sequence": text("sequence tokens"),
    "work": text("work"),
    "scenario": text("scenario"),
    "round": text("round"),
    "source": text("source"),
    "kernel": text("kernel"),
    "place": text("place"),
    "offer": text("offer"),
    "observation": text("series and period"),
    "over": text("divided by"),
    "from": text("since"),
    "until": text("until"),
    "family": text("family"),
    "group": text("group"),
    "part": text("part"),
    "counted": text("counted"),
    "system": text("system"),
    "baseline_batch": text("batch of the other side"),
    "baseline_chips": text("chips of the other side"),
    "baseline_precision": text("precision of the other side"),
    "against": text("against"),
    "path": text("quantity of the market"),
    "quarter": text("quarter"),
    "assumptions": text("assumptions"),
}


def statement(claim: Claim, lang: str) -> str:
    """The sentence in the language asked for, English where there is no other."""
    return claim.statement_zh if lang == "zh" and claim.statement_zh else claim.statement


def claim_table(verdicts: Sequence[Verdict], *, lang: str) -> Table:
    """One row per claim: what was said, the verdict, what was computed, and where it holds."""
    rows = tuple(
        (
            v.claim.id,
            statement(v.claim, lang),
            ANSWERS[v.answer],
            Cell(
                value_words(v),
                # a middle of values under unlike conditions is no value
                None if len(v.points) > 1 else v.value,
                v.sources,
                calculation=_worked(v),
                low=v.low,
                high=v.high,
            ),
            where_words(v),
        )
        for v in verdicts
    )
    counted = {a: sum(v.answer == a for v in verdicts) for a in ANSWERS}
    total = text(
        "{supported} supported, {contradicted} contradicted, {depends} depend, {unknown} cannot be told.",
        supported=counted["supported"],
        contradicted=counted["contradicted"],
        depends=counted["depends"],
        unknown=counted["cannot tell"] + counted["stale evidence"],
    )
    notes = (
        total,
        text(
            "A claim inside the interval of its estimate is 'cannot tell', never 'supported'. Details: chipwall claim show ID"
        ),
    )
    columns = (
        Column("id", text("Claim")),
        Column("statement", text("What was said")),
        Column("verdict", text("Verdict")),
        Column("value_si", text("Computed"), right=True),
        Column("where", text("Where")),
    )
    return Table("", columns, rows, notes)


def _worked(v: Verdict) -> str:
    """How the number came about: its calculation, or how many there are."""
    if len(v.points) > 1:
        return text("{count} combinations: chipwall claim show {id}", count=len(v.points), id=v.claim.id)
    reading = v.points[0].reading
    return reading.unknown or reading.calculation


def verdict_lines(v: Verdict, *, lang: str) -> tuple[str, ...]:
    """The verdict in sentences: who said it, what was asked, what came out, where it holds, what it rests on."""
    claim = v.claim
    lines: list[str] = [f"“{statement(claim, lang)}”"]
    if claim.by:
        lines.append(text("Said by: {by}{when}", by=claim.by, when=f", {claim.said}" if claim.said else ""))
    lines.append(
        text(
            "Asked: {quantity} {relation}",
            quantity=CLAIM_QUANTITIES[claim.quantity].title,
            relation=relation_words(claim),
        )
    )
    lines.append(text("Verdict: {answer}. Computed: {value}", answer=ANSWERS[v.answer], value=value_words(v)))
    where = where_words(v)
    if where:
        lines.append(where)
    if len(v.points) > 1:
        lines.append(
            text(
                "Holds in {share:.0%} of {count} combinations of free conditions; {unknown:.0%} are undecidable.",
                share=v.share_holding,
                count=len(v.points),
                unknown=v.share_unknown,
            )
        )
    if v.probability is not None:
        lines.append(text("Probability over the draws: {p:.0%}", p=v.probability))
    note = claim.note_zh if lang == "zh" and claim.note_zh else claim.note
    if note:
        lines.append(note)
    if v.sources:
        lines.append(text("Sources: {sources}", sources=", ".join(v.sources)))
    return tuple(translated(line, lang) for line in lines)


def points_table(v: Verdict) -> Table:
    """Every combination that was computed, with its calculation."""
    names = list(v.claim.free)
    columns = (
        *(Column(n, CONDITIONS.get(n, text("condition"))) for n in names),
        Column("value_si", text("Computed"), right=True),
        Column("holds", text("Claim")),
        Column("calculation", text("How")),
    )
    rows = tuple(
        (
            *(shown_value(n, p.conditions[n]) for n in names),
            Cell(point_words(v.claim, p), p.reading.value, p.reading.sources),
            HOLDS[p.holds],
            p.reading.unknown or p.reading.calculation,
        )
        for p in v.points
    )
    return Table(text("What was computed"), columns, rows)


def region_words(region: Region) -> Text:
    """A region in one sentence part, ``batch at most 8 and precision is bf16``."""
    if not region.rules:
        return text("no simple description")
    parts = [_joined([_test_words(t) for t in rule]) for rule in region.rules]
    found = parts[0]
    for part in parts[1:]:
        found = text("{one}; or {other}", one=found, other=part)
    return found


def _joined(tests: Sequence[Text]) -> Text:
    found = tests[0]
    for test in tests[1:]:
        found = text("{one} and {other}", one=found, other=test)
    return found


def _test_words(test: RegionTest) -> Text:
    name = CONDITIONS.get(test.condition, text("condition"))
    values = [shown_value(test.condition, v) for v in test.values]
    if test.operator == "<=":
        if isinstance(test.values[0], date):
            return text("{name} up to {value}", name=name, value=values[0])
        return text("{name} at most {value}", name=name, value=values[0])
    if test.operator == ">=":
        if isinstance(test.values[0], date):
            return text("{name} from {value} on", name=name, value=values[0])
        return text("{name} at least {value}", name=name, value=values[0])
    if test.operator == "is not":
        return text("{name} is not {value}", name=name, value=values[0])
    found = values[0]
    for value in values[1:]:
        found = text("{one}, {other}", one=found, other=value)
    return text("{name} is {values}", name=name, values=found)


def shown_value(name: str, value: Value) -> str:
    """One value of a condition for people."""
    if name in ("destination", "headquarters"):
        return place_name(str(value))
    if name == "measure" and value in FACTS:
        return FACTS[str(value)].title
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:g}"
    return Text.of(str(value))


def where_words(v: Verdict) -> Text | str:
    """Where a claim holds or fails, as one sentence; empty where there is nothing to say."""
    if v.region is not None:
        about = text("Holds where {region}", region=region_words(v.region))
        if v.region.accuracy < 1:
            about = text("{about} (right in {share:.0%} of the points)", about=about, share=v.region.accuracy)
        if v.share_unknown:
            return text("{about}; {share:.0%} undecidable", about=about, share=v.share_unknown)
        return about
    if v.fails is not None:
        return text("Fails where {region}; elsewhere undecidable", region=region_words(v.fails))
    if v.answer == "cannot tell" and v.points[0].reading.unknown:
        return v.points[0].reading.unknown
    return ""


def relation_words(claim: Claim) -> Text:
    """What is claimed: the relation, the number and its slack."""
    value: str = legal_words(str(claim.value))
    if isinstance(claim.value, float):
        value = _with_unit(claim, _in_unit(claim, claim.value))
    slack = text(" within {share:.0%}", share=claim.tolerance) if claim.tolerance else ""
    if claim.relation == "between":
        upper = _with_unit(claim, _in_unit(claim, claim.upper))
        return text("between {low} and {high}{slack}", low=_in_unit(claim, claim.value), high=upper, slack=slack)
    words = {
        "about": text("about {value}{slack}", value=value, slack=slack),
        "at least": text("at least {value}{slack}", value=value, slack=slack),
        "at most": text("at most {value}{slack}", value=value, slack=slack),
        "grows by": text("grows by {value}{slack}", value=value, slack=slack),
        "is": text("is {value}", value=value),
        "is true": text("is true") if claim.value is True else text("is false"),
    }
    return words[claim.relation]


def number_words(claim: Claim, value: object, *, bare: bool = False, digits: int = 4) -> str:
    """A number of a claim in its unit, for people."""
    number = _in_unit(claim, value, digits)
    return number if bare else _with_unit(claim, number)


def _with_unit(claim: Claim, number: str) -> str:
    return number if claim.unit == "1" else text("{number} {unit}", number=number, unit=Text.of(claim.unit))


def _in_unit(claim: Claim, value: object, digits: int = 4) -> str:
    """An SI number in the unit of the claim, at most four digits."""
    if not isinstance(value, float):
        return legal_words(str(value))
    if not isfinite(value):
        return "∞"
    scale = claim_si(1.0, claim.unit)
    number = value / scale
    return f"{number:,.{digits}g}" if abs(number) < 10**digits else f"{number:,.0f}"


def value_words(v: Verdict) -> str | Text:
    """What was computed, with its interval, in the unit of the claim."""
    if v.value is None:
        return "-"
    if not isinstance(v.value, float):
        return legal_words(str(v.value))
    middle = _in_unit(v.claim, v.value)
    unit = "" if v.claim.unit in ("1", "times") else f" {v.claim.unit}"
    if v.low is None or v.high is None or v.low == v.high:
        return f"{middle}{unit}"
    if len(v.points) > 1:
        return text("{low} to {high}{unit}", low=_in_unit(v.claim, v.low), high=_in_unit(v.claim, v.high), unit=unit)
    return f"{middle} ({_in_unit(v.claim, v.low)} – {_in_unit(v.claim, v.high)}){unit}"


def point_words(claim: Claim, p: Point) -> str:
    found = p.reading
    if found.value is None:
        return "-"
    middle = _in_unit(claim, found.value)
    if found.low is None or found.high is None or found.low == found.high:
        return middle
    return f"{middle} ({_in_unit(claim, found.low)} – {_in_unit(claim, found.high)})"


def verdict_json(v: Verdict) -> dict[str, object]:
    """The verdict for programs: values in SI, ``unit`` as the claim writes it."""
    return {
        "id": v.claim.id,
        "verdict": v.answer.replace(" ", "_"),
        "value": v.value,
        "low": v.low,
        "high": v.high,
        "share_holding": v.share_holding,
        "sources": list(v.sources),
        "share_unknown": v.share_unknown,
        "probability": v.probability,
        "boundary": None if v.region is None else str(region_words(v.region)),
        "statement": v.claim.statement,
        "by": v.claim.by,
        "said": v.claim.said,
        "quantity": v.claim.quantity,
        "points": [
            {
                "conditions": dict(p.conditions),
                "holds": p.holds,
                "value": p.reading.value,
                "low": p.reading.low,
                "high": p.reading.high,
                "probability": p.probability,
                "sources": list(p.reading.sources),
                "calculation": str(p.reading.unknown or p.reading.calculation),
            }
            for p in v.points
        ],
    }


def vocabulary_table() -> Table:
    """Every quantity a claim may speak of, with its conditions; a condition with a default shows it."""
    rows = []
    for q in CLAIM_QUANTITIES.values():
        for i, c in enumerate(q.conditions):
            first = i == 0
            takes = c.choices if 0 < len(c.choices) <= 12 else ()
            rows.append(
                (
                    q.name if first else "",
                    q.meaning if first else "",
                    c.name,
                    text("{meaning} {values}", meaning=c.meaning, values=", ".join(takes)) if takes else c.meaning,
                    "" if c.default is None else shown_value(c.name, c.default),
                )
            )
    columns = (
        Column("quantity", text("Quantity")),
        Column("meaning", text("Meaning")),
        Column("condition", text("Condition")),
        Column("takes", text("Takes")),
        Column("default", text("Default")),
    )
    return Table(text("Vocabulary of claims"), columns, tuple(rows))
