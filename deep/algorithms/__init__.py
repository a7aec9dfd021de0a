"""The algorithms, one file each, on what they share."""
