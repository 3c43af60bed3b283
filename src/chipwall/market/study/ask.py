"""How probable a statement about a quantity on a date is: ``gap < 4 on 2027-12-31``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import sqrt

import numpy as np

from chipwall.catalog.periods import parse_period
from chipwall.errors import InputError
from chipwall.market.model.paths import Band, Paths, sample_band
from chipwall.market.model.quantities import unit_of
from chipwall.market.model.quarters import quarter_index
from chipwall.text import text

__all__ = ["MarketQuestion", "Reply", "question", "reply"]

_FORM = re.compile(
    r"^\s*([a-z][a-z0-9_-]*)\s*(<=|>=|<|>)\s*([-+]?[0-9][0-9_,.]*(?:e[-+]?\d+)?)\s*(%|k|M|bn)?\s+(?:on|in|by)\s+(\S+)\s*$"
)
_SCALE = {None: 1.0, "": 1.0, "%": 0.01, "k": 1e3, "M": 1e6, "bn": 1000.0 * 1e6}


@dataclass(frozen=True, slots=True)
class MarketQuestion:
    """A quantity of the simulation, a comparison, a value in the quantity's own unit, and the quarter that holds the day."""

    words: str
    quantity: str
    sign: str
    value: float
    quarter: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The share of draws in which a statement holds [1], its Monte Carlo error, and the band of the quantity."""

    question: MarketQuestion
    scenario: str
    probability: float
    error: float
    band: Band

    def record(self) -> dict[str, object]:
        """For machines."""
        return {
            "asked": self.question.words, "scenario": self.scenario, "quarter": self.question.quarter,
            "probability": self.probability, "error": self.error, "unit": unit_of(self.question.quantity),
            "low": self.band.low, "mid": self.band.mid, "high": self.band.high,
        }  # fmt: skip


def question(words: str) -> MarketQuestion:
    """A question from its words.

    Raises
    ------
    InputError
        The words have another form, the date is none, or it lies outside the quarters that can be simulated.

    Examples
    --------
    >>> question("gap < 4 on 2027-12-31")
    Question(words='gap < 4 on 2027-12-31', quantity='gap', sign='<', value=4.0, quarter='2027Q4')
    """
    match = _FORM.match(words)
    if not match:
        raise InputError(
            text("'{words}' is not a question about a quantity", words=words),
            where="ask",
            fix=text("Write it like: gap < 4 on 2027-12-31; quantities: chipwall market quantities"),
        )
    name, sign, number, scale, day = match.groups()
    try:
        value = float(number.replace(",", "").replace("_", "")) * _SCALE[scale]
    except ValueError:
        raise InputError(text("'{number}' is not a number", number=number), where="ask") from None
    end = parse_period(day).end
    if end is None:
        raise InputError(
            text("'{day}' is not a date", day=day),
            where="ask",
            fix=text("Write a day like 2027-12-31 or a quarter like 2027Q4"),
        )
    quarter = f"{end.year}Q{(end.month + 2) // 3}"
    quarter_index(quarter, where="ask")
    return MarketQuestion(words, name, sign, value, quarter)


def reply(paths: Paths, asked: MarketQuestion) -> Reply:
    """How probable the statement is under the scenario of a run: conditional on it and on the priors."""
    sample = paths.at(asked.quantity, asked.quarter)
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[asked.sign]
    share = float(np.mean(compare(sample, asked.value)))
    return Reply(
        asked,
        paths.title,
        share,
        sqrt(share * (1 - share) / len(sample)),
        sample_band(np.asarray(sample, dtype=np.float64)),
    )
