"""Multi-agent deep reinforcement learning: the place where PyTorch lives, and nowhere else.

It holds no algorithm yet: values and policies come with later versions.
"""

if __name__ != "marlgt.deep":
    raise ImportError("write `import marlgt.deep` (or `from marlgt import deep`), not `import deep`")

__all__: list[str] = []
