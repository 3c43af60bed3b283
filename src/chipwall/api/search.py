"""Search over chips, models, rules, claims, proposals and sources: SQLite's full text in memory, by three letters.

Three letters at a time find parts of words in any script; words shorter than three letters (昇腾, H20's "H2") are looked for
in the names one by one, which for a few thousand rows takes a millisecond.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from functools import cache

from chipwall.api.rooms import SearchRow, search_rows

__all__ = ["found_for"]

MOST_FOUND = 60
# Kinds a reader is most likely to mean come first.
_FIRST = ("chip", "model", "proposal", "rule", "claim", "source")
# Words of a question that name nothing.
_FILLERS = frozenset("what is are the a an of in on for to how who which does do and or about".split())
_lock = threading.Lock()


@cache
def _index() -> tuple[sqlite3.Connection, tuple[SearchRow, ...]]:
    rows = tuple(search_rows())
    made = sqlite3.connect(":memory:", check_same_thread=False)
    made.execute("CREATE VIRTUAL TABLE things USING fts5(title, words, tokenize='trigram')")
    made.executemany(
        "INSERT INTO things(rowid, title, words) VALUES (?, ?, ?)", [(n, r.title, r.words) for n, r in enumerate(rows)]
    )
    return made, rows


def found_for(words: str) -> tuple[SearchRow, ...]:
    """What fits every word of a search, the best first; at most :data:`MOST_FOUND`."""
    whole = [p for p in re.split(r"[\s,，。?？]+", words.strip()) if p][:12]
    parts = [p for p in whole if p.casefold() not in _FILLERS] or whole
    if not parts:
        return ()
    with _lock:
        made, rows = _index()
        long = [p for p in parts if len(p) >= 3]
        query = " AND ".join('"' + p.replace('"', '""') + '"' for p in long)
        if query:
            scored = made.execute("SELECT rowid, bm25(things, 8.0, 1.0) FROM things WHERE things MATCH ?", (query,)).fetchall()
        else:
            scored = [(n, 0.0) for n in range(len(rows))]
    short = [p.casefold() for p in parts if len(p) < 3]
    asked = words.strip().casefold()

    def rank(hit: tuple[int, float]) -> tuple[bool, bool, int, float]:
        row = rows[hit[0]]
        title = row.title.casefold()
        return (title != asked, asked not in title, _FIRST.index(row.kind), hit[1])

    fits = [h for h in scored if all(p in f"{rows[h[0]].title} {rows[h[0]].words}".casefold() for p in short)]
    return tuple(rows[n] for n, _ in sorted(fits, key=rank)[:MOST_FOUND])
