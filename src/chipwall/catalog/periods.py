"""The time a number belongs to: every form in which a table of market data writes a period.

``2025``, ``2025H1``, ``2025Q3``, ``2025-10``, ``2025-12-31``, ``2026-08-01 to 2026-08-15``, ``FY26Q3`` and ``FY2025``
(fiscal periods of Nvidia, whose year ends on the last Sunday of January), ``2025-2027``, and words: ``2026 mid``,
``2025 year end``, ``2027 forecast``, ``spec``. A period that names no time is kept with its words.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from chipwall import units

__all__ = ["Period", "PeriodForm", "nvidia_fiscal_quarter", "parse_period"]

PeriodForm = Literal["year", "half", "quarter", "month", "day", "days", "fiscal quarter", "fiscal year", "span", "words"]
DAYS_PER_QUARTER = units.YEAR / units.DAY / 4


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time as a table writes it.

    Attributes
    ----------
    label : str
        As written.
    form : str
        ``year``, ``half``, ``quarter``, ``month``, ``day``, ``days``, ``fiscal quarter``, ``fiscal year``, ``span`` or
        ``words`` (names no time).
    start, end : date or None
        First and last day; None when the words name no time.
    forecast : bool
        The words say forecast or plan: the number was not known when it was printed.
    """

    label: str
    form: PeriodForm
    start: date | None = None
    end: date | None = None
    forecast: bool = False

    @property
    def dated(self) -> bool:
        """Whether the words name a time at all."""
        return self.start is not None and self.end is not None

    @property
    def quarters(self) -> float:
        """Length [quarter]; a day counts as one day, words without a time as zero."""
        if self.start is None or self.end is None:
            return 0.0
        return ((self.end - self.start).days + 1) / DAYS_PER_QUARTER

    @property
    def calendar_quarters(self) -> float:
        """Length with the calendar's small differences removed: a quarter 1, a half-year 2, a year 4 [quarter]."""
        whole = {"year": 4.0, "half": 2.0, "quarter": 1.0, "month": 1 / 3, "fiscal quarter": 1.0, "fiscal year": 4.0}
        return whole.get(self.form, self.quarters)

    @property
    def middle(self) -> date | None:
        """The day in the middle."""
        if self.start is None or self.end is None:
            return None
        return self.start + (self.end - self.start) / 2

    def by(self, day: date) -> bool:
        """Whether the period is over on that day and is no forecast."""
        return self.end is not None and self.end <= day and not self.forecast


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _months(year: int, first: int, count: int) -> tuple[date, date]:
    return date(year, first, 1), _last_day(year, first + count - 1)


def _fiscal_end(year: int) -> date:
    """Last day of Nvidia's fiscal year: the last Sunday of January."""
    last = date(year, 1, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def nvidia_fiscal_quarter(year: int, quarter: int) -> tuple[date, date]:
    """First and last day of a fiscal quarter of Nvidia.

    Quarters have 13 weeks; the fourth of a 53-week year has 14.

    Examples
    --------
    >>> nvidia_fiscal_quarter(2026, 2)
    (datetime.date(2025, 4, 28), datetime.date(2025, 7, 27))
    """
    before = _fiscal_end(year - 1)
    start = before + timedelta(days=1 + 91 * (quarter - 1))
    return start, _fiscal_end(year) if quarter == 4 else before + timedelta(days=91 * quarter)


def _century(words: str) -> int:
    return int(words) if len(words) == 4 else 2000 + int(words)


_DAY = r"(\d{4})-(\d{2})-(\d{2})"
_TO = r"\s*(?:to|until|through|/|\.\.\.?|-|–|—|,|~|_|:)\s*"
_Match = re.Match[str]
Made = tuple[PeriodForm, date, date]


def _year(m: _Match) -> Made:
    return "year", *_months(int(m[1]), 1, 12)


def _half(m: _Match) -> Made:
    return "half", *_months(int(m[1]), 1 if m[2] == "1" else 7, 6)


def _half_first(m: _Match) -> Made:
    return "half", *_months(int(m[3]), 1 if "1" in (m[1], m[2]) else 7, 6)


def _quarter(m: _Match) -> Made:
    return "quarter", *_months(int(m[1]), 3 * int(m[2]) - 2, 3)


def _quarter_first(m: _Match) -> Made:
    return "quarter", *_months(int(m[2]), 3 * int(m[1]) - 2, 3)


def _month(m: _Match) -> Made:
    return "month", *_months(int(m[1]), int(m[2]), 1)


def _day(m: _Match) -> Made:
    day = date(int(m[1]), int(m[2]), int(m[3]))
    return "day", day, day


def _days(m: _Match) -> Made:
    return "days", date(int(m[1]), int(m[2]), int(m[3])), date(int(m[4]), int(m[5]), int(m[6]))


def _days_short(m: _Match) -> Made:
    year, month, first = int(m[1]), int(m[2]), int(m[3])
    return "days", date(year, month, first), date(year, int(m[4] or month), int(m[5]))


def _months_range(m: _Match) -> Made:
    return "days", date(int(m[1]), int(m[2]), 1), _last_day(int(m[3]), int(m[4]))


def _fiscal(m: _Match) -> Made:
    return "fiscal quarter", *nvidia_fiscal_quarter(_century(m[1]), int(m[2]))


def _fiscal_first(m: _Match) -> Made:
    return "fiscal quarter", *nvidia_fiscal_quarter(_century(m[2]), int(m[1]))


def _fiscal_year(m: _Match) -> Made:
    year = _century(m[1])
    return "fiscal year", _fiscal_end(year - 1) + timedelta(days=1), _fiscal_end(year)


def _span(m: _Match) -> Made:
    return "span", date(int(m[1]), 1, 1), date(int(m[2]), 12, 31)


def _year_end(m: _Match) -> Made:
    return "day", date(int(m[1]), 12, 31), date(int(m[1]), 12, 31)


def _mid_year(m: _Match) -> Made:
    return "days", date(int(m[1]), 6, 1), date(int(m[1]), 7, 31)


# Tried in order; a pattern must match the whole label once the words forecast, plan and the like are taken off.
_FORMS: tuple[tuple[re.Pattern[str], Callable[[_Match], Made]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), made)
    for pattern, made in (
        (rf"{_DAY}{_TO}{_DAY}", _days),
        (rf"{_DAY}{_TO}(?:(\d{{2}})-)?(\d{{2}})", _days_short),
        (_DAY, _day),
        (r"(\d{4})-(\d{2})" + r"\s*(?:to|until|through|/|\.\.\.?|–|—)\s*" + r"(\d{4})-(\d{2})", _months_range),
        (r"(\d{4})\s*-?\s*H([12])", _half),
        (r"(?:H([12])|([12])H)\s*-?\s*(\d{4})", _half_first),
        (r"(\d{4})\s*-?\s*Q([1-4])", _quarter),
        (r"Q([1-4])\s*(\d{4})", _quarter_first),
        (r"FY\s*(\d{4}|\d{2})\s*-?\s*Q([1-4])", _fiscal),
        (r"Q([1-4])\s*-?\s*FY\s*(\d{4}|\d{2})", _fiscal_first),
        (r"FY\s*(\d{4}|\d{2})", _fiscal_year),
        (r"(\d{4})\s*[-–/]\s*(\d{4})", _span),
        (r"(\d{4})-(0[1-9]|1[0-2])", _month),
        (r"(\d{4}) year.end", _year_end),
        (r"(\d{4}) mid|mid.?(\d{4})", _mid_year),
        (r"(?:CY\s*)?(\d{4})(?: launch| full year)?", _year),
    )
)
_AHEAD = re.compile(r"\s*\(?\b(forecast|plan|guide|target|expected)\b\)?", re.IGNORECASE)
_ASIDE = re.compile(r"\s*\([^)]*\)")
_ISO = re.compile(_DAY)
_IDLE = re.compile(r"\s*\b(peak|as of|by|end of)\b\s*", re.IGNORECASE)


@lru_cache(maxsize=4096)
def parse_period(label: str) -> Period:
    """The period that a label names.

    Parameters
    ----------
    label : str
        As a table writes it. A label that names no time gives form ``words``.

    Examples
    --------
    >>> parse_period("FY26Q3").end
    datetime.date(2025, 10, 26)
    >>> parse_period("2027 forecast").forecast
    True
    >>> parse_period("spec").dated
    False
    """
    words = _AHEAD.sub("", label.strip())
    ahead = words != label.strip()
    words = _IDLE.sub(" ", _ASIDE.sub("", words)).strip().replace("/", "-" if words.count("/") == 2 else "/")
    for pattern, made in _FORMS:
        match = pattern.fullmatch(words)
        if match:
            try:
                form, start, end = made(match)
            except (ValueError, TypeError):
                continue
            if end >= start:
                return Period(label, form, start, end, ahead)
    return _dates_within(label, ahead=ahead)


def _dates_within(label: str, *, ahead: bool) -> Period:
    """The days that other words hold: one, or the first to the last of two."""
    try:
        days = sorted(date(int(y), int(m), int(d)) for y, m, d in _ISO.findall(label))
    except ValueError:
        days = []
    if len(days) not in (1, 2):
        return Period(label, "words", forecast=ahead)
    return Period(label, "day" if len(days) == 1 else "days", days[0], days[-1], ahead)
