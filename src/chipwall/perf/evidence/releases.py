"""The date of a release of serving software, as the measured runs that name it say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from chipwall.errors import InputError
from chipwall.perf.serving.engines import engine_family, year_of
from chipwall.text import text

__all__ = ["version_year"]

_NUMBERS = re.compile(r"\d+")
# Numbers of a version that tell releases apart: 0.11.2 is 0.11 a little later.
TOLD = 2


def version_year(engine: str, version: str, rows: Sequence[Mapping[str, str]]) -> float:
    """When a version of an engine came out, as a year with fraction.

    Parameters
    ----------
    engine : str
        A key of :data:`chipwall.perf.serving.engines.ENGINES`.
    version : str
        ``0.11``, ``0.5.9``, ``1.1.0rc2``.
    rows : sequence of mapping
        Measured serving runs, with ``engine``, ``engine_version`` and ``date``.

    Returns
    -------
    float
        The earliest run of that version; between the neighbours where it was not measured, and the newest release that was
        measured for a later one of the same major version: no engine is taken to be newer than what is known.

    Raises
    ------
    InputError
        A version before all that were measured, or of a major version that is not known: then the date must be given.
    """
    wanted = _key(version)
    dated = _dated(engine, rows)
    if not wanted or not dated:
        raise _undated(engine, version, dated)
    same = [year for key, year in dated.items() if key[: len(wanted)] == wanted]
    if same:
        return min(same)
    before = [key for key in dated if key < wanted]
    after = [key for key in dated if key > wanted]
    if before and not after and max(before)[0] == wanted[0]:
        return max(dated.values())
    if not before or not after:
        raise _undated(engine, version, dated)
    return (dated[max(before)] + dated[min(after)]) / 2.0


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in _NUMBERS.findall(version)[: TOLD + 1])


def _dated(engine: str, rows: Sequence[Mapping[str, str]]) -> dict[tuple[int, ...], float]:
    """The earliest run of each version of an engine."""
    found: dict[tuple[int, ...], float] = {}
    for row in rows:
        key, year = _key(row.get("engine_version", "")), year_of(row.get("date", ""))
        # a date in place of a version is none
        if len(key) > 1 and key[0] < 1000 and year is not None and engine_family(row.get("engine", "")) == engine:
            found[key] = min(found.get(key, year), year)
    return found


def _undated(engine: str, version: str, dated: Mapping[tuple[int, ...], float]) -> InputError:
    known = ", ".join(".".join(map(str, key)) for key in sorted(dated)[:1] + sorted(dated)[-1:])
    return InputError(
        text("no date is known of {engine} {version}", engine=engine, version=version or "?"), where="engine",
        fix=text("Give the date of the release, as {engine}@2026-05 (versions known: {known})", engine=engine, known=known or "-"),
    )  # fmt: skip
