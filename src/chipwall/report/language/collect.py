"""Collect the messages of the source, bring the message catalogues up to date and compile them: ``make messages``.

A message is whatever a person may read: the template of every ``text("...")`` in the source and in the templates of
pages, the help of every command and option, our own sentences in data files, and the words of
:mod:`chipwall.report.language.words`. Translations are kept, messages that left the
source are dropped, and the files hold neither dates nor line numbers: a change of one sentence changes one entry.

Only developers run this, so Babel is not a dependency of the program, which reads the compiled form with ``gettext``.
"""

from __future__ import annotations

import ast
import csv
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from chipwall.report.language.lookup import LANGUAGES, LOCALE

if TYPE_CHECKING:
    from babel.messages import Catalog

__all__ = [
    "Message",
    "collect_messages",
    "collected",
    "compiled",
    "fields",
    "flaws",
    "merged",
    "messages_in",
    "po_file",
    "written",
]

Message = str | tuple[str, str]
"""One template, or one for a single thing and one for several."""

SOURCE = Path(__file__).parent.parent.parent
# sentences of ours in data files; titles of sources and words of the law itself stay as they were published
_IN_DATA: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("controls/data/us/*.toml", ("title", "summary", "tail")),
    ("controls/data/cn/*.toml", ("title", "summary", "tail")),
    ("controls/data/parts.toml", ("says",)),
    ("controls/data/us/money.toml", ("note",)),
    ("controls/data/drafts/*.toml", ("title", "cannot")),
    ("controls/data/acts.toml", ("title", "liable", "questions", "says")),
    ("controls/data/country_groups.csv", ("name",)),
    ("controls/data/coverage.toml", ("not_advice", "modelled", "not_modelled")),
    ("claims/reader/words.toml", ("note", "name")),
)
_PLURALS = {"zh": "nplurals=1; plural=0;"}
_FIELD = re.compile(r"\{[^{}]*\}")


def messages_in(source: str, *, file: str) -> Iterator[Message]:
    """The messages of one module, in the order of the syntax tree.

    Parameters
    ----------
    source : str
        Python.
    file : str
        For the error when a template is not a literal and can therefore never be translated.

    Examples
    --------
    >>> list(messages_in('text("{count} chips", count=3)', file="x.py"))
    ['{count} chips']
    """
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.Call):
            yield from _of_call(node, file)
        elif isinstance(node, ast.FunctionDef) and any(_is_command(d) for d in node.decorator_list):
            yield inspect.cleandoc(ast.get_docstring(node) or "").partition("\f")[0]


def _of_call(node: ast.Call, file: str) -> Iterator[Message]:
    name = _called(node)
    if name in ("text", "Text.of", "unknown_name") and node.args:
        found = list(_literals(node.args[0]))
        # the other two also take words that are already messages
        if name == "text" and not found and not isinstance(node.args[0], ast.Constant):
            raise SystemExit(f"{file}:{node.lineno}: the template of text() must be a literal")
        yield from found
    elif name == "plural":
        one, many = (next(_literals(a)) for a in node.args)
        yield one, many
    elif name.split(".")[-1] in ("option", "argument", "command", "group", "Option", "Argument"):
        for keyword in node.keywords:
            if keyword.arg in ("help", "short_help", "epilog"):
                yield from _literals(keyword.value)


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""


def _is_command(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and _called(decorator).split(".")[-1] in ("command", "group")


def _literals(node: ast.expr) -> Iterator[str]:
    """A literal string, or both sides of a choice between two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def collected(root: Path = SOURCE) -> list[Message]:
    """Every message under a folder, once each, sorted."""
    found: dict[Message, None] = {}
    for path in sorted(root.rglob("*.py")):
        found |= dict.fromkeys(messages_in(path.read_text(encoding="utf-8"), file=str(path)))
    for path in sorted(root.rglob("*.html")):
        found |= dict.fromkeys(_in_template(path.read_text(encoding="utf-8")))
    for pattern, keys in _IN_DATA:
        for path in sorted(root.glob(pattern)):
            content = path.read_text(encoding="utf-8")
            read = list(csv.DictReader(content.splitlines())) if path.suffix == ".csv" else tomllib.loads(content)
            found |= dict.fromkeys(_in_data(read, keys))
    return sorted(found, key=lambda m: (_forms(m)[0], _forms(m)))


def _in_template(words: str) -> Iterator[str]:
    """The messages of a template of pages: ``text("...")`` as in the source, in either quotation mark."""
    for found in re.finditer(r"""\btext\((?:"([^"]+)"|'([^']+)')\)""", words):
        yield found[1] or found[2]


def _in_data(value: object, keys: tuple[str, ...], named: bool = False) -> Iterator[str]:
    """The words under these keys, at any depth of a data file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _in_data(inner, keys, key in keys)
    elif isinstance(value, list):
        for inner in value:
            yield from _in_data(inner, keys, named)
    elif named and isinstance(value, str) and value:
        yield value


def _forms(message: Message) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else message


def fields(template: str) -> list[str]:
    """The fields of a template with their format, sorted: what a translation must repeat."""
    return sorted(_FIELD.findall(template))


def po_file(lang: str) -> Path:
    """Where the translations of a language are written."""
    return LOCALE / lang / "LC_MESSAGES" / "chipwall.po"


def merged(messages: list[Message], lang: str) -> Catalog:
    """The catalogue of a language with exactly these messages; those without a translation are empty."""
    from babel.messages.pofile import read_po

    made = _empty(lang)
    path = po_file(lang)
    known = {}
    if path.is_file():
        with path.open("rb") as handle:
            known = {m.id: m.string for m in read_po(handle, locale=lang) if m.id}
    for message in messages:
        one, *many = _forms(message)
        made.add((one, *many) if many else one, known.get(message, ("",) if many else ""))
    for entry in made:
        if entry.id:
            entry.flags.clear()  # no guesses about "10 % of" being a format of the C language
    return made


def _empty(lang: str) -> Catalog:
    from babel.messages import Catalog

    class Dateless(Catalog):
        """A catalogue whose header holds nothing that changes by itself."""

        mime_headers = [  # noqa: RUF012 (the base class has a property here)
            ("Project-Id-Version", "chipwall"),
            ("Language", lang),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", _PLURALS[lang]),
        ]

    note = "# Written by `make messages`; edit the translations, not the messages."
    return Dateless(locale=lang, fuzzy=False, header_comment=note)


def written(catalog: Catalog) -> bytes:
    """The catalogue as a ``.po`` file, one line a message."""
    from babel.messages.pofile import write_po

    out = BytesIO()
    write_po(out, catalog, width=0, no_location=True, ignore_obsolete=True)
    return out.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as a ``.mo`` file: the same bytes for the same translations."""
    from babel.messages.mofile import write_mo

    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def flaws(catalog: Catalog) -> list[str]:
    """Messages that are not translated, or whose translation has other fields."""
    found = []
    for entry in catalog:
        if not entry.id:
            continue
        strings = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ("",))
        wanted = fields(entry.id if isinstance(entry.id, str) else entry.id[-1])
        if not all(strings):
            found.append(f"not translated: {entry.id}")
        elif any(fields(s) != wanted for s in strings):
            found.append(f"other fields: {entry.id}")
    return found


def collect_messages() -> int:
    """Update and compile every language; exit 1 if something is left to translate."""
    messages = collected()
    status = 0
    for lang in LANGUAGES[1:]:
        catalog = merged(messages, lang)
        path = po_file(lang)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalog))
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        left = flaws(catalog)
        print("\n".join([*left, f"{lang}: {len(messages)} messages, {len(left)} to do"]))
        status = 1 if left else status
    return status


if __name__ == "__main__":
    sys.exit(collect_messages())
