"""Thirty questions asked three ways: over HTTP, by the command that the page offers to copy, and in Python."""

from __future__ import annotations

import inspect
import json
import shlex
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import chipwall as cw
from chipwall.api.described import OFFERED, door_parameters

_HELD = spec_from_file_location("same_numbers", Path(__file__).parent.parent / "api" / "test_same_numbers.py")
_MODULE = module_from_spec(_HELD)
_HELD.loader.exec_module(_MODULE)
QUESTIONS = _MODULE.QUESTIONS


def words_of(door: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, str]:
    """The arguments of a call as the parameters of an address."""
    names = list(inspect.signature(inspect.unwrap(getattr(cw, door))).parameters)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    return {n: str(v) if not isinstance(v, bool) else str(v).lower() for n, v in given.items()}


@pytest.mark.parametrize(("door", "args", "kwargs", "words"), QUESTIONS, ids=[w[:60] for *_, w in QUESTIONS])
def test_three_ways_give_the_same_numbers(client, run, door, args, kwargs, words) -> None:
    got = client.get(f"/api/v1/{door}", **words_of(door, args, kwargs))
    assert got.status == 200, got.text
    answer = got.json
    here: dict[str, Any] = {}
    exec(answer["python"].replace("\ncw.", "\nfound = cw."), here)
    assert answer["answer"] == json.loads(json.dumps(here["found"].to_dict()))
    told = run(*shlex.split(answer["command"])[1:], "--json")
    assert told.status == 0, told.err
    said = json.loads(told.out)
    said = {"tune": lambda: said[0], "compute": lambda: next(iter(said.values())), "check": lambda: [said]}.get(
        door, lambda: said
    )()
    assert said == answer["answer"]


def test_messages_are_those_of_python(client) -> None:
    for door, given in (
        ("serve", {"model": "llama-3.1-8b", "chip": "h2OO"}),
        ("serve", {"model": "llama-3.1-8b", "chip": "h200", "chips": "-1"}),
        ("serve", {"model": "llama-3.1-8b", "chip": "h200", "isl": "5"}),
        ("serve", {"model": "llama-3.1-8b", "chip": "h200", "users": "4", "rate": "2"}),
        ("decide", {"chip": "h200", "to": "Atlantis"}),
        ("decide", {"chip": "h200", "to": "CN", "on": "yesterday"}),
        ("train", {"model": "llama-3-8b", "chip": "h100", "precision": "fp3"}),
        ("chips", {"vendor": "nvida"}),
    ):
        got = client.get(f"/api/v1/{door}", **given)
        with pytest.raises(cw.ChipwallError) as refused:
            getattr(cw, door)(**given)
        assert got.status == 400
        error = got.json["error"]
        assert (error["what"], error["where"], error["fix"]) == tuple(
            str(x) for x in (refused.value.what, refused.value.where, refused.value.fix)
        )


def test_unknown_questions_and_parameters_are_refused(client) -> None:
    assert client.get("/api/v1/sevre").status == 404
    got = client.get("/api/v1/serve", model="llama-3.1-8b", chip="h200", modle="x")
    assert got.status == 400
    assert "Did you mean model" in got.json["error"]["fix"]


def test_the_description_names_every_parameter(client) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {f"/api/v1/{door}" for door in OFFERED}
    for door in OFFERED:
        told = document["paths"][f"/api/v1/{door}"]["get"]["parameters"]
        assert [p["name"] for p in told] == [p.name for p in door_parameters(door)]
        assert all(p["description"] for p in told), door
    figure = document["components"]["schemas"]["Figure"]
    assert set(figure["properties"]) == {"value", "low", "high", "unit", "basis"}


def test_nothing_of_the_file_system_is_offered(client) -> None:
    document = client.get("/openapi.json").text
    for name in ("parties", "overlay", "executor", "reader"):
        assert f'"name": "{name}"' not in document
    for door, name in (("chip", "name"), ("model", "name"), ("simulate", "scenario"), ("decide", "chip")):
        for word in ("/etc/passwd", "../x.toml", "own.toml", "C:\\x.toml"):
            given = {name: word, **({"to": "CN"} if door == "decide" else {})}
            assert client.get(f"/api/v1/{door}", **given).status == 400
    words = client.get("/api/v1/check", claims="/etc/passwd").text
    assert "root:" not in words
