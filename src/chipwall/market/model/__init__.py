"""The market as a model: supply, demand, gates, stock, ledger, draws, paths."""
