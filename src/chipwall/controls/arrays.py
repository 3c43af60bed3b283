"""The threshold clauses on arrays: the same clauses as the explained form, at more than a million pairs a second.

For searches over rules and designs. Destinations, parties and reasons are not here; ask :func:`decide` for those.

Numbers are float64, so a limit is compared as the nearest double. Published numbers and printed limits are short
decimals, which both become the same double when they are equal; a quotient of two such numbers rounds once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from chipwall.controls.law import Law, LawOn
from chipwall.controls.logic import arrays_verdict
from chipwall.errors import InputError
from chipwall.text import text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.float64]]
    Days = NDArray[np.datetime64]
    One = Callable[[LawOn, Columns, int], NDArray[np.int8]]

__all__ = ["CONTROL_CLASSES", "classes", "family_verdict"]

CONTROL_CLASSES = ("not_3A090", "3A090(2022)", "3A090.a", "3A090.b", "3A090.c", "unknown")
_UNKNOWN = CONTROL_CLASSES.index("unknown")
_BLOCK = 16384  # rows: a block and its masks stay in the second-level cache


def _segments(law: Law, families: tuple[str, ...]) -> list[date]:
    """Days on which any clause or limit of these families starts or stops."""
    days = set()
    for clause in law.clauses:
        if clause.family not in families:
            continue
        limits = [law.parameters[test.limit] for test in clause.tests if test.limit in law.parameters]
        for rule in (law.rules[clause.rule], *limits):
            for record in rule.records:
                days.add(record.effective)
                if record.end is not None:
                    days.add(date.fromordinal(record.end.toordinal() + 1))
        if clause.id in law.repealed:
            days.add(law.repealed[clause.id])
    return sorted(days)


def _prepared(columns: Columns, days: Days | date) -> tuple[dict[str, NDArray[np.float64]], Days]:
    """Columns of one length, density worked out where TPP and area are given, and a day for each row."""
    import numpy as np

    stretched = np.broadcast_arrays(*columns.values(), np.asarray(days, dtype="datetime64[D]"))
    found = {name: np.asarray(column, dtype=np.float64) for name, column in zip(columns, stretched[:-1], strict=True)}
    if found and stretched[-1].ndim != 1:
        raise InputError(text("arrays of one dimension are asked, not {dimensions}", dimensions=stretched[-1].ndim))
    if "performance_density" not in found and {"tpp", "die_area"} <= set(found):
        area = found["die_area"]
        # no die that counts leaves density undefined, hence unknown
        with np.errstate(divide="ignore", invalid="ignore"):
            found["performance_density"] = np.where(area > 0, found["tpp"] / area, np.nan)
    if "dram_plus_io" not in found and {"dram_bandwidth", "io_rate"} <= set(found):
        found["dram_plus_io"] = found["dram_bandwidth"] + found["io_rate"]
    return found, stretched[-1]


def classes(columns: Columns, days: Days | date, *, law: Law) -> NDArray[np.int8]:
    """Class of each processor on each day, as an index of :data:`CONTROL_CLASSES`.

    Parameters
    ----------
    columns : mapping of str to array
        ``tpp`` [TPP]; ``performance_density`` [TPP/mm2] or ``die_area`` [mm2]; ``io_rate`` [GB/s];
        ``datacenter`` (1 or 0). NaN is unknown; a column left out is unknown throughout. They broadcast with ``days``.
    days : array of datetime64[D], or date
        Day of the export.
    law : Law
        The law it is asked of.

    Returns
    -------
    array of int8
        ``unknown`` where a missing number would change the class.
    """
    return _by_segment(
        columns, days, families=("processor", "processor-excluded"), law=law, one=_classes
    )


def family_verdict(columns: Columns, days: Days | date, *, family: str, law: Law) -> NDArray[np.int8]:
    """Whether any clause of a family is met: 1 met, 0 not, -1 cannot be told.

    Families are ``processor``, ``memory``, ``review2026``, ``duty``, ``hbm-exception`` and the letters, for example
    ``letter-intel-2025``; a day on which a family has no clause answers 0.
    """
    return _by_segment(columns, days, families=(family,), law=law, one=_family(family))


def _by_segment(
    columns: Columns, days: Days | date, *, families: tuple[str, ...], law: Law, one: One
) -> NDArray[np.int8]:
    import numpy as np

    found, each_day = _prepared(columns, days)
    starts = _segments(law, families)
    edges = np.array(starts, dtype="datetime64[D]")
    views = [law.on(start) for start in (date(1900, 1, 1), *starts)]
    answer = np.empty(each_day.shape, dtype=np.int8)
    for first in range(0, each_day.size, _BLOCK):
        rows = slice(first, first + _BLOCK)
        segment = np.searchsorted(edges, each_day[rows], side="right")
        block = {name: column[rows] for name, column in found.items()}
        for index in np.unique(segment):
            here = segment == index
            if here.all():
                answer[rows] = one(views[index], block, segment.size)
                continue
            part = {name: column[here] for name, column in block.items()}
            answer[rows][here] = one(views[index], part, int(here.sum()))
    return answer


def _any(
    view: LawOn, block: Columns, *, size: int, family: str, outcome: str = ""
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    import numpy as np

    met: NDArray[np.bool_] | None = None
    undecided: NDArray[np.bool_] | None = None
    for clause in view.family(family):
        if outcome and clause.outcome != outcome:
            continue
        holds, unsure = arrays_verdict(clause, block, limits=view.limits, size=size)
        met = holds if met is None else met | holds
        if unsure is not None:
            undecided = unsure if undecided is None else undecided | unsure
    nowhere = np.zeros(size, dtype=bool)
    met = nowhere if met is None else met
    return met, nowhere if undecided is None else undecided & ~met


def _classes(view: LawOn, block: Columns, size: int) -> NDArray[np.int8]:
    import numpy as np

    outside, perhaps_outside = _any(view, block, size=size, family="processor-excluded")
    answer = np.zeros(size, dtype=np.int8)
    left = ~outside
    for outcome in dict.fromkeys(clause.outcome for clause in view.family("processor")):
        met, undecided = _any(view, block, size=size, family="processor", outcome=outcome)
        answer[left & met] = CONTROL_CLASSES.index(outcome)
        answer[left & ((met & perhaps_outside) | undecided)] = _UNKNOWN
        left &= ~(met | undecided)
    return answer


def _family(family: str) -> One:
    import numpy as np

    def one(view: LawOn, block: Columns, size: int) -> NDArray[np.int8]:
        met, undecided = _any(view, block, size=size, family=family)
        return met.astype(np.int8) - undecided.astype(np.int8)

    return one
