"""The doors described: parameters, the question as a command and as Python, and OpenAPI; read from the doors themselves."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import chipwall as cw
from chipwall._version import __version__
from chipwall.answer import Answer, Figure, Line, plain_json
from chipwall.api.doors import unknown_argument
from chipwall.api.own_words import record_of
from chipwall.api.rooms import data_version, plain_word, text_document
from chipwall.errors import InputError
from chipwall.inputs import count, nearest_names, quote
from chipwall.sources import Source
from chipwall.text import text

__all__ = [
    "DOOR_COMMANDS",
    "OFFERED",
    "DoorParameter",
    "as_command",
    "as_python",
    "ask_door",
    "door_answer",
    "door_parameters",
    "door_summary",
    "openapi_bytes",
]

# Each door: its command, the arguments that stand there without an option, and those with another name.
DOOR_COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "chip": ("chip", ("name",)),
    "chips": ("chips", ()),
    "model": ("model", ("name",)),
    "source": ("cite", ("name",)),
    "serve": ("infer", ("model",)),
    "train": ("train", ("model",)),
    "tune": ("finetune", ("model",)),
    "fits": ("fit", ("model",)),
    "retrieve": ("rag", ("model",)),
    "compute": ("hpc", ("chip",)),
    "compare": ("ratio", ("first", "second")),
    "decide": ("controls", ("chip",)),
    "timeline": ("controls timeline", ("chip",)),
    "check": ("check", ("claims",)),
    "simulate": ("simulate", ("scenario",)),
    "plan": ("plan", ("model",)),
    "frontier": ("frontier", ("model",)),
}
OFFERED = tuple(DOOR_COMMANDS)
# What a stranger over a network may not give: places in a file system, programs, objects of Python.
KEPT_BACK = ("load", "parties", "overlay", "parts", "executor", "progress", "reader")
# Words that may mean a file on the command line, and mean a name here.
NAMES = ("chip", "model", "name", "first", "second", "scenario", "against", "assume")
MOST_DRAWS = 2_000
CLAIM_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class DoorParameter:
    """An argument of a door: its JSON type, whether it must be given, what it is by default, and what it says of itself."""

    name: str
    kind: Literal["string", "integer", "number", "boolean", "array"]
    required: bool
    default: Any
    says: str


@cache
def door_parameters(door: str) -> tuple[DoorParameter, ...]:
    """The arguments of a door, read from its signature and its docstring."""
    function = inspect.unwrap(getattr(cw, door))
    hints, told = get_type_hints(function), _told_of(function.__doc__ or "")
    found: list[DoorParameter] = []
    for name, p in inspect.signature(function).parameters.items():
        if name in KEPT_BACK:
            continue
        if p.kind is p.VAR_KEYWORD:
            known = {f.name for f in found}
            found += [q for q in door_parameters("decide") if q.name not in (*known, "on")]
            continue
        default = None if p.default is p.empty else p.default
        needed = p.default is p.empty or (door, name) == ("check", "claims")  # all claims at once take too long to wait for
        found.append(DoorParameter(name, _kind(hints[name]), needed, default, told.get(name, "")))
    return tuple(found)


def _kind(hint: Any) -> Any:
    """The JSON type of an annotation; what takes words with units is a string."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    plain = [p for p in parts if p is not type(None)]
    if bool in plain:
        return "boolean"
    if any(get_origin(p) is not None for p in plain) and str not in plain:
        return "array"
    if str in plain or object in plain:
        return "string"
    return "integer" if int in plain and float not in plain else "number" if float in plain else "string"


def _told_of(doc: str) -> dict[str, str]:
    """What the section *Parameters* of a docstring says of each argument."""
    section = re.search(r"Parameters\n\s*-{3,}\n(.*?)(?:\n\s*\n\s*[A-Z][a-z]+\n\s*-{3,}|\Z)", doc, re.DOTALL)
    told: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc("\n" + section[1]).splitlines() if section else ():
        if line and not line[0].isspace():
            names = [n.strip("* ") for n in line.partition(" : ")[0].split(",")]
        else:
            told |= {n: f"{told.get(n, '')} {line.strip()}".strip() for n in names}
    return told


def ask_door(door: str, given: Mapping[str, Sequence[str]]) -> tuple[Any, dict[str, Any]]:
    """The answer of a door to words, and the words as its arguments.

    Raises
    ------
    InputError
        The door, an argument or a value is not known; the message is that of Python and of the command line.
    """
    if door not in OFFERED:
        near = nearest_names(door, OFFERED)
        fix = text("Did you mean {names}?", names=", ".join(near)) if near else text("It offers: {names}", names=", ".join(OFFERED))
        raise InputError(text("there is no question '{name}'", name=quote(door)), where="/api/v1", fix=fix)
    known = {p.name: p for p in door_parameters(door)}
    kwargs: dict[str, Any] = {}
    for name, values in given.items():
        if name == "lang":
            continue
        if name not in known:
            raise unknown_argument(door, name, known)
        kwargs[name] = _value(known[name], list(values))
    if door == "check" and "claims" not in kwargs:
        what = text("{door}() needs {name}", door=door, name="claims")
        raise InputError(what, where="claims", fix=text("All of them: /claims.json"))
    if door == "check" and not CLAIM_ID.fullmatch(str(kwargs.get("claims", "a-b"))):
        return text_document(**kwargs), kwargs
    if door == "simulate":
        count(kwargs.get("draws", MOST_DRAWS), "draws", most=MOST_DRAWS)
        kwargs.setdefault("draws", MOST_DRAWS)
    return getattr(cw, door)(**{n: record_of(v, n) if n in NAMES else v for n, v in kwargs.items()}), kwargs


def _value(p: DoorParameter, values: list[str]) -> Any:
    if len(values) > 1 and p.kind != "array":
        raise InputError(text("{name} is given twice", name=p.name), where=p.name, fix=text("Give it once"))
    word = values[-1]
    if p.kind == "boolean":
        lowered = word.lower()
        return True if lowered in ("true", "yes", "1", "on") else False if lowered in ("false", "no", "0") else word
    if p.kind == "array":
        return values if len(values) > 1 else [w.strip() for w in word.split(",")]
    return plain_word(word, p.name) if p.name in NAMES and not word.startswith("own.") else word


def door_answer(door: str, found: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """An answer for machines: the question in all its forms, the numbers, and what they rest on."""
    known = {"door": door, "question": kwargs, "version": {"code": __version__, "data": data_version()}}
    known |= {"command": as_command(door, kwargs), "python": as_python(door, kwargs)}
    if not isinstance(found, Answer):
        return {**known, "title": str(getattr(found, "name", getattr(found, "title", ""))), "answer": plain_json(found)}
    return {
        **known,
        "title": str(found.title),
        "answer": found.to_dict(),
        "figures": found.figures,
        "lines": found.lines,
        "notes": [str(n) for n in found.notes],
        "sources": found.cite(),
        "measured": found.measured,
    }


def as_command(door: str, kwargs: Mapping[str, Any]) -> str:
    """The question as a command."""
    command, places = DOOR_COMMANDS[door]
    if door == "check" and CLAIM_ID.fullmatch(str(kwargs.get("claims", ""))):
        command = "claim show"
    words = ["chipwall", *command.split()]
    words += [str(kwargs[p]) for p in places if p in kwargs]
    for name, value in kwargs.items():
        if name in places or value in (None, ""):
            continue
        option = "--" + _OPTIONS.get((door, name), name).replace("_", "-")
        if isinstance(value, bool):
            if name == "datacenter" or name == "us_available":
                words += [option, "yes" if value else "no"]
            else:
                words += [option] if value else []
        elif isinstance(value, list) and name == "owners":
            words += [w for v in value for w in (_OPTIONS.get((door, name), "--owner"), str(v))]
        else:
            words += [option, ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join(words)


# Options of the command line whose name is not that of the argument.
_OPTIONS = {
    ("chips", "memory"): "min-memory",
    ("chips", "bandwidth"): "min-bandwidth",
    ("check", "said"): "on",
    ("check", "by"): "source",
}


def as_python(door: str, kwargs: Mapping[str, Any]) -> str:
    """The question as two lines of Python."""
    places = [n for n, p in inspect.signature(inspect.unwrap(getattr(cw, door))).parameters.items() if p.kind is not p.KEYWORD_ONLY]
    given = [repr(kwargs[p]) for p in places if p in kwargs]
    given += [f"{n}={_literal(door, n, v)}" for n, v in kwargs.items() if n not in places and v not in (None, "")]
    return f"import chipwall as cw\ncw.{door}({', '.join(given)})"


def _literal(door: str, name: str, value: Any) -> str:
    """A value as Python writes it: what is a number there stands without quotes."""
    kind = next((p.kind for p in door_parameters(door) if p.name == name), "string")
    if kind in ("integer", "number") and isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[0-9]+)?", value):
        return value
    return repr(value)


@cache
def openapi_bytes() -> bytes:
    """The description of ``/api/v1`` (OpenAPI 3.1), made from the doors and their records."""
    paths = {f"/api/v1/{door}": {"get": _operation(door)} for door in OFFERED}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "chipwall",
            "version": __version__,
            "description": "What an AI chip can do, where it may go on a date, and what that changes. Numbers are SI; "
            "every estimate has an interval. Not legal advice.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas()},
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def door_summary(door: str) -> str:
    """The first sentence that a door says of itself."""
    return " ".join(inspect.cleandoc(inspect.unwrap(getattr(cw, door)).__doc__ or "").split("\n\n")[0].split())


def _operation(door: str) -> dict[str, Any]:
    asked = [
        {
            "name": p.name, "in": "query", "required": p.required, "description": p.says or p.name.replace("_", " "),
            "schema": {"type": p.kind, **({"items": {"type": "string"}} if p.kind == "array" else {})}
            | ({"default": p.default} if isinstance(p.default, (str, int, float, bool)) else {}),
            **({"style": "form", "explode": False} if p.kind == "array" else {}),
        }
        for p in door_parameters(door)
    ]  # fmt: skip
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": door,
        "summary": door_summary(door),
        "parameters": asked,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
            },
            "400": {"description": "Something in the question cannot be used.", "content": problem},
            "422": {"description": "A fact that the question needs is not known.", "content": problem},
            "429": {"description": "Too many questions wait; Retry-After says when to ask again."},
        },
    }


def _schemas() -> dict[str, Any]:
    """Schemas of the records that an answer holds."""
    from pydantic import TypeAdapter

    records = {r.__name__: TypeAdapter(r).json_schema(mode="serialization") for r in (Figure, Line, Source)}
    for schema in records.values():
        schema["required"] = list(schema["properties"])
    line, words = {"type": "array", "items": {"type": "string"}}, {"type": "string"}
    return {
        **records,
        "Answer": {
            "type": "object",
            "required": ["door", "question", "version", "title", "answer"],
            "properties": {
                "door": words, "title": words, "command": words, "python": words, "question": {"type": "object"},
                "version": {"type": "object", "properties": {"code": words, "data": words}}, "answer": {},
                "figures": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Figure"}},
                "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}, "notes": line,
                "sources": {"type": "array", "items": {"$ref": "#/components/schemas/Source"}},
                "measured": {"type": "array", "items": {"type": "object"}},
            },
        },
        "Problem": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["what", "where", "fix"],
                    "properties": {"what": words, "where": words, "fix": words},
                }
            },
        },
    }  # fmt: skip
