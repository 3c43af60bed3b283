"""The table of quantities that a claim may speak of, each with the conditions it takes."""

from __future__ import annotations

from collections.abc import Mapping

from chipwall.catalog.quantities import QUANTITIES as FACTS
from chipwall.claims.readings.groups import CHIP_GROUPS
from chipwall.claims.readings.series import STOCKS
from chipwall.claims.vocabulary import ASSUMPTIONS, ClaimQuantity, ConditionKind
from chipwall.text import text

__all__ = ["CLAIM_QUANTITIES"]


def _measure(*dimensions: str) -> ConditionKind:
    names = tuple(n for n, q in FACTS.items() if not dimensions or q.dimension not in dimensions)
    return ConditionKind("measure", "choice", text("Which fact of the catalogue."), names)


_ON = ConditionKind("on", "day", text("Day of the law."))
_LEGAL = ("tpp", "performance_density", "dram_bandwidth", "io_rate")
_FORMATS = ("bf16", "fp16", "fp8", "int8", "int4", "nf4", "fp4", "mxfp4", "fp32")
_MODEL = ConditionKind("model", "model", text("Language model."))
_CHIPS = ConditionKind("chips", "count", text("Chips that share the work."), default=1.0)
_OFFER_PLACE = ConditionKind(
    "place", "choice", text("Where it is offered."), ("china", "united-states", "world", "anywhere"), "anywhere"
)
_JOURNEY = (
    _ON,
    ConditionKind("destination", "country", text("Where it goes."), default="CN"),
    ConditionKind("headquarters", "country", text("Where the end user is headquartered."), default="CN"),
    ConditionKind(
        "activity", "choice", text("How it travels."), ("export", "reexport", "in_country", "us_import"), "export"
    ),
    ConditionKind("party", "choice", text("A phrase for the end user; none by default."), default="none"),
)
_SERVING = (
    _MODEL,
    ConditionKind(
        "precision",
        "choice",
        text("Format of the weights and products."),
        ("bf16", "fp16", "fp8", "int8", "fp4", "mxfp4", "int4", "int8_weights"),
        "fp8",
    ),
    _CHIPS,
    ConditionKind(
        "phase",
        "choice",
        text("Prompts only, answers only, both in flight, or both with as many in flight as memory holds."),
        ("prefill", "decode", "mixed", "full"),
        "mixed",
    ),
    ConditionKind("batch", "count", text("Sequences in flight on all chips."), default=1.0),
    ConditionKind("prompt", "count", text("Tokens of a prompt."), default=2048.0),
    ConditionKind("output", "count", text("Tokens of an answer."), default=256.0),
    ConditionKind(
        "engine",
        "choice",
        text("Serving software."),
        ("typical", "trtllm", "trtllm-pytorch", "vllm", "sglang", "lmdeploy"),
        "typical",
    ),
)
# The other side of a ratio runs as the subject does, unless the claimant says otherwise.
_OTHER_SIDE = (
    ConditionKind(
        "baseline_batch",
        "count",
        text("Sequences in flight on the baseline's chips; the same by default."),
        default=0.0,
    ),
    ConditionKind("baseline_chips", "count", text("Chips on the baseline's side; the same by default."), default=0.0),
    ConditionKind(
        "baseline_precision",
        "choice",
        text("Format on the baseline's side; the same by default."),
        ("same", *_FORMATS),
        "same",
    ),
)
_FAMILIES = (
    "hopper",
    "blackwell",
    "blackwell-ultra",
    "ampere",
    "ada",
    "ada-lovelace",
    "rubin",
    "cdna3",
    "cdna4",
    "cdna-3",
    "cdna-4",
)
_TRAINING = (
    _MODEL,
    ConditionKind(
        "task", "choice", text("Whole model, or adapters on a frozen one."), ("pretrain", "lora"), "pretrain"
    ),
    ConditionKind("precision", "choice", text("Format of the products."), ("bf16", "fp16", "fp8"), "bf16"),
    _CHIPS,
    ConditionKind("batch", "count", text("Sequences of one step."), default=512.0),
    ConditionKind("sequence", "count", text("Tokens of a sequence."), default=2048.0),
)
_SCENARIOS = (
    ConditionKind("scenario", "scenario", text("What governments do.")),
    ConditionKind("against", "scenario", text("What it is compared with, draw by draw.")),
    ConditionKind("path", "path", text("Which quantity of the market.")),
    ConditionKind("quarter", "quarter", text("When.")),
    ConditionKind(
        "assumptions", "scenario", text("Whose parameter ranges; shipped ones by default."), default=ASSUMPTIONS
    ),
)

_ALL = (
    ClaimQuantity("fact", text("Fact"), text("A number or word of the catalogue."), "measure", (_measure(),)),
    ClaimQuantity(
        "fact_ratio",
        text("Ratio of facts"),
        text("The subject's number over the baseline's."),
        "1",
        (_measure("word", "flag"),),
        baseline=True,
    ),
    ClaimQuantity(
        "position",
        text("Position between two chips"),
        text("0 at the baseline, 1 at the upper chip, on a logarithmic scale."),
        "1",
        (_measure("word", "flag"), ConditionKind("upper", "chip", text("The chip at 1."))),
        baseline=True,
    ),
    ClaimQuantity(
        "legal_measure",
        text("Quantity of the law"),
        text("As the export rules define it, in exact decimal."),
        "legal",
        (ConditionKind("measure", "choice", text("Which one."), _LEGAL),),
    ),
    ClaimQuantity(
        "measure_over_limit",
        text("Multiple of a limit"),
        text("A quantity of the law over a limit in force on a day."),
        "1",
        (ConditionKind("limit", "limit", text("Which limit.")), _ON),
    ),
    ClaimQuantity(
        "limit_operand",
        text("What a limit limits"),
        text("The operand of the clause that uses the limit."),
        "word",
        (ConditionKind("limit", "limit", text("Which limit.")), _ON),
        subject=False,
    ),
    ClaimQuantity(
        "decision",
        text("Decision of the law"),
        text("One answer for a chip on a journey on a day."),
        "answer",
        (
            ConditionKind(
                "answer",
                "choice",
                text("Which answer."),
                (
                    "eccn",
                    "licence_as_enforced",
                    "licence_on_books",
                    "review_policy",
                    "duty",
                    "revenue_share",
                    "china_gate",
                ),
            ),
            *_JOURNEY,
        ),
    ),
    ClaimQuantity(
        "event_effect",
        text("Effect of an event"),
        text("What an event of the record did to the law."),
        "word",
        (ConditionKind("event", "event", text("Which event.")),),
        subject=False,
    ),
    ClaimQuantity(
        "earlier_relaxations",
        text("Earlier relaxations"),
        text(
            "Acts of the record that loosened the rules for chips to China before a day; none means that it was the first."
        ),
        "1",
        (_ON,),
        subject=False,
    ),
    ClaimQuantity(
        "belongs_to",
        text("Family of silicon"),
        text("Whether a chip is of a family, Hopper for example."),
        "flag",
        (ConditionKind("family", "choice", text("Which family."), _FAMILIES),),
    ),
    ClaimQuantity(
        "came_out",
        text("When it came out"),
        text("Whether a chip was announced, or first shipped, between two days."),
        "flag",
        (
            ConditionKind("event", "choice", text("Announced, or available."), ("announced", "available")),
            ConditionKind("from", "day", text("First day.")),
            ConditionKind("until", "day", text("Last day.")),
        ),
    ),
    ClaimQuantity(
        "ratio_to_best",
        text("Ratio to the best of a group"),
        text("The subject's number over the best one among the chips of a group on sale that day."),
        "1",
        (
            ConditionKind("group", "choice", text("Whose chips."), tuple(CHIP_GROUPS)),
            ConditionKind(
                "measure",
                "choice",
                text("Which number."),
                ("tpp", "memory_bandwidth", "memory_capacity", "bf16_rate", "fp8_rate"),
            ),
            _ON,
        ),
    ),
    ClaimQuantity(
        "model_parameters",
        text("Parameters of a model"),
        text("All parameters, or those active for one token."),
        "1",
        (_MODEL, ConditionKind("counted", "choice", text("All, or the active ones."), ("all", "active"), "all")),
        subject=False,
    ),
    ClaimQuantity(
        "system_ratio",
        text("Ratio of systems"),
        text("One system's sum over its chips over another's; power counts the hosts."),
        "1",
        (
            ConditionKind("system", "system", text("Which system.")),
            ConditionKind("over", "system", text("The system it is compared with.")),
            ConditionKind(
                "measure",
                "choice",
                text("Which sum."),
                ("bf16_rate", "fp8_rate", "memory_capacity", "memory_bandwidth", "power"),
            ),
        ),
        subject=False,
    ),
    ClaimQuantity(
        "memory_share",
        text("Share of memory needed"),
        text("Memory that the task needs over what the chips have for it; at most 1 means that it fits."),
        "1",
        (
            _MODEL,
            ConditionKind(
                "task",
                "choice",
                text("Serve it, with a retrieved context in the cache, or fine-tune it with adapters."),
                ("serve", "lora"),
            ),
            ConditionKind("weights", "choice", text("Format of the weights."), _FORMATS),
            _CHIPS,
            ConditionKind(
                "context",
                "count",
                text("Tokens in the cache of a sequence, or of a training sequence."),
                default=2048.0,
            ),
            ConditionKind("sequences", "count", text("Sequences at once."), default=1.0),
            ConditionKind("rank", "count", text("Rank of the adapters."), default=16.0),
        ),
    ),
    ClaimQuantity(
        "throughput",
        text("Throughput"),
        text("Tokens per second of all chips; prompt tokens for prefill."),
        "token/s",
        _SERVING,
    ),
    ClaimQuantity(
        "throughput_ratio",
        text("Ratio of throughputs"),
        text("The subject's over the baseline's, per side as given."),
        "1",
        (*_SERVING, *_OTHER_SIDE),
        baseline=True,
    ),
    ClaimQuantity(
        "energy_ratio",
        text("Ratio of energy per token"),
        text(
            "Tokens per joule of the subject over those of the baseline: above 1 the subject does more with the same energy."
        ),
        "1",
        _SERVING,
        baseline=True,
    ),
    ClaimQuantity("first_token_time", text("Time to first token"), text("Mean over requests."), "s", _SERVING),
    ClaimQuantity(
        "token_time", text("Time per output token"), text("Between two tokens of one answer."), "s", _SERVING
    ),
    ClaimQuantity("step_time", text("Time of a training step"), text("One optimizer step."), "s", _TRAINING),
    ClaimQuantity(
        "training_ratio",
        text("Ratio of training speeds"),
        text("The subject's tokens per second over the baseline's."),
        "1",
        _TRAINING,
        baseline=True,
    ),
    ClaimQuantity(
        "work_ratio",
        text("Ratio over kinds of work"),
        text("The subject's speed over the baseline's, by kind of work; sequences and prompts of 2,048 tokens."),
        "1",
        (
            _MODEL,
            ConditionKind(
                "work",
                "choice",
                text("Kind of work."),
                ("training", "adapters", "prompts", "1 answer", "8 answers", "32 answers"),
            ),
            ConditionKind("precision", "choice", text("Format of the products."), ("bf16", "fp8"), "bf16"),
            ConditionKind(
                "chips", "count", text("Chips that serve; sixteen times as many train or tune."), default=8.0
            ),
        ),
        baseline=True,
    ),
    ClaimQuantity(
        "measured_ratio",
        text("Ratio of measured throughputs"),
        text("Median over published pairs that share source, round, model, scenario and number format, per chip."),
        "1",
        (
            _MODEL,
            ConditionKind(
                "scenario", "choice", text("Scenario of the benchmark."), ("offline", "server", "interactive")
            ),
            ConditionKind(
                "round",
                "choice",
                text("Round of the benchmark."),
                ("v4.0", "v4.1", "v5.0", "v5.1", "v6.0", "any"),
                "any",
            ),
            ConditionKind("source", "choice", text("Who measured."), ("mlperf", "any"), "mlperf"),
        ),
        baseline=True,
    ),
    ClaimQuantity(
        "hpc_ratio",
        text("Ratio in scientific computing"),
        text("The subject's speed over the baseline's on one kind of kernel."),
        "1",
        (
            ConditionKind(
                "kernel",
                "choice",
                text("Kind of kernel."),
                ("stream", "stencil", "hpcg", "fft", "vector", "dgemm", "hpl"),
            ),
        ),
        baseline=True,
    ),
    ClaimQuantity(
        "price",
        text("Price"),
        text("Of one chip, newest quote by that day."),
        "USD",
        (_OFFER_PLACE, ConditionKind("on", "day", text("Newest quote by this day."))),
    ),
    ClaimQuantity(
        "rent",
        text("Rent"),
        text("Of one chip for an hour, newest quote by that day."),
        "USD/s",
        (_OFFER_PLACE, ConditionKind("on", "day", text("Newest quote by this day."))),
    ),
    ClaimQuantity(
        "price_ratio",
        text("Ratio of prices"),
        text("Price or rent of the subject over the baseline's, newest quotes by that day."),
        "1",
        (
            ConditionKind("offer", "choice", text("Bought or rented."), ("buy", "rent")),
            _OFFER_PLACE,
            ConditionKind("on", "day", text("Newest quotes by this day.")),
        ),
        baseline=True,
    ),
    ClaimQuantity(
        "cost_per_unit_ratio",
        text("Ratio of cost per unit"),
        text("Price or rent over a fact, relative to the baseline's: above 1 the subject is dearer for the same."),
        "1",
        (
            ConditionKind("offer", "choice", text("Bought or rented."), ("buy", "rent")),
            _measure("word", "flag"),
            _OFFER_PLACE,
            ConditionKind("on", "day", text("Newest quotes by this day.")),
        ),
        baseline=True,
    ),
    ClaimQuantity(
        "series",
        text("Market series"),
        text("One published number with its definition and vintage; a year of quarters is summed."),
        "observation",
        (ConditionKind("observation", "observation", text("'series @ period'.")),),
        subject=False,
    ),
    ClaimQuantity(
        "series_ratio",
        text("Ratio of two series"),
        text("One published number over another."),
        "1",
        (
            ConditionKind("observation", "observation", text("'series @ period'.")),
            ConditionKind("over", "observation", text("What it is divided by; a series alone means the same period.")),
        ),
        subject=False,
    ),
    ClaimQuantity(
        "series_growth",
        text("Growth of a series"),
        text("One published number over an earlier one, less one."),
        "1",
        (
            ConditionKind("observation", "observation", text("The later number.")),
            ConditionKind("from", "observation", text("The earlier number.")),
        ),
        subject=False,
    ),
    ClaimQuantity(
        "stock_share",
        text("Share of a stock"),
        text(
            "What a group of sources holds of China's stock of compute, in the newest quarter that all of them count."
        ),
        "1",
        (
            ConditionKind("part", "choice", text("Whose part."), tuple(STOCKS)),
            ConditionKind("on", "day", text("Newest quarter by this day.")),
        ),
        subject=False,
    ),
    ClaimQuantity(
        "scenario_value",
        text("Outcome of a scenario"),
        text("A quantity of the market under one scenario, over draws."),
        "path",
        tuple(c for c in _SCENARIOS if c.name != "against"),
        subject=False,
    ),
    ClaimQuantity(
        "scenario_difference",
        text("Difference of scenarios"),
        text("One scenario less another, on shared draws."),
        "path",
        _SCENARIOS,
        subject=False,
    ),
    ClaimQuantity(
        "scenario_ratio",
        text("Ratio of scenarios"),
        text("One scenario over another, on shared draws."),
        "1",
        _SCENARIOS,
        subject=False,
    ),
    ClaimQuantity(
        "scenario_growth",
        text("Growth under a scenario"),
        text("A quantity of the market in a quarter over an earlier one, less one."),
        "1",
        (
            *(c for c in _SCENARIOS if c.name != "against"),
            ConditionKind("from", "quarter", text("The earlier quarter.")),
        ),
        subject=False,
    ),
)

CLAIM_QUANTITIES: Mapping[str, ClaimQuantity] = {q.name: q for q in _ALL}
