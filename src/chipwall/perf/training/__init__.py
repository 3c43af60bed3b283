"""Training and fine-tuning a language model: workload, memory, step, layouts, the answer."""
