"""Tables in a terminal: columns as wide as they need, sentences wrapped, Chinese counted at its double width.

A hundred rows must not take longer to draw than the whole catalogue to load, which is why this is not a library.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["drawn", "hyperlinks", "linked", "terminal_width", "width", "wrapped"]

_GAP = 2
_LEAST = 12


def terminal_width() -> int:
    """Columns of the terminal [1]; into a pipe or a file nothing needs to wrap early."""
    return max(shutil.get_terminal_size((160, 40)).columns, 60)


def hyperlinks() -> bool:
    """Whether the terminal can hold links (OSC 8); not into a pipe, a file or a dumb terminal."""
    told = os.environ.get("FORCE_HYPERLINK")
    if told is not None:
        return told not in ("", "0")
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "linux")


def linked(words: str, url: str) -> str:
    """Words that a terminal opens at an address."""
    return f"\033]8;;{url}\033\\{words}\033]8;;\033\\" if url and words.strip() else words


def width(words: str) -> int:
    """Columns that a string takes: two for each wide character."""
    if words.isascii():
        return len(words)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words)


def drawn(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[bool],
    links: Sequence[Sequence[str]] = (),
) -> str:
    """Head, rule and rows as lines of text.

    Parameters
    ----------
    heads, rows : sequences of str
        The cells, one per column.
    right : sequence of bool
        Which columns are flush right: numbers, which never wrap.
    links : sequences of str
        Where each cell leads, for terminals that hold links.
    """
    widths = _widths(heads, rows, right)
    lines = [*_lines(heads, widths, right), "─" * (sum(widths) + _GAP * (len(widths) - 1))]
    for number, row in enumerate(rows):
        lines += _lines(row, widths, right, links[number] if links else ())
    return "\n".join(line.rstrip() for line in lines)


def _widths(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[int]:
    """Natural widths; where they do not fit, the widest text columns give way first."""
    natural = [max([width(r[i]) for r in rows], default=0) for i in range(len(heads))]
    least = [max(_LEAST, max((width(w) for w in h.split()), default=0)) for h in heads]
    # a head may wrap, a number may not
    widths = [max(n, min(width(h), max(n, least[i]))) for i, (n, h) in enumerate(zip(natural, heads, strict=True))]
    room = terminal_width() - _GAP * (len(widths) - 1)
    while sum(widths) > room:
        flexible = [
            i for i in range(len(widths)) if widths[i] > least[i] and (not right[i] or widths[i] > natural[i] or i > 0)
        ]
        texts = [i for i in flexible if not right[i] and i > 0] or [i for i in flexible if i > 0] or flexible
        if not texts:
            break
        widest = max(texts, key=lambda i: widths[i])
        widths[widest] -= max(min(sum(widths) - room, widths[widest] - least[widest], 8), 1)
    return widths


def _lines(
    cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], links: Sequence[str] = ()
) -> Iterator[str]:
    columns = [list(wrapped(cell, w)) for cell, w in zip(cells, widths, strict=True)]
    for n in range(max(len(c) for c in columns)):
        parts = []
        for i, (lines, size, flush) in enumerate(zip(columns, widths, right, strict=True)):
            cell = lines[n] if n < len(lines) else ""
            pad = " " * (size - width(cell))
            said = linked(cell, links[i]) if links else cell
            parts.append(pad + said if flush else said + pad)
        yield (" " * _GAP).join(parts)


def wrapped(cell: str, size: int) -> Iterator[str]:
    """A cell cut at spaces, and inside a word only where the word alone is too wide or is Chinese."""
    if width(cell) <= size:
        yield cell
        return
    line = ""
    for word in cell.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= size:
            line = joined
            continue
        if line and width(word) <= size and word.isascii():
            yield line
            line = word
            continue
        line = joined
        while width(line) > size:
            cut = _cut(line, size)
            yield line[:cut].rstrip()
            line = line[cut:].lstrip()
    if line:
        yield line


# marks that belong to the word before them, and those that belong to the word after
_CLOSING = "，。；：、！？）】》」』％,.;:!?)]}%"
_OPENING = "（【《「『([{"


def _cut(line: str, size: int) -> int:
    """How many characters of a line fit; a number or a Latin word is not broken, and no line starts with a comma."""
    used = 0
    fits = len(line)
    for i, char in enumerate(line):
        used += width(char)
        if used > size:
            fits = max(i, 1)
            break
    cut = fits
    while cut > 1 and not _may_break(line[cut - 1], line[cut] if cut < len(line) else " "):
        cut -= 1
    return cut if cut > 1 else fits


def _may_break(before: str, after: str) -> bool:
    joined = before.isascii() and after.isascii() and before != " " and after != " "
    return not joined and after not in _CLOSING and before not in _OPENING
