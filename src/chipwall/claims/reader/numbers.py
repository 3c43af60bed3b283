"""Numbers as articles write them: 141 GB, 4.8TB/s, nearly six times, 1.6 trillion, 五十万至一百万颗, 近100%, $50 billion.

Every amount keeps the unit that a claim may carry, the hedge before or after it, and where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor, log10

__all__ = ["WrittenAmount", "amounts", "chinese_number", "tolerance_of"]


@dataclass(frozen=True, slots=True)
class WrittenAmount:
    """One number of a sentence.

    Attributes
    ----------
    start, end : int
        Where it stands, its unit included.
    value, upper : float
        In ``unit``; ``upper`` is above ``value`` where a range is given, else equal.
    unit : str
        A unit of claims: ``GB``, ``TB/s``, ``TFLOP/s``, ``W``, ``nm``, ``TPP``, ``times``, ``%``, ``USD``, ``CNY``, ``chips``,
        ``parameters``, ``token/s``, ``tokens``, ``ms``, ``years`` and so on; empty for a bare number.
    kind : str
        Dimension of the unit: ``byte``, ``byte/s``, ``flop/s``, ``W``, ``times``, ``share``, ``money``, ``count``, ...
    hedge : str
        ``exact``, ``about``, ``nearly``, ``at least``, ``at most``, ``up to``, ``between``.
    words : str
        As written.
    per : str
        ``hour``, ``month``, ``year``, ``day`` or ``each`` where a rate or a price says so.
    """

    start: int
    end: int
    value: float
    upper: float
    unit: str
    kind: str
    hedge: str
    words: str
    per: str = ""


_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_STEPS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "half a": 0.5, "half": 0.5, "a dozen": 12, "a hundred": 100, "a thousand": 1000, "a million": 1e6,
    "a billion": 1e9, "a third": 1 / 3, "two-thirds": 2 / 3, "two thirds": 2 / 3, "a quarter": 0.25, "a fifth": 0.2, "a tenth": 0.1,
    "three-quarters": 0.75, "three quarters": 0.75, "one-third": 1 / 3, "one-fifth": 0.2, "one-tenth": 0.1, "one-quarter": 0.25,
}  # fmt: skip
_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12,
    "t": 1e12, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "十亿": 1e9, "百亿": 1e10, "千亿": 1e11, "万亿": 1e12,
}  # fmt: skip
# pattern, unit of claims, kind, factor to that unit; the first that matches counts
_UNITS: tuple[tuple[str, str, str, float], ...] = (
    (r"TB\s?/\s?s(?:ec)?|TB/秒|TB每秒|TB per second|TBps|terabytes? (?:per|a) second|太字节/秒|太字节每秒", "TB/s", "byte/s", 1),
    (r"GB\s?/\s?s(?:ec)?|GB/秒|GB每秒|GB per second|GBps|gigabytes? (?:per|a) second|吉字节每秒", "GB/s", "byte/s", 1),
    (r"Tb/s|Tbit/s|Tbps|terabits? per second", "GB/s", "byte/s", 125),
    (r"Gb/s|Gbit/s|Gbps|gigabits? per second", "GB/s", "byte/s", 0.125),
    (r"TiB|TB|terabytes?|太字节", "GB", "byte", 1000),
    (r"GiB|GB|gigabytes?|G(?=的?(?:显存|内存|HBM| ?HBM|VRAM))|吉字节", "GB", "byte", 1),
    (r"MB|megabytes?|兆字节", "GB", "byte", 0.001),
    (r"EFLOPS?|EFLOP/s|exaflops?|exaFLOPS", "PFLOP/s", "flop/s", 1000),
    (r"Peta ?FLOPS|PFLOPS?|PFLOP/s|PFlops|petaflops?|POPS|千万亿次", "PFLOP/s", "flop/s", 1),
    (r"Tera ?FLOPS|tera FLOPS|TFLOPS?|TFLOP/s|TFLOPs|TFlops|teraflops?|TOPS|万亿次", "TFLOP/s", "flop/s", 1),
    (r"tokens?\s?/\s?s(?:ec(?:ond)?)?(?:\s?/\s?(?:GPU|card|chip))?|tok/s|tps|tokens? (?:per|a|every|each) second|token/秒|词元/秒|tokens?/秒|个?tokens?每秒",
     "token/s", "token/s", 1),
    (r"joules? (?:per|a) token|J/token|焦耳/token|焦耳每token", "J/token", "J/token", 1),
    (r"GW|gigawatts?|吉瓦", "W", "W", 1e9),
    (r"MW|megawatts?|兆瓦", "W", "W", 1e6),
    (r"kW|KW|kilowatts?|千瓦", "W", "W", 1e3),
    (r"W(?![a-zA-Z])|watts?|瓦特?", "W", "W", 1),
    (r"nm(?![a-z])|-?nanomet(?:er|re)s?|纳米", "nm", "nm", 1),
    (r"mm2|mm\^2|mm²|square millimet(?:er|re)s?|平方毫米", "mm2", "m2", 1),
    (r"TPP/mm2|TPP/mm²", "TPP/mm2", "TPP/mm2", 1),
    (r"TPP(?! of)(?!/)", "TPP", "TPP", 1),
    (r"-?times|[x×X](?![a-zA-Z0-9])|-?fold|倍", "times", "times", 1),
    (r"%|percentage points?|percent|per cent|个百分点|成(?=[的以左,，。]|$)", "%", "share", 1),
    (r"(?:US ?|美国)?dollars?|USD|美元|美金", "USD", "money", 1),
    (r"yuan|RMB|CNY|元人民币|人民币|元(?![一-鿿]{0,1}素)", "CNY", "money", 1),
    (r"euros?|EUR|欧元", "EUR", "money", 1),
    (r"parameters?|参数(?:量)?|-?params?|个参数", "parameters", "parameters", 1),
    (r"transistors?|个?晶体管", "1", "transistors", 1),
    (r"H100[- ]?(?:equivalents?|e(?![a-z])|等效)|张?H100等效(?:算力)?", "H100e", "h100e", 1),
    (r"wafers? (?:per|a) month|wpm|片/月|片晶圆", "k wafers/month", "wafers", 0.001),
    (r"wafers?|晶圆", "wafers", "wafers", 1),
    (r"bare (?:chips|dies)|dies?(?![a-z])|裸片|裸晶|裸芯片", "dies", "dies", 1),
    (r"(?:HBM[0-9eE]* )?stacks?|颗HBM|个堆栈", "stacks", "stacks", 1),
    (r"(?:[A-Za-z0-9\-]+ ){0,3}?(?:chips?|GPUs?|cards?|units?|accelerators?|processors?|semiconductors?|TPUs?|NPUs?)(?![a-z])", "chips", "count", 1),
    (r"(?:[A-Z][A-Za-z]{0,8}\d{2,4}[A-Za-z]?s)(?![a-z])", "chips", "count", 1),
    (r"颗|块|枚|片|张|卡(?!片)|辆|个芯片|(?:个|台)?(?:AI)?(?:芯片|加速器|GPU|加速卡)|台(?!积|湾)|个GPU", "chips", "count", 1),
    (r"tokens?|词元|个?token", "tokens", "tokens", 1),
    (r"milliseconds?|ms(?![a-z])|毫秒", "ms", "s", 1),
    (r"seconds?|秒", "s", "s", 1),
    (r"(?:个)?quarters?|季度", "quarters", "time", 0.25),
    (r"(?:个)?months?|个月", "months", "time", 1 / 12),
    (r"years?|年(?!\d)", "years", "time", 1),
    (r"(?:entities|companies|firms|家)", "firms", "firms", 1),
    (r"(?:concurrent )?users?|用户", "users", "users", 1),
)  # fmt: skip
_UNIT = re.compile("|".join(f"(?P<u{n}>{pattern})" for n, (pattern, *_) in enumerate(_UNITS)))
_CURRENCY = r"US ?\$|USD ?|\$|¥|￥|RMB ?|CNY ?|€|EUR ?"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_ZH_NUMBER = r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零一二三四五六七八九]+)?"
_SCALE = (
    r"thousand|million|billion|trillion|bn|mn|tn|[kKMBT](?![a-zA-Z0-9/])|万亿|千亿|百亿|十亿|千万|百万|十万|亿|万|千"
)
_WORD = "|".join(sorted((re.escape(w) for w in _WORDS), key=len, reverse=True))
_BODY = re.compile(
    rf"(?<![A-Za-z0-9.])(?P<cur>(?:{_CURRENCY})\s?)?"
    rf"(?:(?P<n>{_NUMBER})|(?P<zh>{_ZH_NUMBER})|\b(?P<w>{_WORD})\b)"
    rf"(?:(?P<more>多|余|来)?\s?-?(?P<s>{_SCALE}))?"
    rf"(?P<plus>\+|多|余|以上)?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s?(?:-|~|–|—|to|and|至|到|或|or)\s?", re.IGNORECASE)
# words that are an amount by themselves
_MULTIPLES: tuple[tuple[str, float, str], ...] = (
    (r"\btwice\b|\bdoubl(?:e[sd]?|ing)\b|two[- ]fold|翻番|翻倍|翻了一番|翻一番|一倍(?!半)|加倍|倍增", 2, "times"),
    (r"\btripl(?:e[sd]?|ing)\b|\bthrice\b|翻两番", 3, "times"),
    (r"\bquadrupl(?:e[sd]?|ing)\b", 4, "times"),
    (r"\bhalf (?:of |as |that of |the )(?!year|decade|century|month)|\bhalv(?:e[sd]?|ing)\b|一半", 0.5, "times"),
    (r"an order of magnitude|一个数量级", 10, "times"),
)
_BEFORE: tuple[tuple[str, str], ...] = (
    (r"(?:no|not) (?:more|higher|greater|larger) than|at most|up to a maximum of|不超过|不高于|至多|最多|不多于|以内", "at most"),
    (r"(?:less|lower|fewer|smaller) than|under|below|shy of|不到|低于|少于|小于|未达|不足|没有突破|未突破|没有达到|未超过", "at most"),
    (r"(?:no|not) (?:less|fewer|lower) than|at least|a minimum of|至少|不少于|不低于|起码", "at least"),
    (r"(?:more|greater|higher|larger|better) than|over|above|exceed(?:s|ed|ing)?|beyond|upwards of|surpass(?:es|ed|ing)?|超过|逾|超|高于|多于|大于|突破|以上",
     "at least"),
    (r"nearly|almost|close to|just under|approaching|接近|将近|近乎|近|几乎|差不多", "nearly"),
    (r"up to|as (?:much|many|high) as|高达|多达|最高(?:可)?达?|可达|最大", "up to"),
    (r"about|around|approximately|approx\.?|roughly|some|circa|ca\.|an estimated|estimated at|~|约为?|大约|大概|左右|约莫|估计|上下", "about"),
)  # fmt: skip
_AFTER: tuple[tuple[str, str], ...] = (
    (r"\s?(?:or more|or above|or higher|and up|以上|及以上|或以上|起)", "at least"),
    (r"\s?(?:or less|or fewer|or below|以下|以内|及以下)", "at most"),
    (r"\s?(?:左右|上下|or so)", "about"),
)
_PER = re.compile(
    r"\s?(?:(?:/|per |an? |each |every |每)\s?(?:(?:GPU|card|chip)[- ]?)?(?P<p>hours?|hr|h(?![a-z])|GPU[- ]?h(?:our)?|months?|years?|days?|小时|月|年|天|颗|张|卡|chip|card|unit|GPU|apiece|each)|(?P<a>apiece|each|一张|一颗|每张|每颗))",
    re.IGNORECASE,
)
_PERS = {
    "h": "hour",
    "hr": "hour",
    "hour": "hour",
    "小时": "hour",
    "月": "month",
    "month": "month",
    "年": "year",
    "year": "year",
    "天": "day",
    "day": "day",
}


def chinese_number(words: str) -> float | None:
    """The number that Chinese numerals write; None where they write none.

    Examples
    --------
    >>> chinese_number("四十万"), chinese_number("一千七百五十亿"), chinese_number("两点五")
    (400000.0, 175000000000.0, 2.5)
    """
    whole, _, part = words.partition("点")
    total = section = digit = 0.0
    seen = False
    for sign in whole:
        if sign in _DIGITS:
            digit, seen = digit * 10 + _DIGITS[sign] if seen and digit else float(_DIGITS[sign]), True
        elif sign in _STEPS:
            section, digit = section + (digit or 1) * _STEPS[sign], 0.0
            seen = False
        elif sign in _MYRIADS:
            total = (total + section + digit) * _MYRIADS[sign] if section + digit else (total or 1) * _MYRIADS[sign]
            section, digit, seen = 0.0, 0.0, False
        else:
            return None
    if part:
        digit += float("0." + "".join(str(_DIGITS[d]) for d in part if d in _DIGITS))
    return total + section + digit


def tolerance_of(value: float, words: str) -> float:
    """Relative half width of what a written number can mean [1]: half a unit of its last digit that is not zero, 0.5 to 5 %."""
    digits = re.sub(r"[^\d.]", "", words)
    if not value or not digits:
        return 0.05
    mantissa = digits.replace(".", "").strip("0") or "1"
    step = 10.0 ** (floor(log10(abs(value))) - len(mantissa) + 1)
    return min(max(0.5 * step / abs(value), 0.005), 0.05)


def amounts(words: str) -> list[WrittenAmount]:
    """Every amount of a sentence, in order; years, names and version numbers are none."""
    found = [*_written(words), *_by_word(words)]
    found.sort(key=lambda a: (a.start, -a.end))
    kept: list[WrittenAmount] = []
    for amount in found:
        if not kept or amount.start >= kept[-1].end:
            kept.append(amount)
    return kept


def _written(words: str) -> Iterator[WrittenAmount]:
    at = 0
    while match := _BODY.search(words, at):
        at = match.end()
        value, scale = _value(match), (match["s"] or "").lower()
        if value is None:
            continue
        factor = _SCALES.get(scale, 1.0)
        unit = _UNIT.match(words, match.end() + _gap(words, match.end()))
        upper, far = None, match
        if between := _RANGE.match(words, (unit or match).end()):
            other = _BODY.match(words, between.end())
            if other and not (between[0].strip().lower() in ("and", "或", "or") and not _between(words, match.start())):
                upper, far = other, other
                late = _UNIT.match(words, other.end() + _gap(words, other.end()))
                unit = late or unit
        last = _value(far)
        if upper is not None and last is not None:
            far_factor = _SCALES.get((far["s"] or "").lower(), 1.0)
            if far["s"] and not match["s"] and last * far_factor > value:
                factor = far_factor if value < last * 1.0 or value * far_factor <= last * far_factor else factor
            top = last * (far_factor if far["s"] else factor)
        else:
            top = value * factor
        end = max(far.end(), unit.end() if unit else 0)
        made = _made(words, match, value * factor, top, unit, end)
        if made is not None and not _is_name(words, match, made):
            at = made.end
            yield made


def _between(words: str, start: int) -> bool:
    return bool(
        re.search(
            r"between\s*(?:US ?)?\$?$|from\s*\$?$|在\s*$|介于\s*$", words[max(start - 14, 0) : start], re.IGNORECASE
        )
    )


def _gap(words: str, at: int) -> int:
    """Length of the blank or hyphen between a number and its unit."""
    found = re.match(r"[\s-]{0,2}(?:个|多|余)?", words[at : at + 3])
    return found.end() if found else 0


def _value(match: re.Match[str]) -> float | None:
    if match["n"]:
        return float(match["n"].replace(",", ""))
    if match["zh"]:
        return chinese_number(match["zh"])
    return float(_WORDS[match["w"].lower()])


def _made(
    words: str, match: re.Match[str], value: float, upper: float, unit: re.Match[str] | None, end: int
) -> WrittenAmount | None:
    symbol, kind, factor = "", "", 1.0
    if unit is not None:
        nth = next(n for n in range(len(_UNITS)) if unit[f"u{n}"] is not None)
        _, symbol, kind, factor = _UNITS[nth]
        if symbol == "%" and unit[0].startswith("成"):
            factor = 10.0
    if match["cur"]:
        symbol, kind, factor = (
            (
                "USD"
                if "$" in match["cur"] or "USD" in match["cur"].upper()
                else "EUR"
                if match["cur"].strip() in ("€", "EUR")
                else "CNY"
            ),
            "money",
            1.0,
        )
        end = max(
            match.end(),
            end if unit is not None and _UNITS[nth][2] == "money" else match.end(),
            end if upper != value else 0,
        )
    if not symbol and re.search(
        r"(?:参数量?|parameters?)(?:规模|数量|count|sizes?)?(?:超过|超|逾|达到?|为|约|高达|多达|of|above|over|exceeding)?\s*(?:about |more than |over )?$",
        words[: match.start()][-40:],
        re.IGNORECASE,
    ):
        symbol, kind = "parameters", "parameters"
    bare_scale = (match["s"] or "") in ("B", "b") and not match["cur"]
    if bare_scale and kind in ("", "parameters"):
        symbol, kind = "parameters", "parameters"  # a 70B model
    if match["zh"] and not symbol and len(match["zh"]) < 2:
        return None
    if match["w"] and not symbol and not match["s"]:
        return None
    if (
        not symbol
        and re.match(r"\s?[A-Za-z]{2,}", words[match.end() :])
        and re.match(r"\s?(?:[A-Z]|[a-z]{1,3}\b)", words[match.end() :])
        and not match["s"]
    ):
        return None  # a unit that nobody here knows
    hedge, start = _hedge(words, match.start(), end)
    if upper != value:
        hedge = "between"
    elif match["plus"] and hedge == "exact":
        hedge = "at least"
    per = ""
    if paid := _PER.match(words, end):
        said = (paid["p"] or paid["a"] or "").lower().rstrip("s")
        per = _PERS.get(said.removeprefix("gpu-").removeprefix("gpu ").removeprefix("gpu"), "each")
        end = paid.end() if kind == "money" else end
    return WrittenAmount(
        start,
        end,
        value * factor,
        max(upper, value) * factor,
        symbol,
        kind,
        hedge,
        words[match.start() : end].strip(),
        per,
    )


def _hedge(words: str, start: int, end: int) -> tuple[str, int]:
    before = words[max(start - 26, 0) : start]
    for pattern, name in _BEFORE:
        if re.search(
            rf"(?:{pattern})\s*(?:a |the |the number of |needs? |ships? |为|了|有|达到?|有望|需要?|采购|出货|of |US\s?)?\s*$",
            before,
            re.IGNORECASE,
        ):
            return name, start
    for pattern, name in _AFTER:
        if re.match(pattern, words[end : end + 10], re.IGNORECASE):
            return name, start
    return "exact", start


_YEAR = re.compile(r"^(?:19|20)\d\d$")


def _is_name(words: str, match: re.Match[str], made: WrittenAmount) -> bool:
    """Whether the digits are a year, a date, a version or part of a name."""
    number = match["n"] or ""
    if _YEAR.match(number) and made.unit in ("", "years", "quarters") and not match["s"]:
        return True
    before, after = words[max(match.start() - 3, 0) : match.start()], words[match.end() : match.end() + 4]
    if re.search(r"[A-Za-z]-?$", before) and not re.search(r"(?:^|\s)[A-Za-z]?\s$", before) and not match["cur"]:
        return True
    return bool(re.match(r"^\s?(?:月|日|号|:\d|(?:st|nd|rd|th)\b)", after)) or (
        made.unit == "" and bool(re.match(r"^-[A-Za-z]", after))
    )


_FRACTION = re.compile(
    r"(?<![\d./-])(\d{1,2})\s?/\s?(\d{1,2})(?![\d/]|\s?[A-Za-z]{0,2}\d)|([一二三四五六七八九十百]+)分之([一二三四五六七八九十百]+)"
)


def _fractions(words: str) -> Iterator[WrittenAmount]:
    """A third of another chip, 1/3 or 三分之一, as a multiple."""
    for match in _FRACTION.finditer(words):
        top, under = (match[1], match[2]) if match[1] else (chinese_number(match[4]), chinese_number(match[3]))
        if not top or not under or not 0 < float(top) / float(under) < 1:
            continue
        hedge, start = _hedge(words, match.start(), match.end())
        value = float(top) / float(under)
        yield WrittenAmount(start, match.end(), value, value, "times", "times", hedge, match[0])
    for match in re.finditer(r"\b(?:a|one)[- ](third|quarter|fifth|tenth) (?:of |as |that of )", words, re.IGNORECASE):
        value = {"third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1}[match[1].lower()]
        hedge, start = _hedge(words, match.start(), match.end())
        yield WrittenAmount(start, match.end(), value, value, "times", "times", hedge, match[0])


def _by_word(words: str) -> Iterator[WrittenAmount]:
    yield from _fractions(words)
    for pattern, value, unit in _MULTIPLES:
        for match in re.finditer(pattern, words, re.IGNORECASE):
            if match[0].startswith("一倍") and re.search(r"[0-9.两三四五六七八九十]$", words[: match.start()]):
                continue
            hedge, start = _hedge(words, match.start(), match.end())
            made = WrittenAmount(start, match.end(), value, value, unit, "times", hedge, match[0])
            yield (
                replace(made, per="growth")
                if re.search(r"翻|倍增|doubl|tripl|quadrupl|halv", match[0], re.IGNORECASE)
                else made
            )
