"""One decision of the law: both books, clauses with margins, and the days on which the answer changes."""

from __future__ import annotations

import chipwall as cw
from chipwall.api.described import as_command, as_python
from chipwall.api.own_words import record_of
from chipwall.api.rooms import law_coverage, law_days
from chipwall.report.forms.answer_page import AnswerPage as Page
from chipwall.report.forms.document import Section
from chipwall.report.pages import law_decision as tables
from chipwall.report.pages.law_section import law_finding
from chipwall.report.pages.law_timeline import timeline_table
from chipwall.text import text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["LAW_PAGES"]


def _fields() -> tuple[Field, ...]:
    return (
        Field("to", text("Destination"), default="CN", hint="CN, AE, Malaysia"),
        Field("on", text("Day"), "date"),
        Field("hq", text("Headquarters of the user"), hint="CN", more=True),
        Field("party", text("End user"), hint="SMIC", more=True),
    )


def _decision_page(ask: Ask) -> Page:
    name = ask.words["name"]
    asked = {"chip": name, **ask.filled()}
    given = {**asked, "chip": record_of(name, "chip")}
    answer = cw.decide(**given)
    decision = answer.record
    head, tests, findings = tables.decision_tables(decision)
    conditions = tables.condition_table(decision)
    turns = cw.timeline(given["chip"], **{k: v for k, v in given.items() if k not in ("chip", "on")})
    days = timeline_table(turns.record, name=decision.item.name, destination=decision.journey.destination)
    return Page(
        text("May {chip} go to {place}?", chip=decision.item.name, place=decision.journey.destination),
        (law_finding(decision),),
        (
            Section("decision", text("The answer"), tables=(head, conditions)),
            Section("clauses", text("Clauses, with the numbers compared"), tables=(tests, findings)),
            Section("days", text("Days on which the answer changes"), tables=(days,)),
            Section("modelled", text("Modelled, and not modelled"), notes=tables.coverage_lines(law_coverage())),
        ),
        answer=answer,
        command=as_command("decide", asked),
        python=as_python("decide", asked),
        open=("decision", "clauses", "modelled"),
        template="law.html",
        extra={"name": name, "stops": [d for d in law_days() if d.year >= 2022]},
    )


LAW_PAGES = (WebRoom("/law/{name}", _decision_page, _fields),)
