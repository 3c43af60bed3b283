"""Serving a language model: workload, memory, step, layouts, the answer."""
