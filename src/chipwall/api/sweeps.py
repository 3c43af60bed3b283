"""Any door over a grid of arguments; serving as one call on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from math import prod
from typing import Any

from chipwall.answer import Answer
from chipwall.api.doors import DOORS, calibrated_in_use, chip_of, door, model_of, source_of, unknown_argument
from chipwall.errors import ChipwallError, InputError
from chipwall.text import text

__all__ = ["MOST_ARRAY_POINTS", "MOST_POINTS", "sweep"]

# Points of a sweep: of serving, which is one call on arrays, and of a door that is asked point by point.
MOST_ARRAY_POINTS, MOST_POINTS = 200_000, 2_000


@door
def sweep(question: Callable[..., Answer], **grid: Any) -> Answer:
    """Ask a door at every combination of lists: ``sweep(cw.serve, chip=["h200", "h20"], users=[1, 8, 64])``.

    Parameters
    ----------
    question : function
        ``cw.serve``, ``cw.train``, ``cw.decide`` and so on.
    **grid
        Arguments of that function; a list or an array is an axis, anything else holds for all points.

    Returns
    -------
    Answer
        A row per point: the axes, the figures with their interval and unit, and ``problem`` where a point has no answer
        (then the figures are empty).

    Raises
    ------
    InputError
        More than 200,000 points of ``serve``, or 2,000 of another door; an argument that the door does not know.

    Limits
    ------
    In memory and in one process. Serving is computed on arrays of all points together; other doors point by point.

    Examples
    --------
    >>> len(sweep(DOORS["serve"], model="llama-2-70b", chip=["h200", "h20"], chips=8, users=[1, 8, 64]).rows)
    6
    """
    name = getattr(question, "__name__", "")
    if DOORS.get(name) is not question:
        raise InputError(
            text("sweep() takes a function of chipwall first"),
            where="question",
            fix=text("Give for example cw.serve, without brackets"),
        )
    import inspect

    known = inspect.signature(question).parameters
    for given in grid:
        if given not in known and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
            raise unknown_argument(name, given, known)
    axes = {n: _values(n, v) for n, v in grid.items() if _is_axis(v)}
    fixed = {n: v for n, v in grid.items() if n not in axes}
    size, most = prod(len(v) for v in axes.values()), MOST_ARRAY_POINTS if name == "serve" else MOST_POINTS
    if size > most:
        raise InputError(
            text(
                "{size} points are more than the {most} of one sweep of {door}()",
                size=f"{size:,}",
                most=f"{most:,}",
                door=name,
            ),
            where=", ".join(axes),
            fix=text("Give fewer or shorter lists"),
        )
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    rows = _serve_rows(points, fixed) if name == "serve" else [_row(question, point, fixed) for point in points]
    if all("problem" in row and row["problem"] for row in rows):
        raise InputError(
            text("no point of the sweep has an answer"),
            where=str(rows[0]["problem"])[:200],
            fix=text("Change what all points share"),
        )
    return Answer(
        "sweep",
        text("{count} points of {door}()", count=size, door=name),
        items=tuple(rows),
        rows=tuple(rows),
        source_of=source_of,
    )


def _is_axis(value: Any) -> bool:
    return isinstance(value, (list, tuple, range)) or (hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1)


def _values(name: str, value: Any) -> list[Any]:
    found = value.tolist() if hasattr(value, "tolist") else list(value)
    if not found:
        raise InputError(text("the list of {name} is empty", name=name), where=name, fix=text("Give one value or more"))
    return found


def _shown(point: Mapping[str, Any]) -> dict[str, Any]:
    return {
        n: v if isinstance(v, (str, int, float, bool)) or v is None else getattr(v, "id", str(v))
        for n, v in point.items()
    }


def _row(question: Callable[..., Answer], point: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = question(**fixed, **point)
    except ChipwallError as refusal:
        return {**_shown(point), "problem": str(refusal.what)}
    if found.figures:
        return {**_shown(point), **found._plain_rows()[0], "problem": ""}
    return {**_shown(point), "answer": str(found.title), "problem": ""}


def _serve_rows(points: list[dict[str, Any]], fixed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every point of serving: words become records point by point, the arithmetic is one call on arrays."""
    from chipwall.api.serving import question_of
    from chipwall.perf.serving.grid import serving_grid
    from chipwall.perf.serving.images import with_images

    asked: list[Any] = []
    for point in points:
        given = {**fixed, **point}
        try:
            model, chip = (given.pop(n, None) for n in ("model", "chip"))
            record = model_of(model)
            asked.append((record, chip_of(chip), with_images(record, question_of(**given))))
        except ChipwallError as refusal:
            asked.append(refusal)
    answers = iter(serving_grid([a for a in asked if isinstance(a, tuple)], calibrated_in_use()))
    rows = []
    for point, each in zip(points, asked, strict=True):
        found: Any = next(answers) if isinstance(each, tuple) else each
        if isinstance(found, ChipwallError):
            rows.append({**_shown(point), "problem": str(found.what)})
            continue
        row: dict[str, Any] = {}
        for name, (unit, value, low, high, basis) in found.items():
            column = f"{name}_{unit}" if unit else name
            row |= {
                column: value,
                column.replace(name, f"{name}_low", 1): low,
                column.replace(name, f"{name}_high", 1): high,
            }
            row.setdefault("basis", basis)  # of the first figure, the rate: the others may rest on less
        rows.append({**_shown(point), **row, "problem": ""})
    return rows
