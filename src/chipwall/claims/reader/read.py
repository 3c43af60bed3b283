"""The reader: a document in, statements out, each with the ways it can be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from chipwall.claims.library import Library
from chipwall.claims.reader import compare, effects, facts, law, series
from chipwall.claims.reader.document import Document, Sentence
from chipwall.claims.reader.frames import Candidate, ReadingContext, Stretch
from chipwall.claims.reader.lexicon import Lexicon
from chipwall.claims.reader.marks import Marks, marked
from chipwall.claims.reader.numbers import WrittenAmount
from chipwall.text import text

__all__ = ["Statement", "statements"]

Anchored = Callable[[Stretch, WrittenAmount], Iterator[Candidate]]
# What a number may state, by the dimension of its unit; the first frame that reads it counts.
_ANCHORED: Mapping[str, tuple[Anchored, ...]] = {
    "byte": (facts.states_amount,),
    "byte/s": (facts.states_amount,),
    "flop/s": (facts.states_amount,),
    "W": (facts.states_amount,),
    "TPP": (facts.states_amount,),
    "m2": (facts.states_amount,),
    "transistors": (facts.states_amount,),
    "parameters": (facts.model_fact,),
    "times": (compare.over_limit, compare.compared, series.counted),
    "share": (law.states_cut, series.held_share, compare.compared, series.counted),
    "money": (facts.states_price, series.counted),
    "count": (series.counted,),
    "": (facts.model_fact, series.counted),
    "wafers": (series.counted,),
    "dies": (series.counted,),
    "stacks": (series.counted,),
    "h100e": (series.counted,),
}
_WHOLE: tuple[Callable[[Stretch], Iterator[Candidate]], ...] = (
    law.first_relaxation,
    law.classified,
    law.cloud,
    law.permitted,
    facts.member,
    facts.dated,
    compare.above_group,
    compare.below_top,
    compare.between,
    compare.better,
    series.vanished,
    effects.held,
    effects.changed,
)
_OPINION = re.compile(
    r"\b(?:think|believe|should|must|hope|fear|argue|good|bad|best|wise|dangerous|mistake)\w*|认为|应该|必须|希望|担心|错误|危险|明智|好事|坏",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, or a part of one, and what it states.

    Attributes
    ----------
    sentence : Sentence
        The whole sentence.
    candidate : Candidate
        What is stated, with its readings; none where it cannot be computed.
    """

    sentence: Sentence
    candidate: Candidate


def statements(
    document: Document,
    world: Library,
    *,
    said: date,
    as_of: date | None = None,
    by: str = "",
    lexicon: Lexicon | None = None,
) -> Iterator[Statement]:
    """Every statement about chips, models, law, volumes, money or forecasts, in the order of the text.

    Parameters
    ----------
    document : Document
        The text.
    world : Library
        Whose names, series and law the readings speak of.
    said : date
        The day it was said.
    as_of : date or None
        Up to which day evidence counts; the day it was said unless given.
    by : str
        Who says it.
    lexicon : Lexicon
        Names and words; made from the world's catalogue unless given.
    """
    known = lexicon or Lexicon(world.catalog, world.words)
    main = _main_chip(document, known)
    context = ReadingContext(said=said, as_of=as_of or said, main=main, chip=main, by=by)
    paragraph = 0
    for sentence in document.sentences:
        if sentence.paragraph != paragraph:
            # a new paragraph speaks of the text's own chip again
            paragraph = sentence.paragraph
            context = replace(context, chip=main or context.chip, topic="")
        if len(sentence.text) > 2_000:
            yield Statement(
                sentence,
                Candidate("long", 0, len(sentence.text), why=text("a sentence of over 2,000 letters is not read")),
            )
            continue
        marks = marked(sentence, known, said)
        if not _worth(marks, context) and not (marks.amounts and series.names_a_series(known, sentence.text)):
            context = replace(context, before=sentence.text)
            continue
        stretch = Stretch(marks, context, known, world)
        found = tuple(_found(stretch))
        yield from (Statement(sentence, c) for c in found or (_silent(stretch),) if c.tables or c.why)
        context = _carried(stretch, context, found)


def _main_chip(document: Document, lexicon: Lexicon) -> str:
    """The chip that a text is about: named in it most often, at least two times in five; empty where none is."""
    counted = Counter(n.ids[0] for s in document.sentences[:400] for n in lexicon.names(s.text) if n.kind == "chip")
    if not counted:
        return ""
    chip, count = counted.most_common(1)[0]
    return chip if count * 5 >= 2 * counted.total() and count > 1 else ""


def _worth(marks: Marks, context: ReadingContext) -> bool:
    """Whether a sentence speaks of what chipwall computes at all."""
    if marks.names or marks.of("group"):
        return True
    if marks.amounts and (context.chip or context.topic or marks.words):
        return True
    return bool(marks.of("law") or len(marks.of("event")) > 1 or (marks.of("work") and marks.of("country"))) or bool(
        marks.times and context.chip and marks.of("event")
    )


def _found(stretch: Stretch) -> Iterator[Candidate]:
    taken: list[tuple[int, int]] = []
    kept: list[Candidate] = []
    for amount in stretch.marks.amounts:
        if series.is_start(stretch, amount):
            continue
        for frame in _ANCHORED.get(amount.kind, ()):
            found = list(frame(stretch, amount))
            stretch.notes.clear()
            if found:
                kept += found
                taken += [(c.start, c.end) for c in found]
                break
    for whole in _WHOLE:
        found = list(whole(stretch))
        stretch.notes.clear()
        if found and not (whole in (effects.changed, compare.above_group) and any(c.tables for c in kept)):
            kept += found
    yield from sorted(_once(kept), key=lambda c: c.start)


def _once(kept: list[Candidate]) -> Iterator[Candidate]:
    """Each claim once, the surest first."""
    seen: list[object] = []
    for candidate in sorted(kept, key=lambda c: -c.sure):
        mark = (candidate.frame, candidate.tables) if candidate.tables else (candidate.frame, candidate.start)
        if mark not in seen:
            seen.append(mark)
            yield candidate


def _silent(stretch: Stretch) -> Candidate:
    """A sentence that speaks of chips and states nothing that can be computed."""
    marks = stretch.marks
    if not (marks.names or marks.of("group") or marks.of("law")) or len(stretch.text) < 12:
        return Candidate("none", 0, 0)
    if stretch.text.rstrip().endswith(("?", "？")):
        why = text("a question, not a statement")
    elif _OPINION.search(stretch.text):
        why = text("an opinion without a quantity")
    elif marks.amounts:
        why = text("a number that nothing here computes")
    else:
        why = text("no quantity, comparison, rule or date that can be computed")
    return Candidate("none", 0, len(stretch.text), why=why)


def _carried(stretch: Stretch, context: ReadingContext, found: tuple[Candidate, ...]) -> ReadingContext:
    """What the next sentence may lean on: the subject chip, the series, the words."""
    chip = context.chip
    named = [n for n in stretch.chips() if not stretch.baseline(n)] or ([] if chip else stretch.chips())
    subjects = [t["subject"] for c in found for t in c.tables if t.get("subject")]
    if subjects and len(set(subjects)) == 1:
        chip = subjects[0]
    elif named and not (chip and any(chip in n.ids for n in named)):
        chip = named[0].ids[0]
    topic = context.topic
    counted = [c for c in found if c.frame in ("series", "growth")]
    for amount in stretch.marks.amounts:
        about = series.topics_of(stretch, amount) if counted else []
        stretch.notes.clear()
        if about:
            topic = about[0]["name"]
    if not counted and not stretch.marks.amounts:
        topic = topic if len(stretch.text) < 60 else ""
    return replace(context, chip=chip, topic=topic, before=stretch.text)
