"""Draft rules from files: those that come with the program, and one's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from chipwall.controls.draft import DRAFT_SHAPE, Draft, draft_of_document
from chipwall.controls.law import Law
from chipwall.files import Problems, read_toml, shaped, toml_of_text
from chipwall.inputs import quote
from chipwall.text import text

__all__ = ["read_draft", "shipped_drafts"]


def shipped_drafts() -> dict[str, str]:
    """The drafts that come with the program, by id the text of the file: proposals as public text tells them."""
    folder = files("chipwall.controls") / "data" / "drafts"
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in entries
        if entry.name.endswith(".toml")
    }


def read_draft(path: Path, *, law: Law) -> Draft:
    """A draft from its TOML file, or a shipped one by its id; every problem is reported at once.

    Raises
    ------
    InputError
        The file cannot be read, or a limit, clause or repeal does not resolve.
    """
    shipped = shipped_drafts().get(str(path)) if not path.exists() else None
    if shipped is not None:
        return draft_of_document(toml_of_text(shipped, file=str(path), exact=True), law=law, where=str(path))
    words, document = read_toml(path, argument="draft", exact=True)
    problems = Problems(quote(path.name), words, fix=text("The format is described in docs/controls.md, 'What if'"))
    document = shaped(document, DRAFT_SHAPE, problems)
    problems.stop()
    return draft_of_document(document, law=law, where=str(path))
