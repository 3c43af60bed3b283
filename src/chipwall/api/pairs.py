"""Two scenarios on the same draws, the first with a lever of one's own if asked: checked, run, and told as a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chipwall.api.described import as_command, as_python
from chipwall.api.market import simulate
from chipwall.api.rooms import levers_told, parameter_names, plain_word, scenario_told, scenarios_told
from chipwall.errors import unknown_name
from chipwall.inputs import choice, count, nearest_names, number, quarter, quote, term
from chipwall.report.forms.answer_page import AnswerPage
from chipwall.report.pages.market_answer import ANSWERED
from chipwall.report.pages.model_sheets import pair_sheet, titled_paths
from chipwall.text import text

__all__ = ["SINCE", "pair_question", "run_of_pair"]

MOST_PAIR_DRAWS, SINCE = 5_000, "2027Q1"


def pair_question(name: str, word: Callable[[str], str], lang: str) -> dict[str, Any]:
    """The question of a pair as plain values, checked before anything starts.

    Parameters
    ----------
    name : str
        A shipped scenario.
    word : callable
        From ``against``, ``until``, ``draws``, ``seed``, ``lever``, ``value``, ``product``, ``from`` to what was given.
    """
    known = [s.id for s in scenarios_told("en")]
    if name not in known:
        near = nearest_names(name, known, cutoff=0.4)
        raise unknown_name(text("scenario"), quote(name), nearest=near, listing="chipwall market scenarios")
    against = choice(word("against"), "against", known) if word("against") else scenario_told(name, lang).versus
    asked: dict[str, Any] = {
        "scenario": name,
        "against": against or ("no-sales" if name != "no-sales" else "as-it-stands"),
        "until": quarter(word("until"), "until", first=SINCE),
        "draws": count(word("draws"), "draws", least=100, most=MOST_PAIR_DRAWS),
        "seed": count(word("seed"), "seed", least=0, most=2**31),
        "lang": lang,
    }
    return asked | ({"lever": _lever(word)} if word("lever") else {})


def _lever(word: Callable[[str], str]) -> dict[str, Any]:
    """A lever as a row of a scenario's file; what it takes is checked by the reader of scenarios."""
    made: dict[str, Any] = {
        "name": choice(word("lever"), "lever", [name for name, _ in levers_told()]),
        "from": quarter(word("from"), "from"),
    }
    if word("product"):
        made["product"] = plain_word(word("product"), "product")
    if word("value"):
        plain = word("value").replace(".", "", 1).lstrip("-").isdigit()
        made |= {"value": number(word("value"), "value")} if plain else {"state": term(word("value"), "value")}
    return made


def run_of_pair(question: Mapping[str, Any], progress: Callable[[int, int], None]) -> AnswerPage:
    """The pair, run and told; ``progress`` is told how many blocks of how many are done."""
    names, lang = (question["scenario"], question["against"]), question["lang"]
    keep = (*ANSWERED, *parameter_names())
    with TemporaryDirectory(prefix="chipwall-") as folder:
        first = names[0]
        if "lever" in question:
            path = Path(folder) / "own.toml"
            path.write_text(_own_scenario(question), encoding="utf-8")
            first = str(path)
        answer = simulate(
            first, against=names[1], quantities=keep, progress=progress,
            draws=question["draws"], until=question["until"], seed=question["seed"],
        )  # fmt: skip
    runs = [
        titled_paths(run, scenario_told(name, lang).title, question.get("lever") if n == 0 else None)
        for n, (run, name) in enumerate(zip(answer.paths.values(), names, strict=True))
    ]
    page = pair_sheet(runs[0], runs[1], until=question["until"], since=SINCE, notes=answer.notes)
    asked = {n: question[n] for n in ("scenario", "against", "draws", "until", "seed")}
    command = as_command("simulate", {**asked, "scenario": "own.toml"} if "lever" in question else asked)
    return replace(page, command=command, python=as_python("simulate", asked))


def _own_scenario(question: Mapping[str, Any]) -> str:
    """A scenario's file that extends a shipped one by a lever."""
    name = json.dumps(question["scenario"])
    rows = "".join(f"{n} = {json.dumps(v)}\n" for n, v in question["lever"].items())
    return f"[scenario]\ntitle = {name}\nextends = {name}\n\n[[lever]]\n{rows}"
