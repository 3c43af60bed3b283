"""What moves an answer: sensitivity, exploration, dependence."""
