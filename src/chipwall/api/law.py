"""Where a chip may go on a date, and on which days that answer changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypedDict, Unpack, get_args

from chipwall.answer import Answer
from chipwall.api.doors import door, source_of, unknown_argument
from chipwall.catalog.records import Chip
from chipwall.controls.decide import decide as run_law
from chipwall.controls.goods import item_by_name
from chipwall.controls.item import contradiction, is_amount, item_of_chip, item_of_numbers, vendor_of
from chipwall.controls.law import Law
from chipwall.controls.load import law
from chipwall.controls.overlay import overlaid, with_parties
from chipwall.controls.records import Activity, Decision, Item, Journey
from chipwall.errors import InputError, unknown_name
from chipwall.inputs import choice, day, flag, nearest_names, quote, term
from chipwall.text import text
from chipwall.units import unit

__all__ = [
    "END_USES",
    "decide",
    "item_asked",
    "journey_asked",
    "law_asked",
    "legal_number",
    "refuse_contradiction",
    "timeline",
]

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


class ItemWords(TypedDict, total=False):
    """What may be said of an item beside its name; see :func:`decide`."""

    tpp: Number | None
    density: Number | None
    die_area: Number | None
    dram: Number | None
    io: Number | None
    transistors: Number | None
    datacenter: bool | None
    vendor: str | None
    bare: bool
    computer: bool
    other_eccn: str | None


class JourneyWords(TypedDict, total=False):
    """What may be said of a journey beside its destination; see :func:`decide`."""

    exporter: str | None
    activity: str
    hq: str | None
    parent: str | None
    party: str | None
    owners: Sequence[str | tuple[str, Number]]
    screened: bool
    shipper: str | None
    heading: str | None
    analysis_only: bool
    end_use: str | None
    tpp_share: Number | None
    us_available: bool | None
    exporter_role: str | None
    packaged_in: str | None
    attested: bool


def item_asked(chip: str | Chip | Item | None, **said: Unpack[ItemWords]) -> Item:
    """The item of the law: a chip, plain numbers, or the first corrected by the second."""
    known: dict[str, Any] = {
        field: legal_number(said.get(n), n, symbol=_SYMBOLS[n])
        for n, field in _FIELDS.items()
        if said.get(n) is not None
    }
    vendor, datacenter, other_eccn = said.get("vendor"), said.get("datacenter"), said.get("other_eccn")
    whose = "" if vendor is None else _vendor(vendor)
    other = "" if other_eccn is None else term(other_eccn, "other_eccn")
    board, memory = flag(said.get("computer", False), "computer"), flag(said.get("bare", False), "bare")
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
    if isinstance(chip, Item):
        item = chip
    elif isinstance(chip, Chip):
        item = item_of_chip(chip, law=law())
    else:
        item = item_by_name(term(chip, "chip", example="'h200'"), law=law())
    changes: dict[str, Any] = dict(known)
    if "tpp" in known or "die_area" in known:
        changes.setdefault("density", None)  # the catalogue's quotient no longer belongs to these numbers
    if datacenter is not None:
        changes["datacenter"] = datacenter
    if whose:
        changes["vendor"] = whose
    touched = _touched(changes)
    item = replace(
        item,
        **changes,
        statuses={name: status for name, status in item.statuses.items() if name not in touched},
        bands={name: band for name, band in item.bands.items() if name not in touched},
        computer=board or item.computer,
        other_eccn=other,
    )
    problem = contradiction(item.tpp, item.die_area, item.density)
    if problem:
        raise InputError(problem, where=item.name, fix=text("Leave one of the three out"))
    return item


def _touched(changes: dict[str, Any]) -> frozenset[str]:
    """Operands whose catalogue value gave way to a number of the caller."""
    names = {"density": "performance_density", "die_area": "performance_density"}
    touched = {names.get(name, name) for name in changes}
    return frozenset(touched | ({"performance_density"} if "tpp" in changes else set()))


def _vendor(word: str) -> str:
    """The id of a vendor; a name that is not found is refused, because it decides whose letters apply."""
    asked = term(word, "vendor")
    known = {vendor.id for vendor in law().vendors}
    found = asked.lower() if asked.lower() in known else vendor_of(asked, law())[0]
    if found:
        return found
    near = nearest_names(asked, known)
    raise unknown_name("vendor", quote(asked), nearest=near, listing="chipwall controls --help")


def law_asked(parties: str | Path | None = None, overlay: str | Path | None = None) -> Law:
    """The law with the caller's own parties (CSV) and documents (TOML)."""
    found = law()
    if parties is not None:
        found = with_parties(found, Path(parties))
    return found if overlay is None else overlaid(found, Path(overlay))


def owners_asked(owners: Sequence[str | tuple[str, Number]]) -> tuple[tuple[str, Decimal], ...]:
    """Owners with their shares: ``"SMIC=30"``, or pairs of name and percent."""
    found = []
    for owner in (owners,) if isinstance(owners, str) else owners:
        name, sign, share = owner.rpartition("=") if isinstance(owner, str) else (owner[0], "=", str(owner[1]))
        percent = _decimal(share.strip().rstrip("%")) or Decimal(0)
        if not sign or not name.strip() or not percent.is_finite() or not Decimal(0) < percent <= Decimal(100):
            raise InputError(
                text("'{words}' is no share of an owner", words=quote(owner)),
                where="owners",
                fix=text('Give NAME=PERCENT, for example "SMIC=30"'),
            )
        found.append((term(name, "owners"), percent))
    return tuple(found)


def _heading(words: str | None) -> str:
    """An HTSUS heading: four to ten digits, with or without points."""
    if words is None:
        return ""
    digits = term(words, "heading").replace(".", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and 4 <= len(digits) <= 10):
        raise InputError(
            text("'{words}' is no HTSUS heading", words=quote(words)), where="heading", fix=text("For example 8471.80")
        )
    return words.strip()


def refuse_contradiction(activity: str, exporter: str, destination: str) -> None:
    """An export leaves the United States, an import enters it, a reexport starts elsewhere: anything else is a slip."""
    countries = law().countries
    to_us = countries.resolve(destination, argument="to") == "US"
    if activity in ("export", "reexport") and to_us:
        raise InputError(
            text("no export or reexport goes to the United States"),
            where="to",
            fix=text("For an entry into the US and its duty use activity us_import; for a transfer there, in_country"),
        )
    if activity == "us_import" and not to_us:
        raise InputError(text("an import enters the United States"), where="to", fix=text("Leave the destination out"))
    if activity == "reexport" and (not exporter or countries.resolve(exporter, argument="exporter") == "US"):
        raise InputError(
            text("a reexport leaves another country"), where="exporter", fix=text("Name it, for example SG")
        )


def journey_asked(
    to: str | None = None, *, rules: Law | None = None, **said: Unpack[JourneyWords]
) -> tuple[Journey, tuple[str, ...]]:
    """The journey, and what was assumed about it.

    A party whose seat is known brings it along; only a party nobody named is taken as seated at the destination.
    """
    known = rules or law()
    activity: Any = choice(said.get("activity", "export"), "activity", get_args(Activity))
    if to is None and activity != "us_import":
        raise InputError(text("no destination"), where="to", fix=text("Name a country, for example CN"))
    destination = "US" if to is None else _country(to, "to", known)
    usual = {"export": "US", "in_country": destination, "us_import": "", "reexport": ""}[activity]
    leaves = _country(said.get("exporter"), "exporter", known) or usual
    refuse_contradiction(activity, leaves, destination)
    party = _word(said.get("party"), "party")
    seat, assumed = _seat(destination, said.get("hq"), party, what=activity, rules=known)
    role: Any = _one_of(said.get("exporter_role"), "exporter_role", ("fab", "osat"))
    share, available = said.get("tpp_share"), said.get("us_available")
    if available is not None:
        flag(available, "us_available")
    journey = Journey(
        activity=activity,
        exporter=leaves,
        destination=destination,
        headquarters=seat,
        parent=_country(said.get("parent"), "parent", known),
        party=party,
        end_use=_one_of(said.get("end_use"), "end_use", END_USES),
        aggregate_tpp_share=None if share is None else legal_number(share, "tpp_share"),
        us_available=available,
        exporter_role=role,
        packaged_in=_country(said.get("packaged_in"), "packaged_in", known),
        attested=flag(said.get("attested", False), "attested"),
        owners=owners_asked(said.get("owners", ())),
        screened=flag(said.get("screened", False), "screened"),
        shipper=_word(said.get("shipper"), "shipper"),
        heading=_heading(said.get("heading")),
        analysis_only=flag(said.get("analysis_only", False), "analysis_only"),
    )
    return journey, assumed


def _word(value: str | None, argument: str) -> str:
    """A word that was said, or empty."""
    return "" if value is None else term(value, argument)


def _one_of(value: str | None, argument: str, words: Sequence[str]) -> str:
    """A word of a closed list that was said, or empty."""
    return "" if value is None else choice(value, argument, words)


def _country(value: str | None, argument: str, rules: Law) -> str:
    """A country as it was said, or empty; one that no table holds is refused under the name of its argument."""
    word = _word(value, argument)
    if word:
        rules.countries.resolve(word, argument=argument)
    return word


def _seat(to: str, hq: str | None, party: str, *, what: str, rules: Law) -> tuple[str, tuple[str, ...]]:
    """Where the end user is headquartered, and how that is known."""
    if hq is not None:
        return _country(hq, "hq", rules), ()
    from chipwall.report.pages.law_words import place_name

    known = rules.parties.find(party) if party else None
    if known is not None and known.headquarters:
        said = text(
            "{party} is headquartered in {country} ({source})",
            party=known.name,
            country=place_name(known.headquarters),
            source=known.source.split(";")[0],
        )
        return known.headquarters, (said,)
    if what == "us_import":
        return to, ()
    place = place_name(rules.countries.resolve(to))
    return to, (text("Assumed: the end user and its parent are headquartered in {country} (set with hq)", country=place),)


_ITEM, _JOURNEY = tuple(ItemWords.__annotations__), tuple(JourneyWords.__annotations__)


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
    party: str | None = None,
    owners: Sequence[str | tuple[str, Number]] = (),
    screened: bool = False,
    shipper: str | None = None,
    heading: str | None = None,
    analysis_only: bool = False,
    parties: str | Path | None = None,
    overlay: str | Path | None = None,
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
    hq, parent, end_use : str
        Where the end user and its parent are headquartered (the party's seat, else the destination), and the use of an
        import.
    party, owners, screened
        The end user by name, looked up and never guessed; who owns it (``"SMIC=30"``); whether you screened both.
    shipper, heading, analysis_only
        Who exports, since a private letter binds its reader; HTSUS heading of an entry; bought for technical analysis.
    parties, overlay : str or Path
        CSV of your own parties, TOML of documents that you hold.
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
    rules = law_asked(given.pop("parties"), given.pop("overlay"))
    journey, assumed = journey_asked(**given, rules=rules)
    found = run_law(item, journey, on=when, law=rules)
    return decision_answer(replace(found, unknowns=(*assumed, *found.unknowns)))


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
        data=lambda: law_decision.decision_record(found, law().coverage),
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
    from chipwall.controls.queries import answer_turns as turns_of

    item = item_asked(chip, **{n: journey.pop(n) for n in _ITEM if n in journey})
    rules = law_asked(journey.pop("parties", None), journey.pop("overlay", None))
    way, _ = journey_asked(to, **_known_journey(journey), rules=rules)
    turns = turns_of(item, way, since=day(since, "since"), until=day(until, "until"), law=rules)
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
    for name in given:
        if name not in _JOURNEY:
            raise unknown_argument("timeline", name, [*_JOURNEY, *_ITEM, "parties", "overlay", "to", "since", "until"])
    return given
