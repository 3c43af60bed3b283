"""Where a claim holds, drawn: values over one free condition, or a grid over the two that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from chipwall.claims.records import Claim, Point, Verdict
from chipwall.claims.vocabulary import claim_si
from chipwall.report.forms.charts.chart import CaseCell, CaseGrid, Chart, Dot, DotRow, DotRows, Panel
from chipwall.report.forms.table import Table
from chipwall.report.language.numbers import Bilingual, day_words
from chipwall.report.pages.claims import (
    ANSWERS,
    CONDITIONS,
    HOLDS,
    point_words,
    points_table,
    relation_words,
    shown_value,
)
from chipwall.text import Text, text

__all__ = ["point_chart", "said_words"]


def said_words(claim: Claim) -> Text:
    """The sentence of a claim in both languages."""
    return Bilingual(claim.statement, claim.statement_zh or claim.statement)


def point_chart(v: Verdict) -> Chart:
    """Where a claim holds: the value for one free condition, else a grid of the two that matter most."""
    from datetime import date

    names = _by_weight(v)
    title = text("{verdict}: {said}", verdict=ANSWERS[v.answer], said=said_words(v.claim))
    source = text("Source: computed by chipwall on {day}", day=day_words(date.today()))
    table: Table = points_table(v)
    if len(names) < 2 and isinstance(v.value, float):
        return Chart(f"claim-{v.claim.id}", title, _asked(v), source, _values(v, names), table)
    across, up = (names[0], names[1]) if len(names) > 1 else (names[0] if names else "", "")
    body = CaseGrid(_named(across), _named(up), _cells(v, across, up))
    told = text("Combinations of free conditions; green holds, red fails, grey cannot be told")
    return Chart(f"claim-{v.claim.id}", title, text("{asked}. {told}", asked=_asked(v), told=told), source, body, table)


def _asked(v: Verdict) -> Text:
    return text("What was said: {relation}", relation=relation_words(v.claim))


def _named(name: str) -> Text:
    return CONDITIONS.get(name, Text.of(name)) if name else Text("")


def _values(v: Verdict, names: Sequence[str]) -> DotRows:
    """One row a value of the free condition, with the value that was said as a line."""
    unit: Text = Text.of(v.claim.unit) if v.claim.unit != "1" else text("value")
    reference = None
    if isinstance(v.claim.value, float):
        reference = (v.claim.value / claim_si(1.0, v.claim.unit), text("said"))
    lines = tuple(_line(v, p, names) for p in v.points)
    return DotRows((Panel(unit, reference=reference),), lines)


def _line(v: Verdict, p: Point, names: Sequence[str]) -> DotRow:
    label = shown_value(names[0], p.conditions[names[0]]) if names else text("computed")
    value = p.reading.value
    if not isinstance(value, float) or not isfinite(value):
        return DotRow(label, (text("cannot tell"),))
    scale = claim_si(1.0, v.claim.unit)
    low, high = (value if b is None or not isfinite(b) else b for b in (p.reading.low, p.reading.high))
    shown = text("{value}: {holds}", value=point_words(v.claim, p), holds=HOLDS[p.holds])
    return DotRow(label, (Dot(value / scale, shown, low / scale, high / scale, p.holds is not None),))


def _by_weight(v: Verdict) -> list[str]:
    """Free conditions, the ones named by the description first, then those with more values."""
    region = v.region or v.fails
    named = [t.condition for rule in (region.rules if region else ()) for t in rule]
    return sorted(
        v.claim.free, key=lambda n: (n not in named, named.index(n) if n in named else 0, -len(v.claim.free[n]))
    )


def _cells(v: Verdict, across: str, up: str) -> tuple[CaseCell, ...]:
    """Counts of each cell; what nobody can tell is counted too."""
    found: dict[tuple[str, str], list[bool | None]] = {}
    for p in v.points:
        key = tuple(shown_value(n, p.conditions[n]) if n else "" for n in (across, up))
        found.setdefault((key[0], key[1]), []).append(p.holds)
    return tuple(
        CaseCell(x, y, holds.count(True), holds.count(False), holds.count(None)) for (x, y), holds in found.items()
    )
