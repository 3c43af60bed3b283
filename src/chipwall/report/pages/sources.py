"""Sources: the list of all, and as a reader cites them, in footnotes with addresses or BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from chipwall.catalog.load import Catalog
from chipwall.catalog.records import Chip
from chipwall.catalog.series import load_series as book
from chipwall.errors import ChipwallError, unknown_name
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.sources import DERIVED, UNSOURCED, Source, address_of
from chipwall.text import Text, text

__all__ = ["asked_sources", "bibtex", "footnotes", "sources_table"]


def sources_table(catalog: Catalog) -> Table:
    """One row a source with the number of facts that rest on it; computed facts and those without a source in one row each."""
    facts = [f.source for c in catalog.chips.values() for f in c.facts]
    facts += [f.source for s in catalog.systems.values() for f in s.facts.values()]
    facts += [m.source for m in catalog.models.values()]
    counts = _by_source(facts, catalog)
    rests = _by_source([o.source for seen in book().observations.values() for o in seen], catalog)
    columns = (
        Column("id", text("Source")),
        Column("title", text("Title")),
        Column("publisher", text("Publisher")),
        Column("kind", text("Kind")),
        Column("published", text("Published")),
        Column("accessed", text("Accessed")),
        Column("facts", text("Facts"), right=True),
        Column("market_rows", text("Market rows"), right=True),
        Column("url", text("Address")),
        Column("licence", text("Licence")),
        Column("note", text("Notes")),
    )
    rows = tuple(
        (
            s.id, s.title, s.publisher, Cell(Text.of(s.kind), s.kind), s.published, s.accessed, counts.get(s.id, 0),
            rests.get(s.id, 0),
            Cell(s.url or s.place, s.url, url=s.url), s.licence, s.note,
        )
        for s in catalog.sources.values()
        if s.kind not in (DERIVED, UNSOURCED) or s.id in (DERIVED, UNSOURCED)
    )  # fmt: skip
    return Table("", columns, rows)


def _by_source(used: Sequence[str], catalog: Catalog) -> dict[str, int]:
    """How many of some numbers rest on each source; what is no document counts under one id."""
    counts: dict[str, int] = {}
    for source in used:
        kind = catalog.sources[source].kind
        key = kind if kind in (DERIVED, UNSOURCED) else source
        counts[key] = counts.get(key, 0) + 1
    return counts


def asked_sources(names: Sequence[str], catalog: Catalog) -> tuple[Source, ...]:
    """The sources that some words name: ids of sources, or chips, whose facts in use name theirs.

    A page of a collection (one chip of a database) is cited with its own address.

    Raises
    ------
    InputError
        A word is neither, with the nearest ids.
    """
    found: dict[str, Source] = {}
    for name in names:
        if name in catalog.sources:
            found.setdefault(name, catalog.sources[name])
            continue
        try:
            chip = catalog.names.chip(name)
        except ChipwallError as error:
            near = get_close_matches(name, catalog.sources, 3, 0.6)
            if near:
                raise unknown_name("source", name, nearest=near, listing="chipwall sources") from error
            raise
        for source in _of_chip(chip, catalog):
            found.setdefault(source.id, source)
    return tuple(s for s in found.values() if s.id not in (DERIVED, UNSOURCED))


def _of_chip(chip: Chip, catalog: Catalog) -> Iterable[Source]:
    for fact in chip.chosen.values():
        source = catalog.sources[fact.source]
        url = address_of(fact, source)
        yield source if url == source.url else Source(**{**_fields(source), "url": url})


def _fields(source: Source) -> dict[str, str]:
    return {name: getattr(source, name) for name in source.__dataclass_fields__}


def footnotes(sources: Sequence[Source]) -> str:
    """Numbered Markdown footnotes, each with its address and the day it was looked at."""
    return "\n".join(f"[^{number}]: {_note(source)}" for number, source in enumerate(sources, start=1))


def _note(source: Source) -> str:
    parts = [source.publisher, f"“{source.title}”", source.published, source.place, source.url]
    if source.accessed and source.url:
        parts.append(f"accessed {source.accessed}")
    if source.archive:
        parts.append(f"archived at {source.archive}")
    return ", ".join(p for p in parts if p) + "."


_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "$": r"\$", "~": r"\~{}"}


def bibtex(sources: Sequence[Source]) -> str:
    """One ``@misc`` entry a source; addresses stay as they are, everything else is escaped."""
    return "\n\n".join(_entry(s) for s in sources)


def _entry(source: Source) -> str:
    year = re.search(r"(?:19|20)\d\d", source.published)
    fields = {
        "author": _escaped(source.publisher) and f"{{{_escaped(source.publisher)}}}",
        "title": _escaped(source.title) and f"{{{_escaped(source.title)}}}",
        "year": year[0] if year else "",
        "howpublished": _escaped(source.place),
        "url": source.url,
        "urldate": source.accessed if source.url else "",
        "note": _escaped(source.note),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{source.id},", *lines, "}"])


def _escaped(words: str) -> str:
    return "".join(_SPECIAL.get(c, c) for c in words)
