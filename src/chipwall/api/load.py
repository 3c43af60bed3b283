"""What the clients of a service see under a load: words to the request simulation, and its record to an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chipwall.answer import Answer, Figure
from chipwall.api.doors import calibrated_in_use, chip_of, door, model_of, source_of
from chipwall.api.serving import AmountLike, question_of
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import InputError
from chipwall.fleet.bands import load_band
from chipwall.fleet.presets import preset_named, read_trace, shipped_traces, trace_named
from chipwall.fleet.service import service_of
from chipwall.fleet.simulate import ROUTERS, Limits, LoadResult, Prefill, simulated_load
from chipwall.fleet.traffic import Fixed, Lengths, LogNormal, Prefixes, Trace, Traffic, Uniform
from chipwall.inputs import choice, count, number, seconds
from chipwall.perf.serving.loads import Arrivals, Users
from chipwall.perf.serving.setup import serving_hardware
from chipwall.text import text

__all__ = ["SPREADS", "load"]

SPREADS = ("log-normal", "uniform", "fixed")


def _arriving(
    load: Any, rate: Any, users: Any, trace: Any, cv: Any, speed: Any, max_in_flight: Any
) -> Arrivals | Users | Trace:
    given = [n for n, v in (("load", load), ("rate", rate), ("users", users), ("trace", trace)) if v is not None]
    if len(given) != 1:
        raise InputError(
            text("one load at a time") if given else text("no load is given"), where=", ".join(given) or "rate",
            fix=text("Give one of rate, users or trace"),
        )  # fmt: skip
    if max_in_flight is not None and rate is None:
        raise InputError(
            text("a limit of requests in flight belongs to a stream of arrivals"), where="max_in_flight",
            fix=text("Give a rate too, or users for a fixed number of requests"),
        )  # fmt: skip
    if load is not None:
        if not isinstance(load, Arrivals | Users | Trace):
            raise InputError(text("load is not a load"), where="load", fix=text("Give Arrivals(2.5), Users(64) or a trace"))
        return load
    if rate is not None:
        return Arrivals(rate, cv, max_in_flight)
    if users is not None:
        return Users(users)
    if isinstance(trace, str) and trace in shipped_traces():
        return trace_named(trace, speed=speed)
    if isinstance(trace, str) and not Path(trace).exists() and "." not in trace:
        raise InputError(
            text("no trace '{name}'", name=trace), where="trace",
            fix=text("Give a CSV file, or one of: {names}", names=", ".join(shipped_traces())),
        )  # fmt: skip
    return read_trace(Path(trace), speed=speed)


def _lengths_of(mean: float, spread: str, cv: float) -> Lengths:
    if spread == "fixed":
        return Fixed(mean)
    if spread == "uniform":
        return Uniform(max(0.8 * mean / 0.9, 1.0), mean / 0.9)
    return LogNormal(mean, cv)


@door
def load(
    model: str | LanguageModel,
    chip: str | Chip,
    *,
    chips: int = 1,
    preset: str | None = None,
    prompt: float | None = None,
    output: float | None = None,
    lengths: str = "log-normal",
    length_cv: float = 1.0,
    load: Arrivals | Users | Trace | None = None,
    rate: float | None = None,
    arrival_cv: float = 1.0,
    users: float | None = None,
    think: float = 0.0,
    trace: str | Path | None = None,
    speed: float = 1.0,
    max_in_flight: float | None = None,
    prefix_groups: int = 0,
    prefix_tokens: float = 0.0,
    router: str = "least-loaded",
    prefill_workers: int = 0,
    ttft: AmountLike | None = None,
    tpot: AmountLike | None = None,
    e2e: AmountLike | None = None,
    requests: int = 20_000,
    seed: int = 0,
    precision: str | None = None,
    kv: str | None = None,
    engine: str | None = None,
    engine_date: str | None = None,
    flags: str = "tuned",
    tensor: int | str = "auto",
    pipeline: int = 1,
    expert: int | None = None,
    attention_dp: bool = False,
    memory_utilization: float | None = None,
    max_batched_tokens: int | None = None,
    max_sequences: int | None = None,
    chunked_prefill: bool = True,
    front_end: AmountLike | None = None,
) -> Answer:
    """What the clients of a service see under a load, simulated request by request: tails, goodput, and whether it keeps up.

    Parameters
    ----------
    model, chip : str or record
        ``"llama-3.1-70b"``, ``"h200"``, or records, invented ones too.
    chips : int
        Chips in all; as many replicas as the layout leaves [1].
    preset : str
        A public workload: its lengths and limits, where nothing else is given.
    prompt, output : float
        Mean tokens of a prompt and of an answer [token].
    lengths : str
        How they spread: ``log-normal`` with ``length_cv``, ``uniform`` between 0.8 and 1 of the longest, or ``fixed``.
    load : Arrivals, Users or Trace
        When requests come; or one of the next arguments.
    rate, arrival_cv : float
        Requests per second, and the standard deviation of the time between them over its mean (1: Poisson) [1/s, 1].
    users, think : float
        Requests in the system, and the pause of a user between an answer and the next request [1, s].
    trace : str or Path
        A trace that ships (``azure-2023-conv``, ``azure-2023-code``, ``mooncake-conversation``) or a CSV file with
        ``arrival_s``, ``prompt_tokens``, ``output_tokens``; ``speed`` times as fast.
    max_in_flight : float
        Requests of a stream that the clients let be in the system at most [1].
    prefix_groups, prefix_tokens : int, float
        Beginnings that prompts share, and their length [1, token].
    router : str
        ``round-robin``, ``least-loaded`` or ``prefix-aware``.
    prefill_workers : int
        Of the replicas, how many only compute prompts.
    ttft, tpot, e2e : str or float
        What a good request holds: ``"1 s"``, or seconds.
    requests, seed : int
        How many requests are simulated, and the seed of their times and lengths.

    Returns
    -------
    Answer
        Figures ``ttft_p50`` to ``ttft_p99``, ``tpot_...``, ``e2e_...`` [s], ``rate``, ``goodput`` [1/s], ``output``
        [token/s]; the record is the simulation's :class:`~chipwall.fleet.simulate.LoadResult`.

    Raises
    ------
    InputError
        A name, number, trace or pair that cannot be, a model or request that does not fit.

    Examples
    --------
    >>> load("llama-3.1-8b", "h100", rate=5, prompt=500, output=100, requests=200).record.state
    'STABLE'
    """
    known = preset_named(preset) if preset is not None else None
    mean_in = number(prompt if prompt is not None else known.prompt if known else 1000, "prompt", least=1, most=1e7)
    mean_out = number(output if output is not None else known.output if known else 1000, "output", least=1, most=1e7)
    coming = _arriving(load, rate, users, trace, arrival_cv, speed, max_in_flight)
    spread = choice(lengths, "lengths", SPREADS)
    shared = Prefixes(prefix_groups, prefix_tokens) if prefix_groups or prefix_tokens else None
    cv = number(length_cv, "length_cv", least=0, most=20)
    traffic = Traffic(coming, _lengths_of(mean_in, spread, cv), _lengths_of(mean_out, spread, cv), shared, think)
    mean_in, mean_out = traffic.means()
    workers = count(prefill_workers, "prefill_workers", least=0, most=100_000)
    ways: dict[str, Any] = {"tensor": tensor, "pipeline": pipeline, "expert": expert, "attention_dp": attention_dp}
    limits_of_engine: dict[str, Any] = {
        "memory_utilization": memory_utilization, "max_batched_tokens": max_batched_tokens, "max_sequences": max_sequences,
        "chunked_prefill": chunked_prefill, "front_end": front_end,
    }  # fmt: skip
    question = question_of(
        chips=chips, prompt=mean_in, output=mean_out, precision=precision, kv=kv, engine=engine, engine_date=engine_date,
        flags=flags, rate=coming.rate if isinstance(coming, Arrivals) else None, **ways, **limits_of_engine,
    )  # fmt: skip
    record, calibrated = model_of(model), calibrated_in_use()
    machine = serving_hardware(chip_of(chip), calibrated, engine=question.engine)
    service = service_of(record, machine, question, calibrated)
    replicas = max(question.chips // service.chips, 1)
    if workers >= replicas and workers:
        raise InputError(
            text("{count} replicas cannot all prefill", count=workers), where="prefill_workers",
            fix=text("Leave at least one replica to decode: give fewer tensor-parallel ways, so that there are more replicas"),
        )  # fmt: skip
    limits = {n: seconds(v, n) for n, v in (("ttft", ttft), ("tpot", tpot), ("e2e", e2e)) if v is not None}
    if known and not limits:
        limits = {n: v for n, v in (("ttft", known.ttft), ("tpot", known.tpot)) if v < float("inf")}
    found = simulated_load(
        service, traffic, replicas=replicas - workers, router=choice(router, "router", ROUTERS),
        prefill=Prefill(service, workers) if workers else None, limits=Limits(**limits), seed=seed, requests=requests,
    )  # fmt: skip
    return _answer(found, record, chip_of(chip), question.chips, machine.sources, traffic, limits)


def _answer(
    found: LoadResult, model: LanguageModel, chip: Chip, chips: int, sources: tuple[str, ...], traffic: Traffic,
    limits: dict[str, float],
) -> Answer:  # fmt: skip
    figures = {}
    for name in ("ttft", "tpot", "e2e"):
        each = getattr(found, name)
        for part in ("p50", "p90", "p95", "p99"):
            value = getattr(each, part)
            if value == value:  # an answer of one token has no time per token
                low, high, _ = load_band("open", f"{'tpot' if name == 'tpot' else 'ttft'}_{'p50' if part == 'p50' else 'p99'}")
                figures[f"{name}_{part}"] = Figure(value, value * low, value * high, "s", "simulated")
    low, high, _ = load_band("open", "throughput")
    # below saturation what arrives is served: nothing of the chip is in that number
    low, high = (1.0, 1.0) if found.state == "STABLE" and not isinstance(traffic.load, Users) else (low, high)
    for name, value, unit in (
        ("rate", found.rate, "1/s"), ("goodput", found.goodput, "1/s"), ("output", found.output_tokens_per_s, "token/s"),
    ):  # fmt: skip
        figures[name] = Figure(value, value * low, value * high, unit, "simulated")
    origin = traffic.load.title if isinstance(traffic.load, Trace) else ""
    notes = [text("trace: {title}", title=origin)] if origin else []
    if found.state == "OVERLOADED":
        notes.append(text("overloaded: the queue grows as long as requests come; latencies are those of this many requests"))
    return Answer(
        "load", text("{model} on {chips} x {chip}", model=model.name, chips=chips, chip=chip.name), figures, found,
        notes=tuple(notes), sources=tuple(dict.fromkeys([*sources, model.source])),
        data=lambda: {**found.as_json(), "limits_s": dict(limits)}, source_of=source_of,
    )  # fmt: skip
