"""Perform and plan: throughput of a chip against speed of a user, and how many of which chip at what cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import chipwall as cw
from chipwall.api.described import as_command, as_python
from chipwall.api.own_words import carried_chip, carried_model
from chipwall.api.rooms import measured_beside
from chipwall.errors import ChipwallError
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.pages import model_sheets as sheets
from chipwall.text import text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["PERFORM_PAGES"]


def _perform_fields() -> tuple[Field, ...]:
    return (
        Field("model", text("Model"), "model", "llama-3.3-70b"),
        Field("chips", text("Which chips"), "chips", "h200,h20,mi300x,910c"),
        Field("baseline", text("Baseline"), "chip", hint="h20"),
        Field("prompt", text("Tokens in"), "number", "1000"),
        Field("output", text("Tokens out"), "number", "1000"),
        Field("precision", text("Precision"), hint="fp8", more=True),
        Field("kv", text("Format of the cache"), hint="fp8", more=True),
        Field("engine", text("Engine"), hint="vllm", more=True),
        Field("engine_date", text("Release of the engine"), hint="2026-05", more=True),
        Field("users", text("Users, for the breakdown"), "number", "16", more=True),
        Field("count", text("Chips, for the breakdown"), "number", "8", more=True),
    )


def _perform_page(ask: Ask) -> AnswerPage:
    given: dict[str, Any] = {n: v for n, v in ask.filled().items() if n not in ("model", "chips", "baseline", "users", "count")}
    model, chips = carried_model(ask.word("model")), [carried_chip(n) for n in ask.listed("chips")]
    base = carried_chip(ask.word("baseline")) if ask.word("baseline") else chips[0]
    answer = cw.frontier(model, chips=chips, **given)
    one, why = None, ()
    try:
        one = cw.serve(model, base, chips=ask.count("count"), users=ask.count("users"), **given)
    except ChipwallError as error:
        why = error.lines()  # type: ignore[assignment]
    page = sheets.perform_sheet(answer, base.id, one, measured_beside(one) if one is not None else (), why)
    shown = {"model": ask.word("model"), "chips": list(ask.listed("chips")), **given}
    return replace(page, command=as_command("frontier", shown), python=as_python("frontier", shown))


def _plan_fields() -> tuple[Field, ...]:
    more = {
        "rent": (text("Your rent per chip and hour"), "2.5 / h20=1.2,h200=3.5"),
        "price": (text("Your price per chip"), "25000 / h20=12000"),
        "electricity": (text("Electricity per kWh"), "0.08"),
        "pue": (text("PUE of the building"), "1.2"),
        "hosting": (text("Hosting per kW and month"), "150"),
        "life": (text("Years of use"), "5"),
        "interest": (text("Cost of capital a year"), "0.08"),
        "mean_load": (text("Mean load over the busy hour"), "0.5"),
        "stock": (text("Chips there are at most"), "h20=64,910c=200"),
        "precision": (text("Precision"), "fp8"),
        "kinds": (text("Kinds of fleet"), "aggregated"),
        "party": (text("End user"), ""),
    }
    picks = {
        "law": (text("Law"), ("licence", "free", "any")),
        "quantile": (text("Quantile"), ("p50", "p90", "p95", "p99")),
        "currency": (text("Currency"), ("USD", "CNY")),
    }
    return (
        Field("model", text("Model"), "model", "llama-3.3-70b"),
        Field("rate", text("Requests per second"), "number", "50"),
        Field("prompt", text("Tokens in"), "number", "2000"),
        Field("output", text("Tokens out"), "number", "300"),
        Field("ttft", text("First token within"), "number", "1 s"),
        Field("tpot", text("Each token within"), "number", "30 ms"),
        Field("chips", text("Which chips"), "chips", hint="h200, h20, 910c"),
        Field("to", text("Destination"), "number", hint="CN"),
        Field("on", text("Day"), "date"),
        Field("pay", text("Rent or own"), "choice", choices=tuple((p, p) for p in ("rent", "own", "cheapest"))),
        *(Field(name, label, hint=hint, more=True) for name, (label, hint) in more.items()),
        *(Field(name, label, "choice", choices=tuple((w, w) for w in known), more=True) for name, (label, known) in picks.items()),
    )


def _plan_page(ask: Ask) -> AnswerPage:
    shown: dict[str, Any] = {n: list(ask.listed(n)) if n in ("chips", "precision", "kinds") else v for n, v in ask.filled().items()}
    chips = {"chips": [carried_chip(n) for n in shown["chips"]]} if "chips" in shown else {}
    answer = cw.plan(**{**shown, **chips, "model": carried_model(shown["model"])})
    page = replace(sheets.plan_sheet(answer), command=as_command("plan", shown), python=as_python("plan", shown))
    return replace(page, template="plan.html")


PERFORM_PAGES = (WebRoom("/perform", _perform_page, _perform_fields), WebRoom("/plan", _plan_page, _plan_fields))
