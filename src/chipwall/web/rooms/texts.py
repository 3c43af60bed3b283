"""Check: a text in, the marked article with verdicts, notes and sources out; a link for short texts, a file for long ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chipwall.api.described import as_command, as_python
from chipwall.api.rooms import sample_text, text_document
from chipwall.errors import InputError
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.pages.checked_page import checked_page
from chipwall.report.pages.model_sheets import checked_sheet
from chipwall.text import text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["TEXTS_PAGES"]

# Longest text that a link carries [1].
LONGEST_LINKED = 1_500


def _fields() -> tuple[Field, ...]:
    return (
        Field("text", text("Text"), "area", hint="The H200 has 141 GB of memory and is six times as fast as the H20."),
        Field("said", text("Said on"), "date", more=True),
        Field("by", text("Who says it"), more=True),
        Field("sample", text("Sample article"), "flag", more=True),
    )


def _check_page(ask: Ask) -> AnswerPage:
    words, given = ask.word("text"), {n: v for n, v in ask.filled().items() if n in ("said", "by")}
    sample = ask.flag("sample") and not words
    if sample:
        words, day = sample_text(ask.lang)
        given.setdefault("said", day.isoformat())
    if words:
        return _checked(ask, words, given, sample=sample)
    told = text(
        "Paste a sentence or an article about AI chips, in English or Chinese, or drop a file: each statement gets a verdict."
    )
    asked, extra = {"claims": "The H200 has 141 GB."}, {"paragraphs": (), "notes": (), "words": "", "given": given}
    page = AnswerPage(text("Check a text"), (told,), template="check.html", extra=extra)
    return replace(page, command=as_command("check", asked), python=as_python("check", asked))


def _checked(ask: Ask, words: str | bytes, given: dict[str, str], *, name: str = "the text", sample: bool = False) -> AnswerPage:
    answer = text_document(words, name=name, **given)
    found = answer.record["whole"]
    page = checked_sheet(answer, found, answer.record["known"])
    short = len(found.document.text) <= LONGEST_LINKED
    asked = {"claims": found.document.text if short else "article.txt", **given}
    command = "chipwall check --sample" if sample else as_command("check", asked)
    extra = {**page.extra, "given": given, "linked": short or sample}
    return replace(page, command=command, python=as_python("check", asked), extra=extra)


def _posted(ask: Ask, sent: dict[str, Any]) -> AnswerPage | str | tuple[bytes, str]:
    given = {n: str(sent[n]) for n in ("said", "by") if sent.get(n)}
    words: str | bytes = sent.get("file") or str(sent.get("text") or "").replace("\r\n", "\n").strip()
    if not words:
        raise InputError(text("an empty {argument} is no answer", argument="text"), where="text")
    if isinstance(words, str) and len(words) <= LONGEST_LINKED and not sent.get("save"):
        return ask.leading("/check", text=words, **given)
    page = _checked(ask, words, given, name=str(sent.get("file_name") or "the text"))
    if not sent.get("save"):
        return page
    assert page.answer is not None
    return checked_page(page.answer.record["whole"], page.extra["notes"], ask.lang).encode(), "html"


TEXTS_PAGES = (WebRoom("/check", _check_page, _fields, post=_posted),)
