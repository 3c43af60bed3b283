"""Files of strangers, read with care: sizes and depths are bounded, and whatever is wrong is told in three lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chipwall.errors import InputError
from chipwall.text import Text, text

__all__ = ["is_path", "json_object", "refusal"]

# The largest public index of tensors is 25 MB; a configuration is a few kB [byte].
LARGEST_JSON = 64 << 20
DEEPEST = 64
ENDINGS = (".json", ".gguf", ".toml", ".safetensors")


def is_path(name: str) -> bool:
    """Whether a spelling means a file or folder rather than a name: by its ending, its start, or because it is there."""
    if not name.strip() or "\0" in name or len(name) > 4096:
        return False
    if name.lower().endswith(ENDINGS) or name.startswith(("./", "../", "/", "~", ".\\")):
        return True
    try:
        return ("/" in name or "\\" in name) and Path(name).is_dir()
    except OSError:
        return False


def refusal(what: str, path: Path | str, fix: str = "") -> InputError:
    """An error about a file of the caller."""
    return InputError(
        what, where=str(path), fix=fix or text("How to bring a model: docs/how-to/bring-your-own-model.md")
    )


def json_object(path: Path, *, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """The JSON object in a file; refuses what is too large, too deep, not JSON, or names a key twice with two values."""
    try:
        if path.stat().st_size > largest:
            raise refusal(text("the file is larger than {size} MB", size=largest >> 20), path)
        content = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise refusal(text("cannot be read: {why}", why=Text.of(error.strerror or "error")), path) from None
    except UnicodeDecodeError:
        raise refusal(text("the file is not text in UTF-8"), path) from None
    try:
        found = json.loads(content, object_pairs_hook=_once)
    except RecursionError:
        raise refusal(text("the file is nested too deeply"), path) from None
    except _Twice as error:
        raise refusal(text("'{key}' is given twice with different values", key=str(error)), path) from None
    except ValueError as error:
        raise refusal(text("not valid JSON: {why}", why=str(error)[:120]), path) from None
    if not isinstance(found, dict):
        raise refusal(text("the file holds no JSON object"), path)
    if _depth(found) > DEEPEST:
        raise refusal(text("the file is nested too deeply"), path)
    return found


class _Twice(Exception):
    """A key that stands twice in one object with two values."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made and made[key] != value:
            raise _Twice(key)
        made[key] = value
    return made


def _depth(value: Any) -> int:
    """Levels of nesting, without recursion."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, level = waiting.pop()
        deepest = max(deepest, level)
        children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting += [(child, level + 1) for child in children if isinstance(child, dict | list)]
    return deepest
