"""Rows of the collectives table in the words of the formulas; shared by the fit and the validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chipwall.catalog.records import Chip
from chipwall.errors import ChipwallError, InputError
from chipwall.perf.evidence.names import measured_chip
from chipwall.perf.ops.collectives import COLLECTIVES, traffic_share
from chipwall.text import Text, text
from chipwall.units import GIGA

__all__ = ["CollectiveRow", "collective_row", "measured_seconds", "readable_collectives"]

OPS = {"alltoall": "all_to_all", "all_to_all": "all_to_all", "allreduce": "all_reduce", "allgather": "all_gather",
       "reducescatter": "reduce_scatter", "sendrecv": "p2p"}  # fmt: skip
# DeepEP's published setting, where a row gives no bytes: tokens x experts x width; dispatch in FP8, combine in BF16.
EXPERTS, WIDTH = 8.0, 7168.0
LARGE_MESSAGE = 1.0 * GIGA


@dataclass(frozen=True, slots=True)
class CollectiveRow:
    """One measured collective.

    Attributes
    ----------
    op : str
        An operation of :data:`~chipwall.perf.ops.collectives.COLLECTIVES`, ``p2p``, or ``exchange`` (tokens to experts and
        back) with ``burst`` for its low-latency form.
    n, nodes : float
        Chips of the group, and servers that they stand in [1].
    size : float
        Buffer, nccl-tests convention; for an exchange what one chip sends [byte].
    in_switch : bool or None
        Whether the switch reduces; None where not stated.
    busbw, latency : float or None
        The measurement [byte/s; s]; the first is the one that counts.
    """

    id: str
    chip: Chip
    op: str
    n: float
    nodes: float
    size: float
    in_switch: bool | None
    busbw: float | None
    latency: float | None
    burst: bool = False
    logical: bool = False
    group: str = ""


def _number(words: str | None) -> float | None:
    try:
        found = float((words or "").strip())
    except ValueError:
        return None
    return found if found > 0 else None


def collective_row(row: Mapping[str, str]) -> CollectiveRow:
    """A row of the shared collectives table; raises :class:`InputError` with the reason when it cannot be expressed."""
    name, notes = (row.get("op") or "").strip(), row.get("notes") or ""
    op = _operation(name)
    n = _number(row.get("n"))
    if n is None or n < 2:
        raise InputError(text("'{n}' is not a number of chips above one", n=row.get("n") or ""))
    busbw, latency = _number(row.get("busbw_gbps")), _number(row.get("latency_us"))
    if busbw is None and latency is None:
        raise InputError(text("neither bus bandwidth nor latency is given"))
    chip = measured_chip(row["chip"])
    domain = chip.value("scaleup_domain") or 8.0
    nodes = _number(row.get("n_nodes")) or max(1.0, n / max(domain, 1.0) if chip.value("link_bandwidth") else 1.0)
    size = _number(row.get("bytes"))
    burst = "lowlat" in name or "low-latency" in notes
    if size is None and op == "exchange":
        size = _tokens(notes, burst) * EXPERTS * WIDTH * (2.0 if "combine" in name else 1.0)
    if size is None and busbw is None:
        raise InputError(text("a latency without a message size cannot be predicted"))
    return CollectiveRow(
        row["id"], chip, op, n, nodes, size or LARGE_MESSAGE, _in_switch(notes), busbw and busbw * GIGA,
        latency and latency * 1e-6, burst, "logical" in notes,
        "|".join(str(row.get(c) or "") for c in ("source_name", "chip", "op", "n")),
    )  # fmt: skip


def _operation(name: str) -> str:
    plain = re.sub(r"\(.*\)", "", name).strip().lower()
    plain = OPS.get(plain.replace("_", ""), OPS.get(plain, plain))
    if plain.startswith(("moe_dispatch", "moe_combine")):
        return "exchange"
    if plain not in (*COLLECTIVES, "p2p"):
        raise InputError(text("collective '{op}' is not modelled", op=name))
    return plain


def _tokens(notes: str, burst: bool) -> float:
    found = re.search(r"(\d+) tok(?:ens)?/batch", notes)
    return float(found[1]) if found else (128.0 if burst else 4096.0)


def _in_switch(notes: str) -> bool | None:
    if "NVLS_ENABLE=0" in notes:
        return False
    return True if "NVLS_ENABLE=1" in notes else None


def measured_seconds(row: CollectiveRow) -> float:
    """The measured time of a row [s]; of an exchange, bytes over its bandwidth."""
    if row.op in COLLECTIVES and row.busbw is not None and row.latency is None:
        return row.size * float(traffic_share(row.op, row.n)) / row.busbw
    if row.latency is not None:
        return row.latency
    assert row.busbw is not None
    return row.size / row.busbw


def readable_collectives(rows: list[Mapping[str, str]]) -> tuple[list[CollectiveRow], list[tuple[str, Text]]]:
    """Rows that the model can express, and the others with the reason."""
    kept: list[CollectiveRow] = []
    skipped: list[tuple[str, Text]] = []
    for row in rows:
        try:
            kept.append(collective_row(row))
        except ChipwallError as problem:
            skipped.append((row.get("id", ""), Text.of(problem.what)))
    return kept, skipped
