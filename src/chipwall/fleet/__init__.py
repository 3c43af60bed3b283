"""Fleets: how many of which chip carry a load, what they cost, and what a stream of requests does to them."""
