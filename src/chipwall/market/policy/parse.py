"""Tables of a scenario file, each checked on its own, with every problem kept with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipwall.errors import InputError
from chipwall.files import Problems
from chipwall.inputs import known_or_nearest as nearest
from chipwall.market.model.gates import GATE_STATES
from chipwall.market.model.priors import Priors
from chipwall.market.model.products import SEGMENTS, US_PLATFORMS, Product
from chipwall.market.model.quarters import LAST, START, quarter_index, quarter_name
from chipwall.market.model.timeline import LEVERS, Lever
from chipwall.text import text

__all__ = ["add_contradictions", "levers_of", "parameters_of", "products_of"]


def parameters_of(
    table: Mapping[str, Any], problems: Problems, *, priors: Priors
) -> dict[str, tuple[float, float]]:
    """Parameter ranges of the file, by name; what is wrong goes to ``problems``."""
    found: dict[str, tuple[float, float]] = {}
    for name, value in table.items():
        line = problems.line_of("[parameters]", 0, name)
        if name not in priors.names:
            problems.add(line, text("unknown parameter '{name}'; {hint}", name=name, hint=nearest(name, priors.names)))
            continue
        pair = [value, value] if isinstance(value, int | float) else value
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, int | float) for v in pair)):
            problems.add(line, text("parameter '{name}' takes a number or [low, high]", name=name))
            continue
        low, high = float(pair[0]), float(pair[1])
        if said := replace(priors.ranges[name], low=low, high=high).problem():
            problems.add(line, text("parameter '{name}': {why}", name=name, why=said))
        found[name] = (low, high)
    return found


def products_of(
    rows: list[Mapping[str, Any]], problems: Problems, *, shipped: tuple[Product, ...]
) -> tuple[list[Product], dict[str, float]]:
    """Extra products of the file and what their makers set aside [units/quarter]."""
    found: list[Product] = []
    allocations: dict[str, float] = {}
    known = {p.id for p in shipped}
    for nth, row in enumerate(rows):

        def line(key: str = "", nth: int = nth) -> int:
            return problems.line_of("[[product]]", nth, key)

        before = len(problems.found)
        identity = str(row.get("id", ""))
        if not identity or identity in known:
            problems.add(line("id"), text("a new product needs an id of its own, not '{id}'", id=identity))
        chip = _chip(row, line("chip"), problems)
        platform = str(row.get("platform", "cuda"))
        if platform not in US_PLATFORMS:
            problems.add(
                line("platform"), text("a new product is a US one: platform {names}", names=" or ".join(US_PLATFORMS))
            )
        price = row.get("price")
        if not (isinstance(price, list) and len(price) == 2 and 0 < price[0] <= price[1]):
            problems.add(line("price"), text("product '{id}' needs price = [low, high] in USD", id=identity))
        weight = float(row.get("record_weight", 1.0))
        if not 0 <= weight <= 1000:
            problems.add(line("record_weight"), text("record_weight of '{id}' is from 0 to 1000", id=identity))
        if row.get("allocation", 0) < 0:
            problems.add(line("allocation"), text("allocation of '{id}' is units a quarter, zero or more", id=identity))
        if len(problems.found) == before and isinstance(price, list):
            found.append(
                Product(
                    identity,
                    str(row.get("name", identity)),
                    chip,
                    platform,
                    "nvidia",
                    True,
                    (price[0], price[1]),
                    weight,
                )
            )
            allocations[identity] = float(row.get("allocation", 100_000))
    return found, allocations


def _chip(row: Mapping[str, Any], line: int, problems: Problems) -> str:
    from chipwall import catalog

    name = row.get("chip")
    if not name:
        problems.add(line, text("product '{id}' names no chip", id=row.get("id", "")))
        return ""
    try:
        return catalog.chip(str(name)).id
    except InputError as error:
        problems.add(
            line,
            text(
                "product '{id}' has no chip in the catalogue: {why}", id=row.get("id", ""), why=" ".join(error.lines())
            ),
        )
        return ""


def levers_of(
    rows: list[Mapping[str, Any]],
    products: tuple[Product, ...],
    problems: Problems,
    folder: Path | None,
    draft: Callable[[Path], object],
) -> list[Lever]:
    """Levers of the file that are sound, in order; ``draft`` reads the draft rule that a lever names."""
    found = []
    for nth, row in enumerate(rows):
        lever = _lever(row, nth, products, problems, folder, draft)
        if lever is not None:
            found.append(lever)
    return found


def _lever(
    row: Mapping[str, Any],
    nth: int,
    products: tuple[Product, ...],
    problems: Problems,
    folder: Path | None,
    draft: Callable[[Path], object],
) -> Lever | None:
    def line(key: str = "") -> int:
        return problems.line_of("[[lever]]", nth, key)

    before = len(problems.found)
    name = str(row.get("name", ""))
    if name not in LEVERS:
        problems.add(line("name"), text("unknown lever '{name}'; {hint}", name=name, hint=nearest(name, tuple(LEVERS))))
    begin = _quarter(row.get("from", START), line("from"), problems)
    end = _quarter(row["to"], line("to"), problems) if "to" in row else None
    if begin is not None and end is not None and end < begin:
        problems.add(
            line("to"),
            text("the lever ends in {to}, before it begins in {begin}", to=row["to"], begin=row.get("from", START)),
        )
    if name not in LEVERS:
        return None
    about = _about(row, name, products, line, problems)
    value = (
        _file(row, line, problems, folder, draft)
        if LEVERS[name].takes == "file"
        else _value(row, name, line, problems)
    )
    if len(problems.found) > before or begin is None:
        return None
    return Lever(name, begin, end, about, value, line("name"))


def _quarter(name: object, line: int, problems: Problems) -> int | None:
    try:
        return quarter_index(str(name))
    except InputError:
        problems.add(line, text("'{name}' is not a quarter from {first} to {last}", name=name, first=START, last=LAST))
        return None


def _about(row: Mapping[str, Any], name: str, products: tuple[Product, ...], line: Any, problems: Problems) -> str:
    kind = LEVERS[name]
    for key in ("product", "segment"):
        if key in row and kind.about != key:
            problems.add(line(key), text("lever '{name}' takes no {key}", name=name, key=key))
    about = str(row.get(kind.about, "")) if kind.about else ""
    if kind.needed and not about:
        problems.add(line("name"), text("lever '{name}' needs a {key}", name=name, key=kind.about))
    # the price of any product may change; everything else on products is Washington's to decide
    names = (
        tuple(p.id for p in products if p.licensed or name == "price_factor") if kind.about == "product" else SEGMENTS
    )
    if about and about not in names:
        problems.add(
            line(kind.about),
            text("unknown {key} '{name}'; {hint}", key=kind.about, name=about, hint=nearest(about, names)),
        )
    return about


def _value(row: Mapping[str, Any], name: str, line: Any, problems: Problems) -> float | str | None:
    kind = LEVERS[name]
    if kind.takes == "state":
        state = row.get("state", row.get("value"))
        if state not in (*GATE_STATES, "chain"):
            problems.add(
                line("state"),
                text(
                    "state '{state}' of '{name}' is not one of {names}",
                    state=state,
                    name=name,
                    names=", ".join((*GATE_STATES, "chain")),
                ),
            )
        return str(state)
    if kind.takes == "nothing":
        if "value" in row or "state" in row:
            problems.add(line("value"), text("lever '{name}' takes no value", name=name))
        return None
    value = row.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add(
            line("value"),
            text("lever '{name}' needs a number in {unit}, not '{value}'", name=name, unit=kind.unit, value=value),
        )
        return None
    if value < kind.low:
        said = (
            text("{name} = {value} is below zero", name=name, value=value)
            if kind.low == 0
            else text("{name} = {value} is below its least value {low:g}", name=name, value=value, low=kind.low)
        )
        problems.add(line("value"), said)
    elif value > kind.high:
        problems.add(
            line("value"),
            text("{name} = {value} is above its largest value {high:g}", name=name, value=value, high=kind.high),
        )
    return float(value)


def _file(
    row: Mapping[str, Any], line: Any, problems: Problems, folder: Path | None, draft: Callable[[Path], object]
) -> str:
    """The path of a draft rule, looked for beside the scenario; the draft itself is read to see that it can be."""
    path = (folder or Path()) / str(row.get("value", ""))
    try:
        draft(path)
    except InputError as error:
        problems.add(line("value"), text("draft rule: {why}", why=" ".join(error.lines())))
    return str(path)


def add_contradictions(levers: list[Lever], problems: Problems) -> None:
    """Two levers of one track about one thing with different values in the same quarter."""
    for i, one in enumerate(levers):
        for other in levers[i + 1 :]:
            same = one.track == other.track and one.about == other.about
            if not same or (one.name == other.name and one.value == other.value and one.name != "stop"):
                continue
            # a lever without an end gives way to a later one that begins after it
            one_end = one.end if one.end is not None else (other.begin - 1 if other.begin > one.begin else 10**6)
            other_end = other.end if other.end is not None else (one.begin - 1 if one.begin > other.begin else 10**6)
            begin = max(one.begin, other.begin)
            if begin <= min(one_end, other_end):
                problems.add(
                    other.line,
                    text(
                        "'{name}' contradicts '{other}' of line {line} in {quarter}",
                        name=_said(other), other=_said(one), line=one.line, quarter=quarter_name(begin),
                    ),
                )  # fmt: skip


def _said(lever: Lever) -> str:
    about = f" {lever.about}" if lever.about else ""
    value = (
        "" if lever.value is None else f" = {lever.value:g}" if isinstance(lever.value, float) else f" = {lever.value}"
    )
    return f"{lever.name}{about}{value}"
