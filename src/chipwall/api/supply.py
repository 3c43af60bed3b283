"""What a plan may use: chips of the catalogue with where they may go, what they cost and the servers they sit in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chipwall import catalog
from chipwall.api.doors import chip_of
from chipwall.api.law import item_asked, journey_asked, law_asked
from chipwall.catalog.ownership import assumptions
from chipwall.catalog.prices import Quote, exchange_rate, quoted_price
from chipwall.catalog.records import Chip
from chipwall.controls.decide import decide as run_law
from chipwall.controls.records import Decision
from chipwall.errors import InputError, Unknown
from chipwall.fleet.money import Offer, OwnershipTerms, Span
from chipwall.fleet.need import Legal, Node, Supply
from chipwall.inputs import choice, choices, number
from chipwall.inputs import quote as shown
from chipwall.report.pages.law_words import legal_words as law_words
from chipwall.text import Text, text
from chipwall.units import HOUR

__all__ = ["CURRENCIES", "LAWS", "legal_of", "offers_of", "ownership_of", "supply_of"]

CURRENCIES = ("USD", "CNY")
# How much of the law a plan accepts: only chips that need no licence, those for which one is granted too, or any.
LAWS = ("free", "licence", "any")
_ACCEPTED = {"free": ("free", "domestic"), "licence": ("free", "domestic", "licence"), "any": None}
_GRANTED = ("case_by_case", "presumption_of_approval", "licences_being_issued", "approval_within_allocation")
_DENIED = ("presumption_of_denial", "denied_by_draft")
# Power of a server besides its chips, of each chip, where none is published [W]: 2.8 kW around eight, as measured on an H100 node.
TYPICAL_HOST = 350.0
# Chips of a server where none is known.
TYPICAL_NODE = 8
STATUS_WORDS = {"announced": text("announced"), "rumoured": text("rumoured"), "cancelled": text("cancelled")}
# Chips of one rack that is sold whole.
RACK_CHIPS = 72
_NAMED_PLACES = {"US": "united-states", "CN": "china", "HK": "china"}


@dataclass(frozen=True, slots=True)
class Site:
    """Where and when: destination (ISO code, empty for none), the day, the place of prices, and the money."""

    to: str
    on: date
    place: str
    currency: str
    term: str


def supply_of(
    chips: Sequence[str | Chip] | str | Chip | None, *, to: str | None, on: date, law: str, party: str | None,
    currency: str, term: str | None, stock: Mapping[str, int] | None,
) -> tuple[Supply, Site]:  # fmt: skip
    """The chips that may be used, with their law, offers and servers, and the chips left out with the reason."""
    site = _site(to, on, currency, term)
    asked = _asked(chips)
    rejected: dict[str, Text] = {}
    pool = [c for c in (asked or catalog.load().chips.values()) if _offered(c, on, rejected, named=bool(asked))]
    legal = legal_of(pool, to, on, party)
    accepted = _ACCEPTED[choice(law, "law", LAWS)]
    kept = []
    for c in pool:
        if to is None or accepted is None or legal[c.id].word in accepted:
            kept.append(c)
        else:
            rejected[c.id] = legal[c.id].said
    if not kept:
        raise InputError(
            text("no chip is left that the law lets go there on that day"),
            where=next((f"{c}: {why}" for c, why in rejected.items()), ""),
            fix=text("Name other chips, another day, or accept licences: law 'licence' or 'any'"),
        )
    found = Supply(
        tuple(kept), legal, offers_of(kept, site), {c.id: node_of(c) for c in kept}, ownership_of(site), site.currency, on,
        _stock(stock), rejected,
    )  # fmt: skip
    return found, site


def _asked(chips: Sequence[str | Chip] | str | Chip | None) -> list[Chip]:
    if chips is None or (isinstance(chips, str) and chips.strip().casefold() == "all"):
        return []
    if isinstance(chips, (str, Chip)):
        named: Sequence[Any] = choices(chips, "chips") if isinstance(chips, str) else [chips]
    else:
        named = list(chips)
        if not named:
            raise InputError(
                text("the list of {name} is empty", name="chips"),
                where="chips",
                fix=text("Name a chip, or leave it out"),
            )
    found = [chip_of(c, "chips") for c in named]
    return list({c.id: c for c in found}.values())


def _stock(stock: Mapping[str, Any] | str | None) -> dict[str, int]:
    found = {}
    for name, value in by_chip(stock or {}, "stock").items():
        found[chip_of(name, "stock").id] = int(number(value, "stock", least=0, most=1e8))
    return found


def _site(to: str | None, on: date, currency: str, term: str | None) -> Site:
    from chipwall.controls.load import law as law_data

    code = "" if to is None else law_data().countries.resolve(to, argument="to")
    place = _NAMED_PLACES.get(code, "world" if code else "united-states")
    return Site(code, on, place, choice(currency, "currency", CURRENCIES), term or "")


def _offered(c: Chip, on: date, rejected: dict[str, Text], *, named: bool) -> bool:
    """Whether a chip can be had on the day: one that is named always, others if they ship and are made for servers."""
    if named:
        return True
    status = c.word("status")
    if status != "shipping":
        rejected[c.id] = text("{status}, not shipping", status=STATUS_WORDS.get(status, text("unknown")))
        return False
    since = c.fact("available") or c.fact("released")
    if since is not None and str(since.value)[:7] > on.isoformat()[:7]:
        rejected[c.id] = text("not to be had before {day}", day=str(since.value))
        return False
    server = c.fact("data_centre")
    if server is not None and str(server.value) == "False":
        rejected[c.id] = text("not made for servers; name it to have it counted")
        return False
    return True


def legal_of(chips: Iterable[Chip], to: str | None, on: date, party: str | None) -> dict[str, Legal]:
    """Where each chip stands in law on the day."""
    if to is None:
        return {c.id: Legal("unasked", text("no destination given: the law was not asked")) for c in chips}
    rules = law_asked()
    journey, _ = journey_asked(to, party=party, rules=rules)
    return {c.id: _legal(run_law(item_asked(c), journey, on=on, law=rules)) for c in chips}


def _legal(d: Decision) -> Legal:
    said = text(
        "{eccn}, licence: {licence}, policy: {policy}", eccn=law_words(d.eccn), licence=law_words(d.licence.as_enforced),
        policy=law_words(d.review_policy),
    )  # fmt: skip
    notes = []
    if d.cn_import.status == "domestic":
        if any(f.startswith("gp10") for f in d.flags):
            notes.append(text("United States guidance warns anybody who uses it (General Prohibition 10)"))
        return Legal("domestic", text("of Chinese design, used in China: no import"), tuple(notes), d.citations)
    if d.cn_import.status not in ("", "nothing_reported", "not_asked") and d.journey.destination in ("CN", "HK"):
        notes.append(text("China's own gate: {status}", status=law_words(d.cn_import.status)))
    return Legal(_word(d), said, tuple(notes), d.citations)


def _word(d: Decision) -> str:
    licence, policy = d.licence.as_enforced, d.review_policy
    if licence in ("not_required", "n/a", "exception_available"):
        return "free"
    if licence in ("required", "required_by_letter", "conditional"):
        return "licence" if policy in _GRANTED else "refused" if policy in _DENIED else "unknown"
    return "unknown"


def offers_of(chips: Iterable[Chip], site: Site) -> dict[str, Offer]:
    """Rent and price of each chip by the quotes of the store; unknown stays unknown."""
    return {c.id: _offer(c, site) for c in chips}


def _offer(c: Chip, site: Site) -> Offer:
    rent, price = _quoted(c, "rent", site), _quoted(c, "buy", site)
    found = [q for q in (rent, price) if q is not None]
    server = price is not None and price.held[0].what in ("server", "rack")
    return Offer(
        None if rent is None else Span(rent.amount, rent.low, rent.high),
        None if price is None else Span(price.amount, price.low, price.high), server,
        tuple(q.words for q in found), tuple(dict.fromkeys(s for q in found for s in q.sources)),
    )  # fmt: skip


def _quoted(c: Chip, offer: str, site: Site) -> Quote | None:
    """The quote of the place on the day; else of any place; else one that was printed later: each says where and when."""
    term = site.term if offer == "rent" else ""
    places = [site.place, ""] if site.place != "world" else [""]
    for when in dict.fromkeys((site.on, max(site.on, date.today()))):
        for place in places:
            try:
                found = quoted_price(c.id, offer=offer, on=when, place=place, term=term, currency=site.currency)
            except Unknown:
                continue
            if not found.stale:
                return found
    return None


def node_of(c: Chip) -> Node:
    """The server of a chip by the systems of the catalogue; a typical one where none is known."""
    for s in catalog.load().systems.values():
        chips, nodes, host = s.value("chips"), s.value("nodes"), s.value("host_power")
        if s.chip == c.id and chips and nodes and host is not None:
            each = max(int(chips / nodes), 1)
            whole = int(chips) if nodes > 1 and chips <= RACK_CHIPS else 0
            return Node(each, host / each, True, whole)
    return Node(TYPICAL_NODE, TYPICAL_HOST, False)


def ownership_of(site: Site) -> OwnershipTerms:
    """The assumptions of owning at a place, in the plan's currency by a dated rate."""
    rows = assumptions(site.place)
    money = {"electricity", "hosting", "server", "network", "wage"}
    times = exchange_rate("USD", site.currency, site.on)[0]
    return OwnershipTerms(
        **{
            name: Span(*(v * (times if name in money else 1.0) for v in (a.value, a.low, a.high)))
            for name, a in rows.items()
            if name in OwnershipTerms.__dataclass_fields__
        }
    )


def by_chip(value: Any, argument: str) -> Mapping[str, Any]:
    """A mapping from chips to amounts, given as such or in words: ``h20=1.2,h200=3.5``."""
    if isinstance(value, Mapping):
        return value
    pairs = [w.partition("=") for w in choices(value, argument)]
    wrong = next((name for name, sign, amount in pairs if not (sign and name.strip() and amount.strip())), None)
    if wrong is not None:
        raise InputError(
            text("'{word}' names no chip with an amount", word=shown(wrong)),
            where=argument,
            fix=text("Write for example h20=64,910c=200"),
        )
    return {name.strip(): amount for name, _, amount in pairs}


def rent_asked(value: Any, argument: str, chips: Sequence[Chip]) -> dict[str, float]:
    """Rents or prices that a person gives: one number for all chips, or one for each, ``{"h20": 1.2}`` or ``h20=1.2``."""
    if value is None:
        return {}
    if isinstance(value, Mapping) or (isinstance(value, str) and "=" in value):
        given = by_chip(value, argument).items()
        return {chip_of(n, argument).id: number(v, argument, least=0, most=1e8, example="2.5") for n, v in given}
    each = number(value, argument, least=0, most=1e8, example="2.5")
    return {c.id: each for c in chips}


def with_money(supply: Supply, *, rent: Any = None, price: Any = None) -> Supply:
    """The same supply with rents [currency/h] and prices [currency] of a person's own."""
    from dataclasses import replace

    rents, prices = rent_asked(rent, "rent", supply.chips), rent_asked(price, "price", supply.chips)
    offers = dict(supply.offers)
    for chip in {*rents, *prices} & offers.keys():
        own = offers[chip]
        if chip in rents:
            own = replace(own, rent=Span.exact(rents[chip] / HOUR))
        if chip in prices:
            own = replace(own, price=Span.exact(prices[chip]), with_server=False)
        offers[chip] = own
    return replace(supply, offers=offers)
