"""The door for texts: a sentence, an article or a file in, the verdict on each of its statements out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipwall.answer import Answer, Line
from chipwall.api.doors import calibrated_in_use
from chipwall.errors import InputError
from chipwall.inputs import day, quote, term
from chipwall.text import text

if TYPE_CHECKING:
    from chipwall.claims.check import CheckedText
    from chipwall.claims.library import Library
    from chipwall.claims.reader.document import Document

__all__ = ["TEXT_ENDINGS", "checked_document", "document_named", "text_answer"]

TEXT_ENDINGS = (".txt", ".md", ".markdown", ".html", ".htm", ".pdf")
# Draws of a simulation behind a statement: the standard error of a probability is then about two percent.
DRAWS = 500


def document_named(source: str | Path) -> Document:
    """The document that a path names, or the words themselves."""
    from chipwall.claims.reader.document import LARGEST, document_of, plain_document

    if isinstance(source, str) and not _is_path(source):
        return plain_document(term(source, "text", example="'The H200 has 141 GB.'"), "the text")
    path = Path(source)
    try:
        with path.open("rb") as handle:
            return document_of(handle.read(LARGEST + 1), path.name)
    except (OSError, ValueError) as error:
        raise InputError(
            text(
                "cannot read {path}: {why}",
                path=quote(str(source)),
                why=getattr(error, "strerror", "") or "not the name of a file",
            ),
            fix=text('Name a file, or put the sentence in quotes: chipwall check "The H200 has 141 GB."'),
        ) from None


def _is_path(words: str) -> bool:
    """Whether words name a file: they end as files of text do, or there is one."""
    if len(words) > 240 or "\n" in words or "\0" in words:
        return False
    return words.lower().endswith(TEXT_ENDINGS) or Path(words).exists()


def checked_document(
    document: Document, *, said: object = None, as_of: object = None, by: str = "", reader: Sequence[str] = ()
) -> tuple[CheckedText, Library]:
    """A document with its verdicts, and the world they were computed in.

    Parameters
    ----------
    document : Document
        The text.
    said, as_of : date or str
        The day it was said, today by default, and up to which day evidence counts, the day it was said by default.
    by : str
        Who says it.
    reader : sequence of str
        A program that proposes readings of its own, as its list of arguments; see docs/claims.md.
    """
    from chipwall.claims.check import checked_text
    from chipwall.claims.load import packaged_library

    on = date.today() if said is None else day(said, "said")
    until = on if as_of is None else day(as_of, "as_of")
    if until < on:
        raise InputError(
            text("evidence up to {day} is older than the text", day=until),
            where="as_of",
            fix=text("Give {day} or a later day", day=on),
        )
    world = packaged_library(calibrated=calibrated_in_use())
    world = replace(world, draws=DRAWS)
    return checked_text(document, world, said=on, as_of=until, by=by, reader=tuple(reader)), world


def text_answer(found: CheckedText, world: Library) -> Answer:
    """A checked text as an answer: one row per statement."""
    from chipwall.report.pages.check import checked_record, summary_words, verdict_sentence

    rows = tuple(
        {
            "text": s.statement.sentence.text,
            "verdict": s.code,
            "sentence": str(verdict_sentence(s)),
            "value": s.main.value if s.main else None,
            "low": s.main.low if s.main else None,
            "high": s.main.high if s.main else None,
            "unit": s.main.claim.unit if s.main else None,
            "independent_sources": s.independent,
        }
        for s in found.statements
    )
    lines = tuple(
        Line(
            f"{s.code}: {s.statement.sentence.text[:60]}",
            float(s.main.value),
            "",
            "",
            str(s.main.points[0].reading.calculation),
        )
        for s in found.statements
        if s.main is not None and isinstance(s.main.value, float)
    )
    record: dict[str, Any] = {
        "statements": found.statements,
        "said": found.said,
        "as_of": found.as_of,
        "document": found.document,
    }
    return Answer(
        "check",
        summary_words(found),
        record=record,
        items=found.statements,
        rows=rows,
        lines=lines,
        sources=tuple(dict.fromkeys(i for s in found.statements for v in s.verdicts for i in v.sources)),
        data=lambda: checked_record(found, "en"),
        source_of=lambda name: world.sources[name],
    )
