"""Messages that reach a person as data, declared here so that they are collected and translated.

Nothing imports this module: it is read by :mod:`chipwall.report.language.collect`.
"""

from __future__ import annotations

from chipwall.text import Text, text


def plural(one: str, many: str) -> tuple[str, str]:
    """A message with a form for one thing and one for several; only the command line's parser has such."""
    return one, many


# how sure a fact is
STATUS: tuple[Text, ...] = (
    text("official"),
    text("measured"),
    text("reported"),
    text("estimated"),
    text("unverified"),
    text("unsourced"),
)

# what a source is
SOURCE_KIND: tuple[Text, ...] = (
    text("primary"),
    text("filing"),
    text("dataset"),
    text("press"),
    text("derived"),
)

# where a chip stands
STAGE: tuple[Text, ...] = (
    text("shipping"),
    text("announced"),
    text("rumoured"),
    text("cancelled"),
)

# what an answer is bound by, and what it rests on
BOUND: tuple[Text, ...] = (
    text("memory"),
    text("compute"),
    text("network"),
    text("host"),
)
BASIS: tuple[Text, ...] = (
    text("calibrated"),
    text("extrapolated"),
    text("limit"),
)

# parts of a training step, of an iteration of a serving engine, and of memory; kinds of recomputation
PART: tuple[Text, ...] = (
    text("linear layers"),
    text("attention"),
    text("element-wise"),
    text("number formats"),
    text("output head"),
    text("recomputation"),
    text("tensor parallel"),
    text("context parallel"),
    text("expert parallel"),
    text("data parallel"),
    text("pipeline imbalance"),
    text("pipeline bubble"),
    text("optimizer"),
    text("start and stop"),
    text("gradients"),
    text("adapters"),
    text("gathered layers"),
    text("cache"),
    text("index"),
    text("embedder"),
    text("full"),
)
OPERATOR: tuple[Text, ...] = (
    text("qkv"),
    text("attention output"),
    text("latent down"),
    text("latent query"),
    text("latent up"),
    text("latent output"),
    text("ffn up"),
    text("ffn down"),
    text("router"),
    text("shared up"),
    text("shared down"),
    text("expert up"),
    text("expert down"),
    text("head"),
)

# prices: place, channel, kind of offer
PRICE: tuple[Text, ...] = (
    text("china"),
    text("world"),
    text("united-states"),
    text("europe"),
    text("on-demand"),
    text("spot"),
    text("reserved"),
    text("reserved-1y"),
    text("reserved-3y"),
    text("average"),
    text("list"),
    text("transacted"),
    text("legal"),
    text("grey"),
    text("quote"),
    text("on demand"),
    text("one-year contract"),
    text("buy"),
    text("rent"),
)

# kinds of measurements
MEASUREMENT: tuple[Text, ...] = (
    text("inference"),
    text("finetune"),
    text("kernels"),
    text("collectives"),
    text("reduces"),
    text("hpc"),
    text("startup"),
)

# what a name can be looked up as
KIND: tuple[Text, ...] = (
    text("chip"),
    text("model"),
    text("system"),
    text("vendor"),
    text("family"),
    text("command"),
)

# the law: states of a rule, kinds of change, parts of an answer, topics of a test, classes of evidence
LAW: tuple[Text, ...] = (
    text("in_force"),
    text("stayed"),
    text("not_enforced"),
    text("letter_private"),
    text("scheduled_unverified"),
    text("rule"),
    text("limit"),
    text("classification"),
    text("licence"),
    text("licence as enforced"),
    text("licence on the books"),
    text("exceptions"),
    text("review policy"),
    text("duty"),
    text("revenue share"),
    text("China's gate"),
    text("flags"),
    text("is"),
    text("destination"),
    text("headquarters"),
    text("ownership"),
    text("United Arab Emirates"),
    text("AI Diffusion"),
    text("General Prohibition 10"),
    text("performance_density"),
    text("dram_bandwidth"),
    text("io_rate"),
    text("tpp"),
    text("density"),
    text("die_area"),
    text("transistors"),
)

# answers of the law as claims and JSON name them, kinds of work, units that are words
ANSWER: tuple[Text, ...] = (
    text("not_3A090"),
    text("required"),
    text("not_required"),
    text("required_by_letter"),
    text("exception_available"),
    text("presumption_of_denial"),
    text("presumption_of_approval"),
    text("case_by_case"),
    text("not_stated"),
    text("licences_being_issued"),
    text("in_country"),
    text("us_import"),
    text("export"),
    text("reexport"),
    text("training"),
    text("adapters"),
    text("prefill"),
    text("decode"),
    text("mixed"),
    text("full"),
    text("serve"),
    text("lora"),
    text("times"),
    text("chips"),
)

# flags of an answer of the law
FLAG: tuple[Text, ...] = (
    text("affiliates_rule"),
    text("affiliates_status_unverified"),
    text("affiliates_stayed"),
    text("after_horizon"),
    text("announcement_pending"),
    text("assurance_only"),
    text("cn_blocked"),
    text("compliance_date_2024-12-31"),
    text("compliance_date_2025-05-15"),
    text("gp10_analysis_carveout"),
    text("gp10_class"),
    text("gp10_named"),
    text("hq_rule"),
    text("indeterminate_dram_sum"),
    text("needs_certifications"),
    text("on_books_worldwide_not_enforced"),
    text("part746"),
    text("pd_undefined_planar"),
    text("revenue_share_unpublished"),
    text("scheduled_lapse_unverified"),
    text("spec_estimate"),
    text("spec_unknown"),
    text("supp8_740"),
    text("uae_named"),
    text("vendor_letter"),
)

# kinds of value in a data file
VALUE: tuple[Text, ...] = (
    text("word"),
    text("flag"),
)

# dimensions of a language model, by the names that CSV and JSON give them
DIMENSION: tuple[Text, ...] = (
    text("depth"),
    text("hidden"),
    text("vocab"),
    text("tied_embeddings"),
    text("norm"),
    text("max_context"),
    text("default_dtype"),
    text("released"),
    text("hf_id"),
    text("vision"),
    text("lookup"),
    text("missing"),
    text("refusal"),
    text("count"),
    text("attention"),
    text("heads"),
    text("kv_heads"),
    text("head_dim"),
    text("value_dim"),
    text("window"),
    text("query_rank"),
    text("latent_rank"),
    text("rotary"),
    text("output_rank"),
    text("output_groups"),
    text("gate"),
    text("shared_keys"),
    text("one_vector"),
    text("keeps"),
    text("compression"),
    text("near"),
    text("index_heads"),
    text("index_dim"),
    text("index_keys"),
    text("convolution"),
    text("feed_forward"),
    text("ffn"),
    text("gated"),
    text("experts"),
    text("top_k"),
    text("expert_ffn"),
    text("shared_ffn"),
    text("expert_dim"),
    text("idle_experts"),
    text("other"),
)

# what the operating system says about files
SYSTEM: tuple[Text, ...] = (
    text("No such file or directory"),
    text("Permission denied"),
    text("Is a directory"),
    text("Not a directory"),
    text("Read-only file system"),
    text("No space left on device"),
)

# what the parser of the command line (click) says; it asks gettext for these itself
PARSER: tuple[Text, ...] = (
    text("Usage:"),
    text("Options"),
    text("Commands"),
    text("Positional arguments"),
    text("default: {default}"),
    text("(dynamic)"),
    text("Missing option"),
    text("Missing argument"),
    text("Missing parameter"),
    text("Missing command."),
    text("Invalid value: {message}"),
    text("Invalid value for {param_hint}: {message}"),
    text("No such option {name!r}."),
    text("No such command {name!r}."),
    text("Option {name!r} does not take a value."),
    text("Argument {name!r} takes {nargs} values."),
    text("Choose from:\n\t{choices}"),
    text("{value!r} is not a valid {number_type}."),
    text("{value} is not in the range {range}."),
    text("{value!r} is not a valid boolean. Recognized values: {states}"),
    text("{name} {filename!r} does not exist."),
    text("{name} {filename!r} is a file."),
    text("{name} {filename!r} is a directory."),
    text("{name} {filename!r} is not readable."),
    text("{name} {filename!r} is not writable."),
)
PARSER_COUNTS: tuple[tuple[str, str], ...] = (
    plural("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    plural("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    plural("Takes {nargs} values but 1 was given.", "Takes {nargs} values but {len} were given."),
    plural("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    plural("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)
# the parser keeps the first of these from its first use, and the law says "required" of licences, so the help page asks
# for both by other names
HELP: tuple[Text, ...] = (
    text("Show this help."),
    text("must be given"),
)
