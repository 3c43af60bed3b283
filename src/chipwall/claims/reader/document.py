"""From the bytes of an article to its sentences: encodings, HTML, Markdown, PDF, the two languages.

Nothing in a document is run and nothing is fetched: HTML loses its scripts and styles, and what is left is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["LARGEST", "Document", "Sentence", "document_of", "is_chinese", "plain_document", "simplified"]

# A page above this is not an article [byte].
LARGEST = 10_000_000
_BINARY = (b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"PK\x03\x04", b"GIF8", b"\x1f\x8b", b"RIFF")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
# What people type at full width and what readers of numbers expect at half width; the length never changes.
_HALF = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_HALF |= {0xFF05: 0x25, 0xFF0B: 0x2B, 0xFF0E: 0x2E, 0xFF0F: 0x2F, 0xFF1D: 0x3D, 0xFF5E: 0x7E, 0x3000: 0x20, 0xA0: 0x20}
_HALF |= dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212), 0x2D)
_STOPS = re.compile(
    r"[。！？!?]+[”’」』\")]*|(?<![A-Z]\.[A-Z])(?<=[a-z0-9%)\]”\"])\.(?=\s+[“\"(]?[A-Z\u3400-\u9fff0-9]|\s*$)|\n+|；"
)
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|vs|Mr|Ms|Dr|U\.S|No|Inc|Corp|Ltd|Co|approx|est|Fig|St|Sen|Rep|Gen)\.$")
_BLOCKS = {
    "p",
    "div",
    "li",
    "br",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "tr",
    "section",
    "article",
    "blockquote",
    "td",
    "th",
}
_SILENT = {"script", "style", "noscript", "template", "svg", "head", "nav", "iframe", "object"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its words as written, where it stands in the text, and the number of its paragraph."""

    text: str
    start: int
    paragraph: int

    @property
    def chinese(self) -> bool:
        """Whether the sentence is in Chinese."""
        return is_chinese(self.text)


@dataclass(frozen=True, slots=True)
class Document:
    """A text as its reader sees it; ``kind`` is ``text``, ``html``, ``markdown`` or ``pdf``."""

    name: str
    kind: str
    text: str
    sentences: tuple[Sentence, ...]

    @property
    def chinese(self) -> bool:
        """Whether most of the text is in Chinese."""
        sample = self.text[:20_000]
        return len(_CHINESE.findall(sample)) * 3 > len(re.findall(r"\w", sample)) * 0.6


def is_chinese(words: str) -> bool:
    """Whether a sentence is in Chinese: a third of its letters are."""
    found = len(_CHINESE.findall(words))
    return found > 0 and found * 5 >= len(re.findall(r"[A-Za-z]", words))


def document_of(content: bytes, name: str) -> Document:
    """The document that some bytes are.

    Raises
    ------
    InputError
        Larger than :data:`LARGEST`, empty, binary, or a PDF without text.
    """
    if len(content) > LARGEST:
        raise InputError(
            text(
                "{name} holds {size:.1f} MB; a text may hold {most:.0f} MB",
                name=name,
                size=len(content) / 1e6,
                most=LARGEST / 1e6,
            ),
            fix=text("Check the part that speaks of chips"),
        )
    if content.startswith(b"%PDF"):
        return plain_document(_pdf(content, name), name, "pdf")
    if content.startswith(_BINARY) or (
        b"\0" in content[:4096].replace(b"\xff\xfe", b"") and not content.startswith((b"\xff\xfe", b"\xfe\xff"))
    ):
        raise InputError(
            text("{name} is not text", name=name), fix=text("Give plain text, Markdown, HTML or a PDF with text")
        )
    words = decoded(content)
    if re.search(r"<(?:!doctype\s+html|html|body|p|div|article)\b", words[:5000], re.IGNORECASE):
        return plain_document(_from_html(words), name, "html")
    if name.endswith((".md", ".markdown")) or re.search(r"^#{1,4} \S|\]\(https?:", words[:5000], re.MULTILINE):
        return plain_document(_from_markdown(words), name, "markdown")
    return plain_document(words, name, "text")


def simplified(words: str) -> str:
    """Traditional Chinese letter by letter in simplified ones, so that places in the text stay; as it is without the extra."""
    found = sorted({c for c in words if "\u3400" <= c <= "\u9fff"})
    if not found or not _TRADITIONAL.intersection(found):
        return words
    try:
        from opencc import OpenCC
    except ImportError:
        return words
    convert = OpenCC("t2s").convert
    # the first letter of Ascend is written so in both
    return words.translate({ord(c): new for c in found if c != "昇" and len(new := convert(c)) == 1})


# Letters that only traditional Chinese writes, common in texts about chips.
_TRADITIONAL = frozenset("輝達華為顯記憶體萬億許證運訓練國對於與個這來說將會應該從長遠")


def plain_document(words: str, name: str, kind: str = "text") -> Document:
    """A document from its text; raises :class:`InputError` when there are no words in it."""
    shown = "".join(c for c in simplified(words).translate(_HALF) if c >= " " or c in "\n\t").replace("\t", " ")
    if not re.search(r"\w", shown):
        raise InputError(text("{name} holds no words", name=name), fix=text("Paste the text itself"))
    return Document(name, kind, shown, tuple(_sentences(shown)))


def decoded(content: bytes) -> str:
    """Text from bytes: Unicode by its mark, UTF-8, or GB 18030; a line that is neither keeps what can be read."""
    for mark, coding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if content.startswith(mark):
            return content.decode(coding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return "\n".join(_line(line) for line in content.split(b"\n"))


def _line(line: bytes) -> str:
    for coding in ("utf-8", "gb18030"):
        try:
            return line.decode(coding)
        except UnicodeDecodeError:
            continue
    return line.decode("utf-8", errors="replace")


def _pdf(content: bytes, name: str) -> str:
    from io import BytesIO

    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise InputError(
            text("{name} is a PDF, and reading PDF needs the extra 'read'", name=name),
            fix=text("Install chipwall[read], or paste the text"),
        ) from None
    try:
        words = "\n".join(page.extract_text() or "" for page in PdfReader(BytesIO(content)).pages)
    except (PyPdfError, ValueError, KeyError, RecursionError, OSError):
        raise InputError(
            text("{name} is a PDF that cannot be read", name=name), fix=text("Paste the text itself")
        ) from None
    if not re.search(r"\w", words):
        raise InputError(
            text("{name} is a PDF without text, a scan perhaps", name=name),
            fix=text("Run character recognition first, or paste the text"),
        )
    # lines of a page are broken anywhere; a paragraph ends where a sentence does
    return re.sub(
        r"(?<![.。!?！？:：])\n(?=\S)", lambda m: "" if _CHINESE.search(words[max(m.start() - 1, 0)]) else " ", words
    )


class _Text(HTMLParser):
    """Keeps what a reader of a page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag in _BLOCKS:
            self.kept.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(self.silent - 1, 0)
        elif tag in _BLOCKS:
            self.kept.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.kept.append(re.sub(r"\s+", " ", data))


def _from_html(words: str) -> str:
    parser = _Text()
    parser.feed(words)
    parser.close()
    return "".join(parser.kept)


def _from_markdown(words: str) -> str:
    words = re.sub(r"```.*?(?:```|\Z)", "\n", words, flags=re.DOTALL)
    words = re.sub(r"!?\[([^\]\n]*)\]\([^)\n]*\)", r"\1", words)
    words = re.sub(r"^[ \t]*(?:#{1,6}|>|[-*+]|\d+[.)]) +", "", words, flags=re.MULTILINE)
    # hard-wrapped paragraphs are one line to the reader
    return re.sub(r"(?<=[^\n.。!?！？])\n(?=[^\n])", " ", re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", words))


def _sentences(words: str) -> Iterator[Sentence]:
    start = paragraph = 0
    for stop in _STOPS.finditer(words):
        if "\n" not in stop[0] and _ABBREVIATED.search(words[max(stop.end() - 8, 0) : stop.end()]):
            continue
        yield from _sentence(words, start, stop.end(), paragraph)
        start = stop.end()
        paragraph += "\n" in stop[0]
    yield from _sentence(words, start, len(words), paragraph)


def _sentence(words: str, start: int, end: int, paragraph: int) -> Iterator[Sentence]:
    found = words[start:end]
    kept = found.strip()
    if kept and re.search(r"\w", kept):
        yield Sentence(kept, start + found.index(kept[0]), paragraph)
