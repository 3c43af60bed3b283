"""What is wrong in a file of claims: every problem with its line and what to do, told at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from chipwall.errors import InputError
from chipwall.text import Text, text

__all__ = ["Problems", "nearest"]


class Problems:
    """Everything wrong in one file, with the line of each."""

    def __init__(self, file: str, words: str) -> None:
        self.file, self.lines = file, words.splitlines()
        self.heads = [i for i, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[claim\]\]", line)]
        self.found: list[tuple[int, Text, Text | str]] = []

    def line(self, nth: int, key: str = "") -> int:
        """Line of a key of the nth claim, or of its head."""
        if nth >= len(self.heads):
            return 1
        start = self.heads[nth]
        end = self.heads[nth + 1] if nth + 1 < len(self.heads) else len(self.lines) + 1
        pattern = re.compile(rf"(^|[{{,\s]){re.escape(key)}\s*=|^\s*\[claim\.{re.escape(key)}\]")
        for number in range(start + 1, end):
            if key and pattern.search(self.lines[number - 1]):
                return number
        return start

    def stop(self) -> None:
        """Raise if there is anything."""
        if not self.found:
            return
        told = sorted(self.found, key=lambda p: p[0])
        if len(told) == 1:
            line, what, fix = told[0]
            raise InputError(what, where=text("{file}, line {line}", file=self.file, line=line), fix=fix)
        listed = "\n".join(f"{self.file}:{line}: {what}" + (f". {fix}" if fix else "") for line, what, fix in told)
        raise InputError(
            text("{count} problems in {file}", count=len(told), file=self.file),
            where=listed,
            fix=text("What a claim may say: chipwall claim vocabulary"),
        )


def nearest(name: str, known: Sequence[str]) -> Text:
    """The nearest known names, or all of them."""
    near = get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if near:
        return text("Did you mean {names}?", names=", ".join(f"'{n}'" for n in near))
    return text("Known: {names}", names=", ".join(known))
