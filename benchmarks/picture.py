"""The speed table as a picture: one bar per peer and case, on a logarithmic axis."""

from __future__ import annotations

from pathlib import Path


def draw(recorded: dict, path: Path) -> None:
    """Write a PNG of every recorded ratio, with the goals marked."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    bars = [
        (f"{area.replace('_', ' ')}, {row['case']}", peer, ratio, row["goal"].get(peer))
        for area, content in recorded["areas"].items()
        for row in content["rows"]
        for peer, ratio in row["peers"].items()
    ]
    if not bars:
        return
    figure, axes = plt.subplots(figsize=(9, 0.22 * len(bars) + 1.2), layout="constrained")
    peers = sorted({peer for _, peer, _, _ in bars})
    colours = dict(zip(peers, plt.get_cmap("tab20").colors * 2, strict=False))
    for place, (_, peer, ratio, goal) in enumerate(bars):
        axes.barh(place, ratio - 1.0, left=1.0, color=colours[peer], height=0.7)
        if goal is not None:
            axes.plot([goal, goal], [place - 0.4, place + 0.4], color="black", linewidth=1.5)
    axes.set_yticks(range(len(bars)), [f"{case}: {peer}" for case, peer, _, _ in bars], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set_xlabel("peer time / our time (black mark: goal)")
    figure.savefig(path, dpi=110)
    plt.close(figure)
