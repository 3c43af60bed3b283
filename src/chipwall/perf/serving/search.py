"""Layouts of a model on some chips under a load: which hold it, which is best, and the largest load within latency limits.

Feasibility and search are one: a layout counts where its weights leave room for one whole sequence, and under limits the
load is lowered until every limit is met. The same load asked for by its number of users gives the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chipwall.catalog.records import LanguageModel
from chipwall.errors import InputError
from chipwall.perf.device import Hardware, require_memory
from chipwall.perf.layout import Layout
from chipwall.perf.serving.fits import Asked, smallest_count
from chipwall.perf.serving.memory import EngineMemory, Stored, longest_sequence
from chipwall.perf.serving.regimes import Requests, batch_room, closed_loop, holds_one, sequence_cache
from chipwall.perf.serving.setup import machine_of
from chipwall.perf.serving.step import Setup
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["best_under_limits", "cache_refusal", "require_weights", "side_by_side", "users_within"]

BLOCK = 8192
# Rounds that find the largest load within limits at most; how near the ends of what is open have to be [1]; and the least
# share of it that a round cuts off [1].
ROUNDS = 16
NEAR = 1e-4
CLOSEST = 1e-3
# Cuts that find the best load: each leaves 0.62 of what is open.
CUTS = 8
GOLDEN = (5.0**0.5 - 1.0) / 2.0


def require_weights(
    layouts: Sequence[Layout],
    made: Sequence[Setup],
    model: LanguageModel,
    stored: Stored,
    how: EngineMemory,
    *,
    precision: str,
) -> list[int]:
    """Places of the layouts whose weights leave room for a cache; refuses, with the shortfall, where there is none."""
    require_memory(made[0].hw)
    fitting = [i for i, s in enumerate(made) if float(s.room) > 0.0]
    if fitting:
        return fitting
    best = max(made, key=lambda s: float(s.room))
    hw, chips = best.hw, layouts[0].chips
    raise InputError(
        text(
            "{model} in {precision} does not fit on {chips} x {chip}: {short:.1f} GiB short per chip",
            model=model.name, precision=precision, chips=chips, chip=hw.name, short=-float(best.room) / GIB,
        ),
        where=text(
            "{weights:.1f} GiB of weights per chip, {memory:.1f} GiB of memory, of which the engine keeps a part",
            weights=float(best.weights) / GIB, memory=float(hw.memory) / GIB,
        ),
        fix=_more_chips(hw, model, stored, how, Asked("bf16", 1.0, 1.0), layouts),
    )  # fmt: skip


def _more_chips(
    hw: Hardware, model: LanguageModel, stored: Stored, how: EngineMemory, asked: Asked, layouts: Sequence[Layout]
) -> str:
    """The way out of a refusal: the fewest chips that hold it, attention data parallel where that was asked."""
    given = {"attention_data_parallel": True} if all(x.attention_data_parallel for x in layouts) else {}
    count = smallest_count(
        model.architecture, stored, machine_of(hw), how, asked, domain=int(hw.scaleup_domain), given=given
    )
    if given and (not count or count > layouts[0].chips):
        count = (
            smallest_count(
                model.architecture, stored, machine_of(hw), how, asked, domain=int(hw.scaleup_domain), given={}
            )
            or count
        )
    if count and count <= layouts[0].chips:
        return text("{count} x {chip} hold it in another layout, or use a smaller format", count=count, chip=hw.name)
    if count:
        return text("It needs at least {count} x {chip}, or a smaller format", count=count, chip=hw.name)
    return text("It does not fit on 512 of them either; choose a smaller format or a larger chip")


def cache_refusal(
    layouts: Sequence[Layout],
    made: Sequence[Setup],
    q: Requests,
    model: LanguageModel,
    stored: Stored,
    how: EngineMemory,
    *,
    cache: str,
) -> InputError:
    """Why nothing is served: no chip has room for one whole sequence. Says the shortfall, the longest and the way out."""
    length = float(q.prompt + q.output)
    each = [(float(sequence_cache(s, length)), float(s.room), s, x) for s, x in zip(made, layouts, strict=True)]
    need, room, s, layout = min(each, key=lambda e: e[0] - e[1])
    longest = longest_sequence(s.model, room, float(s.cache_bytes), layout, draft=float(s.draft))
    return InputError(
        text(
            "the cache of one sequence does not fit: {length:,.0f} tokens need {need:.1f} GiB on a chip, {room:.1f} GiB are left",
            length=length, need=need / GIB, room=room / GIB,
        ),
        where=text(
            "{short:.1f} GiB short; the longest sequence is {longest:,.0f} tokens", short=(need - room) / GIB, longest=longest,
        ),
        fix=_more_chips(s.hw, model, stored, how, Asked(cache, length, 1.0), layouts),
    )  # fmt: skip


# Fields of a setup that a layout changes.
_BY_LAYOUT = (
    "tensor", "pipeline", "replicas", "group", "spread", "expert", "context", "weights", "room", "cap", "draft", "on_host",
)  # fmt: skip


def side_by_side(each: Sequence[Setup]) -> Setup:
    """Setups of one model on one chip that differ in layout only, as columns that broadcast against rows of requests."""
    changed: dict[str, Any] = {n: np.array([[float(getattr(s, n))] for s in each]) for n in _BY_LAYOUT}
    return replace(each[0], **changed)


def users_within(s: Setup, q: Requests, most: Any, *, rounds: int = ROUNDS) -> Any:
    """The most users of one replica whose mean times to the first token and per token hold their limits [1]; 0: not one does.

    Both times grow with the load, so that the larger of the two over its limit crosses one once. Its logarithm is close to
    a straight line in that of the load: false position, where an end that stays is halved so that the other moves
    (the Illinois rule); the side that holds is kept. Pairs of layout and request leave as they settle.
    """
    whole_shape = np.shape(most)
    if len(whole_shape) == 2:  # layouts x requests, as :func:`side_by_side` makes them
        rows, columns = (at.ravel() for at in np.indices(whole_shape))
        s, q, most = _pairs(s, rows, columns), q.at(columns), np.ravel(most)
    low = np.minimum(np.ones_like(most), most)
    at_low, at_high, high = _over(s, q, low), _over(s, q, most), np.array(most)
    found = np.where(at_low > 0.0, 0.0, np.where(at_high <= 0.0, most, -1.0))
    last = np.zeros_like(at_low)
    for _ in range(rounds):
        at = np.flatnonzero(found < 0.0) if np.ndim(found) else ...
        if np.size(found[at]) == 0 or (at is ... and found >= 0.0):
            break
        part, mix = (_pairs(s, at), q.at(at)) if at is not ... else (s, q)
        a, b, x, y = at_low[at], at_high[at], np.log(low[at]), np.log(np.maximum(high[at], low[at] * (1.0 + 1e-12)))
        guess = np.exp(x + (y - x) * np.clip(-a / np.maximum(b - a, 1e-12), CLOSEST, 1.0 - CLOSEST))
        value = _over(part, mix, guess)
        side = np.where(value <= 0.0, 1.0, -1.0)
        again = side == last[at]
        at_high[at] = np.where(side > 0.0, np.where(again, b / 2.0, b), value)
        at_low[at] = np.where(side > 0.0, value, np.where(again, a / 2.0, a))
        low[at], high[at], last[at] = np.where(side > 0.0, guess, low[at]), np.where(side > 0.0, high[at], guess), side
        near = (high[at] - low[at] <= NEAR * low[at]) | ((side > 0.0) & (value > -NEAR / 100.0))
        found[at] = np.where(near, low[at], -1.0)
    return np.where(found < 0.0, low, found).reshape(whole_shape)


def best_load(s: Setup, q: Requests, users: Any) -> Any:
    """The load up to ``users`` with the highest rate [1]: that many, unless so many wait for one another that fewer do more.

    Golden section in the logarithm of the load, for the pairs of layout and request whose rate still falls there.
    """

    def rate(part: Setup, mix: Requests, load: Any) -> Any:
        return closed_loop(part, replace(mix, concurrency=load * part.replicas), load)[0]

    shape = np.shape(users)
    rows, columns = (at.ravel() for at in np.indices(shape))
    s, q, best = _pairs(s, rows, columns), q.at(columns), np.array(users, dtype=float).ravel()
    at = np.flatnonzero(best > 1.0)
    if at.size:
        part, mix = _pairs(s, at), q.at(at)
        falls = rate(part, mix, best[at] * 0.95) > rate(part, mix, best[at])
        at = at[falls]
    if at.size:
        part, mix = _pairs(s, at), q.at(at)
        low, high = np.zeros_like(best[at]), np.log(best[at])
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        at_left, at_right = rate(part, mix, np.exp(left)), rate(part, mix, np.exp(right))
        for _ in range(CUTS):
            up = at_left < at_right
            low, high = np.where(up, left, low), np.where(up, high, right)
            new = np.where(up, low + GOLDEN * (high - low), high - GOLDEN * (high - low))
            value = rate(part, mix, np.exp(new))
            left, right = np.where(up, right, new), np.where(up, new, left)
            at_left, at_right = np.where(up, at_right, value), np.where(up, value, at_left)
        best[at] = np.exp(np.where(at_left > at_right, left, right))
    return best.reshape(shape)


def _pairs(s: Setup, rows: Any, columns: Any = None) -> Setup:
    """A setup of as many entries as there are pairs: ``rows`` of the layouts, or entries that are pairs already."""
    changed = {}
    for n in _BY_LAYOUT:
        value = getattr(s, n)
        if isinstance(value, np.ndarray) and value.ndim:
            changed[n] = value[rows, 0] if columns is not None else value[rows]
    return replace(s, **changed)


def _over(s: Setup, q: Requests, users: Any) -> Any:
    """Logarithm of the larger of both times over its limit."""
    _, token, first = closed_loop(s, replace(q, concurrency=users * s.replicas), users)
    return np.array(np.log(np.maximum(token / q.tpot_limit, first / q.ttft_limit)))


def best_under_limits(each: Sequence[Setup], q: Requests) -> dict[str, Any]:
    """For every request mix, the layout with the highest rate within its latency limits.

    Parameters
    ----------
    each : sequence of Setup
        Layouts of one model on one chip.
    q : Requests
        Arrays of mixes; ``ttft_limit`` and ``tpot_limit`` in seconds.

    Returns
    -------
    dict of str to array
        ``layout`` position in ``each`` (-1 where none holds), ``output`` [token/s] of the whole setup, ``batch`` users per
        replica, ``room`` that the cache holds, ``tpot`` and ``ttft`` [s].
    """
    s = side_by_side(each)
    count = np.size(q.prompt)
    step = max(BLOCK // len(each), 1)
    blocks = [_best_block(s, q.at(slice(i, i + step)) if count > 1 else q) for i in range(0, count, step)]
    return {k: np.concatenate([b[k] for b in blocks]) for k in blocks[0]}


def _best_block(s: Setup, q: Requests) -> dict[str, Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        room = batch_room(s, q)
        users = users_within(s, q, room)
        batch = np.maximum(best_load(s, q, users), 1e-3)
        rate, tpot, ttft = closed_loop(s, replace(q, concurrency=batch * s.replicas), batch)
    output = s.replicas * rate * q.output
    value = np.where((users > 0.0) & holds_one(s, q), output, -1.0)
    best = np.argmax(value, axis=0)
    at = (best, np.arange(value.shape[1]))
    wide = np.broadcast_arrays(value, batch, tpot, ttft, room)
    output, batch, tpot, ttft, room = (w[at] for w in wide)
    return {
        "layout": np.where(output > 0, best, -1),
        "output": np.maximum(output, 0.0),
        "batch": batch,
        "tpot": tpot,
        "ttft": ttft,
        "room": room,
    }
