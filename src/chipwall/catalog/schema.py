"""What a data file may hold. Read only when the cached form is out of date, because pydantic takes 0.1 s to load."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, StrictBool, StrictStr, model_validator

from chipwall.sources import Kind, Status

__all__ = [
    "SCHEMA_VERSION",
    "AliasRow",
    "CheckpointRow",
    "ChipFile",
    "FactRow",
    "FamilyRow",
    "LayersRow",
    "ModelRow",
    "SourceRow",
    "SystemRow",
]

SCHEMA_VERSION = 1


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceRow(_Row):
    """One ``[[source]]``."""

    id: str = Field(min_length=1)
    title: str = Field(min_length=1)
    publisher: str = ""
    place: str = ""
    published: str = ""
    licence: str = ""
    note: str = ""
    url: str = ""
    kind: Kind
    accessed: str = ""
    retrieved: str = ""
    archive: str = ""


class FactRow(_Row):
    """One fact; ``value`` is left out where ``unknown`` says that it is not published."""

    quantity: str
    value: StrictBool | Annotated[Decimal, Strict()] | StrictStr | None = None
    unknown: bool = False
    unit: str = ""
    status: Status
    source: str = Field(min_length=1)
    locator: str = ""
    accessed: str = ""
    note: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    second: bool = False
    derived: bool = False
    prefer: str = ""
    url: str = ""
    quote: str = Field(default="", max_length=200)
    formula: str = ""


class ChipFile(_Row):
    """A chip's own file, its facts apart."""

    schema_: int = Field(alias="schema")
    id: str
    name: str
    vendor: str
    family: str
    aliases: tuple[str, ...] = ()
    facts: tuple[Any, ...]


class SystemRow(_Row):
    """One ``[[system]]``, its facts apart."""

    id: str
    name: str
    chip: str
    aliases: tuple[str, ...] = ()
    note: str = ""
    facts: tuple[Any, ...]


class FamilyRow(_Row):
    """One ``[[family]]``: chips that share a name, and which of them is usually meant."""

    id: str
    name: str
    chips: tuple[str, ...] = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    default: str = ""


class AliasRow(_Row):
    """A row of an alias table."""

    name: str
    kind: str
    id: str
    match: str
    note: str = ""


def _positive() -> Any:
    return Field(default=0, ge=0)


class LayersRow(_Row):
    """One ``[[model.layers]]``; see :class:`chipwall.catalog.layers.Layers`."""

    count: int = Field(gt=0)
    attention: Literal["full", "window", "latent", "linear", "recurrent", "none"] = "none"
    heads: int = _positive()
    kv_heads: int = _positive()
    head_dim: int = _positive()
    value_dim: int = _positive()
    window: int = _positive()
    query_rank: int = _positive()
    latent_rank: int = _positive()
    rotary: int = _positive()
    output_rank: int = _positive()
    output_groups: int = _positive()
    gate: int = _positive()
    shared_keys: StrictBool = False
    one_vector: StrictBool = False
    keeps: StrictBool = True
    compression: int = _positive()
    near: int = _positive()
    index_heads: int = _positive()
    index_dim: int = _positive()
    index_keys: int = _positive()
    convolution: int = _positive()
    feed_forward: Literal["dense", "experts", "none"] = "none"
    ffn: int = _positive()
    gated: StrictBool = True
    experts: int = _positive()
    top_k: int = _positive()
    expert_ffn: int = _positive()
    shared_ffn: int = _positive()
    expert_dim: int = _positive()
    idle_experts: int = _positive()
    other: int = _positive()

    @model_validator(mode="after")
    def _whole(self) -> LayersRow:
        """What a kind cannot do without."""
        needs = {
            "full": ("heads", "head_dim"),
            "window": ("heads", "head_dim", "window"),
            "latent": ("heads", "head_dim", "value_dim", "latent_rank"),
            "linear": ("heads", "kv_heads", "head_dim", "value_dim"),
            "recurrent": ("heads", "kv_heads", "head_dim", "value_dim"),
            "none": (),
            "dense": ("ffn",),
            "experts": ("experts", "top_k", "expert_ffn"),
        }
        wanted = [*needs[self.attention], *(() if self.feed_forward == "none" else needs[self.feed_forward])]
        missing = [name for name in wanted if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.attention} + {self.feed_forward} layers need {', '.join(missing)}")
        if self.attention != "latent" and self.kv_heads and self.heads % self.kv_heads:
            raise ValueError(f"{self.kv_heads} key-value heads do not divide {self.heads} heads")
        return self


class TowerRow(_Row):
    """The ``[model.tower]`` of a model that sees; see :class:`chipwall.catalog.tower.Tower`."""

    layers: int = Field(gt=0)
    hidden: int = Field(gt=0)
    ffn: int = Field(gt=0)
    heads: int = Field(gt=0)
    patch: int = Field(gt=0)
    gated: StrictBool = False
    merge: int = Field(default=1, gt=0)
    side: int = _positive()
    tile: int = _positive()
    most_tiles: int = Field(default=1, gt=0)
    thumbnail: StrictBool = False
    least: int = _positive()
    most: int = _positive()
    longest: int = _positive()
    tokens: int = _positive()
    window: int = _positive()
    whole: int = _positive()
    row_tokens: StrictBool = False


class CheckpointRow(_Row):
    """One ``[[model.checkpoints]]``: a published copy, its format, parts of other formats, and its size."""

    format: str
    parts: dict[str, str] = {}
    hf_id: str = ""
    size_gb: Decimal | None = None
    locator: str = ""


class ModelRow(_Row):
    """One ``[[model]]``; what is not known is left out."""

    id: str
    name: str
    family: str
    hf_id: str = ""
    parameters_b: Decimal | None = None
    active_parameters_b: Decimal | None = None
    depth: int | None = Field(default=None, gt=0)
    hidden: int | None = Field(default=None, gt=0)
    vocab: int | None = Field(default=None, gt=0)
    tied_embeddings: StrictBool | None = None
    norm: str = ""
    max_context: int | None = Field(default=None, gt=0)
    layers: tuple[LayersRow, ...] = ()
    draft: tuple[LayersRow, ...] = ()
    checkpoints: tuple[CheckpointRow, ...] = ()
    vision_b: Decimal = Decimal(0)
    lookup_b: Decimal = Decimal(0)
    tower: TowerRow | None = None
    purpose: Literal["", "embedding", "reranker"] = ""
    bidirectional: StrictBool = False
    released: date | str | None = None
    default_dtype: str = ""
    status: Status
    source: str = Field(min_length=1)
    locator: str = ""
    note: str = ""
    aliases: tuple[str, ...] = ()
    missing: str = ""
    refusal: str = ""
