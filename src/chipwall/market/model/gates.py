"""Two governments' gates: Washington licenses, Beijing lets in; a delivery needs both.

Each gate is in one of four states a quarter: ban, trickle, managed, open. A scenario fixes the state or leaves it to a
chain that moves one step at a time. A state is a number of units a quarter that may pass.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CHAIN",
    "GATE_STATES",
    "GateState",
    "beijing_cap",
    "gate_closedness",
    "legal_supply",
    "regime_states",
    "volume_room",
    "washington_cap",
]

Array = NDArray[np.float64]
GateState = Literal["ban", "trickle", "managed", "open"]
GATE_STATES: tuple[GateState, ...] = ("ban", "trickle", "managed", "open")
# The state of a quarter that a scenario leaves to chance.
CHAIN = -1


def regime_states(fixed: NDArray[np.int64], *, persistence: Array, opening: Array, uniform: Array) -> NDArray[np.int64]:
    """States of one gate.

    Parameters
    ----------
    fixed : array [quarters]
        State by quarter, :data:`CHAIN` where it is left to chance.
    persistence : array [draws]
        Chance to stay a quarter [1].
    opening : array [draws]
        Chance that a move opens [1]; at an end of the scale the move is the only one possible.
    uniform : array [quarters, draws]
        Random numbers in 0 to 1, shared between scenarios.

    Returns
    -------
    array [quarters, draws]
        0 ban, 1 trickle, 2 managed, 3 open.
    """
    states = np.empty((len(fixed), persistence.size), dtype=np.int64)
    now = np.full(persistence.size, max(int(fixed[0]), 0))
    top = len(GATE_STATES) - 1
    for t, given in enumerate(fixed):
        if given == CHAIN:
            moves = uniform[t] > persistence
            up = (uniform[t] - persistence) < opening * (1 - persistence)
            step = np.where(now == 0, 1, np.where(now == top, -1, np.where(up, 1, -1)))
            # at the ends only one direction exists: it is taken as often as a move that way would be
            willing = np.where(now == 0, up, np.where(now == top, ~up, True))
            now = np.where(moves & willing, now + step, now)
        else:
            now = np.full_like(now, given)
        states[t] = now
    return states


def _cap(state: NDArray[np.int64], trickle: Array, managed: Array) -> Array:
    levels = np.stack(
        [np.zeros_like(trickle), trickle, np.broadcast_to(managed, trickle.shape), np.full_like(trickle, np.inf)]
    )
    return np.asarray(np.take_along_axis(levels, state[None, :], axis=0)[0])


def washington_cap(state: NDArray[np.int64], *, trickle: Array, pace: Array) -> Array:
    """Units a quarter and product that may be licensed [units]."""
    return _cap(state, trickle, pace)


def beijing_cap(state: NDArray[np.int64], *, trickle: Array, managed: Array) -> Array:
    """Units a quarter, over all US products, that may enter [units]."""
    return _cap(state, trickle, managed)


def gate_closedness(washington: NDArray[np.int64], beijing: NDArray[np.int64]) -> Array:
    """How closed the tighter gate is: 0 both open, 1 a ban [1]."""
    return 1 - np.minimum(washington, beijing) / (len(GATE_STATES) - 1)


def volume_room(limit: Array, *, home: Array, sold: Array) -> Array:
    """What may still be sold under the cap on cumulated shipments relative to US ones [units].

    The rule compares aggregate TPP per product; for one product the ratio of TPP is the ratio of units.

    Parameters
    ----------
    limit : array [products, 1 or draws]
        China over US shipments [1]; infinity for no cap.
    home, sold : array [products, draws]
        Cumulated shipments to US customers, and to China [units].
    """
    capped = np.isfinite(limit)
    return np.where(capped, np.maximum(np.where(capped, limit, 0.0) * home - sold, 0.0), np.inf)


def legal_supply(
    *,
    permitted: Array,
    allocation: Array,
    washington: Array,
    volume_room: Array,
    unit_cap: Array,
    beijing: Array,
    worth: Array,
) -> Array:
    """What US makers can deliver of each product this quarter.

    The least of what they set aside, what is licensed, what is left under the volume cap, and a plain unit cap. Beijing's total is
    filled with the parts that are worth most: an importer with a permit for a number of chips takes the best.

    Parameters
    ----------
    permitted : array [products, 1]
        1 where the product may be licensed at all, else 0.
    allocation, volume_room, unit_cap : array [products, draws] or broadcastable
        Units a quarter [units]; infinity for no limit.
    washington, beijing : array [draws]
        Caps of the two gates [units].
    worth : array [products]
        Service of a unit [1].
    """
    room = np.minimum(np.minimum(allocation, washington), np.minimum(volume_room, unit_cap))
    room = np.maximum(room, 0.0) * permitted
    let_in, free = np.zeros_like(room), np.array(beijing, dtype=float)
    for i in np.argsort(-worth, kind="stable"):
        let_in[i] = np.minimum(room[i], free)
        free = free - let_in[i]
    return let_in
