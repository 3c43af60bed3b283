"""Figures: records that say what they show, and one way to draw each kind of them in any width, language and theme."""

from chipwall.report.forms.charts.chart import Chart
from chipwall.report.forms.charts.draw import chart_png, chart_spec, chart_svg

__all__ = ["Chart", "chart_png", "chart_spec", "chart_svg"]
