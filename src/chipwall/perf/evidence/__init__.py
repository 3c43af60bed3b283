"""Measured rows as cases and predictions, and those nearest to an answer."""
