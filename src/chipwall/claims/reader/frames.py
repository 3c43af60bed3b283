"""From a marked sentence to candidates: what it states, as tables that a claim is made of.

A frame is a way of saying something: *X has N of a measure*, *X is N times Y in Z*, *N were shipped in a year*, *X needs a licence
for C*. Each number of a sentence is the anchor of at most one statement; what is stated without a number has frames of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from chipwall.claims.library import Library
from chipwall.claims.reader.lexicon import Lexicon, Name
from chipwall.claims.reader.marks import Marks, Time
from chipwall.claims.reader.numbers import WrittenAmount, tolerance_of
from chipwall.text import Text, text
from chipwall.units import PETA

__all__ = ["Candidate", "ReadingContext", "Stretch", "relation_of", "table_of_claim"]

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What earlier sentences leave behind, and who speaks when.

    Attributes
    ----------
    said, as_of : date
        The day the text was said, from which years and law are read, and the day up to which evidence counts.
    main : str
        The chip that the whole text is about, or empty.
    chip : str
        The chip spoken of last as the subject of a sentence, or empty.
    topic : str
        The series spoken of last, or empty.
    before : str
        The sentence before.
    by : str
        Who says it.
    """

    said: date
    as_of: date
    main: str = ""
    chip: str = ""
    topic: str = ""
    before: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that a sentence states.

    Attributes
    ----------
    frame : str
        Which way of saying it was recognised.
    start, end : int
        The words in the sentence that state it.
    tables : tuple of dict
        Ways to read it, the likeliest first; each has the fields of a claim. Empty: it cannot be computed.
    sure : float
        How surely it was read so, from 0 to 1.
    assumed : tuple of Text
        What the reader filled in.
    why : Text or str
        Why it cannot be computed, where ``tables`` is empty.
    one_suffices : bool
        The readings are ways of which any one makes the statement true, not different things it may mean.
    own : bool
        All there is to test it with comes from who says it.
    """

    frame: str
    start: int
    end: int
    tables: tuple[Table, ...] = ()
    sure: float = 0.9
    assumed: tuple[Text, ...] = ()
    why: Text | str = ""
    one_suffices: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """A marked sentence in its context, with the questions that frames ask of it."""

    marks: Marks
    context: ReadingContext
    lexicon: Lexicon
    world: Library
    notes: list[Text] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words of the sentence."""
        return self.marks.text

    def chips(self, within: tuple[int, int] | None = None) -> list[Name]:
        """Chips named in a stretch; a system stands for its chip nowhere here."""
        return self.marks.kind("chip", within)

    def subject(self, at: int) -> tuple[str, ...]:
        """The chip that a number at this place is about: nearest before it in its clause, then in the sentence, then the focus."""
        low, high = self.marks.clause(at)
        bracket = max(self.text.rfind("(", 0, at), self.text.rfind("（", 0, at))
        if bracket > max(self.text.rfind(")", 0, at), self.text.rfind("）", 0, at)):
            # what stands in brackets is about the chip before them
            beside = [n for n in self.chips((0, bracket)) if bracket - n.end < 12]
            if beside and not self.chips((bracket, at)):
                return beside[-1].ids
        owner = [
            n
            for n in self.chips((low, at))
            if re.fullmatch(r"(?:'s|’s|s'|的)?\s*(?:about |over |up to |约|近|高达)?", self.text[n.end : at])
        ]
        if owner:
            return owner[-1].ids
        for within in ((low, at), (at, high), (0, at)):
            found = [n for n in self.chips(within) if not self.baseline(n)] or (
                self.chips(within) if within[1] != at or within[0] else []
            )
            if found:
                # earlier in the sentence, its topic comes first; in the clause, the nearest counts
                return found[-1].ids if within == (low, at) else found[0].ids
        if anywhere := self.chips((0, at)):
            return anywhere[-1].ids
        if self.context.chip:
            self.assume(
                text("the subject is the chip spoken of before: {chip}", chip=self.world.chip(self.context.chip).name)
            )
            return (self.context.chip,)
        return ()

    def baseline(self, name: Name) -> bool:
        """Whether a chip is what something is compared with, by the words before it."""
        before = self.text[max(name.start - 30, 0) : name.start]
        return bool(_COMPARED.search(before))

    def owned_by(self, name: Name) -> bool:
        """Whether a chip behind a multiple is what it is a multiple of: twice the bandwidth of the H100."""
        before = self.text[max(name.start - 30, 0) : name.start]
        return self.baseline(name) or bool(_OWNED.search(before))

    def assume(self, what: Text) -> None:
        """Note what was filled in."""
        if what not in self.notes:
            self.notes.append(what)

    def time(self, at: int) -> Time | None:
        """The time that a number at this place belongs to: of its clause, then the last one before it in the sentence."""
        low, high = self.marks.clause(at)
        inside = [t for t in self.marks.times if low <= t.start < high]
        if inside:
            return min(inside, key=lambda t: abs(t.start - at))
        behind = [t for t in self.marks.times if 0 <= t.start - high <= 24]
        if behind and re.match(r"[,，]?\s*", self.text[high : behind[0].start]):
            return behind[0]
        before = [t for t in self.marks.times if t.start < at]
        return before[-1] if before else (self.marks.times[0] if len(self.marks.times) == 1 else None)

    def day(self, at: int = 0) -> date:
        """The day of the law that the sentence speaks of: a day it names, else the day it was said."""
        found = self.time(at)
        if found is not None and not found.relative and found.first == found.last:
            return found.first
        if found is not None and not found.relative and found.last < self.context.said:
            return found.last
        return self.context.said

    def days(self, at: int = 0) -> list[date]:
        """Days of the law to try: the day spoken of, and the last day whose evidence counts where what is said lies ahead."""
        day = self.day(at)
        ahead = day == self.context.said and _AHEAD.search(self.text) is not None
        return [day, self.context.as_of] if ahead and self.context.as_of > day else [day]

    def candidate(self, frame: str, start: int, end: int, *tables: Table, sure: float = 0.9) -> Candidate:
        """A candidate that carries the assumptions made so far, and forgets them."""
        if frame in _OF_AMOUNTS and (_DENIED.search(self.text, max(start - 50, 0), start) or _ASKED.search(self.text)):
            return self.refused(frame, start, end, text("it is denied, supposed or asked; only what is stated is checked"))
        made = Candidate(frame, start, end, tables, sure, tuple(self.notes))
        self.notes.clear()
        return made

    def refused(self, frame: str, start: int, end: int, why: Text) -> Candidate:
        """A statement that is understood but not computable."""
        self.notes.clear()
        return Candidate(frame, start, end, why=why)


_OF_AMOUNTS = ("limit", "ratio", "system", "fact", "model", "share", "stock")
# a denial or supposition of the amount that follows in the same clause; "not only", "no less than", "does not exceed" assert or bound it
_DENIED = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had)(?: not|n['’]t)\b(?! (?:only|just|merely|exceed|reach|less|more|lower|higher|above|below|under|over))[^,.;:，。；：]*$"
    r"|\b(?:neither|nor|if|unless|suppose|imagine)\b[^,.;:，。；：]*$"
    r"|(?:不是|并非|并没有|如果|假如|假设|倘若|要是)(?!超过|高于|低于|只|仅|不)[^,.;:，。；：]*$",
    re.IGNORECASE,
)
_ASKED = re.compile(r"(?:[?？]|吗[。.]?)[\s\"'”’」)）]*$")
_AHEAD = re.compile(r"\bwill\b|\bto be\b|announc|plans?\b|going to|将|宣布|拟|计划|准备", re.IGNORECASE)
_OWNED = re.compile(
    r"\bof(?:\s+(?:the|an?|its|one|single|older|previous|Nvidia(?:.s)?|Huawei(?:.s)?))*\s*$", re.IGNORECASE
)
_COMPARED = re.compile(
    r"(?:than|(?:version|variant|derivative|successor|upgrade|replacement|sibling|cousin) (?:of|to|for)|as|over|versus|vs\.?|against|compar(?:ed|ison) (?:to|with)|relative to|beat(?:s|ing)?|outperform(?:s|ing)?|surpass(?:es)?|match(?:es)?)"
    r"(?:\s+(?:that of|those of|the|an?|its|for|with|on|Nvidia(?:.s)?|Huawei(?:.s)?|one|single|earlier|older|previous|full-fat|banned|original|current))*\s*$"
    r"|(?:比|较|于|是|相比|相当于|超过|优于|强于|高于|低于|超出|为|达到?|高出|领先|对比|不及|落后于|等于|约为?|接近|几乎是)(?:英伟达|华为|单个?|一颗|上一代|前代|其|的)*\s*$",
    re.IGNORECASE,
)


def table_of_claim(
    quantity: str,
    relation: tuple[str, Any, float],
    *,
    unit: str = "",
    subject: str = "",
    baseline: str = "",
    fixed: Mapping[str, Any] | None = None,
    free: Mapping[str, Any] | None = None,
) -> Table:
    """A table as the parser of claims takes it; a free condition of one value is a fixed one."""
    kept = dict(fixed or {})
    tried: dict[str, list[Any]] = {}
    for name, values in (free or {}).items():
        several = list(dict.fromkeys(values))
        if len(several) == 1:
            kept[name] = several[0]
        elif several:
            tried[name] = several
    made: Table = {"quantity": quantity, "relation": relation[0], "value": relation[1]}
    if relation[2] and relation[0] in ("about", "between", "grows by"):
        made["tolerance"] = relation[2]
    made |= {
        k: v
        for k, v in (("unit", unit), ("subject", subject), ("baseline", baseline), ("fixed", kept), ("free", tried))
        if v
    }
    return made


def relation_of(amount: WrittenAmount, *, loose: float = 0.0) -> tuple[str, Any, float]:
    """Relation, value and tolerance of an amount; ``loose`` is the least tolerance of an exact one [1]."""
    value = _plain(amount.value)
    if amount.hedge == "between":
        return "between", [value, _plain(amount.upper)], max(loose / 2, 0.02)
    if amount.hedge in ("at least", "at most"):
        return amount.hedge, value, 0.0
    slack = {"about": 0.1, "nearly": 0.15, "up to": 0.05}.get(amount.hedge, 0.0)
    return "about", value, max(slack, loose, tolerance_of(amount.value, amount.words))


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() and abs(value) < PETA else round(value, 10)


def scaled_amount(amount: WrittenAmount, factor: float, unit: str = "") -> WrittenAmount:
    """The same amount in another unit."""
    return replace(amount, value=amount.value * factor, upper=amount.upper * factor, unit=unit or amount.unit)


def nearest(marks: Marks, table_name: str, at: int, within: tuple[int, int]) -> str:
    """The word of a table that stands nearest to a place in a stretch; empty for none."""
    found = marks.of(table_name, within)
    return min(found, key=lambda w: min(abs(w.start - at), abs(w.end - at))).name if found else ""


def apart(stretch: Stretch, at: int) -> Iterator[tuple[int, int]]:
    """The clause around a place, then the whole sentence."""
    yield stretch.marks.clause(at)
    yield 0, len(stretch.text)
