"""Ask: one box that takes a question, a name, a sentence or an article, and goes to the right page; and the search."""

from __future__ import annotations

from chipwall.api.questions import destination
from chipwall.api.search import found_for
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.pages import sheets
from chipwall.text import text
from chipwall.web.ask import Ask, Field
from chipwall.web.room import WebRoom

__all__ = ["HOME_PAGES"]


def _home(ask: Ask) -> AnswerPage | str:
    if ask.word("q"):
        path, given = destination(ask.word("q"))
        return ask.leading(path, **given)
    told = text(
        "Ask in your own words, name a chip or a model, or paste an article. Every number has a source, every estimate an interval."
    )
    return AnswerPage(
        text("What can this chip do, where may it go, and is that sentence true?"),
        (told,),
        command="chipwall --help",
        python="import chipwall as cw",
        template="home.html",
    )


def _search_page(ask: Ask) -> AnswerPage:
    words = ask.word("q")
    return sheets.found_sheet(words, [(r.kind, r.title, ask.leading(r.path)) for r in found_for(words)])


HOME_PAGES = (
    WebRoom("/", _home, lambda: (Field("q", text("Your question")),)),
    WebRoom("/search", _search_page, lambda: (Field("q", text("Search"), hint="H200, 昇腾, 3A090"),)),
)
