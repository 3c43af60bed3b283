"""A ``config.json`` as a model: keys and rules come from the table ``catalog/data/configurations.toml``.

A configuration of one of the listed ``model_type``s becomes layer records; one that is not listed, or that lacks a needed
field, is refused with the fields that are missing and the way out, a model file of one's own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from chipwall.catalog.files import DATA
from chipwall.catalog.own.reading import refusal
from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["Configuration", "gguf_table", "known_types", "language_part", "tower_rules"]

# Nobody has built more of any dimension; what is larger is a mistake or an attack [1].
LARGEST = 2_000_000_000
# Where multimodal configurations keep their language model.
LANGUAGE_PARTS = (
    "text_config",
    "llm_config",
    "language_config",
    "thinker_config",
    "language_model_config",
    "lm_config",
)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((DATA / "configurations.toml").read_text(encoding="utf-8"))


@cache
def _types() -> dict[str, dict[str, Any]]:
    return {name.lower(): record for record in _table()["type"] for name in record["names"]}


def gguf_table() -> Mapping[str, Mapping[str, str]]:
    """Names of a GGUF header: ``types`` of architectures and ``keys`` of dimensions, as a configuration has them."""
    return _table()["gguf"]  # type: ignore[no-any-return]


@cache
def tower_rules() -> Mapping[str, Mapping[str, Any]]:
    """How images become tokens, by the ``model_type`` of the file."""
    return {name: rule for rule in _table()["tower"] for name in rule["names"]}


def known_types() -> tuple[str, ...]:
    """Every ``model_type`` that is understood."""
    return tuple(name for record in _table()["type"] for name in record["names"])


def language_part(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The configuration of the language model inside a configuration, and the whole of it.

    What the language part does not say (tied embeddings, quantisation) the outer one may.
    """
    inner: Mapping[str, Any] = values
    for _ in range(3):
        deeper = next((inner[k] for k in LANGUAGE_PARTS if isinstance(inner.get(k), dict)), None)
        if deeper is None:
            break
        inner = deeper
    return inner, values


@dataclass(frozen=True)
class Configuration:
    """The language part of a configuration with the record of its ``model_type``; numbers are asked by quantity.

    Attributes
    ----------
    values, outer : mapping
        Keys of the language model, and of the file.
    path : Path
        The file, for messages.
    name : str
        Its ``model_type``.
    record : mapping
        The record of ``configurations.toml``.
    used : set of str
        Quantities that were missing, collected to be told at once.
    """

    values: Mapping[str, Any]
    outer: Mapping[str, Any]
    path: Path
    name: str
    record: Mapping[str, Any]
    missing: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, values: Mapping[str, Any], path: Path) -> Configuration:
        """The configuration of a file; refuses an unknown ``model_type``."""
        inner, outer = language_part(values)
        spelled = [inner.get("model_type"), outer.get("model_type")]
        names = [str(n) for n in spelled if isinstance(n, str)]
        for name in names:
            if (record := _types().get(name.lower())) is not None:
                return cls(inner, outer, path, name, record)
        if not names:
            raise refusal(text("the file names no model_type"), path)
        raise refusal(
            text("model_type '{name}' is not understood ({count} are)", name=names[0], count=len(known_types())),
            path,
            text("Write a model file with [[model.layers]]: docs/how-to/bring-your-own-model.md"),
        )

    # --- single values ---------------------------------------------------------------------------------------------

    def raw(self, key: str) -> Any:
        """A value by its key, dots leading inwards; the outer file or the defaults of the record where it is not given."""
        for place in (self.values, self.outer, self.record.get("defaults", {})):
            found: Any = place
            for step in key.split("."):
                found = found.get(step) if isinstance(found, Mapping) else None
            if found is not None:
                return found
        return None

    def count(self, quantity: str, kind: str = "") -> int:
        """A whole number of the table's keys for a quantity [1]; 0 where it is not given.

        ``kind`` asks for what layers of one kind of attention have of their own (``window``, ``full``).
        """
        keys = [*self.record.get(kind, {}).get(quantity, ()), *_table()["keys"].get(quantity, (quantity,))]
        for key in keys:
            if (value := self.raw(key)) is not None:
                return self._whole(key, value)
        return 0

    def needed(self, *quantities: str) -> tuple[int, ...]:
        """Numbers that a rule cannot do without [1]; what is missing is collected for one message."""
        found = tuple(self.count(q) for q in quantities)
        self.missing.update(_table()["keys"][q][0] for q, n in zip(quantities, found, strict=True) if not n)
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """A value that is true or false."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool | int):
            raise refusal(text("{key}: '{value}' is not true or false", key=key, value=str(value)[:40]), self.path)
        return bool(value)

    def listed(self, key: str, length: int) -> Sequence[Any] | None:
        """A list with an entry for each layer; None where it is not given. Entries beyond the layers belong to draft layers."""
        value = self.raw(key)
        if not isinstance(value, list | str) or not value:
            return None
        if len(value) < length:
            raise refusal(
                text("{key} has {got} entries for {count} layers", key=key, got=len(value), count=length), self.path
            )
        return value[:length]

    def _whole(self, key: str, value: Any) -> int:
        if isinstance(value, list) and value and all(v == value[0] for v in value):
            value = value[0]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
            raise refusal(text("{key}: '{value}' is not a whole number", key=key, value=str(value)[:40]), self.path)
        return value

    def complete(self) -> None:
        """Refuses the file if a needed field was missing."""
        if self.missing:
            raise refusal(
                text("model_type '{name}': missing {fields}", name=self.name, fields=", ".join(sorted(self.missing))),
                self.path,
                text("Add them, or write a model file: docs/how-to/bring-your-own-model.md"),
            )

    def contradiction(self, what: str) -> InputError:
        """An error about two fields that cannot both hold."""
        return refusal(what, self.path)
