"""Settings that work: for each kind of task, what its trainings were found to need, by measurements."""
