"""What is known: one chip, one model, one source, and lists of chips by what they have."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from chipwall import catalog
from chipwall.answer import Answer
from chipwall.api.doors import chip_of, door, model_of, source_of
from chipwall.catalog.names import CHINESE_VENDORS, key
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError, unknown_name
from chipwall.inputs import amount, choice, nearest_names, quote, term
from chipwall.sources import Source
from chipwall.text import text

__all__ = ["CHIP_STATUSES", "chip", "chips", "model", "source"]

CHIP_STATUSES = ("shipping", "announced", "rumoured", "cancelled")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_COLUMNS = {
    "memory": "memory_capacity",
    "bandwidth": "memory_bandwidth",
    "bf16": "bf16_rate",
    "fp8": "fp8_rate",
    "link": "link_bandwidth",
    "tdp": "tdp",
}
_DIMENSIONS = {"memory_capacity": "byte", "memory_bandwidth": "byte/s", "link_bandwidth": "byte/s", "tdp": "W"}


@door
def chip(name: str) -> Chip:
    """The chip that a spelling names: ``H200``, ``h200-sxm``, ``NVIDIA H200``, ``昇腾910C``.

    Returns
    -------
    Chip
        ``chip.value("memory_bandwidth")`` in SI, ``chip.fact(...)`` with its source,
        ``chip.with_(memory_bandwidth="6 TB/s")`` for an invented one.

    Raises
    ------
    InputError
        Nobody has that name; the nearest are told.
    """
    return chip_of(name, "name")


@door
def model(name: str) -> LanguageModel:
    """The language model that a spelling names: ``llama-3.1-70b``, ``Qwen/Qwen2.5-72B``."""
    return model_of(name, "name")


@door
def source(name: str) -> Source:
    """The source of an id, as facts and answers cite it: title, publisher, place, date and licence."""
    known = catalog.load().sources
    word = term(name, "name")
    if word not in known:
        raise unknown_name("source", quote(word), nearest=nearest_names(word, known), listing="chipwall sources")
    return known[word]


@door
def chips(
    *,
    vendor: str | None = None,
    family: str | None = None,
    status: str | None = None,
    memory: str | float | None = None,
    bandwidth: str | float | None = None,
    bf16: str | float | None = None,
    fp8: str | float | None = None,
    link: str | float | None = None,
    tdp: str | float | None = None,
    sort: str | None = None,
) -> Answer:
    """Chips by what they have; a limit is an amount with ``>=`` (as when nothing stands there), ``<=``, ``>`` or ``<``.

    Parameters
    ----------
    vendor, family, status : str
        ``nvidia``; ``910b``; shipping, announced, rumoured or cancelled.
    memory, bandwidth, bf16, fp8, link, tdp : str or float
        ``">= 96 GB"``, ``"4 TB/s"``, ``"< 400 W"``, or SI; a chip without the figure is left out.
    sort : str
        One of these, largest first, or ``id``.

    Returns
    -------
    Answer
        The chips, to be counted, indexed and walked through.
    """
    limits = {"memory": memory, "bandwidth": bandwidth, "bf16": bf16, "fp8": fp8, "link": link, "tdp": tdp}
    found = list(catalog.load().chips.values())
    if vendor is not None:
        found = _of_vendor(found, term(vendor, "vendor"))
    if family is not None:
        members = catalog.load().names.family_members(term(family, "family"))
        found = [c for c in found if c.id in members]
    if status is not None:
        wanted = choice(status, "status", CHIP_STATUSES)
        found = [c for c in found if c.word("status") == wanted]
    for argument, limit in limits.items():
        if limit is not None:
            quantity = _COLUMNS[argument]
            compared, bound = _limit(limit, argument, _DIMENSIONS.get(quantity, "flop/s"))
            found = [c for c in found if (v := c.value(quantity)) is not None and compared(v, bound)]
    if sort is not None:
        found = sorted_chips(found, sort)
    return Answer(
        "chips",
        text("{count} chips", count=len(found)),
        items=tuple(found),
        rows=tuple(_row(c) for c in found),
        source_of=source_of,
    )


def _limit(words: object, argument: str, dimension: str) -> tuple[Callable[[float, float], bool], float]:
    sign = re.match(r"^\s*(>=|<=|>|<|=)\s*", words) if isinstance(words, str) else None
    if sign is None:
        return operator.ge, amount(words, argument, dimension=dimension)
    return _COMPARED[sign[1]], amount(str(words)[sign.end() :], argument, dimension=dimension)


def _of_vendor(found: list[Chip], vendor: str) -> list[Chip]:
    known = sorted({c.vendor for c in found})
    vendor = CHINESE_VENDORS.get(vendor.strip(), vendor)
    if key(vendor) not in {key(v) for v in known}:
        near = nearest_names(vendor, known, cutoff=0.4) or known[:4]
        raise unknown_name("vendor", quote(vendor), nearest=near, listing="chipwall chips")
    return [c for c in found if key(c.vendor) == key(vendor)]


def sorted_chips(found: list[Chip], sort: str) -> list[Chip]:
    """Chips by a column, largest first; by ``id`` alphabetically; by ``tpp`` as the law counts it."""
    from chipwall.controls.measures import total_processing_performance

    if not isinstance(sort, str) or sort not in (*_COLUMNS, "tpp", "id"):
        raise InputError(
            text("cannot sort by '{column}'", column=quote(sort)),
            where="sort",
            fix=text("Use one of: {columns}", columns=", ".join([*_COLUMNS, "tpp", "id"])),
        )
    if sort == "id":
        return sorted(found, key=lambda c: c.id)
    if sort == "tpp":
        return sorted(found, key=lambda c: -(total_processing_performance(c).value or 0))
    return sorted(found, key=lambda c: -(c.value(_COLUMNS[sort]) or 0))


def _row(c: Chip) -> dict[str, object]:
    return {
        "id": c.id,
        "name": c.name,
        "vendor": c.vendor,
        "family": c.family,
        "memory_byte": c.value("memory_capacity"),
        "memory_bandwidth_byte_per_s": c.value("memory_bandwidth"),
        "bf16_flop_per_s": c.value("bf16_rate"),
        "fp8_flop_per_s": c.value("fp8_rate"),
        "link_bandwidth_byte_per_s": c.value("link_bandwidth"),
        "tdp_w": c.value("tdp"),
        "status": c.word("status"),
    }
