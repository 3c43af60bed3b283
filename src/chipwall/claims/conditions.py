"""One value of one condition: a spelling resolved to the id, number or day that engines take, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches

from chipwall.claims.library import Library
from chipwall.claims.readings.series import SEPARATOR
from chipwall.claims.records import Value
from chipwall.claims.vocabulary import ASSUMPTIONS, ConditionKind
from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["condition_value"]


def condition_value(condition: ConditionKind, given: object, world: Library) -> Value:
    """The value that engines take.

    Raises
    ------
    InputError
        Of the wrong sort, or a name that nobody knows, with the nearest names.
    """
    return _SORTS[condition.sort](condition, given, world)


def _text(condition: ConditionKind, given: object) -> str:
    if not isinstance(given, str):
        raise InputError(text("{value} is not a name", value=str(given)), fix=text("Put the name in quotes"))
    return given


def _known(given: str, known: Iterable[str]) -> str:
    names = list(known)
    if given in names:
        return given
    near = get_close_matches(given, names, n=4, cutoff=0.4)
    shown = near or names[:12]
    raise InputError(
        text("unknown value '{value}'", value=given),
        where=text("Did you mean {names}?", names=", ".join(f"'{n}'" for n in shown))
        if near
        else text("One of: {names}", names=", ".join(shown) + (", ..." if len(names) > len(shown) else "")),
    )


def _chip(condition: ConditionKind, given: object, world: Library) -> Value:
    return world.catalog.names.chip(_text(condition, given)).id


def _model(condition: ConditionKind, given: object, world: Library) -> Value:
    return world.catalog.names.model(_text(condition, given)).id


def _system(condition: ConditionKind, given: object, world: Library) -> Value:
    return world.catalog.names.system(_text(condition, given)).id


def _day(condition: ConditionKind, given: object, world: Library) -> Value:
    if isinstance(given, date):
        return given
    raise InputError(text("'{value}' is not a date", value=str(given)), fix=text("Write 2026-02-01, without quotes"))


def _choice(condition: ConditionKind, given: object, world: Library) -> Value:
    choices = condition.choices or ("none", *world.law.parties)
    return _known(_text(condition, given), choices)


def _count(condition: ConditionKind, given: object, world: Library) -> Value:
    if isinstance(given, (int, float)) and not isinstance(given, bool) and given >= 1 and float(given).is_integer():
        return float(given)
    raise InputError(text("{value} is not a count", value=str(given)), fix=text("Give a whole number of one or more"))


def _share(condition: ConditionKind, given: object, world: Library) -> Value:
    if isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 1:
        return float(given)
    raise InputError(text("{value} is not a share", value=str(given)), fix=text("Give a share between 0 and 1"))


def _limit(condition: ConditionKind, given: object, world: Library) -> Value:
    return _known(_text(condition, given), world.law.parameters)


def _observation(condition: ConditionKind, given: object, world: Library) -> Value:
    words = _text(condition, given)
    if condition.name == "over" and SEPARATOR not in words:
        return world.book.find(words).id  # of the same period
    if words.count(SEPARATOR) != 1:
        raise InputError(
            text("'{value}' is not a series with a period", value=words),
            fix=text("Write for example 'nvidia_h20_revenue @ FY26Q3'"),
        )
    name, period = words.split(SEPARATOR)
    world.book.find(name)
    if not period.strip():
        raise InputError(text("'{value}' has no period", value=words))
    return words


def _series(condition: ConditionKind, given: object, world: Library) -> Value:
    return world.book.find(_text(condition, given)).id


def _scenario(condition: ConditionKind, given: object, world: Library) -> Value:
    return _known(_text(condition, given), (*((ASSUMPTIONS,) if condition.default else ()), *world.scenarios))


def _quarter(condition: ConditionKind, given: object, world: Library) -> Value:
    from chipwall.market.model.quarters import quarter_index, quarter_name

    return quarter_name(quarter_index(_text(condition, given)))


def _path(condition: ConditionKind, given: object, world: Library) -> Value:
    return _known(_text(condition, given), world.path_names)


def _event(condition: ConditionKind, given: object, world: Library) -> Value:
    return _known(_text(condition, given), (e.id for e in world.law.events))


def _country(condition: ConditionKind, given: object, world: Library) -> Value:
    return world.law.countries.resolve(_text(condition, given))


_SORTS: Mapping[str, Callable[[ConditionKind, object, Library], Value]] = {
    "chip": _chip,
    "model": _model,
    "system": _system,
    "day": _day,
    "choice": _choice,
    "count": _count,
    "share": _share,
    "limit": _limit,
    "observation": _observation,
    "series": _series,
    "scenario": _scenario,
    "quarter": _quarter,
    "path": _path,
    "event": _event,
    "country": _country,
}
