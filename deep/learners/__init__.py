"""What acts and learns: learners of values and of policies, for all seeds at once, and what they share."""
