"""Levers of a scenario: what each may say, and the timeline of all of them by quarter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chipwall.market.model.gates import CHAIN, GATE_STATES
from chipwall.market.model.products import SEGMENTS, Product
from chipwall.text import Text, text

__all__ = ["LEVERS", "Lever", "LeverKind", "Timeline", "laid_levers"]

Array = NDArray[np.float64]
NAMES: tuple[str, ...] = GATE_STATES


@dataclass(frozen=True, slots=True)
class LeverKind:
    """What a lever means and what it takes.

    ``takes`` is ``state``, ``number``, ``file`` or ``nothing``; ``about`` is ``product``, ``segment`` or empty, with ``needed``
    saying whether it must be given; ``track`` names levers that cannot hold at the same time.
    """

    name: str
    help: Text
    takes: Literal["state", "number", "file", "nothing"]
    low: float = 0.0
    high: float = np.inf
    unit: str = ""
    about: str = ""
    needed: bool = False
    track: str = ""


def _kinds() -> Iterable[LeverKind]:
    yield LeverKind(
        "allow",
        text("Washington may license this product"),
        "nothing",
        about="product",
        needed=True,
        track="permission",
    )
    yield LeverKind(
        "ban",
        text("Washington licenses this product to nobody"),
        "nothing",
        about="product",
        needed=True,
        track="permission",
    )
    yield LeverKind(
        "washington", text("state of the US gate: ban, trickle, managed, open, or chain (left to chance)"), "state"
    )
    yield LeverKind("beijing", text("state of the Chinese gate: ban, trickle, managed, open, or chain"), "state")
    yield LeverKind(
        "share",
        text("share of the seller's revenue that the US government takes"),
        "number",
        high=0.95,
        unit="1",
        about="product",
    )
    yield LeverKind(
        "cap_fraction",
        text("cumulated China shipments of a product over its cumulated US shipments, by aggregate TPP"),
        "number", unit="1", about="product",
    )  # fmt: skip
    yield LeverKind("unit_cap", text("plain cap of one product"), "number", unit="units/quarter", about="product")
    yield LeverKind(
        "licence_pace",
        text("licences a quarter and product while Washington is in 'managed'"),
        "number",
        unit="units/quarter",
    )
    yield LeverKind(
        "beijing_pace", text("approvals a quarter while Beijing is in 'managed'"), "number", unit="units/quarter"
    )
    yield LeverKind(
        "tpp_limit",
        text("products at or above this total processing performance are out"),
        "number",
        unit="TPP",
        track="threshold",
    )
    yield LeverKind(
        "density_limit", text("products at or above this performance density are out"), "number", unit="TPP/mm2"
    )
    yield LeverKind(
        "bandwidth_limit", text("products at or above this total DRAM bandwidth are out"), "number", unit="GB/s"
    )
    yield LeverKind("draft", text("a draft rule in a TOML file: products whose answer it tightens are out"), "file")
    yield LeverKind(
        "guidance",
        text("pressure from Beijing against US parts, 0 to 1; follows Beijing's state when not set"),
        "number",
        high=1.0,
        unit="1",
    )
    yield LeverKind(
        "domestic_quota",
        text("least share of a segment's purchases, in money, that must be Chinese chips"),
        "number",
        high=1.0,
        unit="1",
        about="segment",
    )
    yield LeverKind(
        "tool_control",
        text("controls on chip-making tools, 0 none to 1 full; 0.5 is today's, under which the forecasts were made"),
        "number",
        high=1.0,
        unit="1",
    )
    yield LeverKind(
        "servicing", text("servicing of installed foreign tools, 1 as today to 0 none"), "number", high=1.0, unit="1"
    )
    yield LeverKind("wafer_output", text("factor on advanced wafers made in China"), "number", high=3.0, unit="1")
    yield LeverKind("yield_output", text("factor on the yield of Chinese AI dies"), "number", high=3.0, unit="1")
    yield LeverKind("cxmt_output", text("factor on memory stacks made in China (CXMT)"), "number", high=3.0, unit="1")
    yield LeverKind(
        "hbm_control",
        text("controls on memory stacks, 0 none, 1 as in December 2024, 2 nothing leaks in"),
        "number",
        high=2.0,
        unit="1",
    )
    yield LeverKind(
        "enforcement", text("enforcement against smuggling, 0 as counted to 1 full"), "number", high=1.0, unit="1"
    )
    yield LeverKind("leasing", text("leasing of US parts abroad, 1 free to 0 closed"), "number", high=1.0, unit="1")
    yield LeverKind("us_first", text("US buyers are served first, 0 no to 1 always"), "number", high=1.0, unit="1")
    yield LeverKind(
        "price_factor",
        text("factor on the price of one product"),
        "number",
        low=0.01,
        high=10.0,
        unit="1",
        about="product",
        needed=True,
    )
    yield LeverKind(
        "relaunch",
        text("its maker takes a product up again that was off the market"),
        "nothing",
        about="product",
        needed=True,
    )
    yield LeverKind(
        "engineering_spend", text("money for domestic software, relative to today's"), "number", high=10.0, unit="1"
    )
    yield LeverKind(
        "stop", text("unannounced stop of all legal US supply, support and leasing from this quarter"), "nothing"
    )


LEVERS: Mapping[str, LeverKind] = {kind.name: kind for kind in _kinds()}


@dataclass(frozen=True, slots=True)
class Lever:
    """One line of a scenario: a lever, what it is about, its value, and the quarters it holds (``to`` included)."""

    name: str
    begin: int
    end: int | None = None
    about: str = ""
    value: float | str | None = None
    line: int = field(default=0, compare=False)

    @property
    def track(self) -> str:
        """Levers of one track exclude each other."""
        return LEVERS[self.name].track or self.name


@dataclass(frozen=True)
class Timeline:
    """All levers by quarter. Arrays are [quarters], [quarters, products] or [quarters, segments]; nan = not set.

    ``permitted`` says what may be licensed; ``banned`` what a ban names, which also acts on the counted past; ``on_market`` what
    its maker sells at all.
    """

    permitted: Array
    banned: Array
    washington: NDArray[np.int64]
    beijing: NDArray[np.int64]
    share: Array
    cap_fraction: Array
    unit_cap: Array
    licence_pace: Array
    beijing_pace: Array
    guidance: Array
    domestic_quota: Array
    tool_control: Array
    hbm_control: Array
    enforcement: Array
    leasing: Array
    engineering_spend: Array
    servicing: Array
    wafer_output: Array
    yield_output: Array
    cxmt_output: Array
    us_first: Array
    price_factor: Array
    on_market: Array
    limits: Mapping[str, Array]
    drafts: tuple[tuple[int, int, str], ...]
    stop: int | None


_SIMPLE: Mapping[str, float] = {
    "licence_pace": np.nan,
    "beijing_pace": np.nan,
    "guidance": np.nan,
    "tool_control": 0.5,
    "hbm_control": 1.0,
    "servicing": 1.0,
    "wafer_output": 1.0,
    "yield_output": 1.0,
    "cxmt_output": 1.0,
    "us_first": 0.0,
    "enforcement": 0.0,
    "leasing": 1.0,
    "engineering_spend": 1.0,
}
_BY_PRODUCT: Mapping[str, float] = {"share": 0.0, "cap_fraction": np.inf, "unit_cap": np.inf, "price_factor": 1.0}
_LIMITS = ("tpp_limit", "density_limit", "bandwidth_limit")


def laid_levers(levers: Iterable[Lever], *, products: tuple[Product, ...], quarters: int) -> Timeline:
    """Lay levers over each other, later ones over earlier ones.

    Parameters
    ----------
    levers : iterable of Lever
        In order of the file, those of an extended scenario first.
    products : tuple of Product
        Columns of the product arrays.
    quarters : int
        Length of the run [quarter].
    """
    column = {p.id: [i] for i, p in enumerate(products)}
    everyone = [i for i, p in enumerate(products) if p.licensed]
    by_product = {name: np.full((quarters, len(products)), start) for name, start in _BY_PRODUCT.items()}
    on_market = np.array([[float(p.sold_in(t)) for p in products] for t in range(quarters)]).reshape(quarters, -1)
    permitted, banned = np.zeros((quarters, len(products))), np.zeros((quarters, len(products)))
    simple = {name: np.full(quarters, start) for name, start in _SIMPLE.items()}
    gates = {name: np.full(quarters, len(GATE_STATES) - 1, dtype=np.int64) for name in ("washington", "beijing")}
    quota = np.zeros((quarters, len(SEGMENTS)))
    limits = {name: np.full(quarters, np.inf) for name in _LIMITS}
    drafts: list[tuple[int, int, str]] = []
    stop: int | None = None
    for lever in levers:
        span = slice(lever.begin, quarters if lever.end is None else lever.end + 1)
        if lever.name in gates:
            gates[lever.name][span] = CHAIN if lever.value == "chain" else NAMES.index(str(lever.value))
        elif lever.name in ("allow", "ban"):
            permitted[span, column[lever.about]] = float(lever.name == "allow")
            banned[span, column[lever.about]] = float(lever.name == "ban")
        elif lever.name == "relaunch":
            on_market[span, column[lever.about]] = 1.0
        elif lever.name == "stop":
            stop = lever.begin
        elif lever.name == "draft":
            drafts.append((lever.begin, quarters - 1 if lever.end is None else lever.end, str(lever.value)))
        else:
            value = float(lever.value)  # type: ignore[arg-type]
            if lever.name in by_product:
                by_product[lever.name][span, column.get(lever.about, everyone)] = value
            elif lever.name == "domestic_quota":
                quota[span, [SEGMENTS.index(lever.about)] if lever.about else list(range(len(SEGMENTS)))] = value
            elif lever.name in limits:
                limits[lever.name][span] = value
            else:
                simple[lever.name][span] = value
    return Timeline(
        permitted=permitted,
        banned=banned,
        on_market=on_market,
        domestic_quota=quota,
        limits=limits,
        drafts=tuple(drafts),
        stop=stop,
        washington=gates["washington"],
        beijing=gates["beijing"],
        **by_product,
        **simple,
    )
