"""The one door of the market: a scenario in, paths of its quantities out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chipwall._version import __version__
from chipwall.catalog.load import Catalog
from chipwall.catalog.records import Chip
from chipwall.errors import InputError
from chipwall.market.model.draws import BLOCK, block_sizes
from chipwall.market.model.engine import Block, block_paths
from chipwall.market.model.load import load_priors, load_record, load_supply, stored_rates
from chipwall.market.model.paths import Paths
from chipwall.market.model.priors import Priors
from chipwall.market.model.products import Product
from chipwall.market.model.quantities import HEADLINE
from chipwall.market.model.quarters import quarters as quarter_names
from chipwall.market.model.service import REFERENCE, Estimator, services
from chipwall.market.model.timeline import Timeline, laid_levers
from chipwall.market.parts import PartFolder
from chipwall.market.policy.load import load_draft, load_scenario
from chipwall.market.policy.scenario import Scenario, as_known
from chipwall.market.policy.thresholds import over_limits
from chipwall.text import text
from chipwall.units import MIB

__all__ = ["KEEP_ALL_BELOW", "named_scenario", "prepare", "simulate"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
# Above this many values a run keeps the headline quantities only: about 1 GiB.
KEEP_ALL_BELOW = 128 * int(MIB)
_QUANTITIES = 200


def named_scenario(scenario: Scenario | str) -> Scenario:
    """A scenario as it is, or the shipped one or the file of that name."""
    return load_scenario(scenario) if isinstance(scenario, str) else scenario


def prepare(
    scenario: Scenario | str,
    *,
    draws: int,
    seed: int,
    until: str,
    priors: Priors | None = None,
    estimator: Estimator | None = None,
    keep: tuple[str, ...] = (),
    facts: Catalog | None = None,
    known_on: date | None = None,
) -> Block:
    """Everything a block needs, without its number: names resolved, levers laid over each other, limits applied."""
    from chipwall import catalog

    known = facts or catalog.load()
    if draws < 1:
        raise InputError(text("{draws} draws is not a run", draws=draws), fix=text("Give one draw or more"))
    found = named_scenario(scenario)
    given = load_record(known_on)
    if known_on is not None:
        found = as_known(found, last=given.now)
    names = quarter_names(until)
    chips = {c: known.names.chip(c) for c in {REFERENCE, *(p.chip for p in found.products)}}
    lines = laid_levers(found.levers, products=found.products, quarters=len(names))
    return Block(
        products=found.products,
        service=services(found.products, chips, rates=stored_rates(), estimator=estimator),
        lines=lines,
        blocked=_blocked(found.products, chips, lines),
        allocations=found.allocations,
        priors=(priors or load_priors()).replace(found.parameters, source=found.id),
        known=given,
        supply=load_supply(),
        seed=seed,
        number=0,
        size=min(draws, BLOCK),
        quarters=len(names),
        keep=keep,
    )


def _blocked(products: tuple[Product, ...], chips: Mapping[str, Chip], lines: Timeline) -> Array:
    """What limits and drafts take out of reach; the law is read where there is a draft."""
    if not lines.drafts:
        return over_limits(products, chips, lines.limits)
    from chipwall.controls.load import law

    drafts = [(begin, end, load_draft(Path(file))) for begin, end, file in lines.drafts]
    return over_limits(products, chips, lines.limits, drafts, law())


def simulate(
    scenario: Scenario | str,
    *,
    draws: int = 10_000,
    seed: int = 1,
    until: str = "2031Q4",
    executor: Executor | None = None,
    priors: Priors | None = None,
    estimator: Estimator | None = None,
    keep: tuple[str, ...] = (),
    parts: Path | None = None,
    progress: Progress | None = None,
    facts: Catalog | None = None,
    known_on: date | None = None,
) -> Paths:
    """Simulate a scenario.

    Parameters
    ----------
    scenario : Scenario or str
        A record, the name of a shipped scenario, or a path.
    draws, seed : int
        Number of draws [1] and their seed. The same seed gives the same draws in every scenario and whatever runs them.
    until : str
        Last quarter.
    executor : concurrent.futures.Executor, optional
        Runs blocks; in this process by default. A Dask cluster's executor gives identical numbers.
    priors : Priors, optional
        Parameter ranges; the fitted ones by default.
    estimator : callable, optional
        Service of a chip for a mix of work, in place of data-sheet rates.
    keep : tuple of str, optional
        Quantities to keep; all when they fit, else :data:`~chipwall.market.model.quantities.HEADLINE`.
    parts : Path, optional
        Folder for Parquet parts; parts that exist already are read, not run again.
    progress : callable, optional
        Called with blocks done and blocks in all.
    facts : Catalog, optional
        Chips and their rates; the packaged catalogue by default.
    known_on : date, optional
        Use only what was in print on that day: later counts are forecast and later decisions left to chance. The whole
        record by default.

    Returns
    -------
    Paths

    Limits
    ------
    Conditional on the scenario, not predicted; see docs/market.md for the back-test and its misses.

    Examples
    --------
    >>> paths = simulate("no-sales", draws=50, until="2026Q2")
    >>> paths.quantity("delivered_h200").sum().item()
    0.0
    """
    found = named_scenario(scenario)
    names = quarter_names(until)
    if not keep and draws * len(names) * _QUANTITIES > KEEP_ALL_BELOW:
        keep = HEADLINE
    block = prepare(
        found, draws=draws, seed=seed, until=until, priors=priors, estimator=estimator, keep=keep, facts=facts,
        known_on=known_on,
    )  # fmt: skip
    sizes = block_sizes(draws)
    folder = None
    if parts is not None:
        identity = PartFolder.fingerprint(
            found, block.priors, block.keep, block.service.by_basis, block.known, __version__
        )
        folder = PartFolder(
            parts, identity={"scenario": found.id, "seed": seed, "draws": draws, "until": until, "run": identity}
        )
    values: dict[str, Array] = {}
    stored: set[int] = set()
    for done, (number, result) in enumerate(_results(block, sizes, executor, folder, stored), start=1):
        _gather(values, result, at=number * BLOCK, draws=draws)
        if folder is not None and number not in stored:
            folder.write(number, result, names)
        if progress:
            progress(done, len(sizes))
    parameters = {n.removeprefix("parameter:"): values.pop(n)[0] for n in list(values) if n.startswith("parameter:")}
    sources = tuple(sorted({p.source for p in block.priors.ranges.values()}))
    return Paths(
        found.id, found.title, names, seed, draws, values, parameters, sources=sources,
        counted_to=block.known.counted_to, known_on=block.known.known_on,
    )  # fmt: skip


def _gather(values: dict[str, Array], result: Mapping[str, Array], *, at: int, draws: int) -> None:
    for name, rows in result.items():
        whole = values.get(name)
        if whole is None:
            # large runs keep single precision: the bands do not need more and memory halves
            kind = np.float64 if draws * rows.shape[0] * _QUANTITIES <= KEEP_ALL_BELOW else np.float32
            whole = values[name] = np.full((rows.shape[0], draws), np.nan, dtype=kind)
        whole[:, at : at + rows.shape[1]] = rows


def _results(
    block: Block, sizes: list[int], executor: Executor | None, folder: PartFolder | None, stored: set[int]
) -> Iterator[tuple[int, dict[str, Array]]]:
    """Results of all blocks, those of sound parts (their numbers go to ``stored``) first; at most a few are waiting at any time."""
    jobs = [replace(block, number=i, size=size) for i, size in enumerate(sizes)]
    if folder is not None and block.keep:
        rest = []
        for job in jobs:
            known = folder.read(job.number, block.keep, quarters=block.quarters, draws=job.size)
            if known is None:
                rest.append(job)
            else:
                stored.add(job.number)
                yield job.number, known
        jobs = rest
    if executor is None:
        for job in jobs:
            yield job.number, block_paths(job)
        return
    yield from _from_executor(jobs, executor)


def _from_executor(jobs: list[Block], executor: Executor) -> Iterator[tuple[int, dict[str, Array]]]:
    waiting: dict[Future[dict[str, Array]], int] = {}
    queue = iter(jobs)
    window = 16
    try:
        for job in queue:
            waiting[executor.submit(block_paths, job)] = job.number
            if len(waiting) >= window:
                yield from _finished(waiting)
        while waiting:
            yield from _finished(waiting)
    finally:
        for future in waiting:
            future.cancel()


def _finished(waiting: dict[Future[dict[str, Array]], int]) -> Iterator[tuple[int, dict[str, Array]]]:
    """The oldest of the waiting blocks. Order does not change any number, and plain ``result`` works on any executor."""
    future = next(iter(waiting))
    number = waiting.pop(future)
    yield number, future.result()
