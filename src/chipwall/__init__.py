"""chipwall: what an AI chip can do, where it may go on a date, and what that changes; a source for every number.

>>> import chipwall as cw
>>> cw.chip("h200").value("memory_bandwidth")
4800000000000.0

Every name below is loaded when it is first used, so that the import itself costs nothing.
"""

from importlib import import_module

from chipwall._version import __version__

TYPE_CHECKING = False  # as type checkers know it; importing typing would cost more than all the rest
if TYPE_CHECKING:
    from chipwall.answer import Answer, Figure
    from chipwall.api.calibration import calibrate, use
    from chipwall.api.facts import chip, chips, model, source
    from chipwall.api.frontier import frontier
    from chipwall.api.law import decide, timeline
    from chipwall.api.load import load
    from chipwall.api.market import check, simulate
    from chipwall.api.performance import compare, compute, fits, retrieve
    from chipwall.api.plan import plan
    from chipwall.api.serving import serve
    from chipwall.api.sweeps import sweep
    from chipwall.api.training import train, tune
    from chipwall.errors import ChipwallError, DataError, InputError, Unknown
    from chipwall.perf.serving.loads import Arrivals, Batch, Burst, Disaggregated, Full, Users, Within

# Where each public name lives. ``__all__`` is written by hand and equals the reference page; a test compares all three.
_HOMES = {
    "chipwall.answer": ("Answer", "Figure"),
    "chipwall.api.facts": ("chip", "chips", "model", "source"),
    "chipwall.api.serving": ("serve",),
    "chipwall.api.calibration": ("calibrate", "use"),
    "chipwall.api.training": ("train", "tune"),
    "chipwall.api.load": ("load",),
    "chipwall.api.plan": ("plan",),
    "chipwall.api.frontier": ("frontier",),
    "chipwall.api.performance": ("fits", "retrieve", "compute", "compare"),
    "chipwall.api.law": ("decide", "timeline"),
    "chipwall.api.market": ("simulate", "check"),
    "chipwall.api.sweeps": ("sweep",),
    "chipwall.perf.serving.loads": ("Full", "Users", "Arrivals", "Batch", "Burst", "Within", "Disaggregated"),
    "chipwall.errors": ("ChipwallError", "InputError", "DataError", "Unknown"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "Arrivals",
    "Batch",
    "Burst",
    "ChipwallError",
    "DataError",
    "Disaggregated",
    "Figure",
    "Full",
    "InputError",
    "Unknown",
    "Users",
    "Within",
    "__version__",
    "calibrate",
    "check",
    "chip",
    "chips",
    "compare",
    "compute",
    "decide",
    "fits",
    "frontier",
    "load",
    "model",
    "plan",
    "retrieve",
    "serve",
    "simulate",
    "source",
    "sweep",
    "timeline",
    "train",
    "tune",
    "use",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        found = getattr(import_module(_HOME[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'chipwall' has no '{name}'; it offers {', '.join(n for n in __all__ if n[0] != '_')}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
