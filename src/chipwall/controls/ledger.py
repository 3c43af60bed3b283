"""The ledger behind one certification of January 2026: TPP shipped to China and Macau against TPP to US customers.

The cap is per product: shipments of one product carry one TPP, so its share is a ratio of units even where the TPP is not
known. Hong Kong counts as China. What went elsewhere counts on neither side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from chipwall.controls.goods import item_by_name
from chipwall.controls.law import Law
from chipwall.controls.logic import Truth
from chipwall.errors import InputError
from chipwall.files import Problems, numbered, read_rows
from chipwall.text import text

__all__ = ["CHINA", "Account", "Ledger", "Shipment", "ledger_of", "read_ledger"]

CHINA = ("CN", "HK", "MO")
_FIX = text("Columns: product, units, to; optional date. Described in docs/controls.md, 'The ledger'")


@dataclass(frozen=True, slots=True)
class Shipment:
    """Units of a product that went to a place; ``on`` is None where the ledger gives no day."""

    product: str
    tpp: Decimal | None
    units: Decimal
    to: str
    on: date | None
    line: int


@dataclass(frozen=True, slots=True)
class Account:
    """What stands on both sides for one product after a shipment, or for all of them.

    Attributes
    ----------
    china, us : Decimal or None
        TPP shipped to China and Macau, and to US customers for US end use; None where a TPP is not known.
    share : Decimal or None
        The first over the second; None where it is not known, or nothing went to the US.
    within : bool or None
        Whether the share keeps to the cap.
    shipment : Shipment or None
        The shipment after which this holds; None for a total.
    """

    product: str
    china_units: Decimal
    us_units: Decimal
    china: Decimal | None
    us: Decimal | None
    share: Decimal | None
    within: Truth
    shipment: Shipment | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every shipment with the account after it, a total per product, and the total of all."""

    running: tuple[Account, ...]
    products: tuple[Account, ...]
    total: Account
    cap: Decimal
    citation: str
    binds: bool
    elsewhere: tuple[Shipment, ...]


def read_ledger(path: Path, *, law: Law) -> tuple[Shipment, ...]:
    """The shipments of a CSV file.

    Raises
    ------
    InputError
        With every line that cannot be read: a product that is not found is refused, never left out.
    """
    table = read_rows(path, argument="ledger", needed=("product", "units", "to"), fold=True, fix=_FIX)
    problems = Problems(table.file, fix=_FIX)
    for name in table.columns:
        if name not in ("product", "units", "to", "date", "note"):
            problems.add(1, text("unknown column '{name}'", name=name))
    found = []
    for line, row in zip(table.lines, table.rows, strict=True):
        try:
            if line in table.ragged:
                raise InputError(text("the row has more or fewer cells than the header"))
            found.append(_shipment(row, line, law))
        except InputError as error:
            problems.add(line, error.what)
    if not table.rows:
        problems.add(1, text("at least one row is needed"))
    problems.stop()
    return tuple(found)


def _shipment(row: dict[str, str], line: int, law: Law) -> Shipment:
    item = item_by_name(row["product"], law=law)
    number = numbered(row["units"].replace(",", ""))
    if number is None or number < 0 or number > 10**10 or number != int(number):
        raise InputError(text("'{words}' is not a number of units", words=row["units"]))
    words = row.get("date", "")
    try:
        on = date.fromisoformat(words) if words else None
    except ValueError:
        raise InputError(text("'{words}' is not a date", words=words)) from None
    return Shipment(item.name, item.tpp, Decimal(int(number)), law.countries.resolve(row["to"]), on, line)


def ledger_of(shipments: Iterable[Shipment], *, law: Law, on: date) -> Ledger:
    """The running accounts of shipments up to a day, against the cap of that day.

    Parameters
    ----------
    shipments : iterable of Shipment
        Those without a day come first, in the order of the file.
    on : date
        Later shipments are left out.
    """
    asked = sorted(
        (one for one in shipments if one.on is None or one.on <= on), key=lambda one: (one.on or date.min, one.line)
    )
    limit = law.on(on).limits.get("review2026-share")
    first = law.parameters["review2026-share"].records[0]
    cap = limit.value if limit is not None and isinstance(limit.value, Decimal) else first.value
    if cap is None:
        raise InputError(text("the law holds no cap"))
    counted = [one for one in asked if one.to in (*CHINA, "US")]
    sides: dict[str, tuple[Decimal, Decimal]] = {}
    tpps = {one.product: one.tpp for one in counted}
    running = []
    for shipment in counted:
        china, us = sides.get(shipment.product, (Decimal(0), Decimal(0)))
        sides[shipment.product] = (china, us + shipment.units) if shipment.to == "US" else (china + shipment.units, us)
        running.append(_account(shipment, sides, tpps, cap))
    return Ledger(
        running=tuple(running),
        products=tuple(_product(name, *side, tpps[name], cap) for name, side in sides.items()),
        total=_total(sides, tpps, cap),
        cap=cap,
        citation=first.citation,
        binds=limit is not None,
        elsewhere=tuple(one for one in asked if one.to not in (*CHINA, "US")),
    )


_Sides = Mapping[str, tuple[Decimal, Decimal]]


def _account(shipment: Shipment, sides: _Sides, tpps: Mapping[str, Decimal | None], cap: Decimal) -> Account:
    account = _product(shipment.product, *sides[shipment.product], tpps[shipment.product], cap)
    return replace(account, shipment=shipment)


def _product(name: str, china: Decimal, us: Decimal, tpp: Decimal | None, cap: Decimal) -> Account:
    """One product: one TPP on both sides, so the ratio is that of units."""
    share = china / us if us else None
    tpps = (None if tpp is None else china * tpp, None if tpp is None else us * tpp)
    return Account(name, china, us, tpps[0], tpps[1], share, _within(china, us, share, cap))


def _total(sides: _Sides, tpps: Mapping[str, Decimal | None], cap: Decimal) -> Account:
    """All products together; open where the TPP of any is not known."""
    china = sum((side[0] for side in sides.values()), Decimal(0))
    us = sum((side[1] for side in sides.values()), Decimal(0))
    both: list[Decimal | None] = []
    for i in (0, 1):
        parts = [side[i] * (tpp if (tpp := tpps[name]) is not None else Decimal("NaN")) for name, side in sides.items()]
        both.append(None if any(part.is_nan() for part in parts) else sum(parts, Decimal(0)))
    share = both[0] / both[1] if both[0] is not None and both[1] else None
    return Account("", china, us, both[0], both[1], share, _within(china, us, share, cap))


def _within(china: Decimal, us: Decimal, share: Decimal | None, cap: Decimal) -> Truth:
    if not china:
        return True
    if not us:
        return False
    return None if share is None else share <= cap
