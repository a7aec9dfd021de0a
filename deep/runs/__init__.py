"""What a run leaves behind: its record, its curve, its checkpoints."""
