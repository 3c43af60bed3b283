"""What a figure is: a finding, what it measures, who says so, the marks, and the same numbers as a table."""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.report.forms.table import Table

__all__ = [
    "CaseCell",
    "CaseGrid",
    "Chart",
    "ChipMark",
    "DaySpan",
    "DayStripes",
    "Dot",
    "DotRow",
    "DotRows",
    "Panel",
    "RuleArea",
    "RuleWall",
    "TimeBands",
    "TradeCurves",
    "TradeLine",
    "VerdictTally",
]


@dataclass(frozen=True, slots=True)
class Dot:
    """A value in a row of a panel.

    Attributes
    ----------
    value : float
        Where the mark stands, in the unit of the panel.
    shown : str
        The number as people say it, written beside the mark.
    low, high : float or None
        Ends of the interval, drawn as a line.
    sure : bool
        A filled mark: published or measured, or modelled on rows of its own kind. Else the mark is hollow.
    why : str
        What the number rests on; told when the mark is pointed at.
    """

    value: float
    shown: str
    low: float | None = None
    high: float | None = None
    sure: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class DotRow:
    """A row: its name, one dot per panel or what is written instead, whose chip it is, and whether the figure is about it.

    ``side`` is ``us``, ``cn`` or empty; ``subject`` marks the row that the page is about.
    """

    label: str
    dots: tuple[Dot | str, ...]
    side: str = ""
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A column of dots with an axis of its own; ``reference`` is a line at a value, with its name.

    ``shown`` is how its numbers are written, a kind of :func:`chipwall.report.language.numbers.axis_words`.
    """

    title: str
    log: bool = False
    zero: bool = False
    reference: tuple[float, str] | None = None
    shown: str = "plain"


@dataclass(frozen=True, slots=True)
class DotRows:
    """Names down, one panel or several across: ratios, rates, latencies, memory, prices, values of claims."""

    panels: tuple[Panel, ...]
    lines: tuple[DotRow, ...]
    bars: bool = False


@dataclass(frozen=True, slots=True)
class TimeBands:
    """One quantity over time: the middle, the inner and the outer half of what the draws say, zero, and today.

    ``outer`` and ``inner`` are pairs of low and high by time; ``counted`` is the last time that is record.
    """

    times: tuple[str, ...]
    mid: tuple[float, ...]
    outer: tuple[tuple[float, float], ...]
    inner: tuple[tuple[float, float], ...]
    shown: str
    today: str = ""
    words: tuple[str, str] = ("", "")
    """What lies above and below zero."""


@dataclass(frozen=True, slots=True)
class ChipMark:
    """A chip in a plane of two numbers; ``chip`` is its id, ``url`` where its mark leads to on a page."""

    label: str
    x: float
    y: float
    side: str = ""
    subject: bool = False
    sure: bool = True
    exempt: bool = False
    why: str = ""
    chip: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class RuleArea:
    """A region of a rule; a side that the rule leaves open is None and is drawn to the edge of the axis."""

    label: str
    x_from: float | None
    x_to: float | None
    y_from: float | None
    y_to: float | None
    kind: str = "deny"


@dataclass(frozen=True, slots=True)
class RuleWall:
    """Chips against the limits of a rule, both axes logarithmic."""

    x: str
    y: str
    points: tuple[ChipMark, ...]
    areas: tuple[RuleArea, ...]


@dataclass(frozen=True, slots=True)
class DaySpan:
    """A stretch of days with one answer; ``kind`` is ``free``, ``case``, ``deny``, ``letter``, ``gate`` or ``unknown``."""

    start: str
    end: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class DayStripes:
    """Answers over days, one stripe per question; ``since`` and ``until`` are ISO days, today has a line of its own."""

    stripes: tuple[tuple[str, tuple[DaySpan, ...]], ...]
    since: str
    until: str
    today: str


@dataclass(frozen=True, slots=True)
class CaseCell:
    """How many cases hold, fail and stay undecided under two conditions."""

    x: str
    y: str
    holds: int
    fails: int
    open: int


@dataclass(frozen=True, slots=True)
class CaseGrid:
    """Where a sentence holds: two conditions against each other."""

    x: str
    y: str
    cells: tuple[CaseCell, ...]


@dataclass(frozen=True, slots=True)
class VerdictTally:
    """Verdicts as squares by kind: word, kind (``supported``, ``depends``, ``contradicted``, ``open``), what each says."""

    groups: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class TradeLine:
    """A line of a name: points of x, y and the interval of y; published runs as x, y and what they are."""

    label: str
    points: tuple[tuple[float, float, float, float], ...]
    measured: tuple[tuple[float, float, str], ...] = ()
    subject: bool = False


@dataclass(frozen=True, slots=True)
class TradeCurves:
    """What is gained of one number for giving up another, both axes logarithmic."""

    x: str
    y: str
    lines: tuple[TradeLine, ...]


Body = DotRows | TimeBands | RuleWall | DayStripes | CaseGrid | VerdictTally | TradeCurves


@dataclass(frozen=True, slots=True)
class Chart:
    """One answer as a picture.

    Attributes
    ----------
    id : str
        Names it in links and files.
    title : str
        The finding, a sentence.
    subtitle : str
        What is measured, in which unit, how.
    source : str
        Who says so, on which day.
    body : Body
        The marks.
    table : Table
        The same numbers for reading and for CSV, with low and high in columns of their own.
    notes : tuple of str
        What a mark means that the figure uses and does not write out.
    """

    id: str
    title: str
    subtitle: str
    source: str
    body: Body
    table: Table
    notes: tuple[str, ...] = ()
