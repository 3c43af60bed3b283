"""What a page of the app is: its address, its controls, and the function that answers; and the pages of what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chipwall.errors import ChipwallError, InputError
from chipwall.report.forms.answer_page import AnswerPage as Page
from chipwall.text import text
from chipwall.web.ask import Ask, Field

__all__ = ["WebRoom", "error_page", "missing_page"]


@dataclass(frozen=True)
class WebRoom:
    """A page: its address with ``{words}``, its controls, what answers it, and what takes a form that is sent to it.

    ``make`` gives a page, or the address that it leads to; ``post`` may also give bytes with their form, to be saved.
    """

    pattern: str
    make: Callable[[Ask], Page | str]
    fields: Callable[[], tuple[Field, ...]] = tuple
    post: Callable[[Ask, dict[str, Any]], Page | str | tuple[bytes, str]] | None = None

    @cached_property
    def _shape(self) -> re.Pattern[str]:
        return re.compile(
            re.sub(r"\{(\w+)\}", r"(?P<\1>[^\\x00-\\x1f]+)", re.escape(self.pattern).replace(r"\{", "{").replace(r"\}", "}"))
        )

    def match(self, path: str) -> dict[str, str] | None:
        """The words of an address of this page; None where it is another's."""
        found = self._shape.fullmatch(path)
        return None if found is None else found.groupdict()


def error_page(error: ChipwallError, ask: Ask, *, status: int = 0) -> Page:
    """What was wrong, where, and what to do; the controls keep what was given."""
    return Page(
        error.what,
        tuple(error.lines()[1:]),
        data={"error": [str(line) for line in error.lines()]},
        status=status or (400 if isinstance(error, InputError) else 422),
        template="error.html",
        kept=False,
    )


def missing_page(ask: Ask) -> Page:
    """The page of an address that nothing answers to."""
    return Page(
        text("There is no page at this address."),
        (text("Ask in the box above, or start from the first page."),),
        status=404,
        template="error.html",
        kept=False,
    )
