"""China's own gate on what comes in: reported, second, and never part of the US answer."""

from __future__ import annotations

from chipwall.controls.context import Context
from chipwall.controls.law import Law
from chipwall.controls.records import ChinaGate, Item, Journey
from chipwall.text import text

__all__ = ["china_gate"]


def china_gate(item: Item, journey: Journey, *, context: Context, law: Law) -> ChinaGate:
    """What is reported about importing the item into mainland China on the date.

    Hong Kong is one destination with China under the US rules, but not inside China's own customs: the gate is asked
    only for ``CN``.
    """
    if journey.activity == "us_import" or journey.destination != "CN":
        return ChinaGate("not_asked", "", text("the journey does not enter mainland China"))
    if item.designer_country == "CN":
        return ChinaGate("domestic", "", text("a part of Chinese design is no import from abroad"))
    running = [gate for gate in law.gates if gate.record.runs(context.on)]
    named = [gate for gate in running if item.parts & set(gate.parts)]
    general = [gate for gate in running if not gate.parts]
    if named:
        # checks at the border tighten an earlier stop, they do not lift it
        stops = [one for one in named if one.status == "blocked"]
        gate = stops[-1] if named[-1].status == "customs_checks" and stops else named[-1]
    elif general:
        gate = general[-1]
    else:
        return ChinaGate("nothing_reported", "", text("no report about this part on this date"))
    says = text("{summary} (since {day})", summary=gate.summary, day=gate.record.effective)
    if named and general:
        says = text("{first}; besides, {second}", first=says, second=general[-1].summary)
    return ChinaGate(gate.status, gate.evidence, says, gate.record.citation)
