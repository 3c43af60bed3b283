"""Where a claim holds, in the fewest words: a small exact search over rules of one condition each.

Every test on one condition is a candidate: at most and at least at each value that occurs, is and is not for words, is
one of for up to a few. Conjunctions of up to three tests are tried exhaustively, then a second conjunction for what the
first one misses. A rule is charged for its length, so a longer description must earn its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from chipwall.claims.records import Region, RegionTest, Value

__all__ = ["described_region"]

Flags = NDArray[np.bool_]
# What one more test must gain [1]: two percent of the points.
PRICE = 0.02
MOST_TESTS = 3
# Above so many candidates triples are left out, which keeps the search under 50 ms.
MANY = 60


def described_region(conditions: Sequence[Mapping[str, Value]], holds: Sequence[bool]) -> Region:
    """The simplest description of the points at which a claim holds.

    Parameters
    ----------
    conditions : sequence of mapping
        Conditions of each point, all with the same names.
    holds : sequence of bool
        Whether the claim holds there.

    Limits
    ------
    Points count equally. Exact for one conjunction of up to three tests (two where there are more than sixty
    candidates); a second and third conjunction are added greedily.
    """
    wanted = np.array(holds, dtype=bool)
    tests = _candidates(conditions, wanted)
    table = [np.array([t.holds(c) for c in conditions]) for t in tests]
    keep = _distinct(table)
    tests, table = [tests[i] for i in keep], [table[i] for i in keep]
    rules: list[tuple[RegionTest, ...]] = []
    covered = np.zeros(len(wanted), dtype=bool)
    for _ in range(3):
        found = _best(tests, table, covered, wanted)
        if found is None or (rules and found[0] <= _accuracy(covered, wanted) + 1e-12):
            break
        rules.append(tuple(tests[i] for i in found[1]))
        covered = covered | np.logical_and.reduce([table[i] for i in found[1]])
        if bool((covered == wanted).all()):
            break
    return Region(tuple(rules), _accuracy(covered, wanted))


def _accuracy(guess: Flags, wanted: Flags) -> float:
    return float((guess == wanted).mean())


def _best(
    tests: Sequence[RegionTest], table: Sequence[Flags], covered: Flags, wanted: Flags
) -> tuple[float, tuple[int, ...]] | None:
    """The conjunction that, added to what is covered, scores best; ties go to the shorter, then the earlier."""
    best: tuple[float, tuple[int, ...]] | None = None
    most = MOST_TESTS if len(tests) <= MANY else 2
    for size in range(1, most + 1):
        for chosen in combinations(range(len(tests)), size):
            if len({tests[i].condition for i in chosen if tests[i].operator not in ("<=", ">=")}) < sum(
                tests[i].operator not in ("<=", ">=") for i in chosen
            ):
                continue  # two word tests of one condition are one longer word test
            flags = table[chosen[0]]
            for i in chosen[1:]:
                flags = flags & table[i]
            score = _accuracy(covered | flags, wanted) - PRICE * size
            if best is None or score > best[0] + 1e-12:
                best = (score, chosen)
        if best is not None and best[0] >= 1 - PRICE * size - 1e-12:
            break  # perfect at this length: nothing longer can be better
    return best


def _candidates(conditions: Sequence[Mapping[str, Value]], wanted: Flags) -> list[RegionTest]:
    found: list[RegionTest] = []
    for name in [n for n in conditions[0] if all(n in c for c in conditions)]:
        values = list(dict.fromkeys(c[name] for c in conditions))
        if len(values) < 2:
            continue
        if all(isinstance(v, (float, int, date)) and not isinstance(v, bool) for v in values):
            ordered = sorted(values)
            found += [RegionTest(name, "<=", (v,)) for v in ordered[:-1]]
            found += [RegionTest(name, ">=", (v,)) for v in ordered[1:]]
            continue
        found += [RegionTest(name, "is", (v,)) for v in values]
        if len(values) > 2:
            found += [RegionTest(name, "is not", (v,)) for v in values]
        favourable = tuple(v for v in values if _share(conditions, wanted, name, v) > 0.5)
        if 2 <= len(favourable) < len(values):
            found.append(RegionTest(name, "is one of", favourable))
        for size in range(2, min(4, len(values) - 1)):
            if len(values) <= 8:
                found += [RegionTest(name, "is one of", chosen) for chosen in combinations(values, size)]
    return found


def _share(conditions: Sequence[Mapping[str, Value]], wanted: Flags, name: str, value: Value) -> float:
    """Share of the points with that value at which the claim holds [1]."""
    here = [bool(w) for c, w in zip(conditions, wanted, strict=True) if c[name] == value]
    return sum(here) / len(here)


def _distinct(table: Sequence[Flags]) -> list[int]:
    """Positions of the first test of every kind of split; always and never true are left out."""
    seen: dict[bytes, int] = {}
    for i, flags in enumerate(table):
        if flags.any() and not flags.all():
            seen.setdefault(flags.tobytes(), i)
    return list(seen.values())
