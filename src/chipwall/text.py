"""Words for people, kept translatable until somebody asks for a language.

An engine never knows who asked, so it cannot translate. It makes a :class:`Text`: an English string that remembers
the template and the values it was made from. The edge (``brief``, ``cli``) looks the template up in the message
catalogue of the language asked for and fills in the same values. Templates are collected from the source by name:
every call ``text("literal ...", ...)`` is one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["Text", "listed", "text"]


class Text(str):
    """An English string with its template and values.

    Attributes
    ----------
    template : str
        The message as written in the source, with ``{name}`` fields.
    values : dict
        What fills the fields; a value may itself be a :class:`Text`.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, values: dict[str, object] | None = None) -> Text:
        """The template with its fields filled in."""
        values = values or {}
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made

    def __reduce__(self) -> tuple[type[Text], tuple[str, dict[str, object]]]:
        return Text, (self.template, self.values)

    @classmethod
    def of(cls, word: str) -> Text:
        """A word that is itself a message, such as the name of a field; a :class:`Text` is returned as it is."""
        return word if isinstance(word, Text) else cls(word)

    def render(self, lookup: Callable[[str], str]) -> str:
        """The string in another language.

        Parameters
        ----------
        lookup : callable
            From a template to its translation; the ``gettext`` of a message catalogue. Its attribute ``named``, where it
            has one, writes names that stand as plain strings.
        """
        named: Callable[[str], str] = getattr(lookup, "named", str)
        values = {
            k: v.render(lookup) if isinstance(v, Text) else named(v) if isinstance(v, str) else v
            for k, v in self.values.items()
        }
        template = lookup(self.template)
        return template.format(**values) if values else template


def text(template: str, **values: object) -> Text:
    """A translatable message; see :class:`Text`.

    Examples
    --------
    >>> text("unknown chip '{name}'", name="H2O")
    "unknown chip 'H2O'"
    """
    return Text(template, values)


def listed(parts: Iterable[str], *, sign: str = ",") -> Text:
    """Several words or sentences in a row, each still translatable; empty for none.

    Parameters
    ----------
    parts : iterable of str
        Words; plain strings stay as they are in every language.
    sign : str
        ``,`` between words, ``;`` between sentences.

    Examples
    --------
    >>> listed([text("yes"), "H20"])
    'yes, H20'
    """
    made: Text | None = None
    for part in parts:
        if made is None:
            made = part if isinstance(part, Text) else Text("{word}", {"word": part})
        elif sign == ";":
            made = text("{before}; {after}", before=made, after=part)
        else:
            made = text("{before}, {after}", before=made, after=part)
    return Text("") if made is None else made
