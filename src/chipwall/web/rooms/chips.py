"""Chips and models: lists, one with every fact, several side by side, and your own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import chipwall as cw
from chipwall.answer import Answer
from chipwall.api.described import as_command, as_python
from chipwall.api.facts import CHIP_STATUSES
from chipwall.api.own_words import MARK, packed_word, record_of
from chipwall.api.rooms import Chip, everything
from chipwall.errors import InputError
from chipwall.report.forms.answer_page import AnswerPage as Page
from chipwall.report.forms.document import Section
from chipwall.report.pages import catalog as tables
from chipwall.report.pages.age import age_sentence
from chipwall.report.pages.brief import default_opponents
from chipwall.report.pages.chip import facts_section, ratio_tables
from chipwall.text import Text, text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["CHIPS_PAGES"]

_LIMITS = ("memory", "bandwidth")
_SORTS = ("memory", "bandwidth", "bf16", "fp8", "link", "tdp", "tpp", "id")


def _list_fields() -> tuple[Field, ...]:
    vendors = sorted({c.vendor for c in everything().chips.values()})
    return (
        Field("vendor", text("Vendor"), "choice", choices=tuple((v, v) for v in vendors)),
        Field("status", text("Status"), "choice", choices=tuple((s, Text.of(s)) for s in CHIP_STATUSES)),
        Field("memory", text("Memory at least"), hint="96 GB"),
        Field("bandwidth", text("Bandwidth at least"), hint="4 TB/s"),
        Field("sort", text("Sort by"), "choice", choices=tuple((s, s) for s in _SORTS)),
    )


def _chips_page(ask: Ask) -> Page:
    given = ask.filled()
    answer = cw.chips(**given)
    return Page(
        text("{count} chips", count=len(answer)),
        (text("Each number has a source: open a chip to see them all."),),
        (Section("chips", text("Chips"), tables=(tables.chips_table(list(answer)),)),),
        answer=answer,
        command=as_command("chips", given),
        python=as_python("chips", given),
        template="chips.html",
    )


def _chip(ask: Ask, name: str) -> Chip:
    found = record_of(name, "chip")
    return found if isinstance(found, Chip) else cw.chip(found)


def _chip_page(ask: Ask) -> Page | str:
    name = ask.words["name"]
    chip = _chip(ask, name)
    own = name.startswith(MARK)
    if not own and name != chip.id:
        return ask.leading(f"/chips/{chip.id}")
    others = default_opponents(chip, everything())
    facts = () if own else (Section("every", text("Every fact"), tables=(tables.facts_table(chip, everything().sources),)),)
    return Page(
        chip.name,
        (_law_line(chip), age_sentence(chip)),
        (facts_section(chip, others), *facts),
        data={"id": chip.id, "name": chip.name, "vendor": chip.vendor, "family": chip.family},
        command=as_command("chip", {"name": name}) if not own else "chipwall chip ./chip.toml",
        python=as_python("chip", {"name": name}) if not own else 'cw.chip("./chip.toml")',
        open=("facts",),
        template="chip.html",
        extra={"chip": chip, "word": name, "own": own},
    )


def _law_line(chip: Chip) -> str:
    """Where the chip may go today, in one sentence."""
    from chipwall.report.pages.law_section import law_finding

    return law_finding(cw.decide(chip, to="CN").record)


def _compare_fields() -> tuple[Field, ...]:
    return (Field("chips", text("Chips"), "chips", default="h200,h100,h20,910c", hint="h200, h100, h20"),)


def _compare_page(ask: Ask) -> Page:
    names = ask.listed("chips")
    chips = [_chip(ask, n) for n in names]
    if len(chips) < 2:
        raise InputError(text("compare needs at least two chips"), fix=text("For example: chipwall compare h200 h100"))
    if len(chips) > 8:
        raise InputError(text("at most {most} chips side by side", most=8), where="chips")
    return Page(
        text("{first} beside {others}", first=chips[0].name, others=", ".join(c.name for c in chips[1:])),
        (),
        (
            Section("compare", text("Side by side"), tables=(tables.compare_table(chips),)),
            Section("ratios", text("Against the others"), tables=ratio_tables(chips[0], chips[1:])),
        ),
        command="chipwall compare " + " ".join(c.id for c in chips),
        python="\n".join(["import chipwall as cw", *(f"cw.chip({c.id!r})" for c in chips)]),
        open=("compare", "ratios"),
    )


def _models_page(ask: Ask) -> Page:
    family = ask.word("family")
    found = [m for m in everything().models.values() if not family or m.family == family]
    return Page(
        text("{count} language models", count=len(found)),
        (text("Sizes are computed from the layers; the published count stands beside them."),),
        (Section("models", text("Models"), tables=(tables.models_table(found),)),),
        command="chipwall models" + (f" --family {family}" if family else ""),
        template="chips.html",
    )


def _model_fields() -> tuple[Field, ...]:
    families = sorted({m.family for m in everything().models.values()})
    return (Field("family", text("Family"), "choice", choices=tuple((f, f) for f in families)),)


def _model_page(ask: Ask) -> Page | str:
    name = ask.words["name"]
    found = record_of(name, "model")
    model = cw.model(found) if isinstance(found, str) else found
    own = name.startswith(MARK)
    if not own and name != model.id:
        return ask.leading(f"/models/{model.id}")
    fits: Answer = cw.fits(model, "h200")
    return Page(
        model.name,
        (),
        (Section("model", text("Dimensions and sizes"), tables=(tables.model_table(model, everything().sources),)),),
        answer=replace(fits, notes=()),
        command=f"chipwall model {model.id}" if not own else "chipwall model ./config.json",
        python=f"import chipwall as cw\ncw.model({model.id!r})",
        template="model.html",
        extra={"model": model, "word": name, "own": own, "fits": fits.rows},
    )


def _own_page(ask: Ask) -> Page:
    return Page(
        text("Bring your own chip or model"),
        (text("Paste a config.json of a model, or a chip file in TOML. Nothing is stored: the content travels in the link."),),
        template="own.html",
        extra={"example": 'base = "h100"\nname = "H100 with half the link"\n[facts]\nlink_bandwidth = "225 GB/s"\n'},
    )


def _own_posted(ask: Ask, sent: dict[str, Any]) -> str:
    content = sent.get("text") or ""
    if isinstance(sent.get("file"), bytes):
        try:
            content = sent["file"].decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(text("the file is not text in UTF-8")) from None
    word = packed_word(content.replace("\r\n", "\n").strip())
    found = record_of(word, "file")
    place = "/chips/" if isinstance(found, Chip) else "/models/"
    return ask.leading(place + word)


CHIPS_PAGES = (
    WebRoom("/chips", _chips_page, _list_fields),
    WebRoom("/chips/{name}", _chip_page),
    WebRoom("/compare", _compare_page, _compare_fields),
    WebRoom("/models", _models_page, _model_fields),
    WebRoom("/models/{name}", _model_page),
    WebRoom("/own", _own_page, post=_own_posted),
)
