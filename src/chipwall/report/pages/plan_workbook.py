"""A plan as a spreadsheet with live formulas: change a rent, a price, the PUE, the rate or the load, and the costs follow.

Every amount on the first sheet is a formula over the cells of the second, which are the only numbers; a third sheet names
the sources. Ends of the interval stand beside each value as columns of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from chipwall.fleet.fleet_plan import FleetPlan
from chipwall.fleet.money import MONTH, Span
from chipwall.fleet.options import Member, drawn_power, rated_power, stressed
from chipwall.report.language.lookup import translated
from chipwall.report.pages.plan import PART_WORDS, ROLE_WORDS, plan_lines
from chipwall.sources import Source
from chipwall.text import text
from chipwall.units import HOUR, KILO, YEAR

__all__ = ["write_plan_workbook"]

HOURS = MONTH / HOUR
ENDS = ("B", "C", "D")
NO_END = "-"
# Assumptions of owning: how they are said, and what one is in SI.
OWN_ROWS: Mapping[str, tuple[str, float]] = {
    "pue": (text("PUE"), 1.0),
    "electricity": (text("electricity, per kWh"), KILO * HOUR),
    "hosting": (text("hosting, per kW and month"), KILO * MONTH),
    "server": (text("rest of the server, per chip"), 1.0),
    "network": (text("network, per chip"), 1.0),
    "life": (text("life, years"), 1.0),
    "interest": (text("interest, a year"), 1.0),
    "wage": (text("wage of an operator, a year"), YEAR),
    "chips_per_person": (text("chips of an operator"), 1.0),
}


@dataclass(slots=True)
class _Sheet:
    """A sheet that is filled from the top: a row is a name, its value and two ends; it knows the cells by name."""

    name: str
    sheet: Any
    lang: str
    cells: dict[str, int]
    row: int = 0

    def head(self, *words: str) -> None:
        """A line of words."""
        for column, word in enumerate(words):
            self.sheet.write_string(self.row, column, translated(word, self.lang))
        self.row += 1

    def numbers(self, key: str, name: str, span: Span | None, note: str = "") -> None:
        """A row of plain numbers; an end that nothing bounds is a dash."""
        self._name(key, name, note)
        for column, value in enumerate((span.value, span.low, span.high) if span else (None,) * 3, 1):
            if value is None:
                self.sheet.write_string(self.row, column, NO_END)
            else:
                self.sheet.write_number(self.row, column, value)
        self.row += 1

    def formulas(self, key: str, name: str, of: Callable[[str, str], str], span: Span | None) -> None:
        """A row of formulas, one for each end, with the values as they were; ``of`` gets the end and the other end."""
        self._name(key, name, "")
        kept = (span.value, span.low, span.high) if span else (None,) * 3
        for column, (own, value) in enumerate(zip(ENDS, kept, strict=True), 1):
            other = {"B": "B", "C": "D", "D": "C"}[own]
            self.sheet.write_formula(
                self.row, column, f'=IFERROR({of(own, other)},"{NO_END}")', None, NO_END if value is None else value
            )
        self.row += 1

    def _name(self, key: str, name: str, note: str) -> None:
        self.sheet.write_string(self.row, 0, translated(name, self.lang))
        if note:
            self.sheet.write_string(self.row, 4, translated(note, self.lang))
        self.cells[key] = self.row + 1

    def at(self, key: str, column: str) -> str:
        """A cell as other sheets name it."""
        return f"{self.name}!${column}${self.cells[key]}"


def write_plan_workbook(p: FleetPlan, path: Path, lang: str, sources: Mapping[str, Source]) -> None:
    """Write the best fleet of a plan as ``.xlsx``; needs the ``xlsx`` extra.

    Parameters
    ----------
    p : FleetPlan
        The plan.
    path : Path
        Where to.
    lang : str
        Language of the words.
    sources : mapping
        Sources by id, those that the plan cites.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True})
    plan, given, cited = (book.add_worksheet(name) for name in ("Plan", "Inputs", "Sources"))
    inputs = _Sheet("Inputs", given, lang, {})
    shown = _Sheet("Plan", plan, lang, {})
    for sheet, width in ((plan, 44), (given, 44), (cited, 30)):
        sheet.set_column(0, 0, width)
        sheet.set_column(1, 3, 16)
    _write_inputs(inputs, p)
    _write_results(shown, inputs, p)
    _write_sources(_Sheet("Sources", cited, lang, {}), sources)
    book.close()


def _write_inputs(i: _Sheet, p: FleetPlan) -> None:
    money = p.supply.currency
    i.head(
        text("Change any number on this sheet; the first sheet recomputes"),
        text("value"),
        text("from"),
        text("to"),
        text("note"),
    )
    i.numbers("rate", text("requests per second"), Span.exact(p.rate))
    i.numbers("output", text("output tokens of an answer"), Span.exact(p.need.output))
    i.numbers("mean", text("mean load over the busy hour"), Span.exact(p.need.mean))
    i.numbers("hours", text("hours of a month"), Span.exact(HOURS))
    for n, (member, pool) in enumerate(zip(p.best.members, p.best.pick.pools, strict=True)):
        _write_pool_inputs(i, p, n, member, pool)
    i.head(text("Owning, {money}", money=money))
    for name, (words, times) in OWN_ROWS.items():
        i.numbers(name, words, getattr(p.supply.own, name).times(times))


def _write_pool_inputs(i: _Sheet, p: FleetPlan, n: int, m: Member, pool: Any) -> None:
    low, high = (stressed(p.searched, pool, f) for f in m.ends)
    offer, node = p.supply.offers[m.chip.id], p.supply.nodes[m.chip.id]
    i.head(text("{role}: {layout} of {chip}", role=ROLE_WORDS[m.role], layout=m.words, chip=m.chip.name))
    i.numbers(f"share{n}", text("share of the requests"), Span.exact(pool.share))
    i.numbers(f"most{n}", text("requests per second of a replica without limits"), Span.exact(m.most))
    used = Span(m.capacity / m.most, low / m.most if low else None, high / m.most if high else None)
    i.numbers(
        f"used{n}",
        text("utilisation at which a limit is reached"),
        used,
        text("ends: at those of the latencies' interval"),
    )
    i.numbers(f"chips{n}", text("chips of a replica"), Span.exact(m.layout.chips))
    i.numbers(f"node{n}", text("chips of a server"), Span.exact(node.chips))
    i.numbers(f"rent{n}", text("rent, per chip and hour"), None if offer.rent is None else offer.rent.times(HOUR))
    i.numbers(f"price{n}", text("price, per chip"), offer.price)
    i.numbers(
        f"bare{n}",
        text("1: the price is that of a bare chip; 0: it holds its server"),
        Span.exact(float(not offer.with_server)),
    )
    i.numbers(
        f"rated{n}",
        text("rated power of a chip with its server, kW"),
        Span.exact(rated_power(m.chip.id, p.supply) / KILO),
    )
    i.numbers(
        f"drawn{n}", text("mean power of a chip with its server, kW"), Span.exact(drawn_power(m, p.supply) / KILO)
    )


def _write_results(s: _Sheet, i: _Sheet, p: FleetPlan) -> None:
    for line in plan_lines(p):
        s.head(line)
    s.head("", text("value"), text("from"), text("to"))
    best, pools = p.best, range(len(p.best.members))
    for n, m in enumerate(best.members):
        words = f"{translated(ROLE_WORDS[m.role], s.lang)} {m.chip.name}: "
        rate = f"{i.at('rate', 'B')}*{i.at(f'share{n}', 'B')}/({i.at(f'most{n}', 'B')}*"

        def needed(own: str, n: int = n, rate: str = rate) -> str:
            return f"ROUNDUP({rate}{i.at(f'used{n}', own)})-0.000000001,0)"

        def replicas(own: str, other: str, n: int = n, needed: Any = needed) -> str:
            which = {"B": "{a}", "C": "MIN({a},{b})", "D": "MAX({a},{b})"}[own]
            # the ends of what is needed: fewest where times are at their low end
            return which.format(a=needed("B"), b=needed(own))

        s.formulas(f"replicas{n}", words + translated(text("replicas"), s.lang), replicas, m.needed)
        s.formulas(
            f"chips{n}", words + translated(text("chips"), s.lang), _chips(s, i, n), m.needed.times(float(m.layout.chips))
        )  # fmt: skip

    def total(key: str) -> Callable[[str, str], str]:
        return lambda own, other: "+".join(s.at(f"{key}{n}", own) for n in pools)

    s.formulas("chips", text("chips"), total("chips"), best.chips)
    for n in pools:
        s.formulas(f"rentmonth{n}", text("rent of pool {n}, a month", n=n + 1), _rent(s, i, n), None)
    s.formulas("rent", text("rent, a month"), total("rentmonth"), best.rent)
    _write_owning(s, i, p)
    paid = {"rent": "rent", "own": "own"}.get(best.paid, "")
    if paid:
        s.formulas("month", text("cost that counts, a month"), lambda own, other: s.at(paid, own), best.month)
        tokens = f"({i.at('rate', 'B')}*{i.at('output', 'B')}*{i.at('mean', 'B')}*{i.at('hours', 'B')}*3600/1000000)"
        s.formulas(
            "million",
            text("per million output tokens"),
            lambda own, other: f"{s.at('month', own)}/{tokens}",
            best.per_million,
        )
    if best.owning is not None and best.rent is not None:
        even = Span.exact(p.even[0]) if p.even and isfinite(p.even[0]) else None
        running = f"({s.at('own', 'B')}-{s.at('depreciation', 'B')}-{s.at('finance', 'B')})"
        of = f"IF({s.at('rent', 'B')}>{running},{s.at('capital', 'B')}/({s.at('rent', 'B')}-{running}),NA())"
        s.formulas("even", text("months until owning has cost less than renting"), lambda own, other: of, even)


def _chips(s: _Sheet, i: _Sheet, n: int) -> Callable[[str, str], str]:
    return lambda own, other: f"{s.at(f'replicas{n}', own)}*{i.at(f'chips{n}', 'B')}"


def _rent(s: _Sheet, i: _Sheet, n: int) -> Callable[[str, str], str]:
    return lambda own, other: f"{s.at(f'chips{n}', own)}*{i.at(f'rent{n}', own)}*{i.at('hours', 'B')}"


def _write_owning(s: _Sheet, i: _Sheet, p: FleetPlan) -> None:
    """Owning in whole servers, part by part; lives and chips per operator count the other way round."""
    pools = range(len(p.best.members))
    made = p.best.owning

    def bought(n: int, own: str) -> str:
        return f"ROUNDUP({s.at(f'chips{n}', own)}/{i.at(f'node{n}', 'B')},0)*{i.at(f'node{n}', 'B')}"

    def capital(n: int, own: str) -> str:
        each = f"({i.at(f'price{n}', own)}+{i.at('network', own)}+{i.at(f'bare{n}', 'B')}*{i.at('server', own)})"
        return f"{bought(n, own)}*{each}"

    def summed(of: Callable[[int, str, str], str]) -> Callable[[str, str], str]:
        return lambda own, other: "+".join(of(n, own, other) for n in pools)

    parts = made.parts if made is not None else {}
    s.formulas(
        "capital",
        text("capital"),
        summed(lambda n, own, other: capital(n, own)),
        None if made is None else made.capital,
    )
    s.formulas(
        "depreciation",
        PART_WORDS["depreciation"],
        summed(lambda n, own, other: f"({capital(n, own)})/({i.at('life', other)}*12)"),
        parts.get("depreciation"),
    )

    def level(n: int, own: str, other: str) -> str:
        months, monthly = f"({i.at('life', other)}*12)", f"({i.at('interest', own)}/12)"
        instalment = f"IF({monthly}=0,1/{months},{monthly}/(1-(1+{monthly})^(-{months})))"
        part = f"({capital(n, own)})*({instalment}-1/{months})"
        # interest over a longer life can outweigh the smaller instalment: the ends stay on their sides
        return (
            {"B": part, "C": f"MIN({part},{level(n, 'B', 'B')})", "D": f"MAX({part},{level(n, 'B', 'B')})"}[own]
            if own != "B"
            else part
        )

    s.formulas("finance", PART_WORDS["finance"], summed(level), parts.get("finance"))
    s.formulas("power", PART_WORDS["power"], summed(
        lambda n, own, other: (
                f"{bought(n, own)}*{i.at(f'drawn{n}', 'B')}*{i.at('pue', own)}*{i.at('electricity', own)}"
                f"*{i.at('hours', 'B')}"
            )
    ), parts.get("power"))  # fmt: skip
    s.formulas("hosting", PART_WORDS["hosting"], summed(
        lambda n, own, other: f"{bought(n, own)}*{i.at(f'rated{n}', 'B')}*{i.at('hosting', own)}"
    ), parts.get("hosting"))  # fmt: skip
    s.formulas("staff", PART_WORDS["staff"], summed(
        lambda n, own, other: f"{bought(n, own)}/{i.at('chips_per_person', other)}*{i.at('wage', own)}/12"
    ), parts.get("staff"))  # fmt: skip
    s.formulas(
        "own", text("own, all together"), lambda own, other: "+".join(s.at(n, own) for n in PART_WORDS), p.best.own
    )


def _write_sources(s: _Sheet, sources: Mapping[str, Source]) -> None:
    s.head(text("Source"), text("Publisher"), text("Published"), text("Title"), text("Address"))
    for name, source in sources.items():
        for column, words in enumerate((name, source.publisher, source.published, source.title, source.url)):
            s.sheet.write_string(s.row, column, words)
        s.row += 1
