"""Market: named proposals as cards, one pair on shared draws in full, a lever of one's own; runs in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chipwall.api.pairs import SINCE, pair_question, run_of_pair
from chipwall.api.rooms import levers_told, scenario_told, scenarios_told
from chipwall.background import RunState, asked_run, cancel_run
from chipwall.inputs import term
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.text import text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["MARKET_PAGES", "finished_pair"]

WORK = "chipwall.api.pairs:run_of_pair"
# Pages of a site of files that are done, by scenario and language: the list tells their sentences.
_finished: dict[tuple[str, str], AnswerPage] = {}


def _fields() -> tuple[Field, ...]:
    levers = tuple((name, f"{name}: {says}") for name, says in levers_told())
    return (
        Field("against", text("Against"), "choice", choices=tuple((s.id, s.title) for s in scenarios_told("en"))),
        Field("until", text("Until"), "number", "2028Q4"),
        Field("draws", text("Draws"), "number", "1000"),
        Field("seed", text("Seed"), "number", "1", more=True),
        Field("lever", text("Lever of your own"), "choice", choices=levers, more=True),
        Field("value", text("Its value"), hint="0.4", more=True),
        Field("product", text("Its product"), hint="h200", more=True),
        Field("from", text("From quarter"), default=SINCE, more=True),
    )


def _pair_page(ask: Ask) -> AnswerPage:
    question = pair_question(ask.words["name"], ask.word, ask.lang)
    state = asked_run(WORK, question)
    assert state is not None
    if state.problem is not None:
        raise state.problem
    told, against = (scenario_told(question[n], ask.lang) for n in ("scenario", "against"))
    extra = {"scenario": told, "against": against, "state": state}
    if state.done:
        done: AnswerPage = state.result
        return replace(done, extra=extra)
    return AnswerPage(
        text("{first} against {second}", first=told.title, second=against.title),
        (text("The simulation is running: {share:.0f} percent.", share=100 * state.share),),
        data={"run": state.key, "share": state.share},
        template="market.html",
        extra=extra,
        status=202,
        kept=False,
    )


def finished_pair(ask: Ask) -> AnswerPage:
    """The page of a pair, computed here and now: for a site of files."""
    question = pair_question(ask.words["name"], ask.word, ask.lang)
    page = _finished[question["scenario"], ask.lang] = run_of_pair(question, lambda done, total: None)
    told, against = (scenario_told(question[n], ask.lang) for n in ("scenario", "against"))
    return replace(page, extra={"scenario": told, "against": against, "state": RunState("", 1.0, page)})


def _pair_posted(ask: Ask, sent: dict[str, Any]) -> str:
    """Cancel a run."""
    cancel_run(term(sent.get("cancel") or "", "cancel"))
    return ask.leading("/market")


def _card(ask: Ask, told: Any, *, start: bool) -> dict[str, Any]:
    """A proposal with its three sentences, where it was run; ``start`` runs it where nothing else runs."""
    page, share = _finished.get((told.id, ask.lang)), None
    if page is None:
        plain = replace(ask, given={}, fields=_fields())
        state = asked_run(WORK, pair_question(told.id, plain.word, ask.lang), start=start)
        page, share = (state.result, state.share) if state is not None else (None, None)
    sentences = page.sentences if page is not None else ()
    return {"told": told, "against": scenario_told(told.versus, ask.lang).title, "sentences": sentences, "share": share}


def _market_page(ask: Ask) -> AnswerPage:
    cards: list[dict[str, Any]] = []
    for told in (s for s in scenarios_told(ask.lang) if s.decision):
        busy = any(c["share"] is not None and not c["sentences"] for c in cards)
        cards.append(_card(ask, told, start=ask.flag("all") and not busy))
    return AnswerPage(
        text("What would it change?"),
        (
            text("Named bills and decisions, each against the same world without it, on the same draws. Open one to run it."),
            text("A simulation with stated ranges, no forecast: read the caveats of each answer."),
        ),
        command="chipwall market proposals",
        python='import chipwall as cw\ncw.simulate("h200-managed", against="no-sales")',
        data=[{n: getattr(c["told"], n) for n in ("id", "title", "decision", "cannot")} for c in cards],
        template="market_list.html",
        extra={"cards": cards, "waiting": ask.flag("all") and not all(c["sentences"] for c in cards)},
        kept=False,
    )


MARKET_PAGES = (
    WebRoom("/market", _market_page, lambda: (Field("q", text("Question")), Field("all", text("Run all"), "flag"))),
    WebRoom("/market/{name}", _pair_page, _fields, post=_pair_posted),
)
