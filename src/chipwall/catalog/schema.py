"""What a data file may hold. Read only when the cached form is out of date, because pydantic takes 0.1 s to load."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, StrictBool, StrictStr

from chipwall.sources import Status

__all__ = ["SCHEMA_VERSION", "AliasRow", "ChipFile", "FactRow", "FamilyRow", "ModelRow", "SourceRow", "SystemRow"]

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


class ModelRow(_Row):
    """One ``[[model]]``; dimensions that are not known are left out."""

    id: str
    name: str
    family: str
    hf_id: str = ""
    parameters_b: Decimal | None = None
    active_parameters_b: Decimal | None = None
    layers: int | None = Field(default=None, gt=0)
    hidden: int | None = Field(default=None, gt=0)
    ffn_hidden: int | None = Field(default=None, gt=0)
    heads: int | None = Field(default=None, gt=0)
    kv_heads: int | None = Field(default=None, gt=0)
    head_dim: int | None = Field(default=None, gt=0)
    vocab: int | None = Field(default=None, gt=0)
    tied_embeddings: bool | None = None
    gated_mlp: bool | None = None
    norm: str = ""
    max_context: int | None = Field(default=None, gt=0)
    attention: str = ""
    sliding_window: int | None = None
    experts: int | None = None
    shared_experts: int | None = None
    top_k: int | None = None
    expert_ffn_hidden: int | None = None
    first_dense_layers: int | None = None
    q_lora_rank: int | None = None
    kv_lora_rank: int | None = None
    qk_nope: int | None = None
    qk_rope: int | None = None
    v_head_dim: int | None = None
    released: date | str | None = None
    default_dtype: str = ""
    status: Status
    source: str = Field(min_length=1)
    locator: str = ""
    note: str = ""
    aliases: tuple[str, ...] = ()
    count_exception: str = ""
