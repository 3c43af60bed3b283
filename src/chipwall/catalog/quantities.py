"""The glossary of chip and system quantities: one name, one meaning, one dimension."""

from __future__ import annotations

from dataclasses import dataclass

from chipwall.text import Text, text

__all__ = ["QUANTITIES", "Quantity"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named quantity.

    ``dimension`` is the SI unit without prefix, ``word`` for text and ``flag`` for yes or no; ``title`` is what a person
    reads, ``meaning`` the definition.
    """

    name: str
    dimension: str
    title: Text
    meaning: Text


def _rate(name: str, title: Text) -> Quantity:
    meaning = text("Dense peak rate of the matrix or vector engine in this format; sparse figures are never used.")
    return Quantity(f"{name}_rate", "flop/s", title, meaning)


_ALL = (
    _rate("fp64", text("FP64")),
    _rate("fp64_tensor", text("FP64 tensor")),
    _rate("fp32", text("FP32")),
    _rate("tf32", text("TF32")),
    _rate("bf16", text("BF16")),
    _rate("fp16", text("FP16")),
    _rate("fp8", text("FP8")),
    _rate("fp6", text("FP6")),
    _rate("fp4", text("FP4")),
    _rate("int8", text("INT8")),
    _rate("int4", text("INT4")),
    Quantity(
        "memory_capacity", "byte", text("Memory"), text("Capacity as marketed; the gigabytes of HBM parts are GiB.")
    ),
    Quantity(
        "memory_reported", "byte", text("Usable memory (device tool)"), text("What the device tool reports to a program.")
    ),
    Quantity(
        "memory_bandwidth", "byte/s", text("Memory bandwidth"), text("Peak rate between chip and its own memory.")
    ),
    Quantity("memory_type", "word", text("Memory type"), text("HBM2e, HBM3, GDDR6 and so on.")),
    Quantity("memory_stacks", "1", text("Memory stacks"), text("Stacks of HBM in the package.")),
    Quantity("link_bandwidth", "byte/s", text("Link bandwidth"), text("Scale-up links of one chip, one direction.")),
    Quantity(
        "scaleup_domain", "1", text("Scale-up domain"), text("Chips that reach each other over the scale-up links.")
    ),
    Quantity("tdp", "W", text("TDP"), text("Thermal design power of one chip or card.")),
    Quantity("compute_die_area", "m2", text("Compute die area"), text("All compute dies of the package together.")),
    Quantity("io_die_area", "m2", text("I/O die area"), text("All I/O and base dies of the package together.")),
    Quantity(
        "applicable_die_area",
        "m2",
        text("Applicable die area"),
        text("All logic dies on a non-planar process, as the rule counts."),
    ),
    Quantity("compute_dies", "1", text("Compute dies"), text("Compute dies in the package; the package is one chip.")),
    Quantity("transistors", "1", text("Transistors"), text("Transistors of all dies.")),
    Quantity("l2_cache", "byte", text("L2 cache"), text("Last-level cache on the chip.")),
    Quantity("on_chip_sram", "byte", text("On-chip SRAM"), text("Software-managed memory on the chip.")),
    Quantity("core_count", "1", text("Cores"), text("Streaming multiprocessors, compute units or AI cores.")),
    Quantity("boost_clock", "1/s", text("Boost clock"), text("Highest advertised clock.")),
    Quantity(
        "pcie_generation", "generation", text("PCIe generation"), text("Generation of the host link, sixteen lanes.")
    ),
    Quantity("announced", "word", text("Announced"), text("First public announcement, as exact as known.")),
    Quantity("available", "word", text("Available"), text("First shipment to customers, as exact as known.")),
    Quantity("released", "word", text("Released"), text("Launch date as trackers print it.")),
    Quantity("status", "word", text("Status"), text("shipping, announced, rumoured or cancelled.")),
    Quantity("maker", "word", text("Maker"), text("Who designs and sells it.")),
    Quantity("designer_country", "word", text("Country of design"), text("Country of the designer's headquarters.")),
    Quantity("fab_node", "word", text("Process"), text("Foundry and process node.")),
    Quantity("form_factor", "word", text("Form"), text("Module, card or package.")),
    Quantity("data_centre", "flag", text("For data centres"), text("Designed or marketed for data centres.")),
    Quantity(
        "reported_tpp", "TPP", text("TPP, as reported"), text("Total processing performance as a tracker prints it.")
    ),
    Quantity(
        "derived_tpp",
        "TPP",
        text("TPP, from the table"),
        text("Computed by the compiler of the facts; kept for comparison."),
    ),
    Quantity("derived_tpp_tf32", "TPP", text("TPP with TF32"), text("The same, counting TF32 as 32 bits long.")),
    Quantity(
        "derived_density",
        "TPP/mm2",
        text("Density, from the table"),
        text("Computed by the compiler; kept for comparison."),
    ),
    Quantity(
        "derived_density_compute_dies",
        "TPP/mm2",
        text("Density on compute dies"),
        text("The same, leaving I/O dies out."),
    ),
    Quantity("derived_io_rate", "byte/s", text("I/O rate, one direction"), text("Scale-up links and PCIe together.")),
    Quantity("chips", "1", text("Chips"), text("Chips in the system.")),
    Quantity("nodes", "1", text("Nodes"), text("Servers or trays in the system.")),
    Quantity("network_cards", "1", text("Network cards per node"), text("Compute network cards of one node.")),
    Quantity("network_bandwidth", "byte/s", text("Network card rate"), text("One card, one direction.")),
    Quantity("host_power", "W", text("Host power per node"), text("Everything in a node but the accelerators.")),
)

QUANTITIES: dict[str, Quantity] = {q.name: q for q in _ALL}
