"""Which of several facts about one quantity is used: a rule that everybody can see.

A fact without a source is used only where there is no other, and then it counts as unknown. Among the rest:

1. A fact that an editor preferred, with a written reason.
2. Else the first published fact that is neither a second source nor derived. If its source says that the value is not
   published, it stays unknown: a search that found nothing is knowledge too.
3. Else the best second source, by status: official, measured, reported, estimated, unverified; first in the file wins.
4. Else a derived number.
"""

from __future__ import annotations

from collections.abc import Sequence

from chipwall.sources import STATUSES, Fact
from chipwall.text import Text, text

__all__ = ["chosen_fact", "reason"]


def chosen_fact(facts: Sequence[Fact]) -> Fact:
    """The fact in use among all facts about one quantity of one chip (at least one)."""
    sourced = [f for f in facts if f.sourced] or facts
    preferred = [f for f in sourced if f.prefer]
    if preferred:
        return preferred[0]
    first = [f for f in sourced if not f.second and not f.derived]
    if first:
        return first[0]
    second = [f for f in sourced if not f.derived]
    if second:
        return min(second, key=lambda f: STATUSES.index(f.status))
    return sourced[0]


def reason(fact: Fact, facts: Sequence[Fact]) -> Text:
    """Why this fact is the one in use, in words."""
    if not fact.sourced:
        return text("no source was found: it counts as unknown")
    if fact.prefer:
        return text("chosen: {reason}", reason=fact.prefer)
    others = {f.published for f in facts if f is not fact and not f.derived}
    if not others - {fact.published}:
        return text("no other value")
    if fact.derived:
        return text("derived; nothing is published")
    if fact.second:
        return text("best status among second sources")
    return text("first published source")
