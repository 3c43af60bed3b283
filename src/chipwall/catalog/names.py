"""From a person's spelling to a record.

Spellings are compared without case, spaces, hyphens, underscores, brackets or the words NVIDIA, AMD and so on where that
leaves exactly one chip. A family of several bins resolves to its usual member, or asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from chipwall.catalog.records import Chip, LanguageModel, System
from chipwall.errors import InputError, unknown_name
from chipwall.text import text

__all__ = ["Alias", "Family", "Names", "key"]

T = TypeVar("T", Chip, LanguageModel, System)

# How sure an alias table is that a name means its chip; the last two are too weak for a person's question.
SURE = ("exact", "assumed", "family", "part", "proxy")


@dataclass(frozen=True, slots=True)
class Alias:
    """A row of an alias table: ``match`` is exact, assumed, family, part, proxy, guess or none."""

    name: str
    kind: str
    id: str
    match: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Chips that share a name; ``default`` is the one usually meant, empty where none is."""

    id: str
    name: str
    chips: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    default: str = ""


def key(name: str) -> str:
    """A spelling without what people vary: case, width, spaces, hyphens, underscores, dots between words, brackets.

    Examples
    --------
    >>> key("NVIDIA H200-SXM") == key("nvidia_h200 sxm")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    # normalised again: taking a space away can bring a letter and its accent together
    return unicodedata.normalize("NFKC", re.sub(r"[\s\-_()（）/·]+", "", folded))


class Names:
    """The spellings of chips, models and systems; built once with the catalogue."""

    def __init__(
        self,
        chips: Mapping[str, Chip],
        models: Mapping[str, LanguageModel],
        systems: Mapping[str, System],
        families: Iterable[Family],
        chip_aliases: Iterable[Alias],
        model_aliases: Iterable[Alias],
    ) -> None:
        self._chips, self._models, self._systems = chips, models, systems
        self._families = {f.id: f for f in families}
        self.chip_aliases = {a.name: a for a in chip_aliases}
        self.model_aliases = {a.name: a for a in model_aliases}
        self._chip_keys = self._index(chips.values(), self.chip_aliases.values())
        self._model_keys = self._index(models.values(), self.model_aliases.values())
        self._system_keys = self._index(systems.values(), ())
        self._family_keys = {key(n): f for f in self._families.values() for n in (f.id, f.name, *f.aliases)}

    @staticmethod
    def _index(
        records: Iterable[Chip] | Iterable[LanguageModel] | Iterable[System], aliases: Iterable[Alias]
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for alias in aliases:
            if alias.match in SURE and alias.kind in ("chip", "model", ""):
                found[key(alias.name)] = alias.id
        for record in records:
            short = record.name.split(" ", 1)[-1]
            hub = record.hf_id.split("/")[-1] if isinstance(record, LanguageModel) else ""
            for name in filter(None, (hub, short, *record.aliases)):
                found.setdefault(key(name), record.id)
        for record in records:
            found[key(record.name)] = found[key(record.id)] = record.id
        return found

    def chip(self, name: str) -> Chip:
        """The chip that a spelling names; see :func:`chipwall.catalog.chip`."""
        asked = key(name)
        family = self._family_keys.get(asked)
        if asked in self._chip_keys and not (family and not family.default and len(family.chips) > 1):
            return self._chips[self._chip_keys[asked]]
        if family is None:
            raise self._unknown(
                "chip", name, self._chips, {**self._chip_keys, **{k: f.id for k, f in self._family_keys.items()}}
            )
        if family.default or len(family.chips) == 1:
            return self._chips[family.default or family.chips[0]]
        raise InputError(
            text("'{name}' names {count} chips", name=name, count=len(family.chips)),
            where=text("Choose one: {names}", names=", ".join(family.chips)),
            fix=text("Compare them: chipwall chips --family {family}", family=family.id),
        )

    def family_members(self, name: str) -> tuple[str, ...]:
        """Ids of the chips of a family; raises for an unknown family."""
        family = self._family_keys.get(key(name))
        if family:
            return family.chips
        known = sorted({c.family for c in self._chips.values()})
        members = tuple(c.id for c in self._chips.values() if key(c.family) == key(name))
        if not members:
            raise unknown_name(
                "family", name, nearest=get_close_matches(name.lower(), known, 3, 0.4), listing="chipwall chips"
            )
        return members

    def family_names(self) -> tuple[str, ...]:
        """Every spelling of a family."""
        return tuple(n for f in self._families.values() for n in (f.id, f.name, *f.aliases))

    def model(self, name: str) -> LanguageModel:
        """The language model that a spelling names."""
        found = self._model_keys.get(key(name))
        if found is None:
            raise self._unknown("model", name, self._models, self._model_keys)
        return self._models[found]

    def system(self, name: str) -> System:
        """The system that a spelling names."""
        found = self._system_keys.get(key(name))
        if found is None:
            raise self._unknown("system", name, self._systems, self._system_keys)
        return self._systems[found]

    @staticmethod
    def _unknown(kind: str, name: str, records: Mapping[str, object], keys: Mapping[str, str]) -> InputError:
        # a spelling is nearest to spellings; what is shown is the id, which always works
        asked = key(name)
        near = get_close_matches(asked, keys, n=12, cutoff=0.55)
        starts = [k for k in keys if asked and (asked in k or k in asked) and len(k) > 2]
        ids = list(dict.fromkeys(keys[k] for k in [*near, *sorted(starts, key=lambda k: abs(len(k) - len(asked)))]))
        return unknown_name(kind, name, nearest=ids[:4], listing=f"chipwall {kind}s")
