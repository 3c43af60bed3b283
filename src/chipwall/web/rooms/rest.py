"""Claims, sources, the doors as a manual, keys, and what all of it rests on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import chipwall as cw
from chipwall.api.described import OFFERED, as_command, as_python, door_parameters, door_summary
from chipwall.api.rooms import everything, law_coverage, left_out_runs
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages import sheets
from chipwall.report.pages.scoreboard_sheet import scoreboard_sheet
from chipwall.text import Text, text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["REST_PAGES", "claim_names"]

_WORDS = (Field("q", text("Holds the words"), hint="nvidia"),)
_VERDICTS = ("contradicted", "depends", "cannot tell", "supported")


@cache
def _checked() -> Any:
    """Every claim that comes with the package, with its verdict: the same for all who ask."""
    return cw.check()


def claim_names() -> tuple[str, ...]:
    """The ids of the claims that come with the package."""
    return tuple(v.claim.id for v in _checked())


def _claims_page(ask: Ask) -> AnswerPage:
    wanted, about = ask.word("verdict"), ask.word("q").casefold()
    told = {v.claim.id: f"{v.claim.id} {v.claim.statement} {v.claim.statement_zh}".casefold() for v in _checked()}
    found = [v for v in _checked() if wanted in ("", v.answer) and about in told[v.claim.id]]
    return replace(sheets.claims_sheet(found, ask.lang), command="chipwall claims", python="import chipwall as cw\ncw.check()")


def _claim_fields() -> tuple[Field, ...]:
    verdicts = tuple((v, Text.of(v)) for v in _VERDICTS)
    return (Field("verdict", text("Verdict"), "choice", choices=verdicts), Field("q", text("Holds the words"), hint="H20"))


def _claim_page(ask: Ask) -> AnswerPage:
    name = ask.words["name"]
    verdict = next((v for v in _checked() if v.claim.id == name), None) or cw.check(name)[0]
    page = sheets.claim_sheet(verdict, everything(), ask.lang)
    return replace(page, command=f"chipwall claim show {name}", python=as_python("check", {"claims": name}))


def _sources_page(ask: Ask) -> AnswerPage:
    return replace(
        sheets.sources_sheet(everything(), ask.word("q")),
        command="chipwall sources", python=as_python("source", {"name": "nvidia-h200-datasheet"}),
    )  # fmt: skip


def _docs_page(ask: Ask) -> AnswerPage:
    def rows(door: str) -> list[dict[str, str]]:
        told = ((p, "" if p.default is None else str(p.default)) for p in door_parameters(door))
        return [{"name": p.name, "type": p.kind, "default": default, "says": p.says} for p, default in told]

    doors = [(door, as_command(door, {}), door_summary(door), rows(door)) for door in OFFERED]
    return replace(sheets.manual_sheet(doors), command="chipwall --help", python="import chipwall as cw\nhelp(cw)")


def _about_page(ask: Ask) -> AnswerPage:
    python = "import chipwall as cw\ncw.__version__"
    return replace(sheets.about_sheet(law_coverage()), command="chipwall data age", python=python)


def _help_page(ask: Ask) -> AnswerPage:
    keys = {
        "/": text("to the box for questions"), "?": text("this help"), "Esc": text("close"),
        "Tab": text("to the next control; marks of a figure are read out with their numbers"),
    }  # fmt: skip
    table = Table("", (Column("key", text("Key")), Column("does", text("What it does"))), tuple(keys.items()))
    return AnswerPage(text("Keys"), (), (Section("keys", text("Keys"), tables=(table,)),))


REST_PAGES = (
    WebRoom("/claims", _claims_page, _claim_fields),
    WebRoom("/claims/{name}", _claim_page),
    WebRoom("/sources", _sources_page, lambda: _WORDS),
    WebRoom("/scoreboard", lambda ask: scoreboard_sheet(left_out_runs(), ask.word("q")), lambda: _WORDS),
    WebRoom("/docs", _docs_page),
    WebRoom("/about", _about_page),
    WebRoom("/help", _help_page),
)
