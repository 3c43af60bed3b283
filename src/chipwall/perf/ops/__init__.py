"""Time of one operator on one chip or group of chips: products, attention, experts, collectives."""
