"""What a claim reads: facts, law, memory, performance, series, scenarios."""
