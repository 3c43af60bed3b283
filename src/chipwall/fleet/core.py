"""The event loop of the request simulation: plain arrays and loops, compiled by Numba where it is installed.

Between two events of a replica (a request that joins, a prompt that is done, an answer that ends) its steps are alike but
for contexts that grow by one token each, so a run of decoding steps is one event: its time is the number of steps times
the time of a step at the mean context, exact where that time is a straight line in the context. An arrival cuts a run at
the first step that ends after it. The same functions run without Numba, with the same results, slower.
"""

# The arrays are untyped here: Numba derives their types from what it is given.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

__all__ = ["COMPILED", "Params", "QueueState", "run"]

F = TypeVar("F", bound=Callable[..., Any])

def _compiler() -> Any:
    """Numba's, where the extra ``fast`` is installed."""
    try:
        return import_module("numba").njit
    except ImportError:
        return None


NJIT = _compiler()
COMPILED = NJIT is not None


def _forget_unreadable(found: Any) -> None:
    """Empties a cache on disk that an older release left and whose types are gone: Numba would stop at it."""
    cache = getattr(found, "_cache", None)
    if cache is None:  # compiling is switched off
        return
    try:
        cache._cache_file._load_index()
    except Exception:
        cache.flush()


def compiled_loop(function: F) -> F:
    """The function compiled on its first call, kept on disk where that is possible; as it is without Numba."""
    if NJIT is None:
        return function
    try:
        found = NJIT(cache=True, error_model="numpy")(function)
        _forget_unreadable(found)
    except RuntimeError:  # no place on disk that may be written
        found = NJIT(error_model="numpy")(function)
    return cast(F, found)


# Kinds of replica: prompts and answers, prompts alone, answers alone. Ways of computing prompts: in pieces, whole beside
# decoding, whole without decoding. Routers.
MIXED, PREFILLS, DECODES = 0, 1, 2
PIECES, WHOLE, APART = 0, 1, 2
ROUND_ROBIN, LEAST_LOADED, PREFIX_AWARE = 0, 1, 2
# Places in State.count and State.amount.
(C_SENT, C_DONE, C_INSIDE, C_PREEMPTED, C_HITS, C_FREE, C_EVENTS, C_NEXT, C_NTURN, C_DTURN, C_GOOD, C_GOOD_START, C_LATE,
 C_STOP) = range(14)  # fmt: skip
(
    A_NOW, A_INSIDE, A_LAST, A_TOKENS, A_TOKENS_START, A_LAST_SENT, A_STEADY, A_DONE_BEFORE, A_TOKENS_BEFORE, A_DONE_LAST,
    A_TOKENS_LAST,
) = range(11)  # fmt: skip
# Places in the histograms.
TTFT, TPOT, E2E, QUEUE, PREFILL, TRANSFER = range(6)
METRICS = 6
# Bins of a histogram: BINS_PER_E to a factor of e, from SHORTEST seconds up.
BINS, BINS_PER_E, SHORTEST = 16384, 512.0, 1e-6
# How much more than the least loaded replica one that holds the prefix may have to do [1, request].
MORE, MORE_FIXED = 1.5, 4.0


# Columns of the arrays by replica (whole, real), by slot of a request in the system (whole, real), by kind of replica (whole,
# real), and places of what holds for all (whole, real).
(
    R_ROLE, R_STEPS, R_DECODING, R_RUNNING, R_TURN, R_WAIT_HEAD,
    R_WAIT_TAIL, R_WAITING, R_PROMPT_HEAD, R_PROMPT_TAIL, R_LAST, R_FILLED,
) = range(12)  # fmt: skip
(R_CLOCK, R_END, R_CONTEXT, R_USED, R_BUSY, R_PREFIX_TOKENS) = range(6)
(
    S_PROMPT, S_OUTPUT, S_PREFIX, S_SHARED, S_DONE, S_GOAL, S_PLANNED,
    S_MADE, S_STEPS, S_NUMBER, S_NEXT, S_BEFORE, S_AFTER, S_AT,
) = range(14)  # fmt: skip
(S_SENT, S_ENTER, S_HELD, S_SCHEDULED, S_COMPUTED, S_MOVED, S_FIRST) = range(7)
(K_SEQUENCES, K_TOKENS, K_WAY) = range(3)
(K_PER_END, K_ROOM, K_BLOCK) = range(3)
(P_ROUTER, P_PREFILLERS, P_USERS, P_IN_FLIGHT, P_START_UP, P_EVERY, P_MOST_INSIDE) = range(7)
(
    P_ACCEPTED, P_DRAFTED, P_TRANSFER_FIXED, P_TRANSFER_PER_TOKEN,
    P_FRONT, P_THINK, P_TTFT_LIMIT, P_TPOT_LIMIT, P_E2E_LIMIT,
) = range(9)  # fmt: skip


class Params(NamedTuple):
    """What does not change during a run."""

    decode: Any  # [kind, batch, context] seconds of a decoding step
    contexts: Any  # [context] tokens
    prompt: Any  # [kind, batch place, piece place, position place] seconds that a piece adds
    batch_at: Any  # [batch] place and share of the next one, as a real number
    piece_at: Any  # [tokens]
    positions: Any  # [position] tokens
    ki: Any  # [kind, (sequences at once, tokens of a step, way)]
    kf: Any  # [kind, (seconds of a further end, tokens of the cache, of a block)]
    pi: Any  # router, prefillers, users and so on, the P_ names of whole numbers
    pf: Any  # the P_ names of real numbers


class QueueState(NamedTuple):
    """Everything that a run changes; few arrays, for each is handed from function to function."""

    ri: Any  # [replica, R_ names of whole numbers]
    rf: Any  # [replica, R_ names of real numbers]
    si: Any  # [slot, S_ names of whole numbers]
    sf: Any  # [slot, S_ names of real numbers]
    ends: Any  # [replica, place in its heap, (step, slot)] answers by the step that ends them
    prefix: Any  # [replica, beginning, (last use, users)]
    sizes: Any  # [beginning] tokens
    free: Any  # slots that are free, the last one first
    events: Any  # [place in the heap, (time, slot)]
    count: Any
    amount: Any
    hist: Any  # [start or steady, metric, bin]
    sums: Any  # [start or steady, metric]
    inside_at: Any


@compiled_loop
def between_points(row: Any, at: float) -> float:
    """Value of a row of places at a real place, straight between two."""
    low = int(at)
    if low >= row.shape[0] - 1:
        return row[row.shape[0] - 1]
    return row[low] + (row[low + 1] - row[low]) * (at - low)


@compiled_loop
def place(grid: Any, x: float) -> float:
    """Real place of a value on a rising grid, within its ends."""
    if x <= grid[0]:
        return 0.0
    n = grid.shape[0]
    for i in range(1, n):
        if x < grid[i]:
            return i - 1 + (x - grid[i - 1]) / (grid[i] - grid[i - 1])
    return n - 1.0


@compiled_loop
def decode_seconds(decode: Any, contexts: Any, kind: int, batch: int, context: float) -> float:
    """Time of one decoding step of ``batch`` sequences whose mean context is given [s]."""
    return between_points(decode[kind, batch], place(contexts, context))


@compiled_loop
def prompt_seconds(p: Params, kind: int, batch: int, piece: int, position: float) -> float:
    """Time that a piece of prompts adds to a step of ``batch`` decoding sequences [s]."""
    at = p.batch_at[batch]
    b = int(at)
    fraction = at - b
    if b >= p.prompt.shape[1] - 1:
        b, fraction = p.prompt.shape[1] - 2, 1.0
    piece_at = p.piece_at[min(piece, p.piece_at.shape[0] - 1)]
    i = int(piece_at)
    f = piece_at - i
    if i >= p.prompt.shape[2] - 1:
        i, f = p.prompt.shape[2] - 2, 1.0
    depth = place(p.positions, position)
    low = (1.0 - f) * between_points(p.prompt[kind, b, i], depth) + f * between_points(p.prompt[kind, b, i + 1], depth)
    high = (1.0 - f) * between_points(p.prompt[kind, b + 1, i], depth) + f * between_points(p.prompt[kind, b + 1, i + 1], depth)
    return (1.0 - fraction) * low + fraction * high


@compiled_loop
def push_event(events: Any, count: Any, time: float, slot: int) -> None:
    """A later event: a request that is handed over (its slot), or the next request of a client (-1)."""
    i = count[C_EVENTS]
    count[C_EVENTS] = i + 1
    while i > 0:
        up = (i - 1) // 2
        if events[up, 0] <= time:
            break
        events[i, 0], events[i, 1] = events[up, 0], events[up, 1]
        i = up
    events[i, 0], events[i, 1] = time, slot


@compiled_loop
def pop_event(events: Any, count: Any) -> int:
    """Takes the earliest event out; its slot."""
    slot = int(events[0, 1])
    n = count[C_EVENTS] - 1
    count[C_EVENTS] = n
    time, last = events[n, 0], events[n, 1]
    i = 0
    while 2 * i + 1 < n:
        child = 2 * i + 1
        if child + 1 < n and events[child + 1, 0] < events[child, 0]:
            child += 1
        if events[child, 0] >= time:
            break
        events[i, 0], events[i, 1] = events[child, 0], events[child, 1]
        i = child
    events[i, 0], events[i, 1] = time, last
    return int(slot)


@compiled_loop
def push_end(ends: Any, ri: Any, r: int, key: int, slot: int) -> None:
    """An answer of replica ``r`` that ends when its steps reach ``key``."""
    i = ri[r, R_FILLED]
    ri[r, R_FILLED] = i + 1
    while i > 0:
        up = (i - 1) // 2
        if ends[r, up, 0] <= key:
            break
        ends[r, i, 0], ends[r, i, 1] = ends[r, up, 0], ends[r, up, 1]
        i = up
    ends[r, i, 0], ends[r, i, 1] = key, slot


@compiled_loop
def remove_end(ends: Any, ri: Any, r: int, i: int) -> None:
    """Takes the end at place ``i`` of the heap of replica ``r`` out."""
    n = ri[r, R_FILLED] - 1
    ri[r, R_FILLED] = n
    if i == n:
        return
    key, slot = ends[r, n, 0], ends[r, n, 1]
    while i > 0 and ends[r, (i - 1) // 2, 0] > key:
        up = (i - 1) // 2
        ends[r, i, 0], ends[r, i, 1] = ends[r, up, 0], ends[r, up, 1]
        i = up
    while 2 * i + 1 < n:
        child = 2 * i + 1
        if child + 1 < n and ends[r, child + 1, 0] < ends[r, child, 0]:
            child += 1
        if ends[r, child, 0] >= key:
            break
        ends[r, i, 0], ends[r, i, 1] = ends[r, child, 0], ends[r, child, 1]
        i = child
    ends[r, i, 0], ends[r, i, 1] = key, slot


@compiled_loop
def record_value(hist: Any, sums: Any, group: int, metric: int, value: float) -> None:
    """One value of a latency into its histogram."""
    sums[group, metric] += value
    i = 0
    if value > SHORTEST:
        i = min(int(np.log(value / SHORTEST) * BINS_PER_E) + 1, BINS - 1)
    hist[group, metric, i] += 1


@compiled_loop
def role_of(ri: Any, r: int) -> int:
    """Row of the parameters of a replica."""
    return 1 if ri[r, R_ROLE] == PREFILLS else 0


@compiled_loop
def need_of(st: QueueState, p: Params, r: int, slot: int) -> float:
    """Tokens of cache that a request takes when it is let in, a prefix that is there not counted [token]."""
    kind = role_of(st.ri, r)
    need = st.si[slot, S_GOAL] + 0.5 * p.kf[kind, K_BLOCK]
    if st.si[slot, S_PREFIX] >= 0 and st.si[slot, S_MADE] == 0:
        need -= st.si[slot, S_SHARED]
        if st.prefix[r, st.si[slot, S_PREFIX], 0] < 0:
            need += st.si[slot, S_SHARED]
    return need


@compiled_loop
def evict(st: QueueState, r: int, wanted: float, room: float) -> None:
    """Drops prefixes that nobody uses, the longest unused first, until ``wanted`` tokens fit or none is left."""
    while st.rf[r, R_USED] + st.rf[r, R_PREFIX_TOKENS] + wanted > room:
        oldest, when = -1, np.inf
        for g in range(st.prefix.shape[1]):
            if st.prefix[r, g, 0] >= 0 and st.prefix[r, g, 1] == 0 and st.prefix[r, g, 0] < when:
                oldest, when = g, st.prefix[r, g, 0]
        if oldest < 0:
            return
        st.prefix[r, oldest, 0] = -1.0
        st.rf[r, R_PREFIX_TOKENS] -= st.sizes[oldest]


@compiled_loop
def may_enter(st: QueueState, p: Params, r: int) -> bool:
    """Whether the first request that waits at a replica can be let in now."""
    slot = st.ri[r, R_WAIT_HEAD]
    kind = role_of(st.ri, r)
    if slot < 0 or st.ri[r, R_RUNNING] >= p.ki[kind, K_SEQUENCES]:
        return False
    if st.ri[r, R_DECODING] * p.pf[P_DRAFTED] >= p.ki[kind, K_TOKENS]:
        return False
    need = need_of(st, p, r, slot)
    if st.rf[r, R_USED] + st.rf[r, R_PREFIX_TOKENS] + need > p.kf[kind, K_ROOM]:
        evict(st, r, need, p.kf[kind, K_ROOM])
    return bool(st.rf[r, R_USED] + st.rf[r, R_PREFIX_TOKENS] + need <= p.kf[kind, K_ROOM])


@compiled_loop
def enter(st: QueueState, p: Params, r: int, now: float) -> None:
    """Lets the first waiting request in: its cache is taken, its prompt is next."""
    slot = st.ri[r, R_WAIT_HEAD]
    st.ri[r, R_WAIT_HEAD] = st.si[slot, S_NEXT]
    if st.ri[r, R_WAIT_HEAD] < 0:
        st.ri[r, R_WAIT_TAIL] = -1
    st.ri[r, R_WAITING] -= 1
    held = st.si[slot, S_GOAL] + 0.5 * p.kf[role_of(st.ri, r), K_BLOCK]
    g = st.si[slot, S_PREFIX]
    if g >= 0 and st.si[slot, S_MADE] == 0 and st.ri[r, R_ROLE] != DECODES:
        held -= st.si[slot, S_SHARED]
        if st.prefix[r, g, 0] >= 0:
            st.si[slot, S_DONE] = min(st.si[slot, S_SHARED], st.si[slot, S_GOAL] - 1)
            st.count[C_HITS] += 1
        else:
            st.rf[r, R_PREFIX_TOKENS] += st.si[slot, S_SHARED]
        st.prefix[r, g, 0] = now
        st.prefix[r, g, 1] += 1
    st.sf[slot, S_HELD] = held
    st.rf[r, R_USED] += held
    st.ri[r, R_RUNNING] += 1
    if st.sf[slot, S_SCHEDULED] < 0:
        st.sf[slot, S_SCHEDULED] = now
    st.si[slot, S_NEXT] = -1
    if st.ri[r, R_PROMPT_TAIL] >= 0:
        st.si[st.ri[r, R_PROMPT_TAIL], S_NEXT] = slot
    else:
        st.ri[r, R_PROMPT_HEAD] = slot
    st.ri[r, R_PROMPT_TAIL] = slot
    st.si[slot, S_BEFORE], st.si[slot, S_AFTER] = st.ri[r, R_LAST], -1
    if st.ri[r, R_LAST] >= 0:
        st.si[st.ri[r, R_LAST], S_AFTER] = slot
    st.ri[r, R_LAST] = slot


@compiled_loop
def leave(ri: Any, rf: Any, si: Any, sf: Any, prefix: Any, r: int, slot: int) -> None:
    """Gives back what a request holds of a replica."""
    rf[r, R_USED] -= sf[slot, S_HELD]
    ri[r, R_RUNNING] -= 1
    g = si[slot, S_PREFIX]
    if g >= 0 and prefix[r, g, 1] > 0 and si[slot, S_SHARED] > 0:
        prefix[r, g, 1] -= 1
    before, after = si[slot, S_BEFORE], si[slot, S_AFTER]
    if after >= 0:
        si[after, S_BEFORE] = before
    else:
        ri[r, R_LAST] = before
    if before >= 0:
        si[before, S_AFTER] = after


@compiled_loop
def drop_prompt(st: QueueState, r: int, slot: int) -> None:
    """Takes a request out of those whose prompts are next; it is the last of them."""
    if st.ri[r, R_PROMPT_HEAD] == slot:
        st.ri[r, R_PROMPT_HEAD], st.ri[r, R_PROMPT_TAIL] = -1, -1
        return
    at = st.ri[r, R_PROMPT_HEAD]
    while st.si[at, S_NEXT] != slot:
        at = st.si[at, S_NEXT]
    st.si[at, S_NEXT] = -1
    st.ri[r, R_PROMPT_TAIL] = at


@compiled_loop
def preempt(st: QueueState, p: Params, r: int) -> bool:
    """Sends the request that came last back to the queue, its cache lost; false where it is the only one."""
    slot = st.ri[r, R_LAST]
    if slot < 0 or st.ri[r, R_RUNNING] <= 1:
        return False
    found = -1
    for i in range(st.ri[r, R_FILLED]):
        if st.ends[r, i, 1] == slot:
            found = i
    if found >= 0:
        grown = (st.si[slot, S_STEPS] - (st.ends[r, found, 0] - st.ri[r, R_TURN])) * p.pf[P_ACCEPTED]
        st.ri[r, R_DECODING] -= 1
        st.rf[r, R_CONTEXT] = max(st.rf[r, R_CONTEXT] - st.si[slot, S_GOAL] - grown, 0.0)
        st.sf[slot, S_HELD] += grown
        st.si[slot, S_MADE] = min(st.si[slot, S_MADE] + int(grown), st.si[slot, S_OUTPUT] - 1)
        st.si[slot, S_GOAL] = st.si[slot, S_PROMPT] + st.si[slot, S_MADE]
        remove_end(st.ends, st.ri, r, found)
    else:
        drop_prompt(st, r, slot)
    leave(st.ri, st.rf, st.si, st.sf, st.prefix, r, slot)
    st.si[slot, S_PREFIX], st.si[slot, S_DONE] = -1, 0
    st.si[slot, S_NEXT] = st.ri[r, R_WAIT_HEAD]
    st.ri[r, R_WAIT_HEAD] = slot
    if st.ri[r, R_WAIT_TAIL] < 0:
        st.ri[r, R_WAIT_TAIL] = slot
    st.ri[r, R_WAITING] += 1
    st.count[C_PREEMPTED] += 1
    return True


@compiled_loop
def make_room(st: QueueState, p: Params, r: int, kind: int) -> bool:
    """Frees cache for the next decoding step of all; true where a request had to go back to the queue for it."""
    gone = False
    while st.ri[r, R_DECODING] > 0:
        grow = st.ri[r, R_DECODING] * p.pf[P_ACCEPTED]
        if st.rf[r, R_USED] + st.rf[r, R_PREFIX_TOKENS] + grow <= p.kf[kind, K_ROOM]:
            break
        evict(st, r, grow, p.kf[kind, K_ROOM])
        if st.rf[r, R_USED] + st.rf[r, R_PREFIX_TOKENS] + grow <= p.kf[kind, K_ROOM] or not preempt(st, p, r):
            break
        gone = True
    return gone


@compiled_loop
def plan_step(st: QueueState, p: Params, r: int, now: float) -> None:
    """The next step of a replica, or its next run of decoding steps: when it ends stands in ``end``."""
    kind = role_of(st.ri, r)
    st.rf[r, R_CLOCK] = now
    tight = st.rf[r, R_USED] + st.rf[r, R_PREFIX_TOKENS] + st.ri[r, R_DECODING] * p.pf[P_ACCEPTED] > p.kf[kind, K_ROOM]
    if st.ri[r, R_WAIT_HEAD] >= 0 and not (tight and make_room(st, p, r, kind)):
        wanted = 0
        slot = st.ri[r, R_PROMPT_HEAD]
        while slot >= 0:
            wanted += st.si[slot, S_GOAL] - st.si[slot, S_DONE]
            slot = st.si[slot, S_NEXT]
        while wanted < p.ki[kind, K_TOKENS] and may_enter(st, p, r):
            enter(st, p, r, now)
            wanted += st.si[st.ri[r, R_PROMPT_TAIL], S_GOAL] - st.si[st.ri[r, R_PROMPT_TAIL], S_DONE]
    elif tight:
        make_room(st, p, r, kind)
    if st.ri[r, R_PROMPT_HEAD] >= 0 and plan_prompts(st, p, r, kind, now):
        return
    batch = st.ri[r, R_DECODING]
    if batch == 0:
        st.rf[r, R_END], st.ri[r, R_STEPS] = np.inf, 0
        return
    free = p.kf[kind, K_ROOM] - st.rf[r, R_USED] - st.rf[r, R_PREFIX_TOKENS]
    st.ri[r, R_STEPS] = max(min(st.ends[r, 0, 0] - st.ri[r, R_TURN], int(free / (batch * p.pf[P_ACCEPTED]))), 1)
    st.rf[r, R_END] = now + run_seconds(st, p, r, kind, st.ri[r, R_STEPS])


@compiled_loop
def run_seconds(st: QueueState, p: Params, r: int, kind: int, steps: int) -> float:
    """Time of a run of decoding steps [s]."""
    batch = st.ri[r, R_DECODING]
    mean = st.rf[r, R_CONTEXT] / batch + 0.5 * (steps - 1) * p.pf[P_ACCEPTED]
    return steps * decode_seconds(p.decode, p.contexts, kind, batch, mean)


@compiled_loop
def plan_prompts(st: QueueState, p: Params, r: int, kind: int, now: float) -> bool:
    """A step that takes pieces of the prompts that are next; false where not one fits beside the decoding sequences."""
    batch = 0 if p.ki[kind, K_WAY] == APART else st.ri[r, R_DECODING]
    left = p.ki[kind, K_TOKENS] - int(batch * p.pf[P_DRAFTED])
    piece, depth, ends = 0, 0.0, 0
    slot = st.ri[r, R_PROMPT_HEAD]
    while slot >= 0:
        rest = st.si[slot, S_GOAL] - st.si[slot, S_DONE]
        take = min(rest, left)
        if p.ki[kind, K_WAY] != PIECES and take < rest:
            take = rest if piece == 0 and (batch == 0 or rest > p.ki[kind, K_TOKENS]) else 0
        st.si[slot, S_PLANNED] = take
        if take <= 0:
            st.si[slot, S_PLANNED] = 0
            break
        # a query of a piece sees what stands before the piece, and half of the piece
        depth += take * (2.0 * st.si[slot, S_DONE] + take)
        piece += take
        left -= take
        ends += 1 if take == rest else 0
        slot = st.si[slot, S_NEXT]
    while slot >= 0:
        st.si[slot, S_PLANNED] = 0
        slot = st.si[slot, S_NEXT]
    if piece == 0:
        return False
    seconds = prompt_seconds(p, kind, batch, piece, depth / piece) + max(ends - 1, 0) * p.kf[kind, K_PER_END]
    if batch > 0:
        seconds += decode_seconds(p.decode, p.contexts, kind, batch, st.rf[r, R_CONTEXT] / batch)
    st.ri[r, R_STEPS] = 0
    st.rf[r, R_END] = now + seconds
    return True


@compiled_loop
def finished(st: QueueState, p: Params, r: int, slot: int, now: float) -> None:
    """The last token of a request: its latencies are told, its slot is free, its client sends the next."""
    first, end = st.sf[slot, S_FIRST] - st.sf[slot, S_SENT], now - st.sf[slot, S_SENT]
    group = 1 if st.si[slot, S_NUMBER] >= p.pi[P_START_UP] else 0
    tpot = (now - st.sf[slot, S_FIRST]) / (st.si[slot, S_OUTPUT] - 1) if st.si[slot, S_OUTPUT] > 1 else -1.0
    moved = max(st.sf[slot, S_MOVED], 0.0)
    computing = st.sf[slot, S_COMPUTED] - st.sf[slot, S_SCHEDULED]
    record_value(st.hist, st.sums, group, TTFT, first)
    record_value(st.hist, st.sums, group, E2E, end)
    record_value(st.hist, st.sums, group, PREFILL, computing)
    record_value(st.hist, st.sums, group, TRANSFER, moved)
    record_value(st.hist, st.sums, group, QUEUE, max(first - p.pf[P_FRONT] - computing - moved, 0.0))
    if tpot >= 0.0:
        record_value(st.hist, st.sums, group, TPOT, tpot)
    if first <= p.pf[P_TTFT_LIMIT] and tpot <= p.pf[P_TPOT_LIMIT] and end <= p.pf[P_E2E_LIMIT]:
        st.count[C_GOOD if group else C_GOOD_START] += 1
    st.amount[A_TOKENS if group else A_TOKENS_START] += st.si[slot, S_OUTPUT]
    st.count[C_DONE] += 1
    st.count[C_INSIDE] -= 1
    st.amount[A_LAST] = now
    st.free[st.count[C_FREE]] = slot
    st.count[C_FREE] += 1
    if p.pi[P_USERS] > 0:
        push_event(st.events, st.count, now + p.pf[P_THINK] + p.pf[P_FRONT], -1)


@compiled_loop
def computed(st: QueueState, p: Params, r: int, slot: int, now: float) -> None:
    """The end of a prompt: its first token, or its way to a replica that decodes."""
    if st.ri[r, R_ROLE] == PREFILLS:
        st.sf[slot, S_COMPUTED] = now
        st.sf[slot, S_MOVED] = p.pf[P_TRANSFER_FIXED] + p.pf[P_TRANSFER_PER_TOKEN] * st.si[slot, S_PROMPT]
        leave(st.ri, st.rf, st.si, st.sf, st.prefix, r, slot)
        push_event(st.events, st.count, now + st.sf[slot, S_MOVED], slot)
        return
    if st.sf[slot, S_COMPUTED] < 0:
        st.sf[slot, S_COMPUTED] = now
    if st.sf[slot, S_FIRST] < 0:
        st.sf[slot, S_FIRST] = now
    st.si[slot, S_MADE] += 1
    left = int(np.ceil((st.si[slot, S_OUTPUT] - st.si[slot, S_MADE]) / p.pf[P_ACCEPTED]))
    if left <= 0:
        leave(st.ri, st.rf, st.si, st.sf, st.prefix, r, slot)
        finished(st, p, r, slot, now)
        return
    st.si[slot, S_STEPS] = left
    st.ri[r, R_DECODING] += 1
    st.rf[r, R_CONTEXT] += st.si[slot, S_GOAL]
    push_end(st.ends, st.ri, r, st.ri[r, R_TURN] + left, slot)


@compiled_loop
def end_span(st: QueueState, p: Params, r: int) -> None:
    """What a replica has done when its step or run of steps ends."""
    now, kind = st.rf[r, R_END], role_of(st.ri, r)
    st.rf[r, R_BUSY] += now - st.rf[r, R_CLOCK]
    steps = st.ri[r, R_STEPS]
    pieces = steps == 0
    if pieces:
        steps = 0 if p.ki[kind, K_WAY] == APART else 1
    if steps > 0 and st.ri[r, R_DECODING] > 0:
        st.ri[r, R_TURN] += steps
        grown = steps * st.ri[r, R_DECODING] * p.pf[P_ACCEPTED]
        st.rf[r, R_CONTEXT] += grown
        st.rf[r, R_USED] += grown
        while st.ri[r, R_FILLED] > 0 and st.ends[r, 0, 0] <= st.ri[r, R_TURN]:
            slot = st.ends[r, 0, 1]
            remove_end(st.ends, st.ri, r, 0)
            had = st.si[slot, S_STEPS] * p.pf[P_ACCEPTED]
            st.sf[slot, S_HELD] += had
            st.ri[r, R_DECODING] -= 1
            st.rf[r, R_CONTEXT] = max(st.rf[r, R_CONTEXT] - st.si[slot, S_GOAL] - had, 0.0)
            leave(st.ri, st.rf, st.si, st.sf, st.prefix, r, slot)
            finished(st, p, r, slot, now)
        if st.ri[r, R_DECODING] == 0:
            st.rf[r, R_CONTEXT] = 0.0
    if pieces:
        slot = st.ri[r, R_PROMPT_HEAD]
        while slot >= 0 and st.si[slot, S_PLANNED] > 0:
            st.si[slot, S_DONE] += st.si[slot, S_PLANNED]
            if st.si[slot, S_DONE] < st.si[slot, S_GOAL]:
                break
            after = st.si[slot, S_NEXT]
            st.ri[r, R_PROMPT_HEAD] = after
            if after < 0:
                st.ri[r, R_PROMPT_TAIL] = -1
            computed(st, p, r, slot, now)
            slot = after
    plan_step(st, p, r, now)


@compiled_loop
def queued_at(ri: Any, r: int) -> int:
    """Requests at a replica, waiting or running."""
    return int(ri[r, R_WAITING] + ri[r, R_RUNNING])


@compiled_loop
def choose(st: QueueState, p: Params, slot: int, low: int, high: int, counter: int) -> int:
    """The replica of ``low`` to ``high - 1`` that a request goes to."""
    if p.pi[P_ROUTER] == ROUND_ROBIN:
        r = low + st.count[counter] % (high - low)
        st.count[counter] += 1
        return int(r)
    best, g = low, st.si[slot, S_PREFIX]
    holder = -1
    for r in range(low, high):
        if queued_at(st.ri, r) < queued_at(st.ri, best):
            best = r
        holds = p.pi[P_ROUTER] == PREFIX_AWARE and g >= 0 and st.prefix[r, g, 0] >= 0
        if holds and (holder < 0 or queued_at(st.ri, r) < queued_at(st.ri, holder)):
            holder = r
    if holder >= 0 and queued_at(st.ri, holder) <= MORE * queued_at(st.ri, best) + MORE_FIXED:
        return holder
    return best


@compiled_loop
def queue_at(st: QueueState, p: Params, r: int, slot: int, now: float) -> None:
    """A request comes to a replica; a run of decoding steps ends early where it can join."""
    st.si[slot, S_AT], st.si[slot, S_NEXT] = r, -1
    if st.ri[r, R_WAIT_TAIL] >= 0:
        st.si[st.ri[r, R_WAIT_TAIL], S_NEXT] = slot
    else:
        st.ri[r, R_WAIT_HEAD] = slot
    st.ri[r, R_WAIT_TAIL] = slot
    st.ri[r, R_WAITING] += 1
    if st.rf[r, R_END] == np.inf:
        plan_step(st, p, r, now)
        return
    steps = st.ri[r, R_STEPS]
    if steps > 1 and now > st.rf[r, R_CLOCK] and st.ri[r, R_WAIT_HEAD] == slot and may_enter(st, p, r):
        kind = role_of(st.ri, r)
        low = int(steps * (now - st.rf[r, R_CLOCK]) / (st.rf[r, R_END] - st.rf[r, R_CLOCK]))
        low = min(max(low, 1), steps)
        while low > 1 and st.rf[r, R_CLOCK] + run_seconds(st, p, r, kind, low - 1) >= now:
            low -= 1
        while low < steps and st.rf[r, R_CLOCK] + run_seconds(st, p, r, kind, low) < now:
            low += 1
        st.ri[r, R_STEPS] = low
        st.rf[r, R_END] = max(st.rf[r, R_CLOCK] + run_seconds(st, p, r, kind, low), now)


@compiled_loop
def arrive(st: QueueState, p: Params, now: float, prompt: int, output: int, prefix: int, shared: int, known: int) -> None:
    """A new request of a client."""
    st.count[C_FREE] -= 1
    slot = st.free[st.count[C_FREE]]
    number = st.count[C_SENT]
    st.count[C_SENT] += 1
    st.count[C_INSIDE] += 1
    if number == p.pi[P_START_UP]:
        st.amount[A_STEADY] = now
        st.amount[A_DONE_BEFORE] = st.count[C_DONE]
        st.amount[A_TOKENS_BEFORE] = st.amount[A_TOKENS] + st.amount[A_TOKENS_START]
    st.amount[A_DONE_LAST] = st.count[C_DONE]
    st.amount[A_TOKENS_LAST] = st.amount[A_TOKENS] + st.amount[A_TOKENS_START]
    if number % p.pi[P_EVERY] == 0 and number // p.pi[P_EVERY] < st.inside_at.shape[0]:
        st.inside_at[number // p.pi[P_EVERY]] = st.count[C_INSIDE]
    st.amount[A_LAST_SENT] = now - p.pf[P_FRONT]
    st.sf[slot, S_SENT], st.sf[slot, S_ENTER] = now - p.pf[P_FRONT], now
    st.si[slot, S_PROMPT], st.si[slot, S_OUTPUT], st.si[slot, S_GOAL] = prompt, output, prompt
    st.si[slot, S_PREFIX], st.si[slot, S_SHARED] = prefix, shared
    st.si[slot, S_DONE], st.si[slot, S_PLANNED], st.si[slot, S_MADE], st.sf[slot, S_HELD] = min(known, prompt - 1), 0, 0, 0.0
    st.si[slot, S_STEPS] = 0
    st.sf[slot, S_SCHEDULED], st.sf[slot, S_COMPUTED], st.sf[slot, S_MOVED], st.sf[slot, S_FIRST] = -1.0, -1.0, 0.0, -1.0
    st.si[slot, S_NUMBER] = number
    low, high = (0, p.pi[P_PREFILLERS]) if p.pi[P_PREFILLERS] > 0 else (0, st.ri.shape[0])
    queue_at(st, p, choose(st, p, slot, low, high, C_NTURN), slot, now)


@compiled_loop
def hand_over_cache(st: QueueState, p: Params, slot: int, now: float) -> None:
    """A request whose prompt was computed elsewhere: its last token is computed again, and with it the first of the answer."""
    st.si[slot, S_PREFIX] = -1
    st.si[slot, S_DONE] = st.si[slot, S_PROMPT] - 1
    queue_at(st, p, choose(st, p, slot, p.pi[P_PREFILLERS], st.ri.shape[0], C_DTURN), slot, now)


@compiled_loop
def earliest(rf: Any) -> int:
    """The replica whose step or run ends first."""
    best, when = 0, rf[0, R_END]
    for r in range(1, rf.shape[0]):
        if rf[r, R_END] < when:
            best, when = r, rf[r, R_END]
    return best


@compiled_loop
def run(
    st: QueueState, p: Params, times: Any, prompts: Any, outputs: Any, prefixes: Any, shared: Any, known: Any, last: bool,
    target: int
) -> int:
    """Runs until the requests given have been sent; where they are the ``last``, until ``target`` are done or none is left.

    Returns
    -------
    int
        1 where more requests are wanted, 0 where the run is over.
    """
    n = prompts.shape[0]
    while True:
        r = earliest(st.rf)
        when, what = st.rf[r, R_END], 0
        if st.count[C_EVENTS] > 0 and st.events[0, 0] < when:
            when, what = st.events[0, 0], 1
        at = st.count[C_NEXT]
        if p.pi[P_USERS] == 0 and at < n and st.count[C_INSIDE] < p.pi[P_IN_FLIGHT]:
            coming = max(times[at], st.amount[A_NOW])
            if coming <= when:
                when, what = coming, 2
        if when == np.inf or (st.count[C_DONE] >= target > 0):
            return 0
        if what != 0 and at >= n and not last and (what == 2 or st.events[0, 1] < 0):
            return 1
        st.amount[A_INSIDE] += st.count[C_INSIDE] * (when - st.amount[A_NOW])
        st.amount[A_NOW] = when
        if what == 0:
            end_span(st, p, r)
        elif what == 1:
            slot = pop_event(st.events, st.count)
            if slot >= 0:
                hand_over_cache(st, p, slot, when)
            elif at < n:
                arrive(st, p, when, prompts[at], outputs[at], prefixes[at], shared[at], known[at])
                st.count[C_NEXT] += 1
        else:
            if times[at] < when:
                st.count[C_LATE] += 1
            arrive(st, p, when, prompts[at], outputs[at], prefixes[at], shared[at], known[at])
            st.count[C_NEXT] += 1
            if at + 1 == n and not last:
                return 1
        if st.count[C_INSIDE] > p.pi[P_MOST_INSIDE]:
            st.count[C_STOP] = 1
            return 0
