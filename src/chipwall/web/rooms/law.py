"""The law: one decision with both books and its clauses, and the wall of all chips against the limits of a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import chipwall as cw
from chipwall.api.described import as_command, as_python
from chipwall.api.own_words import carried_chip
from chipwall.api.rooms import drafts_told, everything, law_coverage, law_days, limits_on, moved_law
from chipwall.inputs import day
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.pages import sheets
from chipwall.text import text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["LAW_PAGES", "wall_stops"]


def _decision_fields() -> tuple[Field, ...]:
    return (
        Field("to", text("Destination"), default="CN", hint="CN, AE, Malaysia"),
        Field("on", text("Day"), "date"),
        Field("hq", text("Headquarters of the user"), hint="CN", more=True),
        Field("party", text("End user"), hint="SMIC", more=True),
    )


def _decision_page(ask: Ask) -> AnswerPage:
    name = ask.words["name"]
    given: dict[str, Any] = ask.filled()
    chip, shown = carried_chip(name), {"chip": name, **given}
    answer = cw.decide(chip, **given)
    turns = cw.timeline(chip, **{k: v for k, v in given.items() if k != "on"})
    page = sheets.law_sheet(chip, answer.record, turns.record, everything())
    page = replace(page, answer=answer, command=as_command("decide", shown), python=as_python("decide", shown))
    return replace(page, template="law.html", extra={"name": name})


def wall_stops() -> tuple[date, ...]:
    """The days of change from the first letters on, up to today, and today."""
    today = date.today()
    return tuple(dict.fromkeys((*(d for d in law_days() if d.year >= 2022 and d <= today), today)))


def _wall_fields() -> tuple[Field, ...]:
    today = date.today()
    limits = tuple((i, f"{title}: {value} {unit}") for i, title, value, unit in limits_on(today))
    return (
        Field("on", text("Day"), "days", today.isoformat(), tuple((d.isoformat(), d.isoformat()) for d in wall_stops())),
        Field("draft", text("Proposal"), "choice", choices=tuple((d.id, d.title) for d in drafts_told())),
        Field("limit", text("Move a limit"), "choice", choices=limits, more=True),
        Field("value", text("to"), "number", more=True),
    )


def _wall_page(ask: Ask) -> AnswerPage:
    on, draft = day(ask.word("on"), "on"), ask.word("draft")
    moved = moved_law(on, draft=draft, limit=ask.word("limit"), value=ask.word("value")) if draft or ask.word("limit") else None
    changed: dict[str, Any] = {} if moved is None else {"law": moved.law, "draft": moved.draft, "crossings": moved.crossings}
    shown = on if moved is None else max(on, moved.draft.effective)

    def place(chip: str) -> str:
        return ask.leading(f"/law/{chip}", to="CN", on=on.isoformat())

    page = sheets.wall_sheet(list(everything().chips.values()), law_coverage(), on=shown, place=place, **changed)
    command = f"chipwall controls what-if {draft} --to CN --on {shown}" if draft else f"chipwall controls wall --on {on}"
    python = f'import chipwall as cw\ncw.decide("h200", to="CN", on="{on}")'
    return replace(page, command=command, python=python, template="wall.html", extra={"stops": wall_stops()})


LAW_PAGES = (WebRoom("/law/{name}", _decision_page, _decision_fields), WebRoom("/wall", _wall_page, _wall_fields))
