"""What a person brings: a model by its configuration, tensors or GGUF header, and a chip by a file of facts."""
