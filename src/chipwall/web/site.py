"""The finite part as files: catalogue, law, claims, presets and proposals, which open from a disk or any host of files.

The same pages, drawn by the same templates; what only a server can answer (a question of your own) has no control there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipwall.api.rooms import everything, scenarios_told
from chipwall.errors import ChipwallError
from chipwall.files import write_whole
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.language.lookup import LANGUAGES
from chipwall.web.app import place_of, static_bytes
from chipwall.web.ask import COMMON, Ask
from chipwall.web.html import figure_bytes, page_bytes
from chipwall.web.rooms.law import wall_stops
from chipwall.web.rooms.market import finished_pair
from chipwall.web.rooms.rest import claim_names

__all__ = ["site_addresses", "write_site"]

STATIC = ("app.css", "app.js", "htmx.min.js", "icon.svg")
START = (
    '<!doctype html><meta charset="utf-8"><title>chipwall</title><meta http-equiv="refresh" content="0; url=en/index.html">'
    '<a href="en/index.html">English</a> <a href="zh/index.html">中文</a>'
).encode()
Given = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Address:
    """A page of the site: its path and parameters, the file it becomes, and the forms beside HTML."""

    path: str
    given: Given
    file: str
    forms: tuple[str, ...] = ()


def site_addresses() -> Iterator[Address]:
    """Every page that the site has."""
    known = everything()
    yield Address("/", (), "index")
    for name in ("docs", "about", "help", "compare", "perform", "plan"):
        yield Address(f"/{name}", (), name)
    yield Address("/check", (("sample", "1"),), "check")
    for name in ("chips", "models", "claims", "sources"):
        yield Address(f"/{name}", (), name, ("json", "csv", "md"))
    yield Address("/wall", (), "wall", ("json", "csv", "svg"))
    yield from (Address("/wall", (("on", d.isoformat()),), f"wall-{d.isoformat()}") for d in wall_stops())
    for chip in known.chips.values():
        yield Address(f"/chips/{chip.id}", (), f"chips/{chip.id}", ("json", "csv"))
        yield Address(f"/law/{chip.id}", (("to", "CN"),), f"law/{chip.id}", ("json",))
    yield from (Address(f"/models/{m.id}", (), f"models/{m.id.replace('/', '-')}", ("json",)) for m in known.models.values())
    yield from (Address(f"/claims/{name}", (), f"claims/{name}", ("json", "svg")) for name in claim_names())
    yield from (Address(f"/market/{s.id}", (), f"market/{s.id}", ("svg",)) for s in scenarios_told("en") if s.decision)
    yield Address("/market", (), "market")  # after the proposals, whose sentences it tells


class StaticSite:
    """The pages of a site by their address, and the way from one file to another."""

    def __init__(self, addresses: tuple[Address, ...]) -> None:
        self.addresses = addresses
        self._files = {(a.path, a.given): a for a in addresses}
        self._alone = {a.path: a for a in reversed(addresses) if len(a.given) <= 1}

    def link(self, file: str, path: str, **parameters: object) -> str:
        """The relative address of a page from a file of the site; empty where the site has no such page."""
        lang = str(parameters.get("lang") or "en")
        if path.startswith("/static/"):
            return os.path.relpath(f"static/{path.removeprefix('/static/')}", Path(file).parent)
        given = tuple((n, str(v)) for n, v in sorted(parameters.items()) if n not in COMMON and v)
        bare, form = path, "html"
        for ending in ("json", "csv", "md", "svg", "xlsx"):
            if path.endswith(f".{ending}") and not path.endswith(".vl.json"):
                bare, form = path.removesuffix(f".{ending}"), ending
        figure = ""
        if form == "svg":
            bare, _, figure = bare.rpartition(".")
        bare = "/" if bare == "/index" else bare
        found = self._files.get((bare, given)) or (self._alone.get(bare) if not given else None)
        if found is None or (form != "html" and form not in found.forms) or parameters.get("table") or path.endswith(".png"):
            return ""
        if form != "html":
            lang = "en"
        return os.path.relpath(f"{lang}/{found.file}{f'.{figure}' if figure else ''}.{form}", Path(file).parent)

    def files(self, address: Address, lang: str) -> Iterator[tuple[str, bytes]]:
        """The files of one page in a language: HTML, and in English its other forms."""
        file = f"{lang}/{address.file}.html"
        room, words, _, _ = place_of(address.path)
        assert room is not None
        given: dict[str, list[str]] = {n: [v] for n, v in address.given} | ({"lang": [lang]} if lang != "en" else {})
        ask = Ask(address.path, words, given, room.fields(), lambda path, **p: self.link(file, path, **p), free=False)
        page: Any = finished_pair(ask) if address.path.startswith("/market/") else room.make(ask)
        assert isinstance(page, AnswerPage)
        yield file, page_bytes(page, ask, "html")
        if lang != "en":
            return
        for form in address.forms:
            if form == "svg":
                for name in page.figures:
                    yield f"en/{address.file}.{name}.svg", figure_bytes(page, name, "svg", ask)
            elif form != "csv" or page.tables:
                yield f"en/{address.file}.{form}", page_bytes(page, ask, form)


def write_site(out: Path, *, said: Callable[[int, int], None] = lambda done, total: None) -> tuple[int, int]:
    """Write the site into a folder; gives the files written, and the pages left out because they have no answer."""
    site = StaticSite(tuple(site_addresses()))
    files = left_out = 0
    for name in STATIC:
        files += _write(out / "static" / name, static_bytes(name))
    total = len(site.addresses) * len(LANGUAGES)
    for number, address in enumerate(site.addresses):
        for nth, lang in enumerate(LANGUAGES):
            try:
                for file, content in site.files(address, lang):
                    files += _write(out / file, content)
            except ChipwallError:
                left_out += 1
            said(number * len(LANGUAGES) + nth + 1, total)
    return files + _write(out / "index.html", START), left_out


def _write(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return 1
