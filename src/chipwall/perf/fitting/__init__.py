"""Fit of the constants from measured rows, their bands and the scoreboard."""
