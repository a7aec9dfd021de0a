"""What learners remember: the steps of all seeds, drawn uniformly, by priority, or as sequences."""
