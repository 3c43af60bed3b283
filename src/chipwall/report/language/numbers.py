"""Numbers, money_words, days and ranges as each language writes them: 22,936 and 2.29 万, 27,000 USD and 2.7 万美元.

Each is a :class:`~chipwall.text.Text` that knows both forms, so it can stand in any sentence; the value for machines stays
in the cell or record that holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from chipwall.report.language.lookup import lookup
from chipwall.text import Text, text
from chipwall.units import GIGA, KILO, MEGA

__all__ = [
    "Bilingual",
    "count_words",
    "day_words",
    "money_words",
    "month_words",
    "quarter_words",
    "range_words",
    "share_words",
    "times_words",
]

_WAN, _YI = 1e4, 1e8
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class Bilingual(Text):
    """Words in two forms: the string is English, ``zh`` the Chinese."""

    zh: str

    def __new__(cls, english: str, zh: str) -> Bilingual:
        """Both forms, ready to be read."""
        made = super().__new__(cls, english)
        assert isinstance(made, Bilingual)
        made.zh = zh
        return made

    def __reduce__(self) -> tuple[type[Bilingual], tuple[str, str]]:  # type: ignore[override]
        return Bilingual, (str(self), self.zh)

    def render(self, lookup_of: Callable[[str], str]) -> str:
        """The form of the language that this look-up belongs to."""
        return self.zh if lookup_of is lookup("zh") else str(self)


def _digits(value: float, digits: int) -> str:
    """A plain number with a few significant digits, never in powers of ten."""
    whole = len(str(int(abs(value))))
    shown = f"{value:,.{max(digits - whole, 0)}f}" if abs(value) >= 1 else f"{value:.{digits}g}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _chinese(value: float, digits: int) -> str:
    """A number in 万 and 亿: ``2.29 万``; below ten thousand it is written out."""
    value = _rounded(value, digits)
    for factor, word in ((_YI, "亿"), (_WAN, "万")):
        if abs(value) >= factor:
            scaled = value / factor
            return f"{_digits(scaled, max(digits, len(str(int(abs(scaled))))))} {word}"
    return _digits(value, digits)


def count_words(value: float, *, digits: int = 3, signed: bool = False, short: bool = False) -> Bilingual:
    """A count: ``22,900`` and ``2.29 万``; ``short`` writes ``11.6M``, for axes and cells.

    Examples
    --------
    >>> count_words(22_936).zh, count_words(11.6e6, short=True)
    ('2.29 万', '11.6M')
    """
    sign = "+" if signed and value > 0 else ""
    kept = _rounded(value, digits)
    english = f"{kept:,.0f}" if abs(kept) >= 1000 or kept == int(kept) else _digits(kept, digits)
    if not short and abs(value) >= MEGA:
        factor, word = (GIGA, "billion") if abs(value) >= GIGA else (MEGA, "million")
        english = f"{sign}{_digits(kept / factor, digits)} {word}".removeprefix("+")
    if short and abs(value) >= KILO:
        factor, letter = (MEGA, "M") if abs(value) >= MEGA else (KILO, "k")
        english = _digits(value / factor, digits) + letter
    return Bilingual(sign + english, sign + _chinese(value, digits))


_MONEY = {"USD": "美元", "CNY": "元", "EUR": "欧元", "HKD": "港元"}


def money_words(value: float, currency: str = "USD", *, digits: int = 3, signed: bool = False) -> Bilingual:
    """Money: ``27,000 USD`` and ``2.7 万美元``; from a billion on ``13.1 bn USD`` and ``131 亿美元``.

    Examples
    --------
    >>> money_words(237_500, "CNY", digits=5).zh
    '23.75 万元'
    """
    sign = "+" if signed and value > 0 else ""
    word = _MONEY.get(currency, currency)
    chinese = _chinese(value, digits)
    joined = f"{chinese}{word}" if chinese[-1] in "万亿" else f"{chinese} {word}"
    if abs(value) >= 0.1 * GIGA:
        return Bilingual(f"{sign}{_digits(value / GIGA, digits)} bn {currency}", sign + joined)
    kept = _rounded(value, digits)
    english = f"{kept:,.0f}" if abs(kept) >= 1000 else _digits(kept, max(digits, 3))
    return Bilingual(f"{sign}{english} {currency}", sign + joined)


def times_words(value: float, *, digits: int = 2) -> Bilingual:
    """A ratio: ``6.7x`` and ``6.7 倍``."""
    shown = _digits(value, digits) if value >= 1 else f"{value:.2f}"
    shown = f"{value:.1f}" if 1 <= value < 10 and digits == 2 else shown
    return Bilingual(f"{shown}x", f"{shown} 倍")


def share_words(value: float, *, signed: bool = False) -> Bilingual:
    """A share: ``17 %`` in both languages, closed up in Chinese."""
    shown = f"{100 * value:+.0f}" if signed else f"{100 * value:.0f}"
    shown = "0" if shown in ("-0", "+0") else shown
    return Bilingual(f"{shown} %", f"{shown}%")


def points_words(value: float) -> Bilingual:
    """A difference of two shares: ``-4 points`` and ``-4 个百分点``."""
    return Bilingual(f"{points(value)} points", f"{points(value)} 个百分点")


def points(value: float) -> str:
    """The same without its unit."""
    shown = f"{100 * value:+.0f}"
    return "0" if shown in ("-0", "+0") else shown


def billions(value: float, *, signed: bool = False) -> Bilingual:
    """Money under a heading that names the currency: ``13.1 bn`` and ``131 亿``."""
    sign = "+" if signed and value > 0 else ""
    small = abs(value) < 5e-4 * GIGA
    if small:
        return Bilingual("0", "0")
    value = _rounded(value, 3)
    return Bilingual(f"{sign}{_digits(value / GIGA, 3)} bn", f"{sign}{_digits(value / _YI, 3)} 亿")


def day_words(day: date) -> Bilingual:
    """``28 November 2026`` and ``2026 年 11 月 28 日``."""
    return Bilingual(f"{day.day} {_MONTHS[day.month - 1]} {day.year}", f"{day.year} 年 {day.month} 月 {day.day} 日")


_SEASON = {"Q1": "一季度", "Q2": "二季度", "Q3": "三季度", "Q4": "四季度"}
_HALF = {"H1": "上半年", "H2": "下半年"}


def month_words(when: str) -> str:
    """A day, month, quarter or year as tables write it, for people; other words stay.

    Examples
    --------
    >>> month_words("2026-11").zh, month_words("2025-Q4").zh
    ('2026 年 11 月', '2025 年四季度')
    """
    parts = when.replace("/", "-").split("-")
    try:
        if len(parts) == 3:
            return day_words(date(*map(int, parts)))
        if len(parts) == 2 and parts[1].isdigit() and len(parts[1]) == 2:
            return Bilingual(f"{_MONTHS[int(parts[1]) - 1]} {parts[0]}", f"{parts[0]} 年 {int(parts[1])} 月")
    except (ValueError, IndexError):
        return when
    if len(parts) == 2 and parts[0].isdigit() and parts[1] in _SEASON | _HALF:
        return Bilingual(f"{parts[1]} {parts[0]}", f"{parts[0]} 年{(_SEASON | _HALF)[parts[1]]}")
    year, _, word = when.partition(" ")
    if year.isdigit() and word in ("mid", "launch", "end", "early", "late", ""):
        said = {"mid": "年中", "launch": "年上市时", "end": "年底", "early": "年初", "late": "年末", "": "年"}[word]
        return Bilingual(f"{word} {year}".strip(), f"{year} {said}")
    return when


def quarter_words(quarter: str) -> str:
    """``Q4 2030`` and ``2030 年四季度`` from ``2030Q4``."""
    return month_words(f"{quarter[:4]}-{quarter[4:]}")


def range_words(low: float, high: float, of: Callable[..., Bilingual], **how: Any) -> Text:
    """A range in the words of the language: ``19,000 to 28,100`` and ``1.9 万至 2.81 万``."""
    return text("{low} to {high}", low=of(low, **how), high=of(high, **how))


def axis_words(kind: str, value: float) -> str:
    """A number of an axis: ``count``, ``count change``, ``share``, ``share change`` or ``plain``."""
    if kind == "count":
        return count_words(value, short=True)
    if kind == "count change":
        return count_words(value, signed=True, short=True)
    if kind == "share":
        return share_words(value)
    if kind == "share change":
        return points_words(value)
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
