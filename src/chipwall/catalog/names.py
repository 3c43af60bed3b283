"""From a person's spelling to a record.

Spellings are compared without case, spaces, hyphens, underscores, brackets or the words NVIDIA, AMD and so on where that
leaves exactly one chip. A family of several bins resolves to its usual member, or asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, get_close_matches
from typing import TypeVar

from chipwall.catalog.records import Chip, LanguageModel, System
from chipwall.catalog.slices import asked_profile, sliced
from chipwall.errors import InputError, unknown_name
from chipwall.text import text
from chipwall.units import GIGA

__all__ = ["CHINESE_VENDORS", "Alias", "Family", "Names", "key"]

T = TypeVar("T", Chip, LanguageModel, System)

# How sure an alias table is that a name means its chip; the last two are too weak for a person's question.
SURE = ("exact", "assumed", "family", "part", "proxy")
# Endings of a published name that leave the shape of a model as it is.
TUNED = (
    "instruct", "chat", "base", "it", "pt", "hf", "thinking", "reasoning", "preview", "2410", "2412", "2501", "2503", "2506",
    "2507", "2508", "2509", "2512", "0324", "0528", "0905", "latest", "dynamic", "kv", "static", "tensor", "g128", "v2", "marlin",
    "bnb", "unsloth", "autoround", "qat", "exp", "terminus", "speciale",
)  # fmt: skip
# Endings that name the storage format of a copy, keys of :data:`chipwall.perf.formats.ALIASES` or ``FORMATS``.
QUANTISED = {
    "fp8": "fp8", "nvfp4": "nvfp4", "fp4": "nvfp4", "mxfp4": "mxfp4", "awq": "int4", "gptq": "int4", "int4": "int4",
    "int8": "int8", "w4a16": "int4", "w8a8": "int8", "w8a16": "int8_weights", "4bit": "nf4", "bf16": "bf16", "fp16": "fp16",
}  # fmt: skip

# Words around the name of a card that do not tell it from another: makers, lines, the kind of memory.
AROUND = frozenset(
    "nvidia geforce tesla quadro amd radeon instinct intel huawei google aws gpu graphics card accelerator generation "
    "hbm2 hbm2e hbm3 hbm3e".split()
)


# Makers and model families as Chinese papers name them.
CHINESE_VENDORS = {
    "英伟达": "nvidia", "超威": "amd", "华为": "huawei", "昇腾": "huawei", "海思": "huawei", "寒武纪": "cambricon", "海光": "hygon",
    "阿里": "alibaba",
    "阿里巴巴": "alibaba", "平头哥": "alibaba", "百度": "baidu", "昆仑芯": "baidu", "壁仞": "biren", "燧原": "enflame",
    "天数智芯": "iluvatar", "沐曦": "metax", "摩尔线程": "moore-threads", "谷歌": "google", "英特尔": "intel", "亚马逊": "aws",
    "苹果": "apple", "微软": "microsoft", "高通": "qualcomm",
}  # fmt: skip
CHINESE_MODELS = {
    "通义千问": "qwen", "千问": "qwen", "深度求索": "deepseek", "智谱": "glm", "百川": "baichuan",
    "混元": "hunyuan", "盘古": "openpangu",
    "书生": "internlm", "月之暗面": "kimi", "文心": "ernie", "悟道": "aquila",
}  # fmt: skip


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
    return unicodedata.normalize("NFKC", re.sub(r"[\s\-_()（）/·:]+", "", folded))


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
        told = {key(a.name) for a in self.model_aliases.values() if a.match == "exact"}
        self._ambiguous = {k: ids for k, ids in _families_of_sizes(models.values()).items() if k not in told}
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
            for name in filter(None, (*_hub_names(record), short, *record.aliases)):
                found.setdefault(key(name), record.id)
        for record in records:
            found[key(record.name)] = found[key(record.id)] = record.id
        return found

    def chip(self, name: str) -> Chip:
        """The chip that a spelling names; see :func:`chipwall.catalog.chip`."""
        asked = key(name)
        family = self._family_keys.get(asked)
        if family is None and asked not in self._chip_keys:
            inside = self._inside(asked) or self._bared(name)
            if inside is not None:
                return inside
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

    def _inside(self, asked: str) -> Chip | None:
        """The chip of a system, or a slice of a card, where a name means one of these."""
        if asked in self._system_keys:
            return self._chips[self._systems[self._system_keys[asked]].chip]
        profile = asked_profile(asked)
        return None if profile is None else sliced(self.chip(profile[0]), profile[1])

    def _bared(self, name: str) -> Chip | None:
        """The chip of a name as device tools print it: without maker and line, then without the memory that the chip has."""
        words = [w for w in re.split(r"[\s\-_]+", unicodedata.normalize("NFKC", name).casefold()) if w not in AROUND]
        bare = self._chip_keys.get(key(" ".join(words)))
        if bare is not None:
            return self._chips[bare]
        sizes = [int(m[1]) for w in words if (m := re.fullmatch(r"(\d+)g(i?b)?", w))]
        rest = self._chip_keys.get(key(" ".join(w for w in words if not re.fullmatch(r"\d+g(i?b)?", w))))
        if rest is None or len(sizes) != 1 or self._chips[rest].value("memory_capacity") != sizes[0] * GIGA:
            return None
        return self._chips[rest]

    def machine(self, name: str) -> tuple[Chip, int]:
        """The chip that a name means and how many of it: those of a system (``dgx-h200``: 8), else one."""
        asked = key(name)
        if asked in self._system_keys and self._chip_keys.get(asked, "") not in (asked, name):
            system = self._systems[self._system_keys[asked]]
            return self._chips[system.chip], int(system.value("chips") or 1)
        return self.chip(name), 1

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
        """The language model that a spelling names; the name of a quantised copy gives the model in that format.

        Names as model hubs have them may carry an owner in front and what leaves the shape as it is behind: the tuning
        (``-Instruct``), a date, a storage format (``-FP8``, ``-AWQ``).
        """
        name = _latin_family(name)
        found = self._model_keys.get(key(name))
        meant = self._ambiguous.get(key(name), ())
        if meant:
            raise InputError(
                text("'{name}' names {count} models", name=name, count=len(meant)),
                where=text("Choose one: {names}", names=", ".join(meant)),
                fix=text("Compare them: chipwall models --family {family}", family=self._models[meant[0]].family),
            )
        if found is not None:
            return _in_format(self._models[found], _copy_format(self._models[found], name))
        stems, stored = _stems(name.split("/")[-1])
        found = next((self._model_keys[k] for k in map(key, stems) if k in self._model_keys), None)
        if found is None:
            wrong = self._unknown("model", name, self._models, self._model_keys)
            own = text("Or give a path: config.json, a folder, a GGUF file")
            raise InputError(wrong.what, where=wrong.where, fix=text("{listing}. {own}", listing=wrong.fix, own=own))
        return _in_format(self._models[found], stored)

    def model_of_table(self, name: str) -> LanguageModel:
        """The model that a table of measurements names, where the alias table says which one its source meant."""
        alias = self.model_aliases.get(name)
        return self._models[alias.id] if alias is not None and alias.match in SURE and alias.id else self.model(name)

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
        near += [k for k in keys if asked and (asked in k or k in asked) and len(k) > 2]
        ordered = sorted(dict.fromkeys([*near, *_same_number(asked, keys)]), key=lambda k: _distance(asked, k))
        ids = list(dict.fromkeys(keys[k] for k in ordered))
        # a family whose chips are named anyway says nothing more
        ids = [i for i in ids if i in records or not any(i in other.split("-") for other in ids if other in records)]
        return unknown_name(kind, name, nearest=ids[:4], listing=f"chipwall {kind}s")


def _latin_family(name: str) -> str:
    """A model's name with its family in Latin letters: ``千问3-32B`` is ``qwen3-32B``."""
    for chinese, latin in CHINESE_MODELS.items():
        if name.strip().startswith(chinese):
            return latin + name.strip().removeprefix(chinese)
    return name


def _number_in(spelling: str) -> str:
    """The longest run of digits of a spelling: what tells one part from another."""
    return max(re.findall(r"\d+", spelling), key=len, default="")


def _same_number(asked: str, keys: Iterable[str]) -> list[str]:
    """Spellings whose number is of the same series: 3080 is near 3090, not near VR300."""
    number = _number_in(asked)
    if len(number) < 3:
        return []
    return [
        k for k in keys if len(own := _number_in(k)) == len(number) and (own[:2] == number[:2] or own[1:] == number[1:])
    ]


def _distance(asked: str, other: str) -> tuple[float, ...]:
    """How far one spelling lies from another: first by the number in it, then by the letters."""
    mine, theirs = _number_in(asked), _number_in(other)
    if len(mine) < 3:
        series = 0.0
    elif len(mine) != len(theirs):
        series = 3.0
    else:
        series = 0.0 if mine == theirs else 1.0 if mine[:2] == theirs[:2] else 2.0 if mine[1:] == theirs[1:] else 3.0
    return series, 1.0 - SequenceMatcher(None, asked, other).ratio(), float(abs(len(asked) - len(other)))


_SIZE = re.compile(r"^(?P<family>[a-z]+)-?[\d.]*-(?P<size>\d+(?:\.\d+)?b)$")


def _families_of_sizes(models: Iterable[LanguageModel]) -> dict[str, tuple[str, ...]]:
    """Names that say a family and a size but no generation, where several generations have that size: ``llama-70b``."""
    found: dict[str, list[str]] = {}
    exact: set[str] = set()
    for model in models:
        exact |= {key(model.id), key(model.hf_id.split("/")[-1])}
        match = _SIZE.match(model.id)
        if match:
            found.setdefault(key(f"{match['family']}{match['size']}"), []).append(model.id)
    return {name: tuple(ids) for name, ids in found.items() if len(ids) > 1 and name not in exact}


def _hub_names(record: Chip | LanguageModel | System) -> tuple[str, ...]:
    """Names of a model and of its published copies on model hubs, with and without the owner."""
    if not isinstance(record, LanguageModel):
        return ()
    full = tuple(filter(None, (record.hf_id, *(c.hf_id for c in record.checkpoints))))
    short = tuple(name.split("/")[-1] for name in full)
    return (*full, *short, *(stem for name in short for stem in _stems(name)[0] if len(stem) > 3))


def _copy_format(model: LanguageModel, name: str) -> str:
    """Format of the published copy that a name means exactly; empty for the model itself."""
    asked = key(name.split("/")[-1])
    if asked == key(model.hf_id.split("/")[-1]):
        return ""
    return next((c.format for c in model.checkpoints if c.hf_id and asked == key(c.hf_id.split("/")[-1])), "")


def _stems(name: str) -> tuple[tuple[str, ...], str]:
    """A published name without the words that leave the shape as it is, and the storage format among them.

    First without such words at its end, then without them anywhere (``Mixtral-8x7B-Instruct-v0.1``).
    """
    words, stored = re.split(r"[-_]", name), ""
    while len(words) > 1 and (last := words[-1].casefold()) in (*TUNED, *QUANTISED):
        stored = QUANTISED.get(last, stored)
        words.pop()
    kept = [w for w in words if w.casefold() not in (*TUNED, *QUANTISED) or w.casefold() == "v2"]
    return ("-".join(words), "-".join(kept)), stored


def _in_format(model: LanguageModel, stored: str) -> LanguageModel:
    """The model as a copy in that format publishes it."""
    return replace(model, default_dtype=stored) if stored and stored != model.default_dtype else model
