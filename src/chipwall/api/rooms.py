"""What pages list and look up beside the doors: every record of a room, the names in a question, files of one's own.

A page of the web app imports :mod:`chipwall.api` and :mod:`chipwall.report` and nothing below; what it needs that is no
question of its own stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from chipwall import catalog
from chipwall.answer import Answer
from chipwall.catalog import data_version
from chipwall.catalog.load import Catalog
from chipwall.catalog.own.reading import is_path
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.inputs import choice, quote, term
from chipwall.text import Text, text

if TYPE_CHECKING:
    from chipwall.controls.draft import Crossing, Draft
    from chipwall.controls.law import Coverage, Law
    from chipwall.market.policy.scenario import Scenario
    from chipwall.report.pages.scoreboard_sheet import LeftOutRun

__all__ = [
    "Chip",
    "MovedLaw",
    "NamedThings",
    "SearchRow",
    "data_version",
    "drafts_told",
    "everything",
    "home_of",
    "law_coverage",
    "law_days",
    "left_out_runs",
    "levers_told",
    "limits_on",
    "measured_beside",
    "moved_law",
    "named_in",
    "own_chip",
    "own_model",
    "parameter_names",
    "plain_word",
    "sample_text",
    "scenario_told",
    "scenarios_told",
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


@cache
def drafts_told() -> tuple[Draft, ...]:
    """Proposals that come with the program."""
    from chipwall.controls.draft_files import read_draft, shipped_drafts
    from chipwall.controls.load import law

    return tuple(read_draft(Path(name), law=law()) for name in shipped_drafts())


def limits_on(on: date) -> tuple[tuple[str, str, str, str], ...]:
    """Every limit of the law that runs on a day: id, title, value and unit."""
    from chipwall.controls.load import law

    rules = law()
    running = ((p.id, str(p.title), p.record(on)) for p in rules.parameters.values())
    return tuple((i, t, f"{r.value.normalize():f}", r.unit) for i, t, r in running if r is not None and r.value is not None)


@dataclass(frozen=True)
class MovedLaw:
    """A law that is changed, by a draft or by one limit, and the chips whose answer for China it changes."""

    draft: Draft
    law: Law
    crossings: tuple[Crossing, ...]


def moved_law(on: date, *, draft: str = "", limit: str = "", value: str = "") -> MovedLaw:
    """The law under a shipped proposal, or with one limit at another value.

    Raises
    ------
    InputError
        An unknown proposal or limit, or a value that is none.
    """
    from chipwall.api.law import legal_number
    from chipwall.controls.draft import draft_of_document, drafted_law, evaluate_draft
    from chipwall.controls.load import law
    from chipwall.controls.records import Journey

    if draft:
        found = {d.id: d for d in drafts_told()}[choice(draft, "draft", [d.id for d in drafts_told()])]
    else:
        known = {i: unit for i, _, _, unit in limits_on(on)}
        moved = choice(limit, "limit", list(known))
        changed = {"id": moved, "value": legal_number(value, "value", symbol=known[moved])}
        document = {"draft": {"id": "moved-limit", "effective": on}, "limit": [changed]}
        found = draft_of_document(document, law=law(), where="limit")
    day = max(on, found.effective)
    chips = list(everything().chips.values())
    crossings = evaluate_draft(found, chips, day, journey=Journey(destination="CN", headquarters="CN"), law=law())
    return MovedLaw(found, drafted_law(found, law=law()), tuple(crossings))


def scenario_told(name: str, lang: str) -> Scenario:
    """A shipped scenario with its words in a language."""
    from chipwall.market.policy.load import load_scenario

    return load_scenario(name).told_in(lang)


@cache
def scenarios_told(lang: str) -> tuple[Scenario, ...]:
    """Every shipped scenario; those with a decision are proposals, each against the world without it."""
    from chipwall.market.policy.load import shipped_scenarios

    return tuple(scenario_told(name, lang) for name in shipped_scenarios())


@cache
def levers_told() -> tuple[tuple[str, str], ...]:
    """Every lever of a scenario by name with what it means, but the one that reads a file."""
    from chipwall.market.model.timeline import LEVERS

    return tuple((name, str(lever.help)) for name, lever in LEVERS.items() if lever.takes != "file")


def parameter_names() -> tuple[str, ...]:
    """Names under which a run keeps the parameters of its draws, so that it can be told which of them matter."""
    from chipwall.market.model.load import load_priors

    return tuple(f"parameter:{name}" for name in load_priors().names)


def measured_beside(answer: Answer) -> tuple[tuple[Mapping[str, Any], float | None], ...]:
    """The published runs nearest to an answer of serving, each with what the model says of that very run, in its unit."""
    return tuple((row, _said_of(row)) for row in answer.measured)


def _said_of(row: Mapping[str, Any]) -> float | None:
    """What the model says of a published run; None where its load or its metric is none that is asked for."""
    import chipwall as cw

    kinds = {"tpot_ms": ("tpot", 1e3), "ttft_ms": ("ttft", 1e3), "output_tokens_per_s": ("rate", 1.0)}
    if row["metric"] not in kinds or not str(row["load"]).isdigit():
        return None
    year, part = int(row["year"]), row["year"] % 1
    name, scale = kinds[row["metric"]]
    try:
        found = cw.serve(
            row["model"], row["chip"], chips=int(row["chips"]), prompt=row["prompt_tokens"], output=row["output_tokens"],
            users=float(row["load"]), precision=row["precision"] or None, engine=row["engine"],
            engine_date=f"{year}-{int(part * 12) + 1:02d}",
        )  # fmt: skip
    except ChipwallError:
        return None
    return found.figures[name].value * scale


def left_out_runs() -> tuple[LeftOutRun, ...]:
    """Every published serving run behind the fit, with what a fit without its model said of it over what was measured."""
    from math import exp

    from chipwall.perf.shipped import shipped
    from chipwall.report.pages.scoreboard_sheet import LeftOutRun as Told

    index = shipped().evidence.index  # type: ignore[attr-defined]
    signs = (-1.0 if row["asked"] == "rate" else 1.0 for row in index.rows)
    ratios = (exp(sign * float(error)) for sign, error in zip(signs, index.errors["by_model"], strict=True))
    return tuple(Told(row, ratio) for row, ratio in zip(index.rows, ratios, strict=True))
