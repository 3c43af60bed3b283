"""How many tokens a step of speculative decoding yields, where it was published for a model.

The figures are mean acceptance lengths of real drafts (``data/measured/drafts.csv``, each with its address): the token that
the model itself gives, and the drafted ones that it accepts. They depend on what is written, most on code, less on prose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["Acceptance", "acceptance_of", "published_acceptance"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One published figure: ``accepted`` tokens of a step that drafts ``draft_tokens`` [1]."""

    model: str
    method: str
    draft_tokens: int
    accepted: float
    mode: str
    source: str
    address: str


def published_acceptance(rows: Iterable[Mapping[str, str]], names: Iterable[str]) -> tuple[Acceptance, ...]:
    """The figures that answers may use, of a model that goes by any of ``names`` (lower case); its own heads first."""
    wanted = frozenset(names)
    found = [
        Acceptance(
            r["model"], r["method"], int(r["draft_tokens"]), float(r["accepted"]), r["mode"], r["source_name"],
            r["source_repo_or_url"],
        )
        for r in rows
        if r["use"] == "answer" and r["model"].lower() in wanted
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda a: (a.method != "MTP", a.method, a.draft_tokens)))


def acceptance_of(known: Iterable[Acceptance], draft_tokens: int, model: str) -> Acceptance:
    """The figure for so many drafted tokens.

    Raises
    ------
    InputError
        None is published for the model, or none with so many tokens; the message names those that are.
    """
    figures = tuple(known)
    for one in figures:
        if one.draft_tokens == draft_tokens:
            return one
    if not figures:
        raise InputError(
            text("how many drafted tokens {model} accepts is not published", model=model), where="draft_tokens",
            fix=text("Give accepted and drafted, for example 2.4 accepted of 4 drafted"),
        )  # fmt: skip
    lengths = ", ".join(str(n) for n in sorted({a.draft_tokens for a in figures}))
    raise InputError(
        text("acceptance of {model} is not published for {n} drafted tokens", model=model, n=draft_tokens),
        where="draft_tokens", fix=text("Give one of {lengths}, or accepted and drafted", lengths=lengths),
    )  # fmt: skip
