"""What a plan is asked for, and what it may use: frozen records, SI inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.fleet.money import Offer, OwnershipTerms
from chipwall.perf.serving.regimes import NO_LIMIT, Requests
from chipwall.perf.serving.workload import Question
from chipwall.text import Text, text

__all__ = ["Legal", "Node", "ServeNeed", "Supply"]


@dataclass(frozen=True, slots=True)
class ServeNeed:
    """A service: so many requests a second of such lengths, within such limits.

    Attributes
    ----------
    model : LanguageModel
        What is served.
    rate : float
        Requests per second in the busy hour [1/s].
    prompt, output : float
        Mean tokens of a prompt and of an answer [token].
    ttft, tpot : float or None
        Limits on the first token and on the time per output token [s].
    share : float
        Share of the requests that must stay under them [1].
    question : Question
        Engine, its settings and the format of the cache; prefix reuse and speculation.
    precisions : tuple of str
        Formats of the weights to try; empty for the published one and the chip's 8-bit one.
    kinds : tuple of str
        ``aggregated``, ``disaggregated``.
    mean : float
        Mean rate over a month, as a share of ``rate`` [1]: what tokens are divided by.
    spread : bool
        Whether lengths spread as widely as those of a public chat: fleets then reach the share of their rate that server
        runs on such lengths were fitted to.
    """

    model: LanguageModel
    rate: float
    prompt: float
    output: float
    ttft: float | None
    tpot: float | None
    share: float
    question: Question
    precisions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("aggregated", "disaggregated")
    mean: float = 1.0
    spread: bool = False

    def __post_init__(self) -> None:
        if not self.rate > 0.0:
            raise InputError(
                text("a rate of {rate:g} requests per second needs no chip", rate=self.rate), where="rate",
                fix=text("Give a rate above zero"),
            )  # fmt: skip

    def requests(self, *, slack: float = 1.0) -> Requests:
        """The same for the serving formulas; limits divided by ``slack``."""
        return Requests(
            prompt=self.prompt, output=self.output, regime=7, rate=self.rate,
            ttft_limit=(self.ttft or NO_LIMIT) / slack, tpot_limit=(self.tpot or NO_LIMIT) / slack,
            reused=self.question.reused, accepted=self.question.accepted, drafted=self.question.drafted,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Legal:
    """Where a chip stands in law on the day.

    Attributes
    ----------
    word : str
        ``free`` (no licence needed), ``domestic`` (designed where it is used), ``licence`` (granted case by case),
        ``refused``, ``unknown``, or ``unasked`` where no destination was given.
    said : Text
        One sentence: classification, licence, policy.
    notes : tuple of Text
        What else a reader must know.
    sources : tuple of str
        Citations.
    """

    word: str
    said: Text
    notes: tuple[Text, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """The server of a chip: chips in it [1], what it draws besides them, of each chip [W], and whether that is published.

    ``racked`` are the chips of a rack that is sold whole [1]; 0 where servers are put into racks.
    """

    chips: int
    host_power: float
    known: bool
    racked: int = 0


@dataclass(frozen=True, slots=True)
class Supply:
    """What a plan may use: chips with their law, offers, servers and stock, and the assumptions of owning.

    Attributes
    ----------
    chips : tuple of Chip
        Those that may be used.
    legal, offers, nodes : mapping
        By id of a chip.
    own : OwnershipTerms
        Assumptions of owning.
    currency : str
        Of all money.
    on : date
        Day of the plan.
    stock : mapping of str to int
        Chips that there are at most [1], where that is limited.
    rejected : mapping of str to Text
        Chips that were left out before the search, and why.
    """

    chips: tuple[Chip, ...]
    legal: Mapping[str, Legal] = field(hash=False)
    offers: Mapping[str, Offer] = field(hash=False)
    nodes: Mapping[str, Node] = field(hash=False)
    own: OwnershipTerms
    currency: str
    on: date
    stock: Mapping[str, int] = field(default_factory=dict, hash=False)
    rejected: Mapping[str, Text] = field(default_factory=dict, hash=False)
