"""The nouns of the catalogue: :class:`Chip`, :class:`System`, :class:`LanguageModel`. Frozen, SI inside.

Engines read numbers through :meth:`Chip.value` (None when unknown) or :meth:`Chip.require` (raises
:class:`~chipwall.errors.Unknown`); pages read the :class:`~chipwall.sources.Fact` behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from chipwall.errors import Unknown
from chipwall.sources import Fact
from chipwall.text import text

__all__ = ["FORMAT_BITS", "Chip", "LanguageModel", "System"]

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


@dataclass(frozen=True, slots=True)
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
        """The fact in use for a quantity, or None."""
        return self.chosen.get(quantity)

    def all_facts(self, quantity: str) -> tuple[Fact, ...]:
        """Every fact about a quantity, the one in use among them."""
        return tuple(f for f in self.facts if f.quantity == quantity)

    def value(self, quantity: str) -> float | None:
        """The number in use, SI; None when it is not known."""
        found = self.chosen.get(quantity)
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
        found = self.chosen.get(quantity)
        return str(found.value) if found and isinstance(found.value, str) else ""

    def rate(self, number_format: str) -> float | None:
        """Dense peak rate of a format of :data:`FORMAT_BITS` [flop/s or op/s]; None when the chip lacks it."""
        return self.value(f"{number_format}_rate")

    def rates(self) -> dict[str, float]:
        """Every dense peak rate that is known, by format [flop/s]."""
        found = {name: self.rate(name) for name in FORMAT_BITS}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def is_hbm(self) -> bool:
        """Whether the memory is stacked DRAM, whose marketing gigabytes are GiB."""
        return "HBM" in self.word("memory_type").upper()


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A transformer language model by its dimensions.

    Unknown dimensions are None. ``parameters`` and ``active_parameters`` are counts [1]; ``attention`` is ``mha``,
    ``gqa``, ``mqa``, ``mla`` or a longer word of the source for hybrids; ``attention_note`` keeps the rest of that word.
    For latent attention use the rank and dim fields. For hybrids ``heads`` and ``kv_heads`` describe the full-attention
    layers only.
    """

    id: str
    name: str
    family: str
    layers: int | None
    hidden: int | None
    ffn_hidden: int | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    vocab: int | None
    tied_embeddings: bool | None
    gated_mlp: bool | None
    norm: str
    max_context: int | None
    attention: str
    sliding_window: int | None
    experts: int | None
    shared_experts: int | None
    top_k: int | None
    expert_ffn_hidden: int | None
    first_dense_layers: int | None
    q_lora_rank: int | None
    kv_lora_rank: int | None
    qk_nope: int | None
    qk_rope: int | None
    v_head_dim: int | None
    parameters: float | None
    active_parameters: float | None
    default_dtype: str
    released: date | None
    status: str
    source: str
    hf_id: str = ""
    locator: str = ""
    note: str = ""
    aliases: tuple[str, ...] = ()
    count_exception: str = ""

    @property
    def is_moe(self) -> bool:
        """Whether the feed-forward part is a mixture of experts."""
        return bool(self.experts)


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
        """The number, SI; None when it is not known."""
        found = self.facts.get(quantity)
        return found.number if found else None
