"""The pages, one module per question; each turns a request into a call of the API and hands the answer to ``report``."""

from __future__ import annotations

from chipwall.web.room import WebRoom, error_page, missing_page
from chipwall.web.rooms import chips, home, law, market, perform, rest, texts

__all__ = ["PAGES", "WebRoom", "error_page", "missing_page"]

# The order decides: a fixed word before a name.
PAGES: tuple[WebRoom, ...] = (
    *home.HOME_PAGES,
    *texts.TEXTS_PAGES,
    *chips.CHIPS_PAGES,
    *law.LAW_PAGES,
    *perform.PERFORM_PAGES,
    *market.MARKET_PAGES,
    *rest.REST_PAGES,
)
