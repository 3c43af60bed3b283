"""How text_width words are before anything is drawn, so that labels can be placed, wrapped_lines and tested without a browser."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["FONT", "cut_words", "text_width", "wrapped_lines"]

FONT = "Inter, 'Noto Sans', 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei', 'DejaVu Sans', sans-serif"

# Advance widths by letter, in hundredths of the size. They bound the fonts of the list above from above (DejaVu is the
# widest of them), so that a label never needs more room than it was given.
_WIDTHS = {
    30: "ijlI|'",
    35: " .,:;/\\f",
    41: "-‐tr()[]`!",
    53: 's"*z–_?c^',
    60: "kvxyaeL",
    64: "0123456789bdghnopquEFJSTYPZ{}$",
    72: "ABCKRVXGU",
    79: "DHNOQ&w~",
    86: "M+=<>×÷#",
    100: "mW%@—…→",
}
_WIDTH = {letter: hundredths / 100 for hundredths, letters in _WIDTHS.items() for letter in letters}
_BOLD = 1.13
# marks that stay with the word before them, and with the word after
_CLOSING = "，。；：、！？）】》」』％,.;:!?)]}%"
_OPENING = "（【《「『([{"


def text_width(words: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of words [px], an upper bound."""
    total = sum(_WIDTH.get(c, 1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.68) for c in words)
    return total * size * (_BOLD if bold else 1.0)


def _pieces(words: str) -> Iterator[str]:
    """Words with the space after them, and Chinese letters one by one with the marks that belong to them."""
    piece = ""
    for letter in words:
        chinese = unicodedata.east_asian_width(letter) in "WF"
        before = piece[-1:]
        breaks = before == " " or ((chinese or unicodedata.east_asian_width(before or " ") in "WF") and before != "")
        if piece and breaks and letter not in _CLOSING and letter != " " and before not in _OPENING:
            yield piece
            piece = ""
        piece += letter
    if piece:
        yield piece


def wrapped_lines(words: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """Words as lines that are no wider than the room [px]; a word that is wider alone stays whole."""
    lines, line = [], ""
    for piece in _pieces(words):
        if line and text_width((line + piece).rstrip(), size, bold=bold) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def cut_words(words: str, size: float, room: float, *, bold: bool = False) -> str:
    """Words that fit the room [px], with an ellipsis where some were left out."""
    if text_width(words, size, bold=bold) <= room:
        return words
    while words and text_width(words + "…", size, bold=bold) > room:
        words = words[:-1]
    return words.rstrip() + "…"
