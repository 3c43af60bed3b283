"""Rows of the published tables of training and fine-tuning speed, read as setups the model can price.

The tables say what their sources said, so a reader of them needs rules: how a layout is completed, which arithmetic a
source counts in its TFLOP/s, which software a class of rows ran. The rules are here, in one place, and none depends on
what the model predicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chipwall import catalog
from chipwall.catalog.records import Chip, LanguageModel
from chipwall.errors import ChipwallError, InputError
from chipwall.perf.constants import Calibration
from chipwall.perf.device import Hardware, hardware
from chipwall.perf.evidence.names import measured_chip
from chipwall.perf.formats import FORMATS
from chipwall.perf.training.constants import LOOPED, labels_of, software_age
from chipwall.perf.training.memory import MIXED, PURE, Storage, adapter_count, storage_for
from chipwall.perf.training.shape import Shape, model_flops_per_token, shape_of
from chipwall.perf.training.states import habits_of, kept_states
from chipwall.perf.training.workload import Run
from chipwall.text import text
from chipwall.units import BITS_PER_BYTE, GIB, GIGA

__all__ = ["SOFTWARE", "TrainingSetup", "chip_of_row", "flops_of_row", "memory_of_row", "model_of_row", "setup_of_row"]

# Software family of each class of rows; what is not listed is taken as typical.
SOFTWARE = {
    "megatron-recipe": "megatron",
    "megatron-research": "megatron",
    "megatron-paper": "megatron",
    "mlperf": "mlperf",
    "mlperf-ambiguous": "mlperf",
    "mosaicml": "fsdp",
    "torchtitan": "fsdp",
    "maxtext-gpu": "maxtext",
    "internevo": "internevo",
    "vendor-npu": "mindspeed",
    "amd-recipe": "megatron",
    "tpu": "maxtext",
}
# Marks of fine-tuning software in the source or the notes of community rows, first match first.
COMMUNITY = (
    ("torchtune", "torchtune"), ("unsloth", "unsloth"), ("axolotl", "axolotl"), ("automodel", "automodel"),
    ("deepspeed", "deepspeed"), ("zero3", "deepspeed"), ("ms-swift", "ms-swift"), ("llama-factory", "llama-factory"),
    ("foak", "fused"), ("liger", "fused"),
)  # fmt: skip
# Mean tokens of packed documents, by what the source packs [token]: SQuAD answers with their paragraphs, Alpaca
# instructions; data set cards, rounded.
PACKED = (("squad packed", 200.0), ("llama3/finetuning", 200.0), ("packed to 2048", 120.0), ("+packed", 120.0))
# What torch's own count of a peak holds besides weights, states and activations [byte].
ALLOCATED = 0.3 * GIB
# Words of sources that ran Megatron, for tables without classes.
MEGATRON_SOURCES = ("Megatron", "NeMo", "Korthikanti", "seqsel")


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """One row as the model sees it.

    Attributes
    ----------
    id, metric, value, class_, group : str and float
        Of the row; ``group`` is source, model and chip, what cross-validation leaves out as a whole.
    hw, shape, run : Hardware, Shape, Run
        What is priced. ``run`` of a row without layout is a placeholder until a search fills it.
    recipe, software : str
        Format of the products and software family.
    declared : bool
        Whether the row states its layout, micro-batch and global batch.
    sequences : float
        Sequences of one step over all chips [1].
    expert_model : bool
        Whether the model is a mixture of experts.
    """

    id: str
    metric: str
    value: float
    class_: str
    group: str
    chip: Chip
    model: LanguageModel
    hw: Hardware
    shape: Shape
    run: Run
    recipe: str
    software: str
    declared: bool
    sequences: float
    expert_model: bool
    row: Mapping[str, str] = field(hash=False)

    @property
    def labels(self) -> dict[str, str]:
        """Labels that step constants may depend on."""
        block = _block_scaled(self.row.get("precision", ""))
        return labels_of(self.hw, recipe=self.recipe, software=self.software, block_scaled=block)


def cell_number(row: Mapping[str, str], column: str, default: float = 0.0) -> float:
    """A numeric cell; the default where it is blank."""
    words = (row.get(column) or "").strip()
    if not words:
        return default
    try:
        return float(words)
    except ValueError:
        raise InputError(
            text("'{words}' is not a number", words=words),
            where=text("row {id}, column {column}", id=row.get("id", "?"), column=column),
        ) from None


def recipe_of_row(words: str) -> str:
    """Format of the products from the words of a row."""
    lowered = words.lower()
    if "fp4" in lowered:
        return "fp4"
    if "fp8" in lowered:
        return "fp8"
    if "int8" in lowered:
        return "int8"
    return "bf16"


def software_of_row(row: Mapping[str, str]) -> str:
    """Software family of a row: by its class, and for fine-tuning by its source."""
    source = row.get("source_name", "")
    if row.get("method") and row.get("class", "") == "community":
        return next(
            (family for mark, family in COMMUNITY if mark in f"{source} {row.get('notes', '')}".lower()), "transformers"
        )
    if not row.get("class"):
        named = f"{source} {row.get('read_where', '')}"
        return "megatron" if any(name in named for name in MEGATRON_SOURCES) else ""
    return SOFTWARE.get(row["class"], "")


def _block_scaled(precision: str) -> bool:
    return "mx" in precision.lower() or "block" in precision.lower()


def chip_of_row(name: str) -> Chip:
    """The chip that a row names; names the catalogue is not sure of are taken as its alias table guesses."""
    try:
        return measured_chip(name)
    except ChipwallError:
        alias = catalog.load().names.chip_aliases.get(name)
        if alias is not None and alias.id:
            return catalog.load().chips[alias.id]
        for words, known in (("A100", "nvidia-a100-80gb-sxm"), ("910C", "huawei-ascend-910c")):
            if words in name:
                return measured_chip(known)
        raise


def model_of_row(name: str) -> tuple[LanguageModel, int]:
    """The model that a row names, and how many layers it was cut down to (0: whole)."""
    alias = catalog.load().names.model_aliases.get(name)
    cut = re.search(r"-(\d+)layers$", name)
    if alias is not None and alias.id:
        return catalog.load().models[alias.id], int(cut[1]) if cut else 0
    return catalog.model(name), 0


def flops_of_row(setup: TrainingSetup) -> float:
    """Arithmetic per token that the row's source counts in its TFLOP/s and MFU [flop].

    FlagPerf counts six per parameter; llm-foundry, InternEvo, NeMo 24 and the older Megatron papers count attention over
    the whole sequence; Megatron-Bridge and later sources count it causally. Where the base is frozen, NVIDIA's recipes
    count four per parameter and no attention.
    """
    row = setup.row
    if row.get("source_name") == "FlagPerf":
        return 6.0 * (cell_number(row, "active_params_b") or cell_number(row, "params_b")) * GIGA
    recent = setup.class_ in ("megatron-recipe", "amd-recipe") and "24." not in row.get("version_or_round", "")
    if setup.run.adapters:
        return 4.0 * float(setup.model.active_parameters or setup.model.parameters or 0.0)
    return float(model_flops_per_token(setup.shape, setup.run.sequence, causal=recent))


def setup_of_row(row: Mapping[str, str], kernels: Calibration) -> TrainingSetup:
    """A row of ``training.csv`` or ``finetune.csv`` as a setup; raises where the model cannot express it."""
    chip = chip_of_row(row["chip"])
    model, cut = model_of_row(row["model"])
    hw, shape = hardware(chip, kernels), shape_of(model, layers=cut)
    chips, sequence = cell_number(row, "n_chips", 1.0), cell_number(row, "seq_len")
    if not sequence:
        raise InputError(text("the sequence length is not stated"), where=row.get("id", ""))
    run, declared, sequences = _run_of_row(row, chip, hw, shape, chips, sequence)
    group = "|".join((row.get("source_name", ""), row["model"], row["chip"]))
    return TrainingSetup(
        id=row.get("id", ""),
        metric=row["metric"],
        value=cell_number(row, "value"),
        class_=row.get("class", "") or "unclassified",
        group=group,
        chip=chip,
        model=model,
        hw=hw,
        shape=shape,
        run=run,
        recipe=recipe_of_row(row.get("precision", "")),
        software=software_of_row(row),
        declared=declared,
        sequences=sequences,
        expert_model=model.is_moe,
        row=row,
    )


def _run_of_row(
    row: Mapping[str, str], chip: Chip, hw: Hardware, shape: Shape, chips: float, sequence: float
) -> tuple[Run, bool, float]:
    notes, source = row.get("notes", ""), row.get("sharding", "")
    tp, pp, cp = cell_number(row, "tp", 1.0), cell_number(row, "pp", 1.0), cell_number(row, "cp", 1.0)
    stated = bool(row.get("tp") and row.get("pp"))
    data = max(chips / (tp * pp * cp), 1.0)
    micro = cell_number(row, "micro_batch", 1.0)
    sequences = cell_number(row, "global_batch_sequences")
    if count := re.search(r"microbatch_count=(\d+)", notes):
        sequences = float(count[1]) * data * micro
    known = sequences > 0
    if not known:
        sequences = data * micro * max(8.0, 4.0 * pp)
    micro = min(micro, max(sequences / data, 1.0)) if row.get("micro_batch") else micro
    fsdp = "fsdp" in source or "FSDP=" in notes or "zero3" in source
    # optimizer and gradients sharded, weights gathered once a step: no gather per micro-batch
    fsdp = fsdp and not ("zero2" in source or "optimizer" in source)
    # DeepSpeed scripts of full fine-tuning shard everything, those of adapters the optimizer only
    fsdp = fsdp or (source.startswith("zero (script") and row.get("method") == "full_sft")
    shard = cell_number(row, "dp_shard") or data * cp
    if limit := re.search(r"FSDP(?:=|<=)(\d+)", notes):
        shard = min(float(limit[1]), data)
    if not fsdp and source in ("ddp", "none", "ddp/none"):
        shard = 1.0
    recompute, core = _recompute(row.get("recompute", ""), shape)
    if row.get("source_name") == "torchtune README":
        recompute = 1.0  # its recipes checkpoint activations unless they say otherwise
    node, network = _network(row, hw, chip)
    run = Run(
        chips=chips,
        sequence=sequence,
        micro_batch=micro,
        micro_batches=max(sequences / (data * micro), 1.0),
        tensor=tp,
        pipeline=pp,
        virtual=cell_number(row, "vp") or _usual_interleaving(row, shape, pp),
        context=cp,
        expert=cell_number(row, "ep", 1.0) if shape.experts else 1.0,
        expert_tensor=cell_number(row, "etp", 1.0),
        data=data,
        fsdp=float(fsdp),
        shard=shard,
        recompute=recompute,
        recompute_attention=core,
        adapters=float(row.get("method", "") in ("lora", "qlora")),
        graphs=_graphs(notes),
        captured=_captured(row, shape),
        age=software_age(hw.arch, year_of_training_row(row)),
        node=node,
        network=network,
        weight_reads=_weight_reads(row),
        sequence_parallel=0.0 if (row.get("sp") or "").strip() == "0" else 1.0,
        document=_document(row),
        adapted_blocks=float(_adapts_blocks(row)),
        looped=float(bool(shape.experts) and software_of_row(row) in LOOPED),
    )
    return run, stated and bool(row.get("micro_batch")) and known, sequences


def _recompute(words: str, shape: Shape) -> tuple[float, float]:
    """Share of layers computed again, and 1 where only the attention core is."""
    if words.startswith("full"):
        some = re.search(r"(?:\((\d+) layers\)|ACL=(\d+))", words)
        return (min(float(some[1] or some[2]) / float(shape.layers), 1.0) if some else 1.0), 0.0
    return 0.0, float(words.startswith("selective") and ":" not in words)


def _adapts_blocks(row: Mapping[str, str]) -> bool:
    """Whether adapters sit on the feed-forward matrices too: where the row names more than the attention's."""
    named = row.get("target_modules", "")
    return bool(named) and not named.startswith("attention")


def _document(row: Mapping[str, str]) -> float:
    """Mean tokens of the documents of a fine-tuning row that packs them [token]; 0 where it does not say so."""
    words = f"{row.get('notes', '')} {row.get('source_file', '')}".lower()
    stages = words.partition("cumulative: ")[2]
    if stages and stages.split(";")[0].strip() not in ("baseline (unpacked)",):
        return 120.0  # torchtune's flags add up from its second row on
    return next((tokens for mark, tokens in PACKED if row.get("method") and mark in words), 0.0)


def _graphs(notes: str) -> float:
    """Share of host work that captured graphs remove, from a row's note about CUDA graphs."""
    if "CUDA graphs full" in notes:
        return 0.98
    return 0.3 if "CUDA graphs transformer" in notes else 0.0


def _captured(row: Mapping[str, str], shape: Shape) -> float:
    """1 where the whole step is captured in a graph: stated, or a recipe of NeMo 26.06 and later without other words."""
    notes = row.get("notes", "")
    if "CUDA graphs" in notes:
        return float("CUDA graphs full" in notes)
    release = re.match(r"NeMo (\d+\.\d+)", row.get("version_or_round", ""))
    return float(bool(release) and float(release[1] if release else 0) >= 26.06 and float(shape.recurrent_layers) == 0)


def _usual_interleaving(row: Mapping[str, str], shape: Shape, pipeline: float) -> float:
    """Virtual stages where a row with pipeline stages does not say: tuned recipes interleave as far as layers allow."""
    tuned = row.get("class", "") in ("megatron-recipe", "mlperf", "mlperf-ambiguous")
    recent = not row.get("class") and year_of_training_row(row) >= 2023.0
    return max(float(int(float(shape.layers) / pipeline)), 1.0) if (tuned or recent) and pipeline > 1 else 1.0


def year_of_training_row(row: Mapping[str, str]) -> float:
    """Date of the software of a row, as a year with fraction; the middle of the year where only that is given."""
    found = re.match(r"(\d{4})(?:-(\d{2}))?", row.get("date", ""))
    if not found:
        return _year_of_source(row)
    return float(found[1]) + ((float(found[2]) - 0.5) / 12.0 if found[2] else 0.5)


def _year_of_source(row: Mapping[str, str]) -> float:
    """Date of a row without one: that of the arXiv number of its source, or of the release its source names; else 2025."""
    if paper := re.search(r"arxiv\.org/abs/(\d{2})(\d{2})\.", row.get("source_repo_or_url", "")):
        return 2000.0 + float(paper[1]) + (float(paper[2]) - 0.5) / 12.0
    if release := re.search(r"\b(2\d)\.(\d{2})\b", row.get("source_name", "")):
        return 2000.0 + float(release[1]) + (float(release[2]) - 0.5) / 12.0
    return 2025.0


def _network(row: Mapping[str, str], hw: Hardware, chip: Chip) -> tuple[float, float]:
    """Chips of a node, and network per chip [byte/s]."""
    node = 4.0 if chip.id.startswith(("nvidia-gb", "nvidia-gh")) else 8.0
    if row.get("nic_per_node") and row.get("nic_gbps"):
        return node, cell_number(row, "nic_per_node") * cell_number(row, "nic_gbps") * GIGA / BITS_PER_BYTE / node
    return node, float(hw.nic_bandwidth)


def _weight_reads(row: Mapping[str, str]) -> float:
    """Bytes moved per base weight and pass to undo 4-bit storage: read packed, write 16 bits, read them again.

    GPTQ unpacks group by group with reordered rows, which published timings show to cost about 2.5 times as much.
    """
    if row.get("method") != "qlora" and not row.get("quant"):
        return 0.0
    return 4.5 * (2.5 if "gptq" in row.get("quant", "") else 1.0)


def memory_of_row(row: Mapping[str, str], setup: TrainingSetup) -> tuple[Storage, float, float]:
    """What a row keeps in memory: bytes per weight, adapter weights, and 1 where embeddings are trained too.

    States follow the software (``data/training_states.toml``): DeepSpeed's scripts keep 32-bit masters, transformers what it
    was loaded in, Accelerate's FSDP 32 bits of everything, also between layers. Whole logits unless the loss is fused
    (liger); peaks that torch counts itself leave out the context and the libraries.
    """
    method, notes, sharding = row.get("method", ""), row.get("notes", ""), row.get("sharding", "")
    if not method:
        return storage_for(setup.recipe), 0.0, 0.0
    storage = replace(MIXED, logit=0.6 if "liger" in notes else 12.0)
    if "torchtune" in row.get("source_name", ""):
        storage = _torchtune(notes)
    elif row.get("class") == "community" and not sharding.startswith("zero"):
        sharded = "fsdp" in sharding
        storage = kept_states(habits_of("transformers", sharded=sharded).states, storage)
        # adapters leave the base in 16 bits, whole fine-tunes under FSDP gather a 16-bit copy for each layer
        storage = replace(
            storage, weight=storage.weight if method == "full_sft" else 2.0, stream=4.0 if sharded else 2.0
        )
    if "torch peak allocated" in notes:
        storage = replace(storage, runtime=ALLOCATED)
    if method == "qlora" or row.get("quant"):
        storage = replace(
            storage,
            weight=FORMATS["nf4" if "nf4" in row.get("quant", "") else "int4"].bits / BITS_PER_BYTE,
            logit=min(storage.logit, 8.0),
        )
    adapters = 0.0
    if method in ("lora", "qlora"):
        modules = "all" if _adapts_blocks(row) or not row.get("target_modules") else "attention"
        adapters = float(adapter_count(setup.shape, rank=cell_number(row, "lora_rank", 16.0), modules=modules))
    return storage, adapters, float("(emb)" in notes)


def _torchtune(notes: str) -> Storage:
    """Storage of a torchtune row; its flags add up from row to row."""
    stages = (
        "Baseline",
        "+packed",
        "+compile",
        "+chunked CE",
        "+activation ckpt",
        "+optim in bwd",
        "+act offload",
        "+8bit AdamW",
        "LoRA",
        "QLoRA",
    )
    stage = next((i for i, words in reversed(list(enumerate(stages))) if words in notes), len(stages))
    storage = replace(PURE, runtime=ALLOCATED)
    if stage >= stages.index("+chunked CE"):
        storage = replace(storage, logit=1.5)
    if stage >= stages.index("+optim in bwd"):
        storage = replace(storage, gradient=0.0)
    if stage >= stages.index("+act offload"):
        storage = replace(storage, activation=0.3)
    if "cumulative" not in notes:  # its recipe for one device pages the moments to the host
        return replace(storage, state=0.0)
    return replace(storage, state=2.0) if stage >= stages.index("+8bit AdamW") else storage
