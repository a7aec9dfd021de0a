"""Batches of environments: compiled for processors, on PyTorch's tensors, and in PyBullet, the reference."""
