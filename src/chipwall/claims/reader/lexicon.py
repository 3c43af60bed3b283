"""The names and words a reader knows: chips, models and systems of the catalogue, and the vocabulary of ``words.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chipwall.catalog.load import Catalog
from chipwall.catalog.names import key
from chipwall.errors import ChipwallError

__all__ = ["Lexicon", "Name"]

# Makers whose name before a chip adds nothing, and Chinese names of families, as the catalogue spells them.
_SPELLED = (
    ("升腾", "昇腾"),
    ("英伟达", ""),
    ("辉达", ""),
    ("华为", ""),
    ("寒武纪", ""),
    ("思元", "MLU"),
    ("昆仑芯", "kunlun"),
    ("千问", "qwen"),
)
_TOKEN = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[\u4e00-\u9fff]+")
# How many tokens a name may have: "RTX PRO 6000 Blackwell Server Edition".
_LONGEST = 8
# Spellings that are names only to a catalogue.
_NEVER = re.compile(
    r"^(?:\d+|\d+(?:\.\d+)?[bt]|[a-z]\d?|max|ultra|pro|nano|server|edition|gpu|chip|ai|v\d|i\d|m\d|z\d|h\d|cpx|x\d)$"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a sentence: ``kind`` is ``chip``, ``model`` or ``system``; ``ids`` are what it may mean, the usual one first."""

    kind: str
    ids: tuple[str, ...]
    start: int
    end: int
    words: str


class Lexicon:
    """Names of one catalogue and the words of one vocabulary, compiled once."""

    def __init__(self, catalog: Catalog, words: Mapping[str, Any]) -> None:
        self.catalog = catalog
        self.tables = dict(words)
        self.patterns: dict[str, dict[str, re.Pattern[str]]] = {
            table: {
                name: re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE | re.ASCII)
                for name, patterns in self.tables[table].items()
            }
            for table in ("measure", "format", "work", "group", "country", "law", "event")
        }

    @cached_property
    def spellings(self) -> dict[str, tuple[str, str]]:
        """From a spelling without what people vary to its kind and the spelling that the catalogue resolves."""
        found: dict[str, tuple[str, str]] = {}
        for kind, records in (
            ("system", self.catalog.systems),
            ("model", self.catalog.models),
            ("chip", self.catalog.chips),
        ):
            for record in records.values():
                short = record.name.split(" ", 1)[-1]
                hub = getattr(record, "hf_id", "").split("/")[-1]
                for name in (record.id, record.name, short, hub, *record.aliases):
                    if name and not _NEVER.match(key(name)):
                        found[key(name)] = (kind, name)
        for name in self.catalog.names.family_names():
            if not _NEVER.match(key(name)):
                found[key(name)] = ("chip", name)
        return found

    @cached_property
    def _starts(self) -> set[str]:
        """First words of names: a token that is none begins no name."""
        return {m[0].lower() for _, name in self.spellings.values() if (m := _TOKEN.search(name))}

    @cached_property
    def _chinese(self) -> re.Pattern[str]:
        """Chinese words that a name may begin with, makers among them."""
        runs = {name for name in self._starts if not name.isascii()} | {old for old, _ in _SPELLED}
        return re.compile("|".join(sorted(map(re.escape, runs), key=len, reverse=True)))

    def _may_start(self, words: str, token: re.Match[str]) -> bool:
        if not token[0].isascii():
            return self._chinese.search(token[0]) is not None
        if token[0].lower() not in self._starts:
            return False
        # one letter begins a name only before a digit: H200, but not "a chip"
        return len(token[0]) > 1 or words[token.end() : token.end() + 2].strip()[:1].isdigit()

    def names(self, words: str) -> Iterator[Name]:
        """Every name of a sentence, the longest spelling first where several fit."""
        tokens = list(_TOKEN.finditer(words))
        nth = 0
        while nth < len(tokens):
            name = self._longest(words, tokens, nth) if self._may_start(words, tokens[nth]) else None
            if name is None:
                nth += 1
                continue
            yield name
            while nth < len(tokens) and tokens[nth].start() < name.end:
                nth += 1

    def _longest(self, words: str, tokens: list[re.Match[str]], nth: int) -> Name | None:
        first = tokens[nth]
        if (
            first.start()
            and words[first.start() - 1].isascii()
            and words[first.start() - 1].isalnum()
            and first[0].isascii()
        ):
            return None
        for last in range(min(nth + _LONGEST, len(tokens)) - 1, nth - 1, -1):
            end = tokens[last].end()
            raw = words[first.start() : end]
            if len(raw) > 48 or re.search(r"[，,。;；:：!?()（）]", raw):
                continue
            for start, spelled in _cut(raw, first.start()):
                found = self._resolved(spelled, words, start, end)
                if found is not None:
                    return found
        return None

    def _resolved(self, raw: str, words: str, start: int, end: int) -> Name | None:
        spelled = raw
        for old, new in _SPELLED:
            spelled = spelled.replace(old, new)
        asked = key(spelled)
        known = self.spellings.get(asked) or (self.spellings.get(asked[:-1]) if asked.endswith("s") else None)
        following = words[end : end + 1]
        if known is None or (
            following.isascii() and following.isalnum() and not words[end : end + 2].rstrip().endswith("s")
        ):
            return None
        if len(asked) < 4 and not re.match(r"[A-Z]+ ?\d+[A-Z]?s?$", spelled.strip()):
            return None
        if not any(c.isdigit() for c in asked) and not re.search(r"[\u4e00-\u9fff]", raw) and raw[:1].islower():
            return None
        ids = self._ids(*known)
        start += len(words[start:end]) - len(words[start:end].lstrip())
        return Name(known[0], ids, start, end, words[start:end]) if ids else None

    def _ids(self, kind: str, name: str) -> tuple[str, ...]:
        names = self.catalog.names
        try:
            if kind == "model":
                return (names.model(name).id,)
            return (names.system(name).id,) if kind == "system" else (names.chip(name).id,)
        except ChipwallError:
            pass
        try:
            return names.family_members(name) if kind == "chip" else ()
        except ChipwallError:
            return ()


def _cut(raw: str, start: int) -> Iterator[tuple[int, str]]:
    """The spelling itself, and in a run of Chinese without blanks its ends."""
    yield start, raw
    run = re.match(r"[\u4e00-\u9fff]+", raw)
    if run and len(run[0]) < len(raw):
        for cut in range(1, len(run[0]) + 1):
            yield start + cut, raw[cut:]
    elif run:
        for cut in range(1, len(raw) - 1):
            yield start + cut, raw[cut:]
