"""What does it change? Supply, demand, two governments' gates, compute stocks and dependence, simulated over draws."""
