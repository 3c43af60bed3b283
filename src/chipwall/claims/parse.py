"""From a TOML file to claims: every problem at once, each with its line and what to do.

Nothing is evaluated. A claim is accepted when its quantity is in the vocabulary, its conditions are complete and of the
right sort, its relation suits the quantity and its unit measures it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from math import prod
from pathlib import Path
from typing import Any

from chipwall.claims.conditions import condition_value
from chipwall.claims.library import Library
from chipwall.claims.quantities import CLAIM_QUANTITIES
from chipwall.claims.records import RELATIONS, Claim, Relation, Value
from chipwall.claims.vocabulary import ANSWER_WORDS, ClaimQuantity, claim_si, dimension_of_unit, dimensions
from chipwall.errors import InputError
from chipwall.files import Problems, text_of_file, toml_of_text
from chipwall.inputs import known_or_nearest as nearest
from chipwall.text import Text, text

__all__ = ["MOST_POINTS", "claim_of_table", "claims_of_file", "claims_of_text"]

FIELDS = (
    "id",
    "statement",
    "statement_zh",
    "by",
    "said",
    "quantity",
    "subject",
    "baseline",
    "fixed",
    "free",
    "relation",
    "value",
    "unit",
    "tolerance",
    "note",
    "note_zh",
)
NEEDED = ("id", "statement", "quantity", "relation", "value")
_HEAD = "[[claim]]"
MOST_POINTS = 4096
# Where a claim says "about" and nothing more: a tenth.
ABOUT = 0.1
_GROWTH = ("series_growth", "scenario_growth")
_NUMBERS: tuple[Relation, ...] = ("about", "at least", "at most", "between")


def claims_of_file(path: Path, world: Library) -> tuple[Claim, ...]:
    """The claims of a file.

    Raises
    ------
    InputError
        The file cannot be read, or everything that is wrong in it.
    """
    words = text_of_file(path, fix=text("Name a TOML file with [[claim]] tables; see docs/claims.md"))
    return claims_of_text(words, world, file=path.name)


def claims_of_text(words: str, world: Library, *, file: str) -> tuple[Claim, ...]:
    """The claims of a text in TOML; ``file`` names it in messages."""
    problems = Problems(file, words, fix=text("What a claim may say: chipwall claim vocabulary"))
    document = toml_of_text(words, file=file)
    for key in set(document) - {"claim", "schema"}:
        problems.add(1, text("unknown table '{table}'", table=key), text("A file holds [[claim]] tables"))
    tables = document.get("claim", [])
    if not isinstance(tables, list) or not tables:
        problems.add(1, text("no claim in the file"), text("Write one or more [[claim]] tables"))
        tables = []
    found = [_Builder(table, nth, problems, world).claim() for nth, table in enumerate(tables)]
    seen: set[str] = set()
    for nth, claim in enumerate(found):
        if claim and claim.id in seen:
            problems.add(
                problems.line_of(_HEAD, nth, "id"), text("'{id}' is used twice", id=claim.id), text("Rename one")
            )
        if claim:
            seen.add(claim.id)
    problems.stop()
    return tuple(c for c in found if c is not None)


def claim_of_table(table: Mapping[str, Any], world: Library, *, file: str) -> Claim:
    """The claim that one table states; raises :class:`InputError` with everything that is wrong in it."""
    problems = Problems(file, "")
    found = _Builder(table, 0, problems, world).claim()
    problems.stop()
    assert found is not None
    return found


class _Builder:
    """One table on its way to a claim."""

    def __init__(self, table: Mapping[str, Any], nth: int, problems: Problems, world: Library) -> None:
        self.table, self.nth, self.problems, self.world = table, nth, problems, world
        self.before = len(problems.found)

    def problem(self, key: str, what: Text, fix: Text | str = "") -> None:
        self.problems.add(self.problems.line_of(_HEAD, self.nth, key), what, fix)

    def claim(self) -> Claim | None:
        """The claim, or None with the reasons noted."""
        self._shape()
        quantity = self._quantity()
        if quantity is None or len(self.problems.found) > self.before:
            return None
        subject, baseline = self._chips(quantity)
        fixed, free = self._conditions(quantity)
        if len(self.problems.found) > self.before:
            return None
        value, upper, tolerance = self._value(quantity, fixed, free)
        if len(self.problems.found) > self.before:
            return None
        t = self.table
        return Claim(
            id=t["id"],
            statement=t["statement"],
            statement_zh=t.get("statement_zh", ""),
            by=t.get("by", ""),
            said=str(t.get("said", "")),
            quantity=quantity.name,
            subject=subject,
            baseline=baseline,
            fixed=fixed,
            free=free,
            relation=t["relation"],
            value=value,
            upper=upper,
            unit=t.get("unit", "1"),
            tolerance=tolerance,
            note=t.get("note", ""),
            note_zh=t.get("note_zh", ""),
            file=self.problems.file,
            line=self.problems.line_of(_HEAD, self.nth),
        )

    def _shape(self) -> None:
        for key in self.table:
            if key not in FIELDS:
                self.problem(key, text("unknown field '{field}'", field=key), nearest(key, FIELDS))
        for key in NEEDED:
            if key not in self.table:
                self.problem("", text("the claim has no {field}", field=key), text("Add: {field} = ...", field=key))
        for key in (
            "id",
            "statement",
            "statement_zh",
            "by",
            "quantity",
            "subject",
            "baseline",
            "relation",
            "unit",
            "note",
            "note_zh",
        ):
            if key in self.table and not isinstance(self.table[key], str):
                self.problem(key, text("{field} is not text", field=key), text("Put it in quotes"))
        for key in ("fixed", "free"):
            if key in self.table and not isinstance(self.table[key], dict):
                self.problem(
                    key,
                    text("{field} is not a table of conditions", field=key),
                    text("Write for example: {field} = {{ on = 2026-02-01 }}", field=key),
                )
        if isinstance(self.table.get("id"), str) and not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.table["id"]):
            self.problem("id", text("id '{id}' is not lower case with hyphens", id=self.table["id"]))
        relation = self.table.get("relation")
        if isinstance(relation, str) and relation not in RELATIONS:
            self.problem(
                "relation",
                text("unknown relation '{relation}'", relation=relation),
                text("One of: {all}", all=", ".join(RELATIONS)),
            )
        if not self.table.get("fixed") and not self.table.get("free"):
            self.problem(
                "",
                text("no condition is fixed or free"),
                text("Say under which conditions: a [claim.fixed] or a [claim.free] table"),
            )

    def _quantity(self) -> ClaimQuantity | None:
        name = self.table.get("quantity")
        if not isinstance(name, str):
            return None
        if name not in CLAIM_QUANTITIES:
            self.problem(
                "quantity", text("unknown quantity '{quantity}'", quantity=name), nearest(name, tuple(CLAIM_QUANTITIES))
            )
            return None
        return CLAIM_QUANTITIES[name]

    def _chips(self, quantity: ClaimQuantity) -> tuple[str, str]:
        found = {}
        for key, wanted in (("subject", quantity.subject), ("baseline", quantity.baseline)):
            name = self.table.get(key, "")
            found[key] = ""
            if wanted and not name:
                what = text("{quantity} has no {field}", quantity=quantity.name, field=key)
                fix = (
                    text('Name the chip it is compared with: baseline = "h100"')
                    if key == "baseline"
                    else text('Name a chip: subject = "h200"')
                )
                self.problem("quantity", what, fix)
            elif name and not wanted:
                self.problem(
                    key, text("{quantity} takes no {field}", quantity=quantity.name, field=key), text("Leave it out")
                )
            elif name:
                try:
                    found[key] = self.world.catalog.names.chip(name).id
                except InputError as error:
                    self.problem(key, error.what, error.where or error.fix)
        return found["subject"], found["baseline"]

    def _conditions(self, quantity: ClaimQuantity) -> tuple[dict[str, Value], dict[str, tuple[Value, ...]]]:
        fixed: dict[str, Value] = {}
        free: dict[str, tuple[Value, ...]] = {}
        names = tuple(c.name for c in quantity.conditions)
        for table, kept in (("fixed", fixed), ("free", free)):
            for name, given in self.table.get(table, {}).items():
                condition = quantity.condition(name)
                if condition is None:
                    self.problem(
                        name,
                        text("{quantity} has no condition '{name}'", quantity=quantity.name, name=name),
                        nearest(name, names),
                    )
                elif name in fixed:
                    self.problem(name, text("'{name}' is both fixed and free", name=name), text("Keep one of the two"))
                elif table == "free":
                    free[name] = self._values(name, condition, given)
                else:
                    value = self._one(name, condition, given)
                    if value is not None:
                        kept[name] = value  # type: ignore[assignment]
        for condition in quantity.conditions:
            if (
                condition.name in fixed
                or condition.name in free
                or condition.name in {**self.table.get("fixed", {}), **self.table.get("free", {})}
            ):
                continue
            if condition.default is None:
                self.problem(
                    "quantity",
                    text("{quantity} needs the condition '{name}'", quantity=quantity.name, name=condition.name),
                    text("{meaning} Fix it or leave it free.", meaning=condition.meaning),
                )
            else:
                fixed[condition.name] = condition.default
        count = prod(len(v) for v in free.values())
        if count > MOST_POINTS:
            self.problem(
                "free",
                text("{count} combinations of free conditions", count=count),
                text("Keep to {most}", most=MOST_POINTS),
            )
        return fixed, free

    def _values(self, name: str, condition: Any, given: Any) -> tuple[Value, ...]:
        if not isinstance(given, list) or len(given) < 2:
            self.problem(
                name,
                text("free condition '{name}' is not a list of two or more values", name=name),
                text("List the values to try, or move it to fixed"),
            )
            return ()
        values = [self._one(name, condition, v) for v in given]
        kept = tuple(dict.fromkeys(v for v in values if v is not None))
        if len(kept) < len([v for v in values if v is not None]):
            self.problem(name, text("free condition '{name}' names a value twice", name=name))
        return kept

    def _one(self, name: str, condition: Any, given: Any) -> Value | None:
        try:
            return condition_value(condition, given, self.world)
        except InputError as error:
            self.problem(name, text("{name}: {what}", name=name, what=error.what), error.where or error.fix)
            return None

    def _value(
        self, quantity: ClaimQuantity, fixed: Mapping[str, Value], free: Mapping[str, tuple[Value, ...]]
    ) -> tuple[float | str | bool, float, float]:
        asked = dimensions(quantity, fixed, free, self.world)
        relation, value, symbol = self.table["relation"], self.table["value"], self.table.get("unit", "1")
        tolerance = self.table.get("tolerance", ABOUT if relation in ("about", "grows by") else 0.0)
        nothing: tuple[float | str | bool, float, float] = (0.0, 0.0, 0.0)
        if not isinstance(tolerance, (int, float)) or isinstance(tolerance, bool) or not 0 <= tolerance < 1:
            self.problem(
                "tolerance",
                text("tolerance {tolerance} is not a share below one", tolerance=tolerance),
                text("0.1 means a tenth either way"),
            )
            return nothing
        if asked & {"word", "flag"}:
            return self._word(quantity, asked, fixed), 0.0, 0.0
        if relation in ("is", "is true") or (relation == "grows by" and quantity.name not in _GROWTH):
            fix = text(
                "Use one of: {all}", all=", ".join((*_NUMBERS, *(("grows by",) if quantity.name in _GROWTH else ())))
            )
            self.problem(
                "relation",
                text(
                    "'{relation}' does not suit {quantity}, which is a number",
                    relation=relation,
                    quantity=quantity.name,
                ),
                fix,
            )
            return nothing
        numbers = value if relation == "between" and isinstance(value, list) else [value]
        if len(numbers) != (2 if relation == "between" else 1) or not all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in numbers
        ):
            fix = (
                text("Write value = [0.5, 1.0]")
                if relation == "between"
                else text("Write a number, and its unit in unit")
            )
            self.problem(
                "value", text("value {value} does not suit '{relation}'", value=str(value), relation=relation), fix
            )
            return nothing
        if any(v != 0 for v in numbers) and not self._unit_fits(quantity, symbol, asked):
            return nothing
        found = [claim_si(float(v), symbol) if v else 0.0 for v in numbers]
        if found != sorted(found):
            self.problem("value", text("value {value} runs from more to less", value=str(value)))
        return found[0], found[-1], float(tolerance)

    def _unit_fits(self, quantity: ClaimQuantity, symbol: str, asked: set[str]) -> bool:
        try:
            got = dimension_of_unit(symbol)
        except InputError as error:
            self.problem("unit", error.what, error.fix)
            return False
        if asked == {got}:
            return True
        wanted = ", ".join(sorted(asked))
        key = "unit" if "unit" in self.table else "value"
        self.problem(
            key,
            text(
                "unit '{unit}' does not fit {quantity}, which is in {wanted}",
                unit=symbol,
                quantity=quantity.name,
                wanted=wanted,
            ),
            text("Give a unit of {wanted}", wanted=wanted)
            if len(asked) == 1
            else text("Free conditions mix units: split the claim"),
        )
        return False

    def _word(self, quantity: ClaimQuantity, asked: set[str], fixed: Mapping[str, Value]) -> str | bool:
        relation, value = self.table["relation"], self.table["value"]
        flag = asked == {"flag"}
        if relation != ("is true" if flag else "is"):
            self.problem(
                "relation",
                text(
                    "'{relation}' does not suit {quantity}, which is not a number",
                    relation=relation,
                    quantity=quantity.name,
                ),
                text("Use: {relation}", relation="is true" if flag else "is"),
            )
        elif isinstance(value, date):
            return value.isoformat()
        elif not isinstance(value, bool if flag else str):
            self.problem(
                "value",
                text("value {value} is not a {kind}", value=str(value), kind="true or false" if flag else "word"),
            )
        elif (
            quantity.name == "decision" and (known := ANSWER_WORDS.get(str(fixed.get("answer")))) and value not in known
        ):
            self.problem(
                "value",
                text("the law never answers '{value}' to {answer}", value=value, answer=fixed["answer"]),
                nearest(str(value), known),
            )
        return value if isinstance(value, (str, bool)) else ""
