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
from chipwall.perf.serving.memory import Holding, Stored, longest_sequence
from chipwall.perf.serving.regimes import Requests, batch_room, closed_loop, holds_one, sequence_cache
from chipwall.perf.serving.setup import machine_of
from chipwall.perf.serving.step import Setup
from chipwall.text import text
from chipwall.units import GIB

__all__ = ["best_under_limits", "cache_refusal", "require_weights", "side_by_side", "users_within"]

BLOCK = 8192
# Rounds that find the largest load within limits: each at least halves what is open, most do far better.
ROUNDS = 8


def require_weights(
    layouts: Sequence[Layout],
    made: Sequence[Setup],
    model: LanguageModel,
    stored: Stored,
    how: Holding,
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
    hw: Hardware, model: LanguageModel, stored: Stored, how: Holding, asked: Asked, layouts: Sequence[Layout]
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
    how: Holding,
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


def side_by_side(each: Sequence[Setup]) -> Setup:
    """Setups of one model on one chip that differ in layout only, as columns that broadcast against rows of requests."""
    names = (
        "tensor", "pipeline", "replicas", "group", "spread", "expert", "context", "weights", "room", "cap", "draft", "on_host",
    )  # fmt: skip
    changed: dict[str, Any] = {n: np.array([[float(getattr(s, n))] for s in each]) for n in names}
    return replace(each[0], **changed)


def users_within(s: Setup, q: Requests, most: Any, *, rounds: int = ROUNDS) -> Any:
    """The most users of one replica whose mean times to the first token and per token hold their limits [1]; 0: not one does.

    Both times grow with the load, so that the larger of the two over its limit crosses one once. Its logarithm is close to
    a straight line in that of the load: false position and bisection take turns, and the side that holds is kept.
    """

    def over(users: Any) -> Any:
        _, token, first = closed_loop(s, replace(q, concurrency=users * s.replicas), users)
        return np.log(np.maximum(token / q.tpot_limit, first / q.ttft_limit))

    low = np.minimum(np.ones_like(most), most)
    at_low, at_high, high = over(low), over(most), most
    whole, none = at_high <= 0.0, at_low > 0.0
    for nth in range(rounds):
        x, y = np.log(low), np.log(np.maximum(high, low * (1.0 + 1e-12)))
        share = np.clip(-at_low / np.maximum(at_high - at_low, 1e-12), 0.0, 1.0) if nth % 3 < 2 else 0.5
        guess = np.exp(x + (y - x) * share)
        found = over(guess)
        ok = found <= 0.0
        low, at_low = np.where(ok, guess, low), np.where(ok, found, at_low)
        high, at_high = np.where(ok, high, guess), np.where(ok, at_high, found)
    return np.where(none, 0.0, np.where(whole, most, low))


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
        batch = np.maximum(users, 1e-3)
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
