"""What can it do? Kernels, collectives, serving, training, fine-tuning, retrieval and science, with honest intervals."""
