"""Where a chip may go on a date, and on which days that answer changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from chipwall.answer import Answer
from chipwall.api.doors import chip_of, door, source_of, unknown_argument
from chipwall.catalog.records import Chip
from chipwall.controls.decide import decide as run_law
from chipwall.controls.item import contradiction, is_amount, item_of_chip, item_of_numbers
from chipwall.controls.load import law
from chipwall.controls.records import Activity, Decision, Item, Journey
from chipwall.errors import InputError
from chipwall.inputs import choice, day, flag, quote, term
from chipwall.text import text
from chipwall.units import unit

__all__ = ["END_USES", "decide", "item_asked", "journey_asked", "legal_number", "refuse_contradiction", "timeline"]

END_USES = ("re-export", "stock", "us-data-centre", "repair", "research", "start-up", "consumer", "public-sector")
Number = str | float | Decimal
# Limits are printed in these units; an item keeps them, exact in decimal.
_SYMBOLS = {
    "tpp": "TPP",
    "density": "TPP/mm2",
    "die_area": "mm2",
    "dram": "GB/s",
    "io": "GB/s",
    "transistors": "1e9",
    "tpp_share": "1",
}
_FIELDS = {
    "tpp": "tpp",
    "density": "density",
    "die_area": "die_area",
    "dram": "dram_bandwidth",
    "io": "io_rate",
    "transistors": "transistors",
}


def legal_number(value: object, argument: str, *, symbol: str = "1") -> Decimal:
    """A number in the unit of the law, or with a unit of its own, exact in decimal."""
    words = (
        str(value).strip().replace(",", "")
        if isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool)
        else ""
    )
    first, _, rest = words[:100].partition(" ")
    found = _decimal(first)
    if found is None:
        digits = first.rstrip("".join(c for c in first if not c.isdigit() and c != "."))
        rest, found = (first[len(digits) :] + rest).strip(), _decimal(digits)
    if found is None:
        raise InputError(
            text("{argument}: '{words}' is not a number", argument=argument, words=quote(value)),
            where=argument,
            fix=text("Give a number in {unit}", unit=symbol),
        )
    if rest and is_amount(found):
        own, wanted = unit(rest, where=argument), unit(symbol)
        if own.dimension != wanted.dimension:
            raise InputError(
                text("{argument}: '{words}' is not in {unit}", argument=argument, words=quote(value), unit=symbol),
                where=argument,
                fix=text("Give a number in {unit}", unit=symbol),
            )
        found = found * Decimal(repr(own.factor)) / Decimal(repr(wanted.factor))
    if not is_amount(found):
        raise InputError(
            text("{argument}: '{words}' is not an amount", argument=argument, words=quote(value)),
            where=argument,
            fix=text("Give a number of zero or more in {unit}", unit=symbol),
        )
    return found


def _decimal(words: str) -> Decimal | None:
    try:
        return Decimal(words) if words else None
    except InvalidOperation:
        return None


def item_asked(
    chip: str | Chip | Item | None,
    *,
    tpp: Number | None = None,
    density: Number | None = None,
    die_area: Number | None = None,
    dram: Number | None = None,
    io: Number | None = None,
    transistors: Number | None = None,
    datacenter: bool | None = None,
    vendor: str | None = None,
    bare: bool = False,
    computer: bool = False,
    other_eccn: str | None = None,
) -> Item:
    """The item of the law: a chip, plain numbers, or the first corrected by the second."""
    numbers = {"tpp": tpp, "density": density, "die_area": die_area, "dram": dram, "io": io, "transistors": transistors}
    known: dict[str, Any] = {
        _FIELDS[n]: legal_number(v, n, symbol=_SYMBOLS[n]) for n, v in numbers.items() if v is not None
    }
    whose = "" if vendor is None else _vendor(vendor)
    other = "" if other_eccn is None else term(other_eccn, "other_eccn")
    board, memory = flag(computer, "computer"), flag(bare, "bare")
    if datacenter is not None:
        flag(datacenter, "datacenter")
    if chip is None:
        if not known:
            raise InputError(
                text("no chip and no numbers"),
                where="chip",
                fix=text("Name a chip, or give tpp and what else is known"),
            )
        kind: Any = "memory" if memory else "processor"
        item = item_of_numbers("these numbers", law=law(), kind=kind, vendor=whose, datacenter=datacenter, **known)
        return replace(item, computer=board, other_eccn=other)
    if memory:
        raise InputError(
            text("{chip} is a processor, not a bare memory device", chip=quote(getattr(chip, "name", chip))),
            where="bare",
            fix=text("Leave bare out, or give numbers without a chip"),
        )
    item = chip if isinstance(chip, Item) else item_of_chip(chip_of(chip), law=law())
    changes: dict[str, Any] = dict(known)
    if "tpp" in known or "die_area" in known:
        changes.setdefault("density", None)  # the catalogue's quotient no longer belongs to these numbers
    if datacenter is not None:
        changes["datacenter"] = datacenter
    if whose:
        changes["vendor"] = whose
    item = replace(item, **changes, computer=board, other_eccn=other)
    problem = contradiction(item.tpp, item.die_area, item.density)
    if problem:
        raise InputError(problem, where=item.name, fix=text("Leave one of the three out"))
    return item


def _vendor(word: str) -> str:
    """A vendor that a letter may name, or one of the catalogue; any other word decides nothing and is refused."""
    from chipwall import catalog

    known = {v.id for v in law().vendors} | {c.vendor.lower() for c in catalog.load().chips.values()}
    return choice(word, "vendor", sorted(known)).lower()


def refuse_contradiction(activity: str, exporter: str, destination: str) -> None:
    """An export leaves the United States, an import enters it, a reexport starts elsewhere: anything else is a slip."""
    countries = law().countries
    to_us = countries.resolve(destination) == "US"
    if activity in ("export", "reexport") and to_us:
        raise InputError(
            text("no export or reexport goes to the United States"),
            where="to",
            fix=text("For an entry into the US and its duty use activity us_import; for a transfer there, in_country"),
        )
    if activity == "us_import" and not to_us:
        raise InputError(text("an import enters the United States"), where="to", fix=text("Leave the destination out"))
    if activity == "reexport" and (not exporter or countries.resolve(exporter) == "US"):
        raise InputError(
            text("a reexport leaves another country"), where="exporter", fix=text("Name it, for example SG")
        )


def journey_asked(
    to: str | None = None,
    *,
    exporter: str | None = None,
    activity: str = "export",
    hq: str | None = None,
    parent: str | None = None,
    end_user: str | None = None,
    end_use: str | None = None,
    tpp_share: Number | None = None,
    us_available: bool | None = None,
    exporter_role: str | None = None,
    packaged_in: str | None = None,
    attested: bool = False,
) -> tuple[Journey, tuple[str, ...]]:
    """The journey, and what was assumed about it."""
    what: Any = choice(activity, "activity", get_args(Activity))
    if to is None and what != "us_import":
        raise InputError(text("no destination"), where="to", fix=text("Name a country, for example CN"))
    destination = "US" if to is None else law().countries.resolve(term(to, "to"))
    usual = {"export": "US", "in_country": destination, "us_import": "", "reexport": ""}[what]
    leaves = usual if exporter is None else law().countries.resolve(term(exporter, "exporter"))
    refuse_contradiction(what, leaves, destination)
    assumed: tuple[str, ...] = ()
    if hq is None and what != "us_import":
        assumed = (
            text(
                "Assumed: the end user and its parent are headquartered in {country} (set with hq)", country=destination
            ),
        )
    role: Any = "" if exporter_role is None else choice(exporter_role, "exporter_role", ("fab", "osat"))
    if us_available is not None:
        flag(us_available, "us_available")
    journey = Journey(
        activity=what,
        exporter=leaves,
        destination=destination,
        headquarters=destination if hq is None else law().countries.resolve(term(hq, "hq")),
        parent="" if parent is None else law().countries.resolve(term(parent, "parent")),
        party="" if end_user is None else term(end_user, "end_user"),
        end_use="" if end_use is None else choice(end_use, "end_use", END_USES),
        aggregate_tpp_share=None if tpp_share is None else legal_number(tpp_share, "tpp_share"),
        us_available=us_available,
        exporter_role=role,
        packaged_in="" if packaged_in is None else law().countries.resolve(term(packaged_in, "packaged_in")),
        attested=flag(attested, "attested"),
    )
    return journey, assumed


@door
def decide(
    chip: str | Chip | Item | None = None,
    *,
    to: str | None = None,
    on: str | date | None = None,
    exporter: str | None = None,
    activity: str = "export",
    hq: str | None = None,
    parent: str | None = None,
    end_user: str | None = None,
    end_use: str | None = None,
    tpp_share: Number | None = None,
    us_available: bool | None = None,
    exporter_role: str | None = None,
    packaged_in: str | None = None,
    attested: bool = False,
    tpp: Number | None = None,
    density: Number | None = None,
    die_area: Number | None = None,
    dram: Number | None = None,
    io: Number | None = None,
    transistors: Number | None = None,
    datacenter: bool | None = None,
    vendor: str | None = None,
    bare: bool = False,
    computer: bool = False,
    other_eccn: str | None = None,
) -> Answer:
    """What export law says about one item, one journey and one day. A calculation on public text, not legal advice.

    Parameters
    ----------
    chip : str or record
        ``"h200"``; left out where plain numbers are given.
    to, on : str or date
        Destination (ISO code or name), and day of the export (today by default).
    exporter, activity : str
        Country that it leaves; export, reexport, in_country or us_import.
    hq, parent, end_user, end_use : str
        Where the end user and its parent are headquartered (the destination by default), a party that the rules know,
        and the use of an import.
    tpp_share, us_available, exporter_role, packaged_in, attested
        What certifications and the foundry presumption ask.
    tpp, density, die_area, dram, io, transistors : number or str
        Numbers in the units of the law (TPP, TPP/mm2, mm2, GB/s, GB/s, 1e9), or with a unit; they win over the chip's.
    datacenter, vendor, bare, computer, other_eccn
        Design for data centres, whose letters apply, a bare memory device, a board or server, an ECCN it is in already.

    Returns
    -------
    Answer
        The record is the :class:`~chipwall.controls.records.Decision`: ``.eccn``, ``.licence``, ``.duty``, ``.trace``.
    """
    given = dict(locals())
    item = item_asked(given.pop("chip"), **{n: given.pop(n) for n in _ITEM})
    when = date.today() if given.pop("on") is None else day(on, "on")
    journey, assumed = journey_asked(**given)
    found = run_law(item, journey, on=when)
    return decision_answer(replace(found, unknowns=(*assumed, *found.unknowns)))


_ITEM = (
    "tpp",
    "density",
    "die_area",
    "dram",
    "io",
    "transistors",
    "datacenter",
    "vendor",
    "bare",
    "computer",
    "other_eccn",
)


def decision_answer(found: Decision) -> Answer:
    """A decision as an answer."""
    from chipwall.report.pages import law_decision

    rows = tuple(
        {
            "clause": c.clause,
            "operand": c.operand,
            "value": c.value,
            "operator": c.operator,
            "limit": c.limit,
            "unit": c.unit,
            "result": c.result,
            "margin": c.margin,
            "citation": c.citation,
        }
        for c in found.trace
    )
    return Answer(
        "decide",
        text(
            "{item} to {country} on {day}: {eccn}, licence {licence}",
            item=found.item.name,
            country=found.journey.destination,
            day=found.on.isoformat(),
            eccn=found.eccn,
            licence=found.licence.as_enforced,
        ),
        record=found,
        rows=rows,
        notes=found.unknowns,
        sources=found.citations,
        data=lambda: law_decision.decision_answer(found, law().coverage),
        source_of=source_of,
    )


@door
def timeline(
    chip: str | Chip | Item | None = None,
    *,
    to: str | None = None,
    since: str | date = "2022-08-01",
    until: str | date = "2027-12-31",
    **journey: Any,
) -> Answer:
    """Every day on which the answer of :func:`decide` changes, and why.

    Parameters
    ----------
    chip, to
        As in :func:`decide`, and so are all other arguments.
    since, until : str or date
        First and last day.

    Returns
    -------
    Answer
        One :class:`~chipwall.controls.queries.Turn` per day: ``.on``, ``.decision``, ``.changed``, ``.why``.
    """
    from chipwall.controls.queries import timeline as turns_of

    item = item_asked(chip, **{n: journey.pop(n) for n in _ITEM if n in journey})
    way, _ = journey_asked(to, **_known_journey(journey))
    turns = turns_of(item, way, since=day(since, "since"), until=day(until, "until"))
    made = [
        {
            "on": t.on,
            "eccn": t.decision.eccn,
            "licence": t.decision.licence,
            "review_policy": t.decision.review_policy,
            "flags": t.decision.flags,
            "changed": [{"what": w, "before": b, "after": a} for w, b, a in t.changed],
            "why": t.why,
        }
        for t in turns
    ]
    rows = tuple(
        {
            "on": t.on,
            "eccn": t.decision.eccn,
            "licence": t.decision.licence.as_enforced,
            "on_books": t.decision.licence.on_books,
            "review_policy": t.decision.review_policy,
            "why": "; ".join(map(str, t.why)),
        }
        for t in turns
    )
    title = text("{item} to {country}: {count} answers", item=item.name, country=way.destination, count=len(turns))
    sources = tuple(dict.fromkeys(c for t in turns for c in t.decision.citations))
    return Answer(
        "timeline", title, record=turns, items=turns, rows=rows, sources=sources, data=lambda: made, source_of=source_of
    )


def _known_journey(given: dict[str, Any]) -> dict[str, Any]:
    import inspect

    known = [n for n in inspect.signature(journey_asked).parameters if n != "to"]
    for name in given:
        if name not in known:
            raise unknown_argument("timeline", name, [*known, *_ITEM, "to", "since", "until"])
    return given
