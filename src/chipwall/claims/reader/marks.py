"""A sentence with everything a reader recognises marked in it: names, amounts, words of the vocabulary, times."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from chipwall.catalog.periods import nvidia_fiscal_quarter
from chipwall.claims.reader.document import Sentence
from chipwall.claims.reader.lexicon import Lexicon, Name
from chipwall.claims.reader.numbers import WrittenAmount, amounts

__all__ = ["Marks", "Time", "Word", "marked"]

_CLAUSE = re.compile(
    r"[，;；:：—]|,(?!\d{3})|\s(?:and|but|while|whereas|which|although|though)\s|(?:，|。|、)?(?:但是?|而且|并且|同时|而(?!言))"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the vocabulary: its table (``measure``, ``work``, ``law``, ...), its name there, and where it stands."""

    table: str
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Time:
    """A time that a sentence names, from its first to its last day; ``label`` as series write periods."""

    start: int
    end: int
    first: date
    last: date
    label: str
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """One sentence, marked.

    Attributes
    ----------
    sentence : Sentence
        As written.
    names : tuple of Name
        Chips, models and systems.
    amounts : tuple of Amount
        Numbers with their units; digits inside names and times are none.
    words : tuple of Word
        Words of the vocabulary.
    times : tuple of Time
        Years, quarters, months, days; ``this year`` counts from the day the text was said.
    """

    sentence: Sentence
    names: tuple[Name, ...]
    amounts: tuple[WrittenAmount, ...]
    words: tuple[Word, ...]
    times: tuple[Time, ...]

    @property
    def text(self) -> str:
        """The words of the sentence."""
        return self.sentence.text

    def clause(self, at: int) -> tuple[int, int]:
        """Where the clause that holds a place begins and ends."""
        begin, end = 0, len(self.text)
        for cut in _CLAUSE.finditer(self.text):
            if cut.end() <= at:
                begin = cut.end()
            elif cut.start() >= at:
                end = cut.start()
                break
        return begin, end

    def of(self, table: str, within: tuple[int, int] | None = None) -> list[Word]:
        """Words of one table, of the whole sentence or of a stretch of it."""
        low, high = within or (0, len(self.text))
        return [w for w in self.words if w.table == table and low <= w.start < high]

    def has(self, table: str, *names: str, within: tuple[int, int] | None = None) -> bool:
        """Whether any of these words stands there."""
        return any(w.name in names for w in self.of(table, within))

    def kind(self, kind: str, within: tuple[int, int] | None = None) -> list[Name]:
        """Names of one kind."""
        low, high = within or (0, len(self.text))
        return [n for n in self.names if n.kind == kind and low <= n.start < high]


def marked(sentence: Sentence, lexicon: Lexicon, said: date) -> Marks:
    """A sentence with its marks; ``said`` is the day that *this year* counts from."""
    words = _mended(sentence.text)
    if words != sentence.text:
        sentence = Sentence(words, sentence.start, sentence.paragraph)
    names = tuple(lexicon.names(words))
    times = tuple(_times(words, said))
    taken = [(n.start, n.end) for n in names] + [(t.start, t.end) for t in times if not t.relative]
    found = tuple(
        a for a in amounts(words) if not any(s < a.end and a.start < e and not _around(a, s, e) for s, e in taken)
    )
    return Marks(sentence, names, found, tuple(_words(words, lexicon)), times)


def _around(amount: WrittenAmount, start: int, end: int) -> bool:
    """Whether a name is the counted thing of an amount: 500,000 H20s."""
    return amount.start < start and amount.kind == "count"


def _mended(words: str) -> str:
    """A name whose last digit slipped behind a multiple by machine translation: ``H10的两倍0(80GB``."""
    return re.sub(
        r"([A-Z]{1,3}\d{1,3})(的?(?:[一二两三四五六七八九十]|\d+(?:\.\d+)?)倍)(\d)(?=[(（])", r"\1\3\2", words
    )


def _words(words: str, lexicon: Lexicon) -> Iterator[Word]:
    for table, patterns in lexicon.patterns.items():
        taken: list[tuple[int, int]] = []
        for name, pattern in patterns.items():
            for match in pattern.finditer(words):
                # the first pattern of a table that claims a stretch keeps it: memory bandwidth is no memory
                if table in ("measure", "work", "group") and any(s <= match.start() < e for s, e in taken):
                    continue
                taken.append(match.span())
                yield Word(table, name, *match.span())


_MONTHS = {m: n for n, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = r"(?P<mon>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
_DAY = re.compile(
    rf"(?P<y>20\d\d)[-/.年]\s?(?P<m>\d{{1,2}})[-/.月]\s?(?P<d>\d{{1,2}})日?|{_MONTH} (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>20\d\d)|(?P<d3>\d{{1,2}}) {_MONTH.replace('mon', 'mon3')} (?P<y3>20\d\d)"
)
_MONTHLY = re.compile(rf"(?P<y>20\d\d) ?年 ?(?P<m>\d{{1,2}}) ?月(?!\d)|{_MONTH} (?P<y2>20\d\d)")
_QUARTER = re.compile(
    r"(?P<fy>FY|fiscal )?(?P<y>20\d\d|\d\d(?=Q)) ?年?(?:-| )?(?:Q(?P<q>[1-4])|第?(?P<qz>[一二三四1-4])季度?)|Q(?P<q2>[1-4])[ ,]+(?:of )?(?P<y2>20\d\d)"
    r"|(?P<fy2>fiscal )?(?P<w>first|second|third|fourth)[- ](?:fiscal )?quarter (?:of )?(?:(?P<fy3>(?:its |the )?(?:fiscal|FY)) ?(?:year )?)?(?P<y3>20\d\d)"
    r"|(?P<y4>20\d\d) ?财年第?(?P<q4>[一二三四1-4])季度?"
)
_YEAR = re.compile(
    r"(?P<fy>FY ?|fiscal (?:year )?|财年)?(?P<part>(?:the )?(?:end|start|beginning|first half|second half) of |early |late |mid-? ?|by )?"
    r"(?P<y>20[12]\d)(?:财年)?(?: ?年?(?P<zh>底|末|初|中|上半年|下半年|年底|年末|年初))?(?! ?(?:GB|chips|TFLOP|亿|万|元|MHz|[a-zA-Z]*\d))"
)
_RELATIVE = (
    (r"\b(?:next|coming) year\b|明年", 1),
    (r"\bthis year\b|今年|本年度?", 0),
    (r"\blast year\b|去年", -1),
    (r"后年|the year after next", 2),
)


def _times(words: str, said: date) -> Iterator[Time]:
    taken: list[tuple[int, int]] = []
    for pattern, made in ((_DAY, _day), (_MONTHLY, _month), (_QUARTER, _quarter), (_YEAR, _year)):
        for match in pattern.finditer(words):
            if any(s < match.end() and match.start() < e for s, e in taken):
                continue
            found = made(match)
            if found is not None:
                taken.append(match.span())
                first, last, label = found
                yield Time(match.start(), match.end(), first, last, label)
    for relative, step in _RELATIVE:
        for match in re.finditer(relative, words, re.IGNORECASE):
            year = said.year + step
            yield Time(match.start(), match.end(), date(year, 1, 1), date(year, 12, 31), str(year), relative=True)


def _day(m: re.Match[str]) -> tuple[date, date, str] | None:
    month = m["m"] or m["mon"] or m["mon3"]
    number = int(month) if month.isdigit() else _MONTHS[month[:3].lower()]
    try:
        day = date(int(m["y"] or m["y2"] or m["y3"]), number, int(m["d"] or m["d2"] or m["d3"]))
    except ValueError:
        return None
    return day, day, day.isoformat()


def _month(m: re.Match[str]) -> tuple[date, date, str] | None:
    number = int(m["m"]) if m["m"] else _MONTHS[m["mon"][:3].lower()]
    if not 1 <= number <= 12:
        return None
    year = int(m["y"] or m["y2"])
    return date(year, number, 1), date(year, number, monthrange(year, number)[1]), f"{year}-{number:02d}"


def _quarter(m: re.Match[str]) -> tuple[date, date, str] | None:
    number = m["q"] or m["qz"] or m["q2"] or m["w"] or m["q4"]
    nth = {"一": 1, "二": 2, "三": 3, "四": 4, "first": 1, "second": 2, "third": 3, "fourth": 4}.get(number) or int(
        number
    )
    year = int(m["y"] or m["y2"] or m["y3"] or m["y4"])
    year += 2000 if year < 100 else 0
    if m["fy"] or m["fy2"] or m["fy3"] or m["y4"]:
        # fiscal years of articles on chips are NVIDIA's
        return *nvidia_fiscal_quarter(year, nth), f"FY{year % 100:02d}Q{nth}"
    first = date(year, 3 * nth - 2, 1)
    return first, date(year, 3 * nth, monthrange(year, 3 * nth)[1]), f"{year}Q{nth}"


def _year(m: re.Match[str]) -> tuple[date, date, str] | None:
    year, part = int(m["y"]), (m["part"] or m["zh"] or "").strip().lower()
    first, last = date(year, 1, 1), date(year, 12, 31)
    if re.search(r"end|late|底|末", part):
        first = date(year, 10, 1)
    elif re.search(r"second half|下半年", part):
        first = date(year, 7, 1)
    elif re.search(r"start|beginning|early|初", part):
        last = date(year, 3, 31)
    elif re.search(r"first half|上半年", part):
        last = date(year, 6, 30)
    elif re.search(r"mid|中", part):
        first, last = date(year, 5, 1), date(year, 8, 31)
    elif part == "by":
        first = last - timedelta(days=364)
    return first, last, f"FY{year}" if m["fy"] else str(year)
