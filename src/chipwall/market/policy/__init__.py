"""Decisions as scenarios: their files, levers and thresholds."""
