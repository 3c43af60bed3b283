"""A plan for people: four lines first, then the front, what binds, what may fail, money, power, start lines, and who lost."""

from __future__ import annotations

from chipwall.fleet.fleet_plan import FleetPlan
from chipwall.fleet.money import Span
from chipwall.fleet.options import FleetOption
from chipwall.fleet.start_flags import start_lines
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, listed, text
from chipwall.units import KILO

__all__ = ["front_table", "money_table", "plan_lines", "rejected_table", "safety_table", "simulated_table", "start_table"]

LAW_WORDS = {
    "unasked": text("the law was not asked: no destination given"),
    "free": text("no licence needed"),
    "domestic": text("of Chinese design, used in China: no import"),
    "licence": text("a licence is needed and granted case by case"),
    "refused": text("refused: presumption of denial"),
    "unknown": text("unknown"),
}
KIND_WORDS = {
    "aggregated": text("prompts and answers together"),
    "disaggregated": text("prefill and decode apart"),
    "mixed": text("two kinds of chip, prefill and decode apart"),
    "beside": text("kinds of chip side by side"),
}
KIND_SHORT = {
    "aggregated": text("aggregated"), "disaggregated": text("disaggregated"), "mixed": text("mixed"),
    "beside": text("side by side"),
}  # fmt: skip
LAW_SHORT = {
    "unasked": text("not asked"), "free": text("free"), "domestic": text("domestic"), "licence": text("licence"),
    "refused": text("refused"), "unknown": text("unknown"),
}  # fmt: skip
ROLE_WORDS = {"serve": text("serve"), "prefill": text("prefill"), "decode": text("decode")}
PAID_WORDS = {"rent": text("rent"), "own": text("owning"), "both": text("some rented, some owned")}
PART_WORDS = {
    "depreciation": text("depreciation"), "finance": text("finance"), "power": text("power"), "hosting": text("hosting"),
    "staff": text("staff"),
}  # fmt: skip
BASIS_WORDS = {"measured": text("measured"), "calibrated": text("calibrated"), "extrapolated": text("extrapolated")}


def _quantile(p: FleetPlan) -> str:
    return f"p{p.need.share * 100:.0f}"


def _span(s: Span, shown: str, *, times: float = 1.0) -> Text:
    """A number with its ends: ``28 (24 to 34)``."""
    value = shown.format(s.value * times)
    if s.low == s.high:
        return Text.of(value)
    low = "0" if s.low is None else shown.format(s.low * times)
    if s.high is None:
        return text("{value} ({low} or more)", value=value, low=low)
    return text("{value} ({low} to {high})", value=value, low=low, high=shown.format(s.high * times))


def plan_lines(p: FleetPlan) -> tuple[Text, ...]:
    """The four lines that come first: chips and layout, tails, cost, law."""
    best, need, money = p.best, p.need, p.supply.currency
    name = _quantile(p)
    members = " + ".join(f"{m.chips} x {m.chip.name}" for m in best.members)
    precision = ", ".join(dict.fromkeys(m.precision for m in best.members))
    layout = listed(
        (
            text("{layout} ({role})", layout=m.words, role=ROLE_WORDS[m.role]) if m.role != "serve" else m.words
            for m in best.members
        ),
        sign=";",
    )
    return (
        text(
            "{chips} chips: {members}; {layout}, {precision}, {kind}", chips=_span(best.chips, "{:.0f}"), members=members,
            layout=layout, precision=precision, kind=KIND_WORDS[best.kind],
        ),
        text(
            "{name} of the first token {ttft} ms, of the time per token {tpot} ms; busy {busy} %; {basis}", name=name,
            ttft=_span(best.ttft[name], "{:,.0f}", times=1e3), tpot=_span(best.tpot[name], "{:.3g}", times=1e3),
            busy=_span(best.utilisation, "{:.0f}", times=100.0),
            basis=BASIS_WORDS["extrapolated" if any(m.basis == "extrapolated" for m in best.members) else best.members[0].basis],
        ),
        _cost_line(p, best, money),
        text(
            "{law} ({place}, {day}); {rate:g} requests/s of {prompt:,.0f} in, {output:,.0f} out", law=_law_line(p, best),
            place=text("law"), day=p.supply.on.isoformat(), rate=need.rate, prompt=need.prompt, output=need.output,
        ),
    )  # fmt: skip


def _cost_line(p: FleetPlan, best: FleetOption, money: str) -> Text:
    if best.month is None or best.per_million is None:
        return text("cost not known: no quote of these chips is fresh enough; give rent or price")
    return text(
        "{month} {money} a month ({paid}), {million} {money} per million output tokens, money of {year}",
        month=_span(best.month, "{:,.0f}"), money=money, paid=PAID_WORDS[best.paid], million=_span(best.per_million, "{:.3g}"),
        year=p.supply.on.year,
    )  # fmt: skip


def _law_line(p: FleetPlan, best: FleetOption) -> Text:
    chips = list(dict.fromkeys(m.chip.id for m in best.members))
    if len(chips) == 1 or best.law in ("unasked", "free"):
        return LAW_WORDS[best.law]
    said = listed(text("{chip}: {word}", chip=c, word=LAW_SHORT[p.supply.legal[c].word]) for c in chips)
    return text("{law}: {chips}", law=LAW_WORDS[best.law], chips=said)


def front_table(p: FleetPlan) -> Table:
    """The fleets that no other beats in cost, chips and power at once."""
    name, money = _quantile(p), p.supply.currency
    columns = (
        Column("chip", text("Chip")),
        Column("kind", text("Kind")),
        Column("layout", text("Layout")),
        Column("chips", text("Chips"), right=True),
        Column(f"ttft_{name}_s", text("First token {name}", name=name), right=True),
        Column(f"tpot_{name}_s", text("Per token {name}", name=name), right=True),
        Column("utilisation", text("Busy"), right=True),
        Column("cost_per_month", text("{money} a month", money=money), right=True),
        Column("cost_per_million_tokens", text("per million out"), right=True),
        Column("rated_power_w", text("Rated power"), right=True),
        Column("law", text("Law")),
    )
    rows = tuple(
        (
            o.chip_words,
            Cell(KIND_SHORT[o.kind], o.kind),
            o.layout_words,
            Cell(_span(o.chips, "{:.0f}"), o.chips.value),
            Cell(f"{o.ttft[name].value * 1e3:,.0f} ms", o.ttft[name].value),
            Cell(f"{o.tpot[name].value * 1e3:.3g} ms", o.tpot[name].value),
            Cell(f"{o.utilisation.value:.0%}", o.utilisation.value),
            Cell("-" if o.month is None else f"{o.month.value:,.0f}", None if o.month is None else o.month.value),
            Cell(
                "-" if o.per_million is None else f"{o.per_million.value:.3g}",
                None if o.per_million is None else o.per_million.value,
            ),
            Cell(f"{o.rated / KILO:,.0f} kW", o.rated),
            Cell(LAW_SHORT[o.law], o.law),
        )
        for o in p.front
    )
    return Table(
        text("The front: no other fleet is better in cost, chips and power at once"), columns, rows, p.warnings
    )


def safety_table(p: FleetPlan) -> Table:
    """What binds, what lifting it buys, replicas to spare, power and racks."""
    best, money = p.best, p.supply.currency
    rows: list[tuple[object, ...]] = [(text("what binds"), Cell(p.binding.said, p.binding.requirement))]
    for s in p.spares:
        cost = (
            text("cost not known")
            if s.month is None
            else text("{cost} {money} a month", cost=f"{s.month.value:,.0f}", money=money)
        )
        rows.append(
            (
                (
                    text("N+{count} in each pool", count=s.replicas)
                    if len(best.members) > 1
                    else text("N+{count}", count=s.replicas)
                ),
                Cell(text("{chips} chips, {cost}", chips=s.chips, cost=cost), s.chips),
            )
        )
    if p.one_down:
        rows.append((text("one replica fails"), Cell(_down_words(p), p.one_down["utilisation"])))
    else:
        rows.append((text("one replica fails"), Cell(text("nothing serves in its place: there is only one"), None)))
    power = text(
        "{rated:,.1f} kW rated, {drawn:,.1f} kW drawn, {building:,.1f} kW with the building (PUE {pue:g}); "
        "{servers} servers, {racks} racks",
        rated=best.rated / KILO, drawn=best.drawn / KILO, building=best.rated / KILO * p.supply.own.pue.value,
        pue=p.supply.own.pue.value, servers=best.servers, racks=best.racks,
    )  # fmt: skip
    rows.append((text("power and racks"), Cell(power, best.rated)))
    return Table(
        text("What binds and what may fail"),
        (Column("what", text("What")), Column("said", text("Answer"))),
        tuple(rows),
    )


def _down_words(p: FleetPlan) -> Text:
    down = p.one_down
    if down["utilisation"] >= 1.0:
        return text("overloaded: busy {busy:.0%}", busy=down["utilisation"])
    if "ttft" not in down:
        return text("busy {busy:.0%}", busy=down["utilisation"])
    return text(
        "busy {busy:.0%}, first token {ttft:,.0f} ms, per token {tpot:.3g} ms", busy=down["utilisation"],
        ttft=down["ttft"] * 1e3, tpot=down["tpot"] * 1e3,
    )  # fmt: skip


def simulated_table(p: FleetPlan) -> Table:
    """The front run request by request, beside what was planned."""
    name = _quantile(p)
    columns = (
        Column("chip", text("Chip")),
        Column("layout", text("Layout")),
        Column("ttft_s", text("First token {name}", name=name), right=True),
        Column("ttft_planned_s", text("planned"), right=True),
        Column("tpot_s", text("Per token {name}", name=name), right=True),
        Column("tpot_planned_s", text("planned"), right=True),
        Column("state", text("State")),
    )
    rows = tuple(
        (
            c.chip,
            c.layout,
            Cell(f"{c.ttft * 1e3:,.0f} ms", c.ttft),
            Cell(f"{c.ttft_planned * 1e3:,.0f} ms", c.ttft_planned),
            Cell(f"{c.tpot * 1e3:.3g} ms", c.tpot),
            Cell(f"{c.tpot_planned * 1e3:.3g} ms", c.tpot_planned),
            c.state,
        )
        for c in p.simulated
    )
    return Table(text("Run request by request"), columns, rows)


def money_table(p: FleetPlan) -> Table:
    """Rent beside owning, part by part, and the day on which owning has paid for itself."""
    best, money = p.best, p.supply.currency
    columns = (
        Column("what", text("Rent or own, {money}", money=money)),
        Column("value", text("A month"), right=True),
        Column("low", text("from"), right=True),
        Column("high", text("to"), right=True),
    )
    rows: list[tuple[object, ...]] = [_money_row(text("rent"), best.rent)]
    if best.owning is not None:
        rows += [
            _money_row(text("own: {part}", part=PART_WORDS[part]), span) for part, span in best.owning.parts.items()
        ]
    rows.append(_money_row(text("own, all together"), best.own))
    notes: list[str] = [_even_words(p)]
    notes += [said for m in best.members for said in p.supply.offers[m.chip.id].said]
    return Table(text("Rent or own"), columns, tuple(rows), tuple(dict.fromkeys(notes)))


def _money_row(name: Text, span: Span | None) -> tuple[object, ...]:
    if span is None:
        return (name, Cell(text("unknown"), None), "-", "-")
    return (name, *(Cell("-" if v is None else f"{v:,.0f}", v) for v in (span.value, span.low, span.high)))


def _even_words(p: FleetPlan) -> Text:
    own = p.best.owning
    if not p.even or own is None:
        return text("rent and price are not both known: no break-even")
    months, when = p.even
    if when is None:
        return text("owning does not pay for itself within {life:g} years", life=p.supply.own.life.value)
    return text(
        "owning ({capital:,.0f} {money} at the start) has cost less than renting after {months:.0f} months, on {day}; "
        "in cash, without interest",
        capital=own.capital.value, money=p.supply.currency, months=months, day=when.isoformat(),
    )  # fmt: skip


def start_table(p: FleetPlan) -> Table:
    """How to start one replica of each pool."""
    rows = tuple(
        (Cell(ROLE_WORDS[m.role], m.role), m.chip.id, engine, line)
        for m in p.best.members
        for engine, line in start_lines(m, p.need).items()
    )
    columns = (
        Column("role", text("Pool")),
        Column("chip", text("Chip")),
        Column("engine", text("Engine")),
        Column("command", text("Start one replica")),
    )
    return Table(text("Start lines"), columns, rows)


def rejected_table(p: FleetPlan) -> Table:
    """Why each chip that is not in the front lost."""
    columns = (Column("chip", text("Chip")), Column("reason", text("Why it lost")))
    return Table(text("Left out"), columns, tuple((r.chip, Cell(r.reason, str(r.reason))) for r in p.rejected))
