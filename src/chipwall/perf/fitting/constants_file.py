"""``calibration.toml`` as text: the same constants always give the same bytes."""

from __future__ import annotations

from chipwall.perf.constants import Calibration, Constant

__all__ = ["calibration_toml"]

HEAD = """\
# Fitted constants of the performance model. Written by `chipwall calibrate`; do not edit by hand.
# value = low + (high - low) * expit(x), or low * (high / low) ** expit(x) where logarithmic, with
# x = level + slope * ln(TDP watts / peak TFLOP/s) + every offset whose labels all hold
#     + years of the software after 2025 * every trend whose labels all hold.
# rows: measurements behind the constant; spread: standard deviation of x over the folds of the cross-validation.
"""


def _number(value: float) -> str:
    """Six significant digits: more would claim what the data cannot carry, and would not reproduce."""
    shown = f"{value:.6g}"
    return shown if any(mark in shown for mark in ".en") else f"{shown}.0"


def repr_toml(words: str) -> str:
    """A string as TOML writes it."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _constant(constant: Constant) -> list[str]:
    lines = [f'[constants."{constant.name}"]', f'unit = "{constant.unit}"']
    lines += [f"low = {_number(constant.low)}", f"high = {_number(constant.high)}"]
    lines.append(f"level = {_number(constant.level)}")
    if constant.slope:
        lines.append(f"slope = {_number(constant.slope)}")
    lines += [f"rows = {constant.rows}", f"spread = {_number(constant.spread)}"]
    if constant.by:
        lines.append(f'by = "{constant.by}"')
    if constant.logarithmic:
        lines.append("logarithmic = true")
    if constant.peak:
        lines.append(f'peak = "{constant.peak}"')
    if constant.note:
        lines.append(f"note = {repr_toml(constant.note)}")
    if constant.offsets:
        offsets = ", ".join(f'"{key}" = {_number(value)}' for key, value in sorted(constant.offsets.items()))
        lines.append(f"offsets = {{ {offsets} }}")
    if constant.trends:
        trends = ", ".join(f'"{key}" = {_number(value)}' for key, value in sorted(constant.trends.items()))
        lines.append(f"trends = {{ {trends} }}")
    return lines


def calibration_toml(calibration: Calibration) -> str:
    """The file's text, constants in alphabetical order."""
    blocks = [HEAD + f'\ndata = "{calibration.data}"']
    blocks += ["\n".join(_constant(c)) for _, c in sorted(calibration.constants.items())]
    if calibration.seen:
        chips = [
            f"{kernel} = [{', '.join(repr_toml(c) for c in names)}]"
            for kernel, names in sorted(calibration.seen.items())
        ]
        blocks.append("# chips behind each kernel\n[seen]\n" + "\n".join(chips))
    if calibration.bands:
        bands = [f'"{name}" = [{_number(b[0])}, {_number(b[1])}]' for name, b in sorted(calibration.bands.items())]
        blocks.append(
            "# 80 % bands: factors on the predicted time, from rows that were left out\n[bands]\n" + "\n".join(bands)
        )
    return "\n\n".join(blocks) + "\n"
