"""The nouns of the catalogue: :class:`Chip`, :class:`System`, :class:`LanguageModel`. Frozen, SI inside.

Engines read numbers through :meth:`Chip.value` (None when unknown) or :meth:`Chip.require` (raises
:class:`~chipwall.errors.Unknown`); pages read the :class:`~chipwall.sources.Fact` behind them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from chipwall.catalog.layers import Layers
from chipwall.catalog.tower import Tower
from chipwall.errors import Unknown
from chipwall.sources import Fact
from chipwall.text import text
from chipwall.units import format_quantity

if TYPE_CHECKING:
    from chipwall.catalog.architecture import Architecture

__all__ = ["COUNT_TOLERANCE", "FORMAT_BITS", "Checkpoint", "Chip", "LanguageModel", "System"]

# How far the layers of a model may be from its published count, which is rounded and leaves out norms [1].
COUNT_TOLERANCE = 0.035

# Rate quantities and the bit length of one multiply input: the formats a data sheet may list.
FORMAT_BITS: Mapping[str, int] = {
    "fp64": 64,
    "fp64_tensor": 64,
    "fp32": 32,
    "tf32": 32,
    "bf16": 16,
    "fp16": 16,
    "fp8": 8,
    "int8": 8,
    "fp6": 6,
    "fp4": 4,
    "int4": 4,
}


@dataclass(frozen=True, slots=True, repr=False)
class Chip:
    """One accelerator as sold: a bin of its own, two-die packages counted as one.

    Attributes
    ----------
    id, name, vendor, family : str
        ``nvidia-h200-sxm``, ``NVIDIA H200 SXM``, ``nvidia``, ``h200``.
    aliases : tuple of str
        Spellings that name exactly this chip.
    facts : tuple of Fact
        Everything known, second sources and derived numbers included, in file order.
    chosen : mapping of str to Fact
        Per quantity, the fact that the visible rule selects.
    """

    id: str
    name: str
    vendor: str
    family: str
    aliases: tuple[str, ...]
    facts: tuple[Fact, ...]
    chosen: Mapping[str, Fact] = field(hash=False)

    def fact(self, quantity: str) -> Fact | None:
        """The fact in use for a quantity; None when there is none, or only one without a source."""
        found = self.chosen.get(quantity)
        return found if found is not None and found.sourced else None

    def claim(self, quantity: str) -> Fact | None:
        """What may be shown of a quantity: the fact in use, or an unsourced one that counts for nothing."""
        return self.chosen.get(quantity)

    def all_facts(self, quantity: str) -> tuple[Fact, ...]:
        """Every fact about a quantity, the one in use among them."""
        return tuple(f for f in self.facts if f.quantity == quantity)

    def value(self, quantity: str) -> float | None:
        """The number in use, SI; None when it is not known."""
        found = self.fact(quantity)
        return found.number if found else None

    def require(self, quantity: str) -> float:
        """The number in use, SI; raises :class:`Unknown` when it is not known."""
        found = self.value(quantity)
        if found is None:
            raise Unknown(
                text("{quantity} of {chip} is not known", quantity=quantity, chip=self.name),
                fix=text("See what is known: chipwall chip {chip}", chip=self.id),
            )
        return found

    def word(self, quantity: str) -> str:
        """A fact that is a word (``memory_type``, ``status``); empty when not known."""
        found = self.fact(quantity)
        return str(found.value) if found and isinstance(found.value, str) else ""

    def rate(self, number_format: str) -> float | None:
        """Dense peak rate of a format of :data:`FORMAT_BITS` [flop/s or op/s]; None when the chip lacks it."""
        return self.value(f"{number_format}_rate")

    def rates(self) -> dict[str, float]:
        """Every dense peak rate that is known, by format [flop/s]."""
        found = {name: self.rate(name) for name in FORMAT_BITS}
        return {name: value for name, value in found.items() if value is not None}

    def with_(self, *, name: str = "", **quantities: object) -> Chip:
        """An invented chip: this one with other figures; see :func:`chipwall.catalog.invent.invented`.

        Examples
        --------
        >>> from chipwall import catalog
        >>> catalog.chip("h200").with_(memory_bandwidth="6 TB/s").value("memory_bandwidth")
        6000000000000.0
        """
        from chipwall.catalog.invent import invented

        return invented(self, name=name, quantities=quantities)

    def __repr__(self) -> str:
        return f"<chip {self.id}: {self.name}, {len(self.facts)} facts>"

    @property
    def is_hbm(self) -> bool:
        """Whether the memory is stacked DRAM, whose marketing gigabytes are GiB."""
        return "HBM" in self.word("memory_type").upper()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A published copy of a model in some number format.

    Attributes
    ----------
    format : str
        Format of its matrices, a key of :data:`chipwall.perf.formats.FORMATS`.
    parts : tuple of (str, str)
        Parts of :data:`chipwall.catalog.architecture.WEIGHT_PARTS` that have another format, ``("attention", "bf16")``; head,
        embedding, router and what stands beside the layers stay in 16 bits unless they are named.
    hf_id : str
        Where it is published.
    size : float or None
        Bytes of its tensors as published [byte].
    locator : str
        Where format and size are stated.
    """

    format: str
    parts: tuple[tuple[str, str], ...] = ()
    hf_id: str = ""
    size: float | None = None
    locator: str = ""


@dataclass(frozen=True, repr=False)
class LanguageModel:
    """A language model by its layers.

    Attributes
    ----------
    layers, draft : tuple of Layers
        Records of the layers, and of the draft layers that come with the checkpoint.
    hidden, vocab, depth : int or None
        Width of the residual stream, tokens of the vocabulary, layers as the model counts them [1].
    parameters, active_parameters : float or None
        Counts as published [1]; what the engines compute with is :attr:`architecture`.
    vision, lookup : float
        Weights of a vision or audio tower, and of tables looked up beside the embedding [1].
    tower : Tower or None
        The vision tower by its dimensions, where images can be priced.
    purpose : str
        ``embedding`` or ``reranker`` for a model that reads and writes no text; empty for one that generates.
    bidirectional : bool
        Whether every token sees every other: an encoder.
    default_dtype : str
        Number format in which the model is published, a key of :data:`chipwall.perf.formats.FORMATS`.
    missing : str
        What the published count holds and the layers leave out, or the other way round, where they differ.
    refusal : str
        Why nothing can be computed; empty where it can.
    """

    id: str
    name: str
    family: str
    layers: tuple[Layers, ...]
    hidden: int | None
    vocab: int | None
    tied_embeddings: bool | None
    norm: str
    max_context: int | None
    parameters: float | None
    active_parameters: float | None
    default_dtype: str
    released: date | None
    status: str
    source: str
    draft: tuple[Layers, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    depth: int | None = None
    vision: float = 0.0
    lookup: float = 0.0
    tower: Tower | None = None
    purpose: str = ""
    bidirectional: bool = False
    hf_id: str = ""
    locator: str = ""
    note: str = ""
    aliases: tuple[str, ...] = ()
    missing: str = ""
    refusal: str = ""

    @cached_property
    def architecture(self) -> Architecture:
        """The shape everything is computed from.

        Raises
        ------
        Unknown
            Where a needed dimension is not known, or where the layers miss the published count by more than
            :data:`COUNT_TOLERANCE` without naming what is missing: such a model can be looked up, not computed.
        """
        from chipwall.catalog.architecture import architecture_of  # numpy takes 0.1 s: pages of facts do without

        if self.refusal or not (self.layers and self.hidden and self.vocab):
            raise Unknown(
                text(
                    "{model} cannot be computed: {why}", model=self.name, why=self.refusal or "its layers are not known"
                ),
                fix=text("See what is known: chipwall model {model}", model=self.id),
            )
        made = architecture_of(
            self.layers,
            hidden=self.hidden,
            vocab=self.vocab,
            tied=bool(self.tied_embeddings),
            vision=self.vision,
            lookup=self.lookup,
            draft=self.draft,
            depth=self.depth or 0,
        )
        off = made.weights / self.parameters - 1.0 if self.parameters else 0.0
        if abs(off) > COUNT_TOLERANCE and not self.missing:
            raise Unknown(
                text(
                    "{model} cannot be computed: its layers hold {off:+.1%} of the published count",
                    model=self.name,
                    off=off,
                ),
                fix=text("See what is known: chipwall model {model}", model=self.id),
            )
        return made

    def __repr__(self) -> str:
        size = "" if self.parameters is None else f", {format_quantity(self.parameters, '1')} parameters"
        return f"<model {self.id}: {self.name}{size}>"

    @property
    def is_moe(self) -> bool:
        """Whether some feed-forward blocks are a mixture of experts."""
        return self.experts > 0

    @property
    def experts(self) -> int:
        """Routed experts of a layer [1]; 0 for a dense model."""
        return max((r.experts for r in self.layers), default=0)

    @property
    def heads(self) -> int:
        """Query heads of the layers that keep keys [1]: what tensor parallelism must divide."""
        own = [r.heads for r in self.layers if r.attention in ("full", "window", "latent")]
        return math.gcd(*own) if own else max((r.heads for r in self.layers), default=0)

    @property
    def is_latent(self) -> bool:
        """Whether keys and values are kept as one latent vector per token."""
        return any(r.attention == "latent" for r in self.layers)


@dataclass(frozen=True, slots=True)
class System:
    """Chips wired together: a node, a rack or a supernode.

    Attributes
    ----------
    chip : str
        Id of the chip in it.
    facts : mapping of str to Fact
        ``chips`` [1], ``scaleup_domain`` [1], ``link_bandwidth`` [byte/s per direction and chip], ``network_cards``
        [1 per node], ``network_bandwidth`` [byte/s per card and direction], ``host_power`` [W] (everything but the
        accelerators), ``nodes`` [1].
    """

    id: str
    name: str
    chip: str
    facts: Mapping[str, Fact] = field(hash=False)
    aliases: tuple[str, ...] = ()
    note: str = ""

    def value(self, quantity: str) -> float | None:
        """The number, SI; None when it is not known, or stands without a source."""
        found = self.facts.get(quantity)
        return found.number if found and found.sourced else None
