"""A reader of the user's own: an external program that proposes readings, checked as strictly as ours.

The program gets one JSON object on standard input (``{"schema": 1, "said": ..., "by": ..., "sentences": [{"text", "start"}]}``) and
answers with one (``{"statements": [{"start", "states", "tables": [...]}]}``), where a table has the fields of a claim. No shell
is involved. A program that fails, takes too long or answers in another form is left aside, and the text says so.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from chipwall.claims.reader.document import Document
from chipwall.claims.reader.frames import Candidate
from chipwall.claims.reader.read import Statement
from chipwall.text import Text, text

__all__ = ["MOST_BYTES", "MOST_SECONDS", "outside_statements"]

MOST_SECONDS = 60
MOST_BYTES = 5_000_000
_FIELDS = {"quantity", "relation", "value", "unit", "tolerance", "subject", "baseline", "fixed", "free"}
_DAYS = ("on", "from", "until")


def outside_statements(
    command: Sequence[str], document: Document, *, said: date, by: str
) -> tuple[list[Statement], Text | str]:
    """Statements that the program proposes, and why there are none where it failed."""
    asked = {
        "schema": 1,
        "said": said.isoformat(),
        "by": by,
        "sentences": [{"text": s.text, "start": s.start} for s in document.sentences],
    }
    try:
        done = subprocess.run(
            list(command),
            input=json.dumps(asked, ensure_ascii=False).encode(),
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    except (OSError, ValueError):
        return [], text("the reader '{command}' cannot be started", command=command[0] if command else "")
    except subprocess.TimeoutExpired:
        return [], text("the reader took more than {seconds} s", seconds=MOST_SECONDS)
    if done.returncode != 0:
        return [], text("the reader ended with status {status}", status=done.returncode)
    if len(done.stdout) > MOST_BYTES:
        return [], text("the reader answered with more than {most} MB", most=MOST_BYTES // 10**6)
    try:
        return list(_statements(json.loads(done.stdout), document)), ""
    except (ValueError, TypeError, KeyError, RecursionError):
        return [], text("the reader's answer is not of the form that docs/claims.md describes")


def _statements(answer: Any, document: Document) -> Iterator[Statement]:
    known = {s.start: s for s in document.sentences}
    for told in answer["statements"]:
        sentence = known[int(told["start"])]
        states = str(told.get("states", ""))
        at = max(sentence.text.find(states), 0)
        tables = tuple(_table(t) for t in told["tables"])
        yield Statement(
            sentence, Candidate("outside", at, at + len(states) if states else len(sentence.text), tables, 0.5)
        )


def _table(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or not set(told) <= _FIELDS:
        raise ValueError("unknown field")
    for name in ("fixed", "free"):
        for key in _DAYS:
            value = told.get(name, {}).get(key)
            if isinstance(value, str):
                told[name][key] = date.fromisoformat(value)
            elif isinstance(value, list):
                told[name][key] = [date.fromisoformat(v) for v in value]
    return dict(told)
