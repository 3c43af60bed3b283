"""How many of which chips serve a load, and what its clients see: request-level simulation, plans and their cost."""
