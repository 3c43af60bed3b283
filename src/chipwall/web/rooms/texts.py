"""Check: a text in, the marked article with verdicts, notes and sources out; a link for short texts, a file for long ones."""

from __future__ import annotations

from typing import Any

from chipwall.api.described import as_command, as_python
from chipwall.api.rooms import sample_text, text_document
from chipwall.errors import InputError
from chipwall.report.forms.answer_page import AnswerPage as Page
from chipwall.report.forms.document import Section
from chipwall.report.forms.table import Column, Table
from chipwall.report.pages import check as marks
from chipwall.report.pages.checked_page import checked_page
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


def _check_page(ask: Ask) -> Page:
    words, given = ask.word("text"), {n: v for n, v in ask.filled().items() if n in ("said", "by")}
    if ask.flag("sample") and not words:
        words, day = sample_text(ask.lang)
        given.setdefault("said", day.isoformat())
    if not words:
        return Page(
            text("Check a text"),
            (
                text(
                    "Paste a sentence or an article about AI chips, in English or Chinese, or drop a file: each statement "
                    "gets a verdict."
                ),
            ),
            template="check.html",
            command='chipwall check "The H200 has 141 GB."',
            python='import chipwall as cw\ncw.check("The H200 has 141 GB.")',
            extra={"paragraphs": (), "notes": (), "words": "", "given": given},
        )
    return _checked(ask, words, given)


def _checked(ask: Ask, words: str | bytes, given: dict[str, str], name: str = "the text") -> Page:
    answer = text_document(words, name=name, **given)
    found = answer.record["whole"]
    notes = marks.notes_of(found, answer.record["known"])
    rows = tuple((n.number, n.code, n.said, n.sentence, "; ".join(s.title for s in n.sources)) for n in notes)
    columns = (
        Column("number", "#"), Column("verdict", text("Verdict")), Column("states", text("Statement")),
        Column("sentence", text("What was found")), Column("sources", text("Sources")),
    )  # fmt: skip
    short = found.document.text if len(found.document.text) <= LONGEST_LINKED else ""
    sample = ask.flag("sample") and not ask.word("text")
    return Page(
        marks.summary_words(found),
        (marks.clock_words(found),),
        (Section("statements", text("Statements"), tables=(Table("", columns, rows),)),),
        answer=answer,
        command="chipwall check --sample" if sample else as_command("check", {"claims": short or "article.txt", **given}),
        python=as_python("check", {"claims": short or "article.txt", **given}),
        template="check.html",
        extra={
            "paragraphs": list(marks.paragraphs(found)), "notes": notes, "words": found.document.text, "given": given,
            "sign": marks.SIGNS, "legend": marks.legend(), "address": marks.source_address, "linked": bool(short) or sample,
            "gap": "" if found.document.chinese else " ", "independent": _independent,
        },
        kept=len(found.document.text) < 20_000,
    )  # fmt: skip


def _independent(note: marks.Note) -> str:
    return text("{count} sources that are not the speaker's own:", count=note.independent)


def _posted(ask: Ask, sent: dict[str, Any]) -> Page | str | tuple[bytes, str]:
    given = {n: str(sent[n]) for n in ("said", "by") if sent.get(n)}
    words: str | bytes = sent.get("file") or str(sent.get("text") or "").replace("\r\n", "\n").strip()
    if not words:
        raise InputError(text("an empty {argument} is no answer", argument="text"), where="text")
    saved = sent.get("save")
    if isinstance(words, str) and len(words) <= LONGEST_LINKED and not saved:
        return ask.leading("/check", text=words, **given)
    page = _checked(ask, words, given, str(sent.get("file_name") or "the text"))
    if saved:
        found, known = page.answer.record["whole"], page.extra["notes"]  # type: ignore[union-attr]
        return checked_page(found, known, ask.lang).encode(), "html"
    return page


TEXTS_PAGES = (WebRoom("/check", _check_page, _fields, post=_posted),)
