"""What learners descend on: pure functions of tensors, from targets and returns to losses."""
