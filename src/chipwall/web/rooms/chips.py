"""Chips and models: lists, one with every fact, several side by side, and your own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import chipwall as cw
from chipwall.api.described import as_command, as_python
from chipwall.api.doors import calibrated_in_use
from chipwall.api.facts import CHIP_STATUSES
from chipwall.api.own_words import MARK, carried_chip, carried_model, packed_word, record_of
from chipwall.api.rooms import Chip, everything
from chipwall.errors import InputError
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.pages import sheets
from chipwall.text import Text, text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["CHIPS_PAGES"]

_SORTS = ("memory", "bandwidth", "bf16", "fp8", "link", "tdp", "tpp", "id")
# What the usual comparison of chips serves.
SERVED = "llama-2-70b"


def _list_fields() -> tuple[Field, ...]:
    vendors = sorted({c.vendor for c in everything().chips.values()})
    return (
        Field("vendor", text("Vendor"), "choice", choices=tuple((v, v) for v in vendors)),
        Field("status", text("Status"), "choice", choices=tuple((s, Text.of(s)) for s in CHIP_STATUSES)),
        Field("memory", text("Memory at least"), hint="96 GB"),
        Field("bandwidth", text("Bandwidth at least"), hint="4 TB/s"),
        Field("sort", text("Sort by"), "choice", choices=tuple((s, s) for s in _SORTS)),
    )


def _chips_page(ask: Ask) -> AnswerPage:
    asked: dict[str, Any] = ask.filled()
    answer = cw.chips(**asked)
    command, python = as_command("chips", asked), as_python("chips", asked)
    return replace(sheets.chips_sheet(list(answer)), answer=answer, command=command, python=python, template="chips.html")


def _chip_page(ask: Ask) -> AnswerPage | str:
    name = ask.words["name"]
    chip, own = carried_chip(name), name.startswith(MARK)
    if not own and name != chip.id:
        return ask.leading(f"/chips/{chip.id}")
    shown = {"name": "./chip.toml" if own else name}
    page = sheets.chip_sheet(chip, everything(), cw.model(SERVED), calibrated_in_use(), own=own)
    return replace(
        page, command=as_command("chip", shown), python=as_python("chip", shown), template="chip.html", extra={"word": name}
    )


def _compare_page(ask: Ask) -> AnswerPage:
    chips = [carried_chip(n) for n in ask.listed("chips")]
    if len(chips) < 2:
        raise InputError(text("compare needs at least two chips"), fix=text("For example: chipwall compare h200 h100"))
    if len(chips) > 8:
        raise InputError(text("at most {most} chips side by side", most=8), where="chips")
    python = "\n".join(["import chipwall as cw", *(f"cw.chip({c.id!r})" for c in chips)])
    command = "chipwall compare " + " ".join(c.id for c in chips)
    return replace(sheets.compare_sheet(chips, cw.model(SERVED), calibrated_in_use()), command=command, python=python)


def _models_page(ask: Ask) -> AnswerPage:
    family = ask.word("family")
    found = [m for m in everything().models.values() if not family or m.family == family]
    command = "chipwall models" + (f" --family {family}" if family else "")
    return replace(sheets.models_sheet(found), command=command, template="chips.html")


def _model_fields() -> tuple[Field, ...]:
    families = sorted({m.family for m in everything().models.values()})
    return (Field("family", text("Family"), "choice", choices=tuple((f, f) for f in families)),)


def _model_page(ask: Ask) -> AnswerPage | str:
    name = ask.words["name"]
    model, own = carried_model(name), name.startswith(MARK)
    if not own and name != model.id:
        return ask.leading(f"/models/{model.id}")
    shown = {"name": "./config.json" if own else model.id}
    page = replace(sheets.model_sheet(model, everything()), command=as_command("model", shown), python=as_python("model", shown))
    return replace(page, answer=replace(cw.fits(model, "h200"), notes=()), template="model.html", extra={"word": name})


def _own_page(ask: Ask) -> AnswerPage:
    told = text("Paste a config.json of a model, or a chip file in TOML. Nothing is stored: the content travels in the link.")
    example = 'base = "h100"\nname = "H100 with half the link"\n[facts]\nlink_bandwidth = "225 GB/s"\n'
    return AnswerPage(text("Bring your own chip or model"), (told,), template="own.html", extra={"example": example})


def _own_posted(ask: Ask, sent: dict[str, Any]) -> str:
    content = sent.get("text") or ""
    if isinstance(sent.get("file"), bytes):
        try:
            content = sent["file"].decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(text("the file is not text in UTF-8")) from None
    word = packed_word(content.replace("\r\n", "\n").strip())
    return ask.leading(("/chips/" if isinstance(record_of(word, "file"), Chip) else "/models/") + word)


CHIPS_PAGES = (
    WebRoom("/chips", _chips_page, _list_fields),
    WebRoom("/chips/{name}", _chip_page),
    WebRoom("/compare", _compare_page, lambda: (Field("chips", text("Which chips"), "chips", "h200,h100,h20,910c"),)),
    WebRoom("/models", _models_page, _model_fields),
    WebRoom("/models/{name}", _model_page),
    WebRoom("/own", _own_page, post=_own_posted),
)
