"""``chipwall mcp``: the public functions as tools for an assistant, over standard input and output.

The protocol is that of the official Python SDK (the extra ``mcp``). Every tool is a door of :mod:`chipwall.api`: words in, one
JSON object out, with the sources of its numbers.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from chipwall.cli.extras import require_extra
from chipwall.cli.options import command
from chipwall.errors import ChipwallError

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

    from chipwall.answer import Answer

__all__ = ["mcp", "server"]

INSTRUCTIONS = (
    "chipwall answers what an AI chip can do, where it may go on a date, and whether sentences about chips hold. "
    "Every number has a source and every estimate an interval: repeat both. Nothing here is legal advice."
)


@command()
def mcp() -> None:
    """Serve the public functions as tools for an assistant (Model Context Protocol, standard input and output)."""
    made = server()
    if sys.__stdout__ is not None:
        sys.stdout = sys.__stdout__  # a conversation is not held back until it ends, as an answer is
    made.run("stdio")


def server() -> FastMCP:
    """The server with its tools."""
    require_extra("mcp", extra="mcp", wanted_by="chipwall mcp")
    from mcp.server.fastmcp import FastMCP

    made = FastMCP("chipwall", instructions=INSTRUCTIONS)
    for tool in (check_text, decide_export, serve_model, does_it_fit, compare_chips, chip_facts, train_model):
        made.tool()(tool)
    return made


def _told(answer: Answer) -> dict[str, Any]:
    """An answer as JSON with its sources spelled out."""
    cited = [{"id": s, **_source(answer, s)} for s in answer.sources]
    return {"answer": answer.to_dict(), "sources": cited, "notes": [str(n) for n in answer.notes]}


def _source(answer: Answer, name: str) -> dict[str, str]:
    try:
        found = answer.source_of(name) if answer.source_of else None
    except (KeyError, ChipwallError):
        found = None
    if found is None:
        return {}
    return {"title": found.title, "publisher": found.publisher, "url": str(getattr(found, "url", "") or found.place)}


def check_text(words: str, said: str | None = None, as_of: str | None = None, by: str = "") -> dict[str, Any]:
    """Check a sentence or an article, English or Chinese: each statement on AI chips, rules, volumes or money with its verdict.

    said is the day it was said (2025-12-10), as_of up to when evidence counts, by who says it.
    """
    from chipwall.api.texts import checked_document, text_answer
    from chipwall.claims.reader.document import plain_document

    return _asked(
        lambda: text_answer(*checked_document(plain_document(words, "the text"), said=said, as_of=as_of, by=by))
    )


def decide_export(chip: str, to: str = "CN", on: str | None = None) -> dict[str, Any]:
    """Whether an AI chip may go from the United States to a country on a day: class, licence, review policy, duty, clauses."""
    import chipwall as cw

    day: dict[str, Any] = {"on": on} if on else {}
    return _asked(lambda: cw.decide(chip, to=to, **day))


def serve_model(
    model: str,
    chip: str,
    chips: int = 1,
    prompt: int = 1000,
    output: int = 1000,
    users: int = 16,
    precision: str | None = None,
) -> dict[str, Any]:
    """How fast a language model serves on some chips: tokens per second, time to first token, time per token, with intervals."""
    import chipwall as cw

    given: dict[str, Any] = {"precision": precision} if precision else {}
    return _asked(lambda: cw.serve(model, chip, chips=chips, prompt=prompt, output=output, users=users, **given))


def does_it_fit(model: str, chip: str, chips: int = 1) -> dict[str, Any]:
    """Whether a language model fits in the memory of some chips, in each weight format, and what is left for the cache."""
    import chipwall as cw

    return _asked(lambda: cw.fits(model, chip, chips=chips))


def compare_chips(chip: str, other: str, model: str = "llama-3.1-70b") -> dict[str, Any]:
    """Two chips compared by kind of work on one model: ratios with intervals."""
    import chipwall as cw

    return _asked(lambda: cw.compare(chip, other, model))


def chip_facts(chip: str) -> dict[str, Any]:
    """Everything known about one chip, each fact with its source and status."""
    import chipwall as cw

    return _asked(lambda: cw.chip(chip))


def train_model(model: str, chip: str, chips: int = 64) -> dict[str, Any]:
    """How long a training step of a model takes on some chips: step time, utilisation, memory, energy, with intervals."""
    import chipwall as cw

    return _asked(lambda: cw.train(model, chip, chips=chips))


def _asked(question: Any) -> dict[str, Any]:
    """The answer, or what was wrong with the question and what to do."""
    try:
        found = question()
        return _told(found) if hasattr(found, "sources") and hasattr(found, "to_dict") else {"answer": found.to_dict()}
    except ChipwallError as problem:
        return {"error": [str(line) for line in problem.lines()]}
