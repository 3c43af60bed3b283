"""A chip or a model of one's own, carried by its address: packed, so that nothing is stored and the link is the state."""

from __future__ import annotations

import base64
import json
import tomllib
import zlib
from functools import lru_cache
from typing import Any, TypeVar

from chipwall.api.rooms import own_chip, own_model, plain_word
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.text import text

__all__ = ["MARK", "carried_chip", "carried_model", "packed_word", "record_of", "unpacked"]

T = TypeVar("T")
MARK = "own."
# Largest content that is unpacked, and longest word that is taken [byte], [1].
LARGEST, LONGEST_OWN = 200_000, 5_500


def packed_word(content: str) -> str:
    """The content of a file as a word for an address.

    Raises
    ------
    InputError
        The content is neither JSON nor TOML, or too long for an address.
    """
    kept = content
    try:
        kept = json.dumps(json.loads(content), separators=(",", ":"))
    except ValueError:
        try:
            tomllib.loads(content)
        except ValueError:
            raise InputError(
                text("this is neither a config.json nor a chip file"),
                fix=text("How to bring a chip: docs/how-to/bring-your-own-model.md"),
            ) from None
    except RecursionError:
        raise InputError(text("the file is nested too deeply")) from None
    word = MARK + base64.urlsafe_b64encode(zlib.compress(kept.encode(), 9)).decode().rstrip("=")
    if len(word) > LONGEST_OWN:
        raise InputError(
            text("the file is too long for a link: {size} characters, {most} at most", size=len(word), most=LONGEST_OWN),
            fix=text("Use the command line: chipwall infer ./config.json --chip h200"),
        )
    return word


def unpacked(word: str) -> str:
    """The content that a word carries."""
    try:
        raw = base64.urlsafe_b64decode(word.removeprefix(MARK) + "=" * (-len(word.removeprefix(MARK)) % 4))
        machine = zlib.decompressobj()
        content = machine.decompress(raw, LARGEST)
        if machine.unconsumed_tail:
            raise ValueError
        return content.decode()
    except (ValueError, zlib.error):
        raise InputError(
            text("the link does not hold a whole file"), fix=text("Copy the whole address, or bring the file again")
        ) from None


@lru_cache(64)
def _read(word: str) -> Any:
    content = unpacked(word)
    return own_model(content) if content.lstrip().startswith("{") else own_chip(content)


def record_of(word: Any, argument: str) -> Any:
    """The record that a word carries; a plain word is a name, and stays one."""
    if not isinstance(word, str):
        return word
    return _read(word) if word.startswith(MARK) else plain_word(word, argument)


def carried_chip(word: str) -> Chip:
    """The chip that a word names or carries."""
    import chipwall as cw

    found = record_of(word, "chip")
    return cw.chip(found) if isinstance(found, str) else _of_kind(found, Chip, word)


def carried_model(word: str) -> LanguageModel:
    """The language model that a word names or carries."""
    import chipwall as cw

    found = record_of(word, "model")
    return cw.model(found) if isinstance(found, str) else _of_kind(found, LanguageModel, word)


def _of_kind(found: Any, kind: type[T], word: str) -> T:
    if not isinstance(found, kind):
        raise InputError(text("the link holds a chip where a model is asked for, or the other way round"), where=word[:40])
    return found
