"""Run the speed benchmarks and write ``results/speed.json``, ``speed.md`` and ``speed.png``.

``python -m benchmarks`` runs all of them; ``python -m benchmarks zero_sum correlated`` runs some and
keeps the recorded rows of the others. Studies of what learners reach run by name, for example
``python -m benchmarks convergence_maps``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.studies import STUDIES, run_study

RESULTS = Path(__file__).parent / "results"
AREAS = (
    "zero_sum",
    "lemke_howson",
    "all_equilibria",
    "n_player",
    "all_isolated",
    "correlated",
    "cold_start",
    "stochastic_zero_sum",
    "stochastic_general_sum",
    "cfr",
    "tree_size",
    "search_and_empirical",
    "gambit_trees",
    "tabular_speed",
    "drone_speed",
    "drone_peers",
    "drone_gpu",
    "deep_peers",
    "policy_peers",
    "deep_speed",
    "deep_gpu",
)
PACKAGES = (
    "marlgt",
    "numpy",
    "scipy",
    "numba",
    "highspy",
    "nashpy",
    "quantecon",
    "open_spiel",
    "LiteEFG",
    "pygambit",
    "pybullet",
    "stable_baselines3",
    "torch",
)


def main(names: list[str]) -> int:
    for library in ("OMP", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    unknown = sorted(set(names) - set(AREAS) - set(STUDIES))
    if unknown:
        print(f"no benchmark {unknown[0]!r}: choose from {', '.join((*AREAS, *STUDIES))}", file=sys.stderr)
        return 2
    for name in names:
        if name in STUDIES:
            print(f"{name} …", flush=True)
            run_study(name, RESULTS)
    if names and set(names) <= set(STUDIES):
        return 0
    path = RESULTS / "speed.json"
    recorded = json.loads(path.read_text()) if path.exists() else {"areas": {}}
    for name in [name for name in names if name in AREAS] or AREAS:
        print(f"{name} …", flush=True)
        rows = importlib.import_module(f"benchmarks.{name}").run()
        recorded["areas"][name] = {
            "command": f"python -m benchmarks {name}",
            # What was not timed is nothing in JSON, which has no NaN.
            "rows": [
                asdict(row) | {"ours": None if row.ours != row.ours else row.ours, "met": row.met} for row in rows
            ],
        }
        for row in rows:
            print(f"  {describe(row.__dict__ | {'met': row.met})}", flush=True)
        save(recorded)
    return 0


def save(recorded: dict) -> None:
    """Write what is recorded so far, so that an interrupted run loses no area."""
    from benchmarks.picture import draw

    recorded["versions"] = versions()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.json").write_text(json.dumps(recorded, indent=1, default=float) + "\n")
    (RESULTS / "speed.md").write_text(table(recorded))
    draw(recorded, RESULTS / "speed.png")


def versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": f"{os.cpu_count()} cores, {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def describe(row: dict) -> str:
    peers = ", ".join(f"{name} {ratio:.3g}x{goal_of(row, name)}" for name, ratio in row["peers"].items())
    facts = ", ".join(f"{name} {value:.4g}" for name, value in row["facts"].items())
    asked = bool(row["goal"] or row["facts_goal"])
    verdict = ("met" if row["met"] else "NOT MET") if asked else ""
    return f"{row['case']}: {duration(row['ours'])}; " + "; ".join(x for x in (peers, facts, verdict) if x)


def goal_of(row: dict, name: str) -> str:
    return f" (goal {row['goal'][name]:.3g})" if name in row["goal"] else ""


def duration(seconds: float | None) -> str:
    if seconds is None or seconds != seconds:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def table(recorded: dict) -> str:
    lines = [
        "# Speed",
        "",
        "Ratios are peer time over our time, the median of interleaved rounds of CPU seconds in one process; "
        "above 1 we are faster. Reproduce with `make bench`.",
        "",
        ", ".join(f"{name} {version}" for name, version in recorded["versions"].items()) + ".",
    ]
    for name, area in recorded["areas"].items():
        lines += ["", f"## {name.replace('_', ' ')}", "", f"`{area['command']}`", ""]
        lines += ["| case | ours | peers (times slower than ours) | other figures | goal |", "|---|---|---|---|---|"]
        for row in area["rows"]:
            peers = ", ".join(f"{peer} {ratio:.3g}{goal_of(row, peer)}" for peer, ratio in row["peers"].items())
            facts = ", ".join(f"{key} {value:.4g}" for key, value in row["facts"].items())
            asked = bool(row["goal"] or row["facts_goal"])
            verdict = ("met" if row["met"] else "**missed**") if asked else ""
            note = f" ({row['note']})" if row["note"] else ""
            lines.append(f"| {row['case']}{note} | {duration(row['ours'])} | {peers} | {facts} | {verdict} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
