"""Frames of published series: *Huawei ships half a million to a million a year*, *a market of 50 billion*, *20 percent of revenue*."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from chipwall.catalog.series import Observation
from chipwall.claims.reader.frames import Candidate, Stretch, Table, relation_of, scaled_amount, table_of_claim
from chipwall.claims.reader.lexicon import Lexicon
from chipwall.claims.reader.numbers import WrittenAmount
from chipwall.text import Text, text

__all__ = ["counted", "held_share", "is_start", "names_a_series", "topics_of", "vanished"]

_GROWTH = re.compile(
    r"grow|grew|increas|rise|rose|jump|surg|climb|up by|\bup\b|doubl|tripl|expand|soar|fell|drop|declin|增长|增加|上升|上涨|翻|同比|环比|增速|增幅|下降|下滑|减少",
    re.IGNORECASE,
)
_FELL = re.compile(r"fell|drop|declin|down|decreas|slump|shrank|下降|下滑|减少|下跌", re.IGNORECASE)
_AHEAD = re.compile(
    r"forecast|expect|project|predict|plan|target|will |aim|预计|预测|计划|目标|将(?:达|为|会)|有望", re.IGNORECASE
)
# dimension of an amount, and how series of that dimension print their unit
_COUNTS = ("units", "cards", "packages", "chips", "M packages", "k units")
_UNITS: Mapping[str, tuple[str, ...]] = {
    "count": (*_COUNTS, "k wafers/month"),
    "": _COUNTS,
    "money": ("USD bn", "CNY bn"),
    "share": ("fraction", "probability"),
    "times": ("ratio", "US/China ratio"),
    "wafers": ("k wafers/month",),
    "dies": ("dies",),
    "stacks": ("stacks",),
    "h100e": ("H100e", "H100e (dense 8-bit)"),
}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL | re.ASCII)


def names_a_series(lexicon: Lexicon, words: str) -> bool:
    """Whether a sentence names the subject of any published series."""
    return any(_compiled(p).search(words) for t in lexicon.tables["topic"] for p in t["words"])


def topics_of(stretch: Stretch, amount: WrittenAmount) -> list[Mapping[str, Any]]:
    """Subjects of published series that a number may be about: named in its clause, in the sentence, or carried over."""
    topics = stretch.lexicon.tables["topic"]
    clause = stretch.text[slice(*stretch.marks.clause(amount.start))]
    for said in (clause, stretch.text, f"{stretch.context.before}。{stretch.text}"):
        found = [t for t in topics if _speaks_of(t, said, clause) and _measures(t, amount, stretch)]
        if said not in (clause, stretch.text):
            found = [t for t in found if t.get("others")]  # only "apart from these" leans on the sentence before
        if any(t.get("others") for t in found):
            return [t for t in found if t.get("others")]
        if found:
            return found
    if names_a_series(stretch.lexicon, stretch.text):
        return []  # it speaks of something else
    carried = [t for t in topics if t["name"] == stretch.context.topic and _measures(t, amount, stretch)]
    if carried:
        stretch.assume(text("it goes on about {topic}", topic=Text.of(carried[0]["name"])))
    return carried


def _speaks_of(topic: Mapping[str, Any], said: str, clause: str) -> bool:
    if not any(_compiled(p).search(said) for p in topic["words"]):
        return False
    if any(_compiled(p).search(clause) for p in topic.get("without", ())):
        return False
    return not topic.get("with") or any(_compiled(p).search(said) for p in topic["with"])


def _measures(topic: Mapping[str, Any], amount: WrittenAmount, stretch: Stretch) -> bool:
    if amount.kind == "share" and topic.get("ratio"):
        return True
    if amount.kind in ("share", "times") and _grows(stretch, amount):
        return True
    if amount.kind == "" and not (topic.get("makers") or topic.get("counts")):
        return False
    units = _UNITS.get(amount.kind, ())
    book = stretch.world.book.series
    return any(s in book and book[s].unit in units for s in topic["series"])


def _grows(stretch: Stretch, amount: WrittenAmount) -> bool:
    low, high = stretch.marks.clause(amount.start)
    return amount.per == "growth" or bool(
        _GROWTH.search(stretch.text[max(low, amount.start - 24) : min(high, amount.end + 14)])
    )


_MOVED = re.compile(
    r"ship|produc|output|deliver|sold|\bsell|\bsale|made|\bmake|order|bought|buy|purchas|need|demand|approv|import|smuggl|held|stockpil|build|manufactur"
    r"|出货|产量|产能|生产|销量|销售|交付|出口|订单|订购|采购|购买|需求|需要|批准|进口|走私|制造|达到|市场",
    re.IGNORECASE,
)
# A count below this is a machine or an order, not a country's year.
_FEWEST = 1_000


def _is_volume(stretch: Stretch, amount: WrittenAmount, topic: Mapping[str, Any]) -> bool:
    """Whether a count is a volume of the series' kind: large, and said to be shipped, made, ordered or needed."""
    if amount.kind not in ("count", "") or not (topic.get("makers") or topic.get("counts")):
        return True
    low, high = stretch.marks.clause(amount.start)
    said = stretch.text[low:high] if amount.kind == "count" else stretch.text
    return amount.value >= _FEWEST and bool(_MOVED.search(said))


def is_start(stretch: Stretch, amount: WrittenAmount) -> bool:
    """Whether a number is only where something began: from 95 percent to nothing."""
    before, after = stretch.text[max(amount.start - 8, 0) : amount.start], stretch.text[amount.end : amount.end + 12]
    return bool(
        re.search(r"(?:from|从|由)\s*(?:about |近|不足|约)?$", before, re.IGNORECASE)
        and re.match(r"\s*(?:to|down|up|向|降|升|跌|增|提|涨|下|压|至)", after)
    )


def counted(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """A number of a published series: its level in a year, its share, or its growth."""
    for topic in topics_of(stretch, amount):
        if not _is_volume(stretch, amount, topic):
            continue
        if amount.kind in ("share", "times") and _grows(stretch, amount):
            tables = tuple(_growth(stretch, amount, topic))
            frame = "growth"
        elif amount.kind == "share" and topic.get("ratio"):
            tables = tuple(_ratio(stretch, amount, topic))
            frame = "share"
        else:
            tables = tuple(_level(stretch, amount, topic))
            frame = "series"
        if tables:
            yield stretch.candidate(frame, amount.start, amount.end, *tables, sure=0.85)
            return
        year = _span(stretch, amount)[0].year
        yield stretch.refused(
            frame,
            amount.start,
            amount.end,
            text("no published number for {topic} in {year}", topic=Text.of(topic["name"]), year=year),
        )
        return


def _span(stretch: Stretch, amount: WrittenAmount) -> tuple[date, date]:
    """The time that the number is about: the one it names, else the year in which it was said."""
    time = stretch.time(amount.start)
    if time is not None:
        return time.first, time.last
    year = stretch.context.said.year
    stretch.assume(text("no time is named; read as {year}", year=year))
    return date(year, 1, 1), date(year, 12, 31)


def _inside(row: Observation, first: date, last: date) -> bool:
    """Whether an observation is about that time: at least half of it lies inside, or it holds all of it."""
    if row.value is None or row.period.start is None or row.period.end is None:
        return False
    if (row.period.end - row.period.start).days < 32:
        return first <= row.period.start <= last
    begin, end = max(row.period.start, first), min(row.period.end, last)
    overlap = (end - begin).days + 1
    return (
        overlap * 2 >= (row.period.end - row.period.start).days + 1
        and overlap * 2 >= min((last - first).days + 1, 365) * 0.1
    )


def _labels(stretch: Stretch, series: str, first: date, last: date, *, known: bool = True) -> list[str]:
    """Observations of a series for a time, as claims name them: whole years before parts of them.

    ``known`` leaves out what had not been published by the day whose evidence counts.
    """
    world = stretch.world
    about = world.book.series[series]
    rows = [o for o in world.book.observations[series] if _inside(o, first, last)]
    rows = [o for o in rows if not known or world.known(o.vintage, o.period)]
    whole_year = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    if about.kind == "flow" and whole_year:
        years = [o for o in rows if o.period.calendar_quarters >= 3.5]
        quarters = {o.period.label for o in rows if o.period.form == "quarter"}
        if not years and len(quarters) == 4:
            return [f"{series} @ {first.year}"]
        rows = years
    elif about.kind in ("stock", "capacity"):
        rows = rows[-1:]
    return list(dict.fromkeys(f"{series} @ {o.period.label}" for o in rows))


_NONE = re.compile(r"\b(?:no|none|not a single|never|nobody)\b|n't\b|没有|无一|从未|尚未|未有", re.IGNORECASE)


def _denied(stretch: Stretch, amount: WrittenAmount) -> WrittenAmount:
    """The amount as it stands once a denial before it is heard: no maker ships more than N is at most N."""
    before = stretch.text[stretch.marks.clause(amount.start)[0] : amount.start]
    turned = {"at least": "at most", "at most": "at least", "exact": "at most"}
    # "not above" is heard by the number itself
    if (
        amount.hedge in turned
        and _NONE.search(before)
        and not re.search(r"(?:not?|没有|未)\s?(?:more|over|above|less|under|突破|超过|达到)[^,，]{0,8}$", before)
    ):
        return replace(amount, hedge=turned[amount.hedge])
    return amount


def _level(stretch: Stretch, amount: WrittenAmount, topic: Mapping[str, Any]) -> Iterator[Table]:
    amount = _denied(stretch, amount)
    first, last = _span(stretch, amount)
    by_unit = _by_unit(stretch, amount, topic, (first, last)) or _by_unit(
        stretch, amount, topic, (first, last), known=False
    )
    for unit, observations in by_unit.items():
        made = _as_unit(amount, unit)
        if observations and made is not None:
            yield table_of_claim(
                "series", relation_of(made, loose=0.1), unit=_claimed(unit), free={"observation": observations}
            )


def _by_unit(
    stretch: Stretch, amount: WrittenAmount, topic: Mapping[str, Any], span: tuple[date, date], *, known: bool = True
) -> dict[str, list[str]]:
    """Observations for a time by the unit they are printed in; none of a unit that has none."""
    book = stretch.world.book.series
    found: dict[str, list[str]] = {}
    for series in topic["series"]:
        if series in book and book[series].unit in _UNITS.get(amount.kind, ()):
            labels = _labels(stretch, series, *span, known=known)
            if labels:
                found.setdefault(book[series].unit, []).extend(labels)
    return found


def _as_unit(amount: WrittenAmount, unit: str) -> WrittenAmount | None:
    """The amount in the unit of a series; None for another currency."""
    if unit in ("USD bn", "CNY bn"):
        return scaled_amount(amount, 1e-9, unit) if unit.startswith(amount.unit) else None
    if unit == "k wafers/month" and amount.kind == "wafers":
        return amount
    factor = {"M packages": 1e-6, "k units": 1e-3, "k wafers/month": 1e-3}.get(unit, 1.0)
    return scaled_amount(amount, factor, unit)


def _claimed(unit: str) -> str:
    """How claims write the unit of a series."""
    return {
        "fraction": "%",
        "probability": "%",
        "ratio": "times",
        "US/China ratio": "times",
        "H100e (dense 8-bit)": "H100e",
    }.get(unit, unit)


def _ratio(stretch: Stretch, amount: WrittenAmount, topic: Mapping[str, Any]) -> Iterator[Table]:
    """A share of two series of one period: fiscal years and quarters of the year that is meant, newest first."""
    top, under = topic["ratio"]
    past = re.search(r"used to|once|had|before|historically|曾|过去|以前|此前|原来", stretch.text, re.IGNORECASE)
    book = stretch.world.book.observations
    shared = {o.period.label for o in book[under]}
    rows = [
        o for o in book[top] if o.value is not None and o.period.start is not None and _known(o, stretch.context.said)
    ]
    pairs = [f"{top} @ {o.period.label}" for o in rows if o.period.label in shared or o.period.form == "fiscal year"]
    if past:
        for series in topic["series"]:
            labels = [f"{series} @ {o.period.label}" for o in book[series]]
            yield table_of_claim("series", relation_of(amount, loose=0.1), unit="%", free={"observation": labels})
    elif pairs:
        yield table_of_claim(
            "series_ratio",
            relation_of(amount, loose=0.1),
            unit="%",
            fixed={"over": under},
            free={"observation": pairs[-3:]},
        )


def _known(row: Observation, on: date) -> bool:
    return row.period.end is not None and row.period.end <= on


def _growth(stretch: Stretch, amount: WrittenAmount, topic: Mapping[str, Any]) -> Iterator[Table]:
    first, last = _span(stretch, amount)
    back = first.replace(year=first.year - 1), last.replace(year=last.year - 1, day=min(last.day, 28))
    low, high = stretch.marks.clause(amount.start)
    fell = _FELL.search(stretch.text[max(low, amount.start - 24) : min(high, amount.end + 14)])
    value = amount if amount.kind == "share" else scaled_amount(amount, 100.0, "%")
    shift = 0.0 if amount.kind == "share" else 100.0
    grown = value.value - shift if not fell else -value.value
    top = value.upper - shift if not fell else -value.value
    relation = relation_of(_valued(value, grown, top), loose=0.15)
    named = ("grows by", grown, relation[2]) if relation[0] == "about" else relation
    book = stretch.world.book.series
    later: list[str] = []
    earlier: list[str] = []
    for series in topic["series"]:
        if series in book and book[series].kind in ("flow", "plan", "forecast"):
            later += _labels(stretch, series, first, last)
            earlier += _labels(stretch, series, *back)
    same = [s.split(" @ ")[0] for s in later if any(e.split(" @ ")[0] == s.split(" @ ")[0] for e in earlier)]
    if same:
        later = [s for s in later if s.split(" @ ")[0] in same]
        earlier = [e for e in earlier if e.split(" @ ")[0] in same]
    units = {book[s.split(" @ ")[0]].unit for s in (*later, *earlier)}
    if later and earlier and len(units) == 1:
        yield table_of_claim("series_growth", named, unit="%", free={"observation": later[:3], "from": earlier[:3]})


def _valued(amount: WrittenAmount, value: float, upper: float) -> WrittenAmount:
    return replace(amount, value=value, upper=max(upper, value))


_FIRMS = re.compile(r"compan|firms?|compute|stock|chips|算力|公司|企业|芯片", re.IGNORECASE)


def held_share(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*99 percent of Chinese firms can only use the H20 or domestic chips*, *a third of China's compute is smuggled*."""
    clause = stretch.text[slice(*stretch.marks.clause(amount.start))]
    chinese = stretch.marks.has("country", "CN") or stretch.marks.has("group", "chinese")
    if not chinese or not _FIRMS.search(clause) or _grows(stretch, amount):
        return
    part = ""
    if re.search(r"H20(?!0)", clause) and stretch.marks.has("group", "chinese"):
        part = "h20_or_domestic"
    elif re.search(r"smuggl|走私", clause) and re.search(r"compute|stock|算力|存量", clause):
        part = "smuggled"
    if not part:
        return
    stretch.assume(text("read as a share of China's stock of compute; nobody counts firms"))
    made = table_of_claim(
        "stock_share", relation_of(amount, loose=0.05), unit="%", fixed={"part": part, "on": stretch.context.said}
    )
    yield stretch.candidate("stock", amount.start, amount.end, made, sure=0.75)


_NOTHING = re.compile(
    r"(?:to|near(?:ly)?|almost|close to|virtually) (?:zero|nothing|nil)|insignificant|negligible|几乎(?:为|降至|归|减少到)?零|接近(?:于)?零|归零|清零|为零",
    re.IGNORECASE,
)


def vanished(stretch: Stretch) -> Iterator[Candidate]:
    """*Orders for the H20 fell to nearly nothing*."""
    found = _NOTHING.search(stretch.text)
    if (
        not found
        or not re.search(r"H20(?!0)", stretch.text)
        or not re.search(r"order|sale|revenue|demand|订单|销售|收入|需求", stretch.text, re.IGNORECASE)
    ):
        return
    time = stretch.time(found.start())
    year = time.first.year if time else stretch.context.said.year
    observations = [
        f"nvidia_h20_revenue @ {o.period.label}"
        for o in stretch.world.book.observations.get("nvidia_h20_revenue", ())
        if o.period.start and o.period.end and (o.period.start.year == year or o.period.end.year == year)
    ]
    units = _labels(stretch, "epoch_nvidia_china_legal_units_H20", date(year, 10, 1), date(year, 12, 31)) or []
    if units:
        before = f"epoch_nvidia_china_legal_units_H20 @ {year}Q1"
        made = table_of_claim(
            "series_ratio", ("at most", 5, 0.0), unit="%", fixed={"observation": units[-1], "over": before}
        )
        stretch.assume(text("nearly nothing is read as 5 percent or less of the first quarter of {year}", year=year))
        yield stretch.candidate("vanished", found.start(), found.end(), made, sure=0.8)
    elif observations:
        first = min(observations)
        stretch.assume(text("nearly nothing is read as 5 percent or less of the year's best quarter"))
        made = table_of_claim(
            "series_ratio", ("at most", 5, 0.0), unit="%", fixed={"observation": max(observations), "over": first}
        )
        yield stretch.candidate("vanished", found.start(), found.end(), made, sure=0.8)
