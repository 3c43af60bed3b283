"""Predict rows of ``finetune.csv``: the rules are those of training rows, with adapters and packed weights."""

from __future__ import annotations

from chipwall.perf.evidence.training_rows import out_of_fold, predict_rows

__all__ = ["out_of_fold", "predict_rows"]
