"""Read the data files into one :class:`Catalog`, through a cache of the parsed form.

Parsing and checking four thousand facts takes about a second; the parsed form is kept in the user's cache folder, keyed
by a digest of the data files and of the code that parses them. A cache that cannot be read or written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from chipwall.catalog.choose import chosen_fact
from chipwall.catalog.files import DATA, Problem, fingerprint, read_records, read_table
from chipwall.catalog.layers import Layers
from chipwall.catalog.names import Alias, Family, Names
from chipwall.catalog.records import Checkpoint, Chip, LanguageModel, System
from chipwall.catalog.tower import Tower
from chipwall.errors import DataError
from chipwall.sources import Fact, Source
from chipwall.text import text

__all__ = ["Catalog", "parse_catalog", "read_catalog"]


@dataclass(frozen=True)
class Catalog:
    """Everything known, by id; ``names`` resolves spellings, ``version`` is the date and fingerprint of the data."""

    chips: dict[str, Chip]
    models: dict[str, LanguageModel]
    systems: dict[str, System]
    sources: dict[str, Source]
    families: tuple[Family, ...]
    chip_aliases: tuple[Alias, ...]
    model_aliases: tuple[Alias, ...]
    version: str
    names: Names = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = Names(self.chips, self.models, self.systems, self.families, self.chip_aliases, self.model_aliases)
        object.__setattr__(self, "names", names)


def read_catalog(root: Path = DATA) -> Catalog:
    """The catalogue; raises :class:`DataError` naming the first problem if a data file breaks a rule."""
    digest = fingerprint(root)
    cached = _cache_file(digest)
    found = _from_cache(cached)
    if found is None:
        problems: list[Problem] = []
        found = parse_catalog(root, problems, version=f"{_data_date(root)}+{digest[:8]}")
        if problems:
            first = min(problems)
            raise DataError(
                first.what,
                where=text(
                    "{place}, the first of {count} problems",
                    place=f"{root / first.file}:{first.line}",
                    count=len(problems),
                ),
                fix=text("See them all: chipwall data check"),
            )
        _to_cache(cached, found)
    return found


def parse_catalog(root: Path, problems: list[Problem], *, version: str = "unversioned") -> Catalog:
    """Parse every data file under ``root``; whatever is wrong is added to ``problems``."""
    from chipwall.catalog.parse import chip_record, model_record, source_record, system_record, validated
    from chipwall.catalog.schema import AliasRow, FamilyRow

    sources: dict[str, Source] = {}
    for path in sorted(root.glob("sources*.toml")):
        for record in read_records(path, "source", problems, root=root):
            _add(sources, source_record(record, problems), record.file, record.line, problems)
    chips: dict[str, Chip] = {}
    for path in sorted(root.glob("chips/*/*.toml")):
        for record in read_records(path, "", problems, root=root):
            _add(chips, chip_record(record, sources, problems), record.file, record.line, problems)
    models: dict[str, LanguageModel] = {}
    for path in sorted(root.glob("models/*.toml")):
        for record in read_records(path, "model", problems, root=root):
            _add(models, model_record(record, sources, problems), record.file, record.line, problems)
    systems: dict[str, System] = {}
    for record in read_records(root / "systems.toml", "system", problems, root=root):
        made = system_record(record, sources, problems)
        _add(systems, made, record.file, record.line, problems)
        if made and made.chip not in chips:
            problems.append(
                Problem(record.file, record.line, text("{name}: no chip '{chip}'", name=made.name, chip=made.chip))
            )
    families = [
        validated(FamilyRow, r, problems) for r in read_records(root / "families.toml", "family", problems, root=root)
    ]
    tables = [
        [validated(AliasRow, r, problems) for r in read_table(root / "aliases" / f"{kind}.csv", problems, root=root)]
        for kind in ("chips", "models")
    ]
    aliases = [tuple(Alias(**row.model_dump()) for row in rows if row) for rows in tables]
    return Catalog(
        chips,
        models,
        systems,
        sources,
        tuple(Family(**f.model_dump()) for f in families if f),
        aliases[0],
        aliases[1],
        version,
    )


def _add(table: dict[str, Any], made: Any, file: str, line: int, problems: list[Problem]) -> None:
    if made is None:
        return
    if made.id in table:
        problems.append(Problem(file, line, text("'{id}' is defined twice", id=made.id)))
    table[made.id] = made


def _data_date(root: Path) -> str:
    try:
        return str(tomllib.loads((root / "version.toml").read_text(encoding="utf-8"))["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "undated"


def _cache_file(digest: str) -> Path:
    """Where the parsed form of exactly these data and this code belongs."""
    code = hashlib.blake2b(digest_size=4)
    here = Path(__file__).parent
    for path in [*sorted(here.glob("*.py")), here.parent / "units.py", here.parent / "sources.py"]:
        code.update(path.read_bytes())
    return _cache_folder() / f"catalog-{digest}-{code.hexdigest()}.json"


def _cache_folder() -> Path:
    """The user's cache folder; a relative or empty one is no place (XDG base directories), and then nothing is kept."""
    asked = os.environ.get("XDG_CACHE_HOME", "")
    home = asked if os.path.isabs(asked) else os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "chipwall" if os.path.isabs(home) and home != "/.cache" else Path(os.devnull) / "nowhere"


def _to_cache(path: Path, found: Catalog) -> None:
    content = {
        "version": found.version,
        "sources": [astuple(s) for s in found.sources.values()],
        "chips": [
            [c.id, c.name, c.vendor, c.family, c.aliases, [astuple(f) for f in c.facts]] for c in found.chips.values()
        ],
        "models": [[str(v) if isinstance(v, date) else v for v in astuple(m)] for m in found.models.values()],
        "systems": [
            [s.id, s.name, s.chip, {q: astuple(f) for q, f in s.facts.items()}, s.aliases, s.note]
            for s in found.systems.values()
        ],
        "families": [astuple(f) for f in found.families],
        "aliases": [[astuple(a) for a in table] for table in (found.chip_aliases, found.model_aliases)],
    }
    words = json.dumps(content, ensure_ascii=False)
    name = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".catalog")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{_sum(words)}\n{words}")
        os.replace(name, path)
    except OSError:  # a read-only home or a full disk is no reason to fail; the next call parses again
        with contextlib.suppress(OSError):
            if name:
                os.unlink(name)


def _sum(words: str) -> str:
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


def _from_cache(path: Path) -> Catalog | None:
    """The parsed form, if it is a plain file of our own that nobody else can write and that is whole; else None."""
    try:
        found = os.lstat(path)
        mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if not stat.S_ISREG(found.st_mode) or not mine or found.st_mode & 0o022:
            return None
        told, _, words = path.read_text(encoding="utf-8").partition("\n")
        return _revived(json.loads(words)) if told == _sum(words) else None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def _revived(content: dict[str, Any]) -> Catalog:
    chips = {}
    for chip_id, name, vendor, family, aliases, rows in content["chips"]:
        facts = _facts(rows)
        groups: dict[str, list[Fact]] = {}
        for fact in facts:
            groups.setdefault(fact.quantity, []).append(fact)
        chips[chip_id] = Chip(
            chip_id, name, vendor, family, tuple(aliases), facts, {q: chosen_fact(g) for q, g in groups.items()}
        )
    models = {row[0]: _model(row) for row in content["models"]}
    systems = {
        s[0]: System(s[0], s[1], s[2], {q: _facts([f])[0] for q, f in s[3].items()}, tuple(s[4]), s[5])
        for s in content["systems"]
    }
    families = tuple(Family(f[0], f[1], tuple(f[2]), tuple(f[3]), f[4]) for f in content["families"])
    aliases = [tuple(Alias(*a) for a in table) for table in content["aliases"]]
    sources = {s[0]: Source(*s) for s in content["sources"]}
    return Catalog(chips, models, systems, sources, families, aliases[0], aliases[1], content["version"])


def _model(row: list[Any]) -> LanguageModel:
    """A model from the tuple of its fields."""
    made = dict(zip((f.name for f in fields(LanguageModel)), row, strict=True))
    made["released"] = date.fromisoformat(made["released"]) if made["released"] else None
    made["aliases"] = tuple(made["aliases"])
    made["tower"] = None if made["tower"] is None else Tower(*made["tower"])
    for name in ("layers", "draft"):
        made[name] = tuple(Layers(*r) for r in made[name])
    made["checkpoints"] = tuple(
        Checkpoint(c[0], tuple((part, other) for part, other in c[1]), *c[2:]) for c in made["checkpoints"]
    )
    return LanguageModel(**made)


def _facts(rows: Iterable[list[Any]]) -> tuple[Fact, ...]:
    return tuple(Fact(*row) for row in rows)
