"""Long questions in the background."""

from __future__ import annotations

from chipwall.text import text

__all__ = ["Busy"]


class Busy(Exception):
    """Too many questions wait; ``seconds`` says when to ask again [s]."""

    def __init__(self, seconds: int) -> None:
        super().__init__(text("Too many questions wait. Ask again in {seconds} s.", seconds=seconds))
        self.seconds = seconds
