"""What pages list and look up beside the doors: every record of a room, the names in a question, files of one's own.

A page of the web app imports :mod:`chipwall.api` and :mod:`chipwall.report` and nothing below; what it needs that is no
question of its own stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from chipwall import catalog
from chipwall.answer import Answer
from chipwall.catalog import data_version
from chipwall.catalog.load import Catalog
from chipwall.catalog.own.reading import is_path
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.inputs import quote, term
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.controls.law import Coverage

__all__ = [
    "Chip",
    "NamedThings",
    "SearchRow",
    "data_version",
    "everything",
    "home_of",
    "law_coverage",
    "law_days",
    "named_in",
    "own_chip",
    "own_model",
    "plain_word",
    "sample_text",
    "search_rows",
    "text_document",
]  # fmt: skip


def everything() -> Catalog:
    """The catalogue: chips, models, systems and sources by id."""
    return catalog.load()


def plain_word(value: object, argument: str) -> str:
    """A word that is a name and no place in a file system: what a stranger may ask over a network.

    Raises
    ------
    InputError
        The word means a file, as it may on the command line.
    """
    word = term(value, argument)
    if is_path(word) or "\\" in word or ".." in word or word.startswith(("/", "~")):
        raise InputError(
            text("{argument}: '{value}' is the name of a file", argument=argument, value=quote(word)),
            where=argument,
            fix=text("Give a name, or bring the content of the file on the page 'Your own'"),
        )
    return word


def own_model(content: str) -> LanguageModel:
    """The model that the content of a ``config.json`` describes; see :mod:`chipwall.catalog.own.model`."""
    return _from_file(content, "config.json", catalog.model)  # type: ignore[return-value]


def own_chip(content: str) -> Chip:
    """The chip that the content of a chip file in TOML describes; see :mod:`chipwall.catalog.own.chip`."""
    return _from_file(content, "chip.toml", catalog.chip)  # type: ignore[return-value]


def _from_file(content: str, name: str, read: object) -> object:
    """What a reader of files makes of some content; messages name the file as the caller knows it."""
    with TemporaryDirectory(prefix="chipwall-") as folder:
        path = Path(folder) / name
        path.write_text(content, encoding="utf-8")
        try:
            return read(str(path))  # type: ignore[operator]
        except ChipwallError as error:
            where = error.where.replace(folder + "/", "") if isinstance(error.where, str) else name
            raise type(error)(error.what, where=where, fix=error.fix) from None


@dataclass(frozen=True, slots=True)
class NamedThings:
    """What a question names: ids of chips and models, words of the law, days, and whether it states a number."""

    chips: tuple[str, ...]
    models: tuple[str, ...]
    countries: tuple[str, ...]
    days: tuple[date, ...]
    law: bool
    amounts: int


@cache
def _lexicon() -> object:
    from chipwall.claims.load import reader_words
    from chipwall.claims.reader.lexicon import Lexicon

    return Lexicon(catalog.load(), reader_words())


def named_in(words: str) -> NamedThings:
    """The chips, models, places and days that a question names, in English or Chinese."""
    from chipwall.claims.reader.document import plain_document
    from chipwall.claims.reader.marks import marked

    document = plain_document(words, "question")
    marks = [marked(s, _lexicon(), date.today()) for s in document.sentences]  # type: ignore[arg-type]
    names = [n for m in marks for n in m.names]
    return NamedThings(
        tuple(dict.fromkeys(i for n in names if n.kind == "chip" for i in n.ids[:1])),
        tuple(dict.fromkeys(i for n in names if n.kind == "model" for i in n.ids[:1])),
        tuple(dict.fromkeys(w.name for m in marks for w in m.of("country"))),
        tuple(dict.fromkeys(t.first for m in marks for t in m.times if not t.relative)),
        any(m.of("law") for m in marks),
        sum(len(m.amounts) for m in marks),
    )


def sample_text(lang: str) -> tuple[str, date]:
    """The article that comes with the package, and the day it was said."""
    from importlib.resources import files

    place = files("chipwall.claims") / "data" / "articles" / f"sample.{lang}.txt"
    return place.read_text(encoding="utf-8"), date(2025, 12, 10)


def text_document(
    claims: str | bytes, *, said: object = None, as_of: object = None, by: str = "", name: str = "the text"
) -> Answer:
    """A text that somebody sent, checked: words, or the content of a file of text; its record also holds ``world``."""
    from dataclasses import replace

    from chipwall.api.texts import checked_document, text_answer
    from chipwall.claims.reader.document import document_of, plain_document

    document = plain_document(claims, name) if isinstance(claims, str) else document_of(claims, name)
    found, world = checked_document(document, said=said or None, as_of=as_of or None, by=by)
    answer = text_answer(found, world)
    return replace(answer, record={**answer.record, "whole": found, "known": world.sources})


def home_of(word: str) -> str:
    """The page of a name that is an id or the full name of a chip or model; empty for any other word."""
    return _homes().get(word, "")


@cache
def _homes() -> dict[str, str]:
    known = catalog.load()
    found = {w: f"/models/{m.id}" for m in known.models.values() for w in (m.name, m.id)}
    return found | {w: f"/chips/{c.id}" for c in known.chips.values() for w in (c.name, c.id)}


def law_coverage() -> Coverage:
    """What the law room models and what not, and up to which day its text was read."""
    from chipwall.controls.load import law

    return law().coverage


@cache
def law_days() -> tuple[date, ...]:
    """Every day on which a rule, a limit or a country group changes."""
    from chipwall.controls.load import law

    return tuple(sorted(law().change_dates()))


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One thing that a search can find: what kind it is, its names in all languages, and its page."""

    kind: Text
    title: str
    words: str
    path: str


def search_rows() -> Iterator[SearchRow]:
    """Everything that has a page or a line: chips, models, rules, claims, proposals, sources."""
    known = catalog.load()
    for chip in known.chips.values():
        words = " ".join((chip.id, chip.vendor, chip.family or "", *chip.aliases))
        yield SearchRow(text("chip"), chip.name, words, f"/chips/{chip.id}")
    for model in known.models.values():
        yield SearchRow(
            text("model"), model.name, " ".join((model.id, model.family, *model.aliases)), f"/models/{model.id}"
        )
    yield from _law_rows()
    yield from _claim_rows()
    yield from _proposal_rows()
    for source in known.sources.values():
        yield SearchRow(
            text("source"), source.title, f"{source.id} {source.publisher} {source.note}", f"/sources?q={source.id}"
        )


def _law_rows() -> Iterator[SearchRow]:
    from chipwall.controls.load import law

    for table in (law().rules, law().parameters):
        for rule in table.values():
            cited = " ".join(dict.fromkeys(r.citation for r in rule.records))
            day = max(r.effective for r in rule.records)
            yield SearchRow(text("rule"), str(rule.title), f"{rule.id} {cited}", f"/wall?on={day.isoformat()}")


def _claim_rows() -> Iterator[SearchRow]:
    from chipwall.api.doors import calibrated_in_use
    from chipwall.claims.load import packaged_library, shipped_claims

    for claim in shipped_claims(packaged_library(calibrated=calibrated_in_use())):
        words = f"{claim.id} {claim.by} {claim.statement_zh}"
        yield SearchRow(text("claim"), str(claim.statement), words, f"/claims/{claim.id}")


def _proposal_rows() -> Iterator[SearchRow]:
    from chipwall.market.policy.load import load_scenario, proposals

    for name in proposals():
        found = load_scenario(name)
        yield SearchRow(
            text("proposal"),
            found.title,
            f"{name} {found.decision} {' '.join(found.chinese.values())}",
            f"/market/{name}",
        )
