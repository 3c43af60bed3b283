"""A simulated load as tables: latencies by quantile, and where the first token's time goes."""

from __future__ import annotations

from chipwall.answer import Answer
from chipwall.fleet.simulate import LoadResult, Quantiles
from chipwall.report.forms.table import Cell, Column, Table
from chipwall.text import Text, text

__all__ = ["load_page", "parts_page"]

STATES = {
    "STABLE": text("STABLE: it keeps up"),
    "BACKLOGGED": text("BACKLOGGED: a queue stands, and does not grow"),
    "OVERLOADED": text("OVERLOADED: the queue grows"),
}


def _time(value: float) -> Cell:
    if value != value:
        return Cell("", None)
    return Cell(f"{value * 1e3:,.4g} ms" if value < 10 else f"{value:,.4g} s", value)


def _row(name: Text, key: str, q: Quantiles) -> tuple[object, ...]:
    return (Cell(name, key), *(_time(v) for v in (q.mean, q.p50, q.p90, q.p95, q.p99)))


def _columns(first: Text) -> tuple[Column, ...]:
    names = (("mean", text("Mean")), ("p50", "p50"), ("p90", "p90"), ("p95", "p95"), ("p99", "p99"))
    return (Column("quantity", first), *(Column(key, title, right=True) for key, title in names))


def load_page(answer: Answer) -> Table:
    """Latencies of the steady part, with state, rates and use of the replicas as notes."""
    r: LoadResult = answer.record
    start = r.start_up["ttft"]
    rows = (
        _row(text("time to first token"), "ttft", r.ttft), _row(text("time per output token"), "tpot", r.tpot),
        _row(text("whole request"), "e2e", r.e2e),
        *([_row(text("first token, at the start"), "ttft_start", start)] if start.mean == start.mean else []),
    )  # fmt: skip
    rates = text(
        "{state}; {rate:.4g} requests/s served of {offered:.4g}, {good:.1%} of them within every limit ({goodput:.4g}/s), "
        "{output:,.0f} output tokens/s",
        state=STATES[r.state], rate=r.rate, offered=r.offered, good=r.good, goodput=r.goodput, output=r.output_tokens_per_s,
    )  # fmt: skip
    use = text(
        "{replicas} replicas on {chips} chips, busy {busy:.0%} of the time; {inside:.4g} requests in the system; {requests:,} "
        "simulated, {preempted:,} sent back for want of cache, {hits:,} found their beginning cached",
        replicas=r.replicas, chips=r.chips, busy=r.utilisation, inside=r.inside, requests=r.requests, preempted=r.preempted,
        hits=r.prefix_hits,
    )  # fmt: skip
    return Table(answer.title, _columns(text("Latency")), rows, (rates, use, *answer.notes))


def parts_page(answer: Answer) -> Table:
    """Where the time to the first token goes."""
    r: LoadResult = answer.record
    front = Quantiles(*[r.front] * 5)
    rows = (
        _row(text("front end"), "front_end", front), _row(text("queue"), "queue", r.queue),
        _row(text("prompt"), "prefill", r.prefill), _row(text("transfer"), "transfer", r.transfer),
    )  # fmt: skip
    return Table(text("Time to first token by part"), _columns(text("Part")), rows, ())
