"""Frames about one chip or one model: *X has N of a measure*, *X came out in Y*, *X is a Hopper part*."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chipwall.claims.reader.frames import (
    Candidate,
    Stretch,
    Table,
    apart,
    nearest,
    relation_of,
    scaled_amount,
    table_of_claim,
)
from chipwall.claims.reader.lexicon import Name
from chipwall.claims.reader.numbers import WrittenAmount
from chipwall.text import text
from chipwall.units import GIGA, KILO, PETA, TERA, UNITS

__all__ = ["dated", "member", "model_fact", "states_amount", "states_price"]

# How claims write a number in billions.
BILLIONS = "1e9"
_BY_KIND = {
    "byte": "memory_capacity",
    "byte/s": "memory_bandwidth",
    "W": "tdp",
    "transistors": "transistors",
    "m2": "compute_die_area",
    "TPP": "tpp",
}
_FITS_KIND = {
    "byte": ("memory_capacity", "l2_cache"),
    "byte/s": ("memory_bandwidth", "link_bandwidth"),
    "W": ("tdp",),
    "transistors": ("transistors",),
    "m2": ("compute_die_area",),
    "TPP": ("tpp",),
    "stacks": ("memory_stacks",),
}
_RATES = ("bf16", "fp16", "fp8", "int8", "fp4", "fp64", "fp32", "tf32", "int4", "fp6")
_PER_STACK = re.compile(
    r"per stack|each stack|每(?:颗|个)?(?:HBM|堆栈)|\bSSD|flash|storage|硬盘|\bRAM\b(?!.*HBM)", re.IGNORECASE
)
_NOT_A_CHIP = re.compile(
    r"cluster|data ?cent(?:er|re)s?|campus|facility|park|集群|数据中心园区|机房|供电|电网|电力", re.IGNORECASE
)


def states_amount(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*X has 141 GB*, *delivers 989 TFLOPS in BF16*, *draws 700 W*, *has a TPP of 15,832*."""
    marks = stretch.marks
    if amount.kind == "W" and (amount.value >= 5_000 or _NOT_A_CHIP.search(stretch.text)):
        yield stretch.refused("power", amount.start, amount.end, text("it speaks of a site, not of a chip"))
        return
    if amount.kind == "byte" and (_PER_STACK.search(stretch.text) or _is_need(stretch, amount)):
        yield stretch.refused("memory", amount.start, amount.end, text("it speaks of no chip's memory"))
        return
    subject = stretch.subject(amount.start)
    if not subject or marks.kind("system", marks.clause(amount.start)):
        return
    if amount.kind == "flop/s":
        if amount.value * UNITS[amount.unit].factor > 3 * max(
            stretch.world.chip(subject[0]).rates().values(), default=PETA * KILO
        ):
            yield stretch.refused(
                "fact",
                amount.start,
                amount.end,
                text("the number is far from any chip's: it speaks of something larger"),
            )
            return
        yield _rate(stretch, amount, subject[0])
        return
    measure = _measure(stretch, amount)
    subject = _fitting(stretch, subject, amount, measure)
    if measure == "memory_bandwidth" and re.search(r"Tb|Gb|Tbit|Gbit|bps", amount.words):
        stretch.assume(text("bandwidth of memory is given in bytes; bits are read as bytes"))
        amount = scaled_amount(amount, 8.0)
    if _is_no_chip(stretch, amount, subject[0], measure):
        yield stretch.refused(
            "fact", amount.start, amount.end, text("the number is far from any chip's: it speaks of something larger")
        )
        return
    if measure == "tpp":
        yield stretch.candidate("fact", amount.start, amount.end, _legal(subject[0], amount))
        return
    tables = tuple(_fact(chip, measure, amount) for chip in subject[:3])
    yield stretch.candidate("fact", amount.start, amount.end, *tables, sure=0.95 if not stretch.notes else 0.8)


def _fitting(stretch: Stretch, subject: tuple[str, ...], amount: WrittenAmount, measure: str) -> tuple[str, ...]:
    """The subject, unless it was only carried over or stands before brackets, and another chip spoken of has just this number."""
    text_ = stretch.text
    bracketed = text_.rfind("(", 0, amount.start) > text_.rfind(")", 0, amount.start)
    if not stretch.notes and not bracketed:
        return subject
    others = [*(n.ids for n in stretch.chips()), (stretch.context.main,)]
    for chip in (subject, *others):
        if chip and chip[0] and _is_close(stretch, chip[0], amount, measure):
            if chip != subject:
                stretch.notes.clear()
                name = stretch.world.chip(chip[0]).name
                stretch.assume(
                    text("the subject is taken to be {chip}, the chip spoken of that has this number", chip=name)
                )
            return chip
    return subject


def _is_close(stretch: Stretch, chip: str, amount: WrittenAmount, measure: str) -> bool:
    known = stretch.world.chip(chip).value(measure) if measure != "tpp" else None
    if not known or amount.unit not in UNITS:
        return False
    return abs(amount.value * UNITS[amount.unit].factor / known - 1) < 0.02


def _is_no_chip(stretch: Stretch, amount: WrittenAmount, chip: str, measure: str) -> bool:
    """Whether a number is so far from the chip's own that it must be a system's or a cluster's."""
    known = stretch.world.chip(chip).value(measure) if measure != "tpp" else None
    if not known or amount.unit not in UNITS:
        return False
    return amount.value * UNITS[amount.unit].factor > 10 * known


def _is_need(stretch: Stretch, amount: WrittenAmount) -> bool:
    """Whether the bytes are what a model or a task needs, not what a chip has."""
    around = stretch.text[max(amount.start - 30, 0) : amount.end + 12]
    return bool(
        re.search(r"requires?|needs?|takes up|occup|weights|footprint|需要|占用|所需|权重", around, re.IGNORECASE)
    )


def _measure(stretch: Stretch, amount: WrittenAmount) -> str:
    fitting = _FITS_KIND.get(amount.kind, ())
    for within in apart(stretch, amount.start):
        words = [w for w in stretch.marks.of("measure", within) if w.name in fitting]
        if words:
            return min(words, key=lambda w: min(abs(w.start - amount.end), abs(w.end - amount.start))).name
    return _BY_KIND.get(amount.kind, fitting[0] if fitting else "")


def _fact(chip: str, measure: str, amount: WrittenAmount) -> Table:
    loose = 0.012 if amount.kind == "byte" else 0.0
    if measure == "link_bandwidth":
        # people quote both directions of a link; the catalogue holds one
        amount = (
            scaled_amount(amount, 1.0, "GB/s bidirectional")
            if amount.unit == "GB/s"
            else scaled_amount(amount, 1.0, "TB/s bidirectional")
        )
    unit = "1" if amount.kind in ("transistors", "stacks") else amount.unit
    return table_of_claim("fact", relation_of(amount, loose=loose), unit=unit, subject=chip, fixed={"measure": measure})


def _legal(chip: str, amount: WrittenAmount) -> Table:
    return table_of_claim(
        "legal_measure",
        relation_of(scaled_amount(amount, 1.0, "TPP"), loose=0.01),
        unit="TPP",
        subject=chip,
        fixed={"measure": "tpp"},
    )


def _rate(stretch: Stretch, amount: WrittenAmount, chip: str) -> Candidate:
    form = next((f for w in apart(stretch, amount.start) if (f := nearest(stretch.marks, "format", amount.end, w))), "")
    record = stretch.world.chip(chip)
    if form:
        formats = [form]
    else:
        known = {f: record.value(f"{f}_rate") for f in _RATES}
        # the format whose dense or sparse rate is nearest to the number
        wanted = amount.value * {"TFLOP/s": TERA, "PFLOP/s": PETA}[amount.unit]
        formats = [f for f, v in known.items() if v and (abs(v / wanted - 1) < 0.02 or abs(2 * v / wanted - 1) < 0.02)][
            :1
        ] or ["bf16", "fp8"]
        stretch.assume(
            text("no number format is named; read as {format}", format=", ".join(f.upper() for f in formats))
        )
    free = {"measure": [f"{f}_rate" for f in formats if record.value(f"{f}_rate")] or [f"{formats[0]}_rate"]}
    made = table_of_claim("fact", relation_of(amount, loose=0.01), unit=amount.unit, subject=chip, free=free)
    return stretch.candidate("fact", amount.start, amount.end, made, sure=0.9 if form else 0.75)


def model_fact(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*DeepSeek-V3 has 671B parameters, 37B active*."""
    if amount.kind == "" and not any(a.kind == "parameters" for a in stretch.marks.amounts):
        return
    models = [n for n in stretch.marks.kind("model") if n.start < amount.start or n.start - amount.end < 12]
    if not models or not re.search(
        r"param|参数|active|activat|激活", stretch.text[max(amount.start - 12, 0) : amount.end + 24], re.IGNORECASE
    ):
        return
    active = bool(re.search(r"activ|激活", stretch.text[max(amount.start - 10, 0) : amount.end + 14], re.IGNORECASE))
    made = table_of_claim(
        "model_parameters",
        relation_of(scaled_amount(amount, 1 / GIGA, BILLIONS), loose=0.02),
        unit=BILLIONS,
        fixed={
            "model": models[-1 if models[-1].start < amount.start else 0].ids[0],
            "counted": "active" if active else "all",
        },
    )
    yield stretch.candidate("model", amount.start, amount.end, made)


def dated(stretch: Stretch) -> Iterator[Candidate]:
    """*X came out at the end of 2023*."""
    marks = stretch.marks
    for time in marks.times:
        clause = marks.clause(time.start)
        if time.relative or not marks.has("event", "released", within=clause):
            continue
        if any(
            clause[0] <= a.start < clause[1] and a.kind in ("count", "money", "share", "times", "")
            for a in marks.amounts
        ):
            continue
        if re.search(
            r"\bexport|\bsell|\bsold\b|licen|order|forecast|report|rule|\bbill\b|出口|许可|销售|订单|规则|法案|报告|宣布(?:将?允许|对)",
            stretch.text[slice(*clause)],
            re.IGNORECASE,
        ):
            continue
        named = _row([n for n in stretch.chips() if n.start < time.start], stretch.text) or stretch.chips(clause)
        ids = [n.ids[0] for n in named] or list(stretch.subject(time.start)[:1])
        for chip in dict.fromkeys(ids):
            _events(stretch, clause, chip)
            fixed = {"from": time.first, "until": time.last}
            made = table_of_claim(
                "came_out",
                ("is true", True, 0.0),
                subject=chip,
                fixed=fixed,
                free={"event": ["announced", "available"]},
            )
            yield stretch.candidate("date", time.start, time.end, made, sure=0.85)


def _events(stretch: Stretch, clause: tuple[int, int], chip: str) -> list[str]:
    """What came out means: announced, on sale, or either; on sale is not asked where nobody knows it."""
    said = stretch.text[slice(*clause)]
    if re.search(r"announc|unveil|introduc|宣布|公布|亮相", said, re.IGNORECASE):
        return ["announced"]
    known = bool(stretch.world.chip(chip).word("available"))
    if known and re.search(
        r"avail|ship|on sale|deliver|volume production|上市|出货|量产|发售|交付", said, re.IGNORECASE
    ):
        return ["available"]
    return ["announced", "available"] if known else ["announced"]


def _row(names: list[Name], words: str) -> list[Name]:
    """The last chip named, and those beside it in one row: B100/B200, the H100 and H200."""
    kept = names[-1:]
    for one, other in zip(reversed(names[:-1]), reversed(names), strict=False):
        if not re.fullmatch(r"\s*(?:/|、|,|and|和|与|及|&)\s*(?:the )?", words[one.end : other.start]):
            break
        kept.insert(0, one)
    return kept


_HERE = re.compile(
    r"(?:基于|采用|属于|是|为|uses?|based on|built on|is|part of|member of|from)[^,，。;]{0,40}$", re.IGNORECASE
)


def member(stretch: Stretch) -> Iterator[Candidate]:
    """*The H200 is a Hopper part*, *the H20 is based on Hopper*."""
    for match in re.finditer(r"Hopper|Blackwell|Ampere|Ada Lovelace|Rubin|CDNA ?[34]", stretch.text):
        clause = stretch.marks.clause(match.start())
        before = stretch.text[clause[0] : match.start()]
        named = [n for n in stretch.chips(clause) if n.end <= match.start()]
        if (
            not named
            or any(clause[0] <= a.start < clause[1] and a.kind in ("times", "share") for a in stretch.marks.amounts)
            or not _HERE.search(before[named[-1].end - clause[0] :])
            or re.search(r"不是|并非|\bnot\b|between|之间|than|[和与]$|and$", before.rstrip())
        ):
            continue
        made = table_of_claim(
            "belongs_to",
            ("is true", True, 0.0),
            subject=named[-1].ids[0],
            fixed={"family": match[0].lower().replace(" ", "-")},
        )
        yield stretch.candidate("member", clause[0], match.end(), made)


def states_price(stretch: Stretch, amount: WrittenAmount) -> Iterator[Candidate]:
    """*An H100 rents at 2 dollars an hour*, *an H20 costs 12,000 dollars*."""
    chips = stretch.subject(amount.start)
    if not chips or amount.upper >= 1e6:
        return
    clause = stretch.text[slice(*stretch.marks.clause(amount.start))]
    place = "china" if stretch.marks.has("country", "CN") else "anywhere"
    fixed = {"on": stretch.day(amount.start), "place": place}
    if amount.unit != "USD":
        yield stretch.refused(
            "price", amount.start, amount.end, text("it is not in dollars, and quotes of this chip are")
        )
    elif amount.per == "hour" or re.search(r"每(?:卡|GPU)?小时|per hour|hourly|an hour", clause, re.IGNORECASE):
        yield stretch.candidate(
            "rent",
            amount.start,
            amount.end,
            table_of_claim("rent", relation_of(amount, loose=0.1), unit="USD/h", subject=chips[0], fixed=fixed),
        )
    elif re.search(
        r"price|cost|sell|sold|worth|pay|paid|each|apiece|售价|价格|单价|成本|卖|每(?:颗|张|块|片)",
        clause,
        re.IGNORECASE,
    ):
        if re.search(r"server|rack|node|cluster|八卡|服务器|整机|机柜", clause, re.IGNORECASE):
            yield stretch.refused(
                "price", amount.start, amount.end, text("it is the price of a server; no quote of that kind is held")
            )
            return
        yield stretch.candidate(
            "price",
            amount.start,
            amount.end,
            table_of_claim("price", relation_of(amount, loose=0.1), unit="USD", subject=chips[0], fixed=fixed),
        )
